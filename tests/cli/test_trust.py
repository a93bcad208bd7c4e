"""Model files that can run code are opened only for those who say `--trust`; PyTorch is not needed to refuse one."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner, Result

import archsim
import archsim.explore
from archsim.cli import main
from archsim.errors import ArchsimError
from archsim.graph.torch_export import load_exported

SAID = (
    "net.pt2: found an exported PyTorch model (.pt2), which can run any code as it is loaded. "
    "Try --trust (trust=True in Python) if you know who made it."
)
STUDY = "schema: archsim.study/1\nmachine: isaac\nmodel: net.pt2\naxes: {parts.adc.bits: [6 b, 8 b]}\n"
COMMANDS = (
    ("run", "isaac", "net.pt2"),
    ("serve", "isaac", "net.pt2", "--rate", "1"),
    ("compare", "isaac", "--model", "net.pt2"),
    ("optimize", "isaac", "net.pt2"),
    ("gpu", "h100", "net.pt2"),
    ("cite", "isaac", "net.pt2"),
    ("check", "net.pt2"),
    ("check", "study.yaml"),
    ("sweep", "study.yaml"),
    ("explore", "study.yaml"),
)
ROOT = Path(archsim.__file__).parent
LOADERS = ("load_model(", "load_study(", "sweeping(", "searching(")
WITHOUT = {"list", "evaluate"}
"""They load archsim's own models, and checkpoints."""


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A folder with a file of that name, and what a stand-in for PyTorch was asked to load from it."""
    (tmp_path / "net.pt2").write_bytes(b"code of a stranger")
    (tmp_path / "study.yaml").write_text(STUDY)
    monkeypatch.chdir(tmp_path)
    torch, export, paths = ModuleType("torch"), ModuleType("torch.export"), list[str]()

    def load(path: str) -> None:
        paths.append(path)
        raise RuntimeError("the stand-in knows no models")

    vars(export)["load"] = load
    vars(torch)["export"] = export
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch.export", export)
    return paths


def call(*words: str) -> Result:
    return CliRunner().invoke(main, words, prog_name="archsim")


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_opens_it_only_with_trust(words: tuple[str, ...], opened: list[str]) -> None:
    refused = call(*words)
    assert (refused.exit_code != 0, refused.stdout) == (True, "")
    (line,) = refused.stderr.splitlines()
    assert line.endswith(SAID)
    assert opened == []
    trusted = call(*words, "--trust")
    assert "net.pt2: is no exported PyTorch model (RuntimeError: the stand-in knows no models)" in trusted.stderr
    assert {Path(path).name for path in opened} == {"net.pt2"}


def test_in_python(opened: list[str]) -> None:
    for refuse in (
        lambda: archsim.load_model("net.pt2"),
        lambda: load_exported(Path("net.pt2")),
        lambda: archsim.explore.load_study("study.yaml"),
        lambda: archsim.explore.sweep("study.yaml", "study.db"),
    ):
        with pytest.raises(ArchsimError, match="Try --trust"):
            refuse()
    assert opened == []
    for trust in (
        lambda: archsim.load_model("net.pt2", trust=True),
        lambda: archsim.explore.load_study("study.yaml", trust=True),
        lambda: archsim.explore.sweep("study.yaml", "study.db", trust=True),
    ):
        with pytest.raises(ArchsimError, match="the stand-in knows no models"):
            trust()
    assert len(opened) == 3


def test_without_pytorch(opened: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused in the same words; only with --trust PyTorch is missed."""
    monkeypatch.setitem(sys.modules, "torch", None)
    refused = call("run", "isaac", "net.pt2")
    assert (refused.exit_code, refused.stderr) == (2, SAID + "\n")
    trusted = call("run", "isaac", "net.pt2", "--trust")
    needed = "PyTorch models need torch, onnx and onnxscript: pip install 'archsim[torch]'\n"
    assert (trusted.exit_code, trusted.stderr) == (2, needed)
    assert opened == []


def test_a_checkpoint_is_no_such_file(opened: list[str]) -> None:
    """`archsim partition` takes checkpoints alone, and says so."""
    Path("text.txt").write_text("once upon a time")
    done = call("partition", "net.pt2", "--machine", "hetero_512", "--text", "text.txt")
    assert (done.exit_code, opened) == (1, [])
    assert "expected a checkpoint of llama2.c" in done.stderr or "Is it a checkpoint of llama2.c" in done.stderr
    assert "--trust" not in done.stderr


def test_every_command_that_loads_models_has_the_option() -> None:
    loading = {
        path.stem
        for path in (ROOT / "cli").glob("*.py")
        if any(loader in path.read_text(encoding="utf-8") for loader in LOADERS)
    }
    having = set()
    for name in loading:
        params = import_module(f"archsim.cli.{name}").command.params
        having |= {name for each in params if "--trust" in each.opts}
    assert loading - WITHOUT == having == {words[0] for words in COMMANDS}
