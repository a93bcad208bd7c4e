"""On how many values each step of an operator works, at one position that sees `keys` positions."""

from collections.abc import Iterator, Sequence

from archsim.graph.operators import Matmul, Operator, Product, Rowwise
from archsim.vocabulary import PAIRING, REDUCING


def step_sizes(operator: Operator, steps: Sequence[str], keys: int) -> list[int]:
    """Sizes of the steps, in order.

    In rows, a reducing step leaves one value a row; later steps work on those, until a step on two operands comes.
    In a product of two operands, `log` and `write` are of operands, `log first` and `log second` of one of them
    (of the second only what this position adds to it); all else is done for every product.
    """
    if isinstance(operator, Matmul):
        return [_of_product(operator, step, keys) for step in steps]
    if isinstance(operator, Rowwise):
        return list(_of_rows(steps, operator.values(keys), operator.rows))
    if isinstance(operator, Product):
        return [operator.macs(keys)] * len(steps)
    raise TypeError(operator.kind)


def _of_product(operator: Matmul, step: str, keys: int) -> int:
    sizes = {"first": operator.values_in(keys), "second": operator.stored}
    name, _, operand = step.partition(" ")
    if operand:
        return sizes[operand]
    if name == "log":
        return sum(sizes.values())
    return operator.macs(keys)


def _of_rows(steps: Sequence[str], values: int, rows: int) -> Iterator[int]:
    reduced = False
    for step in steps:
        if step in PAIRING:
            reduced = False
        yield rows if reduced else values
        if step in REDUCING:
            reduced = True
