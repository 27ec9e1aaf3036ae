"""The figure of the simulation: type I error of each analysis, with its Monte Carlo error, at both sizes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import polars as pl

from tests.simulate.cohort import NULL
from tests.simulate.questions import Asked
from tests.simulate.replicates import Simulated

FIGURE: Final = Path(__file__).parents[2] / "docs" / "decisions" / "simulation.svg"
SHORT: Final = {
    "persistent_at_landmark": "persistent",
    "induced_by_landmark": "induced",
    "n_persistent_at_landmark": "number persistent",
    "tumour_reactive_cells_infused": "cells infused",
    "positive_over_time": "positive over time",
    "best_change_percent": "best change",
    "best_response": "best response",
}
_COLOURS: Final = {"offered": "#1b6ca8", "other form": "#8a8a8a", "refused": "#c0392b"}


def told(asked: Asked) -> str:
    """An analysis in a line."""
    exposure, outcome = (SHORT.get(name, name.replace("_", " ")) for name in (asked.exposure, asked.outcome))
    return f"{asked.method.replace('_', ' ')}: {exposure}, {outcome}"


def write(simulated: Simulated, path: Path = FIGURE) -> None:
    """Draws the figure as SVG."""
    import altair as alt

    frame = pl.DataFrame(list(_rows(simulated)))
    lines = frame["what"].unique(maintain_order=True).to_list()
    widest = max(10.0, float(frame["high"].max()) * 1.05)
    x = alt.X(
        "percent:Q",
        title="p at most 5 %, share of studies (%)",
        scale=alt.Scale(type="sqrt", domain=[0, widest]),
        axis=alt.Axis(values=[0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 40, 60, 80, 100]),
    )
    colour = alt.Color(
        "status:N",
        title=None,
        legend=alt.Legend(orient="top"),
        scale=alt.Scale(domain=list(_COLOURS), range=list(_COLOURS.values())),
    )
    band, five = alt.Chart(alt.Data(values=[{"low": 4, "high": 6}])), alt.Chart(alt.Data(values=[{"at": 5}]))
    panels = []
    for n in simulated.sizes:
        is_first = n == simulated.sizes[0]
        axis = alt.Axis(labelLimit=460, grid=True, labels=is_first, ticks=is_first)
        y = alt.Y("what:N", sort=lines, title=None, axis=axis)
        base = alt.Chart(alt.Data(values=frame.filter(n=n).to_dicts())).encode(y=y, color=colour)
        layers = (
            band.mark_rect(color="#1b6ca8", opacity=0.15).encode(x="low:Q", x2="high:Q"),
            five.mark_rule(strokeDash=[4, 3], color="#444").encode(x="at:Q"),
            base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q"), x2="high:Q"),
            base.mark_point(filled=True, size=60, opacity=1).encode(x=x),
        )
        panels.append(alt.layer(*layers).properties(width=340, height=17 * len(lines), title=f"{n} subjects infused"))
    subtitle = f"{simulated.replicates} drawn studies each; bars: 95 % Monte Carlo interval; band: 4 to 6 %"
    title = alt.Title("Type I error where nothing is associated", subtitle=subtitle, fontSize=16, subtitleFontSize=13)
    (
        alt.hconcat(*panels, title=title)
        .resolve_scale(y="shared")
        .configure_axis(labelFontSize=12, titleFontSize=12)
        .configure_title(anchor="start")
        .configure_legend(labelFontSize=12)
        .configure_view(stroke="#ddd")
        .save(path, format="svg")
    )


def _rows(simulated: Simulated) -> Iterator[dict[str, object]]:
    for n in simulated.sizes:
        tally = simulated.of(NULL, n)
        for asked in sorted(one for one in tally.seen if isinstance(one, Asked)):
            share = tally.share(asked)
            low, high = (max(0.0, share.percent + sign * 1.96 * share.error) for sign in (-1, 1))
            ends = {"percent": share.percent, "low": low, "high": high}
            yield {"n": n, "what": told(asked), "status": asked.status, **ends}
