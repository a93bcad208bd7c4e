"""From a YAML file to a Machine: all faults found at once, before anything runs."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from archsim import registry, resources
from archsim.errors import ArchsimError, Fault, did_you_mean, quoted
from archsim.machine import checks
from archsim.machine.alternatives import choose, others
from archsim.machine.bibliography import unknown_source
from archsim.machine.costs import CostsError, Priced, check, price
from archsim.machine.draft import Draft
from archsim.machine.fits import check_core, check_path
from archsim.machine.machine import Machine, Step
from archsim.machine.mapping_file import overlaid, read_mapping
from archsim.machine.overlay import LABELLED, apply, read_whole
from archsim.machine.provenance import LABELS, Provenance, separate, sources
from archsim.machine.recipes import check_digital, check_placement, check_recipes, standard_recipes
from archsim.machine.schema import MachineFile
from archsim.machine.source import Document, Loc, dotted
from archsim.machine.wording import shown, validate
from archsim.parts.base import Part
from archsim.parts.wellformed import RESERVED, flaws


def load_machine(
    name_or_path: str | Path, settings: Sequence[str] = (), *, mapping: str | Path | None = None
) -> Machine:
    """Load a machine by its name in `hw_configs/machines`, or by the path of its file.

    settings: texts such as `parts.xbar.rows=64`, put over what the files say. mapping: a mapping file, whose choices
    are put over the machine's own. Raises ArchsimError with every fault found, each in its own file.
    """
    document = read_whole(resources.locate("hw_configs/machines", str(name_or_path)))
    if mapping is not None:
        document = overlaid(document, read_mapping(mapping))
    return build(apply(document, settings))


def change(machine: Machine, settings: Sequence[str]) -> Machine:
    """The machine with settings such as `parts.xbar.rows=64` put over it; raises ArchsimError if it is then wrong."""
    return build(apply(machine.document, settings))


def build(document: Document) -> Machine:
    """Check a document and make a Machine of it; raises ArchsimError with every fault found."""
    faults: list[Fault] = []
    chosen = choose(document, faults)
    data, provenance, wrong = separate(chosen, LABELLED)
    faults += wrong
    faults += _wrong_sources(document)
    file = validate(MachineFile, data, chosen, (), faults, LABELS)
    plain = _parts(chosen, data.get("parts"), faults)
    priced = _priced(chosen, plain, data.get("parts"), provenance, faults)
    for other in others(document):
        stripped, texts, wrong = separate(other, LABELLED)
        _check_costs(other, _parts(other, stripped["parts"], wrong), stripped["parts"], texts, wrong)
        faults += [fault for fault in wrong if fault not in faults]
    parts = {name: found.part for name, found in priced.items()}
    computed = {loc: origin for found in priced.values() for loc, origin in found.origins.items()}
    draft = Draft(chosen, file, parts) if file is not None else None
    root, core = _check(draft) if draft is not None else (None, None)
    faults += draft.faults if draft is not None else []
    if faults or file is None or draft is None or root is None or core is None:
        raise ArchsimError(*faults)
    recipes = standard_recipes(file, parts)
    return Machine(
        name=file.name,
        file=document.file,
        description=file.description,
        precision=file.precision,
        parts=parts,
        modules=draft.modules,
        root=root,
        core=core,
        chips=file.chips,
        choices=file.mapping,
        recipes={"linear": (Step("mvm", core),), **{op: one.steps for op, one in recipes.items()}},
        logarithms={op: frozenset(one.logarithms) for op, one in recipes.items()},
        digital=file.digital,
        digital_weights=file.digital_weights,
        fusion=file.fusion,
        function_cores=file.function_cores,
        kv_cache=tuple(file.kv_cache),
        provenance={loc: of for loc, of in provenance.items() if loc[2:] != ("costs", "model")} | computed,
        digest=_digest(data | ({"computed": [origin.text for origin in computed.values()]} if computed else {})),
        document=document,
    )


def _check(draft: Draft) -> tuple[str | None, str | None]:
    """The outermost module and the core of a draft; what is wrong with it joins its faults."""
    checks.check_members(draft)
    root = checks.find_root(draft)
    check_path(draft)
    core = checks.find_core(draft)
    checks.check_helpers(draft)
    check_recipes(draft, core)
    check_digital(draft)
    check_placement(draft)
    if root is not None and core is not None:
        checks.check_uses(draft, root, core)
        if not draft.faults:
            check_core(draft, draft.modules[core])
            holder = next(iter(draft.holders(core)), core)
            checks.check_mapping(draft, core if holder == root and not draft.modules[holder].path else holder)
    return root, core


def _wrong_sources(document: Document) -> Iterator[Fault]:
    """A fault for each source that nobody can look up, where it is first named."""
    seen: set[str] = set()
    for loc, source in sources(document, LABELLED):
        wrong = unknown_source(source) if source and source not in seen else None
        seen.add(source)
        if wrong is not None:
            yield Fault(f"{dotted(loc)}: {wrong}", document.place(loc))


def _parts(document: Document, given: Any, faults: list[Fault]) -> dict[str, Part]:
    """The parts that are whole; what is wrong with the others joins `faults`."""
    fields = given if isinstance(given, dict) else {}
    made = {name: _part(document, name, of, faults) for name, of in fields.items() if isinstance(of, dict)}
    return {name: part for name, part in made.items() if part is not None}


def _part(document: Document, name: str, fields: dict[str, Any], faults: list[Fault]) -> Part | None:
    loc: Loc = ("parts", name)
    if "value" in fields:  # a bare value that has been given labels
        found = f"found {shown(fields['value'])}; expected a mapping of keys to values"
        faults.append(Fault(f"{dotted(loc)}: {found}", document.place(loc)))
        return None
    wanted = fields.get("class")
    if not isinstance(wanted, str) or not wanted:
        found = "needs a 'class'" if wanted is None else f"found {shown(wanted)} as its class; expected a name"
        known = did_you_mean("", registry.known())
        faults.append(Fault(f"{dotted(loc)}: {found}. {known}", document.key_place(loc)))
        return None
    place = document.place((*loc, "class"))
    try:
        kind = registry.part_class(wanted, Part)
    except registry.RegistryError as error:
        faults += [Fault(f"{dotted(loc)}.class: {fault.message}", place) for fault in error.faults]
        return None
    wrong = [f"part class {quoted(wanted)} {flaw}" for flaw in flaws(kind)]
    faults += [Fault(f"{dotted(loc)}.class: {message}", place) for message in wrong]
    if wrong:
        return None
    rest = {key: value for key, value in fields.items() if key not in ("class", "costs")}
    try:
        part = validate(kind, rest, document, loc, faults, RESERVED)
        if part is not None:
            _ = [part.burst(action, 1) for action in kind.actions], part.peak_power(), part.static_power()
            if part.parallel < 1:
                found = f"found parallel {part.parallel}; expected at least 1"
                faults.append(Fault(f"{dotted(loc)}.class: part class {quoted(wanted)}: {found}", place))
    except Exception as error:  # noqa: BLE001 - a stranger's class may raise anything
        why = " ".join(f"{type(error).__name__}: {error}".split())
        faults.append(Fault(f"{dotted(loc)}.class: part class {quoted(wanted)} fails ({why})", place))
        return None
    return part


def _priced(
    document: Document, parts: Mapping[str, Part], given: Any, written: Mapping[Loc, Provenance], faults: list[Fault]
) -> dict[str, Priced]:
    """The parts with the costs that their models compute; what is wrong joins `faults`, and the part is left out."""
    found: dict[str, Priced] = {}
    for name, part in parts.items():
        try:
            costs = given[name].get("costs")
            found[name] = Priced(part) if costs is None else price(part, name, costs, document, written)
        except CostsError as error:
            faults += error.faults
    return found


def _check_costs(
    document: Document, parts: Mapping[str, Part], given: Any, written: Mapping[Loc, Provenance], faults: list[Fault]
) -> None:
    """Cost models that nobody has chosen: well formed, in range or not."""
    for name, part in parts.items():
        if given[name].get("costs") is not None:
            try:
                check(part, name, given[name]["costs"], document, written)
            except CostsError as error:
                faults += error.faults


def _digest(data: Any) -> str:
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
