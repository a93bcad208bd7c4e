"""Changes of sound files: of bytes, of the fields of a binary header, of trees of lists, mappings and scalars."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

WHOLE = (0, -1, 1, 2, 3, 7, 64, 255, 256, 65_537, 10**6, 1 << 24, 1 << 31, (1 << 32) + 1, 1 << 40, 1 << 62)
"""Whole numbers that a field may have in place of its own; all fit 64 bits."""
FLOATS = (0.0, -1.0, 0.5, 1.5, 1e-30, 1e30, float("nan"), float("inf"), float("-inf"))
WORDS = ("", "x", " ", "0", "-1", "null", "a\nb", "a\0b", "é", "..", "../x", "/etc/hostname", "a" * 300, "a" * 20_000)
_HUGE = (10**20, 10**400, -(1 << 63), 1e400, -1e400)


def change_bytes(random: Random, raw: bytes) -> bytes:
    """A few bytes of a file changed, cut, repeated or added, more often near its beginning."""
    data = bytearray(raw)
    for _ in range(random.choice((1, 1, 1, 2, 4, 10))):
        if not data:
            break
        at = random.randrange(min(len(data), random.choice((16, 64, 256, 2000, len(data)))))
        length = random.choice((1, 2, 4, 8, 40, 200))
        match random.randrange(8):
            case 0 | 1:
                data[at] ^= 1 << random.randrange(8)
            case 2:
                data[at] = random.choice((0, 1, 10, 127, 128, 255))
            case 3:
                del data[random.randrange(len(data)) :]
            case 4:
                del data[at : at + length]
            case 5:
                data[at:at] = random.randbytes(length)
            case 6:
                start = random.randrange(len(data))
                data[at:at] = data[start : start + length]
            case 7:
                data[at : at + 8] = (random.choice(WHOLE) & (1 << 64) - 1).to_bytes(8, "little")
    return bytes(data)


def change_fields(random: Random, raw: bytes, fields: Sequence[tuple[int, int]]) -> bytes:
    """Other whole numbers in one or two fields of a binary header; a field: its first byte, and how many it has."""
    data = bytearray(raw)
    for start, size in random.choices(fields, k=random.choice((1, 1, 2))):
        old = int.from_bytes(data[start : start + size], "little")
        new = random.choice((*WHOLE, old + 1, old - 1, old * 2, old // 2))
        data[start : start + size] = (new & (1 << 8 * size) - 1).to_bytes(size, "little")
    return bytes(data)


def change_tree(random: Random, tree: Any, *, text: bool) -> Any:  # noqa: ANN401 - of any type
    """One to three values or keys of a tree changed. text: scalars are texts, as in YAML before it is interpreted."""
    tree = copy.deepcopy(tree)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        places = list(_places(tree))
        if not places:
            return _other(random, tree, text=text)
        above, step = random.choice(places)
        donor_above, donor = random.choice(places)
        match random.randrange(10):
            case 0 | 1 | 2 | 3:
                above[step] = _other(random, above[step], text=text)
            case 4:
                del above[step]
            case 5:
                above[step] = copy.deepcopy(donor_above[donor])
            case 6:
                above[step] = random.choice(([above[step]], {"value": above[step]}, [above[step]] * 3))
            case 7 if isinstance(above, dict):
                name = random.choice((*WORDS, *(str(step) for _, step in random.choices(places, k=8))))
                above[name] = above.pop(step)
            case 8 if isinstance(above, dict):
                above[str(donor)] = copy.deepcopy(donor_above[donor])
            case 9 if isinstance(above, list):
                above += copy.deepcopy(above) * random.choice((1, 1, 1, 9))
            case _:
                above[step] = _other(random, above[step], text=text)
    return tree


def _places(tree: Any) -> Any:  # noqa: ANN401 - pairs of a list or mapping and an index or key
    waiting = [tree]
    while waiting:
        above = waiting.pop()
        steps = list(above) if isinstance(above, dict) else range(len(above)) if isinstance(above, list) else ()
        for step in steps:
            yield above, step
            waiting.append(above[step])


def _other(random: Random, old: Any, *, text: bool) -> Any:  # noqa: ANN401
    """Something else in place of a value: more often of its own kind."""
    number = _number(old)
    if number is not None and random.random() < 0.6:
        near = (number + 1, number - 1, number * 2, number // 2, -number, number * 1000)
        value: Any = random.choice((*WHOLE, *near, *FLOATS, *_HUGE))
        return str(value) if text else value
    if isinstance(old, str) and random.random() < 0.4:
        return random.choice((old[:-1], f"{old}x", f"{old} {old}", old.upper(), *WORDS))
    scalars = (None, True, False, *WORDS, *WHOLE, *FLOATS, *_HUGE)
    value = random.choice(scalars)
    if text:
        value = {None: "~", True: "true", False: "false"}.get(value, str(value))
    return random.choice((value, value, value, [], {}, [value], {"x": value}, _deep(random), [value] * 500))


def _number(value: Any) -> float | None:  # noqa: ANN401
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _deep(random: Random) -> Any:  # noqa: ANN401
    nested: Any = []
    for _ in range(random.choice((10, 45, 900))):
        nested = [nested] if random.random() < 0.5 else {"x": nested}
    return nested
