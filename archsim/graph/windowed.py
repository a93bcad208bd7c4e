"""Attention of pixels to those of their window of a map (Z. Liu et al., Swin Transformer, 2021)."""

from collections.abc import Callable
from math import sqrt

from archsim.graph.axes import sizes_of
from archsim.graph.builder import Builder
from archsim.graph.layers import Attention, LayerError
from archsim.graph.sequence_nodes import WindowBias


def attended(builder: Builder, attention: Attention, x: str, begin: Callable[[], str]) -> str:
    """Queries, keys and values of a map in one product; scores, softmax and context in each window; an output product.

    Parameters
    ----------
    x
        A map [channels, height, width].
    begin
        Begins a product with weights: gives its name.

    Raises
    ------
    LayerError
        For windows, shifts or heads that do not fit the map.
    """
    channels, *size = (each or 1 for each in sizes_of(builder.of(x)))
    window = attention.window or (size[0], size[1])
    heads, shift = attention.heads, attention.shift
    if channels % heads or any(whole % part for whole, part in zip(size, window, strict=True)):
        found = f"{heads} heads and windows of {window[0]} x {window[1]} do not divide"
        raise LayerError(f"attention: {found} {channels} channels of {size[0]} x {size[1]} pixels")
    if any(by >= part for by, part in zip(shift, window, strict=True)):
        raise LayerError(f"attention: found a shift of {shift[0]} x {shift[1]}; expected less than a window")
    for at, by in enumerate(shift, 1):
        x = rolled(builder, x, at, by)
    both = _product(builder, begin(), x, 3 * channels, bias=attention.bias)
    query, key, value = (
        _windows(builder, builder.slice(both, 0, part * channels, channels), heads, window) for part in range(3)
    )
    scores = builder.contraction("scores", query, key, "egsd,egtd->egst", scale=1 / sqrt(channels // heads))
    if attention.distances or any(shift):
        scores = _biased(builder, attention, scores, window, (size[0], size[1]))
    context = builder.contraction("context", builder.softmax("softmax", scores), value, "egst,egtd->egsd")
    x = _product(builder, begin(), _whole(builder, context, (size[0], size[1]), window), channels, bias=attention.bias)
    for at, by in enumerate(shift, 1):
        x = rolled(builder, x, at, -by)
    return x


def rolled(builder: Builder, x: str, at: int, by: int) -> str:
    """A dimension that begins with its index `by`; those before it come at the end."""
    size = sizes_of(builder.of(x))[at] or 1
    by %= size
    if not by:
        return x
    return builder.concat([builder.slice(x, at, by, size - by), builder.slice(x, at, 0, by)], at)


def _product(builder: Builder, name: str, x: str, out: int, *, bias: bool) -> str:
    key, inputs = f"{builder.layer}/{name}", sizes_of(builder.of(x))[0] or 1
    weight = builder.weight(f"{key}.weight", (out, inputs))
    vector = builder.weight(f"{key}.bias", (out,)) if bias else None
    return builder.contraction(name, x, weight, "ihw,oi->ohw", bias=vector)


def _windows(builder: Builder, x: str, heads: int, window: tuple[int, int]) -> str:
    """[heads, windows, pixels of a window, values of a head] of a map."""
    channels, height, width = (each or 1 for each in sizes_of(builder.of(x)))
    x = builder.split(x, 2, width // window[1], window[1])
    x = builder.split(x, 1, height // window[0], window[0])
    x = builder.split(x, 0, heads, channels // heads)
    x = builder.transpose(x, (0, 2, 4, 3, 5, 1))
    return builder.merge(builder.merge(x, 3, 2), 1, 2)


def _whole(builder: Builder, x: str, size: tuple[int, int], window: tuple[int, int]) -> str:
    """The map of windows."""
    x = builder.split(x, 2, *window)
    x = builder.split(x, 1, size[0] // window[0], size[1] // window[1])
    x = builder.transpose(x, (0, 5, 1, 3, 2, 4))
    return builder.merge(builder.merge(builder.merge(x, 4, 2), 2, 2), 0, 2)


def _biased(builder: Builder, attention: Attention, scores: str, window: tuple[int, int], size: tuple[int, int]) -> str:
    """With what distances in a window add, and without keys that lie elsewhere before the shift."""
    name = builder.name("score bias")
    table = f"{builder.layer}/{name}.table"
    rows = (2 * window[0] - 1) * (2 * window[1] - 1)
    inputs = (scores, builder.weight(table, (rows, attention.heads))) if attention.distances else (scores,)
    return builder.add(
        WindowBias(
            layer=builder.layer,
            name=name,
            kind="add" if attention.distances else "view",
            inputs=inputs,
            shape=builder.of(scores),
            window=window,
            size=size,
            shift=attention.shift,
        )
    )
