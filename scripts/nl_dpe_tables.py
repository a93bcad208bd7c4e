"""Writes docs/nl_dpe.md: what NL-DPE's latency and energy hang on. `python scripts/nl_dpe_tables.py`, a few minutes."""

from __future__ import annotations

from pathlib import Path

from archsim import load_machine, load_model, simulate

PAGE = Path(__file__).resolve().parent.parent / "docs" / "nl_dpe.md"
CORES = (3, 4, 6, 8, 12, 16, 24, 32, 64, 128, 256)
ALTERNATIVES = {
    "as in Table II": (),
    "ACAM of Table VI": ("parts.acam.alternative=table_vi",),
    "DAC at ISAAC's energy": ("parts.dac.alternative=isaac_rate",),
    "crossbar by its cells": ("parts.xbar.alternative=cells",),
    "all three": (
        "parts.acam.alternative=table_vi",
        "parts.dac.alternative=isaac_rate",
        "parts.xbar.alternative=cells",
    ),
}


def functions() -> list[str]:
    """Latency against the cores that serve functions."""
    rows = ["| cores for functions, a layer | of them for exp | latency | energy |", "|---:|---:|---:|---:|"]
    model = load_model("bert-base")
    for number in CORES:
        machine = load_machine("nl_dpe", [f"function_cores={number}"])
        result = simulate(machine, model, seq=128)
        exp = _exp_cores(result.notes)
        rows.append(f"| {number} | {exp} | {result.latency_s * 1e6:,.0f} µs | {result.energy_j * 1e3:.3f} mJ |")
    return rows


def _exp_cores(notes: list[str]) -> str:
    """Cores for exp in all twelve layers, a layer."""
    listed = next(note for note in notes if note.startswith("cores without weights")).split(": ")[1]
    total = next(word.split()[1] for word in listed.split(", ") if word.startswith("exp "))
    return f"{int(total.replace(',', '')) / 12:.0f}"


def links() -> list[str]:
    """Share of the chip-to-chip links in energy, by alternative."""
    models = [load_model("llama-3.2-1b"), load_model("llama-3.2-3b")]
    rows = ["| figures | 1B: chips | links' share | without static | 3B: chips | links' share | without static |"]
    rows.append("|---|---:|---:|---:|---:|---:|---:|")
    for name, settings in ALTERNATIVES.items():
        cells = []
        for model in models:
            result = simulate(load_machine("nl_dpe", settings), model, seq=128)
            parts = result.energy_by_part_j
            spent = parts["board.c2c"]
            cells += [
                str(result.chips),
                f"{spent / result.energy_j:.1%}",
                f"{spent / (result.energy_j - parts['static']):.1%}",
            ]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            "# What NL-DPE's figures hang on",
            "",
            "Made by `scripts/nl_dpe_tables.py`.",
            "",
            "## Cores that serve functions",
            "",
            "BERT-base, 128 positions: 301,989,888 products of scores and context, an exponential for each.",
            "",
            *functions(),
            "",
            "Beyond some tens of cores a layer the network and the barriers of attention decide.",
            "",
            "## Links between chips",
            "",
            "The paper prints a share of 18 % of energy for LLaMA-3.2-1B on 3 chips, 35 % for -3B on 8. Here is a",
            "prefill of 128 positions of both, under each of the paper's contradicting figures.",
            "",
            *links(),
            "",
            "Table II's figures come nearest, leakage and refresh left out.",
            "The paper does not print lengths, batch, leakage or its network, on all of which the share hangs.",
            "",
        ]
    )


if __name__ == "__main__":
    PAGE.write_text(page())
