"""From a machine's paths to the stages of an MVM: the tile's path with the core's put in its place.

A stage fills the memories that stand in it and reads those of the stage before; only the tile's memories in the
first stage are read there, as what the product comes from. A wire carries what its stage begins with.
"""

from fractions import Fraction
from math import ceil

from archsim.core.path import Element, Flow, Path, Samples, Stage, Storage
from archsim.errors import ArchsimError
from archsim.machine.machine import Machine, Module
from archsim.machine.schema import Combine
from archsim.parts.base import Place, Stream

Row = tuple[tuple[Module, str], ...]
"""A stage as written: members that act together, each with the module that it stands in."""

_ORDER = ("drive", "array", "hold", "convert", "decode", "combine")
_OF_PLACE: dict[str, Flow] = {
    "drive": "drives",
    "array": "arrays",
    "hold": "conversions",
    "convert": "conversions",
    "decode": "conversions",
}


def compose(machine: Machine, *, with_tile: bool) -> Path:
    """Stages from the tile's memory back to it; those of the core alone without a tile, or one without a path.

    Raises ArchsimError where the path cannot be followed.
    """
    return _Composer(machine, with_tile=with_tile).path()


class _Composer:
    def __init__(self, machine: Machine, *, with_tile: bool) -> None:
        self.machine = machine
        self.core = machine.modules[machine.core]
        holder = machine.modules[machine.tile]
        self.tile = holder if with_tile and holder is not self.core and holder.path else None
        self.rows, self.core_end = self._rows()
        self._require_order()
        self._find_landmarks()
        self._require_digital_memories()

    def path(self) -> Path:
        return Path(
            stages=tuple(self._stage(index) for index in range(len(self.rows))),
            storages=tuple(self._storages()),
            samples=self._samples(),
            reads=ceil(self.input_bits / self.read_bits),
            read_bits=self.read_bits,
            accumulates=self.combine.bits == "analog",
            core_end=self.core_end,
        )

    # The way, and what stands where on it.

    def _rows(self) -> tuple[list[Row], int]:
        """All rows, and which is the core's last. The core's first joins what stands beside it in the tile's path."""
        core: list[Row] = [tuple((self.core, name) for name in row) for row in self.core.path]
        if self.tile is None:
            return core, len(core) - 1
        at = [index for index, row in enumerate(self.tile.path) for name in row if name == self.core.name]
        if len(at) != 1:
            found = f"goes through the core, '{self.core.name}', {len(at)} times; expected once"
            raise ArchsimError(f"{self.machine.file}: modules.{self.tile.name}.path: {found}")
        tile: list[Row] = [tuple((self.tile, name) for name in row if name != self.core.name) for row in self.tile.path]
        before, beside, after = tile[: at[0]], tile[at[0]], tile[at[0] + 1 :]
        return [*before, (*beside, *core[0]), *core[1:], *after], len(before) + len(core) - 1

    def _find_landmarks(self) -> None:
        """Rows where the data changes: `adder` ends a core's partial results, `gatherer` those of a tile's cores."""
        combine = self.core.combine or Combine()
        array, adder = self._first("array"), self._first("combine")
        if array is None:
            raise LookupError(self.core.name)
        self.combine, self.array, self.adder = combine, array, adder
        self.gatherer = self._first("combine", tile=True)
        self.hold, convert, drive = self._first("hold"), self._first("convert"), self._first("drive")
        self.convert = array if convert is None else convert
        self.first_read = array if drive is None else drive
        self.last_read = adder if combine.bits == "digital" and adder is not None else array
        self.input_bits = int(self.machine.precision.inputs)
        self.read_bits = min(self._bits_of("drive") or self.input_bits, self.input_bits)
        self.result_bits = int(self.machine.precision.outputs)
        self.converted_bits = (adder is not None and self._bits_of("convert")) or self.result_bits

    def _first(self, place: Place, *, tile: bool = False) -> int | None:
        """The first row that has a part of `place` of the core, or of the tile behind its cores."""
        for index, row in enumerate(self.rows):
            for module, name in row:
                if self._place(name) == place and (index > self.core_end if tile else module is self.core):
                    return index
        return None

    def _place(self, name: str) -> Place:
        return self.machine.parts[name].place

    def _bits_of(self, place: Place) -> int | None:
        """The `bits` of the core's first part of a place, if it has any: a DAC's, a converter's."""
        parts = (self.machine.parts[name] for name in self.core.flat)
        found = next((part for part in parts if part.place == place and hasattr(part, "bits")), None)
        return int(getattr(found, "bits")) if found is not None else None  # noqa: B009 - of some classes only

    def _per_read(self, index: int) -> bool:
        return self.first_read <= index <= self.last_read

    def _is_source(self, index: int, module: Module, name: str) -> bool:
        return index == 0 and module is self.tile and self._place(name) == "memory"

    def _memories(self, index: int) -> Row:
        """Memories that a row fills."""
        row = self.rows[index]
        return tuple(at for at in row if self._place(at[1]) == "memory" and not self._is_source(index, *at))

    # Stages.

    def _stage(self, index: int) -> Stage:
        """The parts of one row, and the memories of the row before, which are now read. Functions are passed by."""
        here = [at for at in self.rows[index] if self._place(at[1]) != "function"]
        closing = self._memories(index) if index == self.last_read else ()
        every = [self._element(index, index, *at) for at in here if at not in closing]
        if index:
            every += [self._element(index, index - 1, *at) for at in self._memories(index - 1)]
        return Stage(
            name=" + ".join(dict.fromkeys(name for _, name in self.rows[index])),
            elements=tuple(every),
            last=tuple(self._element(index, index, *at) for at in closing),
            per_read=self._per_read(index),
            cycle=self._cycle(index),
        )

    def _cycle(self, index: int) -> Fraction | None:
        return max((module.cycle for module, _ in self.rows[index] if module.cycle is not None), default=None)

    def _element(self, index: int, row: int, module: Module, name: str) -> Element:
        """A part that stands in `row`, at work in stage `index`: the next one where a memory is read."""
        part = self.machine.parts[name]
        flow = self._flow(row, module, part.place)
        action = part.actions[0]
        if part.place == "memory":
            action = "read" if index > row or self._is_source(row, module, name) else "write"
        return Element(
            key=f"{module.name}.{name}",
            part=part,
            units=int(module.members[name]),
            action=action,
            flow=flow,
            bits=self._bits(index, flow) if isinstance(part, Stream) else 0,
            in_core=module is self.core,
        )

    def _flow(self, row: int, module: Module, place: Place) -> Flow:
        inside = module is self.core
        if inside and place in _OF_PLACE:
            return _OF_PLACE[place]
        if row < self.array or (row == self.array and (place == "wire" or not inside)):
            return "inputs" if inside else "tile_inputs"
        adder = self.adder if inside else self.gatherer
        added = adder is not None and (row > adder or (row == adder and place == "memory"))
        if not inside and (added or adder is None):
            return "tile_outputs"
        return "outputs" if added or (not inside and self.adder is not None) else "conversions"

    def _bits(self, index: int, flow: Flow) -> int:
        """Bits of one value that are moved in stage `index`."""
        if flow in ("inputs", "tile_inputs"):
            return self.read_bits if self._per_read(index) else self.input_bits
        return self.converted_bits if flow == "conversions" else self.result_bits

    # Space.

    def _storages(self) -> list[Storage]:
        """Memories between two stages; what the last stage fills is nobody's to empty."""
        found = []
        for index in range(len(self.rows) - 1):
            for module, name in self._memories(index):
                element = self._element(index, index, module, name)
                size = int(getattr(element.part, "size")) * element.units  # noqa: B009 - memories have one
                each = self._per_read(index) and index != self.last_read
                found.append(Storage(element, size, index, each))
        return found

    def _samples(self) -> tuple[Samples, ...]:
        """Without a sample-and-hold the crossbar holds its result until it is converted; with one, it reads on."""
        if self.convert == self.array:
            return ()
        if self.hold is None:
            return (Samples(1, self.array, self.convert),)
        if self.array < self.hold < self.convert:
            return (Samples(1, self.array, self.hold), Samples(1, self.hold, self.convert))
        return (Samples(2, self.array, self.convert),)

    # What cannot be followed.

    def _fault(self, module: Module, name: str, message: str) -> ArchsimError:
        return ArchsimError(f"{self.machine.file}: modules.{module.name}.path: '{name}' {message}")

    def _require_order(self) -> None:
        """Inputs are driven, arrays read, results held, converted, decoded, added up: in this order."""
        reached = 0
        for row in self.core.path:
            steps = {name: _ORDER.index(self._place(name)) for name in row if self._place(name) in _ORDER}
            for name, step in steps.items():
                if step < reached:
                    found = f"stands behind a part of place '{_ORDER[reached]}'; expected {' > '.join(_ORDER)}"
                    raise self._fault(self.core, name, found)
            reached = max(steps.values(), default=reached)

    def _require_digital_memories(self) -> None:
        """No memory holds what is not yet converted."""
        for index in range(self.array, self.convert):
            for module, name in self._memories(index):
                found = "would hold what is not yet converted; expected it before the crossbar or from the converter on"
                raise self._fault(module, name, found)
