"""What stands at a path is replaced whole; links are followed, pipes are written to."""

import os
import stat
from pathlib import Path
from threading import Thread

import pytest

from archsim.errors import ArchsimError
from archsim.result.replace import replacing
from archsim.result.save import check_file, write


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    """A link to a link, from another folder; nothing else is left in either."""
    (tmp_path / "far").mkdir()
    target, link, first = tmp_path / "far/target", tmp_path / "far/link", tmp_path / "first"
    target.write_text("old")
    link.symlink_to("target")
    first.symlink_to("far/link")
    check_file(first)
    write(first, "new")
    assert first.is_symlink()
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert not target.is_symlink()
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["far", "first", "link", "target"]


def test_a_link_to_what_is_not_there_yet(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("new/file")
    check_file(tmp_path / "link")
    write(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "new/file").read_text() == "text"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    check_file(pipe)
    read: list[str] = []
    reader = Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    write(pipe, "text")
    reader.join(10)
    assert read == ["text"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchsimError, match="found a folder; expected the name of a file"):
        check_file(tmp_path)
    with pytest.raises(ArchsimError, match="cannot be written: Is a directory"):
        write(tmp_path, "text")


def test_a_pipe_that_may_not_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(ArchsimError, match="pipe: cannot be written to; choose another file"):
        check_file(tmp_path / "pipe")


def test_what_fails_leaves_the_old(tmp_path: Path) -> None:
    def fail() -> None:
        with replacing(tmp_path / "file") as draft:
            draft.write_text("new")
            raise OSError(28, "full")

    (tmp_path / "file").write_text("old")
    with pytest.raises(OSError, match="full"):
        fail()
    assert (tmp_path / "file").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
