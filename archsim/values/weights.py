"""Files of weights, and the line that says what is wrong with one. Nothing is ever unpickled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from archsim.errors import ArchsimError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from archsim.values.arithmetic import Values

_LARGEST = 16 << 30


def read_bytes(path: Path, expected: str) -> bytes:
    """The bytes of a regular file; raises ArchsimError."""
    try:
        if not path.is_file():
            found = "is a folder" if path.is_dir() else "is no regular file" if path.exists() else "no such file"
            raise ArchsimError(f"{path}: {found}; expected {expected}")
        if path.stat().st_size > _LARGEST:
            raise ArchsimError(f"{path}: is larger than 16 GiB; expected {expected}")
        raw = path.read_bytes()
    except OSError as error:
        raise ArchsimError(f"{path}: cannot be read: {error.strerror}") from error
    if raw[:2] in (b"PK", b"\x80\x02", b"\x80\x04", b"\x80\x05"):
        found = "a zip archive or a pickle, as torch.save writes"
        raise ArchsimError(f"{path}: found {found}; it is not opened, as it may run code. Convert it to safetensors")
    return raw


def check_finite(path: Path, name: str, values: Values) -> None:
    """Raise ArchsimError for weights that are no numbers."""
    wrong = int((~np.isfinite(values)).sum())
    if wrong:
        raise ArchsimError(f"{path}: {name} has {wrong} values that are infinite or no number (NaN)")


def read_safetensors(path: Path) -> dict[str, Values]:
    """All tensors of a safetensors file, as float32.

    Raises ArchsimError for a file that is none, is cut short, or holds what is no number.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    raw = read_bytes(path, "a safetensors file (.safetensors)")
    try:
        found = load(raw)
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        why = " ".join(str(error).split())
        raise ArchsimError(f"{path}: is no whole safetensors file ({why})") from None
    weights = {name: value.astype(np.float32) for name, value in found.items()}
    for name, value in weights.items():
        check_finite(path, name, value)
    return weights


class Named:
    """Weights by name; what is missing, or of another shape, is said with the file's name."""

    def __init__(self, path: Path, weights: Mapping[str, Values], prefixes: tuple[str, ...] = ("",)) -> None:
        """prefixes: what may stand before all names."""
        self.path, self.weights = path, weights
        self.prefix = next((p for p in prefixes if p and any(name.startswith(p) for name in weights)), "")

    def has(self, name: str) -> bool:
        """Whether there are weights of that name."""
        return self.prefix + name in self.weights

    def take(self, name: str, *shape: int) -> Values:
        """The weights of a name; raises ArchsimError. A size of -1 goes with any."""
        full = self.prefix + name
        if full not in self.weights:
            from archsim.errors import did_you_mean

            raise ArchsimError(f"{self.path}: has no weights '{full}'. {did_you_mean(full, self.weights)}")
        found = self.weights[full]
        fits = len(found.shape) == len(shape) and all(b in (-1, a) for a, b in zip(found.shape, shape, strict=True))
        if not fits:
            raise ArchsimError(f"{self.path}: {full} has the shape {found.shape}; expected {shape}")
        return found
