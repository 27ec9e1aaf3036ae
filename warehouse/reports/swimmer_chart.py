"""Swimmer plot: one bar a subject, with its events."""

from __future__ import annotations

from typing import Any, Final

from warehouse.reports.blocks import Spec
from warehouse.reports.charting import RESPONSES, embeddable, inline, scale
from warehouse.reports.published import Row
from warehouse.reports.value_kinds import CROSS

EVENTS: Final = {
    "first response": "triangle-up",
    "progression": "diamond",
    "withdrawal": "square",
    "death": CROSS,
    "alive at last contact": "triangle-right",
}


def swimmer(bars: list[Row], events: list[Row]) -> Spec | None:
    """One bar a subject from infusion to death or last contact, longest on top, with its events.

    Rows are those of the views `swimmer` and `swimmer_events`. None where nobody was followed up.
    """
    import altair as alt

    if not bars:
        return None
    labels = {row["subject_id"]: f"{row['subject_id']} · {row['best_overall_response']}" for row in bars}
    title = "Subject and best overall response"
    y = alt.Y("label:N", sort=list(labels.values()), title=title, axis=alt.Axis(grid=False, labelOverlap=False))
    layers = alt.layer(_bars(bars, labels, y, _months_axis(bars, events)), _events(events, labels, y))
    return embeddable(layers.properties(width=640, height=alt.Step(21)))


def _months_axis(bars: list[Row], events: list[Row]) -> Any:
    import altair as alt

    longest = max(*(row["os_months"] for row in bars), *(row["months"] for row in events), 1.0)
    return alt.X(
        "os_months:Q",
        title="Months since infusion, (days + 1) / 30.4375",
        scale=alt.Scale(domain=[0, longest * 1.04], nice=False),
        axis=alt.Axis(values=list(range(0, int(longest) + 1, 6 if longest <= 72 else 12))),
    )


def _bars(bars: list[Row], labels: dict[str, str], y: Any, x: Any) -> Any:
    import altair as alt

    responses = scale(RESPONSES, [row["best_overall_response"] for row in bars])
    chart = alt.Chart(inline({**row, "label": labels[row["subject_id"]]} for row in bars))
    return chart.mark_bar(height={"band": 0.62}, stroke="#777777", strokeWidth=0.6).encode(
        x=x,
        y=y,
        color=alt.Color("best_overall_response:N", title="Best response", scale=responses),
        tooltip=[
            alt.Tooltip("subject_id:N", title="Subject"),
            alt.Tooltip("best_overall_response:N", title="Best response"),
            alt.Tooltip("os_months:Q", title="Months of follow-up", format=".1f"),
            alt.Tooltip("os_event:N", title="Died"),
        ],
    )


def _events(events: list[Row], labels: dict[str, str], y: Any) -> Any:
    import altair as alt

    kinds = [event for event in EVENTS if any(row["event"] == event for row in events)]
    shapes = alt.Scale(domain=kinds, range=[EVENTS[kind] for kind in kinds])
    chart = alt.Chart(inline({**row, "label": labels[row["subject_id"]]} for row in events))
    # A white rim keeps black symbols apart from dark bars.
    marks = chart.mark_point(size=95, filled=True, color="#000000", stroke="#ffffff", strokeWidth=1, opacity=1)
    return marks.encode(
        x="months:Q",
        y=y,
        shape=alt.Shape("event:N", title="Event", scale=shapes),
        tooltip=[
            alt.Tooltip("subject_id:N", title="Subject"),
            alt.Tooltip("event:N", title="Event"),
            alt.Tooltip("months:Q", title="Months since infusion", format=".1f"),
        ],
    )
