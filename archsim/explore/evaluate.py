"""One point, evaluated: its figures as a canonical text, or why there are none."""

from __future__ import annotations

import gc
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archsim.description import peak
from archsim.errors import ArchsimError
from archsim.explore.figures import KEPT
from archsim.explore.jobs import in_study
from archsim.explore.points import canonical
from archsim.machine.load import build
from archsim.machine.overlay import apply
from archsim.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from archsim.explore.load import Bases
    from archsim.explore.points import Point
    from archsim.machine.machine import Machine

_TERA = 1e-12
_MACHINES = 4
"""Machines that are kept at hand: neighbouring points share one."""
_LONGEST = 500
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a point: `done` with its figures, or `failed` with the reason.

    again: it failed for a cause outside the point, so that another run may try it again. seconds: of the host.
    """

    key: str
    state: str
    text: str
    seconds: float = 0.0
    again: bool = False


class Evaluator:
    """Evaluates points, remembering the machines made last."""

    def __init__(self, bases: Bases) -> None:
        self.bases = bases
        self.machines: OrderedDict[tuple[str, tuple[tuple[str, str], ...]], Machine] = OrderedDict()
        self.settled = False

    def __call__(self, point: Point) -> Answer:
        """Run a point. Nothing escapes but what ends the process."""
        began = time.perf_counter()
        try:
            graph = self.bases.graphs[point.graph]
            machine = self._machine(point)
            result = simulate(machine, graph, **dict(point.job))
            _, per_w, per_mm2 = peak(machine)
            peaks = {"peak_tops_per_w": per_w * _TERA, "peak_tops_per_mm2": per_mm2 * _TERA}
            figures = {name: peaks[name] if name in peaks else getattr(result, name) for name in KEPT}
            text = canonical(figures | {"machine_digest": result.provenance["machine_hash"]})
            state = "done"
        except ArchsimError as error:
            state, text = "failed", in_study(reason([str(fault) for fault in error.faults]))
        except Exception as error:  # noqa: BLE001 - one point's bug must not end the sweep; its reason says it
            state, text = "failed", reason([f"archsim has a bug: {type(error).__name__}: {error}; please report"])
        if not self.settled:  # what the first point has loaded stays: the collector need not look at it again
            gc.collect()
            gc.freeze()
            self.settled = True
        return Answer(point.key, state, text, time.perf_counter() - began)

    def _machine(self, point: Point) -> Machine:
        wanted = point.document, point.settings
        found = self.machines.get(wanted)
        if found is None:
            settings = [f"{key}={text}" for key, text in point.settings]
            found = self.machines[wanted] = build(apply(self.bases.documents[point.document], settings))
            if len(self.machines) > _MACHINES:
                self.machines.popitem(last=False)
        return found


def reason(lines: Sequence[str]) -> str:
    """Why a point failed, in a line."""
    more = f" … and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return (" ".join("; ".join(lines[:_SHOWN]).split()) + more)[:_LONGEST]
