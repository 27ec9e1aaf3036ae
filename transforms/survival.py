"""Kaplan-Meier curves, their medians, and the log-rank test.

Written in numpy rather than taken from lifelines: its median is the first time at which the curve is at or below one
half, where R's convention is the midpoint of a flat stretch at exactly one half, and its import alone costs more than
a second. The numbers are held to R's `survival` by the tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from statistics import NormalDist
from typing import Any, Final

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


def kaplan_meier(durations: Sequence[float], events: Sequence[bool]) -> KaplanMeier:
    """Kaplan-Meier curve with log-log 95 % limits, and the median with its limits.

    The curve has columns time, n_at_risk (just before), n_events, n_censored, survival, lower, upper: one row a
    distinct time, and one at time 0. Limits do not exist while survival is 1 and once it is 0. The median is where the
    curve falls below one half, or the midpoint of the stretch on which it is exactly one half; its limits are where the
    limits of the curve do (Brookmeyer and Crowley, Biometrics 1982;38:29; Kalbfleisch and Prentice, 1980).
    """
    rows: list[tuple[float, int, int, int, float, float | None, float | None]] = []
    survival, variance, n_at_risk = 1.0, 0.0, len(durations)
    for time, n_events, n_censored in _by_time(durations, events):
        if n_events:
            survival *= 1 - n_events / n_at_risk
            variance += n_events / (n_at_risk * (n_at_risk - n_events)) if n_events < n_at_risk else 0.0
        rows.append((time, n_at_risk, n_events, n_censored, survival, *_log_log(survival, variance)))
        n_at_risk -= n_events + n_censored
    names = ("time", "n_at_risk", "n_events", "n_censored", "survival", "lower", "upper")
    types = (pl.Float64, pl.Int32, pl.Int32, pl.Int32, pl.Float64, pl.Float64, pl.Float64)
    curve = pl.DataFrame(rows, schema=dict(zip(names, types, strict=True)), orient="row")
    return KaplanMeier(curve, *(_crossing(curve, of) for of in ("survival", "lower", "upper")))


def _by_time(durations: Sequence[float], events: Sequence[bool]) -> Iterator[tuple[float, int, int]]:
    """Each distinct time from 0 on, with the events and the censorings at it; nothing for nobody."""
    pairs = list(zip(durations, events, strict=True))
    for time in sorted({0.0, *map(float, durations)} if pairs else ()):
        here = [event for duration, event in pairs if duration == time]
        yield time, sum(here), len(here) - sum(here)


def _log_log(survival: float, variance: float) -> tuple[float | None, float | None]:
    """Limits of survival on the scale log(-log S); variance is Greenwood's sum, the variance of log S."""
    if not 0 < survival < 1:
        return None, None
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    hazard, width = log(survival), z * sqrt(variance) / abs(log(survival))
    return exp(hazard * exp(width)), exp(hazard * exp(-width))


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


def logrank(durations: Sequence[float], events: Sequence[bool], groups: Sequence[Any]) -> LogRank | None:
    """Log-rank test of two or more groups; None where fewer than two could have had an event, or nothing varies.

    Mantel, Cancer Chemother Rep 1966;50:163, with the hypergeometric variance at tied times.
    """
    time, died = np.asarray(durations, dtype=np.float64), np.asarray(events, dtype=bool)
    names = sorted(set(groups))
    member = np.array([[group == name for group in groups] for name in names], dtype=bool)
    excess, expected, variance = np.zeros(len(names)), np.zeros(len(names)), np.zeros((len(names), len(names)))
    for moment in np.unique(time[died]):
        at_risk, dying = (time >= moment), died & (time == moment)
        n, d, shares = at_risk.sum(), dying.sum(), (member & at_risk).sum(axis=1) / at_risk.sum()
        excess += (member & dying).sum(axis=1) - d * shares
        expected += d * shares
        if n > 1:
            variance += d * (n - d) / (n - 1) * (np.diag(shares) - np.outer(shares, shares))
    return _chi_square(excess, variance, expected > 0)


def _chi_square(excess: Floats, variance: Floats, is_exposed: NDArray[np.bool_]) -> LogRank | None:
    free = np.flatnonzero(is_exposed)[:-1]  # the last follows from the others: excesses add up to 0
    reduced = variance[np.ix_(free, free)]
    if free.size == 0 or np.linalg.matrix_rank(reduced) < free.size:
        return None
    from scipy.special import chdtrc

    chi2 = float(excess[free] @ np.linalg.solve(reduced, excess[free]))
    return LogRank(chi2, int(free.size), float(chdtrc(free.size, chi2)))


def time_from_landmark(outcomes: pl.DataFrame, time_zero_day: int) -> pl.DataFrame:
    """Every subject with is_at_risk at study day `time_zero_day`, and the days and event of OS from that day on.

    At risk: infused, known alive on that day and not dead on it. Days and event are null for all others, so nobody who
    died before time zero can enter a group: the guaranteed (immortal) time before a landmark is never counted
    (Anderson, Cain and Gelber, J Clin Oncol 1983;1:710).
    """
    days = pl.col("os_days") - 1 - time_zero_day  # the clinical +1 belongs to reported durations only
    is_at_risk = (pl.col("is_infused") & pl.when("os_event").then(days > 0).otherwise(days >= 0)).fill_null(value=False)
    return outcomes.select(
        "subject_id",
        is_at_risk.alias("is_at_risk"),
        pl.when(is_at_risk).then(days).cast(pl.Float64).alias("time_days"),
        pl.when(is_at_risk).then("os_event").alias("event"),
    )


def survival_tables(
    outcomes: pl.DataFrame, by_subject: pl.DataFrame, settings: StudySettings
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """SURVIVAL_CURVES and SURVIVAL_SUMMARIES, durations in days.

    OS and PFS of the enrolled (from enrolment), the infused and the evaluable (from infusion); OS from each landmark's
    L + w of the persistent and the not persistent under the primary rule. Subjects without a duration are left out; a
    group of nobody has a summary with n = 0 and no curve.
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
    for endpoint in ("OS", "PFS"):
        for population, (belongs, clock) in populations.items():
            time, event = pl.col(f"{endpoint.lower()}_days{clock}"), pl.col(f"{endpoint.lower()}_event")
            members = outcomes.filter(belongs).select(time.alias("time_days"), event.alias("event")).drop_nulls()
            yield {"endpoint": endpoint, "population": population, "landmark_day": 0, "group": "all"}, members


def _from_landmarks(outcomes: pl.DataFrame, by_subject: pl.DataFrame, settings: StudySettings) -> Iterator[_Curve]:
    series = zip(("assay", "population", "readout", "rule"), settings.primary_series, strict=True)
    is_primary = pl.all_horizontal(pl.col(name) == value for name, value in series)
    for landmark in settings.persistence.landmarks:
        exposure = by_subject.filter(is_primary, pl.col("landmark_day") == landmark.day)
        followed = time_from_landmark(outcomes, landmark.day + landmark.half_width).filter("is_at_risk")
        classified = followed.join(
            exposure.select("subject_id", "persistent"), on="subject_id", how="inner", validate="1:1"
        )
        for group, belongs in (("persistent", pl.col("persistent")), ("not persistent", ~pl.col("persistent"))):
            place = {"endpoint": "OS", "population": "infused", "landmark_day": landmark.day, "group": group}
            yield place, classified.filter(belongs)
