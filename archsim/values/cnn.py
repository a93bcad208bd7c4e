"""Convolutions as products of matrices, and the CIFAR ResNets of K. He et al. on values."""

import numpy as np

from archsim.errors import ArchsimError
from archsim.values.arithmetic import Arithmetic, Product, Values
from archsim.values.weights import Named


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


class CifarResNet:
    """ResNet-20, -32, ... for CIFAR-10: three stages of blocks, shortcuts that skip pixels and pad channels."""

    MEAN = np.array([0.485, 0.456, 0.406], np.float32)
    DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
    """Of the images that it was trained on."""

    def __init__(self, named: Named, arithmetic: Arithmetic) -> None:
        """Prepare all convolutions, with their normalisation folded in; raises ArchsimError."""
        self.named, self.arithmetic = named, arithmetic
        self.first = self._folded("conv1", "bn1", 1)
        self.blocks: list[tuple[Convolution, Convolution, int]] = []
        for stage in (1, 2, 3):
            block = 0
            while named.has(f"layer{stage}.{block}.conv1.weight"):
                at, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
                self.blocks.append(
                    (
                        self._folded(f"{at}.conv1", f"{at}.bn1", stride),
                        self._folded(f"{at}.conv2", f"{at}.bn2", 1),
                        stride,
                    )
                )
                block += 1
        if not self.blocks:
            raise ArchsimError(f"{named.path}: has no blocks, such as layer1.0.conv1.weight")
        head = named.take("linear.weight", -1, -1)
        self.head = arithmetic.linear("linear", head, named.take("linear.bias", head.shape[0]))

    def _folded(self, convolution: str, norm: str, stride: int) -> Convolution:
        weight = self.named.take(f"{convolution}.weight", -1, -1, 3, 3)
        out = weight.shape[0]
        gain, shift, mean, variance = (
            self.named.take(f"{norm}.{name}", out) for name in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gain / np.sqrt(variance + np.float32(1e-5))
        folded = weight * scale[:, None, None, None]
        bias = shift - mean * scale
        return Convolution(self.arithmetic, convolution, folded, bias, stride=(stride, stride), pads=(1, 1, 1, 1))

    def logits(self, images: "np.typing.NDArray[np.uint8]") -> Values:
        """Of images (batch, height, width, 3) of 8-bit RGB: (batch, classes)."""
        scaled = (images.astype(np.float32) / np.float32(255) - self.MEAN) / self.DEVIATION
        x = self.arithmetic.function("relu", self.first(np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))))
        for first, second, stride in self.blocks:
            inner = self.arithmetic.function("relu", first(x))
            x = self.arithmetic.function("relu", second(inner) + _shortcut(x, stride))
        return self.head(x.mean(axis=(2, 3)))


def _shortcut(x: Values, stride: int) -> Values:
    if stride == 1:
        return x
    more = x.shape[1] // 2
    return np.pad(x[:, :, ::stride, ::stride], ((0, 0), (more, more), (0, 0), (0, 0)))
