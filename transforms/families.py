"""Families of antigens that share control wells, laid out as arrays for exact resampling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from transforms.replicates import FAMILY, RESPONSE
from transforms.resampling import Array

Test = Callable[[Array, Array], tuple[Array, Array]]
"""Antigen wells and control wells of some families to statistic and adjusted p-value, as `resampling.dfr_eq`."""

_SHAPE: Final = ("n_antigens", "antigen_width", "control_width")
_RESULT: Final = {
    **dict.fromkeys(RESPONSE, pl.String),
    "statistic": pl.Float64,
    "p_value_adjusted": pl.Float64,
    "misses_wells": pl.Boolean,
}


@dataclass(frozen=True, slots=True)
class Families:
    """Antigens that can be tested, in families, with the wells they have.

    Attributes:
        members: FAMILY, antigen, and row, its place in the family.
        antigens: members with their wells: known_spots and column, the place of the well among those of the antigen.
        controls: FAMILY with its control wells likewise.
        shapes: one row a family, with n_antigens, antigen_width and control_width, the columns of its widest layout.
    """

    members: pl.DataFrame
    antigens: pl.DataFrame
    controls: pl.DataFrame
    shapes: pl.DataFrame


def families_of(testable: pl.DataFrame, wells: pl.DataFrame) -> Families:
    """Lays out antigens that can be tested; those of one sample with the same negative control are a family.

    Args:
        testable: RESPONSE and `control`, one row an antigen.
        wells: the wells with `known_spots`. A well without a number is a missing column. The columns of a family are
            in the order of replicate number, then of the well.
    """
    members = testable.select(*FAMILY, "antigen").sort(*FAMILY, "antigen")
    members = members.with_columns(row=pl.int_range(pl.len()).over(FAMILY))
    antigens = _columns(wells.filter(pl.col("well_role") == "antigen"), RESPONSE)
    antigens = antigens.join(members, on=RESPONSE, how="inner", validate="m:1")
    controls = _columns(wells.filter(pl.col("well_role") == "negative_control"), FAMILY)
    controls = controls.join(members.select(FAMILY).unique(), on=FAMILY, how="inner", validate="m:1")
    return Families(members, antigens, controls, _shapes(members, antigens, controls))


def counted(shapes: pl.DataFrame, widths: tuple[str, str], count: Callable[[int, int], int], name: str) -> pl.DataFrame:
    """Adds a count that depends on the numbers of antigen and control wells (a float: no integer type may hold it)."""
    both = shapes.select(widths).unique()
    counts = [float(count(n_antigen, n_control)) for n_antigen, n_control in both.iter_rows()]
    both = both.with_columns(pl.Series(name, counts, dtype=pl.Float64))
    return shapes.join(both, on=widths, how="left", validate="m:1")


def family_tests(families: Families, tested: pl.DataFrame, test: Test) -> pl.DataFrame:
    """An exact resampling test of each antigen within its family.

    Args:
        families: what can be tested.
        tested: of `families.shapes`, the families to test.
        test: the test.

    Returns:
        RESPONSE, statistic and p_value_adjusted as the test gives them, and misses_wells: true where a column of the
        family is missing in the controls or in one of its antigens.
    """
    results = [_test(own, families, test) for _, own in tested.group_by(_SHAPE, maintain_order=True)]
    return pl.concat([pl.DataFrame(schema=_RESULT), *results]).sort(RESPONSE)


def _columns(wells: pl.DataFrame, keys: tuple[str, ...]) -> pl.DataFrame:
    """Keys, known_spots and column: the place of a well among those of the same keys."""
    letter, number = pl.col("well").str.slice(0, 1), pl.col("well").str.slice(1).cast(pl.Int32)
    ordered = wells.with_columns(letter=letter, number=number).sort(
        *keys, "replicate", "letter", "number", nulls_last=True
    )
    return ordered.select(*keys, "known_spots", column=pl.int_range(pl.len()).over(keys))


def _shapes(members: pl.DataFrame, antigens: pl.DataFrame, controls: pl.DataFrame) -> pl.DataFrame:
    shapes = members.group_by(FAMILY).agg(n_antigens=pl.len())
    for wells, name in ((antigens, "antigen_width"), (controls, "control_width")):
        width = wells.group_by(FAMILY).agg((pl.col("column").max() + 1).alias(name))
        shapes = shapes.join(width, on=FAMILY, how="left", validate="1:1")
    return shapes.sort(FAMILY)


def _test(tested: pl.DataFrame, families: Families, test: Test) -> pl.DataFrame:
    """Test families of one shape, all at once."""
    n_antigens, antigen_width, control_width = tested.select(_SHAPE).row(0)
    own = tested.select(FAMILY).with_row_index("family")
    members, antigens, controls = (
        wells.join(own, on=FAMILY, how="inner", validate="m:1")
        for wells in (families.members, families.antigens, families.controls)
    )
    antigen_wells = _array(antigens, ("family", "row", "column"), (own.height, n_antigens, antigen_width))
    control_wells = _array(controls, ("family", "column"), (own.height, control_width))
    statistic, p_adjusted = test(antigen_wells, control_wells)
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
