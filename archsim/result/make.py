"""From a Run to a Result."""

import platform
from collections.abc import Callable
from functools import cache
from importlib.metadata import version

from archsim.description import remarks
from archsim.graph.job import Job
from archsim.machine.bibliography import bibliography, cited
from archsim.machine.machine import Machine
from archsim.mapping.digital import placement
from archsim.mapping.mapping import Mapping
from archsim.program import Run
from archsim.result.bottleneck import bottleneck
from archsim.result.ledger import Entry, Ledger, keep, layer_of, operator_of, part_of
from archsim.result.operators import operators
from archsim.result.result import Result
from archsim.result.utilisation import utilisation
from archsim.result.waiting import critical_seconds, waiting
from archsim.units import JOULES_PER_ZJ, M2_PER_UM2, SECONDS_PER_PS

_LIBRARY = {"compiled": "numba", "simpy": "simpy"}
"""What each engine is made with."""


def make(mapping: Mapping, job: Job, run: Run, engine: str) -> Result:
    """Count, divide and name; `engine` is the one that played."""
    machine, graph = mapping.machine, mapping.graph
    ledger = keep(machine, run, mapping.chips)
    latency = run.makespan * SECONDS_PER_PS
    energy = ledger.total * JOULES_PER_ZJ
    area = float(machine.area(machine.root) * mapping.chips) * M2_PER_UM2
    ops = 2 * job.macs(graph)
    placed = placement(machine, graph, job)
    by_part, by_operator, in_operators = critical_seconds(run)
    waited, waited_by_operator, waited_by_station = waiting(run)
    tokens = job.batch * (job.seq if job.phase == "prefill" else job.new_tokens)
    if graph.length is not None:
        tokens = job.batch
    return Result(
        machine=machine.name,
        model=graph.name,
        phase=job.phase,
        batch=job.batch,
        seq=job.seq,
        new_tokens=job.new_tokens,
        chips=mapping.chips,
        latency_s=latency,
        tokens_per_s=tokens / latency,
        throughput_unit="tokens/s" if graph.length is None else "inputs/s",
        energy_j=energy,
        average_power_w=energy / latency,
        area_m2=area,
        ops=ops,
        tops=ops / latency * 1e-12,
        tops_per_w=ops / energy * 1e-12 if energy else 0.0,
        tops_per_mm2=ops / latency * 1e-12 / (area * 1e6) if area else 0.0,
        analog_mac_share=placed.analog_share,
        digital_weight_bits=placed.weight_bits,
        bottleneck=bottleneck(by_part, in_operators),
        critical_path_by_part_s=by_part,
        critical_path_by_operator_s=by_operator,
        waiting_s=waited,
        waiting_by_operator_s=waited_by_operator,
        waiting_by_station_s=waited_by_station,
        area_by_part_m2=_areas(machine, mapping.chips),
        energy_by_part_j=_joules(ledger, part_of),
        energy_by_operator_j=_joules(ledger, operator_of),
        energy_by_layer_j=_joules(ledger, layer_of),
        operators=operators(graph, job, run, ledger),
        utilisation=utilisation(run),
        tasks=run.program.n_tasks,
        sources=[{"key": key, "text": text} for key, text in _sources(mapping)],
        notes=[*remarks(machine), *mapping.notes],
        provenance=_provenance(mapping, job, engine),
    )


def _joules(ledger: Ledger, key: Callable[[Entry], str]) -> dict[str, float]:
    return {name: energy * JOULES_PER_ZJ for name, energy in ledger.by(key).items()}


def _areas(machine: Machine, chips: int) -> dict[str, float]:
    areas = {f"{module}.{name}": n * chips * (machine.parts[name].area or 0) for module, name, n in machine.walk()}
    return {part: float(area) * M2_PER_UM2 for part, area in areas.items() if area}


def _sources(mapping: Mapping) -> list[tuple[str, str]]:
    found = dict(cited(mapping.machine.provenance))
    source = mapping.graph.source
    if source is not None:
        found[source] = str(bibliography().get(source, source))
    return sorted(found.items())


@cache
def _versions(engine: str) -> dict[str, str]:
    library = _LIBRARY[engine]
    return {
        "archsim": version("archsim"),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        library: version(library),
    }


def _provenance(mapping: Mapping, job: Job, engine: str) -> dict[str, str]:
    return {
        **_versions(engine),
        "engine": engine,
        "grain": job.grain,
        "machine_hash": mapping.machine.digest,
        "model_hash": mapping.graph.digest,
    }
