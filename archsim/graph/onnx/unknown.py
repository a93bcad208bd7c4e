"""Operators of ONNX that archsim does not know: told all at once, or an operation for each value if that is allowed."""

from collections import Counter

from archsim.errors import ArchsimError, quoted
from archsim.graph.axes import Axis, dim, sizes_of
from archsim.graph.nodes import Unknown
from archsim.graph.onnx.file import FileNode
from archsim.graph.onnx.importer import Handler, Importer, Made

_PRODUCTS = ("Conv", "MatMul", "Gemm", "Attention", "Einsum", "GRU", "RNN", "LSTM", "Linear")
"""Parts of the names of operators that multiply matrices."""


def require_known(importer: Importer) -> None:
    """Raise ArchsimError with all operators that are not known, and how often they occur.

    Those that may multiply matrices are never taken for an operation a value.
    """
    file = importer.file
    quiet = file.constant | file.outside | {""}
    nodes = [
        node
        for node in file.nodes
        if not quiet.issuperset(node.outputs)
        and node.number not in importer.done
        and (node.domain or node.operator not in importer.handlers)
    ]
    products = [node for node in nodes if _multiplies(importer, node)]
    unknown = Counter(node.operator for node in (products if importer.approximate else nodes))
    told = [f"{kind} ({times} times)" if times > 1 else kind for kind, times in unknown.most_common()]
    if told:
        advice = "Try --approximate: one operation for each of their values."
        if products:
            names = ", ".join(dict.fromkeys(node.operator for node in products))
            advice = f"{names} may multiply matrices, and cannot be approximated."
        raise ArchsimError(f"operators that archsim does not know: {', '.join(told)}. {advice}")


def _multiplies(importer: Importer, node: FileNode) -> bool:
    """As far as can be told: by its name, by what is inside, or by a matrix among the constants."""
    if node.nested or node.operator in importer.file.functions or any(word in node.operator for word in _PRODUCTS):
        return True
    known = [importer.constants.get(name) for name in node.inputs if name]
    return bool(node.domain) and any(each and sum(size > 1 for size in each.shape) > 1 for each in known)


def undecided(importer: Importer, node: FileNode) -> Made:
    """A branch or a loop that could not be written out."""
    deciding = node.inputs[: {"If": 1, "Loop": 2}.get(node.operator, 0)]
    name = next((each for each in deciding if importer.moving(each)), "")
    if name:
        raise importer.unsized(node, name)
    why = "follows from what it computes" if node.operator == "Loop" else "is of a version that archsim does not know"
    raise importer.refused(node, f"how often it runs {why}; expected what is known before the run")


def approximated(importer: Importer, node: FileNode) -> Made:
    """An operation for each value of each result."""
    importer.approximated[node.operator] += 1
    return [_other(importer, node, name) if name else "" for name in node.outputs]


def _other(importer: Importer, node: FileNode, name: str) -> str:
    sizes = importer.file.sizes.get(name)
    if sizes is None:
        raise ArchsimError(f"sizes of {quoted(name)} are not known. Try --shape INPUT=1x3x224x224.")
    builder = importer.builder
    xs = [importer.tensor(each) for each in node.inputs if importer.moving(each)]
    own = builder.name("other")
    alike = [builder.of(x) for x in xs if sizes_of(builder.of(x)) == sizes]
    axes = tuple(dim(Axis(f"{builder.layer}/{own}:{at}", size, at)) for at, size in enumerate(sizes))
    why = f"{node.label}: operator {node.operator} is not known"
    return builder.add(
        Unknown(layer=builder.layer, name=own, kind="other", inputs=tuple(xs), shape=[*alike, axes][0], why=why)
    )


UNDECIDED: dict[str, Handler] = dict.fromkeys(("If", "Loop", "Scan"), undecided)
