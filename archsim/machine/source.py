"""YAML text to plain data, with the place of every value; what is not plain data is refused.

No scalar is interpreted: ``1e-9``, ``on`` and ``010`` stay text. Size, depth and expansion are bounded,
so that no file can take long or much memory.
"""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import yaml

from archsim.errors import ArchsimError, Fault, Place, did_you_mean, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

Data: TypeAlias = "dict[str, Data] | list[Data] | str"
Loc: TypeAlias = tuple[str | int, ...]
_Mark: TypeAlias = Any  # each loader has marks of its own
_Event: TypeAlias = Any  # the stubs leave out the events' attributes

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_DEPTH: Final = 40
MAX_EVENTS: Final = 200_000
MAX_NODES: Final = 100_000
MAX_FAULTS: Final = 20

_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)  # the first needs libyaml, and is fast
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file: its data (every scalar is text, an empty one ``""``) and where each value stands.

    ``places`` and ``key_places`` are keyed by the way to a value: ``("parts", "adc", "bits")``. What an
    alias stands for is repeated at each use, with the place where it is written.
    """

    file: str
    data: Data
    places: dict[Loc, Place]
    key_places: dict[Loc, Place]

    def place(self, loc: Loc) -> Place:
        """Return the place of the value, or of the nearest thing around it that exists."""
        while loc not in self.places:
            loc = loc[:-1]
        return self.places[loc]

    def value_place(self, loc: Loc) -> Place:
        """Return the place of the value, within ``{value: …}`` where it is written so."""
        return self.places.get((*loc, "value")) or self.place(loc)

    def key_place(self, loc: Loc) -> Place:
        """Return the place of the value's key, or of the value where there is no such key."""
        return self.key_places.get(loc) or self.place(loc)


def dotted(loc: Loc) -> str:
    """Return ``parts.adc[0].bits`` for ``("parts", "adc", 0, "bits")``."""
    pieces = (f"[{step}]" if isinstance(step, int) else f".{quoted(step)[1:-1]}" for step in loc)
    return "".join(pieces).removeprefix(".")


def read(path: str | Path) -> Document:
    """Read a YAML file. Raises ArchsimError."""
    file = str(path)
    return parse(_decode(_bytes(Path(path), file), file), file)


def parse(text: str, file: str) -> Document:
    """Read YAML text; ``file`` names it in messages. Raises ArchsimError with all faults found."""
    text = text.removeprefix("\ufeff")
    if odd := _FORBIDDEN.search(text):
        found = f"found the control character {odd[0]!r}; expected text"
        raise ArchsimError(Fault(found, _place_at(file, text[: odd.start()])))
    walk = _Walk(file)
    try:
        walk.check(yaml.parse(text, Loader=_LOADER))
    except yaml.YAMLError as error:
        walk.faults.append(_syntax_fault(error, text, file))
    except _TooMuchError as error:
        walk.faults.extend(error.faults)
    if walk.faults:
        raise ArchsimError(*walk.faults)
    build = _Build(file)
    root: Any = yaml.compose(text, Loader=_LOADER)  # never None: the walk refuses an empty file
    data = build.value(root, ())
    return Document(file, data, build.places, build.key_places)


def _bytes(path: Path, file: str) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ArchsimError(f"{file}: is a folder; expected a YAML file.")
        if not stat.S_ISREG(mode):
            raise ArchsimError(f"{file}: is no regular file; expected a YAML file.")
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ArchsimError(f"{file}: no such file.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = getattr(error, "strerror", None) or str(error)
        raise ArchsimError(f"{file}: cannot be read ({why.lower()}).") from None
    if len(raw) > MAX_BYTES:
        raise ArchsimError(f"{file}: is larger than {MAX_BYTES // 1024**2} MB; expected a YAML file.")
    return raw


def _decode(raw: bytes, file: str) -> str:
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in raw:
        place = _place_at(file, raw[: raw.index(b"\0")].decode("utf-8", "replace"))
        raise ArchsimError(Fault("found a NUL byte, so a binary file or UTF-16; expected UTF-8 text", place))
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        place = _place_at(file, raw[: error.start].decode("utf-8"))
        found = f"found the byte 0x{raw[error.start]:02x}, which is not UTF-8; save the file as UTF-8"
        raise ArchsimError(Fault(found, place)) from None


def _place_at(file: str, before: str) -> Place:
    """Return the place that follows the text before it."""
    lines = _BREAK.split(before)
    return Place(file, len(lines), len(lines[-1]) + 1)


def _place(file: str, mark: _Mark) -> Place:
    return Place(file, mark.line + 1, mark.column + 1)


class _TooMuchError(ArchsimError):
    """The rest of the file is not worth reading."""


@dataclass(slots=True)
class _Open:
    """A collection that has begun and not yet ended; the next node in it is a key or a value."""

    keys: dict[str, Place] | None  # None: a sequence
    anchor: str | None
    step: str | int = -1  # where in the collection the walk is
    at_key: bool = True

    def advance(self) -> bool:
        """Step to the next node; return whether it is a key."""
        if self.keys is None:
            self.step = int(self.step) + 1
            return False
        self.at_key = not self.at_key
        return not self.at_key


@dataclass(slots=True)
class _Walk:
    """A pass over the events of a file, before anything is built from them."""

    file: str
    faults: list[Fault] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, Place] = field(default_factory=dict)
    documents: int = 0

    def check(self, events: Iterator[_Event]) -> None:
        """Gather the faults; raises _TooMuchError where it stops early, and the parser's own errors."""
        for count, event in enumerate(events):
            if count >= MAX_EVENTS:
                found = f"more than {MAX_EVENTS:,} keys, values and ends of collections; expected fewer"
                raise _TooMuchError(Fault(found, self.at(event)))
            if len(self.faults) >= MAX_FAULTS:
                raise _TooMuchError("too many faults; the rest is not read.")
            if isinstance(event, yaml.NodeEvent):
                self.node(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self.stack.pop()
            elif isinstance(event, yaml.DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    raise _TooMuchError(Fault("found a second document; expected one a file", self.at(event)))
        if not self.documents:
            raise _TooMuchError(Fault("the file is empty; expected keys and values", Place(self.file, 1, 1)))

    def node(self, event: _Event) -> None:
        is_key = self.stack[-1].advance() if self.stack else False
        if is_key:
            self.key(event)
        if isinstance(event, yaml.AliasEvent):
            if not is_key:
                self.alias(event)
            return
        if event.tag is not None:
            self.fault(event, f"found the tag {quoted(event.tag)}; expected plain YAML without tags")
        if event.anchor is not None:
            self.anchor(event)
        if isinstance(event, yaml.CollectionStartEvent):
            if len(self.stack) >= MAX_DEPTH:
                raise _TooMuchError(Fault(f"nested more than {MAX_DEPTH} deep", self.at(event)))
            keys: dict[str, Place] | None = {} if isinstance(event, yaml.MappingStartEvent) else None
            self.stack.append(_Open(keys, event.anchor))
        elif not self.stack and not event.value:
            self.fault(event, "the file is empty; expected keys and values")

    def key(self, event: _Event) -> None:
        top = self.stack[-1]
        top.step = "?"
        if not isinstance(event, yaml.ScalarEvent):
            self.fault(event, "found a key that is not plain text; expected a name")
            return
        top.step = event.value
        first = (top.keys or {}).get(event.value)
        if first:
            self.fault(event, f"duplicate key; first written at {first}. Keep one of them")
        elif top.keys is not None:
            top.keys[event.value] = self.at(event)

    def alias(self, event: _Event) -> None:
        name = event.anchor
        if name not in self.anchors:
            known = [f"*{each}" for each in list(self.anchors)[:MAX_FAULTS]]
            self.fault(event, f"unknown alias {quoted('*' + name)}. {did_you_mean('*' + name, known)}")
        elif any(open_.anchor == name for open_ in self.stack):
            found = f"found the alias {quoted('*' + name)} inside its own anchor"
            self.fault(event, f"{found}; expected no circle")

    def anchor(self, event: _Event) -> None:
        name = event.anchor
        if name in self.anchors:
            self.fault(event, f"anchor {quoted('&' + name)} is already used at {self.anchors[name]}")
        else:
            self.anchors[name] = self.at(event)

    def fault(self, event: _Event, message: str) -> None:
        where = dotted(tuple(open_.step for open_ in self.stack))
        self.faults.append(Fault(f"{where}: {message}" if where else message, self.at(event)))

    def at(self, event: _Event) -> Place:
        return _place(self.file, event.start_mark)


@dataclass(slots=True)
class _Build:
    """Nodes to data; an alias is followed, and counted, each time it is used."""

    file: str
    places: dict[Loc, Place] = field(default_factory=dict)
    key_places: dict[Loc, Place] = field(default_factory=dict)

    def value(self, node: yaml.Node, loc: Loc) -> Data:
        self.places[loc] = _place(self.file, node.start_mark)
        if len(self.places) > MAX_NODES:
            found = f"more than {MAX_NODES:,} values, those under aliases counted at each use; expected fewer"
            raise ArchsimError(Fault(found, self.places[loc]))
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        if len(loc) >= MAX_DEPTH:
            raise ArchsimError(Fault(f"nested more than {MAX_DEPTH} deep through aliases", self.places[loc]))
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*loc, index)) for index, item in enumerate(node.value)]
        data: dict[str, Data] = {}
        for key, item in node.value:
            name = str(key.value)
            self.key_places[*loc, name] = _place(self.file, key.start_mark)
            data[name] = self.value(item, (*loc, name))
        return data


# What the two loaders say ("context: problem"), and what archsim says; {opened} is where the thing began.
_PLAINLY: Final = [
    (
        "mapping values are not allowed",
        "found ':' where no key can be; write one 'key: value' a line, and quote text that holds ': '",
    ),
    ("could not find expected ':'", "found text without ':'; expected 'key: value'"),
    ("',' or '}'", "the '{{' opened at {opened} is not closed; expected ',' or '}}'"),
    ("',' or '\\]'", "the '[' opened at {opened} is not closed; expected ',' or ']'"),
    (
        "a block mapping: ",
        "found what does not belong to the mapping that begins at {opened}; check indentation and quotes",
    ),
    (
        "a block collection: ",
        "found what does not belong to the list that begins at {opened}; check the indentation",
    ),
    ("node content", "found {char} where a value is expected"),
    ("unexpected (end of stream|document)", "the quote opened at {opened} is not closed"),
    ("unknown escape", "found an unknown escape in double quotes; use single quotes, or write '\\\\'"),
    ("hexa?decimal", "found a broken escape in double quotes; expected hexadecimal digits"),
    ("a block scalar: ", "found {char} after '|' or '>'; expected the end of the line"),
    ("sequence entries are not allowed", "found a list item here; expected '- ' on a line of its own"),
    ("alphabetic or numeric", "found '&' or '*' without a name; quote text that begins so"),
    ("document start", "found text after the end of the document; expected one document a file"),
    ("cannot start any token", "found {char}, which plain text cannot start with; quote it"),
    ("directive|incompatible", "found a '%' directive; expected none"),
    ("tag", "found a tag; expected plain YAML without tags"),
    ("maximum nesting depth", f"nested more than {MAX_DEPTH} deep"),  # newer PyYAML's own bound
]


def _syntax_fault(error: yaml.YAMLError, text: str, file: str) -> Fault:
    problem = str(getattr(error, "problem", None) or error).partition("\n")[0]
    mark = getattr(error, "problem_mark", None)
    began = getattr(error, "context_mark", None)
    if not mark:
        return Fault(f"cannot be read as YAML: {problem}", Place(file, 1, 1))
    if began and "could not find expected ':'" in problem:
        mark = began  # the text, not what follows it
    line = _BREAK.split(text)[mark.line : mark.line + 1] or [""]
    char = line[0][mark.column : mark.column + 1]
    if char == "\t":
        return Fault("found a tab where spaces are expected; indent with spaces", _place(file, mark))
    opened = _place(file, began) if began else "its start"
    for pattern, plainly in _PLAINLY:
        if re.search(pattern, f"{getattr(error, 'context', None)}: {problem}"):
            words = plainly.format(opened=opened, char=quoted(char) if char else "the end of the line")
            return Fault(words, _place(file, mark))
    return Fault(f"cannot be read as YAML: {problem}", _place(file, mark))
