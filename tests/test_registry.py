"""The registry: files are recognised by content; whatever lies in an inbox raises nothing but the readers' error."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from expectations.errors import SourceFileError
from tests.drawing import SHARED, needs_shared, table
from tests.drawn_exports import aid_export, read, source, workbook
from transforms.readers.source import text_of

SUBJECTS = "subject_id,enrolment_date\nS1,2012-01-02\n"
BY_CONTENT = {
    "aid_text": aid_export().encode(),
    "reference_table": SUBJECTS.encode(),
    "long_csv": b"plate;well;spots\nP;A1;3\n",
}


@pytest.mark.parametrize("format_name", BY_CONTENT)
def test_a_file_is_recognised_by_its_content(format_name):
    assert read(BY_CONTENT[format_name]).format == format_name


@pytest.mark.parametrize("rows", [["subject_id", "enrolment_date"], ["plate", "well", "spots"]])
def test_a_workbook_is_recognised_as_its_csv_would_be(rows):
    cells = ["S1", "2012-01-02", "3"][: len(rows)]
    csv = ",".join(rows) + "\n" + ",".join(cells) + "\n"
    assert read(workbook({"sheet": [rows, cells]})).format == read(csv).format


@pytest.mark.parametrize("data", [b"", b"  \r\n\t", b"\n\n"])
def test_a_file_without_content_is_empty(data):
    with pytest.raises(SourceFileError) as refused:
        read(data)
    assert refused.value.code == "format.empty"


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfe", b"\xff\xfea", b"\x00" * 40, bytes(range(256)), b"\x81\x8d", b"%PDF-1.4\n\x81", b"GIF89a"],
)
def test_what_is_neither_text_nor_workbook_is_unrecognised(data):
    with pytest.raises(SourceFileError) as refused:
        read(data)
    assert refused.value.code == "format.unrecognised"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_text_is_text_in_every_encoding_labs_write(encoding):
    text = "Subject;µl\nSørensen;1\n"
    assert text_of(source(text.encode(encoding))) == text


PEOPLE = """
    first row                                    | told
    Jane Doe,010170-1234,female                  | 3 columns, of which perdure knows none
    Jane Doe,Sex,seen_by                         | 3 columns, of which perdure knows Sex
    USUBJID,JANE DOE,010170-1234                 | 3 columns, of which perdure knows USUBJID
"""


@pytest.mark.parametrize(("first", "told"), table(PEOPLE).rows())
def test_a_first_row_nobody_knows_is_told_without_what_may_be_about_a_patient(first, told):
    with pytest.raises(SourceFileError) as refused:
        read(f"{first}\nJohn Doe,010171-1234,x\n")
    assert refused.value.code == "format.unrecognised"
    assert told in refused.value.problem
    assert not any(text in refused.value.paragraph() for text in ("Jane", "JANE", "0101", "female"))


def test_a_sheet_of_notes_is_told_without_its_content():
    notes = [["Jane Doe called", "subject_id", "010170-1234"]]
    reading = read(workbook({"subjects": [["subject_id", "enrolment_date"], ["S1", "2012-01-02"]], "notes": notes}))
    (cell,) = reading.bad_cells
    assert (cell.value, cell.row) == ("3 columns, of which perdure knows subject_id", '["subject_id"]')


REAL = SHARED / "real"
OTHER = [
    REAL / "cytometry" / name for name in ("ics_study/mimosa_ics.csv", "ics_study/sample-set.tsv", "fcs/corrupted.fcs")
]


@needs_shared
@pytest.mark.parametrize("path", OTHER, ids=[path.name for path in OTHER])
def test_real_files_perdure_has_no_reader_for_are_refused_as_unrecognised_and_never_half_read(path):
    with pytest.raises(SourceFileError) as refused:
        read(path.read_bytes())
    assert refused.value.code == "format.unrecognised"


@examples(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_raise_anything_but_the_readers_own_error(data):
    with suppress(SourceFileError):
        assert read(data).tables


STARTS = st.sampled_from(
    [b"subject_id,enrolment_date\n", b"plate,well,spots\n", b"Plate name: X\nSpot counts:\n", b"sep=;\n"]
)


@examples(max_examples=200, deadline=None)
@given(STARTS, st.text(alphabet="A1,;\t\n\"'. -/|\u00e6x\r", max_size=120))
def test_no_text_behind_a_known_beginning_raises_anything_but_the_readers_own_error(start, rest):
    with suppress(SourceFileError):
        assert read(start + rest.encode()).tables


WORKBOOK = workbook({"subjects": [["subject_id", "enrolment_date"], ["S1", "2012-01-02"]]})


@examples(max_examples=60, deadline=None)
@given(st.integers(4, len(WORKBOOK) - 1), st.binary(min_size=1, max_size=8))
def test_a_workbook_with_bytes_overwritten_is_refused_or_holds_its_row(position, noise):
    with suppress(SourceFileError):
        reading = read(WORKBOOK[:position] + noise + WORKBOOK[position + len(noise) :])
        assert reading.tables["subjects"]["subject_id"].to_list() == ["S1"]
