"""The headline numbers of a demo folder by a second, deliberately simple route: plain Python over the written files.

Nothing of perdure is used. Quality limits are those that study.toml states or leaves at the field's defaults.
"""

from __future__ import annotations

import csv
import io
import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations
from math import log10
from pathlib import Path
from statistics import mean, median, stdev, variance

Row = dict[str, str]


@dataclass(frozen=True)
class Headline:
    """What stands on the front of the study report, and the table behind its primary analysis."""

    best_responses: dict[str, str]  # infused subject -> best overall response, NE where never assessed
    median_os_months: float
    persistent: dict[str, bool]  # subject -> persistent at the primary landmark, where that can be said
    two_by_two: tuple[tuple[int, int], tuple[int, int]]  # persistent, not persistent x responder, non-responder
    fisher_p: float
    reactive_cells: dict[str, float]  # subject -> tumour-reactive T cells infused, where the product was evaluable

    @property
    def n_evaluable(self) -> int:
        return sum(response != "NE" for response in self.best_responses.values())

    def n(self, *responses: str) -> int:
        return sum(response in responses for response in self.best_responses.values())


def recompute(folder: Path, skip: Collection[str] = ()) -> Headline:
    """Headline numbers from the files of a demo folder, passing over the inbox paths in `skip`."""
    study = tomllib.loads((folder / "study.toml").read_text(encoding="utf-8"))
    inbox = folder / "inbox"
    files = [path for path in sorted(inbox.rglob("*")) if path.is_file()]
    files = [path for path in files if path.relative_to(inbox).as_posix() not in skip]
    tables, plates = read_tables(files), read_plates(files)

    infused = {row["subject_id"]: day(row["infusion_date"]) for row in tables["infusion_date"]}
    best = best_responses(tables["overall_response"], tables["vital_status"], infused)
    called = called_specimens(study, tables, plates)
    persistent = persistent_at_landmark(study, called, infused)
    cells = [[0, 0], [0, 0]]
    for subject, is_persistent in persistent.items():
        if best[subject] != "NE":
            cells[not is_persistent][best[subject] not in ("CR", "PR")] += 1
    from scipy.stats import fisher_exact

    return Headline(
        best_responses=best,
        median_os_months=median_survival(tables["vital_status"], infused) / 30.4375,
        persistent=persistent,
        two_by_two=(tuple(cells[0]), tuple(cells[1])),
        fisher_p=float(fisher_exact(cells).pvalue),
        reactive_cells=reactive_cells(study, called, tables["infusion_date"]),
    )


# --- Files --------------------------------------------------------------------------------------------------------

TELLING = ("infusion_date", "overall_response", "vital_status", "collection_date", "stimulus")
"""One column of each reference table that is needed, by which the table is known."""


def read_tables(files: list[Path]) -> dict[str, list[Row]]:
    tables: dict[str, list[Row]] = {name: [] for name in TELLING}
    for path in files:
        if path.suffix == ".csv":
            text = path.read_bytes().decode("utf-8-sig")
            separator = ";" if ";" in text.splitlines()[0] else ","
            rows = list(csv.DictReader(io.StringIO(text), delimiter=separator))
        elif path.suffix == ".xlsx":
            rows = read_workbook(path)
        else:
            continue
        for name in TELLING:
            if rows and name in rows[0]:
                tables[name] += rows
    return tables


def read_workbook(path: Path) -> list[Row]:
    from openpyxl import load_workbook

    header, *lines = load_workbook(path).worksheets[0].iter_rows(values_only=True)
    return [dict(zip(map(str, header), map(plain, line), strict=True)) for line in lines]


def plain(cell: object) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    return "" if cell is None else str(cell)


def day(text: str) -> date:
    return date.fromisoformat(text[:10])


def number(text: str) -> float:
    return float(text.replace(",", "."))


def read_plates(files: list[Path]) -> dict[str, tuple[date, dict[str, int | None]]]:
    """Plate -> day it was read, well -> spots (None: too numerous to count); wells not counted are left out."""
    plates = {}
    for path in files:
        if path.suffix != ".txt" or not path.read_bytes().startswith(b"Plate name:"):
            continue
        lines = path.read_text(encoding="ascii").splitlines()
        name = lines[0].partition(":")[2].strip().removesuffix(".plt")
        written = next(line.strip('"') for line in lines if line.strip('"').startswith("Date:"))
        read_on = datetime.strptime(written, "Date: %A, %B %d, %Y").date()
        start = lines.index("Spot counts:") + 2
        wells = {}
        for line in lines[start : start + 8]:
            letter, *tokens = line.split()
            for column, token in enumerate(tokens, start=1):
                if token != "--":
                    wells[f"{letter}{column}"] = None if token == "TNTC" else int(token)
        plates[name] = (read_on, wells)
    return plates


# --- Clinical response and survival -------------------------------------------------------------------------------


def best_responses(assessments: list[Row], contacts: list[Row], infused: dict[str, date]) -> dict[str, str]:
    """Best overall response by RECIST 1.0 from the investigator's assessments after infusion."""
    best = {}
    for subject, day_0 in infused.items():
        therapies = [
            day(r["new_therapy_date"]) for r in contacts if r["subject_id"] == subject and r["new_therapy_date"]
        ]
        seen = sorted(
            ((day(r["assessment_date"]) - day_0).days, r["overall_response"])
            for r in assessments
            if r["subject_id"] == subject
            and r["evaluator"] == "investigator"
            and day(r["assessment_date"]) > day_0
            and not (therapies and day(r["assessment_date"]) >= min(therapies))
        )
        best[subject] = best_of(seen)
    return best


def best_of(seen: list[tuple[int, str]]) -> str:
    first_pd = next((index for index, (_, response) in enumerate(seen) if response == "PD"), len(seen))
    until_pd = seen[: first_pd + 1]
    for level, confirming in (("CR", {"CR"}), ("PR", {"PR", "CR"})):
        if any(is_confirmed(until_pd[index:], level, confirming) for index in range(len(until_pd))):
            return level
    if any(when >= 42 and response in ("CR", "PR", "SD") for when, response in until_pd):
        return "SD"
    return "PD" if first_pd < len(seen) else "NE"


def is_confirmed(seen: list[tuple[int, str]], level: str, confirming: set[str]) -> bool:
    """The first of these is confirmed >= 28 days on, with nothing worse and at most one NE between."""
    (first_day, first), *later = seen
    missing, has_been_complete = 0, False
    for when, response in later if first == level else []:
        if response in confirming and when - first_day >= 28 and not (has_been_complete and response == "PR"):
            return True
        missing += response == "NE"
        has_been_complete |= response == "CR"
        if response not in {*confirming, "NE"} or missing > 1:
            return False
    return False


def median_survival(contacts: list[Row], infused: dict[str, date]) -> float:
    """Kaplan-Meier median of overall survival from infusion, in days counted as date minus date plus one."""
    times = []
    for subject, day_0 in infused.items():
        last = max((day(r["contact_date"]), r["vital_status"]) for r in contacts if r["subject_id"] == subject)
        times.append(((last[0] - day_0).days + 1, last[1] == "dead"))
    survival, deaths = 1.0, sorted({time for time, died in times if died})
    for index, time in enumerate(deaths):
        at_risk = sum(other >= time for other, _ in times)
        survival *= 1 - times.count((time, True)) / at_risk
        if abs(survival - 0.5) < 1e-9 and index + 1 < len(deaths):
            return (time + deaths[index + 1]) / 2
        if survival < 0.5:
            return float(time)
    return float("inf")


# --- Wells to calls -----------------------------------------------------------------------------------------------


@dataclass
class Family:
    """The wells of one specimen on one plate: stimulus -> spots, those too numerous to count at the plate's ceiling."""

    specimen: str
    plate: str
    wells: dict[str, list[float]]
    is_tntc: dict[str, bool]
    cells: int


@dataclass
class Called:
    """One specimen as reported: the row that describes it, its wells, its calls by antigen."""

    row: Row
    family: Family
    calls: dict[str, str]


def tumour_antigens(study: dict) -> list[str]:
    return [antigen["name"] for antigen in study["antigens"] if antigen["role"] == "tumour"]


def called_specimens(study: dict, tables: dict[str, list[Row]], plates: dict) -> list[Called]:
    rows = {row["specimen_id"]: row for row in tables["collection_date"]}
    families = list(group_wells(study, tables["stimulus"], plates))
    blank, mean_control = limit_of_blank(families)
    reported = {}
    for family in sorted(families, key=lambda f: plates[f.plate][0]):
        if family.wells.keys() >= set(tumour_antigens(study)):  # not a plate of peptide pools
            reported[family.specimen] = family  # the latest read counts
    return [
        Called(rows[name], family, call(family, number(rows[name]["viability_percent"]), blank - mean_control))
        for name, family in reported.items()
    ]


def persistent_at_landmark(study: dict, called: list[Called], infused: dict[str, date]) -> dict[str, bool]:
    landmark = study["analysis"]["primary"]["landmark"]
    width = next(mark["half_width"] for mark in study["persistence"]["landmarks"] if mark["day"] == landmark)
    samples = defaultdict(list)
    for specimen in called:
        subject = specimen.row["subject_id"]
        when = (day(specimen.row["collection_date"]) - infused[subject]).days
        if specimen.row["material"] == "blood" and abs(when - landmark) <= width:
            samples[subject].append((abs(when - landmark), when, specimen.calls))
    answer = {}
    for subject, seen in samples.items():
        seen.sort(key=lambda sample: sample[:2])  # the nearest, then the earlier
        nearest = [
            next((calls[antigen] for *_, calls in seen if calls.get(antigen) in ("positive", "negative")), None)
            for antigen in tumour_antigens(study)
        ]
        if "positive" in nearest:
            answer[subject] = True
        elif None not in nearest:
            answer[subject] = False
    return answer


def reactive_cells(study: dict, called: list[Called], products: list[Row]) -> dict[str, float]:
    """Viable cells infused times the net responses of the product to the tumour antigens, summed, per 10^6."""
    cells = {}
    for product in products:
        for specimen in called:
            known = [antigen for antigen in tumour_antigens(study) if specimen.calls.get(antigen) != "not evaluable"]
            if specimen.row["specimen_id"] == product["specimen_id"] and len(known) == len(tumour_antigens(study)):
                wells, scale = specimen.family.wells, 1e6 / specimen.family.cells
                net = sum(mean(wells[antigen]) - mean(wells["negative"]) for antigen in known) * scale
                cells[product["subject_id"]] = number(product["total_viable_cells"]) * net / 1e6
    return cells


def group_wells(study: dict, layout: list[Row], plates: dict) -> Iterator[Family]:
    spelling = {s: a["name"] for a in study["antigens"] for s in (a["name"], *a.get("aliases", []))}
    spelling |= {s: "negative" for s in study["controls"]["negative"]} | {
        s: "positive" for s in study["controls"]["positive"]
    }
    groups = defaultdict(list)
    for row in layout:
        if row.get("plate_id") in plates and row["stimulus"] in spelling and row["specimen_id"]:
            groups[row["specimen_id"], row["plate_id"]].append(row)
    for (specimen, plate), rows in groups.items():
        spots = plates[plate][1]
        ceiling = max(count for count in spots.values() if count is not None)
        wells, is_tntc = defaultdict(list), defaultdict(bool)
        for row in rows:
            count = spots[row["well"]]
            wells[spelling[row["stimulus"]]].append(ceiling if count is None else count)
            is_tntc[spelling[row["stimulus"]]] |= count is None
        yield Family(specimen, plate, wells, is_tntc, int(float(rows[0]["cells_per_well"])))


def limit_of_blank(families: list[Family]) -> tuple[float, float]:
    """Limit of blank and mean of the study's negative controls, spots per 10^6 cells."""
    controls = [count * 1e6 / f.cells for f in families if not f.is_tntc["negative"] for count in f.wells["negative"]]
    logs = [log10(value + 1) for value in controls]
    return 10 ** (mean(logs) + 1.645 * stdev(logs)) - 1, mean(controls)


def call(family: Family, viability: float, lod: float) -> dict[str, str]:
    """Antigen -> call under dfr_eq with the quality limits applied."""
    scale = 1e6 / family.cells
    control = family.wells["negative"]
    antigens = {name: wells for name, wells in family.wells.items() if name not in ("negative", "positive")}
    control_mean = mean(control) * scale
    positive_net = mean(family.wells["positive"]) * scale - control_mean
    if family.is_tntc["negative"] or control_mean > 50:
        return dict.fromkeys(antigens, "not evaluable")
    if positive_net < 100 and not family.is_tntc["positive"]:
        return dict.fromkeys(antigens, "not evaluable")
    calls = {}
    for name, p in dfr_eq(antigens, control).items():
        wells = antigens[name]
        net = mean(wells) * scale - control_mean
        doubtful = viability < 70 or variance(wells) / (median(wells) + 1) > 10 or net < max(lod, scale / len(wells))
        if p <= 0.05:
            calls[name] = "indeterminate" if doubtful else "positive"
        else:
            calls[name] = "not evaluable" if family.is_tntc[name] else "negative"
    return calls


def dfr_eq(antigens: dict[str, list[float]], control: list[float]) -> dict[str, float]:
    """Adjusted p-values by every relabeling of the well columns, step-down over the largest statistic."""
    eligible = {
        name: wells
        for name, wells in antigens.items()
        if (len(wells) >= 3 and len(control) >= 3) or (len(wells) >= 2 and len(control) >= 4)
    }
    n_antigen = max(map(len, eligible.values()))
    n = n_antigen + len(control)
    rows = {name: [*wells, *[None] * (n_antigen - len(wells)), *control] for name, wells in eligible.items()}
    observed = {name: mean(wells) - mean(control) for name, wells in eligible.items()}
    relabelled = []
    for chosen in combinations(range(n), n_antigen):
        statistics = {}
        for name, row in rows.items():
            inside = [row[i] for i in range(n) if i in chosen and row[i] is not None]
            outside = [row[i] for i in range(n) if i not in chosen and row[i] is not None]
            if inside and outside:
                statistics[name] = sum(inside) / len(inside) - sum(outside) / len(outside)
        relabelled.append(statistics)
    order = sorted(observed, key=lambda name: -observed[name])
    adjusted, running = {}, 0.0
    for index, name in enumerate(order):
        rest = order[index:]
        largest = [max((s[other] for other in rest if other in s), default=float("-inf")) for s in relabelled]
        p = sum(value >= observed[name] - 1.5e-8 for value in largest) / len(largest)
        running = adjusted[name] = max(running, p)
    return adjusted
