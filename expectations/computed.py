"""Tables perdure computes: wells with their meaning, responses, persistence."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations import vocabulary as v
from expectations.contract import Column, Table
from expectations.identities import ANALYTE, PLACE, PLATE, SPECIMEN, SUBJECT, WELL
from expectations.ingested import ELISPOT_COUNTS, PLATE_LAYOUTS, SPECIMENS

STUDY_DAY: Final = Column(
    "study_day", pl.Int32, "Collection date minus infusion date; null for a subject never infused.", unit="days"
)
VISIT: Final = Column("visit", pl.String, "Visit whose window holds the study day, `unscheduled` where none does.")
ANTIGEN: Final = Column("antigen", pl.String, "Antigen under the name study.toml gives it.", required=True)
ANTIGEN_ROLE: Final = Column(
    "antigen_role", pl.String, "What the antigen stands for.", required=True, values=v.ANTIGEN_ROLES
)
ASSAY: Final = Column("assay", pl.String, "Assay.", required=True, values=v.ASSAYS)
CELL_POPULATION: Final = Column("population", pl.String, "Population the response is measured in (CD8); `all cells` for ELISpot.", required=True)  # fmt: skip
READOUT: Final = Column("readout", pl.String, "What the assay reads: the analyte of ELISpot, marker or subset of ICS, `multimer`.", required=True)  # fmt: skip
RULE: Final = Column("rule", pl.String, "Positivity rule.", required=True, values=v.RULES)
IS_PRIMARY: Final = Column("is_primary_rule", pl.Boolean, "True for the rule study.toml names as primary of the assay; always for multimers.", required=True)  # fmt: skip
SPM: Final = "spots per 10^6 cells"
"""Unit of ELISpot responses."""

VISITED_SPECIMENS: Final = Table(
    "visited_specimens",
    grain="one accepted specimen with its study day and visit",
    key=("specimen_id",),
    columns=(
        SPECIMEN,
        SUBJECT,
        Column("material", pl.String, "What it is, after infusion_products has been consulted.", required=True, values=v.MATERIALS),
        SPECIMENS.column("collection_date"),
        STUDY_DAY,
        VISIT,
        SPECIMENS.column("declared_visit"),
        Column("is_baseline_candidate", pl.Boolean, "Blood on or before day 0 and, where known, before lymphodepletion.", required=True),
        SPECIMENS.column("viability_percent"),
    ),
)  # fmt: skip

EXPECTED_SPECIMENS: Final = Table(
    "expected_specimens",
    grain="one specimen the study expects of one subject",
    key=("subject_id", "visit", "material"),
    columns=(
        SUBJECT,
        Column("visit", pl.String, "Visit, or infusion product.", required=True),
        Column("material", pl.String, "What is expected.", required=True, values=v.MATERIALS),
        Column("window_start_date", pl.Date, "First day of the visit's window."),
        Column("window_end_date", pl.Date, "Last day of the visit's window; due the day after."),
        Column("specimen_status", pl.String, "Whether it is there.", required=True, values=("received", "absent", "not_due")),
        Column("reason", pl.String, "Why it is absent, or why a received one says nothing."),
        Column("specimen_id", pl.String, "The specimen received, the earliest where there are several."),
    ),
)  # fmt: skip

ELISPOT_WELLS: Final = Table(
    "elispot_wells",
    grain="one counted well with what was in it",
    key=("plate_id", "well", "analyte"),
    columns=(
        PLATE,
        WELL,
        ANALYTE,
        ELISPOT_COUNTS.column("spots"),
        ELISPOT_COUNTS.column("status"),
        Column("tntc_ceiling", pl.Int64, "Ceiling of a well too numerous to count: the highest countable count on the plate, or the setting.", unit="spots per well"),
        SPECIMEN.but(required=False),
        SUBJECT.but(required=False),
        Column("stimulus", pl.String, "What the layout says was added."),
        Column("well_role", pl.String, "Role of the well.", required=True, values=v.WELL_ROLES),
        ANTIGEN.but(required=False),
        PLATE_LAYOUTS.column("cells_per_well").but(required=False),
        PLATE_LAYOUTS.column("replicate"),
        Column("control", pl.String, "Negative control by name: of an antigen's well the one it is compared with, of a control's well its own; null where wells of one antigen on the plate name several."),
        Column("spots_per_million", pl.Float64, "Spots scaled to 10^6 cells; null unless counted.", unit=SPM),
        Column("read_date", pl.Date, "Day the plate was counted."),
        ELISPOT_COUNTS.column("file_sha256"),
        PLACE,
        Column("layout_source", pl.String, "Kind of layout the well's meaning comes from.", values=v.LAYOUT_SOURCES),
        Column("layout_sha256", pl.String, "File the layout of this well came from."),
        Column("layout_place", pl.String, "Place in that file."),
    ),
)  # fmt: skip

PLATE_FINDINGS: Final = Table(
    "plate_findings",
    grain="one thing about one plate that does not fit: a well, a specimen or an antigen, and the reason",
    key=("plate_id", "reason", "place", "analyte"),
    columns=(
        PLATE,
        Column("reason", pl.String, "Reason code.", required=True),
        Column("place", pl.String, "Well, specimen or antigen it is about.", required=True),
        Column("analyte", pl.String, "Analyte it is about; empty where it is about all of the plate.", required=True),
        SPECIMEN.but(required=False),
        Column("detail", pl.String, "What was found, in words.", required=True),
    ),
)

PLATE_QUALITY: Final = Table(
    "plate_quality",
    grain="one measure of the quality of one plate and analyte",
    key=("plate_id", "analyte", "measure", "sample"),
    columns=(
        PLATE,
        ANALYTE,
        Column("measure", pl.String, "What is measured.", required=True, values=v.PLATE_MEASURES),
        Column("sample", pl.String, "The reference sample and stimulus, or the control; empty for the plate as a whole.", required=True),
        Column("instrument", pl.String, "Reader that counted the plate.", required=True),
        Column("read_date", pl.Date, "Day the plate was counted."),
        Column("value", pl.Float64, "Controls and reference sample: mean, spots per 10^6 cells; replicate variability: median over the plate's antigens of variance / (median + 1), spots per well; TNTC: percent of the wells. Null where wells are too numerous to count on a plate without a ceiling."),
        Column("is_bound", pl.Boolean, "True where wells too numerous to count make the value a lower bound.", required=True),
        Column("n_wells", pl.Int32, "Wells it rests on.", unit="wells", required=True),
        Column("value_log10", pl.Float64, "log10(value + 1), for measures that are charted."),
        Column("mean_log10", pl.Float64, "Mean of the reference period: the middle line of the chart."),
        Column("sd_log10", pl.Float64, "Standard deviation of the reference period."),
        Column("z", pl.Float64, "Distance from the mean in standard deviations; null where the period's plates do not differ."),
        Column("baseline_version", pl.Int32, "Version of the limits (control_baselines); 0 where there were too few plates for limits."),
        Column("is_reference", pl.Boolean, "True for a plate of the reference period.", required=True),
        Column("westgard", pl.String, "Westgard rules broken, joined by commas."),
        Column("trend_status", pl.String, "What they amount to: 1-2s warns, 1-3s and 2-2s reject; a lower bound that breaks no rule is not judged, and without limits there is no reference.", required=True, values=v.TREND_STATUS),
    ),
)  # fmt: skip

RESPONSES: Final = Table(
    "responses",
    grain="one antigen in one specimen on one plate or in one batch of tubes, population and readout, under one rule",
    key=("specimen_id", "plate_id", "antigen", "assay", "population", "readout", "rule"),
    columns=(
        Column("response_key", pl.String, "Key for `perdure explain`.", required=True),
        SPECIMEN,
        SUBJECT,
        Column("material", pl.String, "Blood or infusion product.", required=True, values=v.MATERIALS),
        SPECIMENS.column("collection_date"),
        STUDY_DAY,
        VISIT,
        PLATE.but(description="Plate, or for cytometry the batch of its tubes."),
        ANTIGEN,
        ANTIGEN_ROLE,
        Column("control", pl.String, "Negative control it is compared with (medium, DMSO, an irrelevant line); null where its wells name several, and for multimers."),
        ASSAY,
        CELL_POPULATION,
        READOUT,
        RULE,
        Column("rule_version", pl.String, "Version of the rule's definition.", required=True),
        Column("rule_parameters", pl.String, "JSON: the parameters it was called with.", required=True),
        IS_PRIMARY,
        Column("is_reported", pl.Boolean, "True for the one plate or batch of a specimen that goes into persistence: the latest.", required=True),
        Column("n_antigen_wells", pl.Int32, "Antigen wells with a count or too numerous to count; for cytometry stimulated (or multimer) tubes.", unit="wells or tubes", required=True),
        Column("n_control_wells", pl.Int32, "Negative-control wells or tubes likewise.", unit="wells or tubes", required=True),
        Column("stimulated_count", pl.Int64, "Cytometry: events of the readout in the stimulated (or multimer) tubes, summed.", unit="events"),
        Column("stimulated_parent_count", pl.Int64, "Cytometry: events of the population there.", unit="events"),
        Column("unstimulated_count", pl.Int64, "Cytometry: events of the readout in the unstimulated tubes.", unit="events"),
        Column("unstimulated_parent_count", pl.Int64, "Cytometry: events of the population there.", unit="events"),
        Column("unit", pl.String, "Unit of the values: spots per 10^6 cells, or % of the population.", required=True),
        Column("antigen_mean", pl.Float64, "Mean of the antigen wells, or percentage of the stimulated (or multimer) tubes.", unit="see unit"),
        Column("antigen_median", pl.Float64, "Median of the antigen wells; null for cytometry.", unit="see unit"),
        Column("control_mean", pl.Float64, "Mean of the negative-control wells, or percentage of the unstimulated tubes.", unit="see unit"),
        Column("control_median", pl.Float64, "Median of the negative-control wells; null for cytometry.", unit="see unit"),
        Column("net_value", pl.Float64, "antigen_mean minus control_mean, wells too numerous to count at their ceiling; of a multimer its percentage. May be negative.", unit="see unit"),
        Column("net_lower", pl.Float64, "Lower bound of the net value; null where there is none.", unit="see unit"),
        Column("net_upper", pl.Float64, "Upper bound of the net value; null where there is none.", unit="see unit"),
        Column("lod", pl.Float64, "Limit of detection of the net value, above 0.", unit="see unit"),
        Column("is_below_lod", pl.Boolean, "True where the net value is left-censored at the LOD."),
        Column("net_per_ul", pl.Float64, "Cytometry: net responding cells per microlitre of blood, where a blood count at most 3 days away counts the population or the lymphocytes.", unit="cells per microlitre"),
        Column("blood_count_date", pl.Date, "Day of that blood count."),
        Column("lod_version", pl.Int32, "Version of the limit-of-blank estimate used; null where the LOD is set or rests on one spot, and for cytometry."),
        Column("statistic", pl.Float64, "The rule's statistic: for threshold the ratio of means, for dfr_eq the difference of mean counts per well, for dfr_2x that of mean log10 counts less log10(2); for fisher the odds ratio of the sample, for mimosa z, for multimer_events the number of events."),
        Column("p_value_adjusted", pl.Float64, "Adjusted p-value (step-down for dfr, Holm for fisher), or the false discovery rate of mimosa; null for rules without one."),
        Column("fit_version", pl.Int32, "Version of the mixture used by mimosa (mimosa_fits)."),
        Column("quality_flags", pl.String, "Quality criteria that failed, joined by commas.", required=True),
        Column("call", pl.String, "The call.", required=True, values=v.CALLS),
        Column("reason", pl.String, "Why the call is indeterminate or not evaluable."),
    ),
)  # fmt: skip

_SERIES: Final = (SUBJECT, ANTIGEN, ANTIGEN_ROLE, ASSAY, CELL_POPULATION, READOUT, RULE, IS_PRIMARY)

PERSISTENCE: Final = Table(
    "persistence",
    grain="one subject, antigen, assay, population, readout and rule over the whole follow-up",
    key=("subject_id", "antigen", "assay", "population", "readout", "rule"),
    columns=(
        Column("persistence_key", pl.String, "Key for `perdure explain`.", required=True),
        *_SERIES,
        Column("baseline_day", pl.Int32, "Study day of the baseline sample.", unit="days"),
        Column("baseline_call", pl.String, "Call at baseline.", values=v.CALLS),
        Column("baseline_value", pl.Float64, "Net value at baseline.", unit="unit of the assay"),
        Column("n_evaluable", pl.Int32, "Post-infusion samples called positive or negative.", unit="samples", required=True),
        Column("n_positive", pl.Int32, "Of these, positive: the persistence index is n_positive / n_evaluable.", unit="samples", required=True),
        Column("origin", pl.String, "Where the response comes from, over the whole follow-up: descriptive only, it favours those who live long.", required=True, values=v.ORIGINS),
        Column("in_product", pl.Boolean, "Called positive in the infusion product; null where that is not evaluable."),
        Column("peak_value", pl.Float64, "Highest net value after infusion.", unit="unit of the assay"),
        Column("peak_day", pl.Int32, "Its study day.", unit="days"),
        Column("fold_from_baseline_log2", pl.Float64, "log2 of peak over baseline, each not below its LOD.", unit="log2"),
        Column("fold_is_bound", pl.Boolean, "True where an end of the fold is below its LOD or a bound."),
        Column("first_positive_day", pl.Int32, "First positive day after infusion.", unit="days"),
        Column("last_positive_day", pl.Int32, "Last positive day after infusion.", unit="days"),
        Column("loss_kind", pl.String, "What is known of the loss of the response.", required=True, values=v.LOSS_KINDS),
        Column("loss_left_day", pl.Int32, "Loss lies after this day.", unit="days"),
        Column("loss_right_day", pl.Int32, "Loss lies on or before this day; null where not yet lost.", unit="days"),
        Column("auc_per_day", pl.Float64, "Area under log10(max(x, LOD) / LOD) from day 0 to tau or death, per day; descriptive only.", unit="log10 over LOD"),
        Column("auc_end_day", pl.Int32, "Study day the area runs to: tau, or death before it.", unit="days"),
        Column("auc_is_bound", pl.Boolean, "True where a value too numerous to count makes the area a bound; values below the LOD are 0 in it by definition."),
        Column("auc_reason", pl.String, "Why there is no area."),
        Column("half_life_days", pl.Float64, "Half-life of a log-linear decay from the peak on, values below the LOD and too numerous to count taken as such (Tobit).", unit="days"),
        Column("half_life_lower", pl.Float64, "95 % profile-likelihood interval, made for few samples; lower end.", unit="days"),
        Column("half_life_upper", pl.Float64, "95 % profile-likelihood interval, made for few samples; upper end, null where it is open.", unit="days"),
        Column("half_life_n", pl.Int32, "Samples it rests on, from the peak on.", unit="samples"),
        Column("half_life_n_censored", pl.Int32, "Of these, below the LOD or too numerous to count.", unit="samples"),
        Column("half_life_reason", pl.String, "Why there is no half-life."),
    ),
)  # fmt: skip

LANDMARK: Final = Column("landmark_day", pl.Int32, "Landmark L.", unit="days", required=True)
HALF_WIDTH: Final = Column(
    "half_width_days", pl.Int32, "Half-width w of the landmark's window.", unit="days", required=True
)

PERSISTENCE_AT_LANDMARK: Final = Table(
    "persistence_at_landmark",
    grain="one subject, antigen, assay, population, readout and rule at one landmark, from samples up to L + w only",
    key=("subject_id", "antigen", "assay", "population", "readout", "rule", "landmark_day"),
    columns=(
        *_SERIES,
        LANDMARK,
        HALF_WIDTH,
        Column("persistent", pl.Boolean, "The evaluable sample nearest to L within the window is positive; null where there is none."),
        Column("reason", pl.String, "Why it is null."),
        Column("sample_day", pl.Int32, "Study day of the sample that decided.", unit="days"),
        SPECIMEN.but(required=False),
        Column("net_value", pl.Float64, "Net value of that sample, wells too numerous to count at their ceiling.", unit="unit of the assay"),
        Column("origin_by_landmark", pl.String, "Origin from samples up to L + w: the one that may be associated with outcome.", required=True, values=v.ORIGINS),
    ),
)  # fmt: skip

PERSISTENCE_BY_SUBJECT: Final = Table(
    "persistence_by_subject",
    grain="one subject, assay, population, readout and rule at one landmark, over the tumour antigens study.toml declares",
    key=("subject_id", "assay", "population", "readout", "rule", "landmark_day"),
    columns=(
        SUBJECT,
        ASSAY,
        CELL_POPULATION,
        READOUT,
        RULE,
        IS_PRIMARY,
        LANDMARK,
        HALF_WIDTH,
        Column("persistent", pl.Boolean, "At least one tumour antigen persistent; false only when every declared one was tested and negative."),
        Column("reason", pl.String, "Why it is null."),
        Column("n_antigens_declared", pl.Int32, "Tumour antigens declared; for multimers those that have one.", unit="antigens", required=True),
        Column("n_antigens_evaluable", pl.Int32, "Of these, evaluable at the landmark.", unit="antigens", required=True),
        Column("n_antigens_persistent", pl.Int32, "Of these, persistent.", unit="antigens", required=True),
        Column("n_antigens_induced", pl.Int32, "Tumour antigens induced by the landmark.", unit="antigens", required=True),
        Column("induced", pl.Boolean, "At least one tumour antigen induced by L + w, of subjects with an evaluable sample in the window; false only when every declared one has an evaluable baseline and an evaluable sample in the window and none is induced; null else, and for a death by L + w."),
        Column("n_product_antigens_evaluable", pl.Int32, "Tumour antigens called positive or negative in the infusion product.", unit="antigens", required=True),
        Column("n_product_antigens", pl.Int32, "Of these, called positive in it.", unit="antigens", required=True),
        Column("n_product_antigens_persistent", pl.Int32, "Of these, persistent at the landmark.", unit="antigens", required=True),
        Column("sum_net_value", pl.Float64, "Sum of net values over the tumour antigens in the deciding samples.", unit="unit of the assay"),
    ),
)  # fmt: skip

BREADTH: Final = Table(
    "breadth",
    grain="one blood sample, assay, population, readout and rule: how many of the declared tumour antigens are positive in it",
    key=("subject_id", "assay", "population", "readout", "rule", "study_day"),
    columns=(
        SUBJECT,
        ASSAY,
        CELL_POPULATION,
        READOUT,
        RULE,
        IS_PRIMARY,
        STUDY_DAY.but(required=True),
        VISIT,
        Column("n_antigens_declared", pl.Int32, "Tumour antigens declared; for multimers those that have one.", unit="antigens", required=True),
        Column("n_antigens_evaluable", pl.Int32, "Of these, called positive or negative in the samples of this day.", unit="antigens", required=True),
        Column("n_antigens_positive", pl.Int32, "Of these, positive.", unit="antigens", required=True),
        Column("sum_net_value", pl.Float64, "Sum of their net values; null unless every declared antigen has one.", unit="unit of the assay"),
    ),
)  # fmt: skip

LOSS_CURVES: Final = Table(
    "loss_curves",
    grain="one step of one curve of the loss of responses to one tumour antigen, or to all of them taken together",
    key=("assay", "population", "readout", "rule", "antigen", "curve", "time_days"),
    columns=(
        ASSAY,
        CELL_POPULATION,
        READOUT,
        RULE,
        IS_PRIMARY,
        ANTIGEN.but(description="Antigen; `all tumour antigens` for all series of them, which are not independent within a subject."),
        Column("curve", pl.String, "Cumulative incidence (Aalen-Johansen) with loss at the middle, left or right end of its interval, death competing; turnbull: the cause-specific curve only.", required=True, values=v.LOSS_CURVES),
        Column("time_days", pl.Float64, "Days since the first positive sample after infusion.", unit="days", required=True),
        Column("n_series", pl.Int32, "Subject-antigen series with a first positive sample that the curve rests on.", unit="series", required=True),
        Column("n_at_risk", pl.Int32, "At risk just before; null for turnbull.", unit="series"),
        Column("loss", pl.Float64, "Cumulative incidence of loss; for turnbull 1 minus the share not lost.", required=True),
        Column("death", pl.Float64, "Cumulative incidence of death before loss; null for turnbull."),
    ),
)  # fmt: skip

POOL_CANDIDATES: Final = Table(
    "pool_candidates",
    grain="one peptide of a pool matrix in one specimen, assay, population and readout under one rule: a finding to follow up, not a call",
    key=("specimen_id", "assay", "population", "readout", "rule", "peptide"),
    columns=(
        SPECIMEN,
        SUBJECT,
        STUDY_DAY,
        VISIT,
        ASSAY,
        CELL_POPULATION,
        READOUT,
        RULE,
        IS_PRIMARY,
        Column("peptide", pl.String, "Peptide, by sequence or name.", required=True),
        Column("status", pl.String, "candidate: every pool of it positive, and at least two; excluded: a pool of it negative; open: neither.", required=True, values=v.PEPTIDE_STATUS),
        Column("n_pools", pl.Int32, "Pools the design puts the peptide in.", unit="pools", required=True),
        Column("n_pools_positive", pl.Int32, "Of these, called positive.", unit="pools", required=True),
        Column("n_pools_negative", pl.Int32, "Of these, called negative.", unit="pools", required=True),
        Column("pools", pl.String, "The pools with their calls and net values, positive ones first.", required=True),
        Column("lowest_net_value", pl.Float64, "Lowest net value observed among its positive pools, wells too numerous to count at their ceiling.", unit="unit of the assay"),
        Column("n_rivals", pl.Int32, "Fewest other peptides, candidate or open, that share one of its positive pools: 0 where a pool points at this peptide alone. Null for an excluded peptide and where no pool is positive.", unit="peptides"),
    ),
)  # fmt: skip

COMPUTED: Final = (
    VISITED_SPECIMENS,
    EXPECTED_SPECIMENS,
    ELISPOT_WELLS,
    PLATE_FINDINGS,
    PLATE_QUALITY,
    RESPONSES,
    POOL_CANDIDATES,
    PERSISTENCE,
    PERSISTENCE_AT_LANDMARK,
    PERSISTENCE_BY_SUBJECT,
    BREADTH,
    LOSS_CURVES,
)
