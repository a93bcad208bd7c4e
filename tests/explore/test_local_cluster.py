"""The ports of a cluster on this machine: none that another machine could reach, and none that stays open."""

from __future__ import annotations

import pytest

pytest.importorskip("distributed")

import psutil

from archsim.explore.dask_pool import LocalDask
from archsim.explore.load import Bases
from archsim.explore.local_cluster import LocalCluster

LOOPBACK = {"127.0.0.1", "::1"}
EMPTY = Bases(documents={}, graphs={}, machines={}, models={})
WORKERS = 2


def family(process: int) -> list[psutil.Process]:
    """A process and all that it has started, and that have started in turn."""
    top = psutil.Process(process)
    return [top, *top.children(recursive=True)]


def listening(process: psutil.Process) -> list[tuple[str, int]]:
    """Addresses at which a process takes connections: sockets that the system says are open."""
    found = process.net_connections(kind="inet")
    return [(each.laddr.ip, each.laddr.port) for each in found if each.status == psutil.CONN_LISTEN]


def test_every_port_is_on_loopback() -> None:
    """A scheduler has two ports (tasks, HTTP), each worker two, and each nanny that keeps a worker one."""
    pool = LocalDask(EMPTY, WORKERS)
    try:
        pool.client.wait_for_workers(WORKERS, timeout=60)
        scheduler = [listening(each) for each in family(pool.cluster.scheduler.pid)]
        workers = [[listening(each) for each in family(child.pid)] for child in pool.cluster.workers]
        mine = listening(psutil.Process())
        everyone = [each for child in (pool.cluster.scheduler, *pool.cluster.workers) for each in family(child.pid)]
    finally:
        pool.close()
    assert sum(map(len, scheduler)) >= 2
    assert [sum(map(len, ports)) >= 3 for ports in workers] == [True] * WORKERS
    ports = [port for group in (scheduler, *workers) for ports in group for port in ports]
    assert {ip for ip, _ in [*ports, *mine]} <= LOOPBACK
    _, alive = psutil.wait_procs(everyone, timeout=10)
    assert alive == []


def test_nothing_is_left_of_it() -> None:
    """Also where it is closed before its workers have come."""
    cluster = LocalCluster(1)
    everyone = [each for child in (cluster.scheduler, *cluster.workers) for each in family(child.pid)]
    cluster.close()
    _, alive = psutil.wait_procs(everyone, timeout=10)
    assert alive == []
