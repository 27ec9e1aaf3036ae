"""Families of antigens that share control wells, laid out as arrays for exact resampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from transforms.replicates import FAMILY, RESPONSE
from transforms.resampling import Array, dfr_eq, n_relabelings

_SHAPE: Final = ("n_antigens", "antigen_width", "control_width")
_RESULT: Final = {
    **dict.fromkeys(RESPONSE, pl.String),
    "statistic": pl.Float64,
    "p_value_adjusted": pl.Float64,
    "misses_wells": pl.Boolean,
}


@dataclass(frozen=True, slots=True)
class _Laid:
    """What is laid out: members (RESPONSE, row), antigen wells (RESPONSE, column), control wells (FAMILY, column)."""

    members: pl.DataFrame
    antigens: pl.DataFrame
    controls: pl.DataFrame


def family_tests(testable: pl.DataFrame, wells: pl.DataFrame, *, fewest: int, most: int) -> pl.DataFrame:
    """The exact resampling test of each antigen within its family.

    Args:
        testable: one row a RESPONSE that can be tested; those of one specimen, plate and analyte are a family.
        wells: their wells with `known_spots`. A well without a number is a missing column. The columns of a family are
            those of its widest layout, in the order of replicate number, then of the well.
        fewest: families with fewer relabelings are left without a result.
        most: families with more relabelings likewise.

    Returns:
        RESPONSE, n_relabelings, statistic and p_value_adjusted as `resampling.dfr_eq` gives them, and misses_wells:
        true where a column of the family is missing in the controls or in one of its antigens.
    """
    laid = _lay_out(testable, wells)
    families = _families(laid)
    tested = families.filter(pl.col("n_relabelings").is_between(fewest, most))
    results = [_test(own, laid) for _, own in tested.group_by(_SHAPE, maintain_order=True)]
    return (
        laid.members.join(families.select(*FAMILY, "n_relabelings"), on=FAMILY, how="left", validate="m:1")
        .join(pl.concat([pl.DataFrame(schema=_RESULT), *results]), on=RESPONSE, how="left", validate="1:1")
        .drop("row")
        .sort(RESPONSE)
    )


def _lay_out(testable: pl.DataFrame, wells: pl.DataFrame) -> _Laid:
    members = testable.select(RESPONSE).sort(RESPONSE).with_columns(row=pl.int_range(pl.len()).over(FAMILY))
    antigens = _columns(wells.filter(pl.col("well_role") == "antigen"), RESPONSE)
    controls = _columns(wells.filter(pl.col("well_role") == "negative_control"), FAMILY)
    return _Laid(
        members,
        antigens.join(members, on=RESPONSE, how="inner", validate="m:1"),
        controls.join(members.select(FAMILY).unique(), on=FAMILY, how="inner", validate="m:1"),
    )


def _columns(wells: pl.DataFrame, keys: tuple[str, ...]) -> pl.DataFrame:
    """Keys, known_spots and column: the place of a well among those of the same keys."""
    letter, number = pl.col("well").str.slice(0, 1), pl.col("well").str.slice(1).cast(pl.Int32)
    ordered = wells.with_columns(letter=letter, number=number).sort(
        *keys, "replicate", "letter", "number", nulls_last=True
    )
    return ordered.select(*keys, "known_spots", column=pl.int_range(pl.len()).over(keys))


def _families(laid: _Laid) -> pl.DataFrame:
    """FAMILY, its shape, and the number of relabelings (a float: it may be beyond any integer type)."""
    families = laid.members.group_by(FAMILY).agg(n_antigens=pl.len())
    for wells, name in ((laid.antigens, "antigen_width"), (laid.controls, "control_width")):
        width = wells.group_by(FAMILY).agg((pl.col("column").max() + 1).alias(name))
        families = families.join(width, on=FAMILY, how="left", validate="1:1")
    widths = families.select("antigen_width", "control_width").unique()
    counts = [float(n_relabelings(n_antigen, n_control)) for n_antigen, n_control in widths.iter_rows()]
    widths = widths.with_columns(n_relabelings=pl.Series(counts, dtype=pl.Float64))
    return families.join(widths, on=["antigen_width", "control_width"], how="left", validate="m:1").sort(FAMILY)


def _test(families: pl.DataFrame, laid: _Laid) -> pl.DataFrame:
    """Test families of one shape, all at once."""
    n_antigens, antigen_width, control_width = families.select(_SHAPE).row(0)
    own = families.select(FAMILY).with_row_index("family")
    members, antigens, controls = (
        wells.join(own, on=FAMILY, how="inner", validate="m:1")
        for wells in (laid.members, laid.antigens, laid.controls)
    )
    antigen_wells = _array(antigens, ("family", "row", "column"), (own.height, n_antigens, antigen_width))
    control_wells = _array(controls, ("family", "column"), (own.height, control_width))
    statistic, p_adjusted = dfr_eq(antigen_wells, control_wells)
    misses_wells = np.isnan(antigen_wells).any(axis=(1, 2)) | np.isnan(control_wells).any(axis=1)
    return members.sort("family", "row").select(
        *RESPONSE,
        pl.Series("statistic", statistic.ravel()),
        pl.Series("p_value_adjusted", p_adjusted.ravel()),
        pl.Series("misses_wells", np.repeat(misses_wells, n_antigens)),
    )


def _array(wells: pl.DataFrame, axes: tuple[str, ...], shape: tuple[int, ...]) -> Array:
    """Known spots scattered to their places; nan where there is none."""
    array = np.full(shape, np.nan)
    array[tuple(wells[axis].to_numpy() for axis in axes)] = wells["known_spots"].fill_null(np.nan).to_numpy()
    return array
