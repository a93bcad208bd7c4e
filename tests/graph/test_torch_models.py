"""PyTorch's exports of small models, by its older exporter and by its newer one: what the same presets and files give.

`scripts/torch_models.py` wrote the files. Their presets and networks of layers, beside them, are by hand.
"""

import runpy
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from archsim import load_machine, simulate
from archsim.graph import Graph, load_model
from archsim.graph.job import Job, make_job
from archsim.graph.onnx.load import load_onnx_arrays
from archsim.graph.operators import Linear, Matmul, Rowwise
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor

FOLDER = Path(__file__).resolve().parent.parent / "fixtures" / "torch"
FILES = sorted(path.name.removesuffix(".onnx") for path in FOLDER.glob("*.onnx"))
POSITIONS, PAST = 8, 7
LEFT_OUT = {
    # rows of the table of positions that 8 tokens, or the one after 7 others, do not need; of BERT one segment's
    "bert.dynamo": 8 * 16 + 16,
    "bert-eager.dynamo": 8 * 16 + 16,
    "bert-mask.dynamo": 8 * 16 + 16,
    "gpt2.dynamo": 8 * 16,
    "gpt2-past.dynamo": 15 * 16,
    "plain.dynamo": 8 * 16,
    "plain.torchscript": 8 * 16,
}
"""Trained numbers that are not in the file, as the exporter has kept only what the example needs."""


def of_file(name: str) -> tuple[Graph, Job]:
    graph = load_model(FOLDER / f"{name}.onnx")
    return graph, make_job(graph, "prefill", None, 0, 1)


def by_hand(name: str) -> tuple[Graph, Job]:
    """The preset or network, and its job: a prompt, a step after others, or a picture."""
    model, _, form = name.partition(".")[0].partition("-")
    graph = load_model(FOLDER / f"{model}.yaml")
    if form == "past":
        return graph, make_job(graph, "decode", PAST, 1, 1)
    return graph, make_job(graph, "prefill", POSITIONS if graph.length is None else None, 0, 1)


def facts(graph: Graph, job: Job) -> Iterator[tuple[Any, ...]]:
    """Of each operator what it is and how often it runs; of a sum over keys, all that are seen."""
    for each in graph.operators:
        keys = int(job.keys(each).sum()) if each.grows else 1
        sizes: tuple[Any, ...] = ()
        if isinstance(each, Linear):
            sizes = each.in_features, each.out_features, each.groups
        elif isinstance(each, Matmul):
            sizes = each.scores, each.heads, each.head_dim, each.stored
        elif isinstance(each, Rowwise) and each.kind != "softmax":
            sizes = each.rows, each.width, each.operands
        yield each.kind, len(job.places(each)), job.macs_of(each), sizes, keys if each.kind == "matmul" else 0


@pytest.mark.parametrize("name", FILES)
def test_work_and_weights_are_those_of_the_same_model_by_hand(name: str) -> None:
    (graph, job), (other, wanted) = of_file(name), by_hand(name)
    assert Counter(facts(graph, job)) == Counter(facts(other, wanted))
    assert job.macs(graph) == wanted.macs(other)
    assert [each.weights for each in graph.linears] == [each.weights for each in other.linears]
    assert graph.parameters == other.parameters - LEFT_OUT.get(name, 0)
    assert graph.notes == ()


RUNS = [
    pytest.param(name, machine, marks=[] if (machine == "nl_dpe") == name.endswith("dynamo") else pytest.mark.slow)
    for name in FILES
    for machine in ("isaac", "nl_dpe")
]


@pytest.mark.parametrize(("name", "machine"), RUNS)
def test_times_and_energies_are_those_of_the_same_model_by_hand(name: str, machine: str) -> None:
    other, wanted = by_hand(name)
    made = simulate(load_machine(machine), load_model(FOLDER / f"{name}.onnx"))
    right = simulate(
        load_machine(machine),
        other,
        phase=wanted.phase,
        seq=None if other.length else wanted.seq,
        new_tokens=wanted.new_tokens,
    )
    assert made.latency_s == right.latency_s
    assert made.energy_j == pytest.approx(right.energy_j, rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({name.partition(".")[0] for name in FILES} - {"swin", "llama"}))
def test_models_that_pytorch_saves_are_the_same(name: str, tmp_path: Path) -> None:
    """Every parameter is in the file, used or not; PyTorch 2.13 cannot write the two that are left out here."""
    torch = pytest.importorskip("torch", reason="PyTorch is in no extra but `torch` and `rl`")
    pytest.importorskip("transformers", reason="the models are those of transformers")
    script = runpy.run_path(str(FOLDER.parents[2] / "scripts" / "torch_models.py"))
    module, inputs = script["MODELS"][name]()
    torch.export.save(torch.export.export(script["randomised"](module), inputs), str(tmp_path / "model.pt2"))
    graph = load_model(tmp_path / "model.pt2", trust=True)
    other, wanted = by_hand(name)
    assert Counter(facts(graph, make_job(graph, "prefill", None, 0, 1))) == Counter(facts(other, wanted))
    assert graph.parameters == other.parameters
    made = simulate(load_machine("isaac"), graph)
    seq = None if other.length else wanted.seq
    right = simulate(load_machine("isaac"), other, phase=wanted.phase, seq=seq, new_tokens=wanted.new_tokens)
    assert made.latency_s == right.latency_s


@pytest.mark.parametrize("name", FILES)
def test_values_are_those_of_pytorch(name: str) -> None:
    """Within 1e-4 of the largest of each output."""
    graph, arrays = load_onnx_arrays(FOLDER / f"{name}.onnx")
    numbers = np.load(FOLDER / f"{name.partition('.')[0]}.npz")
    inputs = onnx.load(str(FOLDER / f"{name}.onnx")).graph.input
    given = {each.name: numbers[f"in {at}"][None] for at, each in enumerate(inputs)}
    made = Executor(graph, arrays, FloatArithmetic()).run({each.name: given[each.name] for each in graph.inputs})
    wanted = [numbers[key] for key in numbers if key.startswith("out")]
    assert len(made) == len(wanted)
    for values, right in zip(made.values(), wanted, strict=True):
        assert values[0].shape == right.shape
        assert np.abs(values[0] - right).max() <= 1e-4 * np.abs(right).max()
