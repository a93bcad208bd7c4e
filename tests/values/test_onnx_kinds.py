"""ONNX files of many kinds: values of the reference evaluator, multiply-accumulates and weights counted by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from archsim.errors import ArchsimError
from archsim.graph import Graph
from archsim.graph.job import make_job
from archsim.graph.onnx.load import load_onnx_arrays
from archsim.graph.operators import Matmul, Rowwise
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor
from tests.values.onnx_runs import Case, case, compared, filled

DRAW = np.random.default_rng(3)


def floats(*shape: int) -> Any:  # noqa: ANN401
    return (0.3 * DRAW.normal(size=shape)).astype(np.float32)


def whole(*numbers: int) -> Any:  # noqa: ANN401
    return np.array(numbers, np.int64)


def stored(path: Path) -> Any:  # noqa: ANN401
    return onnx.numpy_helper.to_array(onnx.load_tensor(str(path)))


def macs(graph: Graph) -> int:
    return make_job(graph, "prefill", None, 0, 1).macs(graph)


HALVES = whole(2, 2, 2, 2, 2, 3)
KINDS: dict[str, tuple[Case, int, int]] = {  # multiply-accumulates, weights
    "channels last, a convolution of one pixel": (
        case(
            "t = Transpose <perm=[0, 3, 1, 2]> (x)",
            "a = Conv (t, w)",
            "b = Transpose <perm=[0, 2, 3, 1]> (a)",
            "y = Relu (b)",
            x=(2, 4, 5, 3),
            w=floats(6, 3, 1, 1),
        ),
        2 * 20 * 18,
        18,
    ),
    "channels last, depthwise, then a product": (
        case(
            "t = Transpose <perm=[0, 3, 1, 2]> (x)",
            "a = Conv <group=3, pads=[1, 1, 1, 1]> (t, w)",
            "b = Transpose <perm=[0, 2, 3, 1]> (a)",
            "y = MatMul (b, v)",
            x=(2, 4, 5, 3),
            w=floats(3, 1, 3, 3),
            v=floats(3, 4),
        ),
        2 * 20 * (27 + 12),
        27 + 12,
    ),
    "pixels as rows": (
        case(
            "t = Reshape (x, s)",
            "u = MatMul (t, v)",
            "y = Reshape (u, r)",
            x=(2, 4, 5, 3),
            v=floats(3, 4),
            s=whole(-1, 3),
            r=whole(2, 4, 5, 4),
        ),
        2 * 20 * 12,
        12,
    ),
    "positions before the batch": (
        case("t = Transpose <perm=[1, 0, 2]> (x)", "y = MatMul (t, v)", x=(2, 5, 3), v=floats(3, 4)),
        120,
        12,
    ),
    "channels before positions": (case("y = MatMul (v, x)", x=(2, 3, 5), v=floats(4, 3)), 120, 12),
    "a convolution, then positions first": (
        case(
            "a = Conv (x, v)",
            "b = Transpose <perm=[2, 0, 1]> (a)",
            "y = MatMul (b, u)",
            x=(2, 3, 5),
            v=floats(4, 3, 1),
            u=floats(4, 2),
        ),
        10 * (12 + 8),
        20,
    ),
    "weights that are transposed": (
        case("t = Transpose <perm=[1, 0]> (v)", "y = MatMul (x, t)", x=(2, 5, 3), v=floats(4, 3)),
        120,
        12,
    ),
    "squares of a picture, with a row before them": (
        case(
            "a = Conv <strides=[2, 2]> (x, w)",
            "b = Reshape (a, s)",
            "c = Transpose <perm=[0, 2, 1]> (b)",
            "f = Expand (first, e)",
            "d = Concat <axis=1> (f, c)",
            "g = Add (d, p)",
            "h = MatMul (g, v)",
            "y = Gather <axis=1> (h, zero)",
            x=(2, 3, 4, 6),
            w=floats(5, 3, 2, 2),
            s=whole(2, 5, -1),
            first=floats(1, 1, 5),
            e=whole(2, 1, 5),
            p=floats(1, 7, 5),
            v=floats(5, 4),
            zero=np.int64(0),
        ),
        2 * (6 * 60 + 7 * 20),
        80,
    ),
    "a map as one row": (
        case(
            "a = Conv (x, w)",
            "b = Flatten (a)",
            "y = Gemm <transB=1> (b, v)",
            x=(3, 2, 4, 4),
            w=floats(2, 2, 3, 3),
            v=floats(4, 8),
        ),
        3 * (4 * 36 + 32),
        36 + 32,
    ),
    "a causal convolution of a sequence": (
        case(
            "t = Transpose <perm=[0, 2, 1]> (x)",
            "a = Conv <pads=[2, 0]> (t, w)",
            "b = Transpose <perm=[0, 2, 1]> (a)",
            "y = MatMul (b, v)",
            x=(2, 6, 3),
            w=floats(4, 3, 3),
            v=floats(4, 2),
        ),
        12 * (36 + 8),
        44,
    ),
    "windows of a map": (
        case(
            "a = Reshape (x, s)",
            "b = Transpose <perm=[0, 1, 3, 2, 4, 5]> (a)",
            "c = Reshape (b, r)",
            "q = MatMul (c, v)",
            "k = Transpose <perm=[0, 2, 1]> (q)",
            "l = MatMul (c, k)",
            "p = Softmax (l)",
            "d = MatMul (p, c)",
            "e = Reshape (d, s)",
            "g = Transpose <perm=[0, 1, 3, 2, 4, 5]> (e)",
            "h = Reshape (g, m)",
            "y = Add (h, x)",
            x=(2, 4, 4, 3),
            s=HALVES,
            r=whole(8, 4, 3),
            v=floats(3, 3),
            m=whole(2, 4, 4, 3),
        ),
        32 * 9 + 2 * 8 * 4 * 4 * 3,
        9,
    ),
    "a product for each of four experts": (
        case(
            "a = MatMul (x, w)",
            "b = Relu (a)",
            "y = MatMul (b, v)",
            x=(2, 1, 5, 3),
            w=floats(4, 3, 6),
            v=floats(4, 6, 3),
        ),
        2 * 5 * 4 * 36,
        4 * 36,
    ),
    "a gate of channels": (
        case(
            "g = GlobalAveragePool (x)",
            "a = Conv (g, w)",
            "b = Relu (a)",
            "c = Conv (b, v)",
            "d = Sigmoid (c)",
            "e = Mul (x, d)",
            "y = Conv (e, u)",
            x=(2, 4, 5, 5),
            w=floats(2, 4, 1, 1),
            v=floats(4, 2, 1, 1),
            u=floats(3, 4, 1, 1),
        ),
        2 * 16 + 50 * 12,
        28,
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_kinds(name: str, tmp_path: Path) -> None:
    given, expected, weights = KINDS[name]
    graph = compared(given.model(), tmp_path)
    assert (macs(graph), sum(each.weights for each in graph.linears)) == (expected, weights)
    assert not graph.notes


def test_numbers_of_tables_and_their_positions(tmp_path: Path) -> None:
    """10 positions; the table of 7 rows is the matrix of the last product too."""
    tables = case(
        "a = Gather (t, i)",
        "s = Shape (i)",
        "l = Gather (s, one)",
        "p = Range (zero, l, one)",
        "q = Unsqueeze (p, axis)",
        "b = Gather (places, q)",
        "c = Add (a, b)",
        "u = Transpose <perm=[1, 0]> (t)",
        "y = MatMul (c, u)",
        i=(2, 5),
        t=floats(7, 3),
        places=floats(9, 3),
        one=np.int64(1),
        zero=np.int64(0),
        axis=whole(0),
    )
    graph = compared(tables.model(whole=("i",)), tmp_path)
    assert macs(graph) == 10 * 21
    assert [each.whole for each in graph.inputs] == [7]
    assert graph.parameters == 7 * 3 + 5 * 3


def attention(layout: str, keys: int, mask: str, scale: str) -> Case:
    """Two sequences of five positions, four heads of three values that share `keys` heads of keys."""
    split, whole_row, back = {
        "batch first": ("2, 5", "0, 2, 1, 3", "0, 2, 1, 3"),
        "positions first": ("5, 2", "1, 2, 0, 3", "2, 0, 1, 3"),
    }[layout]
    first, second = map(int, split.split(","))
    lines = []
    tensors: dict[str, Any] = {"x": (first, second, 12), "merged": whole(first, second, 12), "wo": floats(12, 12)}
    for name, heads in (("q", 4), ("k", keys), ("v", keys)):
        tensors |= {f"w{name}": floats(12, 3 * heads), f"b{name}": floats(3 * heads)}
        tensors[f"s{name}"] = whole(first, second, heads, 3)
        lines += [f"{name}0 = MatMul (x, w{name})", f"{name}1 = Add ({name}0, b{name})"]
        lines += [f"{name}2 = Reshape ({name}1, s{name})", f"{name}3 = Transpose <perm=[{whole_row}]> ({name}2)"]
    for name in "kv":
        lines += [f"{name}4 = Unsqueeze ({name}3, two)", f"{name}5 = Expand ({name}4, shared)"]
        lines += [f"{name}6 = Reshape ({name}5, all)"]
    tensors |= {"two": whole(2), "shared": whole(2, keys, 4 // keys, 5, 3), "all": whole(2, 4, 5, 3)}
    tensors |= {"root": np.float32(3**-0.5), "most": np.float32(-1e4), "unit": np.float32(1), "axes": whole(1, 2)}
    lines += ["k7 = Transpose <perm=[0, 1, 3, 2]> (k6)"]
    lines += ["q4 = Mul (q3, root)", "l = MatMul (q4, k7)"] if scale == "before" else []
    lines += ["l0 = MatMul (q3, k7)", "l = Mul (l0, root)"] if scale == "after" else []
    if mask == "comes in":
        tensors["seen"] = (2, 5)
        lines += ["s0 = Unsqueeze (seen, axes)", "s1 = Cast <to=1> (s0)", "s2 = Sub (unit, s1)", "s3 = Mul (s2, most)"]
        lines += ["m = Add (l, s3)"]
    elif mask == "added":
        tensors["hidden"] = np.where(np.tri(5) > 0, 0, -1e9).astype(np.float32)[None, None]
        lines += ["m = Add (l, hidden)"]
    else:
        tensors["seen"] = np.tri(5, dtype=np.bool_)[None, None]
        lines += ["m = Where (seen, l, most)"]
    lines += ["p = Softmax (m)", "c = MatMul (p, v6)", f"c0 = Transpose <perm=[{back}]> (c)"]
    return case(*lines, "c1 = Reshape (c0, merged)", "o = MatMul (c1, wo)", "y = Add (o, x)", **tensors)


@pytest.mark.parametrize("layout", ["batch first", "positions first"])
@pytest.mark.parametrize(
    ("keys", "mask", "scale"), [(4, "comes in", "after"), (2, "added", "before"), (1, "where", "after")]
)
def test_attention(layout: str, keys: int, mask: str, scale: str, tmp_path: Path) -> None:
    """Products at 10 positions; 4 heads x 3 values x 5 keys twice. A mask and a scale are no work.

    Of the 5 x 5 pairs of queries and keys a causal mask leaves 15.
    """
    graph = compared(attention(layout, keys, mask, scale).model(whole=("seen",)), tmp_path)
    pairs = 2 * (25 if mask == "comes in" else 15)
    assert macs(graph) == 10 * (2 * 12 * 12 + 2 * 12 * 3 * keys) + 2 * 4 * 3 * pairs
    assert graph.parameters == 2 * 12 * 12 + 2 * 12 * 3 * keys + 12 + 2 * 3 * keys
    scores, context = (each for each in graph.operators if isinstance(each, Matmul))
    assert [(each.role, each.heads, each.head_dim, each.stored) for each in (scores, context)] == [
        ("scores", 4, 3, 3 * keys),
        ("context", 4, 3, 3 * keys),
    ]
    softmax = next(each for each in graph.operators if each.kind == "softmax")
    assert isinstance(softmax, Rowwise)
    assert (softmax.rows, softmax.values(5), softmax.stream.length) == (4, 20, 10)
    work = [each.kind for each in graph.operators if each.kind in ("mul", "div", "add", "sub", "clip")]
    assert work == ["add"]  # the shortcut
    assert not graph.notes


@pytest.mark.parametrize(("keys", "values"), [("bhtd", "bhtd"), ("bhdt", "bhtd"), ("tbhd", "bthd"), ("bhdt", "bhdt")])
def test_keys_of_the_past_come_in_as_they_are_kept(keys: str, values: str, tmp_path: Path) -> None:
    """One new position and 7 of the past, 2 heads of 3 values, in any order of dimensions."""
    sizes = {"b": 1, "t": 7, "h": 2, "d": 3}

    def order(source: str, to: str) -> str:
        return f"<perm={[source.index(axis) for axis in to]}>"

    lines: list[str] = []
    tensors: dict[str, Any] = {"x": (1, 1, 6), "s": whole(1, 1, 2, 3)}
    for name, kept in (("q", "bhtd"), ("k", keys), ("v", values)):
        tensors[f"w{name}"] = floats(6, 6)
        lines += [f"{name}0 = MatMul (x, w{name})", f"{name}1 = Reshape ({name}0, s)"]
        lines += [f"{name}2 = Transpose {order('bthd', kept)} ({name}1)"]
    for name, kept, to in (("k", keys, "bhdt"), ("v", values, "bhtd")):
        tensors[f"past{name}"] = tuple(sizes[axis] for axis in kept)
        lines += [f"{name}3 = Concat <axis={kept.index('t')}> (past{name}, {name}2)"]
        lines += [f"{name}4 = Transpose {order(kept, to)} ({name}3)"]
    given = case(*lines, "l = MatMul (q2, k4)", "p = Softmax (l)", "y = MatMul (p, v4)", **tensors)
    graph = compared(given.model(), tmp_path)
    assert macs(graph) == 3 * 36 + 2 * 2 * 3 * 8
    products = [each for each in graph.operators if isinstance(each, Matmul)]
    assert [(each.role, each.sees and each.sees.length) for each in products] == [("scores", 8), ("context", 8)]


CASES = {  # multiply-accumulates, weights
    "01-conv-batch8": (3_538_944, 432),
    "02-matmul-batch4": (3_145_728, 6_144),
    "03-gemm-2d": (786_432, 6_144),
    "04-matmul-const-left": (786_432, 6_144),
    "20-layernorm-decomposed": (1_310_720, 10_240),
    "20-layernorm-fused": (1_310_720, 10_240),
    "23-tf-nhwc": (151_552, 592),
    "27-embedding": (786_432, 6_144),
    "36-decode-past": (32_768, 16_384),
    "40-bert-embedding": (786_432, 6_144),
    "49-bert-tiny-ids": (58_720_256, 393_216),
}


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str, cases_dir: Path, tmp_path: Path) -> None:
    path = cases_dir / "onnx" / f"{name}.onnx"
    graph = compared(filled(onnx.load(str(path))), tmp_path)
    assert (macs(graph), sum(each.weights for each in graph.linears)) == CASES[name]


SMALL = (
    "mlperf_tiny_deepautoencoder",
    "mlperf_tiny_ds_cnn",
    "mlperf_tiny_mobilenet_v1",
    "mlperf_tiny_resnet8",
    "mnist",
)
LARGE = (
    *(
        "Ultraface_version-RFB-320",
        "light_bvlc_alexnet",
        "light_densenet121",
        "light_inception_v1",
        "light_inception_v2",
    ),
    *("light_resnet50", "light_shufflenet", "light_squeezenet", "light_vgg19", "light_zfnet512"),
    *("zigzag_alexnet", "zigzag_mobilenetv2", "zigzag_resnet18"),
)


@pytest.mark.parametrize("name", [*SMALL, *(pytest.param(name, marks=pytest.mark.slow) for name in LARGE)])
def test_published_graphs(name: str, data_dir: Path, tmp_path: Path) -> None:
    compared(filled(onnx.load(str(data_dir / "onnx" / f"{name}.onnx"), load_external_data=False)), tmp_path)


@pytest.mark.slow
def test_super_resolution_between_the_decoder_and_the_encoder_of_pictures(data_dir: Path, tmp_path: Path) -> None:
    """Of pixels, resized, cut, weighed, made larger by a network and two linear maps, and rounded."""
    name = "pytorch_superresolution_with_pre_post_processing_op18"
    made = onnx.load(str(data_dir / "onnx" / f"{name}.onnx"))
    first, last = made.graph.node[0].output[0], made.graph.node[-2].input[0]
    nodes = list(made.graph.node)[1:-2]
    del made.graph.node[:], made.graph.input[:], made.graph.output[:], made.opset_import[1:]
    made.graph.node.extend(nodes)
    made.graph.input.append(onnx.helper.make_tensor_value_info(first, onnx.TensorProto.FLOAT, [224, 224, 3]))
    made.graph.output.append(onnx.helper.make_tensor_value_info(last, onnx.TensorProto.UINT8, None))
    compared(filled(made), tmp_path)


def test_models_that_onnx_brings_along() -> None:
    """With inputs and results that others have computed; those that are refused are of kinds that archsim lacks."""
    folder = Path(onnx.__file__).parent / "backend" / "test" / "data"
    right = 0
    for path in sorted(
        each for kind in ("converted", "operator") for each in folder.glob(f"pytorch-{kind}/*/model.onnx")
    ):
        try:
            graph, arrays = load_onnx_arrays(path)
        except ArchsimError as error:
            assert "\n" not in str(error)  # noqa: PT017
            continue
        held = path.parent / "test_data_set_0"
        names = [each.name for each in onnx.load(str(path)).graph.input]
        places = {name: held / f"input_{at}.pb" for at, name in enumerate(names)}
        given = {each.name: stored(places[each.name])[None] for each in graph.inputs}
        made = Executor(graph, arrays, FloatArithmetic()).run(given)
        for at, name in enumerate(graph.outputs):
            expected = stored(held / f"output_{at}.pb")
            most = np.abs(np.nan_to_num(expected, posinf=0, neginf=0)).max()
            np.testing.assert_allclose(made[name][0], expected, rtol=0, atol=1e-4 * max(1e-6, most))
        right += 1
    assert right >= 80
