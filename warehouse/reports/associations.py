"""One row of `associations` in words: what is compared, in whom, who is left out, how large, how sure."""

from __future__ import annotations

from typing import Final

from warehouse.reports.published import Row
from warehouse.reports.wording import SPACE, cells, listed, number, p_value, share, spelled

_EXPOSURES: Final = {"tumour_reactive_cells_infused": "tumour-reactive T cells infused"}
_OUTCOMES: Final = {"responder": "response (CR or PR)", "OS": "overall survival"}
_METHODS: Final = {
    "fisher_exact": "Fisher exact",
    "landmark_logrank": "landmark log-rank",
    "wilcoxon_exact": "exact Wilcoxon",
}


def comparison(row: Row) -> str:
    """Exposure and outcome: persistent at day 90 and response (CR or PR)."""
    exposure = _EXPOSURES.get(row["exposure"], f"persistent at day {row['landmark_day']}")
    return f"{exposure} and {_OUTCOMES.get(row['outcome'], row['outcome'])}"


def method(row: Row) -> str:
    """The test."""
    return _METHODS.get(row["method"], spelled(row["method"]))


def groups(row: Row) -> str:
    """The two groups with their denominators, persistent before not persistent."""
    if row["exposure"] == "tumour_reactive_cells_infused":
        below = row["n_exposure_below_lod"]
        ranked = f"; {below} of {row['n']} below the LOD, ranked lowest" if below else ""
        return f"{row['n_exposed']} responders, {row['n_unexposed']} non-responders{ranked}"
    what = {"responder": "responders", "OS": "deaths"}.get(row["outcome"], "with the outcome")
    exposed = share(row["n_exposed_with_outcome"], row["n_exposed"])
    return f"{what} {exposed} if persistent, {share(row['n_unexposed_with_outcome'], row['n_unexposed'])} if not"


def exclusions(row: Row) -> str:
    """How many subjects are left out, and why."""
    return listed(
        {
            "never infused": row["n_excluded_not_infused"],
            "response not evaluable": row["n_excluded_outcome"],
            "dead or lost at time zero": row["n_excluded_death"],
            "exposure not evaluable": row["n_excluded_exposure"],
        }
    )


def effect(row: Row) -> str:
    """The estimate with the ends of its 95 % interval, or that there is none."""
    if row["estimate"] is None:
        return "no estimate"
    is_in_cells = row["exposure"] == "tumour_reactive_cells_infused" and "ratio" not in str(row["estimate_name"])
    worded = cells if is_in_cells else number
    name = spelled(row["estimate_name"]).replace("hodges lehmann", "Hodges-Lehmann")
    unit = f"{SPACE}cells" if is_in_cells else ""
    return f"{name} {worded(row['estimate'])} ({worded(row['lower'])} to {worded(row['upper'])}){unit}"


def estimate(row: Row) -> str:
    """The estimate with its interval, saying which interval it is."""
    return effect(row).replace(" (", f" (95{SPACE}% interval ", 1)


def verdict(row: Row) -> str:
    """The p-value, or why there is none."""
    if row["p_value"] is None:
        return f"not estimable: {spelled(row['reason'])}" if row["reason"] else "not estimable"
    return p_value(row["p_value"])
