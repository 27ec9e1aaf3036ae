"""Damaged FCS files raise nothing but the reader's own error, and take no more memory than the file is large."""

from __future__ import annotations

import math
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from expectations.errors import SourceFileError
from tests.drawing import SHARED, needs_shared
from tests.drawn_exports import SETTINGS, source
from tests.drawn_fcs import BIG, HEADER, Drawn, bits, channel, floats, simple, words
from tests.test_fcs_text import code_of, two_data_sets, with_supplement
from transforms.fcs.data_sets import open_fcs
from transforms.readers import fcs_file

NUMBERS = [(n % 500, n % 7, 3) for n in range(40)]


def _integers(data: bytes, widths: tuple[int, ...], **more: object) -> bytes:
    channels = [channel(name, width, 512, G="2") | {"E": "4,1"} for name, width in zip("ABC", widths, strict=True)]
    return Drawn(data, channels, 40, "I", **more).bytes()  # type: ignore[arg-type]


DRAWN = {
    "float": simple().bytes(),
    "double": Drawn(floats([(1, 2)] * 9, BIG, "d"), [channel("A", 64), channel("Time", 64)], 9, "D", BIG).bytes(),
    "16 bits": _integers(words(NUMBERS, (16, 16, 16)), (16, 16, 16)),
    "mixed": _integers(words(NUMBERS, (16, 8, 32), BIG), (16, 8, 32), order=BIG),
    "24 bits": _integers(words(NUMBERS, (24, 24, 24)), (24, 24, 24), version="FCS2.0"),
    "9 bits": _integers(bits(NUMBERS, (9, 9, 9)), (9, 9, 9)),
    "supplement": with_supplement(),
    "two data sets": two_data_sets(simple().bytes()),
    "spillover": simple(more=[("SPILL", "2,A,B,1,0.1,0,1"), ("$TIMESTEP", "0.1"), ("$DATE", "1-JAN-2020")]).bytes(),
}


def check(content: bytes) -> None:
    """Read whole, events on both scales included, or refused by a code of FCS files."""
    try:
        for one in open_fcs(source(content, "damaged.fcs")):
            assert one.events().height == one.n_events
            assert one.events(linear=True).height == one.n_events
        assert fcs_file.read(source(content, "damaged.fcs"), SETTINGS).tables
    except SourceFileError as refused:
        assert refused.code.startswith("fcs.")


FILE = st.sampled_from(sorted(DRAWN))
OFFSET = st.one_of(st.integers(-5, 5000), st.integers(0, 10**8 - 1)).map(lambda n: str(n).rjust(8)[:8])
WORD = st.one_of(
    st.integers(-3, 70).map(str),
    st.sampled_from(
        ["", "0", "1e9", "nan", "99999999999999999999", "*", "1,2", "4,3,2,1", "A", "I", "D", "F", "C", "1e308"]
    ),
    st.text(max_size=8),
)


@examples(max_examples=400)
@given(FILE, st.integers(0, 6), OFFSET)
def test_a_header_with_another_offset_is_read_or_refused(name, which, offset):
    content = DRAWN[name]
    at = 10 + 8 * which if which < 6 else 2
    check(content[:at] + offset.encode() + content[at + 8 :])


@examples(max_examples=600)
@given(FILE, st.integers(0, 10**6), WORD)
def test_a_text_with_another_key_or_value_is_read_or_refused(name, which, word):
    content = DRAWN[name]
    end = int(content[18:26]) + 1
    parts = content[HEADER:end].split(b"/")
    parts[which % len(parts)] = word.encode("utf-8", "surrogatepass")
    text = b"/".join(parts)
    head = content[:18] + str(HEADER + len(text) - 1).rjust(8).encode() + content[26:HEADER]
    check((head + text).ljust(max(2048, HEADER + len(text))) + content[2048:])


@examples(max_examples=600)
@given(FILE, st.integers(0, 10**6), st.binary(min_size=1, max_size=6))
def test_bytes_overwritten_in_header_and_text_are_read_or_refused(name, at, noise):
    content = DRAWN[name]
    at %= int(content[18:26])
    check(content[:at] + noise + content[at + len(noise) :])


EXTREME = st.sampled_from([0.0, -1.0, 1e308, -1e308, 1e-308, math.inf, -math.inf, math.nan])


@examples(max_examples=200)
@given(st.sampled_from("fd"), EXTREME, EXTREME, st.sampled_from(["1", "1e-300", "1e300", "-1"]), st.integers(2, 1200))
def test_any_numbers_can_be_events(kind, one, other, step, n_events):
    numbers = [n for n in (one, other) if kind == "d" or not 1e38 < abs(n) < math.inf]
    rows = [(number, number) for number in (*numbers, 0.5)] * n_events
    channels = [channel("Time"), channel("A", G="1e-300") | {"E": "400,1"}]
    drawn = Drawn(floats(rows[:n_events], kind=kind), channels, n_events, kind.upper(), more=[("$TIMESTEP", step)])
    check(drawn.bytes())


@examples(max_examples=300)
@given(FILE, st.integers(0, 10**6))
def test_a_truncated_file_is_refused_or_its_first_data_set_is_whole(name, length):
    content = DRAWN[name]
    check(content[: length % len(content)])


@examples(max_examples=300)
@given(FILE, st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_stretch_cut_out_is_read_or_refused(name, one, other):
    content = DRAWN[name]
    first, last = sorted((one % len(content), other % len(content)))
    check(content[:first] + content[last:])


@examples(max_examples=200)
@given(st.binary(max_size=300))
def test_noise_behind_a_signature_is_refused(noise):
    with pytest.raises(SourceFileError) as refused:
        open_fcs(source(b"FCS3.0    " + noise, "noise.fcs"))
    assert refused.value.code.startswith("fcs.")


REAL = sorted((SHARED / "real/cytometry").rglob("*.fcs"), key=lambda path: path.stat().st_size)[:12]


@needs_shared
@pytest.mark.parametrize("path", REAL, ids=[path.name for path in REAL])
def test_real_files_damaged_are_read_or_refused(path):
    content = path.read_bytes()

    @examples(max_examples=40, database=None)
    @given(st.integers(0, 10**6), st.binary(min_size=1, max_size=5), st.integers(0, 2))
    def damaged(at, noise, how):
        begin = at % min(len(content), 3000)
        stop = begin + len(noise) * (how < 2)
        check(content[: at % len(content)] if how == 2 else content[:begin] + (noise if how else b"") + content[stop:])

    damaged()


def peak_of(content: bytes) -> int:
    """Bytes taken at once while a file is opened and decoded."""
    file = source(content, "large.fcs")
    tracemalloc.start()
    try:
        with suppress(SourceFileError):
            open_fcs(file)[0].events()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


CLAIMS = {
    "events": simple(n_events=10**15),
    "events, without an end": simple(n_events=10**15, header_data=(2048, 0), text_data=("", "")),
    "data": simple(header_data=(2048, 99999999), text_data=(2048, 10**17)),
    "channels": simple(more=[("$PAR", "2000000000")], without=["$PAR"]),
    "bits": simple(channels=(channel("A", 2**40), channel("B"))),
    "a supplement": simple(more=[("$BEGINSTEXT", "58"), ("$ENDSTEXT", str(10**17))]),
    "a spillover matrix": simple(more=[("$SPILLOVER", "999999999,A,B,1,0,0,1")]),
    "a range": simple(channels=(channel("A", 32, "1e300"), channel("B"))),
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_what_a_file_claims_takes_no_memory(claim):
    peak_of(simple().bytes())  # imports and caches
    assert peak_of(CLAIMS[claim].bytes()) < 200_000


def test_a_text_of_more_keywords_than_any_file_has_is_refused():
    many = b"".join(b"%x/1/" % n for n in range(110_000))
    text = simple().text() + many
    assert code_of(simple(begin=58 + len(text)).bytes(text)) == "fcs.text"


@pytest.mark.parametrize(("width", "times"), [(4, 9), (9, 6), (12, 4), (16, 3), (24, 3), (32, 3), (64, 3)])
def test_decoding_takes_a_small_multiple_of_the_file(width, times):
    n_events, n_channels = 100_000, 8
    size = n_events * n_channels * width // 8
    data = bytes(range(256)) * (size // 256)
    channels = [channel(name, width, 2**width) for name in "ABCDEFGH"]
    drawn = Drawn(data, channels, 8 * len(data) // (width * n_channels), "I")
    fixed = 8_000_000  # of one block, whatever the size of the file
    assert peak_of(drawn.bytes()) < times * len(data) + fixed
