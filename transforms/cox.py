"""Cox models, also of intervals with a covariate that changes over time.

Written in numpy rather than taken from lifelines: estimate, Wald, likelihood-ratio and profile-likelihood numbers then
come from one likelihood, ten thousand subjects take milliseconds, and nothing depends on step sizes. The numbers are
held to R's `survival`, and to lifelines, by the tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import copysign, erfc, exp, inf, isfinite, sqrt
from statistics import NormalDist
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from transforms.estimability import NotEstimable
from transforms.exact import CONFIDENCE

Floats = NDArray[np.float64]
Ties = Literal["efron", "breslow"]

_MOST_STEPS: Final = 60
_NOTHING: Final = 1e-9
"""Information about a standardised covariate that is none: those at risk do not differ."""
_CONVERGED: Final = 1e-10
_FAR: Final = 8.0
"""Log hazard ratio over the whole range of the exposure beyond which separation is looked for."""


@dataclass(frozen=True, slots=True)
class CoxFit:
    """Coefficients with their covariance, log partial likelihood at 0 and at the estimate, score chi-square at 0."""

    coefficients: Floats
    covariance: Floats
    log_likelihood_at_0: float
    log_likelihood: float
    score: float


@dataclass(frozen=True, slots=True)
class Hazard:
    """Hazard ratio of one exposure, per `unit` of it, with 95 % limits.

    lower and upper are those of the profile likelihood, wald_lower and wald_upper the symmetric ones of the
    coefficient; p_value is Wald's.
    """

    hazard_ratio: float
    lower: float
    upper: float
    wald_lower: float
    wald_upper: float
    coefficient: float
    standard_error: float
    z: float
    p_value: float
    likelihood_ratio_p: float


class PartialLikelihood:
    """Log partial likelihood of a Cox model over intervals (start, stop]; ties after Efron or Breslow.

    Cox, J R Stat Soc B 1972;34:187; Efron, J Am Stat Assoc 1977;72:557; Breslow, Biometrics 1974;30:89. Raises
    ValueError for an interval that does not end after it starts.
    """

    def __init__(self, start: Floats, stop: Floats, events: NDArray[np.bool_], covariates: Floats, ties: Ties) -> None:
        if (stop <= start).any():
            raise ValueError("an interval does not end after its start")
        self._covariates = covariates
        at_event = np.flatnonzero(events)
        self._failing = at_event[np.argsort(stop[at_event], kind="stable")]
        self.moments, first, n_tied = np.unique(stop[self._failing], return_index=True, return_counts=True)
        self._first = first
        self._moment_of = np.repeat(np.arange(self.moments.size), n_tied)
        before = np.arange(self._failing.size) - first[self._moment_of]
        self._left_out = before / n_tied[self._moment_of] if ties == "efron" else np.zeros(before.size)
        self._by_stop, self._by_start = np.argsort(stop, kind="stable"), np.argsort(start, kind="stable")
        self._not_ended = np.searchsorted(stop[self._by_stop], self.moments, side="left")
        self._not_begun = np.searchsorted(start[self._by_start], self.moments, side="left")

    def at(self, coefficients: Floats) -> tuple[float, Floats, Floats]:
        """Log likelihood, its gradient, and the information (minus its second derivative)."""
        x = self._covariates
        predictor = x @ coefficients
        predictor = predictor - predictor.max()
        weight = np.exp(predictor)
        moments = np.column_stack(
            [weight, weight[:, None] * x, (weight[:, None, None] * x[:, :, None] * x[:, None, :]).reshape(len(x), -1)]
        )
        p, failing = x.shape[1], moments[self._failing]
        tied = np.add.reduceat(failing, self._first, axis=0)
        sums = self._at_risk(moments)[self._moment_of] - self._left_out[:, None] * tied[self._moment_of]
        with np.errstate(divide="ignore", invalid="ignore"):
            # Far from the maximum weights can be so unlike that the rounding of a difference outweighs those at risk:
            # the likelihood is then not finite, and the step that led there too long.
            mean = sums[:, 1 : p + 1] / sums[:, :1]
            second = (sums[:, p + 1 :] / sums[:, :1]).sum(axis=0).reshape(p, p)
            log_likelihood = float(predictor[self._failing].sum() - np.log(sums[:, 0]).sum())
        return log_likelihood, x[self._failing].sum(axis=0) - mean.sum(axis=0), second - mean.T @ mean

    def _at_risk(self, values: Floats) -> Floats:
        """Sums of the rows at risk at each event time: not yet ended, less those that have not begun."""
        sums = _from_the_end(values[self._by_stop])[self._not_ended]
        if (self._not_begun == len(values)).all():
            return sums
        return np.asarray(sums - _from_the_end(values[self._by_start])[self._not_begun], dtype=np.float64)


def _from_the_end(rows: Floats) -> Floats:
    """Sum of each row and all after it, and 0 behind the last."""
    return np.concatenate([np.cumsum(rows[::-1], axis=0)[::-1], np.zeros((1, rows.shape[1]))])


def fit_cox(
    start: Sequence[float] | Floats,
    stop: Sequence[float] | Floats,
    events: Sequence[bool],
    covariates: Floats,
    *,
    ties: Ties = "efron",
) -> CoxFit | NotEstimable:
    """A Cox model of n intervals and covariates (n x p), by Newton-Raphson with halving of steps that overshoot."""
    failing, x = np.asarray(events, dtype=bool), np.asarray(covariates, dtype=np.float64)
    if not failing.any():
        return NotEstimable("no_event")
    centre, scale = x.mean(axis=0), x.std(axis=0)
    if (scale == 0).any():
        return NotEstimable("not_estimable")
    begins, ends = (np.asarray(times, dtype=np.float64) for times in (start, stop))
    likelihood = PartialLikelihood(begins, ends, failing, (x - centre) / scale, ties)
    found = _maximum(likelihood, x.shape[1])
    if isinstance(found, NotEstimable):
        return found
    coefficients, log_likelihood, information = found
    at_0, gradient, information_at_0 = likelihood.at(np.zeros(x.shape[1]))
    return CoxFit(
        coefficients=coefficients / scale,
        covariance=np.linalg.inv(information) / np.outer(scale, scale),
        log_likelihood_at_0=at_0,
        log_likelihood=log_likelihood,
        score=float(gradient @ np.linalg.solve(information_at_0, gradient)),
    )


def _maximum(likelihood: PartialLikelihood, p: int) -> tuple[Floats, float, Floats] | NotEstimable:
    coefficients = np.zeros(p)
    value, gradient, information = likelihood.at(coefficients)
    if np.linalg.matrix_rank(information, tol=_NOTHING) < p:  # of standardised covariates, so that rounding is not it
        return NotEstimable("not_estimable")
    for _ in range(_MOST_STEPS):
        try:
            step = np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError:
            return NotEstimable("not_converged")
        if not np.isfinite(step).all() or float(np.abs(coefficients).max()) > 50:
            return NotEstimable("not_converged")
        tried = likelihood.at(coefficients + step)
        while not tried[0] >= value - 1e-12 * abs(value) and float(np.abs(step).max()) > _CONVERGED:
            step = step / 2
            tried = likelihood.at(coefficients + step)
        coefficients = coefficients + step
        value, gradient, information = tried
        if not np.isfinite(value):
            return NotEstimable("not_converged")
        if float(np.abs(step).max()) < _CONVERGED:
            return coefficients, value, information
    return NotEstimable("not_converged")


def cox(
    durations: Sequence[float], events: Sequence[bool], exposure: Sequence[float], *, unit: float = 1.0
) -> Hazard | NotEstimable:
    """Hazard ratio per `unit` of one exposure known when time begins.

    Not estimable: no event; exposures that do not vary among those at risk at any event; separation, where everyone
    who fails has the largest (or everyone the smallest) exposure of those at risk, so that the ratio has no end.
    """
    return cox_over_time(np.full(len(durations), -np.inf), durations, events, exposure, unit=unit)


def cox_over_time(
    start: Sequence[float] | Floats,
    stop: Sequence[float],
    events: Sequence[bool],
    exposure: Sequence[float],
    *,
    unit: float = 1.0,
) -> Hazard | NotEstimable:
    """Hazard ratio per `unit` of one exposure over intervals (start, stop], one row an interval with one value.

    Counting process (Andersen and Gill, Ann Stat 1982;10:1100), ties after Efron. The profile-likelihood interval holds
    the ratios that a likelihood-ratio test does not reject (Venzon and Moolgavkar, Appl Stat 1988;37:87). Raises
    ValueError for an interval that does not end after it starts, and for an exposure that is no finite number.
    """
    failing, x = np.asarray(events, dtype=bool), np.asarray(exposure, dtype=np.float64)
    begins, ends = (np.asarray(times, dtype=np.float64) for times in (start, stop))
    if not np.isfinite(x).all():
        raise ValueError("an exposure is no finite number")
    if not failing.any():
        return NotEstimable("no_event")
    scale = float(x.std())
    if scale == 0:
        return NotEstimable("not_estimable")
    standardised = (x - x.mean()) / scale
    likelihood = PartialLikelihood(begins, ends, failing, standardised[:, None], "efron")
    found = _maximum(likelihood, 1)
    if isinstance(found, NotEstimable) and found.reason == "not_estimable":
        return found
    is_far = isinstance(found, NotEstimable) or abs(float(found[0][0])) * float(np.ptp(standardised)) > _FAR
    if is_far and _is_separated(begins, ends, failing, x):
        return NotEstimable("separation")
    if isinstance(found, NotEstimable):
        return found
    return _hazard(likelihood, found, unit / scale)


def _is_separated(start: Floats, stop: Floats, failing: NDArray[np.bool_], x: Floats) -> bool:
    """Whether every failing exposure is the largest among those at risk then, or every one the smallest."""
    is_largest = is_smallest = True
    for moment in np.unique(stop[failing]):
        at_risk, dying = x[(start < moment) & (moment <= stop)], x[failing & (stop == moment)]
        is_largest = is_largest and float(dying.min()) == float(at_risk.max())
        is_smallest = is_smallest and float(dying.max()) == float(at_risk.min())
        if not (is_largest or is_smallest):
            return False
    return True


def _hazard(likelihood: PartialLikelihood, found: tuple[Floats, float, Floats], per: float) -> Hazard:
    """The hazard ratio from the fit of a standardised exposure; `per` turns its unit into the one asked for."""
    estimate, most, information = float(found[0][0]), found[1], float(found[2][0, 0])
    error = 1 / sqrt(information)
    width = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)

    ends = sorted(_limit(likelihood, most - width**2 / 2, estimate + sign * width * error) * per for sign in (-1, 1))
    wald = sorted((estimate + sign * width * error) * per for sign in (-1, 1))
    lost = max(0.0, most - likelihood.at(np.zeros(1))[0])
    return Hazard(
        hazard_ratio=_ratio(estimate * per),
        lower=_ratio(ends[0]),
        upper=_ratio(ends[1]),
        wald_lower=_ratio(wald[0]),
        wald_upper=_ratio(wald[1]),
        coefficient=estimate * per,
        standard_error=error * abs(per),
        z=estimate / error * (1 if per > 0 else -1),
        p_value=erfc(abs(estimate / error) / sqrt(2)),
        likelihood_ratio_p=erfc(sqrt(lost)),
    )


def _limit(likelihood: PartialLikelihood, level: float, coefficient: float) -> float:
    """Where the log likelihood comes down to a level, on the side of its maximum on which the coefficient lies.

    It is concave, so that a tangent lies above it: Newton's steps come from outside and never pass the limit again.
    """
    for _ in range(_MOST_STEPS):
        value, gradient, _ = likelihood.at(np.array([coefficient]))
        step = (level - value) / float(gradient[0])
        if not isfinite(step):
            return copysign(inf, coefficient)
        coefficient += step
        if abs(step) < _CONVERGED:
            break
    return coefficient


def _ratio(coefficient: float) -> float:
    """exp, infinite where a float cannot hold it."""
    return exp(coefficient) if coefficient < 700 else float("inf")
