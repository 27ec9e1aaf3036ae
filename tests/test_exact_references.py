"""Every row of R's exact tests and binomial intervals, and which of them perdure does not offer."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
import pytest

from tests.drawing import SHARED, needs_shared
from transforms import permutation
from transforms.cytometry_positivity import one_sided_p
from transforms.exact import clopper_pearson, fisher, wilcoxon
from transforms.jonckheere import jonckheere
from transforms.multiplicity import benjamini_hochberg, holm
from transforms.permutation import spearman_permutation
from transforms.proportions import wilson_limits

EXACT = SHARED / "reference" / "exact"

NOT_OFFERED = {
    "wilcox_exact_greater": 1,  # tests between subjects are two-sided
    "wilcox_exact_ties_greater(coin)": 1,
    "kendall_tau_b_ties_asym": 1,  # asymptotic
    "p.adjust_BY": 8,
    "p.adjust_hochberg": 8,
    "p.adjust_bonferroni": 8,
    "p.adjust_hommel": 8,
}
DRAWN = {"spearman_perm_MC1e6_ties(coin)": 1}
"""Met within the error of random permutations in test_permutation.py."""
MET = {
    "wilcox_exact_two": 1,
    "wilcox_exact_ties_two(coin)": 1,
    "wilcox_exact_ties_two(exactRankTests)": 1,
    "perm_mean_diff_exact(coin)": 1,
    "spearman_exact": 1,
    "kendall_exact": 1,
    "fisher_two.sided": 4,
    "fisher_greater": 4,
    "fisher_less": 4,
    "ICS_fisher_greater(pos_s,N_s,pos_u,N_u)": 3,
    "p.adjust_holm": 8,
    "p.adjust_BH": 8,
}


def r_rows() -> list[dict[str, object]]:
    """R's rows, with `same` in place of data written out."""
    if not EXACT.is_dir():
        return []
    frame = pl.read_csv(EXACT / "R_exact_tests.csv", schema_overrides={"data": pl.String, "note": pl.String})
    data = pl.when(pl.col("data") != "same").then("data").forward_fill()
    return frame.with_columns(data, pl.col("statistic").cast(pl.Float64)).to_dicts()


def of(test: str) -> list[dict[str, object]]:
    return [row for row in r_rows() if row["test"] == test]


def two_samples(row: dict[str, object]) -> list[list[float]]:
    return [[float(value) for value in part.split("=")[1].split()] for part in str(row["data"]).split(";")]


@needs_shared
def test_every_row_is_met_here_or_said_not_to_be_offered():
    assert Counter(row["test"] for row in r_rows()) == {**MET, **NOT_OFFERED, **DRAWN}


@needs_shared
@pytest.mark.parametrize("test", [name for name in MET if name.startswith("wilcox")])
def test_wilcoxons_two_sided_p_is_rs(test: str):
    (row,) = of(test)
    assert wilcoxon(*two_samples(row)).p_value == pytest.approx(row["p"], abs=1e-9)


@needs_shared
def test_the_count_of_divisions_gives_coins_exact_permutation_of_a_mean():
    (row,) = of("perm_mean_diff_exact(coin)")
    x, y = map(np.array, two_samples(row))
    values = np.concatenate([x, y])
    ours = permutation._linear(np.repeat([1.0, 0.0], [x.size, y.size]), values - values.mean(), 0, 0)
    assert ours.p_value == pytest.approx(row["p"], abs=1e-9)


@needs_shared
def test_spearmans_rho_and_exact_p_are_rs():
    (row,) = of("spearman_exact")
    ours = spearman_permutation(*two_samples(row))
    assert (ours.statistic, ours.p_value) == pytest.approx((row["statistic"], row["p"]), abs=1e-9)


@needs_shared
def test_jonckheere_with_one_subject_a_group_is_kendalls_test():
    (row,) = of("kendall_exact")
    u, v = two_samples(row)
    ours = jonckheere([[value] for _, value in sorted(zip(u, v, strict=True))])
    assert (2 * ours.concordance - 1, ours.p_value) == pytest.approx((row["statistic"], row["p"]), abs=1e-9)


@needs_shared
@pytest.mark.parametrize("row", of("fisher_two.sided"), ids=lambda row: row["data"])
def test_fishers_two_sided_p_is_rs(row: dict[str, object]):
    assert fisher(*map(int, str(row["data"]).split())).p_value == pytest.approx(row["p"], abs=1e-9)


@needs_shared
@pytest.mark.parametrize(
    "row", [*of("fisher_greater"), *of("fisher_less")], ids=lambda row: f"{row['test']} {row['data']}"
)
def test_fishers_one_sided_p_is_rs(row: dict[str, object]):
    a, b, c, d = map(int, str(row["data"]).split())
    if row["test"] == "fisher_less":  # fewer in the first row: more in the second
        a, b, c, d = c, d, a, b
    assert greater(a, a + b, c, c + d) == pytest.approx(row["p"], abs=1e-9)


@needs_shared
@pytest.mark.parametrize("row", of("ICS_fisher_greater(pos_s,N_s,pos_u,N_u)"), ids=lambda row: row["data"])
def test_fishers_one_sided_p_of_tubes_is_rs(row: dict[str, object]):
    n_s, all_s, n_u, all_u = (int(float(number)) for number in str(row["data"]).split())
    assert greater(n_s, all_s, n_u, all_u) == pytest.approx(row["p"], rel=1e-9)


def greater(count: int, parent: int, other_count: int, other_parent: int) -> float:
    pair = {
        "stimulated_count": [count],
        "stimulated_parent_count": [parent],
        "unstimulated_count": [other_count],
        "unstimulated_parent_count": [other_parent],
    }
    return float(one_sided_p(pl.DataFrame(pair))[0])


@needs_shared
@pytest.mark.parametrize(("test", "adjust"), [("p.adjust_holm", holm), ("p.adjust_BH", benjamini_hochberg)])
def test_adjusted_p_values_are_rs(test: str, adjust: object):
    rows = of(test)
    assert adjust([float(str(row["data"])) for row in rows]) == pytest.approx([row["p"] for row in rows], abs=1e-9)


@needs_shared
def test_binomial_intervals_are_rs_clopper_pearsons_and_wilsons():
    rows = pl.read_csv(EXACT / "R_binomial_ci.csv")
    lower, upper = wilson_limits(pl.col("est"), pl.col("n").cast(pl.Float64))
    ours = rows.select("x", "n", lower=lower, upper=upper)
    for row, wilson in zip(rows.iter_rows(named=True), ours.iter_rows(named=True), strict=True):
        assert clopper_pearson(row["x"], row["n"]) == pytest.approx((row["cp_lo"], row["cp_hi"]), abs=1e-9)
        assert (wilson["lower"], wilson["upper"]) == pytest.approx((row["wilson_lo"], row["wilson_hi"]), abs=1e-9)
