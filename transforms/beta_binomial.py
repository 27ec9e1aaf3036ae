"""The beta-binomial distribution of counts whose proportion varies, and its maximum likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LARGEST_PRECISION: Final = 1e9
"""alpha + beta is not raised further: the distribution is binomial then, and log gamma has no digits left to tell."""

_SMALLEST: Final = np.array([[-30.0], [np.log(1e-3)]])
_LARGEST: Final = np.array([[30.0], [np.log(LARGEST_PRECISION)]])
"""Bounds of the logit of the mean and of the logarithm of the precision."""

_MAX_STEPS: Final = 60
_MAX_HALVINGS: Final = 8
_LARGEST_STEP: Final = 2.0
_GAIN: Final = 1e-7
"""Newton's method stops where it gains less log-likelihood than this."""


@dataclass(frozen=True, slots=True)
class BetaBinomial:
    """Distributions, one a row: alpha belongs to positive cells, beta to the others; alpha + beta is the precision."""

    alpha: Floats
    beta: Floats

    @property
    def mean(self) -> Floats:
        """Mean proportion of positive cells."""
        return self.alpha / (self.alpha + self.beta)


class Weighted(NamedTuple):
    """Positive cells, all cells and weight of each observation, (distributions, observations) each."""

    positive: Floats
    total: Floats
    weight: Floats

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Weighted:
        """Those of some distributions."""
        return Weighted(*(part[chosen] for part in self))


def log_likelihood(distribution: BetaBinomial, positive: Floats, total: Floats) -> Floats:
    """Logarithm of the beta-binomial probability without its binomial coefficient, (distributions, observations).

    lnB(alpha + n, beta + N - n) - lnB(alpha, beta) for n positive cells of N.
    """
    from scipy.special import gammaln

    alpha, beta = distribution.alpha[:, None], distribution.beta[:, None]
    rises = gammaln(alpha + positive) - gammaln(alpha) + gammaln(beta + (total - positive)) - gammaln(beta)
    return np.asarray(rises - (gammaln(alpha + beta + total) - gammaln(alpha + beta)))


def pooled(observed: Weighted) -> BetaBinomial:
    """Where to start from: the weighted pooled proportion, half a cell added to either side, with precision 10^4."""
    positive = (observed.weight * observed.positive).sum(axis=1)
    total = (observed.weight * observed.total).sum(axis=1)
    proportion = (positive + 0.5) / (total + 1)
    return BetaBinomial(1e4 * proportion, 1e4 * (1 - proportion))


def maximised(start: BetaBinomial, observed: Weighted) -> BetaBinomial:
    """The distributions of largest weighted log-likelihood, by Newton's method from `start`, never below it.

    In the logit of the mean and the logarithm of the precision, which are nearly independent of each other. A precision
    that no finite value maximises ends at LARGEST_PRECISION.
    """
    at = np.stack([np.log(start.alpha / start.beta), np.log(start.alpha + start.beta)]).clip(_SMALLEST, _LARGEST)
    value = _value(at, observed)
    active = np.arange(at.shape[1])
    for _ in range(_MAX_STEPS):
        own, here = observed.rows(active), at[:, active]
        gradient, step = _newton(here, own)
        there, reached = _climb(here, step, value[active], own)
        promised = (gradient * (there - here)).sum(axis=0)
        is_open = (reached - value[active] > _GAIN) & (promised > _GAIN)
        at[:, active], value[active] = there, reached
        active = active[is_open]
        if not active.size:
            break
    return _distribution(at)


def _distribution(at: Floats) -> BetaBinomial:
    logit, precision = at[0], np.exp(at[1])
    return BetaBinomial(precision / (1 + np.exp(-logit)), precision / (1 + np.exp(logit)))


def _value(at: Floats, observed: Weighted) -> Floats:
    each = log_likelihood(_distribution(at), observed.positive, observed.total)
    return np.asarray((observed.weight * each).sum(axis=1))


def _newton(at: Floats, observed: Weighted) -> tuple[Floats, Floats]:
    """Gradient and step, (2, distributions) each; the step always climbs, whatever the curvature."""
    from scipy.special import digamma, zeta

    distribution = _distribution(at)
    alpha, beta = distribution.alpha, distribution.beta
    precision, mean = alpha + beta, distribution.mean
    positive, total, weight = observed
    grown = ((alpha, positive), (beta, total - positive), (precision, total))
    first = [(weight * (digamma(x[:, None] + n) - digamma(x[:, None]))).sum(axis=1) for x, n in grown]
    # zeta(2, x) is the trigamma function.
    second = [(weight * (zeta(2.0, x[:, None] + n) - zeta(2.0, x[:, None]))).sum(axis=1) for x, n in grown]
    spread = alpha * beta / precision
    by_logit = spread * (first[0] - first[1])
    by_precision = alpha * first[0] + beta * first[1] - precision * first[2]
    of_logit = spread**2 * (second[0] + second[1]) + (1 - 2 * mean) * by_logit
    of_precision = alpha**2 * second[0] + beta**2 * second[1] - precision**2 * second[2] + by_precision
    of_both = spread * (alpha * second[0] - beta * second[1]) + by_logit
    gradient = np.stack([by_logit, by_precision])
    return gradient, _uphill(gradient, np.stack([of_logit, of_precision]), of_both)


def _uphill(gradient: Floats, curvature: Floats, mixed: Floats) -> Floats:
    """Newton's step, every curvature taken as that of a hill; each coordinate by itself where that is not enough."""
    steep = np.maximum(np.abs(curvature), 1e-10)
    is_hill = mixed**2 < (1 - 1e-6) * steep[0] * steep[1]
    mixed = np.where(is_hill, mixed, 0.0)
    determinant = steep[0] * steep[1] - mixed**2
    step = np.stack([steep[1] * gradient[0] + mixed * gradient[1], steep[0] * gradient[1] + mixed * gradient[0]])
    return np.asarray((step / determinant).clip(-_LARGEST_STEP, _LARGEST_STEP))


def _climb(here: Floats, step: Floats, value: Floats, observed: Weighted) -> tuple[Floats, Floats]:
    """Where the step leads, halved until that is no lower, and the value there; where it started if it never is."""
    there = (here + step).clip(_SMALLEST, _LARGEST)
    reached = _value(there, observed)
    for halving in range(1, _MAX_HALVINGS + 1):
        lower = np.flatnonzero(~(reached >= value))
        if not lower.size:
            break
        there[:, lower] = (here + step / 2**halving).clip(_SMALLEST, _LARGEST)[:, lower]
        reached[lower] = _value(there[:, lower], observed.rows(lower))
    stays = ~(reached >= value)
    return np.where(stays, here, there), np.where(stays, value, reached)
