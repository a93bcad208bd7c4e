"""Tasks a second of both engines on the same Programs, each in one process: `python scripts/bench_engine.py`."""

from __future__ import annotations

from time import process_time

from archsim import load_machine, load_model
from archsim.core.timing import Timer
from archsim.graph.job import make_job
from archsim.lowering.lower import lower
from archsim.mapping.placement import place
from archsim.program import Builder, Program, Run, check
from archsim.program.engines import play

LAYERS, TOKENS, STAGES = 48, 350, 6
SPACE = 12  # tokens that a layer holds: fewer than its stages could, so that buffers fill up
BARRIER_EVERY = 4
TIMES = 3


def prefill(machine: str, model: str, seq: int, batch: int) -> Program:
    """The Program of a prompt."""
    described, graph = load_machine(machine), load_model(model)
    job = make_job(graph, "prefill", seq, 0, batch)
    return lower(place(described, graph, job), job, Timer(described))


def layered() -> Program:
    """Layers of pipelined stages, a bounded buffer before each layer, and barriers."""
    build = Builder()
    barrier: int | None = None
    before: range | None = None
    for layer in range(LAYERS):
        buffer = build.store(f"buffer{layer}", SPACE)
        for stage in range(STAGES):
            kind = build.kind(
                f"stage{stage}",
                station=build.station(f"layer{layer}.stage{stage}", servers=1 + stage % 2),
                latency=4000 + 100 * stage,
                interval=1000 + 300 * (stage % 3),
                takes={buffer: 1} if stage == 0 else None,
                gives={buffer: 1} if stage == STAGES - 1 else None,
                counts={"read": 8},
                operator=f"layer{layer}",
            )
            tasks = build.tasks(kind, TOKENS)
            if before is not None:
                build.after(tasks, before)
            if barrier is not None and stage == 0:
                build.after(tasks, barrier)
            before = tasks
        if before is not None and (layer + 1) % BARRIER_EVERY == 0:
            barrier = build.join(before, operator=f"layer{layer}")
    return build.build()


def timed(program: Program, engine: str, times: int) -> tuple[Run, float]:
    """A run, and the least seconds of processor time of so many."""
    seconds = []
    for _ in range(times):
        began = process_time()
        run = play(program, engine)
        seconds.append(process_time() - began)
    return run, min(seconds)


def row(name: str, program: Program) -> str:
    """Both engines on one Program."""
    check(program)
    reference, slow = timed(program, "simpy", 1)
    run, fast = timed(program, "compiled", TIMES)
    columns = ("ready", "offered", "start", "finish")
    equal = all((getattr(run, column) == getattr(reference, column)).all() for column in columns)
    n = program.n_tasks
    rates = f"simpy {n / slow:>9,.0f} tasks/s  compiled {n / fast:>10,.0f} tasks/s  {slow / fast:5.1f} times as fast"
    return f"{name:40}{n:>8} tasks  {rates}  {'equal' if equal else 'NOT EQUAL'}"


def main() -> None:
    """Print a row per Program."""
    first = Builder()
    first.tasks(first.kind("work", station=first.station("unit"), latency=1))
    began = process_time()
    play(first.build(), "compiled")
    print(f"loading the compiled engine takes {process_time() - began:.2f} s")
    print(row("isaac bert-base --seq 512", prefill("isaac", "bert-base", 512, 1)), flush=True)
    print(row("isaac gpt2 --seq 128 --batch 4", prefill("isaac", "gpt2", 128, 4)), flush=True)
    print(row("isaac gpt2 --seq 512 --batch 2", prefill("isaac", "gpt2", 512, 2)), flush=True)
    print(row("full buffers and barriers", layered()), flush=True)


if __name__ == "__main__":
    main()
