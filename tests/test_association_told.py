"""What a row of associations tells beside its numbers: who is left out as dead, and where test and interval differ."""

from __future__ import annotations

from math import comb
from typing import Any

import polars as pl
import pytest

from tests.clinical_study import study
from tests.drawing import table
from tests.drawn_associations import associate, cohort, cohort_of
from transforms.association_reads import contradiction


def row_of(outcome: str, drawn: pl.DataFrame, exposure: str = "persistent_at_landmark") -> dict[str, Any]:
    explored = {"exposures": [exposure], "outcomes": [outcome]}
    rows = associate(drawn, study(analysis={"exploratory": explored})).filter(outcome=outcome, exposure=exposure)
    return rows.row(by_predicate=pl.col("method") != "firth_logistic", named=True)


@pytest.mark.parametrize("exposure", ["persistent_at_landmark", "induced_by_landmark"])
@pytest.mark.parametrize("outcome", ["responder", "best_response", "best_change_percent", "OS"])
@pytest.mark.parametrize(("death", "n_dead"), [(103, 1), (104, 1), (105, 0)])
def test_a_death_by_the_end_of_the_window_leaves_out_whatever_was_sampled_before(
    exposure: str, outcome: str, death: int, n_dead: int
):
    # Day 104 is L + w. P5 has been found negative on day 80, say, and dies around day 104.
    drawing = f"""
        subject_id | is_infused | best | os_days | os_event | persistent | induced
        P1         | true       | PR   | 501     | false    | true       | true
        P2         | true       | PR   | 501     | true     | true       | true
        P3         | true       | SD   | 501     | false    | false      | false
        P4         | true       | PD   | 401     | true     | false      | false
        P5         | true       | PD   | {death + 1}     | true     | false      | false
    """
    drawn = cohort_of(table(drawing).with_columns(best_change_percent=pl.lit(1.0)))
    row = row_of(outcome, drawn, exposure)
    assert (row["n"], row["n_unexposed"], row["n_excluded_death"]) == (5 - n_dead, 3 - n_dead, n_dead)
    assert row["n_excluded_exposure"] == 0


def test_a_dead_subject_without_a_sample_is_counted_with_the_dead():
    dead = cohort().with_columns(persistent=pl.when(pl.col("os_days") <= 105).then(None).otherwise("persistent"))
    row = row_of("responder", dead)
    assert (row["n_excluded_death"], row["n_excluded_exposure"]) == (3, 1)
    assert "Whoever died by the end of the landmark's window is left out" in row["reads"]


def two_by_two(a: int, b: int, c: int, d: int) -> pl.DataFrame:
    """Persistent responders and non-responders, then the others."""
    groups = [("CR", True)] * a + [("PD", True)] * b + [("CR", False)] * c + [("PD", False)] * d
    best, persistent = zip(*groups, strict=True)
    drawn = pl.DataFrame({"best": best, "persistent": persistent}).with_columns(
        subject_id=pl.format("P{}", pl.int_range(pl.len())), is_infused=True, os_days=501, os_event=False
    )
    return cohort_of(drawn)


def tails(a: int, b: int, c: int, d: int) -> tuple[float, float]:
    """Of Fisher's test: the smaller tail, and all tables no likelier than the one seen."""
    weights = {k: comb(a + b, k) * comb(c + d, a + c - k) for k in range(max(0, a - d), min(a + b, a + c) + 1)}
    total = sum(weights.values())
    tail = min(sum(w for k, w in weights.items() if k >= a), sum(w for k, w in weights.items() if k <= a))
    return tail / total, sum(w for w in weights.values() if w <= weights[a]) / total


APART = "both are to be looked at"


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ((4, 1, 1, 7), "Here p is at most 0.05 and the 95 % interval holds 1, no association: "),
        ((14, 1, 34, 19), "Here p is above 0.05 and the 95 % interval leaves out 1, no association: "),
        ((3, 1, 1, 4), None),
        ((8, 1, 1, 8), None),
    ],
)
def test_a_p_value_on_the_other_side_than_its_interval_is_told_with_the_reason(cells, words):
    # The interval of two equal tails holds 1 where the smaller tail is more than 0.025 (Cornfield).
    tail, p = tails(*cells)
    assert ((p <= 0.05) != (tail < 0.025)) == (words is not None)
    row = row_of("responder", two_by_two(*cells))
    assert row["p_value"] == pytest.approx(p)
    assert (row["lower"] > 1 or row["upper"] < 1) == (tail < 0.025)
    assert (APART in row["reads"]) == (words is not None)
    if words:
        assert f"{words}test and interval are built differently (the test adds up all tables" in row["reads"]


@pytest.mark.parametrize(
    ("method", "p", "lower", "upper", "is_told"),
    [
        ("logrank_permutation", 0.04, 0.9, 5.0, True),
        ("score_permutation", 0.06, 1.01, 5.0, True),
        ("landmark_logrank", 0.05, 0.2, 1.0, True),
        ("score_over_time", 0.06, 0.1, 0.9, True),
        ("wilcoxon_exact", 0.06, 0.1, 0.9, True),
        ("wilcoxon_exact", 0.06, -1.0, 0.9, False),
        ("logrank_permutation", 0.04, 1.1, 5.0, False),
        ("logrank_permutation", 0.04, None, None, False),
        ("landmark_cox", 0.04, 0.9, 5.0, False),
        ("fisher_exact", None, 0.9, 5.0, False),
    ],
)
def test_a_contradiction_is_told_of_methods_whose_interval_does_not_invert_their_test(method, p, lower, upper, is_told):
    assert bool(contradiction(method, p, lower, upper)) == is_told
