"""Searchers on problems whose answers are known."""

from __future__ import annotations

from math import inf, log

import numpy as np
import pytest

from archsim.bits.cost import smooth_amount
from archsim.bits.episode import action_of, bits_of, environment, states
from archsim.bits.problem import Choice, Cost, Problem, Quality
from archsim.bits.search import SEARCHERS, search
from archsim.bits.trials import SpentError, Trials
from archsim.errors import ArchsimError, UsageError
from tests.bits.made_up import SHAPES, problem, works

QUICK = ("greedy", "annealing", "random")


def test_costs_by_hand() -> None:
    """300 columns take 2 blocks, 576 rows 3: 6 tiles a bit; 1,152 rows 5. All: 6 + 1 + 5 + 1 = 13, at 8 bits 104.

    Without copies: 8 x (100 x 29 + 400 x 16 + 25 x 29 + 29) = 80,432 cycles, which are the base.
    """
    found = problem()
    assert [work.tiles for work in works(((8, 8),) * 4)] == [48, 8, 40, 8]
    assert found.base == 80_432
    assert found.cost(((8, 8),) * 4) == Cost(80_432, 104, smooth_amount(works(((8, 8),) * 4), 104, "latency"))
    assert found.gain(found.cost(((8, 4),) * 4)) == 2.0


def test_smooth_costs_by_hand() -> None:
    """All 104 tiles are taken by 8 bits: one copy each, 80,432 cycles; 51,200 of them of the slowest, 400 x 16 x 8.

    One bit less of its inputs saves 6,400 and frees no tile; one bit less of the first's weights frees 6 tiles, with
    which copies in fractions save something at once. Twice the tiles make less than half of the longest time.
    """
    eight = works(((8, 8),) * 4)
    assert smooth_amount(eight, 104, "latency") == pytest.approx(80_432)
    assert smooth_amount(works(((8, 8), (8, 7), (8, 8), (8, 8))), 104, "latency") == pytest.approx(80_432 - 6_400)
    assert smooth_amount(works(((7, 8), (8, 8), (8, 8), (8, 8))), 104, "latency") < 80_432
    assert 51_200 < smooth_amount(eight, 104, "throughput") < 51_200 * 1.01
    assert smooth_amount(eight, 208, "throughput") < 51_200 / 2
    assert smooth_amount(eight, 208, "energy") == 0


def test_a_score_is_the_logarithm_of_the_gain_less_what_is_lost() -> None:
    """Twice as fast; 3 % lost are 2 % too much: ln 2 - 2."""
    found = problem()
    cost = Cost(found.base / 2, 1, 1)
    assert found.score(cost, Quality(0.9, 0, lost=0.01)) == pytest.approx(log(2))
    assert found.score(cost, Quality(0.9, 0, lost=0.03)) == pytest.approx(log(2) - 2)


def test_weights_that_do_not_fit_have_fewer_bits_from_the_last() -> None:
    """104 tiles on 100: the last projection gives 1, the one before it 5, with which 98 are left."""
    found = problem(tiles=100)
    assert found.cost(((8, 8),) * 4).time == inf
    assert found.fitting(((8, 8),) * 4) == ((8, 8), (8, 8), (7, 8), (7, 8))
    with pytest.raises(ArchsimError, match="take 26 tiles with the fewest bits"):
        Trials(problem(tiles=25), 5)(((8, 8),) * 4)


def test_where_fewer_bits_take_more_tiles_there_are_no_fewer() -> None:
    """3 tiles for 2 bits, 1 else, on 2: not fit to be made smaller, as bad as if all were lost, and not counted."""
    found = problem()
    odd = type(found)(
        keys=("0",),
        cost=lambda choice: Cost(
            inf if choice[0][0] == 2 else choice[0][1], 3 if choice[0][0] == 2 else 1, sum(choice[0])
        ),
        quality=lambda choice: Quality(1.0, 4.0 ** -sum(choice[0]), 0.0),
        allowed=0.01,
        base=4.0,
        features=found.features[:1],
        choices=(2, 3, 4),
    )
    assert odd.fitting(((3, 4),)) == ((3, 4),)
    trials = Trials(odd, 3)
    trials(((4, 4),))
    unfit = trials(((2, 2),))
    assert (unfit.allowed, unfit.choice, trials.left) == (False, ((2, 2),), 2)
    for name in QUICK:
        assert search(odd, name, 9, seed=0).best.choice[0] in ((3, 2), (4, 2)), name


def test_only_what_was_not_seen_counts() -> None:
    trials = Trials(problem(), 2)
    eight, seven = trials.problem.uniform(8), trials.problem.uniform(7)
    assert trials(eight) is trials(eight)
    trials(seven)
    assert trials.left == 0
    assert trials(eight).choice == eight
    with pytest.raises(SpentError):
        trials(trials.problem.uniform(6))
    assert len(trials.history) == 2


@pytest.mark.parametrize("name", QUICK)
def test_a_search_measures_as_often_as_it_may_and_is_the_same_again(name: str) -> None:
    first, again = (search(problem(), name, 40, seed=3) for _ in range(2))
    assert len(first.history) == 40 or (name == "greedy" and len(first.history) < 40)  # it may come to its end
    assert first == again
    assert first.best.allowed
    best = max(trial.score for trial in first.history if trial.allowed)
    assert first.best.score == best


def test_a_greedy_search_that_was_cut_short_says_so() -> None:
    assert search(problem(), "greedy", 6, seed=0).cut
    assert not search(problem(), "greedy", 200, seed=0).cut
    assert not search(problem(), "annealing", 6, seed=0).cut


@pytest.mark.parametrize("name", ["greedy", "annealing", "tpe"])
def test_a_search_is_better_than_chance(name: str) -> None:
    found = problem()
    gains = [found.gain(search(found, each, 120, seed=0).best.cost) for each in (name, "random")]
    assert gains[0] > 1.2 * gains[1]


def test_greedy_finds_the_best_where_projections_do_not_hang_together() -> None:
    """All 3 numbers of bits of two projections, 81 choices: the best of them by trying all."""
    found = problem()
    small = type(found)(
        keys=("0", "1"),
        cost=lambda choice: Cost(
            time := sum(n * inputs for n, (_, inputs) in zip((3, 1), choice, strict=True)), 1, time
        ),
        quality=lambda choice: Quality(1.0, 0.0, sum(4 - inputs for _, inputs in choice)),
        allowed=3,
        base=16.0,
        features=found.features[:2],
        choices=(2, 3, 4),
    )
    pairs = [(a, b) for a in small.choices for b in small.choices]
    every = [(a, b) for a in pairs for b in pairs if small.quality((a, b)).lost <= 3]
    best = min(small.cost(choice).time for choice in every)
    assert best == 9  # inputs of 2 and 3 bits: 3 x 2 + 3
    assert search(small, "greedy", 60, seed=0).best.cost.time == best


@pytest.mark.parametrize("seed", range(3))
def test_greedy_is_near_the_optimum_of_many_unlike_projections(seed: int) -> None:
    """24 places whose harm differs a thousandfold, 7 numbers of bits each; the optimum by an integer program."""
    milp = pytest.importorskip("scipy.optimize", reason="needs the extra scipy")
    rng = np.random.default_rng(seed)
    projections, choices = 12, (2, 3, 4, 5, 6, 7, 8)
    worths, times = 10 ** rng.uniform(-2, 1, 2 * projections), rng.integers(1, 100, 2 * projections)
    harms = worths[:, None] / 4.0 ** np.array(choices)
    spent = times[:, None] * np.array(choices)

    def cost(choice: Choice) -> Cost:
        time = int((times * np.ravel(choice)).sum())
        return Cost(time, 1, time)

    def quality(choice: Choice) -> Quality:
        lost = float((worths / 4.0 ** np.ravel(choice)).sum())
        return Quality(1.0, lost, lost)

    keys = tuple(str(at) for at in range(projections))
    features = np.zeros((projections, 1), np.float32)
    many = Problem(keys, cost, quality, 0.05, float(8 * times.sum()), features, choices)
    one = np.kron(np.eye(2 * projections), np.ones(len(choices)))
    limits = [milp.LinearConstraint(one, 1, 1), milp.LinearConstraint(harms.reshape(1, -1), -np.inf, 0.05)]
    best = milp.milp(spent.ravel(), constraints=limits, integrality=np.ones(spent.size), bounds=milp.Bounds(0, 1))
    found = search(many, "greedy", 150, seed=0).best
    assert found.allowed
    assert best.fun <= found.cost.time <= 1.01 * best.fun


def test_greedy_gives_bits_that_take_no_time() -> None:
    """The slowest counts: 3 cycles a bit of the first's inputs, 1 of the second's; weights take none.

    With 2 bits of the first's inputs, 6 cycles, all others may have their 4.
    """
    found = problem()
    slowest = type(found)(
        keys=("0", "1"),
        cost=lambda choice: Cost(time := max(3 * choice[0][1], choice[1][1]), 1, time + sum(map(sum, choice)) / 100),
        quality=lambda choice: Quality(1.0, lost := sum(4.0**-bits for pair in choice for bits in pair), lost),
        allowed=0.1,
        base=12.0,
        features=found.features[:2],
        choices=(2, 3, 4),
    )
    assert search(slowest, "greedy", 60, seed=0).best.choice == ((4, 2), (4, 4))


def test_actions_and_bits_are_each_others_inverse() -> None:
    found = problem()
    assert [bits_of(found, action_of(found, bits)) for bits in found.choices] == list(found.choices)
    assert (bits_of(found, -1.0), bits_of(found, 1.0)) == (2, 8)
    seen, actions = states(found, ((8, 2),) * len(SHAPES))
    assert (seen.shape, actions.shape) == ((8, 6), (8, 1))
    assert seen[:3, 4].tolist() == [0, 1, 0]  # weights, inputs, weights
    assert seen[2, 5] == pytest.approx((actions[1, 0] + 1) / 2)


def test_an_episode_is_a_walk_over_all_projections_and_its_score() -> None:
    checks = pytest.importorskip("gymnasium.utils.env_checker", reason="needs the extra rl")
    trials = Trials(problem(), 100)
    episode = environment(trials)
    checks.check_env(episode, skip_render_check=True)
    episode.reset()
    steps = [episode.step(np.array([1.0], np.float32)) for _ in range(8)]
    assert [done for _, _, done, _, _ in steps] == [False] * 7 + [True]
    assert [reward for _, reward, _, _, _ in steps[:7]] == [0.0] * 7
    assert steps[-1][1] == trials(trials.problem.uniform(8)).score == 0.0


def test_reinforcement_learning_is_the_same_again() -> None:
    pytest.importorskip("stable_baselines3", reason="needs the extra rl")
    first, again = (search(problem(), "rl", 30, seed=1) for _ in range(2))
    assert len(first.history) == 30
    assert first == again
    assert first.best.allowed


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gymnasium", None)
    with pytest.raises(UsageError, match=r"needs Gymnasium: pip install 'archsim\[rl\]'"):
        search(problem(), "rl", 10, seed=0)
    assert set(SEARCHERS) == {"greedy", "annealing", "tpe", "random", "rl"}
