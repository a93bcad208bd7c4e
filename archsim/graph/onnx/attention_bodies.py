"""ONNX's Attention and RotaryEmbedding in simpler operators, as exporters write them out."""

from archsim.graph.onnx.writing import Write

ATTENTION: dict[str, Write] = {}
