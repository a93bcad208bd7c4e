"""What would move a run's bottleneck: changes of the machine, each played, none guessed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from archsim.errors import ArchsimError
from archsim.machine.load import change
from archsim.machine.machine import Machine
from archsim.result.result import Result

_PARTS = 3
"""So many parts are tried: those that the critical path spends most time in."""
_WORTH_TRYING = 0.05
"""A part with a smaller share of the critical path is left alone."""
_HELPS = 0.1
"""An improvement that is worth naming."""
_MOST_TOGETHER = 8
"""So many parts are made faster together."""
_WIDER = ("lanes", "width")
"""Fields of parts that do more at once where they are larger."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a machine in words, and as settings for `--set`."""

    words: str
    settings: tuple[str, ...]


def what_if(
    machine: Machine,
    result: Result,
    play: Callable[[Machine], Result],
    progress: Callable[[str, int, int], None] | None = None,
) -> list[dict[str, Any]]:
    """Play changes of the parts that `result` spends most of its critical path in; the most helpful first.

    play: runs the same job on a changed machine. Each entry has `change` (words), `settings` (for `--set`),
    `latency_s`, `latency_change` and `area_change` (-0.31 is 31 % less), and `says`, all of it in a line.
    Changes that the machine does not allow are left out. progress: told what is tried, its number, of how many.
    """
    found: dict[str, dict[str, Any]] = {}
    wanted = leading(machine, result)[:_PARTS]
    for number, key in enumerate(wanted):
        if progress is not None:
            progress(f"what if, changing {key}", number, len(wanted))
        for tried in _enlarged(machine, key):
            changed = _played(machine, tried, play)
            if changed is not None:
                found[tried.words] = _entry(tried, result, changed)
        together = _together(machine, key, result, play)
        if together is not None:
            found[together[0].words] = _entry(together[0], result, together[1])
    return sorted(found.values(), key=lambda entry: (entry["latency_s"], entry["change"]))


def leading(machine: Machine, result: Result) -> list[str]:
    """Parts that the critical path spends a share worth trying in, the largest first."""
    times = result.critical_path_by_part_s
    enough = [key for key, time in times.items() if time >= _WORTH_TRYING * result.latency_s]
    return [key for key in enough if key.partition(".")[2] in machine.parts]


def _played(machine: Machine, tried: Change, play: Callable[[Machine], Result]) -> Result | None:
    try:
        return play(change(machine, tried.settings))
    except ArchsimError:
        return None


def _together(
    machine: Machine, key: str, result: Result, play: Callable[[Machine], Result]
) -> tuple[Change, Result] | None:
    """Make a part faster; as it may be no slower than those beside it, also what leads then, until it helps."""
    keys: tuple[str, ...] = (key,)
    best: tuple[Change, Result] | None = None
    while True:
        tried = _faster(machine, keys)
        changed = _played(machine, tried, play)
        if changed is None:
            return best
        if best is None or changed.latency_s < best[1].latency_s:
            best = tried, changed
        more = [other for other in leading(machine, changed) if other not in keys]
        if changed.latency_s < (1 - _HELPS) * result.latency_s or not more or len(keys) == _MOST_TOGETHER:
            return best
        keys = (*keys, more[0])


def _enlarged(machine: Machine, key: str) -> Iterator[Change]:
    """More of a part, and a wider one."""
    module, _, name = key.partition(".")
    number = machine.modules[module].members[name]
    if number.denominator > 1:
        words = f"{2 * number} instead of {number} {name} per {module}"
    else:
        words = f"{number} more {name} per {module}"
    yield Change(words, (f"modules.{module}.parts.{name}={2 * number}",))
    for wider in _WIDER:
        value = getattr(machine.parts[name], wider, None)
        if value is not None:
            unit = " b" if wider == "width" else ""
            yield Change(f"{wider} of {name} doubled", (f"parts.{name}.{wider}={2 * int(value)}{unit}",))


def _faster(machine: Machine, keys: tuple[str, ...]) -> Change:
    """Half the time for each action, at the same energy; and half the cycles of the modules that the parts stand in."""
    places = [key.partition(".") for key in keys]
    settings: dict[str, None] = {}
    for _, _, name in places:
        part = machine.parts[name]
        for action in part.actions:
            cost = part.cost(action)
            energy = format((Decimal(cost.energy) / 10**6).normalize(), "f")
            times = f"latency: {_half(cost.latency)}, interval: {_half(cost.interval)}"
            settings[f"parts.{name}.{action}={{{times}, energy: {energy} fJ}}"] = None
    cycles = {module: machine.modules[module].cycle for module, _, _ in places}
    for module, cycle in cycles.items():
        if cycle is not None:
            settings[f"modules.{module}.cycle={_half(cycle)}"] = None
    names = ", ".join(dict.fromkeys(name for _, _, name in places))
    clocked = ", ".join(module for module, cycle in cycles.items() if cycle is not None)
    words = f"{names} twice as fast" + (f", with half the cycle of the {clocked}" if clocked else "")
    return Change(words, tuple(settings))


def _half(time: Fraction) -> str:
    return f"{float(time / 2):.15g} ps"


def _entry(tried: Change, before: Result, after: Result) -> dict[str, Any]:
    latency = after.latency_s / before.latency_s - 1
    area = after.area_m2 / before.area_m2 - 1 if before.area_m2 else 0.0
    grown = f", area {_percent(area)}" if round(area, 3) else ""
    return {
        "change": tried.words,
        "settings": list(tried.settings),
        "latency_s": after.latency_s,
        "latency_change": latency,
        "area_change": area,
        "says": f"{tried.words}: latency {_percent(latency)}{grown}",
    }


def _percent(share: float) -> str:
    """-31.2 %, with a true minus sign."""
    return f"{100 * share:+.1f} %".replace("-", "\N{MINUS SIGN}")
