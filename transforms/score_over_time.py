"""The score test of a marker that changes over time, in a form for few events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, erfc, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SAME: Final = 1e-9
"""Distances from the mean that differ by less are equal but for rounding."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ScoreOverTime:
    """Events among the marked, what no effect leads to expect, and two-sided p-values, exact and asymptotic."""

    n_events_exposed: int
    expected: float
    variance: float
    p_value: float
    asymptotic_p_value: float


def score_over_time(
    start: Sequence[float], stop: Sequence[float], events: Sequence[bool], is_exposed: Sequence[bool]
) -> ScoreOverTime | None:
    """Score (Mantel-Haenszel) test of a marker over intervals (start, stop], one row an interval with one mark.

    At each event time, given who is at risk then, each of them is as likely to be the one that fails. So the number of
    marked among the failing is hypergeometric, and its sum over the event times has the convolution of these
    distributions (for single events a Poisson-binomial distribution). p = P(|sum - mean| >= observed); the asymptotic
    form is Mantel and Byar's (J Am Stat Assoc 1974;69:81; Thomas, Comput Biomed Res 1975;8:423 for the convolution).
    What it rests on: risk sets and marks at each event time are taken as given. They depend on earlier events, so the
    test is exact for each event time and approximate for the sum. None where marked and unmarked are never at risk
    together at an event. Raises ValueError for an interval that does not end after it starts.
    """
    begins, ends = (np.asarray(times, dtype=np.float64) for times in (start, stop))
    if (ends <= begins).any():
        raise ValueError("an interval does not end after its start")
    failing, marked = np.asarray(events, dtype=bool), np.asarray(is_exposed, dtype=bool)
    observed, expected, variance, distribution = 0, 0.0, 0.0, np.ones(1)
    for moment in np.unique(ends[failing]):
        at_risk, dying = (begins < moment) & (moment <= ends), failing & (ends == moment)
        n, d, m = (int(which.sum()) for which in (at_risk, dying, at_risk & marked))
        if not 0 < m < n or d == n:
            continue
        observed += int((dying & marked).sum())
        expected += d * m / n
        variance += d * (m / n) * (1 - m / n) * (n - d) / (n - 1)
        distribution = np.convolve(distribution, _hypergeometric(n, m, d))
    if variance == 0:
        return None
    distance = abs(observed - expected)
    is_as_far = np.abs(np.arange(distribution.size) - expected) >= distance - _SAME
    exact = min(1.0, float(distribution[is_as_far].sum()))
    return ScoreOverTime(observed, expected, variance, exact, erfc(distance / sqrt(2 * variance)))


def _hypergeometric(n: int, marked: int, drawn: int) -> Floats:
    """P(0), P(1), ... marked among `drawn` of n subjects of whom `marked` are."""
    ways = comb(n, drawn)
    return np.array([comb(marked, k) * comb(n - marked, drawn - k) / ways for k in range(min(marked, drawn) + 1)])
