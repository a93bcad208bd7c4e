"""ONNX's RotaryEmbedding in simpler operators, as exporters write it out: x * cosine + what is turned of x * sine."""

import numpy as np

from archsim.graph.onnx.writing import Write, Writing


def rotary(writing: Writing) -> None:
    """Pairs of the first values of a head turned: halves of them, or neighbours."""
    node = writing.node
    x, sizes = node.inputs[0], writing.sizes(node.inputs[0])
    flat = len(sizes) == 3  # noqa: PLR2004 - values of all heads in one dimension
    heads = node.whole("num_heads", 0)
    if flat and (heads < 1 or sizes[2] % heads):
        raise writing.refused(f"found {sizes[2]} values in {heads} heads; expected as many in each")
    if flat:  # [batch, positions, heads, values]
        x = writing.reshape(x, (*sizes[:2], heads, sizes[2] // heads))
    width = sizes[2] // heads if flat else sizes[3]
    turned = node.whole("rotary_embedding_dim", 0) or width
    if turned % 2 or turned > width:
        raise writing.refused(f"turns {turned} of {width} values; expected an even number of them")
    neighbours = bool(node.whole("interleaved", 0))
    part = writing.slice(x, 3, 0, turned) if turned < width else x
    cosine, sine = (_table(writing, at, turned, flat=flat, neighbours=neighbours) for at in (1, 2))
    rest = [writing.slice(x, 3, turned, width)] if turned < width else []
    made = writing.op("Mul", part, cosine)
    made = writing.op("Add", made, writing.op("Mul", _quarter_turn(writing, part, turned, neighbours=neighbours), sine))
    made = writing.op("Concat", made, *rest, axis=3) if rest else made
    if flat:
        writing.reshape(made, sizes, to=node.outputs[0])
    else:
        writing.op("Identity", made, to=node.outputs[0])


def _quarter_turn(writing: Writing, x: str, turned: int, *, neighbours: bool) -> str:
    """Of each pair minus the second, then the first."""
    if not neighbours:
        first, second = (writing.slice(x, 3, begin, begin + turned // 2) for begin in (0, turned // 2))
        return writing.op("Concat", writing.op("Neg", second), first, axis=3)
    first, second = (writing.slice(x, 3, begin, turned, 2) for begin in (0, 1))
    beside = [writing.over("Unsqueeze", each, (4,)) for each in (writing.op("Neg", second), first)]
    return writing.op("Reshape", writing.op("Concat", *beside, axis=4), writing.number(np.array([0, 0, 0, turned])))


def _table(writing: Writing, at: int, turned: int, *, flat: bool, neighbours: bool) -> str:
    """Cosines or sines of the positions, for each value that is turned, beside the dimension of heads."""
    name, places = writing.node.inputs[at], writing.node.input(3)
    writing.untrained |= {name, places}
    made = writing.op("Gather", name, places, axis=0) if places else name
    if neighbours:
        single = writing.over("Unsqueeze", made, (3,))
        made = writing.op("Concat", single, single, axis=3)
        made = writing.op("Reshape", made, writing.number(np.array([0, 0, turned])))
    else:
        made = writing.op("Concat", made, made, axis=2)
    return writing.over("Unsqueeze", made, (2 if flat else 1,))


ROTARY: dict[str, Write] = {"RotaryEmbedding": rotary}
