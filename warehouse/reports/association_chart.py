"""The primary association over every positivity rule, landmark and assay: does the finding hang on one choice?"""

from __future__ import annotations

from math import ceil, floor, isfinite, log2
from typing import Any, Final

from warehouse.reports.associations import outcome, verdict
from warehouse.reports.blocks import Spec
from warehouse.reports.charting import INK, decades, embeddable, inline
from warehouse.reports.published import Row
from warehouse.reports.wording import number, sentence, series

_CHOICES: Final = ("declared primary", "other choice")
_WIDTH: Final = 380
_TICKS: Final = 8
_NO_ESTIMATE: Final = {"estimate": None, "lower": None, "upper": None}
_ONE_SIDED: Final = 1e4
"""Factor beyond which an end of an interval is drawn as an arrow: what lies there is no longer read off an axis."""


def robustness(rows: list[Row]) -> Spec | None:
    """Estimates with 95 % intervals, ratios on a log axis; what lies beyond the axis is an arrow.

    Rows are those of the view `robustness`. A row without an estimate has its words and no mark. None where no row
    has an estimate.
    """
    import altair as alt

    drawn = [row for row in rows if row["estimate"] is not None]
    if not drawn:
        return None
    # One axis, one measure: that of the declared analysis, which stands among the rows wherever it has an estimate.
    of = next((row for row in drawn if row["is_as_declared"]), drawn[0])["estimate_name"]
    rows = [row if row["estimate_name"] == of else {**row, **_NO_ESTIMATE} for row in rows]
    drawn = [row for row in rows if row["estimate"] is not None]
    is_ratio = "ratio" in drawn[0]["estimate_name"]
    low, high = _ratio_span(drawn) if is_ratio else _plain_span(drawn)
    points = [_placed(row, low, high) for row in rows]
    bare = alt.Axis(grid=False, ticks=False, domain=False, labelOverlap=False, labelLimit=560)
    y = alt.Y("label:N", sort=[point["label"] for point in points], title=None, axis=bare)
    base = alt.Chart(inline(points)).encode(y=y)
    x = _axis(drawn[0], low, high, is_ratio)
    nothing = alt.Chart(inline([{"drawn": 1.0 if is_ratio else _no_effect(drawn[0])}]))
    rule = nothing.mark_rule(color="#888888", strokeDash=[4, 3]).encode(x="drawn:Q")
    whisker = base.mark_rule(color=INK, strokeWidth=1.5).encode(x=alt.X("from:Q"), x2="to:Q", tooltip=_tooltip())
    layers = alt.layer(rule, whisker, *_arrows(base), _points(base, x), _without(base, low))
    return embeddable(layers.properties(width=_WIDTH, height=alt.Step(27)))


def _no_effect(row: Row) -> float:
    return 0.5 if "share" in row["estimate_name"] else 0.0


def _axis(row: Row, low: float, high: float, is_ratio: bool) -> Any:
    import altair as alt

    told = f"{sentence(row['estimate_name'])}: {outcome(row)}"
    if not is_ratio:
        return alt.X("drawn:Q", title=told, scale=alt.Scale(domain=[low, high], nice=False, padding=10))
    # Few doublings have no power of ten between them to stand at.
    doublings = [2.0**power for power in range(floor(log2(low)), ceil(log2(high)) + 1) if low <= 2.0**power <= high]
    return alt.X(
        "drawn:Q",
        title=f"{told} (log scale)",
        scale=alt.Scale(type="log", domain=[low, high], nice=False, padding=10),
        axis=alt.Axis(values=doublings if high / low < 100 else _few(decades(low, high)), format="~g"),
    )


def _few(ticks: list[float]) -> list[float]:
    """Powers of ten alone where more would run into each other."""
    powers = [tick for tick in ticks if f"{tick:e}".startswith("1.0")]
    return ticks if len(ticks) <= _TICKS else powers


def _arrows(base: Any) -> list[Any]:
    import altair as alt

    ends = (("is_open_above", "triangle-right", "to:Q"), ("is_open_below", "triangle-left", "from:Q"))
    return [
        base.transform_filter(f"datum.{is_open}")
        .mark_point(shape=shape, size=80, filled=True, color=INK, opacity=1)
        .encode(x=alt.X(end))
        for is_open, shape, end in ends
    ]


def _without(base: Any, low: float) -> Any:
    import altair as alt

    return (
        base.transform_filter("!datum.has_estimate")
        .mark_text(align="left", fontStyle="italic", color="#6E6E6E", fontSize=12)
        .encode(x=alt.XDatum(low), text="why:N")
    )


def _points(base: Any, x: Any) -> Any:
    import altair as alt

    colours = alt.Scale(domain=_CHOICES, range=["#0072B2", "#6E6E6E"])
    shapes = alt.Scale(domain=_CHOICES, range=["diamond", "circle"])
    legend = alt.Legend(orient="top", direction="horizontal")
    # An infinite odds ratio has an arrow and no point.
    return (
        base.transform_filter("datum.is_inside")
        .mark_point(size=90, filled=True, opacity=1)
        .encode(
            x=x,
            color=alt.Color("choice:N", title=None, scale=colours, legend=legend),
            shape=alt.Shape("choice:N", title=None, scale=shapes, legend=legend),
            tooltip=_tooltip(),
        )
    )


def _tooltip() -> list[Any]:
    import altair as alt

    return [
        alt.Tooltip("series:N", title="Measured by"),
        alt.Tooltip("rule:N", title="Rule"),
        alt.Tooltip("landmark_day:Q", title="Landmark day"),
        alt.Tooltip("estimated:N", title="Estimate"),
        alt.Tooltip("interval:N", title="95 % interval"),
        alt.Tooltip("verdict:N", title="p"),
        alt.Tooltip("n:Q", title="n"),
    ]


def _finite(rows: list[Row]) -> list[float]:
    ends = [row[name] for row in rows for name in ("estimate", "lower", "upper")]
    return [end for end in ends if end is not None and isfinite(end)]


def _ratio_span(rows: list[Row]) -> tuple[float, float]:
    known = [end for end in _finite(rows) if 1 / _ONE_SIDED <= end <= _ONE_SIDED]
    return min([0.5, *known]) / 2, max([2.0, *known]) * 2


def _plain_span(rows: list[Row]) -> tuple[float, float]:
    known = [*_finite(rows), _no_effect(rows[0])]
    room = (max(known) - min(known)) * 0.08 or 1.0
    return min(known) - room, max(known) + room


def _placed(row: Row, low: float, high: float) -> Row:
    def inside(value: float | None) -> float | None:
        return None if value is None else min(max(value, low), high)

    has_estimate = row["estimate"] is not None
    counts = [row[f"n_{group}{what}"] for group in ("exposed", "unexposed") for what in ("_with_outcome", "")]
    compared = f"n = {row['n']}" if None in counts else f"{counts[0]}/{counts[1]} vs {counts[2]}/{counts[3]}"
    measured = series(row["assay"], row["cell_population"], row["readout"])
    declared = " (declared)" if row["is_as_declared"] else ""
    return {
        "label": f"{measured}, {row['rule']}, day {row['landmark_day']}{declared}: {compared}, {verdict(row)}",
        "choice": _CHOICES[0] if row["is_as_declared"] else _CHOICES[1],
        "has_estimate": has_estimate,
        "why": "no estimate" if row["p_value"] is not None else "not estimable",
        "drawn": inside(row["estimate"]),
        "is_inside": has_estimate and low < row["estimate"] < high,
        "from": inside(row["lower"]),
        "to": inside(row["upper"]),
        "is_open_above": row["upper"] is not None and row["upper"] > high,
        "is_open_below": row["lower"] is not None and row["lower"] < low,
        "estimated": number(row["estimate"]),
        "interval": "none" if None in (row["lower"], row["upper"]) else f"{row['lower']:.3g} to {row['upper']:.3g}",
        "verdict": verdict(row),
        "series": measured,
        **{name: row[name] for name in ("rule", "landmark_day", "n")},
    }
