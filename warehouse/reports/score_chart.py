"""Polyfunctionality over time, one panel an antigen and population."""

from __future__ import annotations

from typing import Any, Final

from warehouse.reports.blocks import Spec
from warehouse.reports.charting import RESPONSE_GROUPS, dashes, embeddable, inline, on_top, scale
from warehouse.reports.cytometry_chart import study_days
from warehouse.reports.published import Row
from warehouse.reports.wording import counted

_WIDE: Final = 415
_TALL: Final = 190


def scores_over_time(rows: list[Row], visit_days: list[int]) -> Spec | None:
    """Polyfunctionality score of each subject over study days, coloured and dashed by response group.

    Rows are those of the view `reported_scores` of blood with a score and a study day. None where there is none.
    """
    import altair as alt

    if not rows:
        return None
    titles = _titles(rows)
    drawn = [
        {**row, "panel": titles[row["population"], row["antigen"]], "colour": RESPONSE_GROUPS[row["response_group"]]}
        for row in rows
    ]
    groups, title = [row["response_group"] for row in rows], "Best response"
    picked = alt.selection_point(name="score_group_picked", fields=["response_group"], bind="legend")
    base = alt.Chart().encode(
        x=study_days(rows, visit_days),
        y=alt.Y(
            "polyfunctionality_score:Q",
            title="Polyfunctionality score",
            scale=alt.Scale(domain=[0, _top(rows)], nice=True, padding=6),
            axis=alt.Axis(tickCount=5),
        ),
        opacity=alt.when(picked).then(alt.value(0.75)).otherwise(alt.value(0.05)),
    )
    lines = base.mark_line(strokeWidth=1.3).encode(
        detail="subject_id:N",
        color=alt.Color(
            "response_group:N",
            title=title,
            scale=scale(RESPONSE_GROUPS, groups),
            legend=on_top(symbolSize=500, symbolStrokeWidth=2),
        ),
        strokeDash=alt.StrokeDash("response_group:N", title=title, scale=dashes(RESPONSE_GROUPS, groups)),
    )
    layers = alt.layer(lines.add_params(picked), _points(base)).properties(width=_WIDE, height=_TALL)
    header = alt.Header(labelAnchor="start", labelPadding=6)
    facet = alt.Facet("panel:N", title=None, sort=list(titles.values()), header=header)
    panels = layers.facet(facet=facet, columns=2, data=inline(drawn), spacing={"row": 26})
    return embeddable(panels.resolve_axis(x="independent"))


def _titles(rows: list[Row]) -> dict[tuple[str, str], str]:
    titles = {}
    for key in dict.fromkeys((row["population"], row["antigen"]) for row in rows):
        own = [row for row in rows if (row["population"], row["antigen"]) == key]
        n = f"{counted(len({row['subject_id'] for row in own}), 'subject')}, {counted(len(own), 'sample')}"
        titles[key] = f"{key[1]}, {key[0]}: n = {n}"
    return titles


def _top(rows: list[Row]) -> float:
    return max([0.01, *(float(row["polyfunctionality_score"]) for row in rows)])


def _points(base: Any) -> Any:
    import altair as alt

    return base.mark_point(size=34, filled=True).encode(
        fill=alt.Fill("colour:N", scale=None),
        tooltip=[
            alt.Tooltip("subject_id:N", title="Subject"),
            alt.Tooltip("antigen:N", title="Antigen"),
            alt.Tooltip("population:N", title="Population"),
            alt.Tooltip("markers:N", title="Markers"),
            alt.Tooltip("study_day:Q", title="Study day"),
            alt.Tooltip("visit:N", title="Visit"),
            alt.Tooltip("polyfunctionality_score:Q", title="Polyfunctionality score", format=".3f"),
            alt.Tooltip("functionality_score:Q", title="Functionality score", format=".3f"),
            alt.Tooltip("best_overall_response:N", title="Best response"),
        ],
    )
