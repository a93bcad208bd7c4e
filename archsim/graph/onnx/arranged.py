"""An imported Graph's nodes as a preset of the same model has them."""

from archsim.graph.onnx.edit import Edit
from archsim.graph.onnx.importer import Importer
from archsim.graph.onnx.projections import merge_projections


def arranged(importer: Importer) -> list[str]:
    """Change the nodes that an importer has made; the names of the Graph's results."""
    edit = Edit(importer.builder, importer.results())
    merge_projections(edit, importer.arrays)
    edit.finish()
    return edit.results
