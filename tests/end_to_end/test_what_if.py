"""What-if sentences say what a run with their settings shows."""

import json

import pytest

from tests.end_to_end.command import archsim

SLOW_ADCS = ("--set", "modules.core.parts.adc=4", "--set", "modules.core.cycle=200 ns")


def test_each_sentence_is_what_its_settings_give() -> None:
    job = ("isaac", "bert-base", "--seq", "8")
    asked = json.loads(archsim("run", *job, *SLOW_ADCS, "--what-if", "--json").stdout)
    assert "core.adc takes" in asked["bottleneck"]
    assert len(asked["what_if"]) >= 4
    latencies = [entry["latency_s"] for entry in asked["what_if"]]
    assert latencies == sorted(latencies)
    for entry in asked["what_if"]:
        settings = [word for setting in entry["settings"] for word in ("--set", setting)]
        again = json.loads(archsim("run", *job, *SLOW_ADCS, *settings, "--json").stdout)
        assert again["latency_s"] == entry["latency_s"]
        change = again["latency_s"] / asked["latency_s"] - 1
        assert entry["latency_change"] == pytest.approx(change)
        assert f"latency {100 * change:+.1f} %".replace("-", "\N{MINUS SIGN}") in entry["says"]


def test_a_core_without_a_clock_gains_from_more_adcs() -> None:
    """Conversions of 4 ADCs take 200 ns, reads 100 ns: with 8 ADCs both take 100 ns."""
    settings = ("--set", "modules.core.parts.adc=4", "--set", "modules.core.cycle=1 ns")
    asked = json.loads(archsim("run", "isaac", "bert-base", "--seq", "32", *settings, "--what-if", "--json").stdout)
    found = {entry["change"]: entry for entry in asked["what_if"]}
    assert found["4 more adc per core"]["latency_change"] < -0.2
    assert found["4 more adc per core"]["area_change"] > 0
