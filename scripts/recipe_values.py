"""Writes docs/values.md's tables of recipes on numbers: `python scripts/recipe_values.py`, twenty minutes.

Needs models and texts of the data folder (ARCHSIM_DATA, or ../shared/data).
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from archsim import load_machine
from archsim.steps.functions import Attributes
from archsim.values.arithmetic import FloatArithmetic, OperatorCall
from archsim.values.evaluate import calibrated
from archsim.values.machine_arithmetic import MachineArithmetic
from archsim.values.recipes import CAUSES, RecipeRunner
from archsim.values.tasks import load_task
from scripts.page import put

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from archsim.machine import Machine
    from archsim.values.arithmetic import Arithmetic
    from archsim.values.tasks import Task

    Array = NDArray[np.float32]

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "values.md"
DATA = Path(os.environ.get("ARCHSIM_DATA") or ROOT.parent / "shared" / "data")
MACHINES = ("isaac", "nl_dpe", "race_it", "race_it_v1", "retransformer", "hetero_512")
SEQUENCES = 2
ROWS, SCORES = 10_000, 128
STEPS = (
    "maximum: vector",
    "subtract: vector",
    "exp: race",
    "sum: adder",
    "reciprocal: race",
    "multiply exp reciprocal: race",
)
WITH_MAXIMUM = f"[{', '.join(STEPS)}]"


def tasks() -> dict[str, Task]:
    """Models with the first sequences of their texts."""
    stories = DATA / "text" / "tinystories_sample.txt"
    return {
        "stories260K": load_task(DATA / "llama2c" / "stories260K.bin", stories, limit=SEQUENCES),
        "stories3M": load_task(DATA / "llama2c" / "stories3M-q80.bin", stories, limit=SEQUENCES),
        "MiniLM": load_task(DATA / "minilm" / "model_fp16.safetensors", stories, limit=SEQUENCES),
    }


def figure(task: Task, arithmetic: Arithmetic) -> str:
    """Perplexity of a decoder; of an encoder the mean cosine of its pooled result with that in float."""
    if task.predicts:
        return f"{task.run(arithmetic).perplexity:,.4g}"
    return f"{task.encode(FloatArithmetic()).cosine(task.encode(arithmetic)):.5f}"


def causes() -> Iterator[str]:
    """A line for each model and machine: all causes, and each alone."""
    yield "| model | machine | float | all | own ranges | " + " | ".join(f"{cause} alone" for cause in CAUSES) + " |"
    yield "|---|---|" + "---|" * (3 + len(CAUSES))
    for model, task in tasks().items():
        first = replace(task, sequences=task.sequences[:1])
        exact = figure(task, FloatArithmetic())
        for name in MACHINES:
            machine = load_machine(name)
            known = calibrated(machine, first.run if task.predicts else first.encode)
            own = replace(known, inputs={})
            cells = [exact, figure(task, MachineArithmetic(machine, 0, known))]
            cells.append(figure(task, MachineArithmetic(machine, 0, own)))
            for cause in CAUSES:
                others = [other for other in CAUSES if other != cause]
                cells.append(figure(task, MachineArithmetic(machine, 0, known, exact=others)))
            yield f"| {model} | {name} | " + " | ".join(cells) + " |"
            print(f"{model} {name}", *cells, flush=True)


def softmax(machine: Machine, seen: Array, scores: Array) -> Array:
    """Rows, with ranges that others have been seen to have."""
    runner = RecipeRunner(machine, 0, {})
    for x in (seen, scores):
        result = runner.run(OperatorCall("s", "softmax", "softmax", (x,), Attributes()), "softmax")
    return result


def race_rows() -> Iterator[str]:
    """How many rows of scores sum to 0 on race_it."""
    yield "| standard deviation of scores | ranges of tables | rows that sum to 0 | mean distance from float |"
    yield "|---|---|---|---|"
    fixed = "parts.race.ranges={exp: [-8, 0], reciprocal: [1, 256]}"
    kinds = (
        ("exp from -8 to 0, reciprocal from 1 to 256", (fixed,)),
        ("as calibrated", ()),
        (
            "the maximum taken off, exp from -8 to 0, reciprocal from 1 to 128",
            (f"recipes.softmax={WITH_MAXIMUM}", "parts.race.ranges={exp: [-8, 0], reciprocal: [1, 128]}"),
        ),
        ("the maximum taken off, as calibrated", (f"recipes.softmax={WITH_MAXIMUM}",)),
    )
    for deviation in (3, 6):
        draw = np.random.default_rng(deviation)
        seen, scores = (deviation * draw.normal(size=(ROWS, SCORES)).astype(np.float32) for _ in range(2))
        for text, settings in kinds:
            shares = softmax(load_machine("race_it", settings), seen, scores)
            exact = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
            distance = np.abs(shares - exact).sum(axis=-1).mean() / 2
            yield f"| {deviation} | {text} | {(shares.sum(axis=-1) == 0).mean():.2%} | {distance:.3f} |"


def context(settings: Sequence[str], keys: int) -> float:
    """On nl_dpe: one key with score 0 and value -1, the others with -8 and 1."""
    scores, values = np.full((1, 1, 1, keys), -8, np.float32), np.ones((1, 1, 16, keys), np.float32)
    scores[..., 0], values[..., 0] = 0, -1
    runner = RecipeRunner(load_machine("nl_dpe", settings), 0, {})
    shares = runner.run(OperatorCall("s", "softmax", "softmax", (scores,), Attributes()), "softmax")
    call = OperatorCall("c", "matmul", "matmul", (shares[..., None, :], values[..., None, :, :]), Attributes())
    return float(runner.run(call, "context").ravel()[0])


def contexts() -> Iterator[str]:
    """In floats, with the file's tables, with tables of 16 bits."""
    yield "| keys | float | 8-bit tables, as the file has | 16-bit tables |"
    yield "|---|---|---|---|"
    wide = ("parts.acam.bits=16 b", "parts.acam.cells=100000", f"parts.acam.arrays={[40_000] * 16}")
    for keys in (64, 256, 1024):
        others = (keys - 1) * np.exp(-8)
        cells = (others - 1) / (others + 1), context((), keys), context(wide, keys)
        yield f"| {keys} | " + " | ".join(f"{cell:.4f}" for cell in cells) + " |"


def logarithms() -> Iterator[str]:
    """Relative error of sums of products of normal numbers, in logarithms and in 8-bit integers."""
    yield "| operands | terms | 8-bit logarithms and exponentials | 8-bit integers |"
    yield "|---|---|---|---|"
    machine = load_machine("nl_dpe")
    for kind, terms in (("normal", 16), ("normal", 64), ("shares of normal scores, normal values", 256)):
        draw = np.random.default_rng(terms)
        a, b = (draw.normal(size=(1, 1, rows, terms)).astype(np.float32) for rows in (128, 64))
        if kind != "normal":
            powers = np.exp(a)
            a = powers / powers.sum(axis=-1, keepdims=True)
        exact = a @ b.swapaxes(-1, -2)
        call = OperatorCall("m", "matmul", "matmul", (a[..., None, :], b[..., None, :, :]), Attributes())
        units = [np.float32(np.abs(x).max() / 127) for x in (a, b)]
        codes = [np.rint(x / unit) * unit for x, unit in zip((a, b), units, strict=True)]
        results = RecipeRunner(machine, 0, {}).run(call, "matmul")[..., 0], codes[0] @ codes[1].swapaxes(-1, -2)
        cells = [np.sqrt(((result - exact) ** 2).mean() / (exact**2).mean()) for result in results]
        yield f"| {kind} | {terms} | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |"


def main() -> None:
    """Renew all tables."""
    for name, lines in (
        ("logarithms", logarithms),
        ("contexts", contexts),
        ("race rows", race_rows),
        ("causes", causes),
    ):
        put(PAGE, name, "\n".join(lines()) + "\n")


if __name__ == "__main__":
    main()
