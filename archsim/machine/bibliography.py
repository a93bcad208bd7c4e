"""The papers that figures come from: `hw_configs/bibliography.yaml`, key -> reference."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from archsim import resources
from archsim.errors import did_you_mean
from archsim.machine.checks import Checker
from archsim.machine.provenance import Loc, Provenance, mapping
from archsim.machine.source import read


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


def check_sources(check: Checker, provenance: Mapping[Loc, Provenance]) -> None:
    """A source is a key of the bibliography, or a reference in words (anything with a blank in it)."""
    known = bibliography()
    seen: set[str] = set()
    for loc, origin in provenance.items():
        source = origin.source
        if source is None or source in known or " " in source or source in seen:
            continue
        seen.add(source)
        message = f"source '{source}' is not in the bibliography. {did_you_mean(source, known)}"
        check.fault(loc, f"{message} A reference in words is welcome too.")


def cited(provenance: Mapping[Loc, Provenance]) -> tuple[tuple[str, str], ...]:
    """(key, reference in words) of all that the figures lean on, sorted by key."""
    known = bibliography()
    keys = {origin.source for origin in provenance.values() if origin.source}
    return tuple((key, str(known[key]) if key in known else key) for key in sorted(keys))
