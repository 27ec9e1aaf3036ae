"""Levey-Jennings charts: each plate's control by read date, between the limits of its reference period."""

from __future__ import annotations

from datetime import date
from json import dumps
from math import ceil, floor, log10
from typing import Any, Final

from warehouse.reports.blocks import Spec
from warehouse.reports.charting import INK, embeddable, inline, on_top
from warehouse.reports.published import Row
from warehouse.reports.value_kinds import CROSS
from warehouse.reports.wording import counted, number, sentence, spelled

# verdict: how the legend names it, colour, shape, size.
_VERDICTS: Final = {
    "in_control": ("in control", "#0072B2", "circle", 28),
    "warning": ("warning (1-2s)", "#E69F00", "diamond", 95),
    "rejected": ("rejected (1-3s or 2-2s)", "#C1272D", CROSS, 80),
    "not_judged": ("lower bound, not judged", "#6E6E6E", "triangle-up", 55),
    "no_reference": ("no limits", "#6E6E6E", "circle", 28),
}
_LINES: Final = {"mean": (0, (1, 0)), "± 2 SD": (2, (6, 3)), "± 3 SD": (3, (2, 2))}
_SHADE: Final = "#EAF1E4"
_TALL: Final = 130
_WIDE: Final = 860
_DAYS: Final = "Read on"
_FEWEST_TICKS: Final = 3
_DENSE: Final = 1.2
"""Length of an axis in powers of ten up to which 1, 2 and 5 of each are marked, rather than as few as there can be."""
_EXACT: Final = 1e-9
_SHOWN_BY_DAY: Final = 250
"""Days that an axis may span and still be marked by days rather than months."""


def panel_title(row: Row) -> str:
    """What a panel shows, with its n, verdicts and limits: of a row of the view `control_charts`."""
    judged = {"n_warning": "with a warning", "n_rejected": "rejected", "n_not_judged": "not judged"}
    verdicts = [f"{row[n]} {words}" for n, words in judged.items() if row[n]]
    told = ", ".join([counted(row["n_plates"], "plate"), *verdicts])
    return f"{sentence(spelled(row['measure']))} {row['sample']}: n = {told}"


def control_charts(charts: list[Row], plates: list[Row], period: Row) -> Spec | None:
    """The charts of one instrument and analyte, one panel each under one legend, along the same days.

    Args:
        charts: rows of the view `control_charts`.
        plates: rows of the view `charted_plates`.
        period: the row of the view `chart_period`.
    """
    import altair as alt

    if not charts:
        return None
    panels = [_panel(chart, [row for row in plates if _is_of(row, chart)], plates, period) for chart in charts]
    return embeddable(alt.vconcat(*panels, spacing=14))


def _is_of(plate: Row, chart: Row) -> bool:
    return (plate["measure"], plate["sample"]) == (chart["measure"], chart["sample"])


def _panel(chart: Row, plates: list[Row], all_plates: list[Row], period: Row) -> Any:
    import altair as alt

    days = [str(row["read_date"]) for row in all_plates]
    ends = (min(days), max(days))
    drawn = [_worded(row) for row in plates]
    lines = _lines(chart)
    top = max(row["value_log10"] for row in [*drawn, *lines])
    bottom = min(row["value_log10"] for row in [*drawn, *lines])
    margin = max(0.06 * (top - bottom), 0.02)
    low, high = max(0.0, bottom - margin), top + margin
    x, y = _days(ends), _spots(low, high)
    layers = [*_shade(period, ends, (low, high)), *_limits(lines, y), _points(drawn, all_plates, x, y)]
    title = alt.TitleParams(panel_title(chart), frame="group", anchor="start")
    return alt.layer(*layers).properties(width=_WIDE, height=_TALL, title=title)


def _worded(row: Row) -> Row:
    told = number(row["value"])
    verdict, _, _, size = _VERDICTS[row["trend_status"]]
    return {
        **row,
        "verdict": verdict,
        "size": size,
        "told": f"at least {told}" if row["is_bound"] else told,
        "period": "yes" if row["is_reference"] else "no",
    }


def _lines(chart: Row) -> list[Row]:
    """Mean and limits; a limit below 0 spots is none."""
    mean, sd = chart["mean_log10"], chart["sd_log10"]
    if mean is None:
        return []
    lines = [{"line": "mean", "value_log10": mean}]
    if sd > 0:
        for name, (n, _) in _LINES.items():
            lines += [{"line": name, "value_log10": mean + side * n * sd} for side in (-1, 1) if n]
    return [line for line in lines if line["value_log10"] >= 0]


def _days(ends: tuple[str, str]) -> Any:
    import altair as alt

    # Dates without an hour are read as UTC and must be shown as UTC, else they move to the day before west of it.
    scale = alt.Scale(type="utc", domain=list(ends), padding=8)
    span = date.fromisoformat(ends[1]) - date.fromisoformat(ends[0])
    axis = alt.Axis(grid=False, tickCount=7, format="%Y-%m" if span.days > _SHOWN_BY_DAY else "%Y-%m-%d")
    return alt.X("read_date:T", title=_DAYS, scale=scale, axis=axis)


def _spots(low: float, high: float) -> Any:
    """The axis log10(x + 1), labelled by x."""
    import altair as alt

    ticks = spot_ticks(low, high)
    places = [log10(tick + 1) for tick in ticks]
    names = dumps(
        {
            f"{place:.6f}": number(round(tick) if tick == round(tick) else tick)
            for place, tick in zip(places, ticks, strict=True)
        },
        ensure_ascii=False,
    )
    return alt.Y(
        "value_log10:Q",
        title=["Spots per 10⁶ cells", "(log of x + 1)"],
        scale=alt.Scale(domain=[low, high], nice=False, zero=False),
        axis=alt.Axis(values=places, labelExpr=f"({names})[format(datum.value, '.6f')]"),
    )


def spot_ticks(low: float, high: float) -> list[float]:
    """Spots to mark on an axis that reaches from `low` to `high` in log10(x + 1): 0, 1, 2, 5, 10 and so on.

    On a long axis 1, 10, 100 or with 3, 30; on one too short for three ticks equal steps of 1, 2 or 5 times a power.
    """
    least, most = 10**low - 1, 10**high - 1
    for digits in ((1,), (1, 3), (1, 2, 5)) if high - low > _DENSE else ((1, 2, 5),):
        numbers = [0.0, *(float(digit * 10**power) for power in range(7) for digit in digits)]
        ticks = [tick for tick in numbers if least - _EXACT <= tick <= most + _EXACT]
        if len(ticks) >= _FEWEST_TICKS:
            return ticks
    step = _round_step((most - least) / 8)
    return [n * step for n in range(ceil(least / step - _EXACT), floor(most / step + _EXACT) + 1)]


def _round_step(width: float) -> float:
    power = 10.0 ** floor(log10(width))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= width)


def _shade(period: Row, ends: tuple[str, str], span: tuple[float, float]) -> list[Any]:
    import altair as alt

    if period["reference_first"] is None:
        return []
    first, last = max(str(period["reference_first"]), ends[0]), min(str(period["reference_last"]), ends[1])
    if first > last:
        return []
    box = {"first": first, "last": last, "low": span[0], "high": span[1], "shade": "reference period"}
    colour = alt.Scale(domain=["reference period"], range=[_SHADE])
    return [
        alt.Chart(inline([box]))
        .mark_rect(opacity=1)
        .encode(
            x=alt.X("first:T", title=_DAYS),
            x2="last:T",
            y="low:Q",
            y2="high:Q",
            fill=alt.Fill("shade:N", title="Shaded", scale=colour, legend=on_top(symbolType="square", symbolSize=220)),
        )
    ]


def _limits(lines: list[Row], y: Any) -> list[Any]:
    import altair as alt

    if not lines:
        return []
    there = [name for name in _LINES if any(line["line"] == name for line in lines)]
    dashes = alt.Scale(domain=there, range=[list(_LINES[name][1]) for name in there])
    legend = on_top(symbolType="stroke", symbolStrokeColor=INK)
    return [
        alt.Chart(inline(lines))
        .mark_rule(color=INK, strokeWidth=1.1, opacity=0.75)
        .encode(y=y, strokeDash=alt.StrokeDash("line:N", title="Limits", scale=dashes, legend=legend))
    ]


def _points(drawn: list[Row], all_plates: list[Row], x: Any, y: Any) -> Any:
    import altair as alt

    there = {row["trend_status"] for row in all_plates}
    names, colours, shapes, _ = zip(*(traits for verdict, traits in _VERDICTS.items() if verdict in there), strict=True)
    legend = on_top(symbolStrokeWidth=0)

    def scaled(values: tuple[Any, ...]) -> Any:
        return alt.Scale(domain=list(names), range=list(values))

    return (
        alt.Chart(inline(drawn))
        .mark_point(filled=True, opacity=0.85)
        .encode(
            x=x,
            y=y,
            color=alt.Color("verdict:N", title="Plate", scale=scaled(colours), legend=legend),
            shape=alt.Shape("verdict:N", title="Plate", scale=scaled(shapes), legend=legend),
            size=alt.Size("size:Q", scale=None),
            tooltip=_tooltip(),
        )
    )


def _tooltip() -> list[Any]:
    import altair as alt

    return [
        alt.Tooltip("plate_id:N", title="Plate"),
        alt.Tooltip("read_date:N", title="Read on"),
        alt.Tooltip("told:N", title="Spots per 10⁶ cells"),
        alt.Tooltip("z:Q", title="SD from the mean", format=".2f"),
        alt.Tooltip("verdict:N", title="Verdict"),
        alt.Tooltip("westgard:N", title="Rules broken"),
        alt.Tooltip("period:N", title="In the reference period"),
    ]
