"""Files that users give: what is wrong with one is said in a line, and nothing is ever unpickled."""

from pathlib import Path

from archsim.errors import ArchsimError

_PICKLES = (b"PK", b"\x80\x02", b"\x80\x04", b"\x80\x05")
_LARGEST_WHOLE = 1 << 30


def begin(path: Path, expected: str, size: int = 256) -> bytes:
    """The first bytes of a regular file.

    Parameters
    ----------
    path
        The file.
    expected
        What it should be, such as `a safetensors file`.
    size
        Bytes; fewer where the file has fewer.

    Raises
    ------
    ArchsimError
        For a file that is not there, cannot be read, or would have to be unpickled.
    """
    try:
        if not path.is_file():
            found = "is a folder" if path.is_dir() else "is no regular file" if path.exists() else "no such file"
            raise ArchsimError(f"{path}: {found}; expected {expected}")
        with path.open("rb") as stream:
            raw = stream.read(size)
    except OSError as error:
        raise ArchsimError(f"{path}: cannot be read: {error.strerror}") from error
    if raw[:2] in _PICKLES:
        found = "a zip archive or a pickle, as torch.save writes"
        raise ArchsimError(f"{path}: found {found}; it is not opened, as it may run code. Convert it to safetensors")
    return raw


def read_bytes(path: Path, expected: str) -> bytes:
    """All bytes of a regular file, as `begin` has the first. Raises ArchsimError; also for more than 1 GiB."""
    begin(path, expected)
    if path.stat().st_size > _LARGEST_WHOLE:
        raise ArchsimError(f"{path}: is larger than 1 GiB; expected {expected}")
    return begin(path, expected, _LARGEST_WHOLE)
