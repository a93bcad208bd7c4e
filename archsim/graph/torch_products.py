"""Products of PyTorch with weights: linear layers and convolutions, and what is folded into them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from archsim.graph.torch_importer import Call, Constant, Importer, Made, Sizes, UnknownError
from archsim.graph.windows import Interval

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

BATCHES = "abcdefgh"


def product(
    importer: Importer,
    call: Call,
    x: str,
    letters: str,
    weights: tuple[Constant, Constant | None],
    *,
    name: str = "linear",
    at: int = -1,
    sizes: Mapping[str, int] | None = None,
    windows: Sequence[tuple[str, str, Interval, int]] = (),
    scale: float = 1.0,
) -> str:
    """A product with weights (outputs first) and a bias, which begins a layer.

    A batch norm of its outputs, which are dimension `at` of the result, is made part of it, and so is a vector added,
    where nothing else reads what is between.
    """
    builder, (weight, bias) = importer.builder, weights
    importer.products += 1
    builder.layer = f"{importer.products} {name}"
    follows = next(iter(call.node.users)) if len(call.node.users) == 1 else None
    folded = None if follows is None or scale != 1 else _folded(importer, Call.of(follows), call, weight, bias, at)
    if folded is not None:
        weight, bias = folded
    key = f"{builder.layer}/product"
    matrix = importer.weight(f"{key}.weight", weight)
    vector = importer.weight(f"{key}.bias", bias) if bias is not None else None
    made = builder.contraction("product", x, matrix, letters, sizes=sizes, windows=windows, bias=vector, scale=scale)
    if folded is not None and follows is not None:
        importer.aliases[follows.name] = call.node.name
    return made


def _folded(
    importer: Importer, call: Call, before: Call, weight: Constant, bias: Constant | None, at: int
) -> tuple[Constant, Constant] | None:
    """Weights and bias of a product and what comes after it; None where that is nothing of this kind."""
    dims, outputs = len(before.shape), weight.shape[0]
    if call.kind == "_native_batch_norm_legit_no_training" and at % dims == 1:
        scale, shift = affine(importer, call)
        old = bias

        def vector() -> NDArray[Any]:
            found: NDArray[Any] = scale.read() * (0 if old is None else old.read()) + shift.read()
            return found

        parameters = (*(() if old is None else old.parameters), *scale.parameters, *shift.parameters)
        matrix = weight.mapped(weight.shape, lambda x: x * scale.read().reshape(-1, *(1,) * (x.ndim - 1)))
        return matrix, Constant((outputs,), vector, parameters)
    if call.kind == "add" and bias is None and call["alpha"] == 1:
        other = importer.fixed(call["other"] if call["self"] is before.node else call["self"])
        if other is not None and other.shape == (outputs,) and at % dims == dims - 1:
            return weight, other
    return None


def affine(importer: Importer, call: Call) -> tuple[Constant, Constant]:
    """Scale and shift of each channel, of a batch norm whose statistics are known."""
    mean, variance = (importer.known(call[name], call.kind) for name in ("running_mean", "running_var"))
    gamma, beta = (importer.fixed(call[name]) for name in ("weight", "bias"))
    epsilon = np.float32(call["eps"])

    def scale() -> NDArray[Any]:
        found: NDArray[Any] = (1 if gamma is None else gamma.read()) / np.sqrt(variance.read() + epsilon)
        return found

    def shift() -> NDArray[Any]:
        found: NDArray[Any] = (0 if beta is None else beta.read()) - mean.read() * scale()
        return found

    return (
        Constant(mean.shape, scale, () if gamma is None else gamma.parameters),
        Constant(mean.shape, shift, () if beta is None else beta.parameters),
    )


def _linear(importer: Importer, call: Call) -> Made:
    weight = importer.fixed(call["weight"])
    bias = None if call["bias"] is None else importer.known(call["bias"], "linear")
    if weight is None:
        raise UnknownError("linear with weights that are made at run time")
    rows = BATCHES[: len(call.shape) - 1]
    return product(importer, call, importer.operand(call["input"]), f"{rows}i,oi->{rows}o", (weight, bias))


def _addmm(importer: Importer, call: Call) -> Made:
    """A vector and a product."""
    weight, bias = importer.fixed(call["mat2"]), importer.fixed(call["self"])
    plain = call["beta"] == call["alpha"] == 1 and bias is not None and bias.shape == call.shape[-1:]
    if weight is None or not plain:
        raise UnknownError("addmm with weights that are made at run time, or scaled")
    return product(
        importer,
        call,
        importer.operand(call["mat1"]),
        "ai,oi->ao",
        (weight.mapped(weight.shape[::-1], np.transpose), bias),
    )


def _convolution(importer: Importer, call: Call) -> Made:
    """Of one, two or three dimensions, in groups or not."""
    builder, source = importer.builder, call["input"]
    weight = importer.known(call["weight"], call.kind)
    bias = None if call["bias"] is None else importer.known(call["bias"], call.kind)
    if call.arguments.get("transposed"):
        raise UnknownError("convolution (transposed)")
    kernel, groups = weight.shape[2:], call["groups"]
    maps, taps = "xyz"[: len(kernel)], "uvw"[: len(kernel)]
    batch = "n" if len(call.shape) == len(kernel) + 2 else ""
    many = "g" if groups > 1 else ""
    at = len(batch)
    outputs, inputs = weight.shape[0] // groups, weight.shape[1]
    x = importer.operand(source)
    x = builder.split(x, at, groups, inputs) if many else x
    spans = _intervals(call, kernel)
    made = product(
        importer,
        call,
        x,
        f"{batch}{many}i{maps},{many}oi{taps}->{batch}{many}o{maps}",
        (weight, bias),
        name="conv",
        at=at,
        sizes=({"g": groups} if many else {}) | {"o": outputs, "i": inputs} | dict(zip(taps, kernel, strict=True)),
        windows=[
            (one, tap, interval, size)
            for one, tap, interval, size in zip(maps, taps, spans, call.shape[at + 1 :], strict=True)
        ],
    )
    return builder.merge(made, at, 2) if many else made


def _intervals(call: Call, kernel: Sizes) -> list[Interval]:
    """Of each dimension; `same` pads the odd one after the last."""
    stride, apart = each_of(call["stride"], kernel), each_of(call["dilation"], kernel)
    padding = call["padding"]
    if padding == "same":
        pad = tuple(step * (size - 1) // 2 for size, step in zip(kernel, apart, strict=True))
    else:
        pad = each_of(0 if padding == "valid" else padding, kernel)
    rows = zip(kernel, stride, pad, apart, strict=True)
    return [Interval(taps=size, stride=step, pad=begin, apart=gap) for size, step, begin, gap in rows]


def each_of(given: Any, dims: Sequence[Any]) -> tuple[int, ...]:  # noqa: ANN401 - a number, or a list of one or all
    """A number for each dimension."""
    numbers = [given] if isinstance(given, int) else list(given)
    return tuple(numbers * len(dims) if len(numbers) == 1 else numbers)


STATIONARY: Mapping[str, Callable[[Importer, Call], Made]] = {
    "linear": _linear,
    "addmm": _addmm,
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution"), _convolution),
}
