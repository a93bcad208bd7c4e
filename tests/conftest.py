"""What all tests share: the data folder, how hypothesis searches, and a thread for each process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from archsim.processes import ONE_THREAD

ROOT = Path(__file__).resolve().parent.parent

# Tests fill the cores with processes: more threads in each would wait for one another. Read when numpy is imported.
os.environ.update(ONE_THREAD | os.environ)

# No deadlines, since a first call may compile. Continuous integration must say the same every time.
settings.register_profile("archsim", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("archsim")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of downloaded data: ARCHSIM_DATA, else ../shared/data beside the repository.

    A test that asks for it is skipped where it is absent, and fails there if ARCHSIM_REQUIRE_DATA=1.
    """
    return _there(Path(os.environ.get("ARCHSIM_DATA") or ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def cases_dir(data_dir: Path) -> Path:
    """The folder of small inputs that went wrong, beside that of the data."""
    return _there(data_dir.parent / "cases")


def _there(folder: Path) -> Path:
    if folder.is_dir():
        return folder
    reason = f"no folder {folder}; ARCHSIM_DATA names another for data, beside which cases are"
    if os.environ.get("ARCHSIM_REQUIRE_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
