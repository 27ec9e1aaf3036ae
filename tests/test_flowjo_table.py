"""FlowJo tables: counts of populations by sample, with every oddity FlowJo 9 and 10 write."""

from __future__ import annotations

import csv
import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.drawing import SHARED, needs_shared
from tests.drawn_cytometry import (
    COUNTS_OF_FLOWJO_10,
    COUNTS_OF_HIERARCHY,
    FLOWJO_10,
    HIERARCHY,
    counts_of,
    lines,
    percents_of,
    read,
    refusal,
    samples_of,
    unused,
)
from tests.drawn_exports import workbook
from tests.drawn_tubes import study
from transforms.gating_paths import gates_of
from transforms.readers.population_headers import Statistic, statistic_of

COMPASS = SHARED / "real/cytometry/flowjo_table/SimpleCOMPASSExamples.csv"


def one(header: str, cell: str) -> tuple[int | None, str]:
    """Count and status of the one population of a table of one sample."""
    ((told),) = counts_of(read(f',"{header}"\ns1,"{cell}"\n')).values()
    return told


def test_a_table_of_flowjo_10_gives_counts_by_path_without_footers_and_phantom_columns():
    reading = read(FLOWJO_10)
    assert reading.format == "flowjo_table"
    assert counts_of(reading) == COUNTS_OF_FLOWJO_10


def test_all_events_are_a_population_without_gates_and_the_events_of_the_sample():
    assert [row["n_events"] for row in samples_of(read(FLOWJO_10))] == [10000, 12000]


def test_a_percentage_of_the_parent_stands_beside_the_count():
    table = lines(""",CD3+ | Count,CD3+/CD8+ | Count,CD3+/CD8+ | Freq. of Parent
                      a,8000,2000,25.0""")
    assert percents_of(read(table)) == {"CD3+": None, "CD3+/CD8+": 25.0}


@pytest.mark.parametrize("header", ["CD3+ | Freq. of Parent (%)", "CD3+ | Freq. of Parent", "CD3+,Freq. of Parent"])
def test_a_percentage_without_a_count_stays_a_percentage(header):
    reading = read(f',"{header}"\na,98.1\n')
    assert counts_of(reading) == {("a", "CD3+"): (None, "percent_only")}
    assert percents_of(reading) == {"CD3+": 98.1}


@pytest.mark.parametrize(
    "header",
    [
        "CD3+ | Median (Comp-B525-A :: GFP-A)",
        "CD3+ | Freq. of Total (%)",
        "CD3+ | Freq. of Lymphocytes",
        "CD3+ | Freq. of Grandparent",
        "CD3+,Median,<PE-A>",
        "CD3+,Freq. of Total",
        "| Freq. of Parent (%)",
    ],
)
def test_other_statistics_are_passed_over_and_told(header):
    reading = read(f',CD3+ | Count,"{header}"\na,7,3.5\n')
    assert counts_of(reading) == {("a", "CD3+"): (7, "counted")}
    assert percents_of(reading) == {"CD3+": None}
    assert unused(reading) == [header]


@pytest.mark.parametrize(
    ("header", "path"),
    [
        ("S/Avid-/L/CD3+/CD4+,Count", "S/Avid-/L/CD3+/CD4+"),
        ("Live cells/CD3+, CD4- | Count", "Live cells/CD3+, CD4-"),
        ("CD3+, SD low,Count", "CD3+, SD low"),
        ("Q1: CD4-, CD8+ | Count", "Q1: CD4-, CD8+"),
        ("CD8 - naive/IFNg+2- | Count", "CD8 - naive/IFNg+2-"),
        ("L/(IFNg+ | TNF+) | Count", "L/(IFNg+ | TNF+)"),
        ("L/(!IFNg+&IL2+&!TNFa+) | Count", "L/(!IFNg+&IL2+&!TNFa+)"),
        ("/Lymphocytes/CD3+ | Count", "Lymphocytes/CD3+"),
        ("| Count", ""),
        (",Count", ""),
    ],
)
def test_names_of_gates_come_through_as_they_are(header, path):
    assert list(counts_of(read(f',"{header}"\na,41.0\n')).items()) == [(("a", path), (41, "counted"))]


def test_a_backslash_in_a_gate_is_part_of_its_name():
    ((_, path),) = counts_of(read(",A\\B/C | Count\na,4\n"))
    assert gates_of(path) == ("A\\B", "C")


def test_count_alone_is_that_of_all_events():
    assert counts_of(read(",Count,CD3+ | Count\na,90,7\n")) == {
        ("a", ""): (90, "counted"),
        ("a", "CD3+"): (7, "counted"),
    }


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("41.0", (41, "counted")),
        ("0", (0, "counted")),
        ("30,308", (30308, "counted")),
        ("1 234 567", (1234567, "counted")),
        ("1e3", (1000, "counted")),
        ("-1", (None, "never_computed")),
        ("n/a", (None, "not_counted")),
        ("NaN", (None, "not_counted")),
        ("####", (None, "not_counted")),
        ("######", (None, "not_counted")),
        ("--", (None, "not_counted")),
        ("", (None, "not_counted")),
    ],
)
def test_what_stands_for_a_count_is_typed(cell, told):
    assert one("CD3+ | Count", cell) == told


@pytest.mark.parametrize("cell", ["41.5", "-2", "-1.5", "many", "41 %", "12.345", "1e40", "4l", "1,23"])
def test_what_is_no_count_refuses_the_file_and_is_never_rounded(cell):
    refused = refusal(f',"CD3+ | Count"\ns1,"{cell}"\n')
    assert (refused.code, refused.place) == ("flowjo.table", "line 2")


def test_semicolons_and_decimal_commas_are_read():
    table = lines(""";CD3+ | Count;CD3+/CD8+ | Freq. of Parent (%);CD3+/CD8+ | Count
                      a;8.000,0;12,5;1.000""")
    assert counts_of(read(table)) == {("a", "CD3+"): (8000, "counted"), ("a", "CD3+/CD8+"): (1000, "counted")}


def test_a_keyword_with_a_comma_does_not_change_what_a_point_means():
    table = lines("""Name;Dose;CD3+ | Freq. of Parent (%);CD3+/CD8+ | Freq. of Parent (%)
                      a;1,5;98.1;12.345""")
    assert percents_of(read(table)) == {"CD3+": 98.1, "CD3+/CD8+": 12.345}


def test_thousands_that_could_be_decimals_refuse_the_file():
    assert refusal(";CD3+ | Count\na;8.000\n").code == "flowjo.table"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
def test_encodings_and_tabs_do_not_matter(encoding):
    text = "\tCD3\u00b5+ | Count\na\t7\n"
    assert counts_of(read(text.encode(encoding))) == {("a", "CD3\u00b5+"): (7, "counted")}


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_line_ends_do_not_matter(newline):
    assert counts_of(read(FLOWJO_10.replace("\n", newline))) == COUNTS_OF_FLOWJO_10


def test_a_workbook_is_read_as_its_csv_would_be():
    cells = [row[:-1] for row in csv.reader(FLOWJO_10.splitlines())]
    rows = [[float(cell) if cell.replace(".", "").isdigit() else cell or None for cell in row] for row in cells]
    assert counts_of(read(workbook({"Table": rows}))) == COUNTS_OF_FLOWJO_10


def test_keywords_among_the_statistics_are_kept_only_where_the_study_asks():
    table = ",Stimulation,PATIENT ID,$DATE,$CYT,CD3+ | Count\ns1,MART-1,Jane,18-MAR-2014,LSR II,7\n"
    kept = read(table, study(match={"stimulus_keywords": ["Stimulation"]}))
    (sample,) = samples_of(kept)
    assert json.loads(sample["keywords"]) == {"STIMULATION": "MART-1", "$CYT": "LSR II", "$DATE": "18-MAR-2014"}
    assert sample["acquisition_date"] == date(2014, 3, 18)
    assert unused(kept) == ["PATIENT ID"]
    assert "Stimulation" in unused(read(table))


def test_a_keyword_full_of_numbers_is_no_statistic():
    assert counts_of(read(",Dose,CD3+ | Count\na,41,7\n")) == {("a", "CD3+"): (7, "counted")}


def test_a_name_of_a_file_is_without_its_folder_and_others_are_as_they_are():
    rows = samples_of(read(",CD3+ | Count\nC:\\data\\a.fcs,1\nPBMC 1/2,2\n7,3\n"))
    assert [(row["sample_name"], row["fcs_name"]) for row in rows] == [
        ("a.fcs", "a.fcs"),
        ("PBMC 1/2", None),
        ("7", None),
    ]


def test_folders_of_the_file_are_batches():
    (sample,) = samples_of(read(",CD3+ | Count\na,1\n", path="Batch 3/plate 1/table.csv"))
    assert sample["batches"] == "Batch 3 | plate 1"


@pytest.mark.parametrize("footer", ["Mean,,,\nSD,,,\n", "Mean\nSD\n", "Mean,21.5\n", "SD,,\n"])
def test_footers_are_no_samples_whatever_they_hold(footer):
    assert counts_of(read(f",CD3+ | Count\na,7\n{footer}")) == {("a", "CD3+"): (7, "counted")}


def test_a_footer_among_the_samples_refuses_the_file():
    assert refusal(",CD3+ | Count\nMean,7.5\na,7\n").place == "line 2"


def test_a_sample_twice_is_two_samples():
    assert [row["sample_number"] for row in samples_of(read(",CD3+ | Count\na,7\na,8\n"))] == [1, 2]


@pytest.mark.parametrize(
    ("root", "status"), [("0", "counted"), ("-1", "never_computed")], ids=["root of 0", "root of -1"]
)
def test_below_a_root_that_was_not_computed_everything_is_stale(root, status):
    found = counts_of(read(f",| Count,CD3+ | Count,CD3+/CD8+ | Count,X | Count\na,{root},8,2,-1\n"))
    assert found == {
        ("a", ""): (None, "stale" if status == "counted" else status),
        ("a", "CD3+"): (None, "stale"),
        ("a", "CD3+/CD8+"): (None, "stale"),
        ("a", "X"): (None, "never_computed"),
    }


def test_a_root_of_0_is_stale_where_the_file_has_events_and_a_count_where_it_has_none():
    table = ",$TOT,| Count,CD3+ | Count\na,900,0,0\nb,0,0,0\n"
    found = counts_of(read(table))
    assert found[("a", "CD3+")] == (None, "stale")
    assert found[("b", "CD3+")] == (0, "counted")
    assert [row["n_events"] for row in samples_of(read(table))] == [900, 0]


def test_a_population_smaller_than_one_inside_it_is_stale_with_all_inside():
    table = ",CD3+ | Count,CD3+/CD8+ | Count,CD3+/CD8+/x | Count,CD3+/CD4+ | Count,B | Count\na,100,50,60,20,9\n"
    assert counts_of(read(table)) == {
        ("a", "CD3+"): (100, "counted"),
        ("a", "CD3+/CD8+"): (None, "stale"),
        ("a", "CD3+/CD8+/x"): (None, "stale"),
        ("a", "CD3+/CD4+"): (20, "counted"),
        ("a", "B"): (9, "counted"),
    }


@pytest.mark.parametrize("percent", ["25", "25.0", "25.1", "25.04", "2.5e1"])
def test_a_percentage_that_fits_its_counts_to_its_last_digit_passes(percent):
    found = counts_of(read(f",A | Count,A/B | Count,A/B | Freq. of Parent\na,8000,2003,{percent}\n"))
    assert found == {("a", "A"): (8000, "counted"), ("a", "A/B"): (2003, "counted")}


@pytest.mark.parametrize(("count", "percent"), [("2900", "25.0"), ("20000", "25.0"), ("2000", "0.25"), ("2000", "52")])
def test_a_percentage_that_count_and_parent_contradict_refuses_the_file(count, percent):
    refused = refusal(f",A | Count,A/B | Count,A/B | Freq. of Parent\na,30000,{count},{percent}\n")
    assert (refused.code, refused.place) == ("flowjo.table", "line 2: A/B")


@pytest.mark.parametrize(
    ("table", "place"),
    [
        (",A | Count,A | Count\na,1,1\n", "header"),
        (',A | Count,"A,Count"\na,1,1\n', "header"),
        (",A | Freq. of Parent,A | Freq. of Parent (%)\na,1,1\n", "header"),
        ("A | Count,B | Count\n1,2\n", "header"),
        ("Stimulation,A | Count\nCMV,2\n", "header"),
        (",Dose,dose,A | Count\na,1,2,3\n", "header"),
        (",,A | Count\na,9,2\n", "header"),
        (",A | Count,B | Count\na,1\nb,1,2\n", "line 2"),
        (",A | Count,B | Count\na,1,2,3\n", "line 2"),
        (",A | Count,B | Count\na,1,2\nb,3,4", "line 3"),
        (",A | Count\na,1\n,2\n", "line 3"),
    ],
    ids=[
        "statistic twice",
        "in both spellings",
        "percentage twice",
        "no samples",
        "samples unnamed",
        "keyword twice",
        "values without header",
        "short line",
        "long line",
        "no end",
        "sample without name",
    ],
)
def test_a_table_that_is_not_whole_is_refused(table, place):
    refused = refusal(table)
    assert (refused.code, refused.place) == ("flowjo.table", place)


@pytest.mark.parametrize("table", [",A | Count\n", ",A | Count\nMean,\nSD,\n"])
def test_a_table_without_samples_is_empty(table):
    assert refusal(table).code == "table.empty"


def test_a_hierarchy_gives_paths_by_depth():
    reading = read(HIERARCHY)
    assert reading.format == "flowjo_table"
    assert counts_of(reading) == COUNTS_OF_HIERARCHY
    assert unused(reading) == ["Statistic"]


def test_depth_in_a_column_of_its_own_and_full_names_are_the_same():
    table = lines("""Depth,Name,Statistic,#Cells
                     ,a.fcs,,10000
                     > ,a.fcs/CD3+,80,8000
                     > > ,a.fcs/CD3+/CD8+,25,2000""")
    assert counts_of(read(table)) == {
        ("a.fcs", ""): (10000, "counted"),
        ("a.fcs", "CD3+"): (8000, "counted"),
        ("a.fcs", "CD3+/CD8+"): (2000, "counted"),
    }


def test_a_slash_in_a_name_of_a_hierarchy_is_part_of_the_gate():
    ((_, _), (_, path)) = counts_of(read("Name,Count\na,10\n> S/Lv,9\n"))
    assert gates_of(path) == ("S/Lv",)


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ("> CD3+,1\n", "line 2"),
        ("a,9\n> > CD8+,1\n", "line 3"),
        ("a,9\n> CD3+,1\n> CD3+,1\n", "line 4"),
        ("a,9\n> ,1\n", "line 3"),
    ],
    ids=["below no sample", "a level left out", "twice", "without name"],
)
def test_a_hierarchy_that_is_not_whole_is_refused(rows, place):
    refused = refusal(f"Name,Count\n{rows}")
    assert (refused.code, refused.place) == ("flowjo.table", place)


GATE = st.text(
    st.characters(codec="ascii", exclude_characters='/\\|,"\n\r\x00', categories=["L", "N", "P", "S"]), min_size=1
)


@examples(max_examples=200)
@given(st.lists(GATE, min_size=1, max_size=4), st.sampled_from([" | Count", ",Count"]))
def test_a_header_of_either_version_gives_back_its_gates(gates, ending):
    assert statistic_of("/".join(gates) + ending) == Statistic(tuple(gates), "count")


@needs_shared
def test_the_published_table_gives_every_count_as_a_plain_reading_does():
    with COMPASS.open(newline="") as file:
        header, *rows = csv.reader(file)
    expected = {
        (row[0], cell.removesuffix(",Count")): (int(value), "counted")
        for row in rows
        for cell, value in zip(header[4:], row[4:], strict=True)
    }
    reading = read(COMPASS.read_bytes())
    assert len(expected) == 42 * 257
    assert counts_of(reading) == expected
    assert unused(reading) == ["Stimulation", "PATIENT ID", "GROUP"]
