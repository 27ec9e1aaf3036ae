"""Which FCS file a workspace's sample was made from, and which ones a Gating-ML file gates."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.computed_cytometry import TUBE_FINDINGS
from expectations.cytometry_in import CYTOMETRY_SAMPLES
from transforms.readers import flowjo_workspace, gating_ml

AMBIGUOUS: Final = "gating.fcs_ambiguous"
DIFFERS: Final = "gating.fcs_differs"
PAIRED: Final = {
    "file_sha256": pl.String,
    "sample_number": CYTOMETRY_SAMPLES.schema["sample_number"],
    "fcs_sha256": pl.String,
    "tube_id": pl.String,
    "reason": pl.String,
    "detail": pl.String,
}
"""Sample of a workspace or Gating-ML file, its FCS file, or the reason why none is taken; `tube_id` for Gating-ML."""

_KEY: Final = ("file_sha256", "sample_number")
_ACQUISITION: Final = ("$DATE", "$BTIM", "$ETIM", "$PLATEID", "$WELLID")
"""Keywords FlowJo copies from the FCS file: where two say different things they are of two acquisitions."""


def pairs(samples: pl.DataFrame, files: pl.DataFrame, tubes: pl.DataFrame, matched: pl.DataFrame) -> pl.DataFrame:
    """Samples that are to be counted again, each with its FCS file, and those that cannot be, with the reason.

    A workspace's sample is made from the FCS file of its name, or of the name $FIL gives, that holds as many events as
    it says and was not acquired at another time. Of several, the one counts that is told to be in more of its plates,
    groups and folders than any other; else it is ambiguous. No file of that name: no row. A Gating-ML file gates the
    FCS file of every tube that names it.

    Args:
        samples: CYTOMETRY_SAMPLES.
        files: CYTOMETRY_FILES.
        tubes: CYTOMETRY_TUBES.
        matched: MATCHED_SAMPLES, for the tubes of FCS files.

    Returns:
        PAIRED, sorted; `fcs_sha256` is null exactly where there is a reason.
    """
    found = pl.concat([_of_workspaces(samples, files), _of_gating_ml(samples, tubes, matched)])
    return found.sort(*_KEY, "tube_id", "fcs_sha256", nulls_last=True)


def _of_workspaces(samples: pl.DataFrame, files: pl.DataFrame) -> pl.DataFrame:
    asking = samples.filter(pl.col("source") == flowjo_workspace.FORMAT)
    held = files.filter(pl.col("data_set") == 1).select("file_sha256", found="n_events", declared="n_events_declared")
    raw = samples.filter(pl.col("source") == "fcs", pl.col("sample_number") == 1).join(
        held, on="file_sha256", how="inner", validate="m:1"
    )
    by_name = _names(asking).join(_names(raw).drop("sample_number"), on="name", how="inner", suffix="_fcs")
    candidates = (
        by_name.select(*_KEY, fcs_sha256="file_sha256_fcs")
        .unique()
        .join(asking.select(*_KEY, "n_events", "batches", "keywords"), on=_KEY, how="left", validate="m:1")
        .join(
            raw.select("found", "declared", fcs_sha256="file_sha256", batches_fcs="batches", keywords_fcs="keywords"),
            on="fcs_sha256",
            how="left",
            validate="m:1",
        )
        .filter(~pl.any_horizontal([_differs(keyword) for keyword in _ACQUISITION]))
        .with_columns(fits=_fits(), shared=_shared())
    )
    return _narrowed(candidates)


def _narrowed(candidates: pl.DataFrame) -> pl.DataFrame:
    """One row a sample from its candidates."""
    is_best = pl.col("fits") & (pl.col("shared") == pl.col("shared").filter(pl.col("fits")).max().over(_KEY))
    told = candidates.sort(*_KEY, "fcs_sha256").with_columns(is_best=is_best)
    best = pl.col("fcs_sha256").filter("is_best")
    events = pl.col("found").cast(pl.String).unique(maintain_order=True).str.join(" and ")
    by_sample = told.group_by(_KEY, maintain_order=True).agg(
        n_best=pl.col("is_best").sum(),
        only=best.first(),
        names=best.str.slice(0, 12).str.join(", "),
        n_events=pl.col("n_events").first(),
        events=events,
    )
    is_one = pl.col("n_best") == 1
    return by_sample.select(
        *_KEY,
        fcs_sha256=pl.when(is_one).then("only"),
        tube_id=pl.lit(None, pl.String),
        reason=pl.when(pl.col("n_best") == 0).then(pl.lit(DIFFERS)).when(~is_one).then(pl.lit(AMBIGUOUS)),
        detail=pl.when(pl.col("n_best") == 0)
        .then(pl.format("{} events in the workspace, {} in the FCS file", "n_events", "events"))
        .when(~is_one)
        .then(pl.format("FCS files {}", "names")),
    ).cast(PAIRED)  # type: ignore[arg-type]


def _of_gating_ml(samples: pl.DataFrame, tubes: pl.DataFrame, matched: pl.DataFrame) -> pl.DataFrame:
    asking = samples.filter(pl.col("source") == gating_ml.FORMAT).select(*_KEY, name=_last_part("sample_name"))
    gated = tubes.filter(pl.col("gating_file").is_not_null()).select("tube_id", name=_last_part("gating_file"))
    raw = matched.filter(pl.col("source") == "fcs", pl.col("reason").is_null(), pl.col("tube_id").is_not_null())
    by_tube = raw.group_by("tube_id").agg(
        n=pl.len(),
        only=pl.col("file_sha256").first(),
        names=pl.col("file_sha256").sort().str.slice(0, 12).str.join(", "),
    )
    is_one = pl.col("n") == 1
    return (
        asking.join(gated, on="name", how="inner")
        .join(by_tube, on="tube_id", how="inner", validate="m:1")
        .select(
            *_KEY,
            fcs_sha256=pl.when(is_one).then("only"),
            tube_id="tube_id",
            reason=pl.when(~is_one).then(pl.lit(AMBIGUOUS)),
            detail=pl.when(~is_one).then(pl.format("tube {}: FCS files {}", "tube_id", "names")),
        )
        .cast(PAIRED)  # type: ignore[arg-type]
    )


def _names(samples: pl.DataFrame) -> pl.DataFrame:
    """What a sample goes by: its name and that of its FCS file, without `.fcs`, whatever their capitals."""
    bare = pl.col("name").str.strip_chars().str.to_lowercase().str.replace(r"\.fcs$", "").str.strip_chars()
    told = samples.unpivot(["sample_name", "fcs_name"], index=_KEY, value_name="name")
    return told.select(*_KEY, name=bare).filter(pl.col("name") != "").unique()


def _last_part(column: str) -> pl.Expr:
    return pl.col(column).str.strip_chars().str.to_lowercase().str.extract(r"([^/\\]*)$")


def _differs(keyword: str) -> pl.Expr:
    path = f"$['{keyword}']"
    one, other = (pl.col(name).str.json_path_match(path).str.strip_chars() for name in ("keywords", "keywords_fcs"))
    return (one != other).fill_null(value=False)


def _fits() -> pl.Expr:
    same = (pl.col("n_events") == pl.col("found")) | (pl.col("n_events") == pl.col("declared")).fill_null(value=False)
    return pl.col("n_events").is_null() | same.fill_null(value=False)


def _shared() -> pl.Expr:
    """How many plates, groups and folders both are told to be in."""
    one, other = (pl.col(name).fill_null("").str.to_lowercase().str.split(" | ") for name in ("batches", "batches_fcs"))
    return one.list.set_intersection(other).list.eval(pl.element().filter(pl.element() != "")).list.len()


def findings(paired: pl.DataFrame, samples: pl.DataFrame, matched: pl.DataFrame) -> pl.DataFrame:
    """Samples that no FCS file was taken for, as TUBE_FINDINGS: gating.fcs_ambiguous and gating.fcs_differs.

    Args:
        paired: what `pairs` gives.
        samples: CYTOMETRY_SAMPLES.
        matched: MATCHED_SAMPLES.
    """
    open_ones = paired.filter(pl.col("reason").is_not_null()).rename({"tube_id": "gated_tube"})
    specimens = matched.filter(pl.col("tube_id").is_not_null()).select("tube_id", "specimen_id").unique("tube_id")
    is_of_tube = pl.col("gated_tube").is_not_null()
    name = pl.format("sample {} ({})", "sample_number", "sample_name")
    found = (
        open_ones.join(samples.select(*_KEY, "sample_name"), on=_KEY, how="left", validate="m:1")
        .join(matched.select(*_KEY, "tube_id"), on=_KEY, how="left", validate="m:1")
        .with_columns(tube_id=pl.coalesce("gated_tube", "tube_id"))
        .join(specimens, on="tube_id", how="left", validate="m:1")
        .with_columns(place=pl.when(is_of_tube).then(pl.format("{}, {}", name, "gated_tube")).otherwise(name))
    )
    return TUBE_FINDINGS.conform(found).sort(TUBE_FINDINGS.key)
