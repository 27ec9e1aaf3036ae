"""The contract language: each rule says of every row whether it keeps it, and every table follows from its columns."""

from __future__ import annotations

import polars as pl
import pytest

from expectations.contract import Column, Table
from expectations.identities import WELL
from expectations.ingested import INGESTED
from expectations.reasons import REASONS
from expectations.rules import (
    UNREADABLE,
    Between,
    Equal,
    FilledExactlyWhen,
    FilledWith,
    Matches,
    NotBefore,
    OneOf,
    Readable,
    Reference,
    Required,
    Rule,
    UniqueInFile,
)
from expectations.tables import TABLES
from tests.drawing import table


def assert_holds(rule: Rule, drawing: str) -> None:
    """The rule says of every drawn row what its last cell says."""
    rows = table(drawing)
    assert rows.select(found=rule.holds)["found"].to_list() == rows["holds"].to_list()
    assert rows.select(found=pl.all_horizontal(rule.parts))["found"].to_list() == rows["holds"].to_list()
    assert rule.reason in REASONS


def test_a_row_is_readable_where_no_column_is_named_as_unreadable():
    drawing = """
        unreadable_columns | holds
        sex,birth_year     | false
                           | true
    """
    assert_holds(Readable((UNREADABLE,)), drawing)


def test_a_required_column_is_filled():
    drawing = """
        a | holds
        x | true
          | false
    """
    assert_holds(Required(("a",)), drawing)


def test_a_value_is_one_of_those_allowed_to_the_letter():
    drawing = """
        a | holds
        x | true
        X | false
        z | false
          | true
    """
    assert_holds(OneOf(("a",), values=("x", "y")), drawing)


def test_a_number_lies_between_its_bounds_which_are_inside():
    drawing = """
        a     | holds
        0     | true
        100   | true
        -0.1  | false
        100.1 | false
        nan   | false
              | true
    """
    assert_holds(Between(("a",), minimum=0, maximum=100), drawing)


@pytest.mark.parametrize(
    ("bounds", "holds"), [({"minimum": 1}, (False, True, True)), ({"maximum": 1}, (True, True, False))]
)
def test_a_whole_number_may_have_one_bound_only(bounds, holds):
    rows = table("a\n0\n1\n2")
    assert tuple(rows.select(found=Between(("a",), **bounds).holds)["found"]) == holds


def test_a_text_has_the_form_of_the_pattern_from_end_to_end():
    drawing = """
        a    | holds
        A1   | true
        P24  | true
        A123 | false
        xA1  | false
        a1   | false
        A    | false
             | true
    """
    assert_holds(Matches(("a",), pattern=str(WELL.pattern)), drawing)
    alternatives = """
        a  | holds
        x  | true
        y  | true
        xz | false
        zy | false
    """
    assert_holds(Matches(("a",), pattern="x|y"), alternatives)


def test_a_date_is_not_before_another_where_both_are_there():
    drawing = """
        late       | early      | holds
        2012-01-02 | 2012-01-01 | true
        2012-01-01 | 2012-01-01 | true
        2012-01-01 | 2012-01-02 | false
                   | 2012-01-02 | true
        2012-01-02 |            | true
                   |            | true
    """
    assert_holds(NotBefore(("late", "early")), drawing)


def test_two_columns_are_equal_where_both_are_there():
    drawing = """
        a | b | holds
        1 | 1 | true
        1 | 2 | false
          | 2 | true
        1 |   | true
          |   | true
    """
    assert_holds(Equal(("a", "b")), drawing)


def test_a_count_is_filled_exactly_where_the_well_was_counted():
    drawing = """
        n | status  | holds
        3 | counted | true
          | counted | false
        3 | masked  | false
          | masked  | true
        3 |         | false
          |         | true
    """
    assert_holds(FilledExactlyWhen(("n",), when="status", equals="counted"), drawing)


def test_a_column_is_filled_wherever_another_is():
    drawing = """
        needed | given | holds
        1      | x     | true
               | x     | false
        1      |       | true
               |       | true
    """
    assert_holds(FilledWith(("needed", "given")), drawing)


def test_a_key_stands_once_in_a_file_and_may_stand_in_another():
    drawing = """
        file_sha256 | id | holds
        f           | 1  | false
        f           | 1  | false
        f           | 2  | true
        g           | 1  | true
        f           |    | true
        f           |    | true
    """
    assert_holds(UniqueInFile(("file_sha256", "id")), drawing)


def test_a_reference_points_to_something_known():
    rows = table("a\nS1\nS3").vstack(pl.DataFrame({"a": [None]}, schema={"a": pl.String}))
    reference = Reference("a", "subjects.subject_id")
    assert rows.select(found=reference.holds(["S1", "S2"]))["found"].to_list() == [True, False, True]
    assert rows.select(found=reference.holds([]))["found"].to_list() == [False, False, True]


SAYS = [
    (Readable((UNREADABLE,)), "every filled cell can be read as its column's type"),
    (Required(("a",)), "a is filled"),
    (OneOf(("a",), values=("x", "y")), "a is one of x, y"),
    (Between(("a",), minimum=0, maximum=100), "a is between 0 and 100"),
    (Between(("a",), minimum=1), "a is at least 1"),
    (Between(("a",), maximum=1), "a is at most 1"),
    (NotBefore(("processed_at", "collected_at")), "processed_at is not before collected_at"),
    (Equal(("a", "b")), "a equals b"),
    (FilledExactlyWhen(("n",), when="status", equals="counted"), "n is filled exactly where status is counted"),
    (FilledWith(("stimulus", "specimen_id")), "stimulus is filled wherever specimen_id is"),
    (UniqueInFile(("file_sha256", "id")), "id stands once in a file"),
    (Reference("subject_id", "subjects.subject_id"), "subject_id stands in the table subjects"),
    (Reference("stimulus", "study.stimuli"), "stimulus is declared in study.toml"),
]


@pytest.mark.parametrize(("rule", "says"), SAYS, ids=[says for _, says in SAYS])
def test_a_rule_is_told_in_words(rule, says):
    assert rule.says == says


def test_what_is_not_in_the_study_file_is_undeclared_and_what_is_in_no_table_unknown():
    assert Reference("stimulus", "study.stimuli").reason == "row.undeclared"
    assert Reference("subject_id", "subjects.subject_id").reason == "row.unknown_reference"


DRAWN = Table(
    "drawn",
    grain="one drawn row",
    key=("id",),
    columns=(
        Column("id", pl.String, "Key.", required=True),
        Column("kind", pl.String, "Kind.", values=("x", "y"), severity="warning"),
        Column("share", pl.Float64, "Share.", unit="%", minimum=0, maximum=100, limit=0.5),
        Column("code", pl.String, "Code.", pattern="[A-Z]"),
    ),
    extra_rules=(Equal(("kind", "code")),),
)


def test_every_rule_of_a_table_follows_from_its_columns():
    assert [(rule.name, rule.severity, rule.limit) for rule in DRAWN.rules] == [
        (f"unreadable({UNREADABLE})", "critical", 0.1),
        ("required(id)", "critical", 0.1),
        ("allowed_values(kind)", "warning", 0.1),
        ("range(share)", "critical", 0.5),
        ("pattern(code)", "critical", 0.1),
        ("not_equal(kind, code)", "critical", 0.1),
    ]
    assert DRAWN.unique_in_file.columns == ("file_sha256", "id")


def test_a_comment_tells_unit_and_values():
    assert DRAWN.column("share").comment == "Share. [%]"
    assert DRAWN.column("kind").comment == "Kind. One of: x, y."


def test_conforming_gives_the_declared_columns_order_and_types_or_fails():
    loose = pl.DataFrame({"share": [1], "more": [2], "code": ["A"], "kind": ["x"], "id": ["1"]})
    assert DRAWN.conform(loose).schema == DRAWN.schema
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        DRAWN.conform(loose.drop("kind"))
    with pytest.raises(pl.exceptions.InvalidOperationError):
        DRAWN.conform(loose.with_columns(share=pl.lit("much")))


@pytest.mark.parametrize("declared", TABLES.values(), ids=TABLES)
def test_every_declared_table_holds_together(declared):
    names = [column.name for column in declared.columns]
    assert len(set(names)) == len(names)
    assert set(declared.key) <= set(names)
    assert declared.empty().schema == declared.schema
    for column in declared.columns:
        assert column.description.endswith((".", ")"))
        assert column.pattern is None or column.dtype == pl.String
        assert (column.minimum is None and column.maximum is None) or column.dtype.is_numeric()
    for rule in declared.rules:
        assert rule.reason in REASONS
        assert set(rule.columns) <= {*names, UNREADABLE}


@pytest.mark.parametrize("declared", INGESTED, ids=lambda one: one.name)
def test_a_table_is_judged_after_those_it_refers_to(declared):
    before = {table.name: set(table.schema) for table in INGESTED[: INGESTED.index(declared)]}
    for reference in declared.references:
        name, _, column = reference.target.partition(".")
        assert name == "study" or column in before[name]
        assert reference.column in declared.schema
        assert reference.holds_file_as in REASONS


@pytest.mark.parametrize("declared", INGESTED, ids=lambda one: one.name)
def test_a_key_column_of_an_ingested_table_is_always_filled(declared):
    assert set(declared.key) <= set(declared.required)
