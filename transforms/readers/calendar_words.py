"""Months and weekdays as the languages of instruments write them, in full and cut short.

English, German, Danish, Norwegian, Swedish, Dutch, French, Spanish and Italian. A word cut short is the beginning of a
name; one that begins two different months of a language (`jui`) names none.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple

_MIN_MONTH: Final = 3
_MIN_WEEKDAY: Final = 2
"""Fewer letters than these name no month or weekday."""


class _Language(NamedTuple):
    """Names from January and from Monday on; short ones that are no beginnings of the names have the month's number."""

    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    short: dict[str, int] = {}  # noqa: RUF012  (never changed)


def _language(months: str, weekdays: str, **short: int) -> _Language:
    return _Language(tuple(months.split()), tuple(weekdays.split()), short)


_LANGUAGES: Final = (
    _language(
        "january february march april may june july august september october november december",
        "monday tuesday wednesday thursday friday saturday sunday",
    ),
    _language(
        "januar februar märz april mai juni juli august september oktober november dezember",
        "montag dienstag mittwoch donnerstag freitag samstag sonntag",
        mrz=3,
        maerz=3,
        jänner=1,
        feber=2,
    ),
    _language(
        "januar februar marts april maj juni juli august september oktober november december",
        "mandag tirsdag onsdag torsdag fredag lørdag søndag",
    ),
    _language(
        "januar februar mars april mai juni juli august september oktober november desember",
        "mandag tirsdag onsdag torsdag fredag lørdag søndag",
    ),
    _language(
        "januari februari mars april maj juni juli augusti september oktober november december",
        "måndag tisdag onsdag torsdag fredag lördag söndag",
    ),
    _language(
        "januari februari maart april mei juni juli augustus september oktober november december",
        "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
        mrt=3,
    ),
    _language(
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "lundi mardi mercredi jeudi vendredi samedi dimanche",
    ),
    _language(
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "lunes martes miércoles jueves viernes sábado domingo",
        setiembre=9,
    ),
    _language(
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "lunedì martedì mercoledì giovedì venerdì sabato domenica",
    ),
)
_LETTERS: Final = str.maketrans({"ø": "o", "æ": "ae", "ß": "ss"})
"""Letters that are no letter with an accent."""


@lru_cache(maxsize=1024)
def month_number(word: str) -> int:
    """The month, 1 to 12, a word names in any of the languages. Raises ValueError for none and for several."""
    found = {month for language in _LANGUAGES for month in _months(language, _plain(word))}
    if len(found) != 1:
        raise ValueError(f"{word!r} is no month")
    return found.pop()


@lru_cache(maxsize=1024)
def weekday_numbers(word: str, month: str | None = None) -> frozenset[int]:
    """The weekdays, 0 for Monday, a word may name: in the languages that write `month` so, accents and all, or in any.

    Several where languages cut different days to the same letters (`ma` is Monday in Danish and Tuesday in French);
    none where the word is no weekday.
    """
    spoken = [one for one in _LANGUAGES if month is None or _months(one, _plain(month))]
    exact = [one for one in spoken if month and any(name.startswith(month.casefold()) for name in one.months)]
    languages = exact or spoken
    return frozenset(number for one in languages for number in _beginning(one.weekdays, _plain(word), _MIN_WEEKDAY))


def _months(language: _Language, word: str) -> list[int]:
    for name, month in language.short.items():
        if word == _plain(name):
            return [month]
    begun = [number + 1 for number in _beginning(language.months, word, _MIN_MONTH)]
    return begun if len(begun) == 1 else []


def _beginning(names: tuple[str, ...], word: str, at_least: int) -> list[int]:
    return [number for number, name in enumerate(names) if len(word) >= at_least and _plain(name).startswith(word)]


@lru_cache(maxsize=4096)
def _plain(word: str) -> str:
    """Lower case without accents: exports lose them, and write them in more than one way."""
    apart = unicodedata.normalize("NFKD", word.casefold().translate(_LETTERS))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))
