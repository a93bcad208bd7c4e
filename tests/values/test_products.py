from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.errors import ArchsimError
from archsim.graph.builder import Builder
from archsim.graph.nodes import Mask
from archsim.graph.windows import Interval
from archsim.values import products
from archsim.values.arithmetic import FloatArithmetic, Product, Values
from archsim.values.executor import Executor
from archsim.values.products import windowed
from tests.values.graphs import drawn, graph_of, made, numbers, reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.values.graphs import Array


def convolution(
    x: Array,
    weight: Array,
    bias: Array,
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    group: int,
) -> Builder:
    """Images (batch, channels, spatial …); pads: all before, then all after, as ONNX has them."""
    builder = Builder()
    spatial, kernel = x.shape[2:], weight.shape[2:]
    letters, taps = "hwd"[: len(spatial)], "klm"[: len(spatial)]
    image = builder.split(builder.input("x", builder.axes("x", x.shape)), 1, group, x.shape[1] // group)
    builder.weight("w", weight.shape)
    builder.weight("b", bias.shape)
    windows = []
    sizes = {"g": group, "o": weight.shape[0] // group, "c": weight.shape[1], **dict(zip(taps, kernel, strict=True))}
    for at, (size, taken) in enumerate(zip(spatial, kernel, strict=True)):
        interval = Interval(taken, strides[at], pads[at], dilations[at])
        out = (size + pads[at] + pads[at + len(spatial)] - interval.span) // strides[at] + 1
        windows.append((letters[at], taps[at], interval, out))
    named = f"ngc{letters},goc{taps}->ngo{letters}"
    y = builder.contraction("product", image, "w", named, sizes=sizes, windows=windows, bias="b")
    builder.merge(y, 1, 2)
    return builder


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[Array, Array, Array, dict[str, Any]]:
    dims, group = draw(st.integers(1, 3)), draw(st.sampled_from((1, 1, 2, 3)))

    def ints(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.integers(low, high)) for _ in range(dims))

    kernel, strides, dilations, pads = ints(1, 3), ints(1, 3), ints(1, 2), (*ints(0, 2), *ints(0, 2))
    spatial = tuple(3 + (k - 1) * d for k, d in zip(kernel, dilations, strict=True))
    inputs, outputs = group * draw(st.integers(1, 2)), group * draw(st.integers(1, 2))
    x = numbers(1, draw(st.integers(1, 2)), inputs, *spatial)
    weight = numbers(2, outputs, inputs // group, *kernel)
    return x, weight, numbers(3, outputs), {"strides": strides, "dilations": dilations, "pads": pads, "group": group}


@given(convolutions())
def test_convolutions_are_those_of_onnx(case: tuple[Array, Array, Array, dict[str, Any]]) -> None:
    x, weight, bias, attributes = case
    builder = convolution(x, weight, bias, **attributes)
    found = made(builder, builder.nodes[-1].key, {"x": x[None]}, {"w": weight, "b": bias})
    (wanted,) = reference("Conv", [x, weight, bias], **attributes)
    assert found[0] == pytest.approx(wanted, abs=1e-5)


class Recording(FloatArithmetic):
    """Which products are asked for."""

    def __init__(self) -> None:
        self.asked: dict[str, Values] = {}

    def linear(self, key: str, weight: Values, bias: Values | None) -> Product:
        self.asked[key] = weight
        return super().linear(key, weight, bias)


def test_groups_are_products_of_their_own_with_columns_in_taps_and_channels() -> None:
    x, weight, bias = numbers(1, 1, 4, 5, 5), numbers(2, 6, 2, 3, 3), numbers(3, 6)
    builder = convolution(x, weight, bias, (1, 1), (1, 1, 1, 1), (1, 1), 2)
    output, recording = builder.nodes[-1].key, Recording()
    found = Executor(graph_of(builder, output), {"w": weight, "b": bias}, recording).run({"x": x[None]})
    (wanted,) = reference("Conv", [x, weight, bias], pads=(1, 1, 1, 1), group=2)
    assert found[output][0] == pytest.approx(wanted, abs=1e-5)
    matrices = weight.transpose(0, 2, 3, 1).reshape(2, 3, 18)
    asked = {f"input/product group {group}": matrices[group] for group in range(2)}
    assert recording.asked.keys() == asked.keys()
    assert all((recording.asked[key] == asked[key]).all() for key in asked)


def test_many_images_are_done_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    x, weight, bias = numbers(1, 1, 2, 6, 6), numbers(2, 3, 2, 3, 3), numbers(3, 3)
    images = numbers(4, 7, 1, 2, 6, 6)
    builder = convolution(x, weight, bias, (1, 1), (0, 0, 0, 0), (1, 1), 1)
    whole = made(builder, builder.nodes[-1].key, {"x": images}, {"w": weight, "b": bias})
    (wanted,) = reference("Conv", [images[:, 0], weight, bias])
    assert whole[:, 0] == pytest.approx(wanted, abs=1e-5)
    monkeypatch.setattr(products, "_CHUNK", 2500)  # of 7 x 16 windows of 18 values of 4 bytes, two images at a time
    rows: list[int] = []

    class Counting(FloatArithmetic):
        def linear(self, key: str, weight: Values, bias: Values | None) -> Product:
            product = super().linear(key, weight, bias)

            def counted(x: Values) -> Values:
                rows.append(len(x))
                return product(x)

            return counted

    output = builder.nodes[-1].key
    parts = Executor(graph_of(builder, output), {"w": weight, "b": bias}, Counting()).run({"x": images})[output]
    assert parts == pytest.approx(whole, abs=1e-6)
    assert rows == [32, 32, 32, 16]


@given(
    st.integers(1, 3),
    st.integers(0, 3),
    st.integers(-2, 3),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(1, 7),
    st.integers(3, 6),
)
def test_windows_are_what_an_interval_says(
    taps: int, stride: int, pad: int, apart: int, grow: int, size: int, length: int
) -> None:
    interval = Interval(taps, stride, pad, apart, grow)
    x = numbers(0, 2, length, 3)
    found = windowed(x, [(1, interval, size)], fill=7)
    assert found.shape == (2, size, 3, taps)
    for index in range(size):
        for tap in range(taps):
            at = index // grow * stride - pad + tap * apart
            assert (found[:, index, :, tap] == (x[:, at] if 0 <= at < length else 7)).all()


@pytest.mark.parametrize("letters", ["bsi,oi->bso", "sbi,oi->osb", "bis,oi->bos", "bsi,io->bso"])
def test_products_with_weights_in_any_order(letters: str) -> None:
    builder = Builder()
    sizes = {"b": 2, "s": 3, "i": 4, "o": 5}
    operands, _, _ = letters.partition("->")
    first, _, second = operands.partition(",")
    x = builder.input("x", builder.axes("x", [sizes[letter] for letter in first]))
    builder.weight("w", [sizes[letter] for letter in second])
    y = builder.contraction("product", x, "w", letters, scale=0.5, cap=2.0)
    a, w = numbers(1, 6, *(sizes[letter] for letter in first)), numbers(2, *(sizes[letter] for letter in second))
    plain = np.einsum("Z" + letters.replace("->", "->Z"), a, w)
    assert made(builder, y, {"x": a}, {"w": w}) == pytest.approx(2 * np.tanh(plain / 4), abs=1e-5)


def test_a_bias_made_at_run_time_is_added_before_the_scale() -> None:
    builder = Builder()
    x, bias = builder.input("x", builder.axes("x", (3, 4))), builder.input("b", builder.axes("b", (5,)))
    builder.weight("w", (5, 4))
    y = builder.contraction("product", x, "w", "si,oi->so", bias=bias, scale=2)
    a, w, b = numbers(1, 2, 3, 4), numbers(2, 5, 4), numbers(3, 2, 5)
    wanted = 2 * (a @ w.T + b[:, None])
    assert made(builder, y, {"x": a, "b": b}, {"w": w}) == pytest.approx(wanted, abs=1e-5)


def test_a_bias_of_another_size_is_refused() -> None:
    builder = Builder()
    x = builder.input("x", builder.axes("x", (3, 4)))
    builder.weight("w", (5, 4))
    builder.weight("b", (3,))
    y = builder.contraction("product", x, "w", "si,oi->so", bias="b")
    graph = graph_of(builder, y)
    with pytest.raises(ArchsimError, match="bias of 3 numbers; expected 5"):
        Executor(graph, drawn(graph), FloatArithmetic()).run({"x": numbers(1, 1, 3, 4)})


def test_a_fixed_first_operand_and_products_of_two_results() -> None:
    """A batch of the file, with what is the same for all of the job's batch."""
    builder = Builder()
    x = builder.input("x", builder.axes("x", (2, 4, 3)))
    builder.weight("w", (5, 4))
    turned = builder.transpose("w", (1, 0))
    y = builder.contraction("product", turned, x, "io,bis->bso")
    a, w = numbers(1, 6, 2, 4, 3), numbers(2, 5, 4)
    assert made(builder, y, {"x": a}, {"w": w}) == pytest.approx(np.einsum("oi,Zbis->Zbso", w, a), abs=1e-5)


@pytest.mark.parametrize(("heads", "kv_heads"), [(4, 4), (4, 2), (6, 1)])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("cap", [None, 1.5])
def test_attention_is_that_of_onnx(heads: int, kv_heads: int, causal: bool, cap: float | None) -> None:  # noqa: FBT001
    batch, length, size = 2, 5, 3
    q, k, v = (numbers(at, batch, length, n * size) for at, n in enumerate((heads, kv_heads, kv_heads)))
    builder = Builder()
    names = [builder.input(n, builder.axes("s", (length, x.shape[-1]))) for n, x in zip("qkv", (q, k, v), strict=True)]
    query = builder.split(names[0], 1, kv_heads, heads // kv_heads, size)
    key, value = (builder.split(name, 1, kv_heads, size) for name in names[1:])
    mask = Mask(causal=True) if causal else None
    scores = builder.contraction("scores", query, key, "skgd,tkd->kgst", scale=size**-0.5, cap=cap, mask=mask)
    context = builder.contraction("context", builder.softmax("softmax", scores), value, "kgst,tkd->skgd")
    found = made(builder, builder.merge(context, 1, 3), {"q": q, "k": k, "v": v})
    (wanted,) = reference(
        "Attention", [q, k, v], q_num_heads=heads, kv_num_heads=kv_heads, is_causal=int(causal), softcap=cap or 0.0
    )
    assert found == pytest.approx(wanted, abs=1e-5)


def test_a_span_hides_all_but_the_last_keys() -> None:
    builder = Builder()
    q, k = (builder.input(name, builder.axes(name, (4, 2))) for name in "qk")
    scores = builder.contraction("scores", q, k, "sd,td->st", mask=Mask(causal=True, span=2))
    found = made(builder, scores, {"q": numbers(1, 1, 4, 2), "k": numbers(2, 1, 4, 2)})
    seen = np.array([[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]])
    assert (np.isneginf(found[0]) == (seen == 0)).all()


def test_depthwise_convolution_sums_each_channel_alone() -> None:
    """By hand: ones under a kernel of ones, 2 wide, with one zero before."""
    x, weight = np.arange(6, dtype=np.float32).reshape(1, 2, 3), np.ones((2, 1, 2), np.float32)
    builder = convolution(x, weight, np.array([0, 10], np.float32), (1,), (1, 0), (1,), 2)
    found = made(builder, builder.nodes[-1].key, {"x": x[None]}, {"w": weight, "b": np.array([0, 10], np.float32)})
    assert found[0, 0].tolist() == [[0, 1, 3], [13, 17, 19]]
    assert prod(found.shape) == 6
