"""ELISpot responses: values, limits, quality and calls, every positivity rule side by side."""

from __future__ import annotations

import json
from typing import Final

import polars as pl

from expectations.computed import RESPONSES, SPM
from expectations.study import ALL_CELLS, StudySettings
from expectations.study_elispot import RuleName
from transforms.limit_of_blank import with_lod
from transforms.positivity import ROUNDING, RULE_VERSIONS, RULES
from transforms.quality import called, criteria
from transforms.replicates import RESPONSE, at_ceiling, replicate_summaries

_OF_CYTOMETRY: Final = (
    "stimulated_count",
    "stimulated_parent_count",
    "unstimulated_count",
    "unstimulated_parent_count",
    "net_per_ul",
    "blood_count_date",
    "fit_version",
)


def elispot_responses(
    wells: pl.DataFrame,
    visited: pl.DataFrame,
    estimates: pl.DataFrame,
    settings: StudySettings,
    arrivals: pl.DataFrame,
) -> pl.DataFrame:
    """Every antigen of every specimen and plate under every rule, in spots per 10^6 cells.

    Args:
        wells: ELISPOT_WELLS.
        visited: VISITED_SPECIMENS; wells of other specimens are left out.
        estimates: ESTIMATES; the latest limit of blank of each analyte is used.
        settings: limits, rules and controls.
        arrivals: file_sha256 and arrival, the order in which the files came.

    Returns:
        RESPONSES. Values are never clamped. Of several plates with the same specimen, antigen and analyte the one read
        last is reported; without a read date, or with the same, the one whose file came last, then the last by name. A
        plate on which no well of the antigen has a value gives way to one that has. Reference samples have no response.
    """
    known = at_ceiling(wells.filter(~pl.col("specimen_id").is_in(settings.elispot.trend.reference_samples)))
    measured = (
        replicate_summaries(known, settings.controls.negative[0])
        .join(visited, on="specimen_id", how="inner", validate="m:1")
        .join(_antigen_roles(settings), on="antigen", how="left", validate="m:1")
        .join(_reported(wells, arrivals), on=RESPONSE, how="left", validate="1:1")
    )
    measured = with_lod(measured, estimates, settings).with_columns(**_net()).with_columns(is_below_lod=_is_below_lod())
    responses = pl.concat(_called_by(rule, measured, known, settings) for rule in RULES)
    return RESPONSES.conform(responses).sort(RESPONSES.key)


def _called_by(rule: RuleName, measured: pl.DataFrame, wells: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    parameters = getattr(settings.rules, rule).model_dump()
    verdicts = RULES[rule](measured, wells, settings)
    judged = measured.join(verdicts, on=RESPONSE, how="left", validate="1:1")
    return called(judged, criteria(settings, rule)).with_columns(
        response_key=pl.concat_str("specimen_id", "plate_id", "antigen", "analyte", pl.lit(rule), separator="/"),
        assay=pl.lit("elispot"),
        population=pl.lit(ALL_CELLS),
        readout=pl.col("analyte"),
        unit=pl.lit(SPM),
        rule=pl.lit(rule),
        rule_version=pl.lit(RULE_VERSIONS[rule]),
        rule_parameters=pl.lit(json.dumps(parameters, sort_keys=True)),
        is_primary_rule=pl.lit(rule == settings.rules.primary),
        **{name: pl.lit(None, dtype=RESPONSES.schema[name]) for name in _OF_CYTOMETRY},
    )


def _antigen_roles(settings: StudySettings) -> pl.DataFrame:
    roles = [(antigen.name, antigen.role) for antigen in settings.antigens]
    return pl.DataFrame(roles, schema={"antigen": pl.String, "antigen_role": pl.String}, orient="row")


def _reported(wells: pl.DataFrame, arrivals: pl.DataFrame) -> pl.DataFrame:
    """RESPONSE and is_reported: true for one plate of each specimen, antigen and analyte."""
    first_seen = arrivals.group_by("file_sha256").agg(pl.col("arrival").min())
    plates = (
        wells.filter((pl.col("well_role") == "antigen") & pl.col("specimen_id").is_not_null())
        .join(first_seen, on="file_sha256", how="left", validate="m:1")
        .group_by(RESPONSE)
        .agg(pl.col("read_date", "arrival").max(), has_value=pl.col("status").is_in(["counted", "tntc"]).any())
        .sort("has_value", "read_date", "arrival", "plate_id", nulls_last=False)
    )
    last = pl.col("plate_id").last().over("specimen_id", "antigen", "analyte")
    return plates.select(*RESPONSE, is_reported=pl.col("plate_id") == last)


def _net() -> dict[str, pl.Expr]:
    """Net value with its bounds: wells too numerous to count leave a side of it open."""
    net = pl.col("antigen_mean") - pl.col("control_mean")
    return {
        "net_value": net,
        "net_lower": pl.when(~pl.col("control_has_tntc")).then(net),
        "net_upper": pl.when(~pl.col("antigen_has_tntc")).then(net),
    }


def _is_below_lod() -> pl.Expr:
    """Whether the net value is left-censored; null where a bound leaves it open."""
    is_below = pl.col("net_value") < pl.col("lod") - ROUNDING
    bounded_below, bounded_above = pl.col("net_lower").is_not_null(), pl.col("net_upper").is_not_null()
    return pl.when((is_below & bounded_above) | (~is_below & bounded_below)).then(is_below)
