"""Machines broken at one place of their tree: read, or refused with places; a `--set` likewise."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from archsim.errors import ArchsimError, Fault
from archsim.machine.load import build
from archsim.machine.overlay import read_whole
from archsim.machine.source import Loc, parse, read
from archsim.resources import find

FILES = sorted((find("hw_configs") / "machines").glob("*.yaml"))
READ = {path.stem: read(path).data for path in FILES}
TREES: dict[str, Any] = {name: tree for name, tree in READ.items() if isinstance(tree, dict) and "extends" not in tree}


def ways(node: Any, loc: Loc = ()) -> list[Loc]:  # noqa: ANN401
    """All ways to a value."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [loc, *(way for key, child in inner for way in ways(child, (*loc, key)))]


PLACES = [(name, way) for name, tree in TREES.items() for way in ways(tree) if way]
SCALARS = [
    "",
    "x",
    "0",
    "-1",
    "1/2",
    "1e18",
    "1e50 s",
    "0 b",
    "1e-40 GHz",
    "a\nb",
    "xbar",
    "core",
    "tile",
    "router",
    "~",
]
WRAPPED = [
    lambda value: [value],
    lambda value: {"value": value},
    lambda value: {"value": [value]},
    lambda value: {"x": value},
]
KEYS = ["value", "source", "status", "class", "parts", "alternative", "alternatives", "a\nb", "", "x"]


def faults_of(load: Callable[[], object]) -> tuple[Fault, ...]:
    """What is wrong with a file; anything but an ArchsimError is a bug."""
    try:
        load()
    except ArchsimError as error:
        return error.faults
    return ()


def check(faults: tuple[Fault, ...]) -> None:
    for fault in faults:
        assert fault.place is not None, fault
        assert "\n" not in str(fault)
        assert fault.message


@given(st.data())
@settings(max_examples=250)
def test_a_tree_with_something_else_in_it_is_read_or_refused(data: st.DataObject) -> None:
    name, way = data.draw(st.sampled_from(PLACES))
    tree = copy.deepcopy(TREES[name])
    above = tree
    for step in way[:-1]:
        above = above[step]
    kind = data.draw(st.sampled_from(["replace", "delete", "rename"]))
    if kind == "replace":
        wrap = data.draw(st.sampled_from([*WRAPPED, *SCALARS, [], {}]))
        above[way[-1]] = wrap(above[way[-1]]) if callable(wrap) else wrap
    elif kind == "delete":
        del above[way[-1]]
    elif isinstance(above, dict):
        new = data.draw(st.sampled_from([*KEYS, f"{way[-1]}x"]))
        items = [(new if key == way[-1] else key, value) for key, value in above.items()]
        above.clear()
        above.update(items)
    text = yaml.safe_dump(tree, sort_keys=False, width=1000)
    check(faults_of(lambda: build(parse(text, "m.yaml"))))


@given(st.data())
@settings(max_examples=100)
def test_a_setting_is_heeded_or_refused(data: st.DataObject) -> None:
    name, way = data.draw(st.sampled_from(PLACES))
    setting = ".".join(map(str, way)) + data.draw(st.sampled_from(["", "x", ".x", ".value", ".source", ".0"]))
    setting += "=" + data.draw(
        st.sampled_from([*SCALARS, "[]", "{}", "[x]", "{x: y}", "{value: 1 b}", "{a: 1, a: 2}", "{"])
    )
    check(faults_of(lambda: build(read_whole(FILES[list(READ).index(name)], [setting]))))


@pytest.mark.parametrize("name", TREES)
def test_each_tree_is_read_as_it_is(name: str) -> None:
    assert build(parse(yaml.safe_dump(TREES[name], sort_keys=False, width=1000), "m.yaml")).name == name
