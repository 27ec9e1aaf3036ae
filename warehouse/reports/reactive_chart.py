"""Infused tumour-reactive T cells by assay side by side: one row a subject, one column an assay, with intervals."""

from __future__ import annotations

from json import dumps
from typing import Any, Final

from warehouse.reports.blocks import Spec
from warehouse.reports.charting import RESPONSE_GROUPS, decades, embeddable, inline, on_top, scale
from warehouse.reports.published import Row
from warehouse.reports.value_kinds import ABOVE, BELOW, BENEATH, DETECTED, kind_shape
from warehouse.reports.wording import power_of_ten, series

_WIDE: Final = {1: 420, 2: 410, 3: 255}
"""Width of a panel by how many stand side by side."""
_ROW: Final = 17
_GROUPS: Final = tuple(RESPONSE_GROUPS)


def is_drawn(row: Row) -> bool:
    """True where there is a number of cells that a log axis can show."""
    return (row["drawn_cells"] or 0) > 0


def reactive_cells(rows: list[Row]) -> Spec | None:
    """Number of cells with its 95 % interval, subjects in the same order in every column, by response group.

    Rows are those of the view `reactive_cells_by_assay`; those without a number leave their place empty. A number
    below its LOD stands at the LOD, open. An interval's end beyond the axis is cut off there. None without a number.
    """
    import altair as alt

    numbers = [row for row in rows if is_drawn(row)]
    if not numbers:
        return None
    subjects, axis = _order(rows), _cells_axis(numbers)
    panels, every = [], list(dict.fromkeys(series(row["assay"], row["population"], row["readout"]) for row in rows))
    n_columns = 2 if len(every) == 4 else min(3, len(every))
    for named in every:
        own = [row for row in rows if series(row["assay"], row["population"], row["readout"]) == named]
        drawn = [_looks(row, axis) for row in own if is_drawn(row)]
        place = alt.Y("subject_id:N", sort=subjects, title=None, scale=alt.Scale(domain=subjects))
        base = alt.Chart(inline(drawn)).encode(y=place)
        title = alt.TitleParams([named, f"n = {len(drawn)} of {len(own)}"], frame="group", anchor="start")
        layers = alt.layer(_intervals(base, numbers), _points(base, numbers, axis))
        panels.append(layers.properties(width=_WIDE[n_columns], height=alt.Step(_ROW), title=title))
    return embeddable(alt.concat(*panels, columns=n_columns, spacing={"row": 26, "column": 16}))


def _order(rows: list[Row]) -> list[str]:
    """Subjects by response group, in each those with most cells by the first assay first."""
    most: dict[str, float] = {}
    for row in rows:
        most.setdefault(row["subject_id"], row["drawn_cells"] or 0)
    groups = {row["subject_id"]: _GROUPS.index(row["response_group"]) for row in rows}
    return sorted(most, key=lambda subject: (groups[subject], -most[subject], subject))


def _cells_axis(rows: list[Row]) -> tuple[float, float]:
    """Ends of the axis: the numbers, and upper ends of intervals, with some room."""
    uppers = [row["reactive_cells_upper"] for row in rows if row["reactive_cells_upper"]]
    values = [row["drawn_cells"] for row in rows]
    return min(values) / 2, max(*values, *uppers, 0) * 1.3


def _looks(row: Row, axis: tuple[float, float]) -> Row:
    low, high = axis
    bound = ABOVE if row["is_lower_bound"] else BENEATH if row["is_upper_bound"] else DETECTED
    lower, upper = row["reactive_cells_lower"], row["reactive_cells_upper"]
    shown = (
        "subject_id", "drawn_cells", "reactive_cells", "reactive_cells_lower", "reactive_cells_upper",
        "reactive_cells_lod", "antigens", "parent_fraction", "best_overall_response", "response_group",
    )  # fmt: skip
    return {name: row[name] for name in shown} | {
        "kind": BELOW if row["is_below_lod"] else bound,
        "from": None if lower is None else max(low, lower),
        "to": None if upper is None else min(high, upper),
        "series": series(row["assay"], row["population"], row["readout"]),
    }


def _colour(rows: list[Row]) -> Any:
    import altair as alt

    groups = scale(RESPONSE_GROUPS, [row["response_group"] for row in rows])
    return alt.Color("response_group:N", title="Best response", scale=groups, legend=on_top(symbolOpacity=1))


def _intervals(base: Any, rows: list[Row]) -> Any:
    has_ends = "isValid(datum.from) && isValid(datum.to) && datum.to > datum.from"
    rules = base.transform_filter(has_ends).mark_rule(strokeWidth=2, opacity=0.55)
    return rules.encode(x="from:Q", x2="to:Q", color=_colour(rows))


def _points(base: Any, rows: list[Row], axis: tuple[float, float]) -> Any:
    import altair as alt

    low, high = axis
    powers = [tick for tick in decades(low, high) if str(int(tick)).strip("0") == "1"]
    ticks = powers if len(powers) > 1 else decades(low, high)
    names = dumps({str(int(tick)): power_of_ten(tick) for tick in ticks}, ensure_ascii=False)
    kinds = [_looks(row, axis)["kind"] for row in rows]
    return base.mark_point(size=62, filled=True, opacity=0.95).encode(
        x=alt.X(
            "drawn_cells:Q",
            title="Cells infused (log scale)",
            scale=alt.Scale(type="log", domain=[low, high], nice=False),
            axis=alt.Axis(values=ticks, labelExpr=f"({names})[datum.value]", grid=True),
        ),
        color=_colour(rows),
        shape=kind_shape(kinds),
        tooltip=[
            alt.Tooltip("subject_id:N", title="Subject"),
            alt.Tooltip("series:N", title="Measured by"),
            alt.Tooltip("antigens:N", title="Against"),
            alt.Tooltip("reactive_cells:Q", title="Tumour-reactive cells", format=".3~e"),
            alt.Tooltip("reactive_cells_lower:Q", title="95 % interval from", format=".3~e"),
            alt.Tooltip("reactive_cells_upper:Q", title="to", format=".3~e"),
            alt.Tooltip("reactive_cells_lod:Q", title="LOD, cells", format=".3~e"),
            alt.Tooltip("parent_fraction:Q", title="Share of the product", format=".3~f"),
            alt.Tooltip("kind:N", title="Value"),
            alt.Tooltip("best_overall_response:N", title="Best response"),
        ],
    )
