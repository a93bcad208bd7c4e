"""Machines and GPUs side by side on the same job; `ratios` relates them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from archsim.errors import ArchsimError
from archsim.gpu.gpu import Gpu
from archsim.gpu.model import run
from archsim.graph.graph import Graph
from archsim.graph.job import Job, make_job
from archsim.machine.machine import Machine
from archsim.simulation import simulate

_UM2_A_MM2 = 1e6


@dataclass(frozen=True, kw_only=True)
class Row:
    """One machine or GPU on one job. area: of all its chips, mm2. per_s: tokens of the job, or whole inputs.

    basis: `simulated`, or what a GPU's figures rest on. why: where it could not be run.
    """

    name: str
    model: str
    phase: str
    batch: int
    basis: str
    latency_s: float = 0.0
    energy_j: float = 0.0
    area_mm2: float = 0.0
    chips: int = 1
    per_s: float = 0.0
    per_s_per_mm2: float = 0.0
    per_j: float = 0.0
    why: str = ""


def compare(
    machines: Sequence[Machine],
    gpus: Sequence[Gpu],
    graph: Graph,
    job: Job,
    *,
    precision: str,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Row]:
    """Run one job on all; what cannot be run has a row that says why."""
    rows = []
    for number, machine in enumerate(machines):
        if progress is not None:
            progress(f"running {machine.name}", number, len(machines))
        rows.append(_on_machine(machine, graph, job))
    return rows + [_on_gpu(gpu, graph, job, precision) for gpu in gpus]


def _on_machine(machine: Machine, graph: Graph, job: Job) -> Row:
    head = {"name": machine.name, "model": graph.name, "phase": job.phase, "batch": job.batch, "basis": "simulated"}
    try:
        found = simulate(
            machine, graph, phase=job.phase, seq=_seq(graph, job), new_tokens=job.new_tokens, batch=job.batch
        )
    except ArchsimError as error:
        return Row(**head, why=str(error.faults[0].message))  # type: ignore[arg-type]
    area = found.area_m2 * _UM2_A_MM2
    return Row(
        **head,  # type: ignore[arg-type]
        latency_s=found.latency_s,
        energy_j=found.energy_j,
        area_mm2=area,
        chips=found.chips,
        per_s=found.tokens_per_s,
        per_s_per_mm2=found.tokens_per_s / area if area else 0.0,
        per_j=found.tokens_per_s * found.latency_s / found.energy_j if found.energy_j else 0.0,
    )


def _on_gpu(gpu: Gpu, graph: Graph, job: Job, precision: str) -> Row:
    basis = "fitted on products" if gpu.measured else "specification"
    head = {"name": gpu.name, "model": graph.name, "phase": job.phase, "batch": job.batch, "basis": basis}
    if precision not in gpu.peak:
        return Row(**head, why=f"has no rate for {precision}")  # type: ignore[arg-type]
    size = graph.parameters * {"fp32": 4, "tf32": 4, "fp16": 2, "int8": 1}[precision]
    if size > gpu.memory:
        return Row(**head, why=f"its memory of {gpu.memory / 1e9:.0f} GB does not hold {size / 1e9:.0f} GB of weights")  # type: ignore[arg-type]
    found = run(gpu, graph, job, precision, fused=True)
    rate = _tokens(graph, job) / found.latency
    return Row(
        **head,  # type: ignore[arg-type]
        latency_s=found.latency,
        energy_j=found.energy,
        area_mm2=gpu.area,
        per_s=rate,
        per_s_per_mm2=rate / gpu.area if gpu.area else 0.0,
        per_j=_tokens(graph, job) / found.energy,
    )


def _seq(graph: Graph, job: Job) -> int | None:
    return None if graph.length is not None else job.seq


def _tokens(graph: Graph, job: Job) -> int:
    if graph.length is not None:
        return job.batch
    return job.batch * (job.seq if job.phase == "prefill" else job.new_tokens)


def jobs(graph: Graph, seq: int | None, new_tokens: int, batches: Sequence[int]) -> list[Job]:
    """A prompt at each batch; and, where the model makes tokens, the tokens after it.

    seq: of the prompt, for models that have no length of their own.
    """
    seq = seq if graph.length is None else None
    found = [make_job(graph, "prefill", seq, 0, batch) for batch in batches]
    if graph.feedback is not None:
        found += [make_job(graph, "decode", seq, new_tokens, batch) for batch in batches]
    return found
