"""Searches bits for docs/bits.md, kept in scripts/bits_found.json: `python -m scripts.bits_search MLP [NETWORK …]`.

MLP: weights written by scripts/train_mnist_mlp.py. Needs the data folder (ARCHSIM_DATA, or ../shared/data). Takes
some minutes a ResNet.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Final

from archsim.bits.search import search
from scripts.bits_nets import ASKED, NAMES, load
from scripts.lrmp_tables import FOUND

if TYPE_CHECKING:
    from archsim.bits.problem import Choice

EVALUATIONS: Final = 150
"""More than a greedy search takes."""
SEED: Final = 0


def main() -> None:
    """Renew what was found for some networks, or all."""
    for name in sys.argv[2:] or NAMES:
        net = load(name, sys.argv[1])
        for asked, (goal, allowed) in ASKED.items():
            problem = net.problem(goal, allowed)
            found = search(problem, "greedy", EVALUATIONS, SEED)
            best = found.best
            print(name, asked, len(found.history), problem.gain(best.cost), best.quality, best.choice, flush=True)
            every = json.loads(FOUND.read_text(encoding="utf-8")) if FOUND.exists() else {}
            every.setdefault(name, {})[asked] = best.choice
            FOUND.write_text(_lines(every), encoding="utf-8")


def _lines(every: dict[str, dict[str, Choice]]) -> str:
    """A choice a line."""
    blocks = []
    for name, found in sorted(every.items()):
        lines = [f"  {json.dumps(asked)}: {json.dumps(choice)}" for asked, choice in sorted(found.items())]
        blocks.append(f"{json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(blocks) + "\n}\n"


if __name__ == "__main__":
    main()
