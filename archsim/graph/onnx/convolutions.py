"""Convolutions of ONNX: in one to three dimensions, in groups or not."""

from archsim.errors import quoted
from archsim.graph.onnx.affine import Affine, axes_of, fold, of_number
from archsim.graph.onnx.file import FileNode, Sizes
from archsim.graph.onnx.importer import Importer, Made
from archsim.graph.onnx.products import stationary
from archsim.graph.onnx.windows import entering, windows
from archsim.graph.windows import Interval

_MAPS, _TAPS = "hwz", "klj"


def conv(importer: Importer, node: FileNode) -> Made:
    """Of weights that are known before the run, or made at run time."""
    builder, x = importer.builder, node.input(0)
    shape = _weights(importer, node)
    kernel, groups = shape[2:], node.whole("group", 1)
    if x in importer.file.outside and len(importer.file.sizes[node.outputs[0]]) == len(shape) > 2:  # noqa: PLR2004
        importer.enter(x, entering(node, importer.file.sizes[node.outputs[0]], shape[1] * groups, kernel))
    sizes = importer.sizes(x)
    fits = len(sizes) == len(shape) and 1 <= len(kernel) <= len(_MAPS)
    if not fits or groups < 1 or shape[1] * groups != sizes[1] or shape[0] % groups:
        found = f"{list(sizes)} of {quoted(x)} and {list(shape)} of {quoted(node.input(1))} do not fit"
        raise importer.refused(node, f"{found} in {groups} groups; expected as many channels as all groups have inputs")
    spans = windows(importer, node, sizes[2:], kernel)
    rows = zip(_MAPS, _TAPS, spans, sizes[2:], strict=False)
    taps = [
        (at, tap, span.interval, span.size)
        for at, tap, span, size in rows
        if (span.interval, span.size) != (Interval(), size)
    ]
    maps, used, group = _MAPS[: len(kernel)], "".join(tap for _, tap, *_ in taps), "g" if groups > 1 else ""
    wide = (*([groups] if group else []), shape[0] // groups)
    given = importer.tensor(x)
    given = builder.split(given, 1, groups, shape[1]) if group else given
    counts = dict(zip(("i", *_TAPS), shape[1:], strict=False)) | dict(zip(f"{group}o", wide, strict=True))
    letters = f"n{group}i{maps},{group}oi{used}->n{group}o{maps}"
    result = (sizes[0], shape[0], *(span.size for span in spans))
    if importer.moving(node.input(1)):
        matrix = builder.reshape(importer.tensor(node.input(1)), [counts[letter] for letter in f"{group}oi{used}"])
        made = builder.contraction(
            "convolution", given, matrix, letters, windows=taps, bias=_bias(importer, node, wide)
        )
        return builder.merge(made, 1, 2) if group else made
    weights = importer.constant(node, 1, "weights")
    last, affine, added = node.outputs[0], Affine(), ""
    if importer.moving(node.input(2)):
        added = _bias(importer, node, wide) or ""
    else:
        if node.input(2):
            bias = importer.constant(node, 2, "bias")
            affine = of_number(importer, bias, *axes_of(bias.shape, 0)[::-1])
        last, more = fold(importer, last, result, 1)
        affine = affine.then(more)
    made = stationary(importer, "conv", given, letters, weights, counts, affine, wide, taps, added=added)
    importer.tensors[last] = builder.merge(made, 1, 2) if group else made
    return importer.tensors[last]


def _weights(importer: Importer, node: FileNode) -> Sizes:
    """Sizes of the weights. Raises ArchsimError for a bias that does not fit them."""
    moving = importer.moving(node.input(1))
    shape = importer.sizes(node.input(1)) if moving else importer.constant(node, 1, "weights").shape
    if moving and not importer.moving(node.input(0)):
        raise importer.refused(node, "multiplies a constant by weights that are made at run time")
    if node.input(2) and importer.sizes(node.input(2)) != shape[:1]:
        found = f"found {list(importer.sizes(node.input(2)))} of {quoted(node.input(2))}"
        raise importer.refused(node, f"{found}; expected a bias {list(shape[:1])}")
    return shape


def _bias(importer: Importer, node: FileNode, wide: Sizes) -> str | None:
    """A bias as a tensor, in the shape of the outputs of all groups."""
    name = node.input(2)
    if not name:
        return None
    if importer.moving(name):
        return importer.builder.reshape(importer.tensor(name), wide)
    bias = importer.constant(node, 2, "bias")
    return importer.weight(f"{importer.builder.layer}/{node.outputs[0]}.bias", wide, bias.read, importer.trained(bias))
