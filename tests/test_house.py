"""Rules of the house that no other tool checks."""

from __future__ import annotations

import os
import pkgutil
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import archsim
from archsim.parts.base import Part

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SOURCES = sorted((ROOT / "archsim").rglob("*.py"))
LONGEST_FILE = 400
HEAVY = {"click", "matplotlib", "numba", "numpy", "pydantic", "rich", "scipy", "simpy", "yaml"}


def requirements(*extras: str) -> list[Requirement]:
    """What an installation with these extras asks for, extras of archsim itself followed."""
    found = [Requirement(text) for text in PROJECT["dependencies"]]
    for extra in extras:
        for text in PROJECT["optional-dependencies"][extra]:
            requirement = Requirement(text)
            own = requirement.name == "archsim"
            found.extend(requirements(*sorted(requirement.extras)) if own else [requirement])
    return found


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def test_no_source_file_is_long() -> None:
    lengths = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert lengths
    assert {path: n for path, n in lengths.items() if n > LONGEST_FILE} == {}


def test_nothing_is_left_for_later() -> None:
    mark = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b|NotImplementedError")
    places = [
        f"{path}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if mark.search(line)
    ]
    assert places == []


@pytest.mark.parametrize(
    ("group", "name", "target"),
    [
        (group, name, target)
        for group, entries in {"scripts": PROJECT["scripts"], **PROJECT["entry-points"]}.items()
        for name, target in entries.items()
    ],
)
def test_entry_point_resolves(group: str, name: str, target: str) -> None:
    module, _, attribute = target.partition(":")
    assert callable(getattr(import_module(module), attribute)), f"{group}: {name}"


def test_every_part_has_an_entry_point() -> None:
    files = [path for path in (ROOT / "archsim" / "parts").glob("*.py") if path.stem not in {"__init__", "base"}]
    modules = [import_module(f"archsim.parts.{path.stem}") for path in files]
    classes = {
        f"{module.__name__}:{name}"
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Part) and value.__module__ == module.__name__
    }
    assert classes
    assert classes == set(PROJECT["entry-points"]["archsim.parts"].values())


def test_importing_archsim_is_light() -> None:
    code = "import archsim, sys; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "archsim" in loaded
    assert loaded & HEAVY == set()


def test_no_public_name_is_a_module_too() -> None:
    """Importing archsim.thing sets the attribute archsim.thing to the module, whatever it was."""
    modules = {info.name for info in pkgutil.iter_modules(archsim.__path__)}
    assert set(archsim.__all__) & modules == set()


@pytest.mark.parametrize("name", archsim.__all__)
def test_public_name_resolves(name: str) -> None:
    assert getattr(archsim, name) is not None
    assert name in dir(archsim)


def test_unknown_public_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lod_machine'"):
        getattr(archsim, "lod_machine")  # noqa: B009 - mypy would refuse the plain access


def test_version_is_told_once() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[([^\]]+)\]", changelog, re.MULTILINE)
    assert newest is not None
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert newest[1] == citation["version"] == archsim.__version__ == distribution("archsim").version


def test_licence_is_told_once() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["license"] == PROJECT["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_dependencies_have_lower_bounds_only() -> None:
    everything = requirements(*PROJECT["optional-dependencies"])
    operators = {item.name: [bound.operator for bound in item.specifier] for item in everything}
    assert {name: found for name, found in operators.items() if found != [">="]} == {}


def test_constraints_pin_all_that_is_installed() -> None:
    pinned = pins()
    wanted = requirements("all", "dev")
    assert [item.name for item in wanted if canonicalize_name(item.name) not in pinned] == []
    assert [str(item) for item in wanted if pinned[canonicalize_name(item.name)] not in item.specifier] == []


def test_only_its_own_extras_bring_torch() -> None:
    heavy = {"torch", "stable-baselines3"}
    names = {extra: {item.name for item in requirements(extra)} for extra in PROJECT["optional-dependencies"]}
    assert {extra for extra, wanted in names.items() if wanted & heavy} == {"torch", "rl"}
    assert heavy & set(pins()) == set()


@pytest.mark.parametrize("script", ["scripts/quickstart", "scripts/test", "scripts/constraints", ".ci/run"])
def test_script_can_be_run(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
    subprocess.run(["bash", "-n", ROOT / script], check=True)  # noqa: S607 - bash is where the PATH has it
