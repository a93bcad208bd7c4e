"""`archsim check`, `list` and `cite`."""

from pathlib import Path

from tests.end_to_end.command import archsim


def test_check_says_all_faults_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("extends: isaac\nname: one\nparts:\n  adc: {bitz: 6 b}\n")
    (tmp_path / "two.yaml").write_text("schema: archsim.model/1\nname: two\nlayerz: 3\n")
    (tmp_path / "three.yaml").write_text("schema: archsim.modl/1\n")
    done = archsim("check", "isaac", "one.yaml", "two.yaml", "three.yaml", "bert-base", folder=tmp_path)
    assert done.returncode == 1
    assert done.stdout == "isaac: machine isaac, 17 parts\nbert-base: model bert-base, 109,482,240 parameters\n"
    lines = done.stderr.splitlines()
    assert lines[0].startswith("one.yaml:4:9  parts.adc.bitz: unknown key. Did you mean 'bits'?")
    assert lines[1].startswith("three.yaml:1:9  found schema 'archsim.modl/1'; expected archsim.machine/1")
    assert any(line.startswith("two.yaml:3:1  layerz: unknown key. Did you mean 'layers'?") for line in lines)
    assert "Traceback" not in done.stderr


def test_list_has_a_line_for_each() -> None:
    done = archsim("list")
    assert done.returncode == 0
    for name in ("machines.isaac", "machines.nl_dpe", "models.bert-base", "models.gpt2-xl", "parts.adc", "parts.race"):
        assert any(line.startswith(name) for line in done.stdout.splitlines()), name
    assert archsim("list", "models").stdout.count("parts.") == 0
    wrong = archsim("list", "model")
    assert (wrong.returncode, "Did you mean 'models'" in wrong.stderr) == (2, True)


def test_cite_in_words_and_in_bibtex() -> None:
    text = archsim("cite", "isaac", "bert-base").stdout
    assert "[shafiee2016isaac] A. Shafiee" in text
    assert "[devlin2019bert] J. Devlin" in text
    entries = archsim("cite", "nl_dpe", "--bibtex").stdout
    assert "@misc{zhao2026nldpe," in entries
    assert entries.count("{") == entries.count("}")
    assert "author = {L. Zhao and others}" in entries
