"""Operators that a file has written out in simpler ones, known by how these hang together, not by their names."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import pi, sqrt

import numpy as np

from archsim.graph.onnx_constants import Constant
from archsim.graph.onnx_file import FileNode, Sizes
from archsim.graph.onnx_importer import Importer
from archsim.graph.onnx_rows import Function, normalised

_CLOSE = 1e-3
"""Relative difference of constants such as 1 / sqrt(2), which files have in few digits."""


@dataclass(frozen=True)
class Fused:
    """Nodes of the file in place of which one is made. The last of them makes its result."""

    nodes: tuple[FileNode, ...]
    make: Callable[[Importer], str]


def fuse(importer: Importer) -> None:
    """Find all in a file, and remember them at their last nodes."""
    finders = {
        "ReduceMean": _norm,
        "Erf": _gelu,
        "Tanh": _gelu_by_tanh,
        "Sigmoid": _silu,
        "Exp": _softmax,
        "IsNaN": _number_always,
    }
    for node in importer.file.nodes:
        finder = None if node.domain else finders.get(node.operator)
        if finder is None or node.number in importer.done or node.inputs[0] in importer.file.constant:
            continue
        fused = finder(importer, node)
        numbers = {each.number for each in fused.nodes} if fused else set()
        if fused is not None and not numbers & importer.done:
            importer.done |= numbers
            importer.fused[max(numbers)] = fused.make


def _others(importer: Importer, node: FileNode, name: str) -> Iterator[tuple[str, float | None]]:
    """The other operands of a node that reads `name`, and their number where they are a single constant."""
    left = list(node.inputs)
    left.remove(name)
    return ((other, importer.scalar(other)) for other in left)


def _other(importer: Importer, node: FileNode | None, name: str, operator: str) -> tuple[str, float | None] | None:
    """Of a node of two operands that does this; None where it does anything else."""
    if node is None or node.operator != operator or node.domain or len(node.inputs) != 2:  # noqa: PLR2004
        return None
    return next(_others(importer, node, name))


def _is(number: float | None, wanted: float) -> bool:
    return number is not None and abs(number - wanted) <= _CLOSE * abs(wanted)


def _maker(importer: Importer, name: str, operator: str) -> FileNode | None:
    """The node of this operator that makes a tensor which nothing else needs to be there."""
    node = importer.file.makers.get(name)
    return node if node is not None and node.operator == operator and not node.domain else None


# Norms


def _norm(importer: Importer, node: FileNode) -> Fused | None:
    """At the mean of squares: (x - mean) / sqrt(mean square + epsilon), or x / sqrt(mean square + epsilon)."""
    file = importer.file
    square = file.makers.get(node.inputs[0])
    if square is None or file.only(node.inputs[0]) is not node or not _squares(importer, square):
        return None
    base = square.inputs[0]
    rest = _divided(importer, node, base)
    if rest is None:
        return None
    epsilon, last, between = rest
    nodes = [square, node, *between, last]
    x, function = base, "rmsnorm"
    centre = _maker(importer, base, "Sub")
    mean = _maker(importer, centre.inputs[1], "ReduceMean") if centre is not None else None
    if centre is not None and mean is not None and mean.inputs[0] == centre.inputs[0]:
        own = file.readers[base]
        inside = {each.number for each in (*own, centre)} <= {each.number for each in (*nodes, centre)}
        if (
            inside
            and base not in file.outputs
            and file.only(mean.outputs[0]) is centre
            and _same_rows(importer, mean, node)
        ):
            x, function, nodes = centre.inputs[0], "layernorm", [*nodes, mean, centre]
    dims = importer.wholes(node, 1, "axes")
    if not dims or not node.whole("keepdims", 1):
        return None
    return _with_vectors(importer, "layernorm" if function == "layernorm" else "rmsnorm", x, dims, epsilon, last, nodes)


def _same_rows(importer: Importer, one: FileNode, other: FileNode) -> bool:
    rows = [(importer.wholes(node, 1, "axes"), node.whole("keepdims", 1)) for node in (one, other)]
    return rows[0] == rows[1]


def _squares(importer: Importer, node: FileNode) -> bool:
    if node.operator == "Mul":
        return node.inputs[0] == node.inputs[1]
    return node.operator == "Pow" and importer.scalar(node.inputs[1]) == 2  # noqa: PLR2004


def _divided(importer: Importer, node: FileNode, base: str) -> tuple[float, FileNode, list[FileNode]] | None:
    """From a mean of squares on: the epsilon, the node that divides `base` by the root, and those between."""
    only = importer.file.only
    added = only(node.outputs[0])
    number = _other(importer, added, node.outputs[0], "Add")
    if added is None or number is None or number[1] is None:
        return None
    nodes, root = [added], only(added.outputs[0])
    if root is not None and root.operator == "Sqrt":
        nodes.append(root)
        name, last = root.outputs[0], only(root.outputs[0])
        if last is not None and last.operator == "Div" and last.inputs == (base, name):
            return number[1], last, nodes
        inverse = last is not None and (
            last.operator == "Reciprocal"
            or (last.operator == "Div" and last.inputs[1] == name and importer.scalar(last.inputs[0]) == 1)
        )
    else:
        last = root
        inverse = last is not None and last.operator == "Pow" and importer.scalar(last.inputs[1]) == -0.5  # noqa: PLR2004
    if last is None or not inverse:
        return None
    nodes.append(last)
    times = only(last.outputs[0])
    other = _other(importer, times, last.outputs[0], "Mul")
    return (number[1], times, nodes) if times is not None and other is not None and other[0] == base else None


def _with_vectors(
    importer: Importer,
    function: Function,
    x: str,
    dims: Sizes,
    epsilon: float,
    last: FileNode,
    nodes: Sequence[FileNode],
) -> Fused:
    """With the scale and the shift that follow."""
    found: dict[str, Constant] = {}
    taken = list(nodes)
    for operator in ("Mul", "Add"):
        after = importer.file.only(last.outputs[0])
        other = _other(importer, after, last.outputs[0], operator)
        constant = importer.constants.get(other[0]) if other is not None else None
        if after is not None and constant is not None and constant.numbers > 1 and not constant.whole:
            found[operator] = constant
            taken.append(after)
            last = after

    def make(importer: Importer) -> str:
        sizes = importer.sizes(x)
        rows = sorted(at % len(sizes) for at in dims)
        row = tuple(sizes[at] for at in rows)
        scale, shift = found.get("Mul"), found.get("Add")
        shapes = [_vector(each, sizes, rows) for each in (scale, shift) if each is not None]
        if None not in shapes and len(set(shapes)) <= 1:
            shape = shapes[0] if shapes and shapes[0] is not None else row
            return normalised(importer, function, function, importer.tensor(x), rows, epsilon, scale, shift, shape)
        made = normalised(importer, function, function, importer.tensor(x), rows, epsilon)
        for kind, constant in (("mul", scale), ("add", shift)):
            if constant is not None:
                made = importer.builder.elementwise(kind, kind, made, importer.operand(constant.name))
        return made

    return Fused(tuple(taken), make)


def _vector(constant: Constant, sizes: Sizes, rows: Sequence[int]) -> Sizes | None:
    """In which shape a scale or shift of a norm is: that of a row, or of all dimensions; None where it is neither."""
    padded = (1,) * (len(sizes) - len(constant.shape)) + constant.shape
    if len(padded) != len(sizes) or any(size not in (1, own) for size, own in zip(padded, sizes, strict=True)):
        return None
    if all(size == 1 for at, size in enumerate(padded) if at not in rows):
        return tuple(sizes[at] for at in rows)
    return padded if list(rows) == list(range(len(sizes) - len(rows), len(sizes))) else None


# Activations


def _gelu(importer: Importer, node: FileNode) -> Fused | None:
    """At the error function: x (1 + erf(x / sqrt(2))) / 2, factors in any order."""
    inner = importer.file.makers.get(node.inputs[0])
    if inner is None or importer.file.only(node.inputs[0]) is not node:
        return None
    x = next((name for name in inner.inputs if importer.moving(name)), "")
    number = importer.scalar(next((name for name in inner.inputs if name != x), ""))
    scaled = (inner.operator == "Div" and inner.inputs[0] == x and _is(number, sqrt(2))) or (
        inner.operator == "Mul" and _is(number, sqrt(0.5))
    )
    return _halved(importer, x, "gelu", [inner, node], node.outputs[0]) if scaled else None


def _gelu_by_tanh(importer: Importer, node: FileNode) -> Fused | None:
    """At the tanh: x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2."""
    file = importer.file
    outer = _maker(importer, node.inputs[0], "Mul")
    if outer is None or file.only(node.inputs[0]) is not node:
        return None
    name = next((each for each in outer.inputs if importer.moving(each)), "")
    added = _maker(importer, name, "Add")
    if added is None or not _is(
        importer.scalar(next((each for each in outer.inputs if each != name), "")), sqrt(2 / pi)
    ):
        return None
    for x, other in (added.inputs, added.inputs[::-1]):
        scaled = _maker(importer, other, "Mul")
        cube = next((each for each in scaled.inputs if importer.moving(each)), "") if scaled is not None else ""
        number = next((each for each in scaled.inputs if each != cube), "") if scaled is not None else ""
        power = file.makers.get(cube)
        if scaled is None or power is None or not _is(importer.scalar(number), 0.044715):
            continue
        chain = _cubes(importer, power, x)
        if chain and all(file.only(each.outputs[0]) is not None for each in (*chain, scaled, added)):
            return _halved(importer, x, "gelu_tanh", [*chain, scaled, added, outer, node], node.outputs[0])
    return None


def _cubes(importer: Importer, node: FileNode, x: str) -> list[FileNode]:
    """Nodes of x^3; none where it is not."""
    if node.operator == "Pow" and node.inputs[0] == x and importer.scalar(node.inputs[1]) == 3:  # noqa: PLR2004
        return [node]
    if node.operator == "Mul" and x in node.inputs:
        other = next(_others(importer, node, x))[0]
        square = importer.file.makers.get(other)
        if square is not None and _squares(importer, square) and square.inputs[0] == x:
            return [square, node]
    return []


def _halved(importer: Importer, x: str, function: str, nodes: list[FileNode], name: str) -> Fused | None:
    """From the curve on: 1 is added; then it is multiplied by x and by a half, one after the other, in any order."""
    only = importer.file.only
    added = only(name)
    number = _other(importer, added, name, "Add")
    if added is None or number is None or number[1] != 1:
        return None
    nodes, name, left = [*nodes, added], added.outputs[0], {"x", "half"}
    while left:
        times = only(name)
        other = _other(importer, times, name, "Mul")
        if times is None or other is None:
            return None
        half = _maker(importer, other[0], "Mul")
        if "x" in left and other[0] == x:
            left.remove("x")
        elif "half" in left and other[1] == 0.5:  # noqa: PLR2004
            left.remove("half")
        elif (
            left == {"x", "half"}
            and half is not None
            and only(other[0]) is times
            and x in half.inputs
            and (
                next(_others(importer, half, x))[1] == 0.5  # noqa: PLR2004
            )
        ):
            left.clear()
            nodes.append(half)
        else:
            return None
        nodes.append(times)
        name = times.outputs[0]
    return Fused(
        tuple(nodes),
        lambda importer: importer.builder.elementwise("gelu", "gelu", importer.tensor(x), function=function),
    )


def _silu(importer: Importer, node: FileNode) -> Fused | None:
    """x sigmoid(x)."""
    times, x = importer.file.only(node.outputs[0]), node.inputs[0]
    other = _other(importer, times, node.outputs[0], "Mul")
    if times is None or other is None or other[0] != x:
        return None
    return Fused((node, times), lambda importer: importer.builder.elementwise("silu", "silu", importer.tensor(x)))


def _softmax(importer: Importer, node: FileNode) -> Fused | None:
    """exp(x) / sum(exp(x)), where the largest may have been taken off before."""
    file, name = importer.file, node.outputs[0]
    readers = file.readers.get(name, ())
    total = next((each for each in readers if each.operator == "ReduceSum"), None)
    last = next((each for each in readers if each.operator == "Div" and each.inputs[0] == name), None)
    if total is None or last is None or len(readers) != 2 or name in file.outputs:  # noqa: PLR2004
        return None
    dims = importer.wholes(total, 1, "axes")
    if (
        not dims
        or not total.whole("keepdims", 1)
        or last.inputs[1] != total.outputs[0]
        or file.only(total.outputs[0]) is not last
    ):
        return None
    nodes, x = [node, total, last], node.inputs[0]
    lowered = _maker(importer, x, "Sub")
    largest = _maker(importer, lowered.inputs[1], "ReduceMax") if lowered is not None else None
    if (
        lowered is not None
        and largest is not None
        and file.only(x) is node
        and (
            largest.inputs[0] == lowered.inputs[0]
            and importer.wholes(largest, 1, "axes") == dims
            and largest.whole("keepdims", 1)
            and file.only(largest.outputs[0]) is lowered
        )
    ):
        nodes, x = [*nodes, lowered, largest], lowered.inputs[0]

    def make(importer: Importer) -> str:
        importer.softened.add(last.outputs[0])
        rank = len(importer.sizes(x))
        return normalised(importer, "softmax", "softmax", importer.tensor(x), sorted(at % rank for at in dims))

    return Fused(tuple(nodes), make)


def _number_always(importer: Importer, node: FileNode) -> Fused | None:
    """A softmax with 0 where it is no number, which is nowhere: what is added to the scores leaves some in every row."""
    file, name = importer.file, node.inputs[0]
    softmax, last = _maker(importer, name, "Softmax"), file.only(node.outputs[0])
    added = _maker(importer, softmax.inputs[0], "Add") if softmax is not None else None
    if added is None or last is None or last.operator != "Where" or name in file.outputs:
        return None
    constants = [each for each in map(importer.constants.get, added.inputs) if each is not None]
    plain = last.inputs == (node.outputs[0], last.inputs[1], name) and importer.scalar(last.inputs[1]) == 0
    if not plain or len(file.readers[name]) > 2 or len(constants) != 1:  # noqa: PLR2004 - these two
        return None

    def make(importer: Importer) -> str:
        importer.softened.add(last.outputs[0])
        return importer.tensor(name)

    return Fused((node, last), make) if np.isfinite(constants[0].read()).any(axis=-1).all() else None
