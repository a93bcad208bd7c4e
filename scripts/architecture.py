"""Writes the list of modules into docs/architecture.md, from their first lines: `python scripts/architecture.py`."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- modules: begin -->\n", "<!-- modules: end -->\n"


def layers() -> list[str]:
    """Names of the import contract's layers, the top first."""
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    return [name.strip(" ()") for line in contract["layers"] for name in line.split("|")]


def purpose(path: Path) -> str:
    """The first sentence of a module's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())


def listing() -> str:
    """A heading a layer, a line a module."""
    lines = []
    for layer in layers():
        folder = ROOT / "archsim" / layer
        if folder.is_dir():
            lines += [f"### {layer}", "", purpose(folder / "__init__.py"), ""]
            modules = sorted(path for path in folder.glob("*.py") if path.stem != "__init__")
            lines += [f"- `{path.stem}`: {purpose(path)}" for path in modules]
            lines.append("")
        elif folder.with_suffix(".py").is_file():
            lines += [f"### {layer}.py", "", purpose(folder.with_suffix(".py")), ""]
    return "\n".join(lines)


def renewed(text: str) -> str:
    """The page with the list of today."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + listing() + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
