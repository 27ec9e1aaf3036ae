"""Batches of samples that keywords or names match: those acquired on one plate and day and told to be in one place.

Two samples that were parted are never brought together by a third one that tells less than they do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations, pairwise
from typing import Final, TypeVar

from transforms.told_samples import PLATE, Sample

ONE_BATCH: Final = "one batch"
"""Batch of tubes for which none is named."""

AMBIGUOUS: Final = "tube.ambiguous"

_DAY: Final = "day"
_TOLD: Final = (*PLATE, _DAY)
_ONE_DAY: Final = timedelta(days=1)

Key = tuple[str, int]
T = TypeVar("T")


def with_batches(of_specimen: list[Sample]) -> list[Sample]:
    """Samples of one specimen with their batch, or ambiguous.

    Where samples differ in plate, or were acquired more than a day apart, every plate and day is a batch; a sample that
    says neither is taken for acquired with its namesakes. Those that nothing is known of are one batch by themselves.
    Within these, where one name and stimulus stands in two places of which neither holds the other, every place is a
    batch. A sample that fits several plates, days or places is ambiguous.
    """
    acquired = _acquired(of_specimen)
    together = defaultdict(list)
    for one in of_specimen:
        together[acquired[one.key]].append(one)
    lost = [replace(one, reason=AMBIGUOUS) for one in together.pop(None, [])]
    return lost + [one for named, several in together.items() for one in _by_place(several, named or "")]


def _by_place(several: list[Sample], acquired: str) -> list[Sample]:
    standing = defaultdict(set)
    for one in several:
        for name in one.names:
            standing[name, one.stimulus, one.is_raw].add(one.batches)
    stand_apart = any(_are_apart(a, b) for told in standing.values() for a, b in combinations(told, 2) if a and b)
    if not stand_apart:
        return [replace(one, batch=acquired or ONE_BATCH) for one in several]
    places = {told: " | ".join(sorted(place)) for told, place in clear_places(one.batches for one in several).items()}
    return [
        replace(one, batch=" | ".join(filter(None, (acquired, places[one.batches]))))
        if one.batches in places
        else replace(one, reason=AMBIGUOUS)
        for one in several
    ]


def _are_apart(one: frozenset[T], other: frozenset[T]) -> bool:
    return not (one <= other or other <= one)


def clear_places(told: Iterable[frozenset[T]]) -> dict[frozenset[T], frozenset[T]]:
    """What is told of a place to all that is told of it; what fits two places, or says nothing, is left out.

    Where one telling holds all of another both speak of one place; two that only share a folder or experiment do not.
    """
    tellings = set(told) - {frozenset()}
    alike = {one: [other for other in tellings if not _are_apart(one, other)] for one in tellings}
    clear = {one for one, others in alike.items() if _is_chain(others)}
    return {one: frozenset().union(*(other for other in alike[one] if other in clear)) for one in clear}


def _is_chain(tellings: list[frozenset[T]]) -> bool:
    return all(less <= more for less, more in pairwise(sorted(tellings, key=len)))


def _acquired(of_specimen: list[Sample]) -> dict[Key, str | None]:
    """Plate and day of each sample in words; empty where none differ, or nothing is known; None where several fit."""
    own = _told_itself(of_specimen)
    values = {name: {told[name] for told in own.values() if name in told} for name in _TOLD}
    differing = [name for name in _TOLD if len(values[name]) > 1]
    if not differing:
        return dict.fromkeys(own, "")
    by_name = _by_name(of_specimen, own)
    filled = {one.key: _filled(one, own[one.key], by_name) for one in of_specimen}
    known = {key: frozenset(told.items()) for key, told in filled.items() if told is not None}
    places = clear_places(known.values())
    words = {frozenset[tuple[str, str]](): ""} | {
        told: _words(dict(place), differing) for told, place in places.items()
    }
    return {key: words.get(known[key]) if key in known else None for key in own}


def _told_itself(of_specimen: list[Sample]) -> dict[Key, dict[str, str]]:
    days = runs_of_days(one.acquired for one in of_specimen if one.acquired)
    return {
        one.key: one.plate | ({_DAY: days[one.acquired].isoformat()} if one.acquired else {}) for one in of_specimen
    }


def _by_name(
    of_specimen: list[Sample], own: Mapping[Key, Mapping[str, str]]
) -> dict[tuple[str, str | None, str], set[str]]:
    found = defaultdict(set)
    for one in of_specimen:
        for name in one.names:
            for what, value in own[one.key].items():
                found[name, one.stimulus, what].add(value)
    return found


def _filled(
    one: Sample, own: Mapping[str, str], by_name: Mapping[tuple[str, str | None, str], set[str]]
) -> dict[str, str] | None:
    """What is told of plate and day by the sample or else by its namesakes; None where these differ."""
    told = dict(own)
    for what in set(_TOLD) - set(own):
        values = {value for name in one.names for value in by_name.get((name, one.stimulus, what), ())}
        if len(values) > 1:
            return None
        if values:
            told[what] = values.pop()
    return told


def _words(place: Mapping[str, str], differing: list[str]) -> str:
    shown = [place[name] for name in differing if name in place] or [place[name] for name in _TOLD if name in place]
    return " | ".join(dict.fromkeys(shown))


def runs_of_days(days: Iterable[date]) -> dict[date, date]:
    """Each day to the first day of its run: two days on end are one run, three or more each stand for themselves.

    So days once parted are never joined by a day between them.
    """
    ordered = sorted(set(days))
    runs: dict[date, date] = {}
    for day in ordered:
        before, after = day - _ONE_DAY, day + _ONE_DAY
        is_pair = before in runs and before - _ONE_DAY not in runs and after not in ordered
        runs[day] = before if is_pair else day
    return runs
