"""Digital projections on values: exact integers for the last channels, whatever the arrays' errors."""

from pathlib import Path

import numpy as np
import pytest

from archsim.machine import Machine, load_machine
from archsim.values.machine_arithmetic import MachineArithmetic
from archsim.values.quantised import QuantisedArithmetic
from tests.end_to_end.command import archsim

MEMORY = (
    "parts.close={class: sram, size: 1 MiB, width: 64 b, read: {interval: 1 ns}, write: {interval: 1 ns}}",
    "modules.chip.parts.close=1",
    "digital_weights=close",
    "recipes.dense=[{multiply_accumulate: mac}]",
)
WRONG = "parts.xbar.errors={programming: {model: additive, sigma: 0.1}}"


def isaac(*more: str) -> Machine:
    return load_machine("isaac", (*MEMORY, WRONG, "precision.weights=8 b", "precision.inputs=8 b", *more))


def values(*shape: int) -> np.ndarray:
    return np.random.default_rng(3).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(("share", "channels"), [("1", 8), ("0.25", 2), ("0.01", 1)])
def test_the_last_channels_are_exact(share: str, channels: int) -> None:
    machine = isaac(f"mapping.digital={{layer 0: {share}}}", "mapping.clip=1.0")
    weight, bias, x = values(8, 16), values(8), values(5, 16)
    exact = QuantisedArithmetic().linear("layer 0/qkv", weight, bias)(x)
    found = MachineArithmetic(machine).linear("layer 0/qkv", weight, bias)(x)
    assert np.array_equal(found[:, -channels:], exact[:, -channels:])
    assert not np.isclose(found[:, :-channels], exact[:, :-channels]).any()
    elsewhere = MachineArithmetic(machine).linear("layer 1/qkv", weight, bias)(x)
    assert not np.isclose(elsewhere, exact).any()


def test_the_arrays_part_is_as_if_it_were_alone() -> None:
    weight, x = values(8, 16), values(5, 16)
    found = MachineArithmetic(isaac("mapping.digital={layer 0: 1/2}")).linear("layer 0/qkv", weight, None)(x)
    alone = MachineArithmetic(isaac()).linear("layer 0/qkv", weight[:4], None)(x)
    assert np.array_equal(found[:, :4], alone)


@pytest.mark.parametrize("shares", ["layer 0: 1, layer 0/qkv: 0", "layer 0/qkv: 0, layer 0: 1"])
def test_a_projection_of_a_digital_layer_may_stay_in_arrays(shares: str) -> None:
    weight, x = values(8, 16), values(5, 16)
    machine = isaac(f"mapping.digital={{{shares}}}")
    for key, alike in (("layer 0/qkv", isaac()), ("layer 0/ffn up", isaac("mapping.digital={layer 0: 1}"))):
        found = MachineArithmetic(machine).linear(key, weight, None)(x)
        assert np.array_equal(found, MachineArithmetic(alike).linear(key, weight, None)(x))


def test_bits_of_a_layer_and_of_its_projection_are_put_together_as_in_time() -> None:
    """4 bits of weights by the layer, 6 of inputs by the projection."""
    weight, x = values(8, 16), values(5, 16)
    both = isaac("mapping.bits={layer 0/qkv: {inputs: 6 b}, layer 0: {weights: 4 b, inputs: 3 b}}")
    alone = isaac("mapping.bits={layer 0/qkv: {inputs: 6 b, weights: 4 b}}")
    first, second = (MachineArithmetic(each).linear("layer 0/qkv", weight, None)(x) for each in (both, alone))
    assert np.array_equal(first, second)


def test_evaluate_takes_a_mapping_file(data_dir: Path, tmp_path: Path) -> None:
    """With every projection digital no array errs, and the perplexity is that of integers."""
    folder = data_dir / "llama2c"
    layers = ", ".join(f"layer {number}: 1" for number in range(5))
    (tmp_path / "all.yaml").write_text(
        f"schema: archsim.mapping/1\nmodel: other\nmapping: {{digital: {{{layers}, head: 1}}}}\n"
    )
    np.save(tmp_path / "text.npy", np.random.default_rng(1).integers(3, 500, (1, 24)))
    settings = [word for setting in (*MEMORY, WRONG) for word in ("--set", setting)]
    words = ("evaluate", "isaac", "--model", str(folder / "stories260K.bin"), "--text", "text.npy", "--seeds", "1")
    done = archsim(*words, "--mapping", "all.yaml", *settings, folder=tmp_path)
    figures = {line.split()[0]: line.split()[-3] for line in done.stdout.splitlines() if "perplexity" in line}
    assert float(figures["perplexity_analog"]) == pytest.approx(float(figures["perplexity_quantised"]), rel=1e-3)
    assert "all.yaml:2:8  the mapping is for model 'other'; this is 'stories260K'" in done.stderr
    (tmp_path / "all.yaml").write_text("schema: archsim.mapping/1\nmapping:\n  digital: {layer 9: 1}\n")
    wrong = archsim(*words, "--mapping", "all.yaml", *settings, folder=tmp_path)
    assert wrong.stderr.startswith("all.yaml:3:13  mapping.digital.layer 9: stories260K has no such projection. Did")
    done = archsim(*words, "--set", "mapping.bits={layr 0: {weights: 8 b}}", folder=tmp_path)
    assert "mapping.bits.layr 0: stories260K has no such projection. Did you mean 'layer 0'?" in done.stderr


def test_copies_are_refused_on_values_as_in_a_run(data_dir: Path, tmp_path: Path) -> None:
    """A projection that is digital whole has no weights in arrays; one that is so in part has some, a layer others."""
    np.save(tmp_path / "text.npy", np.array([[1, 5, 9, 7]]))
    model = str(data_dir / "llama2c" / "stories260K.bin")
    settings = [word for setting in MEMORY for word in ("--set", setting)]

    def told(copies: str) -> tuple[str, str]:
        text = f"schema: archsim.mapping/1\nmapping:\n  copies: {copies}\n"
        (tmp_path / "my.yaml").write_text(text + "  digital: {layer 0/qkv: 1, layer 0/ffn up: 0.5}\n")
        more = ("--mapping", "my.yaml", *settings)
        values = ("evaluate", "isaac", "--model", model, "--text", "text.npy", "--seeds", "1")
        run = ("run", "isaac", model, "--seq", "4")
        evaluated = archsim(*values, *more, folder=tmp_path).stderr
        return evaluated, archsim(*run, *more, folder=tmp_path).stderr.partition("host: ")[0]

    one = "my.yaml:3:12  mapping.copies.layer 0/qkv: has no weights in arrays, so no copies of them\n"
    assert told("{layer 0/qkv: 2}") == (one, one)
    assert told("{layer 0: 2, layer 0/ffn up: 3}") == ("", "")
    evaluated, run = told("{layer 0/ffn dwn: 2}")
    assert evaluated == run
    said = "mapping.copies.layer 0/ffn dwn: stories260K has no such projection. Did you mean 'layer 0/ffn down'"
    assert evaluated.startswith(f"my.yaml:3:12  {said}")
