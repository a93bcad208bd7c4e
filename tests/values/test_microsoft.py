"""Operators of com.microsoft give what onnxruntime gives; files of few bits bring these into the mapping."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from archsim.errors import ArchsimError
from archsim.graph import Graph
from archsim.graph.job import make_job
from archsim.graph.nodes import Contraction, Mask
from archsim.graph.onnx.load import from_proto, load_onnx_arrays
from archsim.graph.weights import Stored
from archsim.machine.load import change, load_machine
from archsim.mapping.bits import Bits, bits_of
from archsim.simulation import simulate
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor
from archsim.values.integer_arithmetic import IntegerArithmetic
from tests.values.microsoft_cases import SAMPLES, Sample, floats
from tests.values.onnx_runs import compared, filled

GIVEN = Path(__file__).parents[1] / "fixtures" / "microsoft.npz"


@pytest.fixture(scope="module")
def given() -> Iterator[Any]:
    """What onnxruntime gives."""
    with np.load(GIVEN) as found:
        yield found


def read(sample: Sample) -> tuple[Graph, Any]:
    return from_proto(sample.model(), "sample", "", {})


def operators(graph: Graph) -> list[str]:
    return [each.kind for each in graph.operators]


@pytest.mark.parametrize("name", SAMPLES)
def test_values(name: str, given: Any) -> None:  # noqa: ANN401
    sample = SAMPLES[name]
    graph, arrays = read(sample)
    inputs = {each.name: np.asarray(sample.inputs[each.name])[None] for each in graph.inputs}
    found = Executor(graph, arrays, FloatArithmetic()).run(inputs)
    assert len(graph.outputs) == len(sample.outputs)
    for key, output in zip(graph.outputs, sample.outputs, strict=True):
        wanted = given[f"{name}/{output}"]
        assert found[key][0].shape == wanted.shape
        most = np.abs(wanted.astype(np.float64)).max()
        np.testing.assert_allclose(found[key][0], wanted, rtol=0, atol=1e-4 * most)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("attention", ["linear", "matmul", "softmax", "matmul"]),
        ("attention to those before", ["linear", "matmul", "softmax", "matmul"]),
        ("heads with a past", ["matmul", "softmax", "matmul"]),
        ("groups that see the last", ["matmul", "softmax", "matmul"]),
        ("a norm of a sum", ["add", "layernorm"]),
        ("a root mean square", ["rmsnorm"]),
        ("QuickGelu", ["gelu"]),
        ("BiasGelu", ["add", "gelu"]),
        ("FusedConv", ["linear", "relu"]),
        ("4 bits with a bias", ["linear"]),
        ("ONNX's QLinearConv", ["linear"]),
        ("QGemm", ["linear"]),
        ("DynamicQuantizeMatMul", ["maxpool", "maxpool", "linear", "add"]),
    ],
)
def test_they_are_the_operators_of_the_simpler_form(name: str, kinds: list[str]) -> None:
    assert operators(read(SAMPLES[name])[0]) == kinds


@pytest.mark.parametrize(
    ("name", "mask"),
    [
        ("attention", None),
        ("attention to those before", Mask(causal=True)),
        ("attention with a past", Mask(causal=True, past=3)),
        ("groups that see the last", Mask(causal=True, span=2)),
    ],
)
def test_those_before_are_a_mask_that_costs_nothing(name: str, mask: Mask | None) -> None:
    nodes = [each for each in read(SAMPLES[name])[0].nodes if isinstance(each, Contraction) and not each.stationary]
    assert [each.mask for each in nodes] == [mask, None]


def plain_attention() -> onnx.ModelProto:
    """As exporters write it out: 13-ort-fused-bert's Attention of 4 heads."""
    text = """<ir_version: 9, opset_import: ["" : 17]>
    g (float[1,128,64] h) => (float[1,128,64] y) {
        p = MatMul (h, w)
        qkv = Add (p, b)
        q0, k0, v0 = Split <axis = 2> (qkv, s)
        q1 = Reshape (q0, r)
        k1 = Reshape (k0, r)
        v1 = Reshape (v0, r)
        q = Transpose <perm = [0, 2, 1, 3]> (q1)
        k = Transpose <perm = [0, 2, 3, 1]> (k1)
        v = Transpose <perm = [0, 2, 1, 3]> (v1)
        a = MatMul (q, k)
        c = Div (a, four)
        e = Softmax <axis = 3> (c)
        o = MatMul (e, v)
        t = Transpose <perm = [0, 2, 1, 3]> (o)
        y = Reshape (t, z)
    }"""
    made = onnx.parser.parse_model(text)
    held = {
        "w": floats(64, 192),
        "b": floats(192),
        "s": np.array([64] * 3),
        "r": np.array([0, 0, 4, 16]),
        "z": np.array([0, 0, 64]),
        "four": np.float32(4),
    }
    made.graph.initializer.extend(numpy_helper.from_array(np.asarray(value), name) for name, value in held.items())
    return made


def test_attention_takes_as_long_as_what_it_is_written_out_as() -> None:
    fused = Sample(
        [("Attention", "h w b", "y", {"num_heads": 4})],
        {"h": floats(1, 128, 64)},
        {"w": floats(64, 192), "b": floats(192)},
    )
    results = [
        simulate(load_machine("hetero_512"), graph)
        for graph, _ in (read(fused), from_proto(plain_attention(), "sample", "", {}))
    ]
    assert results[0].latency_s == results[1].latency_s
    assert results[0].energy_j == results[1].energy_j


CASES = {
    "12-matmulnbits-vi": (4_456_448, 34_816),
    "13-ort-fused-bert": (8_912_896, 53_248),
    "14-local-function": (4_194_304, 32_768),
    "15-qdq": (786_432, 6_144),
    "16-qlinearconv": (442_368, 432),
}
STORED = {
    "12-matmulnbits-vi": {Stored(4), None},
    "15-qdq": {Stored(8, 8)},
    "16-qlinearconv": {Stored(8, 8)},
}


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str, cases_dir: Path, tmp_path: Path) -> None:
    path = cases_dir / "onnx" / f"{name}.onnx"
    graph, _ = load_onnx_arrays(path)
    macs = make_job(graph, "prefill", None, 0, 1).macs(graph)
    assert (macs, sum(each.weights for each in graph.linears)) == CASES[name]
    assert {graph.stored.get(each.key) for each in graph.linears} == STORED.get(name, {None})
    if all(not each.domain.startswith("com") for each in onnx.load(str(path)).opset_import):
        compared(random_codes(filled(onnx.load(str(path)))), tmp_path)


def random_codes(made: onnx.ModelProto) -> onnx.ModelProto:
    """Random numbers in place of whole weights that are all 0."""
    draw = np.random.default_rng(1)
    for tensor in made.graph.initializer:
        value = numpy_helper.to_array(tensor)
        if value.dtype == np.int8 and value.size > 1:
            codes = draw.integers(-128, 128, value.shape).astype(np.int8)
            tensor.CopyFrom(numpy_helper.from_array(codes, tensor.name))
    return made


def quantised_pair(kind: type = np.int8, *, floating: bool = False, channel: bool = True) -> onnx.ModelProto:
    """A convolution, then a product, of which all operands are quantised and turned back into numbers."""
    lines = [
        "xq = QuantizeLinear (x, xs, xz)",
        "xd = DequantizeLinear (xq, xs, xz)",
        *(["wq = QuantizeLinear <axis = 0> (wf, ws, wz)"] if floating else []),
        "wd = DequantizeLinear <axis = 0> (wq, ws, wz)",
        "bd = DequantizeLinear (bq, bs)",
        "c = Conv (xd, wd, bd)",
        "r = Relu (c)",
        "rq = QuantizeLinear (r, rs, rz)",
        "rd = DequantizeLinear (rq, rs, rz)",
        "f = Flatten (rd)",
        "vd = DequantizeLinear (vq, vs, vz)",
        "y = Gemm <transB = 1> (f, vd)",
    ]
    made = onnx.parser.parse_model(
        f'<ir_version: 10, opset_import: ["" : 21]> g (float[2,3,6,6] x) => (float[2,5] y) {{ {" ".join(lines)} }}'
    )
    draw, several = np.random.default_rng(7), (4,) if channel else ()
    most = np.iinfo(kind).max

    def codes(*shape: int) -> Any:  # noqa: ANN401
        return draw.integers(-most, most + 1, shape).astype(kind)

    held = {
        "xs": np.float32(0.02),
        "xz": np.uint8(113),
        "rs": np.float32(0.05),
        "rz": np.uint8(0),
        "ws": draw.uniform(0.5, 1, several).astype(np.float32) / most,
        "wz": np.zeros(several, kind),
        "bq": draw.integers(-99, 99, 4).astype(np.int32),
        "bs": np.float32(0.01),
        "vq": codes(5, 64),
        "vs": np.float32(0.5 / most),
        "vz": np.array(0, kind),
        **({"wf": draw.normal(size=(4, 3, 3, 3)).astype(np.float32)} if floating else {"wq": codes(4, 3, 3, 3)}),
    }
    made.graph.initializer.extend(numpy_helper.from_array(np.asarray(value), name) for name, value in held.items())
    return made


@pytest.mark.parametrize("floating", [False, True])
@pytest.mark.parametrize("channel", [False, True])
def test_quantised_operands(floating: bool, channel: bool, tmp_path: Path) -> None:  # noqa: FBT001
    graph = compared(quantised_pair(floating=floating, channel=channel), tmp_path)
    assert operators(graph) == ["linear", "relu", "linear"]
    assert [graph.stored[each.key] for each in graph.linears] == [Stored(8, 8)] * 2
    assert [each.numbers for each in graph.weights.values() if each.name.startswith("wd")] == [4 * 27]


def test_bits_of_the_file_are_those_of_the_mapping(tmp_path: Path) -> None:
    graph = compared(quantised_pair(np.int16), tmp_path)
    keys = [each.key for each in graph.linears]
    machine = load_machine("isaac")  # of 16 bits
    assert list(bits_of(machine, graph).values()) == [Bits(16, 8)] * 2
    named = change(machine, (f'mapping.bits={{"{keys[0]}": {{"weights": "6 b"}}}}',))
    assert bits_of(named, graph) == {keys[0]: Bits(6, 8), keys[1]: Bits(16, 8)}
    narrow = load_machine("hetero_512")  # of 9 and 8 bits
    assert list(bits_of(narrow, graph).values()) == [Bits(9, 8)] * 2
    notes = simulate(narrow, graph).notes
    assert "bits as the model's file has them: 8 b of inputs (2 projections)" in notes
    assert "bits other than the model's file has: 9 b of weights for 16 b (2 projections)" in notes


def test_fewer_bits_take_less_time_and_are_computed(tmp_path: Path) -> None:
    quantised, arrays = from_proto(quantised_pair(), "sample", "", {})
    machine = load_machine("isaac")
    asked = {each.key: {"weights": "8 b", "inputs": "8 b"} for each in quantised.linears}
    named = change(machine, (f"mapping.bits={asked}".replace("'", '"'),))
    plain = onnx.ModelProto()
    plain.CopyFrom(quantised_pair())
    results = [simulate(each, quantised) for each in (machine, named)]
    assert results[0].latency_s == results[1].latency_s
    assert results[0].energy_j == results[1].energy_j
    wide = change(machine, (f"mapping.bits={asked}".replace("'", '"').replace("8 b", "16 b"),))
    assert simulate(wide, quantised).latency_s > results[0].latency_s
    x = np.random.default_rng(2).normal(size=(1, 2, 3, 6, 6)).astype(np.float32)
    outputs = [
        Executor(quantised, arrays, IntegerArithmetic(each)).run({"x": x})[quantised.outputs[0]]
        for each in (machine, named, wide)
    ]
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert not np.array_equal(outputs[0], outputs[2])
    del tmp_path


@pytest.mark.parametrize(
    ("node", "held", "message"),
    [
        (("MatMulNBits", "x q s - i", "y", {"K": 8, "N": 4, "block_size": 16}), {"i": np.zeros(8, np.int32)}, "g_idx"),
        (("MatMulNBits", "x q s", "y", {"K": 8, "N": 4, "block_size": 16, "bits": 3}), {}, "3 bits of 8 inputs"),
        (("Attention", "x w b", "y", {"num_heads": 3}), {}, r"\[8, 8, 8\] of 24 values in 3 heads"),
        (("Attention", "x w b", "y", {"num_heads": 2, "do_rotary": 1}), {}, "turns queries and keys"),
        (("MoE", "x w w", "y", {"k": 1}), {}, "MoE may multiply matrices, and cannot be approximated"),
        (("DecoderMaskedMultiHeadAttention", "x x x", "y", {"num_heads": 2}), {}, "does not know: DecoderMasked"),
        (("FusedConv", "x w", "y", {"activation": "Sine"}), {}, "activation 'Sine' with 0 parameters"),
    ],
)
def test_what_is_not_known_is_refused_by_name(node: Any, held: dict[str, Any], message: str) -> None:  # noqa: ANN401
    more = {"w": floats(8, 24), "b": floats(24), "q": np.zeros((4, 1, 8), np.uint8), "s": floats(4, 1)}
    sample = Sample([node], {"x": floats(2, 6, 8)}, {**more, **held})
    with pytest.raises(ArchsimError, match=message) as caught:
        read(sample)
    assert node[0] in str(caught.value)
    assert "\n" not in str(caught.value)


FUNCTIONS = {
    "one in another, with attributes": """<ir_version: 9, opset_import: ["" : 18, "a" : 1, "b" : 1]>
        g (float[1,4,6] x, float[6,6] w) => (float[1,4,6] y) { t = a.L <slope = 0.3> (x, w) y = a.L (t, w) }
        <domain: "a", opset_import: ["" : 18, "b" : 1]>
        L <slope: float = 0.1> (x, w) => (y) { t = MatMul (x, w) y = b.C <alpha: float = @slope> (t) }
        <domain: "b", opset_import: ["" : 18]>
        C <alpha> (x) => (y) { y = LeakyRelu <alpha: float = @alpha> (x) }""",
    "of another version": """<ir_version: 9, opset_import: ["" : 18, "a" : 1]>
        g (float[1,4,6] x, float[6,6] w) => (float[1,4,6] y) { t = a.L (x, w) y = LeakyRelu <alpha = 0.1> (t) }
        <domain: "a", opset_import: ["" : 13]>
        L (x, w) => (y) { t = MatMul (x, w) y = LeakyRelu <alpha = 0.3> (t) }""",
    "in place of com.microsoft's": """<ir_version: 9, opset_import: ["" : 18, "com.microsoft" : 1]>
        g (float[1,4,6] x, float[6,6] w) => (float[1,4,6] y) {
            t = com.microsoft.Gelu (x, w) u = LeakyRelu <alpha = 0.3> (t) y = LeakyRelu <alpha = 0.1> (u) }
        <domain: "com.microsoft", opset_import: ["" : 18]> Gelu (x, w) => (y) { y = MatMul (x, w) }""",
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_a_file(name: str) -> None:
    made, w, x = onnx.parser.parse_model(FUNCTIONS[name]), floats(6, 6), floats(1, 1, 4, 6)
    made.graph.initializer.append(numpy_helper.from_array(w, "w"))
    graph, arrays = from_proto(made, name, "", {})
    found = Executor(graph, arrays, FloatArithmetic()).run({"x": x})[graph.outputs[0]]
    first = x @ w
    first = np.where(first < 0, np.float32(0.3) * first, first)
    last = first @ w if name == "one in another, with attributes" else first
    np.testing.assert_allclose(found, np.where(last < 0, np.float32(0.1) * last, last), rtol=1e-5, atol=1e-6)


def unknown(*lines: str) -> onnx.ModelProto:
    made = onnx.parser.parse_model(
        f"""<ir_version: 9, opset_import: ["" : 18, "own" : 1, "f" : 1]>
        g (float[1,4,6] x) => (float[1,4,6] y) {{ {" ".join(lines)} }}
        <domain: "f", opset_import: ["" : 18, "own" : 1]> L (x, w) => (y) {{ t = MatMul (x, w) y = own.Frob (t) }}"""
    )
    made.graph.initializer.append(numpy_helper.from_array(floats(6, 6), "w"))
    for each in ("a", "b", "c"):
        made.graph.value_info.append(helper.make_tensor_value_info(each, 1, (1, 4, 6)))
    return made


def test_unknown_operators_are_counted_in_functions_too() -> None:
    lines = ("a = f.L (x, w)", "b = f.L (a, w)", "c = own.Quux (b)", "y = Relu (c)")
    with pytest.raises(ArchsimError, match=r"does not know: Frob \(2 times\), Quux. Try --approximate"):
        from_proto(unknown(*lines), "g", "", {})
    graph, _ = from_proto(unknown(*lines), "g", "", {}, approximate=True)
    assert operators(graph) == ["linear", "other", "linear", "other", "other", "relu"]
    assert graph.notes == ("an operation for each value, as they are not known: Frob (2 times), Quux (1 times)",)


def test_an_unknown_product_is_never_left_out() -> None:
    lines = ("a = own.Frob (x, w)", "y = Relu (a)")
    with pytest.raises(ArchsimError, match="Frob may multiply matrices, and cannot be approximated"):
        from_proto(unknown(*lines), "g", "", {}, approximate=True)
