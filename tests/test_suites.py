"""Great Expectations and the split of rows follow from one contract: they find the same rows, under the same limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from expectations import suites
from expectations.contract import Table
from expectations.ingested import (
    ELISPOT_COUNTS,
    INGESTED,
    PLATES,
    SPECIMENS,
    SUBJECTS,
)
from expectations.records import CHECK_COLUMNS
from expectations.rules import UNREADABLE
from tests.drawing import table
from transforms.splitting import tests_of as row_tests_of

pytestmark = pytest.mark.filterwarnings("default")  # Great Expectations warns of its own dependencies

KNOWN: dict[str, list[str]] = {
    "subjects.subject_id": ["S1", "S2"],
    "specimens.specimen_id": ["B1", "B2"],
    "plate_layouts.plate_id": ["P1"],
    "lesions.lesion_id": ["T01", "T02"],
    "layout_templates.template": ["T1"],
    "study.stimuli": ["medium", "MART-1"],
    "study.antigens": ["MART-1"],
    "study.negative_controls": ["medium"],
}
TEXTS = ["S1", "S2", "S3", "B1", "P1", "P2", "medium", "it's", 'a "b"', "A1", "a1", "Z99", "counted", "x\ny"]
DAYS = [date(1900, 1, 1), date(2012, 1, 1), date(2012, 1, 2), date(2199, 12, 31)]


def cells(column: Any) -> st.SearchStrategy[Any]:
    """Values of a column's type: good, bad and missing."""
    if column.dtype == pl.Date:
        values: list[Any] = DAYS
    elif isinstance(column.dtype, pl.Datetime):
        values = [datetime(2012, 1, 1, 10), datetime(2012, 1, 1, 10, 0, 0, 1), datetime(2199, 1, 1)]
    elif column.dtype == pl.Time:
        values = [time(0), time(23, 59, 59)]
    elif column.dtype == pl.Boolean:
        values = [True, False]
    elif column.dtype == pl.String:
        values = [*(column.values or ()), *TEXTS]
    else:
        bounds = [bound for bound in (column.minimum, column.maximum) if bound is not None] or [0]
        values = [int(bound) + step for bound in bounds for step in (-1, 0, 1)]
    return st.sampled_from([None, *values])


def frames(declared: Table) -> st.SearchStrategy[pl.DataFrame]:
    """Incoming frames of a table from two files."""
    columns = {column.name: cells(column) for column in declared.columns}
    columns |= {"file_sha256": st.sampled_from(["f", "g"]), UNREADABLE: st.sampled_from([None, None, "sex"])}
    rows = st.lists(st.fixed_dictionaries(columns), min_size=1, max_size=25)
    return rows.map(lambda told: pl.DataFrame(told, schema=declared.schema | {UNREADABLE: pl.String}))


def by_rule(found: pl.DataFrame, value: str) -> dict[str, list[Any]]:
    """Values of the checks of each rule: one, or one a part."""
    told: dict[str, list[Any]] = {}
    for name, cell in found.select("check_name", value).iter_rows():
        told.setdefault(name.partition(":")[0], []).append(cell)
    return told


@pytest.mark.parametrize("declared", INGESTED, ids=lambda one: one.name)
@examples(max_examples=6, deadline=None)
@given(st.data())
def test_as_many_rows_are_unexpected_as_break_the_rule_and_the_same_limits_hold(declared, data):
    incoming = data.draw(frames(declared))
    found = suites.check(declared, incoming, KNOWN)
    unexpected, succeeded = by_rule(found, "n_unexpected"), by_rule(found, "success")
    tests = row_tests_of(declared, KNOWN)
    assert set(unexpected) == {test.rule.name for test in tests} | {suites.ROW_COUNT}
    for test in tests:
        bad = [incoming.filter(~holds).height for holds in test.parts]
        allowed = test.rule.limit * incoming.filter(test.rule.applies).height
        assert sum(unexpected[test.rule.name]) == sum(bad) == incoming.filter(~test.holds).height
        assert all(succeeded[test.rule.name]) == all(n <= allowed for n in bad)


def test_every_expectation_becomes_one_row_of_quality_checks():
    found = suites.check(SUBJECTS, drawn(10), KNOWN)
    assert tuple(found.columns) == CHECK_COLUMNS
    assert found["check_name"].is_unique().all()
    assert set(found["engine"]) == {"great_expectations"}
    assert found["success"].all()
    assert all(json.loads(result)["expectation"]["type"].startswith("expect_") for result in found["result"])


def drawn(n: int, **wrong: Callable[[int], object]) -> pl.DataFrame:
    """n good subjects; `wrong` gives a column's cell by the row's number, where it is not None."""
    rows = [
        {
            "subject_id": f"S{number}",
            "enrolment_date": date(2012, 1, 1),
            "sex": "female",
            "file_sha256": "f",
            "place": f"line {number + 2}",
        }
        for number in range(n)
    ]
    for name, cell in wrong.items():
        for number, row in enumerate(rows):
            value = cell(number)
            row[name] = row.get(name) if value is None else (None if value == "empty" else value)
    return pl.DataFrame(rows, schema=SUBJECTS.schema | {UNREADABLE: pl.String})


LIMITS = """
    rows | bad | succeeds
    10   | 0   | true
    10   | 1   | true
    10   | 2   | false
    9    | 1   | false
    100  | 10  | true
    100  | 11  | false
"""


@pytest.mark.parametrize(("rows", "bad", "succeeds"), table(LIMITS).rows())
@pytest.mark.parametrize(
    ("check", "name", "value"),
    [
        ("allowed_values(sex)", "sex", "f"),
        ("required(enrolment_date)", "enrolment_date", "empty"),
        ("range(ldh_at_baseline)", "ldh_at_baseline", -1.0),
        (f"unreadable({UNREADABLE})", UNREADABLE, "sex"),
    ],
)
def test_a_tenth_of_the_rows_may_break_a_rule_and_not_one_more(rows, bad, succeeds, check, name, value):
    good = {"ldh_at_baseline": 200.0}.get(name)
    incoming = drawn(rows, **{name: lambda number: value if number < bad else good})
    found = suites.check(SUBJECTS, incoming, KNOWN).filter(pl.col("check_name") == check)
    assert found["success"].to_list() == [succeeds]
    assert found["n_unexpected"].to_list() == [bad]


def test_the_share_is_of_the_rows_that_have_a_value():
    two_of_four = drawn(40, ldh_at_baseline={0: -1.0, 1: -1.0, 2: 1.0, 3: 1.0}.get)
    found = suites.check(SUBJECTS, two_of_four, KNOWN).filter(pl.col("check_name") == "range(ldh_at_baseline)")
    assert found["success"].to_list() == [False]


def wells(statuses: str, spots: str) -> pl.DataFrame:
    """One well a letter: c counted, m masked; a digit or a dash for no number."""
    told = {"c": "counted", "m": "masked"}
    rows = [
        {"plate_id": "P1", "well": f"A{n}", "analyte": "IFNg", "status": told[s], "spots": None if c == "-" else int(c)}
        for n, (s, c) in enumerate(zip(statuses, spots, strict=True), start=1)
    ]
    frame = pl.DataFrame(rows).with_columns(file_sha256=pl.lit("f"), place=pl.lit("line 2"))
    return frame.select(*ELISPOT_COUNTS.schema, pl.lit(None, dtype=pl.String).alias(UNREADABLE))


FILLED = """
    statuses             | spots                | filled | empty
    cccccccccccccccccccc | 11111111111111111111 | true   | true
    ccccccccccccccccccmm | 111111111111111111-- | true   | true
    ccccccccccccccccccmm | 11111111111111111111 | true   | true
    cccccccccccccccccmmm | 11111111111111111111 | true   | false
    cccccccccccccccccccc | --111111111111111111 | true   | true
    cccccccccccccccccccc | ---11111111111111111 | false  | true
    ccmmmmmmmmmmmmmmmmmm | ---------------111-- | true   | false
"""


@pytest.mark.parametrize(("statuses", "spots", "filled", "empty"), table(FILLED).rows())
def test_counts_without_number_and_numbers_without_count_are_a_share_of_all_wells(statuses, spots, filled, empty):
    found = suites.check(ELISPOT_COUNTS, wells(statuses, spots), KNOWN)
    told = dict(found.select("check_name", "success").rows())
    name = "filled_exactly_when(spots)"
    assert (told[f"{name}: filled"], told[f"{name}: empty"]) == (filled, empty)


def test_a_plate_without_layout_and_one_with_wells_missing_may_not_come_in_at_all():
    one = wells("c" * 12, "1" * 12).with_columns(
        plate_id=pl.when(pl.col("well") == "A1").then(pl.lit("P9")).otherwise("plate_id")
    )
    found = suites.check(ELISPOT_COUNTS, one, KNOWN).filter(pl.col("check_name") == "unknown_reference(plate_id)")
    assert found.select("success", "n_unexpected", "examples", "limit_percent").row(0) == (False, 1, "P9", 0.0)
    plates = PLATES.empty().with_columns(pl.lit(None, dtype=pl.String).alias(UNREADABLE))
    cut = {"plate_id": "P", "analyte": "IFNg", "instrument": "AID", "n_wells": 95, "n_wells_declared": 96}
    cut |= {"file_sha256": "f", "place": "line 1"}
    found = suites.check(PLATES, pl.concat([plates, pl.DataFrame([cut])], how="diagonal_relaxed"), KNOWN)
    assert found.filter(~pl.col("success"))["check_name"].to_list() == ["not_equal(n_wells, n_wells_declared)"]


@pytest.mark.parametrize("declared", INGESTED, ids=lambda one: one.name)
def test_a_table_without_rows_fails(declared):
    empty = declared.empty().with_columns(pl.lit(None, dtype=pl.String).alias(UNREADABLE))
    failed = suites.check(declared, empty, KNOWN).filter(~pl.col("success"))
    assert failed.select("check_name", "severity").rows() == [(suites.ROW_COUNT, "critical")]
    assert failed["says"].to_list() == [f"there is at least one row in {declared.name}"]


def test_a_reference_to_a_table_without_rows_is_unknown():
    one = drawn_specimen(subject_id="S1")
    found = suites.check(SPECIMENS, one, KNOWN | {"subjects.subject_id": []})
    assert found.filter(~pl.col("success"))["check_name"].to_list() == ["unknown_reference(subject_id)"]


def test_a_reference_whose_target_nobody_named_is_our_fault():
    with pytest.raises(KeyError):
        suites.check(SPECIMENS, drawn_specimen(), {})


def drawn_specimen(**cells: object) -> pl.DataFrame:
    row = {"specimen_id": "B1", "subject_id": "S1", "collection_date": date(2012, 1, 1), "file_sha256": "f"}
    row |= {"place": "line 2"} | cells
    return pl.DataFrame([row], schema=SPECIMENS.schema | {UNREADABLE: pl.String})


def test_a_warning_fails_as_a_warning():
    found = suites.check(SPECIMENS, drawn_specimen(recovery_percent=2000.0), KNOWN)
    failed = found.filter(~pl.col("success"))
    assert failed.select("check_name", "severity").rows() == [("range(recovery_percent)", "warning")]


EXAMPLES = [
    (SPECIMENS, {"viability_percent": 120.0}, "range(viability_percent)", "120.0"),
    (SPECIMENS, {"subject_id": "S9"}, "unknown_reference(subject_id)", "S9"),
    (
        SPECIMENS,
        {"collected_at": datetime(2012, 1, 2, 9), "processed_at": datetime(2012, 1, 1, 9)},
        "order(processed_at, collected_at)",
        "2012-01-01T09:00:00.000000, 2012-01-02T09:00:00.000000",
    ),
]


@pytest.mark.parametrize(("declared", "cells", "check", "expected"), EXAMPLES, ids=[case[2] for case in EXAMPLES])
def test_a_failed_check_shows_what_broke_it(declared, cells, check, expected):
    found = suites.check(declared, drawn_specimen(**cells), KNOWN)
    assert found.filter(pl.col("check_name") == check)["examples"].to_list() == [expected]


def test_a_repeated_key_is_shown_without_the_files_sha256():
    twice = pl.concat([drawn_specimen(), drawn_specimen()])
    found = suites.check(SPECIMENS, twice, KNOWN).filter(pl.col("check_name").str.starts_with("repeated_key"))
    assert found["examples"].to_list() == ["B1; B1"]


def test_an_expectation_that_cannot_be_evaluated_is_our_fault_and_never_the_files():
    with pytest.raises(RuntimeError, match="could not be evaluated"):
        suites.check(SPECIMENS, drawn_specimen().drop("material"), KNOWN)
