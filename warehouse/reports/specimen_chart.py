"""The matrix of expected specimens: who gave what, who did not, and why."""

from __future__ import annotations

from typing import Any, Final

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
    visits = [visit for _, visit in sorted({(row["position"], row["visit"]) for row in rows})]
    bare: dict[str, Any] = {"domain": False, "ticks": False, "labelOverlap": False}
    base = alt.Chart(inline(map(_signed, rows))).encode(
        x=alt.X("visit:N", sort=visits, title=None, axis=alt.Axis(orient="top", labelAngle=-35, **bare)),
        y=alt.Y("subject_id:N", title="Subject", axis=alt.Axis(**bare)),
        tooltip=_tooltip(),
    )
    squares = base.mark_rect(stroke="#ffffff", strokeWidth=1.5).encode(color=_state_colour(rows))
    signs = base.mark_text(fontSize=12).encode(text="sign:N", color=alt.Color("ink:N", scale=None))
    # A colour scale of its own keeps the signs' ink out of the legend.
    layers = alt.layer(squares, signs).resolve_scale(color="independent")
    return embeddable(layers.properties(width=alt.Step(74), height=alt.Step(19)))


def _signed(row: Row) -> Row:
    sign, _, ink = STATES.get(row["state"], _OTHER)
    return {**row, "sign": sign, "ink": ink, "state": _named(row["state"]), "specimen_id": row["specimen_id"] or "none"}


def _named(state: str) -> str:
    return f"{STATES.get(state, _OTHER)[0]}  {state}"


def _state_colour(rows: list[Row]) -> Any:
    import altair as alt

    there = {row["state"] for row in rows}
    states = [*(state for state in STATES if state in there), *sorted(there - set(STATES))]
    colours = [STATES.get(state, _OTHER)[1] for state in states]
    return alt.Color("state:N", title="Specimen", scale=alt.Scale(domain=list(map(_named, states)), range=colours))


def _tooltip() -> list[Any]:
    import altair as alt

    return [
        alt.Tooltip("subject_id:N", title="Subject"),
        alt.Tooltip("visit:N", title="Visit"),
        alt.Tooltip("state:N", title="State"),
        alt.Tooltip("window_start_date:N", title="Window from"),
        alt.Tooltip("window_end_date:N", title="to"),
        alt.Tooltip("specimen_id:N", title="Specimen"),
    ]
