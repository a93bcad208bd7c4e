"""Whether a network of stages is the model that a Graph describes: shapes, functions, shortcuts, sizes of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archsim.errors import ArchsimError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from archsim.graph.graph import Graph
    from archsim.values.stages import Stage


def require_same(path: Path, stages: Sequence[Stage], graph: Graph) -> None:
    """Raise ArchsimError at the first operator that differs; path: where the stages' weights are."""
    here = [(each.key, len(each.weight), each.weight[0].size) for each in stages]
    there = [(each.key, each.out_features, each.in_features) for each in graph.linears]
    for found, wanted in zip(here, there, strict=False):
        if found != wanted:
            shapes = " and ".join(f"{key} of {rows} x {columns}" for key, columns, rows in (found, wanted))
            raise ArchsimError(f"{path}: is another network than {graph.name}; found and expected: {shapes}")
    if len(here) != len(there):
        raise ArchsimError(f"{path}: found {len(here)} products; {graph.name} has {len(there)}")
    operators = [(each.key, each.kind, *(edge.source for edge in each.inputs)) for each in graph.operators]
    for number, run in enumerate(_operators(stages)):
        if number >= len(operators) or operators[number] != run:
            raise ArchsimError(_other(graph, run, operators[number] if number < len(operators) else None))
    if len(operators) > number + 1:
        raise ArchsimError(_other(graph, None, operators[number + 1]))


def require_size(path: Path, stages: Sequence[Stage], graph: Graph, height: int, width: int) -> None:
    """Raise ArchsimError for pictures of another size than the model's input."""
    first, stride = graph.linears[0], stages[0].stride
    if -(-height // stride) * -(-width // stride) != first.stream.length:
        found = f"images of {height} x {width} pixels; {graph.name} expects {first.stream.name}"
        raise ArchsimError(f"{path}: found {found}")


def _operators(stages: Sequence[Stage]) -> Iterator[tuple[str, ...]]:
    """Key, kind and sources of what is run, as a Graph has them."""
    source, results = "", [""]
    for stage in stages:
        layer = stage.key.rpartition("/")[0]
        if stage.pooled:
            pool = f"{source.rpartition('/')[0]}/avgpool"
            yield pool, "avgpool", source
            source = pool
        yield (stage.key, "linear", source) if source else (stage.key, "linear")
        source = stage.key
        if stage.shortcut:
            yield f"{layer}/add", "add", source, results[-2]
            source = f"{layer}/add"
        if stage.function is not None:
            yield f"{layer}/{stage.function}", stage.function, source
            source = f"{layer}/{stage.function}"
        results.append(source)


def _other(graph: Graph, run: tuple[str, ...] | None, given: tuple[str, ...] | None) -> str:
    texts = [
        "nothing more" if each is None else each[0] + (f" (of {' and '.join(each[2:])})" if each[2:] else "")
        for each in (given, run)
    ]
    return (
        f"{graph.name} is no network that is run on pictures (CIFAR's ResNets; full layers with functions between): "
        f"found {texts[0]}, expected {texts[1]}"
    )
