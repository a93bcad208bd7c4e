"""Operators of the domain com.microsoft, as onnxruntime's optimizer and quantizer write them, in ONNX's own."""

from archsim.graph.onnx.microsoft.attention import ATTENTION
from archsim.graph.onnx.microsoft.products import PRODUCTS
from archsim.graph.onnx.microsoft.quantised import QUANTISED
from archsim.graph.onnx.microsoft.rows import ROWS
from archsim.graph.onnx.writing import Write

MICROSOFT: dict[str, Write] = {**ATTENTION, **PRODUCTS, **QUANTISED, **ROWS}
"""By operator."""
