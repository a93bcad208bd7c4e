"""What help and README show as examples works as written."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.command import QUICK, archsim

README = Path(__file__).resolve().parents[2] / "README.md"
SETTING = re.compile(r"\b(?:parts|modules)\.[\w.]+=\w+")


def example(text: str) -> str:
    found = SETTING.search(" ".join(text.split()))
    assert found is not None, text
    return found[0]


def run(*words: str) -> dict[str, Any]:
    done = archsim(*words, "--json")
    assert (done.returncode, done.stdout[:1]) == (0, "{"), done.stderr
    data: dict[str, Any] = json.loads(done.stdout)
    return data


@pytest.mark.parametrize("told", ["run --help", "README"])
def test_the_setting_shown_changes_a_run(told: str) -> None:
    text = README.read_text(encoding="utf-8") if told == "README" else archsim("run", "--help").stdout
    assert run(*QUICK, "--set", example(text))["energy_j"] != run(*QUICK)["energy_j"]


def test_the_setting_shown_changes_a_description() -> None:
    setting = example(archsim("describe", "--help").stdout)
    assert run("describe", "isaac", "--set", setting) != run("describe", "isaac")
