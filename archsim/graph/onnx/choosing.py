"""What looks at the first or the last position of a sequence alone, as a classifier or a head of a decoder does."""

from collections.abc import Collection
from dataclasses import replace

from archsim.graph.axes import Axis, dim, size_of
from archsim.graph.nodes import Contraction, Normalise
from archsim.graph.onnx.edit import Edit
from archsim.graph.streams import Positions, Stream
from archsim.graph.views import Chosen, Slice


def choose_ends(edit: Edit, projections: Collection[Contraction]) -> None:
    """Slices of one position, the first or the last, of the sequence along which attention works.

    projections: of attentions. Where they work along one axis, that is a stream, of whose positions a slice is one.
    A norm that only what looks at the last position reads is done for that position.
    """
    axes = {
        factor.axis
        for node in projections
        for letter in node.rows
        for factor in node.shape[node.result.index(letter)]
        if factor.size != 1
    }
    if len(axes) != 1 or (old := next(iter(axes))).stream is not None or old.size is None:
        return
    axis = replace(old, stream=Stream(f"1 x {old.size}", length=old.size))
    slices = [node for node in edit.nodes.values() if isinstance(node, Slice) and _is_end(edit, node, old)]
    if not slices:
        return
    new = {old: axis}
    for each in slices:
        first = each.start == 0
        at: Positions = "first" if first else "last"
        end = Axis(f"{old.name} {at}", 1, old.order, axis.stream, at=at)
        new[each.shape[each.dim][0].axis] = end
        chosen = Chosen(layer=each.layer, name=each.name, inputs=each.inputs, shape=each.shape, dim=each.dim)
        edit.put(chosen, edit.places[each.key])
    edit.replace_axes(new)
    for key in [each.key for each in slices if each.start]:
        _before_norm(edit, key)


def _before_norm(edit: Edit, key: str) -> None:
    """Choose a position before a norm, where nothing else reads that."""
    chosen = edit.nodes[key]
    norm = edit.nodes.get(chosen.inputs[0])
    if not isinstance(chosen, Chosen) or not isinstance(norm, Normalise) or edit.alone(norm.key) != key:
        return
    if chosen.dim in norm.dims or norm.function not in ("layernorm", "rmsnorm"):
        return
    edit.remove(norm.key)
    edit.rename({key: norm.key})
    edit.put(replace(chosen, inputs=norm.inputs[:1]), edit.places[key])
    edit.put(replace(norm, inputs=(key, *norm.inputs[1:]), shape=chosen.shape), edit.places[key])


def _is_end(edit: Edit, node: Slice, axis: Axis) -> bool:
    """Whether it is one index, the first or the last, of a dimension that is the axis."""
    one = edit.builder.of(node.inputs[0])[node.dim]
    return one == dim(axis) and size_of(node.shape[node.dim]) == 1 and node.start in (0, (axis.size or 0) - 1)
