from archsim.report.blocks import Block
from archsim.report.result_blocks import SHOWN, result_blocks
from tests.report.samples import sample_result


def block(key: str, *, terminal: bool = False, operators: int = 3) -> Block:
    blocks = result_blocks(sample_result(operators=operators), terminal=terminal)
    return next(block for block in blocks if block.key == key)


def headline(number: int) -> Block:
    return result_blocks(sample_result(), terminal=False)[number]


def test_the_job_comes_first() -> None:
    assert headline(0).rows == (
        ("machine", "isaac"),
        ("model", "bert-base"),
        ("phase", "prefill"),
        ("seq", "128 tokens"),
        ("new tokens", "0 tokens"),
        ("batch", "1"),
        ("chips", "2"),
    )


def test_the_headline_holds_every_figure_once() -> None:
    rows = {name: cells for name, *cells in headline(1).rows}
    assert rows["latency"] == ["2.2", "ms"]
    assert rows["throughput"] == ["57603", "tokens/s"]
    assert rows["energy"] == ["4", "J"]
    assert rows["average power"] == ["55.4", "W"]
    assert rows["area"] == ["85.4", "mm²"]
    assert rows["operations"] == ["22.35", "Gop"]
    assert rows["performance"] == ["10.16", "TOPS"]
    assert rows["energy efficiency"] == ["0.1834", "TOPS/W"]
    assert rows["area efficiency"] == ["0.1190", "TOPS/mm²"]
    assert len(rows) == len(headline(1).rows)


def test_energy_by_part_is_sorted_and_ends_in_static_and_total() -> None:
    assert block("energy_by_part").rows == (
        ("adc", "2.0000", "J", "50.00", "%"),
        ("tile memory", "1.0000", "J", "25.00", "%"),
        ("dac", "0.5000", "J", "12.50", "%"),
        ("static", "0.5000", "J", "12.50", "%"),
        ("total", "4.0000", "J", "100.00", "%"),
    )


def test_layers_stay_in_the_models_order() -> None:
    names = [row[0] for row in block("energy_by_layer").rows]
    assert names == ["embedding", "layer 0", "layer 1", "static", "total"]


def test_a_terminal_cuts_a_long_list_and_says_what_the_rest_is_worth() -> None:
    """The 15 shown operators and the 35 others are 3.5 J / 50 = 70 mJ each."""
    rows = block("energy_by_operator", terminal=True, operators=50).rows
    assert len(rows) == SHOWN + 3
    assert rows[SHOWN] == ("… 35 more (see --json)", "2.4500", "J", "61.25", "%")
    assert [row[0] for row in rows[SHOWN + 1 :]] == ["static", "total"]


def test_a_single_row_is_not_hidden_behind_a_row_that_counts_it() -> None:
    names = [row[0] for row in block("energy_by_operator", terminal=True, operators=SHOWN + 1).rows]
    assert names == [*(f"op{n:03}" for n in range(SHOWN + 1)), "static", "total"]


def test_a_pipe_gets_the_whole_list() -> None:
    names = [row[0] for row in block("energy_by_operator", operators=50).rows]
    assert names == [*(f"op{n:03}" for n in range(50)), "static", "total"]


def test_utilisation_is_sorted_and_cut_too() -> None:
    assert block("utilisation").rows == (("core", "90.00", "%"), ("bus", "12.50", "%"))
    result = sample_result() | {"utilisation": {f"group{n}": 0.5 for n in range(20)}}
    cut = next(b for b in result_blocks(result, terminal=True) if b.key == "utilisation")
    assert cut.rows[-1] == ("… 5 more (see --json)", "", "")


def test_no_energy_has_no_shares() -> None:
    result = sample_result() | {"energy_j": 0.0, "energy_by_part_j": {"adc": 0.0, "static": 0.0}}
    parts = next(b for b in result_blocks(result, terminal=False) if b.key == "energy_by_part")
    assert {row[1:] for row in parts.rows} == {("0", "J", "-", "%")}


def test_what_is_empty_is_left_out() -> None:
    blocks = result_blocks(sample_result() | {"notes": [], "sources": []}, terminal=False)
    assert not {"notes", "sources"} & {block.key for block in blocks}


def test_the_critical_path_is_shown_with_shares() -> None:
    assert block("critical_by_part").rows == (
        ("core.adc", "1.6500", "ms", "75.00", "%"),
        ("core.dac", "0.5500", "ms", "25.00", "%"),
        ("total", "2.2000", "ms", "100.00", "%"),
    )


def test_waiting_is_in_one_unit() -> None:
    assert block("waiting").rows == (("ffn", "500.00", "ms", "250.00", "ms", "0.00", "ms"),)


def test_changes_are_shown_with_their_settings() -> None:
    says = "4 more adc per core: latency \N{MINUS SIGN}31.0 %"
    entry = {"says": says, "settings": ["modules.core.parts.adc=16", "a.b=c d"]}
    blocks = result_blocks(sample_result() | {"what_if": [entry]}, terminal=False)
    assert next(block for block in blocks if block.key == "what_if").rows == (
        ("1", says, "--set 'modules.core.parts.adc=16' --set 'a.b=c d'"),
    )
