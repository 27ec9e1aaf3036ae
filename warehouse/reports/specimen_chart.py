"""The matrix of expected specimens: who gave what, who did not, and why."""

from __future__ import annotations

from typing import Final

from warehouse.reports.blocks import Spec
from warehouse.reports.charting import embeddable, inline
from warehouse.reports.published import Row

# state: sign in the cell, colour of the cell, colour of the sign.
STATES: Final = {
    "received": ("✓", "#0072B2", "#ffffff"),
    "received, says nothing": ("✗", "#8CC5E8", "#000000"),
    "absent: unknown": ("?", "#D55E00", "#ffffff"),
    "absent: not drawn": ("N", "#E69F00", "#000000"),
    "absent: withdrawn": ("W", "#C9C9C9", "#000000"),
    "absent: progressed": ("P", "#A0A0A0", "#000000"),
    "absent: dead": ("†", "#4D4D4D", "#ffffff"),
    "not due yet": ("·", "#F4F4F4", "#000000"),
}
_OTHER: Final = ("!", "#CC79A7", "#000000")


def specimen_matrix(rows: list[Row]) -> Spec | None:
    """Heat map of subjects by visits; each cell has a sign as well as a colour.

    Rows are those of the view `specimen_matrix`. None where no specimen is expected.
    """
    import altair as alt

    if not rows:
        return None
    cells = [
        {**row, **dict(zip(("sign", "colour", "ink"), STATES.get(row["state"], _OTHER), strict=True))} for row in rows
    ]
    cells = [{**cell, "state": f"{cell['sign']}  {cell['state']}"} for cell in cells]
    visits = [visit for _, visit in sorted({(cell["position"], cell["visit"]) for cell in cells})]
    order = [state for state in STATES if any(row["state"] == state for row in rows)]
    others = sorted({row["state"] for row in rows} - set(STATES))
    legend = [(f"{STATES.get(state, _OTHER)[0]}  {state}", STATES.get(state, _OTHER)[1]) for state in (*order, *others)]
    base = alt.Chart(inline(cells)).encode(
        x=alt.X("visit:N", sort=visits, title=None, axis=alt.Axis(orient="top", labelAngle=-35, domain=False, ticks=False, labelOverlap=False)),
        y=alt.Y("subject_id:N", title="Subject", axis=alt.Axis(domain=False, ticks=False, labelOverlap=False)),
        tooltip=[
            alt.Tooltip("subject_id:N", title="Subject"),
            alt.Tooltip("visit:N", title="Visit"),
            alt.Tooltip("state:N", title="State"),
            alt.Tooltip("window_start_date:N", title="Window from"),
            alt.Tooltip("window_end_date:N", title="to"),
            alt.Tooltip("specimen_id:N", title="Specimen"),
        ],
    )  # fmt: skip
    fill = alt.Color("state:N", title="Specimen", scale=alt.Scale(domain=[s for s, _ in legend], range=[c for _, c in legend]))  # fmt: skip
    squares = base.mark_rect(stroke="#ffffff", strokeWidth=1.5).encode(color=fill)
    signs = base.mark_text(fontSize=12).encode(text="sign:N", color=alt.Color("ink:N", scale=None))
    # A colour scale of its own keeps the signs' ink out of the legend.
    layers = alt.layer(squares, signs).resolve_scale(color="independent")
    return embeddable(layers.properties(width=alt.Step(74), height=alt.Step(19)))
