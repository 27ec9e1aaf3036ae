"""The reader of FCS files: one sample, its data sets and channels, the keywords that may be kept, and the clock."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest

from expectations.errors import SourceFileError
from expectations.study_file import parse_study
from expectations.tables import TABLES
from tests.drawn_exports import SETTINGS, STUDY, source
from tests.drawn_fcs import AB, ROWS, Drawn, channel, floats, simple
from transforms.readers import registry
from transforms.readers.fcs_dates import acquisition_day, time_of_day
from transforms.readers.source import Reading

KEEPING = parse_study((STUDY + '\n[cytometry]\nkeywords = ["Stim"]\n').encode())
PERSONAL = [
    ("$SRC", "Jane Roe"),
    ("$OP", "J. Doe"),
    ("PATIENT ID", "0101"),
    ("EXPORT USER NAME", "jd"),
    ("Stim", "CMV"),
]
TOLD = [
    ("$FIL", "tube 1.fcs"),
    ("$CYT", "Aria"),
    ("PLATE NAME", "Plate 7"),
    ("CREATOR", "Diva 8"),
    ("$DATE", "08-JUN-2017"),
    ("$BTIM", "16:02:21"),
    ("$ETIM", "16:09:51"),
    ("SPILL", "2,A,B,1,0.1,0,1"),
]


def read(content: bytes, settings=SETTINGS, path: str = "day 1/a.fcs") -> Reading:
    return registry.read(source(content, path), settings)


def test_a_file_is_one_sample_with_its_channels():
    tables = read(simple(more=[*PERSONAL, *TOLD]).bytes()).tables
    sample = tables["cytometry_samples"].row(0, named=True)
    assert tables["cytometry_samples"].height == 1
    assert (sample["sample_number"], sample["sample_name"], sample["fcs_name"]) == (1, "a.fcs", "tube 1.fcs")
    assert (sample["source"], sample["n_events"], sample["batches"]) == ("fcs", 3, "Plate 7 | day 1")
    assert (sample["software_version"], sample["acquisition_date"]) == ("Diva 8", date(2017, 6, 8))
    file = tables["cytometry_files"].row(0, named=True)
    assert (file["data_set"], file["n_events"], file["n_events_declared"], file["n_channels"]) == (1, 3, 3, 2)
    assert (file["fcs_version"], file["data_type"], file["decoded_by"]) == ("FCS3.1", "float", "memory map")
    assert (file["cytometer"], file["begun_at"]) == ("Aria", datetime(2017, 6, 8, 16, 2, 21))
    assert file["ended_at"] == datetime(2017, 6, 8, 16, 9, 51)
    assert (file["has_compensation"], file["remarks"]) == (True, None)
    assert tables["cytometry_channels"].select("channel_number", "channel", "bits").rows() == [
        (1, "A", 32),
        (2, "B", 32),
    ]
    assert "cytometry_counts" not in tables


def test_every_row_keeps_the_contract():
    for name, frame in read(simple(more=TOLD).bytes()).tables.items():
        contract = TABLES[name]
        assert contract.conform(frame).select(contract.required).null_count().sum_horizontal().item() == 0


@pytest.mark.parametrize(("settings", "kept"), [(SETTINGS, False), (KEEPING, True)])
def test_names_of_patients_and_operators_stay_out_of_every_table(settings, kept):
    tables = read(simple(more=PERSONAL).bytes(), settings).tables
    told = " ".join(str(row) for frame in tables.values() for row in frame.rows())
    assert not [value for _, value in PERSONAL[:-1] if value in told]
    assert ("CMV" in told) == kept


def test_a_file_without_a_name_of_its_own_has_that_of_the_inbox():
    tables = read(simple().bytes()).tables
    assert tables["cytometry_samples"]["sample_name"].item() == "a.fcs"
    assert tables["cytometry_files"]["fcs_name"].item() is None


def test_a_second_data_set_is_told_and_adds_neither_sample_nor_events_nor_measures():
    second = Drawn(floats(ROWS * 2), (*AB, channel("Time")), 4, more=[("$FIL", "tube 1.lmd")]).bytes()
    content = simple(more=[("$NEXTDATA", f"{simple().end + 1:06}")]).bytes() + second
    tables = read(content).tables
    assert tables["cytometry_samples"]["n_events"].to_list() == [3]
    assert tables["cytometry_files"].select("data_set", "n_events").rows() == [(1, 3), (2, 4)]
    assert tables["cytometry_channels"]["data_set"].to_list() == [1, 1, 2, 2, 2]
    assert tables["acquisition_measures"]["data_set"].unique().to_list() == [1]


def test_what_is_against_the_standard_is_told():
    drawn = simple(more=[("$DATE", "yesterday"), ("$BTIM", "25:99:00"), ("$TIMESTEP", "x")], header_data=(0, 0))
    file = read(drawn.bytes()).tables["cytometry_files"].row(0, named=True)
    assert (file["acquisition_date"], file["begun_at"]) == (None, None)
    assert file["remarks"] == "$DATE cannot be read and was left out | $BTIM cannot be read and was left out"


def test_a_truncated_file_is_refused():
    with pytest.raises(SourceFileError) as refused:
        read(simple().bytes()[:-5])
    assert refused.value.code == "fcs.data"


def test_a_table_that_begins_with_the_same_letters_is_no_fcs_file():
    with pytest.raises(SourceFileError) as refused:
        read(b"FCS Filename,Population\na.fcs,CD4\n")
    assert not refused.value.code.startswith("fcs.")


@pytest.mark.parametrize(
    ("word", "day"),
    [
        ("15-NOV-1993", date(1993, 11, 15)),
        ("19-May-15", date(2015, 5, 19)),
        ("03-Jan-92", date(1992, 1, 3)),
        ("2013-Jul-19", date(2013, 7, 19)),
        ("2020-03-02", date(2020, 3, 2)),
        ("2023-05-01T10:20:30.5+02:00", date(2023, 5, 1)),
    ],
)
def test_dates_of_acquisition(word, day):
    assert acquisition_day(word, None) == day


@pytest.mark.parametrize("word", ["02/03/2020", "15-15-15", "32-MAY-2015", ""])
def test_a_date_that_could_be_two_or_none_is_not_guessed(word):
    with pytest.raises(ValueError, match=r"."):
        acquisition_day(word, None)


@pytest.mark.parametrize(
    ("word", "clock"),
    [
        ("16:50:29", time(16, 50, 29)),
        ("9:50:15.25", time(9, 50, 15, 250_000)),
        ("17:29:39:30", time(17, 29, 39, 500_000)),
        ("09:42:05:509", time(9, 42, 5, 509_000)),
        ("2023-05-01T10:20:30+02:00", time(10, 20, 30)),
    ],
)
def test_times_of_acquisition(word, clock):
    assert time_of_day(word) == clock


@pytest.mark.parametrize("word", ["25:00:00", "10:61:00", "noon", "10:20", "10:20:30:99"])
def test_what_is_no_time_is_none(word):
    with pytest.raises(ValueError, match=r"."):
        time_of_day(word)
