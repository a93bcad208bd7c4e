"""The jobs of a study, tried on its models before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archsim.errors import ArchsimError, quoted
from archsim.explore.axes import JOB, WORKLOAD
from archsim.explore.reader import key_loc
from archsim.graph.job import Job, make_job

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from archsim.explore.reader import Reader
    from archsim.explore.study import Study
    from archsim.graph.graph import Graph


def job_of(graph: Graph, words: Mapping[str, str]) -> Job:
    """The job that some texts make, usual values filled in. Raises ArchsimError."""
    return make_job(graph, **asked(words))


def asked(words: Mapping[str, str]) -> dict[str, Any]:
    """What `make_job` is asked for."""
    phase = words.get("phase", "prefill")
    seq, tokens = words.get("seq"), words.get("new_tokens")
    return {
        "batch": int(words.get("batch", "1")),
        "grain": words.get("grain", "projection"),
        "new_tokens": int(tokens) if tokens is not None else int(phase != "prefill"),
        "phase": phase,
        "seq": None if seq is None else int(seq),
    }


def in_study(message: str) -> str:
    """A message about a job in the words of a study, which has keys in place of options."""
    for key in JOB:
        message = message.replace(f"--{key.replace('_', '-')}", key)
    return message


def check_single(reader: Reader, study: Study) -> None:
    """Fault each axis that makes points do different work: an optimiser would choose the least."""
    for axis in study.varied:
        for at, key in enumerate(axis.keys):
            texts = {level.values[at][1] for level in axis.levels}
            if key in WORKLOAD and len(texts) > 1:
                found = f"found {len(texts)} values; expected one, since the least work is no best design"
                advice = "Try one value, or 'archsim sweep', which shows a frontier for each"
                reader.fault(key_loc(axis.levels[0].locs[at]), f"{found}. {advice}")


def check_jobs(reader: Reader, study: Study, models: Mapping[str, Graph]) -> None:
    """Fault each value that makes no job with a model: alone, or of new tokens with any of the study's phases."""
    if reader.faults:  # a value may be no number
        return
    phases = _phases(study)
    for axis in study.axes:
        for level in axis.tried() if set(axis.keys) & set(JOB) else ():
            values = dict(level.values)
            for name, graph in models.items():
                if values.get("model", name) == name:
                    why = _why(graph, {key: values[key] for key in JOB if key in values}, phases)
                    where = f" (model {quoted(name)})" if len(models) > 1 else ""
                    at = next(number for number, key in enumerate(axis.keys) if key in JOB)
                    if why is not None:
                        reader.fault(level.locs[at], f"{in_study(why)}{where}")


def _phases(study: Study) -> list[str]:
    """Those that the study has; the usual one where it has none."""
    values = (dict(level.values) for axis in study.axes for level in axis.levels)
    return list(dict.fromkeys(each["phase"] for each in values if "phase" in each)) or ["prefill"]


def _why(graph: Graph, words: Mapping[str, str], phases: Sequence[str]) -> str | None:
    """Why some texts make no job; None where they do, or where that is another axis's fault."""
    if "new_tokens" not in words or "phase" in words:
        return _fault(graph, words)
    able = [phase for phase in phases if _fault(graph, {"phase": phase}) is None]
    found = [_fault(graph, {**words, "phase": phase}) for phase in able]
    return found[-1] if found and None not in found else None


def _fault(graph: Graph, words: Mapping[str, str]) -> str | None:
    try:
        job_of(graph, words)
    except ArchsimError as error:
        return error.faults[0].message
    return None
