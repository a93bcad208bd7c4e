"""What RACE-IT's published figures hang on, for docs/race_it.md: `python scripts/race_units.py`, half a minute.

The chip: how many tiles let models take as many chips as the paper says. The units: latency and energy of BERT-base
against their number in a tile and the time that each takes for a product, beside a GPU.
"""

from __future__ import annotations

from functools import cache
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from archsim import load_machine, load_model, simulate
from archsim.gpu.load import load_gpu
from archsim.gpu.model import GpuResult, run
from archsim.graph.job import Job, make_job
from archsim.graph.operators import Matmul
from archsim.mapping.placement import place

if TYPE_CHECKING:
    from collections.abc import Iterable

    from archsim import Result

PAGE = Path(__file__).resolve().parent.parent / "docs" / "race_it.md"
CHIPS = {"bert-base": 1, "llama-3.2-1b": 3, "llama-3.2-3b": 8}
"""Published."""
TILES = range(560, 681)
UNITS = (1, 2, 4, 8, 16, 1024)
TIMES_PS = (1000, 500, 250)
MACHINES = ("race_it", "race_it_v1")
SEQ = 128
SPEED_UP, ENERGY_RATIO = 453, 354
"""Published, over H100 at one input."""


def chips(model: str, tiles: int) -> int:
    """Chips that a model takes where one has `tiles` tiles."""
    machine = load_machine("race_it", [f"modules.chip.parts.tile={tiles}"])
    return place(machine, load_model(model), Job(seq=SEQ)).chips


def fitting(tiles: Iterable[int]) -> list[int]:
    """Those numbers of tiles for which all models take as many chips as published."""
    return [number for number in tiles if all(chips(model, number) == wanted for model, wanted in CHIPS.items())]


def played(machine: str, units: int, time_ps: int) -> Result:
    """BERT-base on a machine with `units` RACE units a tile, each of which does a product in `time_ps`."""
    settings = [
        f"modules.tile.parts.race={units}",
        f"parts.race.search.interval={time_ps} ps",
        f"parts.race.decode.interval={time_ps // 3} ps",
    ]
    return simulate(load_machine(machine, settings), load_model("bert-base"), seq=SEQ)


@cache
def gpu() -> GpuResult:
    """BERT-base on H100."""
    model = load_model("bert-base")
    return run(load_gpu("h100"), model, make_job(model, "prefill", SEQ, 0, 1), "fp16", fused=True)


def cell(machine: str, units: int, time_ps: int) -> str:
    """Latency and energy; behind the colon, how they compare with the GPU's."""
    found = played(machine, units, time_ps)
    faster, less = gpu().latency / found.latency_s, gpu().energy / found.energy_j
    return f"{found.latency_s * 1e6:,.0f} µs, {found.energy_j * 1e3:.2f} mJ: {faster:.2f}, {less:.1f}"


def products() -> int:
    """Of two operands, in BERT-base."""
    matmuls = [operator for operator in load_model("bert-base").operators if isinstance(operator, Matmul)]
    return SEQ * sum(operator.macs(SEQ) for operator in matmuls)


def needed(seconds: float, time_ps: int, tiles: int) -> int:
    """Units a tile that do all products in `seconds`, if all of the chip work without pause."""
    return ceil(products() * time_ps * 1e-12 / seconds / tiles)


def tiles_text() -> list[str]:
    """The interval of tiles."""
    found = fitting(TILES)
    whole = found == list(range(found[0], found[-1] + 1))
    listed = f"{found[0]} to {found[-1]} tiles" if whole else ", ".join(map(str, found))
    return [
        f"BERT-base takes 1 chip, LLaMA-3.2-1B 3 and -3B 8, as the paper says, with {listed} a chip, and no others."
    ]


def units_text() -> list[str]:
    """The tables, and what would have to hold for the published ratios."""
    seconds, joules = gpu().latency / SPEED_UP, gpu().energy / ENERGY_RATIO
    tiles = int(load_machine("race_it").count("tile"))
    numbers = ", ".join(f"{needed(seconds, time, tiles)} at {time / 1000:g} ns" for time in TIMES_PS)
    lines = [
        f"H100 takes {gpu().latency * 1e6:,.0f} µs and {gpu().energy * 1e3:.1f} mJ by archsim's model of it (fp16);",
        "behind each colon stand the speed-up and the energy ratio over it.",
    ]
    for machine in MACHINES:
        lines += [
            "",
            f"| `{machine}`, units a tile | {' | '.join(f'a product in {time / 1000:g} ns' for time in TIMES_PS)} |",
            f"|---:|{'---|' * len(TIMES_PS)}",
            *(f"| {units:,} | {' | '.join(cell(machine, units, time) for time in TIMES_PS)} |" for units in UNITS),
        ]
    return [
        *lines,
        "",
        f"{SPEED_UP} times as fast is {seconds * 1e6:.2f} µs. If all units of `race_it`'s chip worked on every layer,",
        f"and all else took no time, attention's {products():,} products would fit into it with so many units a tile:",
        f"{numbers}. {ENERGY_RATIO} times less energy is {joules * 1e3:.3f} mJ,",
        f"{joules / products() * 1e12:.2f} pJ a product if nothing else took any; a product takes 6.3 pJ here,",
        "2.1 pJ with `bare_cells`, 0.53 pJ with `table_v`.",
    ]


def renewed(page: str) -> str:
    """The page with what is between its markers made anew."""
    for name, text in (("tiles", tiles_text), ("units", units_text)):
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
        before, rest = page.split(begin)
        page = before + begin + "\n".join(text()) + "\n" + end + rest.split(end)[1]
    return page


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
