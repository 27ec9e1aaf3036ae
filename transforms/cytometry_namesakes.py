"""Samples of one specimen, stimulus and batch that share a name, their own or that of their FCS file: one tube."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from transforms.told_samples import Sample, bare


def without_shared_fcs_names(samples: list[Sample]) -> list[Sample]:
    """The samples, without the name of an FCS file where it tells nothing.

    An instrument may give files of several tubes one `$FIL`. It does where samples of one file, or two FCS files, have
    other names of their own and other numbers of events, and are of one specimen and stimulus.
    """
    told = defaultdict(set)
    for one in samples:
        if one.fcs_name and one.n_events is not None:
            told["" if one.is_raw else one.file_sha256, _fcs(one)].add((one.bare_name.casefold(), one.n_events))
    shared = {
        fcs
        for (_, fcs), seen in told.items()
        if len({name for name, _ in seen}) > 1 and len({n_events for _, n_events in seen}) > 1
    }
    return [replace(one, fcs_name=None) if _fcs(one) in shared else one for one in samples]


def _fcs(one: Sample) -> tuple[str | None, str | None, str]:
    return one.specimen_id, one.stimulus, bare(one.fcs_name or "").casefold()


def tubes_and_strays(samples: list[Sample]) -> tuple[list[list[Sample]], list[Sample]]:
    """Samples by the tube they are: those with a name in common, or in common with a third, and so on.

    A sample whose two names one file gives to two samples that share none may be either: it is a stray.
    """
    together = defaultdict(list)
    for one in samples:
        together[one.specimen_id, one.stimulus, one.batch].append(one)
    tubes, strays = [], []
    for several in together.values():
        apart = _apart(several)
        strays += [one for one in several if one.names in apart]
        tubes += _connected([one for one in several if one.names not in apart])
    return tubes, strays


def _apart(several: list[Sample]) -> set[frozenset[str]]:
    """Pairs of names of one sample that are names of two samples in one file."""
    by_name: dict[str, dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
    for one in several:
        for name in one.names:
            by_name[name][one.file_sha256].append(one)
    return {pair for pair in {one.names for one in several} if len(pair) > 1 and _has_both(pair, by_name)}


def _has_both(pair: frozenset[str], by_name: Mapping[str, Mapping[str, list[Sample]]]) -> bool:
    first, second = (by_name[name] for name in pair)
    return any(
        not a.names & b.names for file in first.keys() & second.keys() for a in first[file] for b in second[file]
    )


def _connected(several: list[Sample]) -> list[list[Sample]]:
    by_name = defaultdict(list)
    for one in several:
        for name in one.names:
            by_name[name].append(one)
    seen, found = set[tuple[str, int]](), []
    for start in several:
        tube, waiting = [], [start]
        while waiting:
            one = waiting.pop()
            if one.key not in seen:
                seen.add(one.key)
                tube.append(one)
                waiting += [other for name in one.names for other in by_name.pop(name, [])]
        found += [tube] if tube else []
    return found
