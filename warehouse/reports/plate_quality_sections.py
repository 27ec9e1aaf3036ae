"""Plate quality over time: control charts, plates out of control, wells too numerous to count and replicates."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from expectations.vocabulary import TREND_STATUS
from warehouse.reports.blocks import Block, Chart, Folded, Mark, Section, Text
from warehouse.reports.control_chart import control_charts
from warehouse.reports.published import Published, Row
from warehouse.reports.tables import Shown, tabulate
from warehouse.reports.wording import NOTHING, counted, number, percent, share, spelled

_OPEN: Final = 2
"""Instruments and analytes whose charts stand open; where there are more, those with most rejected plates."""

_KEPT: Final = "New plates of the period move no limit; only an explicit re-estimation makes a new version."


def _value(row: Row) -> str:
    return f"at least {number(row['value'])}" if row["is_bound"] else number(row["value"])


def _limits(row: Row) -> str:
    if row["baseline_version"] is None:
        return NOTHING
    plates = counted(row["n_plates_of_limits"], "plate")
    if row["n_bounds_of_limits"]:
        plates += f", {row['n_bounds_of_limits']} of them lower bounds"
    if row["baseline_version"] == 0:
        return f"none: {plates} in the period"
    return f"version {row['baseline_version']}, from {plates}"


def _tntc(row: Row) -> str:
    if not row["n_wells"]:
        return NOTHING
    return f"{percent(100 * row['n_wells_tntc'] / row['n_wells'])} of {number(row['n_wells'])}"


_OUT: Final = (
    Shown("Verdict", lambda row: Mark(row["trend_status"], "bad" if row["trend_status"] == "rejected" else "warn")),
    Shown("Plate", "plate_id"),
    Shown("Read on", "read_date"),
    Shown("Instrument", "instrument"),
    Shown("Analyte", "analyte"),
    Shown("Measure", lambda row: f"{spelled(row['measure'])} {row['sample']}"),
    Shown("Spots per 10⁶", _value, is_numeric=True),
    Shown("SD from mean", lambda row: f"{row['z']:+.1f}".replace("-", "\N{MINUS SIGN}"), is_numeric=True),
    Shown("Rules", lambda row: row["westgard"].replace(",", ", ")),
)

_CHARTS: Final = (
    Shown("Instrument", "instrument"),
    Shown("Analyte", "analyte"),
    Shown("Measure", lambda row: f"{spelled(row['measure'])} {row['sample']}"),
    Shown("Plates", "n_plates", is_numeric=True),
    Shown("Lower bounds", "n_bound", is_numeric=True),
    Shown("Warning", "n_warning", is_numeric=True),
    Shown("Rejected", "n_rejected", is_numeric=True),
    Shown("Limits", _limits),
    Shown("Plates of the period now", "n_plates_of_period", is_numeric=True),
)

_INSTRUMENTS: Final = (
    Shown("Instrument", "instrument"),
    Shown("Analyte", "analyte"),
    Shown("Plates", "n_plates", is_numeric=True),
    Shown("Without read date", "n_undated", is_numeric=True),
    Shown("Rejected", lambda row: share(row["n_rejected"], row["n_plates"]), is_numeric=True),
    Shown("Warning only", lambda row: share(row["n_warning"], row["n_plates"]), is_numeric=True),
    Shown("Wells TNTC", _tntc, is_numeric=True),
    Shown("Variability, median", "variability_median", is_numeric=True),
    Shown("largest", "variability_max", is_numeric=True),
    Shown("of plates", "n_plates_variability", is_numeric=True),
)


def plate_trends(published: Published) -> Section:
    """Control charts by instrument and analyte, the plates that warn or are rejected, and each instrument's summary."""
    charts, period = published.view("control_charts"), published.only("chart_period")
    trend, out = published.view("charted_plates"), published.view("plates_out_of_control")
    blocks: list[Block] = [_explained(charts, period), *_drawn(charts, trend, period)]
    if charts:
        if any(row["trend_status"] != "no_reference" for row in trend):
            blocks += _out_of_control(out, len({row["plate_id"] for row in trend}))
        every = tabulate("Control charts and their limits", charts, _CHARTS, "", notes=(_KEPT,))
        blocks.append(Folded(f"{counted(len(charts), 'control chart')} and the limits in force", (every,)))
    blocks.append(_by_instrument(published.view("plate_quality_by_instrument")))
    return Section("plate-quality", "Plate quality over time", tuple(blocks))


def _explained(charts: list[Row], period: Row) -> Text:
    if not charts:
        return Text("Controls are charted once a plate with a read date has been counted.", "")
    if period["reference_first"] is None:
        return Text(
            "No limits are drawn: set elispot.trend.reference_first and elispot.trend.reference_last in study.toml to "
            "the first and last read date of a period in which the assay was under control.",
            "warn",
        )
    return Text(
        f"Limits are the mean ± 2 and 3 SD of log₁₀(x + 1) over the plates read from {period['reference_first']} to "
        f"{period['reference_last']}, at least {period['min_plates']} a chart. Beyond 2 SD a plate warns (1-2s); it is "
        "rejected beyond 3 SD (1-3s), or as the second in a row beyond 2 SD on the same side (2-2s). Limits below 0 "
        f"spots are not drawn. {_without_limits(charts, period['min_plates'])}".strip()
    )


def _without_limits(charts: list[Row], min_plates: int) -> str:
    """How many charts have none, and how many of these have enough plates by now: limits come only when asked for."""
    without = [row for row in charts if row["n_no_reference"]]
    if not without:
        return ""
    ready = sum(
        row["baseline_version"] == 0 and row["n_plates_of_period"] - row["n_bounds_of_period"] >= min_plates
        for row in without
    )
    told = (
        f"{len(without)} of {counted(len(charts), 'chart')} without limits: the period held too few plates when it was "
        "first estimated, or plates that are all alike."
    )
    more = f" By now {ready} of these would have enough: `perdure run --re-estimate` gives them limits."
    return told + (more if ready else "")


def _drawn(charts: list[Row], trend: list[Row], period: Row) -> list[Block]:
    def pair(row: Row) -> tuple[str, str]:
        return row["instrument"], row["analyte"]

    groups = {key: list(rows) for key, rows in groupby(charts, key=pair)}
    plates = {key: list(rows) for key, rows in groupby(trend, key=pair)}
    n_rejected = {key: sum(row["trend_status"] == "rejected" for row in rows) for key, rows in plates.items()}
    judged = [key for key in groups if any(row["trend_status"] != "no_reference" for row in plates[key])]
    shown = groups if len(groups) <= _OPEN else judged
    is_open = sorted(shown, key=lambda key: (-n_rejected[key], -len(plates[key])))[:_OPEN]
    drawn: list[Block] = []
    for place, (key, own) in enumerate(groups.items()):
        block = _chart(place, own, plates[key], period)
        drawn.append(block if key in is_open else Folded(block.caption, (block,)))
    return drawn


def _chart(place: int, charts: list[Row], plates: list[Row], period: Row) -> Chart:
    of = {verdict: {row["plate_id"] for row in plates if row["trend_status"] == verdict} for verdict in TREND_STATUS}
    has_limits = any(row["trend_status"] != "no_reference" for row in plates)
    verdicts = f"{len(of['warning'])} with a warning, {len(of['rejected'])} rejected" if has_limits else "no limits"
    n_plates = counted(len({row["plate_id"] for row in plates}), "plate")
    instrument, analyte = charts[0]["instrument"], charts[0]["analyte"]
    return Chart(
        anchor=f"control-chart-{place + 1}",
        caption=f"{instrument}, {analyte}: n = {n_plates}, {verdicts}",
        spec=control_charts(charts, plates, period),
        when_empty="No plate has been counted yet.",
    )


def _out_of_control(out: list[Row], n_plates: int) -> list[Block]:
    """What is rejected in sight, what warns behind a line; a plate may stand in both with different measures."""

    def listed(status: str, what: str) -> tuple[str, list[Row]]:
        rows = [row for row in out if row["trend_status"] == status]
        return f"{what} of {len({row['plate_id'] for row in rows})} of {counted(n_plates, 'plate')}", rows

    caption, rejected = listed("rejected", "Rejected measures")
    rest = "plates_out_of_control"
    blocks: list[Block] = [tabulate(caption, rejected, _OUT, "No plate is rejected.", rest_in=rest)]
    caption, warning = listed("warning", "Measures with a warning")
    if warning:
        table = tabulate(caption, warning, _OUT, "No plate warns.", rest_in=rest)
        blocks.append(Folded(caption, (table,)))
    return blocks


def _by_instrument(rows: list[Row]) -> Block:
    return tabulate(
        "Plates, wells too numerous to count and replicate variability, by instrument and analyte",
        rows,
        _INSTRUMENTS,
        "No plate has been counted yet.",
        notes=(
            "Variability of a plate: median over its antigens of variance / (median + 1), in spots per well. TNTC: too "
            "numerous to count, of the wells that held a test and were read.",
        ),
    )
