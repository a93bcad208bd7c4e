"""A model on a GPU: its Graph as kernels, one after the other; the same Graph that machines run."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from archsim.gpu.gpu import Gpu
from archsim.gpu.kernels import attention, moving, product
from archsim.graph.graph import Graph
from archsim.graph.job import SEQUENCE, Job, Span
from archsim.graph.operators import Linear, Matmul, Operator, Rowwise

_NORMS = ("layernorm", "rmsnorm")


@dataclass(frozen=True, slots=True)
class Kernel:
    """What is launched at once: seconds, operations, for which operator."""

    operator: str
    seconds: float
    ops: float


@dataclass(frozen=True)
class GpuResult:
    """Seconds and joules of a job; by operator the seconds of its kernels."""

    latency: float
    energy: float
    kernels: int
    by_operator: dict[str, float]


def run(gpu: Gpu, graph: Graph, job: Job, precision: str, *, fused: bool) -> GpuResult:
    """Run a job: a prompt is one pass over all its positions, each new token a pass over one a sequence.

    fused: attention is one kernel. A recurrent layer is a kernel a position, of all sequences. Energy: what flows when
    idle, and the rest of the power for the share of the time that the tensor units or the memory would need at their
    peaks.
    """
    latency, energy, number = 0.0, 0.0, 0
    by_operator: dict[str, float] = {}
    for step in _passes(graph, job):
        for kernel in _kernels(gpu, graph, step, precision, fused=fused):
            latency += kernel.seconds + gpu.efficiency.gap
            number += 1
            busy = min(1.0, kernel.ops / gpu.rate(precision) / kernel.seconds) if kernel.ops else 0.0
            moved = 1 - gpu.efficiency.launch / kernel.seconds
            energy += kernel.seconds * (gpu.idle + (gpu.power - gpu.idle) * max(busy, 0.5 * moved))
            name = kernel.operator.partition("/")[2]
            by_operator[name] = by_operator.get(name, 0.0) + kernel.seconds
    return GpuResult(latency, energy, number, by_operator)


def _passes(graph: Graph, job: Job) -> Iterator[Job]:
    """The prompt's pass, and one for each later token."""
    if graph.feedback is None or job.phase == "prefill":
        yield job
        return
    if job.phase == "generate":
        yield replace(job, phase="prefill", new_tokens=0)
    made = 0 if job.phase == "decode" else 1
    for token in range(made, job.new_tokens):
        span = Span(job.seq + token - made, 1, 1)
        yield replace(job, phase="prefill", new_tokens=0, mixed=(span,) * job.batch)


def _kernels(gpu: Gpu, graph: Graph, job: Job, precision: str, *, fused: bool) -> Iterator[Kernel]:
    recurrent = {
        operator.layer
        for operator in graph.operators
        if isinstance(operator, Linear) and any(edge.scope == "before" for edge in operator.inputs)
    }
    for operator in graph.operators:
        places = len(job.places(operator))
        if not places or _goes_with_another(graph, operator, fused=fused):
            continue
        if operator.layer in recurrent:
            if isinstance(operator, Linear):  # the update of its state goes with it
                steps = max(span.positions for span in job.spans(operator.stream))
                yield from [_linear(gpu, operator, -(-places // steps), precision)] * steps
        elif isinstance(operator, Linear):
            yield _linear(gpu, operator, places, precision)
        elif isinstance(operator, Matmul):
            yield from _matmul(gpu, job, operator, places, precision, fused=fused)
        elif isinstance(operator, Rowwise):
            keys = job.most_keys(operator)
            values = operator.values(keys) * (
                max(1, len(operator.inputs)) if operator.operands is None else operator.operands
            )
            moved = places * (values + operator.values_out(keys))
            if _next_norm(graph, operator) is not None:
                moved += places * operator.values_out(keys)  # the sum is kept besides its norm
            yield Kernel(operator.key, moving(gpu, moved, precision), 0.0)


def _goes_with_another(graph: Graph, operator: Operator, *, fused: bool) -> bool:
    """Norms go with the sum before them; where attention is one kernel, so do softmax, scores and what lies between."""
    if operator.kind in _NORMS:
        source = graph.by_key[operator.inputs[0].source]
        return isinstance(source, Rowwise) and source.kind == "add" and _next_norm(graph, source) == operator.key
    if not fused:
        return False
    if isinstance(operator, Matmul):
        return operator.scores
    return any(isinstance(graph.by_key[edge.source], Matmul) for edge in operator.inputs) and operator.grows


def _next_norm(graph: Graph, operator: Operator) -> str | None:
    readers = graph.readers.get(operator.key, ())
    return next((each.key for each in readers if each.kind in _NORMS and each.positions == operator.positions), None)


def _linear(gpu: Gpu, linear: Linear, places: int, precision: str) -> Kernel:
    groups = linear.groups
    seconds = float(
        product(gpu, places, linear.out_features // groups, linear.in_features // groups, precision, groups)
    )
    return Kernel(linear.key, seconds, 2.0 * places * linear.weights)


def _matmul(gpu: Gpu, job: Job, operator: Matmul, places: int, precision: str, *, fused: bool) -> Iterator[Kernel]:
    keys = job.most_keys(operator)
    sequences = int((job.places(operator) // SEQUENCE).max()) + 1
    rows = places // sequences
    ops = 2.0 * places * operator.macs(keys)
    # heads are split apart before attention, and put together behind it
    width = operator.heads * operator.head_dim
    if fused:
        yield Kernel(operator.key, moving(gpu, places * 2 * (width + 2 * operator.stored), precision), 0.0)
        seconds = attention(gpu, sequences, operator.heads, rows, keys, operator.head_dim, precision)
        yield Kernel(operator.key, seconds, 2 * ops)
        return
    moved = places * (2 * (width + 2 * operator.stored) if operator.scores else 2 * width)
    yield Kernel(operator.key, moving(gpu, moved, precision), 0.0)
    n, k = (keys, operator.head_dim) if operator.scores else (operator.head_dim, keys)
    yield Kernel(operator.key, float(product(gpu, rows, n, k, precision, sequences * operator.heads)), ops)
