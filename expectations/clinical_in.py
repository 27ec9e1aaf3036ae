"""Tables of clinical data that files fill: lesions and their measurements, assessments, follow-up, laboratory."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations import vocabulary as v
from expectations.contract import Column, FilledExactlyWhen, Reference, Table
from expectations.identities import SOURCE, SUBJECT

LESION: Final = Column("lesion_id", pl.String, "Lesion, as the reader numbers it (T01).", required=True)
EVALUATOR: Final = Column(
    "evaluator", pl.String, "Who assessed (investigator; independent assessor, radiologist 1).", required=True
)
VISIT_LABEL: Final = Column(
    "visit",
    pl.String,
    "Visit as the clinic names it: measurements of one visit count together although they are days apart.",
)
IS_ACCEPTED: Final = Column(
    "is_accepted",
    pl.Boolean,
    "Of several assessors of one evaluator, true for the one whose reading was accepted; empty where there is one only.",
)
IS_IMPUTED: Final = Column(
    "is_date_imputed",
    pl.Boolean,
    "True where the source gives no day and study.toml says to take the middle (dates.partial).",
)

LESIONS: Final = Table(
    "lesions",
    grain="one lesion of a subject as one evaluator identified it",
    key=("subject_id", "lesion_id", "evaluator"),
    stage="ingested",
    columns=(
        SUBJECT,
        LESION,
        EVALUATOR,
        Column("category", pl.String, "Target, non-target, or new since baseline.", required=True, values=v.LESION_CATEGORIES),
        Column("organ", pl.String, "Organ or location."),
        Column("is_lymph_node", pl.Boolean, "True for a lymph node, measured by its short axis; empty: by `organ`."),
        Column("identified_date", pl.Date, "Day of the imaging that first showed it."),
        VISIT_LABEL,
        Column("split_from", pl.String, "The lesion it broke off from: their diameters add up."),
        Column("method", pl.String, "Imaging (CT scan, MRI, photograph)."),
        IS_ACCEPTED,
        *SOURCE,
    ),
    references=(Reference("subject_id", "subjects.subject_id"),),
)  # fmt: skip

LESION_MEASUREMENTS: Final = Table(
    "lesion_measurements",
    grain="one lesion of a subject at one date by one evaluator",
    key=("subject_id", "lesion_id", "evaluator", "assessment_date"),
    stage="ingested",
    columns=(
        SUBJECT,
        LESION,
        EVALUATOR,
        Column("assessment_date", pl.Date, "Day of the imaging.", required=True),
        IS_IMPUTED,
        VISIT_LABEL,
        Column("status", pl.String, "measured has a diameter; too_small counts as 5 mm, absent and merged as 0 mm (merged: its diameter is part of another lesion's); present, progressed (unequivocally), equivocal are of lesions without a diameter.", required=True, values=v.LESION_STATUS),
        Column("diameter_mm", pl.Float64, "Longest diameter; of a lymph node the short axis, unless short_axis_mm gives it.", unit="mm", minimum=0, maximum=1000),
        Column("short_axis_mm", pl.Float64, "Short axis, where it is given beside the longest diameter: what counts of a lymph node under RECIST 1.1.", unit="mm", minimum=0, maximum=1000),
        IS_ACCEPTED,
        *SOURCE,
    ),
    extra_rules=(FilledExactlyWhen(("diameter_mm",), when="status", equals="measured"),),
    references=(Reference("subject_id", "subjects.subject_id"), Reference("lesion_id", "lesions.lesion_id")),
)  # fmt: skip

TUMOUR_ASSESSMENTS: Final = Table(
    "tumour_assessments",
    grain="one overall response of a subject at one date by one evaluator",
    key=("subject_id", "assessment_date", "evaluator"),
    stage="ingested",
    columns=(
        SUBJECT,
        Column("assessment_date", pl.Date, "Day of the imaging.", required=True),
        Column("overall_response", pl.String, "Overall response at this assessment.", required=True, values=v.RESPONSES),
        EVALUATOR,
        Column("target_response", pl.String, "Response of the target lesions, where it is given.", values=v.TARGET_RESPONSES),
        Column("non_target_response", pl.String, "Response of the non-target lesions, where it is given.", values=v.NON_TARGET_RESPONSES),
        Column("has_new_lesion", pl.Boolean, "A new lesion was seen, where it is given."),
        VISIT_LABEL,
        IS_ACCEPTED,
        IS_IMPUTED,
        *SOURCE,
    ),
    references=(Reference("subject_id", "subjects.subject_id"),),
)  # fmt: skip

FOLLOW_UP: Final = Table(
    "follow_up",
    grain="one contact with a subject",
    key=("subject_id", "contact_date"),
    stage="ingested",
    columns=(
        SUBJECT,
        Column("contact_date", pl.Date, "Day of the contact, or of the death.", required=True),
        Column("vital_status", pl.String, "Alive or dead on that day.", required=True, values=v.VITAL_STATUS),
        Column("withdrawal_date", pl.Date, "Day the subject withdrew from the study, if so."),
        Column("new_therapy_date", pl.Date, "Start of a new anticancer therapy, if so."),
        IS_IMPUTED,
        *SOURCE,
    ),
    references=(Reference("subject_id", "subjects.subject_id"),),
)

DISPOSITIONS: Final = Table(
    "dispositions",
    grain="one event of a subject's participation on one day",
    key=("subject_id", "disposition_date", "disposition"),
    stage="ingested",
    columns=(
        SUBJECT,
        Column("disposition_date", pl.Date, "Day of the event; the subject was alive then, unless follow_up says dead.", required=True),
        Column("disposition", pl.String, "Event in small letters, as the trial database calls it (completed, lost to follow-up).", required=True),
        Column("is_withdrawal", pl.Boolean, "True where the subject left the study by it: nothing more is sampled."),
        IS_IMPUTED,
        *SOURCE,
    ),
    references=(Reference("subject_id", "subjects.subject_id"),),
)  # fmt: skip

BLOOD_COUNTS: Final = Table(
    "blood_counts",
    grain="one blood count of a subject",
    key=("subject_id", "count_date"),
    stage="ingested",
    columns=(
        SUBJECT,
        Column("count_date", pl.Date, "Day of the blood count.", required=True),
        Column("lymphocytes_per_ul", pl.Float64, "Lymphocytes.", unit="cells per microlitre", required=True, minimum=0),
        Column("cd8_per_ul", pl.Float64, "CD8 T cells.", unit="cells per microlitre", minimum=0),
        Column("cd4_per_ul", pl.Float64, "CD4 T cells.", unit="cells per microlitre", minimum=0),
        *SOURCE,
    ),
    references=(Reference("subject_id", "subjects.subject_id"),),
)

LAB_RESULTS: Final = Table(
    "lab_results",
    grain="one laboratory test of a subject on one day",
    key=("subject_id", "sample_date", "test"),
    stage="ingested",
    columns=(
        SUBJECT,
        Column("sample_date", pl.Date, "Day the sample was taken.", required=True),
        Column("test", pl.String, "Test, by its short name (LDH).", required=True),
        Column("value", pl.Float64, "Result.", required=True, unit="see unit"),
        Column("unit", pl.String, "Unit of the result.", required=True),
        Column("upper_limit", pl.Float64, "Upper limit of normal of that laboratory.", unit="see unit"),
        IS_IMPUTED,
        *SOURCE,
    ),
    references=(Reference("subject_id", "subjects.subject_id"),),
)

CLINICAL_TABLES: Final = (
    TUMOUR_ASSESSMENTS,
    FOLLOW_UP,
    DISPOSITIONS,
    BLOOD_COUNTS,
    LESIONS,
    LESION_MEASUREMENTS,
    LAB_RESULTS,
)
