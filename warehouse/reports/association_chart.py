"""The primary association over every positivity rule and landmark, so that a reader sees whether it hangs on one choice."""

from __future__ import annotations

from math import isfinite
from typing import Any

from warehouse.reports.associations import verdict
from warehouse.reports.blocks import Spec
from warehouse.reports.charting import INK, decades, embeddable, inline
from warehouse.reports.published import Row


def robustness(rows: list[Row]) -> Spec | None:
    """Odds ratios with 95 % intervals on a log axis; ends beyond the axis are arrows.

    Rows are those of the view `robustness`. None where no odds ratio could be estimated.
    """
    import altair as alt

    drawn = [row for row in rows if row["estimate"] is not None]
    if not drawn:
        return None
    low, high = _span(drawn)
    points = [_placed(row, low, high) for row in drawn]
    labels = [point["label"] for point in points]
    y = alt.Y(
        "label:N", sort=labels, title=None, axis=alt.Axis(grid=False, ticks=False, domain=False, labelOverlap=False)
    )
    x = alt.X("drawn:Q", title="Odds ratio of response, persistent over not persistent (log scale)", scale=alt.Scale(type="log", domain=[low, high], nice=False, padding=10), axis=alt.Axis(values=decades(low, high), format="~g"))  # fmt: skip
    base = alt.Chart(inline(points)).encode(y=y)
    one = alt.Chart(inline([{"drawn": 1.0}])).mark_rule(color="#888888", strokeDash=[4, 3]).encode(x="drawn:Q")
    whisker = base.mark_rule(color=INK, strokeWidth=1.5).encode(x=alt.X("from:Q"), x2="to:Q", tooltip=_tooltip())
    arrows = base.transform_filter("datum.is_open").mark_point(shape="triangle-right", size=80, filled=True, color=INK, opacity=1).encode(x=alt.X("to:Q"))  # fmt: skip
    return embeddable(alt.layer(one, whisker, arrows, _points(base, x)).properties(width=430, height=alt.Step(27)))


def _points(base: Any, x: Any) -> Any:
    import altair as alt

    choices = ["declared primary", "other choice"]
    return base.transform_filter("!datum.is_infinite").mark_point(size=90, filled=True, opacity=1).encode(
        x=x,
        color=alt.Color("choice:N", title=None, scale=alt.Scale(domain=choices, range=["#0072B2", "#6E6E6E"])),
        shape=alt.Shape("choice:N", title=None, scale=alt.Scale(domain=choices, range=["diamond", "circle"])),
        tooltip=_tooltip(),
    )  # fmt: skip


def _tooltip() -> list[Any]:
    import altair as alt

    return [
        alt.Tooltip("rule:N", title="Rule"),
        alt.Tooltip("landmark_day:Q", title="Landmark day"),
        alt.Tooltip("odds_ratio:N", title="Odds ratio"),
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("verdict:N", title="Fisher exact"),
        alt.Tooltip("n:Q", title="n"),
    ]


def _span(rows: list[Row]) -> tuple[float, float]:
    ends = [row[name] for row in rows for name in ("estimate", "lower", "upper")]
    finite = [end for end in ends if end is not None and isfinite(end) and end > 0]
    return min(0.5, *finite) / 2 if finite else 0.25, max(2.0, *finite) * 4 if finite else 8.0


def _placed(row: Row, low: float, high: float) -> Row:
    def inside(value: float | None) -> float | None:
        return None if value is None else min(max(value, low), high)

    exposed, unexposed = (f"{row[f'n_{g}_with_outcome']}/{row[f'n_{g}']}" for g in ("exposed", "unexposed"))
    declared = " (declared)" if row["is_as_declared"] else ""
    label = f"{row['rule']}, day {row['landmark_day']}{declared}: {exposed} vs {unexposed}, {verdict(row)}"
    return {
        "label": label,
        "rule": row["rule"],
        "landmark_day": row["landmark_day"],
        "n": row["n"],
        "choice": "declared primary" if row["is_as_declared"] else "other choice",
        "drawn": inside(row["estimate"]),
        "is_infinite": not low <= row["estimate"] <= high,
        "from": inside(row["lower"]),
        "to": inside(row["upper"]),
        "is_open": row["upper"] is not None and row["upper"] > high,
        "odds_ratio": f"{row['estimate']:.3g}",
        "interval": f"{row['lower']:.3g} to {row['upper']:.3g}" if None not in (row["lower"], row["upper"]) else "none",
        "verdict": verdict(row),
    }
