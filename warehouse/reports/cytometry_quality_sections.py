"""Quality of flow cytometry: samples and tubes, populations, acquisition, fits."""

from __future__ import annotations

from typing import Final

from expectations.reasons import reason
from warehouse.reports.blocks import Block, Folded, Mark, Section, Text
from warehouse.reports.findings import details, places
from warehouse.reports.published import Published, Row
from warehouse.reports.tables import Shown, tabulate
from warehouse.reports.wording import NOTHING, counted, meaning, number, share, spelled

_FILES_SHOWN: Final = 100
"""Files a reason names: behind a line each, and there are many reasons."""
_PLACES_SHOWN: Final = 4
"""Examples of a file: paths of gates are long."""

_SOURCES: Final = (
    Shown("Told by", lambda row: spelled(row["source"])),
    Shown("Files", "n_files", is_numeric=True),
    Shown("Samples", "n_samples", is_numeric=True),
    Shown("are a tube", lambda row: share(row["n_matched"], row["n_samples"]), is_numeric=True),
    Shown("by cytometry_tubes", "n_by_table", is_numeric=True),
    Shown("by keywords", "n_by_keywords", is_numeric=True),
    Shown("by name", "n_by_file_name", is_numeric=True),
    Shown("Tubes", "n_tubes", is_numeric=True),
    Shown("Counts", "n_counted", is_numeric=True),
    Shown("without a count", "n_not_counted", is_numeric=True),
)

_BY_REASON: Final = (
    Shown("Reason", "reason"),
    Shown("Meaning", lambda row: meaning(row["reason"])),
    Shown("To mend it", lambda row: reason(row["reason"]).remedy),
    Shown("Files", lambda row: f"{row['n_files']} of {row['n_files_in_all']}", is_numeric=True),
    Shown("Findings", "n_findings", is_numeric=True),
)


_BY_FILE: Final = (
    Shown("File", "path"),
    Shown("Findings", "n_findings", is_numeric=True),
    Shown("Where", lambda row: places(row, _PLACES_SHOWN)),
    Shown("What was found", details),
)

_UNMAPPED: Final = (
    Shown("Path of gates", "population_path"),
    Shown("Samples", "n_samples", is_numeric=True),
    Shown("Files", "n_files", is_numeric=True),
    Shown("As in", "example_file"),
)


def tubes(published: Published) -> Section:
    """What became of samples, findings by reason with meaning and remedy, and paths that study.toml does not name."""
    overview = published.only("cytometry_overview")
    if not overview["n_files"]:
        return Section("tubes", "Flow cytometry", (Text("This study has no file of flow cytometry.", "quiet"),))
    reasons = published.view("tube_findings_by_reason")
    n_findings = sum(row["n_findings"] for row in reasons)
    matched = share(overview["n_matched"], overview["n_samples"])
    blocks: list[Block] = [
        tabulate(
            f"{counted(overview['n_files'], 'file')} of cytometry; {matched} of their samples are one of "
            f"{counted(overview['n_tubes'], 'tube')}",
            published.view("cytometry_samples_by_source"),
            _SOURCES,
            "No file tells of a sample.",
            notes=("A tube may be told of by several files: its table, its workspace and its FCS file.",),
        ),
        tabulate(
            f"{counted(n_findings, 'finding')} about samples, tubes and populations, by reason",
            reasons,
            _BY_REASON,
            "Every sample is a tube, and every path of gates a population.",
        ),
        *(_files(published, row) for row in reasons),
        _unmapped(published),
    ]
    return Section("tubes", "Flow cytometry: tubes and populations", tuple(blocks))


def _files(published: Published, row: Row) -> Folded:
    code = row["reason"]
    n = f"{counted(row['n_files'], 'file')}, {counted(row['n_findings'], 'finding')}"
    query = "select * from tube_findings_by_file where reason = ? order by n_findings desc, path, file_sha256 limit ?"
    files = published.rows(query, code, _FILES_SHOWN)
    where = f"tube_findings_by_file where reason = '{code}'"
    table = tabulate(f"Files with {code}", files, _BY_FILE, "No file has it.", rest_in=where, of=row["n_files"])
    return Folded(f"{code}: {n}", (table,))


def _unmapped(published: Published) -> Block:
    rows = published.view("unmapped_paths")
    caption = f"{counted(len(rows), 'path')} of gates that study.toml does not name: kept, not used"
    note = "Gates above a population that is named are passed through and do not stand here."
    empty = "Every path of gates is a population of the study, or leads to one."
    table = tabulate(caption, rows, _UNMAPPED, empty, notes=(note,) if rows else (), rest_in="unmapped_paths")
    return Folded(caption, (table,)) if rows else table


def _failing(row: Row) -> Mark:
    return Mark(share(row["n_files_failed"], row["n_files"]), "warn" if row["n_files_failed"] else "good")


_MEASURES: Final = (
    Shown("Measure", lambda row: spelled(row["measure"])),
    Shown("Largest allowed", "largest_allowed", is_numeric=True),
    Shown("Files that fail", _failing, is_numeric=True),
    Shown("Median", "median_value", is_numeric=True),
    Shown("Largest", "largest_value", is_numeric=True),
)


_FAILED: Final = (
    Shown("File", "path"),
    Shown("Tube", "tube_id"),
    Shown("Measure", lambda row: Mark(spelled(row["measure"]), "warn")),
    Shown("Channel", "channel"),
    Shown("Value", "value", is_numeric=True),
    Shown("Largest allowed", "largest_allowed", is_numeric=True),
)


def _range(first: object, last: object) -> str:
    if first is None:
        return NOTHING
    return str(first) if first == last else f"{first} to {last}"


def _events(row: Row) -> str:
    declared = f" ({number(row['n_events_declared'])} declared)" if row["is_other_than_declared"] else ""
    return f"{number(row['n_events'])}{declared}"


_CYTOMETERS: Final = (
    Shown("Cytometer", "cytometer"),
    Shown("FCS", lambda row: row["fcs_version"].removeprefix("FCS")),
    Shown("Files", "n_files", is_numeric=True),
    Shown("are a tube", "n_tubes", is_numeric=True),
    Shown("Events", "n_events", is_numeric=True),
    Shown("median a file", lambda row: number(round(row["median_events"])), is_numeric=True),
    Shown("Channels", lambda row: _range(row["min_channels"], row["max_channels"]), is_numeric=True),
    Shown("With compensation", "n_with_compensation", is_numeric=True),
    Shown("Other events than declared", "n_other_than_declared", is_numeric=True),
    Shown("With remarks", "n_with_remarks", is_numeric=True),
    Shown("Acquired", lambda row: _range(row["first_date"], row["last_date"])),
)

_FCS: Final = (
    Shown("File", "path"),
    Shown("Tube", lambda row: row["tube_id"] or row["reason"] or NOTHING),
    Shown("FCS", lambda row: row["fcs_version"].removeprefix("FCS")),
    Shown("Events", _events, is_numeric=True),
    Shown("Channels", "n_channels", is_numeric=True),
    Shown("Cytometer", "cytometer"),
    Shown("Acquired", "acquisition_date"),
    Shown("Decoded by", "decoded_by"),
    Shown("Remarks", "remarks"),
)


def acquisition(published: Published) -> Section | None:
    """How FCS files were acquired, what failed first, and the files; None where the study has no FCS file."""
    cytometers = published.view("fcs_files_by_cytometer")
    if not cytometers:
        return None
    measures, failed = published.view("acquisition_by_measure"), published.view("failed_acquisitions")
    n_failed = len({row["file_sha256"] for row in failed})
    n_files = sum(row["n_files"] for row in cytometers)
    caption = f"Measures beyond their limit, in {n_failed} of {counted(n_files, 'FCS file')}"
    every = tabulate(
        f"{counted(n_files, 'FCS file')}, those with something against the standard first",
        published.view("fcs_files"),
        _FCS,
        "",
        rest_in="fcs_files",
    )
    blocks: tuple[Block, ...] = (
        tabulate("How files were acquired", measures, _MEASURES, "No FCS file has a time or events to measure."),
        tabulate(caption, failed, _FAILED, "No measure is beyond its limit.", rest_in="failed_acquisitions"),
        tabulate(f"{counted(n_files, 'FCS file')} by cytometer", cytometers, _CYTOMETERS, ""),
        Folded(every.caption, (every,)),
    )
    return Section("acquisition", "FCS files and their acquisition", blocks)


def _pair(first: float | None, second: float | None) -> str:
    return NOTHING if first is None or second is None else f"{first:.3g}, {second:.3g}"


_FITS: Final = (
    Shown("Fit", lambda row: Mark(row["fit"], "warn" if row["fit"] == "weak" else "quiet")),
    Shown("Antigen", "antigen"),
    Shown("Population", "population"),
    Shown("Subset", "subset"),
    Shown("Visit", "visit"),
    Shown("Specimens", "n_specimens", is_numeric=True),
    Shown("Version", "version", is_numeric=True),
    Shown("Estimated on", "estimated_on"),
    Shown("Share of responders", "w_response", is_numeric=True),
    Shown("Alpha, beta stimulated", lambda row: _pair(row["alpha_s"], row["beta_s"]), is_numeric=True),
    Shown("Alpha, beta unstimulated", lambda row: _pair(row["alpha_u"], row["beta_u"]), is_numeric=True),
)


_FITS_IN_SUM: Final = (
    Shown("Antigen", "antigen"),
    Shown("Population", "population"),
    Shown("Mixtures", "n_fits", is_numeric=True),
    Shown("Sound", "n_sound", is_numeric=True),
    Shown(
        "Weak", lambda row: Mark(share(row["n_weak"], row["n_fits"]), "warn" if row["n_weak"] else ""), is_numeric=True
    ),
    Shown("Too few specimens", "n_no_fit", is_numeric=True),
    Shown("Specimens of a mixture", lambda row: _range(row["min_specimens"], row["max_specimens"]), is_numeric=True),
)


def fits(published: Published) -> Section | None:
    """Mixtures of mimosa by antigen and population, weak and missing ones behind a line; None without any."""
    rows = published.view("mimosa_fits_in_force")
    if not rows:
        return None
    n = {kind: [row for row in rows if row["fit"] == kind] for kind in ("weak", "no fit")}
    caption = f"{len(n['weak'])} of {counted(len(rows), 'mixture')} weakly identified"
    note = (
        "One mixture an antigen, population, subset and visit. A weak one did not converge, or a parameter runs away, "
        "as where hardly anybody responds; calls that rest on it carry the flag weak_fit."
    )
    told = {
        f"{counted(len(n['weak']), 'mixture')} weakly identified": n["weak"],
        f"{counted(len(n['no fit']), 'mixture')} with too few specimens: no call by mimosa": n["no fit"],
    }
    blocks: list[Block] = [tabulate(caption, published.view("mimosa_fits_in_sum"), _FITS_IN_SUM, "", notes=(note,))]
    for words, listed in told.items():
        if listed:
            blocks.append(Folded(words, (tabulate(words, listed, _FITS, "", rest_in="mimosa_fits_in_force"),)))
    return Section("fits", "Mixtures of mimosa", tuple(blocks))
