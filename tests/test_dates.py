"""Dates: every form exports use is the day it names; what could be another day is refused."""

from __future__ import annotations

import contextlib
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.drawing import table
from transforms.readers.dates import AmbiguousDateError, read_date, read_moment

FORMS = """
    text                           | order | day
    2006-08-08                     |       | 2006-08-08
    2024-01-29 09:06:56            |       | 2024-01-29
    2024-01-29T09:06:56.123        |       | 2024-01-29
    2012/3/4                       |       | 2012-03-04
    2012.03.04                     | mdy   | 2012-03-04
    Tuesday, August 08, 2006       |       | 2006-08-08
    Tuesday, November 09, 2004     | dmy   | 2004-11-09
    Tue, Aug 8, 2006               |       | 2006-08-08
    Mar 18, 2014 12:38:58 PM       |       | 2014-03-18
    Mar 18, 2014, 12:38 PM         |       | 2014-03-18
    Sept. 3 2012                   |       | 2012-09-03
    18-Mar-2014                    |       | 2014-03-18
    18 March 2014                  |       | 2014-03-18
    Tuesday 18 March 2014          |       | 2014-03-18
    25-12-2012                     |       | 2012-12-25
    25.12.2012                     |       | 2012-12-25
    12/25/2012                     |       | 2012-12-25
    25/12/2012 14:05               |       | 2012-12-25
    04-04-2012                     |       | 2012-04-04
    03/04/2012                     | dmy   | 2012-04-03
    03/04/2012                     | mdy   | 2012-03-04
    3.4.2012                       | dmy   | 2012-04-03
"""

NO_DATES = """
    text                         | order | because
    03/25/2012                   | dmy   | month must be in
    25/03/2012                   | mdy   | month must be in
    2012-02-30                   |       | day is out of range
    30-02-2012                   |       | day is out of range
    Monday, August 08, 2006      |       | is no Monday
    T, August 08, 2006           |       | is no T
    Marble 3, 2012               |       | is no month
    3 Junk 2012                  |       | is no month
    2012-03/04                   |       | is no date
    08-08-06                     |       | is no date
    2014-05                      |       | is no date
    41000                        |       | is no date
    2012-03-04 25:00             |       | does not match
    2012-03-04 13:00 PM          |       | does not match
    0212-03-04                   |       | year 212
    soon                         |       | is no date
"""


def drawn(drawing):
    return [tuple(row) for row in table(drawing).iter_rows()]


@pytest.mark.parametrize(("text", "order", "day"), drawn(FORMS))
def test_every_form_of_date_is_the_day_it_names(text, order, day):
    assert read_date(text, order) == day


@pytest.mark.parametrize("text", ["03/04/2012", "3-4-2012", "03.04.2012 10:00", "12/11/2012"])
def test_a_date_that_could_be_two_days_is_refused_unless_the_order_is_set(text):
    with pytest.raises(AmbiguousDateError):
        read_date(text, None)
    assert read_date(text, "dmy") != read_date(text, "mdy")


@pytest.mark.parametrize(("text", "order", "because"), drawn(NO_DATES))
def test_what_is_no_date_or_an_impossible_one_is_refused_with_the_cause(text, order, because):
    with pytest.raises(ValueError, match=because):
        read_date(text, order)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-29 09:06:56", datetime(2024, 1, 29, 9, 6, 56)),
        ("Mar 18, 2014 12:38:58 PM", datetime(2014, 3, 18, 12, 38, 58)),
        ("Mar 18, 2014 12:38 AM", datetime(2014, 3, 18, 0, 38)),
        ("29-01-2024 9:06", datetime(2024, 1, 29, 9, 6)),
        ("2024-01-29 09:06:56.5", datetime(2024, 1, 29, 9, 6, 56, 500000)),
        ("2024-01-29", datetime(2024, 1, 29)),
    ],
)
def test_the_time_of_day_is_kept_where_it_is_asked_for(text, moment):
    assert read_moment(text, None) == moment


DAYS = st.dates(min_value=date(1900, 1, 1), max_value=date(2199, 12, 31))


@given(DAYS, st.sampled_from(["%Y-%m-%d", "%A, %B %d, %Y", "%b %d, %Y", "%d-%b-%Y", "%d %B %Y", "%Y/%m/%d"]))
def test_a_form_that_can_be_read_in_one_way_gives_back_every_day(day, form):
    assert read_date(day.strftime(form), None) == day


@given(DAYS)
def test_numbers_alone_never_give_another_day_than_the_one_written(day):
    for form in ("%d/%m/%Y", "%m/%d/%Y"):
        try:
            found = read_date(day.strftime(form), None)
        except AmbiguousDateError:
            assert day.day <= 12
        else:
            assert found == day


@given(st.text(max_size=30))
def test_no_text_makes_the_reader_raise_anything_but_a_value_error(text):
    with contextlib.suppress(ValueError):
        assert isinstance(read_moment(text, None), datetime)
