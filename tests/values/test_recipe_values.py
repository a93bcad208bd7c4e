"""Recipes on numbers: all of all machines against plain numpy, to the bit; ranges, forms, whole models."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from archsim import load_machine, resources
from archsim.machine import Machine
from archsim.steps.functions import Attributes
from archsim.steps.operators import DEFINITIONS, definition_of
from archsim.values.arithmetic import OperatorCall
from archsim.values.recipes import RecipeRunner
from tests.values import plain_recipes as plain

MACHINES = sorted(path.stem for path in resources.find("hw_configs/machines").glob("*.yaml"))
WIDTH = 7
EPSILON = 0.02
ROOM = {"acam": "arrays=[300, 300, 300, 300, 300, 300, 300, 300]", "race": "cols=64"}
"""So that all tables are whole."""


@cache
def machine(name: str) -> Machine:
    parts = load_machine(name).parts
    settings = [f"parts.{part}.{ROOM[kind]}" for part in parts if (kind := type(parts[part]).__name__.lower()) in ROOM]
    return load_machine(name, settings)


def attributes(operator: str) -> Attributes:
    bounds = (0.0, 6.0) if operator in ("relu6", "hardswish") else (-1.0, 2.0)
    factor = 1 / 6 if operator in ("relu6", "hardswish") else 1 / WIDTH
    return Attributes(epsilon=EPSILON, factor=factor, bounds=bounds)


def inputs(operator: str) -> list[np.ndarray]:
    draw = np.random.default_rng(11)
    vectors = ("weight", "bias", "cosine", "sine")
    names = [one.name for one in definition_of(operator).inputs]
    given = [draw.normal(scale=2, size=(WIDTH,) if name in vectors else (2, 5, WIDTH)) for name in names]
    given[0][0, 0, 3] = 0
    if definition_of(operator).multiplies:
        given = [given[0][:, None, :, None], given[1][:, None, None]]
    return [x.astype(np.float32) for x in given]


def units(on: Machine) -> dict[str, Any]:
    kinds = {name: type(part).__name__ for name, part in on.parts.items()}
    known = {"Vector": plain.float32, "Adder": plain.float32, "Mac": plain.float32, "Function": plain.float32}
    known |= {"Race": plain.race}
    return {name: known[kind] for name, kind in kinds.items() if kind in known} | {on.core: plain.cam(8)}


def computed(on: Machine, operator: str, given: list[np.ndarray], role: str = "") -> np.ndarray:
    call = OperatorCall("key", operator, operator, tuple(given), attributes(operator))
    return RecipeRunner(on, 0, {}).run(call, role or operator)


@pytest.mark.parametrize("name", MACHINES)
def test_values_are_those_of_plain_numpy_to_the_bit(name: str) -> None:
    """Tables, codes, and floats whose sums are rounded once; but segments of lines, and arrays that are written."""
    on = machine(name)
    known = units(on)
    done = 0
    for operator, steps in on.recipes.items():
        by_lines = any(type(on.parts.get(step.by)).__name__ == "FlexSfu" for step in steps)
        if (
            operator not in DEFINITIONS
            or by_lines
            or any(step.function in ("mvm", "power", operator + "?") for step in steps)
        ):
            continue
        kind = "matmul" if operator in ("scores", "context") else operator
        given = inputs(kind)
        if operator == "context":
            given[0] = np.abs(given[0]) / 50
        numbers: list[Any] = [x.astype(np.float64) for x in given]
        logs = on.logarithms.get(operator, frozenset())
        names = [one.name for one in definition_of(operator).inputs]
        numbers = [plain.FUNCTIONS["log"](x) if of in logs else x for of, x in zip(names, numbers, strict=True)]
        recipe = plain.Plain(
            [(step.step, step.by) for step in steps],
            names,
            known,
            EPSILON,
            attributes(operator).factor,
            attributes(operator).bounds,
        )
        expected = recipe.run(numbers)
        if isinstance(expected, tuple):
            expected = expected[0] * np.exp(expected[1]) if "result" in logs else expected[1]
        got = computed(on, kind, given, operator)
        np.testing.assert_array_equal(got, expected.astype(np.float32), err_msg=operator)
        done += 1
    assert done > 0
