"""Distribution-free resampling of ELISpot wells, by exact enumeration: no seed, no call that flips with one."""

from __future__ import annotations

from itertools import chain, combinations
from math import comb
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TIE: Final = 1.5e-8
"""Statistics closer than this are tied: ties are common among small counts, and means of counts carry rounding."""

BLOCK_SIZE: Final = 4_000_000
"""Statistics held in memory at once (32 MB an array)."""


def n_relabelings(n_antigen: int, n_control: int) -> int:
    """In how many ways the wells of an antigen and its controls can change names."""
    return comb(n_antigen + n_control, n_antigen)


def dfr_eq(antigen_wells: Array, control_wells: Array, *, block_size: int = BLOCK_SIZE) -> tuple[Array, Array]:
    """Exact permutation test of equal means with step-down max-T over the antigens of a family.

    Args:
        antigen_wells: spots per well, shape (families, antigens, antigen wells); a missing well is nan.
        control_wells: spots per well, shape (families, control wells), shared by the antigens of a family.
        block_size: statistics held in memory at once.

    Returns:
        The statistic mean(antigen) - mean(control) in spots per well, and its one-sided adjusted p-value, both of
        shape (families, antigens). Nan for an antigen without a single antigen or control well, which takes no part.

    Every relabeling of the well columns is enumerated, the same one for all antigens of a family. A missing well moves
    with its column and is left out of the means; a statistic that is undefined under a relabeling is dropped from the
    maximum, and a relabeling with none defined from the count. Source: Moodie, Huang, Gu, Hural, Self, J Immunol
    Methods 2006;315:121, doi 10.1016/j.jim.2006.07.015; step-down max-T of Westfall and Young (1993).
    """
    families, antigens, n_antigen = antigen_wells.shape
    labels = _relabelings(n_antigen, control_wells.shape[1])
    statistic = np.full((families, antigens), np.nan)
    p_adjusted = statistic.copy()
    step = max(1, block_size // max(1, antigens * labels.shape[1]))
    for start in range(0, families, step):
        block = slice(start, start + step)
        statistic[block], p_adjusted[block] = _block(antigen_wells[block], control_wells[block], labels, block_size)
    return statistic, p_adjusted


def _relabelings(n_antigen: int, n_control: int) -> Array:
    """Shape (wells, relabelings): 1 where the well is called an antigen well; the first is the true labeling."""
    count, wells = n_relabelings(n_antigen, n_control), n_antigen + n_control
    places = np.fromiter(chain.from_iterable(combinations(range(wells), n_antigen)), dtype=np.intp)
    labels = np.zeros((count, wells))
    np.put_along_axis(labels, places.reshape(count, n_antigen), 1.0, axis=1)
    return np.ascontiguousarray(labels.T)


def _block(antigen_wells: Array, control_wells: Array, labels: Array, block_size: int) -> tuple[Array, Array]:
    """Statistic and adjusted p of some families, with the relabelings in blocks where one family is too large."""
    families, antigens, n_antigen = antigen_wells.shape
    controls = np.broadcast_to(control_wells[:, None, :], (families, antigens, control_wells.shape[1]))
    wells = np.concatenate([antigen_wells, controls], axis=2)
    statistic = _differences(wells, labels[:, :1], n_antigen)[:, :, 0]
    descending = np.argsort(-statistic, axis=1, kind="stable")  # nan, an antigen that takes no part, comes last
    ordered = np.take_along_axis(statistic, descending, axis=1)
    wells = np.take_along_axis(wells, descending[:, :, None], axis=1)
    reached, defined = np.zeros_like(ordered), np.zeros_like(ordered)
    step = max(1, block_size // max(1, antigens))
    for start in range(0, labels.shape[1], step):
        maxima = _step_down_maxima(wells, ordered, labels[:, start : start + step], n_antigen)
        reached += (maxima >= ordered[:, :, None] - TIE).sum(axis=2)
        defined += (maxima > -np.inf).sum(axis=2)
    p_ordered = np.divide(reached, defined, out=np.full_like(reached, np.nan), where=~np.isnan(ordered))
    p_ordered = np.maximum.accumulate(p_ordered, axis=1)
    p_adjusted = np.empty_like(p_ordered)
    np.put_along_axis(p_adjusted, descending, p_ordered, axis=1)
    return statistic, p_adjusted


def _step_down_maxima(wells: Array, ordered: Array, labels: Array, n_antigen: int) -> Array:
    """The largest relabeled statistic of each antigen and those below it; minus infinity where none is defined."""
    relabeled = _differences(wells, labels, n_antigen)
    relabeled[np.isnan(relabeled)] = -np.inf
    relabeled[np.isnan(ordered)] = -np.inf
    upwards = relabeled[:, ::-1, :]
    np.maximum.accumulate(upwards, axis=1, out=upwards)
    return relabeled


def _differences(wells: Array, labels: Array, n_antigen: int) -> Array:
    """mean(called antigen) - mean(called control), shape (families, antigens, relabelings); nan where undefined."""
    missing = np.isnan(wells)
    if not missing.any():
        n_control = wells.shape[2] - n_antigen
        difference: Array = wells @ (labels / n_antigen - (1 - labels) / n_control)
        return difference
    spots, there = np.where(missing, 0.0, wells), (~missing).astype(np.float64)
    antigen_sum, antigen_n = spots @ labels, there @ labels
    control_sum = spots.sum(axis=2, keepdims=True) - antigen_sum
    control_n = there.sum(axis=2, keepdims=True) - antigen_n
    with np.errstate(divide="ignore", invalid="ignore"):
        relabeled: Array = antigen_sum / antigen_n - control_sum / control_n
    return relabeled
