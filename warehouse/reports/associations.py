"""One row of `associations` in words: what is compared, in whom, who is left out, how large, how sure."""

from __future__ import annotations

from typing import Final

from warehouse.reports.published import Row
from warehouse.reports.wording import SPACE, cells, listed, number, p_value, share, spelled

CELLS: Final = "tumour_reactive_cells_infused"

_OUTCOMES: Final = {"responder": "response (CR or PR)", "OS": "overall survival"}
_WITH_IT: Final = {"responder": "responders", "OS": "deaths"}
_METHODS: Final = {
    "fisher_exact": "Fisher exact",
    "landmark_logrank": "landmark log-rank",
    "wilcoxon_exact": "exact Wilcoxon",
}


def comparison(row: Row) -> str:
    """Exposure and outcome: persistent at day 90 and response (CR or PR)."""
    is_in_cells = row["exposure"] == CELLS
    exposure = "tumour-reactive T cells infused" if is_in_cells else f"persistent at day {row['landmark_day']}"
    return f"{exposure} and {_OUTCOMES[row['outcome']]}"


def method(row: Row) -> str:
    """The test."""
    return _METHODS[row["method"]]


def groups(row: Row) -> str:
    """The two groups with their denominators, persistent before not persistent."""
    if row["exposure"] == CELLS:
        below = row["n_exposure_below_lod"]
        ranked = f"; {below} of {row['n']} below the LOD, ranked lowest" if below else ""
        return f"{row['n_exposed']} responders, {row['n_unexposed']} non-responders{ranked}"
    exposed = share(row["n_exposed_with_outcome"], row["n_exposed"])
    unexposed = share(row["n_unexposed_with_outcome"], row["n_unexposed"])
    return f"{_WITH_IT[row['outcome']]} {exposed} if persistent, {unexposed} if not"


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


def estimate(row: Row, before_ends: str = f"95{SPACE}% interval ") -> str:
    """The estimate with the ends of its 95 % interval, or that there is none; `before_ends` names the interval."""
    if row["estimate"] is None:
        return "no estimate"
    is_in_cells = row["exposure"] == CELLS
    worded = cells if is_in_cells else number
    ends = f"{before_ends}{worded(row['lower'])} to {worded(row['upper'])}"
    unit = f"{SPACE}cells" if is_in_cells else ""
    return f"{spelled(row['estimate_name'])}: {worded(row['estimate'])} ({ends}){unit}"


def verdict(row: Row) -> str:
    """The p-value, or that there is none."""
    return p_value(row["p_value"])
