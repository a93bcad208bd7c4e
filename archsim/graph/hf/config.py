"""Hugging Face's config.json as a model: the sizes that its model type names in its own way."""

from math import sqrt
from typing import Any

from archsim.errors import ArchsimError, Fault, Place, did_you_mean, quoted
from archsim.graph.bounds import require_numbers
from archsim.graph.hf.families import ACTIVATIONS, OPTIONAL, SAME_IN_BOTH, Family
from archsim.graph.hf.heads import set_head
from archsim.graph.hf.kinds import require_kinds
from archsim.graph.hf.known import FAMILIES
from archsim.graph.hf.parts import stored_bits, text_part
from archsim.graph.hf.places import place_of
from archsim.graph.hf.reading import UnfitKeyError, whole
from archsim.graph.hf.rotary import number, set_rotary
from archsim.graph.hf.windows import set_windows
from archsim.machine.provenance import mapping
from archsim.machine.source import Document, Loc

_MARKS = frozenset({"model_type", "architectures", "hidden_size", "n_embd", "hidden_dim", "d_model"})
_NOTHING = (None, "", "null")
_CAPS = "the caps of scores and logits (a tanh) take no time and no energy"
_MEANT = {("gemma", "gelu"): "gelu_pytorch_tanh"}
"""Activations that a type's first configs name wrongly."""
_EXPECTED = {
    "position_embedding_type": "absolute",
    "is_decoder": "false",
    "add_cross_attention": "false",
    "apply_residual_connection_post_layernorm": "false",
    "qk_layernorm": "false",
    "layer_norm_elementwise_affine": "true",
    "use_bidirectional_attention": "false",
}
"""Keys by which a model has other layers, and the values of those that are known."""


def is_config(document: Document) -> bool:
    """Whether a document is a config.json rather than a model file."""
    data = document.data
    return isinstance(data, dict) and "schema" not in data and not _MARKS.isdisjoint(data)


def from_config(document: Document, name: str) -> Document:
    """A model file's data with the places of the config's; raises ArchsimError for a model type that is unknown."""
    require_kinds(document, mapping(document))
    document, notes = text_part(document)
    data = dict(mapping(document))
    require_numbers(document)
    require_kinds(document, data)
    kind, family = _family(document, data)
    for key, expected in _EXPECTED.items():
        if str(data.get(key, expected)) not in (expected, *_NOTHING):
            found = f"{key}: found {quoted(str(data[key]))}; expected {expected!r}, as nothing else is known"
            raise ArchsimError(Fault(found, document.place((key,))))
    made: dict[str, Any] = {
        "schema": "archsim.model/1",
        "name": str(data.get("name") or name),
        "description": f"config.json of model_type {kind}",
        **family.fixed,
        **family.defaults,
    }
    origin: dict[str, str] = {}
    for key, names in family.sizes.items():
        given = next((name for name in names if data.get(name) not in _NOTHING), None)
        if given is not None:
            value = data[given]
            same = isinstance(value, list) and value and all(each == value[0] for each in value)
            made[key], origin[key] = value[0] if same else value, given  # [224, 224] is 224
        elif key in OPTIONAL and any(name in data for name in names):
            made.pop(key, None)  # null: none, whatever the class has where nothing is said
        elif key not in made and key not in OPTIONAL:
            null = next((name for name in names if name in data), None)
            place = document.place(() if null is None else (null,))
            raise ArchsimError(Fault(f"has no {quoted(names[0])}, which a {kind} needs", place))
    for flag, keys in family.flags.items():
        if data.get(flag) not in _NOTHING:
            _set_flag(made, origin, keys, flag, str(data[flag]))
    _set_further(document, data, family, made)
    _refine(document, data, family, made)
    set_head(document, data, kind, made)
    set_windows(document, data, made)
    _refine_values(document, data, family, made)
    notes += made.pop("notes", [])
    notes += [note for note in (stored_bits(data), _capped(made)) if note is not None]
    if notes:
        made["notes"] = notes
    name = str(made["activation"])
    made["activation"] = _activation(document, _MEANT.get((kind, name), name), origin.get("activation"))
    return _nested(document, made, origin)


def _capped(made: dict[str, Any]) -> str | None:
    return _CAPS if "score_cap" in made or "logit_cap" in made else None


def _family(document: Document, data: dict[str, Any]) -> tuple[str, Family]:
    """By its model type; BERT's first files had none, and llm-analysis' go by their name, or are like GPT-2."""
    kind = str(data.get("model_type", ""))
    if not kind and "type_vocab_size" in data:
        kind = "bert"
    elif not kind and "hidden_dim" in data and "num_layers" in data:
        name = str(data.get("name", ""))
        kind = next((each for each in FAMILIES if each in name.lower()), "gpt2")
    if kind not in FAMILIES:
        found = f"found model_type {quoted(kind)}" if kind else "has no 'model_type'"
        raise ArchsimError(
            Fault(f"{found}. {did_you_mean(kind, FAMILIES, most=len(FAMILIES))}", document.place(("model_type",)))
        )
    return kind, FAMILIES[kind]


def _set_flag(made: dict[str, Any], origin: dict[str, str], keys: str, flag: str, value: str) -> None:
    for key in keys.split():
        turned = {"true": "false", "false": "true"}.get(value, value) if key[0] == "!" else value
        made[key.removeprefix("!")], origin[key.removeprefix("!")] = turned, flag


def _set_further(document: Document, data: dict[str, Any], family: Family, made: dict[str, Any]) -> None:
    """What the type alone has. Raises ArchsimError."""
    try:
        if family.further is not None:
            family.further(data, made)
    except UnfitKeyError as error:
        raise ArchsimError(Fault(str(error), document.place((error.key,)))) from None


def _refine(document: Document, data: dict[str, Any], family: Family, made: dict[str, Any]) -> None:
    """What follows from other sizes, or from what the config says that the model is for."""
    if "ffn" not in made:
        made["ffn"] = str(4 * whole(made["hidden"], 1))
    if family.more_rows and str(made["positions"]).isdigit():
        made["position_rows"] = str(int(str(made["positions"])) + family.more_rows)
    if "gated" in made and "ffn_embed_dim" in data:  # llm-analysis says so, and else means two matrices
        made["gated"] = str(data.get("mlp_gated_linear_units", "false"))
    if (
        data.get("feed_forward_proj") not in _NOTHING
        and "dense_act_fn" not in data
        and family.flags.get("is_gated_act")
    ):
        _set_both(document, str(data["feed_forward_proj"]), made)
    for encoder, decoder in SAME_IN_BOTH:
        if data.get(encoder) != data.get(decoder):
            found = f"found {encoder} {shown(data.get(encoder))} and {decoder} {shown(data.get(decoder))}"
            key = decoder if decoder in data else encoder
            raise ArchsimError(Fault(f"{found}; expected the same in both", document.place((key,))))
    if str(data.get("_remove_final_layer_norm")) == "true":
        made["final_norm"] = "false"
    if "scale_attn_weights" in data and str(data["scale_attn_weights"]) == "false":
        made["score_scale"] = "1"


def _set_both(document: Document, given: str, made: dict[str, Any]) -> None:
    """T5 says in one word the activation, and whether it is gated. Raises ArchsimError."""
    gate, _, inner = given.rpartition("-")
    if gate not in ("", "gated") or inner not in ACTIVATIONS:
        found = f"feed_forward_proj: found {quoted(given)}; expected an activation, or gated- and an activation"
        message = f"{found}. {did_you_mean(inner, ACTIVATIONS)}"
        raise ArchsimError(Fault(message, document.place(("feed_forward_proj",))))
    made["gated"] = str(gate == "gated").lower()
    made["activation"] = "gelu_new" if given == "gated-gelu" else inner


def _refine_values(document: Document, data: dict[str, Any], family: Family, made: dict[str, Any]) -> None:
    """What values alone depend on: rows of positions, and how positions turn queries and keys."""
    if "window" not in made:
        made.pop("window_chunks", None)
        made.pop("window_rotary_base", None)
    if made.get("rotary") == "true":
        set_rotary(data, made)
    if family.more_rows:
        made["first_position"] = str(family.more_rows)
    if family.first_row and str(made["positions"]).isdigit():
        made["position_rows"], made["first_position"] = made["positions"], str(family.first_row)
        made["positions"] = str(int(str(made["positions"])) - family.first_row)
    if made.get("embedding_scale") == "sqrt hidden":
        made["embedding_scale"] = str(sqrt(whole(made["hidden"])))
    if str(data.get("scale_embedding", "false")) == "true":
        made["embedding_scale"] = str(sqrt(whole(made["hidden"])))
    scalar = made.pop("score_scalar", None)
    if scalar is not None:
        if number(scalar) <= 0:
            found = f"query_pre_attn_scalar: found {quoted(str(scalar))}; expected a number of more than 0"
            raise ArchsimError(Fault(found, document.place(("query_pre_attn_scalar",))))
        made["score_scale"] = str(1 / sqrt(number(scalar)))
    if made.pop("scaled_if_tied", None) and str(data.get("scale_decoder_outputs", made.get("tied", "true"))) == "true":
        made["logit_scale"] = str(1 / sqrt(max(1, whole(made["hidden"]))))


def shown(value: object) -> str:
    """A size that may be absent."""
    return "none" if value in _NOTHING else str(value)


def _activation(document: Document, name: str, given: str | None) -> str:
    if name not in ACTIVATIONS:
        message = f"{given}: found {quoted(name)}. {did_you_mean(name, ACTIVATIONS)}"
        raise ArchsimError(Fault(message, document.place((given or "model_type",))))
    return ACTIVATIONS[name]


def _nested(document: Document, made: dict[str, Any], origin: dict[str, str]) -> Document:
    """Keys such as `image.size` as a mapping in a mapping."""
    whole: dict[str, Any] = {}
    places: dict[Loc, Place] = {(): document.place(())}
    for key, value in made.items():
        *outer, last = key.split(".")
        inner = whole
        for each in outer:
            inner = inner.setdefault(each, {})
        inner[last] = value
        place = document.place((origin[key],)) if key in origin else place_of(document, key)
        if place is not None:
            places[(*outer, last)] = place
            for depth in range(1, len(outer) + 1):
                places.setdefault(tuple(outer[:depth]), places[(*outer, last)])
    return Document(document.file, whole, places, dict(places))
