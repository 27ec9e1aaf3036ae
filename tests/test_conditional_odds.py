"""The odds ratio given the margins, against scipy's slower route and from its definition."""

from __future__ import annotations

from math import comb, inf

import pytest

from transforms.conditional_odds import conditional_odds

TABLES = [(3, 3, 1, 4), (10, 2, 1, 14), (1, 9, 8, 2), (40, 60, 25, 75), (2, 1, 1, 2)]


@pytest.mark.parametrize("cells", TABLES)
def test_estimate_and_limits_are_scipys(cells: tuple[int, int, int, int]):
    from scipy.stats.contingency import odds_ratio

    expected = odds_ratio([cells[:2], cells[2:]], kind="conditional")
    interval = expected.confidence_interval(0.95)
    ours = conditional_odds(*cells, 0.95)
    assert (ours.odds_ratio, ours.lower, ours.upper) == pytest.approx((expected.statistic, interval.low, interval.high))


@pytest.mark.parametrize("cells", TABLES)
def test_the_estimate_makes_the_table_seen_the_one_expected(cells: tuple[int, int, int, int]):
    a, b, c, d = cells
    psi = conditional_odds(*cells, 0.95).odds_ratio
    weights = {k: comb(a + b, k) * comb(c + d, a + c - k) * psi**k for k in range(max(0, a - d), min(a + b, a + c) + 1)}
    assert sum(k * weight for k, weight in weights.items()) / sum(weights.values()) == pytest.approx(a)


@pytest.mark.parametrize(("cells", "estimate"), [((4, 0, 1, 3), inf), ((0, 4, 3, 1), 0.0)])
def test_an_empty_cell_leaves_one_end_open(cells: tuple[int, int, int, int], estimate: float):
    ours = conditional_odds(*cells, 0.95)
    assert ours.odds_ratio == estimate
    assert (ours.upper if estimate else ours.lower) == estimate
    assert 0 < (ours.lower if estimate else ours.upper) < inf


def test_thousands_of_subjects_are_no_trouble():
    ours = conditional_odds(2000, 1300, 2000, 4700, 0.95)
    # Woolf's interval on the log scale is as good as exact at this size.
    assert (ours.odds_ratio, ours.lower, ours.upper) == pytest.approx((3.6154, 3.311, 3.948), rel=1e-3)
