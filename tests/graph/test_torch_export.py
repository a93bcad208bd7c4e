"""PyTorch models as models; without PyTorch these tests are left out."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archsim.errors import ArchsimError, UsageError
from archsim.graph import Graph, load_model
from archsim.graph.job import make_job
from archsim.graph.nodes import Contraction, Mask, Unknown
from archsim.graph.operators import Linear, Matmul
from archsim.graph.torch_export import from_torch, read_exported, with_weights
from archsim.graph.weights import Arrays
from archsim.values.arithmetic import FloatArithmetic
from archsim.values.executor import Executor

torch: Any = pytest.importorskip("torch", reason="PyTorch is in no extra but `torch` and `rl`")


nn, fn = torch.nn, torch.nn.functional


def macs(graph: Graph) -> int:
    return make_job(graph, "prefill", None, 0, 1).macs(graph)


def randomised(module: Any) -> Any:  # noqa: ANN401
    """Parameters and statistics that are not all 0 or 1."""
    torch.manual_seed(5)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(0, 0.5 if parameter.ndim < 2 else parameter[0].numel() ** -0.5)
        for name, buffer in module.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.5)
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 2)
    return module.eval()


def agrees(graph: Graph, arrays: Arrays, module: Any, *inputs: Any) -> None:  # noqa: ANN401
    """The executor's values are the module's, within 1e-4 of the largest; its parameters are counted once."""
    given = {each.name: x.numpy()[None] for each, x in zip(graph.inputs, inputs, strict=True)}
    made = Executor(graph, arrays, FloatArithmetic()).run(given)
    with torch.no_grad():
        wanted = module(*inputs)
    results = wanted if isinstance(wanted, tuple) else (wanted,)
    for values, right in zip(made.values(), results, strict=True):
        expected = right.numpy()
        assert values[0].shape == expected.shape
        assert np.abs(values[0] - expected).max() <= 1e-4 * np.abs(expected).max()
    assert graph.parameters == sum(each.numel() for each in module.parameters())


def imported(module: Any, *inputs: Any) -> Graph:  # noqa: ANN401
    """The Graph of a module, which gives its values."""
    graph, arrays = with_weights(randomised(module), inputs)
    agrees(graph, arrays, module, *inputs)
    return graph


class Of(torch.nn.Module):  # type: ignore[misc]
    """A function of inputs and of modules."""

    def __init__(self, function: Callable[..., Any], **modules: Any) -> None:  # noqa: ANN401
        super().__init__()
        self.function = function
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, *inputs: Any) -> Any:  # noqa: ANN401
        return self.function(self, *inputs)


def small_network() -> Any:  # noqa: ANN401
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 16, 3, padding=1, groups=16),
        nn.Flatten(),
        nn.Linear(16 * 8 * 8, 10),
    )


def test_a_convolutional_network() -> None:
    """32 x 32 pixels, stride 2: 16 x 16 products of 27 x 16; 8 x 8 of 9 a channel; 1,024 x 10."""
    graph = imported(small_network(), torch.rand(1, 3, 32, 32))
    assert macs(graph) == 256 * 27 * 16 + 64 * 9 * 16 + 1024 * 10
    assert graph.parameters == 27 * 16 + 32 + 9 * 16 + 16 + 1024 * 10 + 10
    assert [each.groups for each in graph.linears] == [1, 16, 1]


def test_a_layer_of_a_transformer() -> None:
    """6 positions of 32 in 4 heads; feed-forward 64: 6 x (4 x 32 x 32 + 2 x 32 x 64) and 6 keys twice."""
    graph = imported(nn.TransformerEncoderLayer(32, 4, 64, batch_first=True), torch.randn(1, 6, 32))
    scores, context = (each for each in graph.operators if isinstance(each, Matmul))
    assert (scores.role, context.role, scores.heads, scores.head_dim) == ("scores", "context", 4, 8)
    assert macs(graph) == 6 * (4 * 32 * 32 + 2 * 32 * 64 + 2 * 6 * 32)
    assert {each.stream.length for each in graph.operators if isinstance(each, Linear)} == {6}


def test_a_saved_model_and_what_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "small.pt2"
    module = randomised(small_network())
    torch.export.save(torch.export.export(module, (torch.zeros(1, 3, 32, 32),)), str(path))
    agrees(*read_exported(path, trust=True), module, torch.rand(1, 3, 32, 32))
    assert load_model(path, trust=True).name == "small"
    path.write_bytes(b"nothing")
    with pytest.raises(ArchsimError, match="is no exported PyTorch model"):
        load_model(path, trust=True)


def test_unknown_operators_are_told() -> None:
    class Odd(torch.nn.Module):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:  # noqa: ANN401
            return torch.cumsum(torch.special.erfinv(x), 1)

    with pytest.raises(ArchsimError, match="operators that archsim does not know: "):
        from_torch(Odd(), (torch.zeros(1, 8),))
    assert len(from_torch(Odd(), (torch.zeros(1, 8),), approximate=True).operators) == 2


def test_unknown_operators_have_a_time_and_no_values() -> None:
    graph, arrays = with_weights(Of(lambda _, x: torch.special.erfinv(x)), (torch.zeros(2, 8),), approximate=True)
    (node,) = (node for node in graph.nodes if isinstance(node, Unknown))
    assert node.kind == "other"
    assert graph.notes == ("an operation for each value, as they are not known: erf_inv (1 times)",)
    with pytest.raises(ArchsimError, match="operator erf_inv is not known"):
        Executor(graph, arrays, FloatArithmetic()).run({graph.inputs[0].name: np.zeros((1, 2, 8), np.float32)})


@pytest.mark.parametrize("package", ["onnx", "onnxscript"])
def test_what_the_exporter_needs(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=r"pip install 'archsim\[torch\]'"):
        from_torch(nn.Linear(2, 2), (torch.zeros(1, 2),))


def test_nothing_of_the_exporter_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    from_torch(Of(lambda _, x: torch.special.erfinv(x)), (torch.zeros(2, 8),), approximate=True)
    assert capfd.readouterr() == ("", "")
    assert not logging.root.manager.disable


def test_parameters_that_are_zero_or_equal_are_counted() -> None:
    """As a module is made, all biases are 0 and both norms are alike."""
    module = nn.TransformerEncoderLayer(16, 2, 32)
    assert from_torch(module, (torch.zeros(3, 1, 16),)).parameters == 4 * 16 * 17 + 16 * 32 * 2 + 48 + 4 * 16


def test_sizes_that_a_run_may_choose_are_those_of_the_example(tmp_path: Path) -> None:
    module, sizes = nn.Sequential(nn.Linear(4, 4), nn.ReLU()), ({0: torch.export.Dim("positions")},)
    exported = torch.export.export(module.eval(), (torch.zeros(5, 4),), dynamic_shapes=sizes)
    torch.export.save(exported, str(tmp_path / "open.pt2"))
    graph, arrays = read_exported(tmp_path / "open.pt2", trust=True)
    agrees(graph, arrays, module, torch.rand(5, 4))
    assert graph.notes == ("open sizes are those of the example, of input",)


def test_sequence_first_with_a_batch_of_two() -> None:
    """2 x 6 positions; each sees the 6 of its own sequence: 4 heads x 8 x 6 twice."""
    graph = imported(nn.TransformerEncoderLayer(32, 4, 64, norm_first=True, activation="gelu"), torch.randn(6, 2, 32))
    assert macs(graph) == 12 * (4 * 32 * 32 + 2 * 32 * 64 + 2 * 6 * 32)
    assert {each.stream.length for each in graph.linears} == {12}
    assert graph.notes == ()


def test_convolutions_in_groups_with_gaps_and_of_one_and_three_dimensions() -> None:
    """10 positions of 4 taps a channel of 2; 5 of 3 taps alone; 2 x 3 x 4 x 6 of 1 x 2 x 3 taps."""
    one = nn.Sequential(nn.Conv1d(4, 8, 4, padding="same", dilation=2, groups=2), nn.Conv1d(8, 8, 3, 2, 1, groups=8))
    graph = imported(one, torch.randn(2, 4, 10))
    assert macs(graph) == 2 * (10 * 8 * 2 * 4 + 5 * 8 * 3)
    assert [each.groups for each in graph.linears] == [2, 8]
    graph = imported(nn.Conv3d(2, 4, (1, 2, 3), padding=(0, 0, 1)), torch.randn(1, 2, 3, 5, 6))
    assert macs(graph) == 3 * 4 * 6 * 4 * 2 * 6


def test_batch_norms_are_part_of_a_product_that_nothing_else_reads() -> None:
    """The second reads a sum, and stays; so does what reads a convolution beside another."""

    def function(self: Any, x: Any) -> Any:  # noqa: ANN401
        y = self.second(fn.relu(self.first(self.conv(x))) + x)
        z = self.point(y)
        return torch.flatten(self.pool(self.third(z) + z), 1)

    norms = {name: nn.BatchNorm2d(4) for name in ("first", "second", "third")}
    convolutions = {"conv": nn.Conv2d(4, 4, 3, padding=1), "point": nn.Conv2d(4, 4, 1)}
    graph = imported(Of(function, **norms, **convolutions, pool=nn.AdaptiveAvgPool2d(1)), torch.randn(2, 4, 6, 6))
    kinds = [each.kind for each in graph.operators]
    assert kinds == ["linear", "relu", "add", "batchnorm", "linear", "batchnorm", "add", "avgpool"]
    assert [each.key for each in graph.linears] == ["1 conv/product", "2 conv/product"]
    assert macs(graph) == 2 * 36 * (4 * 4 * 9 + 4 * 4)


def heads(x: Any, number: int) -> Any:  # noqa: ANN401
    return x.unflatten(-1, (number, 4)).transpose(1, 2)


def shared(self: Any, x: Any) -> Any:  # noqa: ANN401
    """4 heads of 4 values; 2 of keys."""
    query, key, value = self.qkv(x).split([16, 8, 8], -1)
    query, key, value = heads(query, 4), heads(key, 2), heads(value, 2)
    return fn.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True, scale=0.3)


def written_out(self: Any, x: Any) -> Any:  # noqa: ANN401
    """A factor before, a divisor after, and a mask put in: none of them is work."""
    query, key, value = (heads(each, 4) for each in self.qkv(x).split([16, 16, 16], -1))
    scores = (query * 3.0) @ key.transpose(-1, -2) / 2
    hides = torch.ones(5, 5, dtype=torch.bool).triu(1)
    return scores.masked_fill(hides, float("-inf")).softmax(-1) @ value


def folded_heads(self: Any, x: Any) -> Any:  # noqa: ANN401
    """Batch and heads in one dimension; a mask that is added."""
    query, key, value = (heads(each, 4).flatten(0, 1) for each in self.qkv(x).split([16, 16, 16], -1))
    hides = torch.full((5, 5), torch.finfo(torch.float32).min).triu(1).expand(8, 5, 5)
    return torch.baddbmm(hides, query, key.transpose(1, 2), alpha=0.5).softmax(-1).bmm(value)


@pytest.mark.parametrize(
    ("function", "outputs", "scale"), [(shared, 32, 0.3), (written_out, 48, 1.5), (folded_heads, 48, 0.5)]
)
def test_attention_in_several_ways(function: Callable[..., Any], outputs: int, scale: float) -> None:
    """2 sequences of 5 positions, 4 heads of 4: scores and context of 1 to 5 keys, 15 pairs a sequence."""
    graph = imported(Of(function, qkv=nn.Linear(16, outputs)), torch.randn(2, 5, 16))
    assert [each.kind for each in graph.operators] == ["linear", "matmul", "softmax", "matmul"]
    assert macs(graph) == 2 * (5 * 16 * outputs + 2 * 15 * 16)
    scores = next(node for node in graph.nodes if isinstance(node, Contraction) and not node.stationary)
    assert scores.scale == pytest.approx(scale)
    assert scores.mask == Mask(causal=True)
    products = [each for each in graph.operators if isinstance(each, Matmul)]
    assert [each.role for each in products] == ["scores", "context"]
    if function is not folded_heads:
        assert {each.stored for each in products} == {(outputs - 16) // 2}


def test_a_mask_of_another_form_is_no_work() -> None:
    def function(self: Any, x: Any) -> Any:  # noqa: ANN401
        query, key, value = (heads(each, 4) for each in self.qkv(x).split([16, 16, 16], -1))
        seen = (torch.arange(5) - torch.arange(5)[:, None]).abs() < 2
        return fn.scaled_dot_product_attention(query, key, value, attn_mask=seen)

    graph = imported(Of(function, qkv=nn.Linear(16, 48)), torch.randn(2, 5, 16))
    assert [each.kind for each in graph.operators] == ["linear", "matmul", "softmax", "matmul"]


def test_tables_and_a_head_with_the_same_weights() -> None:
    """20 x 8 numbers are counted once; the rows of positions are added as the tokens' are looked up."""

    def function(self: Any, ids: Any) -> Any:  # noqa: ANN401
        x = self.norm(self.tokens(ids) + self.places(torch.arange(6)))
        return fn.linear(x, self.tokens.weight)

    module = Of(function, tokens=nn.Embedding(20, 8), places=nn.Embedding(6, 8), norm=nn.LayerNorm(8))
    graph = imported(module, torch.randint(0, 20, (2, 6)))
    assert graph.inputs[0].whole == 20
    assert [each.kind for each in graph.operators] == ["embedding", "layernorm", "linear"]
    assert macs(graph) == 2 * 6 * 8 * 20


def test_a_picture_as_patches_with_a_token_before_them() -> None:
    """16 patches of 4 x 4 x 3 values, and one token more, of which alone the head reads."""

    class Patches(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.patch, self.head = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 10)
            self.token, self.places = nn.Parameter(torch.zeros(1, 1, 8)), nn.Parameter(torch.zeros(1, 17, 8))

        def forward(self, x: Any) -> Any:  # noqa: ANN401
            patches = self.patch(x).flatten(2).transpose(1, 2)
            return self.head((torch.cat([self.token.expand(len(x), -1, -1), patches], 1) + self.places)[:, 0])

    graph = imported(Patches(), torch.randn(1, 3, 16, 16))
    assert {each.key: each.stream.length for each in graph.operators} == {
        "1 conv/product": 16,
        "1 conv/add": 17,
        "2 linear/product": 1,
    }


@pytest.mark.parametrize(
    ("module", "sizes"),
    [
        (nn.Sequential(nn.Linear(8, 8), nn.RMSNorm(8), nn.Unflatten(-1, (4, 2)), nn.LayerNorm((4, 2))), (3, 8)),
        (nn.Sequential(nn.Conv2d(3, 8, 1), nn.GroupNorm(2, 8), nn.PixelShuffle(2)), (2, 3, 4, 4)),
        (nn.Sequential(nn.Upsample(scale_factor=2), nn.InstanceNorm2d(3, affine=True)), (2, 3, 4, 4)),
        (nn.Sequential(nn.ReLU(), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Hardswish(), nn.Hardsigmoid()), (3, 9)),
        (nn.Sequential(nn.LeakyReLU(0.1), nn.ELU(0.8), nn.Hardtanh(-0.5, 0.7), nn.Tanh(), nn.LogSoftmax(1)), (3, 9)),
        (Of(lambda _, x: (2 - x) * 3 / 4 + (x - x.square()).exp().sqrt().neg() + torch.sigmoid(-x)), (3, 9)),
        (Of(lambda _, x: 1 / (x.abs() + 1) + x**3 - x.pow(2).add(1).rsqrt() * x.clamp(min=0.2)), (3, 9)),
        (Of(lambda _, x: (x.mean(1), x.sum((0, 1)), x.amax(1, keepdim=True), x.max(1).values)), (3, 9)),
        (Of(lambda _, x: (x.roll((1, 2), (0, 1)), x[..., None].expand(-1, -1, 2) + 1, x.repeat(2, 3))), (3, 9)),
        (Of(lambda _, x: (fn.pad(x, (1, 2, 0, 1), value=3.0), torch.stack([x, x + 1], 1), x.chunk(2, 1)[1])), (3, 9)),
        (Of(lambda _, x: (torch.cat([x, x.t()[:3, :3]], 1), x[1] + x[-1], x.unbind(0)[2], x[:, 1:7:2])), (3, 9)),
        (Of(lambda self, x: self.layer(x)[0], layer=nn.LSTM(8, 6, batch_first=True)), (2, 4, 8)),
        (Of(lambda _, x: (torch.einsum("bqc,bkc->bqk", x, x), x.split(2, -1)[1] * 2, x.unbind(0)[1].exp())), (2, 3, 5)),
        (Of(lambda _, x: (fn.max_pool2d(x, 3, 2, 1), fn.avg_pool2d(x, 3, 2, 1), x.mean())), (2, 3, 7, 7)),
        (Of(lambda _, x: (fn.avg_pool2d(x, 2, ceil_mode=True), fn.adaptive_avg_pool2d(x, 1))), (2, 3, 7, 7)),
    ],
)  # fmt: skip
def test_values_of_other_operators(module: Any, sizes: tuple[int, ...]) -> None:  # noqa: ANN401
    imported(module, torch.randn(sizes))
