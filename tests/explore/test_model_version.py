"""Stores keep results for years: a change of archsim that changes results must change their version."""

import hashlib
import json
import re
from pathlib import Path

from archsim.explore.evaluate import Evaluator
from archsim.explore.load import load_study
from archsim.explore.points import MODEL_VERSION, canonical, points
from tests.explore.small import ROOT, write

STUDY = """\
schema: archsim.study/1
machine: [tiny.yaml, meshed.yaml]
model: bert-tiny
axes:
  seq: 16
  batch: [1, 2]
"""
KNOWN = {1: "cf7dc84896acf962369916be3fa3ba9902b34bacbddf29b3c0d12ad1223703c9"}
"""The hash of the figures of a few runs, by version."""


def test_results_change_with_their_version(tmp_path: Path) -> None:
    """Where this fails and results were meant to change: raise MODEL_VERSION by one, and put the new hash here."""
    meshed = (ROOT / "tests" / "lowering" / "meshed.yaml").read_text()
    (tmp_path / "meshed.yaml").write_text(re.sub("RATE([0-9]+)", r"\1 ns", meshed))
    study, bases = load_study(write(tmp_path, STUDY))
    evaluate = Evaluator(bases)
    answers = [evaluate(point) for _, point in points(study, bases)]
    assert [answer.state for answer in answers] == ["done"] * 4
    figures = [{**json.loads(answer.text), "machine_digest": None} for answer in answers]
    assert hashlib.sha256(canonical({"points": figures}).encode()).hexdigest() == KNOWN[MODEL_VERSION]
