"""The three headline numbers, each with its denominator and interval, for the study page and the command line."""

from __future__ import annotations

from pathlib import Path

from warehouse.reports import associations
from warehouse.reports.blocks import Tile
from warehouse.reports.published import Published, Row, open_published
from warehouse.reports.wording import interval, month_ends, months, percent, percent_ends, share


def headline_lines(database: Path) -> list[str]:
    """One sentence for each headline number of a published file; fewer where a study has none yet."""
    with open_published(database) as published:
        tiles = headline_tiles(published)
    return [f"{tile.label}: {tile.value} ({'; '.join(tile.details[:2])})" for tile in tiles if tile.details]


def headline_tiles(published: Published) -> tuple[Tile, ...]:
    """Response rate, median overall survival and primary association; a number not there yet says so."""
    rows = published.view("headline")
    rates = [row for row in rows if row["headline"] == "objective_response_rate"]
    medians = [row for row in rows if row["headline"] == "median_overall_survival"]
    primary = published.rows("select * from associations where family = 'primary'")
    return (_response_rate(rates), _median_survival(medians), _primary_association(primary))


def _response_rate(rates: list[Row]) -> Tile:
    label = "Objective response rate"
    if not rates:
        return Tile(label, "no data yet")
    lead, *others = rates
    return Tile(
        label,
        percent(lead["value"]),
        (
            f"{lead['n_with']}/{lead['n']} {lead['population']}",
            interval(*percent_ends(lead["lower"], lead["upper"])),
            *(f"{share(row['n_with'], row['n'])} of the {row['population']}" for row in others),
        ),
    )


def _median_survival(medians: list[Row]) -> Tile:
    label = "Median overall survival"
    if not medians:
        return Tile(label, "no data yet")
    lead, *others = medians
    value = "not reached" if lead["value"] is None else f"{months(lead['value'])} months"
    return Tile(
        label,
        value,
        (
            f"{lead['n_with']} deaths among {lead['n']} {lead['population']}",
            interval(*month_ends(lead["lower"], lead["upper"])),
            *(f"{months(row['value'])} months in the {row['n']} {row['population']}{_start(row)}" for row in others),
        ),
    )


def _start(row: Row) -> str:
    return ", from enrolment" if row["population"] == "enrolled" else ""


def _primary_association(primary: list[Row]) -> Tile:
    if not primary:
        return Tile("Primary association", "no data yet")
    row = primary[0]
    return Tile(
        f"Primary association: {associations.comparison(row)}",
        _effect(row),
        (
            f"{associations.groups(row)} (n = {row['n']})",
            f"{associations.estimate(row)}, {associations.verdict(row)}, {associations.method(row)}",
            f"left out: {associations.exclusions(row)}",
        ),
    )


def _effect(row: Row) -> str:
    if row["method"] == "fisher_exact":
        exposed = f"{row['n_exposed_with_outcome']}/{row['n_exposed']}"
        return f"{exposed} vs {row['n_unexposed_with_outcome']}/{row['n_unexposed']}"
    return associations.verdict(row)
