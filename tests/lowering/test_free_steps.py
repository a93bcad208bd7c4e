"""Steps of a recipe that cost nothing, as another step covers them: no time, no energy, no cores."""

from archsim.graph.load import build as build_model
from archsim.machine import load_machine
from archsim.machine.load import build
from archsim.machine.source import parse
from archsim.mapping.functions import functions_of
from tests.lowering.machines import tiny
from tests.lowering.runs import counts, run

LAYERNORM = (
    "mean: FIRST, subtract: vector, square: vector, mean: vector, rsqrt: vector, multiply subtract rsqrt: vector,"
    " multiply multiply weight: vector, add multiply.2 bias: vector"
)
FREE = "{by: UNIT, free: true}"
GELU = (
    "recipes.gelu=[multiply input -1.702: vector, sigmoid: core, tanh sigmoid: TANH, subtract 1 sigmoid: vector,"
    " subtract subtract tanh: vector, add subtract.2 tanh: vector, multiply input add: vector]"
)
PATHED = """
schema: archsim.machine/1
name: mine
source: made up for tests
status: assumed
parts:
  xbar: {class: crossbar, rows: 64, cols: 64, cell_bits: 8 b, read: {interval: 10 ns}, power: 1 mW}
  out: {class: function, evaluate: {interval: 1 ns}, power: 1 mW}
  simd: {class: vector, lanes: 4, linear: {interval: 1 ns}, special: {interval: 1 ns}, power: 1 mW}
modules:
  core: {parts: {xbar: 1, out: 64}, path: xbar > out, combine: {bits: analog, slices: analog, signs: analog}}
  chip: {parts: {core: 100, simd: 1}}
digital: simd
recipes: {relu: [RECIPE]}
"""
RELU = """
schema: archsim.model/1
name: small
architecture: encoder
layers: 1
hidden: 32
heads: 2
ffn: 48
vocabulary: 100
positions: 64
activation: relu
"""


def test_a_free_step_is_not_counted_and_takes_no_time() -> None:
    """3 norms (of the embeddings, and 2 of a layer), 4 positions, rows of 32: 3 x 4 x 32 sums fewer."""
    paid, free = (
        run(load_machine("isaac", [f"recipes.layernorm=[{LAYERNORM.replace('FIRST', by)}]"]), tiny(1), 4)
        for by in ("vector", FREE.replace("UNIT", "vector"))
    )
    assert counts(paid)["digital.vector.linear"] - counts(free)["digital.vector.linear"] == 3 * 4 * 32
    kinds = [of.program.kinds.index("layer 0/attention norm") for of in (paid, free)]
    with_it, without = (int(of.program.latency[kind]) for of, kind in zip((paid, free), kinds, strict=True))
    part = load_machine("isaac").parts["vector"]
    assert with_it - without == part.burst(part.steps["mean"], 32, 4).latency


def test_a_free_step_of_the_core_needs_no_core_that_holds_it() -> None:
    """A GELU by the sigmoid of -x, in which a tanh is added and taken off again."""
    paid, free = (
        functions_of(load_machine("nl_dpe", [GELU.replace("TANH", by)]), tiny(1), "layer 0")
        for by in ("core", FREE.replace("UNIT", "core"))
    )
    assert set(paid) - set(free) == {"tanh"}
    assert "sigmoid" in free


def test_an_activation_whose_other_steps_are_free_is_done_in_passing() -> None:
    """As if the unit on the path had one step: no pass of its own, and as many values."""
    model = build_model(parse(RELU, "small.yaml"))
    one, two = (
        run(build(parse(PATHED.replace("RECIPE", recipe), "m.yaml")), model, 2)
        for recipe in ("relu: out", "relu: out, maximum relu 0: {by: out, free: true}")
    )
    assert "layer 0/activation" not in one.program.kinds
    assert counts(one) == counts(two)
