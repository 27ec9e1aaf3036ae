"""Samples of flow cytometry drawn in tests, their counts, and all that is computed up to tube_findings."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from expectations.computed_cytometry import GATE_AGREEMENT
from expectations.cytometry_in import ACQUISITION_MEASURES, CYTOMETRY_COUNTS, CYTOMETRY_SAMPLES, CYTOMETRY_TUBES
from expectations.ingested import SPECIMENS
from expectations.records import REGATED_COUNTS
from expectations.study import StudySettings
from tests.drawing import table
from transforms.acquisition_quality import acquisition_quality
from transforms.cytometry_matching import matched_samples
from transforms.cytometry_populations import tube_populations
from transforms.gating_pairs import PAIRED
from transforms.population_vocabulary import paths
from transforms.tube_findings import tube_findings

SPECIMENS_HELD: Final = table("specimen_id | subject_id\n S1 | P1\n S2 | P2", SPECIMENS)

CYTOMETRY: Final[dict[str, Any]] = {
    "populations": [
        {"name": "CD8", "paths": ["CD3+/CD8+", "3+/8+"], "counted_as": "CD8"},
        {"name": "CD4", "paths": ["CD3+/CD4+", "3+/4+"], "counted_as": "CD4"},
        {"name": "lymphocytes", "paths": ["Ly"], "counted_as": "lymphocytes"},
    ],
    "markers": {"IFNg": ["IFN-g", "PE-Cy7 IFNg"], "IL2": ["2"], "IL22": ["22"], "TNF": ["TNFa", "TNF-a"]},
}
"""Without multimers: a tube without a stimulus is none."""

MULTIMERS: Final[dict[str, Any]] = {
    "multimers": [{"antigen": "MART-1", "hla": "A*02:01", "gates": ["Tet+", "Multimers/M1+"]}]
}


def study(*, corrections: str = "newest", **cytometry: Any) -> StudySettings:
    """MART-1 (tumour) against medium, gp100 (tumour) against DMSO, CMV; CYTOMETRY with `cytometry` changed."""
    return StudySettings.model_validate(
        {
            "study": {"id": "T"},
            "visits": [{"name": "Baseline", "day": 0, "window": [-60, 0]}],
            "antigens": [
                {"name": "MART-1", "role": "tumour", "aliases": ["Melan-A"]},
                {"name": "gp100", "role": "tumour", "control": "DMSO"},
                {"name": "CMV", "role": "viral"},
            ],
            "controls": {
                "negative": ["medium", "RPMI"],
                "matched": {"DMSO": []},
                "positive": ["SEB"],
                "unused": ["beads"],
            },
            "persistence": {"landmarks": [{"day": 30}]},
            "corrections": {"cytometry": corrections},
            "cytometry": {**CYTOMETRY, **cytometry},
        }
    )


def samples_of(drawing: str, source: str = "flowjo_workspace") -> pl.DataFrame:
    """CYTOMETRY_SAMPLES with columns file, n and name, and others of the table; `/` in batches stands for ` | `."""
    drawn = table(drawing, CYTOMETRY_SAMPLES)
    return CYTOMETRY_SAMPLES.conform(
        drawn.with_columns(
            file_sha256="file",
            sample_number="n",
            sample_name=pl.col("name").cast(pl.String),
            batches=pl.col("batches").str.replace_all("/", " | ", literal=True),
            source=pl.col("source").fill_null(source),
            place=pl.format("sample {}", "n"),
        )
    )


def counts_of(drawing: str) -> pl.DataFrame:
    """CYTOMETRY_COUNTS with columns file, n, path and told: a count, or `12.5%`, `never`, `stale`, `-`.

    `¦` in a path stands for `|`.
    """
    words = {"never": "never_computed", "stale": "stale", "-": "not_counted"}
    rows = []
    for line in table(drawing).with_columns(pl.all().cast(pl.String)).to_dicts():
        told, path = line["told"], (line["path"] or "").replace("¦", "|")
        status = words.get(told, "percent_only" if told.endswith("%") else "counted")
        rows.append(
            {
                "file_sha256": line["file"],
                "sample_number": int(line["n"]),
                "population_path": path,
                "status": status,
                "count": int(told) if status == "counted" else None,
                "percent_of_parent": float(told[:-1]) if status == "percent_only" else None,
                "gate_type": None,
                "place": f"{line['n']}:{path}",
            }
        )
    return CYTOMETRY_COUNTS.conform(pl.DataFrame(rows, schema=CYTOMETRY_COUNTS.schema))


def tubes_of(drawing: str) -> pl.DataFrame:
    """CYTOMETRY_TUBES."""
    return table(drawing, CYTOMETRY_TUBES, file_sha256="t", place="line")


NO_TUBES: Final = CYTOMETRY_TUBES.empty()


def computed(settings: StudySettings, arrivals: dict[str, int] | None = None, **given: pl.DataFrame) -> dict[str, Any]:
    """Every table of this part from those given; files arrive by the alphabet unless told otherwise."""
    t = {
        "cytometry_tubes": NO_TUBES,
        "cytometry_samples": CYTOMETRY_SAMPLES.empty(),
        "cytometry_counts": CYTOMETRY_COUNTS.empty(),
        "regated_counts": REGATED_COUNTS.empty(),
        "gate_agreement": GATE_AGREEMENT.empty(),
        "acquisition_measures": ACQUISITION_MEASURES.empty(),
        "specimens": SPECIMENS_HELD,
        "paired_samples": pl.DataFrame(schema=PAIRED),
        **given,
    }
    files = sorted(set(t["cytometry_samples"]["file_sha256"]))
    order = arrivals or {file: number for number, file in enumerate(files, start=1)}
    arrived = pl.DataFrame(list(order.items()), schema={"file_sha256": pl.String, "arrival": pl.Int64}, orient="row")
    told = t["cytometry_samples"]
    t["matched_samples"] = matched_samples(told, t["cytometry_tubes"], SPECIMENS_HELD, settings)
    t["population_paths"] = paths(t["cytometry_counts"], t["regated_counts"], settings.cytometry)
    t["tube_populations"] = tube_populations(t, arrived, settings)
    t["acquisition_quality"] = acquisition_quality(t["acquisition_measures"], told, t["matched_samples"], settings)
    t["tube_findings"] = tube_findings(t, settings)
    return t
