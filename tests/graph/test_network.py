"""Networks as files of layers."""

from math import ceil
from pathlib import Path

import numpy as np
import pytest

from archsim.errors import ArchsimError
from archsim.graph import Graph, load_model
from archsim.graph.job import make_job
from archsim.graph.load import build
from archsim.graph.operators import Linear, Rowwise
from archsim.machine import load_machine
from archsim.machine.fits import layout
from archsim.machine.source import parse
from archsim.mapping.digital import depthwise
from archsim.mapping.tiling import tile
from tests.lowering.runs import counts, run

HEAD = "schema: archsim.network/1\nname: small\ninput: [4, 8, 8]\nlayers:\n"


def small(layers: str) -> Graph:
    return build(parse(HEAD + layers, "small.yaml"))


def macs(graph: Graph) -> int:
    return make_job(graph, "prefill", None, 0, 1).macs(graph)


@pytest.mark.parametrize(
    ("name", "parameters", "millions"),
    [  # as torchvision counts them; LeNet-5 with all connections; 784-300-100-10
        ("resnet-18", 11_689_512, 1814),
        ("resnet-34", 21_797_672, 3664),
        ("resnet-50", 25_557_032, 4089),
        ("resnet-101", 44_549_160, 7801),
        ("resnet-20", 269_722, 41),  # as published: 0.27 M, 41 M; and 0.46 M, 69 M
        ("resnet-32", 464_154, 69),
        ("vgg-16", 138_357_544, 15470),
        ("mobilenet-v2", 3_504_872, 301),
        ("alexnet", 60_965_224, 724),  # 60,954,656 weights
        ("alexnet-ungrouped", 62_378_344, 1135),
        ("efficientnet-b0", 5_288_548, 386),
        ("efficientnet-b0-cifar10", 4_020_358, 8),
        ("lenet-5", 61_706, 0),
        ("mlp-mnist", 266_610, 0),
    ],
)
def test_published_networks(name: str, parameters: int, millions: int) -> None:
    graph = load_model(name)
    assert graph.parameters == parameters
    assert round(macs(graph) / 1e6) == millions


def test_alexnet_in_arrays_of_128_by_128() -> None:
    """Where every convolution sees all channels, Li et al. count 3, 38, 54, 81 and 54 arrays of 128 x 128."""
    products = load_model("alexnet-ungrouped").linears[:5]
    assert [ceil(each.in_features / 128) * ceil(each.out_features / 128) for each in products] == [3, 38, 54, 81, 54]
    assert sum(each.weights for each in load_model("alexnet").linears) == 60_954_656


def test_the_weights_of_the_speech_chips() -> None:
    """5 products of (values + 1024) x 4096, twice as many values in the third, and 1024 x 512; the other network's.

    Together 45,261,568, as published for five chips.
    """
    encoder, prediction = load_model("rnn-t-encoder"), load_model("rnn-t-prediction")
    weights = [each.weights for each in encoder.linears]
    assert weights == [(240 + 1024) * 4096, 2048 * 4096, 3072 * 4096, 2048 * 4096, 2048 * 4096, 1024 * 512]
    assert sum(weights) == 43_450_368
    assert sum(weights) + sum(each.weights for each in prediction.linears) == 45_261_568


def test_a_word_level_lstm_has_as_many_parameters_as_published() -> None:
    """10,000 x 650 twice, two layers of 1,300 x 2,600, biases: 20 M."""
    assert load_model("lstm-ptb").parameters == 2 * 10_000 * 650 + 2 * (1300 * 2600 + 2600) + 10_000


def test_each_channel_is_scaled_by_what_layers_make_of_all_positions() -> None:
    """Squeeze and excitation: every pixel's product with the gate waits for all pixels; 64 times 4 products."""
    graph = small(
        "  - conv: {out: 4, kernel: 1}\n"
        "  - scale: [globalpool, conv: {out: 2, kernel: 1}, relu, conv: {out: 4, kernel: 1}, sigmoid]"
    )
    scale = graph.operators[-1]
    assert isinstance(scale, Rowwise)
    assert (scale.kind, scale.width, scale.operands, scale.stream.length) == ("mul", 4, 2, 64)
    assert [edge.scope for edge in scale.inputs] == ["same", "all"]
    assert macs(graph) == 64 * 16 + 8 + 8


def test_a_file_may_extend_another(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("schema: archsim.network/1\nextends: lenet-5\nname: mine\nclasses: 7\n")
    mine, theirs = load_model(path), load_model("lenet-5")
    assert (mine.name, mine.source) == ("mine", theirs.source)
    assert mine.parameters == theirs.parameters - 3 * 85
    path.write_text("schema: archsim.network/1\nextends: lenet-55\nname: mine\n")
    with pytest.raises(ArchsimError, match=r"mine.yaml:2:10  extends: unknown name 'lenet-55'.*Did you mean 'lenet-5'"):
        load_model(path)


def test_sequences_have_the_length_that_a_job_says() -> None:
    text = "schema: archsim.network/1\nname: s\ninput: 8\npositions: 10\n"
    text += "layers: [lstm: {out: 4, biases: 2}, stack: 3, linear: {out: 2}]"
    graph = build(parse(text, "s.yaml"))
    lstm, last = graph.linears
    assert (lstm.in_features, lstm.out_features) == (12, 16)
    assert graph.parameters == 12 * 16 + 32 + 12 * 2 + 2
    assert (last.in_features, last.stream.every, graph.length) == (12, 3, None)
    assert make_job(graph, "prefill", 10, 0, 2).macs(graph) == 2 * (10 * 12 * 16 + 4 * 12 * 2)
    with pytest.raises(ArchsimError, match="has 10 positions, the job needs 11"):
        make_job(graph, "prefill", 11, 0, 1)


LRMP = """
extends: isaac
name: arrays of one bit
precision: {weights: 8 b, inputs: 8 b}
parts: {xbar: {rows: 256, cols: 256, cell_bits: 1 b, slices: 8}}
modules: {core: {slices_in: arrays, parts: {dac: 2048, adc: 8, xbar: 8}}}
"""


@pytest.mark.parametrize(
    ("name", "arrays"), [("resnet-18", 1608), ("resnet-34", 2968), ("resnet-50", 3376), ("resnet-101", 5688)]
)
def test_arrays_of_256_by_256_at_one_bit_a_cell(
    name: str, arrays: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """8-bit weights, one bit of all columns per array: 8 arrays a block."""
    path = tmp_path_factory.getbasetemp() / "lrmp.yaml"
    path.write_text(LRMP)
    machine = load_machine(path)
    lay = layout(machine.modules[machine.core], machine.parts, machine.precision)
    assert (lay.arrays_per_block, lay.outputs_per_block) == (8, 256)
    found = sum(tile(linear, lay, 12).blocks for linear in load_model(name).linears)
    assert found * lay.arrays_per_block == arrays


def test_a_convolution_is_a_product_at_each_pixel_of_its_result() -> None:
    """8 x 8 pixels, stride 2, kernel 3 padded by 1: 4 x 4 results of 36 values each."""
    graph = small("  - conv: {out: 16, kernel: 3, stride: 2, pad: 1}\n  - relu\n  - globalpool\n  - linear: {out: 5}")
    conv, act, pool, last = graph.operators
    assert isinstance(conv, Linear)
    assert isinstance(pool, Rowwise)
    assert (conv.in_features, conv.out_features, conv.stream.length) == (36, 16, 16)
    assert (pool.rows, pool.width, pool.out) == (16, 16, 16)
    assert isinstance(last, Linear)
    assert (act.layer, last.in_features) == (conv.layer, 16)
    assert macs(graph) == 16 * 36 * 16 + 16 * 5
    assert graph.parameters == 36 * 16 + 16 + 16 * 5 + 5


def test_channels_apart_lie_along_the_diagonal_of_an_array() -> None:
    """64 channels of 9 rows and a column each; ISAAC's blocks are 128 x 16: 14 channels fit, so 5 blocks."""
    graph = build(parse(HEAD.replace("[4,", "[64,") + "  - conv: {kernel: 3, pad: 1, groups: depthwise}", "d.yaml"))
    conv = graph.linears[0]
    assert (conv.weights, conv.macs(1)) == (64 * 9, 64 * 9)
    isaac = load_machine("isaac")
    tiling = tile(conv, layout(isaac.modules["core"], isaac.parts, isaac.precision), 12)
    assert (tiling.blocks, tiling.tiles) == (5, 1)
    load = tiling.loads[0][0]
    assert (load.tile_inputs, load.tile_outputs, load.drives.total) == (576, 64, 576)


def test_a_kernel_has_all_its_rows_where_a_map_is_one_pixel() -> None:
    """2 x 2 pixels, then one: it and the next one are convolutions of each channel by itself, of 25 rows."""
    layers = "  - conv: {out: 4, kernel: 1}\n"
    layers += "  - conv: {kernel: 5, stride: 2, pad: 2, groups: depthwise}\n"
    layers += "  - scale: [globalpool, conv: {out: 4, kernel: 1}]\n  - conv: {kernel: 5, pad: 2, groups: depthwise}"
    graph = build(parse(HEAD.replace("8, 8", "2, 2") + layers, "p.yaml"))
    for linear, size in ((graph.linears[1], (2, 2)), (graph.linears[3], (1, 1))):
        assert depthwise(linear)
        window = linear.inputs[0].window
        assert window is not None
        assert (window.size, window.out, window.kernel, linear.in_features) == (size, (1, 1), (5, 5), 100)


def test_a_sequence_is_no_map() -> None:
    text = "schema: archsim.network/1\nname: s\ninput: 8\npositions: 10\nlayers: [globalpool]\n"
    with pytest.raises(ArchsimError, match="globalpool: needs a map of pixels, found a sequence; expected 'input'"):
        build(parse(text, "s.yaml"))


def test_groups_that_are_larger_than_an_array_are_cut_one_by_one() -> None:
    """2 groups of 900 rows and 40 columns: 8 x 3 blocks each, whose inputs are their own."""
    graph = build(parse(HEAD.replace("[4,", "[200,") + "  - conv: {out: 80, kernel: 3, groups: 2}", "g.yaml"))
    isaac = load_machine("isaac")
    tiling = tile(graph.linears[0], layout(isaac.modules["core"], isaac.parts, isaac.precision), 12)
    assert (tiling.row_blocks, tiling.col_blocks, tiling.blocks) == (8, 6, 48)
    assert tiling.loads[0][0].tile_inputs == 1800


def test_a_shortcut_without_weights_skips_pixels_and_has_no_work() -> None:
    """4 x 4 of 8 x 8 pixels; the sum at pixel (y, x) waits for pixel (2y, 2x), that is number 16 y + 2 x."""
    graph = small(
        "  - conv: {out: 4, kernel: 1}\n"
        "  - residual: {main: [conv: {out: 6, kernel: 3, stride: 2, pad: 1}], shortcut: [skip: {out: 6, stride: 2}]}"
    )
    first, _, add = graph.operators
    assert isinstance(add, Rowwise)
    assert (add.width, add.stream.length, add.inputs[1].source) == (6, 16, first.key)
    window = add.inputs[1].window
    assert window is not None
    assert window.last(np.arange(6)).tolist() == [0, 2, 4, 6, 16, 18]


@pytest.mark.parametrize("machine", ["isaac", "nl_dpe"])
def test_blocks_with_shortcuts_run_and_count_each_product(machine: str) -> None:
    """A pixel's product is one task: 64 + 64 + 16 + 16 of them, and one of the last layer."""
    graph = small(
        "  - conv: {out: 8, kernel: 3, pad: 1, norm: true}\n"
        "  - residual: {main: [conv: {out: 8, kernel: 3, pad: 1}, relu], then: relu}\n"
        "  - residual:\n      main: [conv: {out: 16, kernel: 3, stride: 2, pad: 1}]\n"
        "      shortcut: [conv: {out: 16, kernel: 1, stride: 2}]\n"
        "  - maxpool: {kernel: 3, stride: 2, pad: 1}\n  - linear: {out: 10}"
    )
    played = run(load_machine(machine), graph, 1, batch=2)
    assert counts(played)
    products = [at for at, kind in enumerate(played.program.kinds) if kind.endswith("/product")]
    assert sum(played.program.tasks_per_kind()[products]) == 2 * (64 + 64 + 16 + 16 + 1)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ("  - relyu", "5:5  layers[0]: found 'relyu'. Did you mean 'relu'?"),
        ("  - conv: {out: 4, kernl: 3}", "kernl: unknown key. Did you mean 'kernel'?"),
        ("  - cnov: {out: 4}", "5:5  layers[0]: found 'cnov'. Did you mean 'conv'? Known: attention, avgpool, block,"),
        ("  - conv: {out: 4, kernel: 0}", "found 0, 0; expected a whole number of at least 1, or [height, width]"),
        ("  - conv: {kernel: 3, groups: dephtwise}", "found 'dephtwise'; expected 'depthwise' or a whole number"),
        ("  - conv: {out: 4, kernel: 12}", "5:3  layers[0]: a kernel of 12 does not fit 8 positions padded by 0"),
        ("  - conv: {kernel: 3}", "5:3  layers[0]: conv: is missing 'out'"),
        (
            "  - conv: {out: 6, kernel: 3, groups: 4}",
            "5:3  layers[0]: conv: 4 groups do not divide 4 channels in and 6 out",
        ),
        (
            "  - residual: {main: [conv: {out: 8, kernel: 1}]}",
            "5:3  layers[0]: residual: main gives 8 x 8 x 8, shortcut 4 x 8 x 8; expected the same",
        ),
        ("  - conv: {out: 4, kernel: 3}\n    relu: x", "found 2 keys; expected one layer"),
        (
            "  - scale: [globalpool, conv: {out: 3, kernel: 1}]",
            "5:3  layers[0]: scale: gives 3 x 1 x 1 for 4 x 8 x 8; expected a value for each channel",
        ),
        ("  - lstm: {out: 4}", "5:3  layers[0]: lstm: needs a sequence; expected 'positions' beside 'input'"),
        ("  - relu\nclasses: 3", "'classes' needs a 'linear' as the last layer"),
        ("  - skip: {out: 2}", "5:3  layers[0]: skip: gives 2 channels of 4; expected no fewer"),
        ("  - stack: 2", "5:3  layers[0]: stack: needs a sequence"),
        ("  - maxpool: {kernel: 2, pad: 2}", "5:3  layers[0]: maxpool: a window would lie in the padding alone"),
        ("  - flatten\n  - conv: {out: 2, kernel: 3}", "layers[1]: a kernel of 3 does not fit 1 positions padded by 0"),
        ("  - embedding: {rows: 3, out: 2}", "embedding: takes one whole number at a position; expected input: 1"),
        ("  - relu\n  - embedding: {rows: 3, out: 2}", "embedding: takes whole numbers; expected it to be the first"),
    ],
)
def test_a_wrong_layer_is_one_line(layers: str, message: str) -> None:
    with pytest.raises(ArchsimError) as caught:
        small(layers)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
