"""A result as text and as HTML: the headline figures, why it takes so long, where the energy went."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from archsim.units import format_si

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN = 6


def headline(result: Mapping[str, Any]) -> dict[str, str]:
    """The figures that one looks at first, with units."""
    job = f"{result['phase']}, {result['seq']} tokens" + (f" + {result['new_tokens']}" if result["new_tokens"] else "")
    return {
        "job": f"{result['model']} on {result['machine']}, {job}, batch {result['batch']}, chips {result['chips']}",
        "latency": format_si(result["latency_s"], "s"),
        "throughput": f"{result['tokens_per_s']:.4g} tokens/s",
        "energy": format_si(result["energy_j"], "J"),
        "average power": format_si(result["average_power_w"], "W"),
        "area": format_si(result["area_m2"], "m2"),
        "efficiency": f"{result['tops_per_w']:.4g} TOPS/W, {result['tops_per_mm2']:.4g} TOPS/mm²",
        "bottleneck": result["bottleneck"],
    }


def as_text(result: Mapping[str, Any]) -> str:
    """A few lines."""
    rows = headline(result)
    rows["energy by part"] = _listed(result["energy_by_part_j"], "J")
    width = max(map(len, rows))
    return "\n".join(f"{name:{width}}  {text}" for name, text in rows.items())


def as_html(result: Mapping[str, Any]) -> str:
    """A table of the figures, and one of the largest consumers of energy and time."""
    figures = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th><td style='text-align:left'>{escape(text)}</td></tr>"
        for name, text in headline(result).items()
    )
    shares = _html_shares("energy by part", result["energy_by_part_j"], "J")
    path = _html_shares("critical path by part", result["critical_path_by_part_s"], "s")
    return f"<table>{figures}</table>{shares}{path}"


def _largest(parts: Mapping[str, float]) -> list[tuple[str, float]]:
    ordered = sorted(parts.items(), key=lambda item: (-item[1], item[0]))
    kept = ordered[:_SHOWN]
    rest = sum(value for _, value in ordered[_SHOWN:])
    return [*kept, *([("other", rest)] if rest else [])]


def _listed(parts: Mapping[str, float], unit: str) -> str:
    whole = sum(parts.values()) or 1.0
    return ", ".join(f"{name} {format_si(value, unit, 3)} ({value / whole:.0%})" for name, value in _largest(parts))


def _html_shares(title: str, parts: Mapping[str, float], unit: str) -> str:
    whole = sum(parts.values()) or 1.0
    rows = "".join(
        f"<tr><td style='text-align:left'>{escape(name)}</td><td>{escape(format_si(value, unit))}</td>"
        f"<td>{value / whole:.1%}</td></tr>"
        for name, value in _largest(parts)
    )
    return f"<table><tr><th colspan='3' style='text-align:left'>{escape(title)}</th></tr>{rows}</table>"
