"""Models with their weights, from files: the Graph is made of the file's own sizes, so that it is there once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from archsim.errors import ArchsimError, Fault, Place, did_you_mean, quoted
from archsim.graph.gguf_header import MAGIC, from_gguf, read_header
from archsim.graph.hf.config import from_config, is_config
from archsim.graph.hf.parts import stored_bits, text_part
from archsim.graph.hf.places import place_of
from archsim.graph.hf.rotary import SCALINGS, rotary_scaling, trained_positions
from archsim.graph.llama2c import EXPECTED, from_checkpoint
from archsim.graph.load import build
from archsim.machine.provenance import mapping
from archsim.machine.source import Data, Document, Loc, read
from archsim.values import gguf_file, llama2c
from archsim.values.files import begin
from archsim.values.hf.names import HUGGING_FACE
from archsim.values.safetensors_file import Tensors, read_safetensors
from archsim.values.weight_names import GGUF, LLAMA2C
from archsim.values.weights import Named

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from archsim.graph.graph import Graph
    from archsim.graph.weights import Arrays

_HEAD_DIM = 64
"""Of a head of every GPT-2."""
_AS_USUAL = {
    "scale_attn_by_inverse_layer_idx": "false",
}
"""Keys of configurations."""
_BY_LENGTH = ("longrope", "su")
"""Rules for rotary positions with other frequencies for sequences that are longer than those of the training."""
_EXPECTED = f"{EXPECTED}, a GGUF file (.gguf), an ONNX file (.onnx), a safetensors file, or a folder with one"


@dataclass(frozen=True, eq=False)
class Opened:
    """A model that can be executed. If it is of no ONNX file, it can be sent to another process.

    Parameters
    ----------
    path
        The file, or its folder.
    graph
        What is computed.
    arrays
        Numbers of its weights.
    vocabulary
        Tokens; 0 where it takes none.
    positions
        The most of a sequence.
    """

    path: Path
    graph: Graph
    arrays: Mapping[str, NDArray[Any]]
    vocabulary: int
    positions: int

    @property
    def name(self) -> str:
        """Of the file."""
        return self.path.name


def open_model(path: Path) -> Opened:
    """Open a model of the files that people have.

    Parameters
    ----------
    path
        A checkpoint of llama2.c, a GGUF file, a safetensors file by Hugging Face's names, or a folder of such. Beside
        safetensors lies their `config.json`; GPT-2 can do without. Or an ONNX file.

    Returns
    -------
    Opened
        None of its weights is read so far.

    Raises
    ------
    ArchsimError
        Where a file is wrong, of a kind that is not read, or does not fit the sizes that it states.
    """
    alone = [] if not path.is_dir() or list(path.glob("*.safetensors")) else list(path.glob("*.gguf"))
    if len(alone) == 1:
        path = alone[0]
    if path.is_dir() or path.suffix in (".safetensors", ".json"):
        return _hugging_face(path)
    raw = begin(path, _EXPECTED)
    if path.suffix == ".onnx":
        from archsim.graph.onnx.load import load_onnx_arrays

        return _whole(path, *load_onnx_arrays(path))
    if raw.startswith(MAGIC):
        document = from_gguf(path)
        named = Named(path, gguf_file.tensors_of(read_header(path)), GGUF)
    else:
        document = from_checkpoint(path, raw)
        named = Named(path, llama2c.tensors_of(path), LLAMA2C)
    return _opened(path, document, named)


def _opened(path: Path, document: Document, named: Named) -> Opened:
    graph = build(document)
    return _whole(path, graph, named.arrays(graph))


def _whole(path: Path, graph: Graph, arrays: Arrays) -> Opened:
    vocabulary = next((one.whole for one in graph.inputs if one.whole is not None), 0)
    return Opened(path, graph, arrays, vocabulary, graph.max_positions)


def _hugging_face(path: Path) -> Opened:
    tensors = read_safetensors(path)
    folder = tensors.file if tensors.file.is_dir() else tensors.file.parent
    config = folder / "config.json"
    given = read(config) if config.is_file() else None
    if given is not None and is_config(given):
        given, _ = text_part(given)
        kind = str(mapping(given).get("model_type", ""))
        if kind not in HUGGING_FACE:
            known = did_you_mean(kind, HUGGING_FACE, most=len(HUGGING_FACE))
            raise ArchsimError(f"{config}: weights of model_type '{kind}' are not read. {known}")
        _require_known(given)
        named = Named(tensors.file, tensors.stored, HUGGING_FACE[kind])
        return _opened(path, _as_stored(from_config(given, folder.name), given, named), named)
    named = Named(tensors.file, tensors.stored, HUGGING_FACE["gpt2"])
    if not named.has("wte.weight"):
        raise ArchsimError(f"{tensors.file}: needs its sizes; found no config.json of its model beside it")
    return _opened(path, _gpt2(tensors, named, given), named)


def _require_known(given: Document) -> None:
    """Refuse what changes values, but is in no Graph."""
    data = mapping(given)
    scaling, _ = rotary_scaling(data)
    if scaling not in SCALINGS:
        found = f"found rotary positions that are scaled by the rule {quoted(scaling)}"
        place = place_of(given, "rotary_scaling.kind")
        raise ArchsimError(Fault(f"{found}; expected one of {', '.join(SCALINGS)}", place))
    if stored_bits(data) is not None:
        found = "quantization_config: found weights that are quantised; expected float ones, as no others are read"
        raise ArchsimError(Fault(found, given.place(("quantization_config",))))
    for key, expected in _AS_USUAL.items():
        if data.get(key, expected) != expected:
            found = f"{key}: found '{data[key]}'; expected '{expected}', as nothing else is executed"
            raise ArchsimError(Fault(found, given.place((key,))))


def _as_stored(document: Document, given: Document, named: Named) -> Document:
    """A head that is not stored is the table of tokens; one that is stored counts, where the config says nothing."""
    data = dict(mapping(document))
    if not named.stores("head/logits"):
        data["tied"] = "true"
    elif data["architecture"] == "decoder" and "tie_word_embeddings" not in mapping(given):
        data["tied"] = "false"
    if rotary_scaling(mapping(given))[0] in _BY_LENGTH:
        data["positions"] = trained_positions(mapping(given))
    if "pooler" in data and not named.stores("pooler/dense"):
        data["pooler"] = "false"
    return replace(document, data=data)


def _gpt2(tensors: Tensors, named: Named, given: Document | None) -> Document:
    """Sizes by the tensors' shapes. given: a config that says how many heads there are, and no more."""
    table, places = named.take("wte.weight").shape, named.take("wpe.weight").shape
    wide = named.take("h.0.mlp.c_fc.bias").shape
    if (len(table), len(places), len(wide)) != (2, 2, 1):
        shapes = f"{list(table)}, wpe.weight {list(places)}, h.0.mlp.c_fc.bias {list(wide)}"
        raise ArchsimError(f"{tensors.file}: found wte.weight {shapes}; expected two dimensions, two, and one")
    data: dict[str, Data] = {
        "schema": "archsim.model/1",
        "name": tensors.file.stem,
        "description": "GPT-2 by the shapes of its weights",
        "architecture": "decoder",
        "layers": str(named.layers("layer")),
        "hidden": str(table[1]),
        "heads": str(max(1, table[1] // _HEAD_DIM)),
        "ffn": str(wide[0]),
        "vocabulary": str(table[0]),
        "positions": str(places[0]),
        "activation": "gelu_tanh",
        "tied": str(not named.has("lm_head.weight")).lower(),
    }
    places_of: dict[Loc, Place] = {(): Place(str(tensors.file), 1, 1)}
    if given is not None:
        data["heads"], places_of[("heads",)] = str(mapping(given).get("n_head")), given.place(("n_head",))
    return Document(str(tensors.file), data, places_of, {})
