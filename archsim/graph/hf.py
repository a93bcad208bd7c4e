"""Hugging Face's config.json as a model: the sizes that its model type names in its own way."""

from dataclasses import dataclass, field
from typing import Any

from archsim.errors import ArchsimError, Fault, Place, did_you_mean, quoted
from archsim.machine.provenance import mapping
from archsim.machine.source import Document, Loc


@dataclass(frozen=True)
class _Family:
    """sizes: keys of a model file, and the config's keys for them, of which the first that is there counts.

    fixed: what all models of the family have; defaults: of keys that a config may leave out, as in its class.
    """

    sizes: dict[str, tuple[str, ...]]
    fixed: dict[str, str]
    defaults: dict[str, str] = field(default_factory=dict)


_USUAL = {
    "layers": ("num_hidden_layers",),
    "hidden": ("hidden_size",),
    "heads": ("num_attention_heads",),
    "ffn": ("intermediate_size", "ffn_dim"),
    "vocabulary": ("vocab_size",),
    "positions": ("max_position_embeddings",),
    "activation": ("hidden_act", "activation_function"),
}
_GPT2 = {
    "layers": ("n_layer", "num_hidden_layers"),
    "hidden": ("n_embd", "hidden_size"),
    "heads": ("n_head", "num_attention_heads"),
    "ffn": ("n_inner",),
    "vocabulary": ("vocab_size",),
    "positions": ("n_positions", "max_position_embeddings"),
    "activation": ("activation_function",),
}
_GATED = {"architecture": "decoder", "gated": "true", "norm": "rmsnorm", "rotary": "true", "bias": "false"}
_LLAMA = {**_USUAL, "kv_heads": ("num_key_value_heads",), "head_dim": ("head_dim",), "tied": ("tie_word_embeddings",)}
_ENCODER = _Family({**_USUAL, "segments": ("type_vocab_size",)}, {"architecture": "encoder", "pooler": "true"})
_LLAMA_LIKE = _Family(_LLAMA, _GATED, {"activation": "silu", "tied": "false"})

FAMILIES = {
    "bert": _ENCODER,
    "roberta": _ENCODER,
    "gpt2": _Family(_GPT2, {"architecture": "decoder"}, {"activation": "gelu_new"}),
    "llama": _LLAMA_LIKE,
    "mistral": _LLAMA_LIKE,
    "gemma": _Family(_LLAMA, _GATED, {"activation": "gelu", "tied": "true"}),
}
"""By `model_type`."""

_ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu",
    "gelu_pytorch_tanh": "gelu",
    "gelu_fast": "gelu",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}


def is_config(document: Document) -> bool:
    """Whether a document is a config.json rather than a model file."""
    data = document.data
    marks = {"model_type", "architectures", "hidden_size", "n_embd"}
    return isinstance(data, dict) and "schema" not in data and not marks.isdisjoint(data)


def from_config(document: Document, name: str) -> Document:
    """A model file's data with the places of the config's; raises ArchsimError for a model type that is unknown."""
    data = mapping(document)
    kind = str(data.get("model_type", ""))
    if kind not in FAMILIES:
        found = f"found model_type {quoted(kind)}" if kind else "has no 'model_type'"
        raise ArchsimError(Fault(f"{found}. {did_you_mean(kind, FAMILIES)}", document.place(("model_type",))))
    family = FAMILIES[kind]
    made: dict[str, Any] = {
        "schema": "archsim.model/1",
        "name": name,
        "description": f"config.json of model_type {kind}",
        **family.fixed,
        **family.defaults,
    }
    origin: dict[str, str] = {}
    for key, names in family.sizes.items():
        given = next((other for other in names if data.get(other) not in (None, "", "null")), None)
        if given is not None:
            made[key], origin[key] = data[given], given
        elif key not in made and key not in _OPTIONAL:
            raise ArchsimError(Fault(f"has no {quoted(names[0])}, which a {kind} needs", document.place(())))
    if "ffn" not in made:
        made["ffn"] = str(4 * int(str(made["hidden"]))) if str(made["hidden"]).isdigit() else ""
    made["activation"] = _activation(document, str(made["activation"]), origin.get("activation"))
    places: dict[Loc, Place] = {(key,): document.place((other,)) for key, other in origin.items()}
    return Document(document.file, made, {(): document.place(()), **places}, dict(places))


_OPTIONAL = ("ffn", "segments", "kv_heads", "head_dim", "tied")


def _activation(document: Document, name: str, given: str | None) -> str:
    if name not in _ACTIVATIONS:
        message = f"{given}: found {quoted(name)}. {did_you_mean(name, _ACTIVATIONS)}"
        raise ArchsimError(Fault(message, document.place((given or "model_type",))))
    return _ACTIVATIONS[name]
