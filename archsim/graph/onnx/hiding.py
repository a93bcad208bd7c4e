"""Which scores a mask hides whatever comes in, though parts of it are made at run time, as of a padded prompt."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError
from archsim.graph.nodes import Mask
from archsim.graph.onnx.file import FileNode
from archsim.graph.onnx.importer import HIDDEN, Importer
from archsim.graph.onnx.interval_rules import PAIRS, Bounds, typed, where
from archsim.graph.onnx.intervals import bounds

Seen = NDArray[np.bool_]
_LARGE = 1 << 24
"""Queries by keys that are looked at."""
_SCORE = -HIDDEN / 2
"""Scores are taken to lie between this and its negative; what is hidden lies below that."""


def surely_hidden(importer: Importer, between: Sequence[tuple[FileNode, str]], sizes: Sequence[int]) -> Mask | None:
    """A mask that hides nothing but what nodes between scores and their softmax hide whatever comes in.

    Parameters
    ----------
    importer
        Of the nodes.
    between
        Nodes in order, and which of their operands are scores.
    sizes
        Of the scores; the last two are queries and keys.

    Returns
    -------
    Mask | None
        Which leaves it to these nodes to hide anything. None where nothing is surely hidden, or none of the masks
        that a Graph may have hides a part of it.
    """
    if not between or len(sizes) < 2 or sizes[-2] * sizes[-1] > _LARGE:  # noqa: PLR2004
        return None
    steps = [(node.operator, *("" if name == scores else name for name in node.inputs)) for node, scores in between]
    key = repr((steps, tuple(sizes)))  # layers share their mask
    if key not in importer.hidden:
        importer.hidden[key] = _hidden(importer, between, sizes)
    hidden = importer.hidden[key]
    return None if hidden is None else band(~hidden)


def _hidden(importer: Importer, between: Sequence[tuple[FileNode, str]], sizes: Sequence[int]) -> Seen | None:
    """Of queries and keys those that are hidden in all heads and all sequences: interval arithmetic over the nodes."""
    limits: Bounds = (np.asarray(-_SCORE), np.asarray(_SCORE))
    for node, scores in between:
        operands = [limits if name == scores else bounds(importer, name) for name in node.inputs]
        plain = [operand for operand in operands if operand is not None]
        if len(plain) < len(operands):
            return None
        try:
            with np.errstate(all="ignore"):
                made = where(*plain) if node.operator == "Where" else PAIRS[node.operator](*plain)
            rounded = typed(made, importer.file.types[node.outputs[0]])
        except (ArchsimError, LookupError, TypeError, ValueError):  # no rule for it, or operands that do not fit
            return None
        if rounded is None:
            return None
        limits = rounded
    hidden = np.asarray(limits[1] <= -_SCORE)
    padded = hidden.reshape((1,) * max(0, 2 - hidden.ndim) + hidden.shape)
    if any(size not in (1, own) for size, own in zip(padded.shape[::-1], tuple(sizes)[::-1], strict=False)):
        return None
    return np.broadcast_to(padded.reshape(-1, *padded.shape[-2:]).all(axis=0), tuple(sizes[-2:]))


def band(seen: Seen) -> Mask | None:
    """The narrowest mask of keys up to the query's own, or of so many of these, which hides none that may be seen.

    None where a query sees no key at all, as a softmax then weighs all of them.
    """
    queries, keys = seen.shape
    if not seen.any(axis=-1).all():
        return None
    at = np.arange(queries)
    first, last = seen.argmax(axis=-1), keys - 1 - seen[:, ::-1].argmax(axis=-1)
    past = max(0, int((last - at).max()))
    span = int((at + past - first).max()) + 1
    mask = Mask(causal=True, span=span if span < past + queries else None, past=past, applied=False)
    ahead = np.arange(keys) - at[:, None] - past
    return mask if bool(((ahead > 0) | (ahead <= -span)).any()) else None
