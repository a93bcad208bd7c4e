"""The command line. Importing it costs click alone; a command's code is imported when it is called."""

import click

from archsim import __version__
from archsim.cli.commands import Commands

_EXAMPLES = """\b
Examples:
  archsim run isaac bert-base --seq 128
  archsim describe isaac
"""


@click.group(
    "archsim",
    cls=Commands,
    lazy={
        "acam": "Compile a function into the table of an analog CAM.",
        "check": "Check machine and model files: all faults of all files.",
        "cite": "Print the sources that a machine's figures lean on.",
        "compare": "Run the same jobs on machines and GPUs, side by side.",
        "costs": "Show what cost models say of a part, side by side.",
        "describe": "Show a machine's parts, areas and peak figures.",
        "evaluate": "Print the perplexity of a model computed by a machine.",
        "explore": "Let an optimiser choose a study's points: Pareto frontier.",
        "gpu": "Run a model on a GPU, by its specification.",
        "gpu-fit": "Fit a GPU's efficiency on measured products; show the error.",
        "list": "List the machines, models and parts that archsim knows.",
        "mvm": "Show the error of one product in the arrays of a machine.",
        "optimize": "Find how many copies of its weights each projection should have.",
        "plot": "Draw saved runs: energy, latency, area.",
        "profile": "Show how much a model suffers from each analog projection.",
        "serve": "Serve requests over time: latency, queues, energy.",
        "sweep": "Run every combination of parameters: table, Pareto frontier.",
        "validate": "Show published figures beside what archsim computes.",
        "run": "Run a model on a machine: time, energy, area.",
    },
    epilog=_EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """Time, energy and area of neural networks on in-memory machines."""
