"""Recipes on numbers: all of all machines against plain numpy, to the bit; ranges, forms, whole models."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from archsim import load_machine, resources
from archsim.errors import ArchsimError
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


def attention(settings: tuple[str, ...], keys: int) -> tuple[float, float]:
    """One key with score 0 and value -1, the others with -8 and 1: on nl_dpe, and in floats."""
    on = load_machine("nl_dpe", settings)
    scores, values = np.full((1, 1, 1, keys), -8, np.float32), np.ones((1, 1, 16, keys), np.float32)
    scores[..., 0], values[..., 0] = 0, -1
    runner = RecipeRunner(on, 0, {})
    shares = runner.run(OperatorCall("s", "softmax", "softmax", (scores,), Attributes()), "softmax")
    call = OperatorCall("c", "matmul", "matmul", (shares[..., None, :], values[..., None, :, :]), Attributes())
    context = runner.run(call, "context")
    assert len(np.unique(context)) == 1
    others = (keys - 1) * np.exp(-8)
    return float(context.ravel()[0]), float((others - 1) / (others + 1))


@pytest.mark.parametrize(("keys", "exact"), [(64, -0.959), (256, -0.842), (1024, -0.489)])
def test_a_context_in_logarithms_stays_between_its_values(keys: int, exact: float) -> None:
    """With exponentials of 16 bits it is that of floats to 0.01; with the file's 8 bits it is within -1 and 1."""
    wide = ("parts.acam.bits=16 b", "parts.acam.cells=100000", f"parts.acam.arrays={[40_000] * 16}")
    got, expected = attention(wide, keys)
    assert expected == pytest.approx(exact, abs=5e-4)
    assert got == pytest.approx(expected, abs=0.01)
    fewer, _ = attention((), keys)
    assert -1 <= fewer <= 1


def test_random_contexts_in_logarithms_stay_between_their_values() -> None:
    """Sums of shares are what their tables make of them: never more than a hundredth above 1 here."""
    on, draw = load_machine("nl_dpe"), np.random.default_rng(5)
    scores = draw.normal(size=(1, 4, 32, 256)).astype(np.float32)
    values = np.ones((1, 4, 2, 256), np.float32)
    runner = RecipeRunner(on, 0, {})
    shares = runner.run(OperatorCall("s", "softmax", "softmax", (scores,), Attributes()), "softmax")
    call = OperatorCall("c", "matmul", "matmul", (shares[..., None, :], values[..., None, :, :]), Attributes())
    assert np.abs(runner.run(call, "context") - 1).max() < 0.1


@pytest.mark.parametrize(("terms", "most"), [(16, 0.018), (64, 0.021)])
def test_products_in_logarithms_of_8_bits(terms: int, most: float) -> None:
    """Relative error of sums of products of normal numbers; each operand's range is fitted."""
    draw = np.random.default_rng(0)
    a, b = (draw.normal(size=(1, 1, rows, terms)).astype(np.float32) for rows in (128, 64))
    call = OperatorCall("m", "matmul", "matmul", (a[..., None, :], b[..., None, :, :]), Attributes())
    got = RecipeRunner(load_machine("nl_dpe"), 0, {}).run(call, "matmul")[..., 0]
    exact = a @ b.swapaxes(-1, -2)
    assert 0.005 < np.sqrt(((got - exact) ** 2).mean() / (exact**2).mean()) <= most


def test_a_table_is_as_large_as_its_arrays() -> None:
    """GELU from -4 to 4 needs 135 rows; NL-DPE's arrays, 130 rows, leave out its narrowest ranges."""
    x = np.linspace(-4, 4, 4001, dtype=np.float32)
    exact = np.array([plain.FUNCTIONS["gelu"](np.array([one]))[0] for one in x.astype(np.float64)])
    errors = []
    for settings in ((), ("parts.acam.arrays=[80, 80, 80, 80, 80, 80, 80, 80]",)):
        on = load_machine("nl_dpe", settings)
        runner = RecipeRunner(on, 0, {})
        got = runner.run(OperatorCall("g", "gelu", "gelu", (x,), Attributes()), "gelu")
        errors.append(float(np.sqrt(((got - exact) ** 2).mean())))
        assert bool(runner.remarks()) == (settings == ())
    assert errors[0] == pytest.approx(0.0305, abs=5e-4)
    assert errors[1] == pytest.approx(0.0047, abs=5e-4)


def test_what_lies_beyond_a_range_saturates() -> None:
    """The first numbers fix it; a file's range goes before."""
    first, later = np.linspace(-1, 1, 100, dtype=np.float32), np.array([-9, 9, 0.5], np.float32)
    for name in ("nl_dpe", "race_it"):
        runner = RecipeRunner(machine(name), 0, {})
        for x in (first, later):
            got = runner.run(OperatorCall("t", "tanh", "tanh", (x,), Attributes()), "tanh")
        assert got == pytest.approx(np.tanh(np.clip(later, -1, 1)), abs=0.01)
    fixed = load_machine("nl_dpe", ["parts.acam.ranges={tanh: [-3, 3]}", f"parts.acam.{ROOM['acam']}"])
    got = RecipeRunner(fixed, 0, {}).run(OperatorCall("t", "tanh", "tanh", (first,), Attributes()), "tanh")
    assert len(np.unique(got)) < 200  # steps of a range of 6 rather than of 2


def test_a_mask_hides_scores_from_sums_and_results() -> None:
    draw = np.random.default_rng(1)
    x = draw.normal(size=(3, 20)).astype(np.float32)
    visible = draw.random((3, 20)) < 0.5
    for name in MACHINES:
        call = OperatorCall("s", "softmax", "softmax", (np.where(visible, x, 1),), Attributes(visible=visible))
        got = RecipeRunner(machine(name), 0, {}).run(call, "softmax")
        assert not got[~visible].any(), name
        assert got.sum(axis=-1) == pytest.approx(np.ones(3), abs=0.06), name


def test_race_products_need_a_column_more_than_an_array_has() -> None:
    """Published: 8 x 50. The fewest rectangles of Gray code three deep are 51 for bit 2: one pair of 256 is wrong."""
    runner = RecipeRunner(load_machine("race_it"), 0, {})
    codes = np.arange(-127, 128, dtype=np.float32)
    call = OperatorCall("m", "mul", "mul", (codes[:, None], codes), Attributes())
    wrong = runner.run(call, "mul") != codes[:, None] * codes
    assert 0 < wrong.mean() < 0.05
    assert "4-bit products need 51 columns of an array, which has 50: 1 of 256 pairs are wrong" in runner.remarks()[0]


def test_a_table_that_no_range_can_hold_names_its_step() -> None:
    """Scores of thousands, without their maximum taken off."""
    call = OperatorCall("0/scores", "softmax", "softmax", (np.array([[1.0, 2000.0]], np.float32),), Attributes())
    said = r"race_it.yaml: recipes.softmax: step 'exp' by race, of 0/scores: found the range 1 to 2000, in which exp is"
    with pytest.raises(ArchsimError, match=said):
        RecipeRunner(load_machine("race_it"), 0, {}).run(call, "softmax")


def test_number_formats_of_units_change_values() -> None:
    x = np.random.default_rng(2).normal(size=(8, 64)).astype(np.float32)
    exact = computed(load_machine("isaac"), "softmax", [x])
    errors = []
    for form in ("fp32", "fp16", "bf16", "fp8_e4m3", "int8"):
        on = load_machine("isaac", [f"parts.vector.format={form}"])
        errors.append(float(np.abs(computed(on, "softmax", [x]) - exact).max()))
    assert errors[0] == 0 < errors[1] < errors[2] < errors[3]
    assert 0 < errors[4] < 0.1
