"""p-values adjusted for how many were looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given: the i-th smallest of m times m - i + 1, at least those before, at most 1.

    Each is the smallest level at which the hypothesis is rejected with the family-wise error at that level, whatever
    the dependence. Holm, Scand J Stat 1979;6:65.
    """
    p, order, m = _sorted(p_values)
    adjusted = np.maximum.accumulate(p * np.arange(m, 0, -1))
    return _restored(adjusted, order)


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given: the i-th smallest of m times m / i, at most those after, at most 1.

    Each is the smallest false discovery rate at which the hypothesis is rejected, for independent or positively
    dependent tests. Benjamini and Hochberg, J R Stat Soc B 1995;57:289.
    """
    p, order, m = _sorted(p_values)
    adjusted = np.minimum.accumulate((p * m / np.arange(1, m + 1))[::-1])[::-1]
    return _restored(adjusted, order)


def _sorted(p_values: Sequence[float]) -> tuple[Floats, NDArray[np.intp], int]:
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    return p[order], order, p.size


def _restored(adjusted: Floats, order: NDArray[np.intp]) -> list[float]:
    given = np.empty_like(adjusted)
    given[order] = np.minimum(adjusted, 1.0)
    return [float(one) for one in given]
