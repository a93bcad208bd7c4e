"""Whole profiles: what is planted is found; ranks hold from seed to seed; the command."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archsim.graph import load_model
from archsim.graph.job import make_job
from archsim.machine import load_machine
from archsim.mapping.placement import place
from archsim.profile.profile import profile
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.tasks import Task, load_task
from tests.end_to_end.command import archsim
from tests.profile.models import VOCABULARY, saved_gpt2


@pytest.fixture(scope="module")
def task(data_dir: Path) -> Task:
    """The beginning of a story."""
    folder = data_dir / "llama2c"
    whole = load_task(folder / "stories260K.bin", data_dir / "text" / "tinystories_sample.txt")
    return replace(whole, sequences=(whole.sequences[0][:129],))


@pytest.fixture(scope="module")
def found(task: Task) -> dict[str, Any]:
    return profile(load_machine("hetero_512"), task, 2)


def test_all_projections_are_there_and_hurt_together(found: dict[str, Any]) -> None:
    assert found["schema"] == "archsim.profile/1"
    rows = found["projections"]
    assert len(rows) == 5 * 5 + 1
    assert [row["rank"] for row in rows] == list(range(1, 27))
    changes = [row["delta_ppl"]["mean"] for row in rows]
    assert changes == sorted(changes, reverse=True)
    assert found["all_analog"]["delta_ppl"]["mean"] > changes[0] > 0
    row = next(row for row in rows if row["key"] == "layer 3/ffn down")
    assert (row["block"], row["weights"], row["macs_per_token"]) == (3, 64 * 172, 64 * 172)
    assert list(row["causes"]) == ["clip", "conversion", "programming", "all"]
    assert row["causes"]["all"]["delta_ppl"] == row["delta_ppl"]
    assert (row["causes"]["clip"]["delta_ppl"]["n"], row["delta_ppl"]["n"]) == (1, 2)
    assert set(row["proxies"]) == {"fisher", "outliers"}


def test_ranks_hold_from_seed_to_seed(found: dict[str, Any]) -> None:
    assert found["stability"]["kendall"] > 0.5
    assert found["correlations"]["fisher"]["kendall"] > 0.1  # few tokens; the script has many


def test_a_projection_with_planted_outliers_is_first(task: Task) -> None:
    """Hidden channels grow by 50 on their way out and shrink by 50 on their way in: the model is the same in float."""
    weights = dict(task.model.arrays)
    up, down = (weights[f"layer 2/ffn {name}.weight"].copy() for name in ("up", "down"))
    up[::20] /= 50
    down[:, ::20] *= 50
    changed = weights | {"layer 2/ffn up.weight": up, "layer 2/ffn down.weight": down}
    planted = replace(task, model=replace(task.model, arrays=changed))
    exact = task.run(FloatArithmetic()).perplexity
    assert planted.run(FloatArithmetic()).perplexity == pytest.approx(exact, rel=1e-4)
    first, second = profile(load_machine("hetero_512"), planted, 1)["projections"][:2]
    assert first["key"] == "layer 2/ffn down"
    assert first["delta_ppl"]["mean"] > 2 * second["delta_ppl"]["mean"]


def test_gpt2s_49_projections_take_654_tiles() -> None:
    """A block: 2 x 5 for 768 x 2304, 2 x 2, 2 x 6, 6 x 2: 38; the head, 768 x 50257: 2 x 99."""
    machine, graph = load_machine("hetero_512"), load_model("gpt2")
    placed = place(machine, graph, make_job(graph, "prefill", 8, 0, 1)).placed
    assert len(placed) == 49
    assert sum(each.tiling.tiles for each in placed.values()) == 12 * 38 + 198 == 654


@pytest.fixture
def gpt2(tmp_path: Path) -> Path:
    """A folder as Hugging Face has it, and tokens."""
    np.save(tmp_path / "tokens.npy", np.random.default_rng(0).integers(0, VOCABULARY, (4, 12)))
    return saved_gpt2(tmp_path)


def test_the_command_on_gpt2_writes_everything_and_the_number_of_processes_changes_nothing(gpt2: Path) -> None:
    words = ["profile", ".", "--machine", "hetero_512", "--text", "tokens.npy", "--seeds", "1", "--limit", "2"]
    one = archsim(*words, "--processes", "1", "--json", "--plot", "map.svg", "--out", "p.csv", folder=gpt2)
    assert (one.returncode, one.stderr) == (0, "")
    two = archsim(*words, "--processes", "2", "--out", "p.json", folder=gpt2)
    assert (two.returncode, two.stderr) == (0, "")
    assert (gpt2 / "p.json").read_text() == one.stdout
    found = json.loads(one.stdout)
    assert (found["tokens"], len(found["projections"])) == (22, 9)
    assert "profile.1" in two.stdout
    assert (gpt2 / "map.svg").read_text().count("<text") or (gpt2 / "map.svg").stat().st_size > 5000
    lines = (gpt2 / "p.csv").read_text().splitlines()
    assert lines[0].startswith("rank,key,block,macs_per_token,weights,delta_ppl_mean")
    assert len(lines) == 10


def test_a_tied_head_is_cut_off_on_a_copy(gpt2: Path) -> None:
    task = load_task(gpt2, gpt2 / "tokens.npy")
    before = task.run(FloatArithmetic()).perplexity
    profile(load_machine("hetero_512", ["mapping.clip=0.5"]), task, 1)
    assert task.run(FloatArithmetic()).perplexity == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--machine", "hetero_51"], "Did you mean 'hetero_512'?"),
        (["--machine", "isaac", "--plot", "map.pdf"], "--plot map.pdf: expected a name that ends in .svg or .png"),
        (["--machine", "isaac", "--out", "p.txt"], "--out p.txt: expected a name that ends in .json or .csv"),
        (["--machine", "isaac", "--sets", "3"], "No such option '--sets'. (Did you mean one of: '--seeds', '--set'?)"),
        (["--machine", "isaac", "--seeds", "0"], "found '0'; expected a whole number from 1 to 1000"),
        (["--machine", "isaac", "--limit", "1.5"], "found '1.5'; expected a whole number"),
        (
            ["--machine", "isaac", "--set", "mapping.clip=0"],
            "mapping.clip: found '0'; expected standard deviations, more than 0 and at most 1000, such as 2.5",
        ),
        (["--machine", "isaac", "--set", "mapping.clp=2"], "mapping.clp: unknown key. Did you mean 'clip'?"),
        (
            ["--machine", "isaac", "--text", "text.txt"],
            "found no tokenizer; expected tokenizer.json or vocab.json and merges.txt",
        ),
        (["--machine", "isaac", "--text", "none.npy"], "none.npy: no such file; expected tokens"),
        (
            ["--machine", "hetero_512", "--set", "mapping.digital={layer 0: 1}"],
            ":1:9  found mapping.digital, but a profile puts every projection in arrays; expected none. Try --set",
        ),
        (
            ["--machine", "hetero_512", "--set", "mapping.bits={layer 0: {weights: 4 b}}"],
            ":1:9  found mapping.bits, but a profile computes with the machine's own bits; expected none. Try --set",
        ),
        (["isaac"], "Error: found a second argument, 'isaac'; expected archsim profile MODEL --machine NAME --text F"),
    ],
)
def test_mistakes_are_said(gpt2: Path, words: list[str], said: str) -> None:
    (gpt2 / "text.txt").write_text("a text")
    done = archsim("profile", ".", "--text", "tokens.npy", *words, folder=gpt2)
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_mapping_file(gpt2: Path) -> None:
    """Its clip goes before the machine's; what it gives to digital units is refused, unless that is none."""
    words = ("profile", ".", "--text", "tokens.npy", "--limit", "1", "--seeds", "1", "--processes", "1", "--json")
    clipped = archsim(*words, "--machine", "hetero_512", "--set", "mapping.clip=1", folder=gpt2)
    (gpt2 / "my.yaml").write_text("schema: archsim.mapping/1\nmapping: {clip: 1, digital: {layer 0: 0}}\n")
    mapped = archsim(*words, "--machine", "hetero_512", "--mapping", "my.yaml", folder=gpt2)
    assert (mapped.returncode, mapped.stderr) == (0, "")
    found = json.loads(mapped.stdout)
    assert found["projections"] == json.loads(clipped.stdout)["projections"]
    (gpt2 / "my.yaml").write_text("schema: archsim.mapping/1\nmachine: isaac\nmapping: {digital: {layer 0: 1}}\n")
    refused = archsim(*words, "--machine", "hetero_512", "--mapping", "my.yaml", folder=gpt2)
    assert refused.stderr == (
        "my.yaml:2:10  the mapping is for machine 'isaac'; this is 'hetero_512'\n"
        "my.yaml:3:11  found mapping.digital, but a profile puts every projection in arrays; expected none. "
        "Try --set mapping.digital={}\n"
    )
    assert (refused.returncode, refused.stdout) == (1, "")


@pytest.mark.parametrize("command", ["evaluate", "profile", "partition"])
def test_the_machine_and_the_model_as_other_commands_take_them(command: str) -> None:
    """One line says the right form; what else is missing is not said first."""
    done = archsim(command, "isaac", "model.bin")
    assert done.returncode == 2
    form = "MACHINE --model PATH" if command == "evaluate" else "MODEL --machine NAME"
    line = f"Error: found a second argument, 'model.bin'; expected archsim {command} {form} --text FILE"
    assert done.stderr.splitlines()[-1] == line


def test_a_model_that_is_none_is_said(gpt2: Path) -> None:
    def refused(model: str) -> str:
        return archsim("profile", model, "--machine", "isaac", "--text", "tokens.npy", folder=gpt2).stderr

    assert refused("none.bin").startswith("none.bin: no such file; expected a checkpoint of llama2.c, a GGUF file")
    np.save(gpt2 / "one.npy", np.zeros((3, 1), np.int64))
    short = archsim("profile", ".", "--machine", "isaac", "--text", "one.npy", folder=gpt2).stderr
    assert short == "one.npy: found no text to predict; expected two tokens or more\n"
    (gpt2 / "empty").mkdir()
    assert refused("empty") == "empty/model.safetensors: no such file; expected a safetensors file (.safetensors)\n"
    (gpt2 / "config.json").write_text('{"n_head": "two"}')
    assert refused(".") == "config.json:1:12  heads: found 'two'; expected a whole number such as '8'\n"


def test_an_encoder_is_refused(data_dir: Path, gpt2: Path) -> None:
    words = (str(data_dir / "minilm"), "--machine", "hetero_512", "--text", "tokens.npy")
    for command in ("profile", "partition"):
        done = archsim(command, *words, folder=gpt2)
        assert done.returncode == 1
        assert "minilm predicts no tokens; expected one that does, such as a checkpoint of llama2.c\n" in done.stderr
