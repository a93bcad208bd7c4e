"""Compare parameters of full-size models with those of transformers: a table for docs/hugging_face.md.

    PYTHONPATH=. python scripts/hf_parameters.py

Needs torch, transformers, and archsim with its dependencies. transformers makes each model without numbers, on the meta
device of PyTorch. The script fails where the two do not count the same. A new type needs a line in MODELS.
"""

import json
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import transformers

from archsim.graph import load_model
from scripts.page import put

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "hugging_face.md"
HEAD = (
    "| type | model | archsim | transformers | published |",
    "|---|---|---:|---:|---|",
)


@dataclass(frozen=True)
class Model:
    """A published model.

    Parameters
    ----------
    name
        As people know it.
    kind
        Its class in transformers.
    published
        How many parameters its authors say that it has, and where.
    changes
        Sizes in which it differs from the defaults of its class's configuration.
    """

    name: str
    kind: str
    published: str
    changes: dict[str, Any] = field(default_factory=dict)


ROBERTA = {"vocab_size": 50265, "max_position_embeddings": 514, "type_vocab_size": 1}
GEMMA3_1B = {
    "vocab_size": 262144,
    "hidden_size": 1152,
    "intermediate_size": 6912,
    "num_attention_heads": 4,
    "num_key_value_heads": 1,
    "max_position_embeddings": 32768,
}
QWEN_7B = {
    "vocab_size": 152064,
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
}
QWEN3_SMALL = {
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "tie_word_embeddings": True,
}
LLAMA31 = {
    "vocab_size": 128256,
    "intermediate_size": 14336,
    "num_key_value_heads": 8,
    "max_position_embeddings": 131072,
}
OPT_350M = {
    "hidden_size": 1024,
    "ffn_dim": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "word_embed_proj_dim": 512,
    "do_layer_norm_before": False,
}
PHI_2 = {"hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 32}
BERT_LARGE = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
FALCON_MAMBA = {
    "hidden_size": 4096,
    "intermediate_size": 8192,
    "num_hidden_layers": 64,
    "vocab_size": 65024,
    "tie_word_embeddings": False,
}
DEEPSEEK_V2_LITE = {
    "hidden_size": 2048,
    "intermediate_size": 10944,
    "moe_intermediate_size": 1408,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "num_experts_per_tok": 6,
    "q_lora_rank": None,
    "first_k_dense_replace": 1,
}
QWEN2_MOE = {
    "hidden_size": 3584,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "moe_intermediate_size": 2560,
    "shared_expert_intermediate_size": 20480,
    "num_experts": 64,
    "num_experts_per_tok": 8,
}
MODERNBERT_LARGE = {
    "hidden_size": 1024,
    "intermediate_size": 2624,
    "num_hidden_layers": 28,
    "num_attention_heads": 16,
}
FALCON_40B = {
    "hidden_size": 8192,
    "num_hidden_layers": 60,
    "num_attention_heads": 128,
    "num_kv_heads": 8,
    "new_decoder_architecture": True,
}
SIGLIP_SO400M = {
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "image_size": 384,
    "patch_size": 14,
}
MODELS = (
    Model("BERT base", "BertModel", "110M (Devlin et al., 2019)"),
    Model("BERT base, masked tokens", "BertForMaskedLM", "110M (Devlin et al., 2019)"),
    Model("BERT large", "BertModel", "340M (Devlin et al., 2019)", BERT_LARGE),
    Model("RoBERTa base", "RobertaModel", "125M (Liu et al., 2019)", ROBERTA),
    Model("XLM-R base", "XLMRobertaModel", "270M (Conneau et al., 2020)", {**ROBERTA, "vocab_size": 250002}),
    Model("CamemBERT base", "CamembertModel", "110M (Martin et al., 2020)", {**ROBERTA, "vocab_size": 32005}),
    Model("DistilBERT base", "DistilBertModel", "66M (Sanh et al., 2019)"),
    Model("ViT-B/16", "ViTForImageClassification", "86M (Dosovitskiy et al., 2021)", {"num_labels": 1000}),
    Model("DeiT-B, distilled", "DeiTModel", "87M (Touvron et al., 2021)"),
    Model("GPT-2", "GPT2LMHeadModel", "124M (Radford et al., 2019)"),
    Model("GPT-Neo 1.3B", "GPTNeoForCausalLM", "1.3B (Black et al., 2021)"),
    Model("GPT-J 6B", "GPTJForCausalLM", "6B (Wang and Komatsuzaki, 2021)"),
    Model("GPT-NeoX 20B", "GPTNeoXForCausalLM", "20,554,567,680 (Black et al., 2022)", {"vocab_size": 50432}),
    Model("OPT 125M", "OPTForCausalLM", "125M (Zhang et al., 2022)"),
    Model("OPT 350M", "OPTForCausalLM", "350M (Zhang et al., 2022)", OPT_350M),
    Model(
        "BLOOM 560M",
        "BloomForCausalLM",
        "559,214,592 (its model card)",
        {"hidden_size": 1024, "n_layer": 24, "n_head": 16},
    ),
    Model("Llama 7B", "LlamaForCausalLM", "6.7B (Touvron et al., 2023)"),
    Model("Llama 3.1 8B", "LlamaForCausalLM", "8B (Grattafiori et al., 2024)", LLAMA31),
    Model("Llama 3.1 8B, two classes", "LlamaForSequenceClassification", "", {**LLAMA31, "num_labels": 2}),
    Model("Mistral 7B", "MistralForCausalLM", "7B (Jiang et al., 2023)"),
    Model("Mixtral 8x7B", "MixtralForCausalLM", "47B (Jiang et al., 2024)"),
    Model("Qwen2.5 7B", "Qwen2ForCausalLM", "7.61B (its model card)", QWEN_7B),
    Model("Qwen3 0.6B", "Qwen3ForCausalLM", "0.6B (its model card)", QWEN3_SMALL),
    Model("Phi-2", "PhiForCausalLM", "2.7B (its model card)", PHI_2),
    Model("Phi-3 mini", "Phi3ForCausalLM", "3.8B (Abdin et al., 2024)"),
    Model("Gemma 7B", "GemmaForCausalLM", "8.5B (Gemma Team, 2024, with 256,128 tokens)"),
    Model("Gemma 2 2B", "Gemma2ForCausalLM", "2.6B (Gemma Team, 2024)"),
    Model("Gemma 3 1B", "Gemma3ForCausalLM", "1B (Gemma Team, 2025)", GEMMA3_1B),
    Model("Mamba 130M", "MambaForCausalLM", "130M (Gu and Dao, 2023)", {"num_hidden_layers": 24}),
    Model("Mamba 2.8B", "MambaForCausalLM", "2.8B (Gu and Dao, 2023)", {"hidden_size": 2560, "num_hidden_layers": 64}),
    Model("Falcon Mamba 7B", "FalconMambaForCausalLM", "7B (Zuo et al., 2024)", FALCON_MAMBA),
    Model("Jamba v0.1", "JambaForCausalLM", "52B (Lieber et al., 2024)"),
    Model("DeepSeek-V2-Lite", "DeepseekV2ForCausalLM", "15.7B (DeepSeek-AI, 2024)", DEEPSEEK_V2_LITE),
    Model("DeepSeek-V3", "DeepseekV3ForCausalLM", "671B (DeepSeek-AI, 2024)"),
    Model("Qwen2 57B-A14B", "Qwen2MoeForCausalLM", "57B (Yang et al., 2024)", QWEN2_MOE),
    Model("Qwen3 30B-A3B", "Qwen3MoeForCausalLM", "30.5B (its model card)", {"num_hidden_layers": 48, "head_dim": 128}),
    Model("gpt-oss-120b", "GptOssForCausalLM", "116.8B (OpenAI, 2025)"),
    Model(
        "gpt-oss-20b",
        "GptOssForCausalLM",
        "20.9B (OpenAI, 2025)",
        {"num_hidden_layers": 24, "num_local_experts": 32},
    ),
    Model("Llama 4 Scout, text", "Llama4ForCausalLM", "109B with its vision model (Meta, 2025)"),
    Model("OLMo 2 7B", "Olmo2ForCausalLM", "7.3B (OLMo Team, 2024)", {"vocab_size": 100352}),
    Model("SmolLM3 3B", "SmolLM3ForCausalLM", "3B (its model card)"),
    Model("ModernBERT base", "ModernBertModel", "149M (Warner et al., 2024)"),
    Model("ModernBERT base, masked tokens", "ModernBertForMaskedLM", "149M (Warner et al., 2024)"),
    Model("ModernBERT large", "ModernBertModel", "395M (Warner et al., 2024)", MODERNBERT_LARGE),
    Model(
        "ALBERT base",
        "AlbertModel",
        "12M (Lan et al., 2020)",
        {"hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072},
    ),
    Model("ALBERT xxlarge", "AlbertModel", "235M (Lan et al., 2020)"),
    Model("Falcon 7B", "FalconForCausalLM", "7B (Almazrouei et al., 2023)"),
    Model("Falcon 40B", "FalconForCausalLM", "40B (Almazrouei et al., 2023)", FALCON_40B),
    Model("SigLIP B/16, pictures", "SiglipVisionModel", "93M (B/16 of Zhai et al., 2023)"),
    Model("SigLIP So400m/14, pictures", "SiglipVisionModel", "428M (So400m of Zhai et al., 2023)", SIGLIP_SO400M),
    Model("SigLIP B/16, texts", "SiglipTextModel", "110M (B/16 of Zhai et al., 2023)"),
    Model("T5 small", "T5ForConditionalGeneration", "60M (Raffel et al., 2020)"),
    Model("BART large", "BartForConditionalGeneration", "400M (its repository)"),
    Model("Whisper tiny", "WhisperForConditionalGeneration", "39M (Radford et al., 2022)", {"vocab_size": 51865}),
)


def counted(model: Model, folder: Path) -> tuple[str, int, int]:
    """Its type, parameters of the Graph of its configuration, and those of its class in transformers."""
    kind = getattr(transformers, model.kind)
    config = kind.config_class(**model.changes)
    with torch.device("meta"):
        theirs = sum(parameter.numel() for parameter in kind(config).parameters())
    path = folder / "config.json"
    path.write_text(json.dumps({**config.to_dict(), "architectures": [model.kind]}))
    return config.model_type, load_model(path).parameters, theirs


def main() -> int:
    """Write the table; 1 where counts differ."""
    rows, different = list(HEAD), []
    with tempfile.TemporaryDirectory() as folder:
        for model in MODELS:
            kind, ours, theirs = counted(model, Path(folder))
            rows.append(f"| `{kind}` | {model.name} | {ours:,} | {theirs:,} | {model.published or 'none'} |")
            different += [model.name] * (ours != theirs)
    put(PAGE, "parameters", "\n".join(rows) + "\n")
    print("\n".join(rows))
    if different:
        print(f"not the same: {', '.join(different)}", file=sys.stderr)
    return bool(different)


if __name__ == "__main__":
    sys.exit(main())
