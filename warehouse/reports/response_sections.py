"""Measured T-cell responses: net values over time, infused tumour-reactive cells, persistence of each subject."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from warehouse.reports import associations
from warehouse.reports.blocks import Chart, Mark, Section
from warehouse.reports.charting import RESPONSE_GROUPS
from warehouse.reports.published import Published, Row
from warehouse.reports.response_charts import net_over_time
from warehouse.reports.strip_chart import infused_by_response, is_drawn
from warehouse.reports.tables import Shown, tabulate
from warehouse.reports.wording import MINUS, NOTHING, SPACE, counted, listed, series, spelled, unit_words


def _months(row: Row) -> str:
    return NOTHING if row["os_months"] is None else f"{row['os_months']:.1f}{'' if row['os_event'] else '+'}"


def _persistence(row: Row) -> Mark:
    if row["persistent"] is None:
        return Mark(f"not evaluable: {spelled(row['reason'])}", "quiet")
    return Mark(row["persistence"], "good" if row["persistent"] else "")


def _antigen(row: Row | None) -> str:
    if row is None:
        return NOTHING
    if row["persistent"] is None:
        return f"? {spelled(row['reason'])}"
    return f"{'+' if row['persistent'] else MINUS}{SPACE}({row['sample_day']})"


_SUBJECT: Final = (
    Shown("Subject", "subject_id"),
    Shown("Best response", "best_overall_response"),
    Shown("OS, months", _months, is_numeric=True),
    Shown("Persistent", _persistence),
)

_COUNTS: Final = (
    Shown(
        "Antigens + / tested / all",
        lambda row: f"{row['n_antigens_persistent']} / {row['n_antigens_evaluable']} / {row['n_antigens_declared']}",
        is_numeric=True,
    ),
    Shown("Induced", "n_antigens_induced", is_numeric=True),
    Shown(
        "Product antigens +",
        lambda row: f"{row['n_product_antigens_persistent']} of {row['n_product_antigens']}",
        is_numeric=True,
    ),
    Shown("Sum of net values", "sum_net_value", is_numeric=True),
)


def responses_over_time(published: Published) -> Section:
    """Spaghetti plot of net response, one panel an antigen, by best response."""
    rows, in_force = published.view("net_over_time"), published.only("analysis_in_force")
    subtracted = "Antigen wells minus negative-control wells"
    if in_force["assay"] == "cytometry":
        subtracted = "Stimulated minus unstimulated tubes, or multimer-binding cells as they are"
    drawn = [row for row in rows if row["net_value"] is not None]
    subjects = {row["subject_id"]: row["response_group"] for row in drawn}
    n = f"n = {counted(len(subjects), 'subject')} ({_in_order(subjects.values(), RESPONSE_GROUPS)})"
    undrawn = counted(len(rows) - len(drawn), "response")
    chart = Chart(
        anchor="net-over-time",
        caption=f"Net response in blood over time, {_series(in_force)}: {n}, {counted(len(drawn), 'value')}",
        spec=net_over_time(drawn, [row["day"] for row in published.view("analysis_visits")]),
        when_empty="No blood sample of an infused subject has a reported response yet.",
        notes=(
            f"{subtracted}; negative values are kept. Dashed line: median LOD, shaded "
            "where it differs between samples. Click a name under 'Best response' to single it out; point at a sample "
            f"for its values. Not drawn: {undrawn} without a net value.",
        ),
    )
    return Section("over-time", "Responses over time", (chart,))


def _series(row: Row) -> str:
    return series(row["assay"], row["population"], row["readout"])


def _in_order(groups: Iterable[str], order: Iterable[str]) -> str:
    counts = Counter(groups)
    return listed({group: counts[group] for group in order})


def infused_cells(published: Published) -> Section:
    """Strip plot of tumour-reactive cells by best response, with the exact Wilcoxon test."""
    rows = published.view("infused_by_response")
    tests = published.rows(
        "select * from associations where exposure = 'tumour_reactive_cells_infused' and outcome = 'responder'"
    )
    drawn = [row for row in rows if is_drawn(row)]
    n = f"n = {len(drawn)} of {counted(len(rows), 'product')}"
    undrawn = Counter(spelled(row["reactive_reason"] or "unknown") for row in rows if not is_drawn(row))
    measured = "".join({f", by {series(row['assay'], row['cell_population'], row['readout'])}" for row in tests})
    chart = Chart(
        anchor="infused-cells",
        caption=f"Tumour-reactive T cells infused{measured}, by best overall response: {n}, "
        f"{sum(row['is_below_lod'] for row in drawn)} below the LOD",
        spec=infused_by_response(drawn),
        when_empty="No infusion product has a number of tumour-reactive cells yet.",
        notes=(
            "A value below the LOD stands open at its LOD. Bar: median, with such values at their LOD and lower bounds "
            f"as they stand. Point at a product for its 95{SPACE}% interval of sampling. Not drawn: "
            f"{listed(dict(undrawn))}.",
            *map(_test_words, tests),
        ),
    )
    return Section("infused", "Infused tumour-reactive T cells", (chart,))


def _test_words(row: Row) -> str:
    return (
        f"Responders against non-responders, {associations.method(row)}: {associations.verdict(row)}, n = {row['n']} "
        f"({associations.groups(row)}); {associations.estimate(row)}. Left out: {associations.exclusions(row)}. "
        f"{row['reads']}"
    )


def persistence_of_subjects(published: Published) -> Section:
    """Each subject at the primary landmark, with every antigen."""
    rows = published.view("persistence_at_primary_landmark")
    at_antigen, in_force = published.view("antigens_at_primary_landmark"), published.only("analysis_in_force")
    columns = tuple(_antigen_columns(at_antigen))
    when = f" at day {rows[0]['landmark_day']} ± {rows[0]['half_width_days']}" if rows else ""
    counts = _in_order((row["persistence"] for row in rows), ("persistent", "not persistent", "not evaluable"))
    table = tabulate(
        f"Tumour-specific responses{when}, {_series(in_force)}: {counts}, of {counted(len(rows), 'subject')}",
        rows,
        (*_SUBJECT, *columns, *_COUNTS),
        "Persistence has not been computed yet: no infused subject has a response at a landmark.",
        notes=(
            f"+ positive, {MINUS} negative in the evaluable sample nearest to the landmark within its window, its "
            "study day in brackets; ? not evaluable. A + after months of OS: censored. Only tumour antigens count for "
            f"'Persistent', 'Induced' and the sum (net {unit_words(in_force['unit'])}).",
        ),
        rest_in="persistence_at_primary_landmark",
    )
    return Section("persistence", "Persistence of each subject", (table,))


def _antigen_columns(at_antigen: list[Row]) -> list[Shown]:
    roles = {row["antigen"]: row["antigen_role"] for row in at_antigen}
    results = {(row["subject_id"], row["antigen"]): row for row in at_antigen}

    def column(antigen: str, role: str) -> Shown:
        heading = antigen if role == "tumour" else f"{antigen} ({role})"
        return Shown(heading, lambda row: _antigen(results.get((row["subject_id"], antigen))))

    return [column(antigen, role) for antigen, role in roles.items()]
