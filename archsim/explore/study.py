"""Study: what is varied, how it is sampled, what is wanted of it; read from a YAML file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Final, TypeVar

from archsim.errors import did_you_mean, quoted
from archsim.explore.axes import WORKLOAD, Axis, axis
from archsim.explore.figures import Constraint, Objective, WantError, constraint, objective
from archsim.explore.sampling import KINDS, Choice, Sampling, choices, size
from archsim.machine.wording import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from archsim.explore.reader import Reader

SCHEMA: Final = "archsim.study/1"
_KEYS: Final = ("schema", "name", "machine", "model", "axes", "sampling", "constraints", "objectives")
MOST_POINTS: Final = 1_000_000
"""Of a sweep."""
_MOST_COMBINATIONS: Final = 1 << 62  # so that they can be numbered
_MOST_SEED: Final = (1 << 32) - 1
_USUAL: Final = ("latency", "energy", "area")

T = TypeVar("T", Objective, Constraint)


@dataclass(frozen=True)
class Study:
    """A study as its file says it. `axes` begin with the machine, end with the job, and may have a single level."""

    file: str
    name: str
    axes: tuple[Axis, ...]
    sampling: Sampling
    constraints: tuple[Constraint, ...]
    objectives: tuple[Objective, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Levels of each axis."""
        return tuple(len(each.levels) for each in self.axes)

    @property
    def varied(self) -> tuple[Axis, ...]:
        """The axes that have more than one level."""
        return tuple(each for each in self.axes if len(each.levels) > 1)

    @property
    def design(self) -> tuple[Axis, ...]:
        """Those that are not of the workload alone."""
        return tuple(each for each in self.varied if not set(each.keys) <= set(WORKLOAD))

    def __len__(self) -> int:
        """Points that there are at most; a Latin hypercube can have fewer."""
        return size(self.sampling, self.sizes)

    def choices(self) -> Iterator[Choice]:
        """The level of each axis, point by point."""
        return choices(self.sampling, self.sizes)

    def values(self, choice: Choice) -> dict[str, str]:
        """What a point sets: the text of each key."""
        return {key: text for each, at in zip(self.axes, choice, strict=True) for key, text in each.levels[at].values}

    def labels(self, choice: Choice) -> dict[str, str]:
        """The level of each axis in a word."""
        return {each.name: each.levels[at].label for each, at in zip(self.axes, choice, strict=True)}


def study_of(reader: Reader, *, whole: bool) -> Study | None:
    """Make a Study of a document; what is wrong joins the reader's faults, and what cannot be read is left out.

    None comes back where no axis could be read. whole: all points are to be run, so that there must not be too many.
    """
    other = _other(reader.document.data)
    if other is not None:
        reader.fault(("schema",), f"this is a {other}; a study is expected, of schema {SCHEMA}")
        return None
    data = reader.keys((), reader.document.data, _KEYS, ("schema", "machine", "model"))
    if data.get("schema", SCHEMA) != SCHEMA:
        reader.fault(("schema",), f"found {shown(data['schema'])}; expected {SCHEMA}")
    axes = list(_axes(reader, data))
    _check_keys(reader, axes)
    constraints = _wants(reader, "constraints", data.get("constraints", []), constraint)
    _check_together(reader, constraints)
    study = Study(
        file=reader.document.file,
        name=str(data.get("name", "")),
        axes=tuple(sorted(axes, key=lambda each: each.rank)),
        sampling=_sampling(reader, data.get("sampling", "grid")),
        constraints=constraints,
        objectives=_wants(reader, "objectives", data.get("objectives", list(_USUAL)), objective),
    )
    points = len(study) if whole else 0
    combinations = prod(study.sizes)
    if points > MOST_POINTS or combinations > _MOST_COMBINATIONS:
        found = f"found {combinations:,} points; expected at most {MOST_POINTS:,}"
        advice = "Try fewer values, or sampling: {random: {number: 1000, seed: 1}}"
        reader.fault(("axes",), f"{found}. {advice}", key=True)
    return study if axes else None


def _other(data: Any) -> str | None:  # noqa: ANN401
    """What a document is that says it is no study."""
    schema = data.get("schema") if isinstance(data, dict) else None
    found = re.fullmatch(r"archsim\.(machine|model|network)/.*", schema) if isinstance(schema, str) else None
    return found[1] if found else None


def _check_together(reader: Reader, constraints: Sequence[Constraint]) -> None:
    """No two constraints leave nothing between them."""
    for low in (each for each in constraints if each.sign < 0):
        for high in (each for each in constraints if each.sign > 0 and each.name == low.name):
            if low.limit > high.limit or (low.limit == high.limit and not (low.inclusive and high.inclusive)):
                found = f"found {quoted(low.text)} and {quoted(high.text)}; no {low.name} can keep both"
                reader.fault(("constraints",), f"{found}. Leave one out, or turn one round", key=True)


def _axes(reader: Reader, data: Any) -> Iterator[Axis]:  # noqa: ANN401
    """Machine and model, then those under `axes`."""
    for name in ("machine", "model"):
        if name in data:
            found = axis(reader, name, data[name], (name,))
            if found is not None:
                yield found
    given = data.get("axes", {})
    if not isinstance(given, dict):
        reader.fault(("axes",), f"found {shown(given)}; expected keys, each with its values")
        return
    for name, node in given.items():
        found = axis(reader, name, node, ("axes", name))
        if found is not None:
            yield found


def _check_keys(reader: Reader, axes: list[Axis]) -> None:
    """No two axes set the same key."""
    owner: dict[str, str] = {}
    for each in axes:
        for key in each.keys:
            if key in owner:
                reader.fault(("axes", each.name), f"{quoted(key)} is set by {quoted(owner[key])} too", key=True)
            owner[key] = each.name


def _sampling(reader: Reader, node: Any) -> Sampling:  # noqa: ANN401
    loc = ("sampling",)
    if isinstance(node, str):
        if node != "grid":
            how = (
                f" It needs {{{node}: {{number: 100, seed: 1}}}}." if node in KINDS else f" {did_you_mean(node, KINDS)}"
            )
            reader.fault(loc, f"found {quoted(node)}; expected 'grid', or another with its number.{how}")
        return Sampling()
    known = reader.keys(loc, node, KINDS[1:])
    if len(known) != 1:
        reader.fault(loc, "expected one of 'random' and 'latin_hypercube', or the word 'grid'")
        return Sampling()
    ((kind, inner),) = known.items()
    given = reader.keys((*loc, kind), inner, ("number", "seed"), ("number", "seed"))
    number = reader.whole((*loc, kind, "number"), given["number"], 1, MOST_POINTS) if "number" in given else None
    seed = reader.whole((*loc, kind, "seed"), given["seed"], 0, _MOST_SEED) if "seed" in given else None
    return Sampling(kind, number or 1, seed or 0)


def _wants(reader: Reader, name: str, node: Any, read: Callable[[str], T]) -> tuple[T, ...]:  # noqa: ANN401
    """Objectives or constraints, each a text."""
    items = node if isinstance(node, list) else [node]
    found: list[T] = []
    for number, item in enumerate(items):
        loc = (name, number) if isinstance(node, list) else (name,)
        if not isinstance(item, str):
            reader.fault(loc, f"found {shown(item)}; expected text such as 'latency', or 'area < 400 mm2'")
            continue
        try:
            found.append(read(item))
        except WantError as error:
            reader.fault(loc, str(error))
    for again in [each for at, each in enumerate(found) if each.name in {before.name for before in found[:at]}]:
        if isinstance(again, Objective):
            reader.fault((name,), f"found {quoted(again.name)} twice; expected each once")
    if name == "objectives" and not items:
        reader.fault((name,), "is empty; expected a figure such as 'latency'")
    return tuple(found)
