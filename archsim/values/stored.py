"""Tensors that lie in files: their shapes are known, their numbers are read when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class Stored:
    """A tensor of a file, or one that is made of some.

    Parameters
    ----------
    path
        The file.
    name
        In the file.
    shape
        Sizes.
    numbers
        Reads them, as float32. It can be sent to another process.
    """

    path: Path
    name: str
    shape: tuple[int, ...]
    numbers: Callable[[], Numbers]

    def read(self) -> Numbers:
        """The numbers. Raises ArchsimError where some are infinite or none."""
        values = self.numbers()
        wrong = int((~np.isfinite(values)).sum())
        if wrong:
            raise ArchsimError(f"{self.path}: {self.name} has {wrong} values that are infinite or no number (NaN)")
        return np.ascontiguousarray(values)


def at(path: Path, offset: int, dtype: str, shape: Sequence[int]) -> NDArray[Any]:
    """Numbers of a numpy type that stand in a file from byte `offset` on."""
    return np.fromfile(path, dtype, prod(shape), offset=offset).reshape(shape)


def floats(path: Path, offset: int, dtype: str, shape: Sequence[int]) -> Numbers:
    """The same as float32. dtype: of numpy, or `bf16`, the upper halves of float32."""
    if dtype == "bf16":
        upper = at(path, offset, "<u2", shape).astype(np.uint32)
        return (upper << np.uint32(16)).view(np.float32)
    return at(path, offset, dtype, shape).astype(np.float32)


def changed(one: Stored, shape: tuple[int, ...], change: Callable[[Numbers], Numbers]) -> Stored:
    """A tensor of another shape that is made of one. change: can be sent to another process."""
    return replace(one, shape=shape, numbers=partial(_changed, one.numbers, change))


def _changed(numbers: Callable[[], Numbers], change: Callable[[Numbers], Numbers]) -> Numbers:
    return change(numbers())


def joined(parts: Sequence[Stored]) -> Stored:
    """One after the other along the first dimension; the other sizes are taken to be those of the first part."""
    if len(parts) == 1:
        return parts[0]
    name = " and ".join(part.name for part in parts)
    shape = (sum(part.shape[0] for part in parts), *parts[0].shape[1:])
    return replace(parts[0], name=name, shape=shape, numbers=partial(_joined, tuple(part.read for part in parts)))


def _joined(reads: Sequence[Callable[[], Numbers]]) -> Numbers:
    return np.concatenate([read() for read in reads])
