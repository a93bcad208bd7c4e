"""What a Graph reads: weights, known before the run, and inputs."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

from numpy.typing import NDArray

from archsim.graph.axes import Shape
from archsim.graph.nodes import Node
from archsim.graph.streams import Stream


@dataclass(frozen=True, slots=True)
class Weight:
    """Numbers that are known before the run.

    Parameters
    ----------
    name
        By which nodes read it, and readers of files give it.
    shape
        Sizes.
    trained
        Trained numbers that it stands for, where that is not its size: 0 for constants and for those that are
        another's (`tied`); more, where norms are folded in.
    tied
        The weight whose numbers it has.
    """

    name: str
    shape: tuple[int, ...]
    trained: int | None = None
    tied: str | None = None

    @property
    def numbers(self) -> int:
        """Trained ones."""
        return prod(self.shape) if self.trained is None else self.trained


@dataclass(frozen=True, slots=True)
class Stored:
    """Bits of the numbers of a product with weights, as the model's file has them; None: it does not say.

    weights, inputs: of each weight, and of each number that comes into the product.
    """

    weights: int | None = None
    inputs: int | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """What comes in from outside. whole: whole numbers below so many, such as tokens; None: any numbers.

    least: the smallest of whole numbers.
    positions: leading dimensions that are positions, the others being values; None: what reads it says which.
    """

    name: str
    shape: Shape
    whole: int | None = None
    stream: Stream | None = None
    positions: int | None = None
    least: int = 0


def moving(node: Node, weights: Collection[str]) -> list[tuple[int, str]]:
    """Operands that are made at run time: their number and name."""
    return [(at, name) for at, name in enumerate(node.inputs) if name not in weights]


class Arrays(Mapping[str, NDArray[Any]]):
    """Numbers of weights by name, read when they are asked for and not kept. Readers of files give them."""

    def __init__(self, readers: Mapping[str, Callable[[], NDArray[Any]]]) -> None:
        """readers: by the weight's name in the Graph; each gives an array of the weight's shape."""
        self._readers = dict(readers)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._readers[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._readers)

    def __len__(self) -> int:
        return len(self._readers)
