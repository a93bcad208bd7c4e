"""Projections that digital units do: depth-wise ones where the machine has a recipe, and those that its file names."""

from collections.abc import Iterable
from collections.abc import Mapping as Dict
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NoReturn

from archsim.errors import ArchsimError, Fault, did_you_mean
from archsim.graph.graph import Graph
from archsim.graph.job import Job
from archsim.graph.operators import Edge, Linear, Operator, Product, Rowwise
from archsim.machine.machine import Machine
from archsim.mapping.dynamic import is_written
from archsim.mapping.mapping import Group
from archsim.mapping.named import named

DENSE = "dense"
"""Kind of a product whose weights are read from a memory for each position."""


class NoRoomError(ArchsimError):
    """The weights of digital projections are more than their memory holds."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Who computes the projections of a model.

    analog_share: of their multiply-accumulates, those done in arrays. weight_bits: of those that digital units do.
    """

    analog_share: float
    weight_bits: int


def placement(machine: Machine, graph: Graph, job: Job) -> Placement:
    """Of a Graph that is `digitised`, for a job."""
    arrays = sum(job.macs_of(each) for each in graph.linears)
    products = [each for each in graph.operators if isinstance(each, Product)]
    units = sum(job.macs_of(each) for each in products)
    return Placement(arrays / (arrays + units) if units else 1.0, sum(held_bits(machine, each) for each in products))


def held_bits(machine: Machine, product: Product) -> int:
    """Bits of its weights."""
    return product.linear.weights * int(machine.precision.weights)


def digitised(machine: Machine, graph: Graph) -> Graph:
    """The Graph with such projections as products of digital units.

    Of one that is split, the last output channels are a product of their own, and who reads it reads both. Raises
    ArchsimError for a name that the model does not have, and for a split that cannot be made.
    """
    shares = digital_shares(machine, graph)
    added: dict[str, str] = {}
    operators: list[Operator] = []
    for each in graph.operators:
        if not isinstance(each, Linear):
            operators.append(each)
        elif each.key in shares:
            parts = _parts(machine, graph, each, digital_channels(shares[each.key], each.out_features))
            operators += parts
            if len(parts) > 1:
                added[each.key] = parts[-1].key
        elif "depthwise" in machine.recipes and depthwise(each):
            operators.append(_product(each, "depthwise"))
        else:
            operators.append(each)
    return replace(graph, operators=tuple(_reading(each, added) for each in operators))


def _parts(machine: Machine, graph: Graph, linear: Linear, channels: int) -> list[Operator]:
    """A projection of which digital units compute the last `channels` output channels."""
    if channels == linear.out_features:
        return [_product(linear, DENSE)]
    _require_split(machine, graph, linear)
    last = replace(linear, name=f"{linear.name} digital", out_features=channels)
    return [replace(linear, out_features=linear.out_features - channels), _product(last, DENSE, linear.key)]


def digital_shares(machine: Machine, graph: Graph) -> dict[str, Fraction]:
    """By projection the share of its output channels that digital units compute."""
    known = dict.fromkeys(name for each in graph.linears for name in (each.key, each.layer))
    for name in machine.choices.digital:
        if name not in known:
            _refuse(machine, name, f"{graph.name} has no such projection. {did_you_mean(name, known)}")
    shares = {linear.key: named_share(machine, linear.key) for linear in graph.linears}
    return {key: share for key, share in shares.items() if share is not None}


def named_share(machine: Machine, key: str) -> Fraction | None:
    """Of a projection by its key, else that of its layer; None where nothing of it is digital."""
    return next((share or None for share in named(machine.choices.digital, key)), None)


def digital_channels(share: Fraction, channels: int) -> int:
    """How many of the last output channels a share is: at least one."""
    return min(channels, max(1, round(share * channels)))


def depthwise(linear: Linear) -> bool:
    """Whether it is a convolution of each channel by itself."""
    if linear.groups == 1 or len(linear.inputs) != 1:
        return False
    window = linear.inputs[0].window
    return window is not None and linear.in_features // linear.groups == window.kernel[0] * window.kernel[1]


def require_room(machine: Machine, graph: Graph, groups: Dict[str, Group]) -> None:
    """Raise NoRoomError where the weights of a chip's digital projections are more than their memory holds."""
    held: dict[int, int] = {}
    for each in streamed(graph.operators):
        chip = groups[each.layer].chip
        held[chip] = held.get(chip, 0) + held_bits(machine, each)
    if not held:
        return
    name = str(machine.digital_weights)
    size, number = int(getattr(machine.parts[name], "size", 0)), int(machine.count(name))
    most = max(held.values())
    if most > size * number:
        found = f"weights of digital projections need {most:,} b on a chip, {name} has {size * number:,} b"
        raise NoRoomError(f"{found}. Try parts.{name}.size: {-(-most // number)} b, or fewer in mapping.digital.")


def streamed(operators: Iterable[Operator]) -> list[Product]:
    """Those whose weights are read for each position."""
    return [each for each in operators if isinstance(each, Product) and each.kind == DENSE]


def _require_split(machine: Machine, graph: Graph, linear: Linear) -> None:
    """Neither blocks along a diagonal nor what is written into arrays can be parted by output channels."""
    if linear.groups > 1:
        _refuse(machine, linear.key, f"found a share of {linear.groups} groups of channels; expected 1, all of them")
    if any(is_written(machine, reader) for reader in graph.readers.get(linear.key, ())):
        _refuse(machine, linear.key, "found a share of what is written into arrays; expected 1, all of it")


def _refuse(machine: Machine, name: str, message: str) -> NoReturn:
    """At the place where the projection, or its layer, is named."""
    given = name if name in machine.choices.digital else name.rpartition("/")[0]
    place = machine.document.key_place(("mapping", "digital", given))
    raise ArchsimError(Fault(f"mapping.digital.{name}: {message}", place))


def _reading(operator: Operator, added: Dict[str, str]) -> Operator:
    """The operator, which also reads the digital part of each source that is split."""
    if not any(edge.source in added for edge in operator.inputs):
        return operator
    inputs: list[Edge] = []
    for edge in operator.inputs:
        inputs += [edge, replace(edge, source=added[edge.source])] if edge.source in added else [edge]
    if isinstance(operator, Rowwise) and operator.operands is None:
        operator = replace(operator, operands=len(operator.inputs))  # it reads no more values than before
    if isinstance(operator, Product):
        operator = replace(operator, linear=replace(operator.linear, inputs=tuple(inputs)))
    return replace(operator, inputs=tuple(inputs))


def _product(linear: Linear, kind: str, beside: str | None = None) -> Product:
    return Product(
        layer=linear.layer,
        name=linear.name,
        kind=kind,
        inputs=linear.inputs,
        positions=linear.positions,
        stream=linear.stream,
        route=linear.route,
        linear=linear,
        beside=beside,
    )
