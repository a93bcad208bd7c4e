"""Machine files with a recipe that does not compute its operator: what `archsim check` says of it, to the letter."""
# ruff: noqa: E501 - messages stand in one line, as they are printed

from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.machine.load import build
from archsim.machine.source import parse
from archsim.steps.proof import fault
from archsim.vocabulary import OPERATORS
from tests.end_to_end.command import archsim

MACHINE = """\
schema: archsim.machine/1
name: mine
source: made up for tests
status: assumed
parts:
  xbar: {class: crossbar, rows: 64, cols: 64, cell_bits: 8 b, read: {interval: 10 ns}, power: 1 mW}
  v: {class: vector, lanes: 4, linear: {interval: 1 ns}, special: {interval: 1 ns}, power: 1 mW}
  norm: {class: vector, lanes: 4, linear: {interval: 1 ns}, special: {interval: 1 ns}, power: 1 mW}
  adder: {class: adder, add: {interval: 1 ns}, power: 1 mW}
modules:
  core: {parts: {xbar: 1}, path: xbar, combine: {bits: analog, slices: analog, signs: analog}}
  chip: {parts: {core: 100, v: 1, norm: 1, adder: 1}}
recipes:
"""
LAYERNORM = "mean: v, subtract: v, square: v, mean: v, rsqrt: v, multiply subtract rsqrt: v, multiply multiply weight: v, add multiply.2 bias: v"
FAULTS = [
    (
        "softmax: [exp: v, sum: v, multiply: v]",
        "3  recipes.softmax: does not compute softmax: its result is off by 2.7e+07 of the largest number. It would with 'reciprocal' before step 3 ('multiply')",
    ),
    (
        "rmsnorm: [square: v, sum: v, rsqrt: v, multiply input rsqrt: v, multiply multiply weight: v]",
        "3  recipes.rmsnorm: does not compute rmsnorm: its result is off by 0.59 of the largest number. It would with 'mean' in place of step 2 ('sum')",
    ),
    (
        f"layernorm: [{LAYERNORM.replace('rsqrt: v, multiply sub', 'multiply sub').replace('subtract rsqrt', 'subtract mean.2')}]",
        "3  recipes.layernorm: does not compute layernorm: its result is off by 1.2e+02 of the largest number. A recipe that does: mean, subtract, square, mean, rsqrt, multiply subtract rsqrt, multiply multiply weight, add multiply.2 bias",
    ),
    (
        "layernorm: [sum: v, subtract: v, square: v, sum: v, rsqrt: v, multiply: v, multiply: v, add: v]",
        "3  recipes.layernorm: does not compute layernorm: its result is off by 6.2e+02 of the largest number. A recipe that does: mean, subtract, square, mean, rsqrt, multiply subtract rsqrt, multiply multiply weight, add multiply.2 bias",
    ),
    (
        "softmax: [exp: v, sum: v, reciprocal: v, multiply input reciprocal: v]",
        "3  recipes.softmax: does not compute softmax: its result is off by 2.3 of the largest number. It would with step 4 ('multiply input reciprocal') as 'multiply exp reciprocal'",
    ),
    (
        "softmax: [maximum: v, subtract: v, exp: v, sum: v, reciprocal: v, multiply: v, exp: v]",
        "3  recipes.softmax: does not compute softmax: its result is off by 1.7 of the largest number. It would with step 7 ('exp') left out",
    ),
    (
        "softmax: [maximum: v, subtract: v, exp: v, sum: v]",
        "3  recipes.softmax: does not compute softmax: it leaves one number of each row; expected whole rows. A recipe that does: maximum, subtract, exp, sum, reciprocal, multiply",
    ),
    (
        "softmax: [exp: v, sum: v, log: v, subtract input log: v]",
        "3  recipes.softmax: does not compute softmax: it leaves a logarithm, not numbers. It would with 'exp' at the end",
    ),
    (
        "softmax: [exp: v, sum: v, log: v, subtract: v, exp: v]",
        "3  recipes.softmax: does not compute softmax: some of its numbers are infinite, or none. It would with step 4 ('subtract') as 'subtract input log'",
    ),
    (
        "gelu: [silu: v]",
        "3  recipes.gelu: does not compute gelu: its result is off by 0.023 of the largest number. It would with 'gelu' in place of step 1 ('silu')",
    ),
    (
        "relu6: [relu: v]",
        "3  recipes.relu6: does not compute relu6: its result is off by 0.42 of the largest number. It would with 'clip' in place of step 1 ('relu')",
    ),
    (
        "add: [multiply: v]",
        "3  recipes.add: does not compute add: its result is off by 5.8 of the largest number. It would with 'add' in place of step 1 ('multiply')",
    ),
    (
        "mul: [log first: v, log second: v, multiply log log.2: v, exp: v]",
        "38  recipes.mul[2].multiply log log.2: reads logarithms of numbers that may be 0 or less; multiply cannot: add, subtract and exp can. It would with 'add log log.2' in place of step 3 ('multiply log log.2')",
    ),
    (
        "matmul: [multiply: v]",
        "3  recipes.matmul: does not compute matmul: it leaves whole rows; expected one number of each row. It would with 'multiply_accumulate' in place of step 1 ('multiply')",
    ),
    (
        "scores: [log first: v, log second: v, add log log.2: adder, sum: adder]",
        "63  recipes.scores[3].sum: reads logarithms of numbers that may be 0 or less; sum cannot: add, subtract and exp can. It would with 'exp' before step 4 ('sum')",
    ),
    (
        "rotary: [multiply input cosine: v, multiply input sine: v, add multiply multiply.2: v]",
        "3  recipes.rotary: does not compute rotary: its result is off by 1.2 of the largest number. It would with step 2 ('multiply input sine') as 'multiply turned sine'",
    ),
    (
        "argmax: [maximum: v]",
        "3  recipes.argmax: does not compute argmax: its result is off by 1.7 of the largest number. It would with 'argmax' in place of step 1 ('maximum')",
    ),
    (
        "div: [multiply: v]",
        "3  recipes.div: does not compute div: its result is off by 20 of the largest number. A recipe that does: reciprocal second, multiply first reciprocal",
    ),
    (
        "softmax: [maximum: v, subtract input maxmum: v]",
        "25  recipes.softmax[1].subtract input maxmum: no operand 'maxmum' before it. Did you mean 'maximum'? Known: input, maximum.",
    ),
    (
        "exp: [exp input input: v]",
        "9  recipes.exp[0].exp input input: found 2 operands; exp takes 1",
    ),
    (
        "exp: [{exp: {by: v, free: true}}]",
        "15  recipes.exp[0].exp: is free, but 'v' does no step of this recipe whose cost could cover it",
    ),
    (
        f"layernorm: [{LAYERNORM.replace('rsqrt: v', 'rsqrt: {by: norm, free: true}', 1)}]",
        "64  recipes.layernorm[4].rsqrt: is free, but 'norm' does no step of this recipe whose cost could cover it",
    ),
    (
        "softmax: [exp: v, sum: v, log: v, subtract input log: v, result: log]",
        "3  recipes.softmax: leaves a logarithm, but context reads a number; expected first: log in recipes.context",
    ),
    (
        "context: [first: log, log second: v, add first log: adder, exp: v, sum: adder]",
        "3  recipes.context: reads a logarithm, but softmax leaves a number; expected result: log in recipes.softmax",
    ),
    (
        "gelu: [gelu: v, result: log]",
        "19  recipes.gelu[1].result: only softmax leaves logarithms (result: log), and only context reads them (first: log)",
    ),
    (
        "matmul: [first: log, log second: v, add first log: adder, exp: v, sum: adder]",
        "12  recipes.matmul[0].first: only softmax leaves logarithms (result: log), and only context reads them (first: log)",
    ),
    (
        "softmax: [softmax: v]",
        "13  recipes.softmax[0].softmax: 'v' does not do 'softmax'. Known: absolute, add, argmax, clip, exp, gelu, log, maximum, mean, minimum, multiply, multiply_accumulate, … and 11 more.",
    ),
]  # fmt: skip


def test_check_says_what_is_wrong_and_what_would_mend_it(tmp_path: Path) -> None:
    """All files in one command: each has one line of its own."""
    names = []
    for number, (recipe, _) in enumerate(FAULTS):
        names.append(f"{number:02}.yaml")
        (tmp_path / names[-1]).write_text(f"{MACHINE}  {recipe}\n")
    answer = archsim("check", *names, folder=tmp_path)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.splitlines() == [
        f"{name}:14:{message}" for name, (_, message) in zip(names, FAULTS, strict=True)
    ]


MENDED = [
    "softmax: [exp: v, sum: v, reciprocal: v, multiply: v]",
    "softmax: [exp: v, sum: adder, log: v, subtract input log: adder, exp: v]",
    "softmax: [maximum: v, subtract: v, exp: v, sum: v, reciprocal: {by: v, free: true}, multiply: v]",
    "mul: [log first: v, log second: v, add log log.2: v, exp: v]",
    "scores: [log first: v, log second: v, add log log.2: adder, exp: v, sum: adder]",
    "relu6: [clip: v]",
    "relu6: [relu: v, minimum relu 6: {by: v, free: true}]",
    "rotary: [multiply input cosine: v, multiply turned sine: v, add multiply multiply.2: v]",
    f"layernorm: [{LAYERNORM}]",
]


@pytest.mark.parametrize("recipe", MENDED)
def test_a_mended_one_is_a_machine(recipe: str) -> None:
    on = build(parse(f"{MACHINE}  {recipe}\n", "m.yaml"))
    operator, _, steps = recipe.partition(": ")
    assert len(on.recipes[operator]) == steps.count(",") + 1 - steps.count("free")
    assert sum(step.free for step in on.recipes[operator]) == steps.count("free")


def test_logarithms_are_handed_over_where_both_recipes_say_so() -> None:
    softmax = "softmax: [exp: v, sum: v, log: v, subtract input log: v, result: log]"
    context = "context: [first: log, log second: v, add first log: adder, exp: v, sum: adder]"
    on = build(parse(f"{MACHINE}  {softmax}\n  {context}\n", "m.yaml"))
    assert on.logarithms == {"softmax": {"result"}, "context": {"first"}}
    assert [step.step for step in on.recipes["context"]] == ["log second", "add first log", "exp", "sum"]


def test_a_usual_recipe_of_ones_own_is_proven_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is added to the vocabulary, and a `digital` unit does."""
    monkeypatch.setitem(OPERATORS, "hardswish", ("add input 3", "relu", "scale", "multiply input scale"))
    with pytest.raises(ArchsimError) as error:
        build(parse(MACHINE.replace("recipes:", "digital: v"), "m.yaml"))
    assert str(error.value).startswith(
        "m.yaml:13:10  digital: hardswish by its usual recipe, add input 3, relu, scale,"
    )


def test_a_long_recipe_is_refused_without_all_its_mends() -> None:
    """Of 41 steps there are over 60,000 recipes that are one step away."""
    said = fault("softmax", ("maximum", "subtract") * 20 + ("exp",))
    assert said is not None
    assert said.message.startswith("does not compute softmax")


def test_a_mask_leaves_sums_of_one_number_alone() -> None:
    """A row that has become one number is no longer hidden in part."""
    assert fault("softmax", ("exp", "sum", "sum", "reciprocal", "multiply exp reciprocal")) is None
