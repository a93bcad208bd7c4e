import errno
import json
import math
import os
from pathlib import Path

import pytest

from archsim.errors import ArchsimError
from archsim.result.save import check_folder, dump, load, save
from tests.report.samples import sample_result

TIMING = {"load": 0.25, "total": 1.5}


def message(raised: pytest.ExceptionInfo[ArchsimError]) -> str:
    text = str(raised.value)
    assert len(text.splitlines()) == 1
    return text


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    result = sample_result() | {"latency_s": 0.1 + 0.2}
    path = save(result, tmp_path / "made" / "on demand", TIMING)
    assert path == tmp_path / "made" / "on demand" / "result.json"
    assert load(path) == load(path.parent) == load(str(path)) == result
    assert list(load(path)) == list(result)
    timing = json.loads((path.parent / "timing.json").read_text())
    assert timing == {"schema": "archsim.timing/1", "seconds": TIMING}


def test_the_same_result_gives_the_same_bytes(tmp_path: Path) -> None:
    first = save(sample_result(), tmp_path / "a", TIMING).read_bytes()
    second = save(sample_result(), tmp_path / "b", {"total": 9.0}).read_bytes()
    assert first == second == dump(sample_result()).encode()
    assert first.isascii()


def test_nothing_but_the_two_files_is_left(tmp_path: Path) -> None:
    save(sample_result(), tmp_path, TIMING)
    save(sample_result() | {"chips": 7}, tmp_path, TIMING)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["result.json", "timing.json"]
    assert load(tmp_path)["chips"] == 7


def test_who_reads_the_old_result_reads_all_of_it(tmp_path: Path) -> None:
    path = save(sample_result(), tmp_path, TIMING)
    with path.open() as reader:
        save(sample_result() | {"chips": 7}, tmp_path, TIMING)
        assert reader.read() == dump(sample_result())


def test_a_saved_file_can_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        path = save(sample_result(), tmp_path, TIMING)
    finally:
        os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_full_disk_leaves_the_old_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(sample_result(), tmp_path, TIMING)
    old = (tmp_path / "result.json").read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ArchsimError) as raised:
        save(sample_result() | {"chips": 7}, tmp_path, TIMING)
    assert "cannot be written: No space left on device" in message(raised)
    assert str(tmp_path) in message(raised)
    assert (tmp_path / "result.json").read_bytes() == old
    assert sorted(path.name for path in tmp_path.iterdir()) == ["result.json", "timing.json"]


def test_no_result_is_half_written_on_an_interrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(sample_result(), tmp_path, TIMING)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for folder in (file, file / "below"):
        with pytest.raises(ArchsimError, match="found a file; expected a folder") as raised:
            check_folder(folder)
        assert message(raised).startswith(f"{file}: ")
        with pytest.raises(ArchsimError, match="found a file; expected a folder"):
            save(sample_result(), folder, TIMING)


def test_a_folder_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Permissions do not stop an administrator, who may well be the one to run this.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ArchsimError, match="cannot be written to; choose another folder"):
        check_folder(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_checking_makes_nothing(tmp_path: Path) -> None:
    check_folder(tmp_path / "new" / "newer")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_the_result(tmp_path: Path) -> None:
    (tmp_path / "result.json").mkdir()
    with pytest.raises(ArchsimError, match=r"result\.json: cannot be written"):
        save(sample_result(), tmp_path, TIMING)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_json_has_no_word_for_what_is_no_number(value: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        dump({"latency_s": value})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", r"result.json:1:1  broken JSON: Expecting value"),
        ('{"schema": \n oops}', r"result.json:2:2  broken JSON: Expecting value"),
        ('{"schema": NaN}', r"broken JSON: NaN is no JSON number"),
        ("[" * 200_000, r"broken JSON"),
        ('{"schema": ' + "9" * 5000 + "}", r"broken JSON"),
        ("[1]", r"found JSON that is no object; expected archsim.result/1"),
        ("{}", r"has no 'schema'; expected archsim.result/1"),
        ('{"schema": "archsim.result/2"}', r"found schema archsim.result/2, newer than archsim.result/1"),
        ('{"schema": "archsim.result/0"}', r"found schema 'archsim.result/0'; expected archsim.result/1"),
        ('{"schema": "archsim.timing/1"}', r"found schema 'archsim.timing/1'; expected archsim.result/1"),
        ('{"schema": 1}', r"found schema 1; expected archsim.result/1"),
    ],
)
def test_what_is_no_result_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(ArchsimError, match=expected) as raised:
        load(tmp_path)
    assert message(raised).startswith(str(tmp_path / "result.json"))


def test_a_missing_result(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "result.json", tmp_path / "nowhere"):
        with pytest.raises(ArchsimError, match="no such file; expected a result saved with --out") as raised:
            load(path)
        message(raised)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_bytes(b"\xff\x00")
    with pytest.raises(ArchsimError, match="no UTF-8 text; expected JSON"):
        load(tmp_path)


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_path: Path, mode: str) -> str:  # noqa: ARG001 (named in the call)
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ArchsimError, match="cannot be read: Permission denied"):
        load(tmp_path / "result.json")
