"""What a config says, as numbers; wrong ones are left to the check of all sizes."""

from typing import Any

from archsim.errors import quoted

_LONGEST = 2_000
"""Layers of which a list is made."""


class UnfitKeyError(ValueError):
    """A config's key whose value does not fit; the message says what was found and expected."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}")
        self.key = key


def whole(given: object, otherwise: int = 0) -> int:
    """A whole number; `otherwise` for what is absent or none."""
    return int(str(given)) if str(given).isdigit() else otherwise


def truth(given: object, *, otherwise: bool = False) -> bool:
    """`true` or `false`; `otherwise` for what is absent."""
    return {"true": True, "false": False}.get(str(given), otherwise)


def layers_of(made: dict[str, Any]) -> range:
    """Numbers of a model's layers; none where they are too many, which is refused with the other sizes."""
    number = whole(made.get("layers"))
    return range(number if number <= _LONGEST else 0)


def listed(data: dict[str, Any], key: str) -> list[int] | None:
    """A list of whole numbers; None where there is none. Raises UnfitKeyError for other entries."""
    entries = data.get(key)
    if not isinstance(entries, list):
        return None
    wrong = next((entry for entry in entries if not str(entry).isdigit()), None)
    if wrong is not None:
        raise UnfitKeyError(key, f"found {quoted(str(wrong))}; expected whole numbers")
    return [int(str(entry)) for entry in entries]


def rotated_layers(data: dict[str, Any], layers: range) -> list[int]:
    """Layers with rotary positions, by `no_rope_layers` (1 for each that has them) or `no_rope_layer_interval`.

    Raises UnfitKeyError for a list that is too short.
    """
    marks = listed(data, "no_rope_layers")
    if marks:
        if len(marks) < len(layers):
            raise UnfitKeyError("no_rope_layers", f"found {len(marks)} layers; expected {len(layers)}")
        return [layer for layer in layers if marks[layer]]
    every = whole(data.get("no_rope_layer_interval"), 4)
    return [layer for layer in layers if not every or (layer + 1) % every]


def texts(numbers: list[int]) -> list[str]:
    """As a file has them."""
    return [str(number) for number in numbers]
