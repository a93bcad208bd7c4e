"""What stands after the layers: a config's `architectures` says for which task its model is."""

import re
from collections.abc import Mapping
from typing import Any

from archsim.errors import ArchsimError, Fault, quoted
from archsim.machine.source import Document

_TASK = re.compile(r"(?:For[A-Z]\w*|[A-Z][a-z]+HeadsModel|(?:With)?LMHeadModel|EncoderModel|DecoderModel|Model)$")
_NOTHING = (None, "", "null")
_LABELS = "labels"
"""Stands for the number of labels that a config says."""
_Changes = Mapping[str, str]
_POSITIONS: Mapping[str, _Changes] = {
    "ForTokenClassification": {"position_classes": _LABELS},
    "ForQuestionAnswering": {"position_classes": "2"},
}
_DECODER: Mapping[str, _Changes] = {
    "ForCausalLM": {},
    "LMHeadModel": {},
    "Model": {"head": "false"},
    "ForSequenceClassification": {"classes": _LABELS},
    **_POSITIONS,
}
_BOTH: Mapping[str, _Changes] = {
    "ForConditionalGeneration": {},
    "WithLMHeadModel": {},
    "Model": {"head": "false"},
}
_T5: Mapping[str, _Changes] = {**_BOTH, "EncoderModel": {"architecture": "encoder"}}
_NO_POOLER = {"pooler": "false"}
_ENCODER: Mapping[str, _Changes] = {
    "Model": {},
    "ForMaskedLM": {"head": "true", **_NO_POOLER},
    "ForSequenceClassification": {"classes": _LABELS},
    "ForMultipleChoice": {"classes": "1"},
    **{task: {**changes, **_NO_POOLER} for task, changes in _POSITIONS.items()},
}
_BERT: Mapping[str, _Changes] = {
    **_ENCODER,
    "ForPreTraining": {"head": "true", "classes": "2"},
    "ForNextSentencePrediction": {"classes": "2"},
}
_POOLED_BY_RELU = {"pooler": "true", "pooler_activation": "relu"}
_DISTILBERT: Mapping[str, _Changes] = {
    **_ENCODER,
    "ForSequenceClassification": {"classes": _LABELS, **_POOLED_BY_RELU},
    "ForMultipleChoice": {"classes": "1", **_POOLED_BY_RELU},
}
_PICTURE: Mapping[str, _Changes] = {"Model": {}, "ForImageClassification": {"classes": _LABELS, **_NO_POOLER}}
_OF_TYPE = {
    "bert": _BERT,
    "distilbert": _DISTILBERT,
    "albert": {**_ENCODER, "ForPreTraining": {"head": "true", "classes": "2"}},
    "modernbert": {task: _ENCODER[task] for task in ("Model", "ForMaskedLM")},
    "siglip_vision_model": {"Model": {}},
    "siglip_text_model": {"Model": {}},
    "t5": _T5,
}


def set_head(document: Document, data: dict[str, Any], kind: str, made: dict[str, Any]) -> None:
    """Keys of a model file by the first of `architectures`; without any, what is usual.

    Raises ArchsimError for a class whose head is not known.
    """
    classes = data.get("architectures")
    name = str(classes[0]) if classes and classes != "null" else ""
    if not name:
        return
    tasks = _OF_TYPE.get(kind) or _usual(made)
    ends = _TASK.search(name)
    task = ends.group() if ends else ""
    if task not in tasks:
        found = f"architectures: found {quoted(name)}, whose head is not known"
        message = f"{found}; expected a class that ends in one of {', '.join(tasks)}"
        raise ArchsimError(Fault(message, document.place(("architectures",))))
    for key, value in tasks[task].items():
        made[key] = _labels(document, data) if value == _LABELS else value
    if made["architecture"] == "encoder":
        made.pop("decoder_layers", None)


def _usual(made: Mapping[str, Any]) -> Mapping[str, _Changes]:
    if "image.size" in made:
        return _PICTURE
    return {"encoder": _ENCODER, "decoder": _DECODER}.get(made["architecture"], _BOTH)


def _labels(document: Document, data: Mapping[str, Any]) -> str:
    names = data.get("id2label")
    given = data.get("num_labels")
    number = str((len(names) if isinstance(names, dict) and names else 2) if given in _NOTHING else given)
    if not number.isdigit() or not int(number):
        found = f"num_labels: found {quoted(number)}; expected a whole number of at least 1"
        raise ArchsimError(Fault(found, document.place(("num_labels",))))
    return number
