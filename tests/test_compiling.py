"""Compiled functions: one module makes them, and they run where no machine code can be kept."""

from __future__ import annotations

import ast
import errno
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from numba import config
from numba.core.caching import IndexDataCacheFile
from numba.core.registry import CPUDispatcher

import archsim

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(archsim.__file__).parent
NOWHERE = "/proc/nonexistent"
"""Nobody can make a folder here, root neither."""
RUN = """
import hashlib, json, sys
import numpy as np
import archsim
from archsim.kernels.crossbar import program
from archsim.kernels.spec import Adc, ArraySpec, NonIdeal

rng = np.random.default_rng(0)
weights, inputs = rng.integers(-127, 128, (40, 8)), rng.integers(0, 256, (3, 40))
found = {"archsim": archsim.__file__}
for name, errors in (("exact", NonIdeal()), ("noisy", NonIdeal(read=0.01))):
    product, _ = program(ArraySpec(adc=Adc(6), non_ideal=errors), weights, seed=7).multiply(inputs)
    found[name] = hashlib.sha256(product.tobytes()).hexdigest()
result = archsim.simulate(archsim.load_machine("isaac"), archsim.load_model("bert-tiny"), seq=4, engine="compiled")
found["engine"] = result.latency_s
print(json.dumps(found))
"""
MODULE = """\
from archsim.compiling import compiled

@compiled()
def double(number):
    return 2 * number
"""
PLACES = {
    "no home": {"HOME": NOWHERE, "XDG_CACHE_HOME": None, "NUMBA_CACHE_DIR": None},
    "HOME unset": {"HOME": None, "XDG_CACHE_HOME": NOWHERE, "NUMBA_CACHE_DIR": None},
    "NUMBA_CACHE_DIR is nowhere": {"HOME": NOWHERE, "XDG_CACHE_HOME": None, "NUMBA_CACHE_DIR": NOWHERE},
}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of archsim in which `__pycache__` is a file everywhere, so that nobody can write into it."""
    folder = tmp_path_factory.mktemp("locked")
    shutil.copytree(PACKAGE, folder / "archsim", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("hw_configs", "workloads"):
        (folder / name).symlink_to(ROOT / name)
    for below in [each for each in (folder / "archsim").rglob("*") if each.is_dir()]:
        (below / "__pycache__").touch()
    (folder / "archsim" / "__pycache__").touch()
    return folder


def start(folder: Path, *words: str, **places: str | None) -> str:
    """What Python with these words prints, where it finds the archsim of a folder; None: without the variable."""
    environment = {**os.environ, "PYTHONPATH": str(folder), **places}
    given = {name: value for name, value in environment.items() if value is not None}
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, cwd=folder, env=given)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def usual() -> dict[str, Any]:
    """What comes out where machine code can be kept."""
    found: dict[str, Any] = json.loads(start(ROOT, "-c", RUN))
    return found


@pytest.mark.parametrize(
    "place", ["no home", *(pytest.param(place, marks=pytest.mark.slow) for place in [*PLACES][1:])]
)
def test_where_nothing_can_be_kept(place: str, locked: Path, usual: dict[str, Any]) -> None:
    """Kernels of arrays and of analog CAMs, and the engine: the same bits, compiled afresh."""
    found = json.loads(start(locked, "-c", RUN, **PLACES[place]))
    assert Path(found.pop("archsim")).is_relative_to(locked)
    assert found == {name: value for name, value in usual.items() if name != "archsim"}
    assert list(locked.rglob("*.nb[ci]")) == []


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("mvm", "isaac", "--rows", "8", "--cols", "4", "--batch", "2", "--json"), marks=pytest.mark.slow),
        ("acam", "gelu", "--json"),
        pytest.param(
            ("run", "isaac", "bert-tiny", "--seq", "4", "--engine", "compiled", "--json"), marks=pytest.mark.slow
        ),
    ],
    ids=lambda words: words[0],
)
def test_commands_where_nothing_can_be_kept(words: tuple[str, ...], locked: Path) -> None:
    found = start(locked, "-m", "archsim", *words, **PLACES["no home"])
    assert json.loads(found)["schema"].startswith("archsim.")


def fresh(folder: Path) -> ModuleType:
    """The module of a folder, imported anew."""
    path = folder / "doubling.py"
    path.write_text(MODULE)
    spec = importlib.util.spec_from_file_location("doubling", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Machine code is kept beside the file."""
    monkeypatch.setattr(config, "CACHE_DIR", "")


@pytest.mark.usefixtures("beside")
def test_machine_code_is_kept_and_found_again(tmp_path: Path) -> None:
    assert fresh(tmp_path).double(3) == 6
    assert {path.suffix for path in tmp_path.rglob("*.nb[ci]")} == {".nbi", ".nbc"}
    again = fresh(tmp_path).double
    assert again(4) == 8
    assert (sum(again.stats.cache_hits.values()), sum(again.stats.cache_misses.values())) == (1, 0)


@pytest.mark.usefixtures("beside")
@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("text", [b"", b"no machine code"])
def test_a_broken_file_is_no_hindrance(suffix: str, text: bytes, tmp_path: Path) -> None:
    assert fresh(tmp_path).double(3) == 6
    (kept,) = tmp_path.rglob(f"*{suffix}")
    kept.write_bytes(text)
    assert fresh(tmp_path).double(4) == 8


@pytest.mark.usefixtures("beside")
def test_nor_is_a_disk_that_fills_up_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def full(_self: IndexDataCacheFile, key: object, _data: object) -> None:
        tried.append(key)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(IndexDataCacheFile, "save", full)
    assert fresh(tmp_path).double(3) == 6
    assert len(tried) == 1


def imported(path: Path) -> set[str]:
    """Top names of the modules that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in plain | named}


def test_one_module_alone_calls_numba() -> None:
    assert [path.name for path in PACKAGE.rglob("*.py") if "numba" in imported(path)] == ["compiling.py"]


def test_all_are_compiled_for_the_same_bits_everywhere() -> None:
    modules = ("kernels.draws", "kernels.exact", "kernels.noisy", "program.compiled")
    made = {
        f"{module}.{name}": each.targetoptions
        for module in modules
        for name, each in vars(import_module(f"archsim.{module}")).items()
        if isinstance(each, CPUDispatcher)
    }
    assert {name.rpartition(".")[0] for name in made} == set(modules)
    assert {name: of for name, of in made.items() if of.get("fastmath") or of.get("parallel")} == {}
