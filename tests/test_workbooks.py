"""Workbooks: whichever library opens one, its cells are the same, and no workbook takes another one down with it."""

from __future__ import annotations

import io
import multiprocessing
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, datetime, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.errors import SourceFileError
from tests.drawing import SHARED, needs_shared
from tests.drawn_exports import read, source, workbook
from transforms.readers import mabtech, workbook_worker, workbooks
from transforms.readers.workbook_process import PassedOver

PLAIN = workbook({"one": [["a", 1], [None, 2.5]], "two": [["b"]]})
CELLS = [("one", [["a", "1"], ["", "2.5"]]), ("two", [["b"]])]


@pytest.fixture
def only_the_fast_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreached(*_: object) -> None:
        raise AssertionError("the careful library was asked")

    monkeypatch.setattr(workbooks, "cells_by_openpyxl", unreached)


@pytest.fixture
def worker() -> Iterator[None]:
    """A test that ends or stops the worker leaves none behind."""
    yield
    workbook_worker.close()


def cells(data: bytes, passed_over: Sequence[PassedOver] = ()) -> list[tuple[str, list[list[str]]]]:
    return [(name, list(rows)) for name, rows in workbooks.workbook_cells(source(data), passed_over)]


# --- both libraries give the same cells ---------------------------------------------------------------------------


@pytest.mark.usefixtures("only_the_fast_library")
def test_a_plain_workbook_is_opened_by_the_fast_library():
    assert cells(PLAIN) == CELLS


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cc", "Cs"]), max_size=12)
NUMBER = st.one_of(
    st.integers(-(10**17), 10**17), st.floats(allow_nan=False, allow_infinity=False), st.integers(-99, 999)
)
MOMENT = st.one_of(
    st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(microsecond=0)),
    st.dates(date(1950, 1, 1), date(2100, 1, 1)),
    st.just(time(4, 5, 6)),
)
SPECIAL = st.sampled_from(
    ["#N/A", "#DIV/0!", "=1+1", "_x000D_", "_x", " a ", "a\nb", "<!-- -->", "]]>", "1", "1e3", ""]
)
VALUE = st.one_of(st.none(), TEXT, NUMBER, st.booleans(), MOMENT, SPECIAL)
ROWS = st.lists(st.lists(VALUE, max_size=5), max_size=5)
FORMATS = st.sampled_from(["General", "0.0%", "0.00", "@", "yyyy-mm-dd", "[h]:mm", '0" IU"', "#,##0", "[Red]0"])


@settings(max_examples=300, deadline=None)
@given(ROWS, st.lists(ROWS, max_size=2), st.lists(FORMATS, max_size=3))
def test_cells_are_those_of_the_careful_library_whatever_they_hold(rows, more, formats):
    sheets = {"first": [[1], *rows], **{f"sheet {n}": drawn for n, drawn in enumerate(more)}}
    data = workbook(sheets, {f"first!A{n}": form for n, form in enumerate(formats, start=1)})
    assert cells(data) == workbooks.cells_by_openpyxl(data)


REAL = sorted((SHARED / "real").rglob("*.xlsx"))


@needs_shared
@pytest.mark.parametrize("path", REAL, ids=[path.name for path in REAL])
@pytest.mark.usefixtures("worker")
def test_cells_of_real_workbooks_are_those_of_the_careful_library(path, monkeypatch):
    data = path.read_bytes()
    expected = workbooks.cells_by_openpyxl(data)
    monkeypatch.setattr(workbooks, "cells_by_openpyxl", lambda *_: pytest.fail("not by the fast library"))
    assert cells(data) == expected


def with_part(data: bytes, old: bytes, new: bytes, part: str = "xl/worksheets/sheet1.xml") -> bytes:
    """The workbook with another text in one of its parts."""
    told = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(told, "w") as copy:
        for name in archive.namelist():
            content = archive.read(name)
            assert name != part or old in content
            copy.writestr(name, content.replace(old, new) if name == part else content)
    return told.getvalue()


NUMBER_CELL = b'<c r="B1" t="n"><v>1</v></c>'
QUIRKS = {
    "an error": b'<c r="B1" t="e"><v>#N/A</v></c>',
    "an error in other quotation marks": b"<c r='B1' t='e'><v>#N/A</v></c>",
    "a text that reads like an error": b'<c r="B1" t="str"><v>#N/A</v></c>',
    "the text of a formula": b'<c r="B1" t="str"><f>A1</f><v>told</v></c>',
    "a formula that was never reckoned": b'<c r="B1"><f>1+1</f></c>',
    "a date by itself": b'<c r="B1" t="d"><v>2024-01-02T00:00:00</v></c>',
    "a comment within": b'<c r="B1"><v>1<!-- x -->2</v></c>',
    "more digits than fit": b'<c r="B1"><v>12345678901234567890</v></c>',
    "no name of its place": b"<c><v>7</v></c>",
    "a lone line end": b'<c r="B1" t="str"><v>a&#13;b</v></c>',
    "an escape": b'<c r="B1" t="str"><v>a_x000D_b</v></c>',
}


@pytest.mark.parametrize("quirk", QUIRKS)
def test_quirks_of_single_cells_are_read_as_the_careful_library_reads_them(quirk):
    data = with_part(PLAIN, NUMBER_CELL, QUIRKS[quirk])
    assert cells(data) == workbooks.cells_by_openpyxl(data)


def test_a_percentage_and_a_date_keep_their_form():
    data = workbook({"one": [[0.25, datetime(2024, 1, 2)], [0.3, None]]}, {"one!A1": "0%"})
    assert cells(data) == [("one", [["25%", "2024-01-02"], ["0.3"]])]


@pytest.mark.parametrize("is_careful", [False, True])
def test_sheets_passed_over_are_not_opened_and_only_beside_the_sheet_that_says_so(is_careful):
    data = workbook({"list": [["a"]], "grid 1": [["b"]], "my grid": [["#N/A" if is_careful else "c"]]})
    beside, alone = PassedOver("list", r"grid \d"), PassedOver("other", r"grid \d")
    assert [name for name, _ in cells(data, (beside,))] == ["list", "my grid"]
    assert [name for name, _ in cells(data, (alone,))] == ["list", "grid 1", "my grid"]


def test_sheets_that_mabtech_passes_over_are_none_that_it_reads():
    unread = ("Average RSV", "Average RSV490", "Sum RSV", "Layout", "Layouts", "Exposure", "Average Sensor Values")
    is_read = ("Plate Database", "Plate Info", "Plate Information", "Spot Forming Units (SFU)", "Database", "SFU")
    data = workbook({name: [["a"]] for name in (*unread, *is_read)})
    assert [name for name, _ in cells(data, (mabtech.PASSED_OVER,))] == list(is_read)


# --- the worker ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("worker")
def test_many_workbooks_are_opened_by_one_process():
    workbook_worker.sheets_in(PLAIN)
    process = workbook_worker._worker.process
    for _ in range(5):
        assert workbook_worker.sheets_in(PLAIN) == CELLS
    assert workbook_worker._worker.process is process


@pytest.mark.usefixtures("worker")
def test_a_worker_that_fell_over_is_started_again():
    workbook_worker.sheets_in(PLAIN)
    process = workbook_worker._worker.process
    process.kill()
    process.wait()
    assert workbook_worker.sheets_in(PLAIN) == CELLS


def killing_the_worker() -> None:
    os.kill(workbook_worker._worker.process.pid, 9)


@pytest.mark.usefixtures("worker")
def test_a_workbook_that_takes_the_worker_down_is_an_error_and_the_next_is_opened(monkeypatch):
    with pytest.raises(ValueError, match="did not survive"):
        workbook_worker.sheets_in(PLAIN * 300, meanwhile=killing_the_worker)
    assert workbook_worker.sheets_in(PLAIN) == CELLS
    monkeypatch.setattr(workbooks, "_check_parts", lambda *_: killing_the_worker())
    assert cells(PLAIN) == CELLS


@pytest.mark.usefixtures("worker")
def test_a_workbook_that_takes_too_long_is_given_up_and_the_next_is_opened():
    large = workbook({"large": [[*range(200)]] * 500})
    with pytest.raises(ValueError, match="took too long"):
        workbook_worker.sheets_in(large, seconds=0.001)
    assert workbook_worker.sheets_in(PLAIN, seconds=30) == CELLS


@pytest.mark.usefixtures("worker")
def test_a_failure_beside_the_worker_leaves_no_answer_to_be_taken_for_the_next():
    def fail() -> None:
        raise KeyError("beside")

    with pytest.raises(KeyError, match="beside"):
        workbook_worker.sheets_in(workbook({"other": [["x"]]}), meanwhile=fail)
    assert workbook_worker.sheets_in(PLAIN) == CELLS


@pytest.mark.usefixtures("worker")
def test_threads_get_the_cells_of_their_own_workbook():
    books = {n: workbook({f"sheet {n}": [[n] * 50] * 40}) for n in range(6)}
    with ThreadPoolExecutor(6) as threads:
        told = list(threads.map(lambda n: (n, workbook_worker.sheets_in(books[n])), [*books] * 5))
    assert all(found == [(f"sheet {n}", [[str(n)] * 50] * 40)] for n, found in told)
    assert len(told) == 30


def in_child(results) -> None:
    results.put((workbook_worker.sheets_in(PLAIN), workbook_worker._worker.process.pid))
    workbook_worker.close()


FORKS = pytest.mark.skipif(
    not hasattr(os, "fork"), reason="processes do not fork on this system; run on Linux or macOS"
)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("method", [pytest.param("fork", marks=FORKS), "spawn"])
def test_a_child_process_has_a_worker_of_its_own_and_leaves_that_of_its_parent_alone(method):
    assert workbook_worker.sheets_in(PLAIN) == CELLS
    own = workbook_worker._worker.process
    context = multiprocessing.get_context(method)
    results = context.SimpleQueue()
    child = context.Process(target=in_child, args=(results,))
    child.start()
    found, pid = results.get()
    child.join()
    results.close()
    assert found == CELLS
    assert child.exitcode is not None, "it ends; with what code a fork of all that the tests run is not this test's"
    assert pid != own.pid
    assert workbook_worker.sheets_in(PLAIN) == CELLS
    assert workbook_worker._worker.process is own


SCRIPT = """
import sys
from transforms.readers import workbook_worker
print(workbook_worker.sheets_in(sys.stdin.buffer.read()), workbook_worker._worker.process.pid)
"""


def test_the_worker_ends_with_the_process_that_started_it_and_nothing_is_left_open():
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", SCRIPT]
    done = subprocess.run(command, input=PLAIN, capture_output=True, check=True)
    told, _, pid = done.stdout.decode().strip().rpartition(" ")
    assert told == str(CELLS)
    assert done.stderr == b""
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


def test_neither_library_is_imported_before_a_workbook_is_opened():
    told = "import sys, transforms.readers.registry; print({'python_calamine', 'openpyxl'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "set()"


# --- damage -------------------------------------------------------------------------------------------------------


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_workbook_with_bytes_changed_is_refused_or_holds_its_cells(draw):
    position = draw.draw(st.integers(4, len(PLAIN) - 1))
    noise = draw.draw(st.binary(min_size=1, max_size=4))
    with suppress(SourceFileError):
        assert cells(PLAIN[:position] + noise + PLAIN[position + len(noise) :]) == CELLS


def test_a_workbook_without_one_of_its_sheets_is_refused_and_not_read_without_it():
    at = PLAIN.rindex(b"xl/worksheets/sheet2.xml")
    with pytest.raises(SourceFileError, match="the content of sheet two is missing") as refused:
        cells(PLAIN[:at] + b"xl/worksheets/sheet9.xml" + PLAIN[at + 24 :])
    assert refused.value.code == "format.workbook"


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=600), st.integers(0, 400))
def test_what_only_begins_like_an_old_workbook_is_refused(tail, padding):
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * padding + tail
    with pytest.raises(SourceFileError) as refused:
        read(data)
    assert refused.value.code == "format.workbook"
