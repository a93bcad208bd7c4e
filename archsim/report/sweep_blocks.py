"""The blocks of a sweep: how many points, why some failed; for each workload the frontier, and which axis matters."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from archsim.explore.figures import FIGURES
from archsim.report.blocks import Block, cell, figure, quantity

_MOST_ROWS = 50
"""Of the frontier of all workloads; JSON has all."""
_MOST_WORKLOADS = 20
_LEAST_ROWS = 3
"""Of each workload that is shown."""
_MOST_REASONS = 10
_MOST_LABELS = 3
"""Values that a cell lists."""
_FACTOR = 2.0
"""From so many times on, a change is written as a factor."""

_Data = Mapping[str, Any]


def sweep_blocks(data: _Data) -> list[Block]:
    """Blocks of a sweep's summary."""
    works = data["workloads"][:_MOST_WORKLOADS]
    blocks = [_headline(data)]
    if data["failures"]:
        blocks.append(_failures(data))
    if len(data["workloads"]) > 1:
        blocks.append(_workloads(data, works))
    if any(each["done"] and not each["within_constraints"] for each in works):
        blocks.append(_excluded(works))
    if any(each["frontier"] for each in works):
        blocks.append(_frontier(data, works))
    if any(each["sensitivity"] for each in works):
        blocks.append(_sensitivity(data, works))
    return blocks


def said(works: Sequence[_Data]) -> tuple[str, ...]:
    """What tells workloads apart: the keys in which they differ."""
    keys = works[0]["workload"] if works else ()
    return tuple(key for key in keys if len({each["workload"][key] for each in works}) > 1)


def _of(work: _Data, keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(cell(work["workload"][key]) for key in keys)


def _headline(data: _Data) -> Block:
    rows = [("study", cell(data["study"])), ("points", f"{data['points']:,}{_drawn(data)}")]
    rows.append(("done", f"{data['done']:,}"))
    kinds = f": {len(data['failures']):,} reasons, numbers aside" if len(data["failures"]) > 1 else ""
    rows.append(("failed", f"{data['failed']:,}{kinds}"))
    if data["constraints"]:
        rows.append(("within constraints", f"{data['within_constraints']:,}: {cell(', '.join(data['constraints']))}"))
    rows.append(("objectives", cell(", ".join(data["objectives"]))))
    rows += _found(data)
    if data["sampling"] != "grid":
        rows.append(("shares", "shares of variance need a grid"))
    for name in data["unchanging"]:
        why = "all are the same at each of its values (a figure that a file writes down follows from no other)"
        rows.append(("unchanging", f"{cell(name)} changes no objective here: {why}"))
    return Block("", "", "<w", tuple(rows), keyed=False)


def _found(data: _Data) -> list[tuple[str, str]]:
    """How large the frontier is, and how much of it is shown."""
    works = data["workloads"]
    if len(works) > 1:
        more = f", of which the first {_MOST_WORKLOADS} are shown" if len(works) > _MOST_WORKLOADS else ""
        return [("workloads", f"{len(works):,}{more}: each has a frontier of its own")]
    rows = []
    for only in works:
        more = f", of which the first {_MOST_ROWS} different ones are shown" if _cut(only, _MOST_ROWS) else ""
        rows.append(("frontier", f"{len(only['frontier']):,}{more}"))
        if only["hypervolume"] is not None:
            of = " and ".join(only["hypervolume"]["objectives"])
            rows.append(("hypervolume", f"{_share(only)} of the box between best and worst {of}"))
    return rows


def _drawn(data: _Data) -> str:
    """Where fewer points came of a draw than were asked for, why."""
    if data["drawn"] is None or data["points"] >= data["drawn"]:
        return ""
    why = "there are no more" if data["sampling"] == "random" else "the others fall on these"
    return f" ({data['drawn']:,} asked for; {why})"


def _share(work: _Data) -> str:
    return f"{100 * work['hypervolume']['share']:.2f} %" if work["hypervolume"] is not None else "-"


def _failures(data: _Data) -> Block:
    """Reasons without their numbers, each with how many points it has and one of them."""
    rows = []
    for each in data["failures"][:_MOST_REASONS]:
        example = ", ".join(f"{key}={text}" for key, text in each["example"].items())
        rows.append((str(each["points"]), cell(example or "-"), cell(each["reason"])))
    rest = data["failures"][_MOST_REASONS:]
    if rest:
        rows.append((str(sum(each["points"] for each in rest)), "-", f"{len(rest)} other reasons; --json has all"))
    title = f"Why {data['failed']:,} points failed, by reason, each with one of its points"
    return Block("failed", title, ">ww", tuple(rows), ("points", "example", "reason"))


def _workloads(data: _Data, works: Sequence[_Data]) -> Block:
    """A row for each workload: designs are held against each other within one alone."""
    keys = said(data["workloads"])
    names = ("done", "within_constraints")
    rows = tuple(
        (*_of(each, keys), *(f"{each[name]:,}" for name in names), f"{len(each['frontier']):,}", _share(each))
        for each in works
    )
    more = f", the first {len(works)} of {len(data['workloads']):,}" if len(works) < len(data["workloads"]) else ""
    headers = (*keys, "done", "within constraints", "frontier", "hypervolume")
    title = f"Workloads, each with a frontier of its own{more}"
    return Block("workload", title, f"{'<' * len(keys)}>>>>", rows, headers)


def _excluded(works: Sequence[_Data]) -> Block:
    """Of workloads without a point that keeps the constraints: which of them excludes how many, and what is nearest."""
    keys = said(works)
    rows = []
    for work in works:
        for each in () if work["within_constraints"] else work["excluded"]:
            share = f"{each['points']:,} of {work['done']:,}"
            rows.append((*_of(work, keys), cell(each["constraint"]), share, *_pair(each["figure"], each["nearest"])))
    headers = (*keys, "constraint", "excludes", "nearest", "")
    return Block("excluded", "No point is within the constraints", f"{'<' * len(keys)}<>><", tuple(rows), headers)


def _frontier(data: _Data, works: Sequence[_Data]) -> Block:
    """A row for each point that no other of its workload beats; equal ones share one. `*` marks the knee."""
    keys, names = said(works), [text.split()[0] for text in data["objectives"]]
    most = max(_LEAST_ROWS, _MOST_ROWS // max(1, len(works)))
    rows: list[tuple[str, ...]] = []
    for work in works:
        for group in _groups(work)[:most]:
            values = [piece for name in names for piece in _pair(name, group[0]["figures"][FIGURES[name].field])]
            levels = [_labels([row["levels"][name] for row in group]) for name in data["design"]]
            bounds = _labels([row["figures"]["bottleneck"] for row in group])
            knee = "*" if any(row["knee"] for row in group) else ""
            rows.append((knee, *_of(work, keys), *levels, *values, str(len(group)), bounds))
    headers = (
        "knee",
        *keys,
        *data["design"],
        *(piece for name in names for piece in (name, "")),
        "points",
        "bottleneck",
    )
    columns = f"<{'<' * (len(keys) + len(data['design']))}{'><' * len(names)}>w"
    more = f"; the first {most} of each" if any(_cut(work, most) for work in works) else ""
    title = f"Pareto frontier{' of each workload' if keys else ''}, * is the knee, equal points in one row{more}"
    return Block("frontier", title, columns, tuple(rows), tuple(map(cell, headers)))


def _groups(work: _Data) -> list[list[_Data]]:
    """A frontier's points, those that are equal together; they stand beside each other."""
    return [list(group) for _, group in groupby(work["frontier"], lambda row: row["objectives"])]


def _cut(work: _Data, most: int) -> bool:
    return len(_groups(work)) > most


def _labels(texts: Sequence[str]) -> str:
    """Different ones among some texts, or how many."""
    found = list(dict.fromkeys(map(cell, texts)))
    return " | ".join(found) if len(found) <= _MOST_LABELS else f"{len(found)} values"


def _pair(name: str, value: float) -> tuple[str, str]:
    """A figure and its unit; a prefix only where it is a quantity."""
    of = FIGURES[name]
    return quantity(value, of.unit) if of.dimension else (figure(value), of.unit)


def _sensitivity(data: _Data, works: Sequence[_Data]) -> Block:
    """Of each axis and objective: the change that it makes alone around the knee, and its first-order share."""
    keys, names = said(works), [text.split()[0] for text in data["objectives"]]
    grid = data["sampling"] == "grid"
    rows = tuple(
        (cell(each["axis"]), *_of(work, keys), *(piece for name in names for piece in _effects(each, name, grid=grid)))
        for work in works
        for each in work["sensitivity"]
    )
    headers = ("axis", *keys, *(piece for name in names for piece in ((name, "share") if grid else (name,))))
    what = "share of the variance that it explains alone" if grid else "shares of variance need a grid"
    title = f"Sensitivity: change by each axis alone around the knee; {what}"
    columns = f"<{'<' * len(keys)}{('>>' if grid else '>') * len(names)}"
    return Block("sensitivity", title, columns, rows, headers)


def _effects(each: _Data, name: str, *, grid: bool) -> tuple[str, ...]:
    alone, share = each["effect"][name], each["share"][name]
    effect = "-" if alone is None else " to ".join(_changes(alone))
    return (effect, "-" if share is None else f"{share:.1%}") if grid else (effect,)


def _changes(alone: Sequence[float]) -> list[str]:
    """Changes as -25.0%; where one is large, both as times the knee's value: 8113x."""
    times = [1 + change for change in alone]
    if max(times) >= _FACTOR or 0 < min(times) <= 1 / _FACTOR:
        return [f"{figure(each)}x" for each in times]
    return [f"{change:+.1%}" for change in alone]
