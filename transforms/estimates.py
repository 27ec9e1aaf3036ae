"""Versions of what is estimated from the study's own data: a new one is a step somebody asks for."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from expectations.contract import Table


@dataclass(frozen=True, slots=True)
class Estimate:
    """One kind of estimate: its table, the columns naming a quantity, and its value, null where data were too few."""

    table: Table
    quantity: tuple[str, ...]
    value: str

    def versioned(self, existing: pl.DataFrame, fresh: pl.DataFrame, *, re_estimate: bool, run_id: str) -> pl.DataFrame:
        """The rows to add to the table: a first version of what was never estimated, else the next one where asked for.

        The first version is 1, or 0 where data were too few for a value. A quantity with a version, be it 0, gets
        another only with `re_estimate`, and only where its input differs from that of the latest, or the latest has no
        value: so new data never change an old verdict by themselves, nor do those that make the data enough.
        """
        latest = (
            existing.sort("version")
            .group_by(self.quantity)
            .agg(
                held_version=pl.col("version").last(),
                held_sha256=pl.col("input_sha256").last(),
                held_nothing=pl.col(self.value).last().is_null(),
            )
        )
        is_first, has_value = pl.col("held_version").is_null(), pl.col(self.value).is_not_null()
        is_other = (pl.col("input_sha256") != pl.col("held_sha256")) | pl.col("held_nothing")
        first_version = pl.when(has_value).then(1).otherwise(0)
        next_version = pl.when(is_first).then(first_version).otherwise(pl.col("held_version") + 1)
        added = (
            fresh.join(latest, on=self.quantity, how="left", validate="1:1")
            .filter(is_first | (pl.lit(re_estimate) & is_other & has_value))
            .with_columns(version=next_version, run_id=pl.lit(run_id))
        )
        return self.table.conform(added).sort(self.table.key)
