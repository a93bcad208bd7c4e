"""Every recipe that comes with archsim, run step by step, against definitions in plain Python."""
# ruff: noqa: E501 - recipes stand in one line

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from archsim import load_machine, resources
from archsim.steps.functions import Attributes, Log
from archsim.steps.grammar import wired
from archsim.steps.operators import DEFINITIONS, definition_of
from archsim.steps.proof import computed, fault
from archsim.vocabulary import OPERATORS, PROJECTIONS
from tests.steps.definitions import BOUNDS, EPSILON, NEIGHBOURS, POWER, PRODUCTS, WIDTH, result

if TYPE_CHECKING:
    from archsim.machine import Machine

MACHINES = sorted(path.stem for path in resources.find("hw_configs/machines").glob("*.yaml"))
FACTORS = {"relu6": 1 / 6, "hardswish": 1 / 6, **dict.fromkeys(("avgpool", "layernorm", "rmsnorm"), 1 / WIDTH)}
machine = cache(load_machine)


def attributes(operator: str) -> Attributes:
    return Attributes(
        epsilon=EPSILON,
        factor=FACTORS.get(operator, 1.0),
        power=POWER,
        bounds=(0.0, 6.0) if operator in ("relu6", "hardswish") else BOUNDS,
        neighbours=NEIGHBOURS if operator == "lrn" else None,
    )


def inputs(operator: str, number: int) -> list[np.ndarray]:
    """Numbers of both signs, some of them 0, and rows of which all numbers are the same."""
    draw = np.random.default_rng(7)
    shapes = {"weight": (WIDTH,), "bias": (WIDTH,), "cosine": (WIDTH,), "sine": (WIDTH,)}
    names = [one.name for one in definition_of(operator).inputs][:number]
    given = [draw.normal(scale=3, size=shapes.get(name, (5, WIDTH))) for name in names]
    for x in given:
        x[..., -1] = 0 if operator != "div" else 1
    given[0][0, :] = given[0][0, 0]
    return [given[0][:, None], given[1][None]] if operator in PRODUCTS else given


def check(operator: str, steps: tuple[str, ...], logarithms: frozenset[str] = frozenset()) -> None:
    """Equal to the definition to a billionth of the largest number."""
    definition = definition_of(operator)
    if operator == "embedding" and len(steps) == 1:
        definition = definition.also[0]
    given = inputs(operator, len(definition.inputs))
    expected = result(operator, given)
    operands = [
        Log(np.sign(x), np.log(np.abs(x) + (x == 0))) if one.name in logarithms else x
        for one, x in zip(definition.inputs, given, strict=True)
    ]
    got = computed(wired(steps, definition), operands, attributes(operator))
    assert isinstance(got, Log) == ("result" in logarithms or operator == "softplus")
    numbers = got if not isinstance(got, Log) else got.numbers() if "result" in logarithms else got.magnitude
    assert np.broadcast_to(numbers, expected.shape) == pytest.approx(expected, rel=0, abs=1e-9 * np.abs(expected).max())
    assert fault(operator, steps, logarithms) is None


@pytest.mark.parametrize("name", MACHINES)
def test_recipes_of_machines_compute_their_operators(name: str) -> None:
    on: Machine = machine(name)
    for operator, steps in on.recipes.items():
        if operator in DEFINITIONS:
            check(operator, tuple(step.step for step in steps), on.logarithms.get(operator, frozenset()))


@pytest.mark.parametrize("operator", [*OPERATORS, *PROJECTIONS])
def test_usual_recipes_compute_their_operators(operator: str) -> None:
    """But of what nobody knows what it computes, and of what moves numbers."""
    if operator not in DEFINITIONS:
        assert operator in ("other", "gather")
        return
    check(operator, {**OPERATORS, **PROJECTIONS}[operator])


LOG_PRODUCT = ("log first", "log second", "add log log.2", "exp", "sum")


@pytest.mark.parametrize(
    ("operator", "steps"),
    [
        ("softmax", ("maximum", "subtract", "exp", "sum", "reciprocal", "multiply")),
        ("softmax", ("exp", "sum", "reciprocal", "multiply")),
        ("softmax", ("maximum", "subtract", "exp", "sum", "log", "subtract subtract log", "exp")),
        ("softmax", ("mean", "subtract", "exp", "sum", "reciprocal", "multiply exp reciprocal")),
        ("softmax", ("softmax",)),
        ("layernorm", ("mean", "subtract", "square", "mean", "rsqrt", "multiply rsqrt weight", "multiply subtract multiply", "add multiply.2 bias")),
        ("layernorm", ("mean", "square input", "mean square", "square mean", "subtract mean.2 square.2", "rsqrt", "subtract input mean", "multiply subtract.2 rsqrt", "multiply multiply weight", "add multiply.2 bias")),
        ("layernorm", ("sum", "scale", "subtract input scale", "square", "sum", "scale", "rsqrt", "multiply subtract rsqrt", "multiply multiply weight", "add multiply.2 bias")),
        ("rmsnorm", ("square", "mean", "rsqrt", "multiply rsqrt input", "multiply weight multiply")),
        ("matmul", LOG_PRODUCT),
        ("scores", ("multiply", "sum")),
        ("context", ("write", "mvm")),
        ("scores", ("write first", "mvm second write")),
        ("mul", LOG_PRODUCT[:-1]),
        ("div", ("log first", "log second", "subtract log log.2", "exp")),
        ("rotary", ("multiply sine turned", "multiply cosine input", "add multiply.2 multiply")),
        ("silu", ("sigmoid", "multiply")),
        ("silu", ("multiply input -1", "exp", "add exp 1", "reciprocal", "multiply input reciprocal")),
        ("tanh", ("multiply input 2", "sigmoid", "multiply sigmoid 2", "subtract multiply.2 1")),
        ("relu", ("maximum input 0",)),
        ("relu", ("absolute", "add input absolute", "multiply add 0.5")),
        ("relu6", ("clip",)),
        ("relu6", ("maximum input 0", "minimum maximum 6")),
        ("hardswish", ("add input 3", "maximum add 0", "minimum maximum 6", "scale", "multiply input scale")),
        ("avgpool", ("mean",)),
        ("embedding", ("add",)),
        ("embedding", ("add segments tokens", "add positions add")),
    ],
    ids=lambda value: " ".join(value)[:50] if isinstance(value, tuple) else value,
)  # fmt: skip
def test_other_forms_compute_them_too(operator: str, steps: tuple[str, ...]) -> None:
    check(operator, steps)


def test_logarithms_are_handed_from_softmax_to_context() -> None:
    check("softmax", ("exp", "sum", "log", "subtract input log"), frozenset({"result"}))
    check("context", ("log second", "add first log", "exp", "sum"), frozenset({"first"}))


def test_a_gelu_may_be_by_a_tanh_or_by_a_sigmoid() -> None:
    """Models have all three; a third of the cube's factor is none of them."""
    cube = ("square", "multiply input square", "multiply multiply 0.044715", "add input multiply.2")
    root = ("multiply add 0.7978845608028654", "tanh", "add tanh 1", "multiply input add.2", "multiply multiply.4 0.5")
    assert fault("gelu", (*cube, *root)) is None
    assert fault("gelu", ("multiply input 1.702", "sigmoid", "multiply input sigmoid")) is None
    assert fault("gelu", ("multiply input 1.7", "sigmoid", "multiply input sigmoid")) is not None


@pytest.mark.parametrize(
    ("operator", "steps"),
    [
        ("softmax", ("exp", "mean", "reciprocal", "multiply", "multiply multiply 0.16666666666666666")),  # rows of 6
        ("softmax", ("maximum", "subtract", "exp", "sum", "reciprocal", "multiply", "relu", "add relu 1e-8")),
        ("rmsnorm", ("square", "sum", "multiply sum 0.16666666666666666", "rsqrt", "multiply input rsqrt", "multiply multiply.2 weight")),
        ("layernorm", ("mean", "subtract", "square", "mean", "add mean.2 0.01", "rsqrt", "multiply subtract rsqrt", "multiply multiply weight", "add multiply.2 bias")),  # epsilon twice
        ("layernorm", ("square", "mean", "rsqrt", "multiply input rsqrt", "multiply multiply weight", "add multiply.2 bias")),  # no mean
        ("layernorm", ("mean", "subtract", "square", "mean", "rsqrt", "multiply subtract rsqrt", "multiply multiply weight")),
        ("div", ("square second", "rsqrt square", "multiply first rsqrt")),  # by the magnitude
        ("mul", ("absolute first", "absolute second", "log absolute", "log absolute.2", "add log log.2", "exp")),
        ("mul", ("reciprocal first", "reciprocal second", "multiply reciprocal reciprocal.2", "reciprocal multiply", "absolute")),
        ("relu6", ("relu",)),  # the same to 6
        ("relu", ("absolute",)),
        ("relu", ("relu6",)),
        ("maxpool", ("absolute", "maximum")),
        ("tanh", ("clip",)),
        ("clip", ("relu6",)),
        ("rotary", ("multiply input cosine", "multiply input sine", "add multiply multiply.2")),
        ("matmul", ("multiply first first", "sum")),
        ("embedding", ("add tokens segments", "add")),
        ("lrn", ("square", "sum", "rsqrt", "multiply input rsqrt")),
        ("lrn", ("square", "mean", "power", "multiply input power")),
        ("exp", ("exp", "log", "exp", "exp")),
        ("gelu", ("silu",)),
        ("argmax", ("maximum",)),
    ],
    ids=lambda value: " ".join(value)[:50] if isinstance(value, tuple) else value,
)  # fmt: skip
def test_what_is_nearly_right_is_refused(operator: str, steps: tuple[str, ...]) -> None:
    wrong = fault(operator, steps, words=frozenset())
    assert wrong is not None
    assert wrong.message.startswith(f"does not compute {operator}: ")


def test_a_mask_hides_numbers_from_every_form_of_softmax() -> None:
    """A hidden score is the largest of its row; what is left of it sums to 1."""
    draw = np.random.default_rng(3)
    x, visible = draw.normal(size=(4, WIDTH)), np.ones((4, WIDTH), np.bool_)
    x[:, 2], visible[:, 2] = 50.0, False
    seen = np.delete(x, 2, axis=-1)
    expected = np.exp(seen) / np.exp(seen).sum(axis=-1, keepdims=True)
    for steps in (OPERATORS["softmax"], ("maximum", "subtract", "exp", "sum", "log", "subtract subtract log", "exp")):
        got = computed(wired(steps, definition_of("softmax")), [x], Attributes(visible=visible))
        assert not isinstance(got, Log)
        assert np.delete(got, 2, axis=-1) == pytest.approx(expected, rel=1e-12)


def test_a_step_for_nothing_is_refused() -> None:
    """It is timed, and what is computed does not depend on it."""
    wrong = fault("softmax", ("maximum", "exp input", "sum", "reciprocal", "multiply exp reciprocal"))
    assert wrong is not None
    assert (wrong.step, wrong.message) == (0, "no step reads its result. It would with step 1 ('maximum') left out")


def test_a_word_of_a_units_own_is_not_proven() -> None:
    assert fault("softmax", ("exp_base_two", "sum", "reciprocal", "multiply")) is None
    assert fault("gelu", ("bend",)) is None
