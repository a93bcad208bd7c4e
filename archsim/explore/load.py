"""From a study file to a Study with its machines and models; every axis is tried before anything runs."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsim import resources
from archsim.errors import ArchsimError, Fault, did_you_mean, near, quoted
from archsim.explore.axes import JOB, Axis, Level
from archsim.explore.jobs import check_jobs, check_single
from archsim.explore.reader import Reader, key_loc
from archsim.explore.sources import named, set_by, sources
from archsim.explore.study import Study, study_of
from archsim.graph.load import load_model
from archsim.machine.load import build, change
from archsim.machine.overlay import read_whole
from archsim.machine.source import Document, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from archsim.graph.graph import Graph
    from archsim.machine.machine import Machine
    from archsim.machine.source import Loc

_MOST_FAULTS = 200
"""With so many, further values are not tried."""


@dataclass(frozen=True, eq=False)
class Bases:
    """What points are made from, and all that a worker needs: machine documents and models, by digest.

    machines, models: the digest of each name that the study has. classes: of each document, the part classes that it
    names and that are not archsim's own; sources: of each such class, also of those that axes set, its modules with
    the hashes of their files.
    """

    documents: Mapping[str, Document]
    graphs: Mapping[str, Graph]
    machines: Mapping[str, str]
    models: Mapping[str, str]
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sources: Mapping[str, dict[str, str]] = field(default_factory=dict)


def load_study(
    path: str | Path, *, whole: bool = True, single: bool = False, trust: bool = False
) -> tuple[Study, Bases]:
    """Read a study and load what it names. Raises ArchsimError with every fault of all of it.

    Machines and models are looked for beside the study, then as `archsim run` does. Each value of each axis is put over
    each machine alone: what cannot be read is a fault; what does not fit the rest of the machine may fit together with
    another axis, and is left to the points. So are jobs on each model. whole: all points are to be run, so that there
    must not be too many; single: they must do the same work. trust: open model files that can run code as
    they are loaded (.pt2).
    """
    reader = Reader(read(path))
    study = study_of(reader, whole=whole)
    if study is not None and single:
        check_single(reader, study)
    machines: dict[str, Machine] = {}
    models: dict[str, Graph] = {}
    for name, loc in _named(study, "machine"):
        _keep(reader, loc, machines, name, lambda name=name: _machine(Path(path), name))
    for name, loc in _named(study, "model"):
        _keep(reader, loc, models, name, lambda name=name: _model(Path(path), name, trust=trust))
    for axis in study.axes if study is not None else ():
        for level in axis.tried():
            if len(reader.faults) < _MOST_FAULTS:
                _try(reader, axis, level, machines)
    if study is not None:
        check_jobs(reader, study, models)
    if reader.faults or study is None:
        raise ArchsimError(*reader.faults)
    digests = {name: digest(machine.document) for name, machine in machines.items()}
    documents = {digests[name]: machine.document for name, machine in machines.items()}
    classes = {key: tuple(sorted(set(named(document.data)))) for key, document in documents.items()}
    own = sources({*(name for each in classes.values() for name in each), *_classes(study)})
    return study, Bases(
        documents=documents,
        graphs={graph.digest: graph for graph in models.values()},
        machines=digests,
        models={name: graph.digest for name, graph in models.items()},
        classes={key: tuple(name for name in each if name in own) for key, each in classes.items()},
        sources=own,
    )


def _classes(study: Study) -> Iterator[str]:
    """Those that its axes set."""
    for axis in study.axes:
        for level in axis.levels:
            for key, text in level.values:
                yield from set_by(key, text)


def digest(document: Document) -> str:
    """The hash of all that a machine's text says, alternatives that nobody chose included: a point may choose one."""
    text = json.dumps(document.data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _named(study: Study | None, key: str) -> Iterator[tuple[str, Loc]]:
    """Each value that the study has for a key, and where."""
    for axis in study.axes if study is not None else ():
        for level in axis.levels:
            for (name, text), loc in zip(level.values, level.locs, strict=True):
                if name == key:
                    yield text, loc


def _keep(reader: Reader, loc: Loc, found: dict[str, Any], name: str, load: Any) -> None:  # noqa: ANN401
    """Load what a name means. A fault of the name itself stands where the name does; one of its file, in the file."""
    try:
        found[name] = load()
    except ArchsimError as error:
        for fault in error.faults:
            if fault.place is None:
                reader.fault(loc, fault.message)
            elif fault not in reader.faults:
                reader.faults.append(fault)


def _machine(study: Path, name: str) -> Machine:
    return build(read_whole(_locate(study, "hw_configs/machines", name)))


def _model(study: Path, name: str, *, trust: bool) -> Graph:
    return load_model(_locate(study, "workloads/models", name), trust=trust)


def _locate(study: Path, folder: str, name: str) -> Path:
    beside = study.parent / name
    try:
        if beside.is_file():
            return beside
    except OSError:  # a name too long, a folder that must not be read
        pass
    return resources.locate(folder, name)


def _try(reader: Reader, axis: Axis, level: Level, machines: Mapping[str, Machine]) -> None:
    """Put a level over each machine that it can be for, alone."""
    values = dict(level.values)
    wanted = {values["machine"]: machines.get(values["machine"])} if "machine" in values else dict(machines)
    settings = {key: at for key, at in zip(axis.keys, level.locs, strict=True) if key not in (*JOB, "machine", "model")}
    for name, machine in wanted.items() if settings else ():
        if machine is None:
            continue
        where = f" (machine {quoted(name)})" if len(machines) > 1 else ""
        missing = {key: why for key in settings if (why := _missing(machine, key)) is not None}
        for key, why in missing.items():
            reader.fault(key_loc(settings[key]), f"{why}{where}", key=True)
        if missing:
            continue
        texts = [f"{key}={values[key]}" for key in settings]
        try:
            change(machine, texts)
        except ArchsimError as error:
            for fault in error.faults:
                _place(reader, fault, values, settings, machine, where)


def _place(
    reader: Reader, fault: Fault, values: Mapping[str, str], settings: Mapping[str, Loc], machine: Machine, where: str
) -> None:
    """A fault within the text of a setting is one of the study; it stands where the study has the key or the value."""
    for key, loc in settings.items():
        file = f"--set {quoted(f'{key}={values[key]}', 200)[1:-1]}"
        if fault.place is None or fault.place.file != file:
            continue
        message = fault.message.removeprefix(f"{key}: ")
        if fault.place.column <= len(key):
            close = near(key, JOB)
            hint = f" A job has '{close[0]}'." if close else ""
            reader.fault(key_loc(loc), f"{message}{hint}{where}", key=True)
        else:
            reader.fault(loc, f"{message}{_with_unit(machine, key, values[key])}{where}")


def _missing(machine: Machine, key: str) -> str | None:
    """Why a key leads into a part or module that is not there."""
    section, *rest = key.split(".")
    known: dict[str, Mapping[str, Any]] = {"parts": machine.parts, "modules": machine.modules}
    if section not in known or len(rest) < 2 or rest[0] in known[section]:  # noqa: PLR2004 - a name and a key of it
        return None
    return f"no such {section.removesuffix('s')}: {quoted(rest[0])}. {did_you_mean(rest[0], known[section])}"


def _with_unit(machine: Machine, key: str, value: str) -> str:
    """For a bare number, the same with the unit that the machine's file has there."""
    node: Any = machine.document.data
    for name in key.split("."):
        node = node.get(name) if isinstance(node, dict) else None
    node = node.get("value") if isinstance(node, dict) else node
    unit = re.fullmatch(r"[0-9.eE+-]+\s*([^\s\d]\S*)(\s+of\s+\d+)?", node) if isinstance(node, str) else None
    bare = re.fullmatch(r"[0-9.]+", value)
    return f". Try {quoted(f'{value} {unit[1]}')}." if unit and bare else ""
