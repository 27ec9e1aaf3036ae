"""Distribution-free resampling against twice the control, in its exact form: no random numbers, no seed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, combinations_with_replacement
from math import comb, factorial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from transforms.resampling import TIE, Array

Index = NDArray[np.intp]

BLOCK_SIZE: Final = 100_000
"""Resampled means held in memory at once: few enough to stay near the processor."""


def n_resamples(n_antigen: int, n_control: int) -> int:
    """How many pairs of resampled means there are: multisets of an antigen's wells times those of its controls."""
    return _n_multisets(n_antigen) * _n_multisets(n_control)


def dfr_2x(antigen_wells: Array, control_wells: Array, *, block_size: int = BLOCK_SIZE) -> tuple[Array, Array]:
    """Exact bootstrap test of at most twice the control, with step-down max-T over the antigens of a family.

    Args:
        antigen_wells: spots per well, shape (families, antigens, antigen wells); a missing well is nan.
        control_wells: spots per well, shape (families, control wells), shared by the antigens of a family.
        block_size: resampled means held in memory at once.

    Returns:
        The statistic mean(log10 antigen) - mean(log10 control) - log10(2), and its one-sided adjusted p-value, both of
        shape (families, antigens). Nan for an antigen without a single antigen or control well, which takes no part.

    Where a well of an antigen or of its controls is 0, all of these are raised by 1 for this antigen. Wells are
    resampled within their group, as many as are there (a missing well is never drawn), about the group's mean; the
    controls are resampled anew for each antigen. So the chance that one of several antigens reaches a value is 1 - the
    product of the chances that each stays below it, and each of those is a sum over the multisets of its wells, with
    the number of ways to draw them. Source: Moodie, Price, Gouttefangeas et al., Cancer Immunol Immunother
    2010;59:1489, doi 10.1007/s00262-010-0875-4; step-down max-T of Westfall and Young (1993).
    """
    families, antigens, n_antigen = antigen_wells.shape
    statistic = np.full((families, antigens), np.nan)
    p_adjusted = statistic.copy()
    means = antigens * _n_multisets(n_antigen) + 2 * _n_multisets(control_wells.shape[1])
    step = max(1, block_size // max(1, means))
    for start in range(0, families, step):
        block = slice(start, start + step)
        statistic[block], p_adjusted[block] = _block(antigen_wells[block], control_wells[block])
    return statistic, p_adjusted


def _block(antigen_wells: Array, control_wells: Array) -> tuple[Array, Array]:
    has_zero = (antigen_wells == 0).any(axis=2) | (control_wells == 0).any(axis=1)[:, None]
    antigen_logs = np.log10(antigen_wells + has_zero[:, :, None])
    # The antigens of a family share at most two rows of controls: as they are, and raised by 1.
    is_used = np.stack([(~has_zero).any(axis=1), has_zero.any(axis=1)], axis=1)
    rows = np.cumsum(is_used).reshape(is_used.shape) - 1
    control_row = np.take_along_axis(rows, has_zero.astype(np.intp), axis=1)
    control_logs = np.log10(np.stack([control_wells, control_wells + 1], axis=1)[is_used])
    statistic = _means(antigen_logs) - _means(control_logs)[control_row] - np.log10(2)
    descending = np.argsort(-statistic, axis=1, kind="stable")  # nan, an antigen that takes no part, comes last
    p_ordered = _step_down(
        np.take_along_axis(statistic, descending, axis=1),
        _resampled(np.take_along_axis(antigen_logs, descending[:, :, None], axis=1)),
        _accumulated(_resampled(control_logs)),
        np.take_along_axis(control_row, descending, axis=1),
    )
    p_adjusted = np.empty_like(statistic)
    np.put_along_axis(p_adjusted, descending, p_ordered, axis=1)
    return statistic, p_adjusted


def _means(logs: Array) -> Array:
    n_wells = (~np.isnan(logs)).sum(axis=-1)
    total = np.nansum(np.sort(logs, axis=-1), axis=-1)  # sorted: the order of wells must not show in the last digit
    mean: Array = np.divide(total, n_wells, out=np.full_like(total, np.nan), where=n_wells > 0)
    return mean


@dataclass(frozen=True, slots=True)
class _Resampled:
    """Resampled means of groups of wells, less the mean of the group, on the last axis.

    `ways` counts in how many ways each comes about. These are whole numbers, so that their sums are exact in any order.
    A place that a group with missing wells has no use for is infinite and has no way.
    """

    deviations: Array
    ways: Array
    n_ways: Array

    def part(self, of: tuple[NDArray[np.bool_], slice]) -> _Resampled:
        """Some of the groups."""
        return _Resampled(self.deviations[of], self.ways[of], self.n_ways[of])


def _resampled(logs: Array) -> _Resampled:
    groups = np.sort(logs.reshape(-1, logs.shape[-1]), axis=1)  # nan last
    n_wells = (~np.isnan(groups)).sum(axis=1)
    places = (len(groups), _n_multisets(logs.shape[-1]))
    deviations, ways = np.full(places, np.inf), np.zeros(places)
    for n in np.unique(n_wells[n_wells > 0]):
        own = n_wells == n
        shares, ways_of = _multisets(int(n))
        there = groups[own, :n]
        deviations[own, : len(ways_of)] = (there - there.mean(axis=1, keepdims=True)) @ shares
        ways[own, : len(ways_of)] = ways_of
    shape = (*logs.shape[:-1], places[1])
    return _Resampled(deviations.reshape(shape), ways.reshape(shape), ways.sum(axis=1).reshape(shape[:-1]))


@lru_cache(maxsize=8)
def _multisets(n: int) -> tuple[Array, Array]:
    """Shares of n wells in each multiset of n draws, shape (wells, multisets), and the ways to draw each of these."""
    drawn = np.fromiter(chain.from_iterable(combinations_with_replacement(range(n), n)), dtype=np.intp)
    times = (drawn.reshape(-1, n, 1) == np.arange(n)).sum(axis=1)
    orders = factorial(n) / np.array([factorial(k) for k in range(n + 1)], dtype=np.float64)[times].prod(axis=1)
    return np.ascontiguousarray(times.T / n), orders


def _n_multisets(n: int) -> int:
    return comb(2 * n - 1, n) if n else 0


@dataclass(frozen=True, slots=True)
class _Accumulated:
    """Resampled means in ascending order, and the ways to stay at or below each.

    Rows are padded to one less than a power of two, so that halving steps find a place without looking at bounds.
    """

    deviations: Array
    ways_up_to: Array
    n_ways: Array

    def ways_at_most(self, values: Array, rows: Index) -> Array:
        """In how many ways the resampled mean of a row is at most the value; `rows` has no last axis, values one."""
        width = self.deviations.shape[1]
        first = np.broadcast_to((rows * width)[..., None], values.shape)
        place, ordered, half = first.copy(), self.deviations.ravel(), (width + 1) // 2
        while half:
            place += half * (ordered.take(place + (half - 1)) <= values)
            half //= 2
        return self.ways_up_to.ravel().take(place + rows[..., None])


def _accumulated(resampled: _Resampled) -> _Accumulated:
    count, multisets = resampled.deviations.shape
    ascending = np.argsort(resampled.deviations, axis=1)
    width = 2 ** multisets.bit_length() - 1
    deviations, ways_up_to = np.full((count, width), np.inf), np.zeros((count, width + 1))
    deviations[:, :multisets] = np.take_along_axis(resampled.deviations, ascending, axis=1)
    np.cumsum(np.take_along_axis(resampled.ways, ascending, axis=1), axis=1, out=ways_up_to[:, 1 : multisets + 1])
    ways_up_to[:, multisets + 1 :] = resampled.n_ways[:, None]
    return _Accumulated(deviations, ways_up_to, resampled.n_ways)


def _step_down(ordered: Array, antigens: _Resampled, controls: _Accumulated, control_row: Index) -> Array:
    """Adjusted p-values of descending statistics: the chance that it or one below reaches it, never falling."""
    p_ordered, highest = np.full_like(ordered, np.nan), np.zeros(len(ordered))
    for position in range(ordered.shape[1]):
        takes_part = ~np.isnan(ordered[:, position])
        moving = takes_part & (highest < 1)  # once it is 1 it stays so, however many follow
        if moving.any():
            at_least = ordered[moving, position] - TIE
            below = antigens.part((moving, slice(position, None)))
            chance = _chance_of_any(at_least, below, controls, control_row[moving, position:])
            highest[moving] = np.maximum(highest[moving], chance)
        p_ordered[takes_part, position] = highest[takes_part]
    return p_ordered


def _chance_of_any(at_least: Array, antigens: _Resampled, controls: _Accumulated, control_row: Index) -> Array:
    """The chance that a resampled statistic among the antigens of a family reaches a value, one for each family."""
    highest_control = antigens.deviations - at_least[:, None, None]
    ways = (antigens.ways * controls.ways_at_most(highest_control, control_row)).sum(axis=2)
    n_ways = antigens.n_ways * controls.n_ways[control_row]
    chances = np.divide(ways, n_ways, out=np.zeros_like(ways), where=n_ways > 0)
    # Sorted: antigens of one statistic come in any order, and it must not show in the last digit.
    any_of_them: Array = 1 - np.sort(1 - chances, axis=1).prod(axis=1)
    return any_of_them
