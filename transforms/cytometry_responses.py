"""Cytometry responses: values, limits, quality and calls of ICS and multimers, every positivity rule side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import polars as pl

from expectations.computed import RESPONSES
from expectations.study import StudySettings
from expectations.study_cytometry import CytometryRuleName
from transforms.cytometry_pairs import stimulated_pairs, subsets_of_readouts
from transforms.cytometry_positivity import RULE_VERSIONS, fisher, mimosa, multimer_events
from transforms.cytometry_quality import criteria
from transforms.cytometry_values import with_cells_per_ul, with_net, with_percent
from transforms.mimosa_fits import with_responses
from transforms.multimers import multimer_counts
from transforms.positivity import ROUNDING
from transforms.quality import called

Tables = Mapping[str, pl.DataFrame]

_NO_CONTROL: Final = {
    "unstimulated_tubes": pl.Int32,
    "unstimulated_count": pl.Int64,
    "unstimulated_parent_count": pl.Int64,
    "unstimulated_lymphocyte_count": pl.Int64,
}


def cytometry_responses(t: Tables, settings: StudySettings) -> pl.DataFrame:
    """Every antigen of every specimen and batch, by population and readout under every rule, in % of the population.

    ICS is called by `fisher` and `mimosa`, multimers by `multimer_events`. Values are never clamped. Where there are
    only percentages they are kept, and no call rests on them.

    Args:
        t: tube_populations, matched_samples, visited_specimens, hla_typing, blood_counts, mimosa_fits (the latest
            version of each counts), acquisition_quality, gate_agreement, cytometry_samples and files.
        settings: readouts, multimers, rules, quality.

    Returns:
        RESPONSES; `is_reported` as `cytometry_pairs.stimulated_pairs` says, for every readout by itself.
    """
    pairs = _pairs(t, settings)
    fitted = with_responses(pairs, t["mimosa_fits"], settings)
    responses = (
        _called_by("fisher", fisher(pairs, settings), settings),
        _called_by("mimosa", mimosa(fitted, settings), settings),
        _called_by("multimer_events", multimer_events(_multimers(t, settings), settings), settings),
    )
    return pl.concat(RESPONSES.conform(own) for own in responses).sort(RESPONSES.key)


def _pairs(t: Tables, settings: StudySettings) -> pl.DataFrame:
    """Pairs of the called readouts with values."""
    named = subsets_of_readouts(settings.cytometry)
    readouts = pl.DataFrame(
        {"readout": named.keys(), "subset": named.values()}, schema={"readout": pl.String, "subset": pl.String}
    )
    pairs = stimulated_pairs(t, settings).join(readouts, on="subset", how="inner", validate="m:m")
    return _valued(with_net(pairs), t, settings)


def _multimers(t: Tables, settings: StudySettings) -> pl.DataFrame:
    """Multimers with values and what the subject's typing says."""
    absent = {name: pl.lit(None, dtype=dtype) for name, dtype in _NO_CONTROL.items()}
    counts = multimer_counts(t, settings).with_columns(control=pl.lit(None, dtype=pl.String), **absent)
    return _valued(with_percent(counts, settings), t, settings)


def _valued(pairs: pl.DataFrame, t: Tables, settings: StudySettings) -> pl.DataFrame:
    roles = [(antigen.name, antigen.role) for antigen in settings.antigens]
    named = pl.DataFrame(roles, schema={"antigen": pl.String, "antigen_role": pl.String}, orient="row")
    with_roles = pairs.join(named, on="antigen", how="left", validate="m:1")
    is_counted = pl.col("is_usable") & pl.col("net_value").is_not_null()
    return with_cells_per_ul(with_roles, t["blood_counts"], settings).with_columns(
        is_below_lod=pl.when(is_counted).then(pl.col("net_value") < pl.col("lod") - ROUNDING)
    )


def _called_by(rule: CytometryRuleName, judged: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    rules = settings.cytometry.rules
    parameters = getattr(rules, rule).model_dump()
    key = ("specimen_id", "batch", "antigen", "population", "readout")
    missing = ("antigen_median", "control_median", "lod_version", *(() if rule == "mimosa" else ("fit_version",)))
    return called(judged, criteria(settings, rule)).with_columns(
        response_key=pl.concat_str(*key, pl.lit(rule), separator="/"),
        plate_id="batch",
        assay=pl.lit("cytometry"),
        unit=pl.format("% of {}", "population"),
        rule=pl.lit(rule),
        rule_version=pl.lit(RULE_VERSIONS[rule]),
        rule_parameters=pl.lit(json.dumps(parameters, sort_keys=True)),
        is_primary_rule=pl.lit(rule in (rules.primary, "multimer_events")),
        n_antigen_wells="stimulated_tubes",
        n_control_wells=pl.col("unstimulated_tubes").fill_null(0),
        net_lower="net_value",
        net_upper="net_value",
        **{name: pl.lit(None, dtype=RESPONSES.schema[name]) for name in missing},
    )
