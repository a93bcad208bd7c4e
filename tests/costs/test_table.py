"""docs/costs.md says what models and printed figures say of the same parts."""

import re
from pathlib import Path

import pytest

from archsim.machine import Machine, load_machine
from archsim.units import JOULES_PER_ZJ

PAGE = Path(__file__).resolve().parents[2] / "docs" / "costs.md"
HEADERS = ("machine", "part", "costs", "pJ printed", "computed", "ratio", "um2 printed", "computed", "ratio")
ROWS = (
    ("isaac", "adc", "{model: survey, node: 32 nm}"),
    ("isaac", "adc", "{model: saberi}"),
    ("isaac", "dac", "{model: zigzag}"),
    ("isaac", "xbar", "{model: zigzag}"),
    ("isaac", "sa", "{model: zigzag, bits: 16 b}"),
    ("isaac", "edram", "{model: pumasim}"),
    ("isaac", "bus", "{model: pumasim}"),
    ("isaac", "router", "{model: pumasim}"),
    ("isaac", "hypertransport", "{model: c2c}"),
    ("puma", "data", "{model: pumasim}"),
    ("puma", "router", "{model: pumasim}"),
)


def figures(machine: Machine, name: str) -> tuple[float, float]:
    """Picojoules of a part's first action, and its area in um2."""
    part = machine.parts[name]
    return part.cost(part.actions[0]).energy * JOULES_PER_ZJ * 1e12, float(part.area or 0)


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def row(machine: str, part: str, costs: str) -> str:
    printed = figures(load_machine(machine), part)
    changed = load_machine(machine, [f"parts.{part}.costs={costs}"])
    computed = figures(changed, part)
    knows = changed.provenance["parts", part, "area"].status == "derived"
    energy = f"{number(printed[0])} | {number(computed[0])} | {computed[0] / printed[0]:.2f}"
    area = f"{number(computed[1])} | {computed[1] / printed[1]:.2f}" if knows else "- | -"
    return f"| {machine} | {part} | `{costs}` | {energy} | {number(printed[1])} | {area} |"


def table() -> list[str]:
    return [f"| {' | '.join(HEADERS)} |", "|---|---|---|--:|--:|--:|--:|--:|--:|", *(row(*found) for found in ROWS)]


def test_the_table_of_the_docs_is_today_s() -> None:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(r"<!-- table: begin -->\n(.*?)\n?<!-- table: end -->", text, re.DOTALL)
    assert found is not None
    assert found[1].splitlines() == table()


@pytest.mark.parametrize(("part", "costs"), [("adc", "{model: saberi}"), ("edram", "{model: isaac}")])
def test_figures_of_the_same_source_agree(part: str, costs: str) -> None:
    """ISAAC's own converter and eDRAM, in models by way of others: within 7 % (1.2 GS/s there, 1.28 GS/s here)."""
    printed, computed = (
        figures(load_machine("isaac", settings), part) for settings in ([], [f"parts.{part}.costs={costs}"])
    )
    assert computed == pytest.approx(printed, rel=0.07)
