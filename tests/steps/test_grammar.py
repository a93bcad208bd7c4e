"""What steps read, and how many numbers each works on: by hand."""
# ruff: noqa: E501 - messages stand in one line

import pytest

from archsim.graph.operators import Matmul, Rowwise
from archsim.graph.steps import step_sizes
from archsim.steps.grammar import Number, RecipeError, wired
from archsim.steps.operators import definition_of
from archsim.vocabulary import OPERATORS


def reads(operator: str, *steps: str) -> list[tuple[object, ...]]:
    return [step.operands for step in wired(steps, definition_of(operator))]


def test_without_names_a_step_reads_the_result_before_and_the_last_full_row() -> None:
    """Tensor 0 is the input, 1 its maximum, 2 what is left, 3 its exponential, 4 the sum, 5 one over it."""
    assert reads("softmax", *OPERATORS["softmax"]) == [(0,), (0, 1), (2,), (3,), (4,), (3, 5)]
    assert reads("silu", "sigmoid", "multiply") == [(0,), (0, 1)]
    assert reads("add", "add") == [(0, 1)]
    assert reads("embedding", "add", "add") == [(0, 1), (2, 3)]


def test_named_operands_are_inputs_steps_the_second_of_a_name_and_numbers() -> None:
    """A norm's inputs are 0 to 2: numbers, weight, bias. Its steps follow."""
    assert reads("layernorm", *OPERATORS["layernorm"])[-3:] == [(4, 7), (8, 1), (9, 2)]
    assert reads("relu6", "relu", "minimum relu 6") == [(0,), (1, Number(6.0))]
    assert reads("exp", "multiply input -1.5e-2", "exp") == [(0, Number(-0.015)), (1,)]
    assert reads("relu", "maximum input 0") == [(0, Number(0.0))]  # of two, not of the row


def test_products_read_both_operands_or_what_was_written() -> None:
    assert reads("scores", "multiply_accumulate") == [(0, 1)]
    assert reads("context", "write", "mvm") == [(1,), (0, 2)]
    assert reads("matmul", "log first", "log second", "add log log.2", "exp", "sum") == [(0,), (1,), (2, 3), (4,), (5,)]


def test_a_word_of_a_units_own_reads_all_inputs_first_and_later_the_result_before() -> None:
    assert reads("rmsnorm", "whiten", "polish") == [(0, 1), (2,)]
    assert reads("layernorm", "layernorm") == [(0, 1, 2)]


@pytest.mark.parametrize(
    ("operator", "steps", "at", "message"),
    [
        ("softmax", "maximum, subtract input maxmum", 1, "no operand 'maxmum' before it. Did you mean 'maximum'? Known: input, maximum."),
        ("softmax", "subtract input maximum, maximum", 0, "no operand 'maximum' before it. Known: input."),
        ("softmax", "exp, sum, add exp exp.2", 2, "no operand 'exp.2' before it. Did you mean 'exp'? Known: exp, input, sum."),
        ("layernorm", "mean, multiply input wieght", 1, "no operand 'wieght' before it. Did you mean 'weight'? Known: bias, input, mean, weight."),
        ("scores", "multiply first third", 0, "no operand 'third' before it. Known: first, second."),
        ("exp", "exp input input", 0, "found 2 operands; exp takes 1"),
        ("exp", "add input", 0, "found 1 operand; add takes 2"),
        ("exp", "add", 0, "found 1 operand; add takes 2"),
        ("exp", "maximum input input input", 0, "found 3 operands; maximum takes 1 or 2"),
        ("softmax", "sum, layernorm", 1, "found 1 operand; layernorm takes 3"),
        ("exp", "add 1 2", 0, "reads numbers alone"),
        ("exp", "add input 0x1", 0, "no operand '0x1' before it. Known: input."),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said_of_the_step(operator: str, steps: str, at: int, message: str) -> None:
    with pytest.raises(RecipeError) as error:
        wired(tuple(steps.split(", ")), definition_of(operator))
    assert (error.value.step, error.value.message) == (at, message)


ROWS = Rowwise(layer="l", name="n", kind="softmax", inputs=(), rows=2, over_keys=True)


def test_sizes_of_a_softmax_of_two_rows_of_five_keys() -> None:
    """On whole rows 10 numbers; of the sum one over it, or its logarithm, is taken twice."""
    assert step_sizes(ROWS, OPERATORS["softmax"], 5) == [10, 10, 10, 10, 2, 10]
    assert step_sizes(ROWS, ["exp", "sum", "log", "subtract input log"], 5) == [10, 10, 2, 10]
    assert step_sizes(ROWS, ["softmax"], 5) == [10]
    assert step_sizes(ROWS, ["fold", "sum", "stretch", "multiply fold stretch"], 5) == [10, 10, 2, 10]


def test_sizes_of_norms_of_three_rows_of_four() -> None:
    norm = Rowwise(layer="l", name="n", kind="layernorm", inputs=(), rows=3, width=4)
    assert step_sizes(norm, OPERATORS["layernorm"], 9) == [12, 12, 12, 12, 3, 12, 12, 12]
    neighbours = Rowwise(layer="l", name="n", kind="lrn", inputs=(), rows=1, width=12)
    assert step_sizes(neighbours, OPERATORS["lrn"], 9) == [12, 12, 12, 12]  # a sum for each number


def test_sizes_of_a_pool_of_five_windows_of_nine() -> None:
    pool = Rowwise(layer="l", name="n", kind="avgpool", inputs=(), rows=5, width=9, out=5)
    assert step_sizes(pool, ["sum", "scale"], 1) == [45, 5]


def test_sizes_of_a_product_by_logarithms() -> None:
    """4 heads of 8 with 10 keys: 32 numbers of the query, 16 new ones of 2 shared keys, 320 products, 40 scores."""
    scores = Matmul(layer="l", name="scores", inputs=(), heads=4, head_dim=8, stored=16, scores=True)
    steps = ["log first", "log second", "add log log.2", "exp", "sum", "scale"]
    assert step_sizes(scores, steps, 10) == [32, 16, 320, 320, 320, 40]
    assert step_sizes(scores, ["write", "mvm"], 10) == [16, 320]
    context = Matmul(layer="l", name="context", inputs=(), heads=4, head_dim=8, stored=16, scores=False)
    assert step_sizes(context, ["log second", "add first log", "exp", "sum"], 10) == [16, 320, 320, 320]


def test_an_operator_of_ones_own_reads_rows_and_at_most_one_more() -> None:
    """Nobody knows what it computes; its steps have sizes."""
    mine = Rowwise(layer="l", name="n", kind="mine", inputs=(), rows=2, width=4)
    assert step_sizes(mine, ["multiply", "sum", "sigmoid", "multiply second sigmoid"], 1) == [8, 8, 2, 8]
