"""Points: a study's combinations as what a run needs, each with a key made of all that its result depends on."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Final

from archsim.errors import ArchsimError
from archsim.explore.axes import JOB
from archsim.explore.jobs import asked, job_of
from archsim.explore.load import Bases
from archsim.explore.sampling import Choice
from archsim.explore.sources import digest as source_digest
from archsim.explore.sources import set_by
from archsim.explore.study import Study

MODEL_VERSION: Final = 1
"""Of the results: one more with each change of archsim after which the same inputs may give another figure.

Points of another version are not taken from a store; a test has the figures of this one.
"""


@dataclass(frozen=True, slots=True)
class Point:
    """One run. `settings` are put over the document in their order; `key` is the SHA-256 of `inputs`.

    machine, model: as the study names them; document, graph: their digests in Bases.
    """

    key: str
    machine: str
    model: str
    document: str
    graph: str
    settings: tuple[tuple[str, str], ...]
    job: tuple[tuple[str, Any], ...]
    inputs: str


def points(study: Study, bases: Bases) -> Iterator[tuple[Choice, Point]]:
    """Every point of a study, with its levels."""
    for choice in study.choices():
        yield choice, point(bases, study.values(choice))


def point(bases: Bases, values: Mapping[str, str]) -> Point:
    """The point that a text for each key makes.

    What it depends on: the machine's whole text and what is set over it, the model, the job with its usual values
    filled in, the source of parts that are not archsim's own, and `MODEL_VERSION`. No seed is among them, since a run
    draws nothing.
    """
    document, graph = bases.machines[values["machine"]], bases.models[values["model"]]
    settings = tuple(sorted((key, text) for key, text in values.items() if key not in (*JOB, "machine", "model")))
    job = _job(bases, graph, tuple((key, values[key]) for key in JOB if key in values))
    inputs = canonical(
        {
            "job": dict(job),
            "machine": document,
            "model": graph,
            "model_version": MODEL_VERSION,
            "settings": dict(settings),
        }
        | _sources(bases, document, settings)
    )
    key = hashlib.sha256(inputs.encode()).hexdigest()
    return Point(key, values["machine"], values["model"], document, graph, settings, job, inputs)


def _sources(bases: Bases, document: str, settings: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """The hash of each part class of one's own that a point may use; nothing where it has none."""
    names = {*bases.classes.get(document, ()), *(name for pair in settings for name in set_by(*pair))}
    found = {name: source_digest(bases.sources[name]) for name in sorted(names) if name in bases.sources}
    return {"sources": found} if found else {}


def canonical(data: Mapping[str, Any]) -> str:
    """JSON text that is the same for the same data: keys sorted, no spaces, floats to the last bit."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


@lru_cache(maxsize=4096)
def _job(bases: Bases, model: str, given: tuple[tuple[str, str], ...]) -> tuple[tuple[str, Any], ...]:
    """The job with its usual values filled in; as it stands where it is none, for the run to say why."""
    words = dict(given)
    wanted = asked(words)
    try:
        made = asdict(job_of(bases.graphs[model], words))
    except ArchsimError:
        return tuple(wanted.items())
    return tuple((key, made[key]) for key in wanted)
