"""Allotting copies: by hand, against brute force, and by a program that shares nothing with the exact methods."""

import json
import subprocess
import sys
from dataclasses import replace
from itertools import product
from math import ceil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.graph.job import make_job
from archsim.machine import load_machine
from archsim.mapping.milp import allot_by_program
from archsim.mapping.placement import place
from archsim.mapping.replication import Allotment, Goal, Work, allot, allot_by_bisection, allot_by_tiles
from tests.end_to_end.command import archsim

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 9), st.integers(1, 5))
LEAST = st.tuples(st.integers(0, 6), st.integers(0, 30), st.integers(0, 30))
WORKS = st.lists(st.tuples(SIZES, LEAST), min_size=1, max_size=4)
Sizes = list[tuple[tuple[int, int, int], tuple[int, int, int]]]


def made(sizes: Sizes) -> list[Work]:
    return [Work(str(at), *size, *least) for at, (size, least) in enumerate(sizes)]


def program(works: list[Work], tiles: int, goal: Goal) -> Allotment:
    found = allot_by_program(works, tiles, goal)
    assert found is not None
    return found


def test_by_hand() -> None:
    """12 vectors on 1 tile and 4 on 2, 5 tiles: 3 copies of the first and one of the second, 4 + 4 = 8; the other way
    round, 12 + 2 = 14, is worse."""
    works = [Work("a", 12, 1, 1), Work("b", 4, 1, 2)]
    assert allot_by_tiles(works, 5).copies == {"a": 3, "b": 1}
    assert allot(works, 5, "latency").copies == program(works, 5, "latency").copies == {"a": 3, "b": 1}
    assert allot(works, 5, "latency").latency == 8
    assert allot(works, 5, "throughput").slowest == program(works, 5, "throughput").slowest == 4
    assert allot(works, 5, "energy").copies == {"a": 1, "b": 1}


def test_copies_of_equal_effect_are_one_option() -> None:
    """10 vectors: 10, 5, 4, 3, 2 and 1 in turn, with 1, 2, 3, 4, 5 and 10 copies; transfers of 3 hide more."""
    assert Work("a", 10, 1, 1).options(100) == [1, 2, 3, 4, 5, 10]
    assert Work("a", 10, 1, 1, floor=3).options(100) == [1, 2, 3, 4]


def test_what_copies_do_not_shorten() -> None:
    """8 vectors of 2 ps on 2 copies: 8 ps, 9 with transfers of 9, then 5 of other work; an input each 20 at most."""
    assert Work("a", 8, 2, 1, rest=5).at(2) == 13
    assert Work("a", 8, 2, 1, rest=5, floor=9).at(2) == 14
    assert Work("a", 8, 2, 1, rest=5, floor=9).pace(2) == 9
    assert Work("a", 8, 2, 1, apart=20).pace(2) == 20


@settings(max_examples=100, deadline=None)
@given(WORKS, st.integers(0, 12))
def test_all_methods_find_what_brute_force_finds(sizes: Sizes, more: int) -> None:
    works = made(sizes)
    tiles = sum(work.tiles for work in works) + more
    every = [
        copies
        for copies in product(*(range(1, min(work.vectors, tiles // work.tiles) + 1) for work in works))
        if sum(n * work.tiles for n, work in zip(copies, works, strict=True)) <= tiles
    ]
    times = [[work.at(n) for n, work in zip(copies, works, strict=True)] for copies in every]
    assert allot_by_tiles(works, tiles).latency == min(map(sum, times))
    assert program(works, tiles, "latency").latency == min(map(sum, times))
    used = [sum(n * work.tiles for n, work in zip(copies, works, strict=True)) for copies in every]
    assert allot(works, tiles, "latency").tiles == min(zip(map(sum, times), used, strict=True))[1]
    paces = [[work.pace(n) for n, work in zip(copies, works, strict=True)] for copies in every]
    assert allot_by_bisection(works, tiles).slowest == min(map(max, paces))
    assert program(works, tiles, "throughput").slowest == min(map(max, paces))
    assert allot(works, tiles, "throughput").tiles == min(zip(map(max, paces), used, strict=True))[1]


def large(seed: int) -> tuple[list[Work], int]:
    """Works of 1e5 to 1e9 ps a product, up to 12,544 of them, and tiles for up to a thousand copies each."""
    rng = np.random.default_rng(seed)

    def least(most: int) -> int:
        return int(10 ** rng.uniform(3, most))

    works = [
        Work(f"{at}", int(rng.integers(1, 12_545)), int(10 ** rng.uniform(5, 9)), int(rng.integers(1, 64)), least(9))
        for at in range(int(rng.integers(2, 12)))
    ]
    works = [replace(work, floor=least(9), apart=least(9)) for work in works]
    return works, int(sum(work.tiles for work in works) * 10 ** rng.uniform(0, 3))


@pytest.mark.parametrize("goal", ["latency", "throughput"])
def test_a_program_is_close_at_the_sizes_of_networks(goal: Goal) -> None:
    """It computes in floats: never better than the exact copies, and never worse by more than a thousandth."""
    for seed in range(12):
        works, tiles = large(seed)
        best, other = allot(works, tiles, goal), program(works, tiles, goal)
        assert best.amount(goal) <= other.amount(goal) <= best.amount(goal) * 1.001
        assert max(best.tiles, other.tiles) <= tiles


@pytest.mark.parametrize("goal", ["latency", "throughput"])
def test_more_tiles_than_are_of_use_take_no_more_memory(goal: Goal) -> None:
    """10 vectors on 3 tiles and 4 on 5: 50 tiles are of use."""
    works = [Work("a", 10, 100, 3), Work("b", 4, 1_000, 5)]
    assert allot_by_tiles(works, 1 << 60).copies == {"a": 10, "b": 4}
    assert program(works, 1 << 30, goal).amount(goal) == allot(works, 1 << 30, goal).amount(goal)


def test_no_more_copies_than_the_longest_time_asks_for() -> None:
    """9 ps of what all inputs share: 12 vectors of 3 ps need 4 copies for that, 8 of 1 ps need one."""
    works = [Work("a", 12, 3, 1, apart=9), Work("b", 8, 1, 1)]
    found = allot(works, 100, "throughput")
    assert (found.slowest, found.copies, found.tiles) == (9, {"a": 4, "b": 1}, 5)


def test_the_program_prints_nothing() -> None:
    """Its solver is in C, and would print past Python: seen with other options in one of 270 such programs."""
    script = (
        "from tests.mapping.test_replication import large, program\n"
        "for seed in range(8):\n"
        "    for goal in ('latency', 'throughput'):\n"
        "        program(*large(seed), goal)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize(
    ("model", "bits", "latency", "throughput"),
    [("resnet-18", 6, 5.00, 12.5), ("resnet-18", 5, 8.48, 30.0), ("resnet-34", 6, 4.56, 15.6)],
)
def test_residual_networks_on_their_own_tiles(model: str, bits: int, latency: float, throughput: float) -> None:
    """Gains over 8 bits without copies, on as many tiles of 256 x 256 one-bit cells; nine rows a read, bit by bit.

    To the digits of an independent solution of the same program.
    """
    graph = load_model(model)

    def works(bits: int) -> list[Work]:
        return [
            Work(
                linear.key,
                linear.stream.length or 1,
                bits * min(ceil(linear.in_features / 9), 29),
                bits * ceil(linear.in_features / 256) * ceil(linear.out_features / 256),
            )
            for linear in graph.linears
        ]

    before, after = works(8), works(bits)
    tiles = sum(work.tiles for work in before)
    best = allot(after, tiles, "latency")
    assert best.latency == program(after, tiles, "latency").latency
    assert sum(work.at(1) for work in before) / best.latency == pytest.approx(latency, abs=0.006)
    fastest = allot_by_bisection(after, tiles)
    assert program(after, tiles, "throughput").slowest == fastest.slowest
    assert max(work.at(1) for work in before) / fastest.slowest == pytest.approx(throughput, abs=0.06)


def test_too_few_tiles_name_the_fewest_that_do() -> None:
    with pytest.raises(ArchsimError, match=r"7 tiles hold one copy of each projection, there are 6\. Try 7 tiles\."):
        allot([Work("a", 3, 1, 3), Work("b", 3, 1, 4)], 6, "latency")


def test_the_command_takes_settings_and_says_them_in_the_file(tmp_path: Path) -> None:
    """A weight of 4 bits takes half the tiles of 8: 4 a copy, and 8 for the second with its two rows of tiles."""
    layers = "layers: [conv: {out: 8, kernel: 3}, linear: {out: 4}]\n"
    (tmp_path / "net.yaml").write_text("schema: archsim.network/1\nname: net\ninput: [3, 8, 8]\n" + layers)
    words = ("lrmp_chip", "net.yaml", "--tiles", "36", "--set", "precision.weights=4 b")
    done = archsim("optimize", *words, "--json", "--out", "best.yaml", folder=tmp_path)
    found = json.loads(done.stdout)
    assert (found["copies"], found["tiles_used"]) == ({"1 conv/product": 6, "2 linear/product": 1}, 6 * 4 + 8)
    note = 'note: "copies for 32 of 36 tiles, by archsim optimize --set precision.weights=4 b"'
    assert note in (tmp_path / "best.yaml").read_text()
    wrong = archsim("optimize", *words[:4], "--set", "precision.weight=4 b", folder=tmp_path)
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "precision.weight: unknown key. Did you mean 'weights'?" in wrong.stderr


def test_copies_of_a_projection_go_before_those_of_its_layer() -> None:
    copies = "mapping.copies={1 conv/product: 2, 1 conv: 5, 2 conv: 3}"
    graph = load_model("resnet-18")
    placed = place(load_machine("lrmp_chip", (copies,)), graph, make_job(graph, "prefill", None, 0, 1)).placed
    assert [placed[f"{number} conv/product"].tiling.copies for number in (1, 2, 3)] == [2, 3, 1]


def test_the_command_writes_a_mapping_that_is_as_fast_as_it_says(tmp_path: Path) -> None:
    """One line for each projection; running the machine with the file gives the latency printed before."""
    layers = "layers: [conv: {out: 8, kernel: 3}, linear: {out: 4}]\n"
    (tmp_path / "net.yaml").write_text("schema: archsim.network/1\nname: net\ninput: [3, 8, 8]\n" + layers)
    words = ("lrmp_chip", "net.yaml", "--tiles", "72")
    done = archsim("optimize", *words, "--json", "--out", "best.yaml", folder=tmp_path)
    found = json.loads(done.stdout)
    assert found["copies"] == {"1 conv/product": 6, "2 linear/product": 1}  # 36 pixels: 7 are no faster than 6
    assert found["tiles_used"] == 6 * 8 + 16  # a tile for each bit of a weight; the second has two rows of tiles
    ran = json.loads(
        archsim("run", "lrmp_chip", "net.yaml", "--mapping", "best.yaml", "--json", folder=tmp_path).stdout
    )
    assert (
        ran["latency_s"]
        == found["simulated"]["latency of a run"]["after"]
        < found["simulated"]["latency of a run"]["before"]
    )
    narrow = ("--bits", "w4a2", "--baseline", "--objective", "energy", "--out", "narrow.yaml", "--json")
    least = json.loads(archsim("optimize", "lrmp_chip", "net.yaml", *narrow, folder=tmp_path).stdout)
    assert least["copies"] == {"1 conv/product": 1, "2 linear/product": 1}
    assert least["tiles_used"] == 4 + 8
    assert least["simulated"]["energy"]["before"] == found["simulated"]["energy"]["before"]
    play = ("run", "lrmp_chip", "net.yaml", "--mapping", "narrow.yaml", "--json")
    ran = json.loads(archsim(*play, folder=tmp_path).stdout)
    assert ran["energy_j"] == least["simulated"]["energy"]["after"] < least["simulated"]["energy"]["before"]
    wide = archsim("optimize", "lrmp_chip", "net.yaml", "--bits", "w9a8", folder=tmp_path)
    assert wide.stderr == "1 conv/product: found w9a8; expected at most w8a8, what lrmp_chip has\n"
    few = archsim("optimize", "lrmp_chip", "net.yaml", "--tiles", "2", folder=tmp_path)
    assert few.stderr == "24 tiles hold one copy of each projection, there are 2. Try 24 tiles.\n"
    assert (few.returncode, few.stdout) == (1, "")
