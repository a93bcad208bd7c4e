"""Perplexity of a model on a text, in float, in integers, and as a machine would compute it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from archsim.errors import ArchsimError
from archsim.values.arithmetic import Arithmetic, FloatArithmetic
from archsim.values.llama import Llama
from archsim.values.llama2c import read_checkpoint, read_tokenizer
from archsim.values.machine_arithmetic import MachineArithmetic
from archsim.values.metrics import score
from archsim.values.quantised import QuantisedArithmetic
from archsim.values.weights import read_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from archsim.machine.machine import Machine
    from archsim.values.layered import Layered
    from archsim.values.metrics import Scores

_END = "<|endoftext|>"
_SEPARATE = 1


@dataclass(frozen=True)
class Task:
    """A model that is made for an arithmetic, and the sequences that it has to predict; it can be sent to a process."""

    make: Callable[[Arithmetic], Layered]
    sequences: tuple[tuple[int, ...], ...]

    def run(self, arithmetic: Arithmetic) -> Scores:
        """Predict everything."""
        return score(self.make(arithmetic), self.sequences)


def load_task(model: Path, text: Path, tokenizer: Path | None = None) -> Task:
    """A llama2.c checkpoint and a text, which is split where it says `<|endoftext|>`, and to the model's length.

    text may also be a `.npy` file of tokens (sequences, n). Raises ArchsimError.
    """
    config, weights = read_checkpoint(model)
    if text.suffix == ".npy":
        sequences = _tokens(text, config.vocabulary)
    else:
        pieces = read_tokenizer(tokenizer or _beside(model, config.vocabulary), config.vocabulary)
        try:
            stories = read_bytes(text, "a text").decode("utf-8").split(_END)
        except UnicodeDecodeError:
            raise ArchsimError(f"{text}: found bytes that are no UTF-8; expected a text") from None
        sequences = [pieces.encode(story.strip()) for story in stories if story.strip()]
    cut = config.positions + 1
    parts = [tokens[at : at + cut] for tokens in sequences for at in range(0, len(tokens), cut)]
    return Task(partial(Llama, config, weights), tuple(tuple(part) for part in parts))


def _beside(model: Path, vocabulary: int) -> Path:
    found = model.parent / f"tok{vocabulary}.bin"
    if not found.is_file():
        raise ArchsimError(f"{model}: needs a tokenizer; found no {found.name} beside it. Try --tokenizer FILE")
    return found


def _tokens(path: Path, vocabulary: int) -> list[list[int]]:
    read_bytes(path, "tokens")
    try:
        found = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ArchsimError(f"{path}: is no whole file of numpy numbers ({error})") from None
    if found.ndim != 2 or found.dtype.kind not in "iu" or found.min() < 0 or found.max() >= vocabulary:  # noqa: PLR2004
        shape = f"{found.dtype} {found.shape}"
        raise ArchsimError(f"{path}: found {shape}; expected whole numbers (sequences, n) from 0 to {vocabulary - 1}")
    rows: list[list[int]] = found.tolist()
    return rows


def evaluate(
    machine: Machine,
    task: Task,
    seeds: int,
    *,
    calibrate: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Perplexities with mean, deviation and number of seeds; and how far the machine's values are from float.

    calibrate: inputs are quantised over the largest that the first sequence has; else over each vector's own largest.

    Raises ArchsimError where the machine's arrays cannot be simulated.
    """
    exact = task.run(FloatArithmetic())
    weights, inputs = int(machine.precision.weights), int(machine.precision.inputs)
    ranges = _ranges(task) if calibrate else {}
    clip = None if machine.choices.clip is None else float(machine.choices.clip)
    whole = task.run(QuantisedArithmetic(weight_bits=weights, input_bits=inputs, clip=clip, largest=dict(ranges)))
    runs, saturated, conversions = [], 0, 0
    for seed in range(seeds):
        if progress is not None:
            progress("evaluating, programming seed", seed, seeds)
        arithmetic = MachineArithmetic(machine, seed, ranges)
        runs.append(task.run(arithmetic))
        saturated += sum(arithmetic.saturated.values())
        conversions += sum(arithmetic.conversions.values())
    return {
        "schema": "archsim.evaluation/1",
        "machine": machine.name,
        "tokens": len(exact.losses),
        "perplexity": {
            "float": _statistics([exact.perplexity]),
            "quantised": _statistics([whole.perplexity]),
            "analog": _statistics([run.perplexity for run in runs]),
        },
        "agreement": _statistics([exact.agreement(run) for run in runs]),
        "divergence_nats": _statistics([exact.divergence(run) for run in runs]),
        "loss_change_nats": _statistics([float((run.losses - exact.losses).mean()) for run in runs]),
        "saturated": saturated / conversions if conversions else 0.0,
    }


def _ranges(task: Task) -> dict[str, float]:
    """The largest input of each projection in the first sequence."""
    probe = QuantisedArithmetic(calibrating=True)
    Task(task.make, task.sequences[:1]).run(probe)
    return probe.largest


def _statistics(values: Sequence[float]) -> dict[str, float]:
    spread = float(np.std(values, ddof=_SEPARATE)) if len(values) > 1 else 0.0
    return {"mean": float(np.mean(values)), "std": spread, "n": len(values)}
