"""Tubes of cytometry drawn in tests: one line a population or subset of one tube."""

from __future__ import annotations

from datetime import date

import polars as pl

from expectations.computed import VISITED_SPECIMENS
from expectations.computed_cytometry import ACQUISITION_QUALITY, GATE_AGREEMENT, MATCHED_SAMPLES, TUBE_POPULATIONS
from expectations.cytometry_in import CYTOMETRY_SAMPLES, HLA_TYPING
from expectations.ingested import BLOOD_COUNTS
from expectations.records import FILES, MIMOSA_FITS
from expectations.study import StudySettings
from tests.drawing import table
from transforms.cytometry_responses import cytometry_responses

CONTROLS = {"medium": "medium", "DMSO": "DMSO"}
MULTIMERS = [{"antigen": "A", "hla": "A*02:01", "population": "CD8", "gates": ["tet+"]}]
DAY = date(2020, 3, 1)


def study(rules: dict | None = None, **cytometry) -> StudySettings:
    """Antigens A and B against medium, C against DMSO; positive control SEB; CD8 and CD4; IFNg is called.

    IFNg and TNF are the functions.
    """
    return StudySettings.model_validate(
        {
            "study": {"id": "T"},
            "visits": [{"name": "Baseline", "day": 0, "window": [-60, 0]}],
            "antigens": [
                {"name": "A", "role": "tumour"},
                {"name": "B", "role": "viral"},
                {"name": "C", "role": "tumour", "control": "DMSO"},
            ],
            "controls": {"matched": {"DMSO": []}, "positive": ["SEB"]},
            "persistence": {"landmarks": [{"day": 30}]},
            "corrections": {"cytometry": "hold"},
            "cytometry": {
                "populations": [
                    {"name": "CD8", "paths": ["CD8+"], "counted_as": "CD8"},
                    {"name": "CD4", "paths": ["CD4+"]},
                    {"name": "L", "paths": ["L"], "counted_as": "lymphocytes"},
                ],
                "markers": {"IFNg": [], "TNF": []},
                "readouts": ["IFNg"],
                "rules": rules or {},
                **cytometry,
            },
        }
    )


def drawn_tubes(drawing: str, **tables: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Every table responses are made of, from a drawing with columns stimulus and count, and others of `defaults`.

    `multimer` as stimulus is a tube stained with multimers. A count is a number, `40%`, or a reason.
    """
    defaults = {
        "specimen": "S", "batch": "b1", "tube": None, "population": "CD8", "subset": "IFNg+", "parent": 100_000,
        "lymphocytes": None, "acquired": DAY, "file": "f", "is_sum": False, "path": None, "material": "blood",
    }  # fmt: skip
    rows = []
    for line in table(drawing).with_columns(pl.col("count").cast(pl.String)).to_dicts():
        one = defaults | {name: value for name, value in line.items() if value is not None}
        name = one["tube"] or f"{one['specimen']}/{one['batch']}/{one['stimulus']}"
        rows.append(one | {"tube_id": name} | _meaning(one["stimulus"]) | _count(one["count"], one["parent"]))
    tubes = pl.DataFrame(rows, infer_schema_length=None).with_columns(
        specimen_id="specimen", lymphocyte_count="lymphocytes", file_sha256="file", population_path="path"
    )
    numbered = tubes.select("tube_id").unique(maintain_order=True).with_row_index("sample_number", offset=1)
    tubes = tubes.join(numbered, on="tube_id", how="left", validate="m:1").with_columns(
        is_regated=False, n_files=1, counts_differ=False, place=pl.lit("row"),
        source=pl.lit("long_csv"), sample_name="tube_id", matched_by=pl.lit("cytometry_tubes"),
        acquisition_date="acquired", population_path=pl.col("population_path").cast(pl.String).fill_null("path"),
    )  # fmt: skip
    samples = tubes.unique("tube_id", keep="first", maintain_order=True)
    return {
        "tube_populations": TUBE_POPULATIONS.conform(tubes).sort(TUBE_POPULATIONS.key),
        "matched_samples": _filled(samples.drop("reason"), MATCHED_SAMPLES),
        "cytometry_samples": _filled(samples.drop("reason"), CYTOMETRY_SAMPLES),
        "visited_specimens": visited(samples.select("specimen_id", "material").unique().rows()),
        "files": _filled(samples.select("file_sha256").unique().sort("file_sha256").with_row_index("arrival"), FILES),
        "hla_typing": HLA_TYPING.empty(),
        "blood_counts": BLOOD_COUNTS.empty(),
        "mimosa_fits": MIMOSA_FITS.empty(),
        "acquisition_quality": ACQUISITION_QUALITY.empty(),
        "gate_agreement": GATE_AGREEMENT.empty(),
        **tables,
    }


def visited(specimens: list[tuple[str, str]], viability: float | None = None) -> pl.DataFrame:
    """VISITED_SPECIMENS at Baseline of subject P1, or of the subject a specimen's name starts with (`P2-W4`)."""
    rows = [
        {
            "specimen_id": specimen, "subject_id": specimen.partition("-")[0] if "-" in specimen else "P1",
            "material": material, "collection_date": DAY, "study_day": 0,
            "visit": "infusion product" if material == "infusion_product" else "Baseline",
            "is_baseline_candidate": True, "viability_percent": viability,
        }
        for specimen, material in sorted(specimens)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=VISITED_SPECIMENS.schema)


def typed(*alleles: str, subject: str = "P1", copies: int | None = None) -> pl.DataFrame:
    """HLA_TYPING of one subject."""
    rows = [
        {"subject_id": subject, "allele": allele, "copies": copies, "file_sha256": "h", "place": "row"}
        for allele in alleles
    ]
    return pl.DataFrame(rows, schema=HLA_TYPING.schema)


def one(t: dict[str, pl.DataFrame], asked: StudySettings | None = None, rule: str = "fisher", **key) -> dict:
    """The only response of the rule (and key)."""
    rows = cytometry_responses(t, asked or study()).filter(rule=rule, **key)
    assert rows.height == 1
    return rows.row(0, named=True)


def told(row: dict) -> tuple:
    return row["call"], row["reason"], row["quality_flags"]


def _meaning(stimulus: str) -> dict[str, str | None]:
    if stimulus == "multimer":
        return {"stimulus": None, "tube_role": "multimer", "antigen": None, "control": None}
    if stimulus == "SEB":
        return {"tube_role": "positive_control", "antigen": None, "control": None}
    if stimulus in CONTROLS:
        return {"tube_role": "negative_control", "antigen": None, "control": stimulus}
    return {"tube_role": "antigen", "antigen": stimulus, "control": "DMSO" if stimulus == "C" else "medium"}


def _count(told: str, parent: int) -> dict[str, object]:
    if told.endswith("%"):
        status, count, percent, reason = "percent_only", None, float(told[:-1]), "percent_only"
    elif told.isdigit():
        status, count, percent, reason = "counted", int(told), 100 * int(told) / parent if parent else None, None
    else:
        status, count, percent, reason = "never_computed", None, None, told
    return {"status": status, "count": count, "parent_count": parent, "percent": percent, "reason": reason}


def _filled(frame: pl.DataFrame, contract) -> pl.DataFrame:
    missing = [
        pl.lit(None, dtype=dtype).alias(name) for name, dtype in contract.schema.items() if name not in frame.columns
    ]
    return contract.conform(frame.with_columns(missing))
