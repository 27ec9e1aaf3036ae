"""Cumulative incidence of competing events, and the curve of interval-censored times."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CENSORED, LOSS, DEATH = 0, 1, 2

_CLOSE: Final = 1e-10
_MOST_STEPS: Final = 200


class Incidence(NamedTuple):
    """Per time: at risk just before, cumulative incidence of both events."""

    time: Floats
    n_at_risk: Floats
    loss: Floats
    death: Floats


class Curve(NamedTuple):
    """Per time: the share that has happened by then."""

    time: Floats
    loss: Floats


def aalen_johansen(time: Floats, event: Ints, counts: Floats | None = None) -> Incidence:
    """Cumulative incidence of two competing events (Aalen and Johansen, Scand J Stat 1978;5:141).

    Rows are time 0 and every time with an event, tied ones together; who is censored at a time is at risk at it.

    Args:
        time: of the event or of censoring, 0 or later.
        event: CENSORED, LOSS or DEATH.
        counts: how many had it so; None for one each.
    """
    counts = np.ones_like(time) if counts is None else counts
    at = np.unique(np.concatenate([[0.0], time[event != CENSORED]]))
    order = np.argsort(time, kind="stable")
    before = np.append(0.0, np.cumsum(counts[order]))
    at_risk = counts.sum() - before[np.searchsorted(time[order], at, side="left")]
    losses, deaths = (_counts(time[event == kind], counts[event == kind], at) for kind in (LOSS, DEATH))
    share = np.maximum(at_risk, 1)
    left = np.cumprod(1 - (losses + deaths) / share)
    until = np.concatenate([[1.0], left[:-1]])
    return Incidence(at, at_risk, np.cumsum(until * losses / share), np.cumsum(until * deaths / share))


def _counts(events: Floats, counts: Floats, at: Floats) -> Floats:
    return np.asarray(np.bincount(np.searchsorted(at, events), weights=counts, minlength=at.size), dtype=np.float64)


def turnbull(left: Floats, right: Floats, counts: Floats | None = None) -> Curve:
    """Non-parametric maximum-likelihood curve of times known to lie in (left, right]; right is inf where unknown.

    Mass sits only between a left end and the right end that follows it (Turnbull, J R Stat Soc B 1976;38:290); where
    inside is not identified. Rows are time 0 and both ends of each of these: the curve is flat up to the first, and
    known again from the second on. Weights by the constrained Newton method (Wang, J R Stat Soc B 2007;69:185), until
    no shift of weight raises the log-likelihood; self-consistency alone would take thousands of steps. `counts` says
    how many have each interval; None for one each.
    """
    ends, index = np.unique(np.stack([left, right], axis=1), axis=0, return_inverse=True)
    counts = np.bincount(index.ravel(), weights=counts, minlength=len(ends)).astype(np.float64)
    low, high = _innermost(ends[:, 0], ends[:, 1])
    holds = ((low >= ends[:, :1]) & (high <= ends[:, 1:])).astype(np.float64)
    return _drawn(low, high, np.cumsum(_weights(holds, counts)))


def _weights(holds: Floats, counts: Floats) -> Floats:
    """Weights on the columns, of sum 1, that maximise sum(counts log(holds @ weights))."""
    from scipy.optimize import nnls

    weights = np.full(holds.shape[1], 1 / holds.shape[1])
    root = np.sqrt(counts)[:, None]
    for _ in range(_MOST_STEPS):
        ratios = holds / (holds @ weights)[:, None]
        if (counts @ ratios).max() <= counts.sum() * (1 + _CLOSE):
            break
        # Second-order expansion of the log-likelihood; the last row keeps the sum at 1.
        heavy = 1e4 * root.max()
        rows = np.concatenate([root * ratios, np.full((1, weights.size), heavy)])
        target, _ = nnls(rows, np.append(2 * root, heavy))
        step = target / target.sum() - weights
        size = 1.0
        while _height(holds, counts, weights + size * step) < _height(holds, counts, weights) and size > _CLOSE:
            size /= 2
        weights = np.maximum(weights + size * step, 0)
        weights /= weights.sum()
        # One step of self-consistency, which never lowers the likelihood, settles what the expansion leaves.
        weights = weights * (counts @ (holds / (holds @ weights)[:, None])) / counts.sum()
    return weights


def _height(holds: Floats, counts: Floats, weights: Floats) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        height = float(counts @ np.log(holds @ weights))
    return height if np.isfinite(height) else -np.inf


def _innermost(left: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Intervals (low, high] from a left end to the next end, where that is a right one.

    Of equal ends the right one comes first: (a, b] and (b, c] have nothing in common.
    """
    values = np.concatenate([left, right])
    is_left = np.repeat([True, False], left.size)
    order = np.lexsort((is_left, values))
    values, is_left = values[order], is_left[order]
    is_pair = is_left[:-1] & ~is_left[1:]
    return values[:-1][is_pair], values[1:][is_pair]


def _drawn(low: Floats, high: Floats, by: Floats) -> Curve:
    times = np.concatenate([[0.0], low, high])
    shares = np.concatenate([[0.0], by - np.diff(by, prepend=0.0), by])
    # Where one interval begins at the end of another both rows say the same.
    time, first = np.unique(times, return_index=True)
    is_finite = np.isfinite(time)
    return Curve(time[is_finite], np.clip(shares[first][is_finite], 0.0, 1.0))
