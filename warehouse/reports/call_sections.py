"""Calls that could not be made, and the limits of detection that calls rest on."""

from __future__ import annotations

from warehouse.reports.blocks import Section, Table
from warehouse.reports.published import Published, Row
from warehouse.reports.wording import NOTHING, meaning, number, spelled


def calls(published: Published) -> Section:
    """Calls and why some are open, with the limits of detection they rest on."""
    rows = published.view("calls_by_reason")
    table = Table(
        caption="Reported responses by call and reason",
        headings=("Rule", "Material", "Call", "Reason", "Meaning", "Responses"),
        rows=tuple(
            (row["rule"] + (" (primary)" if row["is_primary_rule"] else ""), spelled(row["material"]), spelled(row["call"]),
             spelled(row["reason"]), meaning(row["reason"]) or NOTHING, f"{row['n_responses']} of {row['n_in_all']}")
            for row in rows
        ),
        when_empty="No response has been measured yet.",
        numeric=frozenset({5}),
    )  # fmt: skip
    return Section("calls", "Calls", (table,))


def limits(published: Published) -> Section:
    """Limit-of-blank estimates and the limits of detection in force."""
    rows = published.view("limits_of_detection")
    table = Table(
        caption="Limits of detection in force, in spots per 10⁶ cells",
        headings=("Analyte", "Estimate", "Limit of blank", "Mean of controls", "Control wells", "Estimated on", "LOD of net values", "Responses"),
        rows=tuple(
            (row["readout"], "set, or one spot" if row["version"] is None else f"version {row['version']}", number(row["limit_of_blank"]),
             number(row["control_mean"]), number(row["n_wells"]), str(row["estimated_on"] or NOTHING), _range(row), number(row["n_responses"]))
            for row in rows
        ),
        when_empty="No limit of detection has been estimated or set yet.",
        numeric=frozenset({2, 3, 4, 6, 7}),
        notes=("Calls keep the version they were made with; only an explicit re-estimation makes a new one.",) if rows else (),
    )  # fmt: skip
    return Section("lod", "Limits of detection", (table,))


def _range(row: Row) -> str:
    if row["lod_min"] is None:
        return NOTHING
    low, high = number(row["lod_min"]), number(row["lod_max"])
    return low if low == high else f"{low} to {high}"
