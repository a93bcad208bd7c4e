"""A part of one's own whose source changes is another part: what was stored of the old one is not given for it."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from archsim.errors import ArchsimError
from archsim.explore.load import load_study
from archsim.explore.points import points
from archsim.explore.sources import digest, held, named, set_by, sources
from tests.explore.small import figures, rows, whole_sweep, write

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN = """\
from fractions import Fraction

from archsim.parts.adc import Adc
{more}

class MyAdc(Adc):
    def energy_share(self, action):
        return Fraction({share})
"""
_numbers = itertools.count()


def own(folder: Path, share: str, more: str = "", module: str = "mine") -> None:
    (folder / f"{module}.py").write_text(OWN.format(share=share, more=more))


def study(folder: Path, name: str = "mine.MyAdc") -> Path:
    path = write(folder)
    machine = folder / "tiny.yaml"
    machine.write_text(machine.read_text().replace("class: adc", f"class: {name}"))
    return path


def energies(store: Path) -> list[float]:
    return [each["energy_j"] for each in figures(store)]


def first_line(folder: Path, *words: str) -> str:
    done = whole_sweep(folder, *(words or ("--processes", "1")))
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()[0]


def test_a_changed_class_is_run_again(tmp_path: Path) -> None:
    """Each time the store knows which results are of which source; the old ones are there when it comes back."""
    study(tmp_path)
    own(tmp_path, "1")
    assert first_line(tmp_path) == "6 points: 0 done before, 6 to run"
    before = rows(tmp_path / "study.db")
    assert first_line(tmp_path) == "6 points: 6 done before, 0 to run"
    assert rows(tmp_path / "study.db") == before
    own(tmp_path, "1000")
    assert first_line(tmp_path) == "6 points: 0 done before, 6 to run"
    after = rows(tmp_path / "study.db")
    assert {key: after[key] for key in before} == before
    old, new = energies(tmp_path / "study.db")[:6], energies(tmp_path / "study.db")[6:]
    assert all(high > low for low, high in zip(old, new, strict=True))
    own(tmp_path, "1")
    assert first_line(tmp_path) == "6 points: 6 done before, 0 to run"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package that no test has imported yet, in a folder on the path."""
    monkeypatch.syspath_prepend(tmp_path)
    folder = tmp_path / f"own_parts_{next(_numbers)}"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] in (folder.name, "beside_it", "loner")]:
        del sys.modules[name]


def keys(path: Path) -> list[str]:
    return [point.key for _, point in points(*load_study(path))]


def test_what_the_class_is_made_from_counts_too(tmp_path: Path, package: Path) -> None:
    """Bases, modules of the package however they are imported, files beside it; nothing that it does not import."""
    (package / "sub").mkdir()
    texts = {
        "__init__.py": "",
        "base.py": "from archsim.parts.adc import Adc\nimport json\n\nclass Base(Adc):\n    pass\n",
        "tables.py": "SHARE = 1\n",
        "lazy.py": "LAZY = 1\n",
        "sub/__init__.py": "",
        "sub/deep.py": "from .. import tables\nDEEP = 1\n",
        "../beside_it.py": "BESIDE = 1\n",
        "mine.py": (
            f"import beside_it\nimport {package.name}.sub.deep as deep\n"
            "from .base import Base\n\nclass MyAdc(Base):\n"
            "    def energy_share(self, action):\n        from .lazy import LAZY\n        return LAZY\n"
        ),
        "stranger.py": "UNUSED = 1\n",
        "../loner.py": "UNUSED = 1\n",
    }
    for name, text in texts.items():
        (package / name).write_text(text)
    name = f"{package.name}.mine.MyAdc"
    modules = sources([name])[name]
    inner = {"", ".base", ".lazy", ".mine", ".sub", ".sub.deep", ".tables"}
    assert set(modules) == {"beside_it", *(f"{package.name}{each}" for each in inner)}
    assert modules[f"{package.name}.tables"] == hashlib.sha256(b"SHARE = 1\n").hexdigest()
    path = study(tmp_path, name)
    before = keys(path)
    for each, text in texts.items():
        (package / each).write_text(f"{text}# changed\n")
        unused = each in ("stranger.py", "../loner.py")
        assert (keys(path) == before) == unused, each
        (package / each).write_text(text)
        assert keys(path) == before


def test_only_points_that_may_use_the_class_depend_on_it(tmp_path: Path, package: Path) -> None:
    """Of two values of an axis one is a class of one's own: the other's key is what it is without."""
    name = f"{package.name}.mine.MyAdc"
    own(package, "1")
    head = "schema: archsim.study/1\nmachine: tiny.yaml\nmodel: mlp-mnist\n"
    plain = keys(write(tmp_path, f"{head}axes: {{parts.adc.class: [adc]}}\n"))
    both = keys(write(tmp_path, f"{head}axes: {{parts.adc.class: [adc, {name}]}}\n"))
    assert both[0] == plain[0]
    own(package, "2")
    after = keys(tmp_path / "study.yaml")
    assert after[0] == both[0]
    assert after[1] != both[1]
    study_, bases = load_study(tmp_path / "study.yaml")
    inputs = [json.loads(point.inputs) for _, point in points(study_, bases)]
    assert "sources" not in inputs[0]
    assert inputs[1]["sources"] == {name: digest(bases.sources[name])}


def test_the_place_of_a_file_does_not_count(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does who computes it: the same files in another folder are the same part."""
    own(package, "1")
    name = f"{package.name}.mine.MyAdc"
    before = sources([name])
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(package, elsewhere / package.name)
    for each in [each for each in sys.modules if each.partition(".")[0] == package.name]:
        del sys.modules[each]
    monkeypatch.setattr(sys, "path", [str(elsewhere), *(place for place in sys.path if place != str(tmp_path))])
    assert sources([name]) == before


def test_archsims_own_classes_have_their_version(package: Path) -> None:
    assert sources(["adc", "archsim.parts.adc.Adc", "no_such_package.Adc"]) == {}
    (package / "mine.py").write_text("from archsim.parts.adc import Adc\n")  # the same class under another name
    assert sources([f"{package.name}.mine.Adc"]) == {}


def test_a_class_without_a_file_is_refused(package: Path) -> None:
    text = "from archsim.parts.adc import Adc\nMyAdc = type('MyAdc', (Adc,), {'__module__': 'nowhere_at_all'})\n"
    (package / "mine.py").write_text(text)
    with pytest.raises(ArchsimError, match=r"part class '.*MyAdc': found no source of nowhere_at_all; expected a file"):
        sources([f"{package.name}.mine.MyAdc"])


def test_where_classes_are_named() -> None:
    parts = {
        "one": {"class": "a.A", "alternatives": {"x": {"class": "b.B"}, "y": {"class": {"value": "c.C"}}}},
        "two": {"class": {"value": "d.D", "source": "me"}, "bits": "8 b"},
    }
    assert set(named({"parts": parts, "class": "no"})) == {"a.A", "b.B", "c.C", "d.D"}
    assert list(named([])) == list(named({"parts": "none"})) == []
    assert set_by("parts.adc.class", "a.A") == ("a.A",)
    assert set_by("parts.adc", '{"class": "a.A", "bits": "8 b"}') == ("a.A",)
    assert set_by("parts.adc.alternatives.x", "{class: a.A}") == ("a.A",)
    assert set_by("parts.adc.bits", "8 b") == set_by("parts.adc", "{class: [") == ()


def test_a_worker_remembers_what_it_has_imported(package: Path) -> None:
    """Its process may have the old class in its memory, so that the file of today says nothing."""
    name = f"{package.name}.tables"
    assert held([name]) == {name: None}
    (package / "tables.py").write_text("SHARE = 1\n")
    found = held([name])
    (package / "tables.py").write_text("SHARE = 2\n")
    assert held([name]) == found == {name: hashlib.sha256(b"SHARE = 1\n").hexdigest()}


@pytest.mark.slow
def test_workers_with_an_older_class_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that outlives a sweep has imported what the class was then."""
    pytest.importorskip("distributed")
    from archsim.explore.local_cluster import LocalCluster

    study(tmp_path)
    own(tmp_path, "1")
    root = str(Path(__file__).resolve().parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([root, str(tmp_path)]))
    cluster = LocalCluster(1)
    try:
        words = ("--cluster", cluster.address)
        assert first_line(tmp_path, *words) == "6 points: 0 done before, 6 to run"
        own(tmp_path, "1000")
        done = whole_sweep(tmp_path, *words)
        assert done.returncode == 1
        assert "or an older one in its memory, of the module mine, of a part of yours." in done.stderr.splitlines()[-1]
        assert len(energies(tmp_path / "study.db")) == 6
        own(tmp_path, "1")
        assert first_line(tmp_path, *words) == "6 points: 6 done before, 0 to run"
    finally:
        cluster.close()
