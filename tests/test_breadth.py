"""Number of tumour antigens positive in each blood sample, and whether any was induced by a landmark."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from expectations.computed import BREADTH, RESPONSES
from tests.drawing import table
from tests.drawn_series import MULTIMERS, drawn_responses, in_cytometry, outcomes_of, products_of, study, visits_of
from transforms.breadth import breadth
from transforms.landmarks import persistence_at_landmark
from transforms.persistence import persistence
from transforms.persistence_by_subject import persistence_by_subject


def broad(series: dict[tuple[str, str], str], **parts) -> pl.DataFrame:
    responses = drawn_responses(series)
    return breadth(responses, visits_of(responses), study(**parts))


def test_positive_tumour_antigens_are_counted_day_by_day_and_untested_ones_are_no_negatives():
    found = broad(
        {
            ("P", "A"): "-7:-2 30:+80 90:+60 120:?50 150:0 200:+",
            ("P", "B"): "-7:-3 30:+40 90:-5 120:-4 150:0",
            ("P", "CMV"): "-7:+ 30:+ 90:+ 180:+",
            ("Q", "B"): "30:+70",
        }
    )
    answer = table(
        """
        subject_id | study_day | n_antigens_declared | n_antigens_evaluable | n_antigens_positive | sum_net_value
        P          | -7        | 2                   | 2                    | 0                   | 5
        P          | 30        | 2                   | 2                    | 2                   | 120
        P          | 90        | 2                   | 2                    | 1                   | 65
        P          | 120       | 2                   | 1                    | 0                   |
        P          | 150       | 2                   | 0                    | 0                   |
        P          | 180       | 2                   | 0                    | 0                   |
        P          | 200       | 2                   | 1                    | 1                   |
        Q          | 30        | 2                   | 1                    | 1                   |
        """
    )
    assert_frame_equal(found.select(answer.columns), answer, check_dtypes=False)


def test_an_indeterminate_call_counts_as_the_study_says():
    series = {("P", "A"): "30:?50", ("P", "B"): "30:+40"}
    assert broad(series)["n_antigens_evaluable"].item() == 1
    assert broad(series, indeterminate="negative").row(0, named=True)["sum_net_value"] == 90


def test_the_visit_is_that_of_the_sample_and_other_material_has_no_breadth():
    responses = drawn_responses({("P", "A"): "30:+"}, visit=pl.lit("Month 1"))
    product = drawn_responses({("P", "A"): "0:+"}, material=pl.lit("infusion_product"))
    earlier = drawn_responses({("P", "A"): "31:+"}, is_reported=pl.lit(value=False))
    every = pl.concat([responses, product, earlier])
    found = breadth(every, visits_of(every), study())
    assert found.select("study_day", "visit").rows() == [(30, "Month 1")]


def test_assays_stand_for_themselves_and_a_multimer_that_does_not_exist_is_not_declared():
    elispot = drawn_responses({("P", "A"): "30:+", ("P", "B"): "30:-"})
    multimer = in_cytometry(drawn_responses({("P", "A"): "30:+"}), readout="multimer")
    every = pl.concat([elispot, multimer.with_columns(rule=pl.lit("multimer_events"))])
    found = breadth(every, visits_of(elispot), study(cytometry=MULTIMERS))
    counts = ("n_antigens_positive", "n_antigens_evaluable", "n_antigens_declared")
    assert found.select("assay", *counts).rows() == [("cytometry", 1, 1, 1), ("elispot", 1, 2, 2)]


def test_nothing_in_gives_nothing_out():
    empty = RESPONSES.empty()
    assert_frame_equal(breadth(empty, visits_of(empty), study()), BREADTH.empty())


def induced(series: dict[tuple[str, str], str], contacts: dict) -> pl.DataFrame:
    """PERSISTENCE_BY_SUBJECT at day 90, half-width 14."""
    responses = drawn_responses(series)
    outcomes = outcomes_of(contacts)
    samples = responses, visits_of(responses), outcomes
    whole = persistence(*samples, products_of(outcomes), study())
    return persistence_by_subject(persistence_at_landmark(*samples, study()), whole, outcomes, study())


def test_induced_by_a_landmark_is_true_false_or_not_known():
    drawn = table(
        """
        id | A                | B                | death | induced
        a  | -7:- 30:+ 90:-   | -7:- 90:-        |       | true
        b  | -7:- 30:- 90:-   | -7:- 90:-        |       | false
        c  | -7:- 90:-        | -7:+ 90:+        |       | false
        d  | -7:- 90:-        | 90:-             |       |
        e  | -7:- 90:-        | 90:+             |       |
        f  | -7:- 30:-        | -7:- 30:-        |       |
        g  | -7:- 90:-        | -7:- 30:-        |       |
        h  | -7:- 30:+        | -7:-             |       |
        hh | -7:- 30:+        | -7:- 90:-        |       | true
        i  | -7:- 104:+       | -7:- 90:-        |       | true
        j  | -7:- 90:- 105:+  | -7:- 90:-        |       | false
        k  | -7:- 30:+ 90:+   | -7:- 90:-        | 104   |
        l  | -7:- 30:+ 90:+   | -7:- 90:-        | 105   | true
        m  | -7:- 90:-        | -7:- 90:-        | 100   |
        n  | -7:- 90:?        | -7:- 90:-        |       |
        """
    )
    rows = drawn.to_dicts()
    series = {(row["id"], antigen): row[antigen] for row in rows for antigen in ("A", "B")}
    found = induced(series, {row["id"]: (row["death"], 999) for row in rows})
    assert_frame_equal(found.select("subject_id", "induced"), drawn.select(subject_id="id", induced="induced"))


SAMPLES = st.dictionaries(st.integers(-20, 130), st.sampled_from("+-?0"), max_size=6)


def drawing(samples: dict[int, str]) -> str:
    return " ".join(f"{day}:{call}" for day, call in samples.items())


@settings(deadline=None, max_examples=40)
@given(SAMPLES, SAMPLES, st.integers(-20, 130), SAMPLES)
def test_late_visits_neither_added_nor_taken_away_change_what_they_should_not(a, b, last, more):
    def judged(of_a: dict[int, str], of_b: dict[int, str]) -> bool | None:
        series = {("P", "A"): drawing(of_a), ("P", "B"): drawing(of_b), ("P", "CMV"): "-7:-"}
        return induced(series, {"P": (None, 999)})["induced"].item()

    before = judged(a, b)
    up_to = [{day: call for day, call in samples.items() if day <= last} for samples in (a, b)]
    assert not (before is None and judged(*up_to) is False)
    later = {day: call for day, call in more.items() if day > 104}
    assert judged(a | later, b | later) == judged(*({d: c for d, c in s.items() if d <= 104} for s in (a, b)))


@settings(deadline=None, max_examples=25)
@given(SAMPLES, SAMPLES, st.randoms())
def test_breadth_does_not_depend_on_the_order_of_rows_and_never_exceeds_what_was_tested(a, b, random):
    responses = drawn_responses({("P", "A"): drawing(a), ("P", "B"): drawing(b)})
    order = random.sample(range(responses.height), responses.height)
    found = breadth(responses, visits_of(responses), study())
    assert_frame_equal(found, breadth(responses[order], visits_of(responses), study()), check_exact=True)
    assert found["study_day"].to_list() == sorted(a.keys() | b.keys())
    assert found.filter(pl.col("n_antigens_positive") > pl.col("n_antigens_evaluable")).is_empty()


@pytest.mark.parametrize("days", [-400, 3000])
def test_moving_all_dates_of_a_subject_changes_nothing(days):
    series = {("P", "A"): "-7:- 30:+80 60:+40 90:+20 120:-3", ("P", "B"): "-7:+ 90:-"}
    responses, shift = drawn_responses(series), pl.duration(days=days)
    outcomes = outcomes_of({"P": (300, 300)})
    moved = outcomes.with_columns(pl.col("infusion_date", "death_date", "last_contact_date") + shift)
    results = []
    for dated in (outcomes, moved):
        samples = responses, visits_of(responses), dated
        whole, at_landmark = (
            persistence(*samples, products_of(dated), study()),
            persistence_at_landmark(*samples, study()),
        )
        results.append((whole, at_landmark, persistence_by_subject(at_landmark, whole, dated, study())))
    for one, other in zip(*results, strict=True):
        assert_frame_equal(one, other)
