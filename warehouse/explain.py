"""One number back to the wells, files, sha256, rules and versions that made it, from the published file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from expectations.errors import UsageError
from warehouse.asked import Asked, Row, called, number
from warehouse.explain_association import association
from warehouse.explain_cytometry import cytometry_response, samples_of_file
from warehouse.query import opened


def explanation(folder: Path, key: str) -> list[str]:
    """Lines that lead from a number to its sources.

    `key` is a response_key, persistence_key or association_key, `primary`, a subject, or a file by path or sha256.
    Raises UsageError (explain.no_such_key) where nothing published has it.
    """
    with opened(folder) as connection:
        asked = Asked(connection)
        for told in EXPLAINED:
            lines = list(told(asked, key))
            if lines:
                return [*lines, "", *_run(asked)]
    raise UsageError(
        f"explain {key}",
        code="explain.no_such_key",
        problem="nothing published has this key",
        remedy="name a subject, a file, or a key from a column response_key, persistence_key or association_key",
    )


def _persistence(asked: Asked, key: str) -> Iterator[str]:
    for row in asked.rows("select * from persistence where persistence_key = ?", key):
        yield (
            f"{row['subject_id']}, {row['antigen']} ({row['antigen_role']}), {row['assay']} {row['readout']}"
            f" of {row['population']}, rule {row['rule']}"
        )
        yield (
            f"  origin {row['origin']}; positive in {row['n_positive']} of {row['n_evaluable']} evaluable"
            " samples after infusion"
        )
        yield (
            f"  loss: {row['loss_kind']}, after day {number(row['loss_left_day'])}, by day"
            f" {number(row['loss_right_day'])}"
        )
        yield f"  area under the curve per day: {_area(row)}"
        yield f"  half-life: {_half_life(row)}"
        same = ("subject_id", "antigen", "assay", "population", "readout", "rule")
        where, values = " and ".join(f"{name} = ?" for name in same), [row[name] for name in same]
        yield "Landmarks (persistence_at_landmark):"
        for one in asked.rows(f"select * from persistence_at_landmark where {where} order by landmark_day", *values):
            state = {True: "persistent", False: "not persistent", None: f"not evaluable ({one['reason']})"}[
                one["persistent"]
            ]
            sample = f", from specimen {one['specimen_id']} of day {one['sample_day']}" if one["specimen_id"] else ""
            yield (
                f"  day {one['landmark_day']} +- {one['half_width_days']}: {state}{sample}; origin"
                f" {one['origin_by_landmark']}"
            )
        yield "Samples (responses), explained by their keys:"
        question = f"select * from responses where {where} order by study_day, specimen_id, plate_id"
        for one in asked.rows(question, *values):
            used = "" if one["is_reported"] else " (another plate or batch of this specimen is reported)"
            yield f"  day {one['study_day']} {one['material']}: {called(one)}{used}  {one['response_key']}"


def _area(row: Row) -> str:
    if row["auc_per_day"] is None:
        return f"none ({row['auc_reason']})"
    return f"{number(row['auc_per_day'])} log10 over LOD, to day {row['auc_end_day']}"


def _half_life(row: Row) -> str:
    if row["half_life_days"] is None:
        return f"none ({row['half_life_reason']})"
    upper = "open" if row["half_life_upper"] is None else number(row["half_life_upper"])
    return (
        f"{number(row['half_life_days'])} days (95 % {number(row['half_life_lower'])} to {upper}), from"
        f" {row['half_life_n']} samples, {row['half_life_n_censored']} of them censored"
    )


def _response(asked: Asked, key: str) -> Iterator[str]:
    for row in asked.rows("select * from responses where response_key = ?", key):
        if row["assay"] == "cytometry":
            yield from cytometry_response(asked, row)
            continue
        yield (
            f"{row['subject_id']}, specimen {row['specimen_id']} ({row['material']}, day {row['study_day']}),"
            f" {row['antigen']}, {row['readout']}"
        )
        yield f"  {called(row)}"
        yield (
            f"  net {number(row['net_value'])} = {number(row['antigen_mean'])} -"
            f" {number(row['control_mean'])} {row['unit']}; LOD {number(row['lod'])}{_estimate(asked, row)}"
        )
        yield f"  compared with the control: {row['control'] or 'none'}"
        yield (
            f"  rule {row['rule']} version {row['rule_version']} {row['rule_parameters']}: statistic"
            f" {number(row['statistic'])}, adjusted p {number(row['p_value_adjusted'])}"
        )
        yield f"  quality: {row['quality_flags'] or 'nothing failed'}"
        yield "Wells (elispot_wells):"
        wells = asked.rows(_WELLS, row["plate_id"], row["specimen_id"], row["readout"], row["antigen"], row["control"])
        for well in wells:
            count = well["status"] if well["spots"] is None else f"{well['spots']} spots"
            yield (
                f"  {row['plate_id']} {well['well']:<4} {well['well_role']:<16} {well['stimulus']:<12} {count},"
                f" {well['cells_per_well']} cells; {well['place']}"
            )
        yield "Files:"
        yield from sorted({f"  counts: {asked.source(well['file_sha256'])}" for well in wells})
        yield from sorted({f"  layout: {line}" for well in wells for line in _layout(asked, well)})
        for specimen in asked.rows("select * from specimens where specimen_id = ?", row["specimen_id"]):
            yield f"  specimen: {asked.source(specimen['file_sha256'], specimen['place'])}"


_WELLS = """
    select * from elispot_wells
    where plate_id = $1 and specimen_id = $2 and analyte = $3
      and (antigen = $4 or well_role = 'positive_control'
           or (well_role = 'negative_control' and control = coalesce($5, control)))
    order by well_role, length(well), well"""
"""Without a control of its own (its wells name several) an antigen is shown beside all of them."""

_SLOTS = """
    select template, slot, a.file_sha256, a.place
    from layout_templates as l join plate_templates as a using (template, slot)
    where plate_id = ? and well = ? and l.file_sha256 = ?"""


def _layout(asked: Asked, well: Row) -> Iterator[str]:
    """Where a well's meaning comes from: for a template its file, and the row that put the specimen in the slot."""
    source = asked.source(well["layout_sha256"])
    if well["layout_source"] == "instrument_layouts":
        yield f"{source}, entered at the instrument"
    elif well["layout_source"] == "layout_templates":
        for one in asked.rows(_SLOTS, well["plate_id"], well["well"], well["layout_sha256"]):
            yield f"{source}, template {one['template']}"
            yield f"{asked.source(one['file_sha256'], one['place'])}, specimen in slot {one['slot']}"
    else:
        yield source


def _estimate(asked: Asked, row: Row) -> str:
    if row["lod_version"] is None:
        return ""
    question = "select * from estimates where assay = ? and readout = ? and version = ?"
    for one in asked.rows(question, row["assay"], row["readout"], row["lod_version"]):
        return f" (limit of blank, version {one['version']} of {one['estimated_on']}, {one['n_wells']} control wells)"
    return ""


def _subject(asked: Asked, key: str) -> Iterator[str]:
    for row in asked.rows("select * from outcomes where subject_id = ?", key):
        yield (
            f"{key}: infused {row['infusion_date']}; best overall response {row['best_overall_response']}"
            f" ({row['best_response_date']})"
        )
        yield (
            f"  OS {row['os_days']} days{'' if row['os_event'] else '+'}; PFS {row['pfs_days']} days"
            f" ({row['pfs_reason']})"
        )
        yield from _assessments(asked, key)
        yield "Persistence, primary rules, explained by their keys:"
        question = """select * from persistence where subject_id = ? and is_primary_rule
                      order by antigen, assay desc, population, readout, rule"""
        for one in asked.rows(question, key):
            yield (
                f"  {one['antigen']}, {one['assay']} {one['readout']} of {one['population']}: {one['origin']},"
                f" {one['n_positive']} of {one['n_evaluable']} positive "
                f" {one['persistence_key']}"
            )
        for name in (
            "subjects",
            "infusion_products",
            "tumour_assessments",
            "lesions",
            "lesion_measurements",
            "follow_up",
        ):
            places = asked.rows(
                f"select distinct file_sha256, place from {name} where subject_id = ? order by all", key
            )
            for one in places:
                yield f"  {name}: {asked.source(one['file_sha256'], one['place'])}"


def _assessments(asked: Asked, key: str) -> Iterator[str]:
    question = """select * from response_comparisons where subject_id = ? and is_leading_evaluator
                  order by assessment_date"""
    for place, one in enumerate(asked.rows(question, key)):
        if not place:
            yield "Assessments, reported beside derived from lesions (derived_assessments):"
        why = f" [{one['difference_reason']}]" if one["difference_reason"] else ""
        yield (
            f"  {one['assessment_date']}, day {one['study_day']}: reported {one['reported_response'] or 'none'},"
            f" derived {one['derived_response'] or 'none'} (sum {number(one['sum_mm'])} mm, baseline"
            f" {number(one['baseline_sum_mm'])}, nadir {number(one['nadir_mm'])}){why}"
        )


def _file(asked: Asked, key: str) -> Iterator[str]:
    question = "select * from files where path = ? or (length(?) >= 6 and starts_with(file_sha256, ?)) order by path"
    for row in asked.rows(question, key, key, key):
        plates = row["plates"]
        yield f"{row['path']}: {row['state'].replace('_', ' ')} [{row['reason']}]"
        yield f"  sha256 {row['file_sha256']}, {row['size_bytes']} bytes, first seen by {row['first_run_id']}"
        if row["state"] not in ("accepted",):
            yield f"  {row['problem_place'] or 'whole file'}: {row['problem']}. {row['remedy'] or ''}".rstrip()
        yield (
            f"  read as {row['format'] or 'nothing'}: {row['n_rows'] or 0} rows, {row['n_rejects'] or 0}"
            f" rejected{f'; plates: {plates}' if plates else ''}"
        )
        yield f"  kept as archive/{row['file_sha256'][:2]}/{row['file_sha256']}"
        yield from samples_of_file(asked, row["file_sha256"])


def _run(asked: Asked) -> Iterator[str]:
    for row in asked.rows("select * from runs order by run_id desc limit 1"):
        yield (
            f"State of {row['run_id']}, {row['committed_at']:%Y-%m-%d %H:%M} UTC, perdure"
            f" {row['program_version']}, study.toml {row['study_file_sha256'][:12]}"
        )


EXPLAINED: tuple[Callable[[Asked, str], Iterator[str]], ...] = (association, _persistence, _response, _subject, _file)
"""What can be explained, in the order in which a key is tried."""
