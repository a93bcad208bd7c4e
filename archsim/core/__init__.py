"""A core: the stages of a matrix-vector product, played as a Program of their own and remembered."""
