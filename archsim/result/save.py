"""Results on disk: `result.json`, written whole or not at all, and the host's `timing.json` beside it."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from archsim.errors import ArchsimError, Fault, Place
from archsim.result.replace import replacing

SCHEMA = "archsim.result/1"
TIMING_SCHEMA = "archsim.timing/1"
_LARGEST = 16 << 20  # bytes; results take some ten thousand
RESULT_FILE = "result.json"
TIMING_FILE = "timing.json"


def dump(data: Mapping[str, Any]) -> str:
    """JSON text of a result or description: keys in the order given, floats at full precision, ASCII.

    Raises ValueError for an infinite number or one that is none (NaN): JSON has no word for them.
    """
    return json.dumps(data, indent=2, allow_nan=False) + "\n"


def check_folder(folder: Path) -> None:
    """Raise ArchsimError where results could not be saved, before any time is spent on a run."""
    present = folder
    while not present.exists() and present != present.parent:
        present = present.parent
    if not present.is_dir():
        raise ArchsimError(f"{present}: found a file; expected a folder to save results in")
    if not os.access(present, os.W_OK | os.X_OK):
        raise ArchsimError(f"{present}: cannot be written to; choose another folder to save results in")


def check_file(path: Path) -> None:
    """The same of a file: its folder is made when it is written. What is there and is no regular file has no folder."""
    if path.is_dir():
        raise ArchsimError(f"{path}: found a folder; expected the name of a file")
    if not path.exists() or path.is_file():
        check_folder(Path(os.path.realpath(path)).parent)
    elif not os.access(path, os.W_OK):
        raise ArchsimError(f"{path}: cannot be written to; choose another file")


def save(result: Mapping[str, Any], folder: Path, timing: Mapping[str, float]) -> Path:
    """Write `result.json` and `timing.json` (seconds by stage) into the folder, made if absent.

    Each file appears whole or not at all and replaces an older one; the result comes last. Returns the
    result's path. Raises ArchsimError where the folder cannot be written to.
    """
    check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArchsimError(f"{folder}: cannot be made: {error.strerror}") from error
    write(folder / TIMING_FILE, dump({"schema": TIMING_SCHEMA, "seconds": dict(timing)}))
    path = folder / RESULT_FILE
    write(path, dump(result))
    return path


def write(path: Path, text: str) -> None:
    """Write it whole or not at all, as `replacing` has it. Raises ArchsimError where it cannot be written."""
    try:
        with replacing(path) as draft:
            draft.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ArchsimError(f"{path}: cannot be written: {error.strerror}") from error


def load(path: str | Path, schema: str = SCHEMA) -> dict[str, Any]:
    """Read what was saved with --out, a result or data of another schema: the file, or the folder of `result.json`.

    Raises ArchsimError for a file that is missing, unreadable, not JSON, or of another schema.
    """
    file = Path(path)
    if file.is_dir():
        file /= RESULT_FILE
    data = _parse(_read(file), file)
    if not isinstance(data, dict):
        raise ArchsimError(f"{file}: found JSON that is no object; expected {schema}")
    _check_schema(data.get("schema"), file, schema)
    return data


def _read(file: Path) -> str:
    try:
        if not file.is_file() and file.exists():
            raise ArchsimError(f"{file}: is no regular file; expected a result saved with --out")
        with file.open("rb") as stream:
            raw = stream.read(_LARGEST + 1)
        if len(raw) > _LARGEST:
            raise ArchsimError(f"{file}: is larger than {_LARGEST >> 20} MiB; expected a result saved with --out")
        return raw.decode("utf-8")
    except FileNotFoundError:
        raise ArchsimError(f"{file}: no such file; expected a result saved with --out") from None
    except OSError as error:
        raise ArchsimError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise ArchsimError(f"{file}: found bytes that are no UTF-8 text; expected JSON") from None


def _parse(text: str, file: Path) -> object:
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        place = Place(str(file), error.lineno, error.colno)
        raise ArchsimError(Fault(f"broken JSON: {error.msg}", place)) from None
    except (ValueError, RecursionError) as error:
        raise ArchsimError(f"{file}: broken JSON: {error}") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def _check_schema(found: object, file: Path, wanted: str) -> None:
    if found == wanted:
        return
    if found is None:
        raise ArchsimError(f"{file}: has no 'schema'; expected {wanted}")
    name, _, newest = wanted.partition("/")
    version = re.fullmatch(rf"{re.escape(name)}/([0-9]{{1,9}})", str(found))
    if version and int(version[1]) > int(newest):
        raise ArchsimError(f"{file}: found schema {found}, newer than {wanted}; a newer archsim can read it")
    raise ArchsimError(f"{file}: found schema {found!r}; expected {wanted}")
