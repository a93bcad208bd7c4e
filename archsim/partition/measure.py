"""A choice measured: the model's values with all chosen projections in arrays together, and the machine's run."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from archsim.mapping.digital import NoRoomError
from archsim.partition.placing import placed, run
from archsim.partition.sides import sides
from archsim.profile.change import change, perplexity
from archsim.profile.replay import lengths
from archsim.values.machine_arithmetic import MachineArithmetic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archsim.graph.graph import Graph
    from archsim.graph.job import Job
    from archsim.machine.machine import Machine
    from archsim.profile.replay import Losses, Replay
    from archsim.result.result import Result

Digital = tuple[tuple[str, float], ...]


@dataclass
class Measure:
    """Remembers what was measured. seeds: of programming; functions and attention are computed in float."""

    machine: Machine
    graph: Graph
    job: Job
    replay: Replay
    seeds: Sequence[int]
    values: dict[Digital, list[Losses]] = field(default_factory=dict)
    runs: dict[Digital, Result] = field(default_factory=dict)

    @cached_property
    def sides(self) -> dict[str, dict[str, Any]]:
        """What arrays and digital units can do."""
        return sides(self.machine)

    def losses(self, digital: Mapping[str, float]) -> list[Losses]:
        """Of each seed, of all predicted tokens."""
        key = _key(digital)
        if key not in self.values:
            machine = placed(self.machine, digital)
            self.values[key] = [self._losses(machine, seed) for seed in self.seeds]
        return self.values[key]

    def _losses(self, machine: Machine, seed: int) -> Losses:
        arithmetic = MachineArithmetic(machine, seed)
        return self.replay.run({key: arithmetic.linear(key, *held) for key, held in self.replay.matrices.items()})

    def perplexity(self, digital: Mapping[str, float]) -> float:
        """Mean over seeds."""
        return sum(perplexity(each) for each in self.losses(digital)) / len(self.seeds)

    def fits(self, digital: Mapping[str, float]) -> bool:
        """Whether the memories of all chips have room for the weights of their digital units, as the simulator says."""
        try:
            self.figures(digital)
        except NoRoomError:
            return False
        return True

    @cached_property
    def room(self) -> int:
        """Bits of digital weights that all chips hold, as many as it takes with all in arrays."""
        return int(self.sides["digital"]["room_bits"]) * self.figures({}).chips

    def figures(self, digital: Mapping[str, float]) -> Result:
        """The simulator's."""
        key = _key(digital)
        if key not in self.runs:
            self.runs[key] = run(placed(self.machine, digital), self.graph, self.job)
        return self.runs[key]

    def change(self, digital: Mapping[str, float]) -> dict[str, Any]:
        """Of perplexity and log-likelihood against float, with error bars."""
        return change(self.replay.losses, self.losses(digital), lengths(self.replay.batches))


def _key(digital: Mapping[str, float]) -> Digital:
    return tuple(sorted(digital.items()))
