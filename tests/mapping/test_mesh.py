"""Routes on the mesh."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsim.errors import ArchsimError
from archsim.machine import load_machine
from archsim.mapping.mesh import Grid, grid_of, route


def test_routers_are_numbered_along_a_snake() -> None:
    """Three columns: 0 1 2 to the right, 3 4 5 back to the left below."""
    grid = Grid(3, 6)
    assert [grid.at(router) for router in range(6)] == [(0, 0), (1, 0), (2, 0), (2, 1), (1, 1), (0, 1)]
    assert [grid.site(unit, 12) for unit in range(12)] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_first_along_the_row_then_along_the_column() -> None:
    """Router 0 at (0, 0) to router 3 at (2, 1), 100 bits in flits of 32: 4 flits over three links and out."""
    traffic = route(Grid(3, 6), 32, ((0, 1),), ((3, 100),), copies=False)
    assert dict(traffic.links) == {(0, 0, 1, 0): 4, (1, 0, 2, 0): 4, (2, 0, 2, 1): 4}
    assert (traffic.hops, traffic.flit_hops, traffic.port_flits) == (4, 16, 4)


def test_copies_share_links_and_parts_do_not() -> None:
    """Router 0 to routers 1 and 2, 64 bits each: the first link carries 2 flits if they are the same, else 4."""
    same = route(Grid(3, 6), 32, ((0, 1),), ((1, 64), (2, 64)), copies=True)
    apart = route(Grid(3, 6), 32, ((0, 1),), ((1, 64), (2, 64)), copies=False)
    assert dict(same.links) == {(0, 0, 1, 0): 2, (1, 0, 2, 0): 2}
    assert dict(apart.links) == {(0, 0, 1, 0): 4, (1, 0, 2, 0): 2}
    assert (same.port_flits, apart.port_flits) == (2, 4)


@given(
    columns=st.integers(1, 6),
    sources=st.dictionaries(st.integers(0, 23), st.integers(1, 4), min_size=1, max_size=5),
    sinks=st.dictionaries(st.integers(0, 23), st.integers(1, 4).map(lambda n: 32 * 60 * n), min_size=1, max_size=5),
)
def test_flits_are_neither_lost_nor_made(columns: int, sources: dict[int, int], sinks: dict[int, int]) -> None:
    """What enters a router by links and ports leaves it by links and ports."""
    grid = Grid(columns, 24)
    traffic = route(grid, 32, tuple(sources.items()), tuple(sinks.items()), copies=False)
    balance: dict[tuple[int, int], float] = {}
    units = sum(sources.values())
    sent = sum(sinks.values()) / 32
    for source, number in sources.items():
        balance[grid.at(source)] = balance.get(grid.at(source), 0) + sent * number / units
    for sink, bits in sinks.items():
        balance[grid.at(sink)] = balance.get(grid.at(sink), 0) - bits / 32
    for (x, y, to_x, to_y), flits in traffic.links:
        assert abs(x - to_x) + abs(y - to_y) == 1
        balance[x, y] = balance.get((x, y), 0) - flits
        balance[to_x, to_y] = balance.get((to_x, to_y), 0) + flits
    slack = len(sources) * len(sinks)  # flits are whole: each way rounds up once
    assert all(abs(value) <= slack for value in balance.values())


def test_a_mesh_of_a_million_routers_is_refused() -> None:
    machine = load_machine("bruschi_512", ["modules.cluster.parts.router=1000000"])
    with pytest.raises(ArchsimError, match=r"mesh: found .* routers; expected at most 65,536"):
        grid_of(machine)
