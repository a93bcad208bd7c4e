"""The blocks of a serving result: times of requests, energy, queues, where keys and values live, the load curve."""

from collections.abc import Mapping, Sequence
from typing import Any

from archsim.report.blocks import Block, cell, figure, percent, quantities, quantity

_TIMES = (
    ("time to first token", "first_token_s"),
    ("time per output token", "per_token_s"),
    ("end to end", "end_to_end_s"),
    ("wait in the queue", "queue_s"),
)


def serving_blocks(result: Mapping[str, Any]) -> list[Block]:
    """Blocks of a serving result as `ServingResult.to_dict` gives it, and of its curve where it has one."""
    blocks = [_job(result), _headline(result), _times(result), _kept(result["kv"]), _energy(result)]
    if result.get("curve"):
        blocks.append(curve_block(result["curve"]))
    return blocks


def _job(result: Mapping[str, Any]) -> Block:
    chunk = "whole prompts" if result["chunk"] is None else f"{result['chunk']} tokens"
    rows = (
        ("machine", cell(result["machine"])),
        ("model", cell(result["model"])),
        ("requests", f"{result['requests']:,}"),
        ("policy", cell(result["policy"])),
        ("chunk", chunk),
    )
    return Block("", "", "<w", rows, keyed=False)


def _headline(result: Mapping[str, Any]) -> Block:
    rows = [
        ("arrivals", figure(result["rate"]), "requests/s"),
        ("served", figure(result["requests_per_s"]), "requests/s"),
        ("new tokens", figure(result["tokens_per_s"]), "tokens/s"),
        ("duration", *quantity(result["duration_s"], "s")),
        ("utilisation", *percent(result["utilisation"])),
        ("waiting, mean", figure(result["queued"]), "requests"),
        ("waiting, most", f"{result['most_queued']:,}", "requests"),
        ("in the machine, mean", figure(result["in_machine"]), "requests"),
        ("energy", *quantity(result["energy_j"], "J")),
        ("energy per new token", *quantity(result["energy_per_token_j"], "J")),
        ("interpolation error, at most", *percent(result["interpolation_error"])),
        ("saturates at", figure(result["saturation_rate"]), "requests/s"),
    ]
    if result.get("highest_rate") is not None:
        rows.append(("highest rate that keeps it", figure(result["highest_rate"]), "requests/s"))
    return Block("", "", "w><", tuple(rows), keyed=False)


def _times(result: Mapping[str, Any]) -> Block:
    rows = tuple(
        (title, *(text for name in ("mean", "p50", "p95", "p99") for text in quantity(result[key][name], "s")))
        for title, key in _TIMES
    )
    headers = ("time", "mean", "", "p50", "", "p95", "", "p99", "")
    return Block("times", "Times of requests", "w><><><><", rows, headers)


def _kept(kept: Mapping[str, Any]) -> Block:
    where = ", ".join(f"{name} ({number} attentions)" for name, number in kept["where"].items())
    length = figure(kept["mean_sequence_tokens"])
    rows = [("keys and values live in", cell(where or "no memory that the machine's file names"))]
    if kept["tokens_that_fit"] is None:
        rows.append(("tokens that fit", "not limited by a memory"))
    else:
        rows += [
            ("one token takes", f"{figure(kept['kib_per_token'])} KiB"),
            ("tokens that fit", f"{kept['tokens_that_fit']:,}"),
            (f"sequences of {length} tokens that fit", f"{kept['sequences_that_fit']:,}"),
            ("used, mean", " ".join(percent(kept["mean_share"]))),
            ("used, peak", " ".join(percent(kept["peak_share"]))),
        ]
    return Block("kv", "Keys and values", "<w", tuple(rows))


def _energy(result: Mapping[str, Any]) -> Block:
    items = sorted(result["energy_by_part_j"].items(), key=lambda item: (-item[1], item[0]))
    cells = quantities([value for _, value in items], "J", result["energy_j"])
    rows = tuple(
        (cell(name), *pair, *percent(value / result["energy_j"]))
        for (name, value), pair in zip(items, cells, strict=True)
    )
    return Block("energy_by_part", "Energy by part", "w><><", rows)


def curve_block(points: Sequence[Mapping[str, Any]]) -> Block:
    """A row a rate."""
    rows = tuple(
        (
            figure(point["rate"]),
            *percent(point["utilisation"]),
            figure(point["requests_per_s"]),
            *quantity(point["mean_s"], "s"),
            *quantity(point["p95_s"], "s"),
            *quantity(point["first_token_mean_s"], "s"),
        )
        for point in points
    )
    headers = ("rate", "utilisation", "", "served", "mean", "", "p95", "", "first token", "")
    return Block("curve", "Latency against load", ">><>><><><", rows, headers, keyed=False)
