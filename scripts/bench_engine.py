"""Tasks per second of the SimPy engine, beside bare SimPy: `python scripts/bench_engine.py`."""

from __future__ import annotations

from time import perf_counter

import numpy as np
import simpy

from archsim.program import Builder, Program, check
from archsim.program.simpy import play

LAYERS, TOKENS, STAGES = 48, 350, 6
SPACE = 12  # tokens that a layer holds: fewer than its stages could, so that buffers fill up
BARRIER_EVERY = 4


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


def bare_simpy(n: int) -> None:
    """Let SimPy do nothing but `n` timeouts, about as many under way as the engine has."""
    env = simpy.Environment()
    delays = np.random.default_rng(1).integers(1000, 5000, n).tolist()

    def another(_: simpy.Event) -> None:
        if delays:
            env.timeout(delays.pop()).callbacks.append(another)

    for _ in range(min(n, LAYERS)):
        env.timeout(delays.pop()).callbacks.append(another)
    env.run()


def main() -> None:
    """Print the figures."""
    started = perf_counter()
    program = layered()
    check(program)
    built = perf_counter()
    run = play(program)
    played = perf_counter()
    bare_simpy(program.n_tasks)
    done = perf_counter()
    n, seconds, bare = program.n_tasks, played - built, done - played
    print(f"tasks             {n}")
    print(f"build and check   {built - started:.3f} s")
    print(f"play              {seconds:.3f} s")
    print(f"tasks per second  {n / seconds:.0f}")
    print(f"bare timeouts     {bare:.3f} s for as many")
    print(f"play / bare       {seconds / bare:.2f}")
    print(f"waited for space  {np.count_nonzero(run.waited_for_space)} tasks")
    print(f"makespan          {run.makespan} ps")


if __name__ == "__main__":
    main()
