"""Sound files are sound; a few changed ones are read or refused, each in a line; and changes follow from the seed."""

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from archsim.graph.gguf_header import read_header
from archsim.machine import load_machine
from tests.fuzz.formats import changed, gguf_fields
from tests.fuzz.fuzz import Report, fuzz, mutant
from tests.fuzz.seeds import MACHINE, Seed, all_seeds, small_seeds
from tests.fuzz.trial import attempt

KINDS = {"onnx", "config", "model", "weights", "tokens", "machine", "mapping", "study"}


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[Seed]:
    return small_seeds(tmp_path_factory.mktemp("seeds"))


def test_sound_files_of_every_kind_are_read(seeds: list[Seed], tmp_path: Path) -> None:
    (tmp_path / "machine.yaml").write_text(MACHINE)
    machine = load_machine(tmp_path / "machine.yaml")
    words: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for number, one in enumerate(one for one in seeds if one.kind != "onnx"):
        folder = tmp_path / f"{number}"
        folder.mkdir()
        words[one.kind][attempt(one, one.write(folder), machine).word] += 1
    assert {kind for kind, counts in words.items() if set(counts) <= {"loaded", "ran"}} >= KINDS - {"model"}
    assert words["model"]["ran"] > 3


def test_a_changed_file_follows_from_seed_and_number(seeds: list[Seed]) -> None:
    made = [mutant(seeds, 1, number) for number in range(60)]
    assert made == [mutant(seeds, 1, number) for number in range(60)]
    assert made != [mutant(seeds, 2, number) for number in range(60)]
    assert {one.kind for one in made} == KINDS


def test_most_files_of_a_format_are_changed(seeds: list[Seed]) -> None:
    names = {one.name.rpartition(".")[2]: one for one in seeds}
    assert {"onnx", "json", "yaml", "jsonl", "csv", "npy", "bin", "gguf", "safetensors", "txt"} <= set(names)
    for one in names.values():
        raw = one.files[one.name]
        assert sum(changed(Random(number), one.name, raw) != raw for number in range(20)) > 14


def test_fields_of_a_header_end_where_its_tensors_begin(seeds: list[Seed], tmp_path: Path) -> None:
    one = next(one for one in seeds if one.name == "float.gguf")
    header = read_header(one.write(tmp_path))
    last, size = gguf_fields(one.files[one.name])[-1]
    assert -(-(last + size) // 32) * 32 == min(tensor.offset for tensor in header.tensors.values())


def test_a_few_hundred_changed_files(seeds: list[Seed], tmp_path: Path) -> None:
    report = Report(tmp_path)
    fuzz(seeds, 5, range(200), 1, report)
    assert not report.faults, report.table()
    assert sum(report.counts.values()) == 200
    assert {kind for kind, _ in report.counts} == KINDS


@pytest.mark.slow
def test_many_changed_files(tmp_path: Path) -> None:
    report = Report(tmp_path / "faults")
    (tmp_path / "seeds").mkdir()
    fuzz(all_seeds(tmp_path / "seeds"), 6, range(10_000), 2, report)
    assert not report.faults, report.table()
