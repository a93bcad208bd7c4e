import json
from collections.abc import Callable

from click.testing import Result

from archsim.report.description import description_dict
from tests.report.samples import sample_description

Archsim = Callable[..., Result]


def test_describe_prints_a_tree(archsim: Archsim) -> None:
    result = archsim("describe", "isaac")
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [line.split()[:3] for line in result.stdout.splitlines()]
    assert ["chip.tile.core", "8", "32"] in rows


def test_describe_prints_json_alone(archsim: Archsim) -> None:
    result = archsim("describe", "isaac", "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout) == description_dict(sample_description())


def test_describe_of_an_unknown_machine(archsim: Archsim) -> None:
    result = archsim("describe", "isac")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("no machine 'isac'. Did you mean 'isaac'?")
