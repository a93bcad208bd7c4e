"""Small models of com.microsoft's operators and of quantised ones, with random numbers.

`scripts/microsoft_samples.py` has onnxruntime compute what they give.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

Node = tuple[Any, ...]
"""Operator, inputs, outputs as words; then attributes, and a domain, unless it is com.microsoft."""
Arrays = Mapping[str, Any]


@dataclass(frozen=True)
class Sample:
    """Nodes with what comes in, and constants. instead: another that gives the same, where the first cannot be run."""

    nodes: Sequence[Node]
    inputs: Arrays
    constants: Arrays = field(default_factory=dict)
    outputs: tuple[str, ...] = ("y",)
    instead: "Sample | None" = None
    opset: int = 17

    def model(self) -> onnx.ModelProto:
        """As ONNX has it."""
        given = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
            for name, value in self.inputs.items()
        ]
        held = [numpy_helper.from_array(np.asarray(value), name) for name, value in self.constants.items()]
        made = [helper.make_empty_tensor_value_info(name) for name in self.outputs]
        graph = helper.make_graph([_node(*node) for node in self.nodes], "sample", given, made, held)
        versions = [helper.make_opsetid("", self.opset), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=versions, ir_version=9)


def _node(
    operator: str, inputs: str, outputs: str, attributes: dict[str, Any] | None = None, domain: str = "com.microsoft"
) -> onnx.NodeProto:
    names = ["" if name == "-" else name for name in inputs.split()]
    made = ["" if name == "-" else name for name in outputs.split()]
    return helper.make_node(operator, names, made, domain=domain, **(attributes or {}))


DRAW = np.random.default_rng(5)


def floats(*shape: int) -> Any:  # noqa: ANN401
    return (0.5 * DRAW.normal(size=shape)).astype(np.float32)


def small(*shape: int) -> Any:  # noqa: ANN401
    """Scales."""
    return DRAW.uniform(0.004, 0.03, shape).astype(np.float32)


def bytes_of(*shape: int) -> Any:  # noqa: ANN401
    return DRAW.integers(0, 256, shape).astype(np.uint8)


def signed(*shape: int) -> Any:  # noqa: ANN401
    return DRAW.integers(-128, 128, shape).astype(np.int8)


def whole(values: Any) -> Any:  # noqa: ANN401
    return np.array(values, np.int32)


X = floats(2, 6, 8)
PADDED = whole([[1, 1, 1, 1, 0, 0], [1] * 6])
PROJECTION = {"w": floats(8, 24), "b": floats(24)}


def attention(names: str = "x w b", outputs: str = "y", more: Arrays | None = None, **attributes: Any) -> Sample:  # noqa: ANN401
    held = {name: value for name, value in PROJECTION.items() if name in names.split()}
    node = ("Attention", names, outputs, {"num_heads": 2, **attributes})
    return Sample([node], {"x": X, **(more or {})}, held, tuple(outputs.split()))


ATTENTION = {
    "attention": attention(),
    "attention without a bias": attention("x w"),
    "attention to those before": attention(unidirectional=1),
    "attention with a scale": attention(scale=0.3),
    "attention with padding": attention("x w b m", more={"m": PADDED}),
    "attention with a number of keys": attention("x w b m", more={"m": whole([4, 6])}),
    "attention with a mask of pairs": attention("x w b m", more={"m": np.tril(np.ones((2, 6, 6), np.int32))}),
    "attention to those before with padding": attention("x w b m", unidirectional=1, more={"m": PADDED}),
    "attention with what is added": attention("x w b - - r", more={"r": floats(1, 2, 6, 6)}),
    "attention with a past": attention("x w b - p", "y q", {"p": floats(2, 2, 2, 3, 4)}, unidirectional=1),
    "attention with a past and padding": attention(
        "x w b m p", "y q", {"p": floats(2, 2, 2, 3, 4), "m": whole([[1] * 8 + [0], [1] * 9])}, unidirectional=1
    ),
    "attention with wider values": Sample(
        [("Attention", "x w b", "y", {"num_heads": 2, "qkv_hidden_sizes": [8, 8, 12]})],
        {"x": X},
        {"w": floats(8, 28), "b": floats(28)},
    ),
}
Q, K, V, OTHER = floats(2, 6, 8), floats(2, 5, 8), floats(2, 5, 12), floats(2, 6, 8)
KEPT = {"k": floats(2, 2, 5, 4), "v": floats(2, 2, 5, 4)}
PAST = {"pk": floats(2, 2, 3, 4), "pv": floats(2, 2, 3, 4)}
QKV, KV = floats(2, 6, 2, 3, 4), floats(2, 5, 2, 2, 4)


def multi_head(
    names: str = "q k v",
    more: Arrays | None = None,
    held: Arrays | None = None,
    outputs: str = "y",
    instead: Sample | None = None,
    **attributes: Any,  # noqa: ANN401
) -> Sample:
    given = {"q": Q, "k": K, "v": V, **(more or {})}
    read = {name: value for name, value in given.items() if name in names.split()}
    node = ("MultiHeadAttention", names, outputs, {"num_heads": 2, **attributes})
    return Sample([node], read, held or {}, tuple(outputs.split()), instead)


def side_by_side(x: Any) -> Any:  # noqa: ANN401
    return np.ascontiguousarray(x.reshape(*x.shape[:2], -1))


ATTENTION |= {
    "heads": multi_head(),
    "heads with biases": multi_head("q k v b", held={"b": floats(28)}),
    "heads that see those before": multi_head("q q2 v2", {"q2": OTHER, "v2": X}, unidirectional=1),
    "heads with padding": multi_head("q k v - m", {"m": whole([[1, 1, 1, 1, 0], [1] * 5])}),
    "heads with a number of keys": multi_head("q k v - m", {"m": whole([4, 5])}),
    "heads with what is added": multi_head("q k v - - r", {"r": floats(1, 2, 6, 5)}),
    "heads that see kept keys": multi_head("q k v", KEPT),
    "heads with a past": multi_head("q q2 v2 - - - pk pv", {"q2": OTHER, "v2": X, **PAST}, outputs="y k2 v3"),
    "packed heads": multi_head(
        "q",
        {"q": QKV},
        instead=multi_head("q k v", {name: side_by_side(QKV[:, :, :, at]) for at, name in enumerate("qkv")}),
    ),
    "packed keys and values": multi_head(
        "q k",
        {"k": KV},
        instead=multi_head("q k v", {name: side_by_side(KV[:, :, :, at]) for at, name in enumerate("kv")}),
    ),
}
ANGLES = 3 * floats(16, 8)
TABLES = {"c": np.cos(ANGLES), "n": np.sin(ANGLES)}
GROUPS = {"q": floats(2, 5, 64), "k": floats(2, 5, 32), "v": floats(2, 5, 32)}
LAST = {"s": whole([4, 4]), "t": whole(5)}


def groups(
    names: str = "q k v - - s t",
    given: Arrays | None = None,
    held: Arrays | None = None,
    **attributes: Any,  # noqa: ANN401
) -> Sample:
    node = ("GroupQueryAttention", names, "y k2 v2", {"num_heads": 4, "kv_num_heads": 2, **attributes})
    return Sample([node], given or GROUPS, held or LAST, ("y", "k2", "v2"))


TURNED = "q k v - - s t c n"
ATTENTION |= {
    "groups": groups(),
    "groups whose lengths come in": groups(given={**GROUPS, **LAST}, held={}),
    "groups that see the last": groups(local_window_size=2),
    "groups with capped scores": groups(softcap=2.0),
    "groups that are turned": groups(TURNED, held={**LAST, **TABLES}, do_rotary=1),
    "groups whose neighbours are turned": groups(TURNED, held={**LAST, **TABLES}, do_rotary=1, rotary_interleaved=1),
    "groups of which a part is turned": groups(
        TURNED,
        {"q": floats(2, 5, 128), "k": floats(2, 5, 64), "v": floats(2, 5, 64)},
        {**LAST, **TABLES},
        do_rotary=1,
    ),
    "packed groups": groups("q - - - - s t c n", {"q": floats(2, 5, 128)}, {**LAST, **TABLES}, do_rotary=1),
    "groups with a past": groups(
        "q k v pk pv s t c n",
        {
            **{name: value[:, :1] for name, value in GROUPS.items()},
            "pk": floats(2, 2, 3, 16),
            "pv": floats(2, 2, 3, 16),
        },
        {"s": whole([3, 3]), "t": whole(4), **TABLES},
        do_rotary=1,
    ),
    "groups with what is added": groups("q k v - - s t - - - r", {**GROUPS, "r": floats(1, 4, 5, 5)}),
}


def rotary(x: Any, places: Any, **attributes: Any) -> Sample:  # noqa: ANN401
    return Sample([("RotaryEmbedding", "x i c n", "y", attributes)], {"x": x, "i": places}, TABLES)


PLACES = np.array([[0, 1, 2, 3, 4], [3, 4, 5, 6, 7]])
ROWS = {
    "turned values": rotary(floats(2, 5, 48), PLACES),
    "turned heads": rotary(floats(2, 3, 5, 16), PLACES),
    "turned values from a position on": rotary(floats(2, 5, 48), np.array([3])),
    "turned neighbours": rotary(floats(2, 5, 48), PLACES, interleaved=1),
    "turned parts": rotary(floats(2, 5, 60), PLACES, num_heads=3, rotary_embedding_dim=16),
}
NORM = {"g": floats(8), "b": floats(8), "c": floats(8)}


def row(operator: str, names: str, outputs: str = "y", more: Arrays | None = None, **attributes: Any) -> Sample:  # noqa: ANN401
    domain = "" if operator == "SimplifiedLayerNormalization" else "com.microsoft"
    read = names.split()
    held = {name: value for name, value in NORM.items() if name in read}
    made = tuple(name for name in outputs.split() if name != "-")
    return Sample([(operator, names, outputs, attributes, domain)], {"x": X, **(more or {})}, held, made)


SKIP = {"s": floats(2, 6, 8)}
TABLE = {"w": floats(7, 8), "p": floats(5, 8), "k": floats(2, 8)}
IDS = {"i": whole([[1, 2, 3], [4, 5, 0]]), "t": whole([[0, 0, 1], [0, 1, 1]])}
WORDS = "EmbedLayerNormalization"
ROWS |= {
    "a norm of a sum": row("SkipLayerNormalization", "x s g b", more=SKIP, epsilon=1e-5),
    "a norm of a sum with a bias, and the sum": row("SkipLayerNormalization", "x s g b c", "y - - z", SKIP),
    "a norm without a shift": row("SkipLayerNormalization", "x s g", more=SKIP),
    "a norm of a sum with one for all": row("SkipLayerNormalization", "x s g b", more={"s": floats(6, 8)}),
    "a root mean square of a sum, and the sum": row(
        "SkipSimplifiedLayerNormalization", "x s g", "y - - z", SKIP, epsilon=1e-5
    ),
    "a root mean square": row("SimplifiedLayerNormalization", "x g", epsilon=1e-5, axis=-1),
    "Gelu": row("Gelu", "x"),
    "QuickGelu": row("QuickGelu", "x"),
    "QuickGelu of another slope": row("QuickGelu", "x", alpha=1.0),
    "FastGelu": row("FastGelu", "x"),
    "FastGelu of a sum": row("FastGelu", "x b"),
    "BiasGelu": row("BiasGelu", "x b"),
    "words": Sample([(WORDS, "i t w p k g b", "y z", {"epsilon": 1e-5})], IDS, {**TABLE, **NORM}),
    "words with padding": Sample(
        [(WORDS, "i t w p k g b m", "y z")],
        {**IDS, "m": whole([[1, 1, 0], [1, 1, 1]])},
        {**TABLE, **NORM},
        ("y", "z"),
    ),
    "words at positions, and their sum": Sample(
        [(WORDS, "i - w p - g b - o", "y - z")],
        {"i": IDS["i"], "o": whole([[1, 2, 3], [0, 1, 2]])},
        {**TABLE, **NORM},
        ("y", "z"),
    ),
}
MAP, FILTERS = floats(1, 3, 6, 6), {"w": floats(4, 3, 3, 3), "c": floats(4)}


def of_bits(inputs: int, outputs: int, block: int, bits: int, zeros: str = "", *, bias: bool = False) -> Sample:
    """zeros: `packed`, `flat` (packed, in one dimension) or `numbers`."""
    blocks = -(-inputs // block)
    packed = (outputs, -(-blocks * bits // 8))
    forms = {
        "": {},
        "packed": {"z": bytes_of(*packed)},
        "flat": {"z": bytes_of(*packed).reshape(-1)},
        "numbers": {"z": 8 * floats(outputs, blocks) + 8},
    }
    scales = floats(outputs, blocks)
    held = {"q": bytes_of(outputs, blocks, block * bits // 8), "s": scales.reshape(-1) if zeros == "flat" else scales}
    held |= forms[zeros] | ({"b": floats(outputs)} if bias else {})
    names = "x q s" + (" z" if zeros else " -" if bias else "") + (" - b" if bias else "")
    given = {"K": inputs, "N": outputs, "block_size": block, "bits": bits}
    return Sample([("MatMulNBits", names, "y", given)], {"x": floats(2, 3, inputs)}, held)


PRODUCTS = {
    "FusedMatMul": Sample(
        [("FusedMatMul", "a w", "y", {"transB": 1, "alpha": 0.5})], {"a": floats(2, 3, 4)}, {"w": floats(5, 4)}
    ),
    "FusedMatMul of two that come in": Sample(
        [("FusedMatMul", "a b", "y", {"transA": 1, "alpha": 0.5})], {"a": floats(2, 4, 3), "b": floats(2, 4, 5)}
    ),
    "FusedMatMul with batches in another order": Sample(
        [("FusedMatMul", "a b", "y", {"transBatchA": 1, "transBatchB": 1, "transB": 1})],
        {"a": floats(3, 2, 4), "b": floats(5, 2, 4)},
    ),
    "FusedGemm": Sample(
        [
            (
                *("FusedGemm", "a w c", "y"),
                {"transB": 1, "alpha": 0.5, "beta": 2.0, "activation": "LeakyRelu", "activation_alpha": 0.2},
            )
        ],
        {"a": floats(3, 4)},
        {"w": floats(5, 4), "c": floats(5)},
    ),
    "FusedConv": Sample([("FusedConv", "a w c", "y", {"activation": "Relu", "pads": [1] * 4})], {"a": MAP}, FILTERS),
    "FusedConv with another map": Sample(
        [("FusedConv", "a w c z", "y", {"activation": "Relu", "pads": [1] * 4})],
        {"a": MAP, "z": floats(1, 4, 6, 6)},
        FILTERS,
    ),
    "FusedConv that clips": Sample(
        [("FusedConv", "a w", "y", {"activation": "Clip", "activation_params": [-0.3, 0.4]})], {"a": MAP}, FILTERS
    ),
    "FusedConv by a hard sigmoid": Sample(
        [("FusedConv", "a w", "y", {"activation": "HardSigmoid", "activation_params": [0.3, 0.4]})],
        {"a": MAP},
        FILTERS,
    ),
    "4 bits": of_bits(64, 8, 32, 4),
    "4 bits with zero points": of_bits(64, 8, 32, 4, "packed"),
    "4 bits in an odd number of blocks": of_bits(96, 8, 32, 4, "flat"),
    "4 bits in blocks that are not full": of_bits(50, 6, 16, 4, "packed"),
    "4 bits with zero points that are numbers": of_bits(64, 8, 32, 4, "numbers"),
    "4 bits with a bias": of_bits(64, 8, 16, 4, bias=True),
    "8 bits": of_bits(64, 8, 32, 8),
    "8 bits with zero points": of_bits(64, 8, 32, 8, "packed"),
    "2 bits": of_bits(64, 8, 32, 2),
    "2 bits with zero points and a bias": of_bits(96, 8, 32, 2, "packed", bias=True),
}
SCALES = {
    **{name: np.float32(value) for name, value in (("as", 0.0131), ("bs", 0.0217), ("ys", 0.0303))},
    **{name: np.uint8(value) for name, value in (("az", 120), ("bz", 131), ("yz", 99))},
}
SHARES = {**SCALES, "ys": np.float32(1 / 256), "yz": np.uint8(0)}
BYTES, OTHERS = bytes_of(2, 3, 4), bytes_of(2, 3, 4)


def of_one(operator: str, x: Any = BYTES, scales: Arrays = SCALES, **attributes: Any) -> Sample:  # noqa: ANN401
    return Sample([(operator, "a as az ys yz", "y", attributes)], {"a": x}, scales)


WINDOWS = {"pads": [1] * 4}
CODES = {
    "w": signed(4, 3, 3, 3),
    "ws": small(4),
    "wz": np.zeros(4, np.int8),
    "d": DRAW.integers(-2000, 2000, 4).astype(np.int32),
}
COLUMNS = {"w": signed(8, 5), "ws": small(5), "wz": signed(5), "b": floats(5)}
CONVOLVED = "x as az w ws wz ys yz d"
QUANTISED = {
    **{
        operator: Sample([(operator, "a as az b bs bz ys yz", "y")], {"a": BYTES, "b": bytes_of(3, 4)}, SCALES)
        for operator in ("QLinearAdd", "QLinearMul")
    },
    "QLinearSigmoid": of_one("QLinearSigmoid", scales=SHARES),
    "QLinearLeakyRelu": of_one("QLinearLeakyRelu", alpha=0.1),
    "QLinearSoftmax": of_one("QLinearSoftmax", scales=SHARES, axis=-1, opset=13),
    "QLinearAveragePool": of_one(
        "QLinearAveragePool", bytes_of(1, 3, 6, 6), kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4
    ),
    "QLinearAveragePool, channels last": of_one(
        "QLinearAveragePool", bytes_of(1, 6, 6, 3), kernel_shape=[3, 3], channels_last=1
    ),
    "QLinearGlobalAveragePool": of_one("QLinearGlobalAveragePool", bytes_of(1, 3, 6, 6)),
    "QLinearConcat, then QLinearAdd": Sample(
        [
            ("QLinearConcat", "ys yz a as az b bs bz", "t", {"axis": 1}),
            ("QLinearAdd", "t ys yz t ys yz bs bz", "y"),
        ],
        {"a": BYTES, "b": bytes_of(2, 2, 4)},
        SCALES,
    ),
    "QLinearWhere": Sample(
        [("QLinearWhere", "c a as az b bs bz ys yz", "y")],
        {"c": np.array([[[True], [False], [True]]]), "a": BYTES, "b": OTHERS},
        SCALES,
    ),
    "QLinearConv, channels last": Sample(
        [("QLinearConv", CONVOLVED, "y", {**WINDOWS, "channels_last": 1})],
        {"x": bytes_of(1, 6, 6, 3)},
        {**SCALES, **CODES},
    ),
    "ONNX's QLinearConv": Sample(
        [("QLinearConv", CONVOLVED, "y", WINDOWS, "")], {"x": bytes_of(1, 3, 6, 6)}, {**SCALES, **CODES}
    ),
    "ONNX's QLinearMatMul": Sample(
        [("QLinearMatMul", "x as az w bs z ys yz", "y", {}, "")],
        {"x": bytes_of(2, 3, 8)},
        {**SCALES, "w": signed(8, 5), "z": np.int8(0)},
    ),
    "QGemm": Sample(
        [("QGemm", "x as az w bs bz d ys yz", "y", {"transB": 1})],
        {"x": bytes_of(3, 8)},
        {**SCALES, "w": bytes_of(5, 8), "d": DRAW.integers(-2000, 2000, 5).astype(np.int32)},
    ),
    "QGemm as numbers": Sample(
        [("QGemm", "x as az w ws wz", "y", {"transB": 1, "alpha": 0.5})],
        {"x": bytes_of(3, 8)},
        {**SCALES, "w": signed(5, 8), "ws": small(5), "wz": np.zeros(5, np.int8)},
    ),
    "MatMulIntegerToFloat": Sample(
        [("MatMulIntegerToFloat", "x w as ws az wz b", "y")], {"x": bytes_of(2, 3, 8)}, {**SCALES, **COLUMNS}
    ),
    "DynamicQuantizeMatMul": Sample(
        [("DynamicQuantizeMatMul", "x w ws wz b", "y")],
        {"x": floats(2, 3, 8)},
        {**COLUMNS, "wz": np.zeros(5, np.int8)},
    ),
    "QAttention": Sample(
        [("QAttention", "x w b as ws - az wz", "y", {"num_heads": 2, "unidirectional": 1})],
        {"x": bytes_of(2, 6, 8)},
        {**SCALES, "w": signed(8, 24), "ws": np.float32(0.01), "wz": np.int8(0), "b": floats(24)},
    ),
    "QuantizeLinear and DequantizeLinear": Sample(
        [
            ("QuantizeLinear", "x as az", "q"),
            ("DequantizeLinear", "q as az", "d"),
            ("Relu", "d", "y", {}, ""),
        ],
        {"x": floats(2, 3)},
        SCALES,
    ),
}
SAMPLES: dict[str, Sample] = {**ATTENTION, **ROWS, **PRODUCTS, **QUANTISED}
