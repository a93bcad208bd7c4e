"""Checks of a machine as a whole: that names exist, that modules form a tree, that each key has a use."""

import re
from typing import Final

from archsim.errors import did_you_mean, quoted
from archsim.machine.draft import Draft, names
from archsim.machine.source import Loc

MOST: Final = 1_000_000
"""Of one part or module in a module."""

_NAME = re.compile(r"[\w-]+")
_KINDS = {"memory": "a memory", "route": "a router", "link": "a link between chips"}


def check_members(draft: Draft) -> None:
    """Names are plain and have one meaning; members exist; whole modules are not split."""
    for section, found in (("parts", draft.file.parts), ("modules", draft.modules)):
        for name in found:
            if not _NAME.fullmatch(name):
                draft.fault((section, name), "expected a name of letters, digits, '_' and '-'", key=True)
            elif name == "value":
                draft.fault((section, name), "the key 'value' stands for a number; expected another name", key=True)
    for name, module in draft.modules.items():
        if name in draft.file.parts:
            draft.fault(("modules", name), f"{quoted(name)} is also a part; give one of them another name", key=True)
        if not module.members:
            draft.fault(("modules", name, "parts"), "is empty; expected parts with their counts")
        for member in module.members:
            _check_member(draft, name, member)


def _check_member(draft: Draft, module: str, member: str) -> None:
    loc = ("modules", module, "parts", member)
    number = draft.modules[module].members[member]
    known = (*draft.file.parts, *draft.modules)
    if member not in known:
        draft.fault(loc, f"no such part or module. {did_you_mean(member, known)}", key=True)
    elif not number:
        draft.fault(loc, "found 0; expected at least 1, or leave it out")
    elif number.denominator != 1 and member in draft.modules:
        draft.fault(loc, f"found {number}; expected a whole number, since only parts are shared")
    elif number.denominator != 1 and number.numerator != 1:
        draft.fault(loc, f"found {number}; expected a whole number, or 1/N for a part that N modules share")
    elif not 1 <= max(number, 1 / number) <= MOST:
        draft.fault(loc, f"found {number}; expected at most {MOST:,}")


def find_root(draft: Draft) -> str | None:
    """The one module that no other holds; circles and second roots are faults."""
    circle = [name for name in draft.modules if name in draft.within(name)]
    if circle:
        message = "holds itself" if circle[0] in draft.modules[circle[0]].members else "holds itself, through others"
        draft.fault(("modules", circle[0]), message, key=True)
        return None
    roots = [name for name in draft.modules if not draft.holders(name)]
    for name in roots[1:]:
        found = f"stands in no other module, and neither does {quoted(roots[0])}"
        draft.fault(("modules", name), f"{found}; expected one outermost module", key=True)
    if not roots:
        draft.fault(("modules",), "is empty; expected at least one module")
    return roots[0] if len(roots) == 1 else None


def find_core(draft: Draft) -> str | None:
    """The one module whose path goes through a crossbar."""
    if any(draft.broken(name) for name in draft.file.parts):
        return None  # it may be the crossbar that is broken
    cores = [m.name for m in draft.modules.values() if any(draft.place(name) == "array" for name in m.flat)]
    for name in cores[1:]:
        message = f"goes through a crossbar, as that of {quoted(cores[0])} does; expected one core"
        draft.fault(("modules", name, "path"), message)
    if not cores and not draft.faults:
        draft.fault(("modules",), "expected one module whose path goes through a crossbar, the core; found none")
    return cores[0] if len(cores) == 1 else None


def check_uses(draft: Draft, root: str, core: str) -> None:
    """Cores stand in one module; only they combine; only they and the module that holds them have a path."""
    holders = draft.holders(core)
    if len(holders) > 1:
        loc = ("modules", holders[1], "parts", core)
        draft.fault(loc, f"stands in {names(holders)}; expected cores in one module", key=True)
    for name in draft.modules:
        _check_keys(draft, name, core, (core, *holders))
    meshes = [name for name in draft.modules if draft.modules[name].mesh is not None]
    for name in meshes[1:]:
        draft.fault(("modules", name, "mesh"), f"{quoted(meshes[0])} has one too; expected one mesh", key=True)
    if root == core and draft.file.chips.link is not None:
        draft.fault(("chips", "link"), f"the core, {quoted(core)}, is the outermost module; expected chips around it")


def _check_keys(draft: Draft, name: str, core: str, with_path: tuple[str, ...]) -> None:
    """A module has no key that nothing heeds, and no module on its path but the core on that of what holds it."""
    spec, module = draft.file.modules[name], draft.modules[name]
    for key in ("combine", "slices_in", "signs"):
        if key in spec.model_fields_set and name != core:
            draft.fault(("modules", name, key), f"is of no use here; expected in the core, {quoted(core)}", key=True)
    if module.path and name not in with_path:
        found = f"is of no use here; expected in the core and what holds it, {names(with_path)}"
        draft.fault(("modules", name, "path"), found, key=True)
    if module.cycle is not None and not module.path:
        draft.fault(("modules", name, "cycle"), "is of no use without a path", key=True)
    for member in module.flat:
        if member in draft.modules and (member != core or name == core):
            found = f"{quoted(member)} is a module; expected parts, and the core, {quoted(core)}, in what holds it"
            draft.fault(("modules", name, "path"), found)


def check_helpers(draft: Draft) -> None:
    """`memory`, `mesh.router`, `chips.link` and `kv_cache` name parts of the right kind, standing where they should."""
    every = tuple(draft.file.parts)
    for module in draft.modules.values():
        if module.memory is not None:
            loc: Loc = ("modules", module.name, "memory")
            fits = _check_kind(draft, loc, module.memory, "memory", tuple(module.members), " of this module")
            if fits and module.memory not in module.flat:
                check_whole(draft, loc, module.name, module.memory)
        if module.mesh is not None:
            loc, router = ("modules", module.name, "mesh", "router"), module.mesh.router
            inside = tuple(draft.within(module.name))
            if _check_kind(draft, loc, router, "route", inside, " that stands in this module"):
                _check_once(draft, loc, router)
    link = draft.file.chips.link
    if link is not None and _check_kind(draft, ("chips", "link"), link, "link", every):
        _check_once(draft, ("chips", "link"), link)
    _check_reprogramming(draft, every)
    if draft.file.chips.hands_over == "sequences" and draft.file.chips.split == "projections":
        draft.fault(("chips", "hands_over"), "goes with split: layers alone")
    memories: list[tuple[Loc, str | None]] = [(("digital_weights",), draft.file.digital_weights)]
    memories += [(("kv_cache", index), name) for index, name in enumerate(draft.file.kv_cache)]
    for loc, memory in memories:
        if memory is not None and _check_kind(draft, loc, memory, "memory", every):
            _check_once(draft, loc, memory)


def _check_reprogramming(draft: Draft, every: tuple[str, ...]) -> None:
    chips, loc = draft.file.chips, ("chips", "reprogram")
    if chips.reprogram is None or not _check_kind(draft, loc, chips.reprogram, "memory", every):
        return
    _check_once(draft, loc, chips.reprogram)
    fixed = [part for part in draft.parts.values() if part.place == "array" and "write" not in part.actions]
    if fixed:
        draft.fault(loc, "the crossbars cannot be written; expected class rewritable_crossbar")
    if chips.split == "projections":
        draft.fault(loc, "goes with split: layers alone")


def check_mapping(draft: Draft, tile: str) -> None:
    """Choices of the mapping go with what else the file says; tiles that take turns stand in a module of their own."""
    choices = draft.file.mapping
    turns = [name for name, module in draft.modules.items() if module.one_at_a_time]
    asked = {"copies": bool(choices.copies), "replicate": choices.replicate != "none"}
    for key in (key for key, wanted in asked.items() if wanted):
        if draft.file.chips.split == "projections":
            draft.fault(("mapping", key), "goes with chips.split: layers alone", key=True)
        if choices.pack or turns:
            why = "mapping.pack, which gives none tiles of its own" if choices.pack else "tiles that work one at a time"
            draft.fault(("mapping", key), f"does not go with {why}", key=True)
    _check_bits(draft)
    for name, spec in draft.file.modules.items():
        if "overlap" in spec.model_fields_set and name != tile:
            draft.fault(("modules", name, "overlap"), f"is of no use here; expected in {quoted(tile)}", key=True)
    for name in turns[1:]:
        loc = ("modules", name, "one_at_a_time")
        draft.fault(loc, f"{quoted(turns[0])} has it too; expected one such module", key=True)
    for name in turns[:1]:
        if tile not in draft.within(name):
            loc = ("modules", name, "one_at_a_time")
            draft.fault(loc, f"is of no use here; expected in a module that holds tiles, {quoted(tile)}", key=True)


def _check_bits(draft: Draft) -> None:
    """No projection has more bits than the machine, whose cells and converters are checked for these."""
    for name, given in draft.file.mapping.bits.items():
        for of in ("weights", "inputs"):
            bits, most = getattr(given, of), getattr(draft.file.precision, of)
            if bits is not None and bits > most:
                found = f"found {bits} b; expected at most the machine's {most} b (precision.{of})"
                draft.fault(("mapping", "bits", name, of), found)


def _check_kind(draft: Draft, loc: Loc, name: str, place: str, among: tuple[str, ...], where: str = "") -> bool:
    if draft.broken(name):
        return False
    fitting = [each for each in among if draft.place(each) == place]
    if name not in fitting:
        draft.fault(loc, f"found {quoted(name)}; expected {_KINDS[place]}{where}. {did_you_mean(name, fitting)}")
    return name in fitting


def _check_once(draft: Draft, loc: Loc, name: str) -> None:
    holders = draft.holders(name)
    if len(holders) > 1 or not (holders or draft.faults):
        draft.fault(loc, f"{quoted(name)} stands in {names(holders)}; expected exactly one module")


def check_whole(draft: Draft, loc: Loc, module: str, name: str) -> None:
    """A part that a module works with is its own, not shared with others."""
    number = draft.modules[module].members[name]
    if number.numerator == 1 != number.denominator:
        draft.fault(loc, f"{quoted(name)} is shared, {number} in each {quoted(module)}; expected a whole one")
