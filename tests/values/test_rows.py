from __future__ import annotations

from itertools import product
from math import erf, inf, pi, prod, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.errors import ArchsimError
from archsim.graph.builder import Builder
from archsim.graph.nodes import Elementwise, Normalise
from archsim.graph.windows import Interval
from tests.values.graphs import Array, made, numbers, reference

X = numbers(5, 2, 3, 4, 5)
"""A batch of two of the job."""


_WHOLE = 1 << 31


def one(function: str, *operands: Array, parameters: tuple[float, ...] = ()) -> Array:
    """An elementwise function of tensors that have no batch of the job."""
    builder = Builder()
    names = [
        builder.input(
            f"x{at}", builder.axes(f"x{at}", x.shape), whole=None if x.dtype.kind == "f" else _WHOLE, least=-_WHOLE
        )
        for at, x in enumerate(operands)
    ]
    y = builder.elementwise("y", "add", *names, function=function, parameters=parameters)
    found: Array = made(builder, y, {name: x[None] for name, x in zip(names, operands, strict=True)})[0]
    return found


@pytest.mark.parametrize(
    ("function", "operator", "attributes"),
    [
        ("gelu", "Gelu", {}),
        ("gelu_tanh", "Gelu", {"approximate": "tanh"}),
        ("silu", "Swish", None),
        ("relu", "Relu", {}),
        ("tanh", "Tanh", {}),
        ("sigmoid", "Sigmoid", {}),
        ("hardswish", "HardSwish", {}),
        ("exp", "Exp", {}),
        ("reciprocal", "Reciprocal", {}),
        ("neg", "Neg", {}),
        ("abs", "Abs", {}),
        ("round", "Round", {}),
        ("floor", "Floor", {}),
        ("ceil", "Ceil", {}),
        ("erf", "Erf", {}),
        ("sign", "Sign", {}),
        ("sin", "Sin", {}),
        ("cos", "Cos", {}),
        ("identity", "Identity", {}),
    ],
)
def test_functions_of_one_operand(function: str, operator: str, attributes: dict[str, Any] | None) -> None:
    x = np.array([-30.5, -2.5, -1.5, -1, -0.5, -0.1, 0.1, 0.5, 1, 1.5, 2.5, 3.7, 30.5], np.float32)
    wanted = x / (1 + np.exp(-x)) if attributes is None else reference(operator, [x], **attributes)[0]
    assert one(function, x) == pytest.approx(wanted, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    ("function", "wanted"),
    [("log", [-1, 0, 1]), ("sqrt", [np.exp(-0.5), 1, np.exp(0.5)]), ("rsqrt", [np.exp(0.5), 1, np.exp(-0.5)])],
)
def test_functions_of_positive_numbers(function: str, wanted: list[float]) -> None:
    assert one(function, np.exp(np.array([-1, 0, 1], np.float32))) == pytest.approx(np.array(wanted), abs=1e-6)


@pytest.mark.parametrize(
    ("function", "parameters", "operator", "attributes"),
    [
        ("leaky_relu", (0.25,), "LeakyRelu", {"alpha": 0.25}),
        ("elu", (0.75,), "Elu", {"alpha": 0.75}),
        ("hardsigmoid", (0.25, 0.5), "HardSigmoid", {"alpha": 0.25, "beta": 0.5}),
    ],
)
def test_functions_with_parameters(
    function: str, parameters: tuple[float, ...], operator: str, attributes: dict[str, Any]
) -> None:
    (wanted,) = reference(operator, [X], **attributes)
    assert one(function, X, parameters=parameters) == pytest.approx(wanted, abs=1e-6)


def test_functions_by_hand() -> None:
    x = np.array([-8, -1, 0, 0.5, 7], np.float32)
    assert one("relu6", x).tolist() == [0, 0, 0, 0.5, 6]
    assert one("clip", x, parameters=(-2, inf)).tolist() == [-2, -1, 0, 0.5, 7]
    assert one("scale", x, parameters=(2,)).tolist() == [-16, -2, 0, 1, 14]
    assert one("pow", x, parameters=(2,)).tolist() == [64, 1, 0, 0.25, 49]
    assert one("quick_gelu", x)[3] == pytest.approx(0.5 / (1 + np.exp(-1.702 / 2)))
    assert one("gelu", x)[3] == pytest.approx(0.25 * (1 + erf(0.5 / sqrt(2))))
    assert one("gelu_tanh", x)[3] == pytest.approx(0.25 * (1 + np.tanh(sqrt(2 / pi) * (0.5 + 0.044715 / 8))))
    assert one("prelu", x, np.full(5, 0.5, np.float32)).tolist() == [-4, -0.5, 0, 0.5, 7]
    assert one("whole", np.array([-1.7, 1.7], np.float32)).tolist() == [-1, 1]
    assert one("batchnorm", x, np.full(5, 2, np.float32), np.ones(5, np.float32)).tolist() == [-15, -1, 1, 2, 15]


def test_the_error_function_is_exact() -> None:
    x = np.concatenate([np.linspace(-7, 7, 20_001), [-inf, inf]]).astype(np.float32)
    assert one("erf", x) == pytest.approx(np.array([erf(value) for value in x.tolist()]), abs=1e-7)


def test_whole_numbers_stay_whole_and_truth_is_a_number() -> None:
    a, b = np.array([7, -7, 3]), np.array([2, 2, 3])
    assert one("div", a, b).tolist() == [3, -3, 1]
    assert one("div", a, b).dtype == np.int64
    truth = one("less", b, a)
    assert truth.tolist() == [1, 0, 0]
    assert truth.dtype == np.int64
    assert one("where", truth, a, b).tolist() == [7, 2, 3]
    assert one("equal", a, b).tolist() == [0, 0, 1]
    assert one("not", truth).tolist() == [0, 1, 1]
    assert one("and", truth, truth).tolist() == one("or", truth, truth).tolist() == [1, 0, 0]
    assert one("cast", a).dtype == np.float32


def test_operands_are_repeated_as_numpy_does_and_may_be_many() -> None:
    builder = Builder()
    x, y = builder.input("x", builder.axes("x", (3, 4, 5))), builder.input("y", builder.axes("y", (4, 1)))
    builder.weight("w", (5,))
    z = builder.elementwise("z", "add", x, y, "w", "w")
    a, b, w = numbers(1, 2, 3, 4, 5), numbers(2, 2, 4, 1), numbers(3, 5)
    assert made(builder, z, {"x": a, "y": b}, {"w": w}) == pytest.approx(a + b[:, None] + 2 * w, abs=1e-6)


def test_a_function_that_is_not_known_is_refused() -> None:
    with pytest.raises(ArchsimError, match=r"input/y: found function 'gelo', .* Did you mean 'gelu'"):
        one("gelo", X)


def normalised(
    function: str,
    dims: tuple[int, ...],
    *vectors: Array,
    epsilon: float = 0,
    parameters: tuple[float, ...] = (),
    values: Array = X,
) -> Array:
    builder = Builder()
    x = builder.input("x", builder.axes("x", values.shape[1:]))
    names = [builder.weight(f"w{at}", vector.shape) for at, vector in enumerate(vectors)]
    node = Normalise(
        layer="1",
        name="norm",
        kind="layernorm",
        inputs=(x, *names),
        shape=builder.of(x),
        function=function,  # type: ignore[arg-type]
        dims=dims,
        epsilon=epsilon,
        scaled=len(vectors) > 0,
        shifted=len(vectors) > 1,
        parameters=parameters,
    )
    return made(builder, builder.add(node), {"x": values}, dict(zip(names, vectors, strict=True)))


def test_norms_are_those_of_onnx() -> None:
    scale, shift = numbers(1, 4, 5), numbers(2, 4, 5)
    (wanted,) = reference("LayerNormalization", [X, scale, shift], axis=-2, epsilon=0.1)
    assert normalised("layernorm", (1, 2), scale, shift, epsilon=0.1) == pytest.approx(wanted, abs=1e-5)
    (wanted,) = reference("RMSNormalization", [X, scale[0]], axis=-1, epsilon=0.1)
    assert normalised("rmsnorm", (2,), scale[0], epsilon=0.1) == pytest.approx(wanted, abs=1e-5)
    for function, operator in (("softmax", "Softmax"), ("log_softmax", "LogSoftmax")):
        (wanted,) = reference(operator, [X], axis=2)
        assert normalised(function, (1,)) == pytest.approx(wanted, abs=1e-6)


def test_a_norm_of_channels_that_are_not_last() -> None:
    scale = numbers(1, 3)
    mean, deviation = X.mean(1, keepdims=True), X.std(1, keepdims=True)
    wanted = (X - mean) / deviation * scale[:, None, None]
    assert normalised("layernorm", (0,), scale) == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_normalisation_by_neighbours_is_that_of_onnx(size: int) -> None:
    x = numbers(1, 4, 4, 2, 3)  # the reference takes as many channels as there are images
    (wanted,) = reference("LRN", [x], size=size, alpha=0.5, beta=0.7, bias=1.5)
    assert normalised("lrn", (0,), parameters=(size, 0.5, 0.7, 1.5), values=x) == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(
    ("function", "operator"),
    [
        ("sum", "ReduceSum"),
        ("mean", "ReduceMean"),
        ("maximum", "ReduceMax"),
        ("minimum", "ReduceMin"),
        ("prod", "ReduceProd"),
        ("l2", "ReduceL2"),
        ("argmax", "ArgMax"),
    ],
)
@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("dims", [(1,), (0, 2)])
def test_reductions_are_those_of_onnx(function: str, operator: str, kept: bool, dims: tuple[int, ...]) -> None:  # noqa: FBT001
    builder = Builder()
    y = builder.reduce("y", "avgpool", builder.input("x", builder.axes("x", X.shape[1:])), function, dims, kept=kept)  # type: ignore[arg-type]
    axes = [1 + at for at in dims]
    if function == "argmax":
        dims_first = np.moveaxis(X, axes, range(-len(dims), 0))
        flat = dims_first.reshape(*dims_first.shape[: -len(dims)], -1)
        (wanted,) = reference(operator, [flat], axis=-1, keepdims=0)
        wanted = np.expand_dims(wanted, axes) if kept else wanted
    else:
        (wanted,) = reference(operator, [X, np.array(axes)], keepdims=int(kept))
    found = made(builder, y, {"x": X})
    assert found.shape == wanted.shape
    assert found == pytest.approx(wanted, rel=1e-5, abs=1e-6)


def pooled(x: Array, function: str, windows: list[tuple[int, Interval, int]], *, padding_counts: bool = False) -> Array:
    builder = Builder()
    name = builder.input("x", builder.axes("x", x.shape[1:]))
    y = builder.pool("y", "maxpool", name, function, windows, padding_counts=padding_counts)  # type: ignore[arg-type]
    return made(builder, y, {"x": x})


@given(
    st.lists(
        st.builds(
            lambda *x: (Interval(*x[:4]), x[4]),
            st.integers(1, 3),
            st.integers(1, 3),
            st.integers(0, 2),
            st.integers(1, 2),
            st.integers(1, 4),
        ),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from(("maximum", "mean")),
    st.booleans(),
)
def test_pools_are_what_their_windows_hold(pairs: list[tuple[Interval, int]], function: str, counts: bool) -> None:  # noqa: FBT001
    x = numbers(1, 2, 2, *(2, 3, 4)[: len(pairs)])
    windows = [(1 + at, interval, size) for at, (interval, size) in enumerate(pairs)]
    with np.errstate(all="ignore"):
        found = pooled(x, function, windows, padding_counts=counts)
    for index in np.ndindex(*(size for _, size in pairs)):
        taps = [
            [i // w.grow * w.stride - w.pad + k * w.apart for k in range(w.taps)]
            for i, (w, _) in zip(index, pairs, strict=True)
        ]
        inside = [at for at in product(*taps) if all(0 <= i < size for i, size in zip(at, x.shape[2:], strict=True))]
        if not inside:
            continue  # nothing but padding has no mean and no maximum
        values = np.stack([x[(slice(None), slice(None), *at)] for at in inside])
        number = prod(map(len, taps)) if counts else len(inside)
        wanted = values.max(0) if function == "maximum" else values.sum(0) / number
        assert found[(slice(None), slice(None), *index)] == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(("size", "stride", "pad"), [(2, 2, 0), (3, 1, 1), (3, 2, 1)])
def test_pools_are_those_of_onnx(size: int, stride: int, pad: int) -> None:
    x = numbers(1, 2, 3, 6, 7)
    attributes: dict[str, Any] = {"kernel_shape": (size, size), "strides": (stride, stride), "pads": (pad,) * 4}
    for function, operator, extra in (
        ("maximum", "MaxPool", {}),
        ("mean", "AveragePool", {}),
        ("mean", "AveragePool", {"count_include_pad": 1}),
    ):
        (wanted,) = reference(operator, [x], **attributes, **extra)
        windows = [(at, Interval(size, stride, pad), wanted.shape[1 + at]) for at in (1, 2)]
        assert pooled(x, function, windows, padding_counts=bool(extra)) == pytest.approx(wanted, abs=1e-6)


def test_windows_that_reach_beyond_the_end_see_padding() -> None:
    """By hand, as with `ceil_mode`: 5 values, windows of 2 every 2; the last window has one value."""
    x = np.array([[1, 2, 3, 4, 5]], np.float32)
    wanted = {("maximum", False): [2, 4, 5], ("mean", False): [1.5, 3.5, 5], ("mean", True): [1.5, 3.5, 2.5]}
    for (function, counts), result in wanted.items():
        assert pooled(x, function, [(0, Interval(2, 2), 3)], padding_counts=counts).tolist() == [result]


def test_functions_are_asked_of_the_arithmetic_by_their_names() -> None:
    from archsim.values.arithmetic import FloatArithmetic, Values
    from archsim.values.executor import Executor
    from tests.values.graphs import graph_of

    asked = []

    class Asked(FloatArithmetic):
        def function(self, name: str, x: Values) -> Values:
            asked.append(name)
            return super().function(name, x)

        def softmax(self, x: Values) -> Values:
            asked.append("softmax")
            return super().softmax(x)

    builder = Builder()
    x = builder.input("x", builder.axes("x", (3,)))
    for name in ("gelu", "silu", "tanh"):
        x = builder.elementwise(name, name, x)
    x = builder.softmax("softmax", x)
    assert isinstance(builder.nodes[0], Elementwise)
    Executor(graph_of(builder, x), {}, Asked()).run({"x": numbers(1, 1, 3)})
    assert asked == ["gelu", "silu", "tanh", "softmax"]
