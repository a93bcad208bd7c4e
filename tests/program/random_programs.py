"""Random small Programs: stations with several servers, pipelining, joins, stores, ids in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archsim.program import Builder, Program

if TYPE_CHECKING:
    from random import Random


def random_program(random: Random, *, locks: bool = False) -> Program:
    """Chains of one or two tasks, where the last gives back what the first took, and joins across chains.

    So a store is never overfull; yet dependencies across chains can close a deadlock. With `locks`, one surely does.
    """
    build = Builder()
    servers = [random.randint(1, 3) for _ in range(random.randint(1, 3))]
    stations = [build.station(f"station{i}", n) for i, n in enumerate(servers)]
    chains = _chains(build, random, stations)

    # Created in any order, so that a task may wait for one with a larger id.
    chosen = [random.choice(chains) for _ in range(random.randint(1, 20))]
    wanted = [(chain, step) for chain, kinds in enumerate(chosen) for step in range(len(kinds))]
    random.shuffle(wanted)
    ids = {(chain, step): build.tasks(chosen[chain][step])[0] for chain, step in wanted}
    for chain, step in wanted:
        if step:
            build.after(ids[chain, step], ids[chain, step - 1])
    _arrivals(build, random, [task for (_, step), task in ids.items() if step == 0])
    if random.random() < 0.5:  # a rush: all servers become free together, before long queues
        for station, n in zip(stations, servers, strict=True):
            build.tasks(build.kind("busy", station=station, latency=7), n)

    if locks:
        _lock(build, random, stations)

    order = [ids[place] for place in sorted(ids)]
    for _ in range(random.choice([0, 0, 1, len(order) // 4])):
        earlier, later = sorted(random.choices(range(len(order)), k=2))
        if earlier < later:
            build.after(order[later], order[earlier])
    for _ in range(random.choice([0, 0, 0, 1, 2]) if len(order) > 1 else 0):
        place = random.randrange(1, len(order))
        join = build.join(random.sample(order[:place], random.randint(1, place)))
        build.after(random.sample(order[place:], random.randint(1, min(3, len(order) - place))), join)
    return build.build()


def _lock(build: Builder, random: Random, stations: list[int]) -> None:
    """More tasks take from a store than it has room for; what gives back waits for all of them."""
    capacity = random.randint(1, 3)
    store = build.store("too small", capacity)
    take = build.kind("take", station=random.choice(stations), latency=random.randint(1, 4), takes={store: 1})
    taken = build.tasks(take, capacity + random.randint(1, 2))
    give = build.kind("give", station=random.choice(stations), latency=1, gives={store: len(taken)})
    build.after(build.tasks(give)[0], taken)


def _arrivals(build: Builder, random: Random, tasks: list[int]) -> None:
    """Let many tasks become ready at some time other than 0, in no order of their ids."""
    station = build.station("arrivals", servers=len(tasks))
    kinds = [build.kind(f"at {time}", station=station, latency=time) for time in range(1, 7)]
    late = [task for task in tasks if random.random() < 0.9]
    arrivals = [build.tasks(random.choice(kinds))[0] for _ in late]
    build.after(late, arrivals)


def _chains(build: Builder, random: Random, stations: list[int]) -> list[tuple[int, ...]]:
    """Kinds of one chain each: alone, taking and giving by itself, or a taker and a giver."""
    capacities = [random.randint(1, 4) for _ in range(random.randint(1, 3))]
    longest = random.choice([2, 4, 8])  # short ones make much happen in the same instant
    stores = [build.store(f"store{i}", capacity) for i, capacity in enumerate(capacities)]

    def kind(name: str, takes: dict[int, int], gives: dict[int, int], *, may_join: bool = False) -> int:
        if may_join and random.random() < 0.2:
            return build.kind(name, station=None, gives=gives)
        station = random.choice(stations)
        latency, interval = random.randint(1, longest), random.randint(1, longest)
        return build.kind(name, station=station, latency=latency, interval=interval, takes=takes, gives=gives)

    chains: list[tuple[int, ...]] = [(kind("alone", {}, {}),) for _ in stations]
    for _ in range(random.randint(1, 4)):
        used = [store for store in stores if random.random() < 0.6]
        amounts = {store: min(random.randint(1, 3), capacities[store]) for store in used}
        if random.random() < 0.5:
            chains.append((kind("both", amounts, amounts),))
        else:
            chains.append((kind("taker", amounts, {}), kind("giver", {}, amounts, may_join=True)))
    return chains
