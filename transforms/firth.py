"""Firth's logistic regression: an odds ratio that exists also where exposure and outcome separate."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, isfinite
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from transforms.estimability import NotEstimable
from transforms.exact import CONFIDENCE

if TYPE_CHECKING:
    from firthmodels import FirthLogisticRegression

Floats = NDArray[np.float64]

_MOST_STEPS: Final = 200
_WAYS: Final = ((1e-9, 0), (1e-6, 50))
"""Tolerance, and how often a step is halved: halving stalls where a step changes the likelihood less than rounding."""


@dataclass(frozen=True, slots=True)
class FirthLogistic:
    """Odds ratio per `unit` of the exposure, 95 % limits and p-value of the penalised likelihood; None: not found."""

    odds_ratio: float
    lower: float | None
    upper: float | None
    coefficient: float
    standard_error: float
    p_value: float


@dataclass(frozen=True, slots=True)
class FirthFit:
    """Intercept, then coefficients, of a Firth logistic model."""

    coefficients: Floats


def fit_firth(outcome: Sequence[bool], covariates: Floats) -> FirthFit | NotEstimable:
    """A Firth logistic model of covariates (n x p): intercept, then one coefficient each, in the covariates' units."""
    x = np.asarray(covariates, dtype=np.float64)
    centre, scale = x.mean(axis=0), x.std(axis=0)
    if (scale == 0).any():
        return NotEstimable("not_estimable")
    model = _fit(outcome, (x - centre) / scale)
    if isinstance(model, NotEstimable):
        return model
    slopes = np.asarray(model.coef_, dtype=np.float64) / scale
    return FirthFit(np.concatenate([[float(model.intercept_) - float(slopes @ centre)], slopes]))


def firth_logistic(
    outcome: Sequence[bool], exposure: Sequence[float], *, unit: float = 1.0
) -> FirthLogistic | NotEstimable:
    """Odds ratio of the outcome per `unit` of one exposure, finite under separation.

    The likelihood is penalised by Jeffreys' prior, which takes out the first-order bias of the odds ratio (Firth,
    Biometrika 1993;80:27); limits and p-value come from the penalised likelihood ratio (Heinze and Schemper, Stat Med
    2002;21:2409). Not estimable: outcome or exposure does not vary. Raises ValueError for an exposure that is no finite
    number.
    """
    x = np.asarray(exposure, dtype=np.float64)
    if not np.isfinite(x).all():
        raise ValueError("an exposure is no finite number")
    scale = float(x.std()) if x.size else 0.0
    if scale == 0:
        return NotEstimable("not_estimable")
    model = _fit(outcome, ((x - x.mean()) / scale)[:, None])
    if isinstance(model, NotEstimable):
        return model
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what does not converge is told as nan
        limits = model.conf_int(1 - CONFIDENCE, method="pl", features=0, max_iter=_MOST_STEPS, tol=1e-7)[0]
        p_value = float(model.lrt(0).lrt_pvalues_[0])
    if not isfinite(p_value):
        return NotEstimable("not_converged")
    per = unit / scale
    lower, upper = (exp(limit * per) if isfinite(limit) else None for limit in map(float, limits))
    return FirthLogistic(
        odds_ratio=exp(float(model.coef_[0]) * per),
        lower=lower,
        upper=upper,
        coefficient=float(model.coef_[0]) * per,
        standard_error=float(model.bse_[0]) * per,
        p_value=p_value,
    )


def _fit(outcome: Sequence[bool], standardised: Floats) -> FirthLogisticRegression | NotEstimable:
    from firthmodels import FirthLogisticRegression

    happened = np.asarray(outcome, dtype=np.int64)
    if np.unique(happened).size < 2 or np.linalg.matrix_rank(standardised) < standardised.shape[1]:
        return NotEstimable("not_estimable")
    for tolerance, max_halfstep in _WAYS:
        model = FirthLogisticRegression(
            backend="numpy", max_iter=_MOST_STEPS, gtol=tolerance, xtol=tolerance, max_halfstep=max_halfstep
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # converged_ says it
            model.fit(standardised, happened)
        if model.converged_:
            return model
    return NotEstimable("not_converged")
