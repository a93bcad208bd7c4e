import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

from archsim import __version__

ROOT = Path(__file__).parents[2]
Archsim = Callable[..., Result]


def test_help_lists_the_commands(archsim: Archsim) -> None:
    result = archsim("--help")
    assert result.exit_code == 0
    assert "Usage: archsim " in result.stdout
    assert "  run  " in result.stdout
    assert "  describe  " in result.stdout


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from archsim.cli import main\n"
        "try:\n"
        "    main(['--help'])\n"
        "finally:\n"
        "    print(*sys.modules, sep='\\n', file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(done.stderr.split())
    assert "click" in loaded
    heavy = {"numpy", "numba", "pydantic", "rich", "simpy", "matplotlib", "yaml", "archsim.cli.run"}
    assert not heavy & loaded


def test_version(archsim: Archsim) -> None:
    assert archsim("--version").stdout == f"archsim {__version__}\n"


def test_an_unknown_command_gets_a_suggestion(archsim: Archsim) -> None:
    result = archsim("rnu", "isaac")
    assert result.exit_code == 2
    assert "No such command 'rnu'. Did you mean 'run'? Known: acam, check, cite, compare," in result.stderr
    assert result.stdout == ""


def test_an_unknown_option_gets_a_suggestion(archsim: Archsim) -> None:
    result = archsim("run", "isaac", "bert-base", "--bacth", "2")
    assert result.exit_code == 2
    assert "--bacth" in result.stderr
    assert "Did you mean" in result.stderr
    assert "--batch" in result.stderr


def test_an_unknown_option_before_the_command(archsim: Archsim) -> None:
    result = archsim("--versoin")
    assert result.exit_code == 2
    assert "--version" in result.stderr


def test_no_command_shows_the_help(archsim: Archsim) -> None:
    assert "Commands:" in archsim().output
