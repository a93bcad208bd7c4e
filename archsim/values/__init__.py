"""Executing models on values: readers of weights, models, and the arithmetic that a machine does."""
