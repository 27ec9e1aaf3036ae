"""Rates of response and of disease control with every denominator that could be meant."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from expectations.outcome_tables import DENOMINATORS
from transforms.exact import clopper_pearson

_MEASURES: Final = {
    "objective_response_rate": pl.col("is_responder"),
    "complete_response_rate": pl.col("is_evaluable") & (pl.col("best_overall_response") == "CR"),
    "disease_control_rate": pl.col("has_disease_control"),
}
_POPULATIONS: Final = {
    "enrolled": pl.lit(value=True),
    "infused": pl.col("is_infused"),
    "evaluable": pl.col("is_evaluable"),
}


def denominators(outcomes: pl.DataFrame) -> pl.DataFrame:
    """DENOMINATORS: each rate of the enrolled, the infused and the evaluable, in percent.

    Subjects without an evaluable response count as without the outcome. Exact 95 % interval of Clopper and Pearson.
    """
    rows = [
        {"measure": measure, "population": population, **_proportion(outcomes.filter(belongs), has_it)}
        for measure, has_it in _MEASURES.items()
        for population, belongs in _POPULATIONS.items()
    ]
    return DENOMINATORS.conform(pl.DataFrame(rows)).sort(DENOMINATORS.key)


def _proportion(population: pl.DataFrame, has_it: pl.Expr) -> dict[str, Any]:
    n, n_with = population.height, population.filter(has_it).height
    if n == 0:
        return {"n_with": 0, "n": 0, "percent": None, "lower_percent": None, "upper_percent": None}
    lower, upper = clopper_pearson(n_with, n)
    return {
        "n_with": n_with,
        "n": n,
        "percent": 100 * n_with / n,
        "lower_percent": 100 * lower,
        "upper_percent": 100 * upper,
    }
