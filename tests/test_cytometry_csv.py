"""The documented long CSV of populations, and the statistics TSV it also is."""

from __future__ import annotations

import csv
import json
from datetime import date, datetime

import pytest

from tests.drawing import SHARED, needs_shared
from tests.drawn_cytometry import COUNTS_OF_LONG, LONG, counts_of, lines, percents_of, read, refusal, samples_of, unused
from tests.drawn_exports import workbook
from tests.drawn_tubes import study
from transforms.gating_paths import gates_of

STATISTICS = SHARED / "real/cytometry/ics_study/statistics.tsv"
OTHERS = {name: SHARED / "real/cytometry/ics_study" / name for name in ("mimosa_ics.csv", "sample-set.tsv")}


def test_every_row_is_a_population_of_a_sample():
    reading = read(LONG)
    assert reading.format == "cytometry_csv"
    assert counts_of(reading) == COUNTS_OF_LONG
    assert [row["source"] for row in samples_of(reading)] == ["long_csv", "long_csv"]


def test_what_describes_a_sample_may_stand_in_any_of_its_rows():
    table = lines("""sample,population,count,batch,fcs_name,n_events,acquisition_date,software_version,saved_at
                     T1,A,5,B1,,,2014-03-18,,
                     T1,A/B,4,B1,data/x.fcs,900,,FlowJo 10.8,2014-03-19 10:11:12""")
    (sample,) = samples_of(read(table))
    assert (sample["batches"], sample["fcs_name"], sample["n_events"]) == ("B1", "x.fcs", 900)
    assert (sample["acquisition_date"], sample["software_version"]) == (date(2014, 3, 18), "FlowJo 10.8")
    assert sample["saved_at"] == datetime(2014, 3, 19, 10, 11, 12)


def test_a_name_in_two_batches_is_two_samples_wherever_their_rows_stand():
    reading = read("sample;population;count;batch\nT;A;1;B1\nT;A;2;B2\nT;B;3;B1\n")
    assert [(row["sample_name"], row["batches"]) for row in samples_of(reading)] == [("T", "B1"), ("T", "B2")]
    assert reading.tables["cytometry_counts"].select("sample_number", "population_path", "count").rows() == [
        (1, "A", 1),
        (1, "B", 3),
        (2, "A", 2),
    ]


@pytest.mark.parametrize("root", ["", "root", "/"])
def test_all_events_have_no_gates(root):
    assert counts_of(read(f"sample,population,count\nT,{root},10\nT,/A,4\n")) == {
        ("T", ""): (10, "counted"),
        ("T", "A"): (4, "counted"),
    }


def test_a_slash_in_a_gate_is_written_with_a_backslash():
    ((_, path),) = counts_of(read("sample,population,count\nT,S\\/Lv/CD3+,10\n"))
    assert gates_of(path) == ("S/Lv", "CD3+")


def test_other_columns_are_keywords_the_study_may_keep():
    table = "sample,population,count,specimen,operator\nT,A,1,P1-W4,Jane\n"
    reading = read(table, study(match={"specimen_keywords": ["SPECIMEN"]}))
    assert json.loads(samples_of(reading)[0]["keywords"]) == {"SPECIMEN": "P1-W4"}
    assert unused(reading) == ["operator"]
    assert samples_of(read(table))[0]["keywords"] is None


def test_percentages_alone_stay_percentages():
    reading = read("sample,population,percent_of_parent\nT,A,12.5 %\nT,B,n/a\n")
    assert counts_of(reading) == {("T", "A"): (None, "percent_only"), ("T", "B"): (None, "not_counted")}
    assert percents_of(reading) == {"A": 12.5, "B": None}


def test_a_workbook_is_read_as_its_csv_would_be():
    rows = [["Sample", "Population", "Count", "Freq. of Parent"], ["T", "A", 41.0, 12.5], ["T", "A/B", 4]]
    assert counts_of(read(workbook({"x": rows}))) == {("T", "A"): (41, "counted"), ("T", "A/B"): (4, "counted")}


def test_events_the_file_gives_elsewhere_make_a_root_of_0_stale():
    found = counts_of(read("sample,population,count,n_events\nT,,0,900\nT,A,0,900\n"))
    assert set(found.values()) == {(None, "stale")}


HEADER = "sample,population,count,percent_of_parent,batch,acquisition_date\n"


@pytest.mark.parametrize(
    ("table", "place"),
    [
        (f"{HEADER}T,A,1,,,\nT,A,1,,,\n", "line 3"),
        (f"{HEADER},A,1,,,\n", "line 2"),
        (f"{HEADER}T,A,1.5,,,\n", "line 2"),
        (f"{HEADER}T,A,-7,,,\n", "line 2"),
        (f"{HEADER}T,A,x,,,\n", "line 2"),
        (f"{HEADER}T,A,,x,,\n", "line 2"),
        (f"{HEADER}T,A,100,,,\nT,A/B,20,30.0,,\n", "line 3: A/B"),
        (f"{HEADER}T,A,1,,,2014-03-18\nT,B,1,,,2014-03-19\n", "line 3"),
        (f"{HEADER}T,A,1,,,04/05/2014\n", "line 2"),
        (f"{HEADER}T,A,1,,,soon\n", "line 2"),
        (f"{HEADER}T,A\\B,1,,,\n", "line 2"),
        (f"{HEADER}T,A,1\n", "line 2"),
        (f"{HEADER}T,A,1,,,,9\n", "line 2"),
        (f"{HEADER}T,A,1,,,", "line 2"),
        ("sample,population,count,Count\nT,A,1,1\n", "header"),
        ("sample,population,count,,batch\nT,A,1,x,B\n", "header"),
    ],
    ids=[
        "population twice",
        "no sample",
        "not whole",
        "negative",
        "text",
        "percentage is text",
        "percentage contradicts",
        "two days",
        "ambiguous day",
        "no day",
        "backslash",
        "short line",
        "long line",
        "no end",
        "column twice",
        "values without header",
    ],
)
def test_a_table_that_is_not_whole_is_refused(table, place):
    refused = refusal(table)
    assert (refused.code, refused.place) == ("cytometry_csv.table", place)


def test_a_table_without_rows_is_empty():
    assert refusal(HEADER).code == "table.empty"


@needs_shared
def test_the_published_statistics_give_every_count_as_a_plain_reading_does():
    with STATISTICS.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    expected = {(row["Sample"], row["Population"]): (int(float(row["Count"])), "counted") for row in rows}
    reading = read(STATISTICS.read_bytes())
    assert counts_of(reading) == expected
    frame = reading.tables["cytometry_counts"]
    percents = [float(row["Freq_Of_Parent"]) if row["Freq_Of_Parent"] else None for row in rows]
    assert frame["percent_of_parent"].to_list() == percents
    assert [row["n_events"] for row in samples_of(reading)] == [10000, 10000]


@needs_shared
@pytest.mark.parametrize("name", OTHERS)
def test_tables_that_are_no_export_are_refused(name):
    assert refusal(OTHERS[name].read_bytes()).code == "format.unrecognised"
