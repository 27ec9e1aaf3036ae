"""Flow cytometry of the sample study: tubes of ICS and multimers, their counts, files, fits and what does not fit."""

# ruff: noqa: E501 - one row, one line

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl

from expectations.tables import TABLES
from tests.drawing import table
from tests.published_sample import publish
from tests.published_sample_cohort import (
    ANTIGENS,
    COHORT,
    COURSES,
    DAY_ZERO,
    VISITS,
    filled,
    responses,
    settings_rows,
)
from tests.published_sample_outcomes import outcome_tables
from tests.published_sample_plates import plate_tables
from tests.published_sample_records import record_tables

BATCH: Final = "day 1"
SERIES: Final = (("CD8", "IFNg", 1.0), ("CD8", "TNF", 0.6), ("CD4", "IFNg", 0.3))
"""Population, readout, and its percentages as a share of those of the first."""
PARENT: Final = 40_000
MULTIMERS: Final = (("MART-1", "A*02:01"), ("NY-ESO-1", "A*02:01"))
CHANGED: Final = {
    "cytometry.populations": [
        {"name": "CD8", "paths": ["CD3+/CD8+"], "counted_as": "CD8"},
        {"name": "CD4", "paths": ["CD3+/CD4+"], "counted_as": "CD4"},
    ],
    "cytometry.markers": {"IFNg": ["IFN-g"], "TNF": ["TNFa"]},
    "cytometry.multimers": [
        {"antigen": antigen, "hla": hla, "population": "CD8", "gates": [f"{antigen} tet+"]}
        for antigen, hla in MULTIMERS
    ],
    "cytometry.rules.mimosa.pool_visits": False,
    "cytometry.gating.tolerance_events": 2,
}
WSP, FCS, TABLE = "a1" * 32, "b2" * 32, "c3" * 32
"""A workspace, an FCS file and a table of statistics."""
P01: Final = "P01-week 2"
"""The specimen whose tubes are all there."""


def cytometry_settings() -> pl.DataFrame:
    """The sample's settings with populations, markers and multimers."""
    rows = dict((name, (value, default)) for name, value, default in settings_rows())
    rows |= {name: (value, False) for name, value in CHANGED.items()}
    told = [(name, json.dumps(value), default) for name, (value, default) in rows.items()]
    return pl.DataFrame(told, schema=["setting", "value", "is_default"], orient="row")


def cytometry_study(path: Path, **frames: pl.DataFrame) -> Path:
    """The published file of the sample with both assays; frames replace tables of it."""
    measured = responses()
    known = record_tables()
    given = {
        **outcome_tables(measured),
        **known,
        **plate_tables(),
        **cytometry_tables(),
        "responses": pl.concat([measured, cytometry_responses()]),
        "settings": cytometry_settings(),
        "files": pl.concat([known["files"], files()]),
    }
    return publish(path, given | frames)


def cytometry_tables() -> dict[str, pl.DataFrame]:
    """Every table of cytometry but responses, settings and files."""
    return {
        **tubes(),
        "tube_findings": tube_findings(),
        "gate_agreement": gate_agreement(),
        "acquisition_quality": acquisition_quality(),
        "cytometry_files": cytometry_files(),
        "cytometry_channels": table("channel_number | channel | stain\n1 | FSC-A |\n2 | B515-A | IFNg", TABLES["cytometry_channels"], file_sha256=FCS, data_set=1),
        "mimosa_fits": mimosa_fits(),
        "polyfunctionality": polyfunctionality(),
        "reactive_cells": reactive_cells(),
        "hla_typing": hla_typing(),
        "blood_counts": table("count_date | lymphocytes_per_ul | cd8_per_ul | place\n2009-03-15 | 800 | 300 | line 4", TABLES["blood_counts"], subject_id="P01", file_sha256="2b" * 32),
        "specimens": table(f"specimen_id | subject_id | place\n{P01} | P01 | line 12", TABLES["specimens"], file_sha256=f"{22:064x}"),
    }  # fmt: skip


def files() -> pl.DataFrame:
    """Their files in the inbox."""
    return table(
        f"""
        file_sha256 | path                        | format            | size_bytes
        {WSP}       | cytometry/day 1.wsp         | flowjo_workspace  | 81000
        {FCS}       | cytometry/P01_MART-1.fcs    | fcs               | 4000000
        {TABLE}     | cytometry/day 1 <table>.csv | flowjo_table      | 900
        {'2b' * 32} | reference/blood counts.csv  | reference_table   | 700
        """,
        TABLES["files"],
        state="accepted", reason="accepted.whole", arrival=2, first_run_id="2012-03-01T0615-0002", n_rows=10, n_rejects=0,
    )  # fmt: skip


def cytometry_responses() -> pl.DataFrame:
    """ICS of three series under both rules, and multimers; P03 is typed otherwise, P05 is not typed."""
    rows = [row for subject in COHORT.iter_rows(named=True) for row in _responses_of(subject)]
    return filled("responses", pl.DataFrame(rows, infer_schema_length=None))


def _responses_of(subject: dict[str, Any]) -> list[dict[str, Any]]:
    number = int(subject["subject_id"][1:])
    courses = dict(zip(("MART-1", "gp100", "NY-ESO-1"), (subject[c] for c in ("mart", "gp", "ny")), strict=True))
    rows = []
    for antigen, role in ANTIGENS:
        course = COURSES[courses.get(antigen, "steady")]
        for (visit, day, _, _), share in zip((*VISITS, ("infusion product", 0, 0, 0)), (*course, 3.0), strict=True):
            day_drawn = day + number % 5 - 2 if visit != "infusion product" else 0
            if day_drawn > subject["last_day"] or (number + day) % 7 == 0:
                continue
            base = share * subject["peak"] / 2000
            place = _place(subject["subject_id"], visit, day_drawn, antigen, role)
            for population, readout, scale in SERIES:
                for rule in ("fisher", "mimosa"):
                    rows.append(place | _ics(place, population, readout, rule, base * scale))
            if antigen in dict(MULTIMERS):
                rows.append(place | _multimer(place, base))
    return rows


def _place(subject: str, visit: str, day: int, antigen: str, role: str) -> dict[str, Any]:
    is_product = visit == "infusion product"
    return {
        "specimen_id": f"{subject}-{'IP' if is_product else visit}", "subject_id": subject, "visit": visit,
        "material": "infusion_product" if is_product else "blood", "study_day": day, "assay": "cytometry",
        "collection_date": DAY_ZERO + timedelta(days=day), "plate_id": BATCH, "antigen": antigen, "antigen_role": role,
        "is_reported": True, "n_antigen_wells": 1, "n_control_wells": 1, "rule_version": "1", "quality_flags": "",
    }  # fmt: skip


def _ics(place: dict[str, Any], population: str, readout: str, rule: str, percent: float) -> dict[str, Any]:
    """Percentages of 40 000 cells; the unstimulated tube has 8 positive ones."""
    count = max(0, round(PARENT * percent / 100) + 8)
    net = 100 * (count - 8) / PARENT
    call = "positive" if count >= (28 if rule == "fisher" else 20) else "negative"
    has_blood = place["material"] == "blood" and place["visit"] != "month 1"
    return {
        "response_key": f"{place['specimen_id']}/{BATCH}/{place['antigen']}/{population}/{readout}/{rule}",
        "population": population, "readout": readout, "rule": rule, "is_primary_rule": rule == "fisher",
        "rule_parameters": '{"alpha": 1e-05}' if rule == "fisher" else '{"max_fdr": 0.01}', "control": "medium",
        "stimulated_count": count, "stimulated_parent_count": PARENT, "unstimulated_count": 8, "unstimulated_parent_count": PARENT,
        "unit": f"% of {population}", "antigen_mean": 100 * count / PARENT, "control_mean": 0.02, "net_value": net,
        "net_lower": net, "net_upper": net, "lod": 0.016, "is_below_lod": net < 0.016,
        "net_per_ul": net * 3 if has_blood else None,
        "blood_count_date": place["collection_date"] + timedelta(days=1) if has_blood else None,
        "statistic": count / 8 if rule == "fisher" else 0.999, "p_value_adjusted": 1e-7 if call == "positive" else 0.4,
        "fit_version": 1 if rule == "mimosa" else None, "call": call, "reason": None,
    }  # fmt: skip


def _multimer(place: dict[str, Any], percent: float) -> dict[str, Any]:
    count = max(0, round(PARENT * percent / 100))
    reason = {"P03": "hla_mismatch", "P05": "hla_unknown"}.get(place["subject_id"])
    return {
        "response_key": f"{place['specimen_id']}/{BATCH}/{place['antigen']}/CD8/multimer/multimer_events",
        "population": "CD8", "readout": "multimer", "rule": "multimer_events", "is_primary_rule": True, "rule_parameters": "{}",
        "stimulated_count": count, "stimulated_parent_count": PARENT, "unit": "% of CD8",
        "antigen_mean": 100 * count / PARENT, "net_value": 100 * count / PARENT, "net_lower": 100 * count / PARENT,
        "net_upper": 100 * count / PARENT, "lod": 0.025, "is_below_lod": count < 10, "statistic": float(count),
        "call": "not_evaluable" if reason else "positive" if count >= 10 else "negative", "reason": reason,
    }  # fmt: skip


def tubes() -> dict[str, pl.DataFrame]:
    """Three tubes of P01 at week 2 as a workspace, a table and an FCS file tell of them; two samples are no tubes."""
    samples = table(
        f"""
        file_sha256 | sample_number | sample_name    | source           | software_version | saved_at            | tube_id     | specimen_id | stimulus | tube_role        | antigen | control | matched_by      | reason
        {WSP}       | 1             | P01_MART-1.fcs | flowjo_workspace | FlowJo 10.8      | 2012-02-20T10:00:00 | P01-T1      | {P01}       | MART-1   | antigen          | MART-1  | medium  | cytometry_tubes |
        {WSP}       | 2             | P01_medium.fcs | flowjo_workspace | FlowJo 10.8      | 2012-02-20T10:00:00 | P01-T2      | {P01}       | medium   | negative_control |         | medium  | cytometry_tubes |
        {WSP}       | 3             | P01_tet.fcs    | flowjo_workspace | FlowJo 10.8      | 2012-02-20T10:00:00 | P01-T3      | {P01}       |          | multimer         |         |         | cytometry_tubes |
        {WSP}       | 4             | P99_tet.fcs    | flowjo_workspace | FlowJo 10.8      | 2012-02-20T10:00:00 |             |             |          |                  |         |         |                 | tube.unmatched
        {TABLE}     | 1             | P01_MART-1.fcs | flowjo_table     | FlowJo 10.7      | 2012-02-18T10:00:00 | P01-T1      | {P01}       | MART-1   | antigen          | MART-1  | medium  | cytometry_tubes |
        {TABLE}     | 2             | P98_CMV.fcs    | flowjo_table     | FlowJo 10.7      | 2012-02-18T10:00:00 |             |             | CMV      |                  |         |         |                 | tube.unmatched
        {FCS}       | 1             | P01_MART-1.fcs | fcs              |                  |                     | P01-T1      | {P01}       | MART-1   | antigen          | MART-1  | medium  | cytometry_tubes |
        """,
        place="sample",
    ).with_columns(
        pl.col("saved_at").str.to_datetime(),
        batch=pl.when(pl.col("tube_id").is_not_null()).then(pl.lit(BATCH)),
        gates_set_by=pl.when(pl.col("tube_role") == "multimer").then(pl.lit("FMO")),
    )
    counts = table(
        f"""
        file_sha256 | sample_number | population_path                  | status      | count | percent_of_parent
        {WSP}       | 1             | CD3+/CD8+                        | counted     | 40000 | 30
        {WSP}       | 1             | CD3+/CD8+/IFN-g+TNFa+            | counted     | 30    | 0.08
        {WSP}       | 1             | CD3+/CD8+/IFN-g+TNFa-            | counted     | 158   | 0.4
        {WSP}       | 1             | CD3+/NK                          | counted     | 900   | 2
        {WSP}       | 2             | CD3+/CD8+                        | counted     | 40000 | 30
        {WSP}       | 2             | CD3+/CD8+/IFN-g+                 | counted     | 8     | 0.02
        {WSP}       | 3             | CD3+/CD8+                        | counted     | 40000 | 30
        {WSP}       | 3             | CD3+/CD8+/MART-1 tet+            | counted     | 180   | 0.45
        {TABLE}     | 1             | CD3+/CD8+                        | counted     | 39990 | 30
        {TABLE}     | 2             | CD3+/CD8+                        | percent_only |      | 31
        """,
        TABLES["cytometry_counts"],
        place="sample",
    )
    paths = table(
        """
        population_path       | population | subset         | is_mapped | reason              | n_samples | n_files
        CD3+                  |            |                | false     | population.unmapped | 6         | 2
        CD3+/CD8+             | CD8        |                | true      |                     | 5         | 2
        CD3+/CD8+/IFN-g+      | CD8        | IFNg+          | true      |                     | 1         | 1
        CD3+/CD8+/IFN-g+TNFa+ | CD8        | IFNg+TNF+      | true      |                     | 1         | 1
        CD3+/CD8+/IFN-g+TNFa- | CD8        | IFNg+TNF-      | true      |                     | 1         | 1
        CD3+/CD8+/MART-1 tet+ | CD8        | MART-1 A*02:01 multimer+ | true    |                     | 1         | 1
        CD3+/NK               |            |                | false     | population.unmapped | 1         | 1
        """,
        TABLES["population_paths"],
        example_sha256=WSP,
    ).with_columns(pl.when("is_mapped").then(pl.col("subset").fill_null("")).alias("subset"))
    populations = table(
        """
        tube_id | subset           | tube_role        | population_path       | count | is_sum | sample_number | counts_differ | n_files
        P01-T1  |                  | antigen          | CD3+/CD8+             | 40000 | false  | 1             | true          | 2
        P01-T1  | IFNg+            | antigen          | CD3+/CD8+             | 188   | true   | 1             | false         | 1
        P01-T1  | IFNg+TNF+        | antigen          | CD3+/CD8+/IFN-g+TNFa+ | 30    | false  | 1             | false         | 1
        P01-T1  | IFNg+TNF-        | antigen          | CD3+/CD8+/IFN-g+TNFa- | 158   | false  | 1             | false         | 1
        P01-T2  |                  | negative_control | CD3+/CD8+             | 40000 | false  | 2             | false         | 1
        P01-T2  | IFNg+            | negative_control | CD3+/CD8+/IFN-g+      | 8     | false  | 2             | false         | 1
        P01-T3  |                  | multimer         | CD3+/CD8+             | 40000 | false  | 3             | false         | 1
        P01-T3  | MART-1 A*02:01 multimer+ | multimer         | CD3+/CD8+/MART-1 tet+ | 180   | false  | 3             | false         | 1
        """,
        TABLES["tube_populations"],
        specimen_id=P01, batch=BATCH, population="CD8", status="counted", parent_count=PARENT, file_sha256=WSP,
        is_regated=False, place="sample",
    ).with_columns(pl.col("subset").fill_null(""), percent=100 * pl.col("count") / PARENT)  # fmt: skip
    return {
        "cytometry_samples": filled("cytometry_samples", samples),
        "matched_samples": filled("matched_samples", samples),
        "cytometry_counts": counts,
        "population_paths": paths,
        "tube_populations": populations,
    }


def tube_findings() -> pl.DataFrame:
    """Three reasons in two files."""
    return table(
        f"""
        reason                   | file_sha256 | place                          | tube_id | detail
        tube.unmatched           | {WSP}       | sample 4 (P99_tet.fcs)         |         | in no row of cytometry_tubes
        tube.unmatched           | {TABLE}     | sample 2 (P98_CMV.fcs)         |         | in no row of cytometry_tubes
        population.unmapped      | {WSP}       | CD3+/NK                        |         | in 1 sample, not used
        population.counts_differ | {WSP}       | P01-T1: CD8                    | P01-T1  | 40000 (FlowJo 10.8) used; 39990 (FlowJo 10.7)
        count.percent_only       | {TABLE}     | CD3+/CD8+                      |         | percentages without counts in 1 sample
        """,
        TABLES["tube_findings"],
    )


def gate_agreement() -> pl.DataFrame:
    """Rectangles that agree, polygons of which one does not, and a gate that could not be applied."""
    return table(
        """
        population_path       | gate_type | count_stored | count_regated | difference | difference_percent | tolerance_percent | agrees | reason
        CD3+                  | polygon   | 130000       | 130400        | 400        | 0.3067             | 1                 | true   |
        CD3+/CD8+             | polygon   | 40000        | 38000         | -2000      | 5                  | 1                 | false  |
        CD3+/CD8+/IFN-g+TNFa+ | rectangle | 30           | 31            | 1          | 3.2258             | 0.1               | true   |
        CD3+/CD8+/IFN-g+TNFa- | rectangle | 158          | 158           | 0          | 0                  | 0.1               | true   |
        CD3+/B                | rectangle | 0            | 0             | 0          | 0                  | 0.1               | true   |
        CD3+/NK               | other     | 900          |               |            |                    | 0.1               |        | gating.unsupported
        """,
        TABLES["gate_agreement"],
        file_sha256=WSP, sample_number=1, sample_name="P01_MART-1.fcs", fcs_sha256=FCS, tube_id="P01-T1",
        software_version="FlowJo 10.8", stored_status="counted", engine="perdure 0.3.0",
    )  # fmt: skip


def acquisition_quality() -> pl.DataFrame:
    """One measure beyond its limit."""
    return table(
        """
        measure        | channel | value | largest_allowed | passes
        time_gap       |         | 1.5   | 5               | true
        flow_rate_jump |         | 3.25  | 2               | false
        margin_events  | B515-A  | 0.4   | 5               | true
        margin_events  | FSC-A   | 1.1   | 5               | true
        """,
        TABLES["acquisition_quality"],
        file_sha256=FCS, data_set=1, sample_name="P01_MART-1.fcs", tube_id="P01-T1",
    ).with_columns(pl.col("channel").fill_null(""))  # fmt: skip


def cytometry_files() -> pl.DataFrame:
    """One FCS file with a remark."""
    return table(
        "n_events | n_events_declared | remarks\n131072 | 131072 | $P2N is empty; the channel is called 2",
        TABLES["cytometry_files"],
        file_sha256=FCS, data_set=1, sample_name="P01_MART-1.fcs", fcs_version="FCS3.1", n_channels=18, data_type="float",
        decoded_by="memory map", cytometer="LSRII", acquisition_date=date(2012, 2, 10), has_compensation=True, place="data set 1",
    )  # fmt: skip


def mimosa_fits() -> pl.DataFrame:
    """A sound fit in its second version, a weak one, and one with too few specimens."""
    return table(
        """
        antigen  | subset | visit            | version | w_response | alpha_s | beta_s | alpha_u | beta_u | is_weak | n_specimens
        MART-1   | IFNg+  | week 2           | 1       | 0.6        | 2       | 900    | 5       | 20000  | true    | 15
        MART-1   | IFNg+  | week 2           | 2       | 0.62       | 2.1     | 910    | 5       | 20100  | false   | 15
        gp100    | IFNg+  | week 2           | 1       | 0.1        | 3e6     | 9e9    | 5       | 20000  | true    | 14
        NY-ESO-1 | IFNg+  | infusion product | 0       |            |         |        |         |        |         | 7
        """,
        TABLES["mimosa_fits"],
        population="CD8", estimated_on=date(2012, 3, 1), input_sha256="ee", run_id="2012-03-01T0615-0002",
    )  # fmt: skip


def polyfunctionality() -> pl.DataFrame:
    """A score beside every response of CD8 IFNg; one specimen lacks subsets."""
    same = cytometry_responses().filter(population="CD8", readout="IFNg", rule="fisher", material="blood")
    is_lost = pl.col("specimen_id") == "P02-week 2"
    score = (pl.col("net_value") / 0.6).clip(0, 1)
    return filled(
        "polyfunctionality",
        same.with_columns(
            batch="plate_id",
            markers=pl.lit("IFNg, TNF"),
            functionality_score=pl.when(~is_lost).then(score * 0.8),
            polyfunctionality_score=pl.when(~is_lost).then(score * 0.9),
            reason=pl.when(is_lost).then(pl.lit("subsets_missing")),
        ),
    )


def reactive_cells() -> pl.DataFrame:
    """Infused cells by ELISpot, by CD8 IFNg and by multimers, which P03 cannot be read by."""
    rows = []
    for subject in COHORT.iter_rows(named=True):
        for assay, population, readout, scale in (
            ("elispot", "all cells", "IFNg", 1.0),
            ("cytometry", "CD8", "IFNg", 2.2),
            ("cytometry", "CD8", "multimer", 0.7),
        ):
            cells = (
                None
                if subject["cells"] is None or (readout, subject["subject_id"]) == ("multimer", "P03")
                else subject["cells"] * scale
            )
            is_below = subject["is_below"] and assay == "elispot"
            rows.append({
                "subject_id": subject["subject_id"], "specimen_id": f"{subject['subject_id']}-IP", "assay": assay,
                "population": population, "readout": readout, "antigens": "MART-1, gp100, NY-ESO-1",
                "total_viable_cells": 5e10, "parent_fraction": 1.0 if assay == "elispot" else 0.6,
                "reactive_cells": cells, "reactive_cells_lower": None if cells is None else 0.0 if is_below else cells * 0.7,
                "reactive_cells_upper": None if cells is None else cells * 1.4, "reactive_cells_lod": 6.5e7, "is_below_lod": is_below,
                "is_lower_bound": (assay, subject["subject_id"]) == ("elispot", "P02"), "reason": None if cells else "no_product_result",
            })  # fmt: skip
    return filled("reactive_cells", pl.DataFrame(rows, infer_schema_length=None))


def hla_typing() -> pl.DataFrame:
    """All but P05 are typed, P03 without A*02."""
    rows = [
        {"subject_id": subject, "allele": "A*01:01" if subject == "P03" else "A*02:01", "place": f"line {n}", "file_sha256": "2c"}
        for n, subject in enumerate(COHORT["subject_id"], start=2)
        if subject != "P05"
    ]  # fmt: skip
    return filled("hla_typing", pl.DataFrame(rows))
