"""Queries and keys turned by their positions, in ONNX's own operators."""

from archsim.graph.onnx.writing import Writing


def turned(
    writing: Writing, x: str, cosine: str, sine: str, angles: int, size: int, *, interleaved: bool = False, to: str = ""
) -> str:
    """The first values of each head turned in pairs, as many as there are angles for; the others stay.

    Parameters
    ----------
    x
        [batch, heads, positions, values of a head].
    cosine, sine
        Of the angles [batch or 1, 1, positions, pairs].
    angles, size
        Pairs that are turned; values of a head.
    interleaved
        Whether neighbours are pairs; else the first half goes with the second.
    to
        The name of the result, if it has one.
    """
    turning = 2 * angles
    left = "" if turning == size else writing.slice(x, -1, turning, size)
    x = writing.slice(x, -1, 0, turning) if left else x
    if interleaved:
        first, second = (writing.slice(x, -1, start, turning, 2) for start in (0, 1))
    else:
        first, second = writing.slice(x, -1, 0, angles), writing.slice(x, -1, angles, turning)
    real = writing.op("Sub", writing.op("Mul", first, cosine), writing.op("Mul", second, sine))
    other = writing.op("Add", writing.op("Mul", first, sine), writing.op("Mul", second, cosine))
    to_all = "" if left else to
    if interleaved:
        pair = writing.op("Concat", *(writing.over("Unsqueeze", each, [-1]) for each in (real, other)), axis=-1)
        made = writing.reshape(pair, (0, 0, 0, turning), to=to_all)
    else:
        made = writing.op("Concat", real, other, axis=-1, to=to_all)
    return writing.op("Concat", made, left, axis=-1, to=to) if left else made
