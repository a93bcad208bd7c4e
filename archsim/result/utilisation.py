"""How busy the stations of a run were."""

from collections import defaultdict

from archsim.program import Run
from archsim.result.names import station_name


def utilisation(run: Run) -> dict[str, float]:
    """Share of the run in which stations worked: mean over the layers' stations of a name, busiest of mesh links.

    Channels that belong to one transfer alone are left out.
    """
    work, servers = run.work()
    whole = run.makespan
    shares: defaultdict[str, list[float]] = defaultdict(list)
    for station, busy, number in zip(run.program.stations, work.tolist(), servers.tolist(), strict=True):
        if not station.name.endswith(" channel"):
            shares[station_name(station.name)].append(min(1.0, busy / (number * whole)))
    links = shares.pop("mesh links", None)
    found = {name: sum(values) / len(values) for name, values in shares.items()}
    if links is not None:
        found["busiest mesh link"] = max(links)
    return found
