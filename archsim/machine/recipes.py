"""Recipes: each step is done by one that can do it, and the steps together compute their operator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from archsim.errors import did_you_mean, quoted
from archsim.machine.checks import check_whole
from archsim.machine.draft import Draft, names
from archsim.machine.machine import Step
from archsim.machine.schema import MachineFile, StepSpec
from archsim.machine.source import Loc
from archsim.parts.base import Part
from archsim.steps.operators import definition_of
from archsim.steps.proof import fault
from archsim.vocabulary import OPERATORS, PRODUCTS, PROJECTIONS

_RESULT = "result"
_LOG = "log"
_CONTEXT, _WEIGHTS = "context", "first"
"""The product that reads what softmax leaves, as its first operand."""


@dataclass(frozen=True)
class Recipe:
    """How an operator is done.

    Parameters
    ----------
    steps
        In order.
    places
        Of each, where it stands among the entries.
    logarithms
        Of each input that comes as a logarithm, and of `result` where it is left as one, where it stands.
    """

    steps: tuple[Step, ...]
    places: tuple[Loc, ...] = ()
    logarithms: Mapping[str, Loc] = field(default_factory=dict)


def recipe_of(operator: str, entries: Sequence[Mapping[str, StepSpec]]) -> Recipe:
    """Read a recipe's entries: steps, and `NAME: log` of an input or of the result."""
    steps: dict[Loc, Step] = {}
    logarithms: dict[str, Loc] = {}
    for index, name, of in ((index, *item) for index, entry in enumerate(entries) for item in entry.items()):
        if name in _operands(operator):
            logarithms[name] = (index, name)
        else:
            steps[index, name] = Step(name, of.by, of.free)
    return Recipe(tuple(steps.values()), tuple(steps), logarithms)


def _operands(operator: str) -> set[str]:
    """What a recipe may say of that it is a logarithm."""
    return {_RESULT, *(one.name for one in definition_of(operator).inputs)}


def standard_recipes(file: MachineFile, parts: Mapping[str, Part]) -> dict[str, Recipe]:
    """The recipes of a file, and those of operators that have none and that its `digital` unit can do."""
    standard = {
        operator: Recipe(tuple(Step(step, str(file.digital)) for step in steps))
        for operator, steps in _standard(file.digital, parts)
    }
    return {**standard, **{operator: recipe_of(operator, entries) for operator, entries in file.recipes.items()}}


def _standard(unit: str | None, parts: Mapping[str, Part]) -> list[tuple[str, tuple[str, ...]]]:
    """What a unit can do by the recipes of the vocabulary."""
    able = set(parts[unit].steps) if unit is not None and unit in parts else set()
    usual = (*OPERATORS.items(), ("dense", PROJECTIONS["dense"]))
    return [(operator, steps) for operator, steps in usual if able.issuperset(step.split()[0] for step in steps)]


def check_digital(draft: Draft) -> None:
    """Check the unit that does what has no recipe."""
    name, loc = draft.file.digital, ("digital",)
    if name is None or draft.broken(name):
        return
    if name not in draft.parts:
        draft.fault(loc, f"no such part: {quoted(name)}. {did_you_mean(name, draft.file.parts)}")
    elif not draft.parts[name].steps or draft.parts[name].place != "compute":
        able = [part for part in draft.parts if draft.parts[part].place == "compute"]
        draft.fault(loc, f"{quoted(name)} is no unit that computes. {did_you_mean(name, able)}")
    else:
        _check_holder(draft, loc, name)
        for operator, steps in _standard(name, draft.parts):
            wrong = None if operator in draft.file.recipes else fault(operator, steps)
            if wrong is not None:
                at = "" if wrong.step is None else f"step {wrong.step + 1}: "
                draft.fault(loc, f"{operator} by its usual recipe, {', '.join(steps)}: {at}{wrong.message}")


def check_placement(draft: Draft) -> None:
    """What `mapping.digital` asks for: a recipe, and a memory for the weights."""
    file, loc = draft.file, ("mapping", "digital")
    if not any(file.mapping.digital.values()):
        return
    if "dense" not in standard_recipes(file, draft.parts):
        found = "no unit does projections; expected recipes.dense: [multiply_accumulate: PART]"
        draft.fault(loc, f"{found}, or a 'digital' unit that does it", key=True)
    if file.digital_weights is None:
        memories = [name for name in draft.parts if draft.place(name) == "memory"]
        found = "no memory holds the weights; expected digital_weights: MEMORY"
        draft.fault(loc, f"{found}. {did_you_mean('', memories)}" if memories else found, key=True)
    if file.chips.split == "projections":
        draft.fault(loc, "goes with chips.split: layers alone", key=True)


def check_recipes(draft: Draft, core: str | None) -> None:
    """Check every recipe; `core` is None where it is not known."""
    before_all = len(draft.faults)
    for operator, entries in draft.file.recipes.items():
        loc, recipe = ("recipes", operator), recipe_of(operator, entries)
        if operator not in (*OPERATORS, *PRODUCTS, *PROJECTIONS):
            known = did_you_mean(operator, (*OPERATORS, *PRODUCTS, *PROJECTIONS))
            draft.fault(loc, f"unknown operator. {known}", key=True)
        before = len(draft.faults)
        if not recipe.steps:
            draft.fault(loc, "is empty; expected steps, such as [exp: vector, sum: vector]")
        for name, (index, _) in recipe.logarithms.items():
            _check_logarithm(draft, (*loc, index, name), operator, entries[int(index)][name])
        for place, step in zip(recipe.places, recipe.steps, strict=True):
            _check_step(draft, (*loc, *place), step, core)
            _check_free(draft, (*loc, *place), step, recipe.steps)
        if core is not None:
            _check_arrays(draft, operator, recipe.steps, core)
        if len(draft.faults) == before:
            _check_meaning(draft, operator, recipe, core)
    if len(draft.faults) == before_all:
        _check_hand_over(draft)


def _check_meaning(draft: Draft, operator: str, recipe: Recipe, core: str | None) -> None:
    """That the steps, in exact arithmetic, compute the operator."""
    words = frozenset(word for step in recipe.steps for word in _able(draft, step.by, core))
    wrong = fault(operator, [step.step for step in recipe.steps], frozenset(recipe.logarithms), words)
    if wrong is not None:
        place = () if wrong.step is None else recipe.places[wrong.step]
        draft.fault(("recipes", operator, *place), wrong.message, key=True)


def _check_logarithm(draft: Draft, loc: Loc, operator: str, of: StepSpec) -> None:
    """`NAME: log`, of what softmax leaves and of what a context reads."""
    name = loc[-1]
    if of != StepSpec(by=_LOG):
        draft.fault(loc, f"found {quoted(of.by)}; expected {name}: log, or a step")
    elif (operator, name) not in (("softmax", _RESULT), (_CONTEXT, _WEIGHTS)):
        only = "only softmax leaves logarithms (result: log), and only context reads them (first: log)"
        draft.fault(loc, only, key=True)


def _check_free(draft: Draft, loc: Loc, step: Step, steps: Sequence[Step]) -> None:
    if step.free and not any(other.by == step.by and not other.free for other in steps):
        found = f"is free, but {quoted(step.by)} does no step of this recipe whose cost could cover it"
        draft.fault(loc, found)


def _check_hand_over(draft: Draft) -> None:
    """What softmax leaves as a logarithm, context reads as one."""
    recipes = {operator: recipe_of(operator, entries) for operator, entries in draft.file.recipes.items()}
    leaves = "softmax" in recipes and _RESULT in recipes["softmax"].logarithms
    reads = _CONTEXT in recipes and _WEIGHTS in recipes[_CONTEXT].logarithms
    if leaves and not reads:
        found = "leaves a logarithm, but context reads a number"
        draft.fault(("recipes", "softmax"), f"{found}; expected first: log in recipes.context", key=True)
    if reads and not leaves:
        found = "reads a logarithm, but softmax leaves a number"
        draft.fault(("recipes", _CONTEXT), f"{found}; expected result: log in recipes.softmax", key=True)


def _check_arrays(draft: Draft, operator: str, steps: Sequence[Step], core: str) -> None:
    """A projection is one product in the core; another product there needs an operand that is written before."""
    loc, shown = ("recipes", operator), quoted(core)[1:-1]
    done = [step.function for step in steps if step.by == core]
    if operator == "linear":
        if steps and [(step.step, step.by) for step in steps] != [("mvm", core)]:
            draft.fault(loc, f"a projection is one product in the core; expected [mvm: {shown}]")
    elif "mvm" in done and (operator not in ("matmul", *PRODUCTS) or "write" not in done[: done.index("mvm")]):
        found = "'mvm' multiplies by what is written into the core's arrays"
        draft.fault(
            loc, f"{found}; expected [write: {shown}, mvm: {shown}], in {', '.join(('matmul', *PRODUCTS))} alone"
        )


def _check_step(draft: Draft, loc: Loc, step: Step, core: str | None) -> None:
    name, by = step.function, step.by
    if by in draft.modules:
        if core is None:
            return  # it may be what lacks its path
        if by != core:
            draft.fault(loc, f"{quoted(by)} is a module; expected a part, or the core, {quoted(core)}")
            return
    elif by in draft.parts:
        _check_holder(draft, loc, by)
    else:
        if not draft.broken(by):
            known = did_you_mean(by, (*draft.file.parts, *draft.modules))
            draft.fault(loc, f"no such part or module: {quoted(by)}. {known}")
        return
    able = _able(draft, by, core)
    if name not in able:
        draft.fault(loc, f"{quoted(by)} does not do {quoted(name)}. {did_you_mean(name, able)}", key=True)


def _able(draft: Draft, by: str, core: str | None) -> set[str]:
    """Steps that a part does, or the core by what is on its path."""
    parts = draft.modules[by].flat if by == core else (by,)
    return {step for part in parts if part in draft.parts for step in draft.parts[part].steps}


def _check_holder(draft: Draft, loc: Loc, by: str) -> None:
    holders = draft.holders(by)
    if len(holders) == 1:
        check_whole(draft, loc, holders[0], by)
    elif holders or not draft.faults:  # what else is wrong may be why it stands nowhere
        draft.fault(
            loc, f"{quoted(by)} stands in {names(holders)}; a part that does steps stands in exactly one module"
        )
