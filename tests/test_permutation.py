"""Permutation tests against full enumeration, the log-rank test, and R."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import combinations, permutations
from math import factorial, inf, sqrt
from statistics import correlation, mean

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.drawing import SHARED, needs_shared
from transforms import permutation as module
from transforms.permutation import logrank_permutation, logrank_scores, score_permutation, spearman_permutation

LAWS = settings(max_examples=50, deadline=None)
SUBJECT = st.tuples(st.integers(1, 9), st.booleans(), st.booleans(), st.integers(0, 3))
FEW = st.lists(SUBJECT, min_size=1, max_size=7)
MANY = st.lists(SUBJECT, min_size=1, max_size=24)
Subjects = list[tuple[int, bool, bool, int]]


def columns(subjects: Subjects) -> tuple[list[int], list[bool], list[bool], list[int]]:
    time, event, exposed, number = map(list, zip(*subjects, strict=True))
    return time, event, exposed, number


def excess(time: list[int], event: list[bool], exposure: list[float]) -> float:
    """Cox score at no effect, by its definition: at each event, the exposure less its mean among those at risk."""
    at_events = ((x, t) for x, t, e in zip(exposure, time, event, strict=True) if e)
    return sum(x - mean(other for other, s in zip(exposure, time, strict=True) if s >= t) for x, t in at_events)


@given(subjects=MANY)
@LAWS
def test_scores_add_up_to_observed_minus_expected_events(subjects: Subjects):
    time, event, exposed, number = columns(subjects)
    scores = logrank_scores(time, event)
    assert sum(scores) == pytest.approx(0, abs=1e-9)
    for exposure in (exposed, number):
        given_ = list(map(float, exposure))
        assert sum(x * score for x, score in zip(given_, scores, strict=True)) == pytest.approx(
            excess(time, event, given_), abs=1e-9
        )


@given(subjects=FEW)
@LAWS
def test_the_log_ranks_p_is_that_of_every_division_ties_included(subjects: Subjects):
    time, event, exposed, _ = columns(subjects)
    ours, n = logrank_permutation(time, event, exposed), len(subjects)
    if ours is None:
        return
    observed = excess(time, event, list(map(float, exposed)))
    divisions = [
        excess(time, event, [float(i in chosen) for i in range(n)]) for chosen in combinations(range(n), sum(exposed))
    ]
    as_far = mean(abs(each) >= abs(observed) - 1e-9 for each in divisions)
    assert (ours.statistic, ours.p_value) == pytest.approx((observed, as_far), abs=1e-9)
    assert (ours.n_permutations, ours.seed) == (None, None)


@given(subjects=FEW)
@settings(max_examples=20, deadline=None)
def test_the_score_tests_p_is_that_of_every_permutation_of_a_numeric_exposure(subjects: Subjects):
    time, event, _, number = columns(subjects)
    ours = score_permutation(time, event, number)
    if ours is None:
        return
    observed = excess(time, event, list(map(float, number)))
    scores = logrank_scores(time, event).tolist()
    drawn = [sum(map(float.__mul__, map(float, order), scores)) for order in permutations(number)]
    assert ours.p_value == pytest.approx(mean(abs(each) >= abs(observed) - 1e-9 for each in drawn), abs=1e-9)
    assert ours.n_permutations is None


def test_by_hand_three_exposed_who_die_first():
    # Deaths at 1 to 6, exposed the first three. Scores 1 - (1/6), 1 - (1/6 + 1/5), ... The division seen and its
    # mirror lie furthest out; their sums differ, and only the one seen is as far as itself.
    ours = logrank_permutation([1, 2, 3, 4, 5, 6], [True] * 6, [True] * 3 + [False] * 3)
    hazards = [1 / 6, 1 / 6 + 1 / 5, 1 / 6 + 1 / 5 + 1 / 4]
    assert ours.statistic == pytest.approx(3 - sum(hazards))
    assert ours.p_value == pytest.approx(2 / 20)  # the last three have minus this sum, as scores add up to 0


@given(subjects=MANY, seed=st.integers())
@LAWS
def test_the_order_of_subjects_and_which_group_is_called_exposed_change_no_p(subjects: Subjects, seed: int):
    shuffled = random.Random(seed).sample(subjects, k=len(subjects))
    (t, e, x, z), (t2, e2, x2, z2) = columns(subjects), columns(shuffled)
    turned = [not one for one in x]
    for first, second in (
        (logrank_permutation(t, e, x), logrank_permutation(t2, e2, x2)),
        (logrank_permutation(t, e, x), logrank_permutation(t, e, turned)),
        (score_permutation(t, e, z, n_permutations=99), score_permutation(t2, e2, z2, n_permutations=99)),
        (spearman_permutation(t, z, n_permutations=99), spearman_permutation(t2, z2, n_permutations=99)),
    ):
        assert (first and first.p_value) == pytest.approx(second and second.p_value, abs=1e-12)


def test_a_number_with_two_values_is_a_group():
    time, event, exposed = [3, 1, 4, 1, 5, 9, 2, 6], [True, True, False, True, True, True, False, True], [0, 1] * 4
    binary = logrank_permutation(time, event, [bool(x) for x in exposed])
    assert score_permutation(time, event, [10.0 + 4 * x for x in exposed]).p_value == pytest.approx(binary.p_value)


def test_random_permutations_come_near_the_exact_p_and_state_their_seed(monkeypatch: pytest.MonkeyPatch):
    draw = random.Random(2)
    time = [draw.expovariate(1) for _ in range(20)]
    exposed = [t < 0.5 or draw.random() < 0.3 for t in time]
    exact = logrank_permutation(time, [True] * 20, exposed).p_value
    monkeypatch.setattr(module, "MOST_DIVIDED", 0)
    drawn = logrank_permutation(time, [True] * 20, exposed, n_permutations=20_000, seed=5)
    assert (drawn.n_permutations, drawn.seed) == (20_000, 5)
    assert drawn.p_value == pytest.approx(exact, abs=4 * sqrt(exact * (1 - exact) / 20_000))
    assert drawn == logrank_permutation(time, [True] * 20, exposed, n_permutations=20_000, seed=5)


def test_the_division_seen_counts_among_random_ones_so_that_p_is_never_0():
    time = list(range(60))
    ours = logrank_permutation(time, [True] * 60, [t < 30 for t in time], n_permutations=999)
    assert ours.p_value == 1 / 1000


def test_thirty_six_subjects_need_no_random_numbers():
    time = list(range(36))
    ours = logrank_permutation(time, [True] * 36, [t < 18 for t in time])
    # No other sum of 18 scores is as large as that of the 18 who die first, and its complement has minus this sum.
    assert ours.p_value == pytest.approx(2 / (factorial(36) / factorial(18) ** 2), rel=1e-6)


@needs_shared
def test_spearmans_rho_and_exact_p_are_rs_and_its_random_p_comes_near_rs():
    rows = {row["test"]: row for row in pl.read_csv(SHARED / "reference" / "exact" / "R_exact_tests.csv").to_dicts()}
    exact, drawn = rows["spearman_exact"], rows["spearman_perm_MC1e6_ties(coin)"]
    ours = spearman_permutation(*numbers(exact))
    assert (ours.statistic, ours.p_value) == pytest.approx((float(exact["statistic"]), float(exact["p"])), abs=1e-9)
    ours = spearman_permutation(*numbers(drawn), n_permutations=200_000)
    assert ours.statistic * sqrt(9) == pytest.approx(float(drawn["statistic"]), abs=1e-9)
    assert ours.p_value == pytest.approx(float(drawn["p"]), abs=5 * sqrt(0.0002 / 200_000))


def numbers(row: dict[str, object]) -> list[list[float]]:
    return [[float(v) for v in part.split("=")[1].split()] for part in str(row["data"]).split(";")]


@given(pairs=st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=3, max_size=30))
@LAWS
def test_rho_is_the_correlation_of_midranks_and_keeps_on_a_monotone_scale(pairs: list[tuple[int, int]]):
    x, y = map(list, zip(*pairs, strict=True))
    ours = spearman_permutation(x, y, n_permutations=99)
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert ours is None
        return
    assert ours.statistic == pytest.approx(correlation(midranks(x), midranks(y)))
    assert spearman_permutation([v**3 for v in x], y, n_permutations=99) == ours


def midranks(values: list[int]) -> list[float]:
    ordered = sorted(values)
    return [mean(i + 1 for i, other in enumerate(ordered) if other == value) for value in values]


def test_numbers_below_a_limit_share_the_lowest_rank():
    assert spearman_permutation([-inf, -inf, 2.0], [1, 2, 3]) == spearman_permutation([0, 0, 1], [1, 2, 3])


def test_an_infinite_exposure_has_no_score():
    with pytest.raises(ValueError, match="no finite number"):
        score_permutation([1, 2], [True, True], [-inf, 1.0])


@pytest.mark.parametrize(
    ("test", "arguments"),
    [
        (logrank_permutation, ([1, 2, 3], [True] * 3, [True] * 3)),
        (logrank_permutation, ([1, 2, 3], [False] * 3, [True, False, False])),
        (logrank_permutation, ([4, 4, 4], [True] * 3, [True, False, False])),
        (logrank_permutation, ([], [], [])),
        (score_permutation, ([1, 2], [True] * 2, [5.0, 5.0])),
        (spearman_permutation, ([1, 1], [1, 2])),
        (spearman_permutation, ([], [])),
    ],
    ids=["one group", "no events", "all die together", "nobody", "equal exposures", "equal numbers", "no numbers"],
)
def test_where_nothing_varies_there_is_no_test(test: Callable[..., object], arguments: tuple[list[object], ...]):
    assert test(*arguments) is None
