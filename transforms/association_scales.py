"""On which scale a numeric exposure enters a model, and how its numbers below the limit of detection are ranked."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isclose, log10
from typing import Final

import polars as pl

from transforms.exact import hodges_lehmann

CELLS: Final = "tumour_reactive_cells_infused"

_PER: Final = {
    "n_persistent_at_landmark": (1.0, " per antigen"),
    "product_share_at_landmark": (0.1, " per 10 percentage points"),
    "sum_net_value_at_landmark": (None, " per standard deviation"),
    CELLS: (1.0, " per tenfold number of cells"),
}
"""Unit of a ratio by exposure; None: the standard deviation among the subjects compared."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Exposures as a model takes them, the unit a ratio is for, and that unit in words."""

    values: list[float]
    unit: float
    says: str


def scale(exposure: str, subjects: pl.DataFrame) -> Scale | None:
    """Exposures for a model with a ratio; None where no ratio can be had.

    A yes or no is 1 or 0; numbers of cells are taken as log10. There is no ratio where some of these are below their
    limit of detection or not above 0, or where numbers without a unit of their own do not vary.
    """
    values = [float(value) for value in subjects["exposure"]]
    unit, says = _PER.get(exposure, (1.0, ""))
    if exposure == CELLS:
        if subjects["is_below_lod"].any() or any(value <= 0 for value in values):
            return None
        values = [log10(value) for value in values]
    if unit is None:
        unit = float(subjects["exposure"].std() or 0)  # type: ignore[arg-type]
    return Scale(values, unit, says) if unit > 0 else None


def ranked(subjects: pl.DataFrame) -> list[float]:
    """Exposures for ranking: those below their limit of detection lie together below every other."""
    return _filled(subjects, pl.lit(-inf))


def midranks(subjects: pl.DataFrame) -> list[float]:
    """Midranks of `ranked`."""
    return [float(rank) for rank in pl.Series(ranked(subjects), dtype=pl.Float64).rank("average")]


def shift(first: pl.DataFrame, second: pl.DataFrame) -> dict[str, float | None]:
    """Hodges-Lehmann shift of exposures and its limits: estimate, lower, upper.

    Each is given only where it is the same at both extremes of what the numbers below their limit of detection can be:
    0, or that limit.
    """
    zero, lod, names = pl.lit(0.0), pl.col("lod"), ("estimate", "lower", "upper")
    fills = ((_filled(first, zero), _filled(second, lod)), (_filled(first, lod), _filled(second, zero)))
    if any(None in group for groups in fills for group in groups):
        return dict.fromkeys(names)
    smallest, largest = (hodges_lehmann(*groups) for groups in fills)
    ends = {name: (getattr(smallest, name), getattr(largest, name)) for name in names}
    return {
        name: low if None not in (low, high) and isclose(low, high, rel_tol=1e-12) else None
        for name, (low, high) in ends.items()
    }


def _filled(subjects: pl.DataFrame, censored: pl.Expr) -> list[float]:
    if "is_below_lod" not in subjects.columns:
        return subjects["exposure"].cast(pl.Float64).to_list()
    return subjects.select(pl.when("is_below_lod").then(censored).otherwise("exposure").alias("x"))["x"].to_list()
