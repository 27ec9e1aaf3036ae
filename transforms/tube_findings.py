"""What does not fit about samples, tubes and populations of flow cytometry, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from expectations.computed_cytometry import TUBE_FINDINGS
from expectations.study import StudySettings
from transforms.cytometry_populations import SAMPLE, WHAT, told_counts
from transforms.gating_pairs import findings as unpaired
from transforms.population_vocabulary import UNMAPPED
from transforms.told_samples import bare
from transforms.tube_conflicts import conflicts
from transforms.tube_words import listed, population, sample, told

Tables = Mapping[str, pl.DataFrame]

_TESTED: Final = ("specimen_id", "tube_role", "antigen")


def tube_findings(tables: Tables, settings: StudySettings) -> pl.DataFrame:
    """Everything about samples of flow cytometry that does not fit.

    Args:
        tables: cytometry_tubes, cytometry_samples, cytometry_counts, matched_samples, population_paths,
            tube_populations, regated_counts, gate_agreement, acquisition_quality and specimens, by contract name, and
            under `paired_samples` what `gating_pairs.pairs` gives.
        settings: stimuli, the vocabulary, cytometry.match and corrections.cytometry.

    Returns:
        TUBE_FINDINGS. Of unmapped paths all events and gates above a mapped path of the same file are not told: they
        lead to a population and are none.
    """
    found = pl.concat(
        [
            _unmatched(tables),
            _unmapped(tables),
            _percent_only(tables),
            _uncounted(tables, "never_computed", "-1 is stored, so never computed, for {}"),
            _uncounted(tables, "stale", "all events are stored as 0, so counts are stale, for {}"),
            _twice(tables),
            _counts_differ(tables, settings),
            _several_batches(tables["matched_samples"]),
            _no_control(tables["matched_samples"]),
            _disagreements(tables["gate_agreement"], tables["matched_samples"]),
            _not_counted_again(tables["gate_agreement"], tables["matched_samples"]),
            _failed_acquisition(tables["acquisition_quality"], tables["matched_samples"]),
            *conflicts(tables, settings),
            unpaired(tables["paired_samples"], tables["cytometry_samples"], tables["matched_samples"]),
        ]
    )
    shared = (
        pl.when(pl.col(name).n_unique() == 1).then(pl.col(name).first()).alias(name)
        for name in ("tube_id", "specimen_id")
    )
    one_each = found.group_by(TUBE_FINDINGS.key).agg(*shared, pl.col("detail").unique().sort().str.join("; "))
    return TUBE_FINDINGS.conform(one_each).sort(TUBE_FINDINGS.key)


def tubes_without_control(matched: pl.DataFrame) -> pl.DataFrame:
    """Stimulated tubes of MATCHED_SAMPLES without a tube of their control, specimen and batch; one row a tube."""
    compared = ("specimen_id", "batch", "control")
    stimulated = matched.filter(tube_role="antigen").sort("tube_id", *SAMPLE).unique("tube_id", keep="first")
    controls = matched.filter(tube_role="negative_control")
    return stimulated.join(controls, on=compared, how="anti").sort("tube_id")


def _unmatched(t: Tables) -> pl.DataFrame:
    lost = t["matched_samples"].filter(pl.col("reason").is_not_null())
    said = t["cytometry_samples"].select(*SAMPLE, "fcs_name", "batches")
    rows = lost.join(said, on=SAMPLE, how="left", validate="1:1").sort(SAMPLE).to_dicts()
    names = _tube_names(t["cytometry_tubes"]) if rows else {}
    details = pl.Series([_why_no_tube(row, rows, names) for row in rows], dtype=pl.String)
    found = pl.DataFrame(rows, schema_overrides=t["matched_samples"].schema) if rows else lost
    return told(found, pl.col("reason"), sample(), pl.lit(details))


def _tube_names(tubes: pl.DataFrame) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for tube_id, name, batch in tubes.sort("tube_id").select("tube_id", "sample_name", "batch").iter_rows():
        told = f"{tube_id} ({'batch ' + batch if batch else 'no batch'})"
        names.setdefault(bare(name or tube_id).casefold(), []).append(told)
    return names


def _why_no_tube(row: dict[str, Any], lost: list[dict[str, Any]], names: Mapping[str, list[str]]) -> str:
    """Detail of a sample that is no tube."""
    by = {"keywords": "keywords give", "file_name": "its name gives"}.get(row["matched_by"], "cytometry_tubes gives")
    match row["reason"]:
        case "tube.ambiguous":
            called = sorted({bare(name).casefold() for name in (row["sample_name"], row["fcs_name"]) if name})
            tubes = ", ".join(tube for name in called for tube in names.get(name, []))
            fits = f"tubes of that name: {tubes}" if tubes else "fits several tubes, plates, days or places"
            return f"told to be in {row['batches'] or 'no batch'}; {fits}"
        case "tube.twice_in_file":
            return f"the same tube as {_others(row, lost)}"
        case "tube.specimen_unknown":
            return f"{by} the specimen {row['specimen_id']!r}, which is in no table of specimens"
        case "tube.stimulus_unknown":
            return f"{by} the stimulus {row['stimulus']!r}, which study.toml does not declare"
        case "tube.no_stimulus":
            return f"of specimen {row['specimen_id']}, but nothing gives a stimulus"
        case _:
            return "in no row of cytometry_tubes, and neither keywords nor name give a specimen"


def _others(row: dict[str, Any], lost: list[dict[str, Any]]) -> str:
    alike = ("file_sha256", "reason", "specimen_id", "stimulus", "replicate", "gates_set_by")
    others = (
        one
        for one in lost
        if one["sample_number"] != row["sample_number"] and all(one[name] == row[name] for name in alike)
    )
    return ", ".join(f"sample {one['sample_number']} ({one['sample_name']})" for one in others)


def _unmapped(t: Tables) -> pl.DataFrame:
    named = t["cytometry_counts"].select(*SAMPLE, "population_path")
    of_files = (
        pl.concat([named, t["regated_counts"].select(named.columns)])
        .unique()
        .group_by("file_sha256", "population_path")
        .agg(n_samples=pl.len())
        .join(t["population_paths"].select("population_path", "is_mapped"), on="population_path", validate="m:1")
    )
    above = {
        (file, path[:slash])
        for file, path in of_files.filter("is_mapped").select("file_sha256", "population_path").iter_rows()
        for slash, mark in enumerate(path)
        if mark == "/"
    }
    passed = pl.DataFrame(sorted(above), schema=["file_sha256", "population_path"], orient="row")
    leads = passed.cast(pl.String) if above else of_files.head(0)
    lost = of_files.filter(~pl.col("is_mapped"), pl.col("population_path") != "")
    left = lost.join(leads, on=("file_sha256", "population_path"), how="anti")
    return told(left, UNMAPPED, pl.col("population_path"), pl.format("{}, not used", _samples("n_samples")))


def _samples(number: str) -> pl.Expr:
    return pl.when(pl.col(number) == 1).then(pl.lit("in 1 sample")).otherwise(pl.format("in {} samples", number))


def _percent_only(t: Tables) -> pl.DataFrame:
    mapped = t["population_paths"].filter("is_mapped").select("population_path")
    found = (
        t["cytometry_counts"]
        .filter(status="percent_only")
        .join(mapped, on="population_path", how="semi")
        .group_by("file_sha256", "population_path")
        .agg(n_samples=pl.len())
    )
    detail = pl.format("percentages without counts {}", _samples("n_samples"))
    return told(found, "count.percent_only", pl.col("population_path"), detail)


def _uncounted(t: Tables, status: str, words: str) -> pl.DataFrame:
    path = pl.when(pl.col("population_path") == "").then(pl.lit("all events")).otherwise("population_path")
    found = (
        t["cytometry_counts"]
        .filter(status=status)
        .with_columns(path.alias("named"))
        .group_by(SAMPLE)
        .agg(listed=listed("named"))
        .join(_of_samples(t), on=SAMPLE, how="inner", validate="1:1")
    )
    return told(found, f"count.{status}", sample(), pl.format(words, "listed"))


def _of_samples(t: Tables) -> pl.DataFrame:
    return t["matched_samples"].select(*SAMPLE, "sample_name", "tube_id", "specimen_id")


def _twice(t: Tables) -> pl.DataFrame:
    mapped = t["population_paths"].filter("is_mapped").select("population_path", *WHAT)
    words = pl.format("{} at {}", "count", "population_path")
    found = (
        t["cytometry_counts"]
        .filter(status="counted")
        .join(mapped, on="population_path", how="inner", validate="m:1")
        .group_by(*SAMPLE, *WHAT)
        .agg(pl.col("count").n_unique(), detail=words.sort_by("population_path").str.join(", "))
        .filter(pl.col("count") > 1)
        .join(_of_samples(t), on=SAMPLE, how="inner", validate="m:1")
    )
    return told(found, "population.twice", pl.format("{}: {}", sample(), population()), pl.col("detail"))


def _counts_differ(t: Tables, settings: StudySettings) -> pl.DataFrame:
    """One finding a population, at the file whose count is used, with what every file says."""
    key = ("tube_id", *WHAT)
    differ = t["tube_populations"].filter("counts_differ")
    if differ.is_empty():
        return TUBE_FINDINGS.empty()
    of_tubes = t["matched_samples"].join(differ, on="tube_id", how="semi")
    counted = told_counts({**t, "matched_samples": of_tubes}, settings.cytometry).filter(pl.col("count").is_not_null())
    software = pl.col("software_version").fill_null(pl.format("{} {}", "source", pl.col("file_sha256").str.head(8)))
    is_used = pl.col("file_sha256") == pl.col("used_sha256")
    mark = pl.when(is_used & (settings.corrections.cytometry == "newest")).then(pl.lit(" used")).otherwise(pl.lit(""))
    saved = pl.coalesce(pl.format(", saved {}", pl.col("saved_at").dt.date()), pl.lit(""))
    said = t["cytometry_samples"].select(*SAMPLE, "software_version", "source", "saved_at")
    words = pl.format("{} ({}{}){}", "count", software, saved, mark)
    found = (
        counted.join(differ.select(*key, "specimen_id", used_sha256="file_sha256"), on=key, how="inner", validate="m:1")
        .join(said, on=SAMPLE, how="left", validate="m:1")
        .with_columns(words=words, is_used=is_used)
        .sort("is_used", "saved_at", *SAMPLE, "fcs_sha256", descending=[True, True, False, False, False])
        .group_by(*key, "specimen_id", "used_sha256", maintain_order=True)
        .agg(detail=pl.col("words").str.join("; "))
        .rename({"used_sha256": "file_sha256"})
    )
    return told(found, "population.counts_differ", pl.format("{}: {}", "tube_id", population()), pl.col("detail"))


def _several_batches(matched: pl.DataFrame) -> pl.DataFrame:
    """Specimens of which one antigen, or multimers, were stained in more than one batch."""
    found = (
        matched.filter(pl.col("tube_role").is_in(["antigen", "multimer"]))
        .group_by(_TESTED)
        .agg(pl.col("file_sha256").min(), n=pl.col("batch").n_unique(), batches=pl.col("batch").unique().sort())
        .filter(pl.col("n") > 1)
        .with_columns(
            words=pl.format("{} in {}", pl.col("antigen").fill_null("multimers"), pl.col("batches").list.join(" and "))
        )
        .group_by("specimen_id")
        .agg(pl.col("file_sha256").min(), detail=pl.col("words").sort().str.join("; "))
    )
    return told(found, "tube.specimen_in_several_batches", pl.col("specimen_id"), pl.col("detail"))


def _no_control(matched: pl.DataFrame) -> pl.DataFrame:
    detail = pl.format("no tube of {} in {} for {}", "control", "batch", "antigen")
    return told(tubes_without_control(matched), "tube.no_control", pl.col("tube_id"), detail)


def _with_specimens(found: pl.DataFrame, matched: pl.DataFrame) -> pl.DataFrame:
    specimens = matched.drop_nulls("tube_id").select("tube_id", "specimen_id").unique("tube_id")
    return found.join(specimens, on="tube_id", how="left", validate="m:1")


def _disagreements(agreement: pl.DataFrame, matched: pl.DataFrame) -> pl.DataFrame:
    found = _with_specimens(agreement.filter(~pl.col("agrees")), matched)
    software = pl.col("software_version").fill_null("unknown software")
    share = pl.col("difference_percent").round(2)
    detail = pl.format(
        "{} stored by {}, {} counted again by {}: {} % apart, {} % allowed",
        "count_stored", software, "count_regated", "engine", share, "tolerance_percent",
    )  # fmt: skip
    return told(found, "gating.disagrees", pl.format("{}: {}", sample(), "population_path"), detail)


def _not_counted_again(agreement: pl.DataFrame, matched: pl.DataFrame) -> pl.DataFrame:
    found = (
        agreement.drop_nulls("reason")
        .group_by(*SAMPLE, "sample_name", "tube_id", "reason")
        .agg(listed=listed("population_path"))
    )
    detail = pl.format("not counted again: {}", "listed")
    return told(_with_specimens(found, matched), pl.col("reason"), sample(), detail)


def _failed_acquisition(quality: pl.DataFrame, matched: pl.DataFrame) -> pl.DataFrame:
    found = _with_specimens(quality.filter(~pl.col("passes")), matched)
    channel = pl.when(pl.col("channel") == "").then(pl.lit("")).otherwise(pl.format(" in {}", "channel"))
    detail = pl.format("{}{}, at most {} allowed", pl.col("value").round(2), channel, "largest_allowed")
    return told(found, "acquisition.failed", pl.format("{}: {}", "sample_name", "measure"), detail)
