"""Nodes that pick numbers by their index, put them at an index, rank them, or run along an index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from archsim.errors import ArchsimError
from archsim.graph.axes import Axis, dim
from archsim.graph.builder import Builder
from archsim.graph.graph import make_graph
from archsim.graph.operators import Rowwise
from archsim.graph.picking import cumulated, gathered, ranked, scattered
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor
from tests.graph.graph_checks import Made, check_counts, check_waits
from tests.graph.random_graphs import Program
from tests.graph.steps import Act, Linear, Network

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Running:
    """Sums along an axis."""

    axis: str
    backward: bool = False

    def build(self, net: Network) -> None:
        net.name = cumulated(net.builder, net.name, "sum", net.axes.index(self.axis), backward=self.backward)


@dataclass(frozen=True)
class Best:
    """The largest numbers along an axis, or where they are."""

    axis: str
    number: int
    places: bool = False

    def build(self, net: Network) -> None:
        at = net.axes.index(self.axis)
        places = ranked(net.builder, net.name, at, self.number)
        net.name = places if self.places else gathered(net.builder, net.name, places, "element", at)


@pytest.mark.parametrize(
    ("step", "reader", "last"),
    [
        (Running("p"), "step 2/add", [0, 1, 2, 3]),
        (Running("p", backward=True), "step 2/add", [3, 3, 3, 3]),
        (Best("p", 2, places=True), "step 2/rank", [3, 3]),
    ],
    ids=["forward", "backward", "ranked"],
)
def test_waits(step: Running | Best, reader: str, last: list[int]) -> None:
    """For places of the product before."""
    made = Made.of(Program((("p", 4), ("e", 2)), (Linear(2), step, Act("relu"))))
    check_counts(made)
    check_waits(made, exact=False)
    (edge,) = (edge for edge in made.graph.by_key[reader].inputs if edge.source == "step 1/product")
    found = [3] * len(last) if edge.window is None else edge.window.last(np.arange(len(last))).tolist()
    assert found == last
    assert edge.scope in ("window", "all")


def test_the_largest_of_what_is_left_again_and_again() -> None:
    made = Made.of(Program((("p", 3), ("e", 5)), (Best("e", 2), Act("relu"))))
    ranks, picked, _ = made.graph.operators
    assert isinstance(ranks, Rowwise)
    assert isinstance(picked, Rowwise)
    assert (ranks.rows, ranks.width, ranks.out) == (2, 5, 2)
    assert picked.values(1) == 2


def run(write: Callable[[Builder, str, str], str], x: Any, indices: Any) -> Any:  # noqa: ANN401 - arrays
    """What is made of a batch of numbers and of whole numbers."""
    builder = Builder(layer="a")
    names = []
    for name, array, whole in (("x", x, None), ("i", indices, 100)):
        sizes = array.shape[1:]
        axes = tuple(dim(Axis(f"{name}{at}", size, at)) for at, size in enumerate(sizes))
        names.append(builder.input(name, axes, whole=whole, least=-100))
    made = write(builder, *names)
    graph = make_graph("g", "", builder.inputs, builder.nodes, list(builder.weights.values()), [made], digest="")
    return Executor(graph, {}, FloatArithmetic()).run({"x": x, "i": indices})[made]


X = np.random.default_rng(5).standard_normal((2, 3, 4)).astype(np.float32)


def test_each_entry_of_a_batch_has_indices_of_its_own() -> None:
    indices = np.array([[2, 0, -1], [1, 1, 0]])
    found = run(lambda builder, x, i: gathered(builder, x, i, "axis"), X, indices)
    np.testing.assert_array_equal(found, [[X[b][k] for k in row] for b, row in enumerate(indices)])


def test_an_index_of_several_dimensions() -> None:
    indices = np.array([[[2, 3], [0, 0]], [[1, -1], [-3, 2]]])
    found = run(lambda builder, x, i: gathered(builder, x, i, "tuple", 0, 2), X, indices)
    np.testing.assert_array_equal(found, [[X[b][tuple(k)] for k in row] for b, row in enumerate(indices)])


def test_numbers_at_the_same_index_are_added() -> None:
    indices = np.array([[[1], [1]], [[0], [2]]])

    def write(builder: Builder, x: str, i: str) -> str:
        return scattered(builder, x, i, builder.slice(x, 0, 0, 2), "tuple", "add")

    wanted = X.copy()
    wanted[0, 1] += X[0, 0] + X[0, 1]
    wanted[1, 0] += X[1, 0]
    wanted[1, 2] += X[1, 1]
    np.testing.assert_allclose(run(write, X, indices), wanted, rtol=1e-6)


def test_an_index_that_is_not_there_is_told() -> None:
    with pytest.raises(ArchsimError, match=r"found index 3; expected -3 to 2"):
        run(lambda builder, x, i: gathered(builder, x, i, "axis"), X, np.array([[3], [0]]))
