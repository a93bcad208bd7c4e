"""From the nodes of an ONNX file to those of a Graph: what handlers of operators share."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError, quoted
from archsim.graph.axes import sizes_of
from archsim.graph.builder import Builder
from archsim.graph.nodes import Contraction
from archsim.graph.onnx.constants import Constant, Constants, Reader
from archsim.graph.onnx.file import FLOATS, NUMBERS, SIZES, WHOLES, FileNode, ModelFile, Sizes
from archsim.graph.onnx.stored import BITS, stored
from archsim.graph.weights import Stored, Weight

Handler = Callable[["Importer", FileNode], "Made"]
Made = str | Sequence[str]
"""Names of the tensors that a node makes, in the order of its outputs."""
_FEW = 64
"""Numbers of an input that a user may write down."""
HIDDEN = -1e4
"""What is added to scores that are to be hidden is this or less."""
_SOFT = ("Reshape", "Transpose", "Squeeze", "Unsqueeze", "Cast", "Dropout", "Where", "Mul", "Slice")
"""What may be done to the result of a softmax before it weighs values."""


@dataclass
class Importer:
    """Goes through the nodes in order.

    Parameters
    ----------
    file, folder
        What is read, and where files with weights lie.
    handlers
        By operator: makes nodes of the Graph, and gives the names of their tensors.
    otherwise
        The same, of operators that are not known.
    meanings
        The same, of nodes that are no work, by what they mean.
    readers
        By name: give the numbers of weights that are in no file.
    parameters
        Names of tensors that are trained; None: as far as can be told.
    approximate
        Whether operators that are not known are Unknown nodes.
    builder
        Of the Graph.
    tensors
        By the file's names: the Graph's names of what is made at run time.
    arrays
        By name of a weight: gives its numbers.
    scales
        Of tensors: by what they are still to be multiplied, which the product that reads them does.
    softened
        Tensors that a softmax made, and views of these.
    done
        Numbers of nodes that others have taken in.
    fused
        By number of a node, in whose place they are made: nodes that stand for several.
    products
        Products with weights so far, each of which begins a layer.
    approximated
        Operators that were taken for an operation a value.
    empty
        Sizes of tensors of the file without numbers, one of which is 0.
    stored
        By key of a product with weights: of how many bits the file has its numbers.
    hidden
        By what is done to scores before a softmax: keys of each query that it surely hides; None where not known.
    """

    file: ModelFile
    folder: Path
    handlers: Mapping[str, Handler]
    otherwise: Handler
    meanings: Mapping[str, Handler]
    readers: Mapping[str, Reader] = field(default_factory=dict)
    parameters: frozenset[str] | None = None
    approximate: bool = False
    builder: Builder = field(default_factory=Builder)
    tensors: dict[str, str] = field(default_factory=dict)
    arrays: dict[str, Reader] = field(default_factory=dict)
    scales: dict[str, float] = field(default_factory=dict)
    softened: set[str] = field(default_factory=set)
    done: set[int] = field(default_factory=set)
    fused: dict[int, Callable[["Importer"], str]] = field(default_factory=dict)
    products: int = 0
    approximated: Counter[str] = field(default_factory=Counter)
    empty: dict[str, Sizes] = field(default_factory=dict)
    stored: dict[str, Stored] = field(default_factory=dict)
    hidden: dict[str, NDArray[np.bool_] | None] = field(default_factory=dict)
    _origins: dict[str, str] = field(default_factory=dict)
    _counted: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.constants = Constants(self.file, self.folder, self.readers, self.known_sizes)
        names = {*self.file.inputs, *self.file.initializers, *self.file.makers}
        self._layers = {name.partition("/")[0] for name in names if "/" in name}
        self.builder.layer = self.free_layer("input")

    # Going through

    def run(self) -> None:
        """All nodes. Raises ArchsimError for what is not known, or does not fit."""
        for node in self.file.nodes:
            if node.number in self.fused:
                self.give(node, self.fused[node.number](self))
            elif node.number in self.done or self.file.outside.intersection(node.outputs):
                continue
            elif any(node.outputs) and self.file.constant.issuperset(filter(None, node.outputs)):
                self._require_constant(next(filter(None, node.outputs)))
            else:
                handler = None if node.domain else self._handler(node)
                self.require_numbers(*node.inputs)
                before = len(self.builder.nodes)
                self.give(node, (handler or self.otherwise)(self, node))
                self._note_bits(node, before)
                if node.operator == "Softmax" or (node.operator in _SOFT and self.softened.intersection(node.inputs)):
                    self.softened.update(node.outputs)

    def _note_bits(self, node: FileNode, before: int) -> None:
        """Remember of how many bits the file has the numbers of the products with weights that a node became."""
        for each in self.builder.nodes[before:]:
            if isinstance(each, Contraction) and each.stationary:
                found = stored(self.file, node)
                if found != Stored():
                    self.stored[each.key] = found

    def _handler(self, node: FileNode) -> Handler | None:
        meaning = self.file.meanings.get(node.outputs[0])
        return self.handlers.get(node.operator) if meaning is None else self.meanings[meaning]

    def give(self, node: FileNode, made: Made) -> None:
        """Remember what a node makes, unless its handler did."""
        for name, tensor in zip(node.outputs, (made,) if isinstance(made, str) else made, strict=False):
            if name and name not in self.empty:
                self.tensors.setdefault(name, tensor)

    def results(self) -> list[str]:
        """The Graph's outputs: those of the file, and what a host takes over."""
        file = self.file
        taken = [name for node in file.nodes if file.outside.intersection(node.outputs) for name in node.inputs]
        made = [name for name in dict.fromkeys(taken) if name in self.tensors and name not in file.inputs]
        return [
            *(self._result(name) for name in file.outputs if name not in file.outside),
            *(self.tensors[name] for name in made if name not in file.outputs),
        ]

    def _result(self, name: str) -> str:
        """A constant without numbers may be a result, though no node reads one."""
        self.require_numbers(name)
        known = self.constants.get(name)
        sizes = known.shape if known is not None else self.empty.get(name, ())
        if 0 not in sizes:
            return self.operand(name)
        kind = np.float32 if self.file.is_float(name) else np.int64
        self.builder.weights[name] = Weight(name, sizes, 0)
        self.arrays[name] = lambda: np.zeros(sizes, kind)
        return name

    def notes(self) -> list[str]:
        """What was taken for granted."""
        file = self.file
        host = dict.fromkeys(node.operator for node in file.nodes if file.outside.intersection(node.outputs))
        found = [f"left to the host, as their sizes depend on data: {', '.join(host)}"] if host else []
        if self.approximated:
            listed = ", ".join(f"{kind} ({number} times)" for kind, number in self.approximated.most_common())
            found.append(f"an operation for each value, as they are not known: {listed}")
        return found

    def begin(self, word: str) -> None:
        """Begin the layer of a product with weights."""
        self.products += 1
        self.builder.layer = self.free_layer(f"{self.products} {word}")

    def free_layer(self, name: str) -> str:
        """A layer whose tensors have no names that tensors of the file have."""
        return self.free_layer(f"{name}*") if name in self._layers else name

    # What nodes read

    def sizes(self, name: str) -> Sizes:
        """Of any tensor."""
        constant = self.constants.get(name)
        if constant is not None:
            return constant.shape
        if name in self.empty:
            return self.empty[name]
        return tuple(size or 1 for size in sizes_of(self.builder.of(self.tensor(name))))

    def tensor(self, name: str) -> str:
        """The Graph's name of a tensor; of a constant, as a weight. What comes in is made an input when it is read."""
        if name in self.file.constant and name not in self.tensors:
            return self.operand(name)
        if name in self.empty:
            raise ArchsimError(f"{quoted(name)} has sizes {list(self.empty[name])}, so no numbers; expected some")
        if name not in self.tensors:
            sizes = self.file.inputs.get(name)
            if sizes is None:
                raise ArchsimError(f"sizes of {quoted(name)} are not known. Try --shape INPUT=1x3x224x224.")
            self.enter(name, sizes)
        return self.tensors[name]

    def enter(self, name: str, sizes: Sizes) -> None:
        """Make an input of a tensor. Raises ArchsimError where it is not of numbers."""
        self.require_numbers(name)
        least, most = WHOLES.get(self.file.types.get(name, FLOATS[0]), (0, -1))
        whole = most + 1 or None
        self.tensors[name] = self.builder.input(name, self.builder.axes(name, sizes), whole=whole, least=least)

    def require_numbers(self, *names: str) -> None:
        """Raise ArchsimError where a tensor is not of numbers."""
        wrong = next((name for name in names if self.file.types.get(name, FLOATS[0]) not in NUMBERS), None)
        if wrong is not None:
            raise ArchsimError(f"{quoted(wrong)} is of texts or complex numbers; expected numbers")

    def bound(self, name: str, rows: int) -> None:
        """Whole numbers that index so many rows: where they come in as they are, that is their bound."""
        while name in self.file.makers and self.file.makers[name].operator in (
            "Reshape",
            "Squeeze",
            "Unsqueeze",
            "Cast",
        ):
            name = self.file.makers[name].inputs[0]
        inputs = self.builder.inputs
        for at, each in enumerate(inputs):
            if each.name == name and each.whole is not None:
                inputs[at] = replace(each, whole=min(each.whole, rows), least=0)

    def known_sizes(self, name: str) -> Sizes | None:
        """Of a tensor that is made by now; of others, as far as the file says."""
        return self.sizes(name) if name in self.tensors else self.file.sizes.get(name)

    def _require_constant(self, name: str) -> Constant:
        found = self.constants.get(name)
        if found is None:
            raise ArchsimError(f"{quoted(name)} depends on sizes that are not known. Try --shape.")
        return found

    def moving(self, name: str) -> bool:
        """Whether a tensor is made at run time."""
        return bool(name) and name not in self.file.constant

    def constant(self, node: FileNode, at: int, what: str) -> Constant:
        """An input that has to be known before the run. Raises ArchsimError where it is not."""
        name = node.input(at)
        found = self.constants.get(name) if name else None
        if found is None:
            raise self.refused(
                node, f"its {what} {'is made at run time' if name else 'is left out'}; expected a constant"
            )
        return found

    def wholes(self, node: FileNode, at: int, attribute: str = "") -> Sizes | None:
        """A list of whole numbers: an attribute in older files, an input in newer ones; None where it is left out."""
        if attribute and attribute in node.attributes:
            return node.wholes(attribute)
        if not node.input(at):
            return None
        found = self.constants.value(node.input(at))
        if found is None:
            raise self.unsized(node, node.input(at))
        if found.dtype.kind not in "iu":
            raise self.refused(node, f"found {found.dtype} in {quoted(node.input(at))}; expected whole numbers")
        return tuple(map(int, found.reshape(-1)))

    def scalar(self, name: str) -> float | None:
        """A single number that is known before the run; None where a tensor is none."""
        found = self.constants.get(name) if name in self.file.constant else None
        if found is None or found.numbers != 1 or not self.fixed(found):
            return None
        return float(found.read().reshape(-1)[0])

    def unsized(self, node: FileNode, name: str) -> ArchsimError:
        """A message about a tensor that decides sizes and is made at run time: whose value a user may give."""
        waiting, roots = [name], dict[str, None]()
        while waiting:
            last = waiting.pop()
            maker = self.file.makers.get(last)
            if maker is not None and maker.operator not in SIZES:
                waiting += [each for each in maker.inputs if self.moving(each)]
            elif last in self.file.inputs:
                roots[last] = None
        small = [each for each in roots if prod(self.file.inputs[each] or ()) <= _FEW]
        advice = f" Try --value {small[0]}=1,2." if small else ""
        return self.refused(node, f"{quoted(name)} is made at run time; expected a constant.{advice}")

    def refused(self, node: FileNode, why: str) -> ArchsimError:
        """A message about a node."""
        return ArchsimError(f"{node.label} ({node.operator}): {why}")

    def require_together(self, node: FileNode, *names: str, to: Sizes | None = None) -> None:
        """Raise ArchsimError where sizes are not the same, or 1; or where they cannot be repeated to others."""
        shapes = [self.sizes(name) for name in names]
        try:
            found: Sizes | None = np.broadcast_shapes(*shapes, *([] if to is None else [to]))
        except ValueError:
            found = None
        if found is None or (to is not None and found != to):
            said = " and ".join(f"{list(shape)} of {quoted(name)}" for name, shape in zip(names, shapes, strict=True))
            wanted = "the same sizes, or 1" if to is None else f"what can be repeated to {list(to)}"
            raise self.refused(node, f"{said} do not go together; expected {wanted}")

    # What nodes of the Graph read

    def operand(self, name: str) -> str:
        """A tensor made at run time, or a constant as a weight, of the file's name."""
        if self.moving(name):
            return self.tensor(name)
        self.require_numbers(name)
        found = self._require_constant(name)
        return self.weight(name, found.shape, found.read, self._picked(found), found.origin)

    def _picked(self, constant: Constant) -> int:
        """Trained numbers of a constant; of one that is picked of a table, those of the table, once."""
        numbers = self.trained(constant)
        (held, *others) = (*constant.held, "")
        table = self.constants.known.get(held)
        if self.parameters is not None or not numbers or table is None or table.whole or others != [""]:
            return numbers
        if constant.name == held:
            return numbers
        again = held in self._counted
        self._counted.add(held)
        return 0 if again else table.numbers

    def weight(self, name: str, shape: Sizes, read: Reader, trained: int, origin: str = "") -> str:
        """A weight.

        Parameters
        ----------
        name, shape
            Of the weight.
        read
            Gives its numbers, in any shape.
        trained
            Trained numbers.
        origin
            Whose numbers they are: those of another weight that is there are counted once.
        """

        def array() -> NDArray[Any]:
            found = read()
            return found.reshape(shape).astype(np.float32 if found.dtype.kind in "fV" else np.int64)

        tied = self._origins.setdefault(origin or name, name)
        self.arrays.setdefault(name, array)
        return self.builder.weight(name, shape, trained=trained, tied=None if tied == name else tied)

    def learned(self, constant: Constant) -> int:
        """Trained numbers of a constant: as many as it is made of, unless it is known which are.

        Those are counted where they come first.
        """
        if self.parameters is None:
            held = [self.constants.known[name] for name in constant.held]
            coded = [each.numbers for each in held if not each.whole or self.file.types.get(each.name) in BITS]
            return min(constant.numbers, sum(coded) or constant.numbers)
        new = (constant.held & self.parameters) - self._counted
        self._counted |= new
        return sum(self.constants.known[name].numbers for name in new)

    def fixed(self, constant: Constant) -> bool:
        """Whether none of its numbers is trained."""
        return not (self.trained(constant) if self.parameters is None else constant.held & self.parameters)

    def trained(self, constant: Constant) -> int:
        """Those of a constant that may be none: a single number, whole numbers, a mask, what is worked out."""
        if self.parameters is not None:
            return self.learned(constant)
        if constant.whole or constant.numbers <= 1 or not constant.held:
            return 0
        if sum(size > 1 for size in constant.shape) > 1 and constant.numbers <= 1 << 22:
            try:
                found = constant.read()
            except ArchsimError:  # in another file: trained
                return self.learned(constant)
            low, high = found.min(), found.max()
            hides = (low <= HIDDEN and high in (0, low)) or (low == 0 and (high == 1 or high >= -HIDDEN))
            if hides and bool(((found == low) | (found == high)).all()):
                return 0
        return self.learned(constant)


def checked(importer: Importer, node: FileNode, dims: Sequence[int], rank: int) -> Sizes:
    """Dimensions counted from the first. Raises ArchsimError for those that are not there, or stand twice."""
    found = tuple(at + rank if at < 0 else at for at in dims)
    if any(not 0 <= at < rank for at in found) or len(set(found)) < len(found):
        raise importer.refused(node, f"found dimensions {list(dims)}; expected some of {rank}, each once")
    return found
