"""Matrix products of ONNX: with weights, or of two operands made at run time."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError, quoted
from archsim.graph.onnx.affine import Affine, along, axes_of, fold, of_number, scaled, times
from archsim.graph.onnx.attention import after
from archsim.graph.onnx.constants import Constant
from archsim.graph.onnx.file import FileNode, Sizes
from archsim.graph.onnx.importer import Importer, Made
from archsim.graph.windows import Interval

_BATCHES = "abcdefnpqr"
Taps = Sequence[tuple[str, str, Interval, int]]
Letters = tuple[str, str, str]
"""Of the first operand, the second, and the result."""


def stationary(
    importer: Importer,
    word: str,
    x: str,
    letters: str,
    weights: Constant,
    counts: dict[str, int],
    affine: Affine,
    wide: Sizes,
    taps: Taps = (),
    *,
    added: str = "",
) -> str:
    """A product with weights, which begins a layer.

    Parameters
    ----------
    word
        What the layer is.
    counts
        Indices of the weights' letters.
    affine
        What is done to its outputs, and made part of the weights; of shape `wide`.
    added
        A bias that is made at run time, of shape `wide`.
    """
    importer.begin(word)
    key = f"{importer.builder.layer}/product"
    second = letters.partition("->")[0].partition(",")[2]
    spread = tuple(counts[letter] if letter in "go" else 1 for letter in second)
    scale, shift = affine.scale, affine.shift

    def folded() -> NDArray[Any]:
        assert scale is not None  # noqa: S101
        own = np.broadcast_to(scale(), wide if np.ndim(scale()) == 0 else (len(scale()),)).reshape(spread)
        found: NDArray[Any] = weights.read().reshape([counts[letter] for letter in second]) * own
        return found

    numbers = importer.learned(weights) + (affine.numbers if shift is None else 0)
    if scale is None:
        matrix = importer.weight(weights.name, weights.shape, weights.read, numbers, weights.origin)
    else:
        matrix = importer.weight(f"{key}.weight", weights.shape, folded, numbers)
    bias = added or None
    if shift is not None:
        bias = importer.weight(f"{key}.bias", wide, _spread(shift, wide), affine.numbers, affine.origin)
    sizes = {letter: counts[letter] for letter in second}
    return importer.builder.contraction("product", x, matrix, letters, sizes=sizes, windows=taps, bias=bias)


def _spread(read: Callable[[], Any], wide: Sizes) -> Callable[[], NDArray[Any]]:
    return lambda: np.array(np.broadcast_to(read(), (int(np.prod(wide)),)))


def matmul(importer: Importer, node: FileNode) -> Made:
    """The last two dimensions multiplied; those before them side by side, where one may be repeated for the other."""
    first, second = node.inputs
    return product(importer, node, _letters(importer, node, first, second, (False, False)))


def gemm(importer: Importer, node: FileNode) -> Made:
    """Two matrices, each as it is or transposed, and a third that is added."""
    first, second = node.inputs[:2]
    added, scale = node.input(2), node.number_of("beta", 1.0)
    one, other = importer.sizes(first), importer.sizes(second)
    if len(one) != 2 or len(other) != 2:  # noqa: PLR2004 - matrices
        raise _mismatch(importer, node, first, second)
    flipped = bool(node.whole("transA", 0)), bool(node.whole("transB", 0))
    alpha = node.number_of("alpha", 1.0)
    bias = importer.constants.get(added) if added else None
    moving = importer.moving(first), importer.moving(second)
    at = 0 if moving == (False, True) else 1
    result = (one[1] if flipped[0] else one[0], other[0] if flipped[1] else other[1])
    affine = Affine()
    if added:
        importer.require_together(node, added, to=result)
    outputs, shape = axes_of(result, at)
    if bias is not None and not all(moving) and along(bias.shape, shape, outputs):
        affine, added = scaled(of_number(importer, bias, shape, outputs), scale), ""
    letters = _letters(importer, node, first, second, flipped)
    made = product(importer, node, letters, alpha, affine, whole=not added)
    if not added:
        return made
    if scale != 1 and bias is None:
        raise importer.refused(node, f"found beta {scale:g} for what is made at run time; expected 1")
    other_name = importer.operand(added)
    if scale != 1 and bias is not None:
        numbers = bias.read
        other_name = importer.weight(
            f"{importer.builder.layer}/{node.outputs[0]}.added",
            bias.shape,
            lambda: numbers() * np.float32(scale),
            importer.trained(bias),
        )
    return importer.builder.elementwise("add", "add", made, other_name)


def product(
    importer: Importer,
    node: FileNode,
    letters: Letters,
    alpha: float = 1.0,
    affine: Affine | None = None,
    *,
    whole: bool = True,
    operands: tuple[str, str] | None = None,
) -> str:
    """A product of two tensors.

    whole: nothing else is added by the node, so that what follows may be taken in. operands: if not the node's own.
    """
    (first, second), (a, b, result) = operands or node.inputs[:2], letters
    sizes_a, sizes_b = _kept(importer.sizes(first), a), _kept(importer.sizes(second), b)
    a, b = a.replace("-", ""), b.replace("-", "")
    counts = dict(zip(a, sizes_a, strict=True)) | dict(zip(b, sizes_b, strict=True))
    builder = importer.builder
    if importer.moving(first) and importer.moving(second):
        x, z = (builder.reshape(importer.tensor(x), sizes) for x, sizes in ((first, sizes_a), (second, sizes_b)))
        alpha *= importer.scales.get(first, 1.0) * importer.scales.get(second, 1.0)
        last, scale, cap, mask = after(importer, node, [counts[letter] for letter in result], whole=whole)
        name = "context" if first in importer.softened else "scores"
        made = builder.contraction(name, x, z, f"{a},{b}->{result}", scale=alpha * scale, cap=cap, mask=mask)
    else:
        left = importer.moving(second)
        x, weights = (second, first) if left else (first, second)
        constant = importer.constant(node, node.inputs.index(weights), "weights")
        own, theirs, sizes = (a, b, sizes_b) if left else (b, a, sizes_a)
        outputs = "".join(letter for letter in own if letter in result and letter not in theirs)
        doing = times(alpha).then(affine or Affine())
        last = node.outputs[0]
        if whole and outputs and len(own) == 2:  # noqa: PLR2004 - a matrix
            results = tuple(counts[letter] for letter in result)
            last, more = fold(importer, last, results, result.index(outputs))
            doing = doing.then(more)
        names = {outputs: "o"} if len(outputs) == 1 else {}
        equation = "".join(names.get(letter, letter) for letter in f"{theirs},{own}->{result}")
        numbers = {names.get(letter, letter): counts[letter] for letter in own}
        given = builder.reshape(importer.tensor(x), sizes)
        wide = tuple(counts[letter] for letter in outputs)
        made = stationary(importer, "linear", given, equation, constant, numbers, doing, wide)
    if whole:
        importer.tensors[last] = made
    return made


def _kept(sizes: Sizes, letters: str) -> Sizes:
    """Sizes of dimensions that have a letter."""
    return tuple(size for size, letter in zip(sizes, letters, strict=True) if letter != "-")


def _letters(importer: Importer, node: FileNode, first: str, second: str, flipped: tuple[bool, bool]) -> Letters:
    """Of both operands and the result; `-` for a dimension of one index that is repeated for the other's."""
    one, other = importer.sizes(first), importer.sizes(second)
    if not one or not other:
        raise _mismatch(importer, node, first, second)
    ends = [
        "i" if len(one) == 1 else "is" if flipped[0] else "si",
        "i" if len(other) == 1 else "ti" if flipped[1] else "it",
    ]
    lengths = len(one) - len(ends[0]), len(other) - len(ends[1])
    batches = _BATCHES[: max(lengths)]
    if (
        max(lengths) > len(_BATCHES)
        or one[len(one) - len(ends[0]) + ends[0].index("i")] != other[lengths[1] + ends[1].index("i")]
    ):
        raise _mismatch(importer, node, first, second)
    a, b = list(batches[len(batches) - lengths[0] :]), list(batches[len(batches) - lengths[1] :])
    for at in range(1, min(lengths) + 1):
        here, there = one[lengths[0] - at], other[lengths[1] - at]
        if here != there and 1 not in (here, there):
            raise _mismatch(importer, node, first, second)
        moving = importer.moving(first)
        if there == 1 and (here > 1 or moving):
            b[-at] = "-"
        elif here == 1:
            a[-at] = "-"
    result = batches + ("s" if "s" in ends[0] else "") + ("t" if "t" in ends[1] else "")
    return "".join(a) + ends[0], "".join(b) + ends[1], result


def _mismatch(importer: Importer, node: FileNode, first: str, second: str) -> ArchsimError:
    one, other = importer.sizes(first), importer.sizes(second)
    found = f"{list(one)} of {quoted(first)} and {list(other)} of {quoted(second)} do not fit"
    return importer.refused(node, f"{found}; expected as many columns of the first as the second has rows")
