"""The CIFAR ResNets of K. He et al. on values."""

import numpy as np

from archsim.errors import ArchsimError
from archsim.values.arithmetic import Arithmetic, Values
from archsim.values.stages import Stage, Staged
from archsim.values.weights import Named

Images = np.typing.NDArray[np.uint8]
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
"""Of the images that the networks were trained on."""


class CifarResNet:
    """ResNet-20, -32, ... for CIFAR-10: three stages of blocks, shortcuts that skip pixels and pad channels."""

    def __init__(self, named: Named, arithmetic: Arithmetic) -> None:
        """Prepare all convolutions, with their normalisation folded in; raises ArchsimError."""
        self.network = Staged(cifar_stages(named), arithmetic)

    def logits(self, images: Images) -> Values:
        """Of images (batch, height, width, 3) of 8-bit RGB: (batch, classes)."""
        return self.network(np.ascontiguousarray(scaled(images).transpose(0, 3, 1, 2)))


def scaled(images: Images) -> Values:
    """As the networks were trained; the shape stays."""
    found: Values = (images.astype(np.float32) / np.float32(255) - MEAN) / DEVIATION
    return found


def cifar_stages(named: Named) -> tuple[Stage, ...]:
    """A network's products, named as in the Graph of `workloads/models/resnet-20.yaml`; raises ArchsimError."""
    found = [_folded(named, "conv1", "bn1", 1)]
    for group in (1, 2, 3):
        block = 0
        while named.has(f"layer{group}.{block}.conv1.weight"):
            at, stride = f"layer{group}.{block}", 2 if group > 1 and block == 0 else 1
            found.append(_folded(named, f"{at}.conv1", f"{at}.bn1", len(found) + 1, stride=stride))
            found.append(_folded(named, f"{at}.conv2", f"{at}.bn2", len(found) + 1, shortcut=stride))
            block += 1
    if len(found) == 1:
        raise ArchsimError(f"{named.path}: has no blocks, such as layer1.0.conv1.weight")
    head = named.take("linear.weight", -1, -1)
    bias = named.take("linear.bias", head.shape[0])
    key = f"{len(found) + 1} linear/product"
    return (*found, Stage(key, head[:, :, None, None], bias, function=None, pooled=True))


def _folded(named: Named, convolution: str, norm: str, number: int, *, stride: int = 1, shortcut: int = 0) -> Stage:
    weight = named.take(f"{convolution}.weight", -1, -1, 3, 3)
    out = weight.shape[0]
    gain, shift, mean, variance = (
        named.take(f"{norm}.{name}", out) for name in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gain / np.sqrt(variance + np.float32(1e-5))
    folded = weight * scale[:, None, None, None]
    key = f"{number} conv/product"
    return Stage(key, folded, shift - mean * scale, stride=stride, pad=1, shortcut=shortcut)
