"""Counts of cells that bind multimers, and what a subject's typing makes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from expectations.study import StudySettings
from expectations.study_cytometry import MULTIMER, Multimer
from transforms import hla
from transforms.cytometry_pairs import PAIR, judged_tubes, summed, with_reported

Tables = Mapping[str, pl.DataFrame]

_SAMPLE: Final = ("specimen_id", "batch", "antigen", "population")
_SERIES: Final = ("specimen_id", "antigen", "population")
_STATES: Final = ("matched", "hla_unknown", "hla_mismatch")
"""Of several multimers of one antigen those count that fit the subject best, in this order."""


def multimer_counts(t: Tables, settings: StudySettings) -> pl.DataFrame:
    """Every antigen of every specimen and batch stained with multimers, by population.

    Each multimer is counted by itself, in the tubes that have its gate: the alleles of one antigen show its peptides to
    different T cells. Those of alleles the subject lacks, or may lack, are left out where another multimer of the
    antigen in the batch is matched. Those that remain are added: events, and percentages each of its own tubes; the
    events of the population are those of the multimer with fewest. One of them without a usable count leaves none.

    Args:
        t: as of `cytometry_pairs.stimulated_pairs`, and hla_typing.
        settings: multimers and, for which batch is reported, their rule.

    Returns:
        The columns of VISITED_SPECIMENS and of `stimulated_pairs`, without those of controls, and `hla`: what the
        subject's typing says of the multimers counted. A batch gives way to one that is matched and has enough events
        of the population.
    """
    multimers = settings.cytometry.multimers
    tubes = _stained(t, multimers)
    visited = t["visited_specimens"]
    each = (
        summed(tubes, PAIR, "stimulated")
        .join(visited.select("specimen_id", "subject_id"), on="specimen_id", how="inner", validate="m:1")
        .join(_typing(t["hla_typing"], visited, multimers), on=["subject_id", "subset"], how="left", validate="m:1")
    )
    state = pl.col("hla").replace_strict({name: place for place, name in enumerate(_STATES)}, return_dtype=pl.Int8)
    fitting = each.filter(state == state.min().over(_SAMPLE))
    added = _added(fitting, tubes)
    is_enough = pl.col("stimulated_parent_count") >= settings.cytometry.rules.multimer_events.min_parent
    reported = with_reported(added, _SERIES, is_enough & (pl.col("hla") == "matched"))
    return reported.join(visited, on="specimen_id", how="inner", validate="m:1").sort(_SAMPLE)


def _stained(t: Tables, multimers: tuple[Multimer, ...]) -> pl.DataFrame:
    """Judged tubes stained with multimers, one row a multimer they have, with its antigen."""
    rows = {(one.population, one.subset, one.antigen) for one in multimers}
    schema = dict.fromkeys(("population", "subset", "antigen"), pl.String)
    named = pl.DataFrame(sorted(rows), schema=schema, orient="row")
    tubes = judged_tubes(t).filter(pl.col("tube_role") == "multimer").drop("antigen")
    return tubes.join(named, on=["population", "subset"], how="inner", validate="m:1")


def _typing(hla_typing: pl.DataFrame, visited: pl.DataFrame, multimers: tuple[Multimer, ...]) -> pl.DataFrame:
    """subject_id, subset and hla: what the typing of each subject says of each multimer's allele."""
    copies = hla_typing.with_columns(allele=pl.col("allele").repeat_by(pl.col("copies").fill_null(1)))
    typed = {subject: own["allele"].explode().to_list() for (subject,), own in copies.group_by("subject_id")}
    alleles = {one.subset: one.hla for one in multimers}
    rows = [
        (subject, subset, hla.match(allele, typed.get(subject, [])))
        for subject in visited["subject_id"].unique().sort()
        for subset, allele in alleles.items()
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(("subject_id", "subset", "hla"), pl.String), orient="row")


def _added(fitting: pl.DataFrame, tubes: pl.DataFrame) -> pl.DataFrame:
    """_SAMPLE and the multimers of one antigen together, as the columns `stimulated_*` of one response."""
    is_whole = (pl.col("stimulated_tubes") > 0).all()
    percent, lymphocytes = pl.col("stimulated_percent"), pl.col("stimulated_lymphocyte_count")
    with_count = tubes.filter(pl.col("reason").is_null()).join(fitting, on=PAIR, how="semi")
    n_tubes = with_count.group_by(_SAMPLE).agg(n_tubes=pl.col("tube_id").n_unique())
    totals = fitting.group_by(_SAMPLE).agg(
        pl.col("hla").first(),
        is_usable=is_whole,
        stimulated_count=pl.when(is_whole).then(pl.col("stimulated_count").sum()),
        stimulated_parent_count=pl.when(is_whole).then(pl.col("stimulated_parent_count").min()),
        # Of multimers in tubes with different numbers of lymphocytes no one number gives their share.
        stimulated_lymphocyte_count=pl.when(is_whole & (lymphocytes.n_unique() == 1)).then(lymphocytes.first()),
        # Sorted within the group: sums of floats depend on their order in the last digit, and rows come in any order.
        stimulated_percent=pl.when(percent.is_not_null().all()).then(percent.sort().sum()),
        stimulated_missing=pl.col("stimulated_missing").drop_nulls().sort().first(),
        stimulated_disagrees=pl.col("stimulated_disagrees").any(),
        stimulated_fails=pl.col("stimulated_fails").any(),
        stimulated_acquired=pl.col("stimulated_acquired").max(),
        stimulated_arrived=pl.col("stimulated_arrived").min(),
    )
    used = pl.when("is_usable").then("n_tubes").otherwise(0).cast(pl.Int32)
    return (
        totals.join(n_tubes, on=_SAMPLE, how="left", validate="1:1")
        .with_columns(stimulated_tubes=used, readout=pl.lit(MULTIMER))
        .drop("n_tubes")
    )
