"""Events of FCS files: what was written is read, whatever its width, order and packing, and nothing above its range."""

from __future__ import annotations

import math
import struct

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.drawn_fcs import BIG, LITTLE, Drawn, bits, channel, floats, opened, words

ORDER = st.sampled_from([LITTLE, BIG])
NAMES = "ABCDEFGH"


def integers(data: bytes, widths, n_events: int, order: str = LITTLE, ranges=None) -> Drawn:
    ranges = ranges or [1 << width for width in widths]
    channels = [channel(name, *told) for name, *told in zip(NAMES, widths, ranges, strict=False)]
    return Drawn(data, channels, n_events, "I", order)


@st.composite
def whole_numbers(draw, widths):
    widths = draw(st.lists(widths, min_size=1, max_size=8))
    one = st.tuples(*(st.integers(0, 2 ** min(width, 53) - 1) for width in widths))
    return widths, draw(st.lists(one, min_size=1, max_size=20))


@given(ORDER, st.sampled_from("fd"), st.integers(1, 5), st.data())
def test_floating_point_written_is_floating_point_read(order, kind, n_channels, data):
    number = st.floats(width=32 if kind == "f" else 64, allow_nan=False)
    rows = data.draw(st.lists(st.tuples(*[number] * n_channels), min_size=1, max_size=20))
    width = 32 if kind == "f" else 64
    drawn = Drawn(
        floats(rows, order, kind), [channel(n, width) for n in NAMES[:n_channels]], len(rows), kind.upper(), order
    )
    events = opened(drawn.bytes()).events()
    assert events.rows() == rows
    assert set(events.dtypes) == {pl.Float32 if kind == "f" else pl.Float64}


@given(ORDER, whole_numbers(st.sampled_from([8, 16, 24, 32, 40, 48, 56, 64])))
def test_integers_of_whole_bytes_written_are_integers_read(order, drawn):
    widths, rows = drawn
    found = opened(integers(words(rows, widths, order), widths, len(rows), order).bytes())
    assert found.events().rows() == rows
    assert found.decoder == ("memory map" if set(widths) <= {8, 16, 32, 64} else "perdure")


@given(ORDER, st.integers(1, 8), st.sampled_from([8, 16, 24, 32, 64]), st.data())
def test_integers_of_one_width_written_are_integers_read(order, n_channels, width, data):
    one = st.tuples(*[st.integers(0, 2 ** min(width, 53) - 1)] * n_channels)
    rows = data.draw(st.lists(one, min_size=1, max_size=30))
    widths = [width] * n_channels
    assert opened(integers(words(rows, widths, order), widths, len(rows), order).bytes()).events().rows() == rows


@given(ORDER, whole_numbers(st.integers(4, 40)))
def test_packed_integers_have_their_lowest_bit_first_whatever_the_byte_order_says(order, drawn):
    widths, rows = drawn
    if all(width % 8 == 0 for width in widths):
        widths[0] += 1
    assert opened(integers(bits(rows, widths), widths, len(rows), order).bytes()).events().rows() == rows


@pytest.mark.parametrize("widths", [(9, 9, 9), (24, 24), (8, 16, 32), (16, 16, 16), (12, 4)])
def test_events_of_several_blocks_are_one_sequence(widths):
    rows = [tuple((n * (k + 3) + k) % (1 << width) for k, width in enumerate(widths)) for n in range(9000)]
    packed = any(width % 8 for width in widths)
    data = bits(rows, widths) if packed else words(rows, widths)
    assert opened(integers(data, widths, len(rows)).bytes()).events().rows() == rows


@pytest.mark.parametrize("order", [LITTLE, BIG])
@pytest.mark.parametrize("widths", [(16, 16), (16, 32), (24, 24), (24, 8)])
@pytest.mark.parametrize("value_range", [128, 100])
def test_flags_above_the_range_are_no_part_of_the_value(order, widths, value_range):
    values = [(0, 99), (77, 1), (99, 0)]
    flagged = [tuple(value | 1 << width - 1 for value, width in zip(row, widths, strict=True)) for row in values]
    drawn = integers(words(flagged, widths, order), widths, 3, order, [value_range] * 2)
    assert opened(drawn.bytes()).events().rows() == values


def test_a_range_as_wide_as_the_value_masks_nothing():
    rows = [(2**32 - 1, 2**32 - 1)]
    drawn = integers(words(rows, (32, 32)), (32, 32), 1, ranges=[2**32, 2**40])
    assert opened(drawn.bytes()).events().rows() == rows


def test_values_are_as_narrow_as_they_can_be_without_loss():
    rows = [(1, 2**31)]
    drawn = integers(words(rows, (16, 32)), (16, 32), 1)
    assert opened(drawn.bytes()).events().dtypes == [pl.Float32, pl.Float64]


def test_not_a_number_and_infinity_stay_what_they_are():
    rows = [(math.nan, math.inf)]
    found = opened(Drawn(floats(rows), (channel("A"), channel("B")), 1).bytes()).events()
    assert found["A"].is_nan().all()
    assert found["B"].is_infinite().all()
    assert found.null_count().row(0) == (0, 0)


def linear(one: dict[str, str], value: float, **more: object) -> float:
    drawn = Drawn(struct.pack("<f", value), [one], 1, **more)  # type: ignore[arg-type]
    return opened(drawn.bytes()).events(linear=True).item()


def test_logarithmic_amplification_is_undone():
    one = channel("FL1", value_range=1024) | {"E": "4,0.1"}
    assert linear(one, 0) == 0.1
    assert linear(one, 256) == pytest.approx(1.0)
    assert linear(one, 1024) == pytest.approx(1000)
    assert linear(one | {"E": "4,0"}, 512) == pytest.approx(100)


@pytest.mark.parametrize(("gain", "expected"), [("4", 2.5), ("1", 10), ("0", 10), ("none", 10)])
def test_gain_is_undone(gain, expected):
    assert linear(channel("A", G=gain), 10) == expected


def test_the_clock_counts_seconds_and_has_no_gain():
    assert linear(channel("Time", G="5"), 30, more=[("$TIMESTEP", "0.5")]) == 15
    assert linear(channel("TIME", G="5"), 30) == 30
    assert linear(channel("TIME"), 30, more=[("$TIMESTEP", "xxx")]) == 30


def test_stored_values_are_given_where_no_scale_is_asked_for():
    one = channel("A", G="4") | {"E": "4,1"}
    assert opened(Drawn(floats([(10,)]), [one], 1).bytes()).events().item() == 10
