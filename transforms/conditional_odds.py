"""The odds ratio of a two-by-two table given its margins, with its exact interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, inf
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_PRECISION: Final = 1e-12
"""Of the log odds ratio."""


@dataclass(frozen=True, slots=True)
class ConditionalOdds:
    """Conditional maximum-likelihood odds ratio with limits; 0 or infinite where a cell of the table is empty."""

    odds_ratio: float
    lower: float
    upper: float


def conditional_odds(a: int, b: int, c: int, d: int, confidence: float) -> ConditionalOdds:
    """Odds ratio of [[a, b], [c, d]] by Fisher's noncentral hypergeometric distribution of a, given the margins.

    The estimate makes the expected a the one seen; each limit leaves half of 1 - confidence in its tail (Cornfield,
    Proc 3rd Berkeley Symp 1956;4:135). Margins must not be empty. Written here because scipy's own takes seconds for
    thousands of subjects.
    """
    from scipy.special import gammaln

    lowest, highest = max(0, a - d), min(a + b, a + c)
    support = np.arange(lowest, highest + 1, dtype=np.float64)
    log_weights = -sum(gammaln(cell + 1) for cell in (support, a + b - support, a + c - support, d - a + support))

    def probabilities(log_odds: float) -> Floats:
        log_terms = log_weights + log_odds * support
        terms = np.exp(log_terms - log_terms.max())
        return np.asarray(terms / terms.sum(), dtype=np.float64)

    def excess(log_odds: float) -> float:
        return float(probabilities(log_odds) @ support) - a

    def upper_tail(log_odds: float) -> float:
        return float(probabilities(log_odds)[a - lowest :].sum()) - (1 - confidence) / 2

    def lower_tail(log_odds: float) -> float:
        return (1 - confidence) / 2 - float(probabilities(log_odds)[: a - lowest + 1].sum())

    estimate = 0.0 if a == lowest else inf if a == highest else _root(excess)
    return ConditionalOdds(
        odds_ratio=estimate,
        lower=0.0 if a == lowest else _root(upper_tail),
        upper=inf if a == highest else _root(lower_tail),
    )


def _root(rising: Callable[[float], float]) -> float:
    """The odds ratio at which a function that rises with its logarithm is 0."""
    from scipy.optimize import brentq

    end = 1.0
    while rising(-end) > 0 or rising(end) < 0:
        end *= 2
    return exp(float(brentq(rising, -end, end, xtol=_PRECISION)))
