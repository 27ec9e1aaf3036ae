"""Tables in which perdure keeps what it did: runs, settings, files, rejects, checks, decisions, estimates."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations import vocabulary as v
from expectations.contract import Column, Table
from expectations.identities import FILE, PLACE

UTC: Final = pl.Datetime("us")
"""Moments are stored in UTC without a zone: every DuckDB client shows them alike, without an extension."""
RUN: Final = Column("run_id", pl.String, "Run that wrote the row.", required=True)

RUNS: Final = Table(
    "runs",
    grain="one run that changed what is stored (the ledger)",
    key=("run_id",),
    stage="record",
    columns=(
        RUN,
        Column("started_at", UTC, "Start of the run, UTC.", required=True),
        Column("committed_at", UTC, "When its tables became visible together, UTC.", required=True),
        Column("program_version", pl.String, "Version of perdure.", required=True),
        Column("study_file_sha256", pl.String, "SHA-256 of study.toml as read by this run.", required=True),
        Column("as_of_date", pl.Date, "The day the run took as today when it judged which visits were due.", required=True),
        Column("next_due_date", pl.Date, "The first day on which another expected visit falls due; a run on or after it has something to do."),
        Column("n_files_looked_at", pl.Int64, "New or re-tried files the run judged.", unit="files", required=True),
        Column("n_files_held", pl.Int64, "Files held back after the run.", unit="files", required=True),
        Column("n_rows_rejected", pl.Int64, "Rows of accepted files that were split off and are not in the tables.", unit="rows", required=True),
        Column("n_critical_failures", pl.Int64, "Critical quality checks that failed in this run.", unit="checks", required=True),
        Column("trigger", pl.String, "Why there was something to do.", required=True),
        Column("table_versions", pl.String, "JSON: the Delta version of every table that belongs to this state.", required=True),
    ),
)  # fmt: skip

SETTINGS: Final = Table(
    "settings",
    grain="one setting of the study file in force at the last run",
    key=("setting",),
    columns=(
        Column("setting", pl.String, "Path of the key in study.toml.", required=True),
        Column("value", pl.String, "Its value, as JSON.", required=True),
        Column("is_default", pl.Boolean, "True where study.toml leaves it to perdure.", required=True),
    ),
)

FILES: Final = Table(
    "files",
    grain="one file at one place in the inbox, known by its bytes",
    key=("file_sha256", "path"),
    columns=(
        FILE,
        Column("path", pl.String, "Where it lay, relative to the inbox.", required=True),
        Column("size_bytes", pl.Int64, "Size.", unit="bytes", required=True),
        Column("arrival", pl.Int64, "Number of the run in which its bytes arrived at this place: first, or again after others had lain there.", required=True),
        Column("first_run_id", pl.String, "Run that first saw it.", required=True),
        Column("format", pl.String, "Reader that recognised it; null where none did."),
        Column("state", pl.String, "What became of it.", required=True, values=v.FILE_STATES),
        Column("reason", pl.String, "Stable reason code of the state; for a file with rejects the rule most of them broke."),
        Column("problem_place", pl.String, "Where in the file the problem is."),
        Column("problem", pl.String, "What is wrong, in words."),
        Column("remedy", pl.String, "What to do about it."),
        Column("n_rows", pl.Int64, "Rows read from it.", unit="rows"),
        Column("n_rejects", pl.Int64, "Rows split off from it.", unit="rows"),
        Column("read_date", pl.Date, "Latest read date the instrument wrote into it."),
        Column("plates", pl.String, "Plates in it, joined by commas."),
        Column("decided_by", pl.String, "Who released or dismissed it."),
        Column("decision_reason", pl.String, "Why, in their words."),
    ),
)  # fmt: skip

REJECTS: Final = Table(
    "rejects",
    grain="one rule broken by one row of a file",
    key=("file_sha256", "table_name", "place", "rule", "column_name"),
    columns=(
        FILE,
        Column("path", pl.String, "The file's path in the inbox.", required=True),
        Column("table_name", pl.String, "Table the row was meant for.", required=True),
        PLACE,
        Column("rule", pl.String, "Reason code of the rule it broke.", required=True),
        Column("column_name", pl.String, "Column (or columns) the rule speaks of.", required=True),
        Column("value", pl.String, "What stood there."),
        Column("says", pl.String, "The rule in words.", required=True),
        Column("row", pl.String, "The whole row as read, as JSON.", required=True),
    ),
)

QUALITY_CHECKS: Final = Table(
    "quality_checks",
    grain="one expectation of one table in one run, tried once",
    key=("run_id", "table_name", "attempt", "check_name"),
    stage="record",
    columns=(
        RUN,
        Column("table_name", pl.String, "Table that was checked.", required=True),
        Column("attempt", pl.Int32, "1 for the incoming table as it came; 2 and more after files were held back.", required=True),
        Column("check_name", pl.String, "The expectation and the columns it speaks of.", required=True),
        Column("says", pl.String, "The expectation in words.", required=True),
        Column("engine", pl.String, "Who evaluated it: great_expectations, or perdure for what spans tables.", required=True),
        Column("severity", pl.String, "critical keeps the batch out; warning is reported.", required=True, values=("critical", "warning")),
        Column("success", pl.Boolean, "Whether it held.", required=True),
        Column("n_rows", pl.Int64, "Rows looked at.", unit="rows", required=True),
        Column("n_unexpected", pl.Int64, "Rows that broke it.", unit="rows"),
        Column("limit_percent", pl.Float64, "Share of rows that may break it.", unit="%"),
        Column("examples", pl.String, "Some of what broke it."),
        Column("result", pl.String, "The result as the engine gave it, as JSON.", required=True),
    ),
)  # fmt: skip

CHECK_COLUMNS: Final = tuple(name for name in QUALITY_CHECKS.schema if name not in ("run_id", "attempt"))
"""What one check is told as; the run adds its id and the attempt."""

DECISIONS: Final = Table(
    "decisions",
    grain="one decision of a person about a file held back",
    key=("file_sha256", "decided_at"),
    stage="record",
    columns=(
        FILE,
        Column("action", pl.String, "What was decided.", required=True, values=("release", "dismiss")),
        Column("decided_at", UTC, "When, UTC.", required=True),
        Column("decided_by", pl.String, "Who.", required=True),
        Column("because", pl.String, "Why, in their words.", required=True),
        RUN,
    ),
)

ESTIMATES: Final = Table(
    "estimates",
    grain="one quantity estimated from the study's own data, one version",
    key=("estimate", "assay", "readout", "version"),
    stage="record",
    columns=(
        Column("estimate", pl.String, "What was estimated (limit_of_blank).", required=True),
        Column("assay", pl.String, "Assay.", required=True),
        Column("readout", pl.String, "Analyte or readout.", required=True),
        Column("version", pl.Int32, "1 for the first, 0 where there were too few wells for one; a new one only when re-estimation is asked for.", required=True),
        Column("limit_of_blank", pl.Float64, "Limit of blank of the negative control; null for version 0.", unit="spots per 10^6 cells"),
        Column("control_mean", pl.Float64, "Mean of those control wells.", unit="spots per 10^6 cells", required=True),
        Column("n_wells", pl.Int64, "Negative-control wells it rests on.", unit="wells", required=True),
        Column("input_sha256", pl.String, "SHA-256 over the wells it rests on.", required=True),
        Column("estimated_on", pl.Date, "Day of the estimate.", required=True),
        RUN,
    ),
)  # fmt: skip

CONTROL_BASELINES: Final = Table(
    "control_baselines",
    grain="the limits of one control chart: one measure, instrument, analyte, sample and reference period, one version",
    key=("measure", "instrument", "analyte", "sample", "reference_first", "reference_last", "version"),
    stage="record",
    columns=(
        Column("measure", pl.String, "What is charted.", required=True, values=v.PLATE_MEASURES),
        Column("instrument", pl.String, "Reader that counted the plates.", required=True),
        Column("analyte", pl.String, "What was stained for.", required=True),
        Column("sample", pl.String, "The control, or the reference sample and stimulus: each has a chart of its own.", required=True),
        Column("reference_first", pl.Date, "First read date of the reference period.", required=True),
        Column("reference_last", pl.Date, "Last read date of the reference period.", required=True),
        Column("version", pl.Int32, "1 for the first, 0 where there were too few plates for one; a new one only when re-estimation is asked for.", required=True),
        Column("mean_log10", pl.Float64, "Mean of log10(x + 1) over the plates of the period, by maximum likelihood where some are lower bounds; null for version 0."),
        Column("sd_log10", pl.Float64, "Standard deviation likewise; null for version 0."),
        Column("n_plates", pl.Int64, "Plates it rests on.", unit="plates", required=True),
        Column("n_bounds", pl.Int64, "Of these, plates whose value is a lower bound; they enter as censored.", unit="plates", required=True),
        Column("input_sha256", pl.String, "SHA-256 over the plates and values it rests on.", required=True),
        Column("estimated_on", pl.Date, "Day of the estimate.", required=True),
        RUN,
    ),
)  # fmt: skip

MIMOSA_FITS: Final = Table(
    "mimosa_fits",
    grain="one beta-binomial mixture fitted to the specimens of one antigen, population, subset and visit, one version",
    key=("antigen", "population", "subset", "visit", "version"),
    stage="record",
    columns=(
        Column("antigen", pl.String, "Antigen.", required=True),
        Column("population", pl.String, "Population.", required=True),
        Column("subset", pl.String, "Subset as tube_populations spells it (IFNg+, IFNg+TNF-), of a called readout or of the polyfunctional markers.", required=True),
        Column("visit", pl.String, "Visit, `infusion product`, or `all visits` where study.toml pools them.", required=True),
        Column("version", pl.Int32, "1 for the first, 0 where there were too few specimens for one; a new one only when re-estimation is asked for.", required=True),
        Column("w_response", pl.Float64, "Share of responders."),
        Column("alpha_s", pl.Float64, "First parameter of the stimulated proportion of responders."),
        Column("beta_s", pl.Float64, "Second parameter of it."),
        Column("alpha_u", pl.Float64, "First parameter of the unstimulated proportion."),
        Column("beta_u", pl.Float64, "Second parameter of it."),
        Column("log_likelihood", pl.Float64, "Log-likelihood of the fit."),
        Column("has_converged", pl.Boolean, "True where EM converged."),
        Column("is_weak", pl.Boolean, "True where it did not converge or a parameter runs away: weakly identified."),
        Column("largest_stimulated_percent", pl.Float64, "Largest stimulated percentage among the specimens it rests on: it never saw a larger one.", unit="%"),
        Column("fdr_curve", pl.String, "JSON: z and false discovery rate of the specimens it rests on, z descending."),
        Column("n_specimens", pl.Int64, "Specimens it rests on, one a subject but for `all visits`.", unit="specimens", required=True),
        Column("input_sha256", pl.String, "SHA-256 over the counts it rests on.", required=True),
        Column("estimated_on", pl.Date, "Day of the estimate.", required=True),
        RUN,
    ),
)  # fmt: skip

REGATED_COUNTS: Final = Table(
    "regated_counts",
    grain="one population of one sample of a workspace or Gating-ML file, counted again from one FCS file",
    key=("file_sha256", "sample_number", "population_path", "fcs_sha256", "engine", "run_id"),
    stage="record",
    columns=(
        FILE,
        Column("sample_number", pl.Int32, "Which sample of that file.", required=True),
        Column("population_path", pl.String, "Gates from the root to the population.", required=True),
        Column("fcs_sha256", pl.String, "FCS file it was counted again from.", required=True),
        Column("count_regated", pl.Int64, "Events inside; null where the gate could not be applied.", unit="events"),
        Column("gate_type", pl.String, "Kind of the last gate.", values=v.GATE_TYPES),
        Column("reason", pl.String, "Why it could not be counted again."),
        Column("engine", pl.String, "What counted: the version of FlowKit and that of gating here.", required=True),
        RUN,
    ),
)  # fmt: skip

RECORDS: Final = (
    RUNS,
    SETTINGS,
    FILES,
    REJECTS,
    QUALITY_CHECKS,
    DECISIONS,
    ESTIMATES,
    CONTROL_BASELINES,
    MIMOSA_FITS,
    REGATED_COUNTS,
)
