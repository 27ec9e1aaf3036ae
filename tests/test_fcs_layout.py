"""Where and how events are stored: offsets, widths and numbers of events that are wrong in the file."""

from __future__ import annotations

import pytest

from expectations.errors import SourceFileError
from tests.drawn_fcs import BIG, ROWS, Drawn, bits, channel, floats, opened, rows_of, simple, words, write
from tests.test_fcs_text import code_of
from transforms.fcs.data_sets import file_on_disk, open_fcs
from transforms.readers.source import SourceFile

BEGIN, END = simple().begin, simple().end
WHOLE = [(1, 2), (300, 400), (511, 0)]


def whole_numbers(data: bytes, *widths: int, n_events: int | None = 3, value_range: int = 512, **more: object) -> Drawn:
    channels = [channel(name, width, value_range) for name, width in zip("AB", widths, strict=True)]
    return Drawn(data, channels, n_events, "I", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ((0, 0), None),
        (("", ""), None),
        (None, ("", "")),
        ((555, END), None),
        ((BEGIN, END + 700), None),
        ((BEGIN, BEGIN + 5), None),
        (None, (3000, 4000)),
        (("-1", "x"), None),
    ],
)
@pytest.mark.parametrize("version", ["FCS2.0", "FCS3.1"])
def test_of_header_and_keywords_the_offsets_that_hold_the_events_are_taken(header, text, version):
    assert rows_of(simple(header_data=header, text_data=text, version=version).bytes()) == ROWS


@pytest.mark.parametrize("shift", [1, -1])
@pytest.mark.parametrize("behind", [b"", b"00000000"])
def test_an_end_of_data_that_is_off_by_one_is_read(shift, behind):
    offsets = (BEGIN, END + shift)
    found = opened(simple(header_data=offsets, text_data=offsets, behind=behind).bytes())
    assert found.events().rows() == ROWS
    assert "one byte" in found.remarks[0]


def test_two_places_that_could_both_hold_the_events_are_refused():
    other = (BEGIN + 12, END + 12)
    assert code_of(simple(header_data=other, behind=bytes(40)).bytes()) == "fcs.data"


def test_events_that_begin_nowhere_are_refused():
    assert code_of(simple(header_data=(0, 0), text_data=("", "")).bytes()) == "fcs.keyword"


def test_an_offset_with_letters_behind_its_digits_is_read():
    found = opened(simple(header_data=("", ""), text_data=(f"      {BEGIN}I", END)).bytes())
    assert found.events().rows() == ROWS
    assert found.remarks == ("$BEGINDATA has more than digits; those before were taken",)


@pytest.mark.parametrize("cut", [1, 4, 8, 23])
def test_truncated_data_is_refused_and_the_sentence_says_so(cut):
    assert code_of(simple().bytes()[:-cut]) == "fcs.data"


@pytest.mark.parametrize("n_events", [4, 2, 10**9, 10**17])
def test_a_number_of_events_that_the_segment_does_not_hold_is_refused(n_events):
    assert code_of(simple(n_events=n_events).bytes()) == "fcs.data"


def test_without_a_number_of_events_the_segment_tells():
    found = opened(simple(n_events=None, version="FCS2.0").bytes())
    assert (found.n_events, found.n_events_declared) == (3, None)
    assert found.events().rows() == ROWS


def test_without_a_number_of_events_a_part_of_one_is_refused():
    assert code_of(simple(n_events=None, data=floats(ROWS)[:-3]).bytes()) == "fcs.data"


@pytest.mark.parametrize("offsets", [(0, 0), (BEGIN, BEGIN - 1), (BEGIN, BEGIN), (BEGIN, 0)])
def test_a_file_without_events_has_its_channels(offsets):
    found = opened(simple(data=b"", n_events=0, header_data=offsets, text_data=offsets).bytes())
    assert found.events().shape == (0, 2)


def test_a_file_that_says_it_has_no_events_and_has_data_is_refused():
    assert code_of(simple(n_events=0).bytes()) == "fcs.data"


def test_padding_behind_the_events_within_the_segment_is_told_of():
    found = opened(simple(data=floats(ROWS) + bytes(104)).bytes())
    assert found.events().rows() == ROWS
    assert found.remarks == ("104 bytes of padding follow the events",)


def test_the_text_may_stand_behind_the_data():
    data = floats(ROWS)
    text = simple(text_data=(58, 58 + len(data) - 1)).text()
    first = 58 + len(data)
    offsets = (first, first + len(text) - 1, 58, first - 1, 0, 0)
    head = "FCS3.0    " + "".join(f"{offset:8}" for offset in offsets)
    assert rows_of(head.encode() + data + text) == ROWS


@pytest.mark.parametrize("stored", [16, 32])
def test_a_width_that_lies_is_found_by_the_size_of_the_segment(stored):
    lie = 32 if stored == 16 else 16
    found = opened(whole_numbers(words(WHOLE, (stored, stored)), lie, lie).bytes())
    assert found.events().rows() == WHOLE
    assert [one.bits for one in found.channels] == [stored, stored]
    assert f"all values have {stored} bits" in found.remarks[0]


def test_a_width_too_narrow_for_the_range_is_no_reading_of_the_segment():
    drawn = whole_numbers(words(WHOLE, (16, 16)), 32, 32, value_range=262144)
    assert code_of(drawn.bytes()) == "fcs.data"


@pytest.mark.parametrize("lie", [16, 64])
def test_the_width_of_floating_point_is_that_of_its_type(lie):
    found = opened(simple(channels=(channel("A", lie), channel("B", lie))).bytes())
    assert found.events().rows() == ROWS
    assert [one.bits for one in found.channels] == [32, 32]


def test_doubles_declared_as_single_are_found_by_the_size_of_the_segment():
    rows = [(1e300, -2.5), (3.0, 0.1), (5.0, 6.0)]
    assert rows_of(simple(data=floats(rows, kind="d")).bytes()) == rows


def test_ten_bits_padded_to_words_are_told_from_ten_bits_packed():
    packed, padded = whole_numbers(bits(WHOLE, (10, 10)), 10, 10), whole_numbers(words(WHOLE, (16, 16)), 10, 10)
    assert rows_of(packed.bytes()) == rows_of(padded.bytes()) == WHOLE
    assert opened(packed.bytes()).remarks == ()
    assert "padded" in opened(padded.bytes()).remarks[0]


def test_twenty_bits_padded_to_bytes_keep_the_byte_order():
    drawn = whole_numbers(words(WHOLE, (24, 24), BIG), 20, 20, order=BIG)
    assert rows_of(drawn.bytes()) == WHOLE


def test_events_that_each_begin_with_a_byte_are_told_from_a_stream_of_bits():
    each = b"".join(bits([row], (9, 9)) for row in WHOLE)
    assert len(each) != len(bits(WHOLE, (9, 9)))
    assert rows_of(whole_numbers(each, 9, 9).bytes()) == WHOLE


def test_values_narrower_than_any_instrument_writes_are_refused():
    assert code_of(whole_numbers(bits([(1, 0)] * 4, (1, 1)), 1, 1, n_events=4).bytes()) == "fcs.data_type"


def test_a_type_of_their_own_is_taken_for_channels_of_fcs_3_2():
    channels = (channel("A"), channel("N", 16, 1024, DATATYPE="I"), channel("D", 64, DATATYPE="D"))
    data = b"".join(floats([(n + 0.5,)]) + words([(n,)], (16,)) + floats([(n / 7,)], kind="d") for n in range(5))
    assert rows_of(Drawn(data, channels, 5, version="FCS3.2").bytes()) == [(n + 0.5, n, n / 7) for n in range(5)]


def test_the_same_channels_are_read_whether_a_file_lies_in_memory_or_on_disk(tmp_path):
    name = "a" * 64
    found = file_on_disk(write(tmp_path / name, simple().bytes()))
    assert found.sha256 == name
    assert open_fcs(found)[0].events().rows() == ROWS
    viewed = SourceFile("drawn.fcs", "", memoryview(simple().bytes()))  # type: ignore[arg-type]
    assert open_fcs(viewed)[0].events().rows() == ROWS


def test_an_empty_file_on_disk_is_refused(tmp_path):
    with pytest.raises(SourceFileError) as refused:
        file_on_disk(write(tmp_path / "empty.fcs", b""))
    assert refused.value.code == "fcs.header"
