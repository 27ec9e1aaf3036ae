"""Intervals of proportions: Wilson's limits of one, and MOVER for sums and differences of several."""

from __future__ import annotations

from statistics import NormalDist
from typing import Final

import polars as pl

from transforms.exact import CONFIDENCE

_Z: Final = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


def wilson_limits(proportion: pl.Expr, n: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Wilson's 95 % score limits of a binomial proportion between 0 and 1 that was seen in n.

    Null where either is. Wilson, J Am Stat Assoc 1927;22:209; method 3 of Newcombe, Stat Med 1998;17:857.
    """
    centre = 2 * n * proportion + _Z**2
    width = _Z * (_Z**2 + 4 * n * proportion * (1 - proportion)).sqrt()
    lower, upper = ((centre + sign * width) / (2 * (n + _Z**2)) for sign in (-1, 1))
    # At 0 and at 1 the near limit is the proportion itself, but for the rounding of its square root.
    return pl.min_horizontal(lower.clip(0, 1), proportion), pl.max_horizontal(upper.clip(0, 1), proportion)


def mover_distances(weight: pl.Expr, proportion: pl.Expr, n: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """How far the 95 % limits of a weighted sum of independent proportions lie below and above it; for `group_by.agg`.

    The squared distance of each proportion to its Wilson limit, on the side that moves the sum that way, adds up
    (MOVER: Zou and Donner, Stat Med 2008;27:1693). One proportion minus another is method 10 of Newcombe, Stat Med
    1998;17:873. Null where a proportion or its n is; 0 for a sum of nothing.
    """
    lower, upper = wilson_limits(proportion, n)
    down, up = weight * (proportion - lower), weight * (upper - proportion)
    is_known = (proportion.is_not_null() & n.is_not_null()).all()
    below, above = (
        pl.when(weight > 0).then(own).otherwise(other).pow(2).sort().sum().sqrt()
        for own, other in ((down, up), (up, down))
    )
    return pl.when(is_known).then(below), pl.when(is_known).then(above)
