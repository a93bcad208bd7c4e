"""Sound files are sound; a few changed ones are read or refused, each in a line; and changes follow from the seed."""

from collections import Counter
from pathlib import Path
from random import Random

import pytest

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


def test_fields_of_a_header_end_where_its_tensors_begin(seeds: list[Seed]) -> None:
    """Two layers of nine tensors and three more, each with an offset; then the file is aligned to 32 bytes."""
    raw = next(one.files[one.name] for one in seeds if one.name == "float.gguf")
    last, size = gguf_fields(raw)[-1]
    sizes = [2 * 9 * 0 + 4 * each for each in (32 * 32, 16 * 32, 64 * 32, 11 * 32, 32)]
    assert size == 8
    assert int.from_bytes(raw[last : last + 8], "little") % 32 == 0
    assert len(raw) - last - 8 < 2 * (2 * sizes[0] + 2 * sizes[1] + 3 * sizes[2] + 2 * sizes[4]) + 3 * sizes[3]


def test_a_few_hundred_changed_files(seeds: list[Seed], tmp_path: Path) -> None:
    report = Report(tmp_path)
    fuzz(seeds, 5, range(250), 1, report)
    assert not report.faults, report.table()
    assert sum(report.counts.values()) == 250
    assert {kind for kind, _ in report.counts} == KINDS


@pytest.mark.slow
def test_many_changed_files(tmp_path: Path) -> None:
    report = Report(tmp_path / "faults")
    (tmp_path / "seeds").mkdir()
    fuzz(all_seeds(tmp_path / "seeds"), 6, range(10_000), 2, report)
    assert not report.faults, report.table()
