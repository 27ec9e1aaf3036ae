"""Reference tables and the long CSV: recognised by their header, read cell by cell, nothing guessed."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from expectations.errors import SourceFileError
from expectations.ingested import BLOOD_COUNTS, REFERENCE_TABLES, SUBJECTS
from expectations.rules import UNREADABLE
from tests import drawn_exports
from tests.drawing import table
from tests.drawn_exports import bad_cells, column, day, read, workbook
from transforms.readers.reference_tables import needed_columns, table_of, template_header

SUBJECT_ROWS = "S1,2012-01-02,female\nS2,2012-01-03,male\n"


@pytest.mark.parametrize("declared", REFERENCE_TABLES, ids=lambda one: one.name)
def test_a_templates_header_is_that_of_its_table_and_of_no_other(declared):
    assert table_of(template_header(declared)) == [declared]
    assert table_of(sorted(needed_columns(declared))) == [declared]


@pytest.mark.parametrize("declared", REFERENCE_TABLES, ids=lambda one: one.name)
def test_a_header_lacking_one_needed_column_is_refused_by_the_name_of_the_column(declared):
    for missing in sorted(needed_columns(declared)):
        header = [name for name in template_header(declared) if name != missing]
        with pytest.raises(SourceFileError, match=rf"{declared.name} also needs .*{missing}") as refused:
            read(",".join(header) + "\n")
        assert refused.value.code == "table.missing_column"


@pytest.mark.parametrize(
    "header",
    [
        "subject_id,enrolment_date,sex",
        "Subject ID,Enrolment Date,SEX",
        "SUBJECT-ID,enrolment-date,Sex",
        " subject  id , enrolment_date ,sex",
        "subject,enrolment_date,sex",
        '"subject_id","enrolment_date","sex"',
    ],
)
def test_header_cells_are_read_whatever_their_case_blanks_and_hyphens(header):
    reading = read(f"{header}\n{SUBJECT_ROWS}")
    assert reading.format == "reference_table"
    assert column(reading, "subjects", "subject_id") == ["S1", "S2"]
    assert column(reading, "subjects", "sex") == ["female", "male"]


SAME = [
    "specimen_id,subject_id,collection_date,viability_percent,operator\nB1,S1,2012-03-04,85.5,\"Ærø, J.\"\n",
    "specimen_id;subject_id;collection_date;viability_percent;operator\nB1;S1;2012-03-04;85,5;Ærø, J.\n",
    "specimen_id\tsubject_id\tcollection_date\tviability_percent\toperator\nB1\tS1\t2012-03-04\t85,5\tÆrø, J.\n",
    "specimen_id,subject_id,collection_date,viability_percent,operator,,\nB1,S1,2012-03-04,85.5 %,\"Ærø, J.\",,\n",
    "sep=;\nspecimen_id;subject_id;collection_date;viability_percent;operator\nB1;S1;4 March 2012;85,5;Ærø, J.\n",
    "\n\nspecimen_id,subject_id,collection_date,viability_percent,operator\n,,,,\nB1,S1,04-Mar-2012,85.5,\"Ærø, J.\"\n",
]  # fmt: skip


@pytest.mark.parametrize("text", SAME, ids=["comma", "semicolon", "tab", "empty columns", "sep line", "empty lines"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_separators_decimal_commas_encodings_and_line_ends_give_the_same_rows(text, encoding, line_end):
    reading = read(text.replace("\n", line_end).encode(encoding))
    found = reading.tables["specimens"].select("specimen_id", "collection_date", "viability_percent", "operator").rows()
    assert found == [("B1", date(2012, 3, 4), 85.5, "Ærø, J.")]
    assert reading.bad_cells == []
    assert reading.unused_columns == {}


def test_every_row_says_on_which_line_it_stands_also_below_empty_lines_and_cells_with_line_ends():
    text = 'subject_id,enrolment_date,m_stage\n\nS1,2012-01-02,"M1a\nthen M1b"\nS2,2012-01-03,\n'
    assert column(read(text), "subjects", "place") == ["line 3", "line 5"]
    assert column(read(f"sep=,\n{text}"), "subjects", "place") == ["line 4", "line 6"]


@pytest.mark.parametrize("missing", ["", "  ", "n/a", "N/A", "NaN", "--", "####", "#N/A", "NULL"])
def test_what_exports_write_for_nothing_is_nothing(missing):
    reading = read(f"subject_id,enrolment_date,sex,ldh_at_baseline\nS1,2012-01-02,{missing},{missing}\n")
    assert column(reading, "subjects", "sex") == column(reading, "subjects", "ldh_at_baseline") == [None]
    assert reading.bad_cells == []


def test_none_is_nothing_for_a_number_and_a_word_for_a_stimulus():
    reading = read("plate,well,stimulus,cells,replicate\nP1,A1,none,200000,none\n")
    assert column(reading, "plate_layouts", "stimulus") == ["none"]
    assert column(reading, "plate_layouts", "replicate") == [None]


UNREAD = """
    column          | cell         | rule
    enrolment_date  | 03/04/2012   | row.ambiguous_date
    enrolment_date  | 2012-02-30   | row.unreadable
    enrolment_date  | soon         | row.unreadable
    enrolment_date  | 0212-01-02   | row.unreadable
    birth_year      | 19.5         | row.unreadable
    birth_year      | 9999999999   | row.unreadable
    birth_year      | in the 1950s | row.unreadable
    ldh_at_baseline | 2x10^2       | row.unreadable
    ldh_at_baseline | 1e999        | row.unreadable
    ldh_at_baseline | 200 U/L      | row.unreadable
    ldh_at_baseline | 20%          | row.unreadable
"""


@pytest.mark.parametrize(("name", "cell", "rule"), table(UNREAD).rows())
def test_a_cell_that_cannot_be_read_is_null_named_and_kept_as_it_stood(name, cell, rule):
    cells = {"subject_id": "S1", "enrolment_date": "2012-01-02", "birth_year": "1950", "ldh_at_baseline": "210"}
    cells[name] = cell
    reading = read(f"{','.join(cells)}\n{','.join(cells.values())}\n")
    assert bad_cells(reading) == [("line 2", rule, name, cell)]
    assert column(reading, "subjects", name) == [None]
    assert column(reading, "subjects", UNREADABLE) == [name]
    assert all(text in reading.bad_cells[0].row for text in cells.values())


def test_an_ambiguous_date_is_read_where_the_study_file_gives_the_order():
    text = "subject_id,enrolment_date\nS1,03/04/2012\n"
    assert column(read(text, drawn_exports.settings(order="dmy")), "subjects", "enrolment_date") == [day("2012-04-03")]
    assert column(read(text, drawn_exports.settings(order="mdy")), "subjects", "enrolment_date") == [day("2012-03-04")]


THOUSANDS = """
    separator | other   | cell      | whole  | number
    ;         | 1.234,5 | 200.000   | 200000 | 200000
    ;         | 0,5     | 200.000   | 200000 | 200000
    ;         | 0,5     | 200,000   |        | 200
    ;         | 0.5     | 200.000   |        | 200
    ;         | 12      | 200.000   |        |
    ;         | 12      | 200,000   |        |
    ;         | 12      | 0,125     |        | 0.125
    tab       | 0.5     | 200,000   | 200000 | 200000
    tab       | 0,5     | 200,000   |        | 200
    ,         | 12      | 200.000   |        | 200
    ,         | 12      | "200,000" | 200000 | 200000
    ,         | "0,5"   | "200,000" |        |
    ,         | 12      | 200000.0  | 200000 | 200000
    ,         | 12      | 200 000   | 200000 | 200000
    ,         | 12      | 2E5       | 200000 | 200000
    ,         | 12      | 1.234     |        | 1.234
"""


@pytest.mark.parametrize(("separator", "other", "cell", "whole", "number"), table(THOUSANDS).rows())
def test_no_number_is_ever_read_a_thousandfold_wrong(separator, other, cell, whole, number):
    def first_of(*lines: str) -> str:
        return "\n".join(lines).replace("|", {"tab": "\t"}.get(separator, separator)) + "\n"

    plan = first_of("plate|well|stimulus|cells", f"P|A1|m|{cell}", f"P|A2|m|{other}")
    blood = first_of("subject_id|count_date|lymphocytes_per_ul", f"S1|2012-01-02|{cell}", f"S1|2012-01-03|{other}")
    assert column(read(plan), "plate_layouts", "cells_per_well")[0] == whole
    assert column(read(blood), "blood_counts", "lymphocytes_per_ul")[0] == number


def test_a_line_wider_than_the_header_is_a_row_of_which_no_cell_is_taken():
    reading = read("subject_id,enrolment_date,sex\nS1,2012-01-02,female,3,4\nS2,2012-01-03,male,,\n")
    assert bad_cells(reading) == [("line 2", "row.width", "sex", "2 cells more than the header")]
    assert reading.bad_cells[0].row == "[]"
    assert column(reading, "subjects", "subject_id") == [None, "S2"]
    unreadable = column(reading, "subjects", UNREADABLE)
    assert unreadable[0].split(",") == template_header(SUBJECTS)
    assert unreadable[1] is None


def test_a_line_that_ends_early_lacks_its_last_cells():
    reading = read("subject_id,enrolment_date,sex,m_stage\nS1,2012-01-02\n")
    assert column(reading, "subjects", "sex") == column(reading, "subjects", "m_stage") == [None]
    assert reading.bad_cells == []


def test_columns_perdure_does_not_know_are_named():
    text = "subject_id,enrolment_date,Favourite colour,place\nS1,2012-01-02,red,Herlev\n"
    reading = read(text)
    assert reading.unused_columns == {"subjects": ["Favourite colour", "place"]}
    assert column(reading, "subjects", "place") == ["line 2"]


@pytest.mark.parametrize("line", ["S1,Jens Hansen,soon", "S1,Jens Hansen,2012-01-02,Jens Hansen"])
def test_what_stands_in_columns_perdure_does_not_know_is_not_quoted_in_rejects(line):
    (cell,) = read(f"subject_id,full name,enrolment_date\n{line}\n").bad_cells
    assert "Hansen" not in f"{cell.value} {cell.row}"


FAULTY = {
    "a column twice": "subject_id,enrolment_date,sex,Sex\nS1,2012-01-02,male,female\n",
    "a column and its alias": "plate,plate_id,well,stimulus,cells\nP,P,A1,m,1\n",
    "a header of two tables": "subject_id,enrolment_date,infusion_date\nS1,2012-01-02,2012-02-01\n",
    "no rows": "subject_id,enrolment_date\n",
    "only empty rows": "subject_id,enrolment_date\n,\n ,\n",
    "nearly counts": "plate,well,count\nP,A1,3\n",
    "an open quotation": 'subject_id,enrolment_date,m_stage\nS1,2012-01-02,"M1a\nS2,2012-01-03,M1b\n',
    "a stray quotation": 'subject_id,enrolment_date,m_stage\nS1,2012-01-02,"M1a" or b\n',
    "no table": "name,telephone\nJ,12\n",
    "prose": "Dear all,\nplease find the counts attached.\n",
}
SAID = """
    fault                  | code                  | says
    a column twice         | table.repeated_column | the column sex stands 2 times (sex, Sex)
    a column and its alias | table.repeated_column | the column plate_id stands 2 times (plate, plate_id)
    a header of two tables | table.ambiguous       | the header fits subjects and infusion_products
    no rows                | table.empty           | there is a header and no row below it
    only empty rows        | table.empty           | there is a header and no row below it
    nearly counts          | table.missing_column  | a table of counts also needs spots
    an open quotation      | format.unrecognised   | from line 2 on, the quotation marks do not pair up
    a stray quotation      | format.unrecognised   | from line 2 on, the quotation marks do not pair up
    no table               | format.unrecognised   | 2 columns, of which perdure knows none
    prose                  | format.unrecognised   | 1 column, of which perdure knows none
"""


@pytest.mark.parametrize(("fault", "code", "says"), table(SAID).rows())
def test_a_file_that_cannot_be_read_as_a_table_says_why(fault, code, says):
    with pytest.raises(SourceFileError, match=re.escape(says)) as refused:
        read(FAULTY[fault])
    assert refused.value.code == code


def test_cells_of_a_workbook_are_dates_numbers_and_percentages_as_the_person_sees_them():
    rows = [
        ["specimen_id", "subject_id", "collection_date", "collected_at", "viability_percent", "recovery_percent"],
        ["B1", "S1", date(2012, 3, 4), datetime(2012, 3, 4, 9, 30), 0.953, 88.125],
        [101, 7, "2012-03-05", "2012-03-05 10:00", 95.3, None],
    ]
    reading = read(workbook({"specimens": rows}, {"specimens!E2": "0.0%"}))
    told = reading.tables["specimens"].drop("file_sha256").to_dicts()
    assert [row["specimen_id"] for row in told] == ["B1", "101"]
    assert [row["subject_id"] for row in told] == ["S1", "7"]
    assert [row["collection_date"] for row in told] == [day("2012-03-04"), day("2012-03-05")]
    assert [row["collected_at"] for row in told] == [datetime(2012, 3, 4, 9, 30), datetime(2012, 3, 5, 10)]
    assert [row["viability_percent"] for row in told] == [95.3, 95.3]
    assert [row["recovery_percent"] for row in told] == [88.125, None]
    assert [row["place"] for row in told] == ["specimens!row 2", "specimens!row 3"]


SUBJECT_SHEET = [["subject_id", "enrolment_date"], ["S1", date(2012, 1, 2)]]
LAYOUT_SHEET = [["plate", "well", "stimulus", "cells"], ["P", "A1", "medium", 200000]]


def test_every_sheet_of_a_workbook_is_a_table_and_a_strange_one_is_named():
    sheets = {"who": SUBJECT_SHEET, "plan": LAYOUT_SHEET, "notes": [["call the clinic"]], "empty": []}
    reading = read(workbook(sheets))
    assert {name: frame.height for name, frame in reading.tables.items()} == {"subjects": 1, "plate_layouts": 1}
    assert bad_cells(reading) == [
        ("notes!row 1", "row.sheet_unrecognised", "header", "1 column, of which perdure knows none")
    ]


def test_two_sheets_of_one_table_are_one_table():
    reading = read(workbook({"2012": SUBJECT_SHEET, "2013": [SUBJECT_SHEET[0], ["S2", date(2013, 1, 2)]]}))
    assert column(reading, "subjects", "place") == ["2012!row 2", "2013!row 2"]


def test_a_size_written_wrongly_into_a_workbook_loses_no_row():
    import io
    import zipfile

    told = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook({"who": SUBJECT_SHEET}))) as old, zipfile.ZipFile(told, "w") as new:
        for name in old.namelist():
            new.writestr(name, re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:A1"', old.read(name)))
    assert column(read(told.getvalue()), "subjects", "subject_id") == ["S1"]


def test_a_sheet_of_counts_beside_others_is_to_be_saved_alone():
    counts = [["plate", "well", "spots"], ["P", "A1", 3]]
    with pytest.raises(SourceFileError, match="save the sheet of counts as a file of its own"):
        read(workbook({"counts": counts, "plan": LAYOUT_SHEET}))
    assert read(workbook({"counts": counts})).format == "long_csv"


@pytest.mark.parametrize("damage", ["cut", "noise", "signature only", "password"])
def test_a_workbook_that_cannot_be_opened_is_refused(damage):
    good = workbook({"who": SUBJECT_SHEET})
    data = {
        "cut": good[: len(good) // 2],
        "noise": good[:200] + b"\x00" * 300 + good[500:],
        "signature only": b"PK\x03\x04",
        "password": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 4096,
    }[damage]
    with pytest.raises(SourceFileError, match=r"damaged, has a password or is none") as refused:
        read(data)
    assert refused.value.code == "format.workbook"


LONG = """plate,well,analyte,spots,status,read_date,instrument
P1.plt,A01,,12,,2012-03-13,Mabtech
P1,a2,,,,2012-03-13,Mabtech
P1,A3,,,TNTC,2012-03-13,Mabtech
P1,A4,,tntc,,2012-03-13,Mabtech
P1,A5,,0,counted,,
P1,A6,,,masked,,
P1,A1,IL-2,3,,,
P2,A1,,-4,,2012-03-14,
P2,A2,,12O,,,
"""


def test_the_status_of_a_long_csv_follows_from_the_count_where_it_is_not_told():
    found = read(LONG).tables["elispot_counts"].select("plate_id", "well", "analyte", "spots", "status").rows()
    assert found == [
        ("P1", "A1", "IFNg", 12, "counted"),
        ("P1", "A2", "IFNg", None, "not_counted"),
        ("P1", "A3", "IFNg", None, "tntc"),
        ("P1", "A4", "IFNg", None, "tntc"),
        ("P1", "A5", "IFNg", 0, "counted"),
        ("P1", "A6", "IFNg", None, "masked"),
        ("P1", "A1", "IL-2", 3, "counted"),
        ("P2", "A1", "IFNg", -4, "counted"),
        ("P2", "A2", "IFNg", None, "counted"),
    ]
    assert bad_cells(read(LONG)) == [("line 10", "row.unreadable", "spots", "12O")]


def test_every_plate_and_analyte_of_a_long_csv_is_a_plate():
    found = read(LONG).tables["plates"].select("plate_id", "analyte", "n_wells", "read_date", "instrument").rows()
    assert found == [
        ("P1", "IFNg", 6, day("2012-03-13"), "Mabtech"),
        ("P1", "IL-2", 1, None, "long CSV"),
        ("P2", "IFNg", 2, day("2012-03-14"), "long CSV"),
    ]


def test_a_tntc_among_the_counts_needs_no_column_for_the_status():
    found = read("plate,well,spots\nP,A1,TNTC\nP,A2,5\nP,A3,5,6\n")
    assert column(found, "elispot_counts", "status")[:2] == ["tntc", "counted"]
    assert bad_cells(found) == [("line 4", "row.width", "spots", "1 cell more than the header")]


LONG_REFUSED = """
    rows                               | place          | says
    P,A1,1,2012-03-13 P,A2,1,2012-3-14 | plate P        | the plate has 2 read dates (2012-03-13, 2012-03-14)
    P,A1,1,03/04/2012                  | line 2         | the read date '03/04/2012' can be read two ways
    P,A1,1,soon                        | line 2         | the read date 'soon' is no date
    P,A1,1, P,A01,2,                   | line 2, line 3 | well A1 of plate P has 2 rows for IFNg
"""


@pytest.mark.parametrize(("rows", "place", "says"), table(LONG_REFUSED).rows())
def test_a_long_csv_whose_plates_are_open_is_refused(rows, place, says):
    with pytest.raises(SourceFileError, match=re.escape(says)) as refused:
        read("\n".join(["plate,well,spots,read_date", *rows.split(), ""]))
    assert (refused.value.code, refused.value.place) == ("long_csv.plate", place)


def test_a_long_csv_without_rows_is_empty():
    with pytest.raises(SourceFileError, match="no well below it"):
        read("plate,well,spots\n")


def test_a_row_without_a_plate_makes_no_plate():
    reading = read("plate,well,spots\n,A1,3\nP,A1,4\n")
    assert column(reading, "plates", "plate_id") == ["P"]
    assert reading.tables["elispot_counts"].height == 2


CELL = st.one_of(st.text(max_size=12), st.sampled_from(["2012-01-02", "03/04/2012", "1.234", "85,5", '"', ",", ""]))


@examples(max_examples=150, deadline=None)
@given(st.lists(st.lists(CELL, min_size=1, max_size=12), max_size=6), st.sampled_from([",", ";", "\t"]))
def test_whatever_stands_in_the_cells_every_line_is_a_row_or_the_file_is_refused(rows, separator):
    header = template_header(BLOOD_COUNTS)
    text = "\n".join(separator.join(cells) for cells in [header, *rows]) + "\n"
    with suppress(SourceFileError):
        reading = read(text.encode("utf-8", "replace"))
        frame = reading.tables["blood_counts"]
        assert frame["place"].is_unique().all()
        assert frame.filter(pl.col(UNREADABLE).is_not_null()).height == len({cell.place for cell in reading.bad_cells})


def test_plates_and_wells_of_templates_are_spelled_as_those_of_layouts():
    wells = read("template,well,slot,stimulus,cells_per_well\nT,a01,1,medium,200000\n")
    assert column(wells, "layout_templates", "well") == ["A1"]
    plates = read("plate_id,template,slot,specimen_id\n PL-1.PLT ,T,1,S1\n")
    assert column(plates, "plate_templates", "plate_id") == ["PL-1"]
