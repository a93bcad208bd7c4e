"""Mapping + Job -> Program."""
