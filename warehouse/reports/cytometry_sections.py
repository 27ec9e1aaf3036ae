"""Responses by flow cytometry: over time, polyfunctionality, rules compared, HLA of multimers, cells infused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from warehouse.reports.blocks import Block, Chart, Folded, Section, Text
from warehouse.reports.charting import RESPONSE_GROUPS
from warehouse.reports.cytometry_chart import cytometry_over_time
from warehouse.reports.published import Published, Row
from warehouse.reports.reactive_chart import is_drawn, reactive_cells
from warehouse.reports.score_chart import scores_over_time
from warehouse.reports.tables import Shown, tabulate
from warehouse.reports.wording import NOTHING, SPACE, counted, listed, number, percent, series, share, spelled

_FIRST: Final = "cytometry-1"


def cytometry_responses(published: Published) -> Section:
    """ICS and multimers over time, a chart a population and readout; a sentence where the study has none."""
    if not _has_responses(published):
        none = "This study has no response by flow cytometry, so nothing about intracellular staining, multimers or "
        return Section("cytometry", "Flow cytometry over time", (Text(f"{none}polyfunctionality is shown.", "quiet"),))
    rows = published.view("cytometry_over_time")
    days = [row["day"] for row in published.view("analysis_visits")]
    charts = [
        _over_time(place, [row for row in rows if _of(row) == one], days)
        for place, one in enumerate(dict.fromkeys(map(_of, rows)), start=1)
    ]
    folded = [Folded(chart.caption, (chart,)) for chart in charts[1:]]
    multimers = _hla(published)
    if not charts:
        charts = [Chart(_FIRST, "", None, "No blood sample of an infused subject has a reported response yet.")]
    return Section("cytometry", "Flow cytometry over time", (charts[0], *folded, *multimers))


def _has_responses(published: Published) -> bool:
    return bool(published.only("cytometry_overview")["n_responses"])


def _of(row: Row) -> tuple[str, str]:
    return row["population"], row["readout"]


def _over_time(place: int, rows: list[Row], days: list[int]) -> Chart:
    drawn = [row for row in rows if row["net_value"] is not None]
    groups = {row["subject_id"]: row["response_group"] for row in drawn}
    n = f"n = {counted(len(groups), 'subject')} ({_in_order(groups.values())}), {counted(len(drawn), 'value')}"
    with_cells = sum(row["net_per_ul"] is not None for row in drawn)
    undrawn = Counter(spelled(row["reason"] or "no net value") for row in rows if row["net_value"] is None)
    named = series("cytometry", rows[0]["population"], rows[0]["readout"])
    return Chart(
        anchor=f"cytometry-{place}",
        caption=f"Net response in blood over time, {named}, calls by {rows[0]['rule']}: {n}",
        spec=cytometry_over_time(drawn, days),
        when_empty=f"No sample of {named} has a value yet.",
        notes=(
            f"{_subtracted(rows[0])} Lymphodepletion distorts percentages in the first weeks, so net cells per µl of "
            f"blood stand beside them where a blood count is near enough: {with_cells} of {len(drawn)} values. "
            f"Dashed: median LOD, shaded where it differs. Not drawn: {listed(dict(undrawn))}.",
        ),
    )


def _subtracted(row: Row) -> str:
    if _is_multimer(row):
        return "Multimer-binding cells; nothing is subtracted."
    return "Stimulated minus unstimulated tubes; negative values are kept."


def _in_order(groups: Iterable[str]) -> str:
    counts = Counter(groups)
    return listed({group: counts[group] for group in RESPONSE_GROUPS})


_HLA: Final = (
    Shown("Multimer", "antigen"),
    Shown("Population", "population"),
    Shown("HLA it needs", "hla"),
    Shown("Subjects stained", "n_subjects", is_numeric=True),
    Shown("HLA matched", lambda row: share(row["n_interpretable"], row["n_subjects"]), is_numeric=True),
    Shown("Mismatched", "n_mismatch", is_numeric=True),
    Shown("Not typed for it", "n_unknown", is_numeric=True),
    Shown("Samples", "n_samples", is_numeric=True),
    Shown("Called", "n_called", is_numeric=True),
    Shown("Positive", "n_positive", is_numeric=True),
)


def _hla(published: Published) -> list[Block]:
    rows = published.view("hla_by_multimer")
    if not rows:
        return []
    typed = counted(rows[0]["n_subjects_typed"], "subject")
    note = (
        "A multimer can only be read in subjects who have its HLA allele; others are not evaluable, whatever was "
        f"counted. hla_typing has {typed}. Samples: blood and product."
    )
    return [tabulate("Multimers and HLA: in whom they can be read", rows, _HLA, "", notes=(note,))]


_RULES: Final = (
    Shown("Population", "population"),
    Shown("Readout", "readout"),
    Shown("Responses", "n_responses", is_numeric=True),
    Shown("Called by both", "n_compared", is_numeric=True),
    Shown("Both positive", "n_both_positive", is_numeric=True),
    Shown("Only fisher positive", "n_only_fisher", is_numeric=True),
    Shown("Only mimosa positive", "n_only_mimosa", is_numeric=True),
    Shown("Both negative", "n_both_negative", is_numeric=True),
    Shown("Agreement", lambda row: percent(row["agreement_percent"]), is_numeric=True),
    Shown("Kappa", lambda row: NOTHING if row["kappa"] is None else number(row["kappa"], 2), is_numeric=True),
    Shown("Open by fisher", "n_fisher_open", is_numeric=True),
    Shown("by mimosa", "n_mimosa_open", is_numeric=True),
)


def rules_compared(published: Published) -> Section | None:
    """How often fisher and mimosa call alike; None where the study has no cytometry."""
    if not _has_responses(published):
        return None
    rows = published.view("fisher_and_mimosa")
    n = sum(row["n_compared"] for row in rows)
    table = tabulate(
        f"Calls of the same responses by fisher and by mimosa: n = {number(n)} called by both",
        rows,
        _RULES,
        "No response of intracellular staining has been called by both rules.",
        notes=(
            "Reported responses of blood and product. Open: indeterminate or not evaluable under that rule. Kappa is "
            "Cohen's agreement beyond chance; responses of one subject are not independent, so no interval is given.",
        ),
    )
    return Section("cytometry-rules", "Calls of cytometry by rule", (table,))


def _score(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.3f}"


_BY_VISIT: Final = (
    Shown("Antigen", "antigen"),
    Shown("Population", "population"),
    Shown("Visit", "visit"),
    Shown("Best response", "response_group"),
    Shown("n", "n_subjects", is_numeric=True),
    Shown("Polyfunctionality, median", lambda row: _score(row["polyfunctionality_median"]), is_numeric=True),
    Shown("lowest", lambda row: _score(row["polyfunctionality_min"]), is_numeric=True),
    Shown("highest", lambda row: _score(row["polyfunctionality_max"]), is_numeric=True),
    Shown("Functionality, median", lambda row: _score(row["functionality_median"]), is_numeric=True),
)


def polyfunctionality(published: Published) -> Section | None:
    """Scores over time by antigen and population, those of products in a table; None where there are none."""
    rows = published.view("reported_scores")
    if not rows:
        return None
    days = [row["day"] for row in published.view("analysis_visits")]
    chart = _scores([row for row in rows if row["material"] == "blood" and row["study_day"] is not None], days)
    visits = published.view("scores_by_visit")
    caption = f"Scores by visit, or of the infusion product, and best response: {_scored(rows)}"
    table = tabulate(caption, visits, _BY_VISIT, "No specimen has a score.", rest_in="scores_by_visit")
    by_visit = table if chart.spec is None else Folded(caption, (table,))
    return Section("polyfunctionality", "Polyfunctionality", (chart, by_visit))


def _scored(rows: list[Row]) -> str:
    drawn = [row for row in rows if row["polyfunctionality_score"] is not None]
    groups = {row["subject_id"]: row["response_group"] for row in drawn}
    return f"n = {counted(len(groups), 'subject')} ({_in_order(groups.values())}), {counted(len(drawn), 'score')}"


def _scores(rows: list[Row], days: list[int]) -> Chart:
    drawn = [row for row in rows if row["polyfunctionality_score"] is not None]
    undrawn = Counter(spelled(row["reason"] or "no score") for row in rows if row["polyfunctionality_score"] is None)
    markers = " or ".join(dict.fromkeys(row["markers"] for row in rows))
    return Chart(
        anchor="polyfunctionality-over-time",
        caption=f"Polyfunctionality in blood over time ({markers}): {_scored(rows)}",
        spec=scores_over_time(drawn, days),
        when_empty="No blood sample has counts and a fit of every boolean subset of the markers.",
        notes=(
            "The probability of a response, by mimosa, in each boolean subset of the markers, subsets of more "
            f"functions weighing more; 0 to 1. Not drawn: {listed(dict(undrawn))}.",
        ),
    )


def infused_by_assay(published: Published) -> Section | None:
    """The number of reactive cells infused, every assay beside the others; None where the study has no cytometry."""
    rows = published.view("reactive_cells_by_assay")
    if not any(row["assay"] == "cytometry" for row in rows):
        return None
    shown, others = _leading(rows)
    chart = _reactive("reactive-cells", shown)
    more = _reactive("reactive-cells-others", others) if others else None
    return Section(
        "infused-by-assay", "Infused cells by assay", (chart, *((Folded(more.caption, (more,)),) if more else ()))
    )


def _leading(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Of each assay and population the first readout, and multimers; and the rest."""
    first = {(row["assay"], row["population"]): row["readout"] for row in reversed(rows) if not _is_multimer(row)}
    leads = [_is_multimer(row) or first[row["assay"], row["population"]] == row["readout"] for row in rows]
    pairs = list(zip(rows, leads, strict=True))
    return [row for row, is_first in pairs if is_first], [row for row, is_first in pairs if not is_first]


def _is_multimer(row: Row) -> bool:
    return bool(row["readout"] == "multimer")


def _reactive(anchor: str, rows: list[Row]) -> Chart:
    n_subjects = len({row["subject_id"] for row in rows})
    drawn = [row for row in rows if is_drawn(row)]
    undrawn = Counter(spelled(row["reason"] or "none detected") for row in rows if not is_drawn(row))
    named = list(dict.fromkeys(series(row["assay"], row["population"], row["readout"]) for row in rows))
    return Chart(
        anchor=anchor,
        caption=f"Tumour-reactive T cells infused, by {', '.join(named)}: n = {counted(n_subjects, 'product')}, "
        f"{len(drawn)} of {counted(len(rows), 'number')} can be drawn",
        spec=reactive_cells(rows),
        when_empty="No infusion product has a number of tumour-reactive cells yet.",
        notes=(
            f"Bar: 95{SPACE}% interval of sampling alone. Subjects stand in the same order in every panel, responders "
            "first. Below the LOD: open, at the LOD. Assays count different cells: secretion over days, cytokine "
            f"within hours, binding of one peptide; agreement is not expected. Not drawn: {listed(dict(undrawn))}.",
        ),
    )
