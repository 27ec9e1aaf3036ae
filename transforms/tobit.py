"""Straight lines through values some of which are known as bounds only (Tobit), many lines at once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

EXACT, BELOW, ABOVE = 0, -1, 1
"""What is known of a value: itself; that it lies below the limit given; that it lies above it."""

CONFIDENCE: Final = 0.95
_ON_THE_LINE: Final = 1e-9
_CLOSE: Final = 1e-8
_CLOSE_ROOT: Final = 1e-6
_MOST_STEPS: Final = 100
_MOST_TRIES: Final = 40
_SMALLEST_SIGMA: Final = 1e-10
"""Of the scatter about the line of least squares: below it a fit is held to run away."""
_LINES_AT_ONCE: Final = 1 << 13
_CERTAIN: Final = 30.0
"""Standard deviations beyond which a bound says nothing more."""


@dataclass(frozen=True, slots=True)
class Points:
    """Points of many lines, one after the other: `starts` and `sizes` say which are whose. Every line has two or more.

    `known` is EXACT, BELOW or ABOVE; `y` is the value or the limit.
    """

    t: Floats
    y: Floats
    known: NDArray[np.int8]
    starts: Ints
    sizes: Ints


@dataclass(frozen=True, slots=True)
class Lines:
    """Slopes of greatest likelihood and their 95 % profile-likelihood intervals, one a line.

    NaN where there is no slope; an end that does not exist is NaN too.
    """

    slope: Floats
    lower: Floats
    upper: Floats


def tobit_lines(points: Points) -> Lines:
    """Slope of y on t with normal scatter of one standard deviation, values below and above limits taken as such.

    Exact values contribute the normal density, others the probability of lying beyond their limit (Tobin, Econometrica
    1958;26:24). Maximised by Newton's method over intercept / sigma, slope / sigma and 1 / sigma, in which the
    log-likelihood is concave (Olsen, Econometrica 1978;46:1211). Sets of great likelihood are convex there, and so
    intervals in the slope, a ratio of two of them: the ends are the slopes at which twice the profile log-likelihood is
    n ln(1 + t^2 / (n - 2)) below its maximum, with n exact values (3 where there are 2) and t the 97.5 % point of
    Student's distribution with n - 2 degrees of freedom. Without bounds that is the interval of least squares; for
    great n it is the usual 3.84, which for a handful of values would be far too short.

    A line on which three or more exact values lie, and with which every limit agrees, is its own estimate: no scatter
    is seen, so there is no interval. Where such a line has two exact values or fewer the likelihood grows without bound
    and there is no slope; neither is there one with fewer than two exact values.
    """
    n = points.sizes.size
    found = Lines(*(np.full(n, np.nan) for _ in range(3)))
    # Lines with as many points as each other go together, so that little of a block is padding.
    order = np.argsort(points.sizes, kind="stable")
    blocks = [order[begin : begin + _LINES_AT_ONCE] for begin in range(0, n, _LINES_AT_ONCE)]

    def fit(block: Ints) -> None:
        found.slope[block], found.lower[block], found.upper[block] = _fitted(_block(points, block))

    # Each block writes its own lines, whichever thread has it: the result does not depend on their number.
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(threads.map(fit, blocks))
    return found


@dataclass(frozen=True, slots=True)
class _Block:
    """Points as rows, lines as columns; `is_there` is False for padding. All arrays here end in lines."""

    t: Floats
    y: Floats
    known: NDArray[np.int8]
    is_there: Bools

    def of(self, lines: Ints) -> _Block:
        return _Block(self.t[:, lines], self.y[:, lines], self.known[:, lines], self.is_there[:, lines])

    @property
    def is_exact(self) -> Bools:
        return np.asarray(self.is_there & (self.known == EXACT))


def _block(points: Points, lines: Ints) -> _Block:
    sizes = points.sizes[lines]
    place = np.arange(sizes.max(initial=0))[:, None]
    is_there = place < sizes
    index = points.starts[lines] + np.where(is_there, place, 0)
    return _Block(points.t[index], points.y[index], points.known[index], is_there)


def _fitted(block: _Block) -> tuple[Floats, Floats, Floats]:
    slope, lower, upper = (np.full(block.is_there.shape[1], np.nan) for _ in range(3))
    n_exact = block.is_exact.sum(axis=0)
    through, on_exact = _least_squares(block, block.is_exact)
    is_perfect = (n_exact >= 2) & _is_on(block, through, on_exact)
    told = is_perfect & (n_exact >= 3)
    slope[told] = on_exact[told]
    lines = np.flatnonzero(~is_perfect & (n_exact >= 2))
    if lines.size:
        slope[lines], lower[lines], upper[lines] = _scattered(block.of(lines))
    return slope, lower, upper


def _least_squares(block: _Block, counted: Bools) -> tuple[Floats, Floats]:
    """Intercept and slope of each line by least squares; not finite without two points."""
    n = counted.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_t = np.sum(block.t, axis=0, where=counted) / n
        mean_y = np.sum(block.y, axis=0, where=counted) / n
        off = block.t - mean_t
        slope = np.sum(off * block.y, axis=0, where=counted) / np.sum(off * off, axis=0, where=counted)
    return mean_y - slope * mean_t, slope


def _is_on(block: _Block, intercept: Floats, slope: Floats) -> Bools:
    """Whether all exact values lie on the line and all limits agree with it, up to rounding."""
    above = block.y - intercept - slope * block.t
    room = _ON_THE_LINE * (1 + np.abs(block.y))
    fits = np.where(block.known == EXACT, np.abs(above) <= room, block.known * above <= room)
    return np.asarray(np.all(fits | ~block.is_there, axis=0))


def _scattered(block: _Block) -> tuple[Floats, Floats, Floats]:
    """Slopes and intervals of lines with scatter, found about the line of least squares and in units of its scatter."""
    intercept, tilt = _least_squares(block, block.is_there)
    span = np.max(block.t, axis=0, where=block.is_there, initial=1e-300)
    off = np.where(block.is_there, block.y - intercept - tilt * block.t, 0.0)
    scatter = np.sqrt(np.sum(off * off, axis=0) / block.is_there.sum(axis=0))
    scaled = _Block(np.where(block.is_there, block.t / span, 0.0), off / scatter, block.known, block.is_there)
    best, height, information, is_found = _maximum(scaled)
    slope = np.where(is_found, best[2] / best[0], np.nan)
    ends = np.full((2, slope.size), np.nan)
    lines = np.flatnonzero(is_found)
    if lines.size:
        # A falling line is what is asked: an end at or above the level line is open, and need not be found.
        level = -tilt[lines] * span[lines] / scatter[lines]
        ends[:, lines] = _ends(scaled.of(lines), best[:, lines], height[lines], information[..., lines], level)
    at, lower, upper = (tilt + scatter * part / span for part in (slope, ends[0], ends[1]))
    return at, lower, upper


def _maximum(block: _Block) -> tuple[Floats, Floats, Floats, Bools]:
    """1 / sigma, intercept / sigma and slope / sigma (rows), log-likelihood, information, success."""
    start = np.zeros((3, block.is_there.shape[1]))
    start[0] = 1.0
    return _climb(block, np.stack([block.y, -np.ones_like(block.t), -block.t]), start)


def _spread(best: Floats, information: Floats) -> Floats:
    """Standard error of the slope."""
    by = np.stack([-best[2] / best[0] ** 2, np.zeros_like(best[0]), 1 / best[0]])
    with np.errstate(invalid="ignore"):
        return np.asarray(np.sqrt(np.sum(by * _solved(information, by), axis=0)))


def _climb(block: _Block, design: Floats, start: Floats) -> tuple[Floats, Floats, Floats, Bools]:
    """Newton's method with shortened steps on a concave log-likelihood of z = design . parameters, many at once.

    The first parameter is 1 / sigma. Returns parameters, log-likelihood, information and whether it converged.
    """
    theta, n = start.copy(), start.shape[1]
    height, gradient, information = _likelihood(block, design, theta)
    found, scale = np.zeros(n, dtype=bool), np.ones(n)
    active = np.arange(n)
    for _ in range(_MOST_STEPS):
        step = _solved(information[..., active], gradient[:, active])
        gain = np.sum(step * gradient[:, active], axis=0)
        # So near the top the last step needs no look at where it leads: half of `gain` is what it gains.
        is_near = np.abs(gain) < _CLOSE
        last = active[is_near]
        theta[:, last] += step[:, is_near]
        height[last] += 0.5 * gain[is_near]
        found[last] = True
        goes_on = ~is_near & (gain > 0) & np.isfinite(gain) & (theta[0, active] < 1 / _SMALLEST_SIGMA)
        active, step = active[goes_on], step[:, goes_on]
        if not active.size:
            break
        # 1 / sigma stays above 0.
        with np.errstate(divide="ignore", invalid="ignore"):
            most = np.where(step[0] < 0, -0.9 * theta[0, active] / step[0], 1.0)
        tried = theta[:, active] + np.minimum(scale[active], most) * step
        there, slope, curve = _likelihood(block.of(active), design[..., active], tried)
        rises = there >= height[active] - 1e-12 * (1 + np.abs(height[active]))
        up = active[rises]
        theta[:, up], height[up] = tried[:, rises], there[rises]
        gradient[:, up], information[..., up] = slope[:, rises], curve[..., rises]
        scale[active] = np.where(rises, np.minimum(1.0, 2 * scale[active]), scale[active] / 4)
    return theta, height, information, found


def _likelihood(block: _Block, design: Floats, theta: Floats) -> tuple[Floats, Floats, Floats]:
    """Log-likelihood (without its constant), gradient and information of each line at its parameters."""
    z = sum(part * one for part, one in zip(design, theta, strict=True))
    n_exact, value, first, second = _by_point(block, np.asarray(z))
    size, n = theta.shape
    gradient, information = np.empty((size, n)), np.empty((size, size, n))
    for row in range(size):
        gradient[row] = (first * design[row]).sum(axis=0)
        weighted = second * design[row]
        for column in range(row, size):
            information[row, column] = information[column, row] = (weighted * design[column]).sum(axis=0)
    gradient[0] += n_exact / theta[0]
    information[0, 0] += n_exact / theta[0] ** 2
    return value.sum(axis=0) + n_exact * np.log(theta[0]), gradient, information


def _by_point(block: _Block, z: Floats) -> tuple[Ints, Floats, Floats, Floats]:
    """Exact points of each line; log-density or log-probability of each point, its derivative and minus the second."""
    from scipy.special import erfcx

    is_exact = block.is_exact
    value, first, second = -0.5 * z * z, -z, np.ones_like(z)
    bounded = np.nonzero(block.is_there & ~is_exact)
    side = -block.known[bounded].astype(np.float64)
    u = np.minimum(side * z[bounded], _CERTAIN)
    # erfcx keeps the ratio of density to tail exact where both vanish.
    tail = erfcx(-u / np.sqrt(2))
    hazard = np.sqrt(2 / np.pi) / tail
    value[bounded] = np.log(tail / 2) - 0.5 * u * u
    first[bounded] = side * hazard
    second[bounded] = hazard * (hazard + u)
    if not block.is_there.all():
        for part in (value, first, second):
            part[~block.is_there] = 0.0
    return is_exact.sum(axis=0), value, first, second


def _solved(matrices: Floats, right: Floats) -> Floats:
    """Solutions of small symmetric positive definite systems; not finite where one is singular."""
    left, solution = matrices.copy(), right.copy()
    size = right.shape[0]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for pivot in range(size):
            for row in range(pivot + 1, size):
                ratio = left[row, pivot] / left[pivot, pivot]
                left[row] -= ratio * left[pivot]
                solution[row] -= ratio * solution[pivot]
        for pivot in reversed(range(size)):
            for column in range(pivot + 1, size):
                solution[pivot] -= left[pivot, column] * solution[column]
            solution[pivot] /= left[pivot, pivot]
    return solution


def _ends(block: _Block, best: Floats, height: Floats, information: Floats, level: Floats) -> Floats:
    """Both ends of each interval, NaN where there is none or the upper one is not below `level`."""
    n = height.size
    both = np.concatenate([np.arange(n), np.arange(n)])
    side = np.repeat([-1.0, 1.0], n)
    middle = (best[2] / best[0])[both]
    n_exact = _seen(block)[both]
    limit = _limits(n_exact)
    # Where nothing is censored these first guesses are the answer.
    reach = _spread(best, information)[both] * np.sqrt(n_exact * np.expm1(limit**2 / n_exact))
    near, far, slope = middle.copy(), np.full(2 * n, np.inf) * side, middle + side * reach
    wider, pivot = np.exp(-(limit**2) / (2 * n_exact)), (information[1, 2] / information[1, 1])[both]
    nuisance = best[:2, both] * wider
    nuisance[1] -= nuisance[0] * side * reach * pivot
    ends, active = np.full(2 * n, np.nan), np.arange(2 * n)
    for _ in range(_MOST_TRIES):
        part, at = block.of(both[active]), slope[active]
        design = np.stack([part.y - at * part.t, -np.ones_like(part.t)])
        inner, there, _, is_found = _climb(part, design, nuisance[:, active])
        nuisance[:, active] = np.where(is_found, inner, nuisance[:, active])
        root = np.sqrt(np.maximum(2 * (height[both[active]] - there), 0.0))
        limit_here = limit[active]
        is_close = np.abs(root - limit_here) < _CLOSE_ROOT
        ends[active[is_close & is_found]] = at[is_close & is_found]
        is_inside = root < limit_here
        near[active] = np.where(is_inside, at, near[active])
        far[active] = np.where(is_inside, far[active], at)
        is_open = is_inside & (side[active] > 0) & (at >= level[both[active]])
        goes_on = ~is_close & is_found & ~is_open
        active = active[goes_on]
        if not active.size:
            break
        pull = _pull(block.of(both[active]), inner[:, goes_on], at[goes_on])
        slope[active] = _next(
            at[goes_on], (root - limit_here)[goes_on], root[goes_on] / pull, (near[active], far[active]), middle[active]
        )
        nuisance[1, active] -= nuisance[0, active] * (slope[active] - at[goes_on]) * pivot[active]
    lower, upper = ends[:n], ends[n:]
    return np.stack([lower, np.where(upper < level, upper, np.nan)])


def _seen(block: _Block) -> Floats:
    """Exact values of each line, and 3 where there are fewer: two have no scatter of their own."""
    return np.asarray(np.maximum(block.is_exact.sum(axis=0), 3), dtype=np.float64)


def _limits(n: Floats) -> Floats:
    """How far the root of the likelihood ratio goes in an interval of n exact values: with them alone, Student's."""
    from scipy.special import stdtrit

    return np.asarray(np.sqrt(n * np.log1p(stdtrit(n - 2, (1 + CONFIDENCE) / 2) ** 2 / (n - 2))))


def _pull(block: _Block, nuisance: Floats, slope: Floats) -> Floats:
    """Derivative of the profile log-likelihood by the slope: that of the likelihood, the others held."""
    z = nuisance[0] * (block.y - slope * block.t) - nuisance[1]
    _, _, first, _ = _by_point(block, z)
    return np.asarray(-nuisance[0] * (first * block.t).sum(axis=0))


def _next(at: Floats, off: Floats, per: Floats, bracket: tuple[Floats, Floats], middle: Floats) -> Floats:
    """Newton's step on the root of the likelihood ratio, kept between slopes known to be inside and outside.

    Args:
        at: where the root was found.
        off: the root there, less what it should be.
        per: slope for one more of it, times -1.
        bracket: a slope inside and one outside, which is infinite while none is known.
        middle: the slope of greatest likelihood.
    """
    near, far = bracket
    with np.errstate(divide="ignore", invalid="ignore"):
        step = at + off * per
    low, high = np.minimum(near, far), np.maximum(near, far)
    halved = np.where(np.isfinite(far), 0.5 * (near + np.where(np.isfinite(far), far, 0.0)), 2 * near - middle)
    return np.where(np.isfinite(step) & (step > low) & (step < high), step, halved)
