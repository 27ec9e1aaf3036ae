"""Numbers: the one they name where there is one, refused where there are two."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.readers.numbers import decimal_mark, read_number, read_whole_number

LARGEST = 2**53 - 1
NO_MARK, POINT, COMMA = None, ".", ","


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        ("-3", -3),
        ("+4", 4),
        ("0.125", 0.125),
        ("0,125", 0.125),
        ("85,5", 85.5),
        ("85.5", 85.5),
        ("12.3456", 12.3456),
        (".5", 0.5),
        ("5.", 5),
        ("1.234,5", 1234.5),
        ("1,234.5", 1234.5),
        ("1.234.567", 1234567),
        ("45,000,000,000", 4.5e10),
        ("200 000", 200000),
        ("200\u00a0000", 200000),
        ("1'234.5", 1234.5),
        ("2E5", 200000),
        ("2,00E+05", 200000),
        ("1.234e3", 1234),
    ],
)
def test_a_number_that_can_be_read_in_one_way_only_needs_nothing_else(text, number):
    assert read_number(text, NO_MARK) == number


@pytest.mark.parametrize(
    ("text", "with_point", "with_comma"),
    [("200.000", 200.0, 200000.0), ("200,000", 200000.0, 200.0), ("-1.234", -1.234, -1234.0)],
)
def test_three_digits_behind_one_mark_are_thousands_or_decimals_and_nobody_guesses(text, with_point, with_comma):
    with pytest.raises(ValueError, match="two ways"):
        read_number(text, NO_MARK)
    assert read_number(text, POINT) == with_point
    assert read_number(text, COMMA) == with_comma


@pytest.mark.parametrize(
    "text",
    ["", "abc", "12O", "1.2.3", "1,2,3", "12.34.567", "1234.567.890", "1,234.567,8", "12 34", "1 2", "0x10", "1e9999",
     "inf", "nan", "--", "5%", "٣", "1_000", "2x10^5", "."],
)  # fmt: skip
def test_what_is_no_number_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        read_number(text, NO_MARK)


def test_a_mark_that_the_file_uses_for_decimals_does_not_group_thousands():
    with pytest.raises(ValueError, match="two ways"):
        read_number("1.234.567", POINT)


@pytest.mark.parametrize(
    ("cells", "point_is_decimal", "mark"),
    [
        (["200.000", "85,5"], False, COMMA),
        (["200.000", "85.5"], False, POINT),
        (["200.000", "1.234.567"], False, COMMA),
        (["200.000", "150.000"], False, NO_MARK),
        (["85,5", "85.5"], False, NO_MARK),
        (["12", "n/a", "2012-01-02", "soon"], False, NO_MARK),
        ([], True, POINT),
        (["85,5"], True, NO_MARK),
    ],
)
def test_the_other_numbers_of_a_file_tell_its_decimal_mark(cells, point_is_decimal, mark):
    assert decimal_mark(cells, point_is_decimal=point_is_decimal) == mark


@pytest.mark.parametrize(
    ("text", "mark", "number"),
    [("200000", NO_MARK, 200000), ("200000.0", POINT, 200000), ("2012,0", NO_MARK, 2012), ("200.000", COMMA, 200000)],
)
def test_whole_numbers_may_have_zeros_behind_the_decimal_mark(text, mark, number):
    assert read_whole_number(text, mark, LARGEST) == number


@pytest.mark.parametrize(
    ("text", "mark"),
    [("1.5", POINT), ("200.000", POINT), ("200,000", COMMA), ("200.000", NO_MARK), ("3000000000", POINT)],
)
def test_cells_per_well_are_never_read_a_thousandfold_wrong_or_too_large_to_store(text, mark):
    with pytest.raises(ValueError, match=r"two ways|no whole number"):
        read_whole_number(text, mark, 2**31 - 1)


def test_a_whole_number_that_floating_point_cannot_hold_is_refused():
    assert read_whole_number("9007199254740991", NO_MARK, LARGEST) == 9007199254740991
    with pytest.raises(ValueError, match="no whole number"):
        read_whole_number("9007199254740993", NO_MARK, LARGEST)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_python_writes_is_read_back_wherever_a_point_is_the_decimal_mark(value):
    assert read_number(repr(value), POINT) == value


@given(st.integers(-(10**12), 10**12), st.integers(0, 99))
def test_a_number_written_with_either_pair_of_marks_is_the_same_number(whole, hundredths):
    english = f"{whole:,}.{hundredths:02d}"
    danish = english.translate(str.maketrans(",.", ".,"))
    assert read_number(english, NO_MARK) == read_number(danish, NO_MARK) == float(f"{whole}.{hundredths:02d}")


@given(st.text(alphabet="0123456789.,eE+-' %", max_size=14), st.sampled_from([NO_MARK, POINT, COMMA]))
def test_no_text_raises_anything_but_a_value_error_or_gives_what_is_no_number(text, mark):
    with suppress(ValueError):
        assert math.isfinite(read_number(text, mark))
