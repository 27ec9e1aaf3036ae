"""Rows that break a rule are split off with the rule, the column, what stood there and where; the rest stays."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from expectations.contract import Column, Table
from expectations.ingested import ELISPOT_COUNTS, PLATE_LAYOUTS, SPECIMENS
from expectations.reasons import REASONS
from expectations.rules import UNREADABLE, Equal, FilledExactlyWhen, NotBefore, Reference, Rule
from tests.drawing import table
from tests.drawn_exports import layout, read
from transforms.readers.source import BadCell
from transforms.splitting import split

KNOWN: dict[str, list[str]] = {
    "subjects.subject_id": ["S1", "S2"],
    "study.stimuli": ["medium"],
    "study.negative_controls": ["medium"],
}


def drawn_table(*columns: Column, rules: tuple[Rule, ...] = (), references: tuple[Reference, ...] = ()) -> Table:
    """A table with a key, these columns and the source of its rows."""
    source = (Column("file_sha256", pl.String, "File."), Column("place", pl.String, "Place."))
    key = Column("id", pl.String, "Key.", required=True)
    return Table("drawn", "one drawn row", ("id",), (key, *columns, *source), "ingested", rules, references)


def parts(
    declared: Table, drawing: str, bad: tuple[BadCell, ...] = ()
) -> tuple[list[object], list[tuple[object, ...]]]:
    """Keys of the accepted rows; place, rule, column and value of the rejects."""
    rows = table(drawing, declared)
    if UNREADABLE not in rows.columns:
        rows = rows.with_columns(pl.lit(None, dtype=pl.String).alias(UNREADABLE))
    accepted, rejects = split(declared, rows.with_columns(file_sha256=pl.lit("f")), KNOWN, [])
    assert accepted.schema == declared.schema
    told = rejects.sort("place", "rule", "column_name").select("place", "rule", "column_name", "value")
    return sorted(accepted["id"].drop_nulls()), told.rows()


def test_a_row_that_keeps_every_rule_is_accepted_unchanged():
    rows = read("specimen_id,subject_id,collection_date\nB1,S1,2012-01-01\n").tables["specimens"]
    accepted, rejects = split(SPECIMENS, rows, KNOWN, [])
    assert accepted.rows() == rows.drop(UNREADABLE).rows()
    assert rejects.is_empty()


def test_a_missing_value_is_rejected_under_required():
    drawing = """
        id | place
        1  | line 2
           | line 3
    """
    assert parts(drawn_table(), drawing) == (["1"], [("line 3", "row.required", "id", None)])


def test_a_value_that_is_not_allowed_is_kept_as_it_stood():
    declared = drawn_table(Column("sex", pl.String, "Sex.", values=("female", "male")))
    drawing = """
        id | sex    | place
        1  | female | line 2
        2  | Female | line 3
        3  |        | line 4
    """
    assert parts(declared, drawing) == (["1", "3"], [("line 3", "row.allowed_values", "sex", "Female")])


def test_a_number_out_of_range_and_a_text_of_another_form_are_two_rejects_of_one_row():
    declared = drawn_table(
        Column("share", pl.Float64, "Share.", minimum=0, maximum=100),
        Column("well", pl.String, "Well.", pattern="[A-P]1"),
    )
    drawing = """
        id | share | well | place
        1  | 120   | Q1   | line 2
        2  | 100   | P1   | line 3
    """
    told = [("line 2", "row.pattern", "well", "Q1"), ("line 2", "row.range", "share", "120.0")]
    assert parts(declared, drawing) == (["2"], told)


def test_two_dates_in_the_wrong_order_are_both_shown():
    declared = drawn_table(
        Column("late", pl.Date, "Late."), Column("early", pl.Date, "Early."), rules=(NotBefore(("late", "early")),)
    )
    drawing = """
        id | late       | early      | place
        1  | 2012-01-01 | 2012-01-02 | line 2
    """
    assert parts(declared, drawing) == ([], [("line 2", "row.order", "late, early", "2012-01-01, 2012-01-02")])


def test_columns_that_must_agree_and_do_not_are_both_shown():
    declared = drawn_table(Column("a", pl.Int32, "A."), Column("b", pl.Int32, "B."), rules=(Equal(("a", "b")),))
    drawing = """
        id | a  | b  | place
        1  | 95 | 96 | line 2
        2  | 96 | 96 | line 3
    """
    assert parts(declared, drawing) == (["2"], [("line 2", "row.not_equal", "a, b", "95, 96")])


def test_a_count_in_a_masked_well_is_rejected_with_its_number():
    declared = drawn_table(
        Column("spots", pl.Int64, "Spots."),
        Column("status", pl.String, "Status."),
        rules=(FilledExactlyWhen(("spots",), when="status", equals="counted"),),
    )
    drawing = """
        id | spots | status  | place
        1  | 7     | masked  | line 2
        2  |       | counted | line 3
        3  | 0     | counted | line 4
    """
    told = [("line 2", "row.filled_exactly_when", "spots", "7"), ("line 3", "row.filled_exactly_when", "spots", None)]
    assert parts(declared, drawing) == (["3"], told)


def test_a_reference_to_nothing_known_is_rejected_under_its_own_rule():
    declared = drawn_table(
        Column("subject_id", pl.String, "Subject."),
        Column("stimulus", pl.String, "Stimulus."),
        references=(Reference("subject_id", "subjects.subject_id"), Reference("stimulus", "study.stimuli")),
    )
    drawing = """
        id | subject_id | stimulus | place
        1  | S1         | medium   | line 2
        2  | S9         | medium   | line 3
        3  | S2         | Survivin | line 4
        4  |            |          | line 5
    """
    told = [
        ("line 3", "row.unknown_reference", "subject_id", "S9"),
        ("line 4", "row.undeclared", "stimulus", "Survivin"),
    ]
    assert parts(declared, drawing) == (["1", "4"], told)


def test_a_row_that_breaks_only_a_warning_stays():
    declared = drawn_table(
        Column("recovery", pl.Float64, "Recovery.", maximum=100, severity="warning"),
        Column("specimen", pl.String, "Specimen."),
        references=(Reference("specimen", "subjects.subject_id", severity="warning"),),
    )
    drawing = """
        id | recovery | specimen | place
        1  | 120      | S9       | line 2
    """
    assert parts(declared, drawing) == (["1"], [])


KEYS = """
    case                         | id  | value | place  | rule
    alone                        | 1   | a     | line 2 |
    repeated, the first stays    | 2   | a     | line 3 |
    repeated, the second goes    | 2   | a     | line 4 | row.repeated_key
    repeated, the third goes     | 2   | a     | line 5 | row.repeated_key
    conflicting, all go          | 3   | a     | line 6 | row.conflicting_key
    conflicting, all go          | 3   | b     | line 7 | row.conflicting_key
    conflicting though one twice | 4   | a     | line 8 | row.conflicting_key
    conflicting though one twice | 4   | a     | line 9 | row.conflicting_key
    conflicting though one twice | 4   |       | line 10 | row.conflicting_key
"""


def test_a_repeated_row_goes_alone_and_contradicting_rows_go_together():
    declared = drawn_table(Column("value", pl.String, "Value."))
    cases = table(KEYS)
    rows = cases.drop("case", "rule").cast({"id": pl.String}).with_columns(file_sha256=pl.lit("f"))
    rows = rows.select(*declared.schema, pl.lit(None, dtype=pl.String).alias(UNREADABLE))
    accepted, rejects = split(declared, rows, KNOWN, [])
    expected = dict(cases.filter(pl.col("rule").is_not_null()).select("place", "rule").rows())
    assert dict(rejects.select("place", "rule").rows()) == expected
    assert set(accepted["place"]) == set(cases["place"]) - expected.keys()
    assert set(rejects["says"]) == {"id stands once in a file"}


def test_the_same_key_in_two_files_is_no_matter_of_the_split():
    declared = drawn_table(Column("value", pl.String, "Value."))
    rows = table("id | value | place\n1 | a | line 2\n1 | b | line 2", declared)
    rows = rows.with_columns(pl.Series("file_sha256", ["f", "g"]), pl.lit(None, dtype=pl.String).alias(UNREADABLE))
    accepted, rejects = split(declared, rows, KNOWN, [])
    assert (accepted.height, rejects.height) == (2, 0)


def test_what_could_not_be_read_is_told_once_as_unreadable_and_not_as_missing_or_wrong():
    reading = read(
        "specimen_id,subject_id,collection_date,viability_percent\nB1,S1,soon,many\nB2,S1,03/04/2012,95\nB3,S1,,95\n"
    )
    accepted, rejects = split(SPECIMENS, reading.tables["specimens"], KNOWN, reading.bad_cells)
    assert accepted.is_empty()
    assert sorted(rejects.select("place", "rule", "column_name", "value").rows()) == [
        ("line 2", "row.unreadable", "collection_date", "soon"),
        ("line 2", "row.unreadable", "viability_percent", "many"),
        ("line 3", "row.ambiguous_date", "collection_date", "03/04/2012"),
        ("line 4", "row.required", "collection_date", None),
    ]


def test_an_unreadable_count_is_not_told_again_as_a_count_that_is_missing():
    reading = read("plate,well,spots\nP,A1,12O\nP,A2,5\n")
    known = KNOWN | {"plate_layouts.plate_id": ["P"]}
    accepted, rejects = split(ELISPOT_COUNTS, reading.tables["elispot_counts"], known, reading.bad_cells)
    assert accepted["well"].to_list() == ["A2"]
    assert rejects.select("place", "rule", "column_name", "value").rows() == [
        ("line 2", "row.unreadable", "spots", "12O")
    ]


def test_cells_that_belong_to_a_specimen_are_needed_where_there_is_one():
    plan = "plate,well,specimen_id,stimulus,cells\nP,A1,B1,,200000\nP,A2,B1,medium,\nP,A3,B1,medium,many\nP,A4,,,\n"
    reading = read(plan)
    known = KNOWN | {"specimens.specimen_id": ["B1"]}
    accepted, rejects = split(PLATE_LAYOUTS, reading.tables["plate_layouts"], known, reading.bad_cells)
    assert accepted["well"].to_list() == ["A4"]
    assert sorted(rejects.select("place", "rule", "column_name").rows()) == [
        ("line 2", "row.required", "stimulus, specimen_id"),
        ("line 3", "row.required", "cells_per_well, specimen_id"),
        ("line 4", "row.unreadable", "cells_per_well"),
    ]


def test_a_line_wider_than_the_header_is_one_reject_without_its_cells():
    reading = read("specimen_id,subject_id,collection_date\nB1,S1,2012-01-01,x\n")
    accepted, rejects = split(SPECIMENS, reading.tables["specimens"], KNOWN, reading.bad_cells)
    assert accepted.is_empty()
    assert rejects.select("place", "rule", "value").rows() == [("line 2", "row.width", "1 cell more than the header")]
    assert json.loads(rejects.item(0, "row")) == []


def test_a_reject_holds_the_whole_row_and_the_rule_in_words():
    reading = read("specimen_id,subject_id,collection_date,operator\nB1,S9,2012-01-01,Ærø\n")
    _, rejects = split(SPECIMENS, reading.tables["specimens"], KNOWN, [])
    row = json.loads(rejects.item(0, "row"))
    assert (row["specimen_id"], row["collection_date"], row["operator"]) == ("B1", "2012-01-01", "Ærø")
    assert rejects.item(0, "says") == "subject_id stands in the table subjects"


def test_cells_of_another_table_are_not_told_here():
    cell = BadCell("f", "subjects", "line 2", "row.unreadable", "sex", "?", "{}")
    rows = SPECIMENS.empty().with_columns(pl.lit(None, dtype=pl.String).alias(UNREADABLE))
    assert split(SPECIMENS, rows, KNOWN, [cell])[1].is_empty()


CELLS = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["1", "2", "3", None]),
        "sex": st.sampled_from(["female", "male", "x", None]),
        "share": st.sampled_from([0.0, 50.0, 101.0, None]),
        "subject_id": st.sampled_from(["S1", "S9", None]),
        "place": st.sampled_from([f"line {n}" for n in range(2, 12)]),
        UNREADABLE: st.sampled_from([None, None, "sex", "id"]),
    }
)


@examples(max_examples=150, deadline=None)
@given(st.lists(CELLS, max_size=10, unique_by=lambda row: str(row["place"])))
def test_every_row_is_accepted_or_rejected_and_none_is_both(rows):
    declared = drawn_table(
        Column("sex", pl.String, "Sex.", values=("female", "male")),
        Column("share", pl.Float64, "Share.", maximum=100),
        Column("subject_id", pl.String, "Subject."),
        references=(Reference("subject_id", "subjects.subject_id"),),
    )
    frame = pl.DataFrame(rows, schema=declared.schema | {UNREADABLE: pl.String}).with_columns(file_sha256=pl.lit("f"))
    bad = [
        BadCell("f", "drawn", str(row["place"]), "row.unreadable", str(row[UNREADABLE]), "?", "{}")
        for row in rows
        if row[UNREADABLE]
    ]
    accepted, rejects = split(declared, frame, KNOWN, bad)
    taken, left = set(accepted["place"]), set(rejects["place"])
    assert taken | left == {row["place"] for row in rows}
    assert not taken & left
    assert accepted["id"].is_unique().all()
    assert set(rejects["rule"]) <= set(REASONS)


@pytest.mark.parametrize("n", [1, 96])
def test_a_layout_in_order_loses_no_row(n):
    rows = read(layout(n=n)).tables["plate_layouts"]
    accepted, _ = split(PLATE_LAYOUTS, rows, KNOWN | {"specimens.specimen_id": ["S1"]}, [])
    assert accepted.height == n
