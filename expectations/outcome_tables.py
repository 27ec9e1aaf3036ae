"""Tables of clinical response and of its association with persistence."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations import vocabulary as v
from expectations.computed import ASSAY, CELL_POPULATION, READOUT, RULE
from expectations.contract import Column, Table
from expectations.identities import SUBJECT
from expectations.ingested import INFUSION_PRODUCTS

POPULATION: Final = Column("population", pl.String, "Analysis population.", required=True, values=v.POPULATIONS)
ENDPOINT: Final = Column("endpoint", pl.String, "OS or PFS.", required=True, values=("OS", "PFS"))

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
        Column("best_overall_response", pl.String, "Best overall response from the investigator's assessments, confirmed as the criteria ask.", values=v.RESPONSES),
        Column("best_response_date", pl.Date, "Date of the assessment that gave it."),
        Column("best_response_reason", pl.String, "Why there is none, or why a better response did not count."),
        Column("is_responder", pl.Boolean, "Best overall response CR or PR; null for a subject not evaluable."),
        Column("first_response_day", pl.Int32, "Study day of the first assessment of the confirmed response.", unit="days"),
        Column("progression_date", pl.Date, "First assessment of progression."),
        Column("death_date", pl.Date, "Day of death."),
        Column("last_contact_date", pl.Date, "Last day the subject was known alive, or the day of death."),
        Column("withdrawal_date", pl.Date, "Day of withdrawal."),
        Column("os_days", pl.Int32, "Infusion to death or last contact, reported with the clinical +1.", unit="days"),
        Column("os_event", pl.Boolean, "True for a death."),
        Column("os_months", pl.Float64, "os_days / 30.4375.", unit="months"),
        Column("os_days_from_enrolment", pl.Int32, "Enrolment to death or last contact, with the clinical +1.", unit="days"),
        Column("pfs_days", pl.Int32, "Infusion to progression or death, or to the last evaluable assessment, with the clinical +1.", unit="days"),
        Column("pfs_event", pl.Boolean, "True for a progression or death."),
        Column("pfs_months", pl.Float64, "pfs_days / 30.4375.", unit="months"),
        Column("pfs_days_from_enrolment", pl.Int32, "The same from enrolment.", unit="days"),
        Column("pfs_reason", pl.String, "Rule that set the event or the censoring.", values=("progression", "death", "last_assessment", "no_assessment", "new_therapy")),
    ),
)  # fmt: skip

DENOMINATORS: Final = Table(
    "denominators",
    grain="one proportion of one population",
    key=("measure", "population"),
    columns=(
        Column(
            "measure", pl.String, "What is counted: objective_response_rate, complete_response_rate.", required=True
        ),
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

ASSOCIATIONS: Final = Table(
    "associations",
    grain="one analysis of an exposure against an outcome under one rule, at one landmark",
    key=("exposure", "outcome", "rule", "landmark_day"),
    columns=(
        Column("association_key", pl.String, "Key for `perdure explain`.", required=True),
        Column("family", pl.String, "Which multiplicity family the row is in.", required=True, values=v.FAMILIES),
        Column("exposure", pl.String, "What divides or ranks the subjects.", required=True, values=("persistent_at_landmark", "tumour_reactive_cells_infused")),
        Column("outcome", pl.String, "What is compared.", required=True, values=("responder", "OS")),
        Column("method", pl.String, "Test.", required=True, values=("fisher_exact", "landmark_logrank", "wilcoxon_exact")),
        ASSAY,
        CELL_POPULATION.but(name="cell_population"),
        READOUT,
        RULE.but(required=True),
        Column("landmark_day", pl.Int32, "Landmark; 0 for an exposure known on day 0.", unit="days", required=True),
        Column("time_zero_day", pl.Int32, "Study day from which time runs: L + w for survival.", unit="days"),
        Column("n", pl.Int32, "Subjects in the comparison.", unit="subjects", required=True),
        Column("n_exposed", pl.Int32, "Of these, persistent; for a number of cells, responders.", unit="subjects", required=True),
        Column("n_exposed_with_outcome", pl.Int32, "Persistent with the outcome (responders, deaths); null for a number of cells.", unit="subjects"),
        Column("n_unexposed", pl.Int32, "The others.", unit="subjects", required=True),
        Column("n_unexposed_with_outcome", pl.Int32, "The others with the outcome; null for a number of cells.", unit="subjects"),
        Column("n_excluded_not_infused", pl.Int32, "Left out: never infused.", unit="subjects", required=True),
        Column("n_excluded_outcome", pl.Int32, "Left out: response not evaluable.", unit="subjects", required=True),
        Column("n_excluded_death", pl.Int32, "Left out: dead (or lost to follow-up) at time zero.", unit="subjects", required=True),
        Column("n_excluded_exposure", pl.Int32, "Left out: exposure not evaluable.", unit="subjects", required=True),
        Column("n_exposure_below_lod", pl.Int32, "Numbers of cells ranked lowest because they are below their LOD.", unit="subjects"),
        Column("statistic", pl.Float64, "Log-rank chi-square, rank sum of responders, or odds ratio of the sample."),
        Column("p_value", pl.Float64, "Two-sided p-value; null where not estimable."),
        Column("estimate_name", pl.String, "What the estimate is."),
        Column("estimate", pl.Float64, "Conditional odds ratio, or Hodges-Lehmann shift in cells; infinite where a cell of the table is empty."),
        Column("lower", pl.Float64, "95 % interval, lower end."),
        Column("upper", pl.Float64, "95 % interval, upper end."),
        Column("reason", pl.String, "Why there is no number."),
        Column("reads", pl.String, "How to read it: association, and what it does not say.", required=True),
    ),
)  # fmt: skip

OUTCOME_TABLES: Final = (INFUSED_CELLS, OUTCOMES, DENOMINATORS, SURVIVAL_CURVES, SURVIVAL_SUMMARIES, ASSOCIATIONS)
