"""Checking published figures: each file of `hw_configs/validation`, or one of your own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from archsim import resources, units
from archsim.errors import ArchsimError, Fault
from archsim.machine import load_machine
from archsim.machine.bibliography import bibliography, unknown_source
from archsim.machine.provenance import mapping
from archsim.machine.source import Document, read
from archsim.machine.wording import validate as checked
from archsim.units import JOULES_PER_ZJ, M2_PER_UM2, SECONDS_PER_PS, WATTS_PER_NW
from archsim.validation.figures import Figure, Figures
from archsim.validation.measures import of_machine
from archsim.validation.runs import of_run

FOLDER = "hw_configs/validation"
Status = Literal["pass", "miss", "contradiction", "not_derivable"]
_TO_SI = {
    "power": WATTS_PER_NW,
    "area": M2_PER_UM2,
    "time": SECONDS_PER_PS,
    "energy": JOULES_PER_ZJ,
    "performance": 1 / SECONDS_PER_PS,
}


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A figure and what came of it; values in SI units, None where there is none."""

    figure: str
    group: str
    machine: str
    source: str
    method: str
    basis: str
    printed: str
    published: float | None
    simulated: float | None
    relative_error: float | None
    tolerance: float | None
    status: Status
    remark: str


def validate(only: Path | None = None) -> list[Checked]:
    """Check the figures of all papers, or of one file; raises ArchsimError where a file is wrong."""
    paths = [only] if only is not None else sorted(resources.find(FOLDER).glob("*.yaml"))
    return [found for path in paths for found in _of_file(path)]


def _of_file(path: Path) -> Iterator[Checked]:
    document = read(path)
    faults: list[Fault] = []
    file = checked(Figures, mapping(document), document, (), faults)
    if file is None or faults:
        raise ArchsimError(*faults)
    for index, figure in enumerate(file.figures):
        try:
            yield _check(file, figure)
        except ArchsimError as error:
            raise _placed(document, index, error) from None


def _placed(document: Document, index: int, error: ArchsimError) -> ArchsimError:
    return ArchsimError(*(Fault(fault.message, document.place(("figures", index))) for fault in error.faults))


def _check(file: Figures, figure: Figure) -> Checked:
    source = figure.source or file.source
    wrong = unknown_source(source)
    if wrong is not None:
        raise ArchsimError(wrong)
    known = bibliography()
    machine = figure.machine or file.machine
    published, simulated = _published(figure.published), _simulated(machine, figure)
    error = simulated / published - 1 if simulated is not None and published else None
    tolerance = None if figure.tolerance is None else float(figure.tolerance)
    return Checked(
        figure=figure.figure,
        group=figure.group,
        machine=machine or "",
        source=str(known[source]) if source in known else source,
        method=figure.method or file.method,
        basis=figure.basis,
        printed=f"{figure.published} {figure.unit}".strip(),
        published=published,
        simulated=simulated,
        relative_error=error,
        tolerance=tolerance,
        status=_status(figure, error, tolerance),
        remark=figure.contradicts or figure.hangs_on or figure.note,
    )


def _simulated(machine: str | None, figure: Figure) -> float | None:
    if figure.measure is None:
        return None
    if machine is None:
        raise ArchsimError("a measure needs a 'machine', the file's or the figure's")
    if figure.run is not None:
        return of_run(machine, figure.settings, figure.run, figure.measure)
    return of_machine(load_machine(machine, figure.settings), figure.measure)


def _status(figure: Figure, error: float | None, tolerance: float | None) -> Status:
    if figure.contradicts:
        return "contradiction"
    if figure.hangs_on:
        return "not_derivable"
    if error is None or tolerance is None:
        raise ArchsimError("needs a 'measure' and a 'tolerance', or 'hangs_on', or 'contradicts'")
    if tolerance > 1:
        raise ArchsimError(f"found a tolerance of {tolerance:g}; expected at most 1, all of the figure")
    return "pass" if abs(error) <= tolerance else "miss"


def _published(text: str) -> float:
    """A plain number, or a quantity in SI units."""
    if text.replace(".", "", 1).isdigit():
        return float(text)
    for dimension, worth in _TO_SI.items():
        try:
            return float(units.parse(text, dimension)) * worth
        except units.UnitError:
            continue
    raise ArchsimError(f"published: found '{text}'; expected a number, or a power, area, time, energy or rate")


def summary(rows: list[Checked]) -> dict[str, Any]:
    """How many of each status; only predicted figures count as evidence."""
    predicted = [row for row in rows if row.basis == "predicted"]
    different = {(row.machine, row.printed, row.simulated) for row in predicted if row.status == "pass"}
    return {
        "pass": sum(row.status == "pass" for row in predicted),
        "pass, figures that differ": len(different),
        "miss": sum(row.status == "miss" for row in predicted),
        "contradiction": sum(row.status == "contradiction" for row in rows),
        "not_derivable": sum(row.status == "not_derivable" for row in rows),
        "calibrated_or_identity": len(rows) - len(predicted),
    }
