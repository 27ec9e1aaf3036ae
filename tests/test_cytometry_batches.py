"""Samples matched by keywords or names: which are one tube, and which tubes are one batch; nothing counts twice."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.drawing import table
from tests.drawn_samples import MULTIMERS, samples_of, study
from tests.test_cytometry_matching import CMV, KEYWORDS, MEDIUM, NAMED, drawn, matched, told, tubes

# --- One tube under two names ---------------------------------------------------------------------------------------


def keyed(drawing: str) -> pl.DataFrame:
    """Samples with columns of the table, `specimen` and `stimulus` (keywords), and `plate` ($PLATENAME)."""
    names = {"specimen": "SAMPLE", "stimulus": "STIM", "plate": "$PLATENAME"}
    told = [
        {names[name]: str(value) for name, value in row.items() if name in names and value is not None}
        for row in table(drawing).to_dicts()
    ]
    has = [json.dumps(one) if one else None for one in told]
    return samples_of(drawing).with_columns(keywords=pl.Series(has, dtype=pl.String))


def by_keywords(drawing: str, **settings) -> list[tuple[str, str | None]]:
    """Tube (or reason) and batch of each sample, in order."""
    found = matched(keyed(drawing), settings=study(**KEYWORDS, **settings))
    return list(zip(tubes(found), found["batch"], strict=True))


def test_a_sample_renamed_in_another_file_is_the_tube_of_its_fcs_file():
    renamed = """
        file | n | name      | fcs_name | specimen | stimulus
        a    | 1 | A1.fcs    | A1.fcs   | S1       | CMV
        a    | 2 | A2.fcs    | A2.fcs   | S1       | medium
        b    | 1 | P1 CMV    | a1.fcs   | S1       | CMV
        b    | 2 | P1 medium | A2.fcs   | S1       | medium
        c    | 1 | P1 CMV    |          | S1       | CMV
    """
    assert [tube for tube, _ in by_keywords(renamed)] == ["A1", "A2", "A1", "A2", "A1"]


def test_one_name_of_an_fcs_file_with_another_stimulus_is_another_tube():
    other = """
        file | n | name | fcs_name | specimen | stimulus
        a    | 1 | x    | A1.fcs   | S1       | CMV
        b    | 1 | y    | A1.fcs   | S1       | medium
    """
    assert [tube for tube, _ in by_keywords(other)] == ["x", "y"]


def test_a_sample_with_the_names_of_two_tubes_of_one_file_is_ambiguous_and_changes_neither():
    both = """
        file | n | name | fcs_name | specimen | stimulus
        a    | 1 | A1   | A1.fcs   | S1       | CMV
        a    | 2 | A2   | A2.fcs   | S1       | CMV
        b    | 1 | A1   | A2.fcs   | S1       | CMV
    """
    assert [tube for tube, _ in by_keywords(both)] == ["A1", "A2", "tube.ambiguous"]


def test_one_fcs_name_of_tubes_with_other_numbers_of_events_is_no_name():
    """Instruments write `Tube_001.fcs` into the files of every specimen; a file may be renamed only."""
    generic = """
        file | n | name | fcs_name     | n_events | specimen | stimulus
        a    | 1 | r1   | Tube_001.fcs | 100      | S1       | CMV
        a    | 2 | r2   | Tube_001.fcs | 200      | S1       | CMV
        b    | 1 | r2   | Tube_001.fcs |          | S1       | CMV
    """
    assert [tube for tube, _ in by_keywords(generic)] == ["r1", "r2", "r2"]
    assert [tube for tube, _ in by_keywords(generic.replace("200", "100"))] == ["tube.twice_in_file"] * 2 + ["r1"]


# --- Batches: places, plates and days --------------------------------------------------------------------------------


def test_a_sample_told_only_what_two_places_share_is_ambiguous_and_changes_neither():
    two = """
        file | n | name | batches  | specimen | stimulus
        a    | 1 | x    | inbox/P1 | S1       | CMV
        b    | 1 | x    | inbox/P2 | S1       | CMV
    """
    apart = [("x (S1, CMV, inbox | p1)", "inbox | p1"), ("x (S1, CMV, inbox | p2)", "inbox | p2")]
    assert by_keywords(two) == apart
    assert by_keywords(two + "c | 1 | y | inbox | S1 | CMV") == [*apart, ("tube.ambiguous", None)]
    assert by_keywords(two + "c | 1 | y | P2/inbox/P1 | S1 | CMV") == [*apart, ("tube.ambiguous", None)]
    assert by_keywords(two + "c | 1 | y | P2 | S1 | CMV") == [*apart, ("y", "inbox | p2")]


DAYS = """
    file | n | name | acquisition_date | specimen | stimulus
    a    | 1 | A1   | 2020-01-01       | S1       | CMV
    a    | 2 | A2   | {overnight}      | S1       | medium
    b    | 1 | C1   | {later}          | S1       | CMV
    b    | 2 | C2   | {later}          | S1       | medium
"""


def test_tubes_of_one_specimen_acquired_on_days_apart_are_batches_named_by_the_day():
    found = by_keywords(DAYS.format(overnight="2020-01-01", later="2020-02-01"))
    assert found == [("A1", "2020-01-01"), ("A2", "2020-01-01"), ("C1", "2020-02-01"), ("C2", "2020-02-01")]


def test_an_acquisition_that_goes_on_after_midnight_is_one_batch():
    found = by_keywords(DAYS.format(overnight="2020-01-02", later="2020-02-01"))
    assert [batch for _, batch in found] == ["2020-01-01", "2020-01-01", "2020-02-01", "2020-02-01"]
    assert {batch for _, batch in by_keywords(DAYS.format(overnight="2020-01-02", later="2020-01-02"))} == {"one batch"}


def test_three_days_on_end_are_three_batches():
    found = by_keywords(DAYS.format(overnight="2020-01-02", later="2020-01-03"))
    assert [batch for _, batch in found] == ["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-03"]


def test_a_sample_without_a_day_was_acquired_with_its_namesakes_or_is_in_no_named_batch():
    dated = DAYS.format(overnight="2020-01-01", later="2020-02-01")
    own = [("A1", "2020-01-01"), ("A2", "2020-01-01"), ("C1", "2020-02-01"), ("C2", "2020-02-01")]
    assert by_keywords(dated + "c | 1 | C1.fcs | | S1 | CMV") == [*own, ("C1", "2020-02-01")]
    assert by_keywords(dated + "c | 1 | Z | | S1 | CMV") == [*own, ("Z", "one batch")]


def test_one_name_on_two_days_is_two_tubes_and_a_namesake_without_a_day_is_ambiguous():
    dated = DAYS.format(overnight="2020-01-01", later="2020-02-01").replace("C1", "A1")
    found = by_keywords(dated + "c | 1 | A1.fcs | | S1 | CMV")
    assert [found[0], found[2], found[4]] == [
        ("A1 (S1, CMV, 2020-01-01)", "2020-01-01"),
        ("A1 (S1, CMV, 2020-02-01)", "2020-02-01"),
        ("tube.ambiguous", None),
    ]


def test_tubes_of_one_specimen_on_two_plates_are_batches_named_by_the_plate():
    plates = """
        file | n | name | plate | acquisition_date | specimen | stimulus
        a    | 1 | A1   | P1    | 2020-01-01       | S1       | CMV
        a    | 2 | A2   | P1    | 2020-01-01       | S1       | medium
        b    | 1 | B1   | P2    | 2020-01-01       | S1       | CMV
        b    | 2 | A1   | p1    |                  | S1       | CMV
        c    | 1 | Q    |       | 2020-01-01       | S1       | CMV
    """
    assert by_keywords(plates) == [("A1", "p1"), ("A2", "p1"), ("B1", "p2"), ("A1", "p1"), ("tube.ambiguous", None)]
    assert {batch for _, batch in by_keywords(plates.replace("P2", "P1"))} == {"one batch"}


def test_plates_of_one_name_on_days_apart_are_two_batches():
    plates = """
        file | n | name | plate | acquisition_date | specimen | stimulus
        a    | 1 | A1   | P1    | 2020-01-01       | S1       | CMV
        b    | 1 | A1   | P1    | 2020-02-01       | S1       | CMV
    """
    assert [batch for _, batch in by_keywords(plates)] == ["2020-01-01", "2020-02-01"]
    two = by_keywords(plates + "c | 1 | A1 | P2 | 2020-02-01 | S1 | CMV")
    assert [batch for _, batch in two] == ["p1 | 2020-01-01", "p1 | 2020-02-01", "p2 | 2020-02-01"]


def test_days_of_another_specimen_make_no_difference():
    other = "file | n | name | acquisition_date | specimen | stimulus\n a | 1 | A1 | 2020-01-01 | S1 | CMV\n"
    found = by_keywords(other + "b | 1 | A2 | 2020-02-01 | S2 | CMV")
    assert [batch for _, batch in found] == ["one batch", "one batch"]


# --- An empty stimulus -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "found"),
    [
        (KEYWORDS["match"], "tube.no_stimulus"),
        ({"specimen_keywords": ["SAMPLE"], **NAMED["match"]}, "tube.no_stimulus"),
        ({"specimen_keywords": ["SAMPLE"]}, "X"),
        ({"specimen_keywords": ["SAMPLE"], "file_name": r"(?P<specimen>S\d+)_.+"}, "X"),
    ],
)
def test_an_empty_stimulus_makes_no_multimer_tube_where_the_study_says_where_to_find_it(match, found):
    sample = told(("X", "", {"SAMPLE": "S1", "STIM": " "}))
    assert tubes(matched(sample, settings=study(match=match, **MULTIMERS))) == [found]


def test_a_row_of_the_table_without_a_stimulus_is_a_multimer_tube_all_the_same():
    tube = "tube_id | specimen_id | stimulus\n M | S1 |"
    found = matched(told(("M", "", {"SAMPLE": "S1"})), tube, study(**KEYWORDS, **MULTIMERS))
    assert found["tube_role"].to_list() == ["multimer"]


# --- What a new sample may change ------------------------------------------------------------------------------------


def tubes_of_one_batch(found: pl.DataFrame, column: str) -> set[frozenset[tuple[str, int]]]:
    """Samples that stand together."""
    told = found.drop_nulls("tube_id").with_columns(key=pl.struct("file_sha256", "sample_number"))
    groups = told.group_by("specimen_id", column).agg("key")["key"].to_list()
    return {frozenset((one["file_sha256"], one["sample_number"]) for one in group) for group in groups}


def are_parted(before: set[frozenset], after: set[frozenset]) -> bool:
    """Whether no group of after holds samples of two groups of before."""
    return all(sum(bool(group & old) for old in before) < 2 for group in after)


PLACED = st.tuples(
    st.sampled_from("abcd"),
    st.sampled_from(["A01", "A02", "A03"]),
    st.sampled_from(["", "P1", "P2", "ws", "P1/ws", "P2/ws", "P1/P2"]),
    st.sampled_from([CMV, MEDIUM]),
    st.sampled_from(["fcs", "flowjo_workspace"]),
)


@given(st.lists(PLACED, min_size=2, max_size=8), PLACED)
def test_a_new_sample_never_pools_batches_that_were_parted(files, new):
    settings = study(**KEYWORDS)
    before = matched(drawn(files), settings=settings)
    after = matched(drawn([*files, ("z", *new[1:])]), settings=settings)
    assert are_parted(tubes_of_one_batch(before, "batch"), tubes_of_one_batch(after, "batch"))
    assert are_parted(tubes_of_one_batch(before, "tube_id"), tubes_of_one_batch(after, "tube_id"))


@given(st.lists(PLACED, min_size=2, max_size=8), PLACED)
def test_a_new_sample_that_is_told_in_no_place_changes_nothing_for_the_old(files, new):
    settings = study(**KEYWORDS)
    before = matched(drawn(files), settings=settings)
    _, _, _, keywords, source = new
    after = matched(drawn([*files, ("z", "A09", "", keywords, source)]), settings=settings)
    assert after.filter(pl.col("file_sha256") != "z").equals(before)


DATED = st.lists(
    st.tuples(st.sampled_from(["", "P1", "P2"]), st.sampled_from(["", *(f"2020-01-0{day}" for day in range(1, 8))])),
    min_size=2,
    max_size=7,
)


@given(DATED)
def test_a_new_day_or_plate_never_pools_batches_that_were_parted(tubes_told):
    header = "file | n | name | plate | acquisition_date | specimen | stimulus\n"
    lines = [f"a | {n} | T{n} | {plate} | {day} | S1 | CMV" for n, (plate, day) in enumerate(tubes_told, start=1)]
    settings = study(**KEYWORDS)
    before = matched(keyed(header + "\n".join(lines[:-1])), settings=settings)
    after = matched(keyed(header + "\n".join(lines)), settings=settings)
    assert are_parted(tubes_of_one_batch(before, "batch"), tubes_of_one_batch(after, "batch"))
