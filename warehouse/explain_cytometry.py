"""A response of cytometry back to its tubes, their populations and counts, the software and the files behind them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

from expectations.reasons import REASONS
from expectations.study_cytometry import MULTIMER
from warehouse.asked import Asked, Row, called, number

_TUBES: Final = """
    select m.*, s.software_version, s.saved_at, s.acquisition_date, s.batches
    from matched_samples as m join cytometry_samples as s using (file_sha256, sample_number)
    where m.reason is null and m.specimen_id = $1 and m.batch = $2
      and case when $3 then m.tube_role = 'multimer'
               else (m.tube_role = 'antigen' and m.antigen = $4)
                    or (m.tube_role = 'negative_control' and m.control = $5) end
    order by m.tube_role = 'negative_control', m.tube_id, s.saved_at desc nulls last, m.file_sha256, m.sample_number"""

_POPULATIONS: Final = """
    select * from tube_populations where tube_id = ? and population = ? order by subset"""

_FIT: Final = """
    select * from mimosa_fits
    where antigen = $1 and population = $2 and version = $4
      and visit = case when $5 = 'infusion product' then $5
                       when (select value = 'true' from settings where setting = 'cytometry.rules.mimosa.pool_visits')
                           then 'all visits'
                       else $5 end
      and subset in (select unnest($3))"""

_OTHERS: Final = """
    select p.population, p.subset, c.count, c.population_path, c.place, c.file_sha256, s.software_version, s.saved_at
    from matched_samples as m
    join cytometry_counts as c using (file_sha256, sample_number)
    join cytometry_samples as s using (file_sha256, sample_number)
    join population_paths as p using (population_path)
    where m.reason is null and m.tube_id = ? and p.population = ? and p.subset = ? and c.file_sha256 <> ?
      and c.count is not null
    order by s.saved_at desc nulls last, c.file_sha256, c.population_path"""


def cytometry_response(asked: Asked, row: Row) -> Iterator[str]:
    """Lines about one row of `responses` whose assay is cytometry."""
    yield (
        f"{row['subject_id']}, specimen {row['specimen_id']} ({row['material']}, day {row['study_day']}),"
        f" {row['antigen']}, cytometry {row['readout']} of {row['population']}, batch {row['plate_id']}"
    )
    reported = "" if row["is_reported"] else " (another batch of this specimen is reported)"
    yield f"  {called(row)}{reported}"
    yield f"  {_net(row)}; LOD {number(row['lod'])}"
    yield from _absolute(asked, row)
    if row["readout"] != MULTIMER:
        yield f"  compared with the control: {row['control'] or 'none'}"
    yield f"  rule {row['rule']} version {row['rule_version']} {row['rule_parameters']}: {_judged(row)}"
    spellings = sorted(_spellings(asked, row))
    yield from _fit(asked, row, spellings)
    if row["readout"] == MULTIMER:
        yield from _typing(asked, row)
    yield f"  quality: {row['quality_flags'] or 'nothing failed'}"
    yield from _tubes(asked, row, spellings)


def _net(row: Row) -> str:
    stimulated = f"{number(row['antigen_mean'])}{_of(row, 'stimulated')}"
    if row["readout"] == MULTIMER:
        return f"{stimulated} {row['unit']}"
    unstimulated = f"{number(row['control_mean'])}{_of(row, 'unstimulated')}"
    return f"net {number(row['net_value'])} = {stimulated} - {unstimulated} {row['unit']}"


def _of(row: Row, tubes: str) -> str:
    count, parent = row[f"{tubes}_count"], row[f"{tubes}_parent_count"]
    return "" if count is None and parent is None else f" ({number(count)} of {number(parent)})"


def _absolute(asked: Asked, row: Row) -> Iterator[str]:
    if row["net_per_ul"] is None:
        return
    question = "select * from blood_counts where subject_id = ? and count_date = ?"
    for one in asked.rows(question, row["subject_id"], row["blood_count_date"]):
        yield (
            f"  {number(row['net_per_ul'])} cells per microlitre, by the blood count of {one['count_date']}"
            f" ({number(one['lymphocytes_per_ul'])} lymphocytes, {number(one['cd8_per_ul'])} CD8,"
            f" {number(one['cd4_per_ul'])} CD4): {asked.source(one['file_sha256'], one['place'])}"
        )


def _judged(row: Row) -> str:
    statistic, adjusted = number(row["statistic"]), number(row["p_value_adjusted"])
    match row["rule"]:
        case "fisher":
            return f"odds ratio {statistic}, p adjusted by Holm {adjusted}"
        case "mimosa":
            return f"z {statistic}, false discovery rate {adjusted}"
        case _:
            return f"{statistic} events"


def _fit(asked: Asked, row: Row, spellings: list[str]) -> Iterator[str]:
    if row["rule"] != "mimosa":
        return
    if row["fit_version"] is None:
        yield "  fit: none"
        return
    visit = "infusion product" if row["material"] == "infusion_product" else row["visit"] or "unscheduled"
    for one in asked.rows(_FIT, row["antigen"], row["population"], spellings, row["fit_version"], visit):
        largest = one["largest_stimulated_percent"]
        beyond = "" if largest is None else f", the largest stimulated {number(largest)} %"
        strength = {True: "weakly identified", False: "not weak", None: "no parameters"}[one["is_weak"]]
        yield (
            f"  fit: version {one['version']} of {one['estimated_on']}, {one['visit']}, {one['n_specimens']} specimens"
            f"{beyond}, {strength}; share of responders {number(one['w_response'])},"
            f" stimulated beta({number(one['alpha_s'])}, {number(one['beta_s'])}),"
            f" unstimulated beta({number(one['alpha_u'])}, {number(one['beta_u'])})"
        )


def _typing(asked: Asked, row: Row) -> Iterator[str]:
    wanted = sorted({one["hla"] for one in _multimers_of(asked, row)})
    yield f"  HLA the multimer needs: {', '.join(wanted) or 'not declared any more'}; typing of {row['subject_id']}:"
    typed = asked.rows("select * from hla_typing where subject_id = ? order by allele", row["subject_id"])
    for one in typed:
        homozygous = " (homozygous)" if one["copies"] == 2 else ""
        yield f"    {one['allele']}{homozygous}: {asked.source(one['file_sha256'], one['place'])}"
    if not typed:
        yield "    none in hla_typing"


def _multimers_of(asked: Asked, row: Row) -> list[dict[str, str]]:
    """Multimers of the antigen and population, as the study file declares them."""
    told = asked.rows("select value from settings where setting = 'cytometry.multimers'")
    same = (row["antigen"], row["population"])
    return [one for one in json.loads(told[0]["value"]) if (one["antigen"], one["population"]) == same] if told else []


def _spellings(asked: Asked, row: Row) -> set[str]:
    """The subsets of the tables that are this readout, in whatever order their markers stand."""
    if row["readout"] == MULTIMER:
        return {f"{one['antigen']} {one['hla']} multimer+" for one in _multimers_of(asked, row)}
    markers = _markers(asked)
    wanted = _signs(row["readout"], markers)
    subsets = asked.rows("select distinct subset from tube_populations where population = ?", row["population"])
    return {row["readout"]} | {one["subset"] for one in subsets if wanted and _signs(one["subset"], markers) == wanted}


def _markers(asked: Asked) -> list[str]:
    told = asked.rows("select value from settings where setting = 'cytometry.markers'")
    return list(json.loads(told[0]["value"])) if told else []


def _signs(subset: str, markers: Iterable[str]) -> frozenset[str]:
    """Markers with their signs; a marker alone is positive; nothing for what is not made of these markers."""
    if subset in markers:
        return frozenset({f"{subset}+"})
    named = "|".join(re.escape(name) for name in sorted(markers, key=len, reverse=True))
    signed = f"(?:{named})[+-]"
    is_made_of = bool(named) and re.fullmatch(f"(?:{signed})+", subset) is not None
    return frozenset(re.findall(signed, subset)) if is_made_of else frozenset()


def _tubes(asked: Asked, row: Row, spellings: list[str]) -> Iterator[str]:
    is_multimer = row["readout"] == MULTIMER
    tellings = asked.rows(_TUBES, row["specimen_id"], row["plate_id"], is_multimer, row["antigen"], row["control"])
    yield "Tubes (matched_samples):"
    if not tellings:
        yield "  none"
    tubes = list(dict.fromkeys(one["tube_id"] for one in tellings))
    for tube in tubes:
        own = [one for one in tellings if one["tube_id"] == tube]
        yield f"  {tube}: {_told(own[0])}"
        for one in own:
            yield f"    {_telling(asked, one)}"
        known = asked.rows(_POPULATIONS, tube, row["population"])
        used = [population for population in known if population["subset"] in ("", *spellings)]
        yield from _populations(asked, row["population"], spellings, used, known)
        parts = [part["subset"] for one in used if one["is_sum"] for part in _parts(asked, one, known)]
        yield from _again(asked, tube, row["population"], ["", *spellings, *parts])
        yield from _acquired(asked, tube)
    for one in asked.rows("select * from specimens where specimen_id = ?", row["specimen_id"]):
        yield f"Specimen: {asked.source(one['file_sha256'], one['place'])}"


def _told(sample: Row) -> str:
    parts = [
        sample["tube_role"].replace("_", " "),
        f"stimulus {sample['stimulus']}" if sample["stimulus"] else "",
        f"batch {sample['batch']}",
        f"replicate {sample['replicate']}" if sample["replicate"] is not None else "",
        f"gates set by {sample['gates_set_by']}" if sample["gates_set_by"] else "",
    ]
    return ", ".join(part for part in parts if part)


def _telling(asked: Asked, sample: Row) -> str:
    software = ", ".join(
        str(part)
        for part in (sample["software_version"], sample["saved_at"] and f"saved {sample['saved_at']:%Y-%m-%d %H:%M}")
        if part
    )
    by = sample["matched_by"].replace("_", " ") if sample["matched_by"] != "cytometry_tubes" else "cytometry_tubes"
    return (
        f"sample {sample['sample_number']} ({sample['sample_name']}) of {asked.source(sample['file_sha256'])},"
        f" {sample['source'].replace('_', ' ')}{f', {software}' if software else ''}; matched by {by}"
    )


def _populations(
    asked: Asked, population: str, spellings: list[str], used: list[Row], known: list[Row]
) -> Iterator[str]:
    """The population and the readout in a tube, each with path and count; of a sum also what was added up."""
    if not any(one["subset"] for one in used):
        yield f"    {population} {' or '.join(spellings)}: no count in this tube"
    for one in used:
        yield f"    {_name(one)}: {_counted(one)}; {_path(one)}; {asked.source(one['file_sha256'], one['place'])}"
        if one["is_sum"]:
            summed = ", ".join(f"{part['subset']} {part['count']}" for part in _parts(asked, one, known))
            yield f"      sum of {summed or 'boolean subsets'}"
        if one["counts_differ"]:
            yield f"      {one['n_files']} files count it and differ; the others:"
            yield from (f"        {line}" for line in _others(asked, one))


def _name(one: Row) -> str:
    return f"{one['population']} {one['subset']}".rstrip()


def _counted(one: Row) -> str:
    if one["count"] is None:
        percent = "" if one["percent"] is None else f", {number(one['percent'])} %"
        reason = f" ({one['reason']})" if one["reason"] else ""
        return f"{one['status'].replace('_', ' ')}{percent}{reason}"
    here = ", counted here by Gating-ML" if one["is_regated"] else ""
    if not one["subset"]:
        return f"{one['count']} events{here}"
    return f"{one['count']} of {number(one['parent_count'])} events ({number(one['percent'])} %){here}"


def _path(one: Row) -> str:
    return f"path {one['population_path'] or 'all events'}"


def _parts(asked: Asked, total: Row, known: list[Row]) -> list[Row]:
    """The boolean subsets of the same sample that make up a sum: the fewest that are complete."""
    markers = _markers(asked)
    wanted = _signs(total["subset"], markers)
    sample = ("file_sha256", "sample_number")
    of_markers: dict[frozenset[str], list[Row]] = {}
    for one in known:
        signs = _signs(one["subset"], markers)
        if wanted < signs and not one["is_sum"] and all(one[name] == total[name] for name in sample):
            of_markers.setdefault(frozenset(sign[:-1] for sign in signs), []).append(one)
    complete = [
        (len(names), sorted(names), parts)
        for names, parts in of_markers.items()
        if len(parts) == 2 ** (len(names) - len(wanted))
    ]
    return min(complete, key=lambda found: found[:2])[2] if complete else []


def _others(asked: Asked, one: Row) -> Iterator[str]:
    others = asked.rows(_OTHERS, one["tube_id"], one["population"], one["subset"], one["file_sha256"])
    for other in others:
        saved = f", saved {other['saved_at']:%Y-%m-%d %H:%M}" if other["saved_at"] else ""
        yield (
            f"{other['count']} events, {other['software_version'] or 'software unknown'}{saved}; {_path(other)};"
            f" {asked.source(other['file_sha256'], other['place'])}"
        )
    if not others:
        question = "select detail from tube_findings where reason = 'population.counts_differ' and place = ?"
        yield from (found["detail"] for found in asked.rows(question, f"{one['tube_id']}: {_name(one)}"))


def _again(asked: Asked, tube: str, population: str, subsets: list[str]) -> Iterator[str]:
    """Stored beside re-gated counts of the population, the readout and what it is the sum of."""
    question = """
        select g.*, p.subset from gate_agreement as g join population_paths as p using (population_path)
        where tube_id = ? and population = ? and subset in (select unnest(?))
        order by population_path, file_sha256, fcs_sha256"""
    for one in asked.rows(question, tube, population, subsets):
        again = f"counted again {number(one['count_regated'])} by {one['engine']}"
        if one["reason"]:
            again = f"not counted again ({one['reason']})"
        verdict = {True: "agrees", False: "DISAGREES", None: "not compared"}[one["agrees"]]
        apart = "" if one["agrees"] is None else (
            f" ({number(one['difference_percent'])} % apart, {number(one['tolerance_percent'])} % allowed)"
        )  # fmt: skip
        yield (
            f"    gate {one['population_path']}: stored {number(one['count_stored'])}, {again}: {verdict}{apart};"
            f" {asked.source(one['fcs_sha256'])}"
        )


def _acquired(asked: Asked, tube: str) -> Iterator[str]:
    question = "select * from acquisition_quality where tube_id = ? and not passes order by measure, channel"
    for one in asked.rows(question, tube):
        channel = f" in {one['channel']}" if one["channel"] else ""
        yield (
            f"    acquisition: {one['measure'].replace('_', ' ')}{channel} {number(one['value'])},"
            f" at most {number(one['largest_allowed'])} allowed; {asked.source(one['file_sha256'])}"
        )


def samples_of_file(asked: Asked, digest: str) -> Iterator[str]:
    """Lines about what a file tells of cytometry: an FCS file's data sets, its samples, and which tube each is."""
    for one in asked.rows("select * from cytometry_files where file_sha256 = ? order by data_set", digest):
        remarks = f"; {one['remarks']}" if one["remarks"] else ""
        declared = (
            "" if one["n_events_declared"] in (None, one["n_events"]) else f" ({one['n_events_declared']} declared)"
        )
        yield (
            f"  data set {one['data_set']}: {one['fcs_version']}, {one['n_events']} events{declared},"
            f" {one['n_channels']} channels, decoded by {one['decoded_by']}; {one['cytometer'] or 'cytometer unknown'},"
            f" {one['acquisition_date'] or 'date unknown'}{remarks}"
        )
    question = """
        select s.sample_number, s.sample_name, s.source, m.* exclude (file_sha256, sample_number, sample_name, source)
        from cytometry_samples as s left join matched_samples as m using (file_sha256, sample_number)
        where file_sha256 = ? order by s.sample_number"""
    for one in asked.rows(question, digest):
        yield f"  sample {one['sample_number']} ({one['sample_name']}): {_became(one)}"


def _became(sample: Row) -> str:
    if sample["source"] == "gating_ml":
        return "gates to apply to FCS files"
    if sample["reason"]:
        reason = REASONS.get(sample["reason"])
        told = f"; {reason.meaning} {reason.remedy}" if reason else ""
        return f"no tube [{sample['reason']}]{told}"
    if sample["tube_id"] is None:
        return "not matched yet"
    by = sample["matched_by"] if sample["matched_by"] == "cytometry_tubes" else sample["matched_by"].replace("_", " ")
    return f"tube {sample['tube_id']} of specimen {sample['specimen_id']}, {_told(sample)}; matched by {by}"
