"""Tables of the association of T-cell responses with clinical outcome, and of who the subjects are."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations import vocabulary as v
from expectations.analyses import EXPOSURE, METHODS, OUTCOME
from expectations.computed import ASSAY, CELL_POPULATION, READOUT, RULE
from expectations.contract import Column, Table

ASSOCIATIONS: Final = Table(
    "associations",
    grain="one analysis of an exposure against an outcome by one method, under one rule, at one landmark",
    key=("exposure", "outcome", "method", "assay", "cell_population", "readout", "rule", "landmark_day"),
    columns=(
        Column("association_key", pl.String, "Key for `perdure explain`.", required=True),
        Column("family", pl.String, "Multiplicity family: the one primary analysis, declared secondaries, the exploratory rest.", required=True, values=v.FAMILIES),
        Column("place", pl.Int32, "Place in the order of study.toml: 0 for the primary, then the secondaries; null for what was not declared."),
        Column("exposure", pl.String, "What divides or ranks the subjects.", required=True, values=tuple(EXPOSURE)),
        Column("outcome", pl.String, "What is compared.", required=True, values=tuple(OUTCOME)),
        Column("method", pl.String, "Method.", required=True, values=METHODS),
        ASSAY,
        CELL_POPULATION.but(name="cell_population"),
        READOUT,
        RULE.but(required=True),
        Column("landmark_day", pl.Int32, "Landmark; 0 for an exposure known on day 0 and for one that changes over time.", unit="days", required=True),
        Column("time_zero_day", pl.Int32, "Study day from which time runs: L + w for survival, 0 for what is known then or changes over time.", unit="days"),
        Column("is_robustness", pl.Boolean, "The primary question under another rule, landmark or assay, or the primary analysis itself.", required=True),
        Column("n", pl.Int32, "Subjects in the comparison.", unit="subjects", required=True),
        Column("n_events", pl.Int32, "Events among them; null where the outcome has no time.", unit="subjects"),
        Column("n_exposed", pl.Int32, "Of these, exposed; for a number, those with the outcome (responders); null for numbers against an ordered outcome, a number or time, and for an exposure that changes over time.", unit="subjects"),
        Column("n_exposed_with_outcome", pl.Int32, "Exposed with the outcome (responders, events); where the exposure changes, events while exposed; null where exposure or outcome is no yes or no.", unit="subjects"),
        Column("n_unexposed", pl.Int32, "The others.", unit="subjects"),
        Column("n_unexposed_with_outcome", pl.Int32, "The others with the outcome.", unit="subjects"),
        Column("n_excluded_not_infused", pl.Int32, "Left out: never infused. Whoever is left out is counted once, under the first that holds of never infused, death, progression, outcome, exposure.", unit="subjects", required=True),
        Column("n_excluded_outcome", pl.Int32, "Left out: outcome not evaluable.", unit="subjects", required=True),
        Column("n_excluded_death", pl.Int32, "Left out: dead by the end of the landmark's window, L + w; for OS and PFS dead at time zero, or no longer followed (for PFS: censored) by then.", unit="subjects", required=True),
        Column("n_excluded_progression", pl.Int32, "Left out of PFS: progressed at time zero.", unit="subjects", required=True),
        Column("n_excluded_exposure", pl.Int32, "Left out: exposure not evaluable, and none of the others.", unit="subjects", required=True),
        Column("n_exposure_below_lod", pl.Int32, "Numbers of cells ranked lowest because they are below their LOD.", unit="subjects"),
        Column("statistic", pl.Float64, "Statistic of the method: sample odds ratio, rank sum of those with the outcome, Jonckheere-Terpstra J, Spearman rho, log-rank chi-square, score (observed minus expected events among the exposed, where the exposure changes), or z of the coefficient, whose p-value is that of the likelihood ratio."),
        Column("p_value", pl.Float64, "Two-sided p-value; null where not estimable."),
        Column("p_value_adjusted", pl.Float64, "Adjusted within its family; for the primary analysis the p-value itself."),
        Column("adjustment", pl.String, "How it is adjusted.", required=True, values=("none", "Holm", "Benjamini-Hochberg")),
        Column("family_size", pl.Int32, "Analyses in the family: declared ones whether or not they have a p-value (without one they count as p = 1), exploratory ones that have one.", unit="analyses", required=True),
        Column("n_permutations", pl.Int32, "Random permutations; null for an exact or asymptotic p-value.", unit="permutations"),
        Column("seed", pl.Int64, "Their seed."),
        Column("estimate_name", pl.String, "What the estimate is."),
        Column("estimate", pl.Float64, "Conditional odds ratio, Hodges-Lehmann shift, hazard ratio, rho, or share of concordant pairs; infinite where a cell of a two-by-two table is empty."),
        Column("lower", pl.Float64, "95 % interval, lower end."),
        Column("upper", pl.Float64, "95 % interval, upper end."),
        Column("reason", pl.String, "Why there is no p-value; where there is one, why there is no estimate beside it (separation)."),
        Column("reads", pl.String, "How to read it: association, and what it does not say.", required=True),
    ),
)  # fmt: skip

CHARACTERISTICS: Final = Table(
    "characteristics",
    grain="one line of the table of subjects' characteristics (Table 1) in one group of one division of the subjects",
    key=("division", "group", "characteristic", "level"),
    columns=(
        Column("division", pl.String, "How subjects are divided: not at all, by response, or by the exposure of the primary analysis.", required=True, values=("all", "response", "primary_exposure")),
        Column("group", pl.String, "Group of that division; subjects that are in none are a group of their own (`not evaluable`).", required=True),
        Column("n_subjects", pl.Int32, "Infused subjects in the group.", unit="subjects", required=True),
        Column("characteristic", pl.String, "What is described (age, sex, m_stage, ldh_at_baseline, total_viable_cells ...).", required=True),
        Column("level", pl.String, "Category (M1c); empty for a number.", required=True),
        Column("unit", pl.String, "Unit of a number."),
        Column("n_known", pl.Int32, "Subjects of the group for whom it is known.", unit="subjects", required=True),
        Column("n_with", pl.Int32, "Of these, in the category; null for a number.", unit="subjects"),
        Column("percent", pl.Float64, "100 n_with / n_known.", unit="%"),
        Column("median", pl.Float64, "Median of a number.", unit="see unit"),
        Column("lower_quartile", pl.Float64, "25th percentile.", unit="see unit"),
        Column("upper_quartile", pl.Float64, "75th percentile.", unit="see unit"),
        Column("minimum", pl.Float64, "Smallest.", unit="see unit"),
        Column("maximum", pl.Float64, "Largest.", unit="see unit"),
        Column("position", pl.Int32, "Place of the line in the table.", required=True),
    ),
)  # fmt: skip

ASSOCIATION_TABLES: Final = (ASSOCIATIONS, CHARACTERISTICS)
