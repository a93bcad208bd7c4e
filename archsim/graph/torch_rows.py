"""Operators of PyTorch that work on rows or on single numbers: norms, softmax, pooling, sums, activations."""

from __future__ import annotations

from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from archsim.graph.axes import sizes_of
from archsim.graph.nodes import Normalise
from archsim.graph.sequence_nodes import Embedding
from archsim.graph.torch_attention import HIDDEN, added, feeds_product, hidden
from archsim.graph.torch_importer import Call, Constant, Importer, Made, UnknownError
from archsim.graph.torch_products import affine, each_of
from archsim.graph.windows import Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FLOAT_EPSILON = 2.0**-23

# Norms


def _norm(importer: Importer, call: Call, function: Literal["layernorm", "rmsnorm"]) -> Made:
    """Of the last dimensions."""
    weight, bias = (call.arguments.get(name) for name in ("weight", "bias"))
    vectors = [None if each is None else importer.known(each, call.kind) for each in (weight, bias)]
    epsilon = _FLOAT_EPSILON if call["eps"] is None else float(call["eps"])
    return _normalised(
        importer, importer.operand(call["input"]), function, len(call["normalized_shape"]), epsilon, vectors
    )


def _normalised(
    importer: Importer,
    x: str,
    function: Literal["layernorm", "rmsnorm"],
    number: int,
    epsilon: float,
    vectors: list[Constant | None],
) -> str:
    builder = importer.builder
    own = builder.name(function)
    key, dims = f"{builder.layer}/{own}", len(builder.of(x))
    names = [
        importer.weight(f"{key}.{what}", vector)
        for what, vector in zip(("scale", "shift"), vectors, strict=True)
        if vector is not None
    ]
    return builder.add(
        Normalise(
            layer=builder.layer,
            name=own,
            kind=function,
            inputs=(x, *names),
            shape=builder.of(x),
            function=function,
            dims=tuple(range(dims - number, dims)),
            epsilon=epsilon,
            scaled=vectors[0] is not None,
            shifted=vectors[1] is not None,
        )
    )


def _group_norm(importer: Importer, call: Call) -> Made:
    """Of groups of channels; scale and shift are of each channel."""
    builder, x = importer.builder, importer.operand(call["input"])
    batch, channels, *rest = call.shape
    groups = channels if call.kind == "instance_norm" else call.arguments.get("num_groups") or call["group"]
    vectors = []
    for each in (call["weight"], call["bias"]):
        vector = None if each is None else importer.known(each, call.kind)
        vectors.append(None if vector is None else vector.reshaped((groups, channels // groups, *(1,) * len(rest))))
    x = builder.reshape(x, (batch, groups, channels // groups, *rest))
    made = _normalised(importer, x, "layernorm", 1 + len(rest), float(call["eps"]), vectors)
    return builder.reshape(made, call.shape)


def _batch_norm(importer: Importer, call: Call) -> Made:
    """What is not made part of a product."""
    builder, x = importer.builder, importer.operand(call["input"])
    shape = (call.shape[1], *(1,) * (len(call.shape) - 2))
    names = [
        importer.weight(f"{call.node.name}.{what}", vector.reshaped(shape))
        for what, vector in zip(("scale", "shift"), affine(importer, call), strict=True)
    ]
    return builder.elementwise("batchnorm", "batchnorm", x, *names)


def _softmax(importer: Importer, call: Call, function: Literal["softmax", "log_softmax"] = "softmax") -> Made:
    return importer.builder.softmax("softmax", importer.operand(call["self"]), call["dim"], function)


# Windows and rows


def _pool(importer: Importer, call: Call, kind: str) -> Made:
    """The largest, or the mean, under windows of the last dimensions."""
    builder, x = importer.builder, importer.operand(call["self"])
    number = _dims(call)
    sizes = [size or 1 for size in sizes_of(builder.of(x))][-number:]
    begin = len(call.shape) - number
    kernel = each_of(call["kernel_size"], sizes)
    stride = each_of(call["stride"] or kernel, sizes)
    pad, apart = each_of(call["padding"], sizes), each_of(call.arguments.get("dilation", 1), sizes)
    out = call.shape[begin:]
    counted = bool(call.arguments.get("count_include_pad")) and any(pad)
    beyond = any(
        (size - 1) * step + taps > there + 2 * before
        for size, step, taps, there, before in zip(out, stride, kernel, sizes, pad, strict=True)
    )
    if call.arguments.get("divisor_override") or (counted and beyond):
        raise UnknownError(f"{call.kind} with another divisor")
    windows = [
        (begin + at, Interval(taps, step, before, gap), size)
        for at, (taps, step, before, gap, size) in enumerate(zip(kernel, stride, pad, apart, out, strict=True))
    ]
    function: Literal["maximum", "mean"] = "maximum" if kind == "maxpool" else "mean"
    return builder.pool(kind, kind, x, function, windows, padding_counts=counted)


def _dims(call: Call) -> int:
    """2 of max_pool2d."""
    return int(next(letter for letter in call.kind if letter.isdigit()))


def _adaptive(importer: Importer, call: Call, kind: str) -> Made:
    """Windows side by side, where they are all alike."""
    builder, x = importer.builder, importer.operand(call["self"])
    windows = []
    for at in range(len(call.shape) - _dims(call), len(call.shape)):
        there = sizes_of(builder.of(x))[at] or 1
        if there % call.shape[at]:
            raise UnknownError(f"{call.kind} of {there} positions to {call.shape[at]}")
        taps = there // call.shape[at]
        windows.append((at, Interval(taps, taps), call.shape[at]))
    function: Literal["maximum", "mean"] = "maximum" if kind == "maxpool" else "mean"
    return builder.pool(kind, kind, x, function, windows)


def _reduced(importer: Importer, call: Call, kind: str, function: Any) -> Made:  # noqa: ANN401 - a word of Reduce
    """One number of each row; of all dimensions, if none is named."""
    builder, x = importer.builder, importer.operand(call["self"])
    given = call.arguments.get("dim")
    dims = [given] if isinstance(given, int) else given or range(len(builder.of(x)))
    return builder.reduce(kind, kind, x, function, list(dims), kept=bool(call.arguments.get("keepdim")))


def _max(importer: Importer, call: Call) -> Made:
    """Of a row, or of two."""
    if "other" in call.arguments:
        return _pair(importer, call, "max")
    return _reduced(importer, call, "maxpool", "maximum")


def _embedding(importer: Importer, call: Call) -> Made:
    """Rows of a table."""
    builder, table = importer.builder, importer.known(call["weight"], call.kind)
    x = importer.operand(call["indices"])
    importer.bound(x, table.shape[0])
    own = builder.name("embedding")
    name = importer.weight(f"{builder.layer}/{own}.tokens", table)
    values = builder.of(name)
    return builder.add(
        Embedding(layer=builder.layer, name=own, kind="embedding", inputs=(x, name), shape=(*builder.of(x), values[1]))
    )


# Single numbers


def _act(importer: Importer, call: Call, kind: str, function: str = "", names: tuple[str, ...] = ()) -> Made:
    """A function of one operand; names: arguments that are its parameters."""
    x = importer.operand(next(iter(call.arguments.values())))
    return importer.builder.elementwise(
        kind, kind, x, function=function, parameters=[float(call[name]) for name in names]
    )


def _gelu(importer: Importer, call: Call) -> Made:
    function = "gelu_tanh" if call["approximate"] == "tanh" else "gelu"
    return importer.builder.elementwise("gelu", "gelu", importer.operand(call["self"]), function=function)


def _elu(importer: Importer, call: Call) -> Made:
    if call["scale"] != 1 or call["input_scale"] != 1:
        raise UnknownError("elu (scaled)")
    return _act(importer, call, "exp", "elu", ("alpha",))


def _hardsigmoid(importer: Importer, call: Call) -> Made:
    x = importer.operand(call["self"])
    return importer.builder.elementwise("clip", "clip", x, function="hardsigmoid", parameters=(1 / 6, 0.5))


def _clamp(importer: Importer, call: Call) -> Made:
    """Bounds that are left out are none."""
    bounds = [importer.number(call.arguments.get(name)) for name in ("min", "max")]
    if any(
        bound is None and call.arguments.get(name) is not None
        for name, bound in zip(("min", "max"), bounds, strict=True)
    ):
        raise UnknownError("clamp by a tensor")
    low, high = (-inf if bounds[0] is None else bounds[0]), (inf if bounds[1] is None else bounds[1])
    return importer.builder.elementwise("clip", "clip", importer.operand(call["self"]), parameters=(low, high))


def _add(importer: Importer, call: Call) -> Made:
    """A sum; what only hides keys from queries is a mask of the scores."""
    first, second, times = call["self"], call["other"], float(call["alpha"])
    if importer.fixed(first) is not None and times == 1:
        first, second = second, first
    number = importer.number(second)
    x = importer.operand(first)
    if number is not None:
        return importer.builder.elementwise("add", "add", x, parameters=(times * number,)) if number else x
    return added(importer, x, second, times, alone=importer.scores(first) is not None)


def _subtract(importer: Importer, call: Call) -> Made:
    first, second = call["self"], call["other"]
    if call["alpha"] != 1:
        raise UnknownError("sub (scaled)")
    return _combined(importer, *((second, first) if call.kind == "rsub" else (first, second)), "sub")


def _scaled(importer: Importer, call: Call) -> Made:
    """Times or through a number: nothing, where a product of two tensors can do it."""
    first, second = call["self"], call["other"]
    if call.arguments.get("rounding_mode"):
        raise UnknownError("div (rounded)")
    if call.kind == "mul" and importer.number(first) is not None:
        first, second = second, first
    number = importer.number(second)
    if number is None or (call.kind == "div" and number == 0):
        return _combined(importer, first, second, call.kind)
    times = 1 / number if call.kind == "div" else number
    scores = importer.scores(first)
    if times == 1:
        return importer.operand(first)
    if scores is not None:
        return importer.change(scores, scale=scores.scale * times)
    if feeds_product(importer, call.node):
        importer.scales[call.node.name] = importer.scales.get(first.name, 1.0) * times
        return importer.operand(first)
    return importer.builder.elementwise(call.kind, call.kind, importer.operand(first), parameters=(number,))


def _combined(importer: Importer, first: Any, second: Any, kind: str) -> str:  # noqa: ANN401
    """Of two operands, either of which may be a number."""
    number = importer.number(second)
    if number is not None:
        return importer.builder.elementwise(kind, kind, importer.operand(first), parameters=(number,))
    return importer.builder.elementwise(kind, kind, _operand(importer, first), importer.operand(second))


def _pow(importer: Importer, call: Call, exponent: float | None = None) -> Made:
    """By a number that is known."""
    exponent = exponent or importer.number(call["exponent"])
    if exponent is None:
        raise UnknownError("pow by a tensor")
    x = importer.operand(call["self"])
    return x if exponent == 1 else importer.builder.elementwise("mul", "mul", x, function="pow", parameters=(exponent,))


def _pair(importer: Importer, call: Call, function: str) -> Made:
    """The larger or the smaller of two."""
    x, y = importer.operand(call["self"]), importer.operand(call["other"])
    return importer.builder.elementwise("clip", "clip", x, y, function=function)


def _masked_fill(importer: Importer, call: Call) -> Made:
    return _filled(importer, call["self"], call["mask"], call["value"], when=True)


def _where(importer: Importer, call: Call) -> Made:
    return _filled(importer, call["self"], call["condition"], call["other"], when=False)


def _filled(importer: Importer, source: Any, mask: Any, value: Any, *, when: bool) -> str:  # noqa: ANN401
    """A value in its place where a mask says so; scores that are hidden so are masked in the product."""
    constant, number = importer.fixed(mask), importer.number(value)
    if constant is not None and number is not None and number < HIDDEN and importer.scores(source) is not None:
        low = constant.mapped(constant.shape, lambda y: np.where((y != 0) == when, -np.inf, 0).astype(np.float32))
        return hidden(importer, importer.operand(source), low, f"{mask.name} added")
    operands = [_operand(importer, each) for each in ((value, source) if when else (source, value))]
    return importer.builder.elementwise("clip", "clip", importer.operand(mask), *operands, function="where")


def _operand(importer: Importer, argument: Any) -> str:  # noqa: ANN401
    """A tensor, or a number as a constant."""
    if not isinstance(argument, (int, float)):
        return importer.operand(argument)
    number = np.array([argument], np.float32)
    return importer.weight(f"number {argument}", Constant((1,), lambda: number))


_ACTIVATIONS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "relu": ("relu", "", ()),
    "relu6": ("relu6", "", ()),
    "silu": ("silu", "", ()),
    "sigmoid": ("sigmoid", "", ()),
    "tanh": ("tanh", "", ()),
    "hardswish": ("hardswish", "", ()),
    "leaky_relu": ("relu", "leaky_relu", ("negative_slope",)),
    "hardtanh": ("clip", "", ("min_val", "max_val")),
    "erf": ("gelu", "erf", ()),
    "exp": ("exp", "", ()),
    **{name: ("exp", name, ()) for name in ("log", "sqrt", "rsqrt", "reciprocal", "sin", "cos")},
    **{name: ("clip", name, ()) for name in ("neg", "abs", "floor", "ceil", "round")},
}
"""Kind of operator, function if it has another name, and arguments that are its parameters."""
ROWS: Mapping[str, Callable[[Importer, Call], Made]] = {
    "layer_norm": partial(_norm, function="layernorm"),
    "native_layer_norm": partial(_norm, function="layernorm"),
    "rms_norm": partial(_norm, function="rmsnorm"),
    **dict.fromkeys(("group_norm", "native_group_norm", "instance_norm"), _group_norm),
    "_native_batch_norm_legit_no_training": _batch_norm,
    **dict.fromkeys(("softmax", "_softmax", "_safe_softmax"), _softmax),
    "log_softmax": partial(_softmax, function="log_softmax"),
    "_log_softmax": partial(_softmax, function="log_softmax"),
    **{f"max_pool{d}d": partial(_pool, kind="maxpool") for d in (1, 2, 3)},
    "max_pool2d_with_indices": partial(_pool, kind="maxpool"),
    **{f"avg_pool{d}d": partial(_pool, kind="avgpool") for d in (1, 2, 3)},
    **{f"adaptive_avg_pool{d}d": partial(_adaptive, kind="avgpool") for d in (1, 2, 3)},
    "_adaptive_avg_pool2d": partial(_adaptive, kind="avgpool"),
    **{f"adaptive_max_pool{d}d": partial(_adaptive, kind="maxpool") for d in (1, 2, 3)},
    "mean": partial(_reduced, kind="avgpool", function="mean"),
    "sum": partial(_reduced, kind="add", function="sum"),
    "amax": partial(_reduced, kind="maxpool", function="maximum"),
    "amin": partial(_reduced, kind="maxpool", function="minimum"),
    "argmax": partial(_reduced, kind="argmax", function="argmax"),
    "embedding": _embedding,
    **{name: partial(_act, kind=kind, function=of, names=names) for name, (kind, of, names) in _ACTIVATIONS.items()},
    "gelu": _gelu,
    "elu": _elu,
    "hardsigmoid": _hardsigmoid,
    **dict.fromkeys(("clamp", "clamp_min", "clamp_max"), _clamp),
    "add": _add,
    **dict.fromkeys(("sub", "rsub"), _subtract),
    **dict.fromkeys(("mul", "div"), _scaled),
    "pow": _pow,
    "square": partial(_pow, exponent=2.0),
    "maximum": partial(_pair, function="max"),
    "minimum": partial(_pair, function="min"),
    "masked_fill": _masked_fill,
    "where": _where,
    "max": _max,
}
