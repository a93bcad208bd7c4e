"""An imported Graph's nodes as a preset of the same model has them."""

from archsim.graph.onnx.blocks import group_layers
from archsim.graph.onnx.choosing import choose_ends
from archsim.graph.onnx.edit import Edit
from archsim.graph.onnx.head_norms import join_head_norms
from archsim.graph.onnx.importer import Importer
from archsim.graph.onnx.masks import free_masks
from archsim.graph.onnx.projections import attentions, merge_projections, projection
from archsim.graph.onnx.rotary import find_rotary, join_rotary
from archsim.graph.onnx.tables import add_positions, join_tables, tie_heads


def arranged(importer: Importer) -> list[str]:
    """Change the nodes that an importer has made; the names of the Graph's results."""
    edit = Edit(importer.builder, importer.results())
    find_rotary(edit, importer.arrays)
    merge_projections(edit, importer.arrays)
    for attention in list(attentions(edit)):
        join_head_norms(edit, attention, importer.arrays)
    for attention in list(attentions(edit)):
        join_rotary(edit, attention)
    join_tables(edit, importer.arrays)
    tie_heads(edit, importer.arrays)
    ends = [end for each in attentions(edit) for name in each.operands() if (end := projection(edit, name)) is not None]
    add_positions(edit, [end.key for end in ends])
    choose_ends(edit, ends)
    for attention in list(attentions(edit)):
        free_masks(edit, attention, importer.arrays)
    group_layers(edit, importer.free_layer)
    edit.finish()
    return edit.results
