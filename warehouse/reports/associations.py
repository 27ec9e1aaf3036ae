"""One row of `associations` in words: what is compared, in whom, who is left out, how large, how sure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from expectations.analyses import EXPOSURE, OUTCOME
from warehouse.reports.published import Row
from warehouse.reports.wording import NOTHING, SPACE, cells, listed, number, p_value, share, spelled

_SENTENCES: Final = re.compile(r"(?<=\.)\s+(?=[A-Z])")

CELLS: Final = "tumour_reactive_cells_infused"

_EXPOSURES: Final = {
    "persistent_at_landmark": "persistent at day {}",
    "induced_by_landmark": "induced by day {}",
    "n_persistent_at_landmark": "number of tumour antigens persistent at day {}",
    "product_share_at_landmark": "share of the product's tumour antigens persistent at day {}",
    "sum_net_value_at_landmark": "sum of net values at day {}",
    CELLS: "tumour-reactive T cells infused",
    "positive_over_time": "positive in the latest sample (time-dependent)",
}
_OUTCOMES: Final = {
    "responder": "response (CR or PR)",
    "disease_control": "disease control",
    "complete_response": "complete response",
    "best_response": "best response in order (PD, SD, PR, CR)",
    "best_change_percent": "best change of the target sum",
    "OS": "overall survival",
    "PFS": "progression-free survival",
}
_WITH_IT: Final = {
    "responder": ("responders", "non-responders"),
    "disease_control": ("with disease control", "without"),
    "complete_response": ("with complete response", "without"),
    "OS": ("deaths", "alive"),
    "PFS": ("progressions or deaths", "without"),
}
_GROUPS: Final = {
    "persistent_at_landmark": ("persistent", "not persistent"),
    "induced_by_landmark": ("induced", "not induced"),
    "positive_over_time": ("positive", "not positive"),
}
_METHODS: Final = {
    "fisher_exact": "Fisher exact",
    "firth_logistic": "Firth logistic regression",
    "wilcoxon_exact": "exact Wilcoxon",
    "jonckheere_exact": "exact Jonckheere-Terpstra",
    "spearman_permutation": "Spearman by permutation",
    "logrank_permutation": "landmark log-rank by permutation",
    "landmark_logrank": "landmark log-rank",
    "score_permutation": "landmark score test by permutation",
    "landmark_cox": "landmark Cox regression",
    "score_over_time": "time-dependent score test",
    "cox_over_time": "time-dependent Cox regression",
}


def comparison(row: Row) -> str:
    """Exposure and outcome: persistent at day 90 and response (CR or PR)."""
    return f"{exposure(row)} and {outcome(row)}"


def exposure(row: Row) -> str:
    """The exposure with its landmark."""
    named = row["exposure"]
    return _EXPOSURES.get(named, spelled(named)).format(row["landmark_day"])


def outcome(row: Row) -> str:
    """The outcome."""
    return _OUTCOMES.get(row["outcome"], spelled(row["outcome"]))


def method(row: Row) -> str:
    """The test."""
    return _METHODS.get(row["method"], spelled(row["method"]))


def exposure_groups(row: Row) -> tuple[str, str]:
    """What those with the exposure are called, and the others."""
    return _GROUPS.get(row["exposure"], ("exposed", "not exposed"))


def outcome_groups(row: Row) -> tuple[str, str]:
    """What those with the outcome are called, and the others."""
    return _WITH_IT.get(row["outcome"], ("with the outcome", "without"))


def groups(row: Row) -> str:
    """The two groups with their denominators, those exposed before the others."""
    if row["n_exposed"] is None or row["n_unexposed"] is None:
        return f"{row['n']} subjects{_events(row)}"
    if EXPOSURE[row["exposure"]].kind == "number":
        with_it, without = outcome_groups(row)
        below = row["n_exposure_below_lod"]
        ranked = f"; {below} of {row['n']} below the LOD, ranked lowest" if below else ""
        return f"{row['n_exposed']} {with_it}, {row['n_unexposed']} {without}{ranked}"
    names = exposure_groups(row)
    if row["n_exposed_with_outcome"] is None:
        return f"{row['n_exposed']} {names[0]}, {row['n_unexposed']} {names[1]}{_events(row)}"
    exposed = share(row["n_exposed_with_outcome"], row["n_exposed"])
    unexposed = share(row["n_unexposed_with_outcome"], row["n_unexposed"])
    return f"{outcome_groups(row)[0]} {exposed} if {names[0]}, {unexposed} if not"


def _events(row: Row) -> str:
    if row["n_events"] is None or OUTCOME[row["outcome"]].kind != "time":
        return ""
    return f", {row['n_events']} {outcome_groups(row)[0]}"


_LEFT_OUT: Final = {
    "n_excluded_not_infused": ("never infused", "never infused"),
    "n_excluded_outcome": ("response not evaluable", "response n.e."),
    "n_excluded_death": ("died by the end of the window", "dead"),
    "n_excluded_progression": ("progressed at time zero", "progressed"),
    "n_excluded_exposure": ("exposure not evaluable", "exposure n.e."),
}


_LEFT_OUT_OF_TIME: Final = {"n_excluded_death": ("dead or lost at time zero", "dead or lost")}


def exclusions(row: Row, *, is_short: bool = False) -> str:
    """How many subjects are left out, and why; short for a column of a table."""
    worded = _LEFT_OUT | (_LEFT_OUT_OF_TIME if OUTCOME[row["outcome"]].kind == "time" else {})
    return listed({words[is_short]: row[name] for name, words in worded.items()})


def estimate(row: Row, before_ends: str = f"95{SPACE}% interval ") -> str:
    """The estimate with the ends of its 95 % interval, or that there is none; `before_ends` names the interval."""
    if row["estimate"] is None:
        return "no estimate"
    is_in_cells = row["exposure"] == CELLS and "shift" in (row["estimate_name"] or "")
    worded = cells if is_in_cells else number
    ends = f"{before_ends}{worded(row['lower'])} to {worded(row['upper'])}"
    told = "no interval" if row["lower"] is None and row["upper"] is None else ends
    unit = f"{SPACE}cells" if is_in_cells else ""
    return f"{spelled(row['estimate_name'])}: {worded(row['estimate'])} ({told}){unit}"


def verdict(row: Row) -> str:
    """The p-value, or that there is none."""
    return p_value(row["p_value"])


def adjusted(row: Row) -> str:
    """The adjusted p-value with its method and the size of its family; that it is not adjusted for the primary one."""
    if row["p_value"] is None:
        return NOTHING
    if row["adjustment"] in (None, "none"):
        return "not adjusted"
    return f"{p_value(row['p_value_adjusted'])} ({row['adjustment']}, family of {row['family_size']})"


def readings(rows: Iterable[Row]) -> list[str]:
    """The sentences that say how to read these rows, each once: most are true of many rows."""
    return list(dict.fromkeys(sentence for row in rows for sentence in sentences(row)))


def sentences(row: Row) -> list[str]:
    """How to read a row, sentence by sentence."""
    return _SENTENCES.split(row["reads"] or "") if row["reads"] else []
