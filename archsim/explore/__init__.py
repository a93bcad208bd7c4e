"""Sweeps: every combination of machine parameters and models, kept in a store, with the frontier of the best."""

from archsim.explore.export import frame
from archsim.explore.load import load_study
from archsim.explore.store import Store
from archsim.explore.sweep import sweep

__all__ = ["Store", "frame", "load_study", "sweep"]
