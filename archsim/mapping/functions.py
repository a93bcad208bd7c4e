"""Functions in cores: which activations a projection may compute as it converts, and how many cores each other gets."""

from collections.abc import Mapping as Dict
from collections.abc import Sequence

from archsim.errors import ArchsimError
from archsim.graph.graph import Graph
from archsim.graph.operators import Linear, Matmul, Operator, Rowwise
from archsim.graph.steps import step_sizes
from archsim.machine.machine import Machine
from archsim.mapping.mapping import Keys
from archsim.mapping.tiling import Tiling

IN_ARRAYS = ("mvm", "write")
"""Steps of a core that are no function."""


def functions_of(machine: Machine, graph: Graph, layer: str, without: Dict[str, str] | None = None) -> tuple[str, ...]:
    """Functions that cores have to compute for a layer, by the steps of its operators' recipes, in order."""
    found: dict[str, None] = {}
    for operator in graph.by_layer[layer]:
        if operator.key not in (without or {}) and not isinstance(operator, Linear):
            for step in machine.paid(operator.kind, operator.role):
                if step.by == machine.core and step.function not in IN_ARRAYS:
                    found[step.function] = None
    return tuple(found)


def fuse(machine: Machine, graph: Graph, tilings: Dict[str, Tiling]) -> dict[str, str]:
    """Activations that their projection computes in its conversion: allowed once nothing is left to be added.

    Raises ArchsimError where the machine demands fusion and a partial sum forbids it.
    """
    fused: dict[str, str] = {}
    if machine.fusion == "off":
        return fused
    for operator in graph.operators:
        linear = _fusible(machine, graph, operator)
        if linear is None:
            continue
        passed = in_passing(machine, operator) is not None
        reason = None if passed else why_not(machine, tilings[linear.key], linear)
        if reason is None:
            fused[operator.key] = linear.key
        elif machine.fusion == "required":
            raise ArchsimError(f"{operator.key} cannot be fused: {reason}. Try fusion: auto.")
    return fused


def in_passing(machine: Machine, operator: Operator) -> str | None:
    """The function unit on the path that results pass on their way out, where it does all of an activation."""
    steps = machine.paid(operator.kind, operator.role)
    flat = (*machine.modules[machine.core].flat, *machine.modules[machine.tile].flat)
    if len(steps) != 1 or steps[0].by not in flat or steps[0].by not in machine.parts:
        return None
    return steps[0].by if machine.parts[steps[0].by].place == "function" else None


def _fusible(machine: Machine, graph: Graph, operator: Operator) -> Linear | None:
    """The projection that an activation follows, if cores, or a unit on the path, do it and nobody else reads it."""
    steps = machine.paid(operator.kind, operator.role)
    if not isinstance(operator, Rowwise) or len(operator.inputs) != 1 or len(steps) != 1:
        return None
    if steps[0].by != machine.core and in_passing(machine, operator) is None:
        return None
    source = graph.by_key[operator.inputs[0].source]
    return source if isinstance(source, Linear) and len(graph.readers[source.key]) == 1 else None


def why_not(machine: Machine, tiling: Tiling, linear: Linear) -> str | None:
    """What forbids a function in a projection's conversion; None where it is legal. f(a) + f(b) is not f(a + b)."""
    combine = machine.modules[machine.core].combine
    if combine is not None:
        for what in ("bits", "slices", "signs"):
            if getattr(combine, what) == "digital" and (what != "signs" or machine.modules[machine.core].paired):
                return f"{what} are combined digitally, after the conversion"
    if tiling.row_blocks > 1:
        rows = f"{linear.in_features} rows lie on {tiling.row_blocks} arrays"
        return f"{rows}, whose partial sums are added after the conversion"
    return None


def allot(
    machine: Machine, graph: Graph, layers: Sequence[str], fused: Dict[str, str], free: int, keys: Keys
) -> dict[str, int]:
    """Share a region's free cores out to the functions of `layers`, so that the busiest is as idle as can be."""
    names = (name for layer in layers for name in functions_of(machine, graph, layer, fused))
    work: dict[str, int] = dict.fromkeys(names, 0)
    for operator in (operator for layer in layers for operator in graph.by_layer[layer]):
        if operator.key not in fused and isinstance(operator, (Rowwise, Matmul)):
            steps = machine.recipe(operator.kind, operator.role)
            for step, size in zip(steps, step_sizes(operator, [s.step for s in steps], keys(operator)), strict=True):
                if step.by == machine.core and step.function not in IN_ARRAYS and not step.free:
                    work[step.function] += size
    if not work:
        return {}
    if isinstance(machine.function_cores, int):
        free = min(free, machine.function_cores)
    # all cores that go to one that is busier than an even share of those beyond the first ones would make it
    total, beyond = max(1, sum(work.values())), max(0, free - len(work))
    cores = {name: max(1, -(-size * beyond // total)) for name, size in work.items()}
    for _ in range(sum(cores.values()), free):
        busiest = max(work, key=lambda name: work[name] / cores[name])
        cores[busiest] += 1
    return cores
