"""Functions in converters: fused where it is right, refused where partial sums would make it wrong, else a pass."""

import pytest

from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.graph.job import Job
from archsim.machine import load_machine
from archsim.mapping.placement import place
from tests.lowering.machines import tiny
from tests.lowering.runs import counts, run


def gelu_time(played: object, kind: str) -> tuple[int, int]:
    program = played.program  # type: ignore[attr-defined]
    index = program.kinds.index(kind)
    return int(program.latency[index]), int(program.interval[index])


def test_gelu_of_256_rows_is_fused() -> None:
    """256 rows are one array: the conversion of `ffn up` gives GELU, and no pass follows.

    Per position 256 conversions each for qkv (3 x), attention output, ffn up, ffn down: 6 x 256, none for GELU.
    Products: log of q and k (2 x 256), exp of 4 heads... scores: 256 products per key, and as many in context, whose
    log of v is 256 more; softmax: exp of 2 heads x keys, log of 2 sums.
    """
    model = tiny(1, hidden=256, ffn=256)
    fused = run(load_machine("nl_dpe"), model, 4)
    assert "layer 0/activation" not in fused.program.kinds
    keys, positions = 4, 4
    per_position = 6 * 256 + 2 * 256 + 256 * keys + 2 * keys + 2 + 256 + 256 * keys
    assert counts(fused)["core.acam.convert"] == positions * per_position


def test_gelu_of_256_rows_unfused_is_one_more_pass() -> None:
    """A pass of 256 values: 8 ns into the buffer, 8 reads of 1 ns, 3 ns to convert, 8 ns out: 27 ns.

    The next can enter while the last bit is read, when there is room for it: 8 + 7 = 15 ns later. A pass drives
    256 rows of the identity 8 times and converts 256 columns.
    """
    model = tiny(1, hidden=256, ffn=256)
    fused, apart = run(load_machine("nl_dpe"), model, 4), run(load_machine("nl_dpe", ["fusion=off"]), model, 4)
    assert gelu_time(apart, "layer 0/activation") == (27_000, 15_000)
    more = {action: number - counts(fused).get(action, 0) for action, number in counts(apart).items()}
    assert more["core.acam.convert"] == more["core.xor.decode"] == 4 * 256
    assert more["core.dac.drive"] == 4 * 256 * 8
    assert more["core.xbar.read"] == 4 * 8
    assert more["core.ibuf.write"] == 4 * 8


def test_gelu_of_768_rows_is_refused_where_it_is_demanded() -> None:
    model = tiny(1, hidden=768, ffn=768)
    message = (
        r"layer 0/activation cannot be fused: 768 rows lie on 3 arrays, whose partial sums are added after the "
        r"conversion\. Try fusion: auto\."
    )
    with pytest.raises(ArchsimError, match=message):
        run(load_machine("nl_dpe", ["fusion=required"]), model, 4)


def test_gelu_of_768_rows_is_a_pass_of_three() -> None:
    """768 values over the function's cores: as there are more than three, each takes one pass of 27 ns."""
    model = tiny(1, hidden=768, ffn=768)
    auto = run(load_machine("nl_dpe"), model, 4)
    assert gelu_time(auto, "layer 0/activation") == (27_000, 15_000)
    few = run(load_machine("nl_dpe", ["function_cores=3"]), model, 4)
    assert gelu_time(few, "layer 0/activation") == (27_000 + 2 * 15_000, 3 * 15_000)


def test_digital_combining_forbids_fusion() -> None:
    settings = ["fusion=required", "modules.core.combine={bits: analog, slices: digital, signs: analog}"]
    settings.append("modules.core.path=ibuf > dac + xbar > acam + xor > adder2 + obuf")
    settings += ["modules.core.parts.adder2=256", "parts.adder2={class: adder, add: {interval: 1 ns}}"]
    with pytest.raises(ArchsimError, match="slices are combined digitally, after the conversion"):
        run(load_machine("nl_dpe", settings), tiny(1, hidden=256, ffn=256), 4)


def test_every_product_of_bert_has_its_exp() -> None:
    """BERT-base, 128 positions: 301,989,888 products in the log domain, an exp, an add and a sum for each."""
    played = run(load_machine("nl_dpe"), load_model("bert-base"), 128)
    chosen = [i for i, name in enumerate(played.program.operators) if name.endswith(("/scores", "/context"))]
    found = dict(zip(played.program.actions, played.counts()[chosen].sum(axis=0).tolist(), strict=True))
    logs = 12 * 128 * (2 * 768 + 768)
    assert found["core.acam.convert"] == 301_989_888 + logs
    assert found["tile.adder.add"] == 2 * 301_989_888


def test_more_function_cores_are_never_slower_and_are_shared_by_work() -> None:
    spans = []
    for number in (4, 16, 64):
        machine = load_machine("nl_dpe", [f"function_cores={number}"])
        cores = place(machine, load_model("bert-base"), Job(seq=128)).group("layer 3").function_cores
        assert sum(cores.values()) == number
        assert cores["exp"] >= cores["log"]
        spans.append(run(machine, load_model("bert-base"), 128).makespan)
    assert spans == sorted(spans, reverse=True)
