"""Which results move where: planned for the whole job first, so that shared links are known, then lowered on demand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from archsim.errors import ArchsimError
from archsim.graph.job import MOST_TASKS
from archsim.graph.operators import Edge, Linear, Operator
from archsim.lowering.floor import Floor, Tasks, merge
from archsim.lowering.transfer import End, Ends, Transfer, flit_bits, link_loads, lower_transfer, plan
from archsim.mapping.cache import performer

MOST_STEPS = 4_000_000
"""Of all transfers of a position, each through a channel and over links between chips: each step is a kind of task."""


@dataclass(frozen=True, slots=True)
class Where:
    """A place of data: the tiles of a projection (`name` its key), or the units at a `seat` of a group."""

    name: str
    seat: str | None


Move = tuple[str, Where, str]
"""A transfer by its source, where it goes, and which positions go.

All; those that `Operator.chosen` names; or those that another comes after (`before`)."""


@dataclass
class Moves:
    """All transfers of a job."""

    floor: Floor
    planned: dict[Move, Transfer] = field(default_factory=dict)
    by_source: dict[str, list[Move]] = field(default_factory=dict)
    done: dict[Move, Tasks] = field(default_factory=dict)
    places: dict[str, Where] = field(default_factory=dict)
    steps: int = 0
    tasks: int = 0

    def __post_init__(self) -> None:
        mapping = self.floor.mapping
        if mapping.machine.chips.link is not None or mapping.grid is not None:
            for operator in mapping.graph.operators:
                for edge in operator.inputs:
                    self._plan(edge, operator)
        self.loads = link_loads(list(self.planned.values()))

    def where(self, operator: Operator) -> Where:
        """Where an operator takes its inputs in, and leaves its result."""
        if operator.key not in self.places:
            self.places[operator.key] = self._where(operator)
        return self.places[operator.key]

    def _where(self, operator: Operator) -> Where:
        mapping = self.floor.mapping
        if isinstance(operator, Linear):
            return Where(operator.key, None)
        if operator.key in mapping.fused:
            return Where(mapping.fused[operator.key], None)
        return Where(mapping.group(operator.layer).name, performer(mapping.machine, operator))

    def move(self, edge: Edge, operator: Operator) -> Move | None:
        """The transfer by which a source's result comes to an operator; None where it is there already."""
        move = self._named(edge, operator)
        return move if move in self.planned else None

    def _named(self, edge: Edge, operator: Operator) -> Move:
        which = {"same": operator.chosen, "before": "before"}.get(edge.scope, "")
        return edge.source, self.where(operator), which

    def leaving(self, source: str) -> list[Move]:
        """All transfers of a source's result."""
        return self.by_source.get(source, [])

    def arrive(self, edge: Edge, operator: Operator, tasks: Tasks, ends: Callable[[Move], Ends]) -> Tasks:
        """The tasks after which positions of a source, made by `tasks`, are where `operator` needs them."""
        source, move = edge.source, self.move(edge, operator)
        if move is None:
            return tasks
        if move not in self.done:
            here = move[1]
            name = f"{source} > {here.name if here.seat is None else f'{here.name} {here.seat}'}"
            self.done[move] = lower_transfer(
                self.floor, name, operator.key, self.planned[move], self.loads, tasks, ends(move)
            )
        return self.done[move]

    def memory_counts(self, move: Move) -> Mapping[str, int]:
        """What a transfer reads and writes; its time is hidden behind the links, which are narrower."""
        transfer = self.planned[move]
        counts: dict[str, int] = {}
        source = self.where(self.floor.mapping.graph.by_key[move[0]])
        for where, action, bits in ((source, "read", transfer.sent), (move[1], "write", transfer.taken)):
            name = where.seat or self.floor.mapping.machine.tile
            memory = self.floor.mapping.machine.memory_at(name)
            if memory is not None:
                part = self.floor.mapping.machine.parts[memory]
                merge(counts, {f"{name}.{memory}.{action}": part.words(bits) if hasattr(part, "words") else 1})
        return counts

    def _plan(self, edge: Edge, operator: Operator) -> None:
        source = self.floor.mapping.graph.by_key[edge.source]
        at, here = self.where(source), self.where(operator)
        move = self._named(edge, operator)
        if at == here or operator.key in self.floor.mapping.fused or move in self.planned:
            return
        if self.floor.mapping.round_of(source.layer) != self.floor.mapping.round_of(operator.layer):
            return  # it goes through the memory that weights come from
        machine = self.floor.mapping.machine
        sent = source.values_out(self.floor.job.most_keys(source)) * int(machine.precision.outputs)
        sink = self._end(here, sent, one=edge.scope == "same")
        copies = here.seat is None
        if copies:
            placed = self.floor.mapping.placed[here.name]
            values = source.values_out(self.floor.job.most_keys(source))
            per_unit = placed.taken(values) * placed.input_bits(machine)
        else:
            per_unit = -(-sent // sum(len(units) for units in sink.units.values()))
        self.by_source.setdefault(source.key, []).append(move)
        transfer = plan(self.floor.mapping, self._end(at, sent, one=True), sink, sent, per_unit, copies=copies)
        self.planned[move] = transfer
        self._require_few(transfer, edge, source, operator)

    def _require_few(self, transfer: Transfer, edge: Edge, source: Operator, operator: Operator) -> None:
        """Raise ArchsimError once transfers planned so far are too much work: parts of a layer may be many chips apart.

        Those to and from operators without positions, as of experts that no token goes to, are never made.
        """
        there, wanted = (len(self.floor.job.places(one)) for one in (source, operator))
        moved = min(there, wanted) if edge.scope == "same" or not wanted else there
        if not moved:
            return
        steps = sum(len(leg.chips) for leg in transfer.legs)
        self.steps += steps
        self.tasks += steps * moved
        for number, what, most in (
            (self.steps, "steps of transfers for a position", MOST_STEPS),
            (self.tasks, "tasks of transfers", MOST_TASKS),
        ):
            if number > most:
                mapping = self.floor.mapping
                found = f"{mapping.graph.name} on {mapping.machine.name}: more than {most:,} {what}"
                advice = "Try a shorter --seq, or a machine of fewer, larger chips."
                raise ArchsimError(f"{found}; expected fewer. {advice}")

    def _end(self, where: Where, bits: int, *, one: bool) -> End:
        """The units at a place; of a group no more than the moved bits have words, so that none moves less than one.

        one: of a projection's copies the first stands for the one that a position goes to.
        """
        mapping = self.floor.mapping
        if where.seat is None:
            placed = mapping.placed[where.name]
            units: dict[int, tuple[int, ...]] = {}
            for chip, first, n in placed.first_copy if one else placed.runs:
                units[chip] = (*units.get(chip, ()), *range(first, first + n))
            return End(units, mapping.tiles_per_chip)
        group = mapping.named[where.name]
        words = max(1, bits // flit_bits(mapping.machine)) if mapping.grid is not None else 1
        return End({group.chip: group.units[where.seat][:words]}, int(mapping.machine.count(where.seat)))
