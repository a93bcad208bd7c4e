"""Names of weights by Hugging Face's model types."""

from collections.abc import Mapping

from archsim.values.hf.encoder_decoders import BART, T5, WHISPER
from archsim.values.hf.encoders import BERT, DEIT, DISTILBERT, VIT
from archsim.values.hf.gpt import BLOOM, GPT2, GPT_J, GPT_NEO, GPT_NEOX, OPT, PHI
from archsim.values.hf.llama import GEMMA, GEMMA2, LLAMA, MIXTRAL, PHI3
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
    "phi": PHI,
    "phi3": PHI3,
    "gemma": GEMMA,
    **dict.fromkeys(("gemma2", "gemma3_text"), GEMMA2),
    "t5": T5,
    "bart": BART,
    "whisper": WHISPER,
}
"""By model_type."""
