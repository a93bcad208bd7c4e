"""Models: typed operators with shapes."""

from archsim.graph.graph import Graph
from archsim.graph.load import load_model

Model = Graph

__all__ = ["Graph", "Model", "load_model"]
