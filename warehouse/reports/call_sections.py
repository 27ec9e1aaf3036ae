"""Calls that could not be made, and the limits of detection that calls rest on."""

from __future__ import annotations

from typing import Final

from warehouse.reports.blocks import Section
from warehouse.reports.published import Published, Row
from warehouse.reports.tables import Shown, tabulate
from warehouse.reports.wording import NOTHING, meaning, number, spelled


def _range(row: Row) -> str:
    if row["lod_min"] is None:
        return NOTHING
    low, high = number(row["lod_min"]), number(row["lod_max"])
    return low if low == high else f"{low} to {high}"


_CALLS: Final = (
    Shown("Assay", lambda row: "ELISpot" if row["assay"] == "elispot" else row["assay"]),
    Shown("Population", "population"),
    Shown("Rule", lambda row: f"{row['rule']} (primary)" if row["is_primary_rule"] else row["rule"]),
    Shown("Material", lambda row: spelled(row["material"])),
    Shown("Call", lambda row: spelled(row["call"])),
    Shown("Reason", lambda row: spelled(row["reason"])),
    Shown("Meaning", lambda row: meaning(row["reason"]) or NOTHING),
    Shown("Responses", lambda row: f"{row['n_responses']} of {row['n_in_all']}", is_numeric=True),
)

_LIMITS: Final = (
    Shown("Analyte", "readout"),
    Shown("Estimate", lambda row: "set, or one spot" if row["version"] is None else f"version {row['version']}"),
    Shown("Limit of blank", "limit_of_blank", is_numeric=True),
    Shown("Mean of controls", "control_mean", is_numeric=True),
    Shown("Control wells", "n_wells", is_numeric=True),
    Shown("Estimated on", "estimated_on"),
    Shown("LOD of net values", _range, is_numeric=True),
    Shown("Responses", "n_responses", is_numeric=True),
)


def calls(published: Published) -> Section:
    """Reported responses by rule, call and reason."""
    rows = published.view("calls_by_reason")
    table = tabulate("Reported responses by call and reason", rows, _CALLS, "No response has been measured yet.")
    return Section("calls", "Calls", (table,))


def limits(published: Published) -> Section:
    """Limit-of-blank estimates and the limits of detection in force."""
    table = tabulate(
        "Limits of detection of ELISpot in force, in spots per 10⁶ cells",
        published.view("limits_of_detection"),
        _LIMITS,
        "No limit of detection has been estimated or set yet.",
        notes=("Calls keep the version they were made with; only an explicit re-estimation makes a new one.",),
    )
    return Section("lod", "Limits of detection", (table,))
