"""The demo's lesions by a second, simple route: RECIST 1.0 by hand over the written rows gives what was reported."""

from __future__ import annotations

import csv
import io
from collections import defaultdict

import pytest
from openpyxl import load_workbook

from flows.demo import DEFAULT_SEED
from flows.demo.lesions import LESIONS, MEASUREMENTS, write_lesions
from flows.demo.subjects import enrol

SEEDS = (DEFAULT_SEED, 7, 11)


def by_hand(seed: int):
    """(subject, day) to (reported, by hand) of every assessment of the investigator, and the subjects planted."""
    subjects = enrol(seed)
    files, planted = write_lesions(seed, subjects)
    lesions = {
        (row["subject_id"], row["lesion_id"]): row for row in csv.DictReader(io.StringIO(files[LESIONS].decode()))
    }
    header, *lines = load_workbook(io.BytesIO(files[MEASUREMENTS])).worksheets[0].iter_rows(values_only=True)
    seen = defaultdict(lambda: defaultdict(dict))
    for line in lines:
        row = dict(zip(header, line, strict=True))
        diameter = {"measured": row["diameter_mm"], "too_small": 5.0, "absent": 0.0}.get(row["status"])
        category = lesions[row["subject_id"], row["lesion_id"]]["category"]
        seen[row["subject_id"]][row["assessment_date"].date()][category, row["lesion_id"]] = (row["status"], diameter)
    told = {}
    for subject in subjects:
        days = sorted(seen[subject.subject_id])
        tenths = [targets_of(seen[subject.subject_id][day]) for day in days]
        whole = nadir = sum(tenths[0])
        reported = {one.assessed_on: one.response for one in subject.assessments if one.evaluator == "investigator"}
        assert set(reported) == set(days[1:]) and days[0] < subject.infused_on
        for day, sizes in zip(days[1:], tenths[1:], strict=True):
            told[subject.subject_id, day] = (
                reported[day],
                response(seen[subject.subject_id][day], sizes, whole, nadir),
            )
            if None not in sizes:
                nadir = min(nadir, sum(sizes))
    return told, {fault.value for fault in planted}


def targets_of(lesions):
    sizes = [size for (category, _), (_, size) in sorted(lesions.items()) if category == "target"]
    return [None if size is None else round(10 * size) for size in sizes]


def response(lesions, sizes, whole, nadir):
    states = {status for (category, _), (status, _) in lesions.items() if category == "non_target"}
    if "progressed" in states or any(category == "new" for category, _ in lesions):
        return "PD"
    total = sum(size for size in sizes if size is not None)
    if 5 * total >= 6 * nadir and total > nadir:
        return "PD"
    if None in sizes:
        return "NE"
    if total == 0:
        return "CR" if states <= {"absent"} else "PR"
    return "PR" if 10 * total <= 7 * whole else "SD"


@pytest.mark.parametrize("seed", SEEDS)
def test_every_reported_response_follows_from_the_lesions_but_for_the_planted_ones(seed):
    told, planted = by_hand(seed)
    differ = {key: pair for key, pair in told.items() if pair[0] != pair[1]}
    assert {subject for subject, _ in differ} == planted
    assert set(differ.values()) <= {("PD", "SD"), ("PR", "SD")} and len(differ) == len(planted)
    assert len(told) > 80


def test_lesions_move_nothing_else():
    assert write_lesions(7, enrol(7)) == write_lesions(7, enrol(7))
    assert write_lesions(7, enrol(7))[0] != write_lesions(8, enrol(7))[0]
