"""Waterfall and spider plot: what the sum of target lesions did, one bar or one line a subject."""

from __future__ import annotations

from typing import Any, Final

from warehouse.reports.blocks import Spec
from warehouse.reports.charting import INK, RESPONSES, embeddable, inline, month_ticks, on_top, scale
from warehouse.reports.published import Row

_WIDTH: Final = 760
_NAMED: Final = 60
"""Subjects up to whom names fit under bars, and lines and points of full weight beside each other."""
_LETTER: Final = 8.0
"""Width of a letter of a label, generously."""
_CHANGE: Final = "Change of the target sum from baseline"
_LIMITS: Final = (-30.0, 20.0)
"""Change from baseline of a partial response; growth of progression, which counts from the nadir."""

# Greys and white that a bar can have are lost in a line.
LINES: Final = {**RESPONSES, "SD": "#8A8A8A", "NON-CR/NON-PD": "#5C5C5C", "NE": "#222222"}
_DASHES: Final = {
    "CR": [1, 0], "PR": [7, 3], "SD": [2, 2], "NON-CR/NON-PD": [8, 2, 2, 2], "PD": [1, 0], "NE": [1, 4],
}  # fmt: skip


def waterfall(rows: list[Row]) -> Spec | None:
    """Best change of the target sum, one bar a subject, largest growth first, coloured by best overall response.

    Rows are those of the view `waterfall` with a change. None where there is none.
    """
    import altair as alt

    if not rows:
        return None
    step = max(2.0, min(34.0, _WIDTH / len(rows)))
    is_upright = max(len(row["subject_id"]) for row in rows) * _LETTER > step
    axis = alt.Axis(labelAngle=-90 if is_upright else 0, grid=False, labelOverlap=False, ticks=False, offset=4)
    x = alt.X(
        "subject_id:N",
        sort=[row["subject_id"] for row in rows],
        title="Subject",
        axis=axis if len(rows) <= _NAMED else alt.Axis(labels=False, ticks=False, grid=False),
    )
    responses = scale(RESPONSES, [row["best_overall_response"] for row in rows])
    bars = (
        alt.Chart(inline(rows))
        .mark_bar(stroke="#777777", strokeWidth=0.6 if len(rows) <= _NAMED else 0.2)
        .encode(
            x=x,
            y=_change_axis([row["best_change_percent"] for row in rows], "best_change_percent:Q"),
            color=alt.Color("best_overall_response:N", title="Best response", scale=responses, legend=on_top()),
            tooltip=[
                alt.Tooltip("subject_id:N", title="Subject"),
                alt.Tooltip("best_overall_response:N", title="Best response"),
                alt.Tooltip("best_change_percent:Q", title="Best change, %", format="+.1f"),
            ],
        )
    )
    return embeddable(alt.layer(bars, *_limits()).properties(width=alt.Step(step), height=330))


def _change_axis(values: list[float], field: str) -> Any:
    import altair as alt

    highest = max([40.0, *values]) * 1.05
    return alt.Y(
        field,
        title=_CHANGE,
        scale=alt.Scale(domain=[-105, highest], nice=False),
        axis=alt.Axis(labelExpr="(datum.value ? format(datum.value, '+d') : '0') + ' %'"),
    )


def _limits() -> list[Any]:
    import altair as alt

    lines = alt.Chart(inline({"limit": limit} for limit in _LIMITS)).mark_rule(color=INK, strokeDash=[5, 4])
    zero = alt.Chart(inline([{"limit": 0.0}])).mark_rule(color="#888888")
    return [zero.encode(y="limit:Q"), lines.encode(y="limit:Q")]


def spider(rows: list[Row]) -> Spec | None:
    """Change of the target sum over time, one line a subject, coloured and dashed by best overall response.

    Rows are those of the view `spider`; the first progression of a subject is marked. None where no subject has an
    assessment after baseline.
    """
    import altair as alt

    if all(row["is_baseline"] for row in rows):
        return None
    responses = [row["best_overall_response"] for row in rows]
    shown = [name for name in LINES if name in set(responses)]
    dash = alt.Scale(domain=shown, range=[_DASHES[name] for name in shown])
    legend = alt.Legend(symbolType="stroke", symbolSize=500)
    base = alt.Chart(inline(rows)).encode(
        x=_months_axis(rows),
        y=_change_axis([row["change_from_baseline_percent"] for row in rows], "change_from_baseline_percent:Q"),
        color=alt.Color("best_overall_response:N", title="Best response", scale=scale(LINES, responses), legend=legend),
    )
    is_crowded = len({row["subject_id"] for row in rows}) > _NAMED
    lines = base.mark_line(strokeWidth=1.0 if is_crowded else 1.8, opacity=0.6 if is_crowded else 1.0).encode(
        detail="subject_id:N",
        strokeDash=alt.StrokeDash("best_overall_response:N", title="Best response", scale=dash, legend=legend),
    )
    points = base.mark_point(size=16 if is_crowded else 34, filled=True, opacity=1).encode(tooltip=_tooltip())
    return embeddable(alt.layer(*_limits(), lines, points, *_progressions(rows)).properties(width=_WIDTH, height=380))


def _months_axis(rows: list[Row]) -> Any:
    import altair as alt

    months = [row["months"] for row in rows]
    longest = max([1.0, *months])
    return alt.X(
        "months:Q",
        title="Months since infusion",
        scale=alt.Scale(domain=[min([0.0, *months]), longest * 1.03], nice=False),
        axis=alt.Axis(values=month_ticks(longest), format="d"),
    )


def _progressions(rows: list[Row]) -> list[Any]:
    import altair as alt

    marked = [{**row, "event": "progression"} for row in rows if row["is_progression"]]
    if not marked:
        return []
    shape = alt.Shape("event:N", title="Event", scale=alt.Scale(domain=["progression"], range=["diamond"]))
    marks = alt.Chart(inline(marked)).mark_point(
        size=95, filled=True, color="#000000", stroke="#ffffff", strokeWidth=1, opacity=1
    )
    return [marks.encode(x="months:Q", y="change_from_baseline_percent:Q", shape=shape, tooltip=_tooltip())]


def _tooltip() -> list[Any]:
    import altair as alt

    return [
        alt.Tooltip("subject_id:N", title="Subject"),
        alt.Tooltip("best_overall_response:N", title="Best response"),
        alt.Tooltip("study_day:Q", title="Study day"),
        alt.Tooltip("sum_mm:Q", title="Target sum, mm", format=".1~f"),
        alt.Tooltip("change_from_baseline_percent:Q", title="Change, %", format="+.1f"),
        alt.Tooltip("leading_response:N", title="Response here"),
    ]
