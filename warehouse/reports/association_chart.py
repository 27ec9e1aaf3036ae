"""The primary association over every positivity rule and landmark: does the finding hang on one choice?"""

from __future__ import annotations

from math import isfinite
from typing import Any, Final

from warehouse.reports.associations import verdict
from warehouse.reports.blocks import Spec
from warehouse.reports.charting import INK, decades, embeddable, inline
from warehouse.reports.published import Row

_CHOICES: Final = ("declared primary", "other choice")
_WIDTH: Final = 430


def robustness(rows: list[Row]) -> Spec | None:
    """Odds ratios with 95 % intervals on a log axis; what lies beyond the axis is an arrow.

    Rows are those of the view `robustness`. None where no odds ratio could be estimated.
    """
    import altair as alt

    drawn = [row for row in rows if row["estimate"] is not None]
    if not drawn:
        return None
    low, high = _span(drawn)
    points = [_placed(row, low, high) for row in drawn]
    bare = alt.Axis(grid=False, ticks=False, domain=False, labelOverlap=False)
    y = alt.Y("label:N", sort=[point["label"] for point in points], title=None, axis=bare)
    base = alt.Chart(inline(points)).encode(y=y)
    one = alt.Chart(inline([{"drawn": 1.0}])).mark_rule(color="#888888", strokeDash=[4, 3]).encode(x="drawn:Q")
    whisker = base.mark_rule(color=INK, strokeWidth=1.5).encode(x=alt.X("from:Q"), x2="to:Q", tooltip=_tooltip())
    layers = alt.layer(one, whisker, *_arrows(base), _points(base, low, high))
    return embeddable(layers.properties(width=_WIDTH, height=alt.Step(27)))


def _arrows(base: Any) -> list[Any]:
    import altair as alt

    ends = (("is_open_above", "triangle-right", "to:Q"), ("is_open_below", "triangle-left", "from:Q"))
    return [
        base.transform_filter(f"datum.{is_open}")
        .mark_point(shape=shape, size=80, filled=True, color=INK, opacity=1)
        .encode(x=alt.X(end))
        for is_open, shape, end in ends
    ]


def _points(base: Any, low: float, high: float) -> Any:
    import altair as alt

    x = alt.X(
        "drawn:Q",
        title="Odds ratio of response, persistent over not persistent (log scale)",
        scale=alt.Scale(type="log", domain=[low, high], nice=False, padding=10),
        axis=alt.Axis(values=decades(low, high), format="~g"),
    )
    colours = alt.Scale(domain=_CHOICES, range=["#0072B2", "#6E6E6E"])
    shapes = alt.Scale(domain=_CHOICES, range=["diamond", "circle"])
    # An infinite odds ratio has an arrow and no point.
    return (
        base.transform_filter("datum.is_inside")
        .mark_point(size=90, filled=True, opacity=1)
        .encode(
            x=x,
            color=alt.Color("choice:N", title=None, scale=colours),
            shape=alt.Shape("choice:N", title=None, scale=shapes),
            tooltip=_tooltip(),
        )
    )


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
    return min([0.5, *finite]) / 2, max([2.0, *finite]) * 4


def _placed(row: Row, low: float, high: float) -> Row:
    def inside(value: float | None) -> float | None:
        return None if value is None else min(max(value, low), high)

    exposed, unexposed = (f"{row[f'n_{group}_with_outcome']}/{row[f'n_{group}']}" for group in ("exposed", "unexposed"))
    declared = " (declared)" if row["is_as_declared"] else ""
    return {
        "label": f"{row['rule']}, day {row['landmark_day']}{declared}: {exposed} vs {unexposed}, {verdict(row)}",
        "choice": _CHOICES[0] if row["is_as_declared"] else _CHOICES[1],
        "drawn": inside(row["estimate"]),
        "is_inside": low < row["estimate"] < high,
        "from": inside(row["lower"]),
        "to": inside(row["upper"]),
        "is_open_above": row["upper"] is not None and row["upper"] > high,
        "is_open_below": row["lower"] is not None and row["lower"] < low,
        "odds_ratio": f"{row['estimate']:.3g}",
        "interval": "none" if None in (row["lower"], row["upper"]) else f"{row['lower']:.3g} to {row['upper']:.3g}",
        "verdict": verdict(row),
        **{name: row[name] for name in ("rule", "landmark_day", "n")},
    }
