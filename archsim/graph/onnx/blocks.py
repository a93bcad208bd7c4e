"""Layers of an imported transformer: what shares units on a chip, as in a preset of the same model.

A layer begins with the projection of an attention's queries, or with the norm before it, and ends with the last sum of
two tensors before the next begins, or with the norm after that. All else is in the layer of the product with weights
that comes before it, but for a norm that only the next product reads, at the same positions.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from archsim.graph.axes import sizes_of
from archsim.graph.nodes import Contraction, Elementwise, Node, Normalise
from archsim.graph.onnx.edit import Edit, read_as
from archsim.graph.onnx.projections import attentions, projection
from archsim.graph.sequence_nodes import Recurrence

_NORMS = ("layernorm", "rmsnorm")
_NUMBER = re.compile(r" \d+$")
"""By which a name was made unique in its layer."""


@dataclass(frozen=True)
class _Block:
    """Numbers of a layer's first node and of the one after its last."""

    first: int
    end: int


def group_layers(edit: Edit, free_name: Callable[[str], str]) -> None:
    """Give the nodes of each layer of a transformer the layer's name.

    free_name: makes a layer's name one that no tensor's name begins with.
    """
    order = sorted(edit.nodes.values(), key=lambda node: edit.places[node.key])
    blocks = _blocks(edit, order)
    if not blocks or any(isinstance(node, Recurrence) for node in order):
        return
    layers = [node.layer for node in order]
    for number, block in enumerate(blocks):
        layers[block.first : block.end] = [free_name(f"layer {number}")] * (block.end - block.first)
    _after(edit, order, layers, blocks, free_name)
    _rename(edit, order, layers)


def _blocks(edit: Edit, order: Sequence[Node]) -> list[_Block]:
    places = {node.key: at for at, node in enumerate(order)}
    firsts: dict[int, bool] = {}
    for attention in attentions(edit):
        query, *others = (projection(edit, name) for name in attention.operands())
        if query is not None and query in others:
            norm = _norm_before(edit, query)
            firsts[places[query.key if norm is None else norm]] = norm is not None
    found = []
    for begin, after in pairwise([*sorted(firsts), len(order)]):
        sums = [at for at in range(begin, after) if _is_sum(edit, order[at])]
        if not sums:
            continue
        end = sums[-1]
        if not firsts[begin]:
            norms = [at for at in range(end, after) if _is_norm(order[at]) and order[end].key in order[at].inputs]
            end = max([end, *norms])
        found.append(_Block(begin, end + 1))
    return found


def _is_norm(node: Node) -> bool:
    return isinstance(node, Normalise) and node.function in _NORMS


def _is_sum(edit: Edit, node: Node) -> bool:
    """Of two tensors of the same sizes that are made at run time."""
    if not isinstance(node, Elementwise) or node.kind != "add" or len(edit.moving(node)) != 2:  # noqa: PLR2004
        return False
    sizes = [sizes_of(edit.builder.of(name)) for name in node.inputs]
    return sizes[0] == sizes[1]


def _norm_before(edit: Edit, product: Contraction) -> str | None:
    """A norm that only products with weights read."""
    norm = _viewed(edit, product.inputs[0])
    return norm.key if norm is not None and _is_norm(norm) and _feeds_products(edit, norm.key) else None


def _viewed(edit: Edit, name: str) -> Node | None:
    """The one node of whose result a tensor is a view, or parts put together."""
    node = edit.nodes.get(name)
    if node is None or not node.free:
        return node
    behind = [_viewed(edit, each) for each in dict.fromkeys(edit.moving(node))]
    return behind[0] if behind and all(each is behind[0] for each in behind) else None


def _feeds_products(edit: Edit, key: str) -> bool:
    """Whether only products with weights read a tensor, as it is or in another view."""
    nodes = [edit.nodes[each] for each in edit.readers.get(key, ())]
    plain = key not in edit.results and bool(nodes)
    return plain and all(
        (isinstance(node, Contraction) and node.stationary) or (node.free and _feeds_products(edit, node.key))
        for node in nodes
    )


def _after(
    edit: Edit, order: Sequence[Node], layers: list[str], blocks: Sequence[_Block], free_name: Callable[[str], str]
) -> None:
    """Layers of nodes between blocks: those of their products; before these, one without any."""
    inside = {at for block in blocks for at in range(block.first, block.end)}
    ends = {block.end for block in blocks}
    current: str | None = None
    for at, node in enumerate(order):
        if at in ends:
            current = free_name("end") if at == max(ends) else free_name(f"after {layers[at - 1]}")
        if at in inside or at < blocks[0].first:
            continue
        if isinstance(node, Contraction) and node.stationary:
            current = node.layer
        layers[at] = current or node.layer
    for at, node in enumerate(order):
        product = _only_product(edit, node) if at not in inside and at > blocks[0].first and _is_norm(node) else None
        if product is not None:
            layers[at] = layers[next(here for here, each in enumerate(order) if each is product)]


def _only_product(edit: Edit, node: Node) -> Node | None:
    """The only product that reads a norm, at its positions."""
    key: str | None = node.key
    while key is not None and (reader := edit.alone(key)) is not None:
        after = edit.nodes[reader]
        if isinstance(after, Contraction):
            return after if after.stationary else None
        alike = sorted(size or 0 for size in sizes_of(after.shape) if size != 1) == sorted(
            size or 0 for size in sizes_of(node.shape) if size != 1
        )
        key = after.key if after.free and alike else None
    return None


def _rename(edit: Edit, order: Sequence[Node], layers: Sequence[str]) -> None:
    """Nodes in other layers, under names that are free there."""
    used: Counter[tuple[str, str]] = Counter()
    names: dict[str, str] = {}
    moved: list[Node] = []
    for node, layer in zip(order, layers, strict=True):
        plain = _NUMBER.sub("", node.name)
        used[layer, plain] += 1
        number = used[layer, plain]
        name = plain if number == 1 else f"{plain} {number}"
        names[node.key] = f"{layer}/{name}"
        moved.append(replace(node, layer=layer, name=name))
    edit.restart([read_as(node, names) for node in moved], names)
