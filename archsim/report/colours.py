"""One colour for each part, the same in every plot."""

from collections import Counter
from collections.abc import Iterable, Mapping
from zlib import crc32

# Paul Tol's "muted", "light" and "vibrant" schemes, in which neighbours can be told apart by readers with any kind of
# sight (https://sronpersonalpages.nl/~pault/, technical note SRON/EPS/TN/09-002).
_KNOWN = {
    "adc": "#CC6677",
    "acam": "#EE3377",
    "xbar": "#332288",
    "dac": "#DDCC77",
    "edram": "#88CCEE",
    "memory": "#33BBEE",
    "router": "#117733",
    "mac": "#882255",
    "vector": "#AA4499",
    "bus": "#44AA99",
    "link": "#999933",
    "static": "#BBBBBB",
    "other": "#E4E4E4",
}
_HATCHES = ("", "///", "...", "xxx")
_OTHERS = ("#77AADD", "#EE8866", "#EEDD88", "#FFAABB", "#99DDFF", "#44BB99", "#BBCC33", "#AAAA00", "#EE7733", "#0077BB")


def colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each name, from its last word alone: `core.adc` in one plot is as `tile.adc` in another.

    Names that no list knows begin at a place of a list that follows from the name, and take the next free one.
    """
    found: dict[str, str] = {}
    words = {name: name.rpartition(".")[2] for name in names}
    taken: set[str] = set()
    for word in dict.fromkeys(words.values()):
        if word in _KNOWN:
            found[word] = _KNOWN[word]
            continue
        begin = crc32(word.encode()) % len(_OTHERS)
        order = [*_OTHERS[begin:], *_OTHERS[:begin]]
        found[word] = next((colour for colour in order if colour not in taken), order[0])
        taken.add(found[word])
    return {name: found[word] for name, word in words.items()}


def hatches(colour: Mapping[str, str]) -> dict[str, str]:
    """A pattern for each name after the first of a colour, so that they can be told apart where they meet."""
    before: Counter[str] = Counter()
    found = {}
    for name, of in colour.items():
        found[name] = _HATCHES[min(before[of], len(_HATCHES) - 1)]
        before[of] += 1
    return found
