"""Numbers in words: nothing is rounded away, and a number that is not there is never shown as one."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.published_sample_cohort import settings
from warehouse.reports.charting import decades, month_ticks, symlog_ticks
from warehouse.reports.settings_sections import setting_words
from warehouse.reports.wording import (
    cells,
    counted,
    listed,
    median_interval,
    months,
    number,
    p_value,
    percent_ends,
    plain_number,
    share,
    signed_percent,
)


def plain(text: str) -> str:
    """Without the typographic spaces and minus."""
    return (
        text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ").replace("\N{MINUS SIGN}", "-")
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (14.91, "14.9"),
        (0.004662, "0.00466"),
        (1.5, "1.50"),
        (265.4, "265"),
        (12345.6, "12 346"),
        (-8.25, "-8.25"),
        (0.0, "0"),
        (1920, "1 920"),
        (inf, "∞"),
        (-inf, "-∞"),
    ],
)
def test_a_number_keeps_three_significant_digits_and_a_count_all(value, shown):
    assert plain(number(value)) == shown


@pytest.mark.parametrize("missing", [None, nan])
def test_a_number_that_is_not_there_is_a_dash(missing):
    assert number(missing) == "\N{EN DASH}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.00892, "p = 0.0089"), (0.05, "p = 0.050"), (1.0, "p = 1.0"), (0.00009, "p < 0.0001"), (0.0001, "p = 0.00010")],
)
def test_p_values_have_two_digits_and_a_floor(value, shown):
    assert plain(p_value(value)) == shown


def test_a_p_value_that_is_not_there_is_not_estimable():
    assert p_value(None) == "not estimable"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(3.1e9, "3.1 × 10⁹"), (9.96e8, "1.0 × 10⁹"), (-4.2e7, "-4.2 × 10⁷"), (0.0, "0"), (inf, "∞")],  # noqa: RUF001
)
def test_numbers_of_cells_are_powers_of_ten(value, shown):
    assert plain(cells(value)) == shown


def test_a_share_always_shows_its_denominator():
    assert plain(share(10, 24)) == "10/24 (41.7 %)"
    assert share(0, 0) == "0/0"


@pytest.mark.parametrize(
    ("lower", "upper", "shown"),
    [
        (11.63, 30.26, "95 % interval 11.6 to 30.3 months"),
        (11.63, None, "95 % interval 11.6 months to not reached"),
        (None, None, "95 % interval not reached"),
    ],
)
def test_an_interval_of_a_median_says_which_end_is_not_reached(lower, upper, shown):
    assert plain(median_interval(lower, upper)) == shown


def test_medians_and_rates_have_one_decimal():
    assert months(21.799) == "21.8" and months(None) == "not reached"
    assert plain(" to ".join(percent_ends(22.11, 63.36))) == "22.1 to 63.4 %"


def test_counts_of_nobody_are_left_out_of_a_list_and_a_list_of_nobody_says_none():
    assert listed({"dead": 2, "lost": 0}) == "2 dead"
    assert listed({"dead": 0}) == "none"
    assert counted(1, "death") == "1 death" and counted(0, "death") == "0 deaths"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("null", "unset"),
        ("true", "yes"),
        ("50.0", "50.0"),
        ("[]", "none"),
        ('["medium", "DMSO"]', "medium, DMSO"),
        ('[{"name": "baseline", "day": -7, "window": [-30, 0]}]', "baseline (day -7, window -30 to 0)"),
        (
            '[{"day": 90, "half_width": 14}, {"day": 180, "half_width": 30}]',
            "day 90, half width 14; day 180, half width 30",
        ),
    ],
)
def test_settings_are_shown_in_words(value, shown):
    assert setting_words(value) == shown


def test_every_setting_of_the_sample_can_be_worded():
    assert all(setting_words(value) for value in settings()["value"])


@given(st.floats(1e-6, 1e12), st.floats(1.01, 1e6))
def test_ticks_of_a_log_axis_lie_inside_it_in_order(low, factor):
    ticks = decades(low, low * factor)
    assert ticks == sorted(ticks)
    assert all(low <= tick <= low * factor for tick in ticks)


@given(st.floats(-1e5, 0), st.floats(0, 1e6), st.floats(1, 1000))
def test_ticks_of_a_symmetric_log_axis_lie_inside_it_and_hold_0(low, high, constant):
    ticks = symlog_ticks(low, high, constant)
    assert 0 in ticks and ticks == sorted(ticks)
    assert all(low <= tick <= high for tick in ticks)


@pytest.mark.parametrize(("value", "says"), [(7.14, "+7.1 %"), (-30.0, "-30 %"), (0.0, "+0 %"), (None, "\N{EN DASH}")])
def test_a_change_in_percent_has_its_sign(value, says):
    assert plain(signed_percent(value)) == says


@pytest.mark.parametrize(
    ("value", "says"), [(53.0, "53"), (1.25, "1.25"), (7.10, "7.1"), (100.0, "100"), (1552.0, "1 552")]
)
def test_a_plain_number_has_no_zeros_at_its_end(value, says):
    assert plain(plain_number(value)) == says


@given(st.floats(0, 400))
def test_months_have_ticks_from_0_that_do_not_crowd(longest):
    ticks = month_ticks(longest)
    assert ticks[0] == 0 and ticks[-1] <= longest and len(ticks) <= 35
    assert longest > 120 or len(ticks) <= 13
