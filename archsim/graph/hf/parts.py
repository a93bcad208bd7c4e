"""Configs of several models: the one of `text_config`; and what a config says of how its weights are stored."""

from typing import Any

from archsim.errors import ArchsimError, Fault, did_you_mean, quoted
from archsim.graph.hf.known import FAMILIES
from archsim.machine.provenance import mapping
from archsim.machine.source import Document

_BOTH = {"VisionModel": "vision_config", "TextModel": "text_config"}
"""Parts of a model that compares pictures with texts, by the ends of their classes."""
_OTHERS = ("vision_config", "audio_config")
_DECODES = ("ForConditionalGeneration", "ForCausalLM")


def text_part(document: Document) -> tuple[Document, list[str]]:
    """The config of a text model that is one of several, with the values of its class where it says none; and notes.

    Other configs come back as they are. Raises ArchsimError for a type that is unknown.
    """
    data = mapping(document)
    text, outer = data.get("text_config"), str(data.get("model_type", ""))
    if outer == "siglip":
        return _one_of_both(document, data)
    if not isinstance(text, dict) or outer in FAMILIES:
        return document, []
    kind = str(text.get("model_type", ""))
    if kind not in FAMILIES:
        of = f"'text_config' of model_type {quoted(kind)}" if kind else "'text_config' without a model_type"
        message = f"found model_type {quoted(outer)} with a {of}. {did_you_mean(kind, FAMILIES, most=len(FAMILIES))}"
        raise ArchsimError(Fault(message, document.place(("text_config", "model_type"))))
    classes = data.get("architectures")
    name = str(classes[0]) if isinstance(classes, list) and classes else ""
    if name and not name.endswith((*_DECODES, "Model")):
        message = f"architectures: found {quoted(name)}, whose head is not known; expected one of {', '.join(_DECODES)}"
        raise ArchsimError(Fault(message, document.place(("architectures",))))
    made_for = "TextModel" if name.endswith("Model") else "TextForCausalLM"
    made_for = made_for.replace("CausalLM", "ConditionalGeneration") if _is_both(kind) else made_for
    inner = {loc[1:]: place for loc, place in document.places.items() if loc[:1] == ("text_config",)}
    part = Document(
        document.file,
        {"name": str(data.get("name", "")), **CLASS_DEFAULTS.get(kind, {}), **text, "architectures": [made_for]},
        inner,
        {},
    )
    others = ", ".join(key for key in _OTHERS if key in data)
    left_out = f"; {others} is left out" if others else ""
    return part, [f"the text model ({kind}) of a {outer or 'config'}{left_out}"]


def _one_of_both(document: Document, data: dict[str, Any]) -> tuple[Document, list[str]]:
    """SigLIP's model of pictures or of texts, where the config is of one. Raises ArchsimError where it is of both."""
    classes = data.get("architectures")
    name = str(classes[0]) if isinstance(classes, list) and classes else ""
    key = next((key for end, key in _BOTH.items() if name.endswith(end)), "")
    part = data.get(key)
    if not isinstance(part, dict):
        found = "found model_type 'siglip', which is two models side by side"
        message = f"{found}: expected one. Try its 'vision_config' or its 'text_config' in a file of its own"
        raise ArchsimError(Fault(message, document.place(("model_type",))))
    kind = f"siglip_{key.partition('_')[0]}_model"
    inner = {loc[1:]: place for loc, place in document.places.items() if loc[:1] == (key,)}
    config = {"name": str(data.get("name", "")), **part, "model_type": kind, "architectures": [name]}
    return Document(document.file, config, inner, {}), [f"the {key.partition('_')[0]} model ({kind}) of a siglip"]


def _is_both(kind: str) -> bool:
    return FAMILIES[kind].fixed["architecture"] == "encoder-decoder"


def stored_bits(data: dict[str, Any]) -> str | None:
    """What `quantization_config` says, as a note."""
    given = data.get("quantization_config")
    if not isinstance(given, dict):
        return None
    method = str(given.get("quant_method", "an unnamed method"))
    bits = next((str(given[key]) for key in ("bits", "num_bits", "w_bit") if str(given.get(key, "")).isdigit()), "")
    if str(given.get("load_in_4bit")) == "true" or method == "mxfp4":
        bits = "4"
    elif str(given.get("load_in_8bit")) == "true" or method in ("fp8", "fbgemm_fp8"):
        bits = "8"
    groups = given.get("config_groups")
    for group in groups.values() if isinstance(groups, dict) else ():
        weights = group.get("weights") if isinstance(group, dict) else None
        bits = str(weights.get("num_bits", bits)) if isinstance(weights, dict) else bits
    said = f"{bits} bits" if bits else "bits that the config does not say"
    return f"the file's weights are stored in {said} ({method}); a run takes the bits of the machine or of its mapping"


_LLAMA = {
    "vocab_size": "32000",
    "hidden_size": "4096",
    "intermediate_size": "11008",
    "num_hidden_layers": "32",
    "num_attention_heads": "32",
    "max_position_embeddings": "2048",
    "hidden_act": "silu",
}
_MISTRAL = {
    **_LLAMA,
    "intermediate_size": "14336",
    "num_key_value_heads": "8",
    "max_position_embeddings": "131072",
}
_QWEN = {
    **_LLAMA,
    "vocab_size": "151936",
    "intermediate_size": "22016",
    "num_key_value_heads": "32",
    "max_position_embeddings": "32768",
}
_GEMMA2 = {
    "vocab_size": "256000",
    "hidden_size": "2304",
    "intermediate_size": "9216",
    "num_hidden_layers": "26",
    "num_attention_heads": "8",
    "num_key_value_heads": "4",
    "max_position_embeddings": "8192",
}
CLASS_DEFAULTS: dict[str, dict[str, Any]] = {
    "llama": _LLAMA,
    "mistral": _MISTRAL,
    "mixtral": _MISTRAL,
    "qwen2": _QWEN,
    "qwen3": _QWEN,
    "gemma": {
        "vocab_size": "256000",
        "hidden_size": "3072",
        "intermediate_size": "24576",
        "num_hidden_layers": "28",
        "num_attention_heads": "16",
        "num_key_value_heads": "16",
        "max_position_embeddings": "8192",
    },
    "gemma2": _GEMMA2,
    "gemma3_text": {**_GEMMA2, "vocab_size": "262208", "max_position_embeddings": "131072"},
    "llama4_text": {
        "vocab_size": "202048",
        "hidden_size": "5120",
        "num_hidden_layers": "48",
        "num_attention_heads": "40",
        "hidden_act": "silu",
    },
    "phi": {
        "vocab_size": "51200",
        "hidden_size": "2048",
        "intermediate_size": "8192",
        "num_hidden_layers": "24",
        "num_attention_heads": "32",
    },
    "phi3": {
        **_LLAMA,
        "vocab_size": "32064",
        "hidden_size": "3072",
        "intermediate_size": "8192",
        "max_position_embeddings": "4096",
    },
}
"""What a `text_config` may leave out, as in the configuration classes of transformers 5.24, by model_type."""
