"""Store: the points of sweeps in one SQLite file, written by one process.

The journal is a rollback one (`journal_mode=DELETE`), not a write-ahead log: both survive a process that is killed, but
a log needs shared memory, which network file systems of clusters do not have, and leaves two more files beside the
store. What is not yet committed when the process dies is rolled back by the next one that opens the file.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Self

from archsim.errors import ArchsimError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from archsim.explore.evaluate import Answer
    from archsim.explore.points import Point

SCHEMA: Final = "archsim.points/1"
COMMIT_S: Final = 0.5
"""A process that is killed loses what it learnt in this time."""
_PATIENCE_S: Final = 60.0
_MADE = """
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS points (
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,     -- SHA-256 of inputs
    machine TEXT NOT NULL,        -- as the study named it
    model TEXT NOT NULL,
    inputs TEXT NOT NULL,         -- canonical JSON
    state TEXT NOT NULL CHECK (state IN ('planned', 'running', 'done', 'failed')),
    reason TEXT,                  -- of a failed point
    again INTEGER NOT NULL,       -- 1: failed for a cause outside it, to be tried again
    figures TEXT                  -- of a done point, canonical JSON
);
"""


class Store:
    """The points of a file. Made with `write`, it is the only writer, and a context manager that commits at its end."""

    def __init__(self, path: Path, *, write: bool) -> None:
        """Open the file; a writer makes it, and its folder, if absent. Raises ArchsimError."""
        self.path = path
        if not write and not path.is_file():
            raise ArchsimError(f"{path}: no such file; expected a store that 'archsim sweep --out' has written")
        if write:
            with suppress(OSError):  # SQLite will say what is wrong
                path.parent.mkdir(parents=True, exist_ok=True)
        with _in_words(path):
            self.base = sqlite3.connect(path, timeout=0, isolation_level=None)
        self.writes = False
        try:
            with _in_words(path):
                self._begin(write=write)
        except ArchsimError:
            self.base.close()
            raise

    def _begin(self, *, write: bool) -> None:
        """A writer always has a transaction open: it keeps other writers out, and lets readers in."""
        if not write:
            self.base.execute(f"PRAGMA busy_timeout = {int(_PATIENCE_S * 1000)}")
            self._check_schema()
            return
        self.base.execute("PRAGMA journal_mode = DELETE")
        self.base.execute("BEGIN IMMEDIATE")
        self.writes, self.committed = True, time.monotonic()
        self.base.execute(f"PRAGMA busy_timeout = {int(_PATIENCE_S * 1000)}")  # now for readers alone
        if self.base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self._check_schema()
        else:
            for statement in filter(str.strip, _MADE.split(";\n")):
                self.base.execute(statement)
            self.base.execute("INSERT INTO about VALUES ('schema', ?)", (SCHEMA,))
        self.base.execute(
            "UPDATE points SET state = 'planned', reason = NULL, again = 0 WHERE state = 'running' OR again"
        )
        self.commit()

    def _check_schema(self) -> None:
        try:
            found = self.base.execute("SELECT value FROM about WHERE key = 'schema'").fetchone()
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            found = None
        if found != (SCHEMA,):
            what = f"schema {found[0]!r}" if found else "a database of something else"
            raise ArchsimError(f"{self.path}: found {what}; expected a store of schema {SCHEMA}. Choose another file")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        try:
            if self.writes and self.base.in_transaction:
                with _in_words(self.path, quiet=kind is not None):
                    self.base.execute("COMMIT")
        finally:
            self.base.close()

    def commit(self, *, after_s: float = 0.0) -> None:
        """Make what is written so far outlive this process, if the last time is so long ago."""
        if time.monotonic() - self.committed >= after_s:
            with _in_words(self.path):
                self.base.execute("COMMIT")
                self.base.execute("BEGIN IMMEDIATE")
            self.committed = time.monotonic()

    def plan(self, points: Sequence[Point]) -> None:
        """Add those that are not there yet."""
        rows = [(each.key, each.machine, each.model, each.inputs) for each in points]
        columns = "key, machine, model, inputs, state, again"
        with _in_words(self.path):
            self.base.executemany(f"INSERT OR IGNORE INTO points ({columns}) VALUES (?, ?, ?, ?, 'planned', 0)", rows)  # noqa: S608 - no text of a user's

    def states(self, keys: Sequence[str]) -> dict[str, str]:
        """The state of each key that is there."""
        return {row[0]: row[1] for row in self._of("key, state", keys)}

    def start(self, key: str) -> None:
        """Note that a point is given away."""
        with _in_words(self.path):
            self.base.execute("UPDATE points SET state = 'running' WHERE key = ?", (key,))

    def keep(self, answer: Answer) -> None:
        """Note what became of a point."""
        done = answer.state == "done"
        row = (answer.state, None if done else answer.text, answer.again, answer.text if done else None, answer.key)
        with _in_words(self.path):
            self.base.execute("UPDATE points SET state = ?, reason = ?, again = ?, figures = ? WHERE key = ?", row)

    def found(self, keys: Sequence[str]) -> dict[str, tuple[str, str | None, str | None]]:
        """State, reason and figures of each key that is there."""
        return {row[0]: (row[1], row[2], row[3]) for row in self._of("key, state, reason, figures", keys)}

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Key, machine, model, inputs, state, reason, figures of every point, in the order of planning."""
        with _in_words(self.path):
            yield from self.base.execute(
                "SELECT key, machine, model, inputs, state, reason, figures FROM points ORDER BY number"
            )

    def _of(self, columns: str, keys: Sequence[str]) -> Iterable[tuple[Any, ...]]:
        marks = ",".join("?" * len(keys))
        with _in_words(self.path):
            return self.base.execute(f"SELECT {columns} FROM points WHERE key IN ({marks})", list(keys)).fetchall()  # noqa: S608 - no text of a user's


@contextmanager
def _in_words(path: Path, *, quiet: bool = False) -> Iterator[None]:
    """SQLite's errors as one line each; `quiet`: none, as another is on its way already."""
    try:
        yield
    except sqlite3.Error as error:
        if not quiet:
            raise ArchsimError(f"{path}: {_why(error)}") from None


def _why(error: sqlite3.Error) -> str:
    text = str(error)
    kept = "What was finished before is kept: run the same command again to go on"
    if "disk is full" in text or "disk I/O" in text:
        return f"cannot be written to, the disk is full or broken ({text}). {kept}"
    if "locked" in text:
        return "another sweep is writing to it; expected one at a time"
    if "unable to open" in text or "readonly" in text:
        return f"cannot be written to ({text}); choose another folder, or mend its permissions"
    if "not a database" in text or "malformed" in text:
        return f"is no store ({text}). Choose another file"
    return text
