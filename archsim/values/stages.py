"""Networks that are one product after the other: convolutions or full layers, with functions and shortcuts between."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from archsim.values.arithmetic import Arithmetic, Product, Values


@dataclass(frozen=True, eq=False)
class Stage:
    """A product and what follows it.

    key: the projection's name in the Graph. weight: (out, channels, height, width); a full layer is 1 x 1 on one pixel.
    shortcut: to the result is added what the stage before had as input, every so many pixels, with channels of zeros on
    both sides; 0: nothing. function: of the result. pooled: the input is the mean of its pixels.
    """

    key: str
    weight: Values
    bias: Values
    stride: int = 1
    pad: int = 0
    shortcut: int = 0
    function: str | None = "relu"
    pooled: bool = False


def patches(x: Values, kernel: tuple[int, int], stride: tuple[int, int], pads: tuple[int, int, int, int]) -> Values:
    """Windows of images (batch, channels, height, width): (batch, out height, out width, channels x kernel).

    pads: rows above, columns left, rows below, columns right, of zeros.
    """
    top, left, bottom, right = pads
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    views = np.lib.stride_tricks.sliding_window_view(padded, kernel, axis=(2, 3))
    picked = views[:, :, :: stride[0], :: stride[1]]
    batch, channels, height, width = picked.shape[:4]
    return picked.transpose(0, 2, 3, 1, 4, 5).reshape(batch, height, width, channels * kernel[0] * kernel[1])


class Convolution:
    """Every window is multiplied by the weights (out, in, height, width) as by a matrix."""

    def __init__(
        self,
        arithmetic: Arithmetic,
        key: str,
        weight: Values,
        bias: Values | None,
        *,
        stride: tuple[int, int] = (1, 1),
        pads: tuple[int, int, int, int] = (0, 0, 0, 0),
    ) -> None:
        """Prepare the product."""
        self.kernel, self.stride, self.pads = (weight.shape[2], weight.shape[3]), stride, pads
        self.product: Product = arithmetic.linear(key, weight.reshape(weight.shape[0], -1), bias)

    def __call__(self, x: Values) -> Values:
        """Images (batch, channels, height, width)."""
        windows = patches(x, self.kernel, self.stride, self.pads)
        out = self.product(windows.reshape(-1, windows.shape[-1]))
        return np.ascontiguousarray(out.reshape(*windows.shape[:3], -1).transpose(0, 3, 1, 2))


class Staged:
    """Stages in any arithmetic."""

    def __init__(self, stages: Sequence[Stage], arithmetic: Arithmetic) -> None:
        """Prepare all products."""
        self.stages, self.arithmetic = tuple(stages), arithmetic
        self.products = [
            Convolution(arithmetic, each.key, each.weight, each.bias, stride=(each.stride,) * 2, pads=(each.pad,) * 4)
            for each in stages
        ]

    def __call__(self, x: Values) -> Values:
        """Inputs (batch, channels, height, width) to results (batch, values)."""
        before = x
        for stage, product in zip(self.stages, self.products, strict=True):
            if stage.pooled:
                x = x.mean(axis=(2, 3), keepdims=True)
            out = product(x)
            if stage.shortcut:
                out = out + _skipped(before, stage.shortcut, out.shape[1])
            before, x = x, out if stage.function is None else self.arithmetic.function(stage.function, out)
        return x.reshape(len(x), -1)


def _skipped(x: Values, stride: int, channels: int) -> Values:
    more = (channels - x.shape[1]) // 2
    return np.pad(x[:, :, ::stride, ::stride], ((0, 0), (more, more), (0, 0), (0, 0)))
