"""Jonckheere-Terpstra against full enumeration, Wilcoxon's test, and what may not change it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from itertools import combinations, permutations
from math import comb, factorial, inf, sqrt

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.drawing import SHARED, needs_shared
from transforms import jonckheere as module
from transforms.exact import wilcoxon
from transforms.jonckheere import jonckheere

LAWS = settings(max_examples=50, deadline=None)
ENUMERATED = SHARED / "reference" / "exact" / "jonckheere_exact_bruteforce.csv"
FEW_TIED = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=3), min_size=2, max_size=4)
MORE_TIED = st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=7), min_size=2, max_size=4)


def count(groups: list[list[float]]) -> float:
    """J by its definition: pairs in which the later group has the larger number, ties one half."""
    pairs = ((a, b) for lower, upper in combinations(groups, 2) for a in lower for b in upper)
    return sum(1.0 if a < b else 0.5 if a == b else 0.0 for a, b in pairs)


def regroupings(groups: list[list[float]]) -> Iterator[list[list[float]]]:
    """Every order of the pooled numbers, cut into groups of the same sizes."""
    for order in permutations([value for group in groups for value in group]):
        rest = iter(order)
        yield [[next(rest) for _ in group] for group in groups]


def by_enumeration(groups: list[list[float]]) -> float:
    mean = sum(len(a) * len(b) for a, b in combinations(groups, 2)) / 2
    observed = abs(count(groups) - mean)
    as_far = sum(abs(count(each) - mean) >= observed for each in regroupings(groups))
    return as_far / factorial(sum(map(len, groups)))


@needs_shared
@pytest.mark.parametrize("row", pl.read_csv(ENUMERATED).to_dicts() if ENUMERATED.is_file() else [])
def test_the_trend_test_is_that_of_full_enumeration_made_elsewhere(row: dict[str, object]):
    ours = jonckheere(json.loads(str(row["groups"])))
    assert (ours.statistic, ours.mean) == (row["J"], row["mean"])
    assert ours.p_value == pytest.approx(row["p_two_sided"], abs=1e-9)
    assert (ours.n_permutations, ours.seed) == (None, None)


@given(groups=FEW_TIED.filter(lambda groups: sum(map(len, groups)) <= 7))
@settings(max_examples=25, deadline=None)
def test_p_is_that_of_every_regrouping_whatever_the_ties(groups: list[list[int]]):
    ours = jonckheere(groups)
    if ours is None:
        assert len({value for group in groups for value in group}) == 1
    else:
        assert ours.p_value == pytest.approx(by_enumeration(groups), abs=1e-12)


@given(groups=MORE_TIED)
@LAWS
def test_the_statistic_counts_concordant_pairs_and_concordance_is_their_share(groups: list[list[int]]):
    ours = jonckheere(groups)
    if ours is not None:
        n_pairs = sum(len(a) * len(b) for a, b in combinations(groups, 2))
        assert (ours.statistic, ours.mean) == (count(groups), n_pairs / 2)
        assert ours.concordance == pytest.approx(count(groups) / n_pairs)


@given(x=st.lists(st.integers(0, 6), min_size=1, max_size=12), y=st.lists(st.integers(0, 6), min_size=1, max_size=12))
@LAWS
def test_of_two_groups_it_is_wilcoxons_test(x: list[int], y: list[int]):
    ours, other = jonckheere([x, y]), wilcoxon(x, y)
    assert (ours is None) == (other is None)
    if ours is not None:
        assert ours.p_value == pytest.approx(other.p_value, abs=1e-12)


@given(groups=MORE_TIED, seed=st.integers())
@LAWS
def test_neither_the_order_of_subjects_nor_a_monotone_scale_nor_the_direction_changes_p(
    groups: list[list[int]], seed: int
):
    ours = jonckheere(groups)
    shuffled = [random.Random(seed).sample(group, k=len(group)) for group in groups]
    stretched = jonckheere([[float(value) ** 3 - 5 for value in group] for group in shuffled])
    assert stretched == ours
    turned = jonckheere(groups[::-1])
    assert (turned is None) == (ours is None)
    if ours is not None:
        assert turned.p_value == pytest.approx(ours.p_value, abs=1e-12)
        assert turned.concordance == pytest.approx(1 - ours.concordance)


def test_a_trend_through_every_subject_has_the_two_extreme_assignments():
    # 3, 3, 3 and 3: 12! / 3!^4 assignments, of which the ascending and the descending one lie as far out.
    ours = jonckheere([[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]])
    assert ours.p_value == pytest.approx(2 * factorial(3) ** 4 / factorial(12), rel=1e-9)


def test_a_yes_or_no_of_two_hundred_subjects_stays_exact():
    # All with it in the upper of two groups: this and its mirror, of C(200, 100).
    ours = jonckheere([[0] * 100, [1] * 100])
    assert ours.n_permutations is None
    assert ours.p_value == pytest.approx(2 / comb(200, 100), rel=1e-9)


def test_forty_tied_numbers_in_four_groups_are_exact():
    ours = jonckheere([[value % 8 for value in range(10 * k, 10 * k + 10)] for k in range(4)])
    assert ours.n_permutations is None


def test_what_is_too_large_to_count_is_permuted_with_a_stated_seed_whatever_the_order_of_subjects():
    draw = random.Random(3)
    numbers = [draw.randint(0, 30) for _ in range(120)]
    groups = [numbers[:30], numbers[30:60], numbers[60:90], numbers[90:]]
    ours = jonckheere(groups, n_permutations=999, seed=7)
    assert (ours.n_permutations, ours.seed) == (999, 7)
    assert jonckheere([group[::-1] for group in groups], n_permutations=999, seed=7) == ours


def test_random_permutations_come_near_the_exact_p(monkeypatch: pytest.MonkeyPatch):
    groups = [[0, 1, 1, 2, 4], [1, 3, 3], [2, 2, 5, 6], [0, 5, 6, 7]]
    exact = jonckheere(groups).p_value
    monkeypatch.setattr(module, "_MOST_COST", 0)
    drawn = jonckheere(groups, n_permutations=20_000)
    assert drawn.p_value == pytest.approx(exact, abs=4 * sqrt(exact * (1 - exact) / 20_000))


def test_censored_numbers_share_the_lowest_place():
    assert jonckheere([[-inf, -inf, 3.0], [1.0, 4.0]]) == jonckheere([[0, 0, 2], [1, 3]])


def test_empty_groups_are_passed_over():
    assert jonckheere([[1, 2], [], [3]]) == jonckheere([[1, 2], [3]])


@pytest.mark.parametrize("groups", [[], [[1.0, 2.0]], [[1.0], []], [[2.0, 2.0], [2.0]]])
def test_one_group_or_equal_numbers_have_no_trend(groups: list[list[float]]):
    assert jonckheere(groups) is None
