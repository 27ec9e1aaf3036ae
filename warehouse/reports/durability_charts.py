"""How long responses last: cumulative incidence of their loss, and the number of antigens over the visits."""

from __future__ import annotations

from typing import Any, Final

from warehouse.reports.blocks import Spec
from warehouse.reports.charting import INK, RESPONSE_GROUPS, embeddable, inline, month_ticks, on_top
from warehouse.reports.published import Row
from warehouse.reports.wording import SPACE, counted

_LOSS: Final = "loss of the response (middle of its interval)"
_DEATH: Final = "death before a loss"
_KINDS: Final = {_LOSS: ("#0072B2", [1, 0]), _DEATH: ("#5C5C5C", [6, 3])}
_TOTAL: Final = "n"
_STEP: Final = 34


def loss_incidence(rows: list[Row]) -> Spec | None:
    """Cumulative incidence of loss with the band between both ends of its interval, death beside, a panel an antigen.

    Rows are those of the view `loss_incidence`. None where no response was ever seen.
    """
    import altair as alt

    if not rows:
        return None
    panels = {
        row["antigen"]: f"{row['antigen']}, n{SPACE}={SPACE}{counted(row['n_series'], 'series', 'series')}"
        for row in rows
    }
    points = [
        {
            "panel": panels[row["antigen"]],
            "months": row["time_months"],
            _LOSS: row["loss"],
            _DEATH: row["death"],
            "low": min(row["loss"], row["loss_if_left"], row["loss_if_right"]),
            "high": max(row["loss"], row["loss_if_left"], row["loss_if_right"]),
        }
        for row in rows
    ]
    longest = max([1.0, *(point["months"] for point in points)])
    x = alt.X(
        "months:Q",
        title="Months since the first positive sample",
        scale=alt.Scale(domain=[0, longest], nice=False, padding=6),
        axis=alt.Axis(values=month_ticks(longest), format="d"),
    )
    y = alt.Y("low:Q", title="Cumulative incidence", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%"))
    base = alt.Chart().encode(x=x)
    band = base.mark_area(interpolate="step-after", opacity=0.15, color=_KINDS[_LOSS][0]).encode(y=y, y2="high:Q")
    return embeddable(
        alt.layer(band, *_incidences(base))
        .properties(width=330, height=190)
        .facet(facet=alt.Facet("panel:N", title=None, sort=list(panels.values())), columns=2, data=inline(points))
        .resolve_axis(x="independent")
    )


def _incidences(base: Any) -> list[Any]:
    import altair as alt

    colours = alt.Scale(domain=list(_KINDS), range=[colour for colour, _ in _KINDS.values()])
    dashes = alt.Scale(domain=list(_KINDS), range=[dash for _, dash in _KINDS.values()])
    legend = on_top(symbolType="stroke", symbolSize=500)
    folded = base.transform_fold(list(_KINDS), as_=["kind", "incidence"])
    y = alt.Y("incidence:Q", title="Cumulative incidence")
    tooltip = [
        alt.Tooltip("months:Q", title="Months", format=".1f"),
        alt.Tooltip("kind:N", title="Of"),
        alt.Tooltip("incidence:Q", title="Incidence", format=".1%"),
        alt.Tooltip("low:Q", title="Loss, if at the right ends", format=".1%"),
        alt.Tooltip("high:Q", title="Loss, if at the left ends", format=".1%"),
    ]
    lines = folded.mark_line(interpolate="step-after", strokeWidth=2).encode(
        y=y,
        color=alt.Color("kind:N", title=None, scale=colours, legend=legend),
        strokeDash=alt.StrokeDash("kind:N", title=None, scale=dashes, legend=legend),
    )
    touch = folded.mark_point(size=120, opacity=0, filled=True).encode(y=y, tooltip=tooltip)
    return [lines, touch]


def breadth(rows: list[Row]) -> Spec | None:
    """Subjects by number of tumour antigens positive at each visit, a panel a response group.

    Rows are those of the view `breadth_by_visit`; the number in a circle is that of subjects, on top is all of them.
    None where no visit has a sample.
    """
    import altair as alt

    if not rows:
        return None
    most = max(row["n_antigens_declared"] for row in rows)
    # Large enough for the digits that stand in it.
    smallest = 420 if max(row["n_subjects"] for row in rows) < 100 else 620
    groups = [group for group in RESPONSE_GROUPS if any(row["response_group"] == group for row in rows)]
    visits = list(dict.fromkeys(row["visit"] for row in sorted(rows, key=lambda row: row["day"])))
    points = [{**row, "antigens": str(row["n_antigens_positive"])} for row in rows]
    totals = {(row["response_group"], row["visit"]): row["n_subjects_in_group"] for row in rows}
    sums = [
        {"response_group": group, "visit": visit, "antigens": _TOTAL, "n_subjects": n}
        for (group, visit), n in totals.items()
    ]
    x = alt.X("visit:N", sort=visits, title=None, axis=alt.Axis(labelAngle=0, labelLimit=110, grid=False))
    y = alt.Y(
        "antigens:N",
        sort=[_TOTAL, *map(str, range(most, -1, -1))],
        title="Tumour antigens positive",
        scale=alt.Scale(domain=[_TOTAL, *map(str, range(most, -1, -1))]),
        axis=alt.Axis(grid=True, ticks=False, domain=False),
    )
    colours = alt.Scale(domain=groups, range=[RESPONSE_GROUPS[group] for group in groups])
    base = alt.Chart().encode(x=x, y=y)
    circles = (
        base.transform_filter("datum.n_subjects_in_group > 0")
        .mark_circle(opacity=1)
        .encode(
            size=alt.Size("n_subjects:Q", scale=alt.Scale(range=[smallest, 950], zero=False), legend=None),
            color=alt.Color("response_group:N", scale=colours, legend=None),
            tooltip=[
                alt.Tooltip("visit:N", title="Visit"),
                alt.Tooltip("response_group:N", title="Group"),
                alt.Tooltip("n_antigens_positive:Q", title="Antigens positive"),
                alt.Tooltip("n_subjects:Q", title="Subjects"),
                alt.Tooltip("n_subjects_in_group:Q", title="of"),
                alt.Tooltip("n_subjects_incomplete:Q", title="Not all antigens evaluable"),
            ],
        )
    )
    is_total = f"datum.antigens == '{_TOTAL}'"
    numbers = base.transform_filter(f"!({is_total})").mark_text(color="#ffffff", fontWeight=600, fontSize=12)
    sizes = base.transform_filter(is_total).mark_text(color=INK, fontSize=12)
    return embeddable(
        alt.layer(circles, numbers.encode(text="n_subjects:Q"), sizes.encode(text="n_subjects:Q"))
        .properties(width=alt.Step(max(74, min(118, 720 // max(1, len(visits))))), height=alt.Step(_STEP))
        .facet(
            row=alt.Row("response_group:N", title=None, sort=groups, header=_on_top()), data=inline([*points, *sums])
        )
        .resolve_scale(size="shared")
    )


def _on_top() -> Any:
    import altair as alt

    return alt.Header(labelOrient="top", labelAnchor="start")
