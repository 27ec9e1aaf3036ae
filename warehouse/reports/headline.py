"""The three headline numbers, each with its denominator and interval."""

from __future__ import annotations

from typing import Final

from warehouse.reports import associations
from warehouse.reports.blocks import Section, Tile, Tiles
from warehouse.reports.published import Published, Row
from warehouse.reports.wording import counted, interval, median_interval, months, percent, percent_ends, share

_NO_DATA: Final = "no data yet"


def headline(published: Published) -> Section:
    """Response rate, median overall survival and primary association; a number not there yet says so."""
    rows = published.view("headline")
    rates = [row for row in rows if row["headline"] == "objective_response_rate" and row["n"]]
    medians = [row for row in rows if row["headline"] == "median_overall_survival" and row["n"]]
    primary = published.rows("select * from associations where family = 'primary'")
    tiles = Tiles((_response_rate(rates), _median_survival(medians), _primary_association(primary)))
    return Section("headline", "Headline numbers", (tiles,))


def _response_rate(rates: list[Row]) -> Tile:
    label = "Objective response rate"
    if not rates:
        return Tile(label, _NO_DATA)
    lead, *others = rates
    details = (
        f"{lead['n_with']}/{lead['n']} {lead['population']}",
        interval(*percent_ends(lead["lower"], lead["upper"])),
        *(f"{share(row['n_with'], row['n'])} of the {row['population']}" for row in others),
    )
    return Tile(label, percent(lead["value"]), details)


def _median_survival(medians: list[Row]) -> Tile:
    label = "Median overall survival"
    if not medians:
        return Tile(label, _NO_DATA)
    lead, *others = medians
    details = (
        f"{counted(lead['n_with'], 'death')} among {lead['n']} {lead['population']}",
        median_interval(lead["lower"], lead["upper"]),
        *(f"{_median(row)} in the {row['n']} {row['population']}{_start(row)}" for row in others),
    )
    return Tile(label, _median(lead), details)


def _median(row: Row) -> str:
    return months(row["value"]) if row["value"] is None else f"{months(row['value'])} months"


def _start(row: Row) -> str:
    return ", from enrolment" if row["population"] == "enrolled" else ""


def _primary_association(primary: list[Row]) -> Tile:
    if not primary:
        return Tile("Primary association", _NO_DATA)
    (row,) = primary
    label = f"Primary association: {associations.comparison(row)}"
    if not row["n"]:
        return Tile(label, _NO_DATA, (f"left out: {associations.exclusions(row)}",))
    details = (
        f"{associations.groups(row)} (n = {row['n']})",
        f"{associations.estimate(row)}; {associations.verdict(row)}, {associations.method(row)}",
        f"left out: {associations.exclusions(row)}",
    )
    return Tile(label, _effect(row), details)


def _effect(row: Row) -> str:
    if row["method"] != "fisher_exact":
        return associations.verdict(row)
    exposed = f"{row['n_exposed_with_outcome']}/{row['n_exposed']}"
    return f"{exposed} vs {row['n_unexposed_with_outcome']}/{row['n_unexposed']}"
