"""Tables for a paper, each one self-contained HTML page: Table 1 of the subjects, and all declared results."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from warehouse.reports import associations
from warehouse.reports.characteristics import TableOne, table_one
from warehouse.reports.outcome_sections import NAMES, starts
from warehouse.reports.published import Published, Row
from warehouse.reports.wording import (
    NOTHING,
    SPACE,
    counted,
    months,
    p_value,
    percent,
    percent_ends,
    sentence,
    series,
    spelled,
)

_DIVIDED: Final = {
    "all": "all infused subjects",
    "response": "by best overall response",
    "primary_exposure": "by the exposure of the primary analysis",
}
_POPULATIONS: Final = "list_position(['enrolled', 'infused', 'evaluable'], population)"
_RATES: Final = f"""
    select * from denominators
    order by
        list_position(['objective_response_rate', 'complete_response_rate', 'disease_control_rate'], measure),
        {_POPULATIONS}"""
_MEDIANS: Final = f"""
    select * from survival_summaries
    where landmark_day = 0 and "group" = 'all'
    order by list_position(['OS', 'PFS', 'DOR', 'FOLLOW-UP'], endpoint), {_POPULATIONS}"""
_DECLARED: Final = """
    select * from associations
    where family in ('primary', 'secondary')
    order by place, association_key"""
_COLUMNS: Final = {
    "result": "Result",
    "who": "Subjects",
    "n": "n",
    "estimate": f"Estimate (95{SPACE}% interval)",
    "p": "p",
    "adjusted": "Adjusted p",
}
_WIDTHS: Final = {"stub": "17%", "who": "29%", "n": "5%", "estimate": "21%", "p": "8%", "adjusted": "9%"}
"""Without them a browser squeezes the estimates for the words beside them."""


def table1_page(published: Published, division: str = "response") -> str:
    """Characteristics of the infused subjects, a column a group of one division, as an HTML page."""
    table = table_one(published, division)
    notes = (
        f"Infused subjects, n{SPACE}={SPACE}{table.sizes.get('all', 0)}; {_never_infused(published)}.",
        "Numbers: median (lower to upper quartile) and range; categories: subjects with it of those for whom it is "
        "known (%). Unknown values are left out of a median or percentage and counted beside it.",
        "Groups are described, not tested: with a test for each line some would differ by chance.",
        *((f"Not known of anybody: {'; '.join(table.unknown)}.",) if table.unknown else ()),
    )
    columns = {"stub": "", **{group: table.heading(group) for group in table.sizes}}
    title = f"Table 1. Characteristics, {_DIVIDED.get(division, division)}"
    return _page(published, "table1", title, columns, _table1_rows(table), notes)


def _never_infused(published: Published) -> str:
    (row,) = published.rows("select count(*) filter (not is_infused) as n, count(*) as n_enrolled from outcomes")
    if not row["n"]:
        return "every enrolled subject was infused"
    return f"{row['n']} of {row['n_enrolled']} enrolled subjects were never infused and are not described"


def _table1_rows(table: TableOne) -> list[Row]:
    rows = []
    for line in table.lines:
        numbers = [("Median (quartiles)", line.cells), ("Range", line.ranges)]
        told = [(line.level, line.cells)] if line.level else numbers
        rows += [
            {"part": line.name, "stub": stub, **{group: cells.get(group, NOTHING) for group in table.sizes}}
            for stub, cells in told
        ]
    return rows


def results_page(published: Published) -> str:
    """Response rates, Kaplan-Meier medians and every declared analysis as an HTML page."""
    declared = published.rows(_DECLARED)
    exploratory = published.rows("select count(*) as n from associations where family = 'exploratory'")[0]["n"]
    marks = {reading: str(place) for place, reading in enumerate(associations.readings(declared), start=1)}
    rows = [
        *map(_rate, published.rows(_RATES)),
        *map(_median, published.rows(_MEDIANS)),
        *(_analysis(row, ", ".join(marks[reading] for reading in associations.sentences(row))) for row in declared),
    ]
    notes = (
        "Enrolled: everyone; infused: whoever received the product; evaluable: infused, with a best overall response "
        "other than not evaluable. Rates with Clopper-Pearson intervals; medians by Kaplan-Meier with log-log "
        "intervals, time from enrolment for the enrolled and from infusion for the others; follow-up by reverse "
        "Kaplan-Meier.",
        "p-values are two-sided. The one primary analysis is not adjusted; the secondary ones are adjusted together by "
        f"Holm{_family(declared)}. {counted(exploratory, 'exploratory analysis', 'exploratory analyses')} not shown "
        "(associations.csv).",
        *(f"({mark}) {reading}" for reading, mark in marks.items()),
    )
    return _page(published, "results", "Results", _COLUMNS, rows, notes)


def _family(declared: Iterable[Row]) -> str:
    sizes = {row["family_size"] for row in declared if row["family"] == "secondary"} - {None}
    return f", a family of {max(sizes)}" if sizes else ""


def _rate(row: Row) -> Row:
    lower, upper = percent_ends(row["lower_percent"], row["upper_percent"])
    return {
        "part": "Response rates",
        "result": sentence(spelled(row["measure"])),
        "who": f"{row['population']}, {row['n_with']} with it",
        "n": str(row["n"]),
        "estimate": f"{percent(row['percent'])} ({lower} to {upper})" if row["n"] else NOTHING,
        "p": "",
        "adjusted": "",
    }


def _median(row: Row) -> Row:
    ends = f"{months(row['lower_months'])} to {months(row['upper_months'])}"
    since = starts(row["endpoint"], row["population"])
    return {
        "part": "Medians, months",
        "result": NAMES[row["endpoint"]],
        "who": f"{row['population']}, from {since}, {row['n_events']} events",
        "n": str(row["n"]),
        "estimate": f"{months(row['median_months'])} ({ends})" if row["n"] else NOTHING,
        "p": "",
        "adjusted": "",
    }


def _analysis(row: Row, mark: str) -> Row:
    measured = series(row["assay"], row["cell_population"], row["readout"])
    how = f"{measured}, {row['rule']}, {associations.method(row)} ({mark})"
    return {
        "part": f"{sentence(row['family'])} {'analysis' if row['family'] == 'primary' else 'analyses'}",
        "result": f"{sentence(associations.comparison(row))}; {how}",
        "who": f"{sentence(associations.groups(row))}. Left out: {associations.exclusions(row)}",
        "n": str(row["n"]),
        "estimate": associations.estimate(row, before_ends="") if row["estimate"] is not None else NOTHING,
        "p": associations.verdict(row).removeprefix(f"p{SPACE}={SPACE}"),
        "adjusted": _adjusted(row),
    }


def _adjusted(row: Row) -> str:
    if row["p_value_adjusted"] is None or row["adjustment"] in (None, "none"):
        return NOTHING
    return p_value(row["p_value_adjusted"]).removeprefix(f"p{SPACE}={SPACE}")


def _page(  # noqa: PLR0913, PLR0917 - what stands on the page, from top to bottom
    published: Published, name: str, title: str, columns: dict[str, str], rows: list[Row], notes: Iterable[str]
) -> str:
    import polars as pl
    from great_tables import GT, html

    header = published.only("report_header")
    simulated = "Simulated data: no number here comes from a patient. " if header["is_simulated"] else ""
    study = header["study_title"] or header["study_id"] or "No study yet"
    source = (
        f"Study {header['study_id'] or NOTHING}, data as of {header['as_of_date'] or 'no run yet'}, run "
        f"{header['run_id'] or 'none'}, perdure {header['program_version'] or NOTHING}."
    )
    first, *others = columns
    frame = pl.DataFrame(rows, schema=dict.fromkeys(("part", *columns), pl.String))
    table = (
        GT(frame, rowname_col=first, groupname_col="part", id=name)
        .tab_header(title=title, subtitle=f"{simulated}{study}")
        .tab_stubhead(label=columns[first])
        .cols_label({column: columns[column] for column in others})
        .cols_width({column: _WIDTHS[column] for column in columns if column in _WIDTHS})
        .tab_options(
            table_font_size="14px",
            heading_align="left",
            row_group_font_weight="600",
            source_notes_font_size="12px",
            data_row_padding="4px",
            table_width="100%",
        )
    )
    for note in (*notes, source):
        table = table.tab_source_note(html(_escaped(note)))
    if not rows:
        table = table.tab_source_note("Nothing has been computed yet.")
    return _titled(table.as_raw_html(make_page=True), f"{simulated}{title}, {study}")


def _escaped(text: Any) -> str:
    from html import escape

    return escape(str(text))


def _titled(document: str, title: str) -> str:
    """With a title, a width for small screens, and nothing that a browser would have to fetch."""
    head = (
        '<meta charset="utf-8"/>\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{_escaped(title)}</title>"
    )
    return document.replace('<meta charset="utf-8"/>', head, 1)
