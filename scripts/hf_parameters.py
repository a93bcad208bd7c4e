"""Compare parameters of full-size models with those of transformers: a table for docs/hugging_face.md.

    PYTHONPATH=. python scripts/hf_parameters.py

Needs torch, transformers, and archsim with its dependencies. transformers makes each model without numbers, on the meta
device of PyTorch. The script fails where the two do not count the same. A new type needs an entry in
hf_parameters.yaml, where published numbers stand with their sources.
"""

import json
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers
import yaml

from archsim.graph import load_model
from scripts.page import put

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "hugging_face.md"
MODELS = Path(__file__).with_suffix(".yaml")
HEAD = (
    "| type | model | archsim | transformers | published | source |",
    "|---|---|---:|---:|---:|---|",
)


@dataclass(frozen=True)
class Published:
    """How many parameters are said to be in a model, where, and whether that is a sum of what is printed (derived)."""

    value: str
    unit: str
    source: str
    status: str
    note: str = ""


@dataclass(frozen=True)
class Model:
    """A published model.

    Parameters
    ----------
    name
        As people know it.
    kind
        Its class in transformers.
    published
        Its number of parameters; None where no source was at hand.
    sizes
        Sizes in which it differs from the defaults of its class's configuration.
    """

    name: str
    kind: str
    published: Published | None = None
    sizes: dict[str, Any] = field(default_factory=dict)


def listed() -> list[Model]:
    """Models of the YAML file."""
    entries = yaml.safe_load(MODELS.read_text(encoding="utf-8"))["models"]
    return [
        Model(
            entry["name"],
            entry["class"],
            Published(**entry["published"]) if "published" in entry else None,
            entry.get("sizes", {}),
        )
        for entry in entries
    ]


def counted(model: Model, folder: Path) -> tuple[str, int, int]:
    """Its type, parameters of the Graph of its configuration, and those of its class in transformers."""
    kind = getattr(transformers, model.kind)
    config = kind.config_class(**model.sizes)
    with torch.device("meta"):
        theirs = sum(parameter.numel() for parameter in kind(config).parameters())
    path = folder / "config.json"
    path.write_text(json.dumps({**config.to_dict(), "architectures": [model.kind]}))
    return config.model_type, load_model(path).parameters, theirs


def said(published: Published | None) -> str:
    """Two columns of the table."""
    if published is None:
        return "none | none at hand"
    details = ", ".join(filter(None, ["" if published.status == "measured" else published.status, published.note]))
    return f"{published.value} | {published.source}{f' ({details})' if details else ''}"


def main() -> int:
    """Write the table; 1 where counts differ."""
    rows, different = list(HEAD), []
    with tempfile.TemporaryDirectory() as folder:
        for model in listed():
            kind, ours, theirs = counted(model, Path(folder))
            rows.append(f"| `{kind}` | {model.name} | {ours:,} | {theirs:,} | {said(model.published)} |")
            different += [model.name] * (ours != theirs)
    put(PAGE, "parameters", "\n".join(rows) + "\n")
    print("\n".join(rows))
    if different:
        print(f"not the same: {', '.join(different)}", file=sys.stderr)
    return bool(different)


if __name__ == "__main__":
    sys.exit(main())
