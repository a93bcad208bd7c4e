"""ONNX's Einsum of one or two operands: diagonals, sums, products and transposes."""

from archsim.errors import quoted
from archsim.graph.axes import size_of
from archsim.graph.onnx.file import FileNode
from archsim.graph.onnx.importer import Importer, Made
from archsim.graph.onnx.products import product

_LETTERS = "abcdefnpqrstuvwxyz"
_REST = "ABCDEFGHJK"
"""Letters that stand for the dimensions of an ellipsis."""


def einsum(importer: Importer, node: FileNode) -> Made:
    """What each operand has alone, and the result not, is summed over first; the rest is a product."""
    given, result = _read(importer, node)
    if len(given) == 1:
        x = importer.tensor(node.inputs[0])
        x, left = _reduced(importer, x, given[0], result)
        return importer.builder.transpose(x, [left.index(letter) for letter in result])
    one, other = ("".join(dict.fromkeys(letters)) for letters in given)
    alone = [x for x in one + other if (x not in one or x not in other) and x not in result]
    moved = []
    for letters, name, beside in zip(given, node.inputs, (other, one), strict=True):
        if len(set(letters)) < len(letters) or any(x in alone for x in letters):
            if not importer.moving(name):
                raise importer.refused(node, f"sums over letters of the constant {quoted(name)} alone")
            made, _ = _reduced(importer, importer.tensor(name), letters, result + beside)
            moved.append(f"{name} summed for {node.outputs[0]}")
            importer.tensors[moved[-1]] = made
            importer.scales[moved[-1]] = importer.scales.get(name, 1.0)
        else:
            moved.append(name)
    one, other = ("".join(x for x in letters if x not in alone) for letters in (one, other))
    letters = "".join(dict.fromkeys(one + other))
    if len(letters) > len(_LETTERS):
        raise importer.refused(node, f"found {len(letters)} letters; expected at most {len(_LETTERS)}")
    names = dict(zip(letters, _LETTERS, strict=False))
    a, b, made = ("".join(names[x] for x in part) for part in (one, other, result))
    return product(importer, node, (a, b, made), operands=(moved[0], moved[1]))


def _read(importer: Importer, node: FileNode) -> tuple[list[str], str]:
    """Letters of the operands and of the result; dimensions of an ellipsis have letters of their own."""
    equation = node.word("equation", "").replace(" ", "")
    operands, arrow, result = equation.partition("->")
    given = operands.split(",")
    shapes = [importer.sizes(name) for name in node.inputs]
    shown = " and ".join(f"{list(shape)} of {quoted(name)}" for name, shape in zip(node.inputs, shapes, strict=True))
    refused = importer.refused(node, f"found {equation!r} of {shown}; expected one or two operands that fit")
    if len(given) != len(shapes) or len(given) > 2:  # noqa: PLR2004
        raise refused
    rest = [len(shape) - len(letters.replace("...", "")) for letters, shape in zip(given, shapes, strict=True)]
    rest = [number for number, letters in zip(rest, given, strict=True) if "..." in letters]
    most = max(rest, default=0)
    if min(rest, default=0) < 0 or most > len(_REST) or any(x in operands for x in _REST[:most]):
        raise refused
    if not arrow:
        alone = sorted(x for x in set(operands) - {",", "."} if operands.count(x) == 1)
        result = ("..." if rest else "") + "".join(alone)
    wide: dict[str, int] = {}
    found = []
    for letters, shape in zip(given, shapes, strict=True):
        own = letters.replace("...", _REST[most - (len(shape) - len(letters.replace("...", ""))) : most])
        if len(own) != len(shape) or (own and not own.isalpha()):
            raise refused
        if any(wide.setdefault(x, size) != size for x, size in zip(own, shape, strict=True)):
            raise refused
        found.append(own)
    result = result.replace("...", _REST[:most])
    if not set(result) <= set(wide) or len(set(result)) < len(result):
        raise refused
    return found, result


def _reduced(importer: Importer, x: str, letters: str, kept: str) -> tuple[str, str]:
    """Diagonals where a letter stands twice, and sums over those that are not kept; with the letters that are left."""
    builder = importer.builder
    while (twice := next((letter for letter in letters if letters.count(letter) > 1), "")) != "":
        first = letters.index(twice)
        second = letters.index(twice, first + 1)
        size = size_of(builder.of(x)[first]) or 1
        order = [*(at for at in range(len(letters)) if at not in (first, second)), first, second]
        letters = "".join(letters[at] for at in order[:-1])
        x = builder.merge(builder.transpose(x, order), len(order) - 2, 2)
        x = builder.slice(x, -1, 0, size, step=size + 1)
    gone = [at for at, letter in enumerate(letters) if letter not in kept]
    if gone:
        x = builder.reduce("sum", "add", x, "sum", gone)
    return x, "".join(letter for letter in letters if letter in kept)
