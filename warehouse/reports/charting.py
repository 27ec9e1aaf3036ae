"""What all charts share: colours, dashes and shapes that also differ without colour, fonts, and the way into a page."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from math import ceil, floor, isfinite, log10
from typing import Any, Final

from warehouse.reports.blocks import Spec
from warehouse.reports.published import Row

# Okabe and Ito's palette, told apart by readers with any colour vision.
RESPONSE_GROUPS: Final = {"responder": "#0072B2", "non-responder": "#D55E00", "not evaluable": "#6E6E6E"}
PERSISTENCE_GROUPS: Final = {"persistent": "#007A5A", "not persistent": "#A0458C", "all": "#333333"}
RESPONSES: Final = {
    "CR": "#0072B2",
    "PR": "#56B4E9",
    "SD": "#BDBDBD",
    "NON-CR/NON-PD": "#DADADA",
    "PD": "#E69F00",
    "NE": "#FFFFFF",
}
DASHES: Final = {
    "responder": (1, 0),
    "non-responder": (6, 3),
    "not evaluable": (2, 2),
    "persistent": (1, 0),
    "not persistent": (6, 3),
    "all": (1, 0),
}

FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
INK: Final = "#222222"

PLAIN: Final = "format(datum.value, '~g')"
"""Labels of ticks as plain numbers; the axis would round them to the step between ticks."""

THEME: Final[Spec] = {
    "font": FONT,
    "background": "#ffffff",
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": 500,
        "labelColor": INK,
        "titleColor": INK,
        "gridColor": "#E8E8E8",
        "domainColor": "#888888",
        "tickColor": "#888888",
        "labelOverlap": "greedy",
        "titlePadding": 8,
        "labelLimit": 420,
    },
    "legend": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": 500,
        "labelLimit": 320,
        "symbolSize": 90,
        "layout": {"top": {"direction": "vertical", "anchor": "start"}},
    },
    "header": {"labelFontSize": 12.5, "labelFontWeight": 600, "labelColor": INK, "titleColor": INK, "labelLimit": 460},
    "title": {"fontSize": 13, "fontWeight": 600, "anchor": "start", "color": INK},
}


def embeddable(chart: Any) -> Spec:
    """The Vega-Lite specification of an Altair chart under the pages' theme."""
    # Validating against the JSON schema takes longer than all the rest of a page; the browser test draws every chart.
    spec: Spec = chart.to_dict(validate=False)
    return {**spec, "config": THEME}


def stacked(rows: Iterable[Iterable[Any]], spacing: int) -> Spec:
    """Rows of charts below each other as one specification under the pages' theme.

    Altair's own concatenation copies every chart at every level it is put into: seconds for some dozen panels.
    """
    datasets: dict[str, Any] = {}

    def panel(chart: Any) -> Spec:
        spec: Spec = chart.to_dict(validate=False)
        datasets.update(spec.pop("datasets", {}))
        return {name: value for name, value in spec.items() if name not in ("$schema", "config")}

    schema = {"$schema": _schema()}
    placed = [{"hconcat": [panel(chart) for chart in row], "spacing": spacing} for row in rows]
    return {**schema, "vconcat": placed, "spacing": spacing, "datasets": datasets, "config": THEME}


def _schema() -> str:
    import altair as alt

    return str(alt.SCHEMA_URL)


def inline(rows: Iterable[Row]) -> Any:
    """Rows as chart data, without the row limit Altair puts on frames; infinity, which JSON lacks, becomes null."""
    from altair.utils.schemapi import debug_mode

    values = [{name: _plain(value) for name, value in row.items()} for row in rows]
    with debug_mode(False):  # validates every row: seconds for a study of some hundred plates
        return _shared_data()(values=values)


@cache
def _shared_data() -> Any:
    import altair as alt

    class SharedData(alt.InlineData):
        """Rows nobody changes: Altair copies a chart with its data at every step of building it."""

        def __deepcopy__(self, memo: object) -> SharedData:
            return self

    return SharedData


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def scale(colours: dict[str, str], shown: Iterable[str]) -> Any:
    """A colour scale over the groups that are there, in the declared order."""
    import altair as alt

    present = set(shown)
    domain = [name for name in colours if name in present]
    return alt.Scale(domain=domain, range=[colours[name] for name in domain])


def dashes(colours: dict[str, str], shown: Iterable[str]) -> Any:
    """The dashes that belong to the same groups."""
    import altair as alt

    present = set(shown)
    domain = [name for name in colours if name in present]
    return alt.Scale(domain=domain, range=[list(DASHES[name]) for name in domain])


def on_top(**settings: Any) -> Any:
    """A legend in one line above the chart."""
    import altair as alt

    return alt.Legend(orient="top", direction="horizontal", titleOrient="left", columns=0, **settings)


def month_ticks(longest: float) -> list[int]:
    """Ticks of an axis of months that starts at 0: at most about a dozen."""
    step = next((step for step, until in ((1, 8), (3, 24), (6, 72)) if longest <= until), 12)
    return list(range(0, int(longest) + 1, step))


def symlog_ticks(lowest: float, highest: float, constant: float) -> list[float]:
    """Powers of ten on both sides of 0, from about the constant of the scale outwards."""
    first = floor(log10(constant))
    powers = [10.0**power for power in range(first, 12)]
    above = [value for value in powers if value <= highest]
    below = [-value for value in powers if value <= -lowest]
    return [*reversed(below), 0.0, *above]


def decades(lowest: float, highest: float) -> list[float]:
    """Ticks of a log axis between two positive numbers: powers of ten, on a short axis also 2 and 5 times these."""
    digits = (1, 2, 5) if highest / lowest < 1e4 else (1,)
    powers = range(floor(log10(lowest)), ceil(log10(highest)) + 1)
    return [digit * 10.0**power for power in powers for digit in digits if lowest <= digit * 10.0**power <= highest]
