"""The same option has the same words and the same place in the help of every command about values and mappings."""

from importlib import import_module
from itertools import pairwise

import click
import pytest

ORDER = (
    ("--machine", "--model", "--weights", "--images", "--inputs", "--text", "--tokenizer", "--limit"),
    ("--profile", "--seq", "--batch"),
    (),  # choices: what only one command has
    ("--seeds", "--seed"),
    ("--set",),
    ("--mapping",),
    ("--out", "--plot", "--json"),
)  # fmt: skip
COMMANDS = ("optimize", "partition", "profile", "evaluate")
ALIKE = ("--machine", "--text", "--tokenizer", "--limit", "--seq", "--seeds", "--set", "--mapping", "--json")


def options(command: str) -> dict[str, click.Option]:
    params = import_module(f"archsim.cli.{command}").command.params
    return {each.opts[0]: each for each in params if isinstance(each, click.Option)}


def rank(name: str) -> tuple[int, int]:
    """Of an option: its group, and its place there; what no group names is a choice."""
    return next(((at, group.index(name)) for at, group in enumerate(ORDER) if name in group), (2, 0))


@pytest.mark.parametrize("command", COMMANDS)
def test_inputs_choices_seeds_settings_mapping_outputs(command: str) -> None:
    names = list(options(command))
    assert [pair for pair in pairwise(names) if rank(pair[0]) > rank(pair[1])] == []


@pytest.mark.parametrize("name", ALIKE)
def test_words_are_the_same(name: str) -> None:
    said = {(each.help, each.metavar) for command in COMMANDS if (each := options(command).get(name)) is not None}
    assert len(said) == 1
