"""Cytobank statistics: a preamble, then one file a row or one population a row."""

from __future__ import annotations

import pytest

from tests.drawn_cytometry import (
    COUNTS_OF_CYTOBANK,
    CYTOBANK_BY_FILE,
    CYTOBANK_BY_POPULATION,
    counts_of,
    read,
    refusal,
    samples_of,
    unused,
)
from transforms.gating_paths import gates_of


@pytest.mark.parametrize("table", [CYTOBANK_BY_FILE, CYTOBANK_BY_POPULATION], ids=["by file", "by population"])
def test_both_layouts_give_the_same_counts(table):
    reading = read(table)
    assert reading.format == "cytobank_table"
    assert counts_of(reading) == COUNTS_OF_CYTOBANK
    assert [(row["fcs_name"], row["n_events"]) for row in samples_of(reading)] == [("a.fcs", 10000), ("b.fcs", 12000)]
    assert unused(reading) == ["Median of CD8+ (PE-A)"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_encodings_do_not_matter(encoding):
    assert counts_of(read(CYTOBANK_BY_FILE.replace("\n", "\r\n").encode(encoding))) == COUNTS_OF_CYTOBANK


def test_names_are_of_populations_where_the_preamble_says_that_all_are_event_counts():
    table = "Statistic,Event Counts\n\nFCS Filename,a.fcs\nCD8+,2000\n"
    assert counts_of(read(table)) == {("a.fcs", "CD8+"): (2000, "counted")}


def test_a_name_with_a_slash_is_one_gate():
    ((_, path),) = counts_of(read("FCS Filename,Event Counts of CD4/CD8 DP\na.fcs,7\n"))
    assert gates_of(path) == ("CD4/CD8 DP",)


def test_more_cells_in_a_population_than_in_the_file_are_stale():
    found = counts_of(read("FCS Filename,Event Counts of Ungated,Event Counts of CD8+\na.fcs,10,20\n"))
    assert set(found.values()) == {(None, "stale")}


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ("FCS Filename,CD8+\na.fcs,5\n", "line 1"),
        ("FCS Filename,a.fcs\nMedian of CD8+,5\n", "line 1"),
        ("FCS Filename,Event Counts of A,A_EventCounts\na.fcs,5,5\n", "line 1"),
        ("FCS Filename,a.fcs\nEvent Counts of A,5\nA_EventCounts,5\n", "line 3"),
        ("FCS Filename,Event Counts of A\na.fcs,5\na.fcs,6\n", "line 3"),
        ("FCS Filename,Event Counts of A\n,5\n", "line 2"),
        ("FCS Filename,Event Counts of A\na.fcs,5.5\n", "line 2"),
        ("FCS Filename,Event Counts of A\na.fcs,-3\n", "line 2"),
        ("FCS Filename,Event Counts of A,Event Counts of B\na.fcs,5\n", "line 2"),
        ("FCS Filename,Event Counts of A\na.fcs,5,6\n", "line 2"),
        ("FCS Filename,Event Counts of A\na.fcs,5", "line 2"),
        ("FCS Filename,a.fcs,b.fcs\nEvent Counts of A,5,x\n", "line 2, column 3"),
        ('FCS Filename,Event Counts of A\n"a.fcs,5\n', "line 2"),
    ],
    ids=[
        "no counts",
        "only medians",
        "population twice",
        "population twice by row",
        "file twice",
        "no name",
        "not whole",
        "negative",
        "short line",
        "long line",
        "no end",
        "text",
        "open quotation mark",
    ],
)
def test_a_table_that_is_not_whole_is_refused(table, place):
    refused = refusal(table)
    assert (refused.code, refused.place) == ("cytobank.table", place)


@pytest.mark.parametrize("table", ["FCS Filename,Event Counts of A\n", "FCS Filename,a.fcs\n"])
def test_a_table_without_rows_is_empty(table):
    assert refusal(table).code == "table.empty"
