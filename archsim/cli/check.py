"""`archsim check` says whether machine, model, mapping and study files are as they should be."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from archsim.cli.options import trust_option

if TYPE_CHECKING:
    from archsim.graph.graph import Graph


@click.command(
    "check",
    epilog="FILE is a machine, mapping, model or study file, a config.json, an ONNX or safetensors file, or a name that"
    " archsim knows.",
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@trust_option
def command(*, files: tuple[str, ...], trust: bool) -> None:
    """Check machine, model, mapping and study files, and say all that is wrong with all of them."""
    from archsim.errors import ArchsimError, Fault

    faults: list[Fault] = []
    for name in files:
        try:
            sys.stdout.write(f"{name}: {_check(name, trust=trust)}\n")
        except ArchsimError as error:
            faults += error.faults
    if faults:
        raise ArchsimError(*faults)


def _model(graph: Graph) -> str:
    """How many parameters a model has, and how many of them a position goes through."""
    active = graph.active_parameters
    of_experts = f", {active:,} of them active" if active < graph.parameters else ""
    return f"model {graph.name}, {graph.parameters:,} parameters{of_experts}"


def _check(name: str, *, trust: bool) -> str:
    """What a file is; raises ArchsimError with what is wrong with it."""
    from archsim import resources
    from archsim.errors import ArchsimError, Fault, quoted
    from archsim.graph.hf.config import is_config
    from archsim.graph.llama2c import beginning
    from archsim.graph.load import load_model
    from archsim.graph.operator_trace import SUFFIXES
    from archsim.machine import load_machine
    from archsim.machine.provenance import mapping
    from archsim.machine.source import read

    try:
        path = resources.locate("hw_configs/machines", name)
    except ArchsimError:
        path = resources.locate("workloads/models", name)
    if path.suffix == ".safetensors":
        from archsim.values.opened import open_model

        return f"{_model(open_model(path).graph)}, with weights"
    if path.suffix in (".onnx", ".pt2", *SUFFIXES) or beginning(path) is not None:
        graph = load_model(path, trust=trust)
        return _model(graph)
    document = read(path)
    data = mapping(document)
    schema = str(data.get("schema", ""))
    if schema.startswith("archsim.machine/") or (not schema and "extends" in data):
        machine = load_machine(path)
        return f"machine {machine.name}, {len(machine.parts)} parts"
    if schema.startswith(("archsim.model/", "archsim.network/")) or is_config(document):
        graph = load_model(path)
        return _model(graph)
    if schema.startswith("archsim.mapping/"):
        from archsim.machine.mapping_file import read_mapping

        made = read_mapping(path)
        return f"mapping of {made.model or 'a model'} on {made.machine or 'a machine'}"
    if schema.startswith("archsim.study/"):
        from archsim.explore.load import load_study
        from archsim.explore.study import MOST_POINTS

        study, _ = load_study(path, whole=False, trust=trust)
        most = f": too many for sweep, at most {MOST_POINTS:,}; explore takes them" if len(study) > MOST_POINTS else ""
        return f"study of {len(study.varied)} axes, {len(study):,} points{most}"
    found = f"found schema {quoted(schema)}" if schema else "has no 'schema'"
    expected = "expected archsim.machine/1, archsim.mapping/1, archsim.model/1, archsim.network/1 or archsim.study/1"
    raise ArchsimError(Fault(f"{found}; {expected}", document.place(("schema",))))
