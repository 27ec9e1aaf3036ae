"""Whether the mixtures of MIMOSA still rest on enough of the specimens there are now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from expectations.study import StudySettings
from transforms.cytometry_pairs import subsets_of_readouts
from transforms.mimosa_fits import ALL_VISITS, FIT, may_enter

Tables = Mapping[str, pl.DataFrame]

_WORDS: Final = (*FIT, "version", "n_specimens", "n_now")


def stale_fits(t: Tables, settings: StudySettings, least_share: float) -> tuple[int, tuple[str, ...]]:
    """How many mixtures of called readouts are in force, and which rest on less than this share of what could enter.

    Where there were too few specimens for a mixture, and now there are, re-estimation is due as well.

    Args:
        t: mimosa_fits and responses.
        settings: readouts, and whether visits are pooled.
        least_share: of the specimens, or subjects where each enters once, that could enter now.
    """
    latest = t["mimosa_fits"].sort("version").group_by(FIT).last()
    compared = latest.join(_could_enter(t["responses"], settings), on=FIT, how="inner", validate="1:1").sort(FIT)
    stale = compared.filter(pl.col("n_specimens") < least_share * pl.col("n_now"))
    told = stale.select(pl.format("{} {} {} at {}, version {} ({} of {} specimens)", *_WORDS))
    return compared.height, tuple(told.to_series())


def _could_enter(responses: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """FIT and n_now, how many specimens would enter."""
    subsets = subsets_of_readouts(settings.cytometry)
    readouts = pl.DataFrame(
        {"readout": subsets.keys(), "subset": subsets.values()}, schema=dict.fromkeys(("readout", "subset"), pl.String)
    )
    of_readouts = responses.filter(rule="mimosa").join(readouts, on="readout", how="inner", validate="m:1")
    n_subjects = pl.col("subject_id").n_unique()
    n_now = pl.when(pl.col("visit").first() == ALL_VISITS).then(pl.len()).otherwise(n_subjects)
    return may_enter(of_readouts, settings).group_by(FIT).agg(n_now=n_now)
