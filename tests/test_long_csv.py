"""Long CSVs: a column under another name, or a file cut short, never makes other wells of those in it."""

from __future__ import annotations

import re

import pytest

from expectations.errors import SourceFileError
from tests.drawing import table
from tests.drawn_exports import column, read, workbook

HEADERS = """
    header                              | row                      | says
    plate,well,spots,stauts             | P,A1,,masked             | no column `status`, but column 4, 'stauts', could
    plate,well,spots,Status of the well | P,A1,,masked             | no column `status`, but column 4
    plate,well,spots,remark             | P,A1,,qc_rejected        | no column `status`, but column 4, 'remark', could
    plate,well,spots,Analytes           | P,A1,3,IL-2              | no column `analyte`, but column 4, 'Analytes'
    plate,well,spots,,status            | P,A1,3,IL-2,counted      | no column `analyte`, but column 4, without a name
    plate,well,spots,analyte,comment    | P,A1,3,IL-2              | the header has 5 columns and every line fewer
"""


@pytest.mark.parametrize(("header", "row", "says"), table(HEADERS).rows())
def test_a_column_of_a_well_that_is_there_under_another_name_is_refused(header, row, says):
    with pytest.raises(SourceFileError, match=re.escape(says)) as refused:
        read(f"{header}\n{row}\n")
    assert refused.value.code in ("table.missing_column", "long_csv.plate")
    assert refused.value.place


def test_columns_of_any_other_kind_are_told_to_be_lost():
    found = read("plate,well,spots,analyte,status,operator\nP,A1,3,IL-2,,KL\n")
    assert found.unused_columns == {"elispot_counts": ["operator"]}


@pytest.mark.parametrize("text", ["plate,well,spots\nP,A1,12", "plate,well,spots,comment\nP,A1,12,\nP,A2,12"])
def test_a_last_line_without_an_end_may_have_lost_digits(text):
    with pytest.raises(SourceFileError, match="may be cut short"):
        read(text)
    with pytest.raises(SourceFileError, match="may be cut short"):
        read(text.encode("utf-16-le"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_every_encoding_and_line_end_gives_the_same_wells(encoding, end):
    text = "plate;well;spots;comment\nPL-1.plt;a01;12;Læge\nPL-1;A2;TNTC;37 °C\n"
    reading = read(text.replace("\n", end).encode(encoding))
    assert reading.tables["elispot_counts"].select("plate_id", "well", "spots", "status").rows() == [
        ("PL-1", "A1", 12, "counted"),
        ("PL-1", "A2", None, "tntc"),
    ]
    assert column(reading, "plates", "comment") == ["Læge"]


def test_only_a_text_can_be_cut_short_in_its_last_line():
    counts = [["plate", "well", "spots", "comment"], ["P", "A1", 12]]
    assert column(read(workbook({"counts": counts})), "elispot_counts", "spots") == [12]
    assert column(
        read("plate,well,spots,read_date,comment\nP,A1,12,2012-03-13,run again"), "elispot_counts", "spots"
    ) == [12]


def test_version_and_settings_of_the_count_are_those_of_the_file():
    text = 'plate,well,spots,software_version,counting_parameters\nP,A1,12,4.1,"{""size"": ""12""}"\n'
    reading = read(text)
    told = reading.tables["plates"].select("software_version", "counting_parameters").row(0)
    assert told == ("4.1", '{"size": "12"}')


@pytest.mark.parametrize("written", ["size 12 to 40", "[12, 40]", "12"])
def test_settings_written_as_free_text_are_one_setting(written):
    reading = read(f"plate;well;spots;counting_parameters\nP;A1;12;{written}\n")
    assert column(reading, "plates", "counting_parameters") == [f'{{"counting parameters": "{written}"}}']
