"""Sizes that nothing could hold, and keys without a use, are refused at once."""

import re

import pytest

from archsim.errors import ArchsimError
from archsim.graph.job import make_job
from archsim.graph.load import build
from archsim.machine import load_machine
from archsim.machine.source import parse
from tests.lowering.runs import run

TINY = (
    "schema: archsim.model/1\nname: t\narchitecture: {}\nlayers: 2\nhidden: 64\nheads: 2\nffn: 64\nvocabulary: 50\n"
    "positions: 32\n"
)


@pytest.mark.parametrize(
    ("architecture", "more", "message"),
    [
        ("decoder", "decoder_layers: 3", "'decoder_layers', which has a use only with architecture: encoder-decoder"),
        ("decoder", "image: {size: 32, patch: 8}", "'image', which has a use only with architecture: encoder"),
        ("encoder-decoder", "image: {size: 32, patch: 8}", "'image', which has a use only with architecture: encoder"),
        ("encoder", "audio: {mels: 8, positions: 9}", "'audio', which has a use only with"),
        ("decoder", "full_every: 2", "'full_every', which has a use only with window"),
        ("decoder", "buckets: 2", "'buckets', which has a use only with score_bias: true"),
        ("decoder", "shared_norm: true", "'shared_norm', which has a use only with parallel: true"),
        ("decoder", "experts: 2\nexperts_per_token: 3", "'experts_per_token', which has a use only with as many"),
        (
            "encoder",
            "image: {size: 8, patch: 16}",
            "image of 8 positions and patches of 16; expected at least one patch",
        ),
    ],
)
def test_a_key_without_a_use_is_refused(architecture: str, more: str, message: str) -> None:
    with pytest.raises(ArchsimError) as caught:
        build(parse(f"{TINY.format(architecture)}{more}\n", "t.yaml"))
    assert message in str(caught.value)


def test_sizes_that_nothing_holds() -> None:
    limits = {
        "hidden": "found 500000000000 values of a head; expected at most 65536",
        "ffn": "found 1,000,000,000,000; expected at most 16,777,216",
    }
    for size, message in limits.items():
        huge = re.sub(rf"\b{size}: \d+", f"{size}: 1000000000000", TINY.format("decoder"))
        with pytest.raises(ArchsimError, match=message):
            build(parse(huge, "t.yaml"))
    network = "schema: archsim.network/1\nname: n\ninput: [3, {0}, {0}]\nlayers:\n  - conv: {{out: 4, kernel: 3}}\n"
    with pytest.raises(ArchsimError, match="found 999,996,000,004 positions"):
        build(parse(network.format(1_000_000), "n.yaml"))
    with pytest.raises(ArchsimError, match=r"n: the job has .* tasks or more; expected at most 30,000,000"):
        make_job(build(parse(network.format(3000), "n.yaml")), "prefill", None, 0, 8)


@pytest.mark.parametrize("machine", ["isaac", "nl_dpe"])
@pytest.mark.parametrize("layers", ["[relu]", "[globalpool, softmax]", "[sigmoid, tanh]"])
def test_a_model_without_weights_runs(machine: str, layers: str) -> None:
    graph = build(parse(f"schema: archsim.network/1\nname: n\ninput: [3, 8, 8]\nlayers: {layers}\n", "n.yaml"))
    assert run(load_machine(machine), graph, 1).makespan > 0
