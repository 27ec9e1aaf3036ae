"""Where what is told of tubes of flow cytometry contradicts itself: cells counted twice, other gates, other sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from expectations.computed_cytometry import TUBE_FINDINGS
from expectations.study import StudySettings
from transforms.cytometry_populations import SAMPLE, WHAT, told_counts
from transforms.population_vocabulary import meanings
from transforms.told_samples import Told, told_by, told_sample
from transforms.tube_words import listed, population, sample, saved_by, told

Tables = Mapping[str, pl.DataFrame]

_COMPARED: Final = ("specimen_id", "batch", "control", *WHAT)
_STAINED: Final = ("specimen_id", "batch", "is_multimer", "population")


def conflicts(t: Tables, settings: StudySettings) -> Iterator[pl.DataFrame]:
    """TUBE_FINDINGS of what contradicts itself.

    Args:
        t: cytometry_samples, cytometry_counts, regated_counts, matched_samples, tube_populations and specimens by
            contract name.
        settings: stimuli, cytometry.match and the vocabulary.
    """
    yield _same_fcs_file(t)
    yield _sources_disagree(t, settings)
    yield _acquired_before_collection(t)
    yield _gated_apart(t)
    yield _paths_differ(t["tube_populations"], settings)
    yield _impossible(t, settings)


def _of_tubes(t: Tables, *columns: str) -> pl.DataFrame:
    """Samples that are tubes, with these columns of cytometry_samples."""
    tubes = t["matched_samples"].filter(pl.col("tube_id").is_not_null())
    return tubes.join(t["cytometry_samples"].select(*SAMPLE, *columns), on=SAMPLE, how="left", validate="1:1")


def _same_fcs_file(t: Tables) -> pl.DataFrame:
    name = pl.coalesce("fcs_name", pl.when(source="fcs").then("sample_name"))
    bare = name.str.strip_chars().str.to_lowercase().str.replace(r"\.fcs$", "")
    told_alike = ("fcs", "n_events", "acquisition_date")
    found = (
        _of_tubes(t, "fcs_name", "n_events", "acquisition_date")
        .with_columns(fcs=bare)
        .drop_nulls(["fcs", "n_events"])
        .group_by(told_alike)
        .agg(
            pl.col("file_sha256").min(),
            tubes=pl.col("tube_id").unique().sort(),
            specimen_id=pl.when(pl.col("specimen_id").n_unique() == 1).then(pl.col("specimen_id").first()),
        )
        .filter(pl.col("tubes").list.len() > 1)
    )
    day = pl.coalesce(pl.format(" acquired {}", "acquisition_date"), pl.lit(""))
    detail = pl.format("{} events{}, in the tubes {}", "n_events", day, pl.col("tubes").list.join(" and "))
    return told(found, "tube.same_fcs_file", pl.col("fcs"), detail)


def _sources_disagree(t: Tables, settings: StudySettings) -> pl.DataFrame:
    match = settings.cytometry.match
    if not (match.specimen_keywords or match.stimulus_keywords or match.file_name):
        return TUBE_FINDINGS.empty()
    known, names = set(t["specimens"]["specimen_id"]), _stimulus_names(settings)
    matched = {(row["file_sha256"], row["sample_number"]): row for row in _of_tubes(t).to_dicts()}
    rows = []
    for said in t["cytometry_samples"].sort(SAMPLE).to_dicts():
        row = matched.get((said["file_sha256"], said["sample_number"]))
        others = [] if row is None else list(_other_tellings(row, told_by(told_sample(said), match), known, names))
        if row and others:
            rows.append(row | {"detail": f"{_used(row)}; {'; '.join(others)}"})
    found = pl.DataFrame(rows, schema={**t["matched_samples"].schema, "detail": pl.String})
    return told(found, "tube.sources_disagree", sample(), pl.col("detail"))


def _other_tellings(
    row: Mapping[str, Any], told_: Mapping[str, Told], known: set[str], names: Mapping[str, str]
) -> Iterator[str]:
    for source, (specimen, stimulus) in told_.items():
        if specimen in known and specimen != row["specimen_id"]:
            yield f"{source.replace('_', ' ')}: specimen {specimen!r}"
        if _is_another(stimulus, row["stimulus"], names):
            yield f"{source.replace('_', ' ')}: stimulus {stimulus!r}"


def _used(row: Mapping[str, Any]) -> str:
    stimulus = f"stimulus {row['stimulus']!r}" if row["stimulus"] else "no stimulus"
    return f"used: specimen {row['specimen_id']!r}, {stimulus} (by {row['matched_by'].replace('_', ' ')})"


def _stimulus_names(settings: StudySettings) -> dict[str, str]:
    """Every spelling of a stimulus with the name it stands for."""
    own = {name: name for name in (*settings.controls.positive, *settings.controls.unused)}
    return own | settings.negative_controls | settings.antigen_names


def _is_another(other: str | None, used: str | None, names: Mapping[str, str]) -> bool:
    meant = [names.get(spelling or "") for spelling in (other, used)]
    return None not in meant and meant[0] != meant[1]


def _acquired_before_collection(t: Tables) -> pl.DataFrame:
    collected = t["specimens"].select("specimen_id", "collection_date")
    found = (
        _of_tubes(t, "acquisition_date")
        .join(collected, on="specimen_id", how="inner", validate="m:1")
        .filter(pl.col("acquisition_date") < pl.col("collection_date"))
    )
    detail = pl.format("acquired {}, specimen {} collected {}", "acquisition_date", "specimen_id", "collection_date")
    return told(found, "tube.acquired_before_collection", sample(), detail)


def _gated_apart(t: Tables) -> pl.DataFrame:
    said = t["cytometry_samples"].select(*SAMPLE, "software_version", "saved_at")
    counted = (
        t["tube_populations"]
        .filter(pl.col("count").is_not_null())
        .join(said, on=SAMPLE, how="left", validate="m:1")
        .select(*_COMPARED, "tube_role", "tube_id", "file_sha256", "software_version", "saved_at")
    )
    stimulated, controls = (counted.filter(tube_role=role) for role in ("antigen", "negative_control"))
    other_gates = (pl.col(name).ne_missing(pl.col(f"{name}_control")) for name in ("software_version", "saved_at"))
    pair = ("specimen_id", "tube_id", "file_sha256", "tube_id_control", "file_sha256_control")
    words = (saved_by("software_version", "saved_at"), saved_by("software_version_control", "saved_at_control"))
    found = (
        stimulated.join(controls, on=_COMPARED, how="inner", suffix="_control", validate="m:m")
        .filter(pl.col("file_sha256") != pl.col("file_sha256_control"), pl.any_horizontal(other_gates))
        .with_columns(what=population(), own=words[0], of_control=words[1])
        .group_by(*pair, "own", "of_control")
        .agg(listed=listed("what"))
    )
    detail = pl.format("{} by {}, those of {} by {}", "listed", "own", "tube_id_control", "of_control")
    return told(found, "tube.gated_apart", pl.col("tube_id"), detail)


def _paths_differ(populations: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """One finding a population of a specimen and batch; tubes with multimers are stained otherwise and stand apart."""
    used = populations.filter(pl.col("status").is_in(["counted", "percent_only"]), pl.col("tube_role") != "unused")
    trunks = meanings(used["population_path"].unique(), settings.cytometry).select("population_path", "trunk")
    found = (
        used.join(trunks, on="population_path", how="inner", validate="m:1")
        .with_columns(is_multimer=pl.col("tube_role") == "multimer")
        .group_by(*_STAINED, "trunk")
        .agg(pl.col("file_sha256").min(), tubes=pl.col("tube_id").unique().sort().str.join(", "))
        .with_columns(words=pl.format("{} in {}", "trunk", "tubes"))
        .group_by(_STAINED)
        .agg(pl.col("file_sha256").min(), n=pl.len(), words=pl.col("words").sort().str.join("; "))
        .filter(pl.col("n") > 1)
    )
    place = pl.format("{}, {}: {}", "specimen_id", "batch", "population")
    return told(found, "population.paths_differ", place, pl.col("words"))


def _impossible(t: Tables, settings: StudySettings) -> pl.DataFrame:
    specimens = t["matched_samples"].drop_nulls("tube_id").select("tube_id", "specimen_id").unique("tube_id")
    found = (
        told_counts(t, settings.cytometry)
        .filter(pl.col("given") > pl.col("of_trunk"))
        .join(specimens, on="tube_id", how="left", validate="m:1")
    )
    if found.is_empty():
        return TUBE_FINDINGS.empty()
    detail = pl.format("{} at {}, {} at {}", "given", "population_path", "of_trunk", "trunk")
    return told(found, "count.impossible", pl.format("{}: {}", "tube_id", population()), detail)
