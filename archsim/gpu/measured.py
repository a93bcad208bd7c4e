"""A user's measurements of whole models on GPUs, to stand beside what is modelled."""

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TextIO

from archsim.errors import ArchsimError, Fault, Place, did_you_mean, near, quoted
from archsim.gpu.compare import Row
from archsim.graph.job import PHASES, Job

REQUIRED = ("gpu", "model", "batch", "seq", "latency_ms")
OPTIONAL = ("new_tokens", "phase", "energy_j")
_COLUMNS = (*REQUIRED, *OPTIONAL)
_MOST = 1 << 24


@dataclass(frozen=True, slots=True)
class Measurement:
    """A job that someone ran on a GPU: seconds, and joules where they were measured. seq: None is the model's own."""

    gpu: str
    model: str
    phase: str
    batch: int
    seq: int | None
    new_tokens: int
    latency: float
    energy: float | None
    place: Place

    @property
    def at(self) -> str:
        """File and line."""
        return f"{self.place.file}:{self.place.line}"

    def __str__(self) -> str:
        """Where it stands and what it is of, in a line."""
        tokens = f", {self.new_tokens} new tokens" if self.new_tokens else ""
        seq = f", seq {self.seq}" if self.seq is not None else ""
        return f"{self.at}: {self.gpu}, {self.model}, {self.phase}, batch {self.batch}{seq}{tokens}"


def read_measurements(path: Path) -> tuple[Measurement, ...]:
    """Read a CSV file with `gpu,model,batch,seq[,new_tokens][,phase],latency_ms[,energy_j]`, and columns of one's own.

    With new tokens and no phase, the latency is theirs alone (decode), else that of the prompt (prefill).
    Raises ArchsimError with all wrong lines.
    """
    faults: list[Fault] = []
    found: list[Measurement] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for each in _rows(path, stream):
                faults += [each] if isinstance(each, Fault) else []
                found += [each] if isinstance(each, Measurement) else []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ArchsimError(f"{path}: cannot be read ({error})") from None
    first: dict[tuple[object, ...], Measurement] = {}
    for each in found:
        job = (each.gpu.lower(), each.model.lower(), each.phase, each.batch, each.seq, each.new_tokens)
        earlier = first.setdefault(job, each)
        if earlier is not each:
            faults.append(
                Fault(f"the job of line {earlier.place.line} again; expected one measurement of it", each.place)
            )
    if faults:
        raise ArchsimError(*faults)
    if not found:
        raise ArchsimError(f"{path}: has no measurements; expected a header {', '.join(REQUIRED)}, and rows")
    return tuple(found)


def find(measured: Sequence[Measurement], gpu: Collection[str], model: Collection[str], job: Job) -> Measurement | None:
    """The measurement of a job on a GPU, both by any of their names, whatever the case."""
    gpus, models = ({name.lower() for name in names} for names in (gpu, model))
    for each in measured:
        same = (each.phase, each.batch, each.new_tokens) == (job.phase, job.batch, job.new_tokens)
        if same and each.seq in (None, job.seq) and each.gpu.lower() in gpus and each.model.lower() in models:
            return each
    return None


def beside(
    measured: Sequence[Measurement],
    gpus: Mapping[str, Collection[str]],
    model: Collection[str],
    job: Job,
    rows: Sequence[Row],
) -> list[dict[str, object]]:
    """What to show in each row of a job: nothing, if nothing was measured at all. gpus: names by the name in a row."""
    if not measured:
        return [{} for _ in rows]
    names = [() if row.why else gpus.get(row.name, ()) for row in rows]
    found = [find(measured, each, model, job) for each in names]
    return [errors(each, row.latency_s, row.energy_j) for each, row in zip(found, rows, strict=True)]


def errors(found: Measurement | None, latency: float, energy: float) -> dict[str, object]:
    """Measured seconds and joules, and by what share the modelled ones are above them; None where not measured."""
    joules = None if found is None else found.energy
    return {
        "measured_at": None if found is None else found.at,
        "measured_latency_s": None if found is None else found.latency,
        "latency_error": None if found is None else latency / found.latency - 1,
        "measured_energy_j": joules,
        "energy_error": None if joules is None else energy / joules - 1,
    }


def elsewhere(measured: Sequence[Measurement], shown: Iterable[Mapping[str, object]]) -> list[str]:
    """The measurements that stand in no row."""
    places = {row.get("measured_at") for row in shown}
    return [str(each) for each in measured if each.at not in places]


def _rows(path: Path, stream: TextIO) -> Iterator[Measurement | Fault]:
    lines = csv.reader(stream)
    header = [name.strip() for name in next(lines, [])]
    place = Place(str(path), 1, 1)
    for name in header:
        if name not in _COLUMNS and near(name, _COLUMNS):
            yield Fault(f"{quoted(name)}: unknown column. {did_you_mean(name, _COLUMNS)}", place)
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        yield Fault(f"has no column {missing[0]!r}; expected {', '.join(REQUIRED)}", place)
        return
    for cells in lines:
        if cells:
            row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
            yield _measurement(row, Place(str(path), lines.line_num, 1))


def _measurement(row: dict[str, str], place: Place) -> Measurement | Fault:
    try:
        for name in ("gpu", "model"):
            if not row.get(name):
                return Fault(f"{name}: found nothing; expected a name", place)
        tokens = _whole(row, "new_tokens", 0) if row.get("new_tokens") else 0
        phase = row.get("phase") or ("decode" if tokens else "prefill")
        if phase not in PHASES:
            return Fault(f"phase: found {quoted(phase)}. {did_you_mean(phase, PHASES)}", place)
        return Measurement(
            gpu=row["gpu"],
            model=row["model"],
            phase=phase,
            batch=_whole(row, "batch", 1),
            seq=_whole(row, "seq", 1) if row.get("seq") else None,
            new_tokens=tokens,
            latency=_positive(row, "latency_ms") * 1e-3,
            energy=_positive(row, "energy_j") if row.get("energy_j") else None,
            place=place,
        )
    except ValueError as error:
        return Fault(str(error), place)


def _whole(row: dict[str, str], name: str, least: int) -> int:
    text = row.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_MOST)) and least <= int(text) <= _MOST):
        raise ValueError(f"{name}: found {quoted(text)}; expected a whole number from {least} to {_MOST:,}")
    return int(text)


def _positive(row: dict[str, str], name: str) -> float:
    text = row.get(name, "")
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (isfinite(value) and value > 0):
        raise ValueError(f"{name}: found {quoted(text)}; expected a number above 0")
    return value
