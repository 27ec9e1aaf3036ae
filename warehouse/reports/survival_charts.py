"""Charts of follow-up: Kaplan-Meier curves with numbers at risk, and one bar a subject with its events."""

from __future__ import annotations

from typing import Any, Final

from warehouse.reports.blocks import Spec
from warehouse.reports.charting import INK, PERSISTENCE_GROUPS, RESPONSES, dashes, embeddable, inline, scale
from warehouse.reports.published import Row

_CROSS: Final = "M-1,-0.6L-0.6,-1L0,-0.4L0.6,-1L1,-0.6L0.4,0L1,0.6L0.6,1L0,0.4L-0.6,1L-1,0.6L-0.4,0Z"
EVENTS: Final = {
    "first response": "triangle-up",
    "progression": "diamond",
    "withdrawal": "square",
    "death": _CROSS,
    "alive at last contact": "triangle-right",
}


def survival(steps: list[Row], at_risk: list[Row], start: str) -> Spec | None:
    """Kaplan-Meier curves with 95 % bands, a tick for each censored subject, and the numbers at risk below.

    Rows are those of the views `survival_steps` and `survival_at_risk` for one endpoint, population and landmark;
    `start` says from when time runs. None where no curve is there.
    """
    import altair as alt

    if not steps:
        return None
    # The last step may lie beyond the last number of the grid, never short of 0.
    last = max(*(row["time_months"] for row in steps), *(row["month"] for row in at_risk), 1.0)
    time = alt.Scale(domain=[0, last], nice=False, padding=10)
    curves = _curves(steps, time, sorted({row["month"] for row in at_risk}), start)
    below = _numbers_at_risk(at_risk, time)
    return embeddable(alt.vconcat(curves, below, spacing=66, bounds="flush"))


def _curves(steps: list[Row], time: Any, ticks: list[int], start: str) -> Any:
    import altair as alt

    groups = [row["group"] for row in steps]
    x = alt.X("time_months:Q", title=f"Months since {start}", scale=time, axis=alt.Axis(values=ticks, format="d"))
    y = alt.Y("survival:Q", title="Overall survival", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%"))  # fmt: skip
    legend = (
        None if set(groups) == {"all"} else alt.Legend(orient="top", title=None, symbolType="stroke", symbolSize=500)
    )
    colour = alt.Color("group:N", title=None, scale=scale(PERSISTENCE_GROUPS, groups), legend=legend)
    dash = alt.StrokeDash("group:N", title=None, scale=dashes(PERSISTENCE_GROUPS, groups), legend=legend)
    base = alt.Chart(inline(steps)).encode(x=x)
    bands = [
        base.transform_filter(alt.datum.group == group)
        .mark_area(interpolate="step-after", opacity=0.12, fill=PERSISTENCE_GROUPS[group])
        .encode(y=alt.Y("lower:Q", title="Overall survival"), y2="upper:Q")
        for group in dict.fromkeys(groups)
    ]
    line = base.mark_line(interpolate="step-after", strokeWidth=2.2).encode(y=y, color=colour, strokeDash=dash)
    censored = base.transform_filter("datum.n_censored > 0").mark_tick(orient="vertical", thickness=1.6, size=11)
    tooltip = [
        alt.Tooltip("group:N", title="Group"),
        alt.Tooltip("time_months:Q", title="Months", format=".1f"),
        alt.Tooltip("survival:Q", title="Survival", format=".1%"),
        alt.Tooltip("lower:Q", title="95 % interval, lower", format=".1%"),
        alt.Tooltip("upper:Q", title="95 % interval, upper", format=".1%"),
        alt.Tooltip("n_at_risk:Q", title="At risk just before"),
        alt.Tooltip("n_events:Q", title="Deaths then"),
        alt.Tooltip("n_censored:Q", title="Censored then"),
    ]
    touch = base.mark_point(size=160, opacity=0, filled=True).encode(y=y, tooltip=tooltip)
    return alt.layer(*bands, line, censored.encode(y=y, color=colour), touch).properties(width=720, height=280)


def _numbers_at_risk(at_risk: list[Row], time: Any) -> Any:
    import altair as alt

    groups = [name for name in PERSISTENCE_GROUPS if any(row["group"] == name for row in at_risk)]
    x = alt.X("month:Q", title=None, scale=time, axis=None)
    y = alt.Y("group:N", title=None, sort=groups, axis=alt.Axis(domain=False, ticks=False, grid=False))
    text = alt.Chart(inline(at_risk)).mark_text(fontSize=12, color=INK).encode(x=x, y=y, text="n_at_risk:Q")
    title = alt.TitleParams("Number at risk", fontSize=12, fontWeight=500, anchor="start", offset=2)
    return text.properties(width=720, height=alt.Step(18), title=title)


def swimmer(bars: list[Row], events: list[Row]) -> Spec | None:
    """One bar a subject from infusion to death or last contact, longest on top, with its events.

    Rows are those of the views `swimmer` and `swimmer_events`. None where nobody was followed up.
    """
    import altair as alt

    if not bars:
        return None
    labels = {row["subject_id"]: f"{row['subject_id']} · {row['best_overall_response']}" for row in bars}
    y = alt.Y("label:N", sort=list(labels.values()), title="Subject and best overall response", axis=alt.Axis(grid=False))  # fmt: skip
    longest = max(*(row["os_months"] for row in bars), *(row["months"] for row in events), 1.0)
    x = alt.X("os_months:Q", title="Months since infusion, (days + 1) / 30.4375", scale=alt.Scale(domain=[0, longest * 1.04], nice=False), axis=alt.Axis(values=list(range(0, int(longest) + 1, 6 if longest <= 72 else 12))))  # fmt: skip
    shown = [row["best_overall_response"] for row in bars]
    bar = (
        alt.Chart(inline({**row, "label": labels[row["subject_id"]]} for row in bars))
        .mark_bar(height={"band": 0.62}, stroke="#777777", strokeWidth=0.6)
        .encode(
            x=x,
            y=y,
            color=alt.Color("best_overall_response:N", title="Best response", scale=scale(RESPONSES, shown)),
            tooltip=[
                alt.Tooltip("subject_id:N", title="Subject"),
                alt.Tooltip("best_overall_response:N", title="Best response"),
                alt.Tooltip("os_months:Q", title="Months of follow-up", format=".1f"),
                alt.Tooltip("os_event:N", title="Died"),
            ],
        )
    )
    return embeddable(alt.layer(bar, _events(events, labels, y)).properties(width=640, height=alt.Step(21)))


def _events(events: list[Row], labels: dict[str, str], y: Any) -> Any:
    import altair as alt

    kinds = [event for event in EVENTS if any(row["event"] == event for row in events)]
    shapes = alt.Scale(domain=kinds, range=[EVENTS[kind] for kind in kinds])
    rows = [{**row, "label": labels[row["subject_id"]]} for row in events]
    return (
        alt.Chart(inline(rows))
        .mark_point(size=95, filled=True, color="#000000", stroke="#ffffff", strokeWidth=1, opacity=1)
        .encode(
            x="months:Q",
            y=y,
            shape=alt.Shape("event:N", title="Event", scale=shapes),
            tooltip=[
                alt.Tooltip("subject_id:N", title="Subject"),
                alt.Tooltip("event:N", title="Event"),
                alt.Tooltip("months:Q", title="Months since infusion", format=".1f"),
            ],
        )
    )  # fmt: skip
