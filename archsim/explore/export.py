"""Points as tables: a CSV or Parquet file of a study, a pandas frame of a store or of a study in it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from archsim.errors import ArchsimError, UsageError
from archsim.explore.columns import columns, record, setting, settings_of
from archsim.explore.load import load_study
from archsim.explore.points import points
from archsim.explore.running import batches
from archsim.explore.store import Store
from archsim.result.replace import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from archsim.explore.columns import Kind, Setting
    from archsim.explore.load import Bases
    from archsim.explore.study import Study

SUFFIXES: Final = (".csv", ".parquet")
_BATCH: Final = 500


def export(study: Study, bases: Bases, store: Store, path: Path) -> None:
    """Write the study's points, a row each in the study's order; docs/sweeps.md says what the columns are.

    The suffix says which format. Raises ArchsimError where it cannot be written, UsageError for another suffix.
    """
    check_suffix(path)
    settings = settings_of(study)
    names = columns(settings)
    rows = _rows(study, bases, store, settings)
    try:
        with replacing(path) as draft:
            if path.suffix == ".csv":
                with draft.open("w", encoding="utf-8", newline="") as stream:
                    writer = csv.DictWriter(stream, list(names), restval="", lineterminator="\n")
                    writer.writeheader()
                    writer.writerows(rows)
            else:
                _parquet(list(rows), names, draft)
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


def _rows(study: Study, bases: Bases, store: Store, settings: Sequence[Setting]) -> Iterator[dict[str, Any]]:
    for batch in batches(points(study, bases), _BATCH):
        kept = store.found([point.key for _, point in batch])
        for _, point in batch:
            found = kept.get(point.key)
            if found is None:  # a search has not met it
                continue
            texts, job = dict(point.settings), dict(point.job)
            yield record(settings, texts, job, machine=point.machine, model=point.model, key=point.key, found=found)


def _parquet(rows: Sequence[Mapping[str, Any]], names: Mapping[str, Kind], path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {int: pa.int64(), float: pa.float64(), str: pa.string()}
    made = {name: pa.array([row.get(name) for row in rows], kinds[kind]) for name, kind in names.items()}
    pq.write_table(pa.table(made), path)


def frame(store: str | Path, study: str | Path | None = None, *, trust: bool = False) -> pd.DataFrame:
    """The points of a study that a store has, as a pandas DataFrame, a row each in the study's order.

    Columns are those that `--export` writes. Without a study all that the store holds, in the order in which it was
    planned: points of every study, and of machines as they once were. trust: as `load_study` has it. Raises
    ArchsimError where it is no store or study, UsageError without pandas.
    """
    try:
        import pandas as pd
    except ImportError:
        raise UsageError("frames need pandas: pip install 'archsim[frames]'") from None
    with Store(Path(store), write=False) as opened:
        if study is None:
            settings, rows = _all(opened)
        else:
            known, bases = load_study(study, trust=trust)
            settings = settings_of(known)
            rows = list(_rows(known, bases, opened, settings))
    made = {name: _column([row.get(name) for row in rows], kind) for name, kind in columns(settings).items()}
    return pd.DataFrame(made)


def _all(store: Store) -> tuple[list[Setting], list[dict[str, Any]]]:
    """Every row of a store, and how what they set is shown."""
    kept = [(*row[:3], json.loads(row[3]), row[4:]) for row in store.rows()]
    texts: dict[str, set[str]] = {}
    for _, _, _, inputs, _ in kept:
        for key, text in inputs["settings"].items():
            texts.setdefault(key, set()).add(text)
    settings = [setting(key, found) for key, found in texts.items()]
    rows = [
        record(settings, of["settings"], of["job"], machine=machine, model=model, key=key, found=found)
        for key, machine, model, of, found in kept
    ]
    return settings, rows


def _column(values: list[Any], kind: Kind) -> pd.Series[Any]:
    """A column; whole numbers of which some are missing become floats, as pandas has it."""
    import pandas as pd

    if kind is str:
        return pd.Series(values)
    return pd.Series(values, dtype="float64" if kind is float or None in values else "int64")
