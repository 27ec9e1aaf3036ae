"""Charts of measured responses: net values over time, and infused tumour-reactive cells by best response."""

from __future__ import annotations

from collections import Counter
from json import dumps
from statistics import median
from typing import Any, Final

from warehouse.reports.blocks import Spec
from warehouse.reports.charting import (
    INK,
    RESPONSE_GROUPS,
    RESPONSES,
    dashes,
    decades,
    embeddable,
    inline,
    scale,
    symlog_ticks,
)
from warehouse.reports.published import Row
from warehouse.reports.wording import cells, counted, number

DETECTED: Final = "at or above the LOD"
BELOW: Final = "below the LOD"
ABOVE: Final = "lower bound (wells too numerous to count)"
BENEATH: Final = "upper bound (control too numerous to count)"
FAILED: Final = "call not evaluable"
_NET: Final = "Net spots per 10⁶ cells (symmetric log)"
_CELLS: Final = "Tumour-reactive T cells infused (log scale)"
# Paths of Vega's symbols; a ring is the open circle that also stays open in a legend.
_RING: Final = "M0,-1A1,1,0,1,1,0,1A1,1,0,1,1,0,-1ZM0,-0.62A0.62,0.62,0,1,0,0,0.62A0.62,0.62,0,1,0,0,-0.62Z"
_CROSS: Final = "M-1,-0.7L-0.7,-1L0,-0.3L0.7,-1L1,-0.7L0.3,0L1,0.7L0.7,1L0,0.3L-0.7,1L-1,0.7L-0.3,0Z"
KINDS: Final = {DETECTED: "circle", BELOW: _RING, ABOVE: "triangle-up", BENEATH: "triangle-down", FAILED: _CROSS}


def net_over_time(rows: list[Row], visit_days: list[int]) -> Spec | None:
    """Spaghetti plot: net spots per 10^6 cells of each subject over study days, one panel an antigen.

    Rows are those of the view `net_over_time`. None where no value is there to draw.
    """
    import altair as alt

    drawn = _with_panels(
        [
            {**row, "kind": _kind(row), "colour": RESPONSE_GROUPS[row["response_group"]]}
            for row in rows
            if row["net_value"] is not None
        ]
    )
    if not drawn:
        return None
    picked = alt.selection_point(name="group_picked", fields=["response_group"], bind="legend")
    hovered = alt.selection_point(name="subject_hovered", on="pointerover", clear="pointerout", fields=["subject_id"], empty=False)  # fmt: skip
    base = alt.Chart().encode(x=_day_axis(drawn, visit_days), y=_net_axis(drawn))
    panels = list(dict.fromkeys(row["panel"] for row in drawn))
    layers = alt.layer(*_lod(), _lines(base, drawn, picked, hovered), _points(base, drawn, picked))
    facet = alt.Facet("panel:N", title=None, sort=panels, header=alt.Header(labelAnchor="start", labelPadding=6))
    return embeddable(
        layers.properties(width=415, height=230).facet(facet=facet, columns=2, data=inline(drawn), spacing={"row": 34})
    )


def _kind(row: Row) -> str:
    if row["call"] == "not_evaluable":
        return FAILED
    if row["is_lower_bound"]:
        return ABOVE
    if row["is_upper_bound"]:
        return BENEATH
    return BELOW if row["is_below_lod"] else DETECTED


def _with_panels(rows: list[Row]) -> list[Row]:
    labels = {}
    for antigen in dict.fromkeys(row["antigen"] for row in rows):
        own = [row for row in rows if row["antigen"] == antigen]
        subjects = len({row["subject_id"] for row in own})
        role = "" if own[0]["antigen_role"] == "tumour" else f" ({own[0]['antigen_role']})"
        labels[antigen] = (
            f"{antigen}{role}: {counted(subjects, 'subject')}, {counted(len(own), 'sample')}{_lod_words(own)}"
        )
    return [{**row, "panel": labels[row["antigen"]]} for row in rows]


def _lod_words(rows: list[Row]) -> str:
    lods = [row["lod"] for row in rows if row["lod"] is not None]
    if not lods:
        return ", no LOD"
    low, high = number(min(lods)), number(max(lods))
    return f", LOD {low}" if low == high else f", LOD {low} to {high}"


def _day_axis(rows: list[Row], visit_days: list[int]) -> Any:
    import altair as alt

    days = [row["study_day"] for row in rows]
    ticks = [day for day in sorted({0, *visit_days}) if min(days) <= day <= max(days)]
    return alt.X(
        "study_day:Q",
        title="Study day (0 = infusion; symmetric log scale)",
        scale=alt.Scale(type="symlog", constant=14, domain=[min(0, *days), max(1, *days)], nice=False, padding=8),
        axis=alt.Axis(values=ticks, grid=True),
    )


def _net_axis(rows: list[Row]) -> Any:
    import altair as alt

    lods = [row["lod"] for row in rows if row["lod"] is not None]
    constant = max(median(lods), 1.0) if lods else 10.0
    values = [row["net_value"] for row in rows]
    low, high = min(0.0, *values), max(constant, *values)
    return alt.Y(
        "net_value:Q",
        title=_NET,
        scale=alt.Scale(type="symlog", constant=constant, domain=[low, high], nice=False, padding=8),
        axis=alt.Axis(values=symlog_ticks(low, high, constant), format=",.0f"),
    )


def _lod() -> tuple[Any, Any]:
    import altair as alt

    lowest, middle = alt.Y("min(lod):Q", title=_NET), alt.Y("median(lod):Q", title=_NET)
    band = alt.Chart().mark_rect(opacity=0.13, color=INK).encode(y=lowest, y2="max(lod):Q")
    return band, alt.Chart().mark_rule(strokeDash=[3, 3], color=INK, opacity=0.75).encode(y=middle)


def _lines(base: Any, rows: list[Row], picked: Any, hovered: Any) -> Any:
    import altair as alt

    groups = [row["response_group"] for row in rows]
    return (
        base.transform_filter(alt.datum.kind != FAILED)
        .mark_line(interpolate="linear")
        .encode(
            detail="subject_id:N",
            color=alt.Color(
                "response_group:N",
                title="Best response",
                scale=scale(RESPONSE_GROUPS, groups),
                legend=_top(symbolSize=500, symbolStrokeWidth=2),
            ),
            strokeDash=alt.StrokeDash("response_group:N", title="Best response", scale=dashes(RESPONSE_GROUPS, groups)),
            opacity=alt.when(picked).then(alt.value(0.75)).otherwise(alt.value(0.06)),
            strokeWidth=alt.when(hovered).then(alt.value(3.5)).otherwise(alt.value(1.3)),
        )
        .add_params(picked, hovered)
    )


def _top(**settings: Any) -> Any:
    import altair as alt

    return alt.Legend(orient="top", direction="horizontal", titleOrient="left", columns=0, **settings)


def _points(base: Any, rows: list[Row], picked: Any) -> Any:
    import altair as alt

    return base.mark_point(size=52, filled=True).encode(
        fill=alt.Fill("colour:N", scale=None),
        shape=kind_shape([row["kind"] for row in rows]),
        opacity=alt.when(picked).then(alt.value(0.9)).otherwise(alt.value(0.06)),
        tooltip=[
            alt.Tooltip("subject_id:N", title="Subject"),
            alt.Tooltip("antigen:N", title="Antigen"),
            alt.Tooltip("study_day:Q", title="Study day"),
            alt.Tooltip("visit:N", title="Visit"),
            alt.Tooltip("net_value:Q", title="Net, spots per 10⁶", format=",.1f"),
            alt.Tooltip("lod:Q", title="LOD", format=",.1f"),
            alt.Tooltip("kind:N", title="Value"),
            alt.Tooltip("call:N", title="Call"),
            alt.Tooltip("reason:N", title="Reason"),
            alt.Tooltip("best_overall_response:N", title="Best response"),
            alt.Tooltip("response_key:N", title="perdure explain"),
        ],
    )


def kind_shape(shown: list[str]) -> Any:
    """The shape of points by what kind of value they show."""
    import altair as alt

    kinds = [kind for kind in KINDS if kind in set(shown)]
    shapes = alt.Scale(domain=kinds, range=[KINDS[kind] for kind in kinds])
    return alt.Shape("kind:N", title="Value", scale=shapes, legend=_top(symbolFillColor=INK, symbolStrokeWidth=0))


def infused_by_response(rows: list[Row]) -> Spec | None:
    """Strip plot: tumour-reactive T cells infused, by best overall response, on a log axis.

    Rows are those of the view `infused_by_response`; a number below its LOD stands at the LOD, drawn open. None where
    no number is there to draw.
    """
    import altair as alt

    drawn = _strips([row for row in rows if (row["drawn_cells"] or 0) > 0])
    if not drawn:
        return None
    labels = [label for label in dict.fromkeys(row["label"] for row in drawn)]
    x = alt.X("label:N", sort=labels, title="Best overall response", axis=alt.Axis(labelAngle=0, labelExpr="split(datum.label, '|')", grid=False))  # fmt: skip
    base = alt.Chart(inline(drawn)).encode(x=x, y=_cells_axis(drawn))
    groups = scale(RESPONSE_GROUPS, [row["response_group"] for row in drawn])
    points = base.mark_point(size=85, filled=True, opacity=0.9).encode(
        xOffset=alt.XOffset("offset:Q", scale=alt.Scale(domain=[-1, 1])),
        fill=alt.Fill("response_group:N", title="Group", scale=groups, legend=_top()),
        shape=kind_shape([row["kind"] for row in drawn]),
        tooltip=[
            alt.Tooltip("subject_id:N", title="Subject"),
            alt.Tooltip("best_overall_response:N", title="Best response"),
            alt.Tooltip("tumour_reactive_cells:Q", title="Tumour-reactive cells", format=".3~e"),
            alt.Tooltip("tumour_reactive_cells_lod:Q", title="LOD, cells", format=".3~e"),
            alt.Tooltip("total_viable_cells:Q", title="Viable cells infused", format=".3~e"),
            alt.Tooltip("kind:N", title="Value"),
        ],
    )
    medians = base.mark_tick(thickness=2.5, size=64, color=INK).encode(y=alt.Y("median(drawn_cells):Q", title=_CELLS))
    return embeddable(alt.layer(medians, points).properties(width=alt.Step(130), height=330))


def _strips(rows: list[Row]) -> list[Row]:
    sizes = Counter(row["best_overall_response"] for row in rows)
    order = list(RESPONSES)
    placed: Counter[str] = Counter()
    strips = []
    for row in sorted(rows, key=lambda row: (order.index(row["best_overall_response"]), row["subject_id"])):
        response = row["best_overall_response"]
        n, place = sizes[response], placed[response]
        placed[response] += 1
        strips.append({
            **row,
            "kind": BELOW if row["is_below_lod"] else ABOVE if row["is_lower_bound"] else DETECTED,
            "label": f"{response}|n = {n}",
            "offset": 0.0 if n == 1 else 0.55 * (2 * place / (n - 1) - 1),
        })  # fmt: skip
    return strips


def _cells_axis(rows: list[Row]) -> Any:
    import altair as alt

    values = [row["drawn_cells"] for row in rows]
    low, high = min(values) / 1.6, max(values) * 1.6
    ticks = decades(low, high)
    names = {str(int(tick)): cells(tick) for tick in ticks}
    return alt.Y(
        "drawn_cells:Q",
        title=_CELLS,
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(values=ticks, labelExpr=f"({dumps(names, ensure_ascii=False)})[datum.value]"),
    )
