"""What kind of value a point shows, each with a shape of its own: detected, censored on either side, not evaluable."""

from __future__ import annotations

from typing import Any, Final

from warehouse.reports.charting import INK, on_top

DETECTED: Final = "at or above the LOD"
BELOW: Final = "below the LOD"
ABOVE: Final = "lower bound (wells too numerous to count)"
BENEATH: Final = "upper bound (control too numerous to count)"
FAILED: Final = "call not evaluable"

# Paths of Vega's symbols; a ring is the open circle that also stays open in a legend.
_RING: Final = "M0,-1A1,1,0,1,1,0,1A1,1,0,1,1,0,-1ZM0,-0.62A0.62,0.62,0,1,0,0,0.62A0.62,0.62,0,1,0,0,-0.62Z"
CROSS: Final = "M-1,-0.7L-0.7,-1L0,-0.3L0.7,-1L1,-0.7L0.3,0L1,0.7L0.7,1L0,0.3L-0.7,1L-1,0.7L-0.3,0Z"
KINDS: Final = {DETECTED: "circle", BELOW: _RING, ABOVE: "triangle-up", BENEATH: "triangle-down", FAILED: CROSS}


def kind_shape(shown: list[str]) -> Any:
    """The shape of points by their column `kind`, with a legend of the kinds that are there."""
    import altair as alt

    kinds = [kind for kind in KINDS if kind in set(shown)]
    shapes = alt.Scale(domain=kinds, range=[KINDS[kind] for kind in kinds])
    return alt.Shape("kind:N", title="Value", scale=shapes, legend=on_top(symbolFillColor=INK, symbolStrokeWidth=0))
