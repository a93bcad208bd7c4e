"""Projections on tiles of their own, in order, layer by layer; what is left of a chip is shared out to its layers."""

from collections import Counter, defaultdict
from collections.abc import Mapping as Dict
from math import ceil

from archsim.errors import ArchsimError
from archsim.graph.graph import Graph
from archsim.graph.job import Job, require_operators
from archsim.graph.operators import Linear, Matmul, Operator
from archsim.machine.fits import Layout, layout
from archsim.machine.machine import Machine
from archsim.mapping.bits import remarks_on_bits, tilings_of
from archsim.mapping.cache import homes
from archsim.mapping.copies import note, with_copies
from archsim.mapping.digital import digitised, require_room, streamed
from archsim.mapping.dynamic import arrays_of, is_written
from archsim.mapping.functions import functions_of, fuse
from archsim.mapping.groups import make_groups
from archsim.mapping.mapping import Group, Keys, Mapping, Placed, Region
from archsim.mapping.mesh import grid_of
from archsim.mapping.packing import packed
from archsim.mapping.rounds import in_rounds
from archsim.mapping.sides import chips_needed, split
from archsim.mapping.states import state_notes
from archsim.mapping.tiling import Tiling
from archsim.vocabulary import OPERATORS

Where = tuple[int, dict[str, Placed], dict[str, Region]]
"""Chips, projections on tiles, and the region of each layer; a layer without one shares all units of the chip."""


def place(machine: Machine, graph: Graph, job: Job) -> Mapping:
    """Place a Graph for a job; raises ArchsimError with what would make it fit.

    In a prefill one sequence holds keys and values at a time, else all do.
    """
    require_operators(graph)
    sequences = 1 if job.phase == "prefill" else job.batch
    graph = digitised(machine, graph)
    _require_recipes(machine, graph)
    lay = layout(machine.modules[machine.core], machine.parts, machine.precision)
    cores = int(machine.count(machine.core, machine.tile))
    per_chip = int(machine.count(machine.tile))
    tilings = tilings_of(machine, graph)
    wanted = {
        layer: len(functions_of(machine, graph, layer))
        + sum(arrays_of(machine, graph, layer, lay, job.most_keys).values())
        for layer in graph.layers
    }
    spare = {layer: _spare(graph, layer, tilings, cores, wanted[layer]) for layer in graph.layers}
    fused = fuse(machine, graph, tilings)
    if machine.choices.pack:
        where: Where = (1, packed(machine, graph, lay, tilings), {})
        return _whole(machine, graph, lay, fused, where, (per_chip, job.most_keys, sequences))
    if machine.chips.split == "projections":
        chips = chips_needed(machine, graph, tilings, spare)
        _require_link(machine, graph, chips)
        placed, regions = split(machine, graph, tilings, spare, chips)
        return _whole(machine, graph, lay, fused, (chips, placed, regions), (per_chip, job.most_keys, sequences))

    def packings(tilings: Dict[str, Tiling]) -> list[tuple[dict[str, int], int]]:
        return _packings(graph, tilings, spare, per_chip, whole_layers=machine.chips.reprogram is not None)

    tilings = with_copies(machine, graph, job, tilings, lambda wanted: packings(wanted)[0][1])
    *others, last = packings(tilings)

    def finish(packing: tuple[dict[str, int], int], keys: Keys) -> Mapping:
        return _finish(machine, graph, tilings, lay, fused, packing, (per_chip, keys, sequences))

    def longest(operator: Operator) -> int:
        return max(job.most_keys(operator), graph.longest(operator))

    for packing in others:
        try:
            finish(packing, longest)  # so that weights lie the same whatever the job's length
        except ArchsimError:
            continue
        return finish(packing, job.most_keys)
    return finish(last, job.most_keys)


def _finish(
    machine: Machine,
    graph: Graph,
    tilings: Dict[str, Tiling],
    lay: Layout,
    fused: Dict[str, str],
    packing: tuple[dict[str, int], int],
    sizes: tuple[int, Keys, int],
) -> Mapping:
    """The Mapping of one packing; `sizes`: tiles per chip, keys, sequences."""
    starts, needed = packing
    per_chip = sizes[0]
    chips = _require_chips(machine, graph, tilings, needed, per_chip)
    placed, regions = _spread(graph, tilings, starts, per_chip)
    if needed <= chips:
        return _whole(machine, graph, lay, fused, (chips, placed, regions), sizes)
    placed, regions, rounds = in_rounds(machine, chips, placed, regions, per_chip)
    return _whole(machine, graph, lay, fused, (chips, placed, regions), sizes, rounds)


def _whole(
    machine: Machine,
    graph: Graph,
    lay: Layout,
    fused: Dict[str, str],
    where: Where,
    sizes: tuple[int, Keys, int],
    rounds: Dict[str, int] | None = None,
) -> Mapping:
    """The Mapping, once it is known on which chips and tiles the projections lie."""
    chips, placed, regions = where
    per_chip, keys, sequences = sizes
    groups = make_groups(machine, graph, placed, regions, fused, lay, keys)
    require_room(machine, graph, groups)
    return Mapping(
        machine=machine,
        graph=graph,
        chips=chips,
        grid=grid_of(machine),
        tiles_per_chip=per_chip,
        layout=lay,
        placed=placed,
        groups=groups,
        fused=fused,
        homes=homes(machine, graph, groups, keys, sequences, 1 + max((rounds or {}).values(), default=0)),
        notes=(
            *_notes(machine, graph, groups, lay, rounds or {}),
            *state_notes(machine, graph, groups, sequences),
            *filter(None, (note(machine, ((key, each.tiling) for key, each in placed.items())),)),
        ),
        rounds=rounds or {},
    )


def _notes(
    machine: Machine, graph: Graph, groups: Dict[str, Group], lay: Layout, rounds: Dict[str, int]
) -> tuple[str, ...]:
    found = ["biases start in the adders that gather partial sums: they cost nothing"]
    if any(operator.kind == "embedding" for operator in graph.operators):
        found.append("rows of embedding tables come with the input: their look-up is not counted")
    if streamed(graph.operators):
        memory = machine.digital_weights
        found.append(f"weights of digital projections are read in {memory} for each position; their way is not counted")
    cores: Counter[str] = Counter()
    for group in {group.name: group for group in groups.values()}.values():
        cores.update(group.function_cores)
    if cores:
        listed = ", ".join(f"{name} {number:,}" for name, number in cores.most_common())
        found.append(f"cores without weights are used for: {listed} (function_cores bounds them in each layer)")
    if any(is_written(machine, operator) for operator in graph.operators):
        bears = getattr(machine.parts[lay.array], "endurance", None)
        found.append(
            f"each sequence writes the cells that hold its keys and values once; a cell bears {bears:,} writes"
        )
    logarithms = _left_as_logarithms(machine, graph)
    if logarithms:
        found.append(f"{logarithms} is left as logarithms; that they are made numbers of (exp) is not counted")
    if rounds:
        bears = getattr(machine.parts[lay.array], "endurance", None)
        found.append(
            f"weights are written in {1 + max(rounds.values())} rounds, anew for a prompt and for each token after it; "
            f"a cell bears {bears:,} writes"
        )
    return (*found, *remarks_on_bits(machine, graph), *graph.notes)


def _left_as_logarithms(machine: Machine, graph: Graph) -> str:
    """Which softmax that no context alone reads is left so by its recipe."""
    if "result" not in machine.logarithms.get("softmax", ()):
        return ""

    def context_alone(operator: Operator) -> bool:
        readers = graph.readers.get(operator.key, ())
        return bool(readers) and all(isinstance(reader, Matmul) and not reader.scores for reader in readers)

    keys = [of.key for of in graph.operators if of.kind == "softmax" and not context_alone(of)]
    more = f" (and {len(keys) - 1} more)" if len(keys) > 1 else ""
    return f"{keys[0]}{more}" if keys else ""


def _require_recipes(machine: Machine, graph: Graph) -> None:
    missing = sorted({operator.kind for operator in graph.operators} - set(machine.recipes))
    if not missing:
        return
    found = f"{machine.file}: no recipe for {', '.join(missing)}, which {graph.name} needs"
    if machine.digital is None:
        known = ", ".join(machine.recipes)
        raise ArchsimError(
            f"{found}. There are: {known}. Try digital: UNIT, a part of class vector that does the rest."
        )
    wanted = {step.split()[0] for kind in missing for step in OPERATORS.get(kind, ())}
    lacking = wanted - set(machine.parts[machine.digital].steps)
    raise ArchsimError(
        f"{found}; digital: {machine.digital} does not do {', '.join(sorted(lacking)) or 'them'}. "
        f"Try a recipe for each, or a unit that does."
    )


def _require_chips(machine: Machine, graph: Graph, tilings: Dict[str, Tiling], needed: int, per_chip: int) -> int:
    chips = needed if machine.chips.count == "auto" else machine.chips.count
    if needed > chips and machine.chips.reprogram is None:
        weights = sum(linear.weights for linear in graph.linears)
        tiles = sum(tiling.all_tiles for tiling in tilings.values())
        has = f"{chips} chip has" if chips == 1 else f"{chips} chips have"
        message = f"{graph.name} does not fit: {weights:,} weights need {tiles:,} tiles, {has} {chips * per_chip:,}."
        raise ArchsimError(f"{message} Try chips.count: {needed}.")
    _require_link(machine, graph, min(needed, chips))
    return chips


def _require_link(machine: Machine, graph: Graph, needed: int) -> None:
    if needed > 1 and machine.chips.link is None:
        message = f"{graph.name} needs {needed} chips, but no link joins them. Try chips.link: a part of class link."
        raise ArchsimError(message)


def _linears(graph: Graph, layer: str) -> list[Linear]:
    return [operator for operator in graph.by_layer[layer] if isinstance(operator, Linear)]


def _spare(graph: Graph, layer: str, tilings: Dict[str, Tiling], cores: int, wanted: int) -> int:
    """Tiles that a layer needs beside its projections, so that `wanted` cores are free."""
    used = [tilings[linear.key] for linear in _linears(graph, layer)]
    free = sum(found.tiles * cores - ceil(found.blocks / found.layout.blocks) for found in used)
    return ceil(max(0, wanted - free) / cores)


def _packings(
    graph: Graph, tilings: Dict[str, Tiling], spare: Dict[str, int], per_chip: int, *, whole_layers: bool
) -> list[tuple[dict[str, int], int]]:
    """First tile of each layer, counted over all chips, and the chips needed; the first that works is taken.

    A layer that fits on one chip is not split over two, unless that saves a chip.
    """
    sizes = {
        layer: spare[layer] + sum(tilings[linear.key].all_tiles for linear in _linears(graph, layer))
        for layer in graph.layers
    }
    if whole_layers:
        return [_starts(sizes, per_chip, split=False)]
    whole, dense = (_starts(sizes, per_chip, split=split) for split in (False, True))
    return [dense, whole] if dense[1] < whole[1] else [whole]


def _starts(sizes: Dict[str, int], per_chip: int, *, split: bool) -> tuple[dict[str, int], int]:
    starts: dict[str, int] = {}
    free = 0
    for layer, needed in sizes.items():
        if not split and needed <= per_chip < free % per_chip + needed:
            free = ceil(free / per_chip) * per_chip
        starts[layer] = free
        free += needed
    return starts, max(1, ceil(free / per_chip))


def _spread(
    graph: Graph, tilings: Dict[str, Tiling], starts: Dict[str, int], per_chip: int
) -> tuple[dict[str, Placed], dict[str, Region]]:
    """Tiles left over on a chip go to its layers, in proportion to the tiles that they have."""
    sizes = {layer: sum(tilings[linear.key].all_tiles for linear in _linears(graph, layer)) for layer in graph.layers}
    by_chip: defaultdict[int, list[str]] = defaultdict(list)
    for layer, start in starts.items():
        if sizes[layer]:
            by_chip[start // per_chip].append(layer)
    placed: dict[str, Placed] = {}
    regions: dict[str, Region] = {}
    for chip, layers in by_chip.items():
        begin = starts[layers[0]] % per_chip
        used = sum(sizes[layer] for layer in layers)
        left = max(0, per_chip - begin - used)
        done = 0
        for layer in layers:
            first = begin + done + left * done // used
            done += sizes[layer]
            number = begin + done + left * done // used - first
            regions[layer] = Region(chip, first, min(number, per_chip - first))
            at = chip * per_chip + first
            for linear in _linears(graph, layer):
                tiling = tilings[linear.key]
                placed[linear.key] = Placed(linear, tiling, tuple(_runs(at, tiling.all_tiles, per_chip)))
                at += tiling.all_tiles
    return placed, regions


def _runs(first: int, number: int, per_chip: int) -> list[tuple[int, int, int]]:
    runs: list[tuple[int, int, int]] = []
    while number:
        chip, start = divmod(first, per_chip)
        here = min(number, per_chip - start)
        runs.append((chip, start, here))
        first, number = first + here, number - here
    return runs
