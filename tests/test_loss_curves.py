"""Incidence of the loss of responses, against hand calculations and lifelines."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from expectations.computed import LOSS_CURVES, PERSISTENCE
from expectations.outcome_tables import OUTCOMES
from expectations.study import StudySettings
from tests.drawing import table
from tests.drawn_series import drawn_responses, outcomes_of, products_of, study, visits_of
from transforms.incidence import CENSORED, DEATH, LOSS, aalen_johansen, turnbull
from transforms.loss_curves import loss_curves
from transforms.persistence import persistence


def curves(series: dict[tuple[str, str], str], deaths: dict[str, int] | None = None) -> pl.DataFrame:
    responses = drawn_responses(series)
    outcomes = outcomes_of({subject: ((deaths or {}).get(subject), 999) for subject, _ in series})
    whole = persistence(responses, visits_of(responses), outcomes, products_of(outcomes), study())
    return loss_curves(whole, outcomes, SAMPLED)


SAMPLED = StudySettings.model_validate(
    study().model_dump()
    | {
        "visits": [
            {"name": "Baseline", "day": 0, "window": [-60, 0]},
            {"name": "D42", "day": 42, "window": [30, 60]},
            {"name": "D120", "day": 120, "window": [90, 130]},
        ]
    }
)
"""Blood is expected until day 130."""

SERIES = {
    ("P", "A"): "-7:- 10:+ 50:+ 110:-",  # lost in (40, 100]
    ("Q", "A"): "-7:- 20:+ 80:+",  # seen until 60, at risk until 110, when the next sample was due
    ("R", "A"): "-7:+ 30:+ 60:+",  # seen until 30, dead at 90
    ("S", "A"): "-7:- 10:+ 130:-",  # lost in (0, 120]
    ("T", "A"): "-7:+ 30:-",  # not seen after infusion: no time runs
    ("U", "A"): "-7:- 30:-",
}


def test_time_runs_from_the_first_positive_sample_and_loss_lies_between_two():
    found = curves(SERIES, {"R": 120}).filter(pl.col("antigen") == "A")
    answer = table(
        """
        curve    | time_days | n_at_risk | loss  | death
        left     | 0         | 4         | 0.25  | 0
        left     | 40        | 3         | 0.5   | 0
        left     | 90        | 2         | 0.5   | 0.25
        midpoint | 0         | 4         | 0     | 0
        midpoint | 60        | 4         | 0.25  | 0
        midpoint | 70        | 3         | 0.5   | 0
        midpoint | 90        | 2         | 0.5   | 0.25
        right    | 0         | 4         | 0     | 0
        right    | 90        | 4         | 0     | 0.25
        right    | 100       | 3         | 0.25  | 0.25
        right    | 120       | 1         | 0.75  | 0.25
        """
    )
    shown = found.filter(pl.col("curve") != "turnbull").select(answer.columns)
    assert_frame_equal(shown, answer, check_dtypes=False, abs_tol=1e-12)
    assert found["n_series"].unique().to_list() == [4]


def test_a_death_after_the_last_expected_sample_is_no_competing_event():
    series = {(subject, "A"): "-7:- 14:+ 42:+ 100:+" for subject in "PQR"}
    found = curves(series, {"P": 921}).filter(pl.col("curve") == "midpoint")
    # All three are censored at day 100: nobody knows of any of them whether the response was there later.
    assert found["loss"].max() == found["death"].max() == 0
    early = curves({(subject, "A"): "-7:- 14:+ 42:+" for subject in "PQR"}, {"P": 130, "Q": 131})
    assert early.filter(pl.col("curve") == "midpoint", antigen="A")["death"].max() == pytest.approx(1 / 3)
    late = curves({(subject, "A"): "-7:- 14:+ 42:+" for subject in "PQR"}, {"Q": 131})
    assert late["death"].max() == 0, "the visit that followed was over"


def test_turnbull_takes_the_dead_as_censored_when_last_seen():
    found = curves(SERIES, {"R": 120}).filter((pl.col("antigen") == "A") & (pl.col("curve") == "turnbull"))
    # (40, 100], (60, inf), (30, inf), (0, 120]: all mass can lie in (60, 100], which every interval holds.
    assert found.select("time_days", "loss").rows() == [(0, 0), (60, 0), (100, 1)]
    assert found["n_at_risk"].null_count() == found["death"].null_count() == 3


def test_all_tumour_antigens_are_taken_together_and_viral_ones_left_out():
    found = curves({("P", "A"): "10:+ 50:-", ("P", "B"): "10:+ 90:+", ("P", "CMV"): "10:+ 50:-"})
    sizes = dict(found.select("antigen", "n_series").unique().rows())
    assert sizes == {"A": 1, "B": 1, "all tumour antigens": 2}
    last = found.filter(antigen="all tumour antigens", curve="midpoint").sort("time_days")["loss"].to_list()
    assert last == [0, 0.5]


def test_without_a_positive_sample_there_is_no_curve():
    assert_frame_equal(curves({("P", "A"): "-7:+ 30:-"}), LOSS_CURVES.empty())
    assert_frame_equal(loss_curves(PERSISTENCE.empty(), OUTCOMES.empty(), study()), LOSS_CURVES.empty())


def test_a_death_on_record_before_the_last_sample_counts_from_that_sample():
    found = curves({("P", "A"): "10:+ 50:+"}, {"P": 40}).filter(antigen="A", curve="midpoint")
    assert found.select("time_days", "death").rows() == [(0, 0), (40, 1)]


def test_tied_events_share_their_time_and_who_is_censored_then_is_at_risk():
    found = aalen_johansen(np.array([1.0, 2, 2, 2, 3]), np.array([LOSS, LOSS, DEATH, CENSORED, LOSS]))
    assert found.time.tolist() == [0, 1, 2, 3]
    assert found.n_at_risk.tolist() == [5, 5, 4, 1]
    assert found.loss.tolist() == pytest.approx([0, 0.2, 0.4, 0.8])
    assert found.death.tolist() == pytest.approx([0, 0, 0.2, 0.2])


def test_without_ties_incidence_is_that_of_lifelines():
    from lifelines import AalenJohansenFitter

    rng = np.random.default_rng(3)
    time, event = rng.permutation(np.arange(1.0, 61)), rng.choice([CENSORED, LOSS, DEATH], 60)
    found = aalen_johansen(time, event)
    for kind, share in ((LOSS, found.loss), (DEATH, found.death)):
        fitted = AalenJohansenFitter(calculate_variance=False).fit(time, event, event_of_interest=kind)
        theirs = fitted.cumulative_density_.iloc[:, 0]
        np.testing.assert_allclose(share, [theirs[:at].iloc[-1] for at in found.time], atol=1e-12)


def test_without_censoring_both_incidences_are_the_plain_shares():
    rng = np.random.default_rng(4)
    time, event = rng.integers(0, 20, 50).astype(float), rng.choice([LOSS, DEATH], 50)
    found = aalen_johansen(time, event)
    for kind, share in ((LOSS, found.loss), (DEATH, found.death)):
        np.testing.assert_allclose(share, [np.mean((time <= at) & (event == kind)) for at in found.time])


@pytest.mark.parametrize(
    ("intervals", "times", "loss"),
    [
        ([(0, 2), (1, 3), (2, np.inf)], [0, 1, 2, 3], [0, 0, 0.5, 1]),  # masses of (1, 2] and (2, 3] alike
        ([(0, 5), (5, 9)], [0, 5, 9], [0, 0.5, 1]),  # (a, b] and (b, c] have nothing in common
        ([(0, 10), (4, 6), (5, 8)], [0, 5, 6], [0, 0, 1]),
        ([(3, np.inf), (7, np.inf)], [0, 7], [0, 0]),  # nothing lost
        ([(0, 1), (0, 1), (1, np.inf), (1, 2)], [0, 1, 2], [0, 0.5, 1]),
    ],
)
def test_turnbull_by_hand(intervals, times, loss):
    left, right = (np.array(part, dtype=float) for part in zip(*intervals, strict=True))
    found = turnbull(left, right)
    assert found.time.tolist() == times
    assert found.loss.tolist() == pytest.approx(loss, abs=1e-9)


INTERVALS = st.lists(st.tuples(st.integers(0, 12), st.one_of(st.just(99), st.integers(1, 8))), min_size=1, max_size=25)


@settings(deadline=None, max_examples=60)
@given(INTERVALS)
def test_no_step_of_self_consistency_improves_on_turnbull(drawn):
    left = np.array([start for start, _ in drawn], dtype=float)
    right = np.array([np.inf if width == 99 else start + width for start, width in drawn])
    found = turnbull(left, right)

    # Mass of (a, b] from the curve; each interval of the data has some, and one step of Turnbull's leaves it as it is.
    mass = np.append(np.diff(found.loss, prepend=0.0), 1 - found.loss[-1])
    low, high = np.append(0.0, found.time)[: mass.size], np.append(found.time, np.inf)
    holds = (low >= left[:, None]) & (high <= right[:, None])
    shares = holds * mass
    assert (shares.sum(axis=1) > 0).all()
    after = (shares / shares.sum(axis=1, keepdims=True)).mean(axis=0)
    np.testing.assert_allclose(after, mass, atol=1e-5)


def test_turnbull_of_exactly_seen_times_is_kaplan_meier():
    from transforms.survival import kaplan_meier

    rng = np.random.default_rng(5)
    time, is_event = rng.integers(1, 15, 40), rng.random(40) < 0.7
    # Events in (t - 1, t], censored at t: on whole days that is the same as seeing them.
    found = turnbull(np.where(is_event, time - 1.0, time), np.where(is_event, time, np.inf))
    theirs = kaplan_meier(time.tolist(), is_event.tolist()).curve
    events = theirs.filter(pl.col("n_events") > 0)
    ours = dict(zip(found.time.tolist(), found.loss.tolist(), strict=True))
    for at, survival in events.select("time", "survival").rows():
        assert ours[at] == pytest.approx(1 - survival, abs=1e-8)


@settings(deadline=None, max_examples=15)
@given(st.randoms())
def test_row_order_changes_nothing(random):
    responses, outcomes = drawn_responses(SERIES), outcomes_of({subject: (None, 999) for subject, _ in SERIES})
    others = visits_of(responses), outcomes, products_of(outcomes), study()
    order = random.sample(range(responses.height), responses.height)
    one, other = (persistence(frame, *others) for frame in (responses, responses[order]))
    shuffled = other[random.sample(range(other.height), other.height)]
    assert_frame_equal(loss_curves(one, outcomes, SAMPLED), loss_curves(shuffled, outcomes, SAMPLED), check_exact=True)
