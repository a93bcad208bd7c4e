"""Points as tables: a CSV or Parquet file of a study, a pandas frame of a store."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from archsim.errors import ArchsimError, UsageError
from archsim.explore.figures import KEPT
from archsim.explore.points import points
from archsim.explore.running import batches
from archsim.explore.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from archsim.explore.load import Bases
    from archsim.explore.study import Study

SUFFIXES: Final = (".csv", ".parquet")
_BATCH: Final = 500


def export(study: Study, bases: Bases, store: Store, path: Path) -> None:
    """Write the study's points, a row each in the study's order: what was set, the state, the figures in SI units.

    The suffix says which format. Raises ArchsimError where it cannot be written, UsageError for another suffix.
    """
    check_suffix(path)
    keys = [key for axis in study.axes for key in axis.keys]
    columns = [*keys, "state", "reason", *KEPT, "machine_digest", "key"]
    draft = path.with_name(f".{path.name}.draft")
    try:
        try:
            if path.suffix == ".csv":
                with draft.open("w", encoding="utf-8", newline="") as stream:
                    writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
                    writer.writeheader()
                    writer.writerows(_records(study, bases, store))
            else:
                _parquet(study, bases, store, draft, columns)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise ArchsimError(f"{path}: cannot be written: {error.strerror or error}") from error


def check_suffix(path: Path) -> None:
    """Refuse a file whose format is unknown. Raises UsageError."""
    if path.suffix not in SUFFIXES:
        raise UsageError(f"--export {path}: expected a name that ends in {' or '.join(SUFFIXES)}")
    if path.suffix == ".parquet":
        try:
            import pyarrow as pa  # noqa: F401 - to know before the sweep
        except ImportError:
            raise UsageError("Parquet files need pyarrow: pip install 'archsim[frames]'") from None


def _records(study: Study, bases: Bases, store: Store) -> Iterator[dict[str, Any]]:
    for batch in batches(points(study, bases), _BATCH):
        found = store.found([point.key for _, point in batch])
        for choice, point in batch:
            state, why, figures = found.get(point.key, ("planned", None, None))
            of = json.loads(figures) if figures else {}
            yield {**study.values(choice), "state": state, "reason": why or "", **of, "key": point.key}


def _parquet(study: Study, bases: Bases, store: Store, path: Path, columns: list[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    records = list(_records(study, bases, store))
    table = pa.table({name: [record.get(name) for record in records] for name in columns})
    pq.write_table(table, path)


def frame(store: str | Path) -> pd.DataFrame:
    """All points of a store as a pandas DataFrame, a row each in the order in which they were planned.

    Columns: machine, model, each key that any point sets, the job, state, reason, figures in SI units, key.
    Raises ArchsimError where it is no store, UsageError where pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError:
        raise UsageError("frames need pandas: pip install 'archsim[frames]'") from None
    rows = []
    with Store(Path(store), write=False) as opened:
        for key, machine, model, inputs, state, why, figures in opened.rows():
            of = json.loads(inputs)
            row = {"machine": machine, "model": model, **of["settings"], **of["job"], "state": state, "reason": why}
            rows.append(row | (json.loads(figures) if figures else {}) | {"key": key})
    found = pd.DataFrame(rows)
    last = [name for name in ("state", "reason", *KEPT, "machine_digest", "key") if name in found]
    return found[[name for name in found if name not in last] + last]
