"""How a finding about samples and tubes of flow cytometry is put."""

from __future__ import annotations

from typing import Final

import polars as pl

from transforms.cytometry_populations import WHAT

N_NAMED: Final = 5
"""Populations named in one finding; the tables hold them all."""


def told(found: pl.DataFrame, reason: str | pl.Expr, place: pl.Expr, detail: pl.Expr) -> pl.DataFrame:
    """TUBE_FINDINGS of a frame with file_sha256; tube and specimen where it has them."""
    named = (
        pl.col(name) if name in found.columns else pl.lit(None, dtype=pl.String).alias(name)
        for name in ("tube_id", "specimen_id")
    )
    code = pl.lit(reason) if isinstance(reason, str) else reason
    return found.select(code.alias("reason"), "file_sha256", place.alias("place"), *named, detail.alias("detail"))


def sample() -> pl.Expr:
    """A sample by its number and name."""
    return pl.format("sample {} ({})", "sample_number", "sample_name")


def population() -> pl.Expr:
    """A population and, where there is one, the subset."""
    return pl.format("{} {}", *WHAT).str.strip_chars_end()


def listed(named: str) -> pl.Expr:
    """Of a group: how many populations differ, and the first few of them."""
    names = pl.col(named).unique().sort()
    number = pl.when(names.len() == 1).then(pl.lit("1 population")).otherwise(pl.format("{} populations", names.len()))
    more = pl.when(names.len() > N_NAMED).then(pl.lit(", ...")).otherwise(pl.lit(""))
    return pl.concat_str(number, pl.lit(": "), names.head(N_NAMED).str.join(", "), more)


def saved_by(software: str, saved_at: str) -> pl.Expr:
    """What wrote a file, and when its analysis was saved."""
    when = pl.coalesce(pl.format(", saved {}", pl.col(saved_at).dt.strftime("%Y-%m-%d %H:%M")), pl.lit(""))
    return pl.concat_str(pl.col(software).fill_null("unknown software"), when)
