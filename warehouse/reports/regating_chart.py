"""Stored counts of gates against those made again from FCS files, within the tolerances of the study file."""

from __future__ import annotations

from math import ceil, log10
from typing import Any, Final

from warehouse.reports.blocks import Spec
from warehouse.reports.charting import INK, PLAIN, embeddable, inline, on_top
from warehouse.reports.published import Row
from warehouse.reports.value_kinds import CROSS
from warehouse.reports.wording import number

_VERDICTS: Final = {"within the tolerance": ("#0072B2", "circle"), "beyond it": ("#C1272D", CROSS)}
_PERCENT_KEPT_LINEAR: Final = 0.1
_ALL: Final = 100.0
_STEPS: Final = 60
_WIDE: Final = 265
_TALL: Final = 210


def stored_against_regated(rows: list[Row], types: dict[str, Row], tolerance_events: int) -> Spec | None:
    """Bland and Altman's plot of relative differences: one panel a type of gate, the tolerance drawn.

    Args:
        rows: of the view `stored_and_regated`, each with an event in at least one of its counts.
        types: of the view `gate_agreement_by_type`, by type: how many there are, drawn or not.
        tolerance_events: a difference of no more events always agrees, which widens the tolerance of small counts.
    """
    import altair as alt

    if not rows:
        return None
    largest = max(row["larger_count"] for row in rows)
    panels = []
    for kind in sorted({row["gate_type"] for row in rows}):
        own = [_looks(row) for row in rows if row["gate_type"] == kind]
        layers = [*_limits(own, largest, tolerance_events), _points(own, rows, largest)]
        title = alt.TitleParams(_title(types[kind], len(own)), frame="group", anchor="start")
        panels.append(alt.layer(*layers).properties(width=_WIDE, height=_TALL, title=title))
    return embeddable(alt.concat(*panels, columns=3, spacing={"row": 24, "column": 18}))


def _looks(row: Row) -> Row:
    shown = (
        "path", "sample_name", "population_path", "count_stored", "count_regated", "larger_count", "signed_percent",
        "tolerance_percent", "software_version",
    )  # fmt: skip
    kept = {name: row[name] for name in shown}
    return kept | {"verdict": next(iter(_VERDICTS)) if row["agrees"] else "beyond it"}


def _title(told: Row, n_drawn: int) -> list[str]:
    n = f"n = {number(told['n_compared'])}, {number(told['n_disagree'])} beyond"
    part = "" if n_drawn == told["n_compared"] else f", {number(n_drawn)} drawn"
    return [f"{told['gate_type']}: {n}", f"tolerance {number(told['tolerance_percent'])} %{part}"]


def _axes(largest: int) -> dict[str, Any]:
    import altair as alt

    powers = [10**power for power in range(ceil(log10(max(largest, 2))) + 1)]
    ends = [-_ALL, -10, -1, 0, 1, 10, _ALL]
    return {
        "x": alt.X(
            "larger_count:Q",
            title="Larger of the two counts (log)",
            scale=alt.Scale(type="log", domain=[0.8, max(largest, 2) * 1.4], nice=False),
            axis=alt.Axis(values=powers, format="~s", labelFlush=False),
        ),
        "y": alt.Y(
            "signed_percent:Q",
            title="Difference, %",
            scale=alt.Scale(type="symlog", constant=_PERCENT_KEPT_LINEAR, domain=[-_ALL, _ALL], nice=False, padding=6),
            axis=alt.Axis(values=ends, labelExpr=PLAIN),
        ),
    }


def _limits(own: list[Row], largest: int, tolerance_events: int) -> list[Any]:
    """The tolerance in percent, or what so many events are of the count where that is more."""
    import altair as alt

    tolerance, top = max(row["tolerance_percent"] for row in own), log10(max(largest, 2) * 1.4)
    counts = [10 ** (top * step / _STEPS) for step in range(_STEPS + 1)]
    lines = [
        {"larger_count": count, "signed_percent": side * min(_ALL, max(tolerance, 100 * tolerance_events / count)),
         "side": side}
        for side in (-1, 1) for count in counts
    ]  # fmt: skip
    base = alt.Chart(inline(lines)).encode(**_axes(largest))
    zero = alt.Chart(inline([{"signed_percent": 0}])).mark_rule(color=INK, opacity=0.5).encode(y="signed_percent:Q")
    return [zero, base.mark_line(strokeDash=[4, 3], strokeWidth=1.2, color=INK).encode(detail="side:N")]


def _points(own: list[Row], rows: list[Row], largest: int) -> Any:
    import altair as alt

    shown = {_looks(row)["verdict"] for row in rows}
    verdicts = [name for name in _VERDICTS if name in shown]
    colours = alt.Scale(domain=verdicts, range=[_VERDICTS[name][0] for name in verdicts])
    shapes = alt.Scale(domain=verdicts, range=[_VERDICTS[name][1] for name in verdicts])
    return (
        alt.Chart(inline(own))
        .mark_point(size=40, filled=True, opacity=0.7)
        .encode(
            **_axes(largest),
            color=alt.Color("verdict:N", title="Difference", scale=colours, legend=on_top()),
            shape=alt.Shape("verdict:N", title="Difference", scale=shapes, legend=on_top()),
            tooltip=[
                alt.Tooltip("sample_name:N", title="Sample"),
                alt.Tooltip("population_path:N", title="Population"),
                alt.Tooltip("count_stored:Q", title="Stored", format=",d"),
                alt.Tooltip("count_regated:Q", title="Counted again", format=",d"),
                alt.Tooltip("signed_percent:Q", title="Difference, %", format="+.3~f"),
                alt.Tooltip("tolerance_percent:Q", title="Tolerance, %", format="~g"),
                alt.Tooltip("software_version:N", title="Stored by"),
                alt.Tooltip("path:N", title="File"),
            ],
        )
    )
