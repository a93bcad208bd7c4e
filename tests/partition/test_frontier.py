"""Choices on a real model: measured, simulated, written as mapping files that run."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from archsim import load_machine, load_model
from archsim.cli import main
from archsim.graph.job import make_job
from archsim.machine import Machine
from archsim.partition.frontier import Wanted, partition
from archsim.partition.measure import Measure
from archsim.partition.placing import placed, run
from archsim.profile.profile import profile
from archsim.profile.replay import Replay
from archsim.values.machine_arithmetic import MachineArithmetic
from archsim.values.tasks import load_task


@pytest.fixture(scope="module")
def made(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder with what the commands write for stories260K, one story, one seed."""
    folder = tmp_path_factory.mktemp("partition")
    story = (data_dir / "text/tinystories_sample.txt").read_text().split("<|endoftext|>")[0].strip()
    (folder / "story.txt").write_text(story[:300])
    words = [str(data_dir / "llama2c/stories260K.bin"), "--machine", "hetero_512", "--text", str(folder / "story.txt")]
    known = ["--out", str(folder / "profile.json"), "--seeds", "1", "--processes", "1"]
    done = CliRunner().invoke(main, ["profile", *words, *known])
    assert done.exit_code == 0, done.output
    tried = ["--profile", str(folder / "profile.json"), "--seeds", "1", "--seq", "16", "--out", str(folder / "out")]
    done = CliRunner().invoke(main, ["partition", *words, *tried])
    assert done.exit_code == 0, done.output
    return folder, json.loads((folder / "out/frontier.json").read_text())


def test_ends(made: tuple[Path, dict[str, Any]]) -> None:
    points = {point["name"]: point for point in made[1]["points"]}
    none, every = points["all-analog"], points["all-digital"]
    assert (none["analog_mac_share"], none["digital_weight_bits"], none["recovered"]) == (1.0, 0, 0.0)
    assert every["analog_mac_share"] == 0.0
    assert every["recovered"] > 0.9
    assert {point["strategy"] for point in points.values()} == {"bound", "first-last", "sensitivity", "analytical"}
    assert any(point["frontier"] for point in points.values())
    digital, arrays = made[1]["sides"]["digital"], made[1]["sides"]["arrays"]
    # 2,048 lanes at 1 GHz, for which 64 banks bring 256 / 9 weights a ns each; 0.333 pJ, and 9 of 256 bits for 17.25 pJ
    assert digital["ops_per_s"] == pytest.approx(2 * 64 * 256 / 9 * 1e9)
    assert digital["energy_per_mac_j"] == pytest.approx(0.333e-12 + 17.25e-12 * 9 / 256)
    # 14.46 nJ for 512 x 512 weights; 38 tiles of 13.11 Tera-operations a second
    assert (arrays["rows"], arrays["outputs"], arrays["clip"]) == (512, 512, 2.5)
    assert arrays["energy_per_mac_j"] == pytest.approx(14.46e-9 / 512**2, rel=1e-3)
    assert arrays["ops_per_s"] == pytest.approx(38 * 13.11e12, rel=1e-3)
    assert (made[0] / "out/frontier.svg").stat().st_size > 1000


def test_a_point_is_what_its_file_gives(made: tuple[Path, dict[str, Any]], data_dir: Path) -> None:
    """The mapping file of a point plays to its figures, and `evaluate` finds its perplexity by the same seed."""
    folder, found = made
    model = data_dir / "llama2c/stories260K.bin"
    point = next(each for each in found["points"] if each["name"] == "sensitivity-10.0%")
    file = folder / "out/sensitivity-10.0.yaml"
    words = ["run", "hetero_512", str(model), "--seq", "16", "--mapping", str(file), "--json"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["energy_j"] == point["energy_j"]
    assert result["latency_s"] == point["latency_s"]
    assert "by archsim partition --seq 16" in file.read_text()
    assert (found["seq"], found["first_seed"], found["seeds"]) == (16, 1, 1)
    task = load_task(model, folder / "story.txt")
    # the point has seed 1, since the profile had 0; only products are not in float
    machine = load_machine("hetero_512", mapping=file)
    second = task.run(MachineArithmetic(machine, 1, exact=("tables", "formats", "outputs"))).perplexity
    assert found["ppl_float"] + point["delta_ppl"]["mean"] == pytest.approx(second, rel=1e-4)


def test_choices_are_not_made_with_the_seeds_that_measure_them(
    made: tuple[Path, dict[str, Any]], data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The profile had seed 0: by it `macs` tries six layers in turn; with others only points are measured."""
    used = []

    def watched(machine: Machine, seed: int) -> MachineArithmetic:
        used.append(seed)
        return MachineArithmetic(machine, seed)

    monkeypatch.setattr("archsim.partition.measure.MachineArithmetic", watched)
    model = data_dir / "llama2c/stories260K.bin"
    graph, task = load_model(str(model)), load_task(model, made[0] / "story.txt")
    wanted = Wanted(tried=("macs",), granularity="layer", threshold=0.05, seeds=2)
    known = json.loads((made[0] / "profile.json").read_text())
    found = partition(load_machine("hetero_512"), graph, make_job(graph, "prefill", 16, 0, 1), task, known, wanted)
    assert (used.count(0), used.count(1), used.count(2)) == (6, len(found["points"]), len(found["points"]))
    assert len(used) == used.count(0) + used.count(1) + used.count(2)


def test_mistakes(made: tuple[Path, dict[str, Any]], data_dir: Path) -> None:
    model, text = data_dir / "llama2c/stories260K.bin", made[0] / "story.txt"
    words = ["partition", str(model), "--machine", "hetero_512", "--text", str(text)]
    for more, said in (
        (["--strategy", "sensitivty"], "Did you mean 'sensitivity'"),
        (["--granularity", "chanel"], "Did you mean 'channel'"),
        (["--profile", str(text)], "broken JSON"),
        (["--accuracy-drop", "1 %%"], "expected"),
        (["--set", "mapping.digital={head: 1}"], "found mapping.digital, which partition is to find; expected none"),
    ):
        done = CliRunner().invoke(main, [*words, *more])
        assert done.exit_code != 0
        assert said in done.output, done.output
        assert "Traceback" not in done.output
    words[3] = "isaac"
    done = CliRunner().invoke(main, [*words, "--profile", str(made[0] / "profile.json"), "--seeds", "1"])
    assert done.exit_code == 1
    assert "has no digital units for projections" in done.output


def test_a_profile_of_something_else(made: tuple[Path, dict[str, Any]], data_dir: Path) -> None:
    """Of another machine, of other settings, of another model, or not whole: a line, before anything is run."""
    model, text = data_dir / "llama2c/stories260K.bin", made[0] / "story.txt"
    known = json.loads((made[0] / "profile.json").read_text())
    words = ["partition", str(model), "--text", str(text), "--machine", "hetero_512"]
    for changed, more, said in (
        ({}, ["--set", "mapping.clip=3"], "is of hetero_512 with other settings; expected hetero_512 as it is here"),
        ({"machine": "isaac", "machine_digest": "0"}, [], "is of another machine, isaac; expected hetero_512"),
        ({"model": "stories3M.bin"}, [], "is of stories3M.bin; expected one of stories260K"),
        ({"projections": known["projections"][1:]}, [], "expected one of stories260K: "),
        ({"projections": [{}]}, [], "the profile is not whole ('key')"),
        ({"projections": known["projections"] * 2}, [], "the profile is not whole (a projection stands there twice)"),
        ({"baseline": {"nll": "0.5"}}, [], "the profile is not whole ("),
        ({"tokens": 5}, [], "is of another text: 5 predicted tokens"),
        ({"baseline": {"nll": 9.0}}, [], "9.0000 nats each; here are"),
        ({"seeds": "x"}, [], "the profile has 'x' seeds; expected a whole number"),
    ):
        file = made[0] / "other.json"
        file.write_text(json.dumps(known | changed))
        done = CliRunner().invoke(main, [*words, "--profile", str(file), *more])
        assert done.exit_code == 1
        assert said in done.output, done.output


def test_what_has_no_room_is_left_out(made: tuple[Path, dict[str, Any]], data_dir: Path) -> None:
    """A bank of 64 KiB holds 58,254 weights of 9 bits: the first projection and the head (8,192 + 32,768), not all.

    Of what leaves little harm nothing has room; what the integer program chooses has.
    """
    machine = load_machine("hetero_512", ("modules.chiplet.parts.bank=1",))
    model = data_dir / "llama2c/stories260K.bin"
    graph, task = load_model(str(model)), load_task(model, made[0] / "story.txt")
    known = json.loads((made[0] / "profile.json").read_text()) | {"machine_digest": machine.digest}
    found = partition(machine, graph, make_job(graph, "prefill", 16, 0, 1), task, known, Wanted(seeds=1))
    assert "all-digital" in found["without_room"]
    assert "first-last" in [point["name"] for point in found["points"]]
    assert all(point["digital_weight_bits"] <= 64 * 1024 * 8 for point in found["points"])
    chosen = [point["name"] for point in found["points"] if point["strategy"] == "analytical"]
    assert "energy-75%" in chosen
    assert "energy-5%" in found["without_room"]


def test_room_is_that_of_each_chip(data_dir: Path) -> None:
    """Chips of 8 tiles and 524,288 b for digital weights; layers of five tiles and 45,312 weights of 9 b, 407,808 b.

    Layers 0 and 3 digital: layer 0 is at tile 0, and layer 3 behind layers 1 and 2, at tile 10, on chip 1. Layers 0 and
    1 are both on chip 0.
    """
    machine = load_machine("hetero_512", ("modules.chiplet.parts.bank=1", "modules.chiplet.parts.tile=8"))
    graph = load_model(str(data_dir / "llama2c/stories260K.bin"))
    job = make_job(graph, "prefill", 16, 0, 1)
    measure = Measure(machine, graph, job, Replay.__new__(Replay), range(1))  # nothing is computed on values

    def fit(*layers: int) -> bool:
        return measure.fits({each.key: 1.0 for each in graph.linears if each.layer in {f"layer {n}" for n in layers}})

    assert [fit(0), fit(0, 3), fit(0, 1)] == [True, True, False]
    assert measure.room == 4 * 524_288


@pytest.mark.slow
def test_few_digital_projections_win_most_back(data_dir: Path) -> None:
    """On a machine on which stories3M loses most of its sense, with a tenth of the products digital at most.

    Some choice wins back nine tenths of the perplexity; and some beats the first and the last projection in accuracy,
    energy and latency at once.
    """
    machine, model = load_machine("hetero_512"), data_dir / "llama2c/stories3M-q80.bin"
    task = load_task(model, data_dir / "text/stories3M_sampled_tokens.npy", limit=3)
    graph = load_model(str(model))
    job = make_job(graph, "prefill", 64, 0, 1)
    found = partition(machine, graph, job, task, profile(machine, task, 2, workers=2), Wanted(seeds=2))
    points = {point["name"]: point for point in found["points"]}
    assert points["all-analog"]["delta_ppl"]["mean"] > found["ppl_float"]
    assert any(each["recovered"] >= 0.9 and each["analog_mac_share"] >= 0.9 for each in points.values())
    rule = points["first-last"]
    better = [each for each in points.values() if each["delta_ppl"]["mean"] < rule["delta_ppl"]["mean"] / 2]
    assert any(each["energy_j"] < rule["energy_j"] and each["latency_s"] < rule["latency_s"] for each in better)


def test_channels(made: tuple[Path, dict[str, Any]], data_dir: Path) -> None:
    """By channels too: prices are of shares, and what is chosen can be run."""
    machine, model = load_machine("hetero_512"), data_dir / "llama2c/stories260K.bin"
    graph, task = load_model(str(model)), load_task(model, made[0] / "story.txt")
    job = make_job(graph, "prefill", 4, 0, 1)
    known = json.loads((made[0] / "profile.json").read_text())
    wanted = Wanted(tried=("analytical",), granularity="channel", objective="macs", seeds=1)
    found = partition(machine, graph, job, task, known, wanted)
    chosen = [point for point in found["points"] if point["strategy"] == "analytical"]
    assert {share for point in chosen for share in point["digital"].values()} <= {0.25, 0.5, 0.75, 1.0}
    again = run(placed(machine, chosen[0]["digital"]), graph, job)
    assert again.latency_s == chosen[0]["latency_s"]
