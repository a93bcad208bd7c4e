"""Functions of two unsigned codes: rectangles for each output bit, as few as cover what is set. They may overlap."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.errors import UsageError
from archsim.kernels.acam_gray import Codes, bit_planes, from_gray, to_gray
from archsim.kernels.draws import generator

Rectangles = NDArray[np.int64]

_LARGEST = 6
"""Bits of an operand, beyond which there are too many rectangles to choose from."""
_NODES = 2000
"""Of the search, and not a time: a cover is the same on every machine."""


@dataclass(frozen=True, eq=False)
class Cover:
    """Rectangles int64 (n, 4) of x from, x to, y from, y to (both within), and the fewest that there can be."""

    rectangles: Rectangles
    bound: int

    @property
    def exact(self) -> bool:
        """Whether no smaller cover exists."""
        return len(self.rectangles) == self.bound


@dataclass(frozen=True, eq=False)
class Product:
    """A stored function of two codes: a cover for each output bit, the lowest first."""

    bits: int
    out_bits: int
    depth: int
    covers: tuple[Cover, ...]

    @property
    def rows_per_bit(self) -> tuple[int, ...]:
        """Rectangles that each output bit takes."""
        return tuple(len(cover.rectangles) for cover in self.covers)

    def search(self, x: Codes, y: Codes) -> Codes:
        """Output codes for codes of any one shape."""
        stored = np.zeros(np.shape(x), np.int64)
        for bit, cover in enumerate(self.covers):
            r = cover.rectangles
            inside = (x[..., None] >= r[:, 0]) & (x[..., None] <= r[:, 1]) & (y[..., None] >= r[:, 2])
            stored |= (inside & (y[..., None] <= r[:, 3])).any(axis=-1).astype(np.int64) << bit
        return from_gray(stored, self.out_bits, self.depth)

    def disturbed(self, sigma: float, seed: int = 0) -> Callable[[Codes, Codes], Codes]:
        """A search whose stored bounds have normal errors, `sigma` of an operand's range; open ends have none."""
        rng, last = generator(seed, "acam pairs", "programming"), (1 << self.bits) - 1
        bounds = []
        for cover_of_bit in self.covers:
            edges = cover_of_bit.rectangles + np.array([-0.5, 0.5, -0.5, 0.5])
            moved = edges + sigma * last * rng.standard_normal(edges.shape)
            open_ends = np.where(edges < 0, -np.inf, np.where(edges > last, np.inf, moved))
            bounds.append(open_ends)

        def search(x: Codes, y: Codes) -> Codes:
            stored = np.zeros(np.shape(x), np.int64)
            for bit, r in enumerate(bounds):
                inside = (x[..., None] > r[:, 0]) & (x[..., None] < r[:, 1]) & (y[..., None] > r[:, 2])
                stored |= (inside & (y[..., None] < r[:, 3])).any(axis=-1).astype(np.int64) << bit
            return from_gray(stored, self.out_bits, self.depth)

        return search


def compile_product(apply: Callable[[Codes, Codes], Codes], bits: int, *, depth: int = 0) -> Product:
    """The fewest rectangles for a function of two codes of `bits`, whose values are unsigned codes of twice the bits.

    Raises UsageError for values that leave the range of these codes.
    """
    _require_bits(bits)
    codes = np.arange(1 << bits)
    return compile_pairs(np.asarray(apply(codes[:, None], codes[None, :]), np.int64), bits, 2 * bits, depth=depth)


def compile_pairs(values: Codes, bits: int, out_bits: int, *, depth: int = 0) -> Product:
    """The fewest rectangles for a function of two codes.

    Exact by mixed-integer programming (scipy's HiGHS, a bounded search); the bound says how far from it a cover may be.

    Parameters
    ----------
    values
        Output codes, int64 (2^bits, 2^bits).
    bits
        Of an operand.
    out_bits
        Of a result.
    depth
        How often results are Gray-coded.

    Raises
    ------
    UsageError
        For values that leave the range of the results' codes, or more bits than can be covered.
    """
    _require_bits(bits)
    if values.min() < 0 or values.max() >= 1 << out_bits:
        found = f"found results from {values.min()} to {values.max()}"
        raise UsageError(
            f"{found}; codes of {out_bits} bits go from 0 to {(1 << out_bits) - 1}. Try more bits, or a range"
        )
    if not 0 <= depth <= out_bits:
        raise UsageError(f"found a Gray depth of {depth}; expected 0 to {out_bits}, the output's bits")
    planes = bit_planes(to_gray(values, depth), out_bits)
    return Product(bits, out_bits, depth, tuple(cover(plane) for plane in planes))


def _require_bits(bits: int) -> None:
    if not 1 <= bits <= _LARGEST:
        raise UsageError(f"found operands of {bits} bits; expected 1 to {_LARGEST}")


def cover(plane: NDArray[np.bool_]) -> Cover:
    """The fewest rectangles that cover the set cells of a plane (x, y), and no other."""
    candidates = maximal_rectangles(plane)
    if not len(candidates):
        return Cover(candidates, 0)
    cells = np.argwhere(plane)
    try:
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import csr_matrix
    except ImportError:
        raise UsageError("covers of two variables need scipy: pip install 'archsim[scipy]'") from None
    covers = (
        (cells[:, None, 0] >= candidates[:, 0])
        & (cells[:, None, 0] <= candidates[:, 1])
        & (cells[:, None, 1] >= candidates[:, 2])
        & (cells[:, None, 1] <= candidates[:, 3])
    )
    found = milp(
        np.ones(len(candidates)),
        constraints=LinearConstraint(csr_matrix(covers.astype(float)), lb=1),
        integrality=np.ones(len(candidates)),
        bounds=Bounds(0, 1),
        options={"node_limit": _NODES},
    )
    chosen = found.x > 0.5 if found.x is not None else _greedy(covers)  # noqa: PLR2004 (a solver's 0 or 1)
    bound = 1 if found.mip_dual_bound is None else int(np.ceil(found.mip_dual_bound - 1e-6))
    return Cover(candidates[chosen], bound)


def _greedy(covers: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of candidates (cells, candidates) always the one that covers most of what is left, until nothing is."""
    chosen = np.zeros(covers.shape[1], np.bool_)
    left = np.ones(covers.shape[0], np.bool_)
    while left.any():
        best = int(covers[left].sum(axis=0).argmax())
        chosen[best] = True
        left &= ~covers[:, best]
    return chosen


def maximal_rectangles(plane: NDArray[np.bool_]) -> Rectangles:
    """All rectangles of set cells that lie in no larger one, (n, 4): every cover can be made of these."""
    nx, ny = plane.shape
    found: list[tuple[int, int, int, int]] = []
    for left in range(nx):
        column = np.ones(ny, np.bool_)
        for right in range(left, nx):
            column = column & plane[right]
            steps = np.diff(np.concatenate([[0], column.astype(np.int8), [0]]))
            for low, high in zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1) - 1, strict=True):
                wider_left = left > 0 and plane[left - 1, low : high + 1].all()
                wider_right = right < nx - 1 and plane[right + 1, low : high + 1].all()
                if not wider_left and not wider_right:
                    found.append((left, right, int(low), int(high)))
    return np.array(found, np.int64).reshape(-1, 4)
