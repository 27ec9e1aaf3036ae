"""One association back to the exposure and the outcome of every subject, whatever the kind of exposure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from expectations.analyses import EXPOSURE
from warehouse.asked import Asked, Row, number

PRIMARY: Final = "primary"
"""Key that stands for the one primary analysis, whatever its own key."""
_SHOWN: Final = {
    "persistent_at_landmark": "persistent",
    "induced_by_landmark": "induced",
    "n_persistent_at_landmark": "n_antigens_persistent",
    "product_share_at_landmark": "n_product_antigens_persistent",
    "sum_net_value_at_landmark": "sum_net_value",
}
"""Exposure at a landmark to the column of `persistence_by_subject` it rests on."""


def association(asked: Asked, key: str) -> Iterator[str]:
    """Lines on the association with that key, or on the primary one, then on its subjects; none where there is none."""
    question = "select * from associations where association_key = $1 or (family = 'primary' and $1 = $2)"
    for row in asked.rows(question, key, PRIMARY):
        yield f"{row['exposure']} against {row['outcome']}, {row['method']}, rule {row['rule']} ({row['family']})"
        yield f"  {row['assay']}, {row['cell_population']}, {row['readout']}"
        yield (
            f"  p = {number(row['p_value'])}; {row['estimate_name'] or 'no estimate'} {number(row['estimate'])}"
            f" ({number(row['lower'])} to {number(row['upper'])})"
        )
        yield f"  {_adjusted(row)}{_permuted(row)}"
        yield f"  n = {row['n']}: {_groups(row)}; left out: {_left_out(row)}"
        yield f"  {row['reads']}"
        if row["exposure"] in _SHOWN:
            yield from _at_landmark(asked, row)
        elif EXPOSURE[row["exposure"]].timing == "over_time":
            yield from _over_time(asked, row)
        else:
            yield from _cells(asked, row)


def _adjusted(row: Row) -> str:
    if row["adjustment"] in (None, "none"):
        return f"not adjusted ({row['family']} analysis)"
    return f"adjusted p = {number(row['p_value_adjusted'])} ({row['adjustment']} over {row['family_size']} analyses)"


def _permuted(row: Row) -> str:
    return f"; {row['n_permutations']} permutations, seed {row['seed']}" if row["n_permutations"] else ""


def _groups(row: Row) -> str:
    events = "" if row["n_events"] is None else f"{row['n_events']} events"
    if row["n_exposed"] is None:
        return events or "no groups"
    return f"{row['n_exposed']} and {row['n_unexposed']}{f', {events}' if events else ''}"


def _left_out(row: Row) -> str:
    parts = {name.removeprefix("n_excluded_"): row[name] for name in row if name.startswith("n_excluded_")}
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in parts.items() if count) or "nobody"


def _at_landmark(asked: Asked, row: Row) -> Iterator[str]:
    yield "Subjects (persistence_by_subject, outcomes):"
    question = """
        select p.*, best_overall_response, os_days, os_event, pfs_days, pfs_event,
               (select string_agg(persistence_key, ' ' order by persistence_key)
                from persistence_at_landmark as l
                join persistence using (subject_id, antigen, assay, population, readout, rule)
                where l.subject_id = p.subject_id and l.rule = p.rule and l.landmark_day = p.landmark_day
                  and l.assay = p.assay and l.population = p.population and l.readout = p.readout
                  and case when $6 then l.origin_by_landmark = 'induced' else l.persistent end
                  and l.antigen_role = 'tumour') as keys
        from persistence_by_subject as p join outcomes using (subject_id)
        where rule = $1 and landmark_day = $2 and assay = $3 and population = $4 and readout = $5
        order by subject_id"""
    same = (row[name] for name in ("rule", "landmark_day", "assay", "cell_population", "readout"))
    for one in asked.rows(question, *same, row["exposure"] == "induced_by_landmark"):
        keys = f"  <- {one['keys']}" if one["keys"] else ""
        yield f"  {one['subject_id']}: {_state(row['exposure'], one)}; {_outcome(row, one)}{keys}"


def _state(exposure: str, subject: Row) -> str:
    value = subject[_SHOWN[exposure]]
    if exposure in ("persistent_at_landmark", "induced_by_landmark"):
        word = _SHOWN[exposure]
        return {True: word, False: f"not {word}", None: f"not evaluable ({subject['reason']})"}[value]
    if exposure == "sum_net_value_at_landmark":
        return f"sum of net values {number(value)}"
    evaluable = f"{subject['n_antigens_evaluable']} of {subject['n_antigens_declared']} antigens evaluable"
    if exposure == "product_share_at_landmark":
        product = f"{subject['n_product_antigens_evaluable']} of them in the product"
        return f"{value} of {subject['n_product_antigens']} product antigens persistent, {evaluable}, {product}"
    return f"{value} antigens persistent, {evaluable}"


def _outcome(row: Row, subject: Row) -> str:
    survival = f"OS {subject['os_days']} days{'' if subject['os_event'] else '+'}"
    if row["outcome"] == "PFS":
        survival = f"PFS {subject['pfs_days']} days{'' if subject['pfs_event'] else '+'}"
    return f"{subject['best_overall_response'] or 'no assessment'}; {survival}"


def _over_time(asked: Asked, row: Row) -> Iterator[str]:
    yield "Subjects, antigens positive of those evaluable at each study day (breadth, outcomes):"
    question = """
        select subject_id, best_overall_response, os_days, os_event, pfs_days, pfs_event,
               string_agg(study_day || ': ' || n_antigens_positive || '/' || n_antigens_evaluable, ', '
                          order by study_day) as samples
        from breadth join outcomes using (subject_id)
        where rule = ? and assay = ? and population = ? and readout = ?
        group by all order by subject_id"""
    same = (row[name] for name in ("rule", "assay", "cell_population", "readout"))
    for one in asked.rows(question, *same):
        yield f"  {one['subject_id']}: day {one['samples']}; {_outcome(row, one)}"


def _cells(asked: Asked, row: Row) -> Iterator[str]:
    yield "Infusion products (infusion_products, reactive_cells, outcomes):"
    question = """select i.*, r.parent_fraction, best_overall_response
                  from infusion_products as i join outcomes using (subject_id)
                  left join reactive_cells as r
                      on i.subject_id = r.subject_id and r.assay = ? and r.population = ? and r.readout = ?
                  order by subject_id"""
    for one in asked.rows(question, row["assay"], row["cell_population"], row["readout"]):
        cells = number(one["tumour_reactive_cells"]) if one["reactive_reason"] is None else one["reactive_reason"]
        below = f", below its LOD of {number(one['tumour_reactive_cells_lod'])}" if one["is_below_lod"] else ""
        source = (
            f"{one['total_viable_cells']:.4g} viable cells"
            if one["total_viable_cells"] is not None
            else "cells unknown"
        )
        yield (
            f"  {one['subject_id']}: {cells} reactive cells{_ends(one)}{below}"
            f" = {source}{_share(one)} x {number(one['reactive_net_value'])} / 10^6"
            f"; {one['best_overall_response']}; {asked.source(one['file_sha256'], one['place'])}"
        )


def _ends(product: Row) -> str:
    lower, upper = (product[f"tumour_reactive_cells_ci_{end}"] for end in ("lower", "upper"))
    return "" if lower is None and upper is None else f" (95 % {number(lower)} to {number(upper)})"


def _share(product: Row) -> str:
    """Which part of the cells the response is measured in, where it is not all of them."""
    fraction = product["parent_fraction"]
    return "" if fraction in (None, 1) else f" x {number(fraction)} of them"
