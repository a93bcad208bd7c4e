"""Small models of PyTorch and of transformers, written by both of PyTorch's exporters, with what they compute.

`python scripts/torch_models.py [FOLDER [NAME …]]` writes, for each of them, NAME.torchscript.onnx and NAME.dynamo.onnx
(ONNX by the older and by the newer exporter) and NAME.npz (what comes in and what comes out), into
tests/fixtures/torch. It needs torch, transformers and onnxscript. The same models as presets and network files stand
beside them, by hand.
"""

import io
import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import (
    BertConfig,
    BertModel,
    ConvNextConfig,
    DynamicCache,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    SwinConfig,
    ViTConfig,
    ViTForImageClassification,
)
from transformers.models.convnext.modeling_convnext import ConvNextEmbeddings, ConvNextLayer
from transformers.models.swin.modeling_swin import SwinEmbeddings, SwinLayer

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "fixtures" / "torch"
POSITIONS, PAST = 8, 7
HIDDEN, HEADS, FFN, VOCABULARY, ROWS, LAYERS = 16, 2, 32, 24, 16, 2
MAP, WINDOW = 8, 3
SHARED = {
    "vocab_size": VOCABULARY,
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2 * HEADS,
    "num_key_value_heads": HEADS,
    "intermediate_size": FFN,
    "max_position_embeddings": ROWS,
    "tie_word_embeddings": False,
}
"""Of models whose keys are shared by two heads each."""


class Of(nn.Module):  # type: ignore[misc]
    """A module, called by a function."""

    def __init__(self, module: Any, function: Callable[..., Any]) -> None:  # noqa: ANN401
        super().__init__()
        self.module, self.function = module, function

    def forward(self, *inputs: Any) -> Any:  # noqa: ANN401
        """What the function gives."""
        return self.function(self.module, *inputs)


def ids(positions: int = POSITIONS) -> Any:  # noqa: ANN401
    """Token ids of one sequence."""
    return torch.randint(0, VOCABULARY, (1, positions))


def encoder(attention: str, *, masked: bool) -> tuple[Any, tuple[Any, ...]]:
    """BERT, with all positions seen, or without those that a mask that comes in hides."""
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=FFN,
        max_position_embeddings=ROWS,
        attn_implementation=attention,
    )

    def run(bert: Any, tokens: Any, mask: Any = None) -> Any:  # noqa: ANN401
        made = bert(tokens, attention_mask=mask)
        return made.last_hidden_state, made.pooler_output

    mask = torch.ones(1, POSITIONS, dtype=torch.int64)
    mask[0, -2:] = 0
    return Of(BertModel(config), run), (ids(), mask) if masked else (ids(),)


def gpt2(attention: str, *, past: bool) -> tuple[Any, tuple[Any, ...]]:
    """GPT-2: a prompt, or one more token after keys and values of others."""
    config = GPT2Config(
        vocab_size=VOCABULARY,
        n_embd=HIDDEN,
        n_layer=LAYERS,
        n_head=HEADS,
        n_inner=FFN,
        n_positions=ROWS,
        attn_implementation=attention,
    )
    return decoder(GPT2LMHeadModel(config), HEADS, past=past)


def llama(attention: str, *, past: bool = False, masked: bool = False) -> tuple[Any, tuple[Any, ...]]:
    """Llama with keys shared by two heads each: a prompt, or one more token."""
    config = LlamaConfig(**SHARED, attn_implementation=attention)
    return decoder(LlamaForCausalLM(config), HEADS, past=past, masked=masked)


def mistral(attention: str) -> tuple[Any, tuple[Any, ...]]:
    """Llama of which each position sees the last few, and those that a mask that comes in does not hide."""
    config = MistralConfig(**SHARED, attn_implementation=attention, sliding_window=WINDOW)
    return decoder(MistralForCausalLM(config), HEADS, past=False, masked=True)


def qwen3() -> tuple[Any, tuple[Any, ...]]:
    """Llama whose queries and keys are normalised in each head."""
    return decoder(
        Qwen3ForCausalLM(Qwen3Config(**SHARED, head_dim=HIDDEN // HEADS // 2, attn_implementation="eager")),
        HEADS,
        past=False,
    )


def decoder(model: Any, kept: int, *, past: bool, masked: bool = False) -> tuple[Any, tuple[Any, ...]]:  # noqa: ANN401
    """The last position's logits and the most likely token; and keys and values of all positions, if some are given."""

    def prompt(module: Any, tokens: Any, mask: Any = None) -> Any:  # noqa: ANN401
        logits = module(tokens, attention_mask=mask, use_cache=True, logits_to_keep=1).logits
        return logits, logits.argmax(-1)

    def step(module: Any, token: Any, *kept: Any) -> Any:  # noqa: ANN401
        cache = DynamicCache(zip(kept[::2], kept[1::2], strict=True))
        made = module(token, past_key_values=cache, use_cache=True)
        new = [each for layer in made.past_key_values.layers for each in (layer.keys, layer.values)]
        return made.logits, made.logits.argmax(-1), *new

    size = HIDDEN // model.config.num_attention_heads
    if masked:
        mask = torch.ones(1, POSITIONS, dtype=torch.int64)
        mask[0, :2] = 0
        return Of(model, prompt), (ids(), mask)
    if not past:
        return Of(model, prompt), (ids(),)
    return Of(model, step), (ids(1), *(torch.randn(1, kept, PAST, size) for _ in range(2 * LAYERS)))


def vit(attention: str) -> tuple[Any, tuple[Any, ...]]:
    """ViT with a class token and a classifier."""
    config = ViTConfig(
        hidden_size=HIDDEN,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=FFN,
        image_size=12,
        patch_size=4,
        num_labels=5,
        attn_implementation=attention,
    )
    model = ViTForImageClassification(config)
    return Of(model, lambda module, picture: module(picture).logits), (torch.randn(1, 3, 12, 12),)


def swin(attention: str) -> tuple[Any, tuple[Any, ...]]:
    """Patches of a picture and two blocks of Swin, the second with shifted windows."""
    config = SwinConfig(
        image_size=2 * MAP,
        patch_size=2,
        embed_dim=HIDDEN,
        window_size=4,
        mlp_ratio=FFN / HIDDEN,
        attn_implementation=attention,
    )
    blocks = [SwinLayer(config, HIDDEN, (MAP, MAP), HEADS, shift_size=shift) for shift in (0, 2)]

    def run(layers: Any, picture: Any) -> Any:  # noqa: ANN401
        embeddings, *blocks = layers
        x, sizes = embeddings(picture)
        for block in blocks:
            x = block(x, sizes)[0]
        return x

    return Of(nn.ModuleList([SwinEmbeddings(config), *blocks]), run), (torch.randn(1, 3, 2 * MAP, 2 * MAP),)


def convnext() -> tuple[Any, tuple[Any, ...]]:
    """Patches of a picture and two blocks of ConvNeXt."""
    config = ConvNextConfig(patch_size=2, hidden_sizes=[HIDDEN])
    layers = [ConvNextEmbeddings(config), *(ConvNextLayer(config, HIDDEN) for _ in range(2))]
    return nn.Sequential(*layers), (torch.randn(1, 3, 2 * MAP, 2 * MAP),)


class Plain(nn.Module):  # type: ignore[misc]
    """An encoder of PyTorch's own layers, with a table of positions."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, HIDDEN)
        self.positions = nn.Parameter(torch.zeros(ROWS, HIDDEN))
        layer = nn.TransformerEncoderLayer(HIDDEN, HEADS, FFN, activation="gelu", batch_first=True)
        self.layers = nn.ModuleList(
            [layer, nn.TransformerEncoderLayer(HIDDEN, HEADS, FFN, activation="gelu", batch_first=True)]
        )

    def forward(self, tokens: Any) -> Any:  # noqa: ANN401
        """Hidden states."""
        x = self.tokens(tokens) + self.positions[: tokens.shape[1]]
        for layer in self.layers:
            x = layer(x)
        return x


MODELS: dict[str, Callable[[], tuple[Any, tuple[Any, ...]]]] = {
    "bert": lambda: encoder("sdpa", masked=False),
    "bert-eager": lambda: encoder("eager", masked=False),
    "bert-mask": lambda: encoder("sdpa", masked=True),
    "plain": lambda: (Plain(), (ids(),)),
    "gpt2": lambda: gpt2("sdpa", past=False),
    "gpt2-past": lambda: gpt2("sdpa", past=True),
    "llama": lambda: llama("sdpa"),
    "llama-eager": lambda: llama("eager"),
    "llama-mask": lambda: llama("sdpa", masked=True),
    "mistral-mask": lambda: mistral("eager"),
    "llama-past": lambda: llama("sdpa", past=True),
    "qwen3": qwen3,
    "vit": lambda: vit("sdpa"),
    "swin": lambda: swin("sdpa"),
    "swin-eager": lambda: swin("eager"),
    "convnext": convnext,
}

LACKING = {"llama": "torchscript", "swin": "dynamo"}
"""What an exporter of PyTorch 2.13 cannot write: keys shared by heads, and a view of a transposed context."""


def randomised(module: Any) -> Any:  # noqa: ANN401
    """With parameters that are neither 0 nor 1, and matrices that keep numbers about as large as they are."""
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.ndim > 1:
                parameter.normal_(0, parameter[0].numel() ** -0.5)
            else:
                parameter.uniform_(0.5, 1.5)
    return module.eval()


def write(name: str, folder: Path) -> None:
    """All files of a model."""
    torch.manual_seed(len(name))
    module, inputs = MODELS[name]()
    randomised(module)
    with torch.no_grad():
        outputs = module(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    arrays = {f"in {at}": each.numpy() for at, each in enumerate(inputs)}
    arrays |= {f"out {at}": each.numpy() for at, each in enumerate(outputs)}
    np.savez(folder / f"{name}.npz", **arrays)
    with redirect_stdout(io.StringIO()):
        if "torchscript" not in LACKING.get(name, ""):
            torch.onnx.export(module, inputs, str(folder / f"{name}.torchscript.onnx"), dynamo=False, opset_version=18)
        if "dynamo" in LACKING.get(name, ""):
            return
        made = torch.onnx.export(module, inputs, dynamo=True, verbose=False)
    for node in made.model.graph.all_nodes():
        node.metadata_props.clear()  # where in the Python source each node comes from: most of the file
    made.save(str(folder / f"{name}.dynamo.onnx"), external_data=False)


def main() -> None:
    """Write all, or those named after the folder."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    for name in sys.argv[2:] or MODELS:
        write(name, folder)


if __name__ == "__main__":
    main()
