"""How long it takes to know and to allot copies of weights on LRMP's chip, by the program and by two other methods."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter

from archsim import load_machine, load_model
from archsim.graph.job import make_job
from archsim.mapping.bits import uniform
from archsim.mapping.milp import allot_by_program
from archsim.mapping.replication import Goal, Work, allot
from archsim.works import works

MODELS = {"resnet-18": 1608, "resnet-101": 5688}
BITS = ("w6a6", "w5a5", "w4a4")


def report(what: str, given: tuple[Work, ...], tiles: int, goal: Goal) -> None:
    """Print a row: seconds of both methods, choices, and whether they agree."""
    began = perf_counter()
    found = allot_by_program(given, tiles, goal)
    middle = perf_counter()
    best = allot(given, tiles, goal).amount(goal)
    ended = perf_counter()
    choices = sum(len(work.options(tiles)) for work in given)
    agree = "none found" if found is None else f"{found.amount(goal) / best - 1:.1e} worse"
    print(
        f"{what:36} {goal:10} {choices:6,} choices  {middle - began:6.2f} s  "
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
