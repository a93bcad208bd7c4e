"""Runs that begin at kept tensors are whole runs, whatever changes and however much is kept."""

import numpy as np
import pytest

from archsim.errors import ArchsimError
from archsim.graph.builder import Builder
from archsim.graph.graph import Graph
from archsim.values.arithmetic import FloatArithmetic, Product, Values
from archsim.values.executor import Executor
from archsim.values.replay import Replay
from tests.values.graphs import drawn, graph_of, numbers


class Changing(FloatArithmetic):
    """Products times a factor of each; computed: keys of those that were multiplied."""

    def __init__(self) -> None:
        self.factors: dict[str, float] = {}
        self.computed: list[str] = []

    def linear(self, key: str, weight: Values, bias: Values | None) -> Product:
        product = super().linear(key, weight, bias)

        def scaled(x: Values) -> Values:
            self.computed.append(key)
            if self.factors.get(key) == 0:
                raise ArchsimError("nothing")
            return product(x) * np.float32(self.factors.get(key, 1))

        return scaled


def skipping() -> Graph:
    """Four products in a row, x a b c d, and the result of a added behind c."""
    builder = Builder("net")
    x = builder.input("x", builder.axes("x", [3, 4]))
    a = builder.elementwise("relu", "relu", builder.linear("a", x, 4))
    c = builder.linear("c", builder.linear("b", a, 4), 4)
    return graph_of(builder, builder.linear("d", builder.elementwise("add", "add", c, a), 2))


KEYS = ("net/a", "net/b", "net/c", "net/d")
X = numbers(9, 5, 3, 4)


def replay(memory: int | None = None) -> tuple[Replay, Changing, Executor]:
    graph, arithmetic = skipping(), Changing()
    executor = Executor(graph, drawn(graph), arithmetic)
    return Replay(executor, {"x": X}, graph.outputs[0], KEYS, memory=memory), arithmetic, executor


def whole(executor: Executor) -> Values:
    found: Values = executor.run({"x": X})[executor.graph.outputs[0]]
    return found


@pytest.mark.parametrize(
    ("memory", "computed"),
    [(None, "cd"), (480, "cd"), (479, "bcd"), (240, "bcd"), (239, "abcd")],
    ids=["all", "room for two", "less", "room for one", "none"],
)
def test_only_what_follows_is_computed(memory: int | None, computed: str) -> None:
    """Kept: the result of a before b, the same and that of b before c, their sum before d; 5 x 12 x 4 B each."""
    runs, arithmetic, executor = replay(memory)
    runs.run(keep=True)
    arithmetic.computed.clear()
    arithmetic.factors["net/c"] = 2.0
    found = runs.run(["net/c"])
    assert arithmetic.computed == [f"net/{name}" for name in computed]
    assert found.tobytes() == whole(executor).tobytes()


def test_runs_that_are_not_kept_leave_nothing_behind() -> None:
    runs, arithmetic, executor = replay()
    before = runs.run(keep=True)
    arithmetic.factors["net/b"] = 3.0
    assert runs.run(["net/b"]).tobytes() != before.tobytes()
    arithmetic.factors = {"net/d": 2.0}
    assert runs.run(["net/d"]).tobytes() == whole(executor).tobytes()
    arithmetic.factors = {}
    assert runs.run([]).tobytes() == before.tobytes()


def test_kept_runs_take_the_place_of_those_before() -> None:
    runs, arithmetic, executor = replay()
    runs.run(keep=True)
    for key, factor in (("net/b", 2.0), ("net/d", 5.0), ("net/a", -1.0), ("net/c", 0.5)):
        arithmetic.factors[key] = factor
        assert runs.run([key], keep=True).tobytes() == whole(executor).tobytes()


def test_a_run_that_fails_keeps_what_holds_for_both() -> None:
    runs, arithmetic, executor = replay()
    runs.run(keep=True)
    arithmetic.factors = {"net/b": 2.0, "net/d": 0.0}
    with pytest.raises(ArchsimError, match="nothing"):
        runs.run(["net/b", "net/d"], keep=True)
    arithmetic.factors = {"net/c": 2.0}
    assert runs.run(["net/c"], keep=True).tobytes() == whole(executor).tobytes()
