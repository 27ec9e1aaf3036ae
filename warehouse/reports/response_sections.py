"""Measured T-cell responses: net values over time, infused tumour-reactive cells, persistence of each subject."""

from __future__ import annotations

from collections import Counter

from warehouse.reports import associations
from warehouse.reports.blocks import Chart, Mark, Section, Table
from warehouse.reports.published import Published, Row
from warehouse.reports.response_charts import infused_by_response, net_over_time
from warehouse.reports.wording import NOTHING, counted, listed, number, spelled


def responses_over_time(published: Published) -> Section:
    """Spaghetti plot of net response, one panel an antigen, by best response."""
    rows = published.view("net_over_time")
    days = [row["day"] for row in published.view("analysis_visits")]
    drawn = [row for row in rows if row["net_value"] is not None]
    subjects = {row["subject_id"]: row["response_group"] for row in drawn}
    groups = listed(dict(Counter(subjects.values())))
    missing = len(rows) - len(drawn)
    chart = Chart(
        anchor="net-over-time",
        caption=f"Net response in blood over time: n = {counted(len(subjects), 'subject')} ({groups}), {counted(len(drawn), 'value')}",
        spec=net_over_time(rows, days),
        when_empty="No blood sample of an infused subject has a reported response yet.",
        notes=(
            "Antigen wells minus negative-control wells; negative values are kept. Dashed line: median LOD, shaded where it "
            "differs between samples. Click a name under 'Best response' to single it out; point at a sample for its values.",
            *((f"{counted(missing, 'response')} without a net value: not drawn.",) if missing else ()),
        ),
    )
    return Section("over-time", "Responses over time", (chart,))


def infused_cells(published: Published) -> Section:
    """Strip plot of tumour-reactive cells by best response, with the exact Wilcoxon test."""
    rows = published.view("infused_by_response")
    tests = published.rows(
        "select associations.* from associations inner join analysis_in_force using (assay, readout, rule) "
        "where associations.exposure = 'tumour_reactive_cells_infused' and associations.outcome = 'responder'"
    )
    drawn = [row for row in rows if (row["drawn_cells"] or 0) > 0]
    below = sum(row["is_below_lod"] for row in drawn)
    chart = Chart(
        anchor="infused-cells",
        caption=f"Tumour-reactive T cells infused by best overall response: n = {len(drawn)} of {counted(len(rows), 'product')}, {below} below the LOD",
        spec=infused_by_response(rows),
        when_empty="No infusion product has a number of tumour-reactive cells yet.",
        notes=(
            "A value below the LOD stands open at its LOD. Bar: median, with such values at their LOD.",
            f"Not drawn: {_undrawn(rows)}.",
            *(_test_words(row) for row in tests[:1]),
        ),
    )
    return Section("infused", "Infused tumour-reactive T cells", (chart,))


def _undrawn(rows: list[Row]) -> str:
    reasons = Counter(spelled(row["reactive_reason"] or "unknown") for row in rows if not (row["drawn_cells"] or 0) > 0)
    return listed(dict(reasons))


def _test_words(row: Row) -> str:
    return (
        f"Responders against non-responders, {associations.method(row)}: {associations.verdict(row)}, n = {row['n']} "
        f"({associations.groups(row)}); {associations.estimate(row)}. Left out: {associations.exclusions(row)}."
    )


def persistence_of_subjects(published: Published) -> Section:
    """Each subject at the primary landmark, with every antigen."""
    rows = published.view("persistence_at_primary_landmark")
    at_antigen = published.view("antigens_at_primary_landmark")
    by_antigen = {(row["subject_id"], row["antigen"]): row for row in at_antigen}
    antigens = list(dict.fromkeys((row["antigen"], row["antigen_role"]) for row in at_antigen))
    names = tuple(name if role == "tumour" else f"{name} ({role})" for name, role in antigens)
    counts = Counter(row["persistence"] for row in rows)
    when = f" at day {rows[0]['landmark_day']} ± {rows[0]['half_width_days']}" if rows else ""
    table = Table(
        caption=f"Persistence of tumour-specific responses{when}: {listed(dict(counts))} of {counted(len(rows), 'subject')}",
        headings=("Subject", "Best response", "OS, months", "Persistent", *names, "Antigens persistent / evaluable / declared", "Product antigens persistent", "Sum of net values"),
        rows=tuple(
            (row["subject_id"], row["best_overall_response"], _months(row), _persistence(row),
             *(_antigen(by_antigen.get((row["subject_id"], name))) for name, _ in antigens),
             f"{row['n_antigens_persistent']} / {row['n_antigens_evaluable']} / {row['n_antigens_declared']}",
             f"{row['n_product_antigens_persistent']} of {row['n_product_antigens']}", number(row["sum_net_value"]))
            for row in rows
        ),
        when_empty="Persistence has not been computed yet: no infused subject has a response at a landmark.",
        numeric=frozenset({2, *range(4 + len(names), 7 + len(names))}),
        notes=(
            "+ positive, − negative, ? not evaluable in the evaluable sample nearest to the landmark within its window, with the study day. "
            "OS with + is censored. Only tumour antigens count for 'Persistent'.",
        ),
    )  # fmt: skip
    return Section("persistence", "Persistence of each subject", (table,))


def _months(row: Row) -> str:
    if row["os_months"] is None:
        return NOTHING
    return f"{row['os_months']:.1f}{'' if row['os_event'] else '+'}"


def _persistence(row: Row) -> Mark:
    if row["persistent"] is None:
        return Mark(f"not evaluable: {spelled(row['reason'])}", "quiet")
    return Mark(row["persistence"], "good" if row["persistent"] else "")


def _antigen(row: Row | None) -> str:
    if row is None:
        return NOTHING
    if row["persistent"] is None:
        return f"? {spelled(row['reason'])}"
    return f"{'+' if row['persistent'] else '−'}\N{NO-BREAK SPACE}(day\N{NO-BREAK SPACE}{row['sample_day']})"
