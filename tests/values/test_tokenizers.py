"""Texts to tokens: by pieces with scores, by files beside a model, and by the tables of GGUF files."""

import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFWriter

from archsim.errors import ArchsimError
from archsim.values.score_merges import Tokenizer
from archsim.values.tasks import load_task
from archsim.values.tokenizers import find_tokenizer


def plain(tokenizer: Tokenizer, text: str) -> list[int]:
    """As the rule is put: look at all pairs, merge the leftmost of the best score, begin again."""
    pieces, scores = tokenizer.pieces, tokenizer.scores
    known = {piece: token for token, piece in reversed(list(enumerate(pieces)))}
    tokens = [1, known[b" "], *(known[letter.encode()] for letter in text)]
    while True:
        pairs = [(at, known.get(pieces[a] + pieces[b])) for at, (a, b) in enumerate(pairwise(tokens))]
        scored = [(-scores[pair], at, pair) for at, pair in pairs if pair is not None]
        if not scored:
            return tokens
        _, at, pair = min(scored)
        tokens[at : at + 2] = [pair]


def made(*merged: tuple[bytes, float]) -> Tokenizer:
    begin = [(b"<unk>", 0.0), (b"<s>", 0.0), (b"</s>", 0.0), (b" ", 0.0), (b"a", 0.0), (b"b", 0.0), (b"c", 0.0)]
    pieces, scores = zip(*begin, *merged, strict=True)
    return Tokenizer(pieces, scores)


def test_the_best_score_goes_first_and_of_equals_the_leftmost() -> None:
    """Pieces: 0-2 special, 3 blank, 4 a, 5 b, 6 c, then 7 on.

    aaa: both pairs are aa, the left one is merged: aa a. abc: bc scores more than ab, so a bc; with equal scores ab c.
    """
    assert made((b"aa", 1.0)).encode("aaa") == [1, 3, 7, 4]
    assert made((b"ab", 1.0), (b"bc", 2.0)).encode("abc") == [1, 3, 4, 8]
    assert made((b"ab", 1.0), (b"bc", 1.0)).encode("abc") == [1, 3, 7, 6]


@pytest.mark.parametrize("seed", range(200))
def test_random_pieces_and_texts_give_what_the_plain_rule_gives(seed: int) -> None:
    """Few scores, so that many are equal; few letters, so that merges overlap; pieces may be there twice."""
    chance = random.Random(seed)
    merged = [
        ("".join(chance.choices("abc ", k=chance.randint(2, 5))).encode(), float(chance.randint(-2, 2)))
        for _ in range(chance.randint(0, 40))
    ]
    tokenizer = made(*merged)
    text = "".join(chance.choices("abc ", weights=(4, 3, 2, 1), k=chance.randint(1, 80)))
    assert tokenizer.encode(text) == plain(tokenizer, text)


def test_what_the_limit_leaves_out_is_not_encoded(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "three.txt"
    text.write_text("One day.<|endoftext|>Two days.<|endoftext|>Three days.")
    asked: list[str] = []
    encode = Tokenizer.encode

    def heard(self: Tokenizer, story: str) -> list[int]:
        asked.append(story)
        return encode(self, story)

    monkeypatch.setattr(Tokenizer, "encode", heard)
    model = data_dir / "llama2c" / "stories260K.bin"
    assert len(load_task(model, text, limit=2).sequences) == 2
    assert asked == ["One day.", "Two days."]
    assert len(load_task(model, text).sequences) == 3


@pytest.mark.parametrize("shape", [(0, 5), (3, 0), (4, 1)])
def test_files_of_too_few_tokens_are_named(data_dir: Path, tmp_path: Path, shape: tuple[int, int]) -> None:
    np.save(tmp_path / "few.npy", np.zeros(shape, int))
    with pytest.raises(ArchsimError, match=r"few.npy: found no text to predict; expected two tokens or more"):
        load_task(data_dir / "llama2c" / "stories260K.bin", tmp_path / "few.npy")


def test_a_text_of_blanks_is_named(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "blank.txt").write_text(" \n<|endoftext|>\n")
    with pytest.raises(ArchsimError, match=r"blank.txt: found no text to predict"):
        load_task(data_dir / "llama2c" / "stories260K.bin", tmp_path / "blank.txt")


def test_characters_without_tokens_are_spelt_in_bytes_or_named() -> None:
    """Byte 0 is token 3 in the first; é is 0xC3, 0xA9, which are 195 and 169."""
    spelt = tuple(f"<0x{byte:02X}>".encode() for byte in range(256))
    tokenizer = Tokenizer((b"<unk>", b"<s>", b"</s>", *spelt, b" ", b"a"), (0.0,) * 261)
    assert tokenizer.encode("a\u00e9") == [1, 259, 260, 3 + 195, 3 + 169]
    with pytest.raises(ArchsimError, match="has no token 'd', and none for each byte"):
        made().encode("d")


def test_minilm_has_its_own(data_dir: Path) -> None:
    """[CLS] and [SEP] stand around a text; nothing is cut off or filled up."""
    encode = find_tokenizer(data_dir / "minilm", None, 30522)
    assert encode("Hello world") == [101, 7592, 2088, 102]
    assert len(encode("world " * 300)) == 302


def test_smollm2_gives_the_tokens_of_its_golden_text(data_dir: Path) -> None:
    encode = find_tokenizer(data_dir / "smollm2" / "SmolLM2-135M-Instruct.Q4_1.gguf", None, 49152)
    text = (data_dir / "text" / "wikitext2-raw-test.txt").read_text(encoding="utf-8")
    golden = np.load(data_dir / "smollm2" / "wikitext_tokens.npy").ravel()
    assert encode(text[:40_000])[: golden.size] == golden.tolist()
    assert encode("<|im_start|>a") == [1, *encode("a")]


def written(path: Path, model: str, pieces: list[str], **more: object) -> Path:
    writer = GGUFWriter(path, "llama")
    writer.add_tokenizer_model(model)
    writer.add_token_list(pieces)
    for name, value in more.items():
        getattr(writer, f"add_{name}")(value)
    writer.add_tensor("token_embd.weight", np.zeros((len(pieces), 4), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


SCORED = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "\u2581", "a", "b", "\u2581a", "<s>a"]


def test_pieces_with_scores_of_a_gguf_file(tmp_path: Path) -> None:
    """A text begins with a blank, which is written as a low line; a mark is no part of a text, even if it reads so."""
    kinds = [2, 3, 3, *[6] * 256, 1, 1, 1, 1, 3]
    settings = {"token_types": kinds, "token_scores": [0.0] * 264, "bos_token_id": 1}
    encode = find_tokenizer(written(tmp_path / "m.gguf", "llama", SCORED, **settings), None, 264)
    assert encode("a\u00e9b a") == [1, 262, 3 + 195, 3 + 169, 261, 262]
    assert 263 not in encode("<s>a")
    plain = written(tmp_path / "n.gguf", "llama", SCORED, **settings, add_space_prefix=False, add_bos_token=False)
    assert find_tokenizer(plain, None, 264)("ab") == [260, 261]


@pytest.mark.parametrize(("pre", "numbers"), [("llama-bpe", 2), ("qwen2", 4), ("gpt-2", 1)])
def test_byte_pairs_of_a_gguf_file(tmp_path: Path, pre: str, numbers: int) -> None:
    """1234 is cut into 123 and 4, into digits, or not at all: 12, 123 and 34 are merged inside a piece only."""
    pieces = [*"1234", "12", "123", "34", "1234", "\u0120", "<s>"]
    merges = ["1 2", "12 3", "3 4", "123 4"]
    settings = {"token_merges": merges, "tokenizer_pre": pre, "bos_token_id": 9, "add_bos_token": True}
    path = written(tmp_path / "m.gguf", "gpt2", pieces, **settings, token_types=[1] * 9 + [3])
    encode = find_tokenizer(path, None, 10)
    assert encode("1234") == [9, *{2: [5, 3], 4: [0, 1, 2, 3], 1: [7]}[numbers]]
    with pytest.raises(ArchsimError, match=r"m.gguf: has no token 'x'"):
        encode("x")


def test_tables_that_are_not_known(tmp_path: Path) -> None:
    for model, more, said in (
        ("bert", {}, "found a tokenizer of kind 'bert'; expected 'gpt2' or 'llama'"),
        ("gpt2", {}, "found no tokenizer.ggml.merges; expected a list of texts. Tokens in a .npy file need none"),
        ("gpt2", {"token_merges": ["a b"]}, "the tokenizer's tables are broken"),
        (
            "gpt2",
            {"token_merges": ["a a"], "tokenizer_pre": "tekken"},
            "found a text that is cut as 'tekken'; expected one of gpt-2, smollm, llama-bpe, qwen2",
        ),
        ("llama", {}, "found no scores of 1 tokens; expected tokenizer.ggml.scores"),
    ):
        path = written(tmp_path / "m.gguf", model, ["a"], **more)
        with pytest.raises(ArchsimError, match=r"m.gguf: ") as caught:
            find_tokenizer(path, None, 1)
        assert said in str(caught.value)


def test_a_tokenizer_of_another_model_is_named(data_dir: Path, tmp_path: Path) -> None:
    encode = find_tokenizer(tmp_path / "m.safetensors", data_dir / "minilm" / "tokenizer.json", 100)
    with pytest.raises(ArchsimError, match="gives token 1037; the model has a vocabulary of 100"):
        encode("a")
    with pytest.raises(ArchsimError, match=r"config.json: is no tokenizer \("):
        find_tokenizer(tmp_path, data_dir / "minilm" / "config.json", 100)
