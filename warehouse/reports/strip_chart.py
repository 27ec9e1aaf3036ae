"""Strip plot of infused tumour-reactive cells by best response."""

from __future__ import annotations

from collections import Counter
from json import dumps
from typing import Any, Final

from warehouse.reports.blocks import Spec
from warehouse.reports.charting import (
    INK,
    RESPONSE_GROUPS,
    RESPONSES,
    decades,
    embeddable,
    inline,
    on_top,
    scale,
)
from warehouse.reports.published import Row
from warehouse.reports.value_kinds import ABOVE, BELOW, DETECTED, kind_shape
from warehouse.reports.wording import power_of_ten

_CELLS: Final = "Tumour-reactive T cells infused (log scale)"


def is_drawn(row: Row) -> bool:
    """True where there is a number of cells that a log axis can show."""
    return (row["drawn_cells"] or 0) > 0


def infused_by_response(rows: list[Row]) -> Spec | None:
    """Tumour-reactive T cells infused, by best overall response, on a log axis, with the median of each group.

    Rows are those of the view `infused_by_response` that can be drawn; a number below its LOD stands at the LOD, open.
    None where there is none.
    """
    import altair as alt

    if not rows:
        return None
    drawn = _strips(rows)
    x = alt.X(
        "label:N",
        sort=list(dict.fromkeys(row["label"] for row in drawn)),
        title="Best overall response",
        axis=alt.Axis(labelAngle=0, labelExpr="split(datum.label, '|')", grid=False),
    )
    base = alt.Chart(inline(drawn)).encode(x=x, y=_cells_axis(drawn))
    medians = base.mark_tick(thickness=2.5, size=64, color=INK).encode(y=alt.Y("median(drawn_cells):Q", title=_CELLS))
    return embeddable(alt.layer(medians, _points(base, drawn)).properties(width=alt.Step(130), height=330))


def _strips(rows: list[Row]) -> list[Row]:
    """Each row with its kind, the label of its strip and its place across the strip, from -1 to 1."""
    sizes = Counter(row["best_overall_response"] for row in rows)
    order, placed = list(RESPONSES), Counter[str]()
    strips = []
    for row in sorted(rows, key=lambda row: (order.index(row["best_overall_response"]), row["subject_id"])):
        response = row["best_overall_response"]
        n, place = sizes[response], placed[response]
        placed[response] += 1
        kind = BELOW if row["is_below_lod"] else ABOVE if row["is_lower_bound"] else DETECTED
        offset = 0.0 if n == 1 else 0.55 * (2 * place / (n - 1) - 1)
        strips.append({**row, "kind": kind, "label": f"{response}|n = {n}", "offset": offset})
    return strips


def _cells_axis(rows: list[Row]) -> Any:
    import altair as alt

    values = [row["drawn_cells"] for row in rows]
    low, high = min(values) / 1.6, max(values) * 1.6
    ticks = decades(low, high)
    names = dumps({str(int(tick)): power_of_ten(tick) for tick in ticks}, ensure_ascii=False)
    return alt.Y(
        "drawn_cells:Q",
        title=_CELLS,
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(values=ticks, labelExpr=f"({names})[datum.value]"),
    )


def _points(base: Any, rows: list[Row]) -> Any:
    import altair as alt

    groups = scale(RESPONSE_GROUPS, [row["response_group"] for row in rows])
    return base.mark_point(size=85, filled=True, opacity=0.9).encode(
        xOffset=alt.XOffset("offset:Q", scale=alt.Scale(domain=[-1, 1])),
        fill=alt.Fill("response_group:N", title="Group", scale=groups, legend=on_top()),
        shape=kind_shape([row["kind"] for row in rows]),
        tooltip=[
            alt.Tooltip("subject_id:N", title="Subject"),
            alt.Tooltip("best_overall_response:N", title="Best response"),
            alt.Tooltip("tumour_reactive_cells:Q", title="Tumour-reactive cells", format=".3~e"),
            alt.Tooltip("tumour_reactive_cells_ci_lower:Q", title="95 % interval from", format=".3~e"),
            alt.Tooltip("tumour_reactive_cells_ci_upper:Q", title="to", format=".3~e"),
            alt.Tooltip("tumour_reactive_cells_lod:Q", title="LOD, cells", format=".3~e"),
            alt.Tooltip("total_viable_cells:Q", title="Viable cells infused", format=".3~e"),
            alt.Tooltip("kind:N", title="Value"),
        ],
    )
