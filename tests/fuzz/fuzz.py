"""A fuzzer: sound files of every source with something else in them, and what archsim makes of them.

    python -m tests.fuzz.fuzz --files 200000 --seed 1 --processes 2 --out /tmp/fuzz --more ../shared/cases

Each file follows from the seed and its number alone, whatever the number of processes; `--first N --files 1` makes one
again. A worker that dies or is silent for a minute is a fault too, of the file that it had, and another takes over.
"""

from __future__ import annotations

import argparse
import multiprocessing
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from archsim.machine import load_machine
from tests.fuzz.formats import changed
from tests.fuzz.seeds import MACHINE, Seed, all_seeds
from tests.fuzz.trial import Outcome, attempt, bounded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

_CHUNK = 500
"""Files of a worker; then another begins, without what the libraries keep."""
_TOLD = 2_000
"""After so many files it is said how many there were."""
_SILENT = 60
"""Seconds of a file, at most, by the clock: no alarm ends a loop in a library."""
_SHARES = {"onnx": 10, "config": 3, "model": 4, "weights": 3, "tokens": 1, "machine": 2, "mapping": 1, "study": 1}
"""How often files of a kind are drawn."""


def mutant(seeds: Sequence[Seed], seed: int, number: int) -> Seed:
    """The changed file of a number: its own, or now and then one that lies beside it."""
    random = Random(f"{seed} {number}")
    kinds = sorted({one.kind for one in seeds})
    kind = random.choices(kinds, [_SHARES[kind] for kind in kinds])[0]
    one = random.choice([one for one in seeds if one.kind == kind])
    name = one.name if random.random() < 0.8 else random.choice(sorted(one.files))
    return Seed(one.kind, one.name, {**one.files, name: changed(random, name, one.files[name])})


def run_one(seeds: Sequence[Seed], seed: int, number: int, folder: Path, machine: object) -> tuple[Seed, Outcome]:
    """Make the file of a number in an empty folder, and try it."""
    made = mutant(seeds, seed, number)
    for old in folder.iterdir():
        old.unlink()
    return made, attempt(made, made.write(folder), machine)  # type: ignore[arg-type]


def _work(seeds: Sequence[Seed], seed: int, numbers: range, out: Connection) -> None:
    bounded()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "machine.yaml").write_text(MACHINE)
        machine = load_machine(place / "machine.yaml")
        for number in numbers:
            made, outcome = run_one(seeds, seed, number, place, machine)
            out.send((number, made.kind, outcome))


@dataclass
class Report:
    """What came of all files so far.

    Parameters
    ----------
    out
        Where the first file of each fault is kept.
    counts
        By kind and outcome.
    faults
        By outcome and key: how often.
    worst
        By kind and outcome: most seconds and most KiB of a file.
    """

    out: Path
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    worst: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)

    def take(self, made: Seed, number: int, outcome: Outcome) -> None:
        """Count an outcome; keep and tell the first file of a fault."""
        self.counts[made.kind, outcome.word] += 1
        seconds, memory = self.worst.get((made.kind, outcome.word), (0.0, 0))
        self.worst[made.kind, outcome.word] = max(seconds, outcome.seconds), max(memory, outcome.memory)
        if not sum(self.counts.values()) % _TOLD:
            sys.stdout.write(f"{sum(self.counts.values()):,} files\n")
            sys.stdout.flush()
        if not outcome.fault:
            return
        self.faults[outcome.word, outcome.key] += 1
        if self.faults[outcome.word, outcome.key] == 1:
            folder = self.out / f"{number}"
            folder.mkdir(parents=True, exist_ok=True)
            made.write(folder)
            sys.stdout.write(f"{outcome.word}: {outcome.key}  {made.kind} {folder / made.name}\n")
            sys.stdout.flush()

    def table(self) -> str:
        """Files by kind and outcome, with the most time and memory of one, and faults by how often they came."""
        lines = []
        for (kind, word), count in sorted(self.counts.items()):
            seconds, memory = self.worst[kind, word]
            lines.append(f"{kind:8} {word:10} {count:8,}  at most {seconds:5.2f} s, {memory / 1000:4.0f} MB")
        lines += [f"{count:8,} x {word}: {key}" for (word, key), count in self.faults.most_common()]
        return "\n".join([*lines, f"{sum(self.counts.values()):,} files, {len(self.faults)} faults"])


@dataclass
class _Worker:
    """A process with its files; `reader` gives what came of each."""

    numbers: range
    process: BaseProcess
    reader: Connection
    heard: float

    @classmethod
    def begin(cls, seeds: Sequence[Seed], seed: int, numbers: range) -> _Worker:
        context = multiprocessing.get_context("fork")
        reader, writer = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(seeds, seed, numbers, writer), daemon=True)
        process.start()
        writer.close()
        return cls(numbers, process, reader, time.monotonic())


def fuzz(seeds: Sequence[Seed], seed: int, numbers: range, processes: int, report: Report) -> None:
    """Try the files of all numbers in workers, and report."""
    chunks = [numbers[at : at + _CHUNK] for at in range(0, len(numbers), _CHUNK)][::-1]
    workers: list[_Worker] = []
    while chunks or workers:
        while chunks and len(workers) < processes:
            workers.append(_Worker.begin(seeds, seed, chunks.pop()))
        ready = wait([worker.reader for worker in workers], timeout=1)
        for worker in list(workers):
            if worker.reader in ready:
                worker.heard = time.monotonic()
                if _hear(worker, report, seeds, seed):
                    continue
            elif time.monotonic() - worker.heard < _SILENT:
                continue
            workers.remove(worker)
            if worker.numbers:
                _ended(worker, report, seeds, seed)
                chunks.append(worker.numbers[1:])
            worker.process.join()


def _hear(worker: _Worker, report: Report, seeds: Sequence[Seed], seed: int) -> bool:
    """Take one outcome; whether there will be more."""
    try:
        number, kind, outcome = worker.reader.recv()
    except EOFError:
        return False
    made = mutant(seeds, seed, number) if outcome.fault else Seed(kind, "", {})
    report.take(made, number, outcome)
    worker.numbers = worker.numbers[1:]
    return True


def _ended(worker: _Worker, report: Report, seeds: Sequence[Seed], seed: int) -> None:
    """The file at which a worker died, or was silent for too long."""
    worker.process.join(timeout=1)
    code = worker.process.exitcode
    if code is None:
        worker.process.kill()
    died = "silent for a minute" if code is None else signal.Signals(-code).name if code < 0 else f"exit code {code}"
    report.take(mutant(seeds, seed, worker.numbers[0]), worker.numbers[0], Outcome("crash", died))


def main() -> int:
    """Fuzz as the command line says; 1 where archsim is at fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, usual in (("files", 10_000), ("seed", 1), ("first", 0), ("processes", 1)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--kinds", nargs="*", choices=_SHARES, default=list(_SHARES), help="of files; all by default")
    parser.add_argument("--out", type=Path, default=Path("fuzz-faults"))
    parser.add_argument("--more", type=Path, nargs="*", default=[], help="folders with more sound files")
    asked = parser.parse_args()
    began = time.monotonic()
    report = Report(asked.out)
    with tempfile.TemporaryDirectory() as folder:
        seeds = [one for one in all_seeds(Path(folder), asked.more) if one.kind in asked.kinds]
    sys.stdout.write(f"{len(seeds)} sound files\n")
    fuzz(seeds, asked.seed, range(asked.first, asked.first + asked.files), asked.processes, report)
    sys.stdout.write(f"{report.table()}, {time.monotonic() - began:.0f} s\n")
    return int(bool(report.faults))


if __name__ == "__main__":
    sys.exit(main())
