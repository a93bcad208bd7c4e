"""A tiny GPT-2 with random weights."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

D, VOCABULARY, POSITIONS = 16, 23, 12


def tiny_gpt2(seed: int = 0) -> dict[str, np.ndarray]:
    """Two blocks, as Hugging Face names and lays them; the head is the embedding."""
    rng = np.random.default_rng(seed)
    found = {"wte.weight": rng.normal(size=(VOCABULARY, D)), "wpe.weight": rng.normal(size=(POSITIONS, D))}
    sizes = {"attn.c_attn": (D, 3 * D), "attn.c_proj": (D, D), "mlp.c_fc": (D, 4 * D), "mlp.c_proj": (4 * D, D)}
    for norm in ("h.0.ln_1", "h.0.ln_2", "h.1.ln_1", "h.1.ln_2", "ln_f"):
        found |= {f"{norm}.weight": rng.normal(size=D), f"{norm}.bias": rng.normal(size=D)}
    for block in (0, 1):
        for name, (into, out) in sizes.items():
            found[f"h.{block}.{name}.weight"] = rng.normal(size=(into, out)) / np.sqrt(into)
            found[f"h.{block}.{name}.bias"] = rng.normal(size=out)
    return {name: value.astype(np.float32) for name, value in found.items()}


def saved_gpt2(folder: Path) -> Path:
    """The folder, as Hugging Face has it: weights, and a configuration that says how many heads there are."""
    save_file({f"transformer.{name}": values for name, values in tiny_gpt2().items()}, folder / "model.safetensors")
    (folder / "config.json").write_text('{"n_head": 2}')
    return folder
