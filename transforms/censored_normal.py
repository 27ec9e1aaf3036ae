"""Mean and standard deviation of a normal sample of which some values are known as lower bounds only."""

from __future__ import annotations

from math import erfc, exp, pi, sqrt
from statistics import fmean, stdev
from typing import Final

_CLOSE: Final = 1e-12
_MOST_STEPS: Final = 100_000
_FAR: Final = 30.0
"""Standard deviations beyond which the tail is too thin for floats, and the ratio is that of its expansion."""


def mean_and_sd(values: list[float], bounds: list[float]) -> tuple[float, float]:
    """Maximum-likelihood mean and standard deviation (times sqrt(n / (n - 1))), bounds as right-censored.

    Without bounds they are the mean and the standard deviation (n - 1). Needs two values or more, bounds included.
    Method: the expectation-maximisation algorithm for censored normal samples (Dempster, Laird and Rubin 1977).
    """
    n, mean, sd = len(values) + len(bounds), fmean([*values, *bounds]), stdev([*values, *bounds])
    if not bounds or sd == 0:
        return mean, sd
    sum_of_values = sum(values)
    for _ in range(_MOST_STEPS):
        hazards = [_hazard((bound - mean) / sd) for bound in bounds]
        expected = [mean + sd * hazard for hazard in hazards]
        next_mean = (sum_of_values + sum(expected)) / n
        squares = sum((value - next_mean) ** 2 for value in values)
        for bound, hazard, value in zip(bounds, hazards, expected, strict=True):
            variance = sd**2 * max(0.0, 1 + hazard * (bound - mean) / sd - hazard**2)
            squares += (value - next_mean) ** 2 + variance
        next_sd = sqrt(squares / n)
        is_close = max(abs(next_mean - mean), abs(next_sd - sd)) < _CLOSE
        mean, sd = next_mean, next_sd
        if is_close:
            break
    return mean, sd * sqrt(n / (n - 1))


def _hazard(z: float) -> float:
    """Density over upper tail of the standard normal at z: the mean of what lies above it."""
    if z > _FAR:
        return z + 1 / z
    return sqrt(2 / pi) * exp(-(z**2) / 2) / erfc(z / sqrt(2))
