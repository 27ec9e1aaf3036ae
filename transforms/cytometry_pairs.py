"""Counts of stimulated tubes beside those of their unstimulated ones: what every rule of cytometry starts from."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Final

import polars as pl

from expectations.study import StudySettings
from expectations.study_cytometry import Cytometry
from transforms.population_vocabulary import Vocabulary

Tables = Mapping[str, pl.DataFrame]

PAIR: Final = ("specimen_id", "batch", "antigen", "population", "subset")
"""One antigen in one specimen and batch, population and subset of it."""

SERIES: Final = ("specimen_id", "antigen", "population", "subset")
"""The same in whichever batch."""

_CONTROL: Final = ("specimen_id", "batch", "control", "population", "subset")
_SAMPLE: Final = ("specimen_id", "batch", "population", "subset")
_UNUSABLE: Final = ("counts_conflict", "percent_only", "count_missing")
"""Why a tube has no count to use; of several tubes without one the first here is told."""


def subsets_of_readouts(settings: Cytometry) -> dict[str, str]:
    """Every called readout with its subset in the spelling of TUBE_POPULATIONS (`IFNg` is the subset `IFNg+`)."""
    vocabulary = Vocabulary(settings)
    terms = {readout: vocabulary.term(readout) for readout in settings.called_readouts}
    return {readout: vocabulary.text(frozenset({term})) for readout, term in terms.items() if term is not None}


def boolean_subsets_of(settings: Cytometry) -> dict[str, int]:
    """Every non-null boolean subset of the functions, in that spelling, with how many of them are positive in it."""
    vocabulary, functions = Vocabulary(settings), settings.functions
    signs = [signs for signs in product((True, False), repeat=len(functions)) if any(signs)]
    return {vocabulary.text(frozenset({frozenset(zip(functions, own, strict=True))})): sum(own) for own in signs}


def stimulated_pairs(t: Tables, settings: StudySettings) -> pl.DataFrame:
    """Every antigen of every specimen and batch, by population and subset, beside its negative control.

    Subsets are those of the called readouts and the boolean ones. A row is there for every antigen that was stained
    wherever any tube of its specimen and batch has the subset, so that a count nobody exported is seen to be missing.
    Counts of replicate tubes are summed; tubes without a usable count are left out, unless there is no other.

    Args:
        t: tube_populations, matched_samples, visited_specimens, cytometry_samples, files, acquisition_quality,
            gate_agreement. Tubes of specimens that are not visited are left out.
        settings: readouts and functions.

    Returns:
        The columns of VISITED_SPECIMENS; the rest of PAIR, `control`, `has_control` (a tube of it was stained); for the
        prefixes `stimulated` and `unstimulated` `*_tubes` with a usable count, `*_count`, `*_parent_count` and
        `*_lymphocyte_count` (events, summed; null without a tube), `*_percent` (of the population; as files give it
        where there are no counts), `*_missing` (why there is no count) and `*_disagrees`, `*_fails` (a tube with a gate
        that disagrees, or an acquisition that failed); `positive_percent` of the positive controls of the batch, and
        `positive_net`, above the control of controls.negative, or the antigen's own where that was not run;
        `is_usable`, counts on both sides; `is_reported` (see `with_reported`), where a batch with usable counts, and
        then enough events of the population for `fisher` in both, is preferred.
    """
    subsets = {*subsets_of_readouts(settings.cytometry).values(), *boolean_subsets_of(settings.cytometry)}
    tubes = judged_tubes(t).filter(pl.col("subset").is_in(list(subsets)))
    stimulated = summed(tubes.filter(pl.col("tube_role") == "antigen"), PAIR, "stimulated")
    unstimulated = summed(tubes.filter(pl.col("tube_role") == "negative_control"), _CONTROL, "unstimulated")
    positive = _positive(tubes, unstimulated, settings.controls.negative[0])
    min_parent = settings.cytometry.rules.fisher.min_parent
    is_enough = pl.min_horizontal("stimulated_parent_count", "unstimulated_parent_count") >= min_parent
    pairs = (
        _asked(t["matched_samples"], tubes)
        .join(stimulated, on=PAIR, how="left", validate="1:1")
        .join(unstimulated, on=_CONTROL, how="left", validate="m:1")
        .join(positive, on=_SAMPLE, how="left", validate="m:1")
        .drop("unstimulated_acquired", "unstimulated_arrived")
        .with_columns(_filled("stimulated") + _filled("unstimulated"))
        .with_columns(is_usable=(pl.col("stimulated_tubes") > 0) & (pl.col("unstimulated_tubes") > 0))
        .with_columns(positive_net=pl.col("positive_percent") - pl.coalesce("usual_percent", "unstimulated_percent"))
        .drop("usual_percent")
    )
    reported = with_reported(pairs, SERIES, is_enough)
    visited = reported.join(t["visited_specimens"], on="specimen_id", how="inner", validate="m:1")
    return visited.sort(PAIR)


def judged_tubes(t: Tables) -> pl.DataFrame:
    """TUBE_POPULATIONS with what is known of each tube.

    Adds `disagrees` (the stored count used, of the subset or its population, is not the re-gated one; of a sum any
    subset's), `fails` (an acquisition measure beyond its limit), `acquired` and `arrived`, the day of acquisition and
    the arrival of the first file that tells of it.
    """
    gate = ["file_sha256", "sample_number", "population_path"]
    population = ("tube_id", "population")
    disputed = t["gate_agreement"].filter(~pl.col("agrees")).select(gate).unique()
    failing = t["acquisition_quality"].filter(~pl.col("passes"))["tube_id"].drop_nulls().unique()
    is_disputed = pl.col("is_disputed").is_not_null()
    of_population = (is_disputed & (pl.col("subset") == "")).any().over(population)
    return (
        t["tube_populations"]
        .join(disputed.with_columns(is_disputed=True), on=gate, how="left", validate="m:1")
        .join(_samples(t), on="tube_id", how="left", validate="m:1")
        .with_columns(
            disagrees=is_disputed | of_population | (pl.col("is_sum") & is_disputed.any().over(population)),
            fails=pl.col("tube_id").is_in(failing.to_list()),
        )
    )


def summed(tubes: pl.DataFrame, keys: tuple[str, ...], prefix: str) -> pl.DataFrame:
    """Judged tubes of the same keys together: see `stimulated_pairs` for the columns of a prefix."""
    is_usable = pl.col("reason").is_null()
    missing = [pl.when((pl.col("reason") == reason).any()).then(pl.lit(reason)) for reason in _UNUSABLE]
    lymphocytes = pl.col("lymphocyte_count").filter(is_usable)
    # Sorted within the group: sums of floats depend on their order in the last digit, and rows come in any order.
    given = pl.col("percent").filter(pl.col("reason") == "percent_only").sort().mean()
    totals = {
        "tubes": is_usable.sum().cast(pl.Int32),
        "count": pl.col("count").filter(is_usable).sum(),
        "parent_count": pl.col("parent_count").filter(is_usable).sum(),
        "lymphocyte_count": pl.when(lymphocytes.is_not_null().all()).then(lymphocytes.sum()),
        "given": given,
        "missing": pl.when(~is_usable.any()).then(pl.coalesce(missing)),
        "disagrees": pl.col("disagrees").filter(is_usable).any(),
        "fails": pl.col("fails").filter(is_usable).any(),
        "acquired": pl.col("acquired").max(),
        "arrived": pl.col("arrived").min(),
    }
    events = [f"{prefix}_{name}" for name in ("count", "parent_count", "lymphocyte_count")]
    count, parent, n_tubes = pl.col(events[0]), pl.col(events[1]), pl.col(f"{prefix}_tubes")
    percent = pl.when(n_tubes == 0).then(f"{prefix}_given").when(parent > 0).then(100 * count / parent)
    return (
        tubes.group_by(keys)
        .agg(expression.alias(f"{prefix}_{name}") for name, expression in totals.items())
        .with_columns(pl.when(n_tubes > 0).then(name).alias(name) for name in events)
        .with_columns(percent.alias(f"{prefix}_percent"))
        .drop(f"{prefix}_given")
    )


def with_reported(pairs: pl.DataFrame, series: tuple[str, ...], is_enough: pl.Expr) -> pl.DataFrame:
    """Adds `is_reported`, true for one batch of each series.

    Batches with usable counts and enough events go first, then those with usable counts. Of these the one acquired
    last; where one of them has no day of acquisition, or days are equal, the one that was first heard of last; then the
    last by name. A batch that is exported again is heard of no later than it was.

    Args:
        pairs: `is_usable` (counts are there), `stimulated_acquired` and `stimulated_arrived`, which are dropped.
        series: what batches are batches of.
        is_enough: whether a batch with usable counts has enough of them to be evaluable.
    """
    worth = pl.col("is_usable").cast(pl.Int8) + (pl.col("is_usable") & is_enough).fill_null(value=False).cast(pl.Int8)
    is_dated, is_best = pl.col("stimulated_acquired").is_not_null(), pl.col("worth") == pl.col("worth").max()
    ordered = (
        pairs.with_columns(worth=worth)
        .with_columns(dated=pl.when((is_dated | ~is_best).all().over(series)).then("stimulated_acquired"))
        .sort("worth", "dated", "stimulated_arrived", "batch", nulls_last=False)
    )
    last = pl.col("batch").last().over(series)
    return ordered.with_columns(is_reported=pl.col("batch") == last).drop(
        "worth", "dated", "stimulated_acquired", "stimulated_arrived"
    )


def _positive(tubes: pl.DataFrame, unstimulated: pl.DataFrame, usual: str) -> pl.DataFrame:
    """_SAMPLE, positive_percent, all stimuli of positive controls together, and usual_percent, of the usual control."""
    positive = summed(tubes.filter(pl.col("tube_role") == "positive_control"), _SAMPLE, "positive")
    negative = unstimulated.filter(control=usual).select(*_SAMPLE, usual_percent="unstimulated_percent")
    found = positive.select(*_SAMPLE, "positive_percent")
    return found.join(negative, on=_SAMPLE, how="left", validate="1:1")


def _asked(matched: pl.DataFrame, tubes: pl.DataFrame) -> pl.DataFrame:
    """PAIR, control and has_control of everything that was stained and has a count or should have one."""
    sample = ("specimen_id", "batch")
    known = matched.filter(pl.col("reason").is_null() & pl.col("specimen_id").is_not_null())
    of_control = known.filter(pl.col("tube_role") == "negative_control").select(*sample, "control").unique()
    of_antigen = known.filter((pl.col("tube_role") == "antigen") & pl.col("antigen").is_not_null())
    seen = tubes.filter(pl.col("tube_role").is_in(["antigen", "negative_control"]))
    return (
        of_antigen.group_by(*sample, "antigen")
        .agg(pl.col("control").min())
        .join(of_control.with_columns(has_control=True), on=[*sample, "control"], how="left", validate="m:1")
        .with_columns(pl.col("has_control").fill_null(value=False))
        .join(seen.select(*sample, "population", "subset").unique(), on=sample, how="inner", validate="m:m")
    )


def _filled(prefix: str) -> list[pl.Expr]:
    """What is said of tubes that have no row at all."""
    n_tubes = pl.col(f"{prefix}_tubes").fill_null(0)
    missing = pl.when(n_tubes == 0).then(pl.col(f"{prefix}_missing").fill_null("count_missing"))
    flags = [pl.col(f"{prefix}_{name}").fill_null(value=False) for name in ("disagrees", "fails")]
    return [n_tubes, missing.alias(f"{prefix}_missing"), *flags]


def _samples(t: Tables) -> pl.DataFrame:
    """tube_id, acquired, arrived."""
    sample = ["file_sha256", "sample_number"]
    arrivals = t["files"].group_by("file_sha256").agg(arrived=pl.col("arrival").min())
    return (
        t["matched_samples"]
        .filter(pl.col("reason").is_null() & pl.col("tube_id").is_not_null())
        .join(t["cytometry_samples"].select(*sample, "acquisition_date"), on=sample, how="left", validate="1:1")
        .join(arrivals, on="file_sha256", how="left", validate="m:1")
        .group_by("tube_id")
        .agg(acquired=pl.col("acquisition_date").max(), arrived=pl.col("arrived").min())
    )
