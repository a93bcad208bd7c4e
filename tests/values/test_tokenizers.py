"""Texts to tokens by llama2.c's pieces: which pair is merged first, and that no more is read than asked for."""

import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from archsim.errors import ArchsimError
from archsim.values.llama2c import Tokenizer
from archsim.values.tasks import load_task


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
