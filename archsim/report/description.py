"""A described machine as JSON-ready data, and as blocks of a report."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from archsim.description import Description, Node
from archsim.report.blocks import Block, cell, quantity
from archsim.report.result_blocks import notes_block, sources_block

SCHEMA = "archsim.description/1"
_SHOWN = 8
"""Names of a choice; JSON has all."""
_LETTERS = {"weights": "w", "inputs": "a"}
"""As `archsim optimize --bits` takes them."""


def description_dict(description: Description) -> dict[str, Any]:
    """JSON-ready data of a description; a count is a whole number where it can be."""
    return {
        "schema": SCHEMA,
        "machine": description.machine,
        "text": description.text,
        "tree": _node_dict(description.root),
        "mapping": dict(description.mapping),
        "sources": [{"key": key, "text": text} for key, text in description.sources],
        "notes": list(description.notes),
    }


def _node_dict(node: Node) -> dict[str, Any]:
    data: dict[str, Any] = {
        "path": node.path,
        "name": node.name,
        "count": _plain_number(node.count),
        "total": _plain_number(node.total),
        "area_m2": node.area_m2,
        "peak_power_w": node.peak_power_w,
    }
    if node.speed is not None:
        data |= asdict(node.speed)
    if node.part_class is not None:
        data["class"] = node.part_class
        data["parameters"] = [asdict(parameter) for parameter in node.parameters]
    data["children"] = [_node_dict(child) for child in node.children]
    return data


def _plain_number(number: int | Fraction) -> int | float:
    return int(number) if number == int(number) else float(number)


def description_blocks(description: Description, *, terminal: bool) -> list[Block]:
    """Blocks of a description: tree, cores, parameters, notes, sources.

    On a terminal a node is its indented name, in a pipe its whole path.
    """
    nodes = tuple(_walk(description.root, 0))
    blocks = [
        _head(description),
        _tree(nodes, terminal=terminal),
        _cores(nodes),
        _parts(nodes) if terminal else _parameters(nodes),
        Block("mapping", "How models are put on it", "<w", tuple(_choices(description.mapping))),
        notes_block(description.notes),
        sources_block(description.sources),
    ]
    return [block for block in blocks if block.rows]


def _head(description: Description) -> Block:
    rows = [("machine", cell(description.machine))]
    if description.text:
        rows.append(("description", cell(description.text)))
    return Block("", "", "<w", tuple(rows), keyed=False)


def _choices(mapping: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Of names, how many there are, and the first of them."""
    for choice, value in mapping.items():
        if not isinstance(value, dict):
            yield choice, cell(f"{value:g}" if isinstance(value, float) else value)
            continue
        shown = [f"{name}: {_chosen(each)}" for name, each in list(value.items())[:_SHOWN]]
        more = f", and {len(value) - _SHOWN} more" if len(value) > _SHOWN else ""
        yield choice, cell(f"{len(value)} named ({', '.join(shown)}{more})")


def _chosen(value: float | dict[str, int]) -> str:
    if isinstance(value, dict):
        return "".join(f"{_LETTERS[kind]}{bits}" for kind, bits in value.items())
    return f"{value:g}"


def _walk(node: Node, depth: int) -> Iterator[tuple[Node, int]]:
    yield node, depth
    for child in node.children:
        yield from _walk(child, depth + 1)


def _tree(nodes: Sequence[tuple[Node, int]], *, terminal: bool) -> Block:
    headers: tuple[str, ...] = ("part", "count", "area", "", "all", "", "peak", "", "all", "")
    if not terminal:
        headers = ("path", "count", "total", "area", "", "total area", "", "peak", "", "total peak", "")
    rows = []
    for node, depth in nodes:
        name = "  " * depth + cell(node.name) if terminal else cell(node.path)
        total = () if terminal else (str(node.total),)
        rows.append((name, str(node.count), *total, *_each_and_all(node)))
    columns = "w>><><><><" if terminal else "w>>><><><><"
    return Block("tree", "Area and peak power", columns, tuple(rows), headers, keyed=False)


def _each_and_all(node: Node) -> tuple[str, ...]:
    number = float(node.total)
    return (
        *quantity(node.area_m2, "m2"),
        *quantity(node.area_m2 * number, "m2"),
        *quantity(node.peak_power_w, "W"),
        *quantity(node.peak_power_w * number, "W"),
    )


def _cores(nodes: Sequence[tuple[Node, int]]) -> Block:
    rows = tuple(
        (
            cell(node.path),
            *quantity(node.speed.mvm_latency_s, "s"),
            *quantity(node.speed.mvm_interval_s, "s"),
            *quantity(node.speed.core_latency_s, "s"),
            *quantity(node.speed.peak_ops_per_s, "op/s"),
            *quantity(node.speed.mvm_energy_j, "J"),
        )
        for node, _ in nodes
        if node.speed is not None
    )
    headers = ("core", "latency", "", "interval", "", "inside", "", "peak", "", "energy", "")
    return Block("cores", "Matrix-vector product of a core", "w><><><><><", rows, headers, keyed=False)


def _parameters(nodes: Sequence[tuple[Node, int]]) -> Block:
    """A row per parameter under its whole path; what is not known is a dash, so that columns stay in place."""
    rows = tuple(
        (f"{cell(node.path)}.{cell(p.key)}", cell(p.text), cell(p.status) or "-", cell(p.source) or "-")
        for node, _ in nodes
        for p in node.parameters
    )
    headers = ("parameter", "value", "status", "source")
    return Block("parameters", "Parameters", "ww<w", rows, headers, keyed=False)


def _parts(nodes: Sequence[tuple[Node, int]]) -> Block:
    """A part once, wherever it is used: its class and main source, then a row per status with all its figures."""
    parts = {node.name: node for node, _ in nodes if node.parameters}
    rows = tuple(row for node in parts.values() for row in _part(node))
    return Block("parameters", "Figures of the parts", "<w", rows)


def _part(node: Node) -> Iterator[tuple[str, str]]:
    known = Counter(p.source for p in node.parameters if p.source)
    main = known.most_common(1)[0][0] if known else ""
    yield cell(node.name), ", ".join(filter(None, (cell(node.part_class or ""), cell(main))))
    statuses = dict.fromkeys(p.status for p in node.parameters)
    for status in sorted(statuses, key="derived".__eq__):  # what follows from the others comes last
        figures = [
            cell(f"{p.key} {p.text}") + (f" ({cell(p.source)})" if p.source not in {"", main} else "")
            for p in node.parameters
            if p.status == status
        ]
        yield f"  {cell(status) or '-'}", ", ".join(figures)
