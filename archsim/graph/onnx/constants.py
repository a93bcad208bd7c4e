"""Constants of an ONNX file: tensors that it holds, and what nodes make of these alone, worked out when asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, isfinite, prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError, quoted
from archsim.graph.onnx.file import FLOATS, SIZES, FileNode, ModelFile, Sizes

Reader = Callable[[], NDArray[Any]]
"""Gives numbers."""
_SMALL = 1 << 14
"""Numbers of a tensor that is worked out at once, and kept."""
_LARGE = 1 << 26
"""Numbers of a tensor that is worked out for its size."""
_MOST = 1 << 30
"""Numbers of a tensor that another is worked out of."""
_VIEWS = ("Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Cast")
_TURNED = ("Transpose", "Squeeze", "Unsqueeze")
"""Views that numpy makes without a copy."""
_PICKING = ("Gather", "GatherElements", "GatherND", "Scatter", "ScatterElements", "ScatterND")
_GROWING = (
    "Pad",
    "Resize",
    "Upsample",
    "OneHot",
    "EyeLike",
    "CenterCropPad",
    "Col2Im",
    "MaxUnpool",
    "HannWindow",
    "HammingWindow",
    "BlackmanWindow",
    "MelWeightMatrix",
    "DFT",
    "STFT",
)
"""Their results may be much larger than what they read."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A tensor that is known before the run.

    Parameters
    ----------
    name
        In the file.
    shape
        Sizes.
    read
        Gives its numbers.
    whole
        Whether they are whole numbers.
    origin
        The tensor whose numbers they are, in another order.
    held
        Tensors that the file has as numbers, of which it is made: there are none in what is made of sizes and single
        numbers alone.
    """

    name: str
    shape: Sizes
    read: Reader
    whole: bool
    origin: str
    held: frozenset[str] = frozenset()

    @property
    def numbers(self) -> int:
        """How many."""
        return prod(self.shape)


class Constants:
    """All constants of a file, by name.

    Parameters
    ----------
    file
        Whose tensors they are.
    folder
        Of files with weights beside it.
    readers
        Give numbers that are neither in the file nor in others beside it, by name.
    sizes
        Gives the sizes of a tensor that is made at run time; None where they are not known yet.
    """

    def __init__(
        self, file: ModelFile, folder: Path, readers: Mapping[str, Reader], sizes: Callable[[str], Sizes | None]
    ) -> None:
        self.file, self._sizes = file, sizes
        self.known: dict[str, Constant] = {}
        for name, tensor in file.initializers.items():
            dims = tuple(tensor.dims)
            if any(size < 0 for size in dims):
                raise ArchsimError(f"weights {quoted(name)} have sizes {list(dims)}; expected none below 0")
            read = readers.get(name) or _reader(tensor, folder)
            held = frozenset((name,)) - file.fixed
            self.known[name] = Constant(name, dims, read, tensor.data_type not in FLOATS, name, held)

    def get(self, name: str) -> Constant | None:
        """A constant; None where a tensor is none, or depends on sizes that are not known yet."""
        waiting = [name] if name in self.file.constant else []
        while waiting:
            last = waiting[-1]
            node = self.file.makers.get(last)
            if last in self.known or node is None:
                waiting.pop()
            elif node.operator in SIZES:
                sizes = self._size_of(node.inputs[0])
                if sizes is None:
                    break
                part = sizes[slice(node.attributes.get("start"), node.attributes.get("end"))]
                self._put(last, np.array(part if node.operator == "Shape" else prod(sizes), np.int64))
            else:
                missing = [each for each in node.inputs if each and each not in self.known]
                waiting += missing
                if not missing:
                    self._fold(node)
        return self.known.get(name)

    def _size_of(self, name: str) -> Sizes | None:
        return self.known[name].shape if name in self.known else self._sizes(name)

    def value(self, name: str) -> NDArray[Any] | None:
        """The numbers of a constant that is small; None where there is none."""
        found = self.get(name)
        return None if found is None or found.numbers > _SMALL else found.read()

    def _put(self, name: str, value: NDArray[Any], origin: str = "", held: frozenset[str] = frozenset()) -> None:
        """A constant whose numbers are at hand."""
        whole = value.dtype.kind not in "fV"
        self.known[name] = Constant(name, value.shape, lambda: value, whole, origin or name, held)

    def _fold(self, node: FileNode) -> None:
        """Make constants of what a node makes of others."""
        known = {name: self.known[name] for name in node.inputs if name}

        def run() -> list[Any]:
            if max((found.numbers for found in known.values()), default=0) > _MOST:
                raise ArchsimError(f"{node.label}: found constants of more than {_MOST:,} numbers to work with")
            return evaluated(node, {name: found.read() for name, found in known.items()}, self.file.opsets)

        made = node.outputs[0]
        sizes = _sizes(node, known, self.file) if len(node.outputs) == 1 else None
        kind = self.file.types.get(made)
        moved = known[node.inputs[0]].origin if node.operator in _VIEWS else ""
        held = frozenset().union(*(found.held for found in known.values()))
        if node.operator == "Constant" and self.file.is_float(made) and prod(sizes or (2,)) > 1:
            held |= {made}
        if sizes is not None and (prod(sizes) > _SMALL or any(found.numbers > _SMALL for found in known.values())):
            whole = kind is not None and kind not in FLOATS
            origin = moved if moved and not whole else made
            self.known[made] = Constant(made, sizes, lambda: np.asarray(run()[0]), whole, origin, held)
            return
        if sizes is None and (node.operator in _GROWING or sum(found.numbers for found in known.values()) > _LARGE):
            raise ArchsimError(f"{node.label}: makes a constant whose size is not known. Try --shape.")
        for name, value in zip(filter(None, node.outputs), run(), strict=True):
            self._put(name, np.asarray(value), moved, held)


def _reader(tensor: Any, folder: Path) -> Reader:  # noqa: ANN401 - protobuf's own type
    from onnx import TensorProto, numpy_helper

    def read() -> NDArray[Any]:
        outside = tensor.data_location == TensorProto.EXTERNAL
        if outside:
            place = next((entry.value for entry in tensor.external_data if entry.key == "location"), "")
            if not (folder / place).is_file():
                missing = f"numbers of {quoted(tensor.name)} are in {quoted(place)}, which is not there"
                raise ArchsimError(f"{missing}; expected it beside the model")
        try:
            found: NDArray[Any] = numpy_helper.to_array(tensor, base_dir=str(folder))
        except Exception as error:  # noqa: BLE001 - a broken file may make it raise anything
            why = " ".join(str(error).split())[:80]
            raise ArchsimError(f"weights {quoted(tensor.name)} cannot be read ({why})") from None
        return found

    return read


def _sizes(node: FileNode, known: Mapping[str, Constant], file: ModelFile) -> Sizes | None:
    """Of a node's only result; None where they show only when it is worked out."""
    made: tuple[Any, ...] | None = file.sizes.get(node.outputs[0])
    operands = [known[name] for name in node.inputs if name]
    if made is None and node.operator in _TURNED and operands:
        values = {name: found.read() for name, found in known.items() if found is not operands[0]}
        empty = np.broadcast_to(np.zeros((), np.bool_), operands[0].shape)  # takes no memory
        made = np.shape(evaluated(node, {operands[0].name: empty, **values}, file.opsets)[0])
    elif node.operator == "ConstantOfShape":
        made = tuple(operands[0].read().reshape(-1).tolist())
    elif node.operator == "Expand":
        try:
            made = np.broadcast_shapes(operands[0].shape, tuple(operands[1].read().reshape(-1).tolist()))
        except ValueError as error:
            raise ArchsimError(f"{node.label}: {error}") from None
    elif node.operator == "Tile" and len(operands[1].read().reshape(-1)) == len(operands[0].shape):
        repeats = operands[1].read().reshape(-1).tolist()
        made = tuple(size * times for size, times in zip(operands[0].shape, repeats, strict=True))
    elif node.operator == "Range":
        ends = [float(number) for each in operands for number in each.read().reshape(-1)[:2]]
        if len(ends) != 3 or not all(map(isfinite, ends)):  # noqa: PLR2004 - start, limit, step
            raise ArchsimError(f"{node.label}: found {ends[:4]}; expected a start, a limit and a step")
        start, limit, step = ends
        made = (max(0, ceil((limit - start) / step)) if step else 0,)
    return None if made is None else tuple(map(int, made))


def _require_indices(node: FileNode, values: Mapping[str, Any]) -> None:
    """Indices lie within what they pick of: numpy would add its size until they do."""
    if node.operator in _PICKING:
        table, indices = (np.asarray(values[name]) for name in node.inputs[:2])
        largest = max(table.shape, default=0)
        if indices.size and not -largest <= indices.min() <= indices.max() < max(1, largest):
            found = f"found indices from {indices.min()} to {indices.max()}"
            raise ArchsimError(f"{node.label}: {found}; expected some of {list(table.shape)}")


def evaluated(node: FileNode, values: Mapping[str, Any], opsets: Mapping[str, int]) -> list[Any]:
    """What a node makes of numbers, by ONNX's reference evaluator. Raises ArchsimError where it makes nothing."""
    from onnx import NodeProto, helper
    from onnx.reference import ReferenceEvaluator

    _require_indices(node, values)
    proto = NodeProto()
    proto.CopyFrom(node.proto)
    del proto.input[:]
    proto.input.extend(node.inputs)
    given, made = (
        [helper.make_tensor_value_info(name, 1, None) for name in names if name]
        for names in (dict.fromkeys(node.inputs), node.outputs)
    )
    versions = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    try:
        model = helper.make_model(helper.make_graph([proto], "constants", given, made), opset_imports=versions)
        with np.errstate(all="ignore"):  # as IEEE 754 says
            found = ReferenceEvaluator(model).run(None, dict(values))
    except Exception as error:  # noqa: BLE001 - a broken file may make it raise anything
        why = " ".join(str(error).split())[:120]
        raise ArchsimError(f"{node.label}: what it makes of constants cannot be worked out ({why})") from None
    return list(found)
