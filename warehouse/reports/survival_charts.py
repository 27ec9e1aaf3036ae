"""Kaplan-Meier curves with the numbers at risk below."""

from __future__ import annotations

from typing import Any

from warehouse.reports.blocks import Spec
from warehouse.reports.charting import INK, PERSISTENCE_GROUPS, dashes, embeddable, inline, scale
from warehouse.reports.published import Row

_WIDTH = 720


def survival(
    steps: list[Row],
    at_risk: list[Row],
    start: str,
    *,
    title: str = "Overall survival",
    events: str = "Deaths",
) -> Spec | None:
    """Kaplan-Meier curves with 95 % bands, a tick for each censored subject, and the numbers at risk below.

    Rows are those of the views `survival_steps` and `survival_at_risk` for one endpoint, population and landmark;
    `start` says from when time runs, `title` what is estimated, `events` what they are. None where no curve is there.
    """
    import altair as alt

    if not steps:
        return None
    last = max(*(row["time_months"] for row in steps), *(row["month"] for row in at_risk), 1.0)
    time = alt.Scale(domain=[0, last], nice=False, padding=10)
    months = alt.Axis(values=sorted({row["month"] for row in at_risk}), format="d")
    x = alt.X("time_months:Q", title=f"Months since {start}", scale=time, axis=months)
    curves = alt.layer(*_layers(steps, x, title, events)).properties(width=_WIDTH, height=280)
    # Flush bounds keep both plots on one time axis; the spacing leaves room for the axis between them.
    return embeddable(alt.vconcat(curves, _numbers_at_risk(at_risk, time), spacing=66, bounds="flush"))


def _layers(steps: list[Row], x: Any, title: str, events: str) -> list[Any]:
    import altair as alt

    groups = [row["group"] for row in steps]
    legend = None if set(groups) == {"all"} else alt.Legend(orient="top", symbolType="stroke", symbolSize=500)
    colour = alt.Color("group:N", title=None, scale=scale(PERSISTENCE_GROUPS, groups), legend=legend)
    dash = alt.StrokeDash("group:N", title=None, scale=dashes(PERSISTENCE_GROUPS, groups), legend=legend)
    y = alt.Y("survival:Q", title=title, scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%"))
    base = alt.Chart(inline(steps)).encode(x=x)
    line = base.mark_line(interpolate="step-after", strokeWidth=2.2).encode(y=y, color=colour, strokeDash=dash)
    censored = base.transform_filter("datum.n_censored > 0").mark_tick(orient="vertical", thickness=1.6, size=11)
    touch = base.mark_point(size=160, opacity=0, filled=True).encode(y=y, tooltip=_tooltip(events))
    return [*_bands(base, groups, title), line, censored.encode(y=y, color=colour), touch]


def _bands(base: Any, groups: list[str], title: str) -> list[Any]:
    import altair as alt

    return [
        base.transform_filter(alt.datum.group == group)
        .mark_area(interpolate="step-after", opacity=0.12, fill=PERSISTENCE_GROUPS[group])
        .encode(y=alt.Y("lower:Q", title=title), y2="upper:Q")
        for group in dict.fromkeys(groups)
    ]


def _tooltip(events: str) -> list[Any]:
    import altair as alt

    return [
        alt.Tooltip("group:N", title="Group"),
        alt.Tooltip("time_months:Q", title="Months", format=".1f"),
        alt.Tooltip("survival:Q", title="Estimate", format=".1%"),
        alt.Tooltip("lower:Q", title="95 % interval, lower", format=".1%"),
        alt.Tooltip("upper:Q", title="95 % interval, upper", format=".1%"),
        alt.Tooltip("n_at_risk:Q", title="At risk just before"),
        alt.Tooltip("n_events:Q", title=f"{events} then"),
        alt.Tooltip("n_censored:Q", title="Censored then"),
    ]


def _numbers_at_risk(at_risk: list[Row], time: Any) -> Any:
    import altair as alt

    groups = [name for name in PERSISTENCE_GROUPS if any(row["group"] == name for row in at_risk)]
    names = alt.Axis(domain=False, ticks=False, grid=False, labelPadding=16)
    text = alt.Chart(inline(at_risk)).mark_text(fontSize=12, color=INK)
    title = alt.TitleParams("Number at risk", fontSize=12, fontWeight=500, anchor="start", offset=2)
    return text.encode(
        x=alt.X("month:Q", title=None, scale=time, axis=None),
        y=alt.Y("group:N", title=None, sort=groups, axis=names),
        text="n_at_risk:Q",
    ).properties(width=_WIDTH, height=alt.Step(18), title=title)
