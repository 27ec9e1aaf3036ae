"""What the fluorochromes and populations of exports stand for: the analyte each count of a plate is told under."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.study import StudySettings

PLATE_ANALYTE: Final = ("plate_id", "analyte")
JOINT: Final = "+"
"""Stands between the parts of what was stained together (FITC+Cy5)."""


def analyte_names(counted: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """The analyte that each name an export gives stands for, plate by plate.

    Args:
        counted: any frame with `plate_id` and `analyte` as the exports give them: the counts, or `plates`.
        settings: for `elispot.analytes`.

    Returns:
        One row a plate and analyte: `analyte` as the export gives it; `meant`, what the study file makes of it; `name`,
        what it is called on this plate: the same, but where the study file makes one analyte of several counts of a
        plate, these keep the names of the export (counts of one well are never mixed up). A combination whose parts are
        all mapped becomes its parts' analytes, joined in the same way, unless it is mapped itself.
    """
    names = counted.select(PLATE_ANALYTE).unique()
    given = {name: _meant(name, settings) for name in names["analyte"].unique()}
    names = names.with_columns(meant=pl.col("analyte").replace_strict(given, return_dtype=pl.String))
    names = names.with_columns(name=pl.col("meant"))
    is_taken = pl.len().over("plate_id", "name") > 1
    # A count that keeps its own name may take one that another was to get: until no name stands for two.
    while names.select((is_taken & (pl.col("name") != pl.col("analyte"))).any()).item():
        names = names.with_columns(name=pl.when(is_taken).then("analyte").otherwise("name"))
    return names.sort(PLATE_ANALYTE)


def _meant(name: str, settings: StudySettings) -> str:
    analytes = settings.elispot.analytes
    parts = [part.strip() for part in name.split(JOINT)]
    if name not in analytes and len(parts) > 1 and all(part in analytes for part in parts):
        return JOINT.join(analytes[part] for part in parts)
    return analytes.get(name, name)
