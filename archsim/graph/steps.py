"""On how many values each step of an operator works, at one position that sees `keys` positions."""

from collections.abc import Sequence

from archsim.graph.operators import Matmul, Operator, Product, Rowwise
from archsim.steps.grammar import PRODUCTS, wired
from archsim.steps.operators import definition_of


def step_sizes(operator: Operator, steps: Sequence[str], keys: int) -> list[int]:
    """Sizes of the steps, in order.

    In rows, a step on numbers that are one for each row works on as many as there are rows, all others on all values.
    In a product of two operands, a step on one operand alone works on its values (of the second only on what this
    position adds to it), one on what a sum has left on the values of the result; all else is done for every product.
    """
    if isinstance(operator, Matmul):
        return _of_product(operator, steps, keys)
    if isinstance(operator, Rowwise):
        return _of_rows(operator, steps, keys)
    if isinstance(operator, Product):
        return [operator.macs(keys)] * len(steps)
    raise TypeError(operator.kind)


def waits(operator: Operator, steps: Sequence[str]) -> list[frozenset[int]]:
    """Of each step the earlier ones without whose results it cannot begin, by their places among the steps."""
    definition = definition_of(operator.kind)
    needs: list[frozenset[int]] = [frozenset()] * len(definition.inputs)
    for at, step in enumerate(wired(tuple(steps), definition), len(needs)):
        needs.append(frozenset({at - len(definition.inputs)}).union(*(needs[read] for read in step.reads)))
    return [of - {at} for at, of in enumerate(needs[len(definition.inputs) :])]


def _of_rows(operator: Rowwise, steps: Sequence[str], keys: int) -> list[int]:
    definition = definition_of(operator.kind)
    values, whole = operator.values(keys), [True] * len(definition.inputs)
    sizes = []
    for step in wired(tuple(steps), definition):
        sizes.append(values if any(whole[at] for at in step.reads) else operator.rows)
        whole.append(step.full)
    return sizes


def _of_product(operator: Matmul, steps: Sequence[str], keys: int) -> list[int]:
    sizes = {"first": operator.values_in(keys), "second": operator.stored, "both": operator.macs(keys)}
    sizes["result"] = operator.values_out(keys)
    kinds = ["first", "second"]
    found = []
    for step in wired(tuple(steps), definition_of(operator.kind)):
        read = {kinds[at] for at in step.reads}
        kind = read.pop() if len(read) == 1 else "both"
        found.append(sizes["both" if step.name in PRODUCTS else kind])
        kinds.append("result" if step.function is not None and step.function.reduces else kind)
    return found
