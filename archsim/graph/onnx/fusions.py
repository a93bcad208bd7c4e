"""Operators that a file has written out in simpler ones, known by how these hang together, not by their names.

A pattern is the name of an operand ("x"), a number, an operator with the patterns of what it reads, or several of
which any will do (`Either`). Operands of Add and Mul may stand in either order.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import pi, sqrt
from typing import Any

import numpy as np

from archsim.graph.attention import ACTIVATION_KINDS
from archsim.graph.onnx.constants import Constant
from archsim.graph.onnx.file import FileNode, Sizes
from archsim.graph.onnx.importer import Importer
from archsim.graph.onnx.rows import normalised

_CLOSE = 5e-4
"""Relative difference of numbers, of which files have few digits: those of float16 have eleven bits."""
_VECTORS = ("scale", "shift")
_COMMUTE = ("Add", "Mul", "Min", "Max")
Pattern = Any


class Either(tuple[Pattern, ...]):
    """Patterns of which any will do."""

    __slots__ = ()


def _square(base: Pattern) -> Pattern:
    return Either((("Pow", base, 2.0), ("Mul", base, base)))


def _norm(base: Pattern, mean: Pattern = None, others: Sequence[Pattern] = ()) -> Pattern:
    """The base divided by the root of its mean square, which others are too; a scale may be in the divisor.

    With a mean, the base is what it is taken off of, and may be scaled before.
    """
    squares = Either((("ReduceMean", _square(base)), *others))
    variance = Either((("Add", squares, "epsilon"), squares))
    root = Either((("Sqrt", variance), ("Pow", variance, 0.5)))
    inverse = Either((("Reciprocal", root), ("Div", 1.0, root), ("Pow", variance, -0.5)))
    scaled = ("Mul", inverse, "scale")
    apart = ("Add", ("Mul", "x", scaled), ("Sub", "shift", ("Mul", mean, scaled)))
    forms = (("Div", base, root), ("Mul", inverse, base), ("Mul", scaled, base))
    return Either(forms if mean is None else (*forms, apart))


def _gelu(curve: Pattern) -> Pattern:
    """Of x, 1 + the curve, and a half, the product in any order."""
    more = ("Add", curve, 1.0)
    half = ("Add", ("Mul", curve, 0.5), 0.5)
    whole = ("Mul", more, "x")
    return Either(
        (
            ("Mul", whole, 0.5),
            ("Div", whole, 2.0),
            ("Mul", more, ("Mul", "x", 0.5)),
            ("Mul", ("Mul", more, 0.5), "x"),
            ("Mul", half, "x"),
        )
    )


_SQUARE, _SLOPE = _square("x"), sqrt(2 / pi)
_CUBE = Either((("Pow", "x", 3.0), ("Mul", _SQUARE, "x")))
_PART = ("Mul", "x", 0.044715)
_SQUARE_PART = Either((("Mul", _SQUARE, 0.044715), ("Mul", _PART, "x")))
_CUBE_PART = Either((("Mul", _CUBE, 0.044715), ("Mul", _SQUARE_PART, "x"), ("Mul", _PART, _SQUARE)))
_MORE = ("Add", _SQUARE_PART, 1.0)
_BENT = Either(
    (
        ("Mul", ("Add", _CUBE_PART, "x"), _SLOPE),
        ("Mul", ("Mul", "x", _SLOPE), _MORE),
        ("Mul", ("Mul", "x", _MORE), _SLOPE),
    )
)
_POWER = ("Exp", Either((("Sub", "x", ("ReduceMax", "x")), "x")))
_SUM = ("ReduceSum", _POWER)
_MEAN = ("ReduceMean", "x")
_CENTRED = Either((("Sub", "x", _MEAN), ("Add", ("Neg", _MEAN), "x")))
_SPREAD = ("Sub", ("ReduceMean", _SQUARE), _square(_MEAN))
_UPWARD = ("Add", "x", 3.0)
_GATE = Either((("Clip", _UPWARD, 0.0, 6.0), ("Min", ("Max", _UPWARD, 0.0), 6.0)))
_PATTERNS: dict[str, Pattern] = {
    "layernorm": _norm(_CENTRED, _MEAN, (_SPREAD, ("Max", _SPREAD, 0.0))),
    "rmsnorm": _norm("x"),
    "softmax": Either((("Div", _POWER, _SUM), ("Mul", _POWER, ("Reciprocal", _SUM)))),
    "gelu": _gelu(("Erf", Either((("Div", "x", sqrt(2)), ("Mul", "x", sqrt(0.5)))))),
    "gelu_tanh": _gelu(("Tanh", _BENT)),
    "silu": Either((("Mul", ("Sigmoid", "x"), "x"), ("Div", "x", ("Add", ("Exp", ("Neg", "x")), 1.0)))),
    "quick_gelu": ("Mul", ("Sigmoid", ("Mul", "x", 1.702)), "x"),
    "hardswish": Either(
        (
            ("Div", ("Mul", _GATE, "x"), 6.0),
            ("Mul", ("Mul", _GATE, "x"), 1 / 6),
            ("Mul", Either((("Div", _GATE, 6.0), ("Mul", _GATE, 1 / 6))), "x"),
            ("Mul", ("HardSigmoid", "x"), "x"),
        )
    ),
    "shares": ("Where", ("IsNaN", "x"), 0.0, "x"),
}
_NORMS = ("layernorm", "rmsnorm")
_ROOTS = ("Div", "Mul", "Add", "Where")


@dataclass(frozen=True)
class _Match:
    """Tensors by their names in the pattern, and the nodes of the pattern's operators."""

    tensors: Mapping[str, str]
    nodes: tuple[FileNode, ...] = ()


def fuse(importer: Importer) -> None:
    """Find all in a file, and remember them at their last nodes."""
    for node in importer.file.nodes:
        if node.operator not in _ROOTS or node.number in importer.done or not node.outputs[0]:
            continue
        for name, pattern in _PATTERNS.items():
            match = _matched(importer, pattern, node.outputs[0], _Match({}))
            dims = None if match is None else _dims(importer, match, node)
            if match is None or dims is None:
                continue
            last, make = node, _curve(name, match.tensors["x"])
            nodes = {each.number for each in match.nodes}
            if name in _NORMS:
                epsilon = importer.scalar(match.tensors.get("epsilon", "")) or 0.0
                last, vectors = _vectors(importer, match, node)
                make = _rows(name, match.tensors["x"], dims, epsilon, vectors)
                nodes.update(_between(importer, node, last))
            elif name == "shares":
                if not _number_always(importer, match.tensors["x"]):
                    continue
                make = _shares(node.outputs[0], match.tensors["x"])
            elif name == "softmax":
                importer.softened.add(node.outputs[0])
                make = _rows(name, match.tensors["x"], dims, 0.0, {})
            importer.done |= nodes
            importer.fused[last.number] = make
            break


def _matched(importer: Importer, pattern: Pattern, name: str, match: _Match) -> _Match | None:
    """What a tensor is made by, if it is as the pattern says."""
    if isinstance(pattern, str):
        known = match.tensors.get(pattern, name)
        return _Match({**match.tensors, pattern: name}, match.nodes) if known == name else None
    if isinstance(pattern, float):
        number = importer.scalar(name)
        return match if number is not None and abs(number - pattern) <= _CLOSE * abs(pattern) else None
    if isinstance(pattern, Either):
        matches = (_matched(importer, each, name, match) for each in pattern)
        return next((each for each in matches if each is not None), None)
    operator, *operands = pattern
    node = importer.file.makers.get(name)
    if node is None or node.operator != operator or node.domain or len(node.inputs) < len(operands):
        return None
    orders = (operands, operands[::-1]) if operator in _COMMUTE else (operands,)
    for order in orders:
        found: _Match | None = _Match(match.tensors, (*match.nodes, node))
        for each, operand in zip(order, node.inputs, strict=False):
            found = None if found is None else _matched(importer, each, operand, found)
        if found is not None:
            return found
    return None


def _dims(importer: Importer, match: _Match, last: FileNode) -> Sizes | None:
    """Dimensions of the rows; None where other nodes read what is between, or rows are not the same."""
    inside = {node.number for node in match.nodes}
    between = [name for node in match.nodes if node is not last for name in node.outputs]
    read = {node.number for name in between for node in importer.file.readers.get(name, ())}
    epsilon = match.tensors.get("epsilon")
    if not read <= inside or inside & importer.done or importer.file.constant.intersection((match.tensors["x"],)):
        return None
    if set(between).intersection(importer.file.outputs) or (epsilon and importer.scalar(epsilon) is None):
        return None
    gates = [node for node in match.nodes if node.operator == "HardSigmoid"]
    if any(abs(gate.number_of("alpha", 0.2) - 1 / 6) > _CLOSE or gate.number_of("beta", 0.5) != 0.5 for gate in gates):  # noqa: PLR2004
        return None
    if any(importer.constants.get(match.tensors[word]) is None for word in _VECTORS if word in match.tensors):
        return None
    rank = len(importer.file.sizes.get(match.tensors["x"], ()))
    reduced = [node for node in match.nodes if node.operator.startswith("Reduce")]
    axes = [(importer.wholes(node, 1, "axes"), node.whole("keepdims", 1)) for node in reduced]
    rows = {(dims and tuple(at + rank if at < 0 else at for at in dims), kept) for dims, kept in axes}
    dims, kept = rows.pop() if rows else ((), 1)
    return dims if not rows and kept and dims is not None and bool(dims) == bool(reduced) else None


def _vectors(importer: Importer, match: _Match, node: FileNode) -> tuple[FileNode, dict[str, Constant]]:
    """The scale and the shift inside a norm, or after it; and the node that is the last then."""
    found = {word: importer.constants.known[match.tensors[word]] for word in _VECTORS if word in match.tensors}
    for operator, word in zip(("Mul", "Add"), _VECTORS, strict=True):
        after = importer.file.only(node.outputs[0])
        if word in found or "shift" in found or after is None or after.operator != operator or after.domain:
            continue
        constant = importer.constants.get(after.inputs[after.inputs[0] == node.outputs[0]])
        if constant is not None and constant.numbers > 1:
            found[word] = constant
            node = after
    return node, found


def _between(importer: Importer, node: FileNode, last: FileNode) -> Iterator[int]:
    """Numbers of the nodes after one, up to the last."""
    while node is not last:
        node = importer.file.readers[node.outputs[0]][0]
        yield node.number


def _number_always(importer: Importer, name: str) -> bool:
    """Whether it is a softmax of scores of which what is added leaves some in every row: it is a number everywhere."""
    softmax = importer.file.makers.get(name)
    added = None if softmax is None or softmax.operator != "Softmax" else importer.file.makers.get(softmax.inputs[0])
    if added is None or added.operator != "Add":
        return False
    constants = [importer.constants.get(each) for each in added.inputs]
    return any(each is not None and bool(np.isfinite(each.read()).any(axis=-1).all()) for each in constants)


def _shares(made: str, name: str) -> Callable[[Importer], str]:
    """The softmax itself, in place of one whose results are 0 where they are no number."""

    def make(importer: Importer) -> str:
        importer.softened.add(made)
        return importer.tensor(name)

    return make


def _curve(function: str, x: str) -> Callable[[Importer], str]:
    kind = ACTIVATION_KINDS.get(function, function)
    return lambda importer: importer.builder.elementwise(kind, kind, importer.tensor(x), function=function)


def _rows(
    function: Any,  # noqa: ANN401 - a word of Normalise
    x: str,
    dims: Sizes,
    epsilon: float,
    vectors: Mapping[str, Constant],
) -> Callable[[Importer], str]:
    """A norm or a softmax; a scale or shift of another shape than a norm may have is work of its own."""

    def make(importer: Importer) -> str:
        sizes = importer.sizes(x)
        rows = sorted(at % len(sizes) for at in dims)
        scale, shift = (vectors.get(word) for word in _VECTORS)
        shapes = {_shape(constant, sizes, rows) for constant in vectors.values()}
        shape = next(iter(shapes), ())
        if len(shapes) <= 1 and shape is not None:
            return normalised(importer, function, function, importer.tensor(x), rows, epsilon, scale, shift, shape)
        made = normalised(importer, function, function, importer.tensor(x), rows, epsilon)
        for kind, constant in (("mul", scale), ("add", shift)):
            if constant is not None:
                made = importer.builder.elementwise(kind, kind, made, importer.operand(constant.name))
        return made

    return make


def _shape(constant: Constant, sizes: Sizes, rows: Sequence[int]) -> Sizes | None:
    """In which shape a scale or shift of a norm is: that of a row, or of all dimensions; None where it is neither."""
    padded = (1,) * (len(sizes) - len(constant.shape)) + constant.shape
    if len(padded) != len(sizes) or any(size not in (1, own) for size, own in zip(padded, sizes, strict=True)):
        return None
    if all(size == 1 for at, size in enumerate(padded) if at not in rows):
        return tuple(sizes[at] for at in rows)
    return padded if list(rows) == list(range(len(sizes) - len(rows), len(sizes))) else None
