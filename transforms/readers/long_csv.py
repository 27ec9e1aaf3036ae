"""The documented long CSV: one row a well, for every ELISpot reader perdure has no reader for.

Columns `plate, well, spots` and, where they help, `analyte, status, read_date, instrument, comment`. An empty count
without a status is not counted; a filled one is counted; `TNTC` in place of a count is a status, and so is a number
below zero where the study file says what it means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Final

import polars as pl

from expectations import vocabulary as v
from expectations.ingested import ELISPOT_COUNTS, PLATES
from expectations.rules import UNREADABLE
from expectations.study import StudySettings
from transforms.readers.aid_text import plate_id_of
from transforms.readers.counting_parameters import text_as_json
from transforms.readers.sheets import Sheet
from transforms.readers.source import BadCell, Reading, SourceFile
from transforms.readers.tabular import column_name, incoming, is_counts, unused_columns, well_name

FORMAT: Final = "long_csv"
_TNTC: Final = "TNTC"
_OPTIONAL: Final = ("analyte", "status")
"""Columns of a well that may be left out: misspelled, they would be, and the wells be others."""
_ALIKE: Final = 0.75
"""Share of letters in common from which a header is taken for a misspelled one."""
_PLATE_COLUMNS: Final = ("read_date", "instrument", "software_version", "counting_parameters", "comment")


def recognises(sheets: list[Sheet]) -> bool:
    """True for a single sheet with the columns plate, well and spots."""
    return len(sheets) == 1 and is_counts(sheets[0].header)


def read(source: SourceFile, sheets: list[Sheet], settings: StudySettings) -> Reading:
    """Rows of `elispot_counts`, and of `plates` one a plate and analyte.

    Raises SourceFileError: table.empty, table.repeated_column, table.missing_column where one is misspelled,
    long_csv.plate where a plate has two read dates or one that cannot be read, a well two rows, or lines are cut short.
    """
    _refuse_misspelled(source, sheets[0])
    _refuse_cut_short(source, sheets[0])
    sheet = _with_statuses(sheets[0], {**settings.elispot.sentinels, _TNTC: "tntc"})
    if not sheet.rows:
        problem = "there is a header and no well below it"
        raise source.refuse("table.empty", place="below the header", problem=problem, remedy="export it again")
    counts, bad = incoming(source, sheet, ELISPOT_COUNTS, settings)
    facts, plate_bad = incoming(source, sheet, PLATES, settings)
    counts = _filled_in(counts, settings)
    facts = _named(facts, settings).select("plate_id", "analyte", *_PLATE_COLUMNS)
    _refuse_bad_dates(source, facts, plate_bad)
    _refuse_repeated_wells(source, counts)
    unused = unused_columns(sheet, ELISPOT_COUNTS, also=_PLATE_COLUMNS)
    tables = {"plates": _plates(counts, facts, source), "elispot_counts": counts}
    return Reading(FORMAT, tables, bad, {"elispot_counts": unused} if unused else {})


def _refuse_misspelled(source: SourceFile, sheet: Sheet) -> None:
    """Without its columns `analyte` and `status` a well is another one: neither may be there under another name."""
    names = [column_name(cell) for cell in sheet.header]
    others = {n: name for n, name in enumerate(names) if name not in {*ELISPOT_COUNTS.schema, *_PLATE_COLUMNS}}
    told = {n: {row[n].lower() for row in sheet.rows if n < len(row)} - {""} for n in others}
    for missing in (name for name in _OPTIONAL if name not in names):
        like = {name for name in others.values() if missing in name}
        like |= set(get_close_matches(missing, others.values(), cutoff=_ALIKE))
        for n, name in others.items():
            is_status = missing == "status" and not told[n].isdisjoint(v.WELL_STATUS)
            if name in like or is_status or (not name and told[n]):
                column = f"column {n + 1}, {sheet.header[n]!r}," if name else f"column {n + 1}, without a name,"
                raise source.refuse(
                    "table.missing_column",
                    place="header",
                    problem=f"there is no column `{missing}`, but {column} could be that",
                    remedy=f"call it `{missing}` if it is that, and remove it if it is not",
                )


def _refuse_cut_short(source: SourceFile, sheet: Sheet) -> None:
    """Of a line without an end a count may lack digits; of lines all shorter than the header no cell is sure."""
    if sheet.name is not None or not sheet.rows:
        return
    n_columns, is_ended = len(sheet.header), source.data.rstrip(b"\x00").endswith((b"\n", b"\r"))
    is_count_last = column_name(sheet.header[-1]) in ELISPOT_COUNTS.schema
    told = None
    if max(map(len, sheet.rows)) < n_columns:
        told = f"the header has {n_columns} columns and every line fewer, so which cell is which is open"
    elif not is_ended and (len(sheet.rows[-1]) < n_columns or is_count_last):
        told = "the file ends within this line, so its last cell may be cut short"
    if told:
        remedy = "copy or export the file again; if the line is whole, end it with a line break"
        raise source.refuse("long_csv.plate", place=sheet.places[-1], problem=told, remedy=remedy)


def _with_statuses(sheet: Sheet, words: Mapping[str, str]) -> Sheet:
    """The sheet with every word for a well without a count moved to the column status, which it may have to get."""
    if "status" not in map(column_name, sheet.header):
        sheet = replace(sheet, header=["status", *sheet.header], rows=[["", *row] for row in sheet.rows])
    names = [column_name(cell) for cell in sheet.header]
    spots, status = names.index("spots"), names.index("status")
    rows = []
    for row in sheet.rows:
        moved = row + [""] * (len(names) - len(row))
        meant = words.get(moved[spots].upper())
        if meant is not None and moved[status].lower() in ("", meant):
            moved[spots], moved[status] = "", meant
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
        pl.col("counting_parameters").map_elements(text_as_json, return_dtype=pl.String),
        pl.lit(None, dtype=pl.Int32).alias("n_wells_declared"),
        pl.lit(source.sha256).alias("file_sha256"),
    )
    return PLATES.conform(plates).sort(PLATES.key).with_columns(pl.lit(None, dtype=pl.String).alias(UNREADABLE))
