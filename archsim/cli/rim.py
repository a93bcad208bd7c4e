"""Where every error of the command line ends: as lines on standard error and an exit code."""

import contextlib
import errno
import gc
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

import click

from archsim.errors import ArchsimError, UsageError, printable

FAILED = 1
MISUSED = 2
INTERRUPTED = 130  # 128 + SIGINT
CLOSED = 141  # 128 + SIGPIPE

_WRITE_FAILED = {errno.EBADF, errno.EFBIG, errno.EIO, errno.ENOSPC}
_TRACEBACK = "ARCHSIM_TRACEBACK"
_MOST_FAULTS = 200
_LONGEST = 500  # characters of an unexpected error's own words
_COLLECTED = (200_000, 20, 100)
"""New objects before cycles are looked for. Most objects of a command stay to its end: looking at them again and again
takes a quarter of the time of a model of 30,000 operators."""


def guard(work: Callable[[], object]) -> int:
    """Do the work and return the exit code. Nothing escapes but SystemExit."""
    gc.set_threshold(*_COLLECTED)
    _prepare_output()
    try:
        try:
            return _finish(work)
        except BaseException as error:  # noqa: BLE001 (the rim: re-raised there if it is not an error)
            return _explain(error)
    except BrokenPipeError:
        return CLOSED
    except OSError:  # standard error itself cannot be written to
        return FAILED
    finally:
        _settle()


def _finish(work: Callable[[], object]) -> int:
    """Do the work and write out what it printed, so that a failure to write is met here."""
    try:
        work()
        code = 0
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    sys.stdout.flush()
    return code


def _explain(error: BaseException) -> int:
    """Say what went wrong; return the exit code."""
    match error:
        case SystemExit():
            raise error
        case click.ClickException():
            error.show()
            return error.exit_code
        case ArchsimError():
            _say(str(fault) for fault in error.faults[:_MOST_FAULTS])
            if len(error.faults) > _MOST_FAULTS:
                _say([f"… and {len(error.faults) - _MOST_FAULTS:,} more"])
            return MISUSED if isinstance(error, UsageError) else FAILED
        case KeyboardInterrupt() | click.Abort():
            _say(["interrupted"])
            return INTERRUPTED
        case BrokenPipeError():
            return CLOSED
        case OSError():
            _say([_in_words(error)])
            return FAILED
    _report_bug(error)
    return FAILED


def _in_words(error: OSError) -> str:
    """Name the file and what is wrong with it; a failed write to a standard stream brings no name."""
    words = error.strerror or str(error)
    if error.filename is not None:
        return f"{error.filename}: {words}"
    return f"standard output: {words}" if error.errno in _WRITE_FAILED else words


def _report_bug(error: BaseException) -> None:
    shown = os.environ.get(_TRACEBACK, "0") not in {"", "0"}
    if shown:
        traceback.print_exception(error)
    words = f"{type(error).__name__}: {error}".removesuffix(": ")
    hint = "" if shown else f", rerun with {_TRACEBACK}=1 for the traceback"
    _say([f"archsim has a bug: {words[:_LONGEST]}; please report{hint}"])


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(printable(line), err=True)


def _prepare_output() -> None:
    """Let standard output take any character, or nothing at all."""
    if sys.stdout is None:  # closed before the start
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (open to the end)
    elif hasattr(sys.stdout, "reconfigure"):
        # An old-fashioned locale cannot write a µ: escape it rather than fail.
        sys.stdout.reconfigure(errors="backslashreplace")


def _settle() -> None:
    """Leave no output that cannot be written: the interpreter would complain of it on its way out."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            stream.flush()
        except (OSError, ValueError):  # ValueError: closed
            with contextlib.suppress(OSError, ValueError):  # a stream without a file
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
