"""Layers that work on maps of pixels [channels, height, width]: convolutions, pooling, shortcuts without weights."""

from collections.abc import Sequence

from archsim.graph.axes import Axis, dim, sizes_of
from archsim.graph.builder import Builder
from archsim.graph.layers import Conv, LayerError, Pool, Size, Skip
from archsim.graph.views import Pad
from archsim.graph.windows import Interval


def convolved(builder: Builder, conv: Conv, x: str, name: str = "product") -> str:
    """A convolution; channels of a group see that group alone. Raises LayerError."""
    channels, height, width = _sizes(builder, x)
    groups = channels if conv.groups == "depthwise" else int(conv.groups)
    out = conv.out or (channels if groups > 1 else None)
    if out is None:
        raise LayerError("conv: is missing 'out'")
    if channels % groups or out % groups:
        raise LayerError(f"conv: {groups} groups do not divide {channels} channels in and {out} out")
    windows = _windows((height, width), conv.kernel, conv.stride, conv.pad)
    taps = [(row, tap, *window) for row, tap, window in zip("hw", "kl", windows, strict=True)]
    key, own = f"{builder.layer}/{name}", channels // groups
    weight = builder.weight(f"{key}.weight", (out, own, *conv.kernel))
    has_bias = not conv.norm if conv.bias is None else conv.bias
    # a batch norm, which is folded in, has a scale and a shift
    trained = out * (has_bias + 2 * conv.norm + conv.scaled)
    bias = builder.weight(f"{key}.bias", (out,), trained=trained) if trained else None
    if groups == 1:
        return builder.contraction(name, x, weight, "ihw,oikl->ohw", windows=taps, bias=bias)
    sizes = dict(zip("goikl", (groups, out // groups, own, *conv.kernel), strict=True))
    x = builder.split(x, 0, groups, own)
    x = builder.contraction(name, x, weight, "gihw,goikl->gohw", sizes=sizes, windows=taps, bias=bias)
    return builder.merge(x, 0, 2)


def pooled(builder: Builder, kind: str, pool: Pool, x: str) -> str:
    """The largest or the mean under windows; padding does not count in a mean. Raises LayerError."""
    if any(pad >= kernel for pad, kernel in zip(pool.pad, pool.kernel, strict=True)):
        raise LayerError(f"{kind}: a window would lie in the padding alone; expected a pad smaller than the kernel")
    size = _sizes(builder, x)[1:]
    windows = _windows(size, pool.kernel, pool.stride or pool.kernel, pool.pad, ceil=pool.ceil)
    numbered = [(at, *window) for at, window in enumerate(windows, 1)]
    return builder.pool(kind, kind, x, "maximum" if kind == "maxpool" else "mean", numbered)


def skipped(builder: Builder, skip: Skip, x: str) -> str:
    """Every so many pixels; channels of zeros on both sides, as many before as after. Raises LayerError."""
    channels, *size = _sizes(builder, x)
    more = skip.out - channels
    if more < 0:
        raise LayerError(f"skip: gives {skip.out} channels of {channels}; expected no fewer")
    for at, (length, step) in enumerate(zip(size, skip.stride, strict=True), 1):
        x = builder.slice(x, at, 0, -(-length // step), step=step)
    if not more:
        return x
    layer, name, before = builder.layer, builder.name("pad"), more // 2
    shape = (dim(Axis(f"{layer}/{name}:", skip.out)), *builder.of(x)[1:])
    sides = (before, 0, 0), (more - before, 0, 0)
    return builder.add(Pad(layer=layer, name=name, inputs=(x,), shape=shape, before=sides[0], after=sides[1]))


def _sizes(builder: Builder, x: str) -> Sequence[int]:
    return [size or 1 for size in sizes_of(builder.of(x))]


def _windows(
    size: Sequence[int], kernel: Size, stride: Size, pad: Size, *, ceil: bool = False
) -> list[tuple[Interval, int]]:
    """Of height and width, with the size of the result. ceil: a window that lies partly outside counts."""
    found = []
    for length, wide, step, before in zip(size, kernel, stride, pad, strict=True):
        span = length + 2 * before - wide
        if span < 0:
            raise LayerError(f"a kernel of {wide} does not fit {length} positions padded by {before}")
        number = span // step + 1
        if ceil and span % step and number * step < length + before:  # it begins inside
            number += 1
        found.append((Interval(wide, step, before), number))
    return found
