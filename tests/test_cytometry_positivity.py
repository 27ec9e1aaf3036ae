"""The rules of cytometry at their boundaries, Fisher's test against R and whole numbers, Holm's correction by hand."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.drawing import SHARED, needs_shared, table
from tests.drawn_tubes import drawn_tubes, study
from transforms.cytometry_positivity import fisher, one_sided_p
from transforms.cytometry_responses import cytometry_responses

COUNTS = ("stimulated_count", "stimulated_parent_count", "unstimulated_count", "unstimulated_parent_count")


def p_of(n_s: int, all_s: int, n_u: int, all_u: int) -> float:
    return float(one_sided_p(pl.DataFrame([(n_s, all_s, n_u, all_u)], schema=COUNTS, orient="row"))[0])


def exact_p(n_s: int, all_s: int, n_u: int, all_u: int) -> Fraction:
    """P(X >= n_s), X hypergeometric, in fractions."""
    n, all_cells = n_s + n_u, all_s + all_u
    ways = sum(comb(all_s, x) * comb(all_u, n - x) for x in range(n_s, min(n, all_s) + 1))
    return Fraction(ways, comb(all_cells, n))


@given(st.integers(0, 40), st.integers(40, 200), st.integers(0, 40), st.integers(40, 200))
@settings(deadline=None)
def test_fishers_p_value_is_the_hypergeometric_tail(n_s, all_s, n_u, all_u):
    assert p_of(n_s, all_s, n_u, all_u) == pytest.approx(float(exact_p(n_s, all_s, n_u, all_u)), rel=1e-9)


def test_far_tails_keep_their_digits():
    assert p_of(120, 60_000, 2, 50_000) == pytest.approx(float(exact_p(120, 60_000, 2, 50_000)), rel=1e-9)
    assert exact_p(120, 60_000, 2, 50_000) < Fraction(1, 10**28)


def pairs(drawing: str, **constants: int) -> pl.DataFrame:
    """Pairs of one specimen and batch from counts; net is the difference of percentages."""
    percent = [
        100 * pl.col(f"{tubes}_count") / pl.col(f"{tubes}_parent_count") for tubes in ("stimulated", "unstimulated")
    ]
    frame = table(drawing, **constants).with_columns(
        specimen_id=pl.lit("S"), batch=pl.lit("b"), is_usable=pl.lit(value=True)
    )
    missing = [pl.lit("CD8").alias(name) for name in ("population", "readout") if name not in frame.columns]
    return frame.with_columns(*missing, net_value=percent[0] - percent[1])


@needs_shared
def test_fisher_and_holm_agree_with_r():
    fits = pl.read_csv(SHARED / "reference" / "mimosa" / "mimosa_fits_R.csv", null_values="NA").filter(method="EM")
    compared = 0
    for (name,), own in fits.group_by("set"):
        # R's family is the whole set: here the antigens of one specimen.
        family = own.with_row_index("antigen").select(
            antigen=pl.col("antigen").cast(pl.String), specimen_id=pl.lit("S"), batch=pl.lit("b"),
            population=pl.lit("CD4"), readout=pl.lit(name), is_usable=pl.lit(value=True), net_value=pl.lit(1.0),
            stimulated_count="CYTNUM", stimulated_parent_count=pl.col("CYTNUM") + pl.col("NSUB"),
            unstimulated_count="CYTNUM_REF", unstimulated_parent_count=pl.col("CYTNUM_REF") + pl.col("NSUB_REF"),
        )  # fmt: skip
        found = fisher(family, study())
        np.testing.assert_allclose(one_sided_p(family), own["fisher_greater_p"].to_numpy(), rtol=1e-6)
        np.testing.assert_allclose(found["p_value_adjusted"].to_numpy(), own["fisher_holm"].to_numpy(), rtol=1e-6)
        compared += found.height
    assert compared == 300


def test_holm_by_hand_over_the_antigens_that_can_be_tested():
    drawing = """
        antigen | stimulated_count | stimulated_parent_count | unstimulated_count | unstimulated_parent_count
        A       | 30               | 10000                   | 10                 | 10000
        B       | 25               | 10000                   | 10                 | 10000
        C       | 11               | 10000                   | 10                 | 10000
        D       | 29               | 4999                    | 10                 | 10000
    """
    frame = pairs(drawing)
    a, b, c, _ = one_sided_p(frame)
    found = fisher(frame, study()).sort("antigen")
    assert found["p_value_adjusted"].to_list() == [
        pytest.approx(3 * a), pytest.approx(2 * b), pytest.approx(max(2 * b, c)), None,
    ]  # fmt: skip
    assert found["rule_reason"].to_list() == [None, None, None, "too_few_events"]


def test_families_are_a_population_and_readout_each():
    drawing = """
        antigen | population | readout | stimulated_count | unstimulated_count
        A       | CD8        | IFNg    | 30               | 10
        A       | CD4        | IFNg    | 30               | 10
        A       | CD8        | TNF     | 30               | 10
        B       | CD8        | TNF     | 30               | 10
    """
    frame = pairs(drawing, stimulated_parent_count=10_000, unstimulated_parent_count=10_000)
    p = one_sided_p(frame)[0]
    found = fisher(frame, study()).sort("readout", "population", "antigen")
    assert found["p_value_adjusted"].to_list() == [
        pytest.approx(p),
        pytest.approx(p),
        pytest.approx(2 * p),
        pytest.approx(2 * p),
    ]


@given(st.lists(st.integers(0, 60), min_size=1, max_size=8))
@settings(deadline=None)
def test_adjusted_p_values_keep_the_order_and_never_fall_below_the_raw(counts):
    frame = pl.DataFrame(
        [(f"a{i}", "S", "b", "CD8", "IFNg", True, 0.1, n, 10_000, 10, 10_000) for i, n in enumerate(counts)],
        schema=["antigen", "specimen_id", "batch", "population", "readout", "is_usable", "net_value", *COUNTS],
        orient="row",
    )
    raw = one_sided_p(frame)
    adjusted = fisher(frame, study()).sort("antigen")["p_value_adjusted"].to_numpy()
    assert (adjusted >= raw - 1e-15).all()
    assert (adjusted <= np.minimum(1, len(counts) * raw) + 1e-15).all()
    assert (np.diff(adjusted[np.argsort(raw, kind="stable")]) >= 0).all()


@pytest.mark.parametrize(
    ("stimulated", "expected"),
    [
        ("70 | 100000", "positive"),
        # net 0.02 percentage points exactly, of 350 000: p is far below 1e-5.
        ("70 | 350000", "positive"),
        ("69 | 350000", "negative"),
        # 10 and 9 positive events of 5000: p is 1.1e-13 and 2.3e-12 against 0 of a million.
        ("10 | 5000", "positive"),
        ("9 | 5000", "negative"),
        ("0 | 100000", "negative"),
    ],
)
def test_fisher_needs_p_net_and_events(stimulated, expected):
    t = drawn_tubes(f"stimulus | count | parent\nA | {stimulated}\nmedium | 0 | 1000000")
    row = cytometry_responses(t, study()).filter(rule="fisher").row(0, named=True)
    assert (row["call"], row["reason"]) == (expected, None)


def test_a_difference_that_chance_could_make_is_negative():
    t = drawn_tubes("stimulus | count | parent\nA | 40 | 20000\nmedium | 20 | 20000")
    row = cytometry_responses(t, study()).filter(rule="fisher").row(0, named=True)
    assert row["p_value_adjusted"] == pytest.approx(float(exact_p(40, 20_000, 20, 20_000)), rel=1e-9)
    assert (row["call"], row["net_value"]) == ("negative", pytest.approx(0.1))
    assert row["statistic"] == pytest.approx((40 * 19_980) / (20 * 19_960))


def test_an_infinite_odds_ratio_is_not_stored():
    t = drawn_tubes("stimulus | count\nA | 40\nmedium | 0")
    assert cytometry_responses(t, study()).filter(rule="fisher")["statistic"].to_list() == [None]
