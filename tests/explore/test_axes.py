from collections.abc import Iterator
from typing import Any

import pytest

from archsim.explore.axes import Axis, axis
from archsim.explore.reader import Reader
from archsim.explore.sampling import Sampling, choices, size
from archsim.machine.source import parse


def read(text: str) -> tuple[Axis | None, list[str]]:
    document = parse(f"x: {text}\n", "study.yaml")
    data: Any = document.data
    reader = Reader(document)
    found = axis(reader, "x", data["x"], ("x",))
    return found, [fault.message for fault in reader.faults]


def labels(text: str) -> list[str]:
    found, faults = read(text)
    assert faults == []
    assert found is not None
    return [level.label for level in found.levels]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8 b", ["8 b"]),
        ("[4 b, 6 b]", ["4 b", "6 b"]),
        ("{from: 4, to: 10, step: 3}", ["4", "7", "10"]),
        ("{from: 4, to: 11, step: 3}", ["4", "7", "10"]),
        ("{from: 0.1 ns, to: 0.3 ns, step: 0.1 ns}", ["0.1 ns", "0.2 ns", "0.3 ns"]),
        ("{from: 16, to: 1024, log: 7}", ["16", "32", "64", "128", "256", "512", "1024"]),
        ("{from: 1.0 ns, to: 10 ns, log: 3}", ["1.0 ns", "3.162 ns", "10 ns"]),
        ("{from: 100 MHz, to: 1 GHz, log: 3}", ["100 MHz", "316 MHz", "1000 MHz"]),
        ("{from: 0.5 KiB, to: 1 KiB, step: 256 B}", ["0.50 KiB", "0.75 KiB", "1.00 KiB"]),
        ("{from: 1, to: 3, log: 5}", ["1", "2", "3"]),  # 1.3, 1.7, 2.3: whole ones, each once
        ("{from: 16 b, to: 100 b, times: 2}", ["16 b", "32 b", "64 b"]),
        ("[{size: 1 KiB}]", ['{"size": "1 KiB"}']),
    ],
)
def test_values(text: str, expected: list[str]) -> None:
    assert labels(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "found 0 values"),
        ("[4 b, 4 b]", "found '4 b' twice"),
        ("{from: 4, to: 2, step: 1}", "less than '4'"),
        ("{from: 4, to: 8}", "expected one of 'step', 'times' and 'log'"),
        ("{from: 4, to: 8, step: 0}", "expected more than 0"),
        ("{from: 4 b, to: 8, step: 2 b}", "found '8'; expected a unit of the kind of 'b'"),
        ("{from: 4 b, to: 8 b, step: 2}", "found '2'; expected a unit of the kind of 'b'"),
        ("{from: 4, to: 8 b, step: 2}", "found '8 b'; expected no unit"),
        ("{from: 4 ns, to: 8 nJ, log: 3}", "found '8 nJ'; expected a unit of the kind of 'ns'"),
        ("{from: 0, to: 8, log: 3}", "expected more than 0 with 'log'"),
        ("{from: 1, to: 8, log: 1}", "expected how many values"),
        ("{from: 1, to: 8, times: 1}", "expected a number above 1"),
        ("{from: x, to: 8, step: 1}", "found 'x'; expected a number"),
        ("{form: 1, to: 8, step: 1}", "Did you mean 'from'?"),
        ("{zip: {a: [1, 2], b: [1]}}", "has 1 values, 'a' has 2"),
        ("{zip: 3}", "expected keys, each with its values"),
    ],
)
def test_what_is_no_axis(text: str, said: str) -> None:
    _, faults = read(text)
    assert any(said in fault for fault in faults), faults


def test_keys_that_change_together() -> None:
    found, faults = read("{zip: {a: [1, 2], b: {from: 10, to: 20, step: 10}}}")
    assert (found is not None, faults) == (True, [])
    assert found is not None
    assert [level.values for level in found.levels] == [(("a", "1"), ("b", "10")), (("a", "2"), ("b", "20"))]


def test_a_grid_changes_the_last_axis_first() -> None:
    assert list(choices(Sampling(), (2, 3))) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]


@pytest.mark.parametrize("kind", ["random", "latin_hypercube"])
def test_drawn_points_are_different_and_repeat(kind: str) -> None:
    def draw(seed: int) -> Iterator[tuple[int, ...]]:
        return choices(Sampling(kind, 12, seed), (5, 7, 3))

    found = list(draw(1))
    assert found == list(draw(1))
    assert found != list(draw(2))
    assert len(set(found)) == len(found) <= size(Sampling(kind, 12, 1), (5, 7, 3)) == 12
    assert all(0 <= level < of for choice in found for level, of in zip(choice, (5, 7, 3), strict=True))


def test_a_latin_hypercube_meets_every_level() -> None:
    """12 strips over 4 levels: 3 points fall on each level of each axis."""
    found = list(choices(Sampling("latin_hypercube", 12, 3), (4, 12)))
    assert sorted(second for _, second in found) == list(range(12))
    assert [sum(first == level for first, _ in found) for level in range(4)] == [3, 3, 3, 3]


def test_more_random_points_than_there_are_is_the_grid() -> None:
    assert list(choices(Sampling("random", 99, 1), (2, 2))) == list(choices(Sampling(), (2, 2)))
