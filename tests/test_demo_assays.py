"""What the demo runs beside its study plates: a reference donor, FluoroSpot, peptide pools; and its workbooks."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from statistics import mean
from zipfile import ZipFile

import pytest
from openpyxl import load_workbook

from expectations.study_file import STUDY_FILE, read_study
from flows.demo import DEFAULT_SEED, fill_inbox, write_demo
from flows.demo.plates import run_plates
from flows.demo.specimens import draw
from flows.demo.subjects import enrol
from tests import recompute
from tests.running import ask

FLUORESCENT = ("FLS-001", "FLS-002")


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("assays")
    write_demo(folder)
    return folder


def rows(demo: Path, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader((demo / "inbox" / path).read_text(encoding="utf-8-sig").splitlines()))


def plates(demo: Path, kind: str) -> dict:
    return recompute.read_plates(sorted((demo / "inbox").rglob(f"elispot/*/{kind}-*.txt")))


def listed(demo: Path, plate: str) -> list[dict[str, object]]:
    """The long list of a FluoroSpot workbook."""
    book = load_workbook(demo / "inbox" / "fluorospot" / f"{plate}.xlsx")
    header, *lines = book["Plate Database"].iter_rows(values_only=True)
    return [dict(zip(header, line, strict=True)) for line in lines]


# --- What is written ----------------------------------------------------------------------------------------------


def test_pools_move_no_count_of_a_study_plate(demo):
    settings = read_study(demo).settings
    without = settings.model_copy(update={"antigens": tuple(a for a in settings.antigens if a.role != "other")})
    assert len(settings.antigens) - len(without.antigens) == 8
    subjects = enrol(DEFAULT_SEED)
    first, second = (run_plates(DEFAULT_SEED, draw(DEFAULT_SEED, subjects, told), told) for told in (settings, without))
    assert [plate.spots for plate in first] == [plate.spots for plate in second]


def test_a_reference_plate_goes_with_every_study_plate_and_is_read_on_its_day(demo):
    read = {name: day for name, (day, _) in plates(demo, "REF").items()}
    _, faults = fill_inbox((demo / STUDY_FILE).read_bytes(), DEFAULT_SEED)
    cut = {Path(fault.path).stem for fault in faults if (fault.expected_reason or "").startswith("aid.")}
    sound = [path for path in sorted((demo / "inbox").rglob("elispot/*/TIL-*.txt")) if path.stem not in cut]
    study = {name: day for name, (day, _) in recompute.read_plates(sound).items()}
    assert len(read) == len(study) + len(cut)
    assert all(read[name.replace("TIL", "REF")] == day for name, day in study.items())


def test_the_reference_donor_responds_alike_on_all_plates_but_the_one_that_was_planted(demo):
    layout = defaultdict(list)
    for row in rows(demo, "layouts/recurring_layouts.csv"):
        if row["template"] == "reference donor":
            layout[row["stimulus"]].append(row["well"])
    means = {name: mean(wells[well] for well in layout["CMV"]) for name, (_, wells) in plates(demo, "REF").items()}
    lowest = min(means, key=means.get)
    (weak,) = (f.value for f in write_demo(demo) if f.name == "reference sample out of control")
    assert lowest == weak
    assert means[weak] < 0.6 * mean(means.values())
    assert all(0.5 < means[name] / mean(means.values()) < 1.6 for name in means if name != weak)


def test_enough_reference_plates_lie_in_the_reference_period(demo):
    trend = read_study(demo).settings.elispot.trend
    inside = [day for day, _ in plates(demo, "REF").values() if trend.reference_first <= day <= trend.reference_last]
    assert trend.min_plates <= len(inside) < 25


def test_spots_of_both_colours_are_never_more_than_those_of_either(demo):
    for plate in FLUORESCENT:
        wells = defaultdict(dict)
        for row in listed(demo, plate):
            wells[row["Well"]][row["Analyte Secreting Population"]] = row["Spot Forming Units (SFU)"]
        assert len(wells) == 96
        for counts in wells.values():
            assert counts["LED490+LED550"] <= min(counts["LED490 Total"], counts["LED550 Total"])


def test_one_fluorospot_plate_has_its_layout_in_the_workbook_and_the_other_follows_a_template(demo):
    donors = {plate: {row["Layout-Donor"] for row in listed(demo, plate)} for plate in FLUORESCENT}
    assert donors["FLS-002"] == {None}
    assert len(donors["FLS-001"]) == 4
    followers = rows(demo, "layouts/recurring_layouts_plates.csv")
    by_template = Counter((row["template"], row["plate_id"]) for row in followers)
    assert by_template["four specimens", "FLS-002"] == 4
    assert not [row for row in followers if row["plate_id"] == "FLS-001"]


def test_every_peptide_is_in_two_pools_and_two_peptides_share_one_at_most(demo):
    pools = defaultdict(set)
    for row in rows(demo, "layouts/peptide_pools.csv"):
        pools[row["peptide"]].add(row["pool"])
    assert len(pools) == 16
    assert {len(of) for of in pools.values()} == {2}
    assert all(len(pools[a] & pools[b]) < 2 for a in pools for b in pools if a != b)


# --- Workbooks ------------------------------------------------------------------------------------------------------


def test_workbooks_hold_no_time_of_writing(demo):
    for path in (path for path in (demo / "inbox").rglob("*.xlsx") if not path.name.startswith("~")):
        with ZipFile(path) as archive:
            assert {info.date_time[0] for info in archive.infolist()} == {2014}
            properties = archive.read("docProps/core.xml").decode()
        assert set(re.findall(r"\d{4}-\d\d-\d\dT[\d:.]+Z?", properties)) == {"2014-12-31T00:00:00Z"}


def test_the_assessments_are_excel_dates_and_not_text(demo):
    sheet = load_workbook(demo / "inbox" / "clinic/tumour_assessments.xlsx").worksheets[0]
    assert {type(cell) for (cell,) in sheet.iter_rows(min_row=2, min_col=2, max_col=2, values_only=True)} == {datetime}


# --- What becomes of it -------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("default")
def test_the_planted_reference_plate_is_rejected_and_most_others_are_in_control(demo_run, demo):
    (weak,) = (f.value for f in write_demo(demo) if f.name == "reference sample out of control")
    chart = dict(
        ask(
            demo_run,
            "select plate_id, trend_status from plate_quality "
            "where measure = 'reference_sample' and sample = 'HD-01, CMV'",
        )
    )
    assert chart[weak] == "rejected"
    assert len(chart) == 45
    assert Counter(chart.values())["in_control"] > 30


@pytest.mark.filterwarnings("default")
def test_wells_have_their_meaning_from_tables_templates_and_the_instrument(demo_run):
    told = ask(
        demo_run,
        "select distinct regexp_replace(plate_id, '-.*', ''), layout_source from elispot_wells "
        "where specimen_id is not null and well_role <> 'unused' order by all",
    )
    assert told == [
        ("FLS", "instrument_layouts"),
        ("FLS", "layout_templates"),
        ("POO", "plate_layouts"),
        ("REF", "layout_templates"),
        ("TIL", "plate_layouts"),
    ]


@pytest.mark.filterwarnings("default")
def test_fluorospot_gives_readouts_of_its_own_in_the_products_of_eight_subjects(demo_run):
    told = ask(
        demo_run,
        "select readout, count(distinct subject_id), count(*) from responses "
        "where plate_id like 'FLS-%' and is_primary_rule group by readout order by readout",
    )
    assert told == [("GzB", 8, 40), ("IFNg (FluoroSpot)", 8, 40), ("IFNg+GzB", 8, 40)]


@pytest.mark.filterwarnings("default")
def test_the_reference_donor_has_no_responses_and_moves_no_limit_of_blank(demo_run):
    assert ask(demo_run, "select count(*) from responses where plate_id like 'REF-%'") == [(0,)]
    (counted,) = ask(
        demo_run,
        "select count(*) from elispot_wells where well_role = 'negative_control' and status = 'counted' "
        "and analyte = 'IFNg' and plate_id not like 'REF-%'",
    )
    assert ask(demo_run, "select n_wells from estimates where readout = 'IFNg'") == [counted]


@pytest.mark.filterwarnings("default")
def test_two_recognised_peptides_out_of_line_leave_four_candidates(demo_run):
    told = ask(
        demo_run,
        "select peptide, n_rivals from pool_candidates where is_primary_rule and status = 'candidate' order by peptide",
    )
    # Rows 2 and 3 with columns 1 and 4 of a matrix of four by four.
    assert told == [("S01-N05", 1), ("S01-N08", 1), ("S01-N09", 1), ("S01-N12", 1)]
    assert '<section id="pools">' in (demo_run / "reports" / "study.html").read_text(encoding="utf-8")
