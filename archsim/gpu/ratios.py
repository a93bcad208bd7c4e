"""Ratios of a comparison: each machine over each of several others, as built and at equal area, beside printed ones."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from archsim.errors import ArchsimError
from archsim.gpu.compare import Row
from archsim.gpu.published import printed


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """A row of a comparison over another; above 1 it is faster, or takes less energy, than what it is relative to.

    at_equal_area: of throughput per area. More chips do not make one sequence faster, so both areas are filled with
    copies that work on inputs of their own: copies are as many, parts of one included, as have the same area.
    published_*: what a paper prints, and of what; 0 where it prints nothing.
    """

    name: str
    relative_to: str
    model: str
    phase: str
    batch: int
    speed_up: float
    energy_ratio: float
    at_equal_area: float
    published_speed_up: float = 0.0
    published_energy_ratio: float = 0.0
    published_of: str = ""
    source: str = ""
    hangs_on: str = ""


def ratios(rows: Sequence[Row], machines: Iterable[str], references: Sequence[str], gpus: Iterable[str]) -> list[Ratio]:
    """Every machine of `machines` over every reference, in the rows of one job; what could not run has none.

    Raises ArchsimError where a reference is not among the rows, or none of them could run.
    """
    by_name = {row.name: row for row in rows}
    missing = [name for name in references if name not in by_name]
    if missing:
        raise ArchsimError(f"{missing[0]}: is not among them; expected something to compare with")
    over = [by_name[name] for name in references if not by_name[name].why]
    if not over:
        raise ArchsimError(f"{references[0]}: {by_name[references[0]].why}; expected something to compare with")
    wanted = [by_name[name] for name in dict.fromkeys(machines) if not by_name[name].why]
    return list(_each(wanted, over, frozenset(gpus)))


def _each(rows: Sequence[Row], over: Sequence[Row], gpus: frozenset[str]) -> Iterator[Ratio]:
    for row in rows:
        for reference in over:
            if reference.name != row.name:
                yield _ratio(row, reference, gpu=reference.name in gpus)


def _ratio(row: Row, reference: Row, *, gpu: bool) -> Ratio:
    found = printed(row.name, reference.name, row.model, row.batch, gpu=gpu)
    return Ratio(
        name=row.name,
        relative_to=reference.name,
        model=row.model,
        phase=row.phase,
        batch=row.batch,
        speed_up=reference.latency_s / row.latency_s,
        energy_ratio=_over(reference.energy_j, row.energy_j),
        at_equal_area=_over(row.per_s_per_mm2, reference.per_s_per_mm2),
        published_speed_up=float(found[1].speed_up or 0) if found else 0.0,
        published_energy_ratio=float(found[1].energy or 0) if found else 0.0,
        published_of=found[1].of if found else "",
        source=found[0].source if found else "",
        hangs_on=found[1].hangs_on if found else "",
    )


def _over(value: float, of: float) -> float:
    """A ratio; 0 where there is nothing to divide by."""
    return value / of if of else 0.0
