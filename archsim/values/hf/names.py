"""Names of weights by Hugging Face's model types."""

from collections.abc import Mapping

from archsim.values.hf.encoder_decoders import BART, T5, WHISPER
from archsim.values.hf.encoders import BERT, DEIT, DISTILBERT, VIT
from archsim.values.hf.gpt import BLOOM, GPT2, GPT_J, GPT_NEO, GPT_NEOX, OPT, PHI
from archsim.values.hf.latest import ALBERT, FALCON, MODERNBERT, OLMO2, SIGLIP_TEXT, SIGLIP_VISION
from archsim.values.hf.llama import GEMMA, GEMMA2, LLAMA, MIXTRAL, PHI3
from archsim.values.hf.mixtures import DEEPSEEK, GPT_OSS, LLAMA4, QWEN_MOE
from archsim.values.hf.state_spaces import JAMBA, MAMBA
from archsim.values.weight_names import Names

HUGGING_FACE: Mapping[str, Names] = {
    **dict.fromkeys(("bert", "roberta", "xlm-roberta", "camembert"), BERT),
    "distilbert": DISTILBERT,
    "vit": VIT,
    "deit": DEIT,
    "gpt2": GPT2,
    "gpt_neo": GPT_NEO,
    "gptj": GPT_J,
    "gpt_neox": GPT_NEOX,
    "opt": OPT,
    "bloom": BLOOM,
    **dict.fromkeys(("llama", "mistral", "qwen2", "qwen3"), LLAMA),
    "mixtral": MIXTRAL,
    **dict.fromkeys(("deepseek_v2", "deepseek_v3"), DEEPSEEK),
    **dict.fromkeys(("qwen2_moe", "qwen3_moe"), QWEN_MOE),
    "gpt_oss": GPT_OSS,
    "llama4_text": LLAMA4,
    "olmo2": OLMO2,
    "smollm3": LLAMA,
    "modernbert": MODERNBERT,
    "albert": ALBERT,
    "falcon": FALCON,
    "siglip_vision_model": SIGLIP_VISION,
    "siglip_text_model": SIGLIP_TEXT,
    "phi": PHI,
    "phi3": PHI3,
    "gemma": GEMMA,
    **dict.fromkeys(("gemma2", "gemma3_text"), GEMMA2),
    **dict.fromkeys(("mamba", "falcon_mamba"), MAMBA),
    "jamba": JAMBA,
    "t5": T5,
    "bart": BART,
    "whisper": WHISPER,
}
"""By model_type."""
