"""Recurrences without products, such as the scans of state spaces: in one kernel whose states never leave the units."""

from archsim.gpu.gpu import VECTOR, Gpu
from archsim.gpu.kernels import moving
from archsim.graph.graph import Graph
from archsim.graph.job import SEQUENCE, Job
from archsim.graph.nodes import Contraction
from archsim.graph.operators import Rowwise
from archsim.graph.sequence_nodes import Recurrence


def scans(graph: Graph) -> dict[str, Recurrence]:
    """Of each operator of a recurrence without products: that recurrence."""
    recurrences = [node for node in graph.nodes if isinstance(node, Recurrence)]
    without = [node for node in recurrences if not any(isinstance(each, Contraction) for each in node.body)]
    return {each.key: node for node in without for each in node.body if each.key in graph.by_key}


def updating(graph: Graph, node: Recurrence) -> set[str]:
    """Operators that need the position before, and those whose results they need of it."""
    own = [graph.by_key[each.key] for each in node.body if each.key in graph.by_key]
    edges = [(each.key, edge.source) for each in own for edge in each.inputs if edge.scope == "before"]
    return {key for pair in edges for key in pair}


def scan(gpu: Gpu, graph: Graph, job: Job, node: Recurrence, precision: str) -> tuple[float, float]:
    """Seconds, and values that are moved: what comes from outside, the result, weights, and states once each way.

    Positions are combined in parallel, so that their number alone is no latency (A. Gu, T. Dao, 2023, section 3.3).
    Vector units do the operations.
    """
    own = [operator for each in node.body if isinstance(operator := graph.by_key.get(each.key), Rowwise)]
    keys = {each.key for each in own}
    edges = {(edge.source, edge.scope) for each in own for edge in each.inputs}
    outside = sum(graph.by_key[key].values_out(1) for key in {source for source, _ in edges} - keys)
    states = sum(graph.by_key[source].values_out(1) for source, scope in edges if scope == "before")
    places = job.places(own[0])
    sequences = int((places // SEQUENCE).max()) + 1
    weights = sum(graph.weights[name].numbers for each in node.body for name in each.inputs if name in graph.weights)
    moved = float(len(places) * (outside + own[-1].values_out(1)) + 2 * sequences * states + weights)
    operations = len(places) * sum(each.values(1) for each in own)
    rate = max((gpu.rate(each) for each in VECTOR if each in gpu.peak), default=gpu.rate(precision))
    return max(moving(gpu, moved, precision), gpu.efficiency.launch + operations / rate), moved
