"""Quality checks of clinical data that no single table can show: lesions, their measurements, who assessed them.

Numbers of target lesions and the age of the baseline are those of RECIST 1.0 (Therasse, J Natl Cancer Inst
2000;92:205) and 1.1 (Eisenhauer, Eur J Cancer 2009;45:228).
"""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.study import StudySettings
from transforms.checking import Finding, StudyCheck, Tables, finding, spelled
from transforms.evaluators import EVALUATOR_KEY, leading_key

TOLD_OF: Final = (
    "subjects",
    "infusion_products",
    "follow_up",
    "dispositions",
    "tumour_assessments",
    "lesions",
    "lesion_measurements",
    "lab_results",
    "blood_counts",
)
"""Tables that SDTM datasets fill."""
MOST_TARGETS: Final = {"RECIST 1.0": (10, 5), "RECIST 1.1": (5, 2)}
"""Target lesions in all, and in one organ."""
BASELINE_DAYS: Final = 28
"""Days a baseline may lie before the treatment begins: both versions say four weeks."""
_LESION: Final = ("subject_id", "lesion_id", "evaluator")
_READER: Final = ("subject_id", "evaluator")


def assessed_by_others_only(table: str) -> StudyCheck:
    """Whether every subject of a table with evaluators has rows by the one that counts, or by one of its readers."""

    def judge(t: Tables, settings: StudySettings) -> Finding:
        if table == "lesions" and settings.response.source != "derived":
            return Finding(0, ())
        rows = t[table].select(*_READER)
        subjects = rows.group_by("subject_id").agg(pl.col("evaluator").unique().sort().str.join(", "))
        key = leading_key(settings.response.evaluator)
        family = EVALUATOR_KEY.str.split(",").list.first().str.strip_chars()
        counted = rows.filter((key == EVALUATOR_KEY) | (family == key))
        others = subjects.join(counted, on="subject_id", how="anti")
        return finding(subjects, others, spelled("{} ({})", "subject_id", "evaluator"))

    what = "has lesions of" if table == "lesions" else "assessed has an assessment by"
    when = ", where responses are derived" if table == "lesions" else ""
    says = f"every subject {what} the evaluator that counts (response.evaluator){when}"
    return StudyCheck(table, "evaluator", says, judge)


def _of(t: Tables, name: str) -> pl.DataFrame:
    """A table with its evaluators in small letters: capitals make no other one."""
    return t[name].with_columns(EVALUATOR_KEY)


def _assessed(t: Tables) -> pl.DataFrame:
    return _of(t, "lesion_measurements").filter(pl.col("status") != "not_assessed")


def _with_day_0(rows: pl.DataFrame, t: Tables) -> pl.DataFrame:
    """Rows of infused subjects with infusion_date and the day the treatment began: lymphodepletion, else day 0."""
    begins = pl.coalesce("lymphodepletion_start", "infusion_date").alias("treatment_start")
    infused = t["infusion_products"].select("subject_id", "infusion_date", begins)
    return rows.join(infused, on="subject_id", how="inner", validate="m:1")


def _targets(t: Tables) -> pl.DataFrame:
    """Target lesions as they were chosen: the parts of one that split later are no further ones."""
    return _of(t, "lesions").filter(pl.col("category") == "target", pl.col("split_from").is_null())


def _never_assessed(t: Tables, _: StudySettings) -> Finding:
    lesions = _of(t, "lesions")
    never = lesions.join(_assessed(t), on=_LESION, how="anti")
    return finding(lesions, never, spelled("{} {} ({})", *_LESION))


def _not_declared(t: Tables, _: StudySettings) -> Finding:
    measured = _of(t, "lesion_measurements")
    return finding(measured, measured.join(_of(t, "lesions"), on=_LESION, how="anti"), spelled("{} {} ({})", *_LESION))


def _missing_at_baseline(t: Tables, _: StudySettings) -> Finding:
    targets = _with_day_0(_targets(t), t)
    before = _with_day_0(_assessed(t), t).filter(pl.col("assessment_date") <= pl.col("infusion_date"))
    return finding(targets, targets.join(before, on=_LESION, how="anti"), spelled("{} {} ({})", *_LESION))


def _too_many_targets(t: Tables, settings: StudySettings) -> Finding:
    most, most_per_organ = MOST_TARGETS[settings.response.criteria]
    targets = _targets(t)
    in_all = targets.group_by(_READER).agg(n=pl.len(), where=pl.lit("in all")).filter(pl.col("n") > most)
    organ = pl.col("organ").str.strip_chars().str.to_lowercase().alias("where")
    per_organ = targets.drop_nulls("organ").group_by(*_READER, organ).agg(n=pl.len())
    crowded = per_organ.filter(pl.col("n") > most_per_organ)
    key = spelled("{} ({}): {} {}", *_READER, "n", "where")
    return finding(targets.select(_READER).unique(), pl.concat([in_all.select(crowded.columns), crowded]), key)


def _measured_too_early(t: Tables, _: StudySettings) -> Finding:
    """A measurement before the lesion was first seen: one of the two dates is wrong."""
    seen = _of(t, "lesions").drop_nulls("identified_date").group_by(_LESION).agg(pl.col("identified_date").min())
    measured = _assessed(t).join(seen, on=_LESION, how="inner", validate="m:1")
    early = measured.filter(
        pl.col("assessment_date") < pl.col("identified_date"), pl.col("status").is_in(["absent", "equivocal"]).not_()
    )
    return finding(measured, early, spelled("{} {} ({}) {}", *_LESION, "assessment_date"))


def _new_at_baseline(t: Tables, _: StudySettings) -> Finding:
    new = _of(t, "lesions").filter(pl.col("category") == "new")
    measured = _with_day_0(_assessed(t).join(new, on=_LESION, how="semi"), t)
    early = measured.filter(pl.col("assessment_date") <= pl.col("infusion_date"), pl.col("status") != "absent")
    return finding(measured, early, spelled("{} {} ({}) {}", *_LESION, "assessment_date"))


def _old_baselines(t: Tables, _: StudySettings) -> Finding:
    before = _with_day_0(_assessed(t), t).filter(pl.col("assessment_date") <= pl.col("infusion_date"))
    days = (pl.col("treatment_start") - pl.col("assessment_date")).dt.total_days()
    baselines = before.group_by(_READER).agg(n_days=days.min())
    old = baselines.filter(pl.col("n_days") > BASELINE_DAYS)
    return finding(baselines, old, spelled("{} ({}): {} days", *_READER, "n_days"))


def _two_in_one(t: Tables, _: StudySettings) -> Finding:
    usubjid = pl.col("place").str.extract(r" \(USUBJID (.+)\)$").alias("usubjid")
    told = pl.concat([t[name].select("subject_id", usubjid) for name in TOLD_OF]).drop_nulls().unique()
    subjects = told.group_by("subject_id").agg(pl.col("usubjid").sort())
    two = subjects.filter(pl.col("usubjid").list.len() > 1).with_columns(pl.col("usubjid").list.join(", "))
    return finding(subjects, two, spelled("{} is {}", "subject_id", "usubjid"))


CLINICAL_CHECKS: Final = (
    StudyCheck(
        "subjects",
        "one_usubjid",
        "all SDTM rows of a subject have one USUBJID: clinical.sdtm.subject_pattern takes no two subjects for one",
        _two_in_one,
    ),
    assessed_by_others_only("tumour_assessments"),
    assessed_by_others_only("lesions"),
    StudyCheck("lesions", "is_assessed", "every lesion is assessed at least once", _never_assessed),
    StudyCheck(
        "lesions",
        "targets_at_baseline",
        "every target lesion of an infused subject is assessed on or before day 0",
        _missing_at_baseline,
    ),
    StudyCheck(
        "lesions",
        "n_targets",
        "no evaluator has more target lesions than the criteria allow: 5 in all and 2 an organ under RECIST 1.1, "
        "10 and 5 under RECIST 1.0",
        _too_many_targets,
    ),
    StudyCheck(
        "lesion_measurements",
        "is_declared",
        "every lesion measured is in the table lesions, of that subject and evaluator",
        _not_declared,
    ),
    StudyCheck(
        "lesion_measurements",
        "identified_first",
        "no lesion is there before the day it was first seen",
        _measured_too_early,
    ),
    StudyCheck("lesion_measurements", "new_is_new", "no new lesion is there on or before day 0", _new_at_baseline),
    StudyCheck(
        "lesion_measurements",
        "baseline_in_time",
        f"the last assessment up to day 0 is at most {BASELINE_DAYS} days before the lymphodepletion, or else day 0",
        _old_baselines,
    ),
)
"""Every check of clinical data, each unique by table and name."""
