"""From a YAML file to a Machine: all faults found at once, before anything runs."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from archsim import registry, resources
from archsim.errors import ArchsimError, Fault
from archsim.machine import checks
from archsim.machine.alternatives import choose
from archsim.machine.bibliography import check_sources
from archsim.machine.fits import check_core
from archsim.machine.machine import Machine, Module, Step
from archsim.machine.overlay import LABELLED, read_whole
from archsim.machine.provenance import separate
from archsim.machine.schema import MachineFile, ModuleSpec
from archsim.machine.source import Document
from archsim.machine.wording import reword
from archsim.parts.base import Part

M = TypeVar("M", bound=BaseModel)


def load_machine(name_or_path: str | Path, settings: Sequence[str] = ()) -> Machine:
    """Load a machine by its name in `hw_configs/machines`, or by the path of its file.

    settings: texts such as `parts.adc.bits=6`, put over what the file says.
    """
    return build(read_whole(resources.locate("hw_configs/machines", str(name_or_path)), settings))


def build(document: Document) -> Machine:
    """Check a document and make a Machine of it; raises ArchsimError with every fault found."""
    document = choose(document)
    data, provenance, faults = separate(document, LABELLED)
    for key in ("source", "status", "note"):
        data.pop(key, None)
    file = validate(MachineFile, data, document, (), faults)
    parts = _parts(document, data.get("parts"), faults)
    if faults or file is None:
        raise ArchsimError(*faults)
    check = checks.Checker(document)
    checks.check_members(check, file)
    root = checks.find_root(check, file)
    modules = {name: _module(name, spec) for name, spec in file.modules.items()}
    checks.check_paths(check, modules, parts)
    checks.check_helpers(check, modules, parts, file)
    checks.check_recipes(check, file, modules, parts)
    check_sources(check, provenance)
    core = checks.find_core(check, modules, parts) if not check.faults else None
    if core is not None:
        check_core(check, modules[core], parts, file.precision)
    if check.faults or root is None or core is None:
        raise ArchsimError(*check.faults)
    return Machine(
        name=file.name,
        file=document.file,
        description=file.description,
        precision=file.precision,
        parts=parts,
        modules=modules,
        root=root,
        core=core,
        chips=file.chips,
        recipes={
            op: tuple(Step(step, by) for entry in steps for step, by in entry.items())
            for op, steps in file.recipes.items()
        },
        fusion=file.fusion,
        function_cores=file.function_cores,
        kv_cache=tuple(file.kv_cache),
        provenance=provenance,
        digest=_digest(data),
    )


def validate(
    model: type[M], data: Any, document: Document, loc: tuple[str | int, ...], faults: list[Fault]
) -> M | None:
    """Validate `data` against a pydantic model; what is wrong with it joins `faults`, in archsim's words."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults += reword(error, model, document, loc)
        return None


def _parts(document: Document, given: Any, faults: list[Fault]) -> dict[str, Part]:
    parts: dict[str, Part] = {}
    for name, fields in given.items() if isinstance(given, dict) else ():
        if not isinstance(fields, dict):
            continue
        loc = ("parts", name)
        wanted = fields.get("class")
        if not isinstance(wanted, str):
            known = ", ".join(registry.known())
            faults.append(Fault(f"parts.{name}: needs a 'class'. Known: {known}.", document.key_place(loc)))
            continue
        try:
            found = registry.part_class(wanted, Part)
        except registry.RegistryError as error:
            place = document.place((*loc, "class"))
            faults += [Fault(f"parts.{name}.class: {fault.message}", place) for fault in error.faults]
            continue
        rest = {key: value for key, value in fields.items() if key != "class"}
        part = validate(found, rest, document, loc, faults)
        if part is not None:
            parts[name] = part
    return parts


def _module(name: str, spec: ModuleSpec) -> Module:
    stages = tuple(
        tuple(member.strip() for member in stage.split("+")) for stage in (spec.path.split(">") if spec.path else ())
    )
    return Module(
        name=name,
        members=spec.parts,
        path=stages,
        cycle=spec.cycle,
        memory=spec.memory,
        mesh=spec.mesh,
        combine=spec.combine,
        slices_in=spec.slices_in,
        signs=spec.signs,
    )


def _digest(data: Any) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
