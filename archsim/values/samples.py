"""Numbers for a model's inputs, by name: any model that can be executed is compared on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from archsim.errors import ArchsimError, did_you_mean
from archsim.graph.axes import shown, sizes_of
from archsim.values.executor import Executor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from archsim.graph.graph import Graph
    from archsim.graph.weights import Input
    from archsim.values.arithmetic import Arithmetic, Values
    from archsim.values.running import Array

LABELS = "labels"
"""The array of a file that says which class each sample is of."""
_CELLS = 1 << 22
"""Numbers of the inputs that are run at a time."""


@dataclass(frozen=True, eq=False)
class Outputs:
    """What a model makes of samples.

    Parameters
    ----------
    values
        By name of a result, (samples, ...).
    """

    values: Mapping[str, Values]

    def cosines(self, name: str, other: Outputs) -> NDArray[np.float64]:
        """Of the angle between a result and the other's, all numbers of a sample as one vector, (samples,)."""
        own, others = _vectors(self.values[name]), _vectors(other.values[name])
        lengths = np.linalg.norm(own, axis=1) * np.linalg.norm(others, axis=1)
        same: NDArray[np.float64] = (own == others).all(axis=1).astype(np.float64)
        np.divide((own * others).sum(axis=1), lengths, out=same, where=lengths > 0)
        return same

    def errors(self, name: str, other: Outputs) -> NDArray[np.float64]:
        """How far the other's result is from this, over the length of this, (samples,)."""
        own, others = _vectors(self.values[name]), _vectors(other.values[name])
        lengths = np.linalg.norm(own, axis=1)
        distances: NDArray[np.float64] = np.linalg.norm(others - own, axis=1)
        relative: NDArray[np.float64] = np.where(distances > 0, np.inf, 0.0)
        np.divide(distances, lengths, out=relative, where=lengths > 0)
        return relative

    def right(self, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Of which samples the largest number of the first result is the label's."""
        first = next(iter(self.values.values()))
        right: NDArray[np.bool_] = first.reshape(len(first), -1).argmax(axis=1) == labels
        return right


@dataclass(frozen=True, eq=False)
class Samples:
    """A model, and what it is run on.

    Parameters
    ----------
    graph, arrays
        The model and its weights.
    inputs
        By name, (samples, ...).
    labels
        The class of each, (samples,); None where they are of none.
    """

    graph: Graph
    arrays: Mapping[str, Array]
    inputs: Mapping[str, Array]
    labels: NDArray[np.int64] | None = None

    @property
    def number(self) -> int:
        """Samples."""
        return len(next(iter(self.inputs.values())))

    def first(self, number: int | None) -> Samples:
        """So many of them; None: all."""
        inputs = {name: numbers[:number] for name, numbers in self.inputs.items()}
        return replace(self, inputs=inputs, labels=None if self.labels is None else self.labels[:number])

    def run(self, arithmetic: Arithmetic) -> Outputs:
        """All results of all samples; raises ArchsimError."""
        executor = Executor(self.graph, self.arrays, arithmetic)
        cells = max(1, sum(numbers.size for numbers in self.inputs.values()) // self.number)
        together = max(1, _CELLS // cells)
        parts = []
        for at in range(0, self.number, together):
            inputs = {name: numbers[at : at + together] for name, numbers in self.inputs.items()}
            results = executor.run(inputs, everywhere=True)
            parts.append([results[name] for name in self.graph.outputs])
        joined = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return Outputs(dict(zip(self.graph.outputs, joined, strict=True)))


def load_samples(graph: Graph, arrays: Mapping[str, Array], path: Path) -> Samples:
    """Read a file of samples.

    Parameters
    ----------
    graph, arrays
        The model and its weights.
    path
        A `.npz` file: an array for each input, by its name, of the shape (samples, ...) or of a single sample, and
        `labels` where samples are of classes. An only array is of an only input, whatever its name.

    Raises
    ------
    ArchsimError
        Where the file is wrong, or does not fit the model.
    """
    stored = read_arrays(path, "an array for each input of the model")
    labels = stored.pop(LABELS, None) if LABELS not in {one.name for one in graph.inputs} else None
    if len(graph.inputs) == 1 and len(stored) == 1:
        stored = {graph.inputs[0].name: next(iter(stored.values()))}
    names = [one.name for one in graph.inputs]
    missing, more = [name for name in names if name not in stored], [name for name in stored if name not in names]
    if missing:
        wanted = ", ".join(f"'{one.name}' {shown(one.shape)}" for one in graph.inputs)
        raise ArchsimError(f"{path}: found no array '{missing[0]}'; {graph.name} takes {wanted}")
    if more:
        raise ArchsimError(
            f"{path}: found an array '{more[0]}'; {graph.name} has no such input. {did_you_mean(more[0], names)}"
        )
    inputs = {one.name: _fitted(path, one, stored[one.name]) for one in graph.inputs}
    numbers = {name: len(array) for name, array in inputs.items()}
    if len(set(numbers.values())) > 1 or not min(numbers.values()):
        said = ", ".join(f"{number} of '{name}'" for name, number in numbers.items())
        raise ArchsimError(f"{path}: found {said}; expected as many samples of each input, one or more")
    samples = Samples(graph, arrays, inputs)
    return samples if labels is None else replace(samples, labels=_labels(path, labels, samples.number))


def read_arrays(path: Path, expected: str) -> dict[str, NDArray[Any]]:
    """All arrays of a `.npz` file by their names; raises ArchsimError where it is none.

    Parameters
    ----------
    path
        Of the file.
    expected
        What a message says that it should hold.
    """
    if not path.is_file():
        wrong = "is a folder" if path.is_dir() else "no such file"
        raise ArchsimError(f"{path}: {wrong}; expected a file .npz of {expected}, as numpy.savez writes it")
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (ValueError, EOFError, OSError, AttributeError, TypeError, BadZipFile, MemoryError) as error:
        raise ArchsimError(f"{path}: is no whole .npz file ({' '.join(str(error).split())[:120]})") from None


def _fitted(path: Path, of: Input, array: NDArray[Any]) -> Array:
    """With samples as the first dimension: of a single one, or where the model's own first size is 1, it may lack."""
    sizes = tuple(sizes_of(of.shape))

    def fits(dims: tuple[int, ...]) -> bool:
        return len(dims) == len(sizes) and all(size in (None, own) for size, own in zip(sizes, dims, strict=True))

    if fits(array.shape[1:]):
        shape = array.shape
    elif fits(array.shape):
        shape = (1, *array.shape)
    elif array.ndim and fits((1, *array.shape[1:])):
        shape = (len(array), 1, *array.shape[1:])
    else:
        wrong = f"found '{of.name}' of the shape {list(array.shape)}"
        raise ArchsimError(f"{path}: {wrong}; expected {shown(of.shape)} for each sample")
    kinds = "iub" if of.whole is not None else "fiub"
    if array.dtype.kind not in kinds:
        wanted = "whole numbers" if of.whole is not None else "numbers"
        raise ArchsimError(f"{path}: found '{of.name}' of {array.dtype}; expected {wanted}")
    return array.reshape(shape).astype(np.int64 if of.whole is not None else np.float32)


def _labels(path: Path, labels: NDArray[Any], number: int) -> NDArray[np.int64]:
    if labels.dtype.kind not in "iu" or labels.size != number:
        wrong = f"'{LABELS}' of {labels.dtype} {list(labels.shape)}"
        raise ArchsimError(f"{path}: found {wrong}; expected a whole number for each of {number} samples")
    return labels.reshape(-1).astype(np.int64)


def _vectors(values: Values) -> NDArray[np.float64]:
    return values.reshape(len(values), -1).astype(np.float64)
