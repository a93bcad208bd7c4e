"""What the nodes of a run have in common: lengths that a job says, where positions start, what is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError
from archsim.graph.axes import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archsim.graph.axes import Axis, Dim, Shape
    from archsim.graph.streams import Stream
    from archsim.values.arithmetic import Arithmetic

Array = NDArray[Any]
"""float32, or int64; the batch of the job first (1 of what is the same for all of it)."""


@dataclass
class Run:
    """A run.

    Parameters
    ----------
    arithmetic
        By which functions and products are computed.
    everywhere
        Whether all positions are kept where the last is chosen.
    past
        Positions of former runs, by stream.
    state
        Tensors of former runs by the key of the node that keeps them; None: nothing is kept.
    stepwise
        Whether it is one position of a recurrence: the first dimension of all tensors has one index.
    lengths
        Of axes whose size a job says.
    starts
        Position of the first index of axes, where it is not that of their stream's first new one.
    """

    arithmetic: Arithmetic
    everywhere: bool = False
    past: Mapping[Stream, int] = field(default_factory=dict)
    state: dict[str, Array] | None = None
    stepwise: bool = False
    lengths: dict[Axis, int] = field(default_factory=dict)
    starts: dict[Axis, int] = field(default_factory=dict)

    def start(self, one: Dim) -> int:
        """Position of a dimension's first index."""
        axis = next((factor.axis for factor in one if factor.axis.stream is not None), None)
        if axis is None or axis.stream is None:
            return 0
        return self.starts.get(axis, 0 if axis.seen else self.past.get(axis.stream, 0))

    def size(self, one: Dim) -> int:
        """Indices of a dimension."""
        return prod(self.lengths[factor.axis] if factor.size is None else factor.size for factor in one)

    def sizes(self, shape: Shape) -> tuple[int, ...]:
        """Of all dimensions."""
        begin = 1 if self.stepwise else 0
        return (*(1,) * begin, *(self.size(one) for one in shape[begin:]))

    def noted(self, name: str, shape: Shape, x: Array) -> Array:
        """An array in float32 or int64, its lengths remembered. Raises ArchsimError for another shape."""
        if x.ndim == len(shape) + 1:
            for one, size in zip(shape, x.shape[1:], strict=True):
                unknown = [factor.axis for factor in one if factor.size is None]
                if len(unknown) == 1:
                    self.lengths[unknown[0]] = size // prod(factor.size for factor in one if factor.size is not None)
        if x.ndim != len(shape) + 1 or x.shape[1:] != self.sizes(shape):
            raise ArchsimError(f"{name}: found {list(x.shape[1:])}; expected {shown(shape)}")
        return x.astype(np.float32 if x.dtype.kind == "f" else np.int64, copy=False)
