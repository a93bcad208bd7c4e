"""Operators of ONNX on rows and windows: pooling, softmax, norms."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError, quoted
from archsim.graph.axes import sizes_of
from archsim.graph.nodes import Normalise
from archsim.graph.onnx.constants import Constant
from archsim.graph.onnx.file import FileNode, Sizes
from archsim.graph.onnx.importer import Importer, Made, checked
from archsim.graph.onnx.picking import listed
from archsim.graph.onnx.windows import windows
from archsim.graph.spreading import expanded, padded

Function = Literal["softmax", "log_softmax", "layernorm", "rmsnorm", "lrn"]
_SOFTMAX_OF_ONE_AXIS, _GROUPS_OF_CHANNELS = 13, 21
"""Versions from which a softmax is along one axis; from which a group norm has a scale for each channel."""


def pool(kind: str, function: Literal["maximum", "mean", "sum"], importer: Importer, node: FileNode) -> Made:
    """Windows of a map. Zeros that count in a mean are put around the map."""
    if any(node.outputs[1:]):
        raise importer.refused(node, "its second result, places of the largest, is not known")
    return _pooled(importer, node, kind, function, importer.tensor(node.inputs[0]))


def _pooled(
    importer: Importer, node: FileNode, kind: str, function: Literal["maximum", "mean", "sum"], given: str
) -> str:
    sizes = importer.sizes(node.inputs[0])
    kernel = node.wholes("kernel_shape") or ()
    spans = windows(importer, node, sizes[2:], kernel)
    pads = [span.interval.pad for span in spans]
    if any(max(span.interval.pad, span.end) >= span.interval.span for span in spans):
        raise importer.refused(node, "a window would lie in the padding alone; expected less padding than a kernel")
    if node.whole("count_include_pad", 0) and (any(pads) or any(span.end for span in spans)):
        given = padded(importer.builder, given, (0, 0, *pads), (0, 0, *(span.end for span in spans)))
        pads = [0] * len(pads)
    rows = [
        (at, replace(span.interval, pad=pad), span.size)
        for at, (span, pad) in enumerate(zip(spans, pads, strict=True), 2)
    ]
    return importer.builder.pool(kind, kind, given, function, rows)


def lp_pool(importer: Importer, node: FileNode) -> Made:
    """The root of the sum of powers of the magnitudes under a window, or of a whole map."""
    builder, x, power = importer.builder, importer.tensor(node.inputs[0]), node.whole("p", 2)
    if power < 1:
        raise importer.refused(node, f"found p {power}; expected at least 1")

    def powered(kind: str, x: str, number: float) -> str:
        exponent = listed(importer, np.float32(number), "power")
        return x if power == 1 else builder.elementwise(kind, kind, x, exponent, function="pow")

    x = powered("mul", builder.elementwise("clip", "clip", x, function="abs"), power)
    if node.operator == "GlobalLpPool":
        x = builder.reduce("add", "add", x, "sum", range(2, len(builder.of(x))), kept=True)
    else:
        x = _pooled(importer, node, "avgpool", "sum", x)
    return powered("exp", x, 1 / power)


def pool_all(kind: str, function: Literal["maximum", "mean"], importer: Importer, node: FileNode) -> Made:
    """All of a map."""
    x = importer.tensor(node.inputs[0])
    dims = range(2, len(importer.builder.of(x)))
    return importer.builder.reduce(kind, kind, x, function, dims, kept=True) if dims else x


def softmax(function: Function, importer: Importer, node: FileNode) -> Made:
    """Along one axis; of older files, along all from one on."""
    x = importer.tensor(node.inputs[0])
    rank = len(importer.builder.of(x))
    older = importer.file.opset < _SOFTMAX_OF_ONE_AXIS
    at = checked(importer, node, (node.whole("axis", 1 if older else -1),), rank)[0]
    return normalised(importer, "softmax", function, x, range(at, rank) if older else (at,))


def normalised(
    importer: Importer,
    kind: str,
    function: Function,
    x: str,
    dims: Sequence[int],
    epsilon: float = 0.0,
    scale: Constant | str | None = None,
    shift: Constant | str | None = None,
    shape: Sizes = (),
    parameters: tuple[float, ...] = (),
) -> str:
    """Rows made to fit. shape: in which scale and shift are; those of as many dimensions as x are repeated."""
    builder = importer.builder
    own = builder.name(kind)
    if len(set(dims)) < len(dims):
        raise ArchsimError(f"{quoted(x)}: found dimensions {list(dims)} of a {kind}; expected each once")

    def vector(part: str, one: Constant | str) -> str:
        if isinstance(one, Constant):
            name = f"{builder.layer}/{own}.{part}"
            return importer.weight(name, shape, _broadcast(one, shape), importer.trained(one), one.origin)
        same = prod(size or 1 for size in sizes_of(builder.of(one))) == prod(shape)
        return builder.reshape(one, shape) if same else expanded(builder, one, shape)

    vectors = [vector(part, one) for part, one in (("scale", scale), ("shift", shift)) if one is not None]
    return builder.add(
        Normalise(
            layer=builder.layer,
            name=own,
            kind=kind,
            inputs=(x, *vectors),
            shape=builder.of(x),
            function=function,
            dims=tuple(dims),
            epsilon=epsilon,
            scaled=scale is not None,
            shifted=shift is not None,
            parameters=parameters,
        )
    )


def _broadcast(constant: Constant, shape: Sizes) -> Callable[[], NDArray[Any]]:
    def read() -> NDArray[Any]:
        found = constant.read()
        return found if found.size == prod(shape) else np.array(np.broadcast_to(found, shape))

    return read


def norm(function: Function, importer: Importer, node: FileNode) -> Made:
    """Rows of the last dimensions."""
    if any(node.outputs[1:]):
        raise importer.refused(node, "its statistics are read, which are not known")
    sizes = importer.sizes(node.inputs[0])
    at = checked(importer, node, (node.whole("axis", -1),), len(sizes))[0]
    row = sizes[at:]
    for name in filter(None, node.inputs[1:]):
        found = importer.sizes(name)
        if not _fits(found, row):
            raise importer.refused(node, f"found {list(found)} numbers for rows of {list(row)}; expected as many")
    scale, shift = _vector(importer, node, 1, "scale"), _vector(importer, node, 2, "shift") if node.input(2) else None
    x, dims = importer.tensor(node.inputs[0]), range(at, len(sizes))
    return normalised(importer, function, function, x, dims, node.number_of("epsilon", 1e-5), scale, shift, row)


def _vector(importer: Importer, node: FileNode, at: int, what: str) -> Constant | str:
    """A scale or a shift; the name of one that is made at run time."""
    name = node.input(at)
    return importer.tensor(name) if importer.moving(name) else importer.constant(node, at, what)


def _fits(shape: Sizes, row: Sizes) -> bool:
    tail = row[len(row) - len(shape) :]
    return len(shape) <= len(row) and all(size in (1, wide) for size, wide in zip(shape, tail, strict=True))


def of_maps(importer: Importer, node: FileNode) -> Made:
    """Of each channel, or each group of channels, over the map: a layer norm with a scale for each channel."""
    x, sizes = node.inputs[0], importer.sizes(node.inputs[0])
    grouped = node.operator == "GroupNormalization"
    if len(sizes) < 3:  # noqa: PLR2004 - batch, channels, a map
        raise importer.refused(node, f"found a map {list(sizes)}; expected three dimensions or more")
    groups = node.whole("num_groups", 1) if grouped else sizes[1]
    shapes = [importer.sizes(name) for name in node.inputs[1:]]
    each = groups if grouped and importer.file.opset < _GROUPS_OF_CHANNELS else sizes[1]
    if groups < 1 or sizes[1] % groups or set(shapes) != {(each,)}:
        found = f"{' and '.join(str(list(one)) for one in shapes)} numbers for {sizes[1:2]} channels in {groups} groups"
        raise importer.refused(node, f"found {found}; expected one each")
    shape = (groups, each // groups, *(1,) * (len(sizes) - 2)) if grouped else (each, *(1,) * (len(sizes) - 2))
    given = importer.builder.split(importer.tensor(x), 1, groups, sizes[1] // groups) if grouped else importer.tensor(x)
    shape = (1, *shape)
    dims = range(2, len(shape))
    scale, shift = _vector(importer, node, 1, "scale"), _vector(importer, node, 2, "shift")
    made = normalised(
        importer, "layernorm", "layernorm", given, dims, node.number_of("epsilon", 1e-5), scale, shift, shape
    )
    return importer.builder.merge(made, 1, 2) if grouped else made


def lrn(importer: Importer, node: FileNode) -> Made:
    """By the squares of neighbouring channels."""
    size = node.whole("size", 0)
    if size < 1:
        raise importer.refused(node, f"found size {size}; expected at least 1")
    numbers = (node.number_of("alpha", 1e-4), node.number_of("beta", 0.75), node.number_of("bias", 1.0))
    return normalised(importer, "lrn", "lrn", importer.tensor(node.inputs[0]), (1,), parameters=(float(size), *numbers))


HANDLERS: dict[str, Callable[[Importer, FileNode], Made]] = {
    "LpPool": lp_pool,
    "GlobalLpPool": lp_pool,
    "MaxPool": partial(pool, "maxpool", "maximum"),
    "AveragePool": partial(pool, "avgpool", "mean"),
    "GlobalAveragePool": partial(pool_all, "avgpool", "mean"),
    "GlobalMaxPool": partial(pool_all, "maxpool", "maximum"),
    "Softmax": partial(softmax, "softmax"),
    "LogSoftmax": partial(softmax, "log_softmax"),
    "LayerNormalization": partial(norm, "layernorm"),
    "RMSNormalization": partial(norm, "rmsnorm"),
    "InstanceNormalization": of_maps,
    "GroupNormalization": of_maps,
    "LRN": lrn,
}
