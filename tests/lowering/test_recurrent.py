"""Recurrent layers: a position waits for the one before it in its own sequence, and for nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from archsim.graph import Graph
from archsim.graph.job import Span, make_job
from archsim.graph.load import build
from archsim.machine import load_machine
from archsim.machine.source import parse
from tests.lowering.machines import equal_stages, meshed
from tests.lowering.runs import all_times, counts, plus, run, run_job

HEAD = "schema: archsim.network/1\nname: small\ninput: 8\npositions: 64\n"
P = 1_000_000
"""A product on the machine with equal stages, ps."""
U = 14
"""An update there, ps: seven operators of 2 ps on one unit, each ready when the one before is through."""


def recurrent(layers: str) -> Graph:
    return build(parse(HEAD + layers, "small.yaml"))


def one() -> Graph:
    return recurrent("layers: [lstm: {out: 8}]")


def test_a_position_waits_for_the_update_of_the_one_before() -> None:
    """One sequence of three: product P, then seven operators of 2 ps.

                 product        gates      candidate  kept       added      cell       squashed   hidden
    position 0   0 .. P         P..+2      P+2..+4    P+4..+6    P+6..+8    P+8..+10   P+10..+12  P+12..P+14
    position 1   P+14 .. 2P+14  as before, P+14 later
    position 2   2P+28 .. 3P+28
    """
    played = run(equal_stages(), one(), seq=3)
    start, finish = all_times(played, "1 lstm/product")
    assert start.tolist() == [0, P + U, 2 * (P + U)]
    assert finish.tolist() == [P, 2 * P + U, 3 * P + 2 * U]
    names = ("gates", "candidate", "kept", "added", "cell", "squashed", "hidden")
    for number, name in enumerate(names):
        assert (all_times(played, f"1 lstm/{name}")[0] - finish).tolist() == [2 * number] * 3
    assert played.makespan == 3 * (P + U)


def test_sequences_wait_for_themselves_alone() -> None:
    """Two sequences of three share the arrays, which are then never idle: 0, P, 2P, ... in turn.

    Position 1 of the first is ready at P + 14, but the second's position 0 has the arrays until 2P; and so on.
    """
    played = run(equal_stages(), one(), seq=3, batch=2)
    start, _ = all_times(played, "1 lstm/product")
    assert start.tolist() == [0, 2 * P, 4 * P, P, 3 * P, 5 * P]
    assert played.makespan == 6 * P + U


def test_layers_work_on_neighbouring_positions_at_the_same_time() -> None:
    """Two layers: the second is one position behind, so T positions take T + 1 steps; some ps for the shared unit."""
    played = run(equal_stages(), recurrent("layers: [lstm: {out: 8}, lstm: {out: 8}]"), seq=5)
    assert played.makespan == pytest.approx(6 * (P + U), abs=6 * U)


def test_two_positions_as_one() -> None:
    """Five positions are three of two, the last of which has one: the second layer is at work three times.

    It can begin when the first has made two (2 steps); then it is slower than what comes in only at the end, after
    the fifth: 5 steps and its own.
    """
    graph = recurrent("layers: [lstm: {out: 8}, stack: 2, lstm: {out: 8}]")
    played = run(equal_stages(), graph, seq=5, batch=2)
    hidden, product = all_times(played, "1 lstm/hidden")[1], all_times(played, "2 lstm/product")[0]
    assert len(product) == 2 * 3
    for sequence in range(2):
        made, used = hidden[5 * sequence : 5 * sequence + 5], product[3 * sequence : 3 * sequence + 3]
        assert (used >= made[[1, 3, 4]]).all()
        assert used[0] < made[2]
    assert graph.linears[1].in_features == 2 * 8 + 8


def test_a_made_token_waits_for_the_one_before() -> None:
    """Embedding 2 ps, LSTM P + 14, output P, argmax 2 ps; the next token begins then: 4 tokens, 4 times all that."""
    graph = recurrent("generates: true\nlayers: [embedding: {rows: 9, out: 8}, lstm: {out: 8}, linear: {out: 9}]")
    played = run(equal_stages(), graph, seq=7, phase="decode", new_tokens=4)
    assert played.makespan == 4 * (2 * P + U + 4)
    both = run(equal_stages(), graph, seq=7, phase="generate", new_tokens=4)
    # the prompt's seven go through the LSTM one after the other; the first enters after 2 ps
    assert both.makespan == 2 + 7 * (P + U) + (P + 2) + 3 * (2 * P + U + 4)


def test_sequences_that_arrive_later_begin_later() -> None:
    graph = one()
    job = replace(make_job(graph, "prefill", 2, 0, 2), mixed=(Span(0, 2, 2), Span(0, 2, 2, arrival=9 * P)))
    start, _ = all_times(run_job(equal_stages(), graph, job), "1 lstm/product")
    assert start.tolist() == [0, P + U, 9 * P, 10 * P + U]


@pytest.mark.parametrize("grain", ["projection", "core"])
def test_hidden_states_move_to_the_arrays_but_for_the_last(grain: str) -> None:
    """With a mesh every state but each sequence's last comes back to the arrays, and takes and frees room there."""
    graph = recurrent("layers: [linear: {out: 8}, lstm: {out: 24}, linear: {out: 8}]")
    played = run(meshed(), graph, seq=6, batch=3, grain=grain)
    program = played.program
    back = [name for name in program.kinds if name.startswith("2 lstm/hidden > 2 lstm/product")]
    arrived = all_times(played, back[-1])[1].reshape(3, 5)
    kinds = [at for at, kind in enumerate(program.kinds) if kind == "2 lstm/product" and program.station[at] >= 0]
    start = played.start[np.isin(program.kind, kinds)].reshape(3, 6)
    assert (start[:, 1:] >= arrived).all()
    room = np.zeros(len(program.stores), np.int64)
    for kind, number in enumerate(program.tasks_per_kind().tolist()):
        for store, amount in program.takes(kind):
            room[store] += number * amount
        for store, amount in program.gives(kind):
            room[store] -= number * amount
    assert (room == 0).all()


@pytest.mark.parametrize("stack", [2, 3])
def test_sequences_in_turn_do_not_fill_the_room_with_halves(stack: int) -> None:
    """Forty sequences give their first positions one after the other; room is for a few whole ones."""
    graph = recurrent(f"layers: [lstm: {{out: 24}}, stack: {stack}, lstm: {{out: 24}}]")
    played = run(meshed(), graph, seq=4, batch=40)
    moves = [name for name in played.program.kinds if name.startswith("1 lstm/hidden > 2 lstm/product")]
    start = all_times(played, moves[0])[0].reshape(40, 4)
    made = all_times(played, "1 lstm/hidden")[1].reshape(40, 4)
    assert (start[:, 0] >= made[:, stack - 1]).all()
    assert (start[:, 3] >= made[:, 3]).all()


@pytest.mark.parametrize("machine", ["ibm_speech", "isaac", "nl_dpe", "puma"])
def test_every_machine_runs_them_and_counts_each_position(machine: str) -> None:
    graph = recurrent("layers: [lstm: {out: 8}, stack: 2, lstm: {out: 8}, linear: {out: 4}]")
    small, large = (counts(run(load_machine(machine), graph, seq)) for seq in (4, 8))
    drives = next(action for action in small if action.endswith("dac.drive"))
    assert large[drives] == 2 * small[drives]
    assert plus(small) == small
