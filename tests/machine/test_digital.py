"""A machine's `digital` unit does, step by step, every operator that has no recipe."""

import pytest

from archsim import load_model, simulate
from archsim.errors import ArchsimError
from archsim.machine import Machine
from archsim.machine.load import build
from archsim.machine.source import parse

TINY = """\
schema: archsim.machine/1
name: tiny
source: made up for tests
status: assumed
parts:
  xbar: {class: crossbar, rows: 64, cols: 64, cell_bits: 8 b, read: {interval: 10 ns}, power: 1 mW}
  simd: {class: vector, lanes: 4, linear: {interval: 1 ns}, special: {interval: 1 ns}, power: 1 mW}
  mac: {class: mac, lanes: 4, mac: {interval: 1 ns}, power: 1 mW}
modules:
  core: {parts: {xbar: 1}, path: xbar, combine: {bits: analog, slices: analog, signs: analog}}
  chip: {parts: {core: 100000, simd: 1, mac: 1}}
"""
RECIPES = """
recipes:
  linear: [mvm: core]
  matmul: [multiply_accumulate: simd]
  softmax: [maximum: simd, subtract: simd, exp: simd, sum: simd, reciprocal: simd, multiply: simd]
  layernorm:
    [mean: simd, subtract: simd, square: simd, mean: simd, rsqrt: simd, multiply subtract rsqrt: simd,
     multiply multiply weight: simd, add multiply.2 bias: simd]
  gelu: [gelu: simd]
  tanh: [tanh: simd]
  add: [add: simd]
  embedding: [add: simd, add: simd]
"""


def machine(more: str) -> Machine:
    return build(parse(TINY + more, "tiny.yaml"))


def test_it_is_as_if_the_recipes_were_written() -> None:
    bert = load_model("bert-base")
    short, long = (simulate(machine(more), bert, seq=4) for more in ("digital: simd\n", RECIPES))
    assert short.latency_s == long.latency_s
    assert short.energy_by_part_j == long.energy_by_part_j


def test_a_recipe_wins_over_it() -> None:
    mixed = machine("digital: simd\nrecipes: {matmul: [multiply_accumulate: mac]}\n")
    assert [step.by for step in mixed.recipes["matmul"]] == ["mac"]
    assert {step.by for step in mixed.recipes["softmax"]} == {"simd"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("smid", "tiny.yaml:12:10  digital: no such part: 'smid'. Did you mean 'simd'? Known: mac, simd, xbar."),
        ("xbar", "tiny.yaml:12:10  digital: 'xbar' is no unit that computes. Known: mac, simd."),
        ("core", "tiny.yaml:12:10  digital: no such part: 'core'. Known: mac, simd, xbar."),
    ],
)
def test_what_is_no_unit_is_refused(name: str, message: str) -> None:
    with pytest.raises(ArchsimError) as caught:
        machine(f"digital: {name}\n")
    assert str(caught.value) == message


def test_a_model_that_lacks_a_recipe_is_told_both_ways_out() -> None:
    with pytest.raises(ArchsimError, match=r"no recipe for add, embedding, gelu.* Try digital: UNIT, a part of class"):
        simulate(machine("recipes: {matmul: [multiply_accumulate: mac]}\n"), load_model("bert-base"), seq=4)
