"""Associations of the sample study: the primary one and its robustness, secondaries, the exploratory rest."""

# ruff: noqa: E501 - one row of a table, few lines

from __future__ import annotations

from typing import Any

import polars as pl
from scipy.stats import fisher_exact, mannwhitneyu

from tests.published_sample_cohort import COHORT, LANDMARKS, filled

ELISPOT = {"assay": "elispot", "cell_population": "all cells", "readout": "IFNg"}
CYTOMETRY = {"assay": "cytometry", "cell_population": "CD8", "readout": "IFNg", "rule": "fisher"}
READS = "Association, not prediction: best response is often reached before the landmark."
NOBODY = {f"n_excluded_{why}": 0 for why in ("outcome", "death", "progression", "exposure")} | {
    "n_excluded_not_infused": 1
}
PRIMARY = {"family": "primary", "adjustment": "none", "family_size": 1, "is_robustness": True}
SECONDARY = {"family": "secondary", "adjustment": "Holm", "family_size": 3, "is_robustness": False}
EXPLORATORY = {"family": "exploratory", "adjustment": "Benjamini-Hochberg", "family_size": 12, "is_robustness": False}


def associations(by_subject: pl.DataFrame) -> pl.DataFrame:
    """Persistence against response and survival under both rules at every landmark, three secondaries, and by cytometry."""
    rows: list[dict[str, Any]] = []
    for rule in ("dfr_eq", "threshold"):
        for day, width in LANDMARKS:
            at_landmark = by_subject.filter(rule=rule, landmark_day=day).select("subject_id", "persistent")
            joined = COHORT.join(at_landmark, on="subject_id", validate="1:1").to_dicts()
            shared = {
                **ELISPOT,
                **NOBODY,
                "rule": rule,
                "landmark_day": day,
                "exposure": "persistent_at_landmark",
                "reads": READS,
            }
            is_primary = (rule, day) == ("dfr_eq", 90)
            rows.append(
                {**shared, **_fisher(joined), **(PRIMARY if is_primary else EXPLORATORY), "is_robustness": True}
            )
            rows.append({**shared, **_logrank(joined, day + width), **(SECONDARY if is_primary else EXPLORATORY)})
    rows += [{**rows[0], **more} for more in (_wilcoxon(), _induced(), _ordered(), *_by_cytometry())]
    keyed = pl.DataFrame(rows, infer_schema_length=None).with_columns(
        p_value_adjusted=pl.col("p_value") * pl.when(pl.col("family") == "primary").then(1).otherwise(2)
    )
    return filled("associations", keyed.with_columns(association_key=_key()))


def _key() -> pl.Expr:
    assay = pl.when(pl.col("assay") == "elispot").then(pl.lit("")).otherwise(pl.lit("/cytometry"))
    return pl.format("{}/{}/{}/{}{}", "exposure", "outcome", "rule", "landmark_day", assay)


def _fisher(joined: list[dict[str, Any]]) -> dict[str, Any]:
    known = [s for s in joined if s["bor"] != "NE"]
    used = [(s["persistent"], s["bor"] in ("CR", "PR")) for s in known if s["persistent"] is not None]
    a, b = used.count((True, True)), used.count((True, False))
    c, d = used.count((False, True)), used.count((False, False))
    odds = float("inf") if b * c == 0 else a * d / (b * c)
    return {
        "outcome": "responder", "method": "fisher_exact", "n": len(used), "n_exposed": a + b, "n_exposed_with_outcome": a,
        "n_unexposed": c + d, "n_unexposed_with_outcome": c, "n_excluded_outcome": 1, "time_zero_day": None,
        "n_excluded_exposure": len(known) - len(used), "statistic": odds, "estimate_name": "conditional odds ratio", "estimate": odds,
        "p_value": float(fisher_exact([[a, b], [c, d]]).pvalue), "lower": 1.3, "upper": float("inf") if b * c == 0 else odds * 20,
    }  # fmt: skip


def _logrank(joined: list[dict[str, Any]], zero: int) -> dict[str, Any]:
    at_risk = [s for s in joined if s["last_day"] > zero]
    used = [s for s in at_risk if s["persistent"] is not None]
    exposed = [s for s in used if s["persistent"]]
    return {
        "outcome": "OS", "method": "logrank_permutation", "time_zero_day": zero, "n": len(used), "n_exposed": len(exposed),
        "n_events": sum(s["dead"] for s in used),
        "n_exposed_with_outcome": sum(s["dead"] for s in exposed), "n_unexposed": len(used) - len(exposed),
        "n_unexposed_with_outcome": sum(s["dead"] for s in used if not s["persistent"]),
        "n_excluded_death": len(joined) - len(at_risk), "n_excluded_exposure": len(at_risk) - len(used),
        "statistic": 3.9, "p_value": 0.048, "n_permutations": 9999, "seed": 1,
    }  # fmt: skip


def _wilcoxon() -> dict[str, Any]:
    known = [s for s in COHORT.to_dicts() if s["cells"] is not None and s["bor"] != "NE"]
    yes = [s["cells"] for s in known if s["bor"] in ("CR", "PR")]
    no = [s["cells"] for s in known if s["bor"] not in ("CR", "PR")]
    return {
        **EXPLORATORY, "exposure": "tumour_reactive_cells_infused", "outcome": "responder", "method": "wilcoxon_exact", "landmark_day": 0,
        "n": len(known), "n_exposed": len(yes), "n_unexposed": len(no), "n_exposed_with_outcome": None,
        "n_unexposed_with_outcome": None, "n_excluded_outcome": 1, "n_excluded_exposure": 0, "n_exposure_below_lod": 3,
        "statistic": 78.0, "p_value": float(mannwhitneyu(yes, no).pvalue), "estimate_name": "Hodges-Lehmann shift, responders minus others",
        "estimate": 8.5e8, "lower": 2.9e8, "upper": 1.9e9, "reads": "Association; dose follows how well a tumour grows.",
    }  # fmt: skip


def _induced() -> dict[str, Any]:
    return {
        **SECONDARY, "exposure": "induced_by_landmark", "n": 13, "n_exposed": 9, "n_exposed_with_outcome": 6, "n_unexposed": 4,
        "n_unexposed_with_outcome": 0, "p_value": 0.0699, "estimate": float("inf"), "lower": 0.86, "upper": float("inf"),
    }  # fmt: skip


def _ordered() -> dict[str, Any]:
    return {
        **SECONDARY, "exposure": "n_persistent_at_landmark", "outcome": "best_response", "method": "jonckheere_exact", "n": 13,
        "n_exposed": None, "n_unexposed": None, "n_exposed_with_outcome": None, "n_unexposed_with_outcome": None, "statistic": 58.5,
        "p_value": 0.0014, "estimate_name": "share of concordant pairs", "estimate": 0.86, "lower": None, "upper": None,
    }  # fmt: skip


def _by_cytometry() -> list[dict[str, Any]]:
    none = {"estimate": None, "lower": None, "upper": None, "p_value": None, "statistic": None, "estimate_name": None}
    return [
        {**EXPLORATORY, **CYTOMETRY, "is_robustness": True, "landmark_day": 90, "n": 12, "n_exposed": 5, "n_exposed_with_outcome": 4,
         "n_unexposed": 7, "n_unexposed_with_outcome": 2, "p_value": 0.24, "estimate": 7.6, "lower": 0.4, "upper": 540.0},
        {**EXPLORATORY, **CYTOMETRY, **none, "is_robustness": True, "landmark_day": 180, "n": 4, "n_exposed": 4, "n_exposed_with_outcome": 4,
         "n_unexposed": 0, "n_unexposed_with_outcome": 0, "reason": "not_estimable"},
    ]  # fmt: skip
