"""SDTM datasets as SAS transport files: what they give is what their CSV gives, and damage is refused."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expectations.errors import SourceFileError
from tests.drawn_exports import column, source
from tests.drawn_sdtm import dataset, study, transport
from transforms.readers import registry
from transforms.readers.source import Reading

DM = dataset(
    "DM",
    """USUBJID | RFICDTC    | SEX | BRTHDTC    | RFPENDTC         | AGE
       P1      | 2014-01-02 | F   | 1950-12-26 | 2014-07-02T11:45 | 63
       P2      | 2014-01-03 | M   | 1948-07-22 |                  |
       Pæ3     | 2014-01-04 | M   | 1942-07-11 | 2014-08-02       | 71.5""",
)
TR = dataset(
    "TR",
    """USUBJID | TRLNKID | TRTESTCD | TRSTRESC | TRSTRESN | TRSTRESU | TREVAL       | TRDTC
       P1      | T01     | LDIAM    | 21.5     | 21.5     | mm       | INVESTIGATOR | 2014-03-01
       P1      | NT01    | TUMSTATE | PRESENT  |          |          | INVESTIGATOR | 2014-03-01""",
)


def read(data: bytes) -> Reading:
    return registry.read(source(data, "drawn.xpt"), study())


def refusal(data: bytes) -> SourceFileError:
    with pytest.raises(SourceFileError) as caught:
        read(data)
    return caught.value


@pytest.mark.parametrize("version", [5, 8])
@pytest.mark.parametrize(("text", "numbers"), [(DM, ("AGE",)), (TR, ("TRSTRESN",))])
def test_a_transport_file_gives_what_its_csv_gives(version, text, numbers):
    found, expected = read(transport(text, version, numbers)), registry.read(source(text), study())
    assert found.format == expected.format == "sdtm"
    assert set(found.tables) == set(expected.tables)
    for name, frame in expected.tables.items():
        assert found.tables[name].drop("file_sha256", "place").equals(frame.drop("file_sha256", "place"))
    (first, *_) = found.tables.values()
    assert first["place"].to_list()[0] == "row 1"


@pytest.mark.parametrize("version", [5, 8])
def test_text_that_is_no_utf_8_is_taken_as_windows_1252(version):
    data = transport(DM, version, ("AGE",), encoding="cp1252")
    assert column(read(data), "subjects", "subject_id") == ["P1", "P2", "Pæ 3"]


@pytest.mark.parametrize("version", [5, 8])
def test_a_file_that_is_cut_short_is_damaged(version):
    data = transport(DM, version, ("AGE",))
    assert len(data) % 80 == 0
    assert refusal(data[:-40]).code == "xpt.damaged"
    assert refusal(data[:400]).code == "xpt.damaged"


def test_version_5_ends_with_the_record_of_its_last_row():
    assert refusal(transport(DM, 5, ("AGE",))[:-80]).code == "xpt.damaged"
    assert "no whole row" in refusal(transport(DM, 5, ("AGE",))[:-80]).problem


@pytest.mark.parametrize("n_rows", range(1, 12))
@pytest.mark.parametrize("width", [1, 30, 70])
def test_version_5_is_whole_whatever_its_last_record_is_filled_with(n_rows, width):
    text = dataset("DM", "USUBJID | RFICDTC\n" + "\n".join(f"P{n:0{width}} | 2014-01-02" for n in range(n_rows)))
    assert read(transport(text, 5)).tables["subjects"].height == n_rows


def test_version_8_says_how_many_rows_there_are():
    error = refusal(transport(DM, 8, ("AGE",))[:-160])
    assert error.code == "xpt.damaged"
    assert "declares 3 rows" in error.problem


def test_two_datasets_in_one_file_are_refused():
    data = transport(DM, 5)
    error = refusal(data + data[240:])
    assert error.code == "xpt.damaged"
    assert "2 datasets" in error.problem


def test_a_transport_file_of_something_else_is_refused():
    data = transport("STUDYID,PARAMCD,USUBJID\nS,OS,P1\n", 5)
    assert refusal(data).code == "sdtm.variables"


WHOLE = {version: transport(TR, version, ("TRSTRESN",)) for version in (5, 8)}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from((5, 8)), st.lists(st.tuples(st.integers(80, 2000), st.integers(0, 255)), max_size=8), st.data())
def test_mutated_bytes_raise_nothing_but_the_readers_own_error(version, changes, data):
    damaged = bytearray(WHOLE[version])
    for at, value in changes:
        damaged[at % len(damaged)] = value
    end = data.draw(st.integers(80, len(damaged)))
    for content in (bytes(damaged), bytes(damaged[: end // 80 * 80])):
        try:
            read(content)
        except SourceFileError as error:
            assert error.code
