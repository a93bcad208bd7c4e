"""GPT-2's tokenizer."""

from pathlib import Path

import numpy as np
import pytest

from archsim.errors import ArchsimError
from archsim.values.tokenizers import find_tokenizer


def test_prompts_have_their_published_tokens(data_dir: Path) -> None:
    encode = find_tokenizer(data_dir / "gpt2", None, 50_257)
    golden = np.load(data_dir / "gpt2" / "gpt2_124m_golden.npz")
    for number in range(5):
        assert encode(str(golden[f"ex{number}_prompt"])) == golden[f"ex{number}_token_ids"].tolist()


def test_pieces_and_merges(tmp_path: Path) -> None:
    """`ab` before `bc`; a blank goes with the word behind it, as a letter of its own that is written Ġ."""
    (tmp_path / "vocab.json").write_text(
        '{"a": 0, "b": 1, "c": 2, "ab": 3, "\\u0120": 4, "\\u0120ab": 5, "\'s": 6, "\'": 7, "s": 8, "bc": 9}'
    )
    (tmp_path / "merges.txt").write_text("#version: 0.2\na b\nb c\n\u0120 ab\n' s\n", encoding="utf-8")
    encode = find_tokenizer(tmp_path, None, 10)
    assert encode("abc") == [3, 2]
    assert encode("ab  ab's c") == [3, 4, 5, 6, 4, 2]
    with pytest.raises(ArchsimError, match="no token 'd'"):
        encode("d")


def test_a_folder_without_or_with_broken_files(tmp_path: Path) -> None:
    with pytest.raises(
        ArchsimError, match=r"found no tokenizer; expected tokenizer.json or vocab.json and merges.txt or"
    ):
        find_tokenizer(tmp_path, None, 9)
    (tmp_path / "encoder.json").write_text("{")
    (tmp_path / "vocab.bpe").write_text("a b\n")
    with pytest.raises(ArchsimError, match="files are broken"):
        find_tokenizer(tmp_path, None, 9)
    (tmp_path / "encoder.json").write_text("{}")
    (tmp_path / "vocab.bpe").write_text("a b c\n")
    with pytest.raises(ArchsimError, match="expected tokens by text, and lines of two"):
        find_tokenizer(tmp_path, None, 9)
    (tmp_path / "vocab.bpe").write_text("a b\n")
    with pytest.raises(ArchsimError, match=r"tables are broken \(.*out of vocabulary\)"):
        find_tokenizer(tmp_path, None, 9)
    (tmp_path / "encoder.json").write_text('{"a": "b"}')
    with pytest.raises(ArchsimError, match="tables are broken"):
        find_tokenizer(tmp_path, None, 9)
