"""States of recurrences: what they take, and where they do not fit."""

import pytest

from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.graph.job import make_job
from archsim.machine import load_machine
from archsim.mapping.placement import place

KEPT = "KiB of states of recurrences"


def test_states_of_a_sequence_do_not_grow() -> None:
    """24 layers of 1,536 channels of 16 numbers of 16 bits: 1,152 KiB, however long the prompt."""
    machine, graph = load_machine("isaac"), load_model("mamba-130m")
    for seq in (1, 500):
        notes = [note for note in place(machine, graph, make_job(graph, "prefill", seq, 0, 2)).notes if KEPT in note]
        assert len(notes) == 1
        assert notes[0].startswith(f"a sequence keeps 1,152 {KEPT}, in digital.edram")
    bert = load_model("bert-tiny")
    assert not any(KEPT in note for note in place(machine, bert, make_job(bert, "prefill", 8, 0, 1)).notes)


def test_an_lstm_keeps_its_hidden_state_and_its_cell() -> None:
    """Two layers of 650 of each, 16 bits."""
    machine, graph = load_machine("isaac"), load_model("lstm-ptb")
    notes = place(machine, graph, make_job(graph, "prefill", 8, 0, 1)).notes
    assert f"{2 * 2 * 650 * 16 / 8192:,.6g} {KEPT}" in " ".join(notes)


def test_states_of_too_many_sequences_are_refused() -> None:
    """A layer's state is 393,216 b; the memories of its units are told."""
    machine, graph = load_machine("isaac"), load_model("mamba-130m")
    match = r"layer 0/state: states of 100 sequences need [\d,]+ b, digital.edram has [\d,]+ b .* Try a smaller --batch"
    with pytest.raises(ArchsimError, match=match):
        place(machine, graph, make_job(graph, "decode", 8, 1, 100))
