"""From a machine's paths to the stages of an MVM: the tile's path with the core's put in its place."""

from fractions import Fraction
from functools import cached_property
from math import ceil

from archsim.core.path import Element, Flow, Path, Stage, Storage
from archsim.machine.machine import Machine, Module
from archsim.machine.schema import Combine
from archsim.parts.base import Stream

Row = tuple[tuple[Module, str], ...]


def compose(machine: Machine, *, with_tile: bool) -> Path:
    """Stages from the tile's memory back to it, or those of the core alone."""
    return _Composer(machine, with_tile=with_tile).path()


class _Composer:
    def __init__(self, machine: Machine, *, with_tile: bool) -> None:
        self.machine = machine
        self.core = machine.modules[machine.core]
        self.tile = machine.modules[machine.tile] if with_tile and machine.tile != machine.core else None
        self.rows = self._rows()
        self.combine = self.core.combine or Combine()
        places = [{self._place(name) for _, name in row} for row in self.rows]
        self.array = next(i for i, found in enumerate(places) if "array" in found)
        adders = [i for i, row in enumerate(self.rows) if self._adds(row)]
        self.adder = adders[0] if adders else self.array
        self.combined = self.adder if self.combine.bits == "digital" else self.array
        self.sliced = self.adder if "digital" in (self.combine.slices, self.combine.signs) else self.array
        self.first_read = min([i for i, found in enumerate(places) if "drive" in found] + [self.array])

    def _rows(self) -> list[Row]:
        """Stages as (module, name) pairs; the core's first stage joins what stands beside it in the tile's path."""
        core = [tuple((self.core, name) for name in row) for row in self.core.path]
        if self.tile is None or not any(self.core.name in row for row in self.tile.path):
            return core
        rows: list[Row] = []
        for row in self.tile.path:
            beside = tuple((self.tile, name) for name in row if name != self.core.name)
            rows += [beside] if self.core.name not in row else [(*beside, *core[0]), *core[1:]]
        return rows

    def _place(self, name: str) -> str:
        return self.machine.parts[name].place

    def _adds(self, row: Row) -> bool:
        return any(module is self.core and self._place(name) == "combine" for module, name in row)

    @cached_property
    def input_bits(self) -> int:
        return int(self.machine.precision.inputs)

    @cached_property
    def read_bits(self) -> int:
        """Input bits per read: what a DAC drives at once; all of them without a DAC."""
        drives = (self.machine.parts[name] for row in self.rows for _, name in row if self._place(name) == "drive")
        bits = (int(part.bits) for part in drives if hasattr(part, "bits"))
        return min(next(bits, self.input_bits), self.input_bits)

    def path(self) -> Path:
        storages: list[Storage] = []
        stages = [self._stage(index, storages) for index in range(len(self.rows))]
        return Path(
            stages=tuple(stages),
            storages=tuple(storages),
            reads=ceil(self.input_bits / self.read_bits),
            read_bits=self.read_bits,
            array=self.array,
            combined=self.combined,
            holds=any(self._place(name) == "hold" for row in self.rows for _, name in row),
            accumulates=self.combine.bits == "analog",
        )

    def _stage(self, index: int, storages: list[Storage]) -> Stage:
        """The parts of one row, and the memories of the row before, which are now read."""
        per_read = self.first_read <= index <= self.combined
        every: list[Element] = []
        last: list[Element] = []
        for module, name in self.rows[index]:
            place = self._place(name)
            if place == "function":
                continue  # a product has no function to apply: it passes
            source = place == "memory" and module is self.tile and index == 0
            element = self._element(index, module, name, "read" if source else None)
            closing = per_read and place == "memory" and index > self.array
            (last if closing else every).append(element)
            if place == "memory" and not source and index < len(self.rows) - 1:
                storages.append(Storage(element, int(getattr(element.part, "size", 0)), index))
        if index:
            every += [
                self._element(index - 1, module, name, "read", bits=self.read_bits if per_read else None)
                for module, name in self.rows[index - 1]
                if self._place(name) == "memory" and not (module is self.tile and index == 1)
            ]
        name = " + ".join(dict.fromkeys(name for _, name in self.rows[index]))
        return Stage(name, tuple(every), tuple(last), per_read, self._cycle(index))

    def _cycle(self, index: int) -> Fraction | None:
        cycles = [module.cycle for module, _ in self.rows[index] if module.cycle is not None]
        return max(cycles, default=None)

    def _element(self, index: int, module: Module, name: str, action: str | None, bits: int | None = None) -> Element:
        part = self.machine.parts[name]
        if part.place == "memory":
            action = action or "write"
        width = 0
        if isinstance(part, Stream):
            before = index < self.array or (index == self.array and part.place != "memory")
            width = bits or (self.input_bits if before else int(self.machine.precision.outputs))
        return Element(
            key=f"{module.name}.{name}",
            part=part,
            units=max(1, int(module.members[name])),
            action=action or part.actions[0],
            flow=self._flow(index, module, part.place),
            bits=width,
            in_core=module is self.core,
        )

    def _flow(self, index: int, module: Module, place: str) -> Flow:
        if module is self.tile:
            if index <= self.array:
                return "tile_inputs"
            return "partials" if place == "combine" else "tile_outputs"
        direct: dict[str, Flow] = {
            "drive": "drives",
            "array": "arrays",
            "hold": "conversions",
            "convert": "conversions",
            "decode": "conversions",
        }
        if place in direct:
            return direct[place]
        if index < self.array:
            return "inputs"
        if place == "combine" and index <= self.adder:
            return "conversions"
        return "outputs" if index >= self.sliced else "conversions"
