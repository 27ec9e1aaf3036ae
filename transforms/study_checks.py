"""Quality checks that no single table can show: what the study's tables say when they are laid beside each other."""

from __future__ import annotations

import json
from typing import Any, Final

import polars as pl

from expectations.records import CHECK_COLUMNS, QUALITY_CHECKS
from expectations.study import StudySettings
from expectations.tables import TABLES
from transforms.checking import Finding, Judge, StudyCheck, Tables, finding, spelled
from transforms.clinical_checks import CLINICAL_CHECKS
from transforms.control_baselines import CHART
from transforms.layouts import LAYOUT, WELL
from transforms.mimosa_checks import stale_fits
from transforms.plate_findings import (
    antigens_without_control,
    wells_to_count,
    wells_without_count,
    wells_without_layout,
)
from transforms.tube_checks import TUBE_CHECKS
from transforms.visits import UNSCHEDULED

_CHART_WORDS: Final = ("measure", "sample", "instrument", "analyte", "version", "n_plates", "n_now")

N_EXAMPLES: Final = 5
"""Keys shown of what broke a check; the result holds them all."""

STALE_SHARE: Final = 0.5
"""An estimate that rests on less than this share of the wells there are now is older than the data."""

LAID: Final = "layouts"
"""Under this name stand the effective layouts, beside the tables of the contract."""

_ANTIGEN: Final = ("specimen_id", "plate_id", "analyte", "antigen")


def study_checks(tables: Tables, settings: StudySettings) -> pl.DataFrame:
    """One row a check in CHECK_COLUMNS, all of them warnings.

    Tables are keyed by contract name, and LAID holds the effective layouts as `transforms.layouts` gives them; one that
    is not there is empty. A check of nothing succeeds with n_rows 0: that a table is empty is told by its own suite.
    """
    complete = {name: tables.get(name, contract.empty()) for name, contract in TABLES.items()}
    complete[LAID] = tables.get(LAID, pl.DataFrame(schema=LAYOUT))
    rows = [_told(check, check.judge(complete, settings)) for check in CHECKS]
    schema = {name: QUALITY_CHECKS.schema[name] for name in CHECK_COLUMNS}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("table_name", "check_name")


def _told(check: StudyCheck, finding: Finding) -> dict[str, Any]:
    return {
        "table_name": check.table_name,
        "check_name": check.name,
        "says": check.says,
        "engine": "perdure",
        "severity": "warning",
        "success": not finding.broken,
        "n_rows": finding.n_rows,
        "n_unexpected": len(finding.broken),
        "limit_percent": 0.0,
        "examples": "; ".join(finding.broken[:N_EXAMPLES]) or None,
        "result": json.dumps({"n_rows": finding.n_rows, "unexpected": finding.broken}, sort_keys=True),
    }


def _counted_without_layout(t: Tables, _: StudySettings) -> Finding:
    counted = t["elispot_wells"].filter(pl.col("status") != "not_counted")
    stray = wells_without_layout(counted)
    return finding(counted, stray, spelled("{} {} ({})", *WELL, "analyte"))


def _layout_without_count(t: Tables, settings: StudySettings) -> Finding:
    wells = t["elispot_wells"]
    received = wells_to_count(t[LAID], settings).join(wells, on="plate_id", how="semi")
    return finding(received, wells_without_count(t[LAID], wells, settings), spelled("{} {}", *WELL))


def _plates_never_received(t: Tables, settings: StudySettings) -> Finding:
    plates = wells_to_count(t[LAID], settings).select("plate_id").unique()
    return finding(plates, plates.join(t["elispot_counts"], on="plate_id", how="anti"), pl.col("plate_id"))


def _found(*codes: str) -> Judge:
    """A judge of received plates: those of which plate_findings tells one of these reasons."""

    def judge(t: Tables, _: StudySettings) -> Finding:
        plates = t["elispot_counts"].select("plate_id").unique()
        found = t["plate_findings"].filter(pl.col("reason").is_in(codes)).sort("plate_id", "place")
        told = found.group_by("plate_id").agg(pl.col("place").unique(maintain_order=True).str.join("; "))
        return finding(plates, told, spelled("{} ({})", "plate_id", "place"))

    return judge


def _outside_every_window(t: Tables, _: StudySettings) -> Finding:
    dated = t["visited_specimens"].drop_nulls("study_day")
    stray = dated.filter(visit=UNSCHEDULED)
    return finding(dated, stray, spelled("{} (day {})", "specimen_id", "study_day"))


def _declared_another_visit(t: Tables, _: StudySettings) -> Finding:
    declared = t["visited_specimens"].drop_nulls(["declared_visit", "visit"])
    spelling = (pl.col(name).str.strip_chars().str.to_lowercase() for name in ("declared_visit", "visit"))
    other = declared.filter(pl.Expr.ne(*spelling))
    key = spelled("{} (declared {}, dated {})", "specimen_id", "declared_visit", "visit")
    return finding(declared, other, key)


def _no_evaluable_baseline(t: Tables, settings: StudySettings) -> Finding:
    evaluable = ["positive", "negative"] + ["indeterminate"] * (settings.persistence.indeterminate == "negative")
    called = t["responses"].filter("is_reported", "is_primary_rule", pl.col("call").is_in(evaluable))
    baseline = t["visited_specimens"].filter("is_baseline_candidate").join(called, on="specimen_id", how="semi")
    infused = t["infusion_products"]
    return finding(infused, infused.join(baseline, on="subject_id", how="anti"), pl.col("subject_id"))


def _lymphodepletion_unknown(t: Tables, _: StudySettings) -> Finding:
    infused = t["infusion_products"]
    return finding(infused, infused.filter(pl.col("lymphodepletion_start").is_null()), pl.col("subject_id"))


def _no_follow_up(t: Tables, _: StudySettings) -> Finding:
    enrolled = t["outcomes"]
    return finding(enrolled, enrolled.join(t["follow_up"], on="subject_id", how="anti"), pl.col("subject_id"))


def _no_negative_control(t: Tables, _: StudySettings) -> Finding:
    compared = t["elispot_wells"].filter(well_role="antigen").select(*_ANTIGEN).unique()
    key = spelled("{} on {} ({}, {})", "antigen", "plate_id", "specimen_id", "analyte")
    return finding(compared, antigens_without_control(t["elispot_wells"]), key)


def _absent_for_unknown_reason(t: Tables, _: StudySettings) -> Finding:
    due = t["expected_specimens"].filter(pl.col("specimen_status") != "not_due")
    unexplained = due.filter(specimen_status="absent", reason="unknown")
    return finding(due, unexplained, spelled("{}, {}", "subject_id", "visit"))


def _stale_estimates(t: Tables, settings: StudySettings) -> Finding:
    if settings.elispot.lod is not None:  # then no call rests on an estimate
        return Finding(0, ())
    blanks = t["elispot_wells"].filter(well_role="negative_control", status="counted")
    now = blanks.group_by(pl.col("analyte").alias("readout")).agg(pl.len().alias("n_now"))
    latest = t["estimates"].filter(estimate="limit_of_blank").sort("version").group_by("assay", "readout").last()
    compared = latest.join(now, on="readout", how="left", validate="m:1")
    stale = compared.filter(pl.col("n_wells") < STALE_SHARE * pl.col("n_now"))
    key = spelled("{} version {} ({} of {} wells)", "readout", "version", "n_wells", "n_now")
    return finding(compared, stale, key)


def _plates_out_of_control(t: Tables, _: StudySettings) -> Finding:
    judged = t["plate_quality"].filter(pl.col("trend_status").is_in(["in_control", "warning", "rejected"]))
    rejected = judged.filter(trend_status="rejected")
    return finding(judged, rejected, spelled("{} ({} {}, {})", "plate_id", "measure", "sample", "westgard"))


def _stale_baselines(t: Tables, settings: StudySettings) -> Finding:
    """Limits that rest on fewer plates of the reference period than there are now."""
    first, last = settings.elispot.trend.reference_first, settings.elispot.trend.reference_last
    if first is None:
        return Finding(0, ())
    held = t["control_baselines"].filter(reference_first=first, reference_last=last).sort("version")
    charted = t["plate_quality"].filter("is_reference", pl.col("value_log10").is_not_null())
    now = charted.group_by(CHART).agg(n_now=pl.len())
    compared = held.group_by(CHART).last().join(now, on=CHART, how="left", validate="1:1")
    stale = compared.filter(pl.col("n_plates") != pl.col("n_now"))
    key = spelled("{} {} on {} ({}), version {}: {} of {} plates", *_CHART_WORDS)
    return finding(compared, stale, key)


def _after_death(t: Tables, _: StudySettings) -> Finding:
    """Anything dated after the day of death: one of the two dates is wrong."""
    deaths = t["outcomes"].select("subject_id", "death_date").drop_nulls()
    dated = _dated(t).join(deaths, on="subject_id", how="inner", validate="m:1")
    return finding(
        dated, dated.filter(pl.col("day") > pl.col("death_date")), spelled("{} {} {}", "subject_id", "what", "day")
    )


def _after_last_contact(t: Tables, _: StudySettings) -> Finding:
    """A living subject seen after the last contact: overall survival is censored too early."""
    ends = t["outcomes"].filter(pl.col("death_date").is_null()).select("subject_id", "last_contact_date").drop_nulls()
    dated = _dated(t).join(ends, on="subject_id", how="inner", validate="m:1")
    late = dated.filter(pl.col("day") > pl.col("last_contact_date"))
    return finding(dated, late, spelled("{} {} {}", "subject_id", "what", "day"))


def _dated(t: Tables) -> pl.DataFrame:
    """subject_id, what, day: every date on which a subject was seen."""
    sources = (
        ("specimens", "collection_date", "specimen"),
        ("tumour_assessments", "assessment_date", "assessment"),
        ("lesion_measurements", "assessment_date", "lesion"),
        ("blood_counts", "count_date", "blood count"),
        ("lab_results", "sample_date", "laboratory"),
        ("follow_up", "contact_date", "contact"),
    )
    return pl.concat(
        t[name].select("subject_id", pl.lit(what).alias("what"), pl.col(day).alias("day"))
        for name, day, what in sources
    ).sort("subject_id", "day", "what")


def _infused_before_enrolment(t: Tables, _: StudySettings) -> Finding:
    infused = t["outcomes"].filter("is_infused")
    early = infused.filter(pl.col("infusion_date") < pl.col("enrolment_date"))
    return finding(infused, early, spelled("{} ({})", "subject_id", "infusion_date"))


def _samples_without_tube(t: Tables, _: StudySettings) -> Finding:
    samples = t["matched_samples"]
    key = spelled("{}, sample {} ({})", "sample_name", "sample_number", "reason")
    return finding(samples, samples.filter(pl.col("reason").is_not_null()), key)


def _told_of_tubes(table_name: str, code: str) -> Judge:
    """A judge of a table of cytometry: the places of which tube_findings tells this reason."""

    def judge(t: Tables, _: StudySettings) -> Finding:
        return finding(t[table_name], t["tube_findings"].filter(reason=code), pl.col("place"))

    return judge


CHECKS: Final = (
    *CLINICAL_CHECKS,
    StudyCheck("outcomes", "nothing_after_death", "nothing is dated after a subject's death", _after_death),
    StudyCheck(
        "outcomes",
        "nothing_after_last_contact",
        "no living subject is seen after the last contact",
        _after_last_contact,
    ),
    StudyCheck("outcomes", "enrolled_first", "no subject is infused before enrolment", _infused_before_enrolment),
    StudyCheck("elispot_counts", "has_layout", "every counted well is in a layout", _counted_without_layout),
    StudyCheck("plate_layouts", "has_count", "every well of a received plate has a count", _layout_without_count),
    StudyCheck("plate_layouts", "received", "every plate with a layout has been received", _plates_never_received),
    StudyCheck(
        "plate_layouts",
        "sources_agree",
        "layouts that speak of the same well agree",
        _found("layout.sources_disagree"),
    ),
    StudyCheck(
        "plate_layouts",
        "cells_known",
        "every well of a received plate with a specimen and a stimulus has a number of cells",
        _found("layout.cells_unknown"),
    ),
    StudyCheck(
        "plate_templates",
        "slot_known",
        "every specimen of a received plate is assigned to a slot that its template has",
        _found("layout.slot_unknown"),
    ),
    StudyCheck(
        "instrument_layouts",
        "names_known",
        "donors and stimuli entered at an instrument are known, where no other layout names the well",
        _found("layout.donor_unknown", "layout.stimulus_unknown"),
    ),
    StudyCheck(
        "elispot_counts",
        "one_name_each",
        "no two counts of a plate become one analyte (elispot.analytes)",
        _found("layout.analyte_twice"),
    ),
    StudyCheck("visited_specimens", "in_a_window", "every specimen is in a visit's window", _outside_every_window),
    StudyCheck(
        "visited_specimens", "declared_visit", "the declared visit is that of the date", _declared_another_visit
    ),
    StudyCheck(
        "infusion_products",
        "baseline",
        "every infused subject has an evaluable baseline sample",
        _no_evaluable_baseline,
    ),
    StudyCheck(
        "infusion_products",
        "lymphodepletion_start",
        "the start of lymphodepletion is known; else day 0 alone divides baseline from later samples",
        _lymphodepletion_unknown,
    ),
    StudyCheck("outcomes", "has_follow_up", "every subject has follow-up", _no_follow_up),
    StudyCheck(
        "elispot_wells",
        "has_negative_control",
        "every antigen has an evaluable well of its negative control, of its specimen and analyte, on its plate",
        _no_negative_control,
    ),
    StudyCheck(
        "elispot_wells",
        "one_control",
        "all wells of one antigen and specimen on a plate are compared with one control",
        _found("layout.control_ambiguous"),
    ),
    StudyCheck(
        "expected_specimens", "absence_explained", "the reason of every absence is known", _absent_for_unknown_reason
    ),
    StudyCheck(
        "estimates",
        "up_to_date",
        "the limit of blank rests on at least half of the negative-control wells there are now",
        _stale_estimates,
    ),
    StudyCheck(
        "mimosa_fits",
        "up_to_date",
        "mixtures rest on at least half of the specimens that could enter now (--re-estimate renews them)",
        lambda t, settings: Finding(*stale_fits(t, settings, STALE_SHARE)),
    ),
    StudyCheck("plate_quality", "in_control", "no plate is rejected by a control chart", _plates_out_of_control),
    StudyCheck(
        "control_baselines",
        "up_to_date",
        "the limits of control charts rest on all plates of the reference period (--re-estimate renews them)",
        _stale_baselines,
    ),
    StudyCheck("matched_samples", "has_tube", "every sample is one tube", _samples_without_tube),
    *(
        StudyCheck(table_name, name, says, _told_of_tubes(table_name, code))
        for table_name, name, says, code in TUBE_CHECKS
    ),
)
"""Every check, each unique by table and name."""
