"""Operators that a file has written out in simpler ones, known by how these hang together."""

from archsim.graph.onnx_importer import Importer


def fuse(importer: Importer) -> None:
    pass
