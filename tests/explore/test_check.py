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


def test_check_says_when_a_study_is_for_a_search_alone(tmp_path: Path) -> None:
    """1,001 powers of two parts each: 1,002,001 points."""
    power = "{from: 1 mW, to: 2 mW, step: 0.001 mW}"
    axes = f"axes: {{parts.adc.power: {power}, parts.xbar.power: {power}}}\n"
    path = write(tmp_path, f"schema: archsim.study/1\nmachine: tiny.yaml\nmodel: mlp-mnist\n{axes}")
    done = CliRunner().invoke(main, ["check", str(path)])
    assert "1,002,001 points: too many for sweep, at most 1,000,000; explore takes them" in done.stdout
