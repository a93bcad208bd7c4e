"""Which projections of a model go to arrays and which to digital units."""
