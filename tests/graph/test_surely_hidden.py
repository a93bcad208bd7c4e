"""What a mask hides whatever comes in: never more than it hides, for trees of operators that are drawn at random."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto
from onnx.reference import ReferenceEvaluator

from archsim.graph.nodes import Contraction, Mask
from archsim.graph.onnx.file import survey
from archsim.graph.onnx.hiding import band
from archsim.graph.onnx.importer import HIDDEN, Importer
from archsim.graph.onnx.interval_rules import PAIRS, typed
from archsim.graph.onnx.intervals import bounds
from archsim.graph.onnx.load import HANDLERS, load_onnx
from archsim.graph.onnx.unknown import approximated
from tests.graph.random_masks import HEADS, KEYS, LOWEST, QUERIES, TYPES, Tree

DRAWS = 12
"""Of what comes in, for each tree."""
CHECKS = [HealthCheck.function_scoped_fixture]
SEEDS = st.integers(0, 2**40)
LOW = (-1e9, -np.inf, LOWEST, -1e4, -9000.0, 0.0)
"""What is put in for scores that are hidden; the last two do not hide them."""


def numbers_lie_between_their_bounds(kind: str, seed: int) -> None:
    tree = Tree(np.random.default_rng(seed))
    result = tree.grow(kind, 4)
    if not tree.nodes or not tree.inputs:
        return
    model = onnx.shape_inference.infer_shapes(tree.model(result), data_prop=True)
    limits = bounds(Importer(survey(model, frozenset()), Path(), HANDLERS, approximated, {}), result)
    assert limits is not None
    run: Any = ReferenceEvaluator(tree.model(result)).run
    for _ in range(DRAWS):
        with np.errstate(all="ignore"):
            right = np.asarray(run(None, tree.values())[0])
        least, most = (np.broadcast_to(end, right.shape) for end in limits)
        known = ~np.isnan(least) if kind == "float" else np.ones(right.shape, np.bool_)
        values = right.astype(np.float64) if kind == "int" else right
        assert (least[known] <= values[known]).all()
        assert (values[known] <= most[known]).all()


@pytest.mark.parametrize("kind", TYPES)
@settings(max_examples=120)
@given(seed=SEEDS)
def test_numbers_lie_between_their_bounds(kind: str, seed: int) -> None:
    numbers_lie_between_their_bounds(kind, seed)


@pytest.mark.slow
@pytest.mark.parametrize("kind", TYPES)
@settings(max_examples=4000)
@given(seed=SEEDS)
def test_numbers_of_many_trees_lie_between_their_bounds(kind: str, seed: int) -> None:
    numbers_lie_between_their_bounds(kind, seed)


def masked_scores(tree: Tree, scores: str) -> str:
    """One node that does to scores what a mask does, or undoes it."""
    operator = str(tree.draw.choice(["Add", "Add", "Sub", "Where", "Where last", "Max", "Mul"]))
    if operator in ("Add", "Sub"):
        return tree.node(operator, "float", scores, tree.grow("float", 3))
    if operator == "Max":
        return tree.node("Max", "float", scores, tree.number(tree.draw.choice(LOW)))
    if operator == "Mul":
        return tree.node("Mul", "float", scores, tree.array(tree.draw.random((QUERIES, KEYS)) < 0.8))
    sides = (scores, tree.number(tree.draw.choice(LOW)))
    return tree.node("Where", "float", tree.grow("bool", 4), *(sides[::-1] if operator == "Where last" else sides))


def attention(tree: Tree) -> tuple[str, str, str]:
    """Scores on which a tree's masks are put, their softmax, and the context that these shares make."""
    tree.input("q", (1, HEADS, QUERIES, 3))
    tree.input("k", (1, HEADS, KEYS, 3))
    tree.input("v", (1, HEADS, KEYS, 3))
    turned = tree.made("Transpose", (1, HEADS, 3, KEYS), "k", perm=[0, 1, 3, 2])
    scores = tree.made("MatMul", (1, HEADS, QUERIES, KEYS), "q", turned)
    for _ in range(int(tree.draw.integers(1, 4))):
        scores = masked_scores(tree, scores)
    shares = tree.node("Softmax", "float", scores, axis=-1)
    return scores, shares, tree.made("MatMul", (1, HEADS, QUERIES, 3), shares, "v")


def hides(mask: Mask) -> np.ndarray:
    """Queries by keys, by the definition of a mask."""
    ahead = np.arange(KEYS) - np.arange(QUERIES)[:, None] - mask.past
    return (ahead > 0) | (ahead <= -(mask.span or QUERIES + KEYS + mask.past))


def what_is_surely_hidden_has_no_share(seed: int, path: Path) -> bool:
    """And its score is low; whether anything is surely hidden."""
    tree = Tree(np.random.default_rng(seed))
    scores, shares, result = attention(tree)
    onnx.save(tree.model(result), str(path))
    product = next(node for node in load_onnx(path, {}).nodes if isinstance(node, Contraction))
    if product.mask is None or product.mask.applied:
        return False
    hidden = hides(product.mask)
    run: Any = ReferenceEvaluator(tree.model(scores, shares)).run
    for _ in range(DRAWS):
        values = tree.values() | {x: tree.draw.normal(size=tree.inputs[x][1]).astype(np.float32) for x in "qkv"}
        with np.errstate(all="ignore"):
            made, weights = run(None, values)
            most = made.max(axis=-1, keepdims=True)
        some = np.isfinite(most) & (most > 0.9 * HIDDEN / 2)  # else a row sees no key, or has no shares
        assert (made[..., hidden] <= HIDDEN / 2).all()
        assert (np.where(some, weights, 0)[..., hidden] == 0).all()
    return True


@settings(max_examples=40, suppress_health_check=CHECKS)
@given(seed=SEEDS)
def test_what_is_surely_hidden_has_no_share(seed: int, tmp_path: Path) -> None:
    what_is_surely_hidden_has_no_share(seed, tmp_path / "mask.onnx")


@pytest.mark.slow
@settings(max_examples=5000, suppress_health_check=CHECKS)
@given(seed=SEEDS)
def test_what_many_masks_surely_hide_has_no_share(seed: int, tmp_path: Path) -> None:
    what_is_surely_hidden_has_no_share(seed, tmp_path / "mask.onnx")


def test_some_masks_surely_hide_keys(tmp_path: Path) -> None:
    assert sum(what_is_surely_hidden_has_no_share(seed, tmp_path / "mask.onnx") for seed in range(60)) >= 2


@settings(max_examples=150)
@given(seed=SEEDS)
def test_a_mask_is_the_narrowest_that_hides_no_key_that_may_be_seen(seed: int) -> None:
    draw = np.random.default_rng(seed)
    seen = np.tri(QUERIES, KEYS, int(draw.integers(-1, 3)), dtype=np.bool_) & (
        draw.random((QUERIES, KEYS)) < draw.random() + 0.4
    )
    mask = band(seen)
    masks = [
        Mask(causal=True, span=span, past=past) for past in range(KEYS) for span in (None, *range(1, QUERIES + KEYS))
    ]
    allowed = [other for other in masks if not (hides(other) & seen).any()]
    most = max(hides(other).sum() for other in allowed) if seen.any(axis=-1).all() else 0
    if mask is None:
        assert most == 0
        return
    assert not (hides(mask) & seen).any()
    assert hides(mask).sum() == most


def causal_with_padding(tree: Tree, low: float) -> str:
    """Keys after the query's own, and those that `mask`, which comes in, has a 0 for."""
    tree.input("q", (1, HEADS, QUERIES, 3))
    tree.input("k", (1, HEADS, QUERIES, 3))
    tree.inputs["mask"] = tree.tensors["mask"] = "int", (1, 1, 1, QUERIES)
    turned = tree.made("Transpose", (1, HEADS, 3, QUERIES), "k", perm=[0, 1, 3, 2])
    scores = tree.made("MatMul", (1, HEADS, QUERIES, QUERIES), "q", turned)
    before = tree.constant(np.tri(QUERIES, dtype=np.bool_))
    tree.tensors[before] = "bool", (QUERIES, QUERIES)
    there = tree.node("Cast", "bool", "mask", to=TYPES["bool"])
    both = tree.node("And", "bool", before, there)
    return tree.node("Where", "float", both, scores, tree.number(low))


@pytest.mark.parametrize(
    ("after", "mask"),
    [
        ((), Mask(causal=True, applied=False)),
        (("Max", -1e9), Mask(causal=True, applied=False)),
        (("Max", 0.0), None),
        (("Add", 6000.0), None),
        (("Mul", 0.0), None),
    ],
)
def test_what_a_later_node_shows_again_is_not_hidden(
    after: tuple[str, float] | tuple[()], mask: Mask | None, tmp_path: Path
) -> None:
    tree = Tree(np.random.default_rng(0))
    scores = causal_with_padding(tree, -1e4)
    if after:
        operator, number = after
        array = np.full((1, QUERIES) if operator == "Mul" else (), number)
        scores = tree.node(operator, "float", scores, tree.array(array))
    shares = tree.node("Softmax", "float", scores, axis=-1)
    onnx.save(tree.model(tree.made("MatMul", (1, HEADS, QUERIES, 3), shares, "k")), str(tmp_path / "mask.onnx"))
    product = next(node for node in load_onnx(tmp_path / "mask.onnx", {}).nodes if isinstance(node, Contraction))
    assert product.mask == mask


def test_a_number_put_in_by_a_mask_that_comes_in_may_show_what_a_constant_hides(tmp_path: Path) -> None:
    """As 0 is no low score; with a low one, the mask of constants is the product's."""
    for low, mask in ((0.0, None), (-1e9, Mask(causal=True))):
        tree = Tree(np.random.default_rng(0))
        tree.input("q", (1, HEADS, QUERIES, 3))
        tree.input("k", (1, HEADS, QUERIES, 3))
        tree.inputs["mask"] = tree.tensors["mask"] = "bool", (1, 1, 1, QUERIES)
        turned = tree.made("Transpose", (1, HEADS, 3, QUERIES), "k", perm=[0, 1, 3, 2])
        scores = tree.made("MatMul", (1, HEADS, QUERIES, QUERIES), "q", turned)
        scores = tree.node("Add", "float", scores, tree.array(np.triu(np.full((QUERIES, QUERIES), -1e9), 1)))
        scores = tree.node("Where", "float", "mask", scores, tree.number(low))
        shares = tree.node("Softmax", "float", scores, axis=-1)
        onnx.save(tree.model(tree.made("MatMul", (1, HEADS, QUERIES, 3), shares, "k")), str(tmp_path / "mask.onnx"))
        product = next(node for node in load_onnx(tmp_path / "mask.onnx", {}).nodes if isinstance(node, Contraction))
        assert product.mask == mask


def ends(name: str, *operands: tuple[float, float]) -> tuple[float, float]:
    """By interval arithmetic on single floats."""
    first, second = ((np.asarray(least, np.float32), np.asarray(most, np.float32)) for least, most in operands)
    with np.errstate(all="ignore"):
        limits = typed(PAIRS[name](first, second), TensorProto.FLOAT)
    assert limits is not None
    return float(limits[0]), float(limits[1])


def test_sums_and_products_of_bounds_by_hand() -> None:
    assert ends("Add", (-3, 1), (10, 20)) == (7, 21)
    assert ends("Sub", (-3, 1), (10, 20)) == (-23, -9)
    assert ends("Mul", (-3, 1), (10, 20)) == (-60, 20)
    assert ends("Min", (-3, 1), (-5, 0)) == (-5, 0)
    assert ends("Max", (-3, 1), (-5, 0)) == (-3, 1)
    assert ends("Add", (-np.inf, 0), (LOWEST, 5)) == (-np.inf, 5)


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("Add", (-np.inf, 0), (0, np.inf)),
        ("Sub", (0, np.inf), (0, np.inf)),
        ("Mul", (0, 1), (1, np.inf)),
        ("Mul", (-1, 1), (2, np.inf)),
        ("Add", (np.nan, np.nan), (-np.inf, -np.inf)),
    ],
)
def test_nothing_is_known_of_what_may_be_no_number(
    name: str, first: tuple[float, float], second: tuple[float, float]
) -> None:
    """Infinity less infinity, and 0 times infinity, are not between any two numbers."""
    assert np.isnan(ends(name, first, second)).all()
