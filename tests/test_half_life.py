"""Half-life from the peak on, and the many censored lines it rests on, against definitions and scipy."""

from __future__ import annotations

import csv
from collections.abc import Callable
from math import log

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.drawing import SHARED, needs_shared
from tests.drawn_series import drawn_responses, outcomes_of, products_of, study, visits_of
from transforms.persistence import persistence
from transforms.tobit import ABOVE, BELOW, EXACT, Lines, Points, tobit_lines

NAMES = (
    "half_life_days",
    "half_life_lower",
    "half_life_upper",
    "half_life_n",
    "half_life_n_censored",
    "half_life_reason",
)
LOD_OF_DRAWN = 10.0
"""See `drawn_responses`."""


def half_life(drawing: str, too_numerous: tuple[int, ...] = (), controls_too_numerous: tuple[int, ...] = ()) -> dict:
    """Of antigen A of one subject; on the days named the antigen wells, or the controls, are too numerous to count."""
    responses = drawn_responses({("P", "A"): drawing})
    day = pl.col("study_day")
    is_open = (day.is_in(too_numerous) & (pl.col("net_value") < LOD_OF_DRAWN)) | (
        day.is_in(controls_too_numerous) & (pl.col("net_value") >= LOD_OF_DRAWN)
    )
    responses = responses.with_columns(
        net_upper=pl.when(~day.is_in(too_numerous)).then("net_upper"),
        net_lower=pl.when(~day.is_in(controls_too_numerous)).then("net_lower"),
        is_below_lod=pl.when(~is_open).then("is_below_lod"),
    )
    outcomes = outcomes_of({"P": (None, 999)})
    rows = persistence(responses, visits_of(responses), outcomes, products_of(outcomes), study())
    return rows.select(*NAMES, "antigen").row(by_predicate=pl.col("antigen") == "A", named=True)


@needs_shared
def test_the_worked_example_has_the_half_life_of_the_reference():
    with (SHARED / "reference" / "persistence_worked_example.csv").open() as file:
        expected = {row["metric"]: float(row["value"]) for row in csv.DictReader(file)}
    row = half_life("0:-0 7:+800 30:+400 90:+120 180:-8 360:-0")
    assert row["half_life_days"] == pytest.approx(expected["tobit_half_life"], rel=1e-4)
    assert row["half_life_days"] != pytest.approx(expected["ols_half_life_detected_only"], rel=0.05)
    assert (row["half_life_n"], row["half_life_n_censored"], row["half_life_reason"]) == (5, 2, None)
    assert row["half_life_lower"] < row["half_life_days"] < row["half_life_upper"]


def test_without_bounds_it_is_least_squares_with_its_interval():
    # ln x = 6, 5, 4.4, 2.9 on days 0, 30, 60, 90: slope -297 / 9000 of the least squares by hand: -0.033.
    days, logs = np.array([0.0, 30, 60, 90]), np.array([6, 5, 4.4, 2.9])
    drawing = " ".join(f"{day + 10:.0f}:+{np.exp(value):.17g}" for day, value in zip(days, logs, strict=True))
    row = half_life(drawing)
    assert row["half_life_days"] == pytest.approx(log(2) / 0.033, rel=1e-9)
    # The standard error of the slope, and Student's 97.5 % point with two degrees of freedom.
    residual = logs - logs.mean() + 0.033 * (days - days.mean())
    off = 4.302652729911275 * np.sqrt(residual @ residual / 2 / 4500)
    assert row["half_life_lower"] == pytest.approx(log(2) / (0.033 + off), rel=1e-6)
    assert row["half_life_upper"] == pytest.approx(log(2) / (0.033 - off), rel=1e-6)


@pytest.mark.parametrize(
    ("drawing", "days", "n", "n_censored", "reason"),
    [
        ("10:+800 40:+400 70:+200", 30, 3, 0, None),  # exactly halved every 30 days: no scatter, no interval
        ("10:+800 40:+400 70:+200 130:-1", None, 4, 1, "ends above"),
        ("10:+800 40:+400 70:+200 370:-1", 30, 4, 1, None),  # a bound that agrees with the line changes nothing
        ("10:+800 40:+400 70:-1", None, 3, 1, "too_few_detected"),
        ("10:+100 40:+800 70:+400", None, 2, 0, "too_few_detected"),  # what came before the peak does not count
        ("10:+100 40:+100 70:+100", None, 3, 0, "not_declining"),
        ("10:+800 40:+100 70:+790 100:+795", None, 4, 0, "not_declining"),
        ("-7:+800", None, 0, 0, "too_few_detected"),
        ("10:+800 40:?400 70:+200 100:+100", None, 3, 0, None),  # an indeterminate sample is skipped
        ("10:+10 40:+10 70:+10", None, 3, 0, "not_declining"),  # a value at its LOD is detected
    ],
)
def test_who_has_a_half_life_and_why_others_have_none(drawing, days, n, n_censored, reason):
    row = half_life(drawing)
    assert (row["half_life_n"], row["half_life_n_censored"]) == (n, n_censored)
    if reason == "ends above":
        assert row["half_life_days"] < 30 and row["half_life_reason"] is None
        return
    assert row["half_life_reason"] == reason
    if days is not None:
        assert row["half_life_days"] == pytest.approx(days, rel=1e-9)
        assert (row["half_life_lower"], row["half_life_upper"]) == (None, None)
    assert (row["half_life_days"] is None) == (reason is not None)


def test_a_peak_too_numerous_to_count_is_a_bound_and_makes_the_decline_no_slower():
    drawing = "10:+800 40:+300 70:+200 130:+60"
    exact, bound = half_life(drawing), half_life(drawing, too_numerous=(10,))
    assert bound["half_life_days"] < exact["half_life_days"]
    assert (bound["half_life_n"], bound["half_life_n_censored"]) == (4, 1)


def test_two_exact_values_under_a_peak_too_numerous_to_count_have_no_greatest_likelihood():
    row = half_life("10:+500 40:+300 70:+100", too_numerous=(10,))
    assert (row["half_life_days"], row["half_life_reason"]) == (None, "not_converged")


def test_a_control_too_numerous_to_count_makes_the_value_an_upper_bound():
    drawing = "10:+800 40:+300 70:+200 130:+150"
    exact, bound = half_life(drawing), half_life(drawing, controls_too_numerous=(130,))
    assert bound["half_life_days"] < exact["half_life_days"]
    assert bound["half_life_n_censored"] == 1
    below = "10:+800 40:+300 70:+200 130:-5"
    assert half_life(below, controls_too_numerous=(130,)) == half_life(below)


def test_an_upper_end_that_no_decline_reaches_is_open():
    row = half_life("10:+800 40:+100 70:+700 100:+300")
    assert row["half_life_reason"] is None
    assert row["half_life_lower"] < row["half_life_days"]
    assert row["half_life_upper"] is None


def lines(*drawn: list[tuple[float, float, int]]) -> Lines:
    """Lines through points (t, y, known)."""
    sizes = np.array([len(points) for points in drawn])
    t, y, known = (np.array([point[part] for points in drawn for point in points]) for part in range(3))
    return tobit_lines(Points(t.astype(float), y.astype(float), known.astype(np.int8), np.cumsum(sizes) - sizes, sizes))


def simulated(seed: int) -> list[tuple[float, float, int]]:
    """A decay with scatter, cut below at ln 10 and above at ln 500, with four exact values or more."""
    rng = np.random.default_rng(seed)
    while True:
        n = int(rng.integers(5, 10))
        t = np.sort(rng.choice(np.arange(1, 400), n, replace=False)).astype(float)
        y = rng.uniform(4, 7) - rng.uniform(0.002, 0.02) * t + rng.normal(0, rng.choice([0.2, 0.6, 1.0]), n)
        known = np.where(y < log(10), BELOW, np.where(y > log(500), ABOVE, EXACT))
        if (known == EXACT).sum() >= 4:
            return list(zip(t - t[0], np.clip(y, log(10), log(500)), known, strict=True))


def log_likelihood(points: list[tuple[float, float, int]]) -> Callable[[float, float, float], float]:
    """Minus the log-likelihood by intercept, slope and ln sigma, written down directly."""
    from scipy.stats import norm

    t, y, known = (np.array(part) for part in zip(*points, strict=True))

    def height(intercept: float, slope: float, ln_sigma: float) -> float:
        z = (y - intercept - slope * t) / np.exp(ln_sigma)
        exact = norm.logpdf(z) - ln_sigma
        return -float(np.sum(np.select([known == EXACT, known == BELOW], [exact, norm.logcdf(z)], norm.logsf(z))))

    return height


def smallest(function: Callable, start: list[float]) -> tuple[np.ndarray, float]:
    from scipy.optimize import minimize

    options = {"maxiter": 20_000, "maxfev": 20_000, "xatol": 1e-10, "fatol": 1e-13}
    for _ in range(2):
        start = minimize(lambda p: function(*p), start, method="Nelder-Mead", options=options).x
    return start, function(*start)


@pytest.mark.parametrize("seed", range(6))
def test_slope_and_interval_are_those_of_a_general_optimiser(seed):
    from scipy.stats import t as student

    points = simulated(seed)
    height, t = log_likelihood(points), np.array([point[0] for point in points])
    tilt, level = np.polyfit(t, [point[1] for point in points], 1)
    best, least = smallest(height, [level, tilt, 0.0])
    found = lines(points)
    assert found.slope[0] == pytest.approx(best[1], rel=1e-5)
    n_exact = sum(known == EXACT for _, _, known in points)
    limit = n_exact * np.log1p(student.ppf(0.975, n_exact - 2) ** 2 / (n_exact - 2))
    for end in (found.lower[0], found.upper[0]):
        if np.isnan(end):
            continue
        start = [best[0] - (end - best[1]) * t.mean(), best[2]]
        _, there = smallest(lambda a, s, end=end: height(a, end, s), start)
        assert 2 * (there - least) == pytest.approx(limit, abs=1e-4)


@pytest.mark.parametrize(("days", "limit"), [((0, 30, 60, 90), -9.0), ((0, 30, 60, 90, 180, 270), log(40))])
def test_nineteen_of_twenty_intervals_hold_the_truth_however_few_the_samples(days, limit):
    rng, slope, n_lines = np.random.default_rng(7), -log(2) / 60, 4_000
    drawn = 6.5 + slope * np.array(days) + rng.normal(0, 0.4, (n_lines, len(days)))
    drawn = drawn[(drawn >= limit).sum(axis=1) >= 3]
    sizes = np.full(len(drawn), len(days))
    known = np.where(drawn < limit, BELOW, EXACT).astype(np.int8).ravel()
    t, y = np.tile(np.array(days, dtype=float), len(drawn)), np.maximum(drawn, limit).ravel()
    found = tobit_lines(Points(t, y, known, np.cumsum(sizes) - sizes, sizes))
    is_in = (found.lower <= slope) & ~(found.upper < slope)
    assert 0.94 < is_in.mean() < 0.97  # Monte Carlo error 0.0035


def test_lines_do_not_depend_on_each_other_and_a_block_takes_any_number():
    drawn = [simulated(seed) for seed in range(60)]
    together, alone = lines(*drawn), [lines(one) for one in drawn]
    for name in ("slope", "lower", "upper"):
        separate = [getattr(one, name)[0] for one in alone]
        np.testing.assert_allclose(getattr(together, name), separate, rtol=1e-7, equal_nan=True)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.1, 50), st.floats(-5, 5))
def test_stretching_time_or_scaling_values_does_no_more_than_that(seed, stretch, shift):
    points = simulated(seed)
    plain = lines(points)
    other = lines([(t * stretch, y + shift, known) for t, y, known in points])
    for name in ("slope", "lower", "upper"):
        np.testing.assert_allclose(getattr(other, name) * stretch, getattr(plain, name), rtol=1e-5, equal_nan=True)


@settings(deadline=None, max_examples=100)
@given(
    st.lists(st.tuples(st.floats(-3, 9), st.sampled_from([EXACT, EXACT, EXACT, BELOW, ABOVE])), min_size=2, max_size=7)
)
def test_any_points_give_a_slope_within_its_interval_or_none(values):
    found = lines([(30.0 * place, y, known) for place, (y, known) in enumerate(values)])
    slope, lower, upper = found.slope[0], found.lower[0], found.upper[0]
    if np.isnan(slope):
        assert np.isnan(lower) and np.isnan(upper)
    assert not lower > slope and not upper < slope


def test_scatter_however_small_is_found():
    t = np.array([0.0, 30, 60, 90])
    for size in (1e-3, 1e-5, 1e-7):
        y = 6 - 0.02 * t + size * np.array([1, -1, -1, 1])
        found = lines([*zip(t, y, [EXACT] * 4, strict=True), (400.0, log(10), BELOW)])
        assert found.slope[0] == pytest.approx(-0.02, rel=1e-6)
        assert found.lower[0] < found.slope[0]


@settings(deadline=None, max_examples=10)
@given(st.randoms(), st.integers(0, 20))
def test_row_order_changes_nothing(random, seed):
    rng, days = np.random.default_rng(seed), (5, 30, 60, 90)
    values = {subject: 50 * np.exp(rng.normal(size=len(days))) for subject in "PQR"}
    series = {
        (subject, "A"): " ".join(f"{day}:+{value:.6f}" for day, value in zip(days, drawn, strict=True))
        for subject, drawn in values.items()
    }
    responses, outcomes = drawn_responses(series), outcomes_of(dict.fromkeys("PQR", (None, 999)))
    others = visits_of(responses), outcomes, products_of(outcomes), study()
    order = random.sample(range(responses.height), responses.height)
    one, other = (persistence(frame, *others) for frame in (responses, responses[order]))
    assert_frame_equal(one, other, check_exact=True)
