"""What the trial database says of subjects' participation, as contacts with them."""

from __future__ import annotations

import polars as pl

from expectations.clinical_in import FOLLOW_UP


def contacts(follow_up: pl.DataFrame, dispositions: pl.DataFrame) -> pl.DataFrame:
    """Contacts with every subject: FOLLOW_UP, and each day of a disposition as a contact with a living subject.

    A disposition by which the subject left the study is a withdrawal on its day. Dispositions are kept apart from
    contacts because DM and DS tell of one day in different words, and neither corrects the other; a death told for the
    same day goes before, as everywhere.
    """
    day = pl.col("disposition_date")
    told = dispositions.group_by("subject_id", day.alias("contact_date")).agg(
        pl.when(pl.col("is_withdrawal").any()).then(day.first()).alias("withdrawal_date"),
        pl.col("is_date_imputed").any(),
        pl.col("file_sha256").sort().first(),
        pl.col("place").sort_by("file_sha256", "place").first(),
    )
    seen = told.with_columns(
        pl.lit("alive").alias("vital_status"), pl.lit(None, dtype=pl.Date).alias("new_therapy_date")
    )
    return pl.concat([FOLLOW_UP.conform(follow_up), FOLLOW_UP.conform(seen)]).sort(*FOLLOW_UP.key, "vital_status")
