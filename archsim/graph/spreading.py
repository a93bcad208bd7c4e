"""Views that make tensors larger: dimensions repeated, and numbers put around them."""

from collections.abc import Sequence

from archsim.graph.axes import Axis, Dim, dim, size_of, sizes_of
from archsim.graph.builder import Builder
from archsim.graph.views import Pad, Repeat


def expanded(builder: Builder, x: str, sizes: Sequence[int]) -> str:
    """Dimensions of one index repeated, and others put before them, as numpy broadcasts."""
    shape = builder.of(x)
    if sizes_of(shape) == tuple(sizes):
        return x
    own, padded_shape = builder.name("view"), ((),) * (len(sizes) - len(shape)) + shape
    made = tuple(
        one if size_of(one) == size else dim(Axis(f"{builder.layer}/{own}:{at}", size, at))
        for at, (one, size) in enumerate(zip(padded_shape, sizes, strict=True))
    )
    return builder.add(Repeat(layer=builder.layer, name=own, inputs=(x,), shape=made))


def tiled(builder: Builder, x: str, before: int, times: int, at: int) -> str:
    """A dimension so many times, one after the other (`before` is `at`), or each of its indices in a row."""
    sizes = [size or 1 for size in sizes_of(builder.of(x))]
    single = builder.reshape(x, [*sizes[:before], 1, *sizes[before:]])
    spread = expanded(builder, single, [*sizes[:before], times, *sizes[before:]])
    return builder.reshape(spread, [size * times if here == at else size for here, size in enumerate(sizes)])


def repeated(builder: Builder, x: str, times: Sequence[int]) -> str:
    """Each index of a dimension so often in a row."""
    own = builder.name("view")
    shape = tuple(
        one if number == 1 else _resized(one, f"{builder.layer}/{own}:{at}", (size_of(one) or 1) * number)
        for at, (one, number) in enumerate(zip(builder.of(x), times, strict=True))
    )
    return builder.add(Repeat(layer=builder.layer, name=own, inputs=(x,), shape=shape, times=tuple(times)))


def padded(builder: Builder, x: str, before: Sequence[int], after: Sequence[int], number: float = 0.0) -> str:
    """Numbers put before and after the indices of each dimension; where it is negative, indices left out."""
    own = builder.name("view")
    shape = tuple(
        _resized(one, f"{builder.layer}/{own}:{at}", (size_of(one) or 1) + begin + end) if begin or end else one
        for at, (one, begin, end) in enumerate(zip(builder.of(x), before, after, strict=True))
    )
    return builder.add(
        Pad(
            layer=builder.layer,
            name=own,
            inputs=(x,),
            shape=shape,
            before=tuple(before),
            after=tuple(after),
            number=number,
        )
    )


def _resized(one: Dim, name: str, size: int) -> Dim:
    """A dimension of another size, which is counted as the one that it is of."""
    return dim(Axis(name, size, one[0].axis.order if one else 0))
