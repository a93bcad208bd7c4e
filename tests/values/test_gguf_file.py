"""GGUF files, made by the package that others write them with: models, weights, and headers that are not so."""

import struct
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import quantize

from archsim.errors import ArchsimError
from archsim.graph import load_model
from archsim.graph.gguf_header import from_gguf, read_header
from archsim.values.gguf_file import tensors_of
from archsim.values.opened import open_model
from tests.values.model_files import drawn

D, FFN, WIDE, KEYS, VOCABULARY = 32, 64, 32, 16, 11
F16, Q8_0, Q4_0, Q4_1 = (getattr(GGMLQuantizationType, name) for name in ("F16", "Q8_0", "Q4_0", "Q4_1"))


def tensors(*, head: bool) -> dict[str, np.ndarray]:
    shapes = {"token_embd.weight": (VOCABULARY, D), "output_norm.weight": (D,)}
    for at in range(2):
        shapes |= {
            f"blk.{at}.attn_norm.weight": (D,),
            f"blk.{at}.attn_q.weight": (WIDE, D),
            f"blk.{at}.attn_k.weight": (KEYS, D),
            f"blk.{at}.attn_v.weight": (KEYS, D),
            f"blk.{at}.attn_output.weight": (D, WIDE),
            f"blk.{at}.ffn_norm.weight": (D,),
            f"blk.{at}.ffn_gate.weight": (FFN, D),
            f"blk.{at}.ffn_up.weight": (FFN, D),
            f"blk.{at}.ffn_down.weight": (D, FFN),
        }
    return drawn(shapes | ({"output.weight": (VOCABULARY, D)} if head else {}))


def written(
    path: Path,
    stored: dict[str, np.ndarray],
    kind: GGMLQuantizationType | None = None,
    architecture: str = "llama",
    **more: int,
) -> Path:
    """kind: of matrices; vectors stay float32."""
    writer = GGUFWriter(path, architecture)
    writer.add_block_count(2)
    writer.add_context_length(16)
    writer.add_embedding_length(D)
    writer.add_feed_forward_length(FFN)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_rope_freq_base(5e5)
    writer.add_layer_norm_rms_eps(0.25)
    for key, size in more.items():
        writer.add_uint32(f"{architecture}.{key}", size)
    for name, value in stored.items():
        if kind is not None and value.ndim == 2:
            writer.add_tensor(name, quantize(value, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_header_is_a_model(tmp_path: Path) -> None:
    """Two layers of 32 x (32 + 2 x 16) + 32 x 32 + 3 x 32 x 64 + 2 x 32, 11 x 32 tokens, and a last norm of 32."""
    path = written(tmp_path / "small.gguf", tensors(head=False))
    graph = load_model(path)
    assert (graph.name, graph.max_positions) == ("small", 16)
    assert graph.parameters == 2 * (2048 + 1024 + 6144 + 64) + 352 + 32
    data = from_gguf(path).data
    assert isinstance(data, dict)
    expected = {"rotary_base": "500000.0", "rotary_form": "neighbours", "epsilon": "0.25", "kv_heads": "2"}
    assert {key: data[key] for key in expected} == expected
    assert load_model(written(tmp_path / "free.gguf", tensors(head=True))).parameters == graph.parameters + 352


def test_weights_by_the_graphs_names(tmp_path: Path) -> None:
    stored = tensors(head=True)
    arrays = open_model(written(tmp_path / "small.gguf", stored)).arrays
    qkv = np.concatenate([stored[f"blk.1.attn_{name}.weight"] for name in "qkv"])
    expected = {
        "embeddings/embedding.tokens": stored["token_embd.weight"],
        "layer 1/attention norm.scale": stored["blk.1.attn_norm.weight"],
        "layer 1/qkv.weight": qkv,
        "layer 1/attention output.weight": stored["blk.1.attn_output.weight"],
        "layer 1/ffn norm.scale": stored["blk.1.ffn_norm.weight"],
        "layer 1/ffn gate.weight": stored["blk.1.ffn_gate.weight"],
        "layer 1/ffn up.weight": stored["blk.1.ffn_up.weight"],
        "layer 1/ffn down.weight": stored["blk.1.ffn_down.weight"],
        "head/norm.scale": stored["output_norm.weight"],
        "head/logits.weight": stored["output.weight"],
    }
    for name, values in expected.items():
        assert (arrays[name] == values).all(), name


@pytest.mark.parametrize("architecture", ["qwen2", "qwen3", "gemma"])
def test_other_architectures(tmp_path: Path, architecture: str) -> None:
    """qwen2 has biases, qwen3 norms in heads; gemma's tokens are scaled by the root of 32. All turn halves."""
    stored = tensors(head=False)
    sizes = {"q": WIDE, "k": KEYS, "v": KEYS}
    if architecture == "qwen2":
        stored |= drawn({f"blk.{at}.attn_{name}.bias": (size,) for at in (0, 1) for name, size in sizes.items()}, 1)
    if architecture == "qwen3":
        stored |= drawn({f"blk.{at}.attn_{name}_norm.weight": (8,) for at in (0, 1) for name in "qk"}, 1)
    path = written(tmp_path / "m.gguf", stored, architecture=architecture)
    data, arrays = from_gguf(path).data, open_model(path).arrays
    assert isinstance(data, dict)
    assert data["rotary_form"] == "halves"
    if architecture == "qwen2":
        bias = np.concatenate([stored[f"blk.0.attn_{name}.bias"] for name in "qkv"])
        assert (arrays["layer 0/qkv.bias"] == bias).all()
    if architecture == "qwen3":
        norms = [stored[f"blk.0.attn_{name}_norm.weight"] for name in "qk"]
        assert (arrays["layer 0/qk norm.scale"] == np.stack([norms[0]] * 4 + [norms[1]] * 2)).all()
    if architecture == "gemma":
        assert float(str(data["embedding_scale"])) == pytest.approx(5.656854)


def blocks(numbers: np.ndarray, size: int) -> np.ndarray:
    return np.frombuffer(numbers.tobytes(), np.uint8).reshape(-1, size)


def dequantised(numbers: np.ndarray, kind: GGMLQuantizationType) -> np.ndarray:
    """By GGML's description of its blocks of 32: a float16 scale (and minimum), then numbers of 8 or of 4 bits, of
    which the lower halves of bytes are the first 16.
    """
    if kind == F16:
        return np.frombuffer(numbers.tobytes(), "<f2").astype(np.float32)
    size = {Q8_0: 34, Q4_0: 18, Q4_1: 20}[kind]
    rows = []
    for block in blocks(numbers, size):
        scale = np.frombuffer(block[:2].tobytes(), "<f2")[0].astype(np.float32)
        if kind == Q8_0:
            rows.append(scale * np.frombuffer(block[2:].tobytes(), np.int8).astype(np.float32))
            continue
        packed = block[size - 16 :]
        halves = np.concatenate([packed & 15, packed >> 4]).astype(np.float32)
        if kind == Q4_0:
            rows.append(scale * (halves - 8))
        else:
            rows.append(scale * halves + np.frombuffer(block[2:4].tobytes(), "<f2")[0].astype(np.float32))
    return np.concatenate(rows)


@pytest.mark.parametrize("kind", [F16, Q8_0, Q4_0, Q4_1])
def test_types_of_numbers(tmp_path: Path, kind: GGMLQuantizationType) -> None:
    stored = tensors(head=False)
    found = tensors_of(read_header(written(tmp_path / "m.gguf", stored, kind)))
    for name in ("blk.0.ffn_down.weight", "token_embd.weight"):
        value = stored[name]
        read = found[name].read()
        assert read.dtype == np.float32
        assert read.shape == value.shape
        assert np.array_equal(read.ravel(), dequantised(quantize(value, kind), kind))
        assert np.abs(read - value).max() < 0.5
    assert (found["blk.0.attn_norm.weight"].read() == stored["blk.0.attn_norm.weight"]).all()


def test_the_real_file(data_dir: Path) -> None:
    """Scales and minima of its Q4_1 by hand, and the type of its tokens, Q8_0."""
    path = data_dir / "smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    header = read_header(path)
    assert (header.size("block_count"), header.number("rope.freq_base", 0)) == (30, 100_000)
    assert len(header.values["tokenizer.ggml.merges"]) == 48_900
    found = tensors_of(header)["blk.3.attn_k.weight"]
    offset = header.tensors["blk.3.attn_k.weight"].offset
    raw = np.fromfile(path, np.uint8, 192 * 576 // 32 * 20, offset=offset)
    assert np.array_equal(found.read().ravel(), dequantised(raw, Q4_1))


def test_a_folder_with_one_file(data_dir: Path) -> None:
    assert open_model(data_dir / "smollm2").path.suffix == ".gguf"


def test_types_and_architectures_that_are_not_known(tmp_path: Path) -> None:
    stored = tensors(head=False)
    path = written(tmp_path / "m.gguf", stored, GGMLQuantizationType.Q5_0)
    assert load_model(path).parameters > 0  # sizes are known all the same
    with pytest.raises(
        ArchsimError, match=r"token_embd.weight is of type Q5_0; expected F32, F16, BF16, Q4_0, Q4_1, Q8_0"
    ):
        open_model(path).arrays["embeddings/embedding.tokens"]
    with pytest.raises(ArchsimError, match="found the architecture 'falcon'; expected one of llama, qwen2"):
        load_model(written(tmp_path / "f.gguf", stored, architecture="falcon"))
    with pytest.raises(ArchsimError, match="found a mixture of experts"):
        load_model(written(tmp_path / "e.gguf", stored, expert_count=4))
    with pytest.raises(ArchsimError, match="found rotary positions that are scaled; expected plain ones"):
        load_model(written(tmp_path / "r.gguf", stored | {"rope_freqs.weight": np.ones(4, np.float32)}))
    short = {name: value for name, value in stored.items() if name != "blk.1.ffn_up.weight"}
    with pytest.raises(ArchsimError, match=r"s.gguf: has no weights 'blk.1.ffn_up.weight'. Did you mean"):
        open_model(written(tmp_path / "s.gguf", short))
    with pytest.raises(ArchsimError, match=r"llama.embedding_length: found None; expected a size"):
        load_model(_raw(tmp_path / "n.gguf", _text("general.architecture", "llama")))


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _text(key: str, value: str) -> bytes:
    return _string(key) + struct.pack("<I", 8) + _string(value)


def _raw(path: Path, *keys: bytes, tensors: int = 0, after: bytes = b"", number: int | None = None) -> Path:
    counts = struct.pack("<IQQ", 3, tensors, len(keys) if number is None else number)
    path.write_bytes(b"GGUF" + counts + b"".join(keys) + after + bytes(64))
    return path


@pytest.mark.parametrize(
    ("keys", "settings", "said"),
    [
        ([], {"number": 1 << 60}, "found 1,152,921,504,606,846,976 keys in 88 bytes"),
        ([], {"tensors": 1 << 50}, "found 1,125,899,906,842,624 tensors in 88 bytes"),
        (
            [struct.pack("<Q", 1 << 62)],
            {},
            "found an end after 96 bytes; its header asks for 4,611,686,018,427,387,936",
        ),
        (
            [_string("a") + struct.pack("<IIQ", 9, 8, 1 << 40)],
            {},
            "found 1,099,511,627,776 strings in 113 bytes",
        ),
        ([_string("a") + struct.pack("<IIQ", 9, 4, 1 << 40)], {}, "found 1,099,511,627,776 numbers in 113 bytes"),
        ([_string("a") + struct.pack("<I", 77)], {}, "found a value of type 77"),
        ([_string("a") + struct.pack("<IIQ", 9, 9, 1)], {}, "found a value of type 9"),
        ([], {"tensors": 1, "after": _string("w") + struct.pack("<I", 9)}, "found 9 dimensions of 'w'; expected at"),
        (
            [],
            {"tensors": 1, "after": _string("w") + struct.pack("<IQIQ", 1, 8, 0, 1 << 40)},
            "found tensors that begin after its end",
        ),
    ],
)
def test_headers_that_do_not_fit_their_file(
    tmp_path: Path, keys: list[bytes], settings: dict[str, int], said: str
) -> None:
    path = _raw(tmp_path / "m.gguf", *keys, **settings)  # type: ignore[arg-type]
    with pytest.raises(ArchsimError) as caught:
        load_model(path)
    assert str(caught.value).startswith(f"{path}: is no whole GGUF file ({said}")


def test_files_that_are_cut_short(tmp_path: Path) -> None:
    path = written(tmp_path / "m.gguf", tensors(head=False))
    raw = path.read_bytes()
    path.write_bytes(raw[:-200])
    with pytest.raises(ArchsimError, match=r"m.gguf: ends after .* bytes; .* would end at"):
        open_model(path)
    for size in (30, 200, 900):
        path.write_bytes(raw[:size])
        with pytest.raises(ArchsimError, match="is no whole GGUF file"):
            load_model(path)
    path.write_bytes(b"GGUF" + struct.pack("<I", 1) + bytes(100))
    with pytest.raises(ArchsimError, match="found GGUF of version 1; expected version 2 or 3"):
        load_model(path)
