"""Models that come with archsim: the sizes of the published ones."""

import pytest

from archsim.graph import load_model
from archsim.graph.operators import Linear
from archsim.machine.bibliography import bibliography
from archsim.resources import find

NAMES = sorted(path.stem for path in find("workloads/models").glob("*.yaml"))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # 30522+512+2 rows of 768 and a norm; 12 layers of 4 x 768^2 + 2 x 768 x 3072 + 9 x 768 + 3072 + 4 x 768;
        # a pooler of 768^2 + 768
        ("bert-base", 109_482_240),
        ("bert-large", 335_141_888),
        ("gpt2", 124_439_808),
        ("gpt2-medium", 354_823_168),
        ("gpt2-large", 774_030_080),
        ("gpt2-xl", 1_557_611_200),
        ("llama-2-7b", 6_738_415_616),
        ("llama-2-13b", 13_015_864_320),
        ("llama-3.1-8b", 8_030_261_248),
        ("llama-3.2-1b", 1_235_814_400),
        ("llama-3.2-3b", 3_212_749_824),
        # as many as the published checkpoints hold
        ("roberta-base", 124_645_632),
        ("distilbert-base", 66_362_880),
        ("bert-tiny", 4_385_920),
        ("vit-base", 86_567_656),
        ("deit-small", 22_050_664),
        ("gpt-j-6b", 6_050_882_784),
        ("gpt-neox-20b", 20_554_567_680),
        ("opt-125m", 125_239_296),
        ("opt-1.3b", 1_315_758_080),
        ("opt-6.7b", 6_658_473_984),
        ("opt-13b", 12_853_473_280),
        ("bloom-560m", 559_214_592),
        ("llama-7b", 6_738_415_616),
        ("mistral-7b", 7_241_732_096),
        ("mixtral-8x7b", 46_702_792_704),
        ("qwen2.5-0.5b", 494_032_768),
        ("qwen2.5-7b", 7_615_616_512),
        ("phi-2", 2_779_683_840),
        ("gemma-2b", 2_506_172_416),
        ("gemma-2-2b", 2_614_341_888),
        ("t5-small", 60_506_624),
        ("t5-base", 222_903_552),
        ("bart-base", 139_420_416),
        ("bart-large", 406_291_456),
        ("whisper-tiny", 37_760_640),
        ("whisper-base", 72_593_920),
        ("whisper-small", 241_734_912),
    ],
)
def test_parameters(name: str, parameters: int) -> None:
    assert load_model(name).parameters == parameters


def test_bert_base_counted_by_hand() -> None:
    hidden, ffn = 768, 3072
    attention = 4 * (hidden * hidden + hidden)
    feed_forward = hidden * ffn + ffn + ffn * hidden + hidden
    norms = 2 * 2 * hidden
    embeddings = (30522 + 512 + 2) * hidden + 2 * hidden
    pooler = hidden * hidden + hidden
    assert load_model("bert-base").parameters == embeddings + 12 * (attention + feed_forward + norms) + pooler


def test_gpt2_has_49_projections_of_which_the_head_shares_its_weights() -> None:
    linears = load_model("gpt2").linears
    assert len(linears) == 49
    tied = {weight.name: weight.tied for weight in load_model("gpt2").weights.values() if weight.tied}
    assert tied == {"head/logits.weight": "embeddings/embedding.tokens"}


def test_bert_has_a_pooler_on_its_first_position() -> None:
    operators = load_model("bert-base").by_key
    pooler = operators["pooler/dense"]
    assert isinstance(pooler, Linear)
    assert pooler.positions == "first"
    assert operators["layer 11/ffn norm"].positions == "each"


@pytest.mark.parametrize("name", NAMES)
def test_each_model_names_a_source_that_is_known(name: str) -> None:
    graph = load_model(name)
    assert graph.name == name
    assert graph.source in bibliography()


@pytest.mark.parametrize("name", NAMES)
def test_every_input_comes_before_its_use(name: str) -> None:
    seen: set[str] = set()
    for operator in load_model(name).operators:
        assert {edge.source for edge in operator.inputs if edge.scope != "before"} <= seen
        assert operator.key not in seen
        seen.add(operator.key)
