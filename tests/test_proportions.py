"""Wilson's limits and MOVER, held to Newcombe's published intervals and to what any interval must do."""

from __future__ import annotations

from math import sqrt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.proportions import mover_distances, wilson_limits

Z = 1.959963984540054


def limits(*terms: tuple[float, int, int]) -> tuple[float, float, float]:
    """The weighted sum of proportions and its limits, from (weight, count, n)."""
    frame = pl.DataFrame(terms, schema={"weight": pl.Float64, "count": pl.Float64, "n": pl.Float64}, orient="row")
    proportion = pl.col("count") / pl.col("n")
    below, above = mover_distances(pl.col("weight"), proportion, pl.col("n"))
    total, down, up = frame.select((pl.col("weight") * proportion).sum(), below.alias("b"), above.alias("a")).row(0)
    return total, total - down, total + up


def wilson(count: int, n: int) -> tuple[float, float]:
    lower, upper = wilson_limits(pl.lit(count / n), pl.lit(float(n)))
    return pl.select(lower.alias("lower"), upper.alias("upper")).row(0)


# Newcombe, Stat Med 1998;17:857, table I, method 3.
@pytest.mark.parametrize(
    ("count", "n", "ends"),
    [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0.0, 0.1611)), (1, 29, (0.0061, 0.1718))],
)
def test_wilsons_limits_are_those_published(count, n, ends):
    assert wilson(count, n) == pytest.approx(ends, abs=5e-5)


# Newcombe, Stat Med 1998;17:873, table II, method 10.
@pytest.mark.parametrize(
    ("first", "second", "ends"),
    [
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((6, 7), (2, 7), (0.0582, 0.8062)),
        ((5, 56), (0, 29), (-0.0381, 0.1926)),
        ((0, 10), (0, 20), (-0.1611, 0.2775)),
        ((0, 10), (0, 10), (-0.2775, 0.2775)),
        ((10, 10), (0, 20), (0.6791, 1.0000)),
        ((10, 10), (0, 10), (0.6075, 1.0000)),
    ],
)
def test_a_difference_of_two_has_newcombes_limits(first, second, ends):
    assert limits((1, *first), (-1, *second))[1:] == pytest.approx(ends, abs=5e-5)


def test_a_sum_over_a_shared_control_by_hand():
    # 30 and 50 in 1000 against one control of 10 in 1000, subtracted twice.
    (low_1, high_1), (low_2, high_2), (low_u, high_u) = wilson(30, 1000), wilson(50, 1000), wilson(10, 1000)
    total, lower, upper = limits((1, 30, 1000), (1, 50, 1000), (-2, 10, 1000))
    assert total == pytest.approx(0.06)
    below = sqrt((0.03 - low_1) ** 2 + (0.05 - low_2) ** 2 + (2 * (high_u - 0.01)) ** 2)
    above = sqrt((high_1 - 0.03) ** 2 + (high_2 - 0.05) ** 2 + (2 * (0.01 - low_u)) ** 2)
    assert (lower, upper) == (pytest.approx(0.06 - below), pytest.approx(0.06 + above))


def test_without_a_number_of_cells_there_is_no_interval():
    frame = pl.DataFrame({"weight": [1.0, -1.0], "p": [0.5, 0.1], "n": [10.0, None]})
    below, above = mover_distances(pl.col("weight"), pl.col("p"), pl.col("n"))
    assert frame.select(below.alias("below"), above.alias("above")).row(0) == (None, None)


COUNTS = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
TERMS = st.lists(st.tuples(st.sampled_from([-3.0, -1.0, 1.0]), COUNTS), min_size=1, max_size=5)


def told(drawn: list[tuple[float, tuple[int, int]]]) -> list[tuple[float, int, int]]:
    return [(weight, *counts) for weight, counts in drawn]


@given(COUNTS)
def test_wilsons_limits_hold_the_proportion_and_solve_the_score_equation(counts):
    count, n = counts
    for end in wilson(count, n):
        assert 0 <= end <= 1
        assert abs(count / n - end) == pytest.approx(Z * sqrt(end * (1 - end) / n), abs=1e-7)
    assert wilson(count, n)[0] <= count / n <= wilson(count, n)[1]


@given(TERMS)
def test_the_interval_holds_the_sum(drawn):
    total, lower, upper = limits(*told(drawn))
    assert lower <= total <= upper


@given(TERMS)
def test_the_sum_with_its_signs_turned_has_the_mirrored_interval(drawn):
    total, lower, upper = limits(*told(drawn))
    turned = limits(*((-weight, count, n) for weight, count, n in told(drawn)))
    assert turned == pytest.approx((-total, -upper, -lower), abs=1e-12)


@given(COUNTS, COUNTS)
def test_counting_those_without_it_mirrors_a_difference(first, second):
    _, lower, upper = limits((1, *first), (-1, *second))
    others = [(n - count, n) for count, n in (first, second)]
    assert limits((1, *others[0]), (-1, *others[1]))[1:] == pytest.approx((-upper, -lower), abs=1e-12)


@given(COUNTS, COUNTS, COUNTS)
def test_a_control_shared_by_two_widens_the_interval_beyond_that_of_two_controls(first, second, control):
    _, lower, upper = limits((1, *first), (1, *second), (-2, *control))
    _, apart_lower, apart_upper = limits((1, *first), (1, *second), (-1, *control), (-1, *control))
    assert lower <= apart_lower + 1e-12 and apart_upper <= upper + 1e-12


@given(TERMS, st.integers(2, 5))
def test_more_cells_of_the_same_shares_narrow_the_interval(drawn, times):
    _, lower, upper = limits(*told(drawn))
    _, more_lower, more_upper = limits(*((weight, times * c, times * n) for weight, c, n in told(drawn)))
    assert more_upper - more_lower < upper - lower
