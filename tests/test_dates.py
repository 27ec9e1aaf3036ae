"""Dates: every form exports use is the day it names; what could be another day is refused."""

from __future__ import annotations

import contextlib
import unicodedata
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
    13/Mar/2012                    |       | 2012-03-13
    Tue 03/13/2012                 |       | 2012-03-13
    18/03/2014 4:09:18 p. m.       |       | 2014-03-18
    13.03.2012 14.05.33            |       | 2012-03-13
"""

LOCALES = """
    text                             | language
    Dienstag, 13. März 2012          | German
    Dienstag, den 13. März 2012      | German
    Di. 13.03.2012 14:05             | German
    13. Mrz. 2012                    | German
    13.Mär.2012                      | German
    tirsdag den 13. marts 2012       | Danish
    ti. 13-03-2012                   | Danish
    d. 13. mar. 2012                 | Danish
    tirsdag 13. mars 2012            | Norwegian
    tisdag den 13 mars 2012          | Swedish
    tis 13 mar 2012                  | Swedish
    dinsdag 13 maart 2012            | Dutch
    di 13-mrt-2012                   | Dutch
    mardi 13 mars 2012               | French
    mar. 13 mars 2012                | French
    martes, 13 de marzo de 2012      | Spanish
    mar, 13 mar. 2012                | Spanish
    martedì 13 marzo 2012            | Italian
    mar 13 mar 2012                  | Italian
"""
"""Tuesday, 13 March 2012, as Windows and people write it."""

MONTHS = """
    language  | names
    German    | Januar Februar März April Mai Juni Juli August September Oktober November Dezember
    German    | Jan Feb Mrz Apr Mai Jun Jul Aug Sep Okt Nov Dez
    Danish    | januar februar marts april maj juni juli august september oktober november december
    Norwegian | jan feb mar apr mai jun jul aug sep okt nov des
    Swedish   | januari februari mars april maj juni juli augusti september oktober november december
    Dutch     | jan feb mrt apr mei jun jul aug sep okt nov dec
    French    | janvier février mars avril mai juin juillet août septembre octobre novembre décembre
    French    | janv févr mars avr mai juin juil août sept oct nov déc
    Spanish   | enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
    Spanish   | ene feb mar abr may jun jul ago sep oct nov dic
    Italian   | gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre
    Italian   | gen feb mar apr mag giu lug ago set ott nov dic
"""

WEEKDAYS = """
    language  | on               | names
    English   | 5 March 2012     | Monday Tuesday Wednesday Thursday Friday Saturday Sunday
    German    | 5. März 2012     | Mo Di Mi Do Fr Sa So
    German    | 5. März 2012     | Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag
    Danish    | 5. marts 2012    | mandag tirsdag onsdag torsdag fredag lørdag søndag
    Danish    | 5. marts 2012    | ma ti on to fr lø sø
    Swedish   | 5 mars 2012      | mån tis ons tors fre lör sön
    Dutch     | 5 maart 2012     | ma di wo do vr za zo
    French    | 5 mars 2012      | lun. mar. mer. jeu. ven. sam. dim.
    Spanish   | 5 de marzo de 2012 | lunes martes miércoles jueves viernes sábado domingo
    Italian   | 5 marzo 2012     | lunedì martedì mercoledì giovedì venerdì sabato domenica
"""

NO_DATES = """
    text                         | order | because
    03/25/2012                   | dmy   | month must be in
    25/03/2012                   | mdy   | month must be in
    2012-02-30                   |       | day is out of range
    30-02-2012                   |       | day is out of range
    Monday, August 08, 2006      |       | is no Monday
    T, August 08, 2006           |       | 'T' is no weekday
    mandag 13. marts 2012        |       | is no mandag
    lunes, 13 de marzo de 2012   |       | is no lunes
    Montag, 13.03.2012           |       | is no Montag
    mardi, March 13, 2012        |       | 'mardi' is no weekday
    13 jui 2012                  |       | is no month
    13. Märzen 2012              |       | is no month
    13. März 12                  |       | is no date
    13.03.12                     |       | is no date
    13/03/12 14:05               |       | is no date
    Marble 3, 2012               |       | is no month
    3 Junk 2012                  |       | is no month
    2012-03/04                   |       | is no date
    08-08-06                     |       | is no date
    2014-05                      |       | is no date
    41000                        |       | is no date
    2012-03-04 25:00             |       | hour must be in
    2012-03-04 13:00 PM          |       | no hour of half a day
    0212-03-04                   |       | year 212
    soon                         |       | is no date
"""


def drawn(drawing):
    return [tuple(row) for row in table(drawing).iter_rows()]


@pytest.mark.parametrize(("text", "order", "day"), drawn(FORMS))
def test_every_form_of_date_is_the_day_it_names(text, order, day):
    assert read_date(text, order) == day


@pytest.mark.parametrize(("text", "language"), drawn(LOCALES))
def test_a_date_in_the_language_of_the_reader_is_the_day_it_names(text, language):
    assert read_date(text, None) == date(2012, 3, 13), language
    assert read_date(text.upper(), None) == date(2012, 3, 13), language


@pytest.mark.parametrize(("language", "names"), drawn(MONTHS))
def test_every_month_of_every_language_is_known_in_full_and_cut_short(language, names):
    for month, name in enumerate(names.split(), start=1):
        for text in (
            f"3 {name} 2012",
            f"3. {name}. 2012",
            f"3-{name}-2012",
            unicodedata.normalize("NFD", f"3 {name} 2012"),
        ):
            assert read_date(text, None) == date(2012, month, 3), language


@pytest.mark.parametrize(("language", "on", "names"), drawn(WEEKDAYS))
def test_every_weekday_must_be_that_of_the_date(language, on, names):
    for weekday, name in enumerate(names.split()):
        for day in range(5, 12):
            text = f"{name} {on.replace('5', str(day), 1)}"
            if day - 5 == weekday:
                assert read_date(text, None) == date(2012, 3, day), language
            else:
                with pytest.raises(ValueError, match="is no"):
                    read_date(text, None)


@pytest.mark.parametrize("blank", ["\u00a0", "\u202f"])
def test_blanks_that_do_not_break_are_blanks(blank):
    assert read_moment(f"13{blank}March{blank}2012 4:09{blank}PM", None) == datetime(2012, 3, 13, 16, 9)


@pytest.mark.parametrize("text", ["03/04/2012", "3-4-2012", "03.04.2012 10:00", "12/11/2012"])
def test_a_date_that_could_be_two_days_is_refused_unless_the_order_is_set(text):
    with pytest.raises(AmbiguousDateError):
        read_date(text, None)
    assert read_date(text, "dmy") != read_date(text, "mdy")


def test_a_weekday_does_not_choose_between_two_days_but_must_be_that_of_the_one_chosen():
    with pytest.raises(AmbiguousDateError):
        read_date("Tue 03/04/2012", None)
    assert read_date("Tue 03/04/2012", "dmy") == date(2012, 4, 3)
    with pytest.raises(ValueError, match="is no Tue"):
        read_date("Tue 03/04/2012", "mdy")


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
        ("18/03/2014 12:38 a.m.", datetime(2014, 3, 18, 0, 38)),
        ("18/03/2014 4:09:18 p. m.", datetime(2014, 3, 18, 16, 9, 18)),
        ("13.03.2012 14.05.33", datetime(2012, 3, 13, 14, 5, 33)),
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
