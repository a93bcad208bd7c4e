"""Where the machine files and workloads that come with archsim lie, and files by name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from archsim.errors import ArchsimError, did_you_mean, near, quoted

if TYPE_CHECKING:
    from collections.abc import Callable

_KINDS = {"hw_configs/machines": "machine", "workloads/models": "model", "hw_configs/gpus": "GPU"}
_OF_MODELS = (".onnx", ".gguf", ".safetensors", ".pt2", ".bin")
_PACKAGE = Path(__file__).resolve().parent


def find(folder: str) -> Path:
    """Return a folder that comes with archsim, such as ``hw_configs`` or ``workloads/models``.

    A wheel carries them inside the package; a checkout has them beside it.
    """
    places = (_PACKAGE / folder, _PACKAGE.parent / folder)
    for place in places:
        if place.is_dir():
            return place
    looked = " nor at ".join(str(place) for place in places)
    raise ArchsimError(f"{folder} is neither at {looked}; archsim is not wholly installed.")


def locate(folder: str, name_or_path: str, suffix: str = ".yaml") -> Path:
    """Return a file: one that exists under the path given, else the one of that name in the folder.

    Raises ArchsimError with one line if there is neither.
    """
    if _is(name_or_path, Path.is_file):
        if Path(name_or_path).suffix.lower() in _OF_MODELS and folder != "workloads/models":
            wanted = f"a {_KINDS.get(folder, 'file')}, a {suffix} file"
            raise ArchsimError(f"{quoted(name_or_path, 200)} is a file of a model; expected {wanted}.")
        return Path(name_or_path)
    separators = {"/", os.sep, os.altsep or "/"}
    looks_like_path = name_or_path.endswith(suffix) or any(mark in name_or_path for mark in separators)
    names = {file.name.removesuffix(suffix): file for file in find(folder).glob(f"*{suffix}")}
    if name_or_path in names:
        return names[name_or_path]
    if name_or_path and _is(name_or_path, Path.is_dir):
        raise ArchsimError(f"{name_or_path} is a folder; expected a {suffix} file.")
    if name_or_path and _is(name_or_path, Path.exists):
        raise ArchsimError(f"{name_or_path} is no regular file; expected a {suffix} file.")
    if looks_like_path:
        close = near(Path(name_or_path).name.removesuffix(suffix), names)
        hint = f" Did you mean {quoted(close[0])}, which comes with archsim?" if close else ""
        raise ArchsimError(f"{quoted(name_or_path, 200)}: no such file.{hint}")
    for other, what in _KINDS.items():
        if other != folder and _comes_with(other, f"{name_or_path}{suffix}"):
            raise ArchsimError(f"{quoted(name_or_path)} is a {what}; expected a {_KINDS.get(folder, 'file')}.")
    raise ArchsimError(f"unknown name {quoted(name_or_path)}, and no such file. {did_you_mean(name_or_path, names)}")


def _is(path: str, test: Callable[[Path], bool]) -> bool:
    try:
        return test(Path(path))
    except OSError:  # a name too long, a folder that must not be read
        return False


def _comes_with(folder: str, name: str) -> bool:
    return any(_is(str(place / folder / name), Path.is_file) for place in (_PACKAGE, _PACKAGE.parent))
