"""Net percentages of cytometry over time, one row of panels an antigen, with cells per microlitre of blood beside."""

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
    inline,
    on_top,
    scale,
    stacked,
    symlog_ticks,
)
from warehouse.reports.published import Row
from warehouse.reports.value_kinds import BELOW, CROSS, KINDS
from warehouse.reports.wording import counted, number, spelled

_DAYS_KEPT_LINEAR: Final = 14
_SMALLEST_PERCENT: Final = 0.001
_PERCENT_WITHOUT_LOD: Final = 0.01
_CELLS_KEPT_LINEAR: Final = 0.1
_WIDE: Final = 400
_TALL: Final = 190

_CALLS: Final = {"positive": "circle", "negative": KINDS[BELOW], "indeterminate": "triangle-up", "not evaluable": CROSS}

_DRAWN: Final = (
    "subject_id", "antigen", "antigen_role", "study_day", "visit", "stimulated_percent", "unstimulated_percent",
    "net_value", "lod", "net_per_ul", "blood_count_date", "response_group", "best_overall_response", "response_key",
)  # fmt: skip


def cytometry_over_time(rows: list[Row], visit_days: list[int]) -> Spec | None:
    """Percentage and cells per microlitre of each subject over study days, by response group; calls differ in shape.

    Rows are those of the view `cytometry_over_time` with a net value, all of one population and readout. Panels of one
    quantity share their scale. Cells are left out where no sample has a blood count. None without any row.
    """
    import altair as alt

    if not rows:
        return None
    drawn = [_looks(row) for row in rows]
    quantities = [_Quantity(drawn, "net_value", f"Net {rows[0]['unit']}", _percent_constant(drawn))]
    if any(row["net_per_ul"] is not None for row in drawn):
        quantities.append(_Quantity(drawn, "net_per_ul", "Net cells per µl", _CELLS_KEPT_LINEAR))
    picked = alt.selection_point(name="group_picked", fields=["response_group"], bind="legend")
    common = _Common(drawn, study_days(drawn, visit_days), picked)
    antigens = list(dict.fromkeys(row["antigen"] for row in rows))
    return stacked(([_panel(common, antigen, one) for one in quantities] for antigen in antigens), spacing=22)


@dataclass(frozen=True, slots=True)
class _Common:
    """What all panels share: every row, the axis of days, and the group picked in the legend."""

    rows: list[Row]
    days: Any
    picked: Any


class _Quantity:
    """What one column of panels shows, and the axis they share."""

    def __init__(self, rows: list[Row], name: str, title: str, constant: float) -> None:
        values = [row[name] for row in rows if row[name] is not None]
        self.name, self.title, self.constant = name, f"{title} (symmetric log)", constant
        self.low, self.high = min(0.0, *values, 0.0), max(constant, *values)

    def axis(self) -> Any:
        import altair as alt

        scaled = alt.Scale(type="symlog", constant=self.constant, domain=[self.low, self.high], nice=False, padding=8)
        ticks = alt.Axis(values=symlog_ticks(self.low, self.high, self.constant), labelExpr=PLAIN)
        return alt.Y(f"{self.name}:Q", title=self.title, scale=scaled, axis=ticks)


def _looks(row: Row) -> Row:
    """What is drawn of a row: its values, its call in words, and the colour of its group."""
    kept = {name: row[name] for name in _DRAWN}
    return kept | {
        "call": spelled(row["call"]),
        "reason": row["reason"] or "none",
        "below": "yes" if row["is_below_lod"] else "no",
        "colour": RESPONSE_GROUPS[row["response_group"]],
    }


def _percent_constant(rows: list[Row]) -> float:
    lods = [row["lod"] for row in rows if row["lod"] is not None]
    return max(median(lods), _SMALLEST_PERCENT) if lods else _PERCENT_WITHOUT_LOD


def _panel(common: _Common, antigen: str, quantity: _Quantity) -> Any:
    import altair as alt

    own = [row for row in common.rows if row["antigen"] == antigen and row[quantity.name] is not None]
    is_percent = quantity.name == "net_value"
    base = alt.Chart(inline(own)).encode(x=common.days, y=quantity.axis())
    lines = _lines(base, common)
    if is_percent and antigen == common.rows[0]["antigen"]:
        lines = lines.add_params(common.picked)  # once: all panels know it by its name
    layers = [*(_lod(own) if is_percent else ()), lines, _points(base, common)]
    title = alt.TitleParams(
        _named(antigen, own),
        subtitle=_n(own, is_percent=is_percent),
        subtitleFontSize=12,
        frame="group",
        anchor="start",
    )
    return alt.layer(*layers).properties(width=_WIDE, height=_TALL, title=title)


def _named(antigen: str, own: list[Row]) -> str:
    is_tumour = all(row["antigen_role"] == "tumour" for row in own)
    return antigen if is_tumour else f"{antigen} ({own[0]['antigen_role']})"


def _n(own: list[Row], *, is_percent: bool) -> str:
    n = f"n = {counted(len({row['subject_id'] for row in own}), 'subject')}, {counted(len(own), 'sample')}"
    if not is_percent:
        return f"{n} with a blood count"
    lods = [row["lod"] for row in own if row["lod"] is not None]
    low, high = (number(end(lods), 2) for end in (min, max)) if lods else ("none", "none")
    return f"{n}, LOD {low}" if low == high else f"{n}, LOD {low} to {high}"


def study_days(rows: list[Row], visit_days: list[int]) -> Any:
    """The axis of study days, ticks at the visits."""
    import altair as alt

    days = [row["study_day"] for row in rows]
    first, last = min(0, *days), max(1, *days)
    return alt.X(
        "study_day:Q",
        title="Study day (0 = infusion; symmetric log)",
        scale=alt.Scale(type="symlog", constant=_DAYS_KEPT_LINEAR, domain=[first, last], nice=False, padding=8),
        axis=alt.Axis(
            values=[day for day in sorted({0, *visit_days}) if first <= day <= last], grid=True, labelSeparation=5
        ),
    )


def _lod(own: list[Row]) -> list[Any]:
    """The LOD of the panel's samples: their range shaded, their median dashed."""
    import altair as alt

    lods = [row["lod"] for row in own if row["lod"] is not None]
    if not lods:
        return []
    ends = [{"lowest": min(lods), "highest": max(lods), "middle": median(lods)}]
    band = alt.Chart(inline(ends)).mark_rect(opacity=0.13, color=INK).encode(y="lowest:Q", y2="highest:Q")
    middle = alt.Chart(inline(ends)).mark_rule(strokeDash=[3, 3], color=INK, opacity=0.75).encode(y="middle:Q")
    return [band, middle]


def _lines(base: Any, common: _Common) -> Any:
    import altair as alt

    groups, title = [row["response_group"] for row in common.rows], "Best response"
    legend = on_top(symbolSize=500, symbolStrokeWidth=2)
    return (
        base.transform_filter(alt.datum.call != "not evaluable")
        .mark_line(strokeWidth=1.3)
        .encode(
            detail="subject_id:N",
            color=alt.Color("response_group:N", title=title, scale=scale(RESPONSE_GROUPS, groups), legend=legend),
            strokeDash=alt.StrokeDash("response_group:N", title=title, scale=dashes(RESPONSE_GROUPS, groups)),
            opacity=_shown(common, 0.6),
        )
    )


def _shown(common: _Common, opacity: float) -> Any:
    """Full for the group picked, else hardly there; `alt.when` looks the schema up anew for each layer."""
    import altair as alt

    return alt.OpacityValue(0.05, condition={"param": common.picked.name, "value": opacity})


def _points(base: Any, common: _Common) -> Any:
    import altair as alt

    shown = {row["call"] for row in common.rows}
    calls = [call for call in _CALLS if call in shown]
    shapes = alt.Scale(domain=calls, range=[_CALLS[call] for call in calls])
    legend = on_top(symbolFillColor=INK, symbolStrokeWidth=0)
    return base.mark_point(size=42, filled=True).encode(
        fill=alt.Fill("colour:N", scale=None),
        shape=alt.Shape("call:N", title="Call", scale=shapes, legend=legend),
        opacity=_shown(common, 0.9),
        tooltip=[
            alt.Tooltip("subject_id:N", title="Subject"),
            alt.Tooltip("antigen:N", title="Antigen"),
            alt.Tooltip("study_day:Q", title="Study day"),
            alt.Tooltip("visit:N", title="Visit"),
            alt.Tooltip("net_value:Q", title="Net, %", format=".4~f"),
            alt.Tooltip("stimulated_percent:Q", title="Stimulated or multimer, %", format=".4~f"),
            alt.Tooltip("unstimulated_percent:Q", title="Unstimulated, %", format=".4~f"),
            alt.Tooltip("lod:Q", title="LOD, %", format=".4~f"),
            alt.Tooltip("below:N", title="Below the LOD"),
            alt.Tooltip("net_per_ul:Q", title="Net cells per µl", format=".3~f"),
            alt.Tooltip("blood_count_date:N", title="Blood count of"),
            alt.Tooltip("call:N", title="Call"),
            alt.Tooltip("reason:N", title="Reason"),
            alt.Tooltip("best_overall_response:N", title="Best response"),
            alt.Tooltip("response_key:N", title="perdure explain"),
        ],
    )
