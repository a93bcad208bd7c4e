"""Nodes of an ONNX model written in the place of another: what writers of operators share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError, quoted
from archsim.graph.onnx.constants import Constants, Reader
from archsim.graph.onnx.file import FLOATS, NUMBERS, FileNode, ModelFile, Sizes

AXES_AS_INPUTS = {"ReduceSum": 13, "ReduceMean": 18, "ReduceMax": 18, "Squeeze": 13, "Unsqueeze": 13}
"""Version from which an operator has its axes among the inputs."""
PADS_AS_INPUTS, SLICES_BY_INPUTS = 11, 10
"""Versions from which these have their numbers among the inputs."""
Write = Callable[["Writing"], None]
"""Writes a node out, or leaves it as it is by writing nothing."""


class UnknownSizesError(ArchsimError):
    """Sizes are not known, or not yet: other operators may have to be written out before."""


@dataclass
class Writing:
    """What stands in the place of a node.

    Parameters
    ----------
    node
        That is written out.
    file, constants
        In which it is.
    marker
        In the names of tensors that are made for it; no name of the file has it.
    nodes
        So far: protobuf's.
    tensors
        Numbers that they need, by name.
    held
        Weights of inner graphs: protobuf's tensors.
    functions
        Definitions that its nodes call: protobuf's functions.
    readers, bits
        By name, of weights whose numbers are worked out when they are asked for: what gives them, and the bits of each.
    meanings
        By tensor: what nodes mean that are no work.
    notes
        What was taken for granted.
    untrained
        Names of tensors of the file that are numbers of the operator's definition.
    """

    node: FileNode
    file: ModelFile
    constants: Constants
    marker: str
    nodes: list[Any] = field(default_factory=list)
    tensors: dict[str, NDArray[Any]] = field(default_factory=dict)
    held: list[Any] = field(default_factory=list)
    functions: list[Any] = field(default_factory=list)
    readers: dict[str, Reader] = field(default_factory=dict)
    bits: dict[str, int] = field(default_factory=dict)
    meanings: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    untrained: set[str] = field(default_factory=set)

    def name(self) -> str:
        """A name that no tensor has."""
        return f"{self.node.outputs[0]} {self.marker} {len(self.nodes) + len(self.tensors) + len(self.held)}"

    def op(self, operator: str, *inputs: str, to: str = "", **attributes: Any) -> str:  # noqa: ANN401
        """A node of one result; its name."""
        from onnx import helper

        made = to or self.name()
        label = self.node.name or self.node.operator
        self.nodes.append(helper.make_node(operator, list(inputs), [made], label, **attributes))
        return made

    def cast(self, x: str, kind: int, *, to: str = "") -> str:
        """Numbers of another type, by ONNX's number of it."""
        made = self.op("Cast", x, to=to)
        self.nodes[-1].attribute.add(name="to", i=kind, type=2)  # AttributeProto.INT
        return made

    def free(self, meaning: str, operator: str, *inputs: str, to: str = "") -> str:
        """A node that is no work, as it goes with whole numbers: what it means, and an operator of the same sizes."""
        made = self.op(operator, *inputs, to=to)
        self.meanings[made] = meaning
        return made

    def later(self, sizes: Sequence[int], read: Reader, bits: int | None = None) -> str:
        """Weights in float32 whose numbers are given when they are asked for; of so many bits each."""
        from onnx import TensorProto

        made = self.name()
        self.held.append(TensorProto(name=made, dims=sizes, data_type=TensorProto.FLOAT))
        self.readers[made] = read
        if bits is not None:
            self.bits[made] = bits
        return made

    def number(self, value: Any, like: str = "") -> str:  # noqa: ANN401 - what numpy takes
        """Numbers as a tensor; `like`: of the type of another."""
        from onnx import helper

        array = np.asarray(value)
        if like and like in self.file.types:
            if self.file.types[like] not in NUMBERS:
                raise self.refused(f"{quoted(like)} is of texts or complex numbers; expected numbers")
            array = array.astype(helper.tensor_dtype_to_np_dtype(self.file.types[like]))
        elif array.dtype.kind == "f":
            array = array.astype(np.float32)
        made = self.name()
        self.tensors[made] = array
        return made

    def over(self, operator: str, x: str, dims: Sequence[int], *, to: str = "", **attributes: Any) -> str:  # noqa: ANN401
        """A reduction, a squeeze or an unsqueeze: its dimensions are where the version of the model has them."""
        if self.file.opset < AXES_AS_INPUTS.get(operator, 18):
            return self.op(operator, x, to=to, axes=list(dims), **attributes)
        return self.op(operator, x, self.number(np.array(dims, np.int64)), to=to, **attributes)

    def reshape(self, x: str, sizes: Sequence[int], *, to: str = "") -> str:
        """The same numbers in other dimensions."""
        return self.op("Reshape", x, self.number(np.array(sizes, np.int64)), to=to)

    def slice(self, x: str, at: int, start: int, end: int, step: int = 1) -> str:
        """Some indices of a dimension."""
        if self.file.opset < SLICES_BY_INPUTS and step == 1:
            return self.op("Slice", x, starts=[start], ends=[end], axes=[at])
        return self.op("Slice", x, *(self.number(np.array([number], np.int64)) for number in (start, end, at, step)))

    def pad(self, x: str, before: Sequence[int], after: Sequence[int]) -> str:
        """Zeros before and after the indices of each dimension."""
        if self.file.opset < PADS_AS_INPUTS:
            return self.op("Pad", x, pads=[*before, *after])
        return self.op("Pad", x, self.number(np.array([*before, *after], np.int64)))

    def sizes(self, name: str) -> Sizes:
        """Of a tensor. Raises ArchsimError where they are not known."""
        constant = self.constants.get(name) if name in self.file.constant else None
        found = constant.shape if constant is not None else self.file.sizes.get(name)
        if found is None:
            raise UnknownSizesError(f"{self.node.label}: the sizes of {quoted(name)} are not known. Try --shape.")
        return found

    def known(self, name: str) -> NDArray[Any] | None:
        """The numbers of a small constant; None where a tensor is none."""
        return self.constants.value(name) if name in self.file.constant else None

    def is_float(self, name: str) -> bool:
        """Whether a tensor is of floating-point numbers."""
        return self.file.types.get(name, FLOATS[0]) in FLOATS

    def wanted(self, at: int) -> str:
        """The name of a result; "" where nobody reads it."""
        outputs = self.node.outputs
        name = outputs[at] if at < len(outputs) else ""
        return name if name in self.file.readers or name in self.file.outputs else ""

    def refused(self, why: str) -> ArchsimError:
        """A message about the node."""
        return ArchsimError(f"{self.node.label} ({self.node.operator}): {why}")
