"""Writes docs/gpus.md's tables: how far GPUs are from measurements. `python scripts/gpu_errors.py`.

Needs the measurements of the data folder (ARCHSIM_DATA, or ../shared/data), and SciPy.
"""

from __future__ import annotations

import csv
import json
import os
from dataclasses import replace
from functools import cache
from math import prod
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from archsim.gpu.fit import errors, fit, read_measured
from archsim.gpu.gpu import Efficiency, Gpu
from archsim.gpu.kernels import moving, product
from archsim.gpu.load import load_gpu
from archsim.gpu.model import AWAKE, GpuResult, run
from archsim.graph import Graph, load_model
from archsim.graph.job import make_job
from archsim.graph.load import build
from archsim.machine.source import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from archsim.gpu.fit import Measured

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "gpus.md"
BEGIN, END = "<!-- errors: begin -->\n", "<!-- errors: end -->\n"
MEASURED = {"a100": "a100-80gb", "h100": "h100", "a40": "a40"}
"""Names in the table of products, and of the GPUs."""
FITTED = ("compute", "memory", "launch", "edge", "tail", "write")
FASTER = ("TensorFlow:FT", "PyTorch:FT", "FasterTransformer")
GPUS = {"A100": "a100-40gb", "A100-80GB": "a100-80gb", "A100 40GB": "a100-40gb", "T4": "t4", "T4 16GB": "t4"}
PROMPT = 128
"""Tokens of a prompt where the source does not say: assumed. Prompts are a small share of the energy."""
LLAMAS = {"koala-13b": "llama-2-13b", "koala-7b": "llama-7b", "vicuna-13B": "llama-2-13b", "vicuna-7B": "llama-7b"}
LLAMAS |= {"llama-13B": "llama-2-13b", "llama-7B": "llama-7b"}
"""Those of one architecture that archsim knows; LLaMA 2 of 13 B is shaped like LLaMA of 13 B."""

Line = tuple[str, int, float, float]
"""What, rows, median absolute error, median error (below 0: modelled as too fast, or as taking too little)."""


@cache
def models() -> dict[str, Graph]:
    """By the names in the tables."""
    bert = load_model("bert-base")
    known = {"bert-base": bert, "bert-base (12L,768)": bert, "bert-large": load_model("bert-large")}
    return known | {"gpt-6.7b": gpt(32, 4096, 32), "gpt-350m": gpt(24, 1024, 16)}


def gpt(layers: int, hidden: int, heads: int) -> Graph:
    """A decoder as FasterTransformer's guide describes it."""
    sizes = f"layers: {layers}\nhidden: {hidden}\nheads: {heads}\nffn: {4 * hidden}\n"
    head = "schema: archsim.model/1\nname: gpt\narchitecture: decoder\nvocabulary: 51200\npositions: 2048\n"
    return build(parse(head + sizes, "gpt.yaml"))


def folds(name: str, measured: Measured) -> dict[str, tuple[float, float]]:
    """By the model that is kept aside: median and 90th percentile of the error of its products."""
    gpu = load_gpu(MEASURED[name])
    kept = sorted(set(measured.model.tolist()))
    return {model: fit(gpu, measured, [model]).held_out for model in kept}


def transferred(name: str, measured: Measured) -> tuple[float, float]:
    """The same errors with the median of what the two other GPUs were fitted to, and the specification."""
    others = [load_gpu(other).efficiency for key, other in MEASURED.items() if key != name]
    middle = {key: median(getattr(each, key) for each in others) for key in FITTED}
    gpu = load_gpu(MEASURED[name])
    wrong = errors(replace(gpu, efficiency=Efficiency(**middle, overlap=gpu.efficiency.overlap)), measured)
    return float(np.median(wrong)), float(np.percentile(wrong, 90))


def whole_models(path: Path) -> Iterator[tuple[str, str, str, str, float]]:
    """GPU, framework, precision and model of each row, and its error."""
    with path.open() as stream:
        for row in csv.DictReader(stream):
            precision = row["precision"].lower()
            key = GPUS.get(row["gpu"], "v100")
            if precision in gpu(key).peak:
                # rows without padding: sentences half as long in the mean
                seq = int(row["seq_in"]) // (2 if "EFF" in row["framework"] else 1)
                fused = "FT" in row["framework"] and precision in ("fp16", "int8")
                fused = fused or row["framework"] == "FasterTransformer"
                tokens = int(float(row["seq_out"] or 0))
                job = (key, row["model"], seq, tokens, int(row["batch"]), precision)
                wrong = latency(*job, fused=fused) * 1e3 / float(row["latency_ms"]) - 1
                yield row["gpu"], row["framework"], precision, row["model"], wrong


@cache
def gpu(name: str) -> Gpu:
    """A GPU, read once."""
    return load_gpu(name)


@cache
def latency(key: str, model: str, seq: int, tokens: int, batch: int, precision: str, *, fused: bool) -> float:
    """Seconds of a prompt, or of a prompt and tokens after it."""
    job = make_job(models()[model], "generate" if tokens else "prefill", seq, tokens, batch)
    return run(gpu(key), models()[model], job, precision, fused=fused).latency


def onnx_runtime(path: Path) -> Iterator[tuple[str, float]]:
    """Engine and precision, and error, of BERT on V100; attention in kernels apart."""
    with path.open() as stream:
        for row in csv.DictReader(line for line in stream if not line.startswith("#")):
            if row["model"].startswith("bert-base"):
                sizes = (int(row["seq_or_past"]), 0, int(row["batch"]))
                found = latency("v100", "bert-base", *sizes, row["precision"], fused=False)
                yield f"{row['engine']} {row['precision']}", found * 1e3 / float(row["latency_ms"]) - 1


def operators(folder: Path) -> Iterator[tuple[str, float]]:
    """Kind and error of the single operators of LLMCompass on A100.

    Its elementwise kernels were timed with the host's part, which the smallest size shows: that is taken off.
    """
    a100 = gpu("a100-80gb")
    for line in (folder / "matmul_A100.csv").read_text().splitlines():
        m, n, k, seconds = line.replace("ms", "").split(",")[:4]
        yield "products", float(product(a100, int(m), int(n), int(k), "fp16")) * 1e3 / float(seconds) - 1
    for kind in ("softmax", "layernorm", "gelu"):
        found = []
        for line in (folder / f"{kind}_A100.csv").read_text().splitlines():
            *sizes, rate = (float(text) for text in line.split(","))
            found.append((prod(sizes), prod(sizes) / rate * 1e-9))
        host = min(each for _, each in found) - moving(a100, 0, "fp16")
        for values, each in found:
            if each > 2 * host:
                yield kind, moving(a100, 2 * values, "fp16") / (each - host) - 1


def gpt3_layer(folder: Path) -> list[float]:
    """Errors of the products of a layer of GPT-3 on four A100, batch 8, 2048 tokens."""
    times = [float(line) for line in (folder / "transformer_A100.csv").read_text().splitlines()]
    a100, rows, hidden = gpu("a100-80gb"), 8 * 2048, 12288
    sizes = ((3 * hidden // 4, hidden), (hidden, hidden // 4), (hidden, hidden), (hidden, hidden))
    found = [float(product(a100, rows, n, k, "fp16")) for n, k in sizes]
    return [each / times[place] - 1 for each, place in zip(found, (0, 3, 4, 5), strict=True)]


def served(path: Path) -> Iterator[tuple[float, float]]:
    """Errors of seconds and joules a token of Llama 3.1 8 B on H100, at batches of 8 to 700."""
    model, h100 = load_model("llama-3.1-8b"), gpu("h100")
    for row in json.loads(path.read_text())["configurations"]:
        if row["gpu_model"] == "H100":
            batch, made = round(row["avg_batch_size"]), row["avg_output_len"]
            one = run(h100, model, make_job(model, "decode", PROMPT + int(made / 2), 1, batch), "fp16", fused=True)
            prompt = run(h100, model, make_job(model, "prefill", PROMPT, 0, 1), "fp16", fused=True)
            seconds = (one.latency / batch + prompt.latency / made) * row["output_throughput_tokens_per_sec"]
            joules = (one.energy / batch + prompt.energy / made) / row["energy_per_token_joules"]
            yield seconds - 1, joules - 1


def chats(path: Path) -> Iterator[tuple[float, float]]:
    """Errors of joules a token at batch 1 on A100: as modelled, and with the time that the host takes, awake."""
    a100 = gpu("a100-80gb")
    with path.open() as stream:
        for row in csv.DictReader(line for line in stream if not line.startswith("#")):
            name = row["model"].split("/")[1]
            if name in LLAMAS:
                made = float(row["response_length"])
                found = _token(LLAMAS[name], PROMPT + int(made / 2))
                waiting = max(0.0, float(row["latency_s"]) / made - found.latency)
                more = waiting * (a100.idle + AWAKE * (a100.power - a100.idle))
                joules = float(row["energy_j"]) / made
                yield found.energy / joules - 1, (found.energy + more) / joules - 1


def _token(name: str, behind: int) -> GpuResult:
    model = load_model(name)
    return run(gpu("a100-80gb"), model, make_job(model, "decode", behind, 1, 1), "fp16", fused=False)


def summed(found: Iterable[tuple[str, float]]) -> list[Line]:
    """Lines by kind."""
    kinds: dict[str, list[float]] = {}
    for kind, wrong in found:
        kinds.setdefault(kind, []).append(wrong)
    return [(kind, len(each), median(map(abs, each)), median(each)) for kind, each in kinds.items()]


def _kind(row: tuple[str, str, str, str, float]) -> str:
    chip, framework, precision, model, _ = row
    chip = chip.split()[0].removesuffix("-80GB")
    if framework in FASTER:
        return f"FasterTransformer, {model.split()[0].upper().removesuffix('-BASE')}, {precision}, {chip}"
    if "EFF" in framework:
        return f"FasterTransformer without padding, {precision}"
    if "INT8" in framework:
        return "FasterTransformer, BERT, int8, other kernels for each scale"
    if framework.startswith("TensorFlow1"):
        return f"TensorFlow 1 with XLA, BERT, {precision}: the host's part is in it"
    return f"{framework.partition(':')[0]} without FasterTransformer, BERT, {precision}"


def others(data: Path) -> Iterator[tuple[str, float]]:
    """Kind and error of all that `archsim gpu-fit` does not see."""
    yield from ((_kind(row), row[-1]) for row in whole_models(data / "end_to_end_latency.csv"))
    yield from ((f"V100, BERT, {kind}", wrong) for kind, wrong in onnx_runtime(data / "onnxruntime_v100.csv"))
    yield from ((f"LLMCompass, A100, {kind}", wrong) for kind, wrong in operators(data / "llmcompass"))
    yield from (("LLMCompass, A100, products of a GPT-3 layer", wrong) for wrong in gpt3_layer(data / "llmcompass"))
    for seconds, joules in served(data / "mlenergy_llama31_8b.json"):
        yield "s/token, H100, Llama 3.1 8 B served", seconds
        yield "J/token, H100, Llama 3.1 8 B served", joules
    for wrong, awake in chats(data / "mlenergy_legacy_batch1.csv"):
        yield "J/token, A100, LLaMA at batch 1", wrong
        yield "J/token, A100, LLaMA at batch 1, host's time known", awake


def main() -> None:
    """Renew the tables."""
    data = Path(os.environ.get("ARCHSIM_DATA") or ROOT.parent / "shared" / "data") / "gpu"
    lines = ["| products (fp16) | rows | all: median, 90 % | worst model kept aside | from the two others |"]
    lines += ["|---|---|---|---|---|"]
    for name, spec in MEASURED.items():
        measured = read_measured(data / "gemm_measured.csv.gz", name)
        wrong = errors(gpu(spec), measured)
        aside = folds(name, measured).values()
        worst, other = (max(each[0] for each in aside), max(each[1] for each in aside)), transferred(name, measured)
        own = (float(np.median(wrong)), float(np.percentile(wrong, 90)))
        cells = " | ".join(f"{middle:.1%}, {most:.1%}" for middle, most in (own, worst, other))
        lines.append(f"| {name.upper()} | {len(measured.m)} | {cells} |")
    lines += ["", "| other measurements | rows | median error | bias |", "|---|---|---|---|"]
    found = summed(others(data))
    lines += [f"| {kind} | {rows} | {middle:.1%} | {bias:+.1%} |" for kind, rows, middle, bias in sorted(found)]
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
