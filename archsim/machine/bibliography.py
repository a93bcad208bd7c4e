"""The papers that figures come from: `hw_configs/bibliography.yaml`, key -> reference."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from archsim import resources
from archsim.errors import did_you_mean, quoted
from archsim.machine.provenance import Provenance, mapping
from archsim.machine.source import Loc, read


@dataclass(frozen=True, slots=True)
class Reference:
    """One source."""

    key: str
    authors: str
    title: str
    venue: str
    year: str
    identifier: str

    def __str__(self) -> str:
        return f"{self.authors}: {self.title}. {self.venue}, {self.year}. {self.identifier}".strip()


@cache
def bibliography() -> Mapping[str, Reference]:
    """All references that ship with archsim."""
    data = mapping(read(resources.find("hw_configs") / "bibliography.yaml"))
    return {key: Reference(key=key, **{"identifier": "", **fields}) for key, fields in data.items()}


def unknown_source(source: str) -> str | None:
    """What is wrong with a source, if anything: it is a key of the bibliography, or a reference in several words."""
    known = bibliography()
    if source in known or " " in source.strip():
        return None
    meant = did_you_mean(source, known)
    return f"source {quoted(source)} is not in the bibliography. {meant} A reference in words is welcome too."


def cited(provenance: Mapping[Loc, Provenance]) -> tuple[tuple[str, str], ...]:
    """(key, reference in words) of all that the figures lean on, sorted by key."""
    known = bibliography()
    keys = {origin.source for origin in provenance.values() if origin.source}
    return tuple((key, str(known[key]) if key in known else key) for key in sorted(keys))
