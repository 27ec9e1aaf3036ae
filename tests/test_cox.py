"""Cox models against R's survival and lifelines, the likelihood's own definition, and separation."""

from __future__ import annotations

import random
import warnings
from math import exp, log, sqrt
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.drawing import SHARED, needs_shared
from transforms.cox import Hazard, cox, cox_over_time, fit_cox
from transforms.estimability import NotEstimable
from transforms.survival import logrank

LAWS = settings(max_examples=40, deadline=None)
SURVIVAL = SHARED / "reference" / "survival"
TIMES = {
    **dict.fromkeys(("aml", "lung", "veteran"), (None, "time", "status")),
    "ovarian": (None, "futime", "fustat"),
    "heart": ("start", "stop", "event"),
    "cgd": ("tstart", "tstop", "status"),
    **{f"jasa_landmark_{day}": (None, "t", "fustat") for day in (30, 60, 90)},
}
LEVELS = {
    "xNonmaintained": ("x", "Nonmaintained"),
    "transplant1": ("transplant", "1"),
    "treatrIFN-g": ("treat", "rIFN-g"),
}
SUBJECTS = st.lists(
    st.tuples(st.integers(1, 12), st.booleans(), st.sampled_from([0.0, 1.0, 2.5])), min_size=4, max_size=25
)


def r_models() -> list[list[dict[str, object]]]:
    """The rows of R's output by model: those with data here, ties after Efron or Breslow."""
    if not SURVIVAL.is_dir():
        return []
    rows = pl.read_csv(SURVIVAL / "R_cox.csv", infer_schema_length=None).filter(
        pl.col("dataset").is_in(list(TIMES)), pl.col("ties") != "exact"
    )
    models = rows.partition_by("dataset", "formula", "ties", maintain_order=True)
    return [model.to_dicts() for model in models]


def covariate(frame: pl.DataFrame, term: str) -> np.ndarray:
    """A column, a level of one (xNonmaintained), or a product of two (age:transplant1)."""
    if ":" in term:
        first, second = term.split(":")
        return covariate(frame, first) * covariate(frame, second)
    if term in LEVELS:
        name, level = LEVELS[term]
        return (frame[name].cast(pl.String) == level).to_numpy().astype(float)
    return frame[term].cast(pl.Float64).to_numpy()


@needs_shared
@pytest.mark.parametrize("model", r_models(), ids=lambda m: f"{m[0]['dataset']} {m[0]['formula']} {m[0]['ties']}")
def test_coefficients_errors_likelihoods_and_scores_are_rs(model: list[dict[str, object]]):
    first = model[0]
    begin, end, status = TIMES[str(first["dataset"])]
    frame = pl.read_csv(SURVIVAL / f"data_{first['dataset']}.csv", infer_schema_length=None, null_values=["", "NA"])
    used = [name for name in ("age", "sex", "ph.ecog") if name in str(first["formula"])]
    frame = frame.drop_nulls(used)
    stop = frame[end].cast(pl.Float64).to_numpy()
    start = frame[begin].cast(pl.Float64).to_numpy() if begin else np.full(frame.height, -np.inf)
    events = (frame[status] == frame[status].max()).to_numpy()
    covariates = np.column_stack([covariate(frame, str(row["term"])) for row in model])
    ours = fit_cox(start, stop, events, covariates, ties=first["ties"])
    assert (frame.height, events.sum()) == (first["n"], first["nevent"])
    assert ours.coefficients == pytest.approx([row["coef"] for row in model], abs=1e-6)
    assert np.sqrt(np.diag(ours.covariance)) == pytest.approx([row["se"] for row in model], abs=1e-6)
    assert (ours.log_likelihood_at_0, ours.log_likelihood) == pytest.approx(
        (first["loglik0"], first["loglik1"]), abs=1e-6
    )
    # R's score statistic is at its first step, from 0: the same number.
    assert ours.score == pytest.approx(first["score"], rel=1e-6)


@needs_shared
def test_the_reference_has_models_with_entry_times_and_time_dependent_covariates():
    models = r_models()
    assert {str(model[0]["dataset"]) for model in models} == set(TIMES)
    assert sum(map(len, models)) == 43


@needs_shared
@pytest.mark.parametrize(("name", "term"), [("aml", "xNonmaintained"), ("heart", "transplant1")])
def test_one_exposure_has_rs_ratio_and_wald_numbers(name: str, term: str):
    (row,) = (m[0] for m in r_models() if (m[0]["dataset"], m[0]["ties"]) == (name, "efron") and len(m) == 1)
    frame = pl.read_csv(SURVIVAL / f"data_{name}.csv")
    begin, end, status = TIMES[name]
    x, event = covariate(frame, term), frame[status].cast(pl.Boolean).to_list()
    ours = (
        cox_over_time(frame[begin].to_list(), frame[end].to_list(), event, x)
        if begin
        else cox(frame[end].to_list(), event, x)
    )
    assert ours.hazard_ratio == pytest.approx(exp(row["coef"]), rel=1e-6)
    assert (ours.standard_error, ours.z, ours.p_value) == pytest.approx((row["se"], row["z"], row["p"]), abs=1e-6)
    z = NormalDist().inv_cdf(0.975)
    wald = [exp(row["coef"] + sign * z * row["se"]) for sign in (-1, 1)]
    assert [ours.wald_lower, ours.wald_upper] == pytest.approx(wald, rel=1e-6)


@needs_shared
def test_it_agrees_with_lifelines_on_a_covariate_that_changes_over_time():
    from lifelines import CoxTimeVaryingFitter

    frame = pl.read_csv(SURVIVAL / "data_heart.csv").select("id", "start", "stop", "event", "transplant")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = CoxTimeVaryingFitter().fit(
            frame.to_pandas(), id_col="id", event_col="event", start_col="start", stop_col="stop"
        )
    ours = cox_over_time(*(frame[name].to_list() for name in ("start", "stop", "event", "transplant")))
    assert ours.coefficient == pytest.approx(other.params_["transplant"], abs=1e-6)
    assert ours.standard_error == pytest.approx(other.standard_errors_["transplant"], abs=1e-6)


def log_likelihood(subjects: list[tuple[int, bool, float]], beta: float) -> float:
    """Efron's partial likelihood, written out."""
    total = 0.0
    for moment in {t for t, e, _ in subjects if e}:
        dying = [x for t, e, x in subjects if e and t == moment]
        at_risk, tied = (sum(exp(beta * x) for x in xs) for xs in ([x for t, _, x in subjects if t >= moment], dying))
        total += beta * sum(dying) - sum(log(at_risk - k / len(dying) * tied) for k in range(len(dying)))
    return total


@given(subjects=SUBJECTS)
@LAWS
def test_the_ratio_maximises_the_likelihood_and_its_limits_are_where_the_ratio_test_just_rejects(
    subjects: list[tuple[int, bool, float]],
):
    ours = cox(*zip(*subjects, strict=True))
    assume(isinstance(ours, Hazard))
    most = log_likelihood(subjects, ours.coefficient)
    assert most >= max(log_likelihood(subjects, ours.coefficient + step) for step in (-0.01, 0.01))
    for limit in (ours.lower, ours.upper):
        assert 2 * (most - log_likelihood(subjects, log(limit))) == pytest.approx(3.841458820694124, abs=1e-6)
    assert ours.lower < ours.hazard_ratio < ours.upper
    chi2 = 2 * (most - log_likelihood(subjects, 0))
    assert ours.likelihood_ratio_p == pytest.approx(2 * NormalDist().cdf(-sqrt(max(0, chi2))), abs=1e-6)


@given(subjects=SUBJECTS, seed=st.integers())
@LAWS
def test_order_unit_and_direction_of_the_exposure_only_restate_the_ratio(
    subjects: list[tuple[int, bool, float]], seed: int
):
    ours = cox(*zip(*subjects, strict=True))
    assume(isinstance(ours, Hazard))
    shuffled = random.Random(seed).sample(subjects, k=len(subjects))
    assert cox(*zip(*shuffled, strict=True)).hazard_ratio == pytest.approx(ours.hazard_ratio, rel=1e-6)
    (time, event, x), unit = zip(*subjects, strict=True), 1e9
    scaled = cox(time, event, [3e9 + unit * value for value in x], unit=unit)
    assert (scaled.hazard_ratio, scaled.lower) == pytest.approx((ours.hazard_ratio, ours.lower), rel=1e-5)
    turned = cox(time, event, [-value for value in x])
    assert (turned.hazard_ratio, turned.upper) == pytest.approx((1 / ours.hazard_ratio, 1 / ours.lower), rel=1e-6)
    assert turned.p_value == pytest.approx(ours.p_value, abs=1e-9)


def test_intervals_cut_where_nothing_changes_are_the_uncut_model():
    time, event, x = [2, 3, 5, 7, 8, 11], [True, True, False, True, True, True], [1.0, 0.0, 1.0, 0.0, 1.0, 0.0]
    whole = cox(time, event, x)
    start, stop, failed, mark = [], [], [], []
    for t, e, value in zip(time, event, x, strict=True):
        cuts = [0, *(c for c in (1, 4, 6) if c < t), t]
        start += cuts[:-1]
        stop += cuts[1:]
        failed += [*[False] * (len(cuts) - 2), e]
        mark += [value] * (len(cuts) - 1)
    assert cox_over_time(start, stop, failed, mark).hazard_ratio == pytest.approx(whole.hazard_ratio)


@pytest.mark.parametrize(
    ("durations", "events", "exposure", "reason"),
    [
        ([1, 2, 3, 4], "1111", [1, 1, 0, 0], "separation"),
        ([4, 3, 2, 1], "1111", [1, 1, 0, 0], "separation"),
        ([1, 2, 3, 4, 5], "11000", [1, 1, 0, 0, 1], "separation"),
        ([1, 2, 3, 4], "1111", [4.0, 3.0, 2.0, 1.0], "separation"),
        ([1, 2, 3, 4], "0000", [1, 1, 0, 0], "no_event"),
        ([1, 2, 3, 4], "1111", [1, 1, 1, 1], "not_estimable"),
        ([1, 2, 3, 4], "0011", [1, 1, 0, 0], "not_estimable"),
        ([], "", [], "no_event"),
    ],
)
def test_a_model_that_is_not_estimable_says_why(
    durations: list[float], events: str, exposure: list[float], reason: str
):
    assert cox(durations, [event == "1" for event in events], exposure) == NotEstimable(reason)


def test_one_event_against_the_separation_makes_it_estimable():
    assert isinstance(cox([1, 2, 3, 4, 5], [True] * 5, [1, 1, 0, 1, 0]), Hazard)


@pytest.mark.parametrize(("start", "exposure"), [([0, 2], [0.0, 1.0]), ([0, 1], [0.0, float("inf")])])
def test_an_empty_interval_or_an_endless_exposure_is_refused(start: list[float], exposure: list[float]):
    with pytest.raises(ValueError, match=r"does not end after its start|no finite number"):
        cox_over_time(start, [3, 2], [True, True], exposure)


@given(subjects=SUBJECTS)
@LAWS
def test_without_ties_the_models_score_is_the_log_rank_chi_square(subjects: list[tuple[int, bool, float]]):
    time = [t + 0.01 * i for i, (t, _, _) in enumerate(subjects)]
    event, group = [e for _, e, _ in subjects], [x > 0 for _, _, x in subjects]
    test, model = (
        logrank(time, event, group),
        fit_cox([-1.0] * len(time), time, event, np.array(group, dtype=float)[:, None]),
    )
    assume(test is not None and not isinstance(model, NotEstimable))
    assert model.score == pytest.approx(test.chi2, rel=1e-6)


def test_exposures_that_differ_in_nobody_at_risk_are_no_model():
    # The one unexposed subject is censored before the first event.
    told = cox([5, 90, 120, 325, 391, 400], [False, True, False, True, True, False], [0, 1, 1, 1, 1, 1])
    assert told == NotEstimable("not_estimable")
