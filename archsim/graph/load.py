"""From a model file to a Graph."""

import hashlib
import json
from pathlib import Path

from archsim import resources
from archsim.errors import ArchsimError, Fault
from archsim.graph.graph import Graph
from archsim.graph.hf import from_config, is_config
from archsim.graph.preset import Preset
from archsim.graph.transformer import transformer
from archsim.machine.bibliography import unknown_source
from archsim.machine.load import validate
from archsim.machine.source import Document, read


def load_model(name_or_path: str | Path) -> Graph:
    """Load a model by its name in `workloads/models`, or by the path of its file or of a Hugging Face config.json."""
    path = resources.locate("workloads/models", str(name_or_path))
    document = read(path)
    if is_config(document):
        document = from_config(document, path.parent.name if path.stem == "config" else path.stem)
    return build(document)


def build(document: Document) -> Graph:
    """Check a document and make a Graph of it; raises ArchsimError with every fault found."""
    faults: list[Fault] = []
    preset = validate(Preset, document.data, document, (), faults)
    wrong = unknown_source(preset.source) if preset is not None and preset.source is not None else None
    if wrong is not None:
        faults.append(Fault(f"source: {wrong}", document.place(("source",))))
    if preset is None or faults:
        raise ArchsimError(*faults)
    operators, feedback = transformer(preset)
    text = json.dumps(document.data, sort_keys=True, separators=(",", ":"))
    return Graph(
        name=preset.name,
        description=preset.description,
        source=preset.source,
        operators=operators,
        feedback=feedback,
        max_positions=preset.positions or 1,
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )
