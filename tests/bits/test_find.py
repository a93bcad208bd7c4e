"""`archsim optimize` with weights and pictures: bits and copies, judged, written, and read again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from safetensors.numpy import load_file, save_file

from archsim.cli import main
from archsim.graph import load_model
from archsim.machine import load_machine
from archsim.machine.load import change
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.machine_arithmetic import MachineArithmetic
from archsim.values.pictures import load_pictures
from archsim.values.quantised import QuantisedArithmetic

if TYPE_CHECKING:
    from pathlib import Path

MODEL = """
schema: archsim.network/1
name: small
input: 16
layers: [linear: {out: 24}, tanh, linear: {out: 4}]
"""


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """A network that tells which quarter of 4 x 4 pixels is brightest, and 80 such pictures."""
    rng = np.random.default_rng(0)
    labels = np.arange(80) % 4
    images = rng.integers(0, 60, (80, 4, 4), np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[label] += np.uint8(150)  # a quarter is a row
    rows = np.repeat(np.eye(4, dtype=np.float32), 4, axis=1)
    weights = {
        "1.weight": np.tile(rows, (6, 1)) + rng.normal(0, 0.1, (24, 16)).astype(np.float32),
        "1.bias": np.zeros(24, np.float32),
        "2.weight": np.tile(np.eye(4, dtype=np.float32), 6),
        "2.bias": np.zeros(4, np.float32),
    }
    save_file(weights, tmp_path / "small.safetensors")
    np.savez(tmp_path / "small.npz", images=images, labels=labels)
    (tmp_path / "small.yaml").write_text(MODEL)
    places = {name: str(tmp_path / f"small.{name}") for name in ("yaml", "safetensors", "npz")}
    return [places["yaml"], "--weights", places["safetensors"], "--images", places["npz"]]


def optimize(*more: str, machine: str = "lrmp_chip") -> tuple[int, str]:
    done = CliRunner().invoke(main, ["optimize", machine, *more])
    return done.exit_code, done.output


def test_a_folder_without_files_is_said(files: list[str], tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for option, said in (
        ("--weights", f"{empty / 'model.safetensors'}: no such file; expected a safetensors file (.safetensors)"),
        ("--images", f"{empty}: is a folder; expected a file .npz of images and labels, as numpy.savez writes it"),
    ):
        words = list(files)
        words[words.index(option) + 1] = str(empty)
        assert optimize(*words) == (1, f"{said}\n")


def test_bits_are_found_judged_and_written(files: list[str], tmp_path: Path) -> None:
    """What the file says is what is played: its machine takes as long as the run after."""
    out = tmp_path / "found.yaml"
    code, text = optimize(*files, "--evaluations", "30", "--out", str(out), "--json")
    assert code == 0, text
    found = json.loads(text)
    written = yaml.safe_load(out.read_text())
    assert (written["schema"], written["machine"], written["model"]) == ("archsim.mapping/1", "lrmp_chip", "small")
    bits = found["bits"]
    given = written["mapping"]["bits"]
    assert {key: {name: int(text.split()[0]) for name, text in each.items()} for key, each in given.items()} == bits
    assert min(each["inputs"] for each in bits.values()) < 8
    search = found["search"]
    assert (search["allowed"], search["accuracy_drop"]) == (True, 0.01)
    assert search["evaluations"] <= 30
    assert search["gain"] > 1.2
    assert found["accuracy"]["lost"]["number"] == 40
    done = CliRunner().invoke(main, ["run", "lrmp_chip", files[0], "--mapping", str(out), "--json"])
    latency = json.loads(done.stdout)["latency_s"]
    assert latency == found["simulated"]["latency of a run"]["after"] < found["simulated"]["latency of a run"]["before"]


def test_the_table_says_what_was_lost_and_gained(files: list[str]) -> None:
    code, text = optimize(*files, "--evaluations", "12", "--objective", "energy", "--search", "random")
    assert code == 0, text
    for piece in ("bits.1_linear/product", "lost_from_8_bits", "search.choices_measured", "12", "gains.energy"):
        assert piece in text


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--weights", "x"], "--weights and --images go together"),
        (["--weights", "x", "--images", "y", "--bits", "w6a6"], "Try one of them"),
        (["--accuracy-drop", "2 cents"], "found '2 cents'; expected a share, such as 1% or 0.01"),
        (["--accuracy-drop", "120%"], "found '120%'; expected a share"),
        (["--search", "tpee"], "Did you mean 'tpe'"),
        (["--weights", "x", "--images", "y", "--baseline"], "--baseline is what a search compares with anyway"),
        (["--accuracy-drop", "1%"], "--accuracy-drop is of a search of bits. Add --weights and --images"),
        (["--search", "greedy"], "--search is of a search of bits. Add --weights and --images"),
        (["--evaluations", "150"], "--evaluations is of a search of bits. Add --weights and --images"),
        (["--seed", "1"], "--seed is of a search of bits. Add --weights and --images"),
    ],
)
def test_mistakes_are_told(files: list[str], more: list[str], message: str) -> None:
    code, text = optimize(files[0], *more)
    assert code != 0
    assert message in " ".join(text.split())


def test_functions_are_those_of_the_model(files: list[str], tmp_path: Path) -> None:
    """A file of weights says nothing of them."""
    raw, images = load_file(tmp_path / "small.safetensors"), np.load(tmp_path / "small.npz")["images"]
    x = images.reshape(80, 16).astype(np.float32) / np.float32(255) @ raw["1.weight"].T
    for name, function in (("tanh", np.tanh), ("hardswish", lambda x: x * np.clip(x / 6 + 0.5, 0, 1))):
        (tmp_path / "small.yaml").write_text(MODEL.replace("tanh", name))
        pictures = load_pictures(
            tmp_path / "small.safetensors", tmp_path / "small.npz", load_model(tmp_path / "small.yaml")
        )
        assert np.allclose(pictures.logits(FloatArithmetic()), function(x) @ raw["2.weight"].T, atol=1e-4)
    code, text = optimize(*files, "--evaluations", "4")
    assert code == 0, text


def test_a_model_that_is_no_network_of_pictures(files: list[str]) -> None:
    code, text = optimize("gpt2", *files[1:])
    assert code == 1
    assert "gpt2: found tokens [None]; expected a network of pictures" in " ".join(text.split())


def test_fewer_bits_may_take_more_tiles(files: list[str]) -> None:
    """On ISAAC a core's register holds the outputs of 8 bits, not of as many columns as 2 bits have: no search ends."""
    code, text = optimize(*files, "--evaluations", "12", machine="isaac")
    assert code == 0, text


def test_projections_of_digital_units_are_told(files: list[str]) -> None:
    """A share of 0 leaves a projection in arrays, and is searched as any."""
    words = ["optimize", "hetero_512", *files, "--evaluations", "2", "--set"]
    done = CliRunner().invoke(main, [*words, "mapping.digital={1 linear: 1}"])
    assert done.exit_code == 1
    said = ":1:9  found mapping.digital, but bits are searched for projections in arrays; expected none. Try --set"
    assert said in done.output, done.output
    assert CliRunner().invoke(main, [*words, "mapping.digital={1 linear: 0}"]).exit_code == 0


@pytest.mark.parametrize("goal", ["latency", "throughput"])
def test_a_billion_tiles_are_no_more_than_are_of_use(files: list[str], goal: str) -> None:
    """One picture has one vector: copies are of no use, and the tiles of 8 bits enough."""
    code, text = optimize(*files, "--evaluations", "12", "--objective", goal, "--tiles", "1000000000", "--json")
    assert code == 0, text
    found = json.loads(text)
    assert (set(found["copies"].values()), found["tiles"]) == ({1}, 10**9)
    assert found["tiles_used"] <= 2 * 8


def test_too_few_tiles_are_told(files: list[str]) -> None:
    """Two projections of one block each: 2 tiles a bit, 2 bits at least."""
    code, text = optimize(*files, "--tiles", "3")
    assert code != 0
    assert "take 4 tiles with the fewest bits" in " ".join(text.split())


def test_arrays_with_fewer_bits_are_exact_where_converters_are() -> None:
    """9 rows of one bit give 0 to 9, for which 4 bits are enough: products are those of exact integers."""
    setting = 'mapping.bits={"1 linear": {"weights": "5 b", "inputs": "3 b"}}'
    rng = np.random.default_rng(0)
    weight, x = rng.normal(size=(7, 300)).astype(np.float32), rng.normal(size=(6, 300)).astype(np.float32)
    exact = QuantisedArithmetic(bits={"1 linear/product": (5, 3)}).linear("1 linear/product", weight, None)(x)
    arithmetic = MachineArithmetic(change(load_machine("lrmp_chip"), (setting,)))
    assert np.allclose(arithmetic.linear("1 linear/product", weight, None)(x), exact, atol=1e-5)


def test_a_machine_computes_with_the_bits_of_its_file() -> None:
    """A layer's name stands for all its projections."""
    machine = change(load_machine("lrmp_chip"), ('mapping.bits={"1 linear": {"weights": "3 b"}}',))
    arithmetic = MachineArithmetic(machine)
    for key in ("1 linear/product", "2 linear/product"):
        arithmetic.linear(key, np.ones((2, 3), np.float32), None)
    assert arithmetic.bits == {"1 linear/product": (3, 8)}
