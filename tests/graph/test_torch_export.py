"""PyTorch models as models; without PyTorch these tests are left out."""

from pathlib import Path
from typing import Any

import pytest

from archsim.errors import ArchsimError
from archsim.graph import Graph, load_model
from archsim.graph.job import make_job
from archsim.graph.operators import Linear, Matmul
from archsim.graph.torch_export import from_torch

torch: Any = pytest.importorskip("torch", reason="PyTorch is in no extra but `torch` and `rl`")


def macs(graph: Graph) -> int:
    return make_job(graph, "prefill", None, 0, 1).macs(graph)


def small_network() -> Any:  # noqa: ANN401
    nn = torch.nn
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
    graph = from_torch(small_network(), (torch.zeros(1, 3, 32, 32),))
    assert macs(graph) == 256 * 27 * 16 + 64 * 9 * 16 + 1024 * 10
    assert graph.parameters == 27 * 16 + 32 + 9 * 16 + 16 + 1024 * 10 + 10
    assert [each.groups for each in graph.linears] == [1, 16, 1]


def test_a_layer_of_a_transformer() -> None:
    """6 positions of 32 in 4 heads; feed-forward 64: 6 x (4 x 32 x 32 + 2 x 32 x 64) and 6 keys twice."""
    layer = torch.nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
    graph = from_torch(layer, (torch.zeros(1, 6, 32),))
    scores, context = (each for each in graph.operators if isinstance(each, Matmul))
    assert (scores.role, context.role, scores.heads, scores.head_dim) == ("scores", "context", 4, 8)
    assert macs(graph) == 6 * (4 * 32 * 32 + 2 * 32 * 64 + 2 * 6 * 32)
    assert {each.stream.length for each in graph.operators if isinstance(each, Linear)} == {6}


def test_a_saved_model_and_what_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "small.pt2"
    torch.export.save(torch.export.export(small_network().eval(), (torch.zeros(1, 3, 32, 32),)), str(path))
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
