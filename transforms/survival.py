"""Kaplan-Meier curves, their medians, and the log-rank test.

Written in numpy rather than taken from lifelines: its median is the first time at which the curve is at or below one
half, where R's convention is the midpoint of a flat stretch at exactly one half, and its import alone costs more than
a second. The numbers are held to R's `survival` by the tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import NormalDist
from typing import Any, Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from expectations.outcome_tables import SURVIVAL_CURVES, SURVIVAL_SUMMARIES
from expectations.study import StudySettings
from transforms.exact import CONFIDENCE
from transforms.outcome import DAYS_PER_MONTH

_HALF_TOLERANCE: Final = 1e-9
"""A curve that should stand at one half does so within the error of its products."""

Floats = NDArray[np.float64]
Scale = Literal["log-log", "log", "plain"]
Endpoint = Literal["OS", "PFS"]


@dataclass(frozen=True, slots=True)
class KaplanMeier:
    """A curve and the median with its limits, in the unit of the durations; None where the curve does not get there."""

    curve: pl.DataFrame
    median: float | None
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class LogRank:
    """Log-rank chi-square, its degrees of freedom and its p-value."""

    chi2: float
    df: int
    p_value: float


def kaplan_meier(durations: Sequence[float], events: Sequence[bool], scale: Scale = "log-log") -> KaplanMeier:
    """Kaplan-Meier curve with 95 % limits on that scale, and the median with its limits.

    The curve has columns time, n_at_risk (just before), n_events, n_censored, survival, lower, upper: one row a
    distinct time, and one at time 0. Limits do not exist while survival is 1 and once it is 0. The median is where the
    curve falls below one half, or the midpoint of the stretch on which it is exactly one half; its limits are where the
    limits of the curve do (Brookmeyer and Crowley, Biometrics 1982;38:29; Kalbfleisch and Prentice, 1980).
    """
    time, died = np.asarray(durations, dtype=np.float64), np.asarray(events, dtype=bool)
    moments = np.unique(np.append(time, 0.0)) if time.size else time
    place = np.searchsorted(moments, time)
    n_events = np.bincount(place, weights=died, minlength=moments.size)
    n_leaving = np.bincount(place, minlength=moments.size)
    n_at_risk = time.size - np.cumsum(n_leaving) + n_leaving
    survival = np.cumprod(1 - n_events / n_at_risk)
    with np.errstate(divide="ignore"):
        variance = np.cumsum(n_events / (n_at_risk * (n_at_risk - n_events)))
    lower, upper = _limits(survival, variance, scale)
    columns = {
        "time": moments,
        "n_at_risk": n_at_risk,
        "n_events": n_events,
        "n_censored": n_leaving - n_events,
        "survival": survival,
        "lower": lower,
        "upper": upper,
    }
    counts = ("n_at_risk", "n_events", "n_censored")
    curve = pl.DataFrame(columns).with_columns(pl.col(*counts).cast(pl.Int32), pl.col("lower", "upper").fill_nan(None))
    return KaplanMeier(curve, *(_crossing(curve, of) for of in ("survival", "lower", "upper")))


def _limits(survival: Floats, variance: Floats, scale: Scale) -> tuple[Floats, Floats]:
    """Limits of survival, NaN where it is 0 or 1; variance is Greenwood's sum, the variance of log S."""
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    exists = (survival > 0) & (survival < 1)
    s, width = np.where(exists, survival, np.nan), z * np.sqrt(np.where(exists, variance, np.nan))
    if scale == "plain":
        return np.maximum(s - s * width, 0), np.minimum(s + s * width, 1)
    if scale == "log":
        return s * np.exp(-width), np.minimum(s * np.exp(width), 1)
    width /= np.abs(np.log(s))
    return s ** np.exp(width), s ** np.exp(-width)


def _crossing(curve: pl.DataFrame, of: str) -> float | None:
    """First time the curve is below one half; the midpoint where it rests on one half before it falls."""
    reached = curve.filter(pl.col(of) < 0.5 + _HALF_TOLERANCE)
    if reached.is_empty():
        return None
    start, level = float(reached["time"][0]), reached[of][0]
    below = reached.filter(pl.col(of) < level)
    if abs(level - 0.5) < _HALF_TOLERANCE and not below.is_empty():
        return (start + float(below["time"][0])) / 2
    return start


def logrank(
    durations: Sequence[float],
    events: Sequence[bool],
    groups: Sequence[Any],
    strata: Sequence[Any] | None = None,
    rho: float = 0.0,
) -> LogRank | None:
    """Log-rank test of two or more groups; None where fewer than two could have had an event, or nothing varies.

    Mantel, Cancer Chemother Rep 1966;50:163, with the hypergeometric variance at tied times.

    Args:
        durations: times, in any unit.
        events: True for an event, False for a censoring.
        groups: the group of each subject.
        strata: subjects are compared within these only, and the differences added up.
        rho: each time counts with the survival of all just before it to this power; 0 is the log-rank test (Harrington
            and Fleming, Biometrika 1982;69:553).
    """
    time, died = np.asarray(durations, dtype=np.float64), np.asarray(events, dtype=bool)
    codes = _codes(groups)
    n_groups = int(codes.max(initial=-1)) + 1
    excess, expected, variance = np.zeros(n_groups), np.zeros(n_groups), np.zeros((n_groups, n_groups))
    stratum = np.zeros(time.size, dtype=np.int64) if strata is None else _codes(strata)
    for one in np.unique(stratum):
        here = stratum == one
        parts = _differences(time[here], died[here], codes[here], n_groups, rho)
        excess, expected, variance = excess + parts[0], expected + parts[1], variance + parts[2]
    return _chi_square(excess, variance, expected > 0)


def _codes(values: Sequence[Any]) -> NDArray[np.int64]:
    numbers = {value: number for number, value in enumerate(sorted(set(values)))}
    return np.array([numbers[value] for value in values], dtype=np.int64)


def _differences(
    time: Floats, died: NDArray[np.bool_], codes: NDArray[np.int64], n_groups: int, rho: float
) -> tuple[Floats, Floats, Floats]:
    """Observed minus expected events of each group, the expected ones, and the covariance of the differences."""
    moments = np.unique(time[died])
    by_group = [np.sort(time[codes == group]) for group in range(n_groups)]
    at_risk = np.array([members.size - np.searchsorted(members, moments) for members in by_group]).reshape(n_groups, -1)
    dying = np.zeros_like(at_risk)
    np.add.at(dying, (codes[died], np.searchsorted(moments, time[died])), 1)
    n, d = at_risk.sum(axis=0), dying.sum(axis=0)
    weights = np.concatenate(([1.0], np.cumprod(1 - d / n)[:-1])) ** rho if moments.size else np.ones(0)
    shares = at_risk / n
    spread = weights**2 * d * (n - d) / np.maximum(n - 1, 1)
    covariance = np.diag((shares * spread).sum(axis=1)) - (shares * spread) @ shares.T
    expected = weights * d * shares
    return (weights * dying - expected).sum(axis=1), expected.sum(axis=1), covariance


def _chi_square(excess: Floats, variance: Floats, is_exposed: NDArray[np.bool_]) -> LogRank | None:
    free = np.flatnonzero(is_exposed)[:-1]  # the last follows from the others: excesses add up to 0
    reduced = variance[np.ix_(free, free)]
    if free.size == 0 or np.linalg.matrix_rank(reduced) < free.size:
        return None
    from scipy.special import chdtrc

    chi2 = float(excess[free] @ np.linalg.solve(reduced, excess[free]))
    return LogRank(chi2, int(free.size), float(chdtrc(free.size, chi2)))


def time_from_landmark(outcomes: pl.DataFrame, time_zero_day: int, endpoint: Endpoint = "OS") -> pl.DataFrame:
    """Every subject with is_at_risk at study day `time_zero_day`, and the days and event of OS or PFS from then on.

    At risk: infused, and on that day known to be alive, for PFS also free of progression and still followed for it.
    Who dies or progresses on the day itself is not; who is last seen on it is, with 0 days. Days and event are null
    for all others, so nobody with an event before time zero can enter a group: the guaranteed (immortal) time before a
    landmark is never counted (Anderson, Cain and Gelber, J Clin Oncol 1983;1:710).

    Returns:
        subject_id, is_at_risk, time_days, event, why_not: `death`, `progression` or `not_followed` (last contact, or
        for PFS its censoring, before that day); null for who is at risk and for the never infused. For PFS the event
        that ended it counts; who was censored and is known to have died by that day is not at risk by `death`.
    """
    name = endpoint.lower()
    days = pl.col(f"{name}_days") - 1 - time_zero_day  # the clinical +1 belongs to reported durations only
    is_event = pl.col(f"{name}_event").fill_null(value=False)
    is_followed = pl.when(is_event).then(days > 0).otherwise(days >= 0).fill_null(value=False)
    is_at_risk = pl.col("is_infused") & is_followed
    has_died = (pl.col("os_event") & (pl.col("os_days") - 1 <= time_zero_day)).fill_null(value=False)
    has_progressed = is_event & (pl.col("pfs_reason") == "progression") if endpoint == "PFS" else pl.lit(value=False)
    why_not = (
        pl.when(has_progressed)
        .then(pl.lit("progression"))
        .when(has_died)
        .then(pl.lit("death"))
        .otherwise(pl.lit("not_followed"))
    )
    return outcomes.select(
        "subject_id",
        is_at_risk=is_at_risk,
        time_days=pl.when(is_at_risk).then(days).cast(pl.Float64),
        event=pl.when(is_at_risk).then(f"{name}_event"),
        why_not=pl.when(pl.col("is_infused") & ~is_followed).then(why_not),
    )


def survival_tables(
    outcomes: pl.DataFrame, by_subject: pl.DataFrame, settings: StudySettings
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """SURVIVAL_CURVES and SURVIVAL_SUMMARIES, durations in days.

    OS, PFS and follow-up of the enrolled (from enrolment), the infused and the evaluable (from infusion); the duration
    of response of the evaluable who responded; OS and PFS from each landmark's L + w of the persistent and the not
    persistent under the primary rule. Follow-up is the reverse Kaplan-Meier curve of OS, in which the end of follow-up
    is the event and a death censors (Schemper and Smith, Control Clin Trials 1996;17:343). Subjects without a duration
    are left out; a group of nobody has a summary with n = 0 and no curve.
    """
    curves, summaries = [SURVIVAL_CURVES.empty()], [SURVIVAL_SUMMARIES.empty()]
    for place, members in (*_from_start(outcomes), *_from_landmarks(outcomes, by_subject, settings)):
        fitted = kaplan_meier(members["time_days"].to_list(), members["event"].to_list())
        identity = [pl.lit(value).alias(name) for name, value in place.items()]
        curves.append(SURVIVAL_CURVES.conform(fitted.curve.rename({"time": "time_days"}).with_columns(identity)))
        summaries.append(SURVIVAL_SUMMARIES.conform(_summary(members, fitted).with_columns(identity)))
    return pl.concat(curves).sort(SURVIVAL_CURVES.key), pl.concat(summaries).sort(SURVIVAL_SUMMARIES.key)


def _summary(members: pl.DataFrame, fitted: KaplanMeier) -> pl.DataFrame:
    limits = {"median": fitted.median, "lower": fitted.lower, "upper": fitted.upper}
    days = {f"{name}_days": value for name, value in limits.items()}
    months = {f"{name}_months": value and value / DAYS_PER_MONTH for name, value in limits.items()}
    return pl.DataFrame([{"n": members.height, "n_events": int(members["event"].sum()), **days, **months}])


_Curve = tuple[dict[str, Any], pl.DataFrame]


def _from_start(outcomes: pl.DataFrame) -> Iterator[_Curve]:
    populations: dict[str, tuple[pl.Expr, str]] = {
        "enrolled": (pl.lit(value=True), "_from_enrolment"),
        "infused": (pl.col("is_infused"), ""),
        "evaluable": (pl.col("is_evaluable"), ""),
    }
    endpoints = {
        "OS": ("os_days", pl.col("os_event")),
        "PFS": ("pfs_days", pl.col("pfs_event")),
        "FOLLOW-UP": ("os_days", ~pl.col("os_event")),
    }
    for endpoint, (time, event) in endpoints.items():
        for population, (belongs, clock) in populations.items():
            members = outcomes.filter(belongs).select(time_days=f"{time}{clock}", event=event).drop_nulls()
            yield _whole(endpoint, population), members
    responders = outcomes.filter("is_responder").select(time_days="dor_days", event="dor_event").drop_nulls()
    yield _whole("DOR", "evaluable"), responders


def _whole(endpoint: str, population: str) -> dict[str, Any]:
    return {"endpoint": endpoint, "population": population, "landmark_day": 0, "group": "all"}


def _from_landmarks(outcomes: pl.DataFrame, by_subject: pl.DataFrame, settings: StudySettings) -> Iterator[_Curve]:
    series = zip(("assay", "population", "readout", "rule"), settings.primary_series, strict=True)
    is_primary = pl.all_horizontal(pl.col(name) == value for name, value in series)
    endpoints: tuple[Endpoint, ...] = ("OS", "PFS")
    for landmark, endpoint in product(settings.persistence.landmarks, endpoints):
        exposure = by_subject.filter(is_primary, pl.col("landmark_day") == landmark.day)
        followed = time_from_landmark(outcomes, landmark.day + landmark.half_width, endpoint).filter("is_at_risk")
        classified = followed.join(
            exposure.select("subject_id", "persistent"), on="subject_id", how="inner", validate="1:1"
        )
        for group, belongs in (("persistent", pl.col("persistent")), ("not persistent", ~pl.col("persistent"))):
            place = {"endpoint": endpoint, "population": "infused", "landmark_day": landmark.day, "group": group}
            yield place, classified.filter(belongs)
