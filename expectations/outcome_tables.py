"""Tables of clinical response and of its association with persistence."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations import vocabulary as v
from expectations.clinical_in import EVALUATOR, VISIT_LABEL
from expectations.computed import STUDY_DAY
from expectations.contract import Column, Table
from expectations.identities import SUBJECT
from expectations.ingested import INFUSION_PRODUCTS

POPULATION: Final = Column("population", pl.String, "Analysis population.", required=True, values=v.POPULATIONS)
ENDPOINT: Final = Column(
    "endpoint",
    pl.String,
    "OS, PFS, DOR (duration of response, of confirmed responders), or FOLLOW-UP (reverse Kaplan-Meier of OS: a death censors).",
    required=True,
    values=v.ENDPOINTS,
)

INFUSED_CELLS: Final = Table(
    "infused_cells",
    grain="one infusion product with the tumour-reactive T cells in it",
    key=("subject_id",),
    columns=(
        *(column for column in INFUSION_PRODUCTS.columns),
        Column("reactive_net_value", pl.Float64, "Net response of the product against the declared stimuli, summed, per 10^6 cells of the population it is measured in.", unit="per 10^6 cells"),
        Column("reactive_assay", pl.String, "Assay the number rests on (infusion_product.assay); reactive_cells has every assay.", values=v.ASSAYS),
        Column("tumour_reactive_cells", pl.Float64, "Tumour-reactive T cells infused: total viable cells x share that is the population x net / 10^6.", unit="cells"),
        Column("tumour_reactive_cells_ci_lower", pl.Float64, "95 % interval of sampling, lower end, not below 0; null for an upper bound.", unit="cells"),
        Column("tumour_reactive_cells_ci_upper", pl.Float64, "95 % interval of sampling, upper end, not below 0; null for a lower bound.", unit="cells"),
        Column("tumour_reactive_cells_lower", pl.Float64, "Lower bound where wells were too numerous to count, else the value.", unit="cells"),
        Column("tumour_reactive_cells_lod", pl.Float64, "The number of cells that the LOD of the net response stands for.", unit="cells"),
        Column("is_below_lod", pl.Boolean, "True where the number is left-censored at its LOD."),
        Column("is_bounded", pl.Boolean, "True where the number is a bound, because wells were too numerous to count."),
        Column("reactive_reason", pl.String, "Why there is no number."),
    ),
)  # fmt: skip

_MM: Final = "mm"

DERIVED_ASSESSMENTS: Final = Table(
    "derived_assessments",
    grain="one assessment of a subject by one evaluator: the response derived from lesions beside the one reported",
    key=("subject_id", "evaluator", "assessment_date"),
    columns=(
        SUBJECT,
        EVALUATOR,
        Column("assessment_date", pl.Date, "First day of the imaging of this assessment, or of the report where there are no lesions.", required=True),
        STUDY_DAY,
        VISIT_LABEL,
        Column("is_baseline", pl.Boolean, "The last assessment with lesions on or before day 0: later ones are compared with it.", required=True),
        Column("n_targets", pl.Int32, "Target lesions of the baseline.", unit="lesions", required=True),
        Column("n_targets_missing", pl.Int32, "Of these, without an assessment here.", unit="lesions", required=True),
        Column("sum_mm", pl.Float64, "Sum of the diameters of the target lesions; null where one is missing.", unit=_MM),
        Column("measured_sum_mm", pl.Float64, "Sum over the targets that were assessed.", unit=_MM),
        Column("baseline_sum_mm", pl.Float64, "Sum at baseline; a target without a diameter there has its latest earlier one.", unit=_MM),
        Column("nadir_mm", pl.Float64, "Smallest complete sum before this assessment, baseline included.", unit=_MM),
        Column("change_from_baseline_percent", pl.Float64, "100 (sum - baseline) / baseline, 0 at baseline; null for an incomplete sum or a baseline of 0.", unit="%"),
        Column("change_from_nadir_percent", pl.Float64, "100 (sum - nadir) / nadir.", unit="%"),
        Column("derived_target_response", pl.String, "Response of the target lesions.", values=v.TARGET_RESPONSES),
        Column("derived_non_target_response", pl.String, "Response of the non-target lesions.", values=v.NON_TARGET_RESPONSES),
        Column("derived_has_new_lesion", pl.Boolean, "An unequivocal new lesion is there."),
        Column("derived_response", pl.String, "Overall response derived from lesions; null where there are none at this date, and at baseline.", values=v.RESPONSES),
        Column("derived_reason", pl.String, "What decided, where it is not the sum alone, or why there is none."),
        Column("reported_date", pl.Date, "Date of the report; it may be another day of the same visit."),
        Column("reported_response", pl.String, "Overall response the evaluator reported; null where there is none.", values=v.RESPONSES),
        Column("reported_target_response", pl.String, "Target response the evaluator reported.", values=v.TARGET_RESPONSES),
        Column("reported_non_target_response", pl.String, "Non-target response the evaluator reported.", values=v.NON_TARGET_RESPONSES),
        Column("agrees", pl.Boolean, "Derived and reported are the same; null where there are not both."),
        Column("difference_reason", pl.String, "Why they differ, or why there are not both, as far as the data tell."),
        Column("is_leading_evaluator", pl.Boolean, "The evaluator of study.toml.", required=True),
    ),
)  # fmt: skip

BEST_RESPONSES: Final = Table(
    "best_responses",
    grain="the best overall response of one infused subject by one evaluator, from one source",
    key=("subject_id", "evaluator", "response_source"),
    columns=(
        SUBJECT,
        EVALUATOR,
        Column("response_source", pl.String, "Reported by the evaluator, or derived from lesions.", required=True, values=v.RESPONSE_SOURCES),
        Column("best_overall_response", pl.String, "Best overall response, confirmed as the criteria ask.", values=v.RESPONSES),
        Column("best_response_date", pl.Date, "Date of the assessment that gave it."),
        Column("best_response_reason", pl.String, "Why there is none, or why a better response did not count."),
        Column("first_response_date", pl.Date, "First assessment of a CR or PR that counts."),
        Column("progression_date", pl.Date, "First assessment of progression."),
        Column("best_change_percent", pl.Float64, "Smallest change of the target sum from baseline after day 0, up to and including the first progression and not after a new therapy; derived only.", unit="%"),
        Column("is_leading", pl.Boolean, "The one outcomes rest on: source and evaluator of study.toml.", required=True),
    ),
)  # fmt: skip

OUTCOMES: Final = Table(
    "outcomes",
    grain="one subject",
    key=("subject_id",),
    columns=(
        SUBJECT,
        Column("is_infused", pl.Boolean, "The subject was infused.", required=True),
        Column("is_evaluable", pl.Boolean, "Infused, with a best overall response other than NE.", required=True),
        Column("enrolment_date", pl.Date, "Day of enrolment."),
        Column("infusion_date", pl.Date, "Day 0."),
        Column("response_source", pl.String, "Where response and progression come from: reported or derived (response.source).", required=True, values=v.RESPONSE_SOURCES),
        Column("best_overall_response", pl.String, "Best overall response from the leading evaluator's assessments, confirmed as the criteria ask.", values=v.RESPONSES),
        Column("best_response_date", pl.Date, "Date of the assessment that gave it."),
        Column("best_response_reason", pl.String, "Why there is none, or why a better response did not count."),
        Column("is_responder", pl.Boolean, "Best overall response CR or PR; null for a subject not evaluable."),
        Column("has_disease_control", pl.Boolean, "Best overall response CR, PR, SD or NON-CR/NON-PD; null for a subject not evaluable."),
        Column("best_change_percent", pl.Float64, "Smallest change of the target sum from baseline (best_responses, derived).", unit="%"),
        Column("first_response_day", pl.Int32, "Study day of the first assessment of the confirmed response.", unit="days"),
        Column("progression_date", pl.Date, "First assessment of progression."),
        Column("death_date", pl.Date, "Day of death."),
        Column("last_contact_date", pl.Date, "Last day the subject was known alive, or the day of death."),
        Column("withdrawal_date", pl.Date, "Day of withdrawal."),
        Column("os_days", pl.Int32, "Infusion to death or last contact, reported with the clinical +1.", unit="days"),
        Column("os_event", pl.Boolean, "True for a death."),
        Column("os_reason", pl.String, "Rule that set the event or the censoring.", values=("death", "last_contact")),
        Column("os_months", pl.Float64, "os_days / 30.4375.", unit="months"),
        Column("os_days_from_enrolment", pl.Int32, "Enrolment to death or last contact, with the clinical +1.", unit="days"),
        Column("pfs_days", pl.Int32, "Infusion to progression or death, or to the last evaluable assessment, with the clinical +1.", unit="days"),
        Column("pfs_event", pl.Boolean, "True for a progression or death."),
        Column("pfs_months", pl.Float64, "pfs_days / 30.4375.", unit="months"),
        Column("pfs_days_from_enrolment", pl.Int32, "The same from enrolment.", unit="days"),
        Column("pfs_reason", pl.String, "Rule that set the event or the censoring.", values=("progression", "death", "last_assessment", "no_assessment", "new_therapy", "missed_assessments")),
        Column("dor_days", pl.Int32, "First response that counts to progression or death, or to where PFS is censored, with the clinical +1; null without a response.", unit="days"),
        Column("dor_event", pl.Boolean, "True for a progression or death."),
        Column("dor_months", pl.Float64, "dor_days / 30.4375.", unit="months"),
    ),
)  # fmt: skip

DENOMINATORS: Final = Table(
    "denominators",
    grain="one proportion of one population",
    key=("measure", "population"),
    columns=(
        Column("measure", pl.String, "What is counted.", required=True, values=v.RESPONSE_RATES),
        POPULATION,
        Column("n_with", pl.Int32, "Subjects with it.", unit="subjects", required=True),
        Column("n", pl.Int32, "Subjects in the population.", unit="subjects", required=True),
        Column("percent", pl.Float64, "100 n_with / n; null for an empty population.", unit="%"),
        Column("lower_percent", pl.Float64, "Clopper-Pearson 95 % interval, lower end.", unit="%"),
        Column("upper_percent", pl.Float64, "Clopper-Pearson 95 % interval, upper end.", unit="%"),
    ),
)

_CURVE: Final = (
    ENDPOINT,
    POPULATION,
    Column("landmark_day", pl.Int32, "Landmark the subjects were classified at; 0 where time runs from the start of the population.", unit="days", required=True),
    Column("group", pl.String, "Group: all, persistent or not persistent.", required=True, values=("all", "persistent", "not persistent")),
)  # fmt: skip

SURVIVAL_CURVES: Final = Table(
    "survival_curves",
    grain="one step of one Kaplan-Meier curve (primary rule)",
    key=("endpoint", "population", "landmark_day", "group", "time_days"),
    columns=(
        *_CURVE,
        Column(
            "time_days", pl.Float64, "Time since the start, or since L + w for a landmark.", unit="days", required=True
        ),
        Column("n_at_risk", pl.Int32, "At risk just before.", unit="subjects", required=True),
        Column("n_events", pl.Int32, "Events at this time.", unit="subjects", required=True),
        Column("n_censored", pl.Int32, "Censored at this time.", unit="subjects", required=True),
        Column("survival", pl.Float64, "Kaplan-Meier estimate.", required=True),
        Column("lower", pl.Float64, "Log-log 95 % interval, lower end."),
        Column("upper", pl.Float64, "Log-log 95 % interval, upper end."),
    ),
)

SURVIVAL_SUMMARIES: Final = Table(
    "survival_summaries",
    grain="one Kaplan-Meier curve (primary rule)",
    key=("endpoint", "population", "landmark_day", "group"),
    columns=(
        *_CURVE,
        Column("n", pl.Int32, "Subjects.", unit="subjects", required=True),
        Column("n_events", pl.Int32, "Events.", unit="subjects", required=True),
        Column("median_days", pl.Float64, "Median; null where the curve stays above one half.", unit="days"),
        Column("lower_days", pl.Float64, "Log-log 95 % interval of the median, lower end.", unit="days"),
        Column("upper_days", pl.Float64, "Upper end; null where not reached.", unit="days"),
        Column("median_months", pl.Float64, "median_days / 30.4375.", unit="months"),
        Column("lower_months", pl.Float64, "Lower end.", unit="months"),
        Column("upper_months", pl.Float64, "Upper end.", unit="months"),
    ),
)

OUTCOME_TABLES: Final = (
    INFUSED_CELLS,
    DERIVED_ASSESSMENTS,
    BEST_RESPONSES,
    OUTCOMES,
    DENOMINATORS,
    SURVIVAL_CURVES,
    SURVIVAL_SUMMARIES,
)
