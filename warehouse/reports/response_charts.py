"""Spaghetti plot of net responses over time, one panel an antigen."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from warehouse.reports.blocks import Spec
from warehouse.reports.charting import (
    INK,
    PLAIN,
    RESPONSE_GROUPS,
    dashes,
    embeddable,
    inline,
    on_top,
    scale,
    symlog_ticks,
)
from warehouse.reports.published import Row
from warehouse.reports.value_kinds import ABOVE, BELOW, BENEATH, DETECTED, FAILED, kind_shape
from warehouse.reports.wording import counted, number, unit_words

_DAYS_KEPT_LINEAR: Final = 14
"""Constant of the symmetric log scale of study days: the first fortnight stays about linear."""


@dataclass(frozen=True, slots=True)
class _Measure:
    """How net values of one unit are drawn and told."""

    unit: str
    smallest_constant: float
    """Of the symmetric log scale, whatever the LOD."""
    constant_without_lod: float
    tick_label: str
    """Expression of Vega for the label of a tick."""
    value_format: str

    @property
    def title(self) -> str:
        return f"Net {self.unit} (symmetric log)"


def _measure(rows: list[Row]) -> _Measure:
    unit = unit_words(rows[0]["unit"])
    if unit.startswith("%"):
        return _Measure(unit, 0.001, 0.01, PLAIN, ".4~f")
    return _Measure(unit, 1.0, 10.0, "format(datum.value, ',.0f')", ",.1f")


def net_over_time(rows: list[Row], visit_days: list[int]) -> Spec | None:
    """Net response of each subject over study days, coloured and dashed by response group.

    Rows are those of the view `net_over_time` with a net value, all of one unit; `visit_days` are the ticks. Values
    below the LOD are open, bounds are triangles, the LOD is drawn. None where no value is there.
    """
    import altair as alt

    if not rows:
        return None
    drawn, measure = _panels([{**row, **_looks(row)} for row in rows]), _measure(rows)
    picked = alt.selection_point(name="group_picked", fields=["response_group"], bind="legend")
    base = alt.Chart().encode(x=_day_axis(drawn, visit_days), y=_net_axis(drawn, measure))
    layers = alt.layer(*_lod(measure), _lines(base, drawn, picked), _points(base, drawn, picked, measure))
    header = alt.Header(labelAnchor="start", labelPadding=6)
    facet = alt.Facet("panel:N", title=None, sort=list(dict.fromkeys(row["panel"] for row in drawn)), header=header)
    panels = layers.properties(width=415, height=230)
    return embeddable(
        panels.facet(facet=facet, columns=2, data=inline(drawn), spacing={"row": 30}).resolve_axis(x="independent")
    )


def _looks(row: Row) -> Row:
    """What the chart needs beside the row: kind of value, colour of the group, and words where a tooltip has none."""
    return {"kind": _kind(row), "colour": RESPONSE_GROUPS[row["response_group"]], "reason": row["reason"] or "none"}


def _kind(row: Row) -> str:
    if row["call"] == "not_evaluable":
        return FAILED
    if row["is_lower_bound"]:
        return ABOVE
    if row["is_upper_bound"]:
        return BENEATH
    return BELOW if row["is_below_lod"] else DETECTED


def _panels(rows: list[Row]) -> list[Row]:
    """Each row with the title of its antigen's panel: how many subjects and samples, which LOD."""
    titles = {}
    for antigen in dict.fromkeys(row["antigen"] for row in rows):
        own = [row for row in rows if row["antigen"] == antigen]
        role = "" if own[0]["antigen_role"] == "tumour" else f" ({own[0]['antigen_role']})"
        n = f"{counted(len({row['subject_id'] for row in own}), 'subject')}, {counted(len(own), 'sample')}"
        titles[antigen] = f"{antigen}{role}: {n}, {_lod_words(own)}"
    return [{**row, "panel": titles[row["antigen"]]} for row in rows]


def _lod_words(rows: list[Row]) -> str:
    lods = [row["lod"] for row in rows if row["lod"] is not None]
    if not lods:
        return "no LOD"
    low, high = number(min(lods)), number(max(lods))
    return f"LOD {low}" if low == high else f"LOD {low} to {high}"


def _day_axis(rows: list[Row], visit_days: list[int]) -> Any:
    import altair as alt

    days = [row["study_day"] for row in rows]
    first, last = min(0, *days), max(1, *days)
    return alt.X(
        "study_day:Q",
        title="Study day (0 = infusion; symmetric log scale)",
        scale=alt.Scale(type="symlog", constant=_DAYS_KEPT_LINEAR, domain=[first, last], nice=False, padding=8),
        axis=alt.Axis(values=[day for day in sorted({0, *visit_days}) if first <= day <= last], grid=True),
    )


def _net_axis(rows: list[Row], measure: _Measure) -> Any:
    import altair as alt

    lods = [row["lod"] for row in rows if row["lod"] is not None]
    constant = max(median(lods), measure.smallest_constant) if lods else measure.constant_without_lod
    values = [row["net_value"] for row in rows]
    low, high = min(0.0, *values), max(constant, *values)
    return alt.Y(
        "net_value:Q",
        title=measure.title,
        scale=alt.Scale(type="symlog", constant=constant, domain=[low, high], nice=False, padding=8),
        axis=alt.Axis(values=symlog_ticks(low, high, constant), labelExpr=measure.tick_label),
    )


def _lod(measure: _Measure) -> tuple[Any, Any]:
    import altair as alt

    lowest, middle = (alt.Y(f"{of}(lod):Q", title=measure.title) for of in ("min", "median"))
    band = alt.Chart().mark_rect(opacity=0.13, color=INK).encode(y=lowest, y2="max(lod):Q")
    return band, alt.Chart().mark_rule(strokeDash=[3, 3], color=INK, opacity=0.75).encode(y=middle)


def _lines(base: Any, rows: list[Row], picked: Any) -> Any:
    import altair as alt

    hovered = alt.selection_point(
        name="subject_hovered", on="pointerover", clear="pointerout", fields=["subject_id"], empty=False
    )
    groups, title = [row["response_group"] for row in rows], "Best response"
    legend = on_top(symbolSize=500, symbolStrokeWidth=2)
    lines = base.transform_filter(alt.datum.kind != FAILED).mark_line()
    return lines.encode(
        detail="subject_id:N",
        color=alt.Color("response_group:N", title=title, scale=scale(RESPONSE_GROUPS, groups), legend=legend),
        strokeDash=alt.StrokeDash("response_group:N", title=title, scale=dashes(RESPONSE_GROUPS, groups)),
        opacity=alt.when(picked).then(alt.value(0.75)).otherwise(alt.value(0.06)),
        strokeWidth=alt.when(hovered).then(alt.value(3.5)).otherwise(alt.value(1.3)),
    ).add_params(picked, hovered)


def _points(base: Any, rows: list[Row], picked: Any, measure: _Measure) -> Any:
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
            alt.Tooltip("net_value:Q", title=f"Net, {measure.unit}", format=measure.value_format),
            alt.Tooltip("lod:Q", title="LOD", format=measure.value_format),
            alt.Tooltip("kind:N", title="Value"),
            alt.Tooltip("call:N", title="Call"),
            alt.Tooltip("reason:N", title="Reason"),
            alt.Tooltip("best_overall_response:N", title="Best response"),
            alt.Tooltip("response_key:N", title="perdure explain"),
        ],
    )
