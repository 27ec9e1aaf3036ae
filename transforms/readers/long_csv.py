"""The documented long CSV: one row a well, for every ELISpot reader perdure has no reader for.

Columns `plate, well, spots` and, where they help, `analyte, status, read_date, instrument, comment`. An empty count
without a status is not counted; a filled one is counted.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.contract import UNREADABLE
from expectations.ingested import ELISPOT_COUNTS, PLATES
from expectations.study import StudySettings
from transforms.readers.aid_text import plate_id_of
from transforms.readers.sheets import Sheet
from transforms.readers.source import Reading, SourceFile
from transforms.readers.tabular import column_name, incoming, unused_columns

FORMAT: Final = "long_csv"
_NEEDED: Final = {"plate_id", "well", "spots"}
_PLATE_COLUMNS: Final = ("read_date", "instrument", "comment")


def recognises(sheets: list[Sheet]) -> bool:
    """True for a single sheet with the columns plate, well and spots."""
    return len(sheets) == 1 and {column_name(cell) for cell in sheets[0].header} >= _NEEDED


def read(source: SourceFile, sheets: list[Sheet], settings: StudySettings) -> Reading:
    """Rows of `elispot_counts`, and of `plates` one a plate and analyte.

    Raises SourceFileError: table.empty, table.repeated_column, long_csv.plate where one plate has two read dates.
    """
    sheet = sheets[0]
    if not sheet.rows:
        raise source.refuse("table.empty", problem="there is a header and no well below it", remedy="export it again")
    counts, bad = incoming(source, sheet, ELISPOT_COUNTS, settings)
    plate_rows, plate_bad = incoming(source, sheet, PLATES, settings)
    counts = _filled_in(counts, settings)
    facts = _filled_in(plate_rows, settings).select("plate_id", "analyte", *_PLATE_COLUMNS)
    _one_date_a_plate(source, facts)
    plates = _plates(counts, facts, source)
    bad += [cell for cell in plate_bad if cell.column in _PLATE_COLUMNS]
    unused = unused_columns(sheet, ELISPOT_COUNTS, also=_PLATE_COLUMNS)
    return Reading(
        FORMAT, {"plates": plates, "elispot_counts": counts}, bad, {"elispot_counts": unused} if unused else {}
    )


def _filled_in(frame: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    frame = frame.with_columns(
        pl.col("plate_id").map_elements(plate_id_of, return_dtype=pl.String),
        pl.col("analyte").fill_null(settings.elispot.analyte),
    )
    if "status" not in frame.columns:
        return frame
    is_bad = pl.col(UNREADABLE).is_not_null()
    told = pl.when(pl.col("spots").is_null() & ~is_bad).then(pl.lit("not_counted")).otherwise(pl.lit("counted"))
    return frame.with_columns(
        pl.col("status").str.to_lowercase().fill_null(told),
        pl.col("well").str.to_uppercase().str.replace(r"^([A-Z])0+(\d)", "$1$2"),
    )


def _one_date_a_plate(source: SourceFile, facts: pl.DataFrame) -> None:
    dates = facts.drop_nulls("read_date").group_by("plate_id").agg(pl.col("read_date").n_unique()).sort("plate_id")
    twice = dates.filter(pl.col("read_date") > 1)
    if not twice.is_empty():
        raise source.refuse(
            "long_csv.plate",
            place=f"plate {twice.item(0, 'plate_id')}",
            problem=f"the plate has {twice.item(0, 'read_date')} read dates",
            remedy="give every plate one read date, or every reading a plate name of its own",
        )


def _plates(counts: pl.DataFrame, facts: pl.DataFrame, source: SourceFile) -> pl.DataFrame:
    wells = counts.group_by("plate_id", "analyte").agg(
        pl.len().cast(pl.Int32).alias("n_wells"), pl.col("place").first()
    )
    told = facts.group_by("plate_id", "analyte").agg(pl.col(name).drop_nulls().first() for name in _PLATE_COLUMNS)
    joined = wells.join(told, on=["plate_id", "analyte"], how="left", validate="1:1", nulls_equal=True)
    return joined.sort("plate_id", "analyte").select(
        "plate_id",
        "analyte",
        pl.col("instrument").fill_null("long CSV"),
        "read_date",
        "n_wells",
        pl.lit(None, dtype=pl.Int32).alias("n_wells_declared"),
        "comment",
        pl.lit(source.sha256).alias("file_sha256"),
        "place",
        pl.lit(None, dtype=pl.String).alias(UNREADABLE),
    )
