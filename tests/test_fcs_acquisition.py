"""How a tube was acquired: gaps, jumps of the flow rate, clocks that go back, events at the ends of a range."""

from __future__ import annotations

import pytest

from tests.drawn_fcs import Drawn, channel, floats, opened, words
from transforms.fcs.acquisition import measures_of

STEP = [("$TIMESTEP", "0.01")]
EVEN = [float(n) for n in range(2000)]


def measured(times, *, more=STEP, name: str = "Time") -> dict[str, float]:
    data_set = opened(Drawn(floats([(t,) for t in times]), [channel(name)], len(times), more=more).bytes())
    return {one.name: one.value for one in measures_of(data_set, data_set.events())}


def at_ends(values, value_range: float | str = 1000, bits: int = 32) -> float | None:
    data = floats([(v,) for v in values]) if bits == 32 else words([(v,) for v in values], (bits,))
    drawn = Drawn(data, [channel("A", bits, value_range)], len(values), "F" if bits == 32 else "I")
    found = measures_of(opened(drawn.bytes()), opened(drawn.bytes()).events())
    assert all((one.name, one.channel) == ("margin_events", "A") for one in found)
    return found[0].value if found else None


def test_an_even_acquisition_has_no_gap_no_jump_and_no_step_back():
    assert measured(EVEN) == {"time_backwards": 0, "time_gap": pytest.approx(0.01), "flow_rate_jump": 1}


def test_a_gap_is_told_in_seconds():
    assert measured([*range(1000), *range(1700, 2700)])["time_gap"] == pytest.approx(7.01)


def test_a_gap_is_found_although_the_events_are_not_in_the_order_of_time():
    assert measured([5, 1, 900, 3])["time_gap"] == pytest.approx(8.95)


def test_a_flow_rate_that_trebles_is_a_jump_of_three():
    slow, fast = [n * 3.0 for n in range(500)], [1500.0 + n for n in range(1500)]
    assert measured([*slow, *fast, 3000.0])["flow_rate_jump"] == pytest.approx(3, rel=0.02)


def test_an_empty_tenth_counts_as_one_event():
    # The fifth tenth of 0 to 1000 is empty, those beside it hold 200 events.
    times = sorted(t for tenth in (0, 1, 2, 3, 5, 6, 7, 8, 9) for t in [tenth * 100 + 1.0] * 199)
    assert measured([0.0, *times, 1000.0])["flow_rate_jump"] == 199


def test_steps_back_of_the_clock_are_counted():
    assert measured([1, 2, 1, 5, 5, 4])["time_backwards"] == 2


def test_without_a_time_step_seconds_are_unknown_and_no_gap_is_told():
    assert "time_gap" not in measured(EVEN, more=())
    assert "time_gap" not in measured(EVEN, more=[("$TIMESTEP", "0")])


def test_few_events_tell_nothing_of_the_flow_rate():
    assert "flow_rate_jump" not in measured(EVEN[:999])
    assert "flow_rate_jump" not in measured([5.0] * 2000)


def test_without_a_clock_only_ranges_are_measured():
    assert set(measured(EVEN, name="FSC")) == {"margin_events"}


def test_a_clock_that_is_no_number_measures_nothing():
    assert measured([1.0, float("nan")]) == {}


def test_no_events_have_no_measures():
    empty = Drawn(b"", [channel("Time"), channel("A")], 0, header_data=(0, 0), text_data=(0, 0))
    data_set = opened(empty.bytes())
    assert measures_of(data_set, data_set.events()) == []


def test_whole_numbers_at_either_end_of_the_range_are_counted():
    assert at_ends([0, 1, 1022, 1023], 1024, bits=16) == 50


def test_floating_point_at_the_upper_end_and_beyond_is_counted():
    assert at_ends([1, 500, 999.9, 2000]) == 50


def test_what_is_no_number_is_at_no_end_and_infinity_is_beyond_it():
    assert at_ends([1, float("nan"), float("inf"), 2]) == 25
    assert at_ends([float("nan"), float("nan")]) == 0


def test_values_cut_off_at_their_lowest_are_counted_and_others_below_zero_are_not():
    assert at_ends([-11, -11, 5, 6]) == 50
    assert at_ends([0, 0, 0, 6]) == 75
    assert at_ends([-11, -10, 5, 6]) == 0
    assert at_ends([5, 5, 6, 7]) == 0


def test_a_channel_without_a_range_has_no_margin():
    assert at_ends([1, 2], "0") is None
