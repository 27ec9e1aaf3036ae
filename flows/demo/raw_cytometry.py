"""The demo's raw files and workspaces: a pilot at week 2 whose FCS files were kept, and workspaces gone wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Final

from expectations.study import StudySettings
from flows.demo.cytokines import WELL_THAWED, Staining, stain, stained_on
from flows.demo.faults import Fault, Inbox
from flows.demo.flowjo_tables import COUNT, Exported, write_csv_table
from flows.demo.gates import T_CELLS, Path
from flows.demo.immunity import NO_RESPONSE, respond
from flows.demo.raw_events import CLOG_TICKS, RawTube, acquire
from flows.demo.specimens import Specimen, of_visits
from flows.demo.tables import Row
from flows.demo.workspaces import NEVER_COMPUTED, Sample, write_workspace

WEEK_2, DAY_730, FOUND = "cytometry/week 2", "cytometry/day 730", "cytometry/usb_stick"
_PANEL: Final = ("MART-1", "gp100")
_EVENTS: Final = {"CD8": 7600, "CD4": 2700}
"""T cells of a usual tube of the pilot."""


@dataclass(slots=True)
class RawCytometry:
    """Files by path, the faults among them, and rows of cytometry_tubes for tubes whose names tell nothing."""

    files: Inbox = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    pilots: list[Row] = field(default_factory=list)


def run_raw(seed: int, tubes: list[Specimen], settings: StudySettings) -> RawCytometry:
    """Everything that is not a table of a batch."""
    told = RawCytometry()
    drawn = [tube for tube in of_visits(tubes, ("week 2",), settings) if tube.viability_percent >= WELL_THAWED]
    by_strength = sorted(drawn, key=lambda tube: -_strength(seed, tube, settings))
    _keep_raw(seed, told, by_strength[:2], settings)
    _number_tubes(seed, told, by_strength[2:4], settings)
    _spoil_workspace(seed, told, of_visits(tubes, ("day 730",), settings)[0], settings)
    return told


def _strength(seed: int, tube: Specimen, settings: StudySettings) -> float:
    responses = respond(seed, tube.subject, settings)
    return max(responses.get(antigen, NO_RESPONSE).at(tube) for antigen in _PANEL)


def _keep_raw(seed: int, told: RawCytometry, specimens: list[Specimen], settings: StudySettings) -> None:
    """A workspace a specimen with the FCS files it was made from: one gated as acquired, one compensated.

    Of one sample the copied file is cut short; one tube was clogged for some seconds.
    """
    control, viral = settings.controls.negative[0], next(one.name for one in settings.antigens if one.role == "viral")
    rng = Random(f"{seed}/week 2")
    for specimen, is_compensated in zip(specimens, (False, True), strict=True):
        wanted = (control, *_PANEL) if is_compensated else (control, *_PANEL, viral)
        day, saved_on = _days(rng, specimen)
        raw = [
            acquire(
                seed,
                one,
                day,
                needs_compensation=is_compensated,
                is_clogged=is_compensated and one.stimulus == _PANEL[1],
            )
            for one in stain(seed, specimen, settings, wanted, _EVENTS)
        ]
        told.files |= {f"{WEEK_2}/{one.name}": one.fcs for one in raw}
        samples = [_sample(one.name, one.counts, one.keywords) for one in raw]
        workspace = write_workspace(samples, "week 2", saved_on, is_compensated=is_compensated)
        told.files[f"{WEEK_2}/{specimen.specimen_id}.wsp"] = workspace
        told.faults.append(_clogged(raw[-1]) if is_compensated else _truncated(told.files, raw[-1]))


def _days(rng: Random, specimen: Specimen) -> tuple[date, date]:
    """Day of acquisition, and day the workspace was saved."""
    day = stained_on(rng, [specimen])
    return day, max(day, date(2014, 11, 20)) + timedelta(days=1 + day.day % 5)


def _sample(name: str, counts: Mapping[Path, int], keywords: Mapping[str, str]) -> Sample:
    copied = {word: value for word, value in keywords.items() if word not in ("$OP", "$SPILLOVER")}
    return Sample(name, counts, copied | {"$TOT": str(counts[()])})


def _truncated(files: Inbox, tube: RawTube) -> Fault:
    path = f"{WEEK_2}/{tube.name}"
    files[path] = files[path][: len(files[path]) * 3 // 5]
    why = "the copy stopped in the middle of the events; the workspace has their count"
    return Fault("raw file cut short", path, why, "quarantined", "fcs.data")


def _clogged(tube: RawTube) -> Fault:
    why = f"no cell passed for {CLOG_TICKS / 100:g} seconds: the tube was clogged"
    name = tube.name.removesuffix(".fcs")
    return Fault("a gap in time", f"{WEEK_2}/{tube.name}", why, expected_reason="acquisition.failed", value=name)


def _number_tubes(seed: int, told: RawCytometry, specimens: list[Specimen], settings: StudySettings) -> None:
    """Two batches with tubes of the same names; the table of one lies where nothing says which batch it is."""
    paths = (f"{FOUND}/pilot_table.csv", "cytometry/pilot B/pilot_table.csv")
    for specimen, batch, path in zip(specimens, ("pilot A", "pilot B"), paths, strict=True):
        stainings = stain(seed, specimen, settings, (settings.controls.negative[0], _PANEL[0]))
        names = [f"Tube_{number:03d}" for number, _ in enumerate(stainings, start=1)]
        told.pilots += [_row(batch, name, one) for name, one in zip(names, stainings, strict=True)]
        told.files[path] = _pilot_table(names, stainings)
    why = "tubes of two batches have this name, and the table lies in a folder of neither"
    reason, name = "tube.ambiguous", "Tube_001"
    told.faults.append(Fault("a name of two tubes", paths[0], why, expected_reason=reason, value=name))


def _row(batch: str, name: str, one: Staining) -> Row:
    return {
        "tube_id": f"{batch} {name}",
        "sample_name": name,
        "batch": batch,
        "specimen_id": one.specimen.specimen_id,
        "stimulus": one.stimulus,
        "gates_set_by": "unstimulated",
    }


def _pilot_table(names: list[str], stainings: list[Staining]) -> bytes:
    above = "/".join(T_CELLS)
    samples = [
        Exported(
            f"{name}.fcs",
            {},
            {f"{above}/CD8+": one.parent("CD8"), f"{above}/CD8+/IFNg+": one.positive("CD8", "IFNg")},
        )
        for name, one in zip(names, stainings, strict=True)
    ]
    return write_csv_table(samples, dict.fromkeys(samples[0].counts, COUNT))


def _spoil_workspace(seed: int, told: RawCytometry, specimen: Specimen, settings: StudySettings) -> None:
    """A workspace without FCS files in which one sample is stale and one was never computed."""
    day, saved_on = _days(Random(f"{seed}/day 730"), specimen)
    samples = []
    wanted = (settings.controls.negative[0], *_PANEL, "NY-ESO-1")
    for one in stain(seed, specimen, settings, wanted):
        counts = _gated(one)
        declared = {"$FIL": f"{one.name}.fcs", "$DATE": f"{day:%d-%b-%Y}".upper(), "$TOT": str(counts[()])}
        if one.stimulus == _PANEL[0]:
            counts = dict.fromkeys(counts, 0)
        if one.stimulus == _PANEL[1]:
            counts = {path: n if path == () else NEVER_COMPUTED for path, n in counts.items()}
        samples.append(Sample(f"{one.name}.fcs", counts, declared))
    path = f"{DAY_730}/{specimen.specimen_id}.wsp"
    told.files[path] = write_workspace(samples, "day 730", saved_on, is_compensated=False)
    told.faults += _uncounted(path, samples)


def _uncounted(path: str, samples: list[Sample]) -> Iterator[Fault]:
    why = {
        "count.stale": ("stale workspace", "saved while its FCS files were out of reach: 0 for a tube full of events"),
        "count.never_computed": ("counts never computed", "saved before FlowJo had counted this sample: -1"),
    }
    for (reason, (name, text)), sample in zip(why.items(), samples[1:3], strict=True):
        value = sample.name.removesuffix(".fcs")
        yield Fault(name, path, text, expected_reason=reason, value=value)


def _gated(one: Staining) -> dict[Path, int]:
    """Events of every population of the panel's gates."""
    n_t_cells = (one.parent("CD8") + one.parent("CD4")) * 106 // 100
    counts: dict[Path, int] = {(): 2 * n_t_cells, T_CELLS[:1]: n_t_cells * 14 // 10, T_CELLS: n_t_cells}
    for population in ("CD8", "CD4"):
        path = (*T_CELLS, f"{population}+")
        counts[path] = one.parent(population)
        for marker, gate in (("IFNg", "IFNg+"), ("TNF", "TNFa+"), ("CD107a", "CD107a+")):
            counts[*path, gate] = one.positive(population, marker)
        counts[*path, "IFNg+&TNFa+"] = one.positive(population, "IFNg", "TNF")
    return counts
