"""Operators of PyTorch that are no work: they rearrange numbers, or leave some out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archsim.graph.axes import size_of, sizes_of
from archsim.graph.spreading import expanded, padded, repeated
from archsim.graph.torch_importer import UnknownError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from archsim.graph.torch_importer import Call, Importer, Made


def _same(importer: Importer, call: Call) -> Made:
    """The numbers as they are, or as those of another type."""
    source = call["self"]
    was, made = (each.meta["val"].is_floating_point() for each in (source, call.node))
    x = importer.operand(source)
    if was == made:
        return x
    return importer.builder.elementwise("view", "view", x, function="cast" if made else "whole")


def _reshaped(importer: Importer, call: Call) -> Made:
    return importer.builder.reshape(importer.operand(call["self"]), call.shape)


def _permuted(importer: Importer, call: Call) -> Made:
    return importer.builder.transpose(importer.operand(call["self"]), [at % len(call.shape) for at in call["dims"]])


def _transposed(importer: Importer, call: Call) -> Made:
    dims = len(call.shape)
    order = list(range(dims))
    one, other = (call["dim0"] % dims, call["dim1"] % dims) if "dim0" in call.arguments else (0, dims - 1)
    order[one], order[other] = order[other], order[one]
    return importer.builder.transpose(importer.operand(call["self"]), order)


def _expanded(importer: Importer, call: Call) -> Made:
    return expanded(importer.builder, importer.operand(call["self"]), call.shape)


def _tiled(importer: Importer, call: Call) -> Made:
    """All of it so many times, one after the other."""
    builder, x = importer.builder, importer.operand(call["self"])
    sizes = sizes_of(builder.of(x))
    x = builder.reshape(x, (*(1,) * (len(call.shape) - len(sizes)), *sizes))
    for at, times in enumerate(call["repeats"]):
        x = builder.concat([x] * times, at) if times > 1 else x
    return x


def _upsampled(importer: Importer, call: Call) -> Made:
    """The nearest pixel, by whole factors."""
    x = importer.operand(next(iter(call.arguments.values())))
    sizes = [size or 1 for size in sizes_of(importer.builder.of(x))]
    times = tuple(out // size for out, size in zip(call.shape, sizes, strict=True))
    if any(size * number != out for size, number, out in zip(sizes, times, call.shape, strict=True)):
        raise UnknownError(f"{call.kind} by no whole factor")
    return repeated(importer.builder, x, times)


def _sliced(importer: Importer, call: Call) -> Made:
    x, at = importer.operand(call["self"]), call["dim"] % len(call.shape)
    size = size_of(importer.builder.of(x)[at]) or 1
    start, step = call["start"] or 0, call.arguments.get("step") or 1
    begin = max(0, start + size) if start < 0 else min(start, size)
    return importer.builder.slice(x, at, begin, call.shape[at], step=step)


def _selected(importer: Importer, call: Call) -> Made:
    builder, x = importer.builder, importer.operand(call["self"])
    at, size = call["dim"] % (len(call.shape) + 1), sizes_of(builder.of(x))
    part = builder.slice(x, at, call["index"] % (size[at] or 1), 1)
    return builder.reshape(part, call.shape)


def _split(importer: Importer, call: Call) -> Made:
    x = importer.operand(call["self"])
    at = call["dim"] % len(call.shape)
    starts = [sum(shape[at] for shape in call.shapes[:number]) for number in range(len(call.shapes))]
    return [importer.builder.slice(x, at, start, shape[at]) for start, shape in zip(starts, call.shapes, strict=True)]


def _unbound(importer: Importer, call: Call) -> Made:
    builder, x = importer.builder, importer.operand(call["self"])
    at = call["dim"] % (len(call.shape) + 1)
    return [builder.reshape(builder.slice(x, at, number, 1), shape) for number, shape in enumerate(call.shapes)]


def _picked(importer: Importer, call: Call) -> Made:
    """One of several results."""
    source, number = call.node.args
    made = importer.tensors[source.name]
    return made if isinstance(made, str) else made[number]


def _joined(importer: Importer, call: Call) -> Made:
    xs = [importer.operand(each) for each in call["tensors"] if each.meta["val"].numel()]
    return xs[0] if len(xs) == 1 else importer.builder.concat(xs, call["dim"] % len(call.shape))


def _stacked(importer: Importer, call: Call) -> Made:
    builder, at = importer.builder, call["dim"] % len(call.shape)
    single = (*call.shape[:at], 1, *call.shape[at + 1 :])
    return builder.concat([builder.reshape(importer.operand(each), single) for each in call["tensors"]], at)


def _padded(importer: Importer, call: Call) -> Made:
    """Pairs of before and after, the last dimension first."""
    if call.arguments.get("mode", "constant") != "constant":
        raise UnknownError(f"{call.kind} ({call['mode']})")
    builder, x, dims = importer.builder, importer.operand(call["self"]), len(call.shape)
    before, after = [0] * dims, [0] * dims
    for number in range(len(call["pad"]) // 2):
        before[dims - 1 - number], after[dims - 1 - number] = call["pad"][2 * number : 2 * number + 2]
    return padded(builder, x, before, after, float(call.arguments.get("value") or 0))


def _rolled(importer: Importer, call: Call) -> Made:
    """The end before the begin."""
    builder, x = importer.builder, importer.operand(call["self"])
    if not call["dims"]:
        raise UnknownError("roll of all dimensions as one")
    for at, shift in zip(call["dims"], call["shifts"], strict=True):
        size = call.shape[at]
        first = -shift % size
        if first:
            x = builder.concat([builder.slice(x, at, first, size - first), builder.slice(x, at, 0, first)], at)
    return x


def _shuffled(importer: Importer, call: Call) -> Made:
    """Channels become pixels."""
    builder, block = importer.builder, call["upscale_factor"]
    *first, channels, height, width = call.shape
    begin = len(first)
    sizes = (*first, channels, block, block, height // block, width // block)
    x = builder.reshape(importer.operand(call["self"]), sizes)
    order = (*range(begin), *(begin + at for at in (0, 3, 1, 4, 2)))
    return builder.reshape(builder.transpose(x, order), call.shape)


def _unshuffled(importer: Importer, call: Call) -> Made:
    """Pixels become channels."""
    builder, block = importer.builder, call["downscale_factor"]
    *first, channels, height, width = call.shape
    begin = len(first)
    sizes = (*first, channels // block**2, height, block, width, block)
    x = builder.reshape(importer.operand(call["self"]), sizes)
    order = (*range(begin), *(begin + at for at in (0, 2, 4, 1, 3)))
    return builder.reshape(builder.transpose(x, order), call.shape)


MOVED: Mapping[str, Callable[[Importer, Call], Made]] = {
    **dict.fromkeys(
        (
            "alias",
            "clone",
            "contiguous",
            "detach",
            "lift_fresh_copy",
            "dropout",
            "to",
            "_to_copy",
            "type_as",
            "identity",
        ),
        _same,
    ),
    **dict.fromkeys(
        ("view", "_unsafe_view", "reshape", "flatten", "unflatten", "unsqueeze", "squeeze", "view_as"), _reshaped
    ),
    **dict.fromkeys(("t", "transpose", "swapaxes", "numpy_T"), _transposed),
    "permute": _permuted,
    "expand": _expanded,
    "expand_as": _expanded,
}
"""Of one tensor, all of whose numbers stay."""
VIEWS: Mapping[str, Callable[[Importer, Call], Made]] = {
    **MOVED,
    "repeat": _tiled,
    "slice": _sliced,
    "narrow": _sliced,
    "select": _selected,
    **dict.fromkeys(("split", "split_with_sizes", "chunk", "tensor_split"), _split),
    "unbind": _unbound,
    "getitem": _picked,
    "cat": _joined,
    "stack": _stacked,
    "pad": _padded,
    "constant_pad_nd": _padded,
    "roll": _rolled,
    "pixel_shuffle": _shuffled,
    "pixel_unshuffle": _unshuffled,
    **dict.fromkeys(("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d"), _upsampled),
}
