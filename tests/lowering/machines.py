"""Small machines and models, as YAML text, for tests of whole runs."""

from pathlib import Path

from archsim.graph import Graph
from archsim.graph.load import build as build_model
from archsim.machine import Machine
from archsim.machine.load import build as build_machine
from archsim.machine.source import parse

HERE = Path(__file__).parent

TINY = """
schema: archsim.model/1
name: tiny
architecture: ARCHITECTURE
layers: LAYERS
hidden: HIDDEN
heads: 2
ffn: FFN
vocabulary: 100
positions: 4096
causal: CAUSAL
"""


def machine(text: str) -> Machine:
    """A machine of YAML text."""
    return build_machine(parse(text, "machine.yaml"))


def equal_stages() -> Machine:
    """A machine on which every projection takes 1 us a position, and nothing else takes time to speak of."""
    return machine((HERE / "equal_stages.yaml").read_text())


def meshed(unit: int = 2) -> Machine:
    """A machine with a mesh, chip links, stores; all times are multiples of `unit` ps."""
    text = (HERE / "meshed.yaml").read_text()
    for factor in (64, 8, 4):
        text = text.replace(f"RATE{factor}", f"{factor * unit} ps")
    return machine(text)


def tiny(
    layers: int = 2, *, causal: bool = False, hidden: int = 32, ffn: int = 32, architecture: str = "encoder"
) -> Graph:
    """A transformer of equal layers."""
    text = TINY.replace("LAYERS", str(layers)).replace("CAUSAL", str(causal).lower()).replace("HIDDEN", str(hidden))
    text = text.replace("FFN", str(ffn)).replace("ARCHITECTURE", architecture)
    return build_model(parse(text, "tiny.yaml"))
