"""The blocks of a result: headline figures, where the energy went, utilisation, notes, sources."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from archsim.report.blocks import Block, cell, figure, percent, quantities, quantity

T = TypeVar("T")
STATIC = "static"

# Rows of a long list that a terminal shows; a pipe gets them all.
SHOWN = 15


def result_blocks(result: Mapping[str, Any], *, terminal: bool) -> list[Block]:
    """Blocks of a result as `Result.to_dict` or `load` gives it; on a terminal long lists are cut."""
    limit = SHOWN if terminal else None
    total = float(result["energy_j"])
    blocks = [
        _job(result),
        _headline(result),
        _bottleneck(result),
        _what_if(result["what_if"]),
        _times("critical_by_part", "Critical path by part", result["critical_path_by_part_s"], limit),
        _times("critical_by_operator", "Critical path by operator", result["critical_path_by_operator_s"], limit),
        _waiting(result["waiting_by_operator_s"], limit),
        _energy("by_part", "Energy by part", result["energy_by_part_j"], total, limit=limit),
        _energy("by_operator", "Energy by operator", result["energy_by_operator_j"], total, limit=limit),
        _energy("by_layer", "Energy by layer", result["energy_by_layer_j"], total, limit=limit, by_size=False),
        _utilisation(result["utilisation"], limit),
        notes_block(result["notes"]),
        sources_block([(source["key"], source["text"]) for source in result["sources"]]),
    ]
    return [block for block in blocks if block.rows]


def notes_block(notes: Sequence[str]) -> Block:
    """A row per note, numbered from 1."""
    rows = tuple((str(number), cell(note)) for number, note in enumerate(notes, start=1))
    return Block("notes", "Notes", "<w", rows)


def sources_block(sources: Sequence[tuple[str, str]]) -> Block:
    """A row per source: its key and the reference in words."""
    rows = tuple((cell(key), cell(text)) for key, text in sources)
    return Block("sources", "Sources", "ww", rows)


def _job(result: Mapping[str, Any]) -> Block:
    whole = result.get("throughput_unit") == "inputs/s"
    rows = (
        ("machine", cell(result["machine"])),
        ("model", cell(result["model"])),
        ("phase", cell(result["phase"])),
        *(() if whole else (("seq", f"{result['seq']} tokens"), ("new tokens", f"{result['new_tokens']} tokens"))),
        ("batch", str(result["batch"])),
        ("chips", str(result["chips"])),
    )
    return Block("", "", "<w", rows, keyed=False)


def _headline(result: Mapping[str, Any]) -> Block:
    rows = (
        ("latency", *quantity(result["latency_s"], "s")),
        ("throughput", figure(result["tokens_per_s"]), result.get("throughput_unit", "tokens/s")),
        ("energy", *quantity(result["energy_j"], "J")),
        ("average power", *quantity(result["average_power_w"], "W")),
        ("area", *quantity(result["area_m2"], "m2")),
        ("operations", *quantity(result["ops"], "op")),
        ("performance", figure(result["tops"]), "TOPS"),
        ("energy efficiency", _or_dash(result["tops_per_w"]), "TOPS/W"),
        ("area efficiency", _or_dash(result["tops_per_mm2"]), "TOPS/mm²"),
        *_placement(result),
        ("tasks", str(result["tasks"]), ""),
    )
    return Block("", "", "w><", rows, keyed=False)


def _placement(result: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """Who computes the projections, where digital units do some of them."""
    bits = result.get("digital_weight_bits", 0)
    if not bits:
        return ()
    return (
        ("analog MAC share", *percent(result["analog_mac_share"])),
        ("digital weight size", *quantity(bits, "b")),
    )


def _bottleneck(result: Mapping[str, Any]) -> Block:
    return Block("", "", "<w", (("bottleneck", cell(result["bottleneck"])),), keyed=False)


def _what_if(entries: Sequence[Mapping[str, Any]]) -> Block:
    """A row for each change that was played, with the settings that make it."""
    rows = tuple(
        (str(number), cell(entry["says"]), " ".join(f"--set '{cell(setting)}'" for setting in entry["settings"]))
        for number, entry in enumerate(entries, start=1)
    )
    return Block("what_if", "What if", "<ww", rows)


def _times(key: str, title: str, times: Mapping[str, float], limit: int | None) -> Block:
    """Rows of a breakdown of the latency, largest first, then the total."""
    total = math.fsum(times.values())
    shown, rest = _cut(sorted(times.items(), key=lambda item: (-item[1], item[0])), limit)
    if rest:
        shown.append((f"… {len(rest)} more (see --json)", math.fsum(time for _, time in rest)))
    shown.append(("total", total))
    cells = quantities([time for _, time in shown], "s", total)
    rows = ((cell(name), *pair, *_share(time, total)) for (name, time), pair in zip(shown, cells, strict=True))
    return Block(key, title, "w><><", tuple(rows))


def _waiting(waits: Mapping[str, Mapping[str, float]], limit: int | None) -> Block:
    """Rows by operator: time waited for data, for a server, for space, summed over tasks."""
    ordered = sorted(waits.items(), key=lambda item: (-math.fsum(item[1].values()), item[0]))
    shown, rest = _cut(ordered, limit)
    whole = max((time for _, causes in shown for time in causes.values()), default=0.0)
    rows = []
    for name, causes in shown:
        pairs = quantities([causes["data"], causes["server"], causes["space"]], "s", whole)
        rows.append((cell(name), *(text for pair in pairs for text in pair)))
    if rest:
        rows.append((f"… {len(rest)} more (see --json)", *[""] * 6))
    headers = ("operator", "data", "", "server", "", "space", "")
    return Block("waiting", "Waiting of all tasks, by operator", "w><><><", tuple(rows), headers)


def _energy(
    key: str,
    title: str,
    energies: Mapping[str, float],
    total: float,
    *,
    limit: int | None,
    by_size: bool = True,
) -> Block:
    """Rows of a breakdown, then what no operator causes, then the total."""
    items = [(name, energy) for name, energy in energies.items() if name != STATIC]
    if by_size:
        items.sort(key=lambda item: (-item[1], item[0]))
    shown, rest = _cut(items, limit)
    if rest:
        shown.append((f"… {len(rest)} more (see --json)", math.fsum(energy for _, energy in rest)))
    if STATIC in energies:
        shown.append((STATIC, energies[STATIC]))
    shown.append(("total", total))
    cells = quantities([energy for _, energy in shown], "J", total)
    rows = ((cell(name), *pair, *_share(energy, total)) for (name, energy), pair in zip(shown, cells, strict=True))
    return Block(f"energy_{key}", title, "w><><", tuple(rows))


def _share(value: float, total: float) -> tuple[str, str]:
    return percent(value / total) if total else ("-", "%")


def _utilisation(utilisation: Mapping[str, float], limit: int | None) -> Block:
    items = sorted(utilisation.items(), key=lambda item: (-item[1], item[0]))
    shown, rest = _cut(items, limit)
    rows = [(cell(name), *percent(share)) for name, share in shown]
    if rest:
        rows.append((f"… {len(rest)} more (see --json)", "", ""))
    return Block("utilisation", "Utilisation", "w><", tuple(rows))


def _cut(items: Iterable[tuple[str, T]], limit: int | None) -> tuple[list[tuple[str, T]], list[tuple[str, T]]]:
    """What is shown and what is not; a single row is never hidden behind a row that counts it."""
    kept = list(items)
    if limit is None or len(kept) <= limit + 1:
        return kept, []
    return kept[:limit], kept[limit:]


def _or_dash(value: float) -> str:
    """Where a machine's file gives no energy or no area, nothing can be said of its efficiency."""
    return figure(value) if value else "-"
