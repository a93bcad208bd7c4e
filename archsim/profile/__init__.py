"""How sensitive a model is to each of its projections being computed by a machine."""
