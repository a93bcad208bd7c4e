"""ONNX's Resize and Upsample: dimension by dimension, each result a sum of a few values of the map.

The nearest is no work. Else a product by the share of each of them, and sums: a fixed map of so few numbers is digital.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, isclose
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.graph.axes import size_of
from archsim.graph.bounds import LARGEST_SIZE
from archsim.graph.onnx.file import FileNode, Sizes
from archsim.graph.onnx.importer import Importer, Made, checked
from archsim.graph.spreading import repeated

_REGIONS = 11
"""Version from which a resize has a region among its inputs, and says its coordinates."""
_MOST = 1 << 22
"""Shares of a dimension."""
_NEAREST: dict[str, Callable[[Any], Any]] = {
    "floor": np.floor,
    "ceil": np.ceil,
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
}
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Side:
    """A dimension: its indices before and after, by which factor it grows, and the part of it that is resized."""

    size: int
    out: int
    factor: float
    region: tuple[float, float] = (0.0, 1.0)

    @property
    def same(self) -> bool:
        """Whether nothing changes."""
        return self.size == self.out and isclose(self.factor, 1) and self.region == (0, 1)


@dataclass(frozen=True)
class _Shares:
    """Of each index of the result: indices of the map, and the share of each; whether it lies outside of the map."""

    indices: NDArray[np.int64]
    shares: Floats
    outside: NDArray[np.bool_]


def resize(importer: Importer, node: FileNode) -> Made:
    """Nearest, linear or cubic, by any of ONNX's coordinates."""
    x, sizes = importer.tensor(node.inputs[0]), importer.sizes(node.inputs[0])
    older = node.operator == "Upsample" or importer.file.opset < _REGIONS
    mode = node.word("mode", "nearest")
    way = "asymmetric" if older else node.word("coordinate_transformation_mode", "half_pixel")
    nearest = _NEAREST.get("floor" if older else node.word("nearest_mode", "round_prefer_floor"))
    if mode not in ("nearest", "linear", "bilinear", "trilinear", "cubic") or nearest is None:
        raise importer.refused(node, f"found mode {mode}; expected nearest, linear or cubic")
    for at, side in enumerate(_sides(importer, node, sizes)):
        if side.same:
            continue
        if side.out * (4 + 4 / min(1, side.factor)) > _MOST:
            raise importer.refused(node, f"found {side.out:,} indices by a factor of {side.factor:g}; expected fewer")
        coordinates = _coordinates(side, way)
        if coordinates is None:
            raise importer.refused(node, f"found coordinates {way}, which archsim does not know")
        outside = (coordinates < 0) | (coordinates > side.size - 1)
        outside &= way == "tf_crop_and_resize"
        if mode == "nearest":
            indices = np.clip(nearest(coordinates), 0, side.size - 1).astype(np.int64)[:, None]
            found = _Shares(indices, np.ones(indices.shape), outside)
        else:
            found = _shares(node, side, coordinates, outside)
        x = _summed(importer, node, x, at, found)
    return x


def _sides(importer: Importer, node: FileNode, sizes: Sizes) -> list[_Side]:
    """By scales among the attributes or the inputs, or by sizes."""
    older = node.operator == "Upsample" or importer.file.opset < _REGIONS
    scales: Sequence[float] | None = node.attributes.get("scales")
    name = node.input(1 if older else 2)
    if scales is None and name:
        value = importer.constants.value(name)
        if value is None:
            raise importer.unsized(node, name)
        scales = value.reshape(-1).tolist()
    wanted = None if older else importer.wholes(node, 3)
    dims = checked(importer, node, node.wholes("axes") or range(len(sizes)), len(sizes))
    numbers = [new / sizes[at] for at, new in zip(dims, wanted, strict=False)] if wanted else scales or []
    if len(numbers) != len(dims) or not all(0 < number <= LARGEST_SIZE for number in numbers):
        raise importer.refused(node, "found no scales or sizes of all dimensions that are known before the run")
    policy = node.word("keep_aspect_ratio_policy", "stretch")
    if wanted and policy != "stretch":
        numbers = [(min if policy == "not_larger" else max)(numbers)] * len(numbers)
        wanted = tuple(floor(numbers[0] * sizes[at] + 0.5) for at in dims)
    region = importer.constants.value(node.input(1)) if node.input(1) and not older else None
    parts = [(0.0, 1.0)] * len(dims)
    if region is not None and region.size and node.word("coordinate_transformation_mode", "") == "tf_crop_and_resize":
        if region.size != 2 * len(dims):
            raise importer.refused(node, f"found a region of {region.size} numbers; expected {2 * len(dims)}")
        ends = region.reshape(2, -1).astype(np.float64)
        parts = [(float(begin), float(end)) for begin, end in ends.T]
    elif node.word("coordinate_transformation_mode", "") == "tf_crop_and_resize":
        raise importer.unsized(node, node.input(1)) if node.input(1) else importer.refused(node, "has no region")
    sides = [_Side(size, size, 1.0) for size in sizes]
    for place, at in enumerate(dims):
        size, factor = sizes[at], float(numbers[place])
        out = wanted[place] if wanted else int(np.floor(np.float32(size) * np.float32(factor)))
        if out < 1:
            raise importer.refused(node, f"leaves nothing of {list(sizes)}")
        sides[at] = _Side(size, out, factor, parts[place])
    return sides


def _coordinates(side: _Side, way: str) -> Floats | None:
    """Where each index of the result lies on the map; None for ways that are not known."""
    index, wide = np.arange(side.out, dtype=np.float64), side.factor * side.size
    centred = (index + 0.5) / side.factor - 0.5
    if way == "align_corners":
        return index * (side.size - 1) / (wide - 1) if wide != 1 else 0 * index
    if way == "tf_crop_and_resize":
        begin, end = (number * (side.size - 1) for number in side.region)
        return begin + (index * (end - begin) / (wide - 1) if wide != 1 else 0 * index + (end - begin) / 2)
    if way == "half_pixel_symmetric":
        return side.size / 2 * (1 - side.out / wide) + centred
    if way == "pytorch_half_pixel" and wide == 1:
        return 0 * index - 0.5
    return {"asymmetric": index / side.factor, "half_pixel": centred, "pytorch_half_pixel": centred}.get(way)


def _shares(node: FileNode, side: _Side, coordinates: Floats, outside: NDArray[np.bool_]) -> _Shares:
    """Of a triangle, or of a cubic, around where an index lies; wider where a map shrinks, if wanted."""
    cubic = node.word("mode", "") == "cubic"
    narrow = min(1.0, side.factor) if node.whole("antialias", 0) else 1.0
    reach = (2 if cubic else 1) / narrow
    places = np.floor(coordinates - reach).astype(np.int64)[:, None] + 1 + np.arange(ceil(2 * reach))
    apart = np.abs(places - coordinates[:, None]) * narrow
    shares = _cubic(apart, node.number_of("cubic_coeff_a", -0.75)) if cubic else np.clip(1 - apart, 0, None)
    if node.whole("exclude_outside", 0):
        shares = np.where((places < 0) | (places >= side.size), 0, shares)
    if narrow < 1 or node.whole("exclude_outside", 0):
        shares = shares / np.where(shares.sum(axis=1, keepdims=True) == 0, 1, shares.sum(axis=1, keepdims=True))
    return _Shares(np.clip(places, 0, side.size - 1), shares, outside)


def _cubic(apart: Floats, slope: float) -> Floats:
    """The cubic convolution kernel of R. Keys, 1981."""
    near = ((slope + 2) * apart - (slope + 3)) * apart**2 + 1
    far = ((slope * apart - 5 * slope) * apart + 8 * slope) * apart - 4 * slope
    return np.where(apart <= 1, near, np.where(apart < 2, far, 0))  # noqa: PLR2004


def _summed(importer: Importer, node: FileNode, x: str, at: int, found: _Shares) -> str:
    """Values of a dimension that are picked, each times its share, added."""
    builder, number = importer.builder, node.number_of("extrapolation_value", 0.0)
    size = size_of(builder.of(x)[at]) or 1

    def vector(word: str, numbers: Floats) -> str:
        shape = (len(numbers), *(1,) * (len(builder.of(x)) - at - 1))
        return importer.weight(f"{node.outputs[0]} {word} of {at}", shape, lambda: numbers.astype(np.float32), 0)

    total = ""
    for place, (indices, shares) in enumerate(zip(found.indices.T, found.shares.T, strict=True)):
        own = np.where(found.outside, 0, shares)
        if not own.any() and (total or place + 1 < len(found.shares.T)):
            continue
        times = len(indices) // size
        each_repeated = times > 1 and np.array_equal(indices, np.arange(size).repeat(times))
        factors = [times if here == at else 1 for here in range(len(builder.of(x)))]
        part = repeated(builder, x, factors) if each_repeated else builder.pick(x, at, indices.tolist())
        if (own != 1).any():
            part = builder.elementwise("share", "mul", part, vector(f"shares {place}", own))
        total = builder.elementwise("sum of shares", "add", total, part) if total else part
    if number and found.outside.any():
        beyond = vector("what lies outside", np.where(found.outside, number, 0.0))
        return builder.elementwise("sum of shares", "add", total, beyond)
    return total


HANDLERS: dict[str, Callable[[Importer, FileNode], Made]] = {"Resize": resize, "Upsample": resize}
