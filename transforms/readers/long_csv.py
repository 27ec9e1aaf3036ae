"""The documented long CSV: one row a well, for every ELISpot reader perdure has no reader for.

Columns `plate, well, spots` and, where they help, `analyte, status, read_date, instrument, comment`. An empty count
without a status is not counted; a filled one is counted; `TNTC` in place of a count is a status.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from expectations.ingested import ELISPOT_COUNTS, PLATES
from expectations.rules import UNREADABLE
from expectations.study import StudySettings
from transforms.readers.aid_text import plate_id_of
from transforms.readers.sheets import Sheet
from transforms.readers.source import BadCell, Reading, SourceFile
from transforms.readers.tabular import column_name, incoming, is_counts, unused_columns, well_name

FORMAT: Final = "long_csv"
_TNTC: Final = "TNTC"
_PLATE_COLUMNS: Final = ("read_date", "instrument", "software_version", "counting_parameters", "comment")


def recognises(sheets: list[Sheet]) -> bool:
    """True for a single sheet with the columns plate, well and spots."""
    return len(sheets) == 1 and is_counts(sheets[0].header)


def read(source: SourceFile, sheets: list[Sheet], settings: StudySettings) -> Reading:
    """Rows of `elispot_counts`, and of `plates` one a plate and analyte.

    Raises SourceFileError: table.empty, table.repeated_column, long_csv.plate where a plate has two read dates or one
    that cannot be read, or a well two rows.
    """
    sheet = _with_statuses(sheets[0])
    if not sheet.rows:
        raise source.refuse("table.empty", problem="there is a header and no well below it", remedy="export it again")
    counts, bad = incoming(source, sheet, ELISPOT_COUNTS, settings)
    facts, plate_bad = incoming(source, sheet, PLATES, settings)
    counts = _filled_in(counts, settings)
    facts = _named(facts, settings).select("plate_id", "analyte", *_PLATE_COLUMNS)
    _refuse_bad_dates(source, facts, plate_bad)
    _refuse_repeated_wells(source, counts)
    unused = unused_columns(sheet, ELISPOT_COUNTS, also=_PLATE_COLUMNS)
    tables = {"plates": _plates(counts, facts, source), "elispot_counts": counts}
    return Reading(FORMAT, tables, bad, {"elispot_counts": unused} if unused else {})


def _with_statuses(sheet: Sheet) -> Sheet:
    """The sheet with every TNTC among the counts moved to the column status, which it may have to get first."""
    if "status" not in map(column_name, sheet.header):
        sheet = replace(sheet, header=["status", *sheet.header], rows=[["", *row] for row in sheet.rows])
    names = [column_name(cell) for cell in sheet.header]
    spots, status = names.index("spots"), names.index("status")
    rows = []
    for row in sheet.rows:
        moved = row + [""] * (len(names) - len(row))
        if moved[spots].upper() == _TNTC and moved[status].upper() in ("", _TNTC):
            moved[spots], moved[status] = "", _TNTC
        rows.append(moved)
    return replace(sheet, rows=rows)


def _named(frame: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    return frame.with_columns(
        pl.col("plate_id").map_elements(plate_id_of, return_dtype=pl.String),
        pl.col("analyte").fill_null(settings.elispot.analyte),
    )


def _filled_in(counts: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Counts with their analyte and, where the file gives none, their status."""
    is_open = pl.col(UNREADABLE).fill_null("").str.split(",").list.contains("spots")
    told = pl.when(pl.col("spots").is_null() & ~is_open).then(pl.lit("not_counted")).otherwise(pl.lit("counted"))
    return _named(counts, settings).with_columns(pl.col("status").str.to_lowercase().fill_null(told), well_name("well"))


def _refuse_bad_dates(source: SourceFile, facts: pl.DataFrame, bad: list[BadCell]) -> None:
    """Which of two exports of a plate is the newer hangs on its read date: none is taken in with half of it."""
    remedy = "give every plate one read date, as YYYY-MM-DD"
    for cell in bad:
        if cell.column == "read_date" and cell.rule in ("row.unreadable", "row.ambiguous_date"):
            told = "can be read two ways" if cell.rule == "row.ambiguous_date" else "is no date"
            problem = f"the read date {cell.value!r} {told}"
            raise source.refuse("long_csv.plate", place=cell.place, problem=problem, remedy=remedy)
    dates = facts.drop_nulls("read_date").group_by("plate_id").agg(pl.col("read_date").unique().sort()).sort("plate_id")
    for plate, days in dates.filter(pl.col("read_date").list.len() > 1).iter_rows():
        problem = f"the plate has {len(days)} read dates ({', '.join(map(str, days))})"
        raise source.refuse("long_csv.plate", place=f"plate {plate}", problem=problem, remedy=remedy)


def _refuse_repeated_wells(source: SourceFile, counts: pl.DataFrame) -> None:
    key = ["plate_id", "well", "analyte"]
    wells = counts.drop_nulls(["plate_id", "well"]).group_by(key).agg(pl.col("place"), n=pl.len())
    for plate, well, analyte, places, n in wells.filter(pl.col("n") > 1).sort(key).iter_rows():
        raise source.refuse(
            "long_csv.plate",
            place=", ".join(places[:3]),
            problem=f"well {well} of plate {plate} has {n} rows for {analyte}",
            remedy="give every well and analyte one row, and every reading of a plate a plate name of its own",
        )


def _plates(counts: pl.DataFrame, facts: pl.DataFrame, source: SourceFile) -> pl.DataFrame:
    wells = counts.drop_nulls("plate_id").group_by("plate_id", "analyte").agg(n_wells=pl.len(), place=pl.first("place"))
    told = facts.group_by("plate_id", "analyte").agg(pl.col(name).drop_nulls().first() for name in _PLATE_COLUMNS)
    joined = wells.join(told, on=["plate_id", "analyte"], how="left", validate="1:1")
    plates = joined.with_columns(
        pl.col("instrument").fill_null("long CSV"),
        pl.lit(None, dtype=pl.Int32).alias("n_wells_declared"),
        pl.lit(source.sha256).alias("file_sha256"),
    )
    return PLATES.conform(plates).sort(PLATES.key).with_columns(pl.lit(None, dtype=pl.String).alias(UNREADABLE))
