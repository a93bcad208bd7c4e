"""A GPU by its specification: peak rates, bandwidth, power; and how much of them kernels reach."""

from dataclasses import dataclass

PRECISIONS = ("fp32", "tf32", "fp16", "int8")
BYTES = {"fp32": 4, "tf32": 4, "fp16": 2, "int8": 1}
"""Of a value in memory."""


@dataclass(frozen=True, slots=True)
class Efficiency:
    """What is fitted on measured products: five numbers, typical ones where nobody measured.

    compute, memory: shares of the peak rate and bandwidth that a large kernel reaches. launch: s for each kernel.
    gap: s between kernels that follow each other.
    edge: what small tiles lose: a tile of t x t reaches 1 / (1 + 128 edge / t) of the rate. overlap: how well
    computing hides moving; time is (computing^overlap + moving^overlap)^(1/overlap).
    """

    compute: float
    memory: float
    launch: float
    edge: float
    overlap: float
    gap: float = 0.0


@dataclass(frozen=True)
class Gpu:
    """peak: operations/s (2 a multiply-accumulate) by precision, without sparsity. bandwidth: bytes/s. power, idle: W.

    area: mm2. energy: J an operation at most, by precision, from the power that a sibling of the same process needs at
    its peak; where power / energy is less than the peak, the GPU cannot hold it.
    """

    name: str
    sources: tuple[str, ...]
    units: int
    peak: dict[str, float]
    bandwidth: float
    memory: float
    power: float
    idle: float
    area: float
    energy: dict[str, float]
    efficiency: Efficiency
    measured: bool

    def rate(self, precision: str) -> float:
        """Operations/s that large kernels hold: a share of the peak, at a clock that the power allows.

        Half as much power allows 0.7 of the clock: voltage falls with the clock, if not as fast.
        """
        wanted = self.energy.get(precision, 0.0) * self.peak[precision]
        slower = min(1.0, (self.power - self.idle) / wanted) ** 0.5 if wanted else 1.0
        return self.peak[precision] * self.efficiency.compute * slower

    def edge(self, precision: str) -> float:
        """What small tiles lose at a precision: it is the operands that do not come fast enough.

        Measured with fp16; a precision that takes in fewer bytes a second at its peak loses less.
        """
        share = self.peak[precision] * BYTES[precision] / (self.peak["fp16"] * BYTES["fp16"])
        return self.efficiency.edge * min(1.0, share)

    @property
    def moved(self) -> float:
        """Bytes/s."""
        return self.bandwidth * self.efficiency.memory
