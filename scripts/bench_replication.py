"""How long it takes to know and to allot copies of weights on LRMP's chip, by the program and by two other methods."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

from archsim import load_machine, load_model
from archsim.graph.job import make_job
from archsim.mapping.bits import uniform
from archsim.mapping.replication import Goal, Work, allot, allot_by_bisection, allot_by_tiles
from archsim.works import works

MODELS = {"resnet-18": 1608, "resnet-101": 5688}
BITS = ("w6a6", "w5a5", "w4a4")


def report(what: str, given: tuple[Work, ...], tiles: int, goal: Goal) -> None:
    """Print a row: seconds of both methods, choices, how sure the program is, and whether they agree."""
    began = perf_counter()
    found = allot(given, tiles, goal)
    middle = perf_counter()
    other = allot_by_tiles(given, tiles) if goal == "latency" else allot_by_bisection(given, tiles)
    ended = perf_counter()
    same = (found.latency, other.latency) if goal == "latency" else (found.slowest, other.slowest)
    choices = sum(len(work.options(tiles)) for work in given)
    agree = "agree" if same[0] == same[1] else f"differ: {same[0]:,} and {same[1]:,} ps"
    print(
        f"{what:36} {goal:10} {choices:6,} choices  {middle - began:6.2f} s {found.status}, gap {found.gap:.1e}  "
        f"{'tiles' if goal == 'latency' else 'bisection':9} {ended - middle:6.3f} s  {agree}",
        flush=True,
    )


def calls(name: str) -> None:
    """Print what a call of `works` takes, as a search makes them."""
    machine, model = load_machine("lrmp_chip"), load_model(name)
    job = make_job(model, "prefill", None, 0, 1)
    for what, text in (("first call", "w8a8"), ("other bits", "w7a7"), ("again", "w7a7")):
        bits, began = uniform(machine, model, text), perf_counter()
        works(machine, model, job, bits)
        print(f"{name} works, {what:12} {1000 * (perf_counter() - began):7.2f} ms", flush=True)


def main() -> None:
    """Each network with its own 8-bit tiles, with what copies do not shorten and without."""
    machine = load_machine("lrmp_chip")
    for name, tiles in MODELS.items():
        calls(name)
        model = load_model(name)
        job = make_job(model, "prefill", None, 0, 1)
        for text in BITS:
            given = works(machine, model, job, uniform(machine, model, text))
            alone = tuple(replace(work, rest=0, floor=0, apart=0) for work in given)
            for what, some in ((text, given), (f"{text}, arrays alone", alone)):
                for goal in ("latency", "throughput"):
                    report(f"{name} {what}", some, tiles, goal)


if __name__ == "__main__":
    main()
