"""Networks as files of layers."""

import pytest

from archsim.errors import ArchsimError
from archsim.graph import Graph, load_model
from archsim.graph.job import make_job
from archsim.graph.load import build
from archsim.graph.operators import Linear, Rowwise
from archsim.machine import load_machine
from archsim.machine.fits import layout
from archsim.machine.source import parse
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
        ("vgg-16", 138_357_544, 15470),
        ("mobilenet-v2", 3_504_872, 301),
        ("lenet-5", 61_706, 0),
        ("mlp-mnist", 266_610, 0),
    ],
)
def test_published_networks(name: str, parameters: int, millions: int) -> None:
    graph = load_model(name)
    assert graph.parameters == parameters
    assert round(macs(graph) / 1e6) == millions


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


def test_groups_that_are_larger_than_an_array_are_cut_one_by_one() -> None:
    """2 groups of 900 rows and 40 columns: 8 x 3 blocks each, whose inputs are their own."""
    graph = build(parse(HEAD.replace("[4,", "[200,") + "  - conv: {out: 80, kernel: 3, groups: 2}", "g.yaml"))
    isaac = load_machine("isaac")
    tiling = tile(graph.linears[0], layout(isaac.modules["core"], isaac.parts, isaac.precision), 12)
    assert (tiling.row_blocks, tiling.col_blocks, tiling.blocks) == (8, 6, 48)
    assert tiling.loads[0][0].tile_inputs == 1800


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
        ("  - cnov: {out: 4}", "5:5  layers[0]: found 'cnov'. Did you mean 'conv'? Known: avgpool, conv,"),
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
    ],
)
def test_a_wrong_layer_is_one_line(layers: str, message: str) -> None:
    with pytest.raises(ArchsimError) as caught:
        small(layers)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
