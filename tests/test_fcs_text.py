"""Headers and TEXT segments of FCS files: whatever instruments write there is read, or refused by its code."""

from __future__ import annotations

import pytest

from expectations.errors import SourceFileError
from tests.drawn_exports import source
from tests.drawn_fcs import AB, HEADER, ROWS, Drawn, channel, floats, opened, rows_of, simple
from transforms.fcs.data_sets import open_fcs
from transforms.fcs.text import pairs_of


def code_of(content: bytes) -> str:
    with pytest.raises(SourceFileError) as refused:
        open_fcs(source(content, "drawn.fcs"))
    assert refused.value.place
    return refused.value.code


def replaced(drawn: Drawn, old: str, new: str) -> bytes:
    text = drawn.text().decode()
    assert old in text
    return drawn.bytes(text.replace(old, new).encode())


@pytest.mark.parametrize("version", ["FCS2.0", "FCS3.0", "FCS3.1", "FCS3.2"])
def test_files_of_every_version_are_read(version):
    found = opened(simple(version=version).bytes())
    assert (found.version, found.n_events, found.n_events_declared) == (version, 3, 3)
    assert found.events().rows() == ROWS
    assert found.remarks == ()


@pytest.mark.parametrize("version", ["FCS1.0", "FCS4.0", "FCS3,1"])
def test_other_versions_are_refused(version):
    assert code_of(simple(version=version).bytes()) == "fcs.version"


@pytest.mark.parametrize("content", [b"oi21j08cn\n", b"FCS3.0", b"FCS3.0".ljust(57), b"FCS3.0".ljust(60)])
def test_a_file_too_short_for_a_header_or_without_offsets_is_refused(content):
    assert code_of(content) == "fcs.header"


def test_a_text_segment_that_is_not_in_the_file_is_refused():
    assert code_of(simple().bytes()[:200]) == "fcs.header"


@pytest.mark.parametrize("delimiter", ["/", "|", "\\", "*", "\x0c", "\x1e", "!", "."])
def test_any_character_can_part_keywords(delimiter):
    assert rows_of(simple(delimiter=delimiter).bytes()) == ROWS


def test_a_text_without_delimiter_is_refused():
    assert code_of(simple().bytes(simple().text()[1:])) == "fcs.text"


def test_a_doubled_delimiter_within_a_value_stands_for_itself():
    found = opened(simple(more=[("$P1F", "488/10"), ("PATH", "/data/x"), ("ROOT", "/")]).bytes())
    assert found.keywords["$P1F"] == "488/10"
    assert (found.keywords["PATH"], found.keywords["ROOT"]) == ("/data/x", "/")


def test_a_doubled_delimiter_behind_a_key_is_an_empty_value_and_no_channel_name_is_lost():
    content = replaced(simple(channels=(channel("A", S="x"), channel("B"))), "$P1S/x/", "$P1S//")
    found = opened(content)
    assert [one.name for one in found.channels] == ["A", "B"]
    assert found.channels[0].stain is None
    assert found.remarks == ("keywords with an empty value: 1",)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("K/V/", [("K", "V")]),
        ("K/V", [("K", "V")]),
        ("K//L/W/", [("K", ""), ("L", "W")]),
        ("K/V//W/L/X/", [("K", "V/W"), ("L", "X")]),
        ("K/V///L/X/", [("K", "V/"), ("L", "X")]),
        ("K///V/L/X/", [("K", "/V"), ("L", "X")]),
        ("K////L/X/", [("K", "/"), ("L", "X")]),
        ("K/V////W/", [("K", "V//W")]),
    ],
)
def test_delimiters_in_a_row_are_read_by_where_they_stand(text, pairs):
    assert pairs_of(text, "/").pairs == pairs


def test_keys_and_values_padded_with_blanks_are_keys_and_values():
    found = opened(replaced(simple(), "$P1N/A/", "$p1n  /  A /"))
    assert found.channels[0].name == "A"


def test_a_key_without_a_value_is_refused():
    assert code_of(simple().bytes(simple().text() + b"ORPHAN")) == "fcs.text"


@pytest.mark.parametrize("shift", [1, -1, -2])
def test_an_end_of_text_that_is_off_by_one_loses_no_keyword(shift):
    drawn = simple(more=[("$CYT", "Aria")], text_shift=shift, behind_text=b"\x07")
    found = opened(drawn.bytes())
    assert found.events().rows() == ROWS
    assert found.keywords["$CYT"] == "Aria"[: None if shift > -2 else -1]


@pytest.mark.parametrize("key", ["$P1N", "$P2R", "$TOT", "$PAR", "$BYTEORD", "$DATATYPE", "$SPILLOVER"])
def test_a_keyword_of_consequence_with_two_values_is_refused(key):
    assert code_of(simple(more=[(key, "7"), (key, "8")]).bytes()) == "fcs.text"


def test_other_keywords_with_two_values_are_left_out_and_told_of_without_naming_patients():
    found = opened(simple(more=[("ID", "1"), ("ID", "2"), ("$COM", "a"), ("$COM", "b")]).bytes())
    assert not {"ID", "$COM"} & found.keywords.keys()
    assert found.remarks == ("keywords left out because they stand twice with two values: 2 $COM",)


def test_a_keyword_that_stands_twice_with_one_value_is_that_value():
    assert opened(simple(more=[("$P1N", "A"), ("ID", "1"), ("ID", "1")]).bytes()).keywords["ID"] == "1"


@pytest.mark.parametrize(("encoding", "remarks"), [("utf-8", 0), ("cp1252", 1)])
def test_text_that_is_not_ascii_is_read_as_utf_8_or_windows_1252(encoding, remarks):
    text = simple(more=[("$P1S", "Alexa™ 405 µm")]).text().decode().encode(encoding)
    found = opened(simple().bytes(text))
    assert found.channels[0].stain == "Alexa™ 405 µm"
    assert len(found.remarks) == remarks


def test_bytes_that_no_encoding_has_do_not_stop_the_reader():
    text = simple().text() + b"NOTE/\x81\xff/"
    assert rows_of(simple().bytes(text)) == ROWS


@pytest.mark.parametrize(
    ("key", "code"),
    [("$PAR", "fcs.keyword"), ("$DATATYPE", "fcs.keyword"), ("$BYTEORD", "fcs.keyword"), ("$P2B", "fcs.keyword")],
)
def test_a_keyword_the_events_need_is_missing(key, code):
    assert code_of(simple(without=[key]).bytes()) == code


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("$MODE/L/", "$MODE/C/", "fcs.mode"),
        ("$MODE/L/", "$MODE/U/", "fcs.mode"),
        ("$DATATYPE/F/", "$DATATYPE/A/", "fcs.data_type"),
        ("$DATATYPE/F/", "$DATATYPE/Q/", "fcs.keyword"),
        ("$BYTEORD/1,2,3,4/", "$BYTEORD/3,4,1,2/", "fcs.data_type"),
        ("$P1B/32/", "$P1B/128/", "fcs.data_type"),
        ("$P1B/32/", "$P1B/*/", "fcs.keyword"),
        ("$P1B/32/", "$P1B/-8/", "fcs.keyword"),
        ("$PAR/2/", "$PAR/3/", "fcs.keyword"),
        ("$PAR/2/", f"$PAR/{10**12}/", "fcs.keyword"),
        ("$PAR/2/", f"$PAR/{'9' * 1000}/", "fcs.keyword"),
        ("$P1E/0,0/", "$P1E/x,y/", "fcs.keyword"),
        ("$P1E/0,0/", "$P1E/4,-1/", "fcs.keyword"),
        ("$P1R/262144/$P1E/0,0/", "$P1E/4,1/", "fcs.keyword"),
    ],
)
def test_an_impossible_value_is_refused_by_its_code(old, new, code):
    assert code_of(replaced(simple(), old, new)) == code


def test_a_channel_without_a_name_is_called_by_its_number():
    found = opened(replaced(simple(), "$P2N/B/", "$P2N/ /"))
    assert found.events().columns == ["A", "2"]
    assert "$P2N is empty" in " ".join(found.remarks)


def test_channels_of_one_name_get_names_of_their_own():
    channels = (channel("A"), channel("A"), channel("A (2)"))
    rows = [(1.0, 2.0, 3.0)]
    found = opened(Drawn(floats(rows), channels, 1).bytes())
    assert len(set(found.events().columns)) == 3
    assert found.events().columns[::2] == ["A", "A (2)"]
    assert found.events().rows() == rows


def test_a_channel_tells_what_its_keywords_tell():
    one = channel("FL1", S="CD4", G="2.5", V="450", value_range=1024) | {"E": "4.0, 0.5"}
    found = opened(Drawn(floats([(1.0,)]), [one], 1).bytes()).channels[0]
    assert (found.number, found.name, found.stain, found.bits, found.value_range) == (1, "FL1", "CD4", 32, 1024.0)
    assert (found.log_decades, found.log_offset, found.gain, found.voltage) == (4.0, 0.5, 2.5, 450.0)


SUPPLEMENT = b"/OPTIONAL/yes/$P1S/CD8/"


def with_supplement(begin_shift: int = 0, content: bytes = SUPPLEMENT, end_shift: int = 0) -> bytes:
    begin = simple().end + 1 + begin_shift
    offsets = [("$BEGINSTEXT", str(begin)), ("$ENDSTEXT", str(begin + len(content) - 1 + end_shift))]
    return simple(more=offsets, behind=content).bytes()


def test_supplemental_text_adds_keywords():
    found = opened(with_supplement())
    assert (found.keywords["OPTIONAL"], found.channels[0].stain) == ("yes", "CD8")


def test_supplemental_text_that_is_no_text_is_passed_over():
    found = opened(with_supplement(content=b"PK\x03\x04" + bytes(30)))
    assert found.events().rows() == ROWS
    assert "supplemental TEXT is no text and was passed over" in found.remarks


def test_supplemental_text_that_contradicts_the_primary_is_refused_where_events_hang_on_it():
    assert code_of(with_supplement(content=b"/$P1R/17/")) == "fcs.text"


@pytest.mark.parametrize("back", [0, 5, 100])
def test_supplemental_text_that_overlaps_the_primary_adds_only_what_lies_behind_it(back):
    primary = 58 + len(simple(more=[("$BEGINSTEXT", "1234"), ("$ENDSTEXT", "1234")]).text())
    begin, end = primary - 1 - back, primary + len(SUPPLEMENT) - 2
    drawn = simple(more=[("$BEGINSTEXT", f"{begin:04}"), ("$ENDSTEXT", f"{end:04}")], behind_text=SUPPLEMENT[1:])
    found = opened(drawn.bytes())
    assert (found.keywords["OPTIONAL"], found.channels[0].stain) == ("yes", "CD8")
    assert found.events().rows() == ROWS
    assert "overlaps" in " ".join(found.remarks)


def test_supplemental_text_that_is_the_primary_changes_nothing():
    end = HEADER + len(simple(more=[("$BEGINSTEXT", "0058"), ("$ENDSTEXT", "1234")]).text()) - 1
    found = opened(simple(more=[("$BEGINSTEXT", "0058"), ("$ENDSTEXT", f"{end:04}")]).bytes())
    assert found.events().rows() == ROWS


def two_data_sets(second: bytes, shift: int = 0) -> bytes:
    first = simple(more=[("$NEXTDATA", f"{simple().end + 1 + shift:06}")])
    return first.bytes() + second


def test_every_data_set_is_told_in_order():
    found = open_fcs(source(two_data_sets(Drawn(floats([(9.0,)]), AB[:1], 1).bytes()), "drawn.fcs"))
    assert [(one.number, one.n_events) for one in found] == [(1, 3), (2, 1)]
    assert found[1].events().rows() == [(9.0,)]


def test_a_third_data_set_is_found_by_offsets_that_count_from_the_second_or_from_the_file():
    length = simple().end + 1
    for offset in (length, 2 * length):
        second = simple(more=[("$NEXTDATA", str(offset))]).bytes()
        assert len(open_fcs(source(two_data_sets(second) + simple().bytes(), "drawn.fcs"))) == 3


@pytest.mark.parametrize(("second", "shift"), [(b"", 0), (b"nothing here" * 9, 0), (b"", -2048), (b"", 99_999)])
def test_an_offset_that_leads_to_no_data_set_is_told_of(second, shift):
    found = open_fcs(source(two_data_sets(second, shift), "drawn.fcs"))
    assert len(found) == 1
    assert found[0].events().rows() == ROWS
    assert found[0].remarks == ("$NEXTDATA of data set 1 leads to no other data set",)


def test_a_second_data_set_that_cannot_be_read_does_not_take_the_first_away():
    found = open_fcs(source(two_data_sets(simple().bytes()[:-4]), "drawn.fcs"))
    assert len(found) == 1
    assert found[0].remarks == ("data set 2 cannot be read (fcs.data)",)
