"""Columns that name things, shared by the tables files fill."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.contract import Column

FILE: Final = Column("file_sha256", pl.String, "SHA-256 of the bytes of the file the row came from.", required=True)
PLACE: Final = Column("place", pl.String, "Where in that file: a line, a sheet and cell, or a well.", required=True)
SOURCE: Final = (FILE, PLACE)

SUBJECT: Final = Column("subject_id", pl.String, "Subject, as the trial names it.", required=True)
SPECIMEN: Final = Column(
    "specimen_id", pl.String, "One specimen: one tube of blood, one infusion product.", required=True
)
PLATE: Final = Column(
    "plate_id", pl.String, "Plate name as the instrument wrote it, without a trailing `.plt`.", required=True
)
WELL: Final = Column("well", pl.String, "Well, row letter and column number (A1).", required=True, pattern="[A-P][1-9]|[A-P]1[0-9]|[A-P]2[0-4]")  # fmt: skip
ANALYTE: Final = Column("analyte", pl.String, "What was stained for (IFNg).", required=True)
