"""Numbers of tensors picked by indices that are made at run time, or are weights."""

from typing import Literal

from archsim.graph.axes import Axis, Dim, dim, size_of
from archsim.graph.builder import Builder
from archsim.graph.index_nodes import Cumulated, Gathered, Ranked, Scattered


def gathered(
    builder: Builder, x: str, indices: str, by: Literal["axis", "element", "tuple"], at: int = 0, picked: int = 1
) -> str:
    """Numbers at indices: no work where these are weights, else an operation for each number."""
    shape, places = builder.of(x), builder.of(indices)
    free = indices in builder.weights
    own = builder.name("view" if free else "gather")
    if by == "axis":
        made = (*shape[:at], *places, *shape[at + 1 :])
    elif by == "element":
        made = tuple(
            there if here != at and size_of(there) == size_of(place) else place
            for here, (there, place) in enumerate(zip(shape, places, strict=True))
        )
    else:
        made = (*places[:-1], *shape[at + picked :])
    order = _order(shape[at])
    # the indices of a weight are new positions, or values, where those were that they pick
    named = {place: _renamed(place, f"{builder.layer}/{own}:{here}", order) for here, place in enumerate(places)}
    made = tuple(named.get(one, one) if free and one else one for one in made)
    return builder.add(
        Gathered(
            layer=builder.layer,
            name=own,
            kind="view" if free else "gather",
            inputs=(x, indices),
            shape=made,
            by=by,
            dim=at,
            picked=picked,
        )
    )


def _renamed(one: Dim, name: str, order: int) -> Dim:
    return dim(Axis(name, size_of(one), order)) if one else one


def _order(one: Dim) -> int:
    return one[0].axis.order if one else 0


def scattered(
    builder: Builder,
    x: str,
    indices: str,
    new: str,
    by: Literal["element", "tuple"],
    function: Literal["replace", "add", "mul", "min", "max"] = "replace",
    at: int = 0,
) -> str:
    """Numbers put at indices: no work where these are weights and nothing is computed."""
    free = indices in builder.weights and function == "replace"
    return builder.add(
        Scattered(
            layer=builder.layer,
            name=builder.name("view" if free else "scatter"),
            kind="view" if free else "gather",
            inputs=(x, indices, new),
            shape=builder.of(x),
            by=by,
            dim=at,
            function=function,
        )
    )


def ranked(builder: Builder, x: str, at: int, number: int, *, largest: bool = True) -> str:
    """Indices of so many largest or smallest numbers along a dimension."""
    own, shape = builder.name("rank"), list(builder.of(x))
    shape[at] = _renamed_to(f"{builder.layer}/{own}:", number, _order(shape[at]))
    return builder.add(
        Ranked(
            layer=builder.layer,
            name=own,
            kind="argmax",
            inputs=(x,),
            shape=tuple(shape),
            dim=at,
            largest=largest,
        )
    )


def _renamed_to(name: str, size: int, order: int) -> Dim:
    return dim(Axis(name, size, order))


def cumulated(
    builder: Builder,
    x: str,
    function: Literal["sum", "product"],
    at: int,
    *,
    exclusive: bool = False,
    backward: bool = False,
) -> str:
    """Sums or products up to each index of a dimension."""
    kind = "add" if function == "sum" else "mul"
    return builder.add(
        Cumulated(
            layer=builder.layer,
            name=builder.name(kind),
            kind=kind,
            inputs=(x,),
            shape=builder.of(x),
            function=function,
            dim=at,
            exclusive=exclusive,
            backward=backward,
        )
    )
