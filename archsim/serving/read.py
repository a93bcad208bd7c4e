"""Traces of requests, read line by line: archsim's own (CSV or JSON lines), and Azure's as they are published."""

import csv
import json
from array import array
from collections.abc import Iterator
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import TextIO

import numpy as np

from archsim.errors import ArchsimError, Fault, Place, did_you_mean, quoted
from archsim.serving.requests import Requests, in_order
from archsim.units import SECONDS_PER_PS

OWN = ("arrival_s", "prompt_tokens", "output_tokens")
"""Columns of archsim's own traces (version 1): seconds, whole tokens."""
AZURE = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
"""Columns of the Azure LLM inference traces of 2023 and 2024."""
_LONGEST_LINE = 1 << 16
_MOST_ROWS = 50_000_000
_MOST_TOKENS = 1 << 24
_SHOWN = 3
_MICROSECONDS = 6  # digits of a second that datetime reads

Row = tuple[int, float, int, int]
"""Line, arrival in seconds, prompt, output."""


def read_requests(path: Path) -> Requests:
    """Read a trace. Raises ArchsimError with the first wrong lines, and how many there are.

    A line of archsim's own has `arrival_s`, `prompt_tokens` and `output_tokens`: under a CSV header, or as JSON.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            return _read(path, stream)
    except OSError as error:
        raise ArchsimError(f"{path}: {error.strerror}") from None


def _read(path: Path, stream: TextIO) -> Requests:
    first = stream.readline(_LONGEST_LINE)
    if not first.strip():
        raise ArchsimError(f"{path}: is empty; expected a header {', '.join(OWN)}, or JSON lines")
    stream.seek(0)
    rows = _json_rows(path, stream) if first.lstrip().startswith("{") else _csv_rows(path, stream)
    faults: list[Fault] = []
    wrong = 0
    seconds, prompt, output = array("d"), array("q"), array("q")
    for row in rows:
        if isinstance(row, Fault):
            wrong += 1
            faults += [row] if len(faults) < _SHOWN else []
            continue
        seconds.append(row[1])
        prompt.append(row[2])
        output.append(row[3])
        if len(seconds) > _MOST_ROWS:
            raise ArchsimError(f"{path}: more than {_MOST_ROWS:,} requests; expected fewer")
    if wrong:
        more = [f"{path}: {wrong} lines are wrong in all"] if wrong > len(faults) else []
        raise ArchsimError(*faults, *more)
    if not seconds:
        raise ArchsimError(f"{path}: has no requests below its header")
    times = np.array(seconds)
    arrival = np.round((times - times.min()) / SECONDS_PER_PS).astype(np.int64)
    return in_order(arrival, np.array(prompt, np.int64), np.array(output, np.int64))


def _lines(path: Path, stream: TextIO) -> Iterator[str]:
    """Lines, none of them endless."""
    number = 0
    while line := stream.readline(_LONGEST_LINE):
        number += 1
        if len(line) == _LONGEST_LINE:
            raise ArchsimError(Fault(f"a line of more than {_LONGEST_LINE:,} characters", Place(str(path), number, 1)))
        yield line


def _csv_rows(path: Path, stream: TextIO) -> Iterator[Row | Fault]:
    lines = csv.reader(_lines(path, stream))
    try:
        header = [name.strip() for name in next(lines)]
        names = next((known for known in (OWN, AZURE) if set(known) <= set(header)), None)
        if names is None:
            listed = ", ".join(quoted(name) for name in header[:5])
            expected = f"expected {', '.join(OWN)} or {', '.join(AZURE)}"
            raise ArchsimError(Fault(f"found the columns {listed}; {expected}", Place(str(path), 1, 1)))
        at = [header.index(name) for name in names]
        for cells in lines:
            if cells:
                if len(cells) > len(header):
                    yield Fault(
                        f"found {len(cells)} values under {len(header)} columns", Place(str(path), lines.line_num, 1)
                    )
                    continue
                found = [cells[index] if index < len(cells) else "" for index in at]
                yield _row(path, lines.line_num, names, found)
    except csv.Error as error:
        raise ArchsimError(Fault(str(error), Place(str(path), lines.line_num, 1))) from None


def _json_rows(path: Path, stream: TextIO) -> Iterator[Row | Fault]:
    for number, line in enumerate(_lines(path, stream), start=1):
        if not line.strip():
            continue
        place = Place(str(path), number, 1)
        try:
            data = json.loads(line)
        except (ValueError, RecursionError):
            yield Fault(f"found {quoted(line.strip())}; expected a JSON object", place)
            continue
        if not isinstance(data, dict):
            yield Fault("expected a JSON object", place)
            continue
        missing = [name for name in OWN if name not in data]
        unknown = [name for name in islice(data, 20) if name not in (*OWN, "id")]
        if missing and unknown:
            yield Fault(f"{quoted(unknown[0])}: unknown key. {did_you_mean(unknown[0], OWN)}", place)
        else:
            yield _row(path, number, OWN, [str(data.get(name, "")) for name in OWN])


def _row(path: Path, line: int, names: tuple[str, ...], cells: list[str]) -> Row | Fault:
    place = Place(str(path), line, 1)
    try:
        arrival = _seconds(cells[0])
    except ValueError:
        return Fault(f"{names[0]}: found {quoted(cells[0])}; expected a time", place)
    sizes = []
    for name, text, least in zip(names[1:], cells[1:], (1, 1), strict=True):
        clean = text.strip()
        if not (clean.isascii() and clean.isdigit() and len(clean) <= len(str(_MOST_TOKENS))):
            return Fault(f"{name}: found {quoted(text)}; expected a whole number of tokens", place)
        if not least <= int(clean) <= _MOST_TOKENS:
            return Fault(f"{name}: found {clean}; expected from {least} to {_MOST_TOKENS:,} tokens", place)
        sizes.append(int(clean))
    return line, arrival, sizes[0], sizes[1]


def _seconds(text: str) -> float:
    """Seconds as a number, or since 1970 of a date; digits below a microsecond are cut off a date."""
    clean = text.strip()
    if "-" in clean[1:] and ":" in clean:
        whole, dot, digits = clean.partition(".")
        moment = datetime.fromisoformat(f"{whole}{dot}{digits.split('+')[0][:_MICROSECONDS]}")
        return moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp()  # noqa: UP017 - as in Python 3.11
    found = float(clean)
    if not 0 <= found < 1e10:  # noqa: PLR2004 - three hundred years; also refuses what is no number
        raise ValueError(clean)
    return found
