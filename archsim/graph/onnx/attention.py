"""Around products of two tensors made at run time: scales and masks that a product takes in, as they cost nothing."""

from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.graph.nodes import Mask
from archsim.graph.onnx.file import FileNode
from archsim.graph.onnx.hiding import surely_hidden
from archsim.graph.onnx.importer import HIDDEN, Importer

CLEAR = ("Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Expand")
"""Views of which it does not matter whether a scale comes before or after."""
_BESIDE = ("Reshape", "Squeeze", "Unsqueeze")
_VIEWS = (*CLEAR, "Slice", "Cast", "Pad", "Gather", "Concat", "Split")
_LOGIC = (
    *("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Not", "And", "Or", "Where", "IsNaN"),
    *("Add", "Sub", "Mul", "Neg", "Min", "Max", "ReduceMax", "ReduceMin", "CumSum", "Trilu"),
)
_NODES = 64
"""That a mask may be made by."""
_LARGE = 1 << 24
"""Numbers of a mask that is looked at."""


class Step(NamedTuple):
    """A node between scores and their softmax: which of its operands are scores, and the sizes of its result."""

    node: FileNode
    scores: str
    sizes: tuple[int, ...]


def after(
    importer: Importer, node: FileNode, sizes: Sequence[int], *, whole: bool
) -> tuple[str, float, float | None, Mask | None]:
    """What follows a product: multiplications by single numbers, a cap, then a mask, if a softmax alone reads it.

    Parameters
    ----------
    node, sizes
        The product and the sizes of its result.
    whole
        Whether the result is all that the node makes; else nothing is taken in.

    Returns
    -------
    tuple[str, float, float | None, Mask | None]
        The tensor that the last of these nodes makes, the scale, the cap, and the mask.
    """
    name, scale, cap = node.outputs[0], 1.0, None
    if not whole:
        return name, scale, None, None
    while (reader := importer.file.only(name)) is not None and reader.number not in importer.done:
        number = scaling(importer, reader, name, len(sizes))
        if number is None:
            break
        importer.done.add(reader.number)
        name, scale = reader.outputs[0], scale * number
    bent = importer.file.only(name)
    last = importer.file.only(bent.outputs[0]) if bent is not None and bent.operator == "Tanh" else None
    number = None if last is None or bent is None else scaling(importer, last, bent.outputs[0], len(sizes))
    if bent is not None and last is not None and number is not None and number > 0:
        importer.done |= {bent.number, last.number}
        name, scale, cap = last.outputs[0], scale * number, number
    return name, scale, cap, _masked(importer, name, sizes)


def _masked(importer: Importer, name: str, sizes: Sequence[int]) -> Mask | None:
    """The mask that hides results before a softmax reads them."""
    between = _before_softmax(importer, name, sizes)
    mask = _of_constants(importer, between, sizes)
    if mask is not None:
        return mask
    return surely_hidden(importer, [(step.node, step.scores) for step in between], sizes)


def _of_constants(importer: Importer, between: Sequence[Step], sizes: Sequence[int]) -> Mask | None:
    """The mask of constants, which are left out.

    Whatever else is added leaves hidden what is hidden; a number that is put in by a mask does if it is low.
    """
    for node, given, _ in between:
        if node.operator in ("Add", "Where") and any(made_of_masks(importer, x) for x in node.inputs if x != given):
            importer.fused[node.number] = partial(_hidden, node=node)
    hiding, clearing = (_numbers(importer, between, sizes, rule) for rule in (_seen, _left))
    if not hiding or len({of.shape for *_, of in hiding + clearing}) > 1:
        return None
    shown = np.asarray(reduce(np.logical_and, [seen for *_, seen in hiding]))
    if any(bool((shown & ~left).any()) for *_, left in clearing) or any(
        _shows(importer, step.node, step.scores) for step in between
    ):
        return None
    mask = None if shown.all() else _mask(shown, sizes)
    for hider, given, seen in hiding + clearing:
        if mask or seen.all():
            importer.done.add(hider.number)
            importer.fused[hider.number] = partial(Importer.tensor, name=given)
    return mask


def _numbers(
    importer: Importer,
    between: Sequence[Step],
    sizes: Sequence[int],
    rule: Callable[[Importer, FileNode, str, Sequence[int]], NDArray[Any] | None],
) -> list[tuple[FileNode, str, NDArray[Any]]]:
    """Nodes with constants for which there is a rule, and what it says, once where it is the same for all heads."""
    nodes = []
    for step in between:
        numbers = rule(importer, step.node, step.scores, step.sizes)
        if numbers is not None:
            wide = np.broadcast_to(numbers, np.broadcast_shapes(numbers.shape, tuple(sizes[-2:])))
            heads = wide.reshape(-1, *wide.shape[-2:])
            nodes.append((step.node, step.scores, heads[0] if bool((heads == heads[0]).all()) else wide))
    return nodes


def _before_softmax(importer: Importer, name: str, sizes: Sequence[int]) -> list[Step]:
    """Nodes that leave hidden what is hidden, with what they read; none if a softmax does not read the last alone."""
    between: list[Step] = []
    hides = False
    while (node := importer.file.only(name)) is not None and node.number not in importer.done and not node.domain:
        if node.operator == "Softmax":
            return between
        own = importer.file.sizes.get(node.outputs[0], tuple(sizes))
        if node.operator in _BESIDE and own[-2:] == tuple(sizes[-2:]):  # heads and sequences in other dimensions
            name, sizes = node.outputs[0], own
            continue
        number = None if hides else scaling(importer, node, name, len(sizes))
        if own != tuple(sizes) or not (_stays(importer, node, name, sizes) or (number or 0) > 0):
            break
        between.append(Step(node, name, own))
        hides |= _seen(importer, node, name, own) is not None or hides_by_mask(importer, node, name)
        name = node.outputs[0]
    return []


def _stays(importer: Importer, node: FileNode, name: str, sizes: Sequence[int]) -> bool:
    """Whether what is hidden is so after a node: one that adds or hides, or takes the larger of it and a low number."""
    if node.operator == "Max":
        low = importer.scalar(node.inputs[node.inputs[0] == name])
        return low is not None and low <= HIDDEN
    hides = any(each(importer, node, name, sizes) is not None for each in (_seen, _left))
    return node.operator == "Add" or hides or hides_by_mask(importer, node, name)


def _shows(importer: Importer, node: FileNode, name: str) -> bool:
    """Whether a node puts in a number, by a mask made at run time, that hides nothing."""
    if not hides_by_mask(importer, node, name):
        return False
    number = importer.scalar(node.inputs[1 if node.inputs[2] == name else 2])
    return number is None or number > HIDDEN


def _hidden(importer: Importer, node: FileNode) -> str:
    """What a mask that is made at run time hides; that is no work."""
    function = {"Add": "add", "Where": "where"}[node.operator]
    return importer.builder.elementwise("mask", "view", *map(importer.operand, node.inputs), function=function)


def hides_by_mask(importer: Importer, node: FileNode, name: str) -> bool:
    """Whether a node chooses, by a mask that is made at run time, between a tensor and a single number."""
    if node.operator != "Where" or node.domain or name not in node.inputs[1:]:
        return False
    other = node.inputs[1 if node.inputs[2] == name else 2]
    return importer.scalar(other) is not None and made_of_masks(importer, node.inputs[0], compared=True)


def made_of_masks(importer: Importer, name: str, *, compared: bool = False) -> bool:
    """Whether a tensor made at run time says what is seen: it comes in as it is, or is made of what is no float alone.

    What is trained, or made by a product, is none. compared: floats that came in may have been compared with others.
    """
    if not importer.moving(name):
        return False
    waiting, seen, plain, floats = [name], {name}, True, False
    while waiting and len(seen) < _NODES:
        last = waiting.pop()
        maker = importer.file.makers.get(last)
        if maker is None:
            floats |= importer.file.is_float(last)
            continue
        if maker.domain or maker.operator not in (*_VIEWS, *_LOGIC):
            return False
        plain &= maker.operator in _VIEWS
        for each in filter(None, maker.inputs):
            constant = importer.constants.get(each)
            if constant is not None and not importer.fixed(constant):
                return False
            if constant is None and each not in seen:
                seen.add(each)
                waiting.append(each)
    return not waiting and (plain or compared or not floats)


def _mask(seen: NDArray[Any], sizes: Sequence[int]) -> Mask | None:
    """Keys behind the query, or further off than some, are hidden. None: any others."""
    queries, keys = sizes[-2:] if len(sizes) > 1 else (0, 1)
    if seen.shape[-2:] != (queries, keys) or not seen.any(axis=-1).all():
        return None
    one = seen.reshape(-1, queries, keys)[0]
    past, span = int(np.flatnonzero(one[0])[-1]), int(one[-1].sum())
    causal = np.tri(queries, keys, past, dtype=np.bool_) & ~np.tri(queries, keys, past - span, dtype=np.bool_)
    whole = past + queries if span == past + queries else None
    return Mask(causal=True, span=None if whole else span, past=past) if bool((seen == causal).all()) else None


def _seen(importer: Importer, node: FileNode, name: str, sizes: Sequence[int]) -> NDArray[Any] | None:
    """True for keys that a constant shows, which is added or taken off, or by which it is chosen. None: others."""
    first = node.inputs[-1] != name if node.operator == "Where" else node.inputs[0] == name
    if node.operator == "Where":
        low = importer.scalar(node.inputs[2 if first else 1])
        found = None if low is None or low > HIDDEN else _fixed(importer, node.inputs[0], sizes)
        return None if found is None else np.asarray(found == first)
    if node.operator not in ("Add", "Sub") or (node.operator == "Sub" and not first):
        return None
    found = _fixed(importer, node.inputs[first], sizes)
    if found is None or found.dtype.kind != "f":
        return None
    found = -found if node.operator == "Sub" else found
    return None if bool(((found != 0) & (found > HIDDEN)).any()) else np.asarray(found == 0)


def _left(importer: Importer, node: FileNode, name: str, sizes: Sequence[int]) -> NDArray[Any] | None:
    """True where a constant leaves as it is what it is multiplied by, which is 0 elsewhere. None: others."""
    found = _fixed(importer, node.inputs[node.inputs[0] == name], sizes) if node.operator == "Mul" else None
    return None if found is None or bool(((found != 0) & (found != 1)).any()) else np.asarray(found == 1)


def _fixed(importer: Importer, name: str, sizes: Sequence[int]) -> NDArray[Any] | None:
    """The numbers of a constant that is not trained and is repeated to these sizes."""
    constant = importer.constants.get(name)
    if constant is None or constant.numbers > _LARGE or not importer.fixed(constant):
        return None
    padded = (1,) * (len(sizes) - len(constant.shape)) + constant.shape
    fits = len(padded) == len(sizes) and all(size in (1, own) for size, own in zip(padded, sizes, strict=True))
    if not fits:
        return None
    found = constant.read()
    return found.astype(np.float32) if found.dtype.kind == "V" else found


def scaling(importer: Importer, node: FileNode, name: str, dims: int) -> float | None:
    """By which single number a node multiplies what it reads, of so many dimensions; None: it does anything else."""
    if node.domain or node.operator not in ("Mul", "Div"):
        return None
    first = node.inputs[0] == name
    other = node.inputs[1 if first else 0]
    number, constant = importer.scalar(other), importer.constants.get(other)
    if number is None or constant is None or len(constant.shape) > dims:
        return None
    if node.operator == "Mul":
        return number
    return 1 / number if first and number else None


def before_product(importer: Importer, name: str) -> bool:
    """Whether a tensor is read by a product of two operands made at run time alone, maybe in another view."""
    while (node := importer.file.only(name)) is not None and node.number not in importer.done and not node.domain:
        if node.operator in ("MatMul", "Einsum"):
            return len(node.inputs) == 2 and all(map(importer.moving, node.inputs))  # noqa: PLR2004
        clear = node.operator in CLEAR and node.inputs[0] == name
        if not clear and scaling(importer, node, name, 1) is None:
            return False
        name = node.outputs[0]
    return False
