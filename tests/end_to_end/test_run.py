"""`archsim run` from YAML to what is printed and saved."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.command import QUICK, archsim

KEYS = [
    "schema",
    "machine",
    "model",
    "phase",
    "batch",
    "seq",
    "new_tokens",
    "chips",
    "latency_s",
    "tokens_per_s",
    "throughput_unit",
    "energy_j",
    "average_power_w",
    "area_m2",
    "ops",
    "tops",
    "tops_per_w",
    "tops_per_mm2",
    "analog_mac_share",
    "digital_weight_bits",
    "bottleneck",
    "what_if",
    "critical_path_by_part_s",
    "critical_path_by_operator_s",
    "waiting_s",
    "waiting_by_operator_s",
    "waiting_by_station_s",
    "area_by_part_m2",
    "energy_by_part_j",
    "energy_by_operator_j",
    "energy_by_layer_j",
    "operators",
    "utilisation",
    "tasks",
    "sources",
    "notes",
    "provenance",
]
BREAKDOWNS = ("energy_by_part_j", "energy_by_operator_j", "energy_by_layer_j")
LINEARS = {"qkv", "attention output", "ffn up", "ffn down"}


@pytest.fixture(scope="module")
def text() -> str:
    done = archsim(*QUICK, "--json")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def result(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def test_json_has_exactly_the_keys_promised(result: dict[str, Any]) -> None:
    assert list(result) == KEYS
    assert result["schema"] == "archsim.result/1"


def test_the_job_is_told(result: dict[str, Any]) -> None:
    told = {key: result[key] for key in ("machine", "model", "phase", "batch", "seq", "new_tokens")}
    assert told == {
        "machine": "isaac",
        "model": "bert-base",
        "phase": "prefill",
        "batch": 1,
        "seq": 16,
        "new_tokens": 0,
    }


@pytest.mark.parametrize("breakdown", ["critical_path_by_part_s", "critical_path_by_operator_s"])
def test_the_critical_path_sums_to_the_latency(result: dict[str, Any], breakdown: str) -> None:
    assert sum(result[breakdown].values()) == pytest.approx(result["latency_s"], rel=1e-12)


def test_waiting_adds_up_by_operator_and_by_station(result: dict[str, Any]) -> None:
    assert list(result["waiting_s"]) == ["data", "server", "space"]
    for breakdown in ("waiting_by_operator_s", "waiting_by_station_s"):
        for cause, time in result["waiting_s"].items():
            assert sum(row[cause] for row in result[breakdown].values()) == pytest.approx(time)


def test_the_area_by_part_sums_to_the_area(result: dict[str, Any]) -> None:
    assert sum(result["area_by_part_m2"].values()) == pytest.approx(result["area_m2"])


@pytest.mark.parametrize("breakdown", BREAKDOWNS)
def test_a_breakdown_sums_to_the_energy(result: dict[str, Any], breakdown: str) -> None:
    rows = result[breakdown]
    assert math.fsum(rows.values()) == pytest.approx(result["energy_j"], rel=1e-12, abs=0)
    assert list(rows)[-1] == "static"
    assert len({result[name]["static"] for name in BREAKDOWNS}) == 1
    assert all(energy > 0 for energy in rows.values())


def test_derived_figures_follow_from_the_others(result: dict[str, Any]) -> None:
    """BERT-base on 16 positions: 12 layers x (4 x 768^2 + 2 x 768 x 3072) weights and 2 x 16 x 768 a position
    for attention, and the pooler's 768^2 once.
    """
    macs = 16 * 12 * (4 * 768**2 + 2 * 768 * 3072 + 2 * 16 * 768) + 768**2
    latency, energy, tops = result["latency_s"], result["energy_j"], result["tops"]
    assert result["ops"] == 2 * macs
    assert result["tokens_per_s"] == pytest.approx(16 / latency)
    assert result["average_power_w"] == pytest.approx(energy / latency)
    assert tops == pytest.approx(2 * macs / latency / 1e12)
    assert result["tops_per_w"] == pytest.approx(2 * macs / energy / 1e12)
    assert result["tops_per_mm2"] == pytest.approx(tops / (result["area_m2"] * 1e6))


def test_every_layer_and_every_kind_of_operator_is_there(result: dict[str, Any]) -> None:
    layers = [name for name in result["energy_by_layer_j"] if name.startswith("layer ")]
    assert layers == [f"layer {number}" for number in range(12)]
    assert {*LINEARS, "scores", "softmax", "context", "activation"} <= set(result["energy_by_operator_j"])


def test_utilisation_is_a_share(result: dict[str, Any]) -> None:
    assert result["utilisation"]
    assert all(0 < share <= 1 for share in result["utilisation"].values())


def test_sources_and_provenance_are_told(result: dict[str, Any]) -> None:
    cited = {source["key"]: source["text"] for source in result["sources"]}
    assert {"shafiee2016isaac", "devlin2019bert"} <= set(cited)
    assert "ISAAC" in cited["shafiee2016isaac"]
    provenance = result["provenance"]
    assert {"archsim", "python", "numpy", "machine_hash", "model_hash"} <= set(provenance)
    assert len(provenance["machine_hash"]) == len(provenance["model_hash"]) == 64
    assert result["notes"]


def test_a_repeated_run_gives_the_same_bytes(text: str) -> None:
    assert archsim(*QUICK, "--json").stdout == text


def test_another_engine_finds_the_same(result: dict[str, Any]) -> None:
    other = json.loads(archsim(*QUICK, "--engine", "compiled", "--json").stdout)
    assert (result["provenance"]["engine"], other["provenance"]["engine"]) == ("simpy", "compiled")
    assert result | {"provenance": {}} == other | {"provenance": {}}


def test_out_holds_the_result_and_apart_from_it_the_hosts_times(text: str, tmp_path: Path) -> None:
    done = archsim(*QUICK, "--json", "--out", "a/b", folder=tmp_path)
    folder = tmp_path / "a" / "b"
    assert done.stdout == text
    assert (folder / "result.json").read_text() == text
    assert {path.name for path in folder.iterdir()} == {"result.json", "timing.json"}
    seconds = json.loads((folder / "timing.json").read_text())["seconds"]
    assert set(seconds) == {"load", "map", "lower", "play", "count", "total"}
    assert all(second > 0 for second in seconds.values())


def test_a_result_holds_nothing_of_the_host_but_versions(result: dict[str, Any]) -> None:
    """Times differ from run to run, so equal bytes show that none are there; nor are there paths."""
    assert not {"seconds", "host", "times", "timing"} & {*result, *result["provenance"]}
    assert str(Path(__file__).parents[2]) not in json.dumps(result)


def test_host_times_are_one_line_after_whole_rows() -> None:
    done = archsim(*QUICK)
    assert done.returncode == 0
    assert done.stdout.endswith("\n")
    assert not done.stdout.endswith("\n\n")
    assert "host" not in done.stdout
    assert done.stderr.startswith("host: load ")
    assert len(done.stderr.splitlines()) == 1


def test_rows_say_what_json_says(result: dict[str, Any]) -> None:
    rows = {line.split()[0]: line.split()[1:] for line in archsim(*QUICK).stdout.splitlines() if line}
    assert rows["model"] == ["bert-base"]
    assert rows["latency"][1] in {"µs", "ms"}
    scale = {"µs": 1e-6, "ms": 1e-3}[rows["latency"][1]]
    assert float(rows["latency"][0]) * scale == pytest.approx(result["latency_s"], rel=1e-3)
    assert float(rows["throughput"][0]) == pytest.approx(result["tokens_per_s"], rel=1e-3)
    parts = [name for name in rows if name.startswith("energy_by_part.")]
    assert len(parts) == len(result["energy_by_part_j"]) + 1  # the total


def test_bert_large_takes_more_of_everything(result: dict[str, Any]) -> None:
    done = archsim("run", "isaac", "bert-large", "--seq", "16", "--json")
    large = json.loads(done.stdout)
    assert len([name for name in large["energy_by_layer_j"] if name.startswith("layer ")]) == 24
    for key in ("chips", "latency_s", "energy_j", "area_m2", "ops", "tasks"):
        assert large[key] > result[key]


@pytest.mark.parametrize("machine", ["isaac", "nl_dpe"])
@pytest.mark.parametrize(
    ("words", "tokens"),
    [
        (("bert-base", "--seq", "8"), 8),
        (("gpt2", "--seq", "4", "--phase", "decode", "--new-tokens", "2"), 2),
        (("gpt2", "--seq", "4", "--phase", "generate", "--new-tokens", "2", "--batch", "2"), 4),
    ],
)
def test_every_machine_runs_every_kind_of_job(machine: str, words: tuple[str, ...], tokens: int) -> None:
    done = archsim("run", machine, *words, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["machine"], found["model"]) == (machine, words[0])
    assert found["tokens_per_s"] == pytest.approx(tokens / found["latency_s"])
    for breakdown in BREAKDOWNS:
        assert math.fsum(found[breakdown].values()) == pytest.approx(found["energy_j"], rel=1e-12, abs=0)
        assert found[breakdown]["static"] > 0
