"""safetensors files: what stands in them, read when it is asked for; headers that say what is not so."""

import json
import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from archsim.errors import ArchsimError
from archsim.values.safetensors_file import read_safetensors


def raw(header: object, numbers: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + numbers


def entry(kind: str, shape: list[int], begin: int, end: int) -> dict[str, object]:
    return {"dtype": kind, "shape": shape, "data_offsets": [begin, end]}


def test_types_of_numbers(tmp_path: Path) -> None:
    """bfloat16 is the upper half of float32: 0x3F80 is 1, 0xC040 is -3, 0x0001 is 2^-133."""
    path = tmp_path / "m.safetensors"
    plain = np.array([[1.5, -2.0], [0.25, 8.0]], np.float32)
    save_file({"a": plain, "b": plain.astype(np.float16), "c": plain.astype(np.float64)}, path)
    tensors = read_safetensors(path).stored
    for one in tensors.values():
        assert one.shape == (2, 2)
        assert one.read().dtype == np.float32
        assert (one.read() == plain).all()
    path.write_bytes(raw({"h": entry("BF16", [3], 0, 6)}, bytes.fromhex("803f40c00100")))
    assert read_safetensors(path).stored["h"].read().tolist() == [1.0, -3.0, 2.0**-133]


def test_other_types_may_be_there_as_long_as_nobody_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_file({"ids": np.arange(3), "w": np.ones(2, np.float32)}, path)
    tensors = read_safetensors(path).stored
    assert tensors["w"].read().tolist() == [1, 1]
    with pytest.raises(ArchsimError, match="ids is of type I64; expected F32, F16, BF16, F64"):
        tensors["ids"].read()


def test_nothing_is_read_before_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_file({"large": np.zeros(8 << 20, np.float32), "small": np.ones(4, np.float32)}, path)
    tracemalloc.start()
    tensors = read_safetensors(path).stored
    assert tensors["small"].read().sum() == 4
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_several_files_and_their_index(tmp_path: Path) -> None:
    save_file({"a": np.full(2, 1, np.float32)}, tmp_path / "model-00001-of-00002.safetensors")
    save_file({"b": np.full(3, 2, np.float32)}, tmp_path / "model-00002-of-00002.safetensors")
    index = tmp_path / "model.safetensors.index.json"
    names = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    index.write_text(json.dumps({"weight_map": names}))
    for path in (tmp_path, index):
        tensors = read_safetensors(path).stored
        assert (tensors["a"].read().tolist(), tensors["b"].read().tolist()) == ([1, 1], [2, 2, 2])
    wrongs: tuple[object, ...] = ({"a": "../a.safetensors"}, {}, {"a": 1})
    for wrong in (*({"weight_map": each} for each in wrongs), []):
        index.write_text(json.dumps(wrong))
        with pytest.raises(ArchsimError, match=r"index.json: found no files; expected a 'weight_map'"):
            read_safetensors(tmp_path)


def test_a_folder_with_one_file_of_another_name(tmp_path: Path) -> None:
    save_file({"a": np.ones(2, np.float32)}, tmp_path / "fp16.safetensors")
    assert list(read_safetensors(tmp_path).stored) == ["a"]
    save_file({"a": np.ones(2, np.float32)}, tmp_path / "fp32.safetensors")
    with pytest.raises(ArchsimError, match=r"model.safetensors: no such file; expected a safetensors file"):
        read_safetensors(tmp_path)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (b"", "found a header of 0 bytes in 0"),
        (b"\x08\0\0\0\0\0\0\0notjson!", "found a header that is no JSON of tensors"),
        (b"\xff" * 7 + b"\x7f" + b"{}", "found a header of 9,223,372,036,854,775,807 bytes in 10"),
        (raw([1, 2]), "found a header that is no JSON of tensors"),
        (raw(b"[" * 100_000), "found a header that is no JSON of tensors"),
        (raw({"a": 3}), "found no 'dtype', 'shape' and 'data_offsets' of 'a'"),
        (raw({"a": entry("F32", [-1], 0, 4)}), "found no 'dtype', 'shape' and 'data_offsets' of 'a'"),
        (raw({"a": entry("F32", [True], 0, 4)}), "found no 'dtype', 'shape' and 'data_offsets' of 'a'"),
        (raw({"a": entry("F32", [1] * 9, 0, 4)}), "found no 'dtype', 'shape' and 'data_offsets' of 'a'"),
        (raw({"a": entry("F32", [1 << 40], 0, 4 << 40)}), "found 0 bytes of numbers; its header asks for 4,398,046"),
        (raw({"a": entry("F32", [3], 0, 8)}, bytes(8)), "found 8 bytes of 'a', F32 [3]"),
        (raw({"a": entry("F32", [1], 4, 0)}, bytes(8)), "found -4 bytes of 'a', F32 [1]"),
        (
            raw({"a": entry("F32", [2], 0, 8), "b": entry("F32", [2], 4, 12)}, bytes(12)),
            "found 'b' at byte 4; expected it at 8",
        ),
        (raw({"a": entry("F32", [1], 4, 8)}, bytes(8)), "found 'a' at byte 4; expected it at 0"),
        (raw({"a": entry("F32", [2], 0, 8)}, bytes(4)), "found 4 bytes of numbers; its header asks for 8"),
        (raw({"a": entry("F32", [1], 0, 4)}, bytes(8)), "found 8 bytes of numbers; its header asks for 4"),
    ],
)
def test_headers_that_do_not_fit_their_file(tmp_path: Path, written: bytes, said: str) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(written)
    with pytest.raises(ArchsimError) as caught:
        read_safetensors(path)
    assert str(caught.value).startswith(f"{path}: is no whole safetensors file ({said}")


def test_what_is_no_number_and_what_would_be_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_file({"a": np.full(3, np.inf, np.float32)}, path)
    with pytest.raises(ArchsimError, match=r"m.safetensors: a has 3 values that are infinite or no number \(NaN\)"):
        read_safetensors(path).stored["a"].read()
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ArchsimError, match=r"found a zip archive or a pickle, as torch.save writes; it is not opened"):
        read_safetensors(path)
