"""Exact tests against R's, against their own definitions, and against full enumeration."""

from __future__ import annotations

from itertools import combinations
from math import comb, inf
from statistics import mean, median

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.drawing import SHARED, needs_shared, table
from transforms.exact import clopper_pearson, fisher, hodges_lehmann, wilcoxon

LAWS = settings(max_examples=60, deadline=None)
EXACT = SHARED / "reference" / "exact"
FEW_TIED = st.lists(st.integers(0, 4), min_size=1, max_size=6)


def r_rows(test: str) -> list[dict[str, object]]:
    return pl.read_csv(EXACT / "R_exact_tests.csv", infer_schema_length=None).filter(test=test).to_dicts()


def by_enumeration(x: list[float], y: list[float]) -> float:
    """P(|W - mean| >= observed), by walking through every division of the pooled midranks."""
    pooled = sorted([*x, *y])
    midrank = {value: mean(i + 1 for i, v in enumerate(pooled) if v == value) for value in pooled}
    ranks = [midrank[value] for value in [*x, *y]]
    centre = len(x) * (len(ranks) + 1) / 2
    observed = abs(sum(ranks[: len(x)]) - centre)
    divisions = list(combinations(ranks, len(x)))
    return sum(abs(sum(division) - centre) >= observed for division in divisions) / len(divisions)


@needs_shared
def test_binomial_intervals_are_rs():
    rows = pl.read_csv(EXACT / "R_binomial_ci.csv").to_dicts()
    assert len(rows) == 9
    for row in rows:
        assert clopper_pearson(row["x"], row["n"]) == pytest.approx((row["cp_lo"], row["cp_hi"]), abs=1e-9)


def test_the_trials_two_response_rates_have_their_published_intervals():
    rates = table("""
        x  | n  | lower_percent | upper_percent
        10 | 24 | 22.1          | 63.4
        10 | 25 | 21.1          | 61.3
    """)
    for x, n, lower, upper in rates.iter_rows():
        assert [round(100 * end, 1) for end in clopper_pearson(x, n)] == [lower, upper]


def test_limits_of_nobody_and_everybody_touch_zero_and_one():
    # One tail only is left: (1 - p)^n = 0.025.
    assert clopper_pearson(0, 7) == pytest.approx((0.0, 1 - 0.025 ** (1 / 7)))
    assert clopper_pearson(7, 7) == pytest.approx((0.025 ** (1 / 7), 1.0))


@pytest.mark.parametrize(("x", "n"), [(0, 0), (3, 2), (-1, 2)])
def test_a_proportion_of_nobody_is_refused(x: int, n: int):
    with pytest.raises(ValueError, match="no proportion"):
        clopper_pearson(x, n)


@needs_shared
def test_fishers_p_and_lower_limit_are_rs():
    rows = r_rows("fisher_two.sided")
    assert len(rows) == 4
    for row in rows:
        ours = fisher(*map(int, str(row["data"]).split()))
        assert ours.p_value == pytest.approx(row["p"], abs=1e-9)
        # R finds odds ratios by a search with a tolerance of 1e-4; the definitions below are exact.
        assert ours.odds_ratio == pytest.approx(float(row["statistic"]), rel=1e-3)
        assert ours.lower == pytest.approx(float(str(row["note"]).split()[3]), rel=1e-4)


@given(cells=st.tuples(*[st.integers(0, 15)] * 4))
@LAWS
def test_fishers_odds_ratio_and_limits_solve_the_equations_that_define_them(cells: tuple[int, int, int, int]):
    a, b, c, d = cells
    ours = fisher(*cells)
    if ours is None:
        assert 0 in (a + b, c + d, a + c, b + d)
        return
    support = range(max(0, a - d), min(a + b, a + c) + 1)

    def moments(odds: float) -> tuple[float, float, float]:
        """P(X >= a), P(X <= a) and E(X) of the conditional distribution under these odds."""
        weights = {k: comb(a + b, k) * comb(c + d, a + c - k) * odds ** (k - a) for k in support}
        total = sum(weights.values())
        above, below = (sum(w for k, w in weights.items() if keep(k)) for keep in (a.__le__, a.__ge__))
        return above / total, below / total, sum(k * w for k, w in weights.items()) / total

    if a > support[0]:
        assert moments(ours.lower)[0] == pytest.approx(0.025, abs=1e-9)
    else:
        assert ours.lower == ours.odds_ratio == 0
    if a < support[-1]:
        assert moments(ours.upper)[1] == pytest.approx(0.025, abs=1e-9)
    else:
        assert ours.upper == ours.odds_ratio == inf
    if support[0] < a < support[-1]:
        assert moments(ours.odds_ratio)[2] == pytest.approx(a, abs=1e-6)


def test_an_empty_cell_gives_an_infinite_odds_ratio_with_a_finite_lower_limit():
    ours = fisher(5, 0, 5, 14)
    assert (ours.sample_odds_ratio, ours.odds_ratio, ours.upper) == (inf, inf, inf)
    assert ours.lower > 1


@pytest.mark.parametrize("cells", [(0, 0, 3, 4), (3, 4, 0, 0), (0, 4, 0, 3), (4, 0, 3, 0)])
def test_a_table_in_which_nothing_varies_has_no_test(cells: tuple[int, int, int, int]):
    assert fisher(*cells) is None


@needs_shared
@pytest.mark.parametrize(
    ("test", "samples_under"),
    [
        ("wilcox_exact_two", "wilcox_exact_greater"),
        ("wilcox_exact_ties_two(exactRankTests)", "wilcox_exact_ties_two(coin)"),
    ],
)
def test_wilcoxons_p_and_rank_sum_are_rs_without_and_with_ties(test: str, samples_under: str):
    (samples,), (row,) = r_rows(samples_under), r_rows(test)
    x, y = ([float(v) for v in part.split("=")[1].split()] for part in str(samples["data"]).split(";"))
    ours = wilcoxon(x, y)
    assert ours.p_value == pytest.approx(row["p"], abs=1e-9)
    assert ours.rank_sum - len(x) * (len(x) + 1) / 2 == pytest.approx(float(row["statistic"]))


@given(x=FEW_TIED, y=FEW_TIED)
@LAWS
def test_wilcoxons_p_is_that_of_full_enumeration_whatever_the_ties(x: list[int], y: list[int]):
    ours = wilcoxon(x, y)
    if ours is None:
        assert len({*x, *y}) == 1
    else:
        assert ours.p_value == pytest.approx(by_enumeration(x, y), abs=1e-12)


def test_two_sided_is_not_twice_a_tail_where_ties_make_the_distribution_skewed():
    # Midranks 1.5, 1.5, 3, 4: W = 4 lies furthest from the mean 2.5 and nothing lies as far below, so p = 1/4.
    assert wilcoxon([9], [1, 1, 5]).p_value == pytest.approx(1 / 4)


def test_censored_numbers_share_the_lowest_rank():
    # Ranks: two censored share 1.5, then 3, 4, 5.
    assert wilcoxon([-inf, 3.0, 5.0], [-inf, 4.0]).rank_sum == 1.5 + 3 + 5


def test_two_hundred_numbers_keep_the_exact_distribution():
    # All of x above all of y: only the two extreme divisions lie as far out.
    assert wilcoxon(range(200, 300), range(100)).p_value == pytest.approx(2 / comb(200, 100), rel=1e-9)


@pytest.mark.parametrize(("x", "y"), [([], [1.0]), ([1.0], []), ([2.0, 2.0], [2.0])])
def test_an_empty_group_or_equal_numbers_have_no_rank_test(x: list[float], y: list[float]):
    assert wilcoxon(x, y) is None


def test_no_shift_without_two_groups():
    assert hodges_lehmann([], [1.0]) is None


def test_the_shift_is_the_median_difference_with_the_order_statistics_of_the_exact_test():
    x, y = [1.1, 2.3, 5.7, 8.2, 9.9], [0.4, 1.9, 3.1, 3.3, 4.8]
    differences = sorted(a - b for a in x for b in y)
    ours = hodges_lehmann(x, y)
    assert ours.estimate == pytest.approx(median(differences))
    # Tables of the rank sum for 5 and 5: P(U <= 2) = 4/252 and P(U <= 3) = 7/252; 2 x 4/252 <= 0.05 < 2 x 7/252.
    assert (ours.lower, ours.upper) == pytest.approx((differences[2], differences[-3]))


def test_groups_too_small_for_95_percent_have_a_shift_without_limits():
    # 3 against 3: the smallest two-sided p is 2/20.
    ours = hodges_lehmann([4.0, 5.0, 6.0], [1.0, 2.5, 3.0])
    assert (ours.estimate, ours.lower, ours.upper) == (3.0, None, None)


def test_groups_of_ties_leave_one_shift():
    ours = hodges_lehmann([5.0] * 6, [2.0] * 6)
    assert (ours.estimate, ours.lower, ours.upper) == (3.0, 3.0, 3.0)


@given(values=st.lists(st.integers(0, 10**6), min_size=8, max_size=16, unique=True), shift=st.integers(-(10**6), 10**6))
@LAWS
def test_a_shift_lies_in_the_interval_exactly_when_the_test_keeps_it(values: list[int], shift: int):
    half = len(values) // 2
    x, y = values[:half], values[half:]
    ours = hodges_lehmann(x, y)
    moved = [value - shift for value in x]
    if ours.lower is None or {*moved} & {*y}:  # a tie is a limit itself, kept as the end of a closed interval
        return
    assert (wilcoxon(moved, y).p_value > 0.05) == (ours.lower <= shift <= ours.upper)
