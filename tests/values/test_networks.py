"""Network files on numbers, against plain numpy written from the definitions, in float64."""

from math import exp, prod, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from archsim.errors import ArchsimError
from archsim.graph import Graph
from archsim.graph.load import build
from archsim.machine.source import parse
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor
from archsim.values.session import generate

Values = NDArray[np.float64]
Weights = dict[str, Values]


def described(text: str) -> Graph:
    return build(parse(f"schema: archsim.network/1\nname: small\n{text}", "small.yaml"))


def drawn(graph: Graph, seed: int = 1) -> Weights:
    """Random weights, so large that functions bend."""
    rng = np.random.default_rng(seed)
    return {
        name: rng.normal(size=each.shape, scale=1.5 / sqrt(prod(each.shape[1:])))
        for name, each in graph.weights.items()
    }


def computed(graph: Graph, weights: Weights, **inputs: NDArray[np.float64] | NDArray[np.int64]) -> Values:
    found = Executor(graph, weights, FloatArithmetic()).run(inputs, everywhere=True)
    return found[graph.outputs[0]].astype(np.float64)


def assert_close(found: Values, expected: Values) -> None:
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def sigmoid(x: Values) -> Values:
    return 1 / (1 + np.exp(-x))


def conv(
    x: Values,
    weight: Values,
    bias: Values | float = 0.0,
    stride: tuple[int, int] = (1, 1),
    pad: tuple[int, int] = (0, 0),
    groups: int = 1,
) -> Values:
    """Of one image, a result after the other."""
    padded = np.pad(x, [(0, 0), (pad[0],) * 2, (pad[1],) * 2])
    out, own, high, wide = weight.shape
    rows, columns = ((size - k) // s + 1 for size, k, s in zip(padded.shape[1:], (high, wide), stride, strict=True))
    made = np.zeros((out, rows, columns))
    for channel in range(out):
        first = channel // (out // groups) * own
        for row in range(rows):
            for column in range(columns):
                y, z = row * stride[0], column * stride[1]
                made[channel, row, column] = (
                    padded[first : first + own, y : y + high, z : z + wide] * weight[channel]
                ).sum()
    made += np.reshape(bias, (-1, 1, 1))
    return made


def pooled(x: Values, kernel: int, stride: int, pad: int, *, ceil: bool, mean: bool) -> Values:
    """Windows that begin inside (or in the padding before), clipped to the image."""
    length = x.shape[1]
    begins = list(range(-pad, length + pad - kernel + 1, stride))
    if ceil and begins[-1] + kernel < length + pad and begins[-1] + stride < length:
        begins.append(begins[-1] + stride)
    made = np.zeros((len(x), len(begins), len(begins)))
    for row, y in enumerate(begins):
        for column, z in enumerate(begins):
            window = x[:, max(0, y) : y + kernel, max(0, z) : z + kernel]
            made[:, row, column] = window.mean(axis=(1, 2)) if mean else window.max(axis=(1, 2))
    return made


def lstm(x: Values, weight: Values, bias: Values) -> Values:
    """Position by position; rows of the weights: input gate, forget gate, candidate, output gate."""
    hidden = len(weight) // 4
    state, cell, made = np.zeros(hidden), np.zeros(hidden), []
    for values in x:
        summed = weight @ np.concatenate([values, state]) + bias
        let_in, kept, candidate, given_out = summed.reshape(4, hidden)
        cell = sigmoid(kept) * cell + sigmoid(let_in) * np.tanh(candidate)
        state = sigmoid(given_out) * np.tanh(cell)
        made.append(state)
    return np.array(made)


WORDS = """input: 1
positions: 16
generates: true
layers:
  - embedding: {rows: 11, out: 6}
  - lstm: {out: 5}
  - lstm: {out: 7, biases: 2}
  - linear: {out: 11}
"""


def words(w: Weights, tokens: NDArray[np.int64]) -> Values:
    x = w["input/embedding.weight"][tokens]
    for layer in ("1 lstm", "2 lstm"):
        x = lstm(x, w[f"{layer}/product.weight"], w[f"{layer}/product.bias"])
    return x @ w["3 linear/product.weight"].T + w["3 linear/product.bias"]


def test_lstms_give_what_their_definition_says() -> None:
    graph = described(WORDS)
    weights, tokens = drawn(graph), np.random.default_rng(2).integers(0, 11, (3, 9))
    found = computed(graph, weights, tokens=tokens)
    assert_close(found, np.stack([words(weights, row) for row in tokens]))


@pytest.mark.parametrize("cached", [True, False])
def test_lstms_make_the_most_likely_words(*, cached: bool) -> None:
    graph = described(WORDS)
    weights, made = drawn(graph, 3), [4, 0, 9]
    for _ in range(6):
        made.append(int(words(weights, np.array(made))[-1].argmax()))
    executor = Executor(graph, weights, FloatArithmetic())
    assert generate(executor, {"tokens": np.array([made[:3]])}, 6, cached=cached).tolist() == [made[3:]]


def test_without_a_state_only_the_last_token_counts() -> None:
    graph = described(
        "input: 1\npositions: 9\ngenerates: true\nlayers: [embedding: {rows: 9, out: 4}, linear: {out: 9}]"
    )
    weights, made = drawn(graph), [4, 2]
    for _ in range(4):
        values = weights["input/embedding.weight"][made[-1]] @ weights["1 linear/product.weight"].T
        made.append(int((values + weights["1 linear/product.bias"]).argmax()))
    executor = Executor(graph, weights, FloatArithmetic())
    assert generate(executor, {"tokens": np.array([made[:2]])}, 4).tolist() == [made[2:]]


def test_vectors_are_no_tokens() -> None:
    graph = described("input: 3\npositions: 9\ngenerates: true\nlayers: [lstm: {out: 3}]")
    executor = Executor(graph, drawn(graph), FloatArithmetic())
    with pytest.raises(ArchsimError, match="small: its input is no whole numbers; expected tokens"):
        generate(executor, {"sequence": np.zeros((1, 2, 3))}, 1)


def test_positions_side_by_side_end_with_zeros() -> None:
    """Five positions by two are three, the last of which has one."""
    graph = described("input: 3\npositions: 9\nlayers: [lstm: {out: 4}, stack: 2, lstm: {out: 2}]")
    weights, x = drawn(graph), np.random.default_rng(2).normal(size=(5, 3))
    first = lstm(x, weights["1 lstm/product.weight"], weights["1 lstm/product.bias"])
    pairs = np.concatenate([first, np.zeros((1, 4))]).reshape(3, 8)
    expected = lstm(pairs, weights["2 lstm/product.weight"], weights["2 lstm/product.bias"])
    assert_close(computed(graph, weights, sequence=x[None]), expected[None])


IMAGES = """input: [3, 13, 13]
layers:
  - conv: {out: 6, kernel: 3, pad: 1, norm: true}
  - relu6
  - maxpool: {kernel: 3, stride: 2, pad: 1, ceil: true}
  - residual:
      main: [conv: {kernel: 3, stride: 2, pad: 1, groups: depthwise}, hardswish, conv: {out: 9, kernel: 1}]
      shortcut: [skip: {out: 9, stride: 2}]
      then: relu
  - scale: [globalpool, conv: {out: 2, kernel: 1}, silu, conv: {out: 9, kernel: 1}, sigmoid]
  - residual: {main: [conv: {out: 9, kernel: [3, 1], pad: [1, 0], groups: 3}, lrn]}
  - avgpool: {kernel: 3, stride: 2, pad: 1}
  - tanh
  - linear: {out: 5}
  - softmax
"""


def images(w: Weights, x: Values) -> Values:
    def weights(layer: str) -> tuple[Values, Values]:
        return w[f"{layer}/product.weight"], w[f"{layer}/product.bias"]

    x = np.clip(conv(x, *weights("1 conv"), pad=(1, 1)), 0, 6)
    x = pooled(x, 3, 2, 1, ceil=True, mean=False)
    main = conv(x, *weights("2 conv"), stride=(2, 2), pad=(1, 1), groups=6)
    main = conv(main * np.clip(main + 3, 0, 6) / 6, *weights("3 conv"))
    shortcut = np.zeros_like(main)
    shortcut[1:7] = x[:, ::2, ::2]  # three more channels: one before, two after
    x = np.maximum(main + shortcut, 0)
    gate = conv(x.mean(axis=(1, 2), keepdims=True), *weights("4 conv"))
    x = x * sigmoid(conv(gate * sigmoid(gate), *weights("5 conv")))
    main = conv(x, *weights("6 conv"), pad=(1, 0), groups=3)
    around = [(main[max(0, at - 2) : at + 3] ** 2).sum(axis=0) for at in range(9)]
    x = x + main / (1 + 1e-4 / 5 * np.array(around)) ** 0.75
    x = np.tanh(pooled(x, 3, 2, 1, ceil=False, mean=True))
    matrix, bias = weights("7 linear")
    powers: Values = np.exp(matrix @ x.ravel() + bias)
    powers /= powers.sum()
    return powers


def test_images_go_through_every_kind_of_layer() -> None:
    graph = described(IMAGES)
    weights, x = drawn(graph), np.random.default_rng(2).normal(size=(2, 3, 13, 13))
    assert_close(computed(graph, weights, image=x), np.stack([images(weights, one) for one in x]))


def test_a_channel_is_divided_by_its_neighbours() -> None:
    x = 200 * np.random.default_rng(2).normal(size=(2, 7, 3, 3))
    squares = np.stack([(x[:, max(0, at - 2) : at + 3] ** 2).sum(axis=1) for at in range(7)], axis=1)
    expected = x / (1 + 1e-4 / 5 * squares) ** 0.75
    assert_close(computed(described("input: [7, 3, 3]\nlayers: [lrn]"), {}, image=x), expected)


def test_values_of_a_vector() -> None:
    graph = described("input: 6\nlayers: [linear: {out: 4}, gelu, scale: [linear: {out: 4, bias: false}, softmax]]")
    weights, x = drawn(graph), np.random.default_rng(2).normal(size=(2, 6))
    summed = x @ weights["1 linear/product.weight"].T + weights["1 linear/product.bias"]
    normal = np.vectorize(lambda z: sum(exp(-((z - t) ** 2) / 2) for t in np.arange(0.0005, 40, 0.001)))(summed)
    bent = summed * normal * 0.001 / np.sqrt(2 * np.pi)
    powers = np.exp(bent @ weights["2 linear/product.weight"].T)
    assert_close(computed(graph, weights, vector=x), bent * powers / powers.sum(axis=1, keepdims=True))


@settings(max_examples=40)
@given(st.data())
def test_windows_of_pools(data: st.DataObject) -> None:
    length, kernel, stride = (data.draw(st.integers(1, most)) for most in (9, 4, 5))
    pad = data.draw(st.integers(0, kernel - 1))
    length = max(length, kernel - 2 * pad)
    ceil, mean = data.draw(st.booleans()), data.draw(st.booleans())
    sizes = f"{{kernel: {kernel}, stride: {stride}, pad: {pad}, ceil: {str(ceil).lower()}}}"
    graph = described(f"input: [2, {length}, {length}]\nlayers: [{'avgpool' if mean else 'maxpool'}: {sizes}]")
    x = np.random.default_rng(2).normal(size=(1, 2, length, length))
    inputs = {"image": x} if length > 1 else {"vector": x.reshape(1, 2)}
    assert_close(computed(graph, {}, **inputs), pooled(x[0], kernel, stride, pad, ceil=ceil, mean=mean)[None])


@settings(max_examples=40)
@given(st.data())
def test_convolutions(data: st.DataObject) -> None:
    size, kernel, stride, pad = (
        (data.draw(st.integers(least, most)), data.draw(st.integers(least, most)))
        for least, most in ((3, 7), (1, 3), (1, 3), (0, 2))
    )
    groups, own, out = (data.draw(st.integers(1, 3)) for _ in range(3))
    sizes = f"out: {groups * out}, kernel: {list(kernel)}, stride: {list(stride)}, pad: {list(pad)}, groups: {groups}"
    graph = described(f"input: [{groups * own}, {size[0]}, {size[1]}]\nlayers: [conv: {{{sizes}}}]")
    weights, x = drawn(graph), np.random.default_rng(2).normal(size=(groups * own, *size))
    expected = conv(x, weights["1 conv/product.weight"], weights["1 conv/product.bias"], stride, pad, groups)
    assert_close(computed(graph, weights, image=x[None]), expected[None])
    linear = graph.linears[0]
    assert linear.macs(1) * (linear.stream.length or 0) == expected.size * own * kernel[0] * kernel[1]
