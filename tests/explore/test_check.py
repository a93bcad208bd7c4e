from pathlib import Path

from click.testing import CliRunner

from archsim.cli import main
from tests.explore.small import write


def test_check_knows_studies(tmp_path: Path) -> None:
    path = write(tmp_path)
    done = CliRunner().invoke(main, ["check", str(path)])
    assert (done.exit_code, done.stdout) == (0, f"{path}: study of 2 axes, 6 points\n")
    path.write_text(path.read_text().replace("axes", "axis"))
    assert "Did you mean 'axes'?" in CliRunner().invoke(main, ["check", str(path)]).stderr
