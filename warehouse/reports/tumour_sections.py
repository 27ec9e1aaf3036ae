"""Tumour response: waterfall, spider plot, and responses derived from lesions beside those reported."""

from __future__ import annotations

from collections import Counter
from typing import Final

from expectations.reasons import REASONS
from warehouse.reports.blocks import Block, Chart, Folded, Section, Table, Text
from warehouse.reports.charting import RESPONSES
from warehouse.reports.findings import places
from warehouse.reports.published import Published, Row
from warehouse.reports.tables import Shown, tabulate
from warehouse.reports.tumour_charts import spider, waterfall
from warehouse.reports.wording import NOTHING, counted, listed, meaning, number, share, signed_percent

_DERIVED: Final = (
    ("CR", "n_cr"), ("PR", "n_pr"), ("SD", "n_sd"), ("NON-CR/NON-PD", "n_non_cr_non_pd"), ("PD", "n_pd"),
    ("NE", "n_ne"), ("not derived", "n_not_derived"),
)  # fmt: skip


def _remedy(row: Row) -> str:
    code = row["difference_reason"]
    return (REASONS[code].remedy if code in REASONS else None) or NOTHING


def _why(row: Row) -> str:
    code = row["difference_reason"]
    return meaning(code) or code or "reason not known"


def _millimetres(row: Row) -> str:
    if row["sum_mm"] is not None:
        return number(row["sum_mm"])
    if not row["n_targets"]:
        return NOTHING
    return f"{row['n_targets_missing']} of {counted(row['n_targets'], 'target')} missing"


_DIFFERENCES: Final = (
    Shown("Subject", "subject_id"),
    Shown("Day", "study_day", is_numeric=True),
    Shown("Reported", "reported_response"),
    Shown("Derived", "derived_response"),
    Shown("Sum, mm", _millimetres, is_numeric=True),
    Shown("From baseline", lambda row: signed_percent(row["change_from_baseline_percent"]), is_numeric=True),
    Shown("From nadir", lambda row: signed_percent(row["change_from_nadir_percent"]), is_numeric=True),
    Shown("Why", _why),
    Shown("What to do", _remedy),
)

_BEST: Final = (
    Shown("Subject", "subject_id"),
    Shown("Reported", "reported_response"),
    Shown("Derived", "derived_response"),
    Shown("Best change", lambda row: signed_percent(row["best_change_percent"]), is_numeric=True),
    Shown("Of the reported", lambda row: meaning(row["reported_reason"]) or NOTHING),
    Shown("Of the derived", lambda row: meaning(row["derived_reason"]) or NOTHING),
)


def tumour_response(published: Published) -> Section:
    """What the target sums did, and how derived and reported responses agree."""
    blocks: list[Block] = [_waterfall(published), _spider(published), *derived_beside_reported(published)]
    return Section("tumours", "Tumour response", tuple(blocks))


def _waterfall(published: Published) -> Chart:
    rows = published.view("waterfall")
    drawn = [row for row in rows if row["best_change_percent"] is not None]
    counts = Counter(row["best_overall_response"] for row in drawn)
    missing = listed(dict(Counter(row["reason"] for row in rows if row["best_change_percent"] is None)))
    responses = listed({response: counts[response] for response in RESPONSES})
    infused = counted(len(rows), "infused subject")
    return Chart(
        anchor="waterfall",
        caption=f"Best change of the target sum from baseline: {len(drawn)} of {infused} ({responses})",
        spec=waterfall(drawn),
        when_empty=f"No infused subject has a change of the target sum (no bar: {missing}).",
        notes=(
            f"No bar: {missing}. Dashed: {signed_percent(-30)}, the smallest shrinkage of a partial response, and "
            f"{signed_percent(20)}; progression counts from the nadir, not from baseline, and a new lesion makes it "
            "whatever the sum.",
        ),
    )


def _spider(published: Published) -> Chart:
    rows = published.view("spider")
    drawn = {row["subject_id"] for row in rows if not row["is_baseline"]}
    kept = [row for row in rows if row["subject_id"] in drawn]
    (progressed,) = published.rows(
        "select count(*) as n from outcomes where is_infused and progression_date is not null"
    )
    marked = sum(row["is_progression"] for row in kept)
    unmarked = progressed["n"] - marked
    others = (
        f"; the {'others were' if unmarked > 1 else 'other was'} seen without a complete target sum" if unmarked else ""
    )
    assessments = counted(sum(not row["is_baseline"] for row in kept), "assessment")
    return Chart(
        anchor="spider",
        caption=f"Change of the target sum over time: n = {counted(len(drawn), 'subject')}, "
        f"{assessments} after baseline",
        spec=spider(kept),
        when_empty="No infused subject has a target sum at baseline and after it.",
        notes=(
            f"A diamond marks the first progression: {marked} of {counted(progressed['n'], 'progression')}{others}. "
            "Lines start at baseline; point at an assessment for its sum.",
        ),
    )


def derived_beside_reported(published: Published) -> list[Block]:
    """Counts of agreement, every difference with its reason and remedy, and best responses that differ."""
    return [*_agreement(published), _differences(published), _best(published)]


def _agreement(published: Published) -> list[Block]:
    rows = published.view("response_counts")
    leading = [row for row in rows if row["is_leading_evaluator"]]
    others = [row for row in rows if not row["is_leading_evaluator"]]
    table = _counted(leading, "No assessment has a response, reported or derived from lesions.", _leading(published))
    if not others:
        return [table]
    beside = _counted(others, "There is no other evaluator.", "They change no outcome.")
    return [table, Folded(f"Responses of others than the evaluator of study.toml ({_agree(others)})", (beside,))]


def _agree(rows: list[Row]) -> str:
    agree, both = (sum(row[name] for row in rows) for name in ("n_agree", "n_with_both"))
    return f"{share(agree, both)} agree" if both else "none with both"


def _counted(rows: list[Row], when_empty: str, note: str) -> Table:
    n = sum(row["n_assessments"] for row in rows)
    who = (Shown("Evaluator", "evaluator"),) if len({row["evaluator"] for row in rows}) > 1 else ()
    shown = [(name, column) for name, column in _DERIVED if any(row[column] for row in rows)]
    return tabulate(
        f"Reported (lines) and derived (columns), n = {n}",
        rows,
        (
            *who,
            Shown("Reported", "reported_response"),
            *(Shown(name, column, is_numeric=True) for name, column in shown),
            Shown("All", "n_assessments", is_numeric=True),
        ),
        when_empty,
        notes=(
            f"{counted(n, 'assessment')}; of those with a response both reported and derived from lesions, "
            f"{_agree(rows)}. {note}",
        ),
        rest_in="response_counts",
    )


def _leading(published: Published) -> str:
    said = {
        row["setting"]: row["value"]
        for row in published.rows(
            "select setting, value ->> '$' as value from settings where setting like 'response.%'"
        )
    }
    source = said.get("response.source") or "reported"
    return (
        f"Outcomes rest on the {source} responses of the {said.get('response.evaluator') or 'investigator'}, criteria "
        f"{said.get('response.criteria') or 'as set'} (response.source in study.toml); the other ones change nothing."
    )


def _differences(published: Published) -> Block:
    rows = published.rows(
        "select * from response_comparisons where comparison <> 'agree' order by comparison <> 'differ', "
        "is_leading_evaluator desc, evaluator, subject_id, assessment_date"
    )
    differing = [row for row in rows if row["comparison"] == "differ"]
    everything = published.view("response_comparisons")
    measuring = {row["evaluator"] for row in everything if row["derived_response"]}
    alone = [row for row in rows if row["comparison"] != "differ"]
    single = [row for row in alone if row["evaluator"] in measuring]
    unlisted = Counter(row["evaluator"] for row in alone if row["evaluator"] not in measuring)
    notes = tuple(
        f"Not listed: {counted(n, 'assessment')} of {evaluator}, of whom no lesion measurement is there."
        for evaluator, n in unlisted.items()
    )
    who = (Shown("Evaluator", "evaluator"),) if len({row["evaluator"] for row in everything}) > 1 else ()
    table = tabulate(
        f"{counted(len(differing), 'assessment')} where derived and reported response differ",
        differing,
        (*who, *_DIFFERENCES),
        "Wherever a response is both reported and derived, the two are the same, or there is none with both.",
        notes=() if single else notes,
        rest_in="response_comparisons where comparison = 'differ'",
    )
    if not single:
        return table
    beside = tabulate(
        f"{counted(len(single), 'assessment')} with a response from one side only",
        single,
        (*who, *_DIFFERENCES),
        "Every assessment has both.",
        notes=notes,
        rest_in="response_comparisons where comparison like 'only%'",
    )
    return Folded(
        f"{counted(len(differing), 'difference')} between derived and reported, and {len(single)} on one side only",
        (table, beside),
    )


def _best(published: Published) -> Block:
    rows = published.rows("select * from best_responses_compared where is_leading_evaluator")
    both = [row for row in rows if row["agrees"] is not None]
    differing = [row for row in both if not row["agrees"]]
    if not rows:
        return Text("No best overall response has been computed yet.")
    agree = len(both) - len(differing)
    return tabulate(
        f"Best overall responses that differ: {len(differing)} of {counted(len(both), 'subject')} with both",
        differing,
        _BEST,
        f"Best overall responses, reported and derived, agree in {agree} of {counted(len(both), 'subject')} with both.",
        rest_in="best_responses_compared where not agrees",
    )


_BY_REASON: Final = (
    Shown("Evaluator", "evaluator"),
    Shown("Reason", lambda row: f"{meaning(row['reason'])} [{row['reason']}]" if row["reason"] else "not known"),
    Shown("What to do", lambda row: (REASONS[row["reason"]].remedy if row["reason"] in REASONS else "") or NOTHING),
    Shown("Assessments", lambda row: f"{row['n_assessments']}/{row['n_assessments_in_all']}", is_numeric=True),
    Shown("Subjects", "n_subjects", is_numeric=True),
    Shown("Where", places),
)


def response_differences(published: Published) -> Section:
    """For the quality page: why derived and reported responses differ, or are not both there, counted."""
    rows = published.view("response_differences_by_reason")
    n = sum(row["n_assessments"] for row in rows)
    (known,) = published.rows("select count(*) as n from response_comparisons")
    table = tabulate(
        f"Responses reported and derived from lesions: {counted(n, 'difference')}, n = "
        f"{counted(known['n'], 'assessment')}",
        rows,
        _BY_REASON,
        f"Reported and derived responses agree wherever there is one, n = {counted(known['n'], 'assessment')}."
        if known["n"]
        else "No response has been reported or derived yet.",
        notes=("Each assessment stands in the study report, or in the view `response_comparisons`.",),
    )
    return Section("response-differences", "Responses reported and derived", (table,))
