"""Exact tests and intervals for the few subjects a cell-therapy study has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from transforms.conditional_odds import conditional_odds

CONFIDENCE: Final = 0.95
"""Confidence of every interval perdure publishes; the contract says so of each column."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fisher:
    """Fisher's exact test of a two-by-two table; odds ratios may be 0 or infinite where a cell is empty."""

    p_value: float
    sample_odds_ratio: float
    odds_ratio: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Wilcoxon:
    """Wilcoxon's rank sum of the first group, on midranks, and its exact two-sided p-value."""

    rank_sum: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Shift:
    """Hodges-Lehmann shift, first group minus second; no limits where the groups are too small to reach 95 %."""

    estimate: float
    lower: float | None
    upper: float | None


def clopper_pearson(x: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Exact interval of a binomial proportion, x with it among n, as shares from 0 to 1.

    Raises ValueError where there is nobody, or x is not between 0 and n.
    Clopper and Pearson, Biometrika 1934;26:404.
    """
    if n < 1 or not 0 <= x <= n:
        raise ValueError(f"no proportion: {x} of {n}")
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    lower = 0.0 if x == 0 else float(betaincinv(x, n - x + 1, tail))
    upper = 1.0 if x == n else float(betaincinv(x + 1, n - x, 1 - tail))
    return lower, upper


def fisher(a: int, b: int, c: int, d: int, confidence: float = CONFIDENCE) -> Fisher | None:
    """Fisher's exact test of [[a, b], [c, d]]; None where a margin is empty, so that nothing varies.

    Two-sided by the probabilities of the tables no likelier than the one seen. The odds ratio is the conditional
    maximum-likelihood estimate, its interval the conditional exact one (Cornfield, 1956), two tails of equal size;
    a table can therefore be significant while its interval still holds 1, as in R.
    """
    if 0 in (a + b, c + d, a + c, b + d):
        return None
    from scipy.stats import fisher_exact

    conditional = conditional_odds(a, b, c, d, confidence)
    return Fisher(
        p_value=min(1.0, float(fisher_exact(np.array([[a, b], [c, d]])).pvalue)),
        sample_odds_ratio=float("inf") if b * c == 0 else a * d / (b * c),
        odds_ratio=conditional.odds_ratio,
        lower=conditional.lower,
        upper=conditional.upper,
    )


def wilcoxon(x: Sequence[float], y: Sequence[float]) -> Wilcoxon | None:
    """Exact Wilcoxon-Mann-Whitney test of two groups; None where one is empty or all numbers are equal.

    p = P(|W - mean| >= observed) over every division of the midranks seen, ties included: neither the normal
    approximation nor twice a tail (Lehmann, Nonparametrics, 1975, section 1.4). Only the order of the numbers matters,
    so censored ones may be given as -inf to share the lowest rank.
    """
    pooled = np.asarray([*x, *y], dtype=np.float64)
    if len(x) == 0 or len(y) == 0 or np.unique(pooled).size == 1:
        return None
    ranks = _doubled_midranks(pooled)
    return Wilcoxon(rank_sum=float(ranks[: len(x)].sum()) / 2, p_value=_two_sided_p(ranks, len(x)))


def hodges_lehmann(x: Sequence[float], y: Sequence[float], confidence: float = CONFIDENCE) -> Shift | None:
    """Median of all differences x - y, in their unit, with the interval of shifts the exact test does not reject.

    None where a group is empty. The limits are order statistics of the differences: the ends of the range of shifts
    whose exact Wilcoxon p exceeds 1 - confidence. Without ties this is the exact interval (Hodges and Lehmann,
    Ann Math Stat 1963;34:598; Bauer, JASA 1972;67:687); ties within a group enter the null distribution.
    """
    if len(x) == 0 or len(y) == 0:
        return None
    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    differences = np.subtract.outer(first, second)
    estimate, steps = float(np.median(differences)), np.unique(differences)

    def is_kept(gap: int) -> bool:
        """Whether the test keeps the shifts between steps[gap - 1] and steps[gap]."""
        ranks = _doubled_midranks(np.concatenate([first - _inside(steps, gap), second]))
        return _two_sided_p(ranks, first.size) > 1 - confidence

    if is_kept(0) or is_kept(steps.size):
        return Shift(estimate, None, None)
    beside = (int(np.searchsorted(steps, estimate, side=side)) for side in ("left", "right"))
    kept = next(filter(is_kept, beside), None)
    if kept is None:  # whole groups of ties: any shift but the estimate itself is rejected
        return Shift(estimate, estimate, estimate)
    lowest, highest = _last_kept(is_kept, kept, 0), _last_kept(is_kept, kept, steps.size)
    return Shift(estimate, float(steps[lowest - 1]), float(steps[highest]))


def _inside(steps: Floats, gap: int) -> float:
    """A shift in the gap, also in the open ones below the first and above the last step."""
    if gap == 0:
        return float(steps[0] - 1 - abs(steps[0]))
    if gap == steps.size:
        return float(steps[-1] + 1 + abs(steps[-1]))
    return float(steps[gap - 1] + (steps[gap] - steps[gap - 1]) / 2)


def _last_kept(is_kept: Callable[[int], bool], kept: int, rejected: int) -> int:
    """The kept gap next to a rejected one, by halving: p only falls as the shift leaves the estimate."""
    while abs(kept - rejected) > 1:
        middle = (kept + rejected) // 2
        kept, rejected = (middle, rejected) if is_kept(middle) else (kept, middle)
    return kept


def _doubled_midranks(values: Floats) -> Integers:
    """Twice the midranks: whole numbers, so that sums are compared exactly."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    doubled = 2 * np.cumsum(count) - count + 1
    return np.asarray(doubled[place], dtype=np.int64)


def _two_sided_p(doubled_ranks: Integers, n: int) -> float:
    """P(|W - mean| >= observed) for the first n ranks among all of them."""
    total = doubled_ranks.size
    smaller = min(n, total - n)  # both groups lie equally far from their means
    distance = abs(int(doubled_ranks[:n].sum()) - n * (total + 1))
    unit, probability = _null_distribution(tuple(np.sort(doubled_ranks).tolist()), smaller)
    sums = unit * np.arange(probability.size)
    return min(1.0, float(probability[np.abs(sums - smaller * (total + 1)) >= distance].sum()))


@lru_cache(maxsize=64)
def _null_distribution(doubled_ranks: tuple[int, ...], n: int) -> tuple[int, Floats]:
    """The common unit of the ranks, and the probability of each sum of n of them, in that unit from 0.

    Each rank is drawn with probability n / N, on its own; given that n were drawn, every subset is equally likely.
    Probabilities rather than counts of subsets, because these pass the largest float from about 1000 ranks on.
    """
    unit = int(np.gcd.reduce(doubled_ranks))
    steps = [rank // unit for rank in doubled_ranks]
    drawn = np.zeros((n + 1, sum(steps[-n:]) + 1))  # drawn[k, s]: k ranks so far, with sum s
    drawn[0, 0] = 1.0
    share = n / len(steps)
    for seen, step in enumerate(steps, start=1):
        # Only what is possible so far, and can still become n.
        fewest, most = max(0, n - len(steps) + seen - 1), min(n, seen)
        possible = drawn[fewest : most + 1, : sum(steps[seen - most : seen]) + 1]
        moved = share * possible[:-1, :-step]
        possible *= 1 - share
        possible[1:, step:] += moved
    return unit, drawn[n] / drawn[n].sum()
