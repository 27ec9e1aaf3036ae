"""Populations of every tube and subsets of them, with the count that is used where several files give one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import polars as pl

from expectations.computed_cytometry import TUBE_POPULATIONS
from expectations.study import StudySettings
from expectations.study_cytometry import Cytometry
from transforms.population_vocabulary import Term, Vocabulary, meanings

Tables = Mapping[str, pl.DataFrame]

SAMPLE: Final = ("file_sha256", "sample_number")
TELLING: Final = ("tube_id", *SAMPLE, "fcs_sha256")
"""One file that tells of one tube; `fcs_sha256` is empty but for Gating-ML, which is applied to an FCS file."""
WHAT: Final = ("population", "subset")

_OF_PATH: Final = ("status", "given", "count", "percent", "population_path", "place", "trunk", "of_trunk", "is_regated")
_TRUNK: Final = (*TELLING, "population", "trunk")
_WORTH: Final = {"counted": 3, "percent_only": 2, "never_computed": 1, "stale": 1, "not_counted": 0}
"""Of files that tell of one population those that count it go first, then those that say most."""


def tube_populations(tables: Tables, arrivals: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """Every mapped population and subset of every tube, counted by the file saved last of those that count it.

    A file that counts the population beside the subset goes first; then by the day of saving where all these files have
    one, else by arrival. The count of the population is the one that stands at the path the subset's own path goes
    through, in the same sample of the same file; that of lymphocytes comes from there too. Under
    corrections.cytometry = "hold" counts that differ between files are not used. `reason` is percent_only,
    count_missing or counts_conflict.

    Args:
        tables: cytometry_counts, cytometry_samples, matched_samples and regated_counts by contract name; of the last
            only what Gating-ML counts is used, which stores no counts.
        arrivals: file_sha256, arrival.
        settings: populations, markers, multimers, readouts and corrections.cytometry.

    Returns:
        TUBE_POPULATIONS. A percentage given without counts is kept where it is of the population itself, null where it
        is of a gate in between.
    """
    told = told_counts(tables, settings.cytometry)
    used = _used(_with_age(told, tables["cytometry_samples"], arrivals))
    if settings.corrections.cytometry == "hold":
        used = _held(used, settings.cytometry)
    else:
        used = used.with_columns(is_held=pl.lit(value=False))
    tubes = _tubes(tables["matched_samples"]).unique("tube_id", keep="first").drop(*SAMPLE)
    found = used.join(tubes, on="tube_id", how="left", validate="m:1").with_columns(
        percent=_percent(), reason=_reason()
    )
    return TUBE_POPULATIONS.conform(found).sort(TUBE_POPULATIONS.key)


def told_counts(tables: Tables, settings: Cytometry) -> pl.DataFrame:
    """TELLING, WHAT and what the file says: one row a mapped population or subset of one tube in one file.

    Two paths that mean one thing are fine where their counts are equal; where they differ `is_twice` is true and there
    is no count. A called readout, or a combination of the functions, that has no count of its own is the sum (`is_sum`)
    of all boolean subsets it is made of, where every one of them was counted below one path of the population; it
    stands at that path. `given` is the count as the file has it: `count` is null where it is larger than `of_trunk`,
    that of the population whose gates (`trunk`) lead to it.
    """
    matched = tables["matched_samples"]
    regated = _regated(tables["regated_counts"], tables["cytometry_samples"], matched)
    rows = pl.concat([_stored(tables["cytometry_counts"], matched), regated])
    meant = meanings(rows["population_path"].unique(), settings)
    mapped = rows.join(meant, on="population_path", how="inner", validate="m:1")
    placed = _at_trunks(mapped.with_columns(percent=pl.when(pl.col("depth") < 2).then("percent")))
    one_each = _one_each(placed)
    return _with_parents(_with_sums(one_each, placed, settings), settings)


def _at_trunks(mapped: pl.DataFrame) -> pl.DataFrame:
    """With `of_trunk`, and `count` where it is possible."""
    wholes = mapped.filter(pl.col("count").is_not_null(), subset="").group_by(_TRUNK)
    is_one = pl.col("count").n_unique() == 1
    counts = wholes.agg(of_trunk=pl.when(is_one).then(pl.col("count").first()))
    placed = mapped.join(counts, on=_TRUNK, how="left", validate="m:1").with_columns(given="count")
    return placed.with_columns(count=_possible()).select(*TELLING, *WHAT, *_OF_PATH)


def _possible() -> pl.Expr:
    """No subset holds more events than the population."""
    return pl.when(pl.col("of_trunk").is_null() | (pl.col("given") <= pl.col("of_trunk"))).then("given")


def _tubes(matched: pl.DataFrame) -> pl.DataFrame:
    """SAMPLE and what is known of the tube, of samples that are one."""
    known = ("tube_id", "batch", "specimen_id", "stimulus", "tube_role", "antigen", "control", "source")
    return matched.filter(pl.col("reason").is_null()).select(*SAMPLE, *known).sort(SAMPLE)


def _stored(counts: pl.DataFrame, matched: pl.DataFrame) -> pl.DataFrame:
    tubes = _tubes(matched).select(*SAMPLE, "tube_id")
    told = counts.join(tubes, on=SAMPLE, how="inner", validate="m:1")
    return told.select(
        *TELLING[:-1],
        pl.lit("").alias("fcs_sha256"),
        "population_path",
        "status",
        "count",
        pl.col("percent_of_parent").alias("percent"),
        "place",
        pl.lit(value=False).alias("is_regated"),
    )


def _regated(regated: pl.DataFrame, samples: pl.DataFrame, matched: pl.DataFrame) -> pl.DataFrame:
    """Counts made by Gating-ML, of the tube that the FCS file is; of several engines' the one that counted last."""
    raw = _tubes(matched).filter(source="fcs").unique("file_sha256", keep="first")
    told = (
        regated.join(samples.filter(source="gating_ml"), on=SAMPLE, how="semi")
        .sort("run_id", "engine")
        .unique((*SAMPLE, "population_path", "fcs_sha256"), keep="last", maintain_order=True)
        .join(raw.select("tube_id", fcs_sha256="file_sha256"), on="fcs_sha256", how="inner", validate="m:1")
    )
    is_counted = pl.col("count_regated").is_not_null()
    return told.select(
        *TELLING,
        "population_path",
        pl.when(is_counted).then(pl.lit("counted")).otherwise(pl.lit("not_counted")).alias("status"),
        pl.col("count_regated").alias("count"),
        pl.lit(None, dtype=pl.Float64).alias("percent"),
        pl.when(pl.col("population_path") == "").then(pl.lit("all events")).otherwise("population_path").alias("place"),
        pl.lit(value=True).alias("is_regated"),
    )


def _one_each(placed: pl.DataFrame) -> pl.DataFrame:
    """Paths of one meaning together: the counted first, then those with a parent; none of several that differ."""
    worth = pl.col("status").replace_strict(_WORTH, return_dtype=pl.Int8)
    best = placed.with_columns(worth=worth).filter(pl.col("worth") == pl.col("worth").max().over(*TELLING, *WHAT))
    has_parent = pl.col("count").is_not_null() & pl.col("of_trunk").is_not_null()
    ordered = best.sort(*TELLING, *WHAT, ~has_parent, "population_path")
    is_twice = (pl.col("given").n_unique() > 1) | ((pl.col("worth").max() == 2) & (pl.col("percent").n_unique() > 1))
    found = ordered.group_by(*TELLING, *WHAT).agg(pl.col(_OF_PATH).first(), is_twice=is_twice)
    kept = (pl.when(~pl.col("is_twice")).then(name).alias(name) for name in ("count", "percent"))
    return found.with_columns(*kept, is_sum=pl.lit(value=False))


def _with_sums(one_each: pl.DataFrame, placed: pl.DataFrame, settings: Cytometry) -> pl.DataFrame:
    sound = one_each.filter(pl.col("count").is_not_null()).select(*TELLING, *WHAT)
    counted = placed.join(sound, on=(*TELLING, *WHAT), how="semi").filter(pl.col("count").is_not_null())
    parts = _parts(counted["subset"].unique().to_list(), settings)
    key = (*TELLING, "population", "target")
    sums = (
        counted.sort("population_path", "place")
        .unique((*_TRUNK, "subset"), keep="first", maintain_order=True)
        .join(parts, left_on="subset", right_on="part", how="inner", validate="m:m")
        .group_by(*key, "trunk", "of_trunk", "rank", "n_parts")
        .agg(
            given=pl.col("count").sum(),
            n=pl.len(),
            population_path=pl.col("population_path").min(),
            place=pl.col("place").min(),
        )
        .filter(pl.col("n") == pl.col("n_parts"))
        .sort(*key, "rank", pl.col("of_trunk").is_null(), "trunk")
        .unique(key, keep="first", maintain_order=True)
        .rename({"target": "subset"})
        .with_columns(
            status=pl.lit("counted"), count=_possible(), is_twice=pl.lit(value=False), is_sum=pl.lit(value=True)
        )
    )
    # Where two paths of one meaning differ a sum would take sides.
    missing = sums.join(one_each.filter(status="counted"), on=(*TELLING, *WHAT), how="anti")
    of_telling = one_each.unique(TELLING).select(*TELLING, "is_regated")
    told = _at_population(missing, placed).join(of_telling, on=TELLING, how="left", validate="m:1")
    others = one_each.join(missing, on=(*TELLING, *WHAT), how="anti")
    return pl.concat([others, told.with_columns(percent=pl.lit(None, pl.Float64)).select(others.columns)])


def _at_population(sums: pl.DataFrame, placed: pl.DataFrame) -> pl.DataFrame:
    """Sums at path and place of their population; of their first part where that is in no row."""
    wholes = placed.filter(subset="").group_by(_TRUNK).agg(pl.col("population_path").min(), pl.col("place").min())
    above = wholes.rename({"population_path": "path", "place": "at"})
    joined = sums.join(above, on=_TRUNK, how="left", validate="m:1")
    return joined.with_columns(
        population_path=pl.coalesce("path", "population_path"),
        place=pl.when(pl.col("path").is_null()).then("place").otherwise("at"),
    )


def _parts(subsets: Iterable[str], settings: Cytometry) -> pl.DataFrame:
    """target, part, n_parts, rank: the boolean subsets that make up each target; the fewer the lower the rank."""
    vocabulary = Vocabulary(settings)
    of_markers: dict[tuple[str, ...], list[Term]] = defaultdict(list)
    for term in {term for text in subsets if (term := vocabulary.term(text)) is not None}:
        of_markers[tuple(name for name in settings.markers if name in _names(term))].append(term)
    rows = [
        (vocabulary.text(frozenset({target})), vocabulary.text(frozenset({part})), len(parts), rank)
        for rank, (_, terms) in enumerate(sorted(of_markers.items(), key=lambda item: (len(item[0]), item[0])))
        for target, parts in _made_of(terms, vocabulary, settings)
        for part in parts
    ]
    schema = {"target": pl.String, "part": pl.String, "n_parts": pl.UInt32, "rank": pl.Int32}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _made_of(terms: list[Term], vocabulary: Vocabulary, settings: Cytometry) -> Iterator[tuple[Term, list[Term]]]:
    """Every target that these subsets, all of the same markers, can make up, with those that do."""
    readouts = {term for name in settings.called_readouts if (term := vocabulary.term(name)) is not None}
    functions = frozenset(settings.functions)
    for names in {functions, *(_names(term) for term in readouts)}:
        if not names < _names(terms[0]):
            continue
        parts = defaultdict(list)
        for term in terms:
            parts[frozenset(sign for sign in term if sign[0] in names)].append(term)
        n_parts = 2 ** (len(_names(terms[0])) - len(names))
        wanted = (one for one in parts if names == functions or one in readouts)
        yield from ((target, parts[target]) for target in wanted if len(parts[target]) == n_parts)


def _names(term: Term) -> frozenset[str]:
    return frozenset(name for name, _ in term)


def _with_parents(complete: pl.DataFrame, settings: Cytometry) -> pl.DataFrame:
    """With `parent_count`, unless paths of the population differ, and `lymphocyte_count`."""
    wholes = complete.filter(subset="")
    doubtful = wholes.select(*TELLING, "population", is_doubtful="is_twice")
    lymphocytes = next((one.name for one in settings.populations if one.counted_as == "lymphocytes"), None)
    others = wholes.filter(pl.col("population") == pl.lit(lymphocytes, dtype=pl.String))
    return (
        complete.join(doubtful, on=(*TELLING, "population"), how="left", validate="m:1")
        .join(others.select(*TELLING, lymphocyte_count="count"), on=TELLING, how="left", validate="m:1")
        .with_columns(parent_count=pl.when(~pl.col("is_doubtful").fill_null(value=False)).then("of_trunk"))
    )


def _with_age(told: pl.DataFrame, samples: pl.DataFrame, arrivals: pl.DataFrame) -> pl.DataFrame:
    of_fcs = arrivals.select(fcs_sha256="file_sha256", fcs_arrival="arrival")
    return (
        told.join(samples.select(*SAMPLE, "saved_at"), on=SAMPLE, how="left", validate="m:1")
        .join(arrivals.select("file_sha256", "arrival"), on="file_sha256", how="left", validate="m:1")
        .join(of_fcs, on="fcs_sha256", how="left", validate="m:1")
        .with_columns(arrival=pl.max_horizontal("arrival", "fcs_arrival").fill_null(0))
    )


def _used(told: pl.DataFrame) -> pl.DataFrame:
    """One telling of each population of a tube, with how many files count it and whether they differ."""
    key = ("tube_id", *WHAT)
    is_counted = pl.col("count").is_not_null()
    worth = is_counted.cast(pl.Int8) * 4 + pl.col("status").replace_strict(_WORTH, return_dtype=pl.Int8)
    weighed = told.with_columns(worth=worth, has_parent=is_counted & pl.col("parent_count").is_not_null())
    saying_most = weighed.filter(pl.col("worth") == pl.col("worth").max().over(key)).with_columns(
        n_files=pl.when(is_counted).then(pl.col("file_sha256").n_unique().over(key)).otherwise(0),
        counts_differ=(pl.col("count").n_unique() > 1).over(key),
    )
    candidates = saying_most.filter(pl.col("has_parent") == pl.col("has_parent").max().over(key))
    all_dated = pl.col("saved_at").is_not_null().all().over(key)
    return (
        candidates.with_columns(saved=pl.when(all_dated).then("saved_at"))
        .sort("saved", "arrival", "file_sha256", "fcs_sha256", nulls_last=False)
        .unique(key, keep="last", maintain_order=True)
    )


def _held(used: pl.DataFrame, settings: Cytometry) -> pl.DataFrame:
    """Takes away counts on which files do not agree; `is_held` where one was the population's or the subset's."""
    differ = used.filter("counts_differ", subset="").select("tube_id", "population", parent_differs="counts_differ")
    lymphocytes = next((one.name for one in settings.populations if one.counted_as == "lymphocytes"), "")
    others = differ.filter(population=lymphocytes).select("tube_id", lymphocytes_differ="parent_differs")
    joined = (
        used.join(differ, on=("tube_id", "population"), how="left", validate="m:1")
        .join(others, on="tube_id", how="left", validate="m:1")
        .with_columns(pl.col("parent_differs", "lymphocytes_differ").fill_null(value=False))
    )
    return joined.with_columns(
        is_held=pl.col("counts_differ") | pl.col("parent_differs"),
        count=pl.when(~pl.col("counts_differ")).then("count"),
        parent_count=pl.when(~pl.col("parent_differs")).then("parent_count"),
        lymphocyte_count=pl.when(~pl.col("lymphocytes_differ")).then("lymphocyte_count"),
    )


def _percent() -> pl.Expr:
    has_parent = pl.col("parent_count") > 0
    return (
        pl.when(pl.col("status") != "counted")
        .then("percent")
        .when(has_parent)
        .then(100 * pl.col("count") / pl.col("parent_count"))
    )


def _reason() -> pl.Expr:
    return (
        pl.when("is_held")
        .then(pl.lit("counts_conflict"))
        .when(pl.col("status") == "percent_only")
        .then(pl.lit("percent_only"))
        .when(pl.col("count").is_null() | pl.col("parent_count").is_null())
        .then(pl.lit("count_missing"))
    )
