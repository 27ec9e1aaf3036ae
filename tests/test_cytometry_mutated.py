"""Exports of cytometry statistics, mutated: damage changes what it was done to, or the file is refused.

Nothing but the readers' own error is raised. Where a percentage stands beside a count, the count changes unseen by no
more than the percentage is rounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import polars as pl
import pytest
from hypothesis import given, settings

from expectations.cytometry_in import CYTOMETRY_COUNTS, CYTOMETRY_SAMPLES
from tests.drawn_cytometry import (
    COUNTS_OF_CYTOBANK,
    COUNTS_OF_FACSDIVA,
    COUNTS_OF_FLOWJO_10,
    COUNTS_OF_HIERARCHY,
    COUNTS_OF_LONG,
    CYTOBANK_BY_FILE,
    CYTOBANK_BY_POPULATION,
    FACSDIVA,
    FLOWJO_10,
    HIERARCHY,
    LONG,
    SETTINGS,
    Counts,
    counts_of,
    facsdiva_experiment,
    facsdiva_tube,
    read,
)
from tests.drawn_exports import source
from tests.mutating import (
    NUMBERS,
    Mutate,
    SheetCase,
    TextCase,
    cells_of_sheet,
    cut,
    double,
    flip,
    found_or_none,
    lines,
    other_cell,
    shifted,
    truncate,
)
from transforms.readers import flowjo_table
from transforms.readers.sheets import Sheet
from transforms.readers.source import Reading

EXPERIMENT = facsdiva_experiment(facsdiva_tube("MART-1"), facsdiva_tube("medium", file="38981.fcs"))
COUNTS_OF_EXPERIMENT: Counts = {
    (tube, path): (n, "counted")
    for tube in ("MART-1", "medium")
    for path, n in {"": 10000, "CD3": 8000, "CD3/CD8": 2000}.items()
}


@dataclass(frozen=True)
class Case:
    """An export, what it gives, the line its counts begin in (from 0), and how many populations a line may hold."""

    text: str
    counts: Counts
    first: int
    of_line: int

    @property
    def drawn(self) -> TextCase:
        """The export as mutations take it."""
        return TextCase(self.text, {}, first=self.first, n_rows=self.text.count("\n") - self.first)


CASES = {
    "flowjo": Case(FLOWJO_10, COUNTS_OF_FLOWJO_10, 1, 4),
    "hierarchy": Case(HIERARCHY, COUNTS_OF_HIERARCHY, 1, 1),
    "facsdiva": Case(FACSDIVA, COUNTS_OF_FACSDIVA, 7, 1),
    "cytobank by file": Case(CYTOBANK_BY_FILE, COUNTS_OF_CYTOBANK, 4, 3),
    "cytobank by population": Case(CYTOBANK_BY_POPULATION, COUNTS_OF_CYTOBANK, 3, 2),
    "long": Case(LONG, COUNTS_OF_LONG, 1, 1),
    "experiment": Case(EXPERIMENT, COUNTS_OF_EXPERIMENT, 2, 1),
}
MUTATIONS = {"byte flipped": flip, "cut": cut, "doubled": double, "truncated": truncate, "lines": lines}


def reading_or_none(data: bytes) -> Reading | None:
    """What is read; None where it is refused, or was made a table of another kind."""
    found: list[Reading] = []

    def take() -> Counts:
        found.append(read(data))
        return {}

    found_or_none(take)
    return found[0] if found and "cytometry_counts" in found[0].tables else None


def numbers_of(reading: Reading) -> list[tuple[str, str, int]]:
    """Sample, path and count of everything that was counted; a sample may stand twice."""
    samples = reading.tables["cytometry_samples"].select("sample_number", "sample_name")
    rows = reading.tables["cytometry_counts"].filter(status="counted").join(samples, on="sample_number", validate="m:1")
    return rows.select("sample_name", "population_path", "count").rows()


def counted(case: Case) -> Collection[tuple[str, str, int]]:
    """What is counted in an export as it stands, as `numbers_of` gives it."""
    return [(sample, path, n) for (sample, path), (n, _) in case.counts.items() if n is not None]


@pytest.mark.parametrize("name", CASES)
def test_what_is_mutated_is_read_as_it_stands(name):
    assert counts_of(read(CASES[name].drawn.data)) == CASES[name].counts


@pytest.mark.parametrize("name", CASES)
def test_what_is_read_breaks_no_rule_of_its_tables(name):
    tables = read(CASES[name].text).tables
    for table in (CYTOMETRY_SAMPLES, CYTOMETRY_COUNTS):
        assert tables[table.name].filter(~pl.all_horizontal(rule.holds for rule in table.rules)).is_empty()
        assert tables[table.name].select(table.key).is_unique().all()


@pytest.mark.parametrize("how", MUTATIONS)
@pytest.mark.parametrize("name", CASES)
@settings(max_examples=150, deadline=None)
@given(one=NUMBERS, other=NUMBERS, value=NUMBERS)
def test_damage_raises_nothing_but_the_readers_own_error(name, how, one, other, value):
    mutate: Mutate = MUTATIONS[how]
    reading_or_none(mutate(CASES[name].drawn, one, other, value).data)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=200, deadline=None)
@given(one=NUMBERS, value=NUMBERS)
def test_a_byte_flipped_below_the_header_changes_the_counts_of_one_line_and_no_other(name, one, value):
    case, drawn = CASES[name], CASES[name].drawn
    begins, ends = drawn.grid
    reading = reading_or_none(flip(drawn, 2 * (begins + one % (ends - begins)), 0, value).data)
    if reading is not None:
        others = Counter(n for _, _, n in numbers_of(reading)) - Counter(n for *_, n in counted(case))
        assert others.total() <= case.of_line


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=150, deadline=None)
@given(one=NUMBERS)
def test_a_truncated_file_gives_no_other_counts(name, one):
    case = CASES[name]
    reading = reading_or_none(case.drawn.data[: one % len(case.drawn.data)])
    assert reading is None or set(numbers_of(reading)) <= set(counted(case))


@pytest.mark.parametrize("n", range(10))
@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("facsdiva", "CD8,CD3,2000", 8),
        ("facsdiva", "CD3,All Events,8000", 15),
        ("hierarchy", "25,2000", 3),
        ("flowjo", "25.0,2000", 5),
        ("long", "CD8+,2000", 5),
    ],
)
def test_a_digit_changed_in_a_count_that_a_percentage_proves_is_seen(name, text, place, n):
    case = CASES[name]
    assert text in case.text
    changed = text[:place] + str(n) + text[place + 1 :]
    reading = reading_or_none(case.text.replace(text, changed).encode())
    assert reading is None or set(numbers_of(reading)) <= set(counted(case))


@pytest.mark.parametrize("name", [name for name in CASES if name != "experiment"])
@settings(max_examples=150, deadline=None)
@given(one=NUMBERS, value=NUMBERS)
def test_a_byte_flipped_in_a_header_makes_no_new_count(name, one, value):
    """Paths may be others for it, or be passed over; the numbers are the same ones."""
    case, drawn = CASES[name], CASES[name].drawn
    begins, ends = drawn.starts[case.first - 1], drawn.starts[case.first]
    reading = reading_or_none(flip(drawn, 2 * (begins + one % (ends - begins)), 0, value).data)
    assert reading is None or {n for *_, n in numbers_of(reading)} <= {n for *_, n in counted(case)}


ROWS = [
    ["", "A | Count", "B | Count", "Stimulation"],
    *([f"s{row}", str(10 * row + 1), str(7 * row + 2), "CMV"] for row in range(1, 6)),
]
CELLS = SheetCase(
    ROWS,
    {(row[0], path): (int(cell), "counted") for row in ROWS[1:] for path, cell in zip("AB", row[1:3], strict=True)},
    {(n, column): (f"s{n}", "AB"[column - 1]) for n in range(1, 6) for column in (1, 2)},
    ("", "--", "n/a", "####", "A", "1", "12", "-1", "1,5", "1O", "0", "7.0", "999999", "1.5", "-2"),
)


def of_cells(rows: list[list[str]]) -> Counts:
    """What the reader makes of other cells in a table of FlowJo."""
    places = [f"line {n}" for n in range(2, len(rows) + 1)]
    sheet = Sheet(None, rows[0], rows[1:], places, point_is_decimal=True)
    return counts_of(flowjo_table.read(source("a\n"), [sheet], SETTINGS))


@pytest.mark.parametrize("how", [other_cell, cells_of_sheet])
@settings(max_examples=200, deadline=None)
@given(one=NUMBERS, other=NUMBERS, value=NUMBERS)
def test_a_cell_changed_changes_its_own_count_or_the_file_is_refused(how, one, other, value):
    mutant = how(CELLS, one | 1, other | 1, value)
    mutant.check(found_or_none(lambda: of_cells(mutant.rows)), CELLS.wells)


@settings(max_examples=200, deadline=None)
@given(one=NUMBERS, value=NUMBERS)
def test_a_cell_taken_out_or_put_in_moves_no_other_count(one, value):
    mutant = shifted(CELLS, one | 1, 0, value)
    mutant.check(found_or_none(lambda: of_cells(mutant.rows)), CELLS.wells)
