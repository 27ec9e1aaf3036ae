"""Permutation tests of an exposure: log-rank, Cox score, Spearman.

Each statistic is a dot product of exposures and scores that do not depend on them, so that permuting the exposures
among subjects costs one product a permutation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from math import factorial
from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST_DIVIDED: Final = 36
"""Subjects up to whom every division in two groups is counted: two halves of at most 2^18 subsets each."""
_MOST_CELLS: Final = 4_000_000
"""Subjects x permutations held at once."""
_SAME: Final = 1e-9
"""Statistics that differ by less than this share of the largest one possible are equal but for rounding."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Permutation:
    """A statistic and its two-sided permutation p-value.

    n_permutations and seed are those of random permutations; None where every permutation was counted.
    """

    statistic: float
    p_value: float
    n_permutations: int | None
    seed: int | None


def logrank_permutation(
    durations: Sequence[float],
    events: Sequence[bool],
    is_exposed: Sequence[bool],
    *,
    n_permutations: int = 9999,
    seed: int = 1,
) -> Permutation | None:
    """Log-rank test by permutation; the statistic is observed minus expected events among the exposed.

    None where a group is empty, or no permutation could change the statistic. With d events among n at risk at each
    time, observed minus expected is the sum over the exposed of event minus cumulative hazard (Nelson-Aalen), so the
    log-rank scores of all subjects are fixed and only who is exposed is permuted (Peto and Peto, J R Stat Soc A
    1972;135:185). Tied times are as in the log-rank test. p = P(|statistic| >= observed) over every division in groups
    of these sizes up to 36 subjects, else over random ones, the observed among them. Valid where exposure changes
    neither the outcome nor who is censored when.
    """
    return _linear(np.asarray(is_exposed, dtype=np.float64), logrank_scores(durations, events), n_permutations, seed)


def score_permutation(
    durations: Sequence[float],
    events: Sequence[bool],
    exposure: Sequence[float],
    *,
    n_permutations: int = 9999,
    seed: int = 1,
) -> Permutation | None:
    """Score test of a numeric exposure by permutation; the statistic is the score of the Cox model at no effect.

    None where exposures are all equal, or no permutation could change the statistic. The score is the sum of exposure x
    log-rank score, ties as Breslow does. Raises ValueError for an exposure that is no finite number.
    """
    given = np.asarray(exposure, dtype=np.float64)
    if not np.isfinite(given).all():
        raise ValueError("an exposure is no finite number; give ranks where numbers are censored")
    return _linear(given, logrank_scores(durations, events), n_permutations, seed)


def spearman_permutation(
    x: Sequence[float], y: Sequence[float], *, n_permutations: int = 9999, seed: int = 1
) -> Permutation | None:
    """Spearman's rho on midranks, and its permutation p-value; None where all x or all y are equal.

    Spearman, Am J Psychol 1904;15:72. Every permutation is counted where there are at most n_permutations. Only order
    matters, so censored numbers may be given as -inf to share the lowest rank.
    """
    first, second = (_midranks(np.asarray(values, dtype=np.float64)) for values in (x, y))
    test = _linear(first, second - second.mean(), n_permutations, seed) if first.size else None
    if test is None:
        return None
    spread = np.sqrt(((first - first.mean()) ** 2).sum() * ((second - second.mean()) ** 2).sum())
    return Permutation(float(test.statistic / spread), test.p_value, test.n_permutations, test.seed)


def logrank_scores(durations: Sequence[float], events: Sequence[bool]) -> Floats:
    """Event (0 or 1) minus cumulative hazard (Nelson-Aalen) at each subject's time; they add up to 0."""
    time, died = np.asarray(durations, dtype=np.float64), np.asarray(events, dtype=bool)
    moments, dying = np.unique(time[died], return_counts=True)
    at_risk = time.size - np.searchsorted(np.sort(time), moments, side="left")
    hazard = np.concatenate([[0.0], np.cumsum(dying / at_risk)])
    return np.asarray(died - hazard[np.searchsorted(moments, time, side="right")], dtype=np.float64)


def _midranks(values: Floats) -> Floats:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2)[place], dtype=np.float64)


def _linear(exposure: Floats, scores: Floats, n_permutations: int, seed: int) -> Permutation | None:
    """Test of sum(exposure x score), scores adding up to 0, so that the statistic's mean is 0."""
    levels = np.unique(exposure)
    if levels.size < 2 or np.ptp(scores) == 0:
        return None
    statistic = float(exposure @ scores)
    centred = exposure - exposure.mean()
    least = abs(statistic) - _SAME * float(np.abs(centred).max() * np.abs(scores).sum())
    if levels.size == 2 and exposure.size <= MOST_DIVIDED:
        higher = exposure == levels[1]
        share = _share_of_divisions(scores, int(higher.sum()), least / float(levels[1] - levels[0]))
        return Permutation(statistic, share, None, None)
    # In their order, so that which subject stands in which row changes nothing.
    ranked, weights = np.sort(centred), np.sort(scores)
    is_counted = exposure.size <= 20 and factorial(exposure.size) <= n_permutations
    drawn = _every(ranked) if is_counted else _random(ranked, n_permutations, seed)
    as_far = sum(int((np.abs(rows @ weights) >= least).sum()) for rows in drawn)
    if is_counted:
        return Permutation(statistic, as_far / factorial(exposure.size), None, None)
    return Permutation(statistic, (1 + as_far) / (1 + n_permutations), n_permutations, seed)


def _every(values: Floats) -> Iterator[Floats]:
    yield np.array(list(permutations(values.tolist())))


def _random(values: Floats, n_permutations: int, seed: int) -> Iterator[Floats]:
    generator, at_once = np.random.default_rng(seed), max(1, _MOST_CELLS // values.size)
    for done in range(0, n_permutations, at_once):
        rows = min(at_once, n_permutations - done)
        yield generator.permuted(np.tile(values, (rows, 1)), axis=1)


def _share_of_divisions(scores: Floats, n: int, least: float) -> float:
    """P(|sum of n of the scores| >= least) over every choice of n, each as likely.

    Sums are listed by size for two halves of the subjects; for each sum of one half, a search in the sorted sums of the
    other counts the partners that take it as far (Horowitz and Sahni, J ACM 1974;21:277).
    """
    halves = [_sums_by_size(half) for half in np.array_split(scores, 2)]
    as_far = total = 0
    for size, sums in enumerate(halves[0]):
        if not 0 <= n - size < len(halves[1]):
            continue
        partners = halves[1][n - size]
        above = partners.size - np.searchsorted(partners, least - sums, side="left")
        below = np.searchsorted(partners, -least - sums, side="right")
        as_far += int(np.minimum(above + below, partners.size).sum())
        total += sums.size * partners.size
    return as_far / total


def _sums_by_size(scores: Floats) -> list[Floats]:
    """Sorted sums of all subsets of each size, from the empty one on."""
    sums, sizes = np.zeros(1), np.zeros(1, dtype=np.int64)
    for score in scores:
        sums, sizes = np.concatenate([sums, sums + score]), np.concatenate([sizes, sizes + 1])
    return [np.sort(sums[sizes == size]) for size in range(scores.size + 1)]
