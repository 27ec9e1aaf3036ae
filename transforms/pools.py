"""Peptide pools of a matrix design: which peptides the positive pools of a specimen point at."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.computed import POOL_CANDIDATES
from expectations.study import StudySettings

_SPECIMEN: Final = ("specimen_id", "assay", "population", "readout", "rule")
_ABOUT: Final = ("subject_id", "study_day", "visit", "is_primary_rule")
_ORDER: Final = ("positive", "negative", "indeterminate", "not_evaluable", "not_tested")
"""Calls of pools in the order in which the evidence names them."""


def pool_candidates(responses: pl.DataFrame, peptide_pools: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """POOL_CANDIDATES: what each reported specimen says of the peptides whose pools were tested in it.

    A peptide is a candidate where every pool of it was called positive and the design puts it in two or more; excluded
    where a pool of it was called negative; open otherwise: a pool was not tested or could not be called, or there is
    only one. A peptide none of whose pools was tested in a specimen has no row there. This finds candidates; it calls
    nothing. The intersection of positive pools is the reading of a matrix in Tobery et al., J Immunol Methods
    2001;254:59, and Roederer and Koup, J Immunol Methods 2003;276:95.

    Args:
        responses: RESPONSES; only reported ones are used, net values in the unit of the assay.
        peptide_pools: PEPTIDE_POOLS, pools under any spelling of the study file.
        settings: for the antigens' spellings.
    """
    design = _design(peptide_pools, settings)
    evidence = _evidence(responses, design)
    peptides = evidence.group_by(*_SPECIMEN, "peptide").agg(
        pl.col(*_ABOUT).drop_nulls().first(),
        n_pools=pl.len(),
        n_pools_positive=_is_called("positive").sum(),
        n_pools_negative=_is_called("negative").sum(),
        pools=pl.col("told").sort_by(pl.col("call").replace_strict(_RANKS), "pool").str.join("; "),
        lowest_net_value=pl.col("net_value").filter(_is_called("positive")).min(),
    )
    judged = peptides.with_columns(status=_status())
    keys = [*_SPECIMEN, "peptide"]
    judged = judged.join(_rivals(evidence, judged), on=keys, how="left", validate="1:1")
    return POOL_CANDIDATES.conform(judged).sort(POOL_CANDIDATES.key)


_RANKS: Final = {call: rank for rank, call in enumerate(_ORDER)}


def _design(peptide_pools: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Pool and peptide, once each; a pool that study.toml no longer names keeps its own."""
    name = pl.col("pool").replace_strict(settings.antigen_names, default=pl.col("pool"), return_dtype=pl.String)
    return peptide_pools.select(name, "peptide").unique()


def _evidence(responses: pl.DataFrame, design: pl.DataFrame) -> pl.DataFrame:
    """One row a specimen, assay, population, readout, rule, peptide and pool of the peptide, tested or not."""
    tested = (
        responses.filter("is_reported")
        .rename({"antigen": "pool"})
        .select(*_SPECIMEN, *_ABOUT, "pool", "call", "net_value", "net_lower", "net_upper")
        .join(design.select("pool").unique(), on="pool", how="semi")
    )
    peptides = tested.join(design, on="pool", how="inner").select(*_SPECIMEN, "peptide").unique()
    return (
        peptides.join(design, on="peptide", how="inner")
        .join(tested, on=[*_SPECIMEN, "pool"], how="left", validate="m:1")
        .with_columns(call=pl.col("call").fill_null("not_tested"))
        .with_columns(told=_told())
    )


def _told() -> pl.Expr:
    """A pool with its call and net value: `P3 positive (212.5)`; `≥` and `≤` where the value is a bound."""
    bound = (
        pl.when(pl.col("net_upper").is_null() & pl.col("net_lower").is_not_null())
        .then(pl.lit("≥"))
        .when(pl.col("net_lower").is_null() & pl.col("net_upper").is_not_null())
        .then(pl.lit("≤"))
        .otherwise(pl.lit(""))
    )
    is_open = pl.col("net_lower").is_null() & pl.col("net_upper").is_null() & (pl.col("call") == "not_evaluable")
    # Spots per 10^6 cells, or percent, where a response may be a few hundredths.
    value = (
        pl.when(pl.col("assay") == "elispot").then(pl.col("net_value").round(1)).otherwise(pl.col("net_value").round(4))
    )
    net = pl.when(~is_open).then(pl.format(" ({}{})", bound, value)).fill_null("")
    return pl.format("{} {}{}", "pool", pl.col("call").str.replace_all("_", " "), net)


def _is_called(call: str) -> pl.Expr:
    return pl.col("call") == call


def _status() -> pl.Expr:
    is_in_positive_pools_only = pl.col("n_pools_positive") == pl.col("n_pools")
    return (
        pl.when(pl.col("n_pools_negative") > 0)
        .then(pl.lit("excluded"))
        .when(is_in_positive_pools_only & (pl.col("n_pools") > 1))
        .then(pl.lit("candidate"))
        .otherwise(pl.lit("open"))
    )


def _rivals(evidence: pl.DataFrame, judged: pl.DataFrame) -> pl.DataFrame:
    """n_rivals of every peptide that is not excluded and has a positive pool.

    An open peptide is a rival too: while it is, no pool points at another alone.
    """
    keys = [*_SPECIMEN, "peptide"]
    standing = judged.filter(pl.col("status") != "excluded").select(keys)
    return (
        evidence.filter(_is_called("positive"))
        .join(standing, on=keys, how="semi")
        .with_columns(n_others=pl.len().over(*_SPECIMEN, "pool") - 1)
        .group_by(keys)
        .agg(n_rivals=pl.col("n_others").min())
    )
