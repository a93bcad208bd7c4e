"""Steps that a chain of convolutions takes by the formulas of Li et al. (ACM TODAES 2023), and copies that make it few.

A step is a product on every copy at once; a layer begins when the one before has made what its first products need.
"""

from dataclasses import dataclass
from math import ceil

from archsim.errors import ArchsimError
from archsim.graph.graph import Graph
from archsim.graph.job import Job
from archsim.graph.operators import Linear, Operator
from archsim.graph.windows import Window
from archsim.machine.machine import Machine
from archsim.works import works


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution on `sets` crossbars a copy: its window over its source, and the pooling that stands before it.

    The first has no source here: its window is that of one pixel.
    """

    key: str
    window: Window
    pool: Window
    sets: int


@dataclass(frozen=True, slots=True)
class _Prefix:
    """The layers up to one: their copies, the steps before each begins, the step in which the last one ends."""

    copies: tuple[int, ...] = ()
    before: tuple[int, ...] = ()
    end: int = 0


def convolutions(machine: Machine, graph: Graph) -> list[Convolution]:
    """The convolutions of a graph that is a chain; raises ArchsimError where there are fewer than two."""
    found: list[Convolution] = []
    for work in works(machine, graph, Job(seq=1)):
        linear = graph.by_key[work.name]
        if linear.stream.length is None or linear.stream.length == 1:
            break  # classifiers have no copies
        size = _size(linear)
        window, *pools = _windows(graph, linear) or [Window(size, size)]
        found.append(
            Convolution(linear.key, window, pools[0] if pools else Window(window.size, window.size), work.tiles)
        )
    if len(found) < 2:  # noqa: PLR2004 - a chain
        raise ArchsimError(f"measure: {graph.name} is no chain of convolutions")
    return found


def _size(operator: Operator) -> tuple[int, int]:
    """Height and width, by which the streams of maps are named."""
    height, _, width = operator.stream.name.partition(" x ")
    if not (height.isdigit() and width.isdigit()):
        raise ArchsimError(f"measure: {operator.key} is no convolution")
    return int(height), int(width)


def _windows(graph: Graph, operator: Operator) -> list[Window]:
    """Of an operator and all before it, back to the convolution before."""
    found: list[Window] = []
    while operator.inputs:
        edge = operator.inputs[0]
        found += [edge.window] if edge.window is not None else []
        operator = graph.by_key[edge.source]
        if isinstance(operator, Linear):
            break
    return found


def steps(layers: list[Convolution], copies: tuple[int, ...]) -> int:
    """Steps with so many copies of each."""
    found = _Prefix()
    for number in copies:
        found = _longer(layers, found, number)
    return found.end


def _longer(layers: list[Convolution], prefix: _Prefix, number: int) -> _Prefix:
    """With one layer more: it cannot end before its tail, the products that wait for the end of the one before."""
    copies = (*prefix.copies, number)
    window = layers[len(copies) - 1].window
    height, width = window.out
    normal = ceil(width * height / number)
    tail = ceil(width * ceil(window.pad[0] / window.stride[0]) / number)
    before = max((wait + at for wait, at in zip(_waits(layers, copies), prefix.before, strict=True)), default=0)
    return _Prefix(copies, (*prefix.before, before), max(normal + before, prefix.end + tail))


def _waits(layers: list[Convolution], copies: tuple[int, ...]) -> list[int]:
    """By each layer before the last, its steps until the last can begin: what that needs, followed back."""
    found: list[int] = []
    product = copies[-1]
    for at in range(len(copies) - 1, 0, -1):
        window, pool = layers[at].window, layers[at].pool
        row = ceil(product / window.out[1])
        column = product - (row - 1) * window.out[1]
        last_row = (row - 1) * window.stride[0] + window.kernel[0] - window.pad[0]
        last_column = min((column - 1) * window.stride[1] + window.kernel[1] - window.pad[1], pool.out[1])
        row = pool.kernel[0] + pool.stride[0] * (last_row - 1) - pool.pad[0]
        column = min(pool.kernel[1] + pool.stride[1] * (last_column - 1) - pool.pad[1], pool.size[1])
        needed = ceil(((row - 1) * pool.size[1] + column) / copies[at - 1])
        found.append(needed - 1)
        product = needed * copies[at - 1]
    return found[::-1]


def allotted(layers: list[Convolution], sets: int) -> tuple[int, ...]:
    """Copies on so many crossbars that take the fewest steps, layer by layer over the crossbars used, as in the paper.

    Of the layers so far those copies are kept that end first. Raises ArchsimError where one copy each does not fit.
    """
    kept = {0: _Prefix()}
    for at, layer in enumerate(layers):
        left = sets - sum(after.sets for after in layers[at + 1 :])
        most = layer.window.out[0] * layer.window.out[1]
        longer: dict[int, _Prefix] = {}
        for used, prefix in kept.items():
            for number in range(1, min(most, (left - used) // layer.sets) + 1):
                found, size = _longer(layers, prefix, number), used + number * layer.sets
                if size not in longer or found.end < longer[size].end:
                    longer[size] = found
        kept = longer
    if not kept:
        raise ArchsimError(f"measure: {sum(layer.sets for layer in layers):,} crossbars hold one copy each")
    return min(kept.values(), key=lambda prefix: prefix.end).copies


def measure(machine: Machine, text: str) -> float:
    """`MODEL`, with the machine's copies, or `MODEL on N crossbars`, allotted here."""
    from archsim.graph import load_model

    model, _, size = text.partition(" on ")
    layers = convolutions(machine, load_model(model))
    if not size:
        named = machine.choices.copies
        return float(steps(layers, tuple(named.get(each.key, named.get(each.key.split("/")[0], 1)) for each in layers)))
    number = size.removesuffix(" crossbars").replace(",", "")
    if not number.isdigit():
        raise ArchsimError(f"measure: found '{text}'; expected MODEL on N crossbars")
    return float(steps(layers, allotted(layers, int(number))))
