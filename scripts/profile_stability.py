"""Prints how alike the ranks of two halves of the seeds are, and renews docs/partitioning.md's tables.

`python -m scripts.profile_stability`. Needs the models and texts of the data folder (ARCHSIM_DATA, or ../shared/data);
takes some ten minutes of two cores.
"""

from __future__ import annotations

import os
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter
from typing import Any

from archsim.machine import load_machine
from archsim.processes import cores
from archsim.profile.profile import profile
from archsim.values.tasks import load_task
from scripts.page import put

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "partitioning.md"
MODELS = {
    "stories3M": ("stories3M-q80.bin", "stories3M_sampled_tokens.npy", 16),
    "stories260K": ("stories260K.bin", "tinystories_sample.txt", 16),
}
"""Checkpoint, text, and the most sequences of it."""
MACHINE, SEEDS, SHOWN = "hetero_512", 10, 12
CAUSES = ("clip", "conversion", "programming")


def profiled(data: Path, model: str) -> tuple[dict[str, Any], str]:
    """The profile, and how long it took."""
    checkpoint, text, most = MODELS[model]
    task = load_task(data / "llama2c" / checkpoint, data / "text" / text, limit=most)
    begun, before = perf_counter(), getrusage(RUSAGE_CHILDREN)
    found = profile(load_machine(MACHINE), task, SEEDS, workers=cores())
    after = getrusage(RUSAGE_CHILDREN)
    computed = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return found, f"{perf_counter() - begun:.0f} s, {computed:.0f} s of a core"


def ranks(found: dict[str, Any]) -> str:
    """The first projections and what is wrong with them."""
    lines = [
        f"| rank | projection | Δ ppl, ± over seeds | Δ NLL | {' | '.join(CAUSES)} |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in found["projections"][:SHOWN]:
        ppl, nll = row["delta_ppl"], row["delta_nll"]
        alone = " | ".join(f"{row['causes'][cause]['delta_ppl']['mean']:.4f}" for cause in CAUSES)
        both = f"{ppl['mean']:.4f} ± {ppl['std']:.4f} | {nll['mean']:.4f} ± {nll['stderr']:.4f}"
        lines.append(f"| {row['rank']} | {row['key']} | {both} | {alone} |")
    every = found["all_analog"]["delta_ppl"]
    lines.append(f"| | all together | {every['mean']:.3f} ± {every['std']:.3f} | | | | |")
    return "\n".join(lines) + "\n"


def agreement(found: dict[str, dict[str, Any]]) -> str:
    """Rank correlations of each model."""
    lines = [
        "| model | tokens | halves of the seeds, τ | Fisher, τ | Fisher, Spearman | outliers, τ | outliers, Spearman |",
        "|---|---|---|---|---|---|---|",
    ]
    for model, each in found.items():
        figures = [each["stability"]["kendall"]]
        figures += [
            each["correlations"][name][kind] for name in ("fisher", "outliers") for kind in ("kendall", "spearman")
        ]
        lines.append(f"| {model} | {each['tokens']:,} | {' | '.join(f'{figure:.2f}' for figure in figures)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Profile both models."""
    data = Path(os.environ.get("ARCHSIM_DATA") or ROOT.parent / "shared" / "data")
    found = {}
    for model in MODELS:
        found[model], times = profiled(data, model)
        tau = found[model]["stability"]["kendall"]
        print(f"{model}: {times}, Kendall's tau between halves of {SEEDS} seeds {tau:.3f}", flush=True)
    put(PAGE, "agreement", agreement(found))
    put(PAGE, "profile", ranks(found["stories3M"]))


if __name__ == "__main__":
    main()
