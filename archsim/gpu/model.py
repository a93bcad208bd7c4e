"""A model on a GPU: its Graph as kernels, one after the other; the same Graph that machines run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from archsim.gpu.gpu import BYTES, Gpu
from archsim.gpu.kernels import attention, moving, product
from archsim.gpu.scans import scan, scans, updating
from archsim.graph.graph import Graph
from archsim.graph.job import SEQUENCE, Job, Span, require_operators
from archsim.graph.operators import Linear, Matmul, Operator, Rowwise
from archsim.graph.windows import Window

Product = Callable[[int, int, int, int], float]
"""Seconds of so many products [m, k] x [k, n]: m, n, k, number."""
_NORMS = ("layernorm", "rmsnorm")
AWAKE, MOVING, COMPUTING = 0.25, 0.5, 0.75
"""Shares of the power above rest: with clocks and units on, with the memory and with arithmetic at full speed.

Calibrated: round numbers, the same for all GPUs, chosen with the joules of docs/gpus.md in view. Arithmetic that lasts
takes all the power, what waits for memory three quarters.
"""


@dataclass(frozen=True, slots=True)
class Kernel:
    """What is launched at once: seconds, operations, values that it reads and writes, for which operator."""

    operator: str
    seconds: float
    ops: float
    values: float


@dataclass(frozen=True)
class GpuResult:
    """Seconds and joules of a job; by operator the seconds of its kernels."""

    latency: float
    energy: float
    kernels: int
    by_operator: dict[str, float]


def run(gpu: Gpu, graph: Graph, job: Job, precision: str, *, fused: bool) -> GpuResult:
    """Run a job: a prompt is one pass over all its positions, each new token a pass over one a sequence.

    fused: attention is one kernel, and so is a recurrence without products, such as a scan; else what updates its state
    is a kernel a position. Other recurrent layers are a kernel a position, of all sequences.
    """

    @cache
    def seconds(m: int, n: int, k: int, count: int) -> float:
        # layers and tokens are alike
        return float(product(gpu, m, n, k, precision, count))

    require_operators(graph)
    latency, energy, number = 0.0, 0.0, 0
    by_operator: dict[str, float] = {}
    for step in _passes(graph, job):
        for kernel in _kernels(gpu, graph, step, precision, seconds, fused=fused):
            latency += kernel.seconds + gpu.efficiency.gap
            number += 1
            energy += _energy(gpu, kernel, precision)
            name = kernel.operator.partition("/")[2]
            by_operator[name] = by_operator.get(name, 0.0) + kernel.seconds
    return GpuResult(latency, energy, number, by_operator)


def _energy(gpu: Gpu, kernel: Kernel, precision: str) -> float:
    """Joules of a kernel and the gap behind it: at rest, awake, what it moves and computes; the power is a limit."""
    seconds = kernel.seconds + gpu.efficiency.gap
    moving = kernel.values * BYTES[precision] / gpu.moved
    computing = kernel.ops / gpu.rate(precision)
    busy = min(seconds, AWAKE * seconds + MOVING * moving + COMPUTING * computing)
    return gpu.idle * seconds + (gpu.power - gpu.idle) * busy


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


def _kernels(gpu: Gpu, graph: Graph, job: Job, precision: str, seconds: Product, *, fused: bool) -> Iterator[Kernel]:
    recurrent = _recurrent(graph)
    together = scans(graph)
    for operator in graph.operators:
        places = len(job.places(operator))
        if not places or _goes_with_another(graph, operator, fused=fused):
            continue
        if operator.layer in recurrent:
            if isinstance(operator, Linear):  # the update of its state goes with it
                window = recurrent[operator.layer]
                steps = max(span.positions for span in job.spans(operator.stream))
                steps = steps if window is None else window.out[window.pad.index(1)]
                yield from [_linear(operator, -(-places // steps), seconds)] * steps
        elif isinstance(operator, Linear):
            yield _linear(operator, places, seconds)
        elif isinstance(operator, Matmul):
            yield from _matmul(gpu, job, operator, places, precision, seconds, fused=fused)
        elif isinstance(operator, Rowwise):
            node = together.get(operator.key)
            if node is None or not fused:
                alone = node is not None and operator.key in updating(graph, node)
                yield from _rowwise(gpu, graph, job, operator, precision, alone=alone)
            elif operator.key == node.result:
                taken, moved = scan(gpu, graph, job, node, precision)
                yield Kernel(operator.key, taken, 0.0, moved)


def _recurrent(graph: Graph) -> dict[str, Window | None]:
    """Layers whose product needs the position before, and which of several sequences side by side that is."""
    return {
        operator.layer: edge.window
        for operator in graph.operators
        for edge in operator.inputs
        if isinstance(operator, Linear) and edge.scope == "before"
    }


def _rowwise(
    gpu: Gpu, graph: Graph, job: Job, operator: Rowwise, precision: str, *, alone: bool = False
) -> list[Kernel]:
    """alone: a kernel for each position, of all sequences."""
    places, keys = len(job.places(operator)), job.most_keys(operator)
    operands = max(1, len(operator.inputs)) if operator.operands is None else operator.operands
    moved = places * (operator.values(keys) * operands + operator.values_out(keys))
    if _next_norm(graph, operator) is not None:
        moved += places * operator.values_out(keys)  # the sum is kept besides its norm
    steps = max(span.positions for span in job.spans(operator.stream)) if alone else 1
    return [Kernel(operator.key, moving(gpu, moved / steps, precision), 0.0, moved / steps)] * steps


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


def _linear(linear: Linear, places: int, seconds: Product) -> Kernel:
    groups = linear.groups
    m, n, k = places, linear.out_features // groups, linear.in_features // groups
    return Kernel(
        linear.key, seconds(m, n, k, groups), 2.0 * places * linear.weights, groups * float(m * k + k * n + m * n)
    )


def _matmul(
    gpu: Gpu, job: Job, operator: Matmul, places: int, precision: str, seconds: Product, *, fused: bool
) -> Iterator[Kernel]:
    keys = job.most_keys(operator)
    sequences = int((job.places(operator) // SEQUENCE).max()) + 1
    rows = places // sequences
    ops = 2.0 * places * operator.macs(keys)
    # heads are split apart before attention, and put together behind it
    width = operator.heads * operator.head_dim
    split = places * 2 * (width + 2 * operator.stored)
    heads = sequences * operator.heads
    if fused:
        yield Kernel(operator.key, moving(gpu, split, precision), 0.0, split)
        together = attention(gpu, sequences, operator.heads, rows, keys, operator.head_dim, precision)
        yield Kernel(operator.key, together, 2 * ops, heads * float(operator.head_dim * 2 * (rows + keys)))
        return
    moved = split if operator.scores else places * 2 * width
    yield Kernel(operator.key, moving(gpu, moved, precision), 0.0, moved)
    n, k = (keys, operator.head_dim) if operator.scores else (operator.head_dim, keys)
    yield Kernel(operator.key, seconds(rows, n, k, heads), ops, heads * float(rows * k + k * n + rows * n))
