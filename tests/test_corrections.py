"""Later files about the same plate or row: one of them counts, whole, and it never depends on the order of looking."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from expectations.ingested import ELISPOT_COUNTS, PLATES, SUBJECTS, TUMOUR_ASSESSMENTS
from tests.drawing import table
from transforms.corrections import (
    Claim,
    PlateVerdict,
    Precedence,
    RowVerdict,
    claims,
    judge_plates,
    judge_rows,
)

HOLD, NEWEST = "hold", "newest"


def claims_of(drawing: str) -> tuple[list[Claim], list[Claim], dict[str, int]]:
    """Incoming and live claims of a drawing, and the order in which their files arrived."""
    columns = ("says", "read_date", "arrival", "path", "live")
    rows = table(drawing).with_columns(path=pl.col("file") + ".txt").to_dicts()
    told = [Claim(row["file"], row.get("plate", "P"), *(row[name] for name in columns)) for row in rows]
    arrivals = {claim.file_sha256: claim.arrival for claim in told}
    return [one for one in told if not one.is_live], [one for one in told if one.is_live], arrivals


def judged(drawing: str, policy: str, released: Mapping[str, int] | None = None) -> dict[str, str]:
    """What becomes of every incoming file, and of live ones that give way."""
    incoming, live, arrivals = claims_of(drawing)
    verdict = judge_plates(incoming, live, Precedence(policy, arrivals, released or {}))
    return fate(incoming, verdict)


OUTCOMES = {
    "duplicate.same_values": "duplicate",
    "superseded.older_export": "older",
    "superseded.newer_export": "newer",
}


def fate(incoming: list[Claim], verdict: PlateVerdict) -> dict[str, str]:
    told = {claim.file_sha256: "in" for claim in incoming}
    told |= dict.fromkeys(verdict.conflicts, "conflict")
    told |= {sha: OUTCOMES[code] for sha, (code, _) in verdict.left_out.items()}
    return told | {one.file_sha256: f"yields to {one.by_file_sha256}" for one in verdict.replaced}


def assessments(*rows: tuple[str, str, str]) -> pl.DataFrame:
    told = [
        {"subject_id": "S1", "assessment_date": date(2012, 3, 1), "evaluator": who, "overall_response": said}
        | {"file_sha256": sha, "place": "line 2"}
        for sha, who, said in rows
    ]
    return TUMOUR_ASSESSMENTS.conform(pl.DataFrame(told, schema=TUMOUR_ASSESSMENTS.schema))


def test_an_evaluator_that_an_earlier_version_kept_in_capitals_is_the_same_one():
    live = assessments(("old", "Investigator", "PR"))
    for policy, said in ((HOLD, "PD"), (NEWEST, "PD"), (HOLD, "PR")):
        verdict = judge_rows(
            TUMOUR_ASSESSMENTS,
            assessments(("new", "investigator", said)),
            live,
            Precedence(policy, {"old": 1, "new": 2}, {}),
        )
        assert verdict.rejects.height == (policy == HOLD and said == "PD")
        assert verdict.n_known == ({"new": 1} if said == "PR" else {})
        assert verdict.replaced.equals(live if policy == NEWEST else live.clear())
        assert verdict.new["evaluator"].to_list() == (["investigator"] if policy == NEWEST else [])


HELD = """
    case                                        | file | says | read_date  | arrival | live  | hold      | newest
    one file                                    | a    | 1    | 2012-03-01 | 1       | false | in        | in
    again, the same counts                      | a    | 1    | 2012-03-01 | 1       | true  |           |
    again, the same counts                      | b    | 1    | 2012-03-01 | 2       | false | duplicate | duplicate
    twice at once, the same counts              | a    | 1    |            | 1       | false | in        | in
    twice at once, the same counts              | b    | 1    |            | 1       | false | duplicate | duplicate
    twice at once, other counts                 | a    | 1    | 2012-03-01 | 1       | false | conflict  | conflict
    twice at once, other counts                 | b    | 2    | 2012-03-01 | 1       | false | conflict  | conflict
    twice at once, read on two days             | a    | 1    | 2012-03-02 | 1       | false | conflict  | in
    twice at once, read on two days             | b    | 2    | 2012-03-01 | 1       | false | conflict  | older
    corrected                                   | a    | 1    | 2012-03-01 | 1       | true  |           | yields to b
    corrected                                   | b    | 2    | 2012-03-02 | 2       | false | conflict  | in
    older, arriving late                        | a    | 1    | 2012-03-02 | 1       | true  |           |
    older, arriving late                        | b    | 2    | 2012-03-01 | 2       | false | conflict  | older
    corrected on the same day                   | a    | 1    | 2012-03-01 | 1       | true  |           | yields to b
    corrected on the same day                   | b    | 2    | 2012-03-01 | 2       | false | conflict  | in
    one without a date: by arrival              | a    | 1    | 2012-03-02 | 1       | true  |           | yields to b
    one without a date: by arrival              | b    | 2    |            | 2       | false | conflict  | in
    two corrections at once, one newer          | a    | 1    | 2012-03-01 | 1       | true  |           | yields to c
    two corrections at once, one newer          | b    | 2    | 2012-03-02 | 2       | false | conflict  | older
    two corrections at once, one newer          | c    | 3    | 2012-03-03 | 2       | false | conflict  | in
    two corrections at once, a tie              | a    | 1    | 2012-03-01 | 1       | true  |           |
    two corrections at once, a tie              | b    | 2    | 2012-03-02 | 2       | false | conflict  | conflict
    two corrections at once, a tie              | c    | 3    | 2012-03-02 | 2       | false | conflict  | conflict
    a correction and a repetition of the live   | a    | 1    | 2012-03-01 | 1       | true  |           | yields to b
    a correction and a repetition of the live   | b    | 2    | 2012-03-02 | 2       | false | conflict  | in
    a correction and a repetition of the live   | c    | 1    | 2012-03-01 | 2       | false | duplicate | newer
    taken back: the newest says what live says  | a    | 1    | 2012-03-01 | 1       | true  |           |
    taken back: the newest says what live says  | b    | 2    | 2012-03-02 | 2       | false | conflict  | older
    taken back: the newest says what live says  | c    | 1    | 2012-03-03 | 2       | false | duplicate | duplicate
"""
CASES = table(HELD)["case"].unique(maintain_order=True).to_list()


def case(name: str, policy: str) -> tuple[str, dict[str, str]]:
    rows = table(HELD).filter(pl.col("case") == name)
    columns = ["file", "says", "read_date", "arrival", "live"]
    lines = [
        " | ".join("" if cell is None else str(cell).lower() for cell in row) for row in rows.select(columns).rows()
    ]
    drawing = "\n".join([" | ".join(columns), *lines])
    return drawing, dict(rows.drop_nulls(policy).select("file", policy).rows())


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("policy", [HOLD, NEWEST])
def test_of_several_files_about_one_plate_the_policy_decides(name, policy):
    drawing, expected = case(name, policy)
    assert judged(drawing, policy) == expected


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("policy", [HOLD, NEWEST])
@examples(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_in_which_files_are_looked_at_changes_nothing(name, policy, random):
    incoming, live, arrivals = claims_of(case(name, policy)[0])
    random.shuffle(incoming)
    verdict = judge_plates(incoming, live, Precedence(policy, arrivals, {}))
    assert fate(incoming, verdict) == case(name, policy)[1]


CONFLICT = """
    file | says | read_date  | arrival | live
    a    | 1    | 2012-03-03 | 1       | true
    b    | 2    | 2012-03-01 | 2       | false
    c    | 3    | 2012-03-02 | 2       | false
    d    | 2    | 2012-03-01 | 3       | false
"""


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (HOLD, {"b": "in", "c": "conflict", "d": "duplicate", "a": "yields to b"}),
        (NEWEST, {"b": "in", "c": "older", "d": "duplicate", "a": "yields to b"}),
    ],
)
def test_a_released_file_wins_over_both_policies(policy, expected):
    assert judged(CONFLICT, policy, {"b": 4}) == expected


def test_of_two_files_that_say_the_same_the_released_one_comes_in():
    assert judged(CONFLICT, HOLD, {"d": 4}) == {"d": "in", "b": "duplicate", "c": "conflict", "a": "yields to d"}


@pytest.mark.parametrize("policy", [HOLD, NEWEST])
def test_two_released_files_that_contradict_each_other_are_both_held(policy):
    told = judged(CONFLICT, policy, {"b": 4, "c": 4})
    assert (told["b"], told["c"]) == ("conflict", "conflict")
    assert "a" not in told


def test_a_live_file_judged_again_is_no_duplicate_of_itself():
    drawing = """
        file | says | read_date | arrival | live
        a    | 1    |           | 1       | true
        a    | 1    |           | 1       | false
    """
    assert judged(drawing, HOLD, {"a": 2}) == {"a": "in"}


SEVERAL = """
    file | plate | says | read_date  | arrival | live
    a    | P     | 1    | 2012-03-01 | 1       | true
    a    | Q     | 2    | 2012-03-05 | 1       | true
    b    | P     | 3    | 2012-03-02 | 2       | false
    b    | Q     | 4    | 2012-03-02 | 2       | false
    b    | R     | 5    | 2012-03-02 | 2       | false
"""


def test_a_file_of_several_plates_is_held_whole_for_one_in_conflict():
    incoming, live, arrivals = claims_of(SEVERAL)
    verdict = judge_plates(incoming, live, Precedence(HOLD, arrivals, {}))
    assert list(verdict.conflicts) == ["b"]
    assert not verdict.replaced


def test_where_the_newest_wins_only_the_plates_that_are_newer_come_in():
    incoming, live, arrivals = claims_of(SEVERAL)
    verdict = judge_plates(incoming, live, Precedence(NEWEST, arrivals, {}))
    assert verdict.unneeded == {"b": {"Q": "superseded.older_export"}}
    assert verdict.left_out == verdict.conflicts == {}
    assert [(one.file_sha256, one.plate_id, one.by_file_sha256) for one in verdict.replaced] == [("a", "P", "b")]


def test_a_growing_file_adds_its_new_plate_and_repeats_none():
    drawing = """
        file | plate | says | read_date | arrival | live
        a    | P     | 1    |           | 1       | true
        b    | P     | 1    |           | 2       | false
        b    | Q     | 2    |           | 2       | false
    """
    incoming, live, arrivals = claims_of(drawing)
    verdict = judge_plates(incoming, live, Precedence(HOLD, arrivals, {}))
    assert verdict.unneeded == {"b": {"P": "duplicate.same_values"}}
    assert verdict.left_out == {}


def counts(**changes: object) -> pl.DataFrame:
    """Two wells of one plate, one of them with something else in it."""
    rows = [
        {"plate_id": "P", "well": "A1", "analyte": "IFNg", "spots": 3, "status": "counted"},
        {"plate_id": "P", "well": "A2", "analyte": "IFNg", "spots": 0, "status": "counted"},
    ]
    rows[1] |= changes
    return pl.DataFrame(rows, schema=ELISPOT_COUNTS.schema).with_columns(file_sha256=pl.lit("f"))


def fingerprint(rows: pl.DataFrame) -> int:
    arrivals = pl.DataFrame({"file_sha256": ["f"], "arrival": [1], "path": ["f.txt"]})
    (claim,) = claims(rows, PLATES.empty(), arrivals, is_live=False)
    return claim.fingerprint


def test_a_plate_says_the_same_in_whatever_order_its_wells_stand():
    assert fingerprint(counts().reverse()) == fingerprint(counts().with_columns(place=pl.lit("line 9")))


CHANGES = (
    {"spots": 1},
    {"spots": None},
    {"spots": None, "status": "tntc"},
    {"well": "A3"},
    {"analyte": "IL-2"},
    {"spots": 3, "well": "A4"},
)


def test_a_plate_says_something_else_where_any_well_does():
    assert len({fingerprint(counts()), *(fingerprint(counts(**change)) for change in CHANGES)}) == 1 + len(CHANGES)


def subjects(drawing: str) -> pl.DataFrame:
    """Rows of subjects; `file` is their file, `day` the day of enrolment."""
    rows = table(drawing)
    return SUBJECTS.conform(
        rows.with_columns(pl.lit(None).alias(name) for name in SUBJECTS.schema).with_columns(
            subject_id=pl.col("id"),
            enrolment_date=pl.date(2012, 1, pl.col("day")),
            file_sha256=pl.col("file"),
            place=pl.lit("line ") + pl.int_range(2, pl.len() + 2).cast(pl.String),
        )
    )


NOTHING = SUBJECTS.empty()


def told(verdict: RowVerdict) -> dict[str, list[tuple[str, str, int]]]:
    """File, subject and day of the rows that come in, go and are rejected."""
    new, gone = (
        sorted(
            (row["file_sha256"], row["subject_id"], row["enrolment_date"].day) for row in frame.iter_rows(named=True)
        )
        for frame in (verdict.new, verdict.replaced)
    )
    bad = sorted((row["file_sha256"], row["value"], 0) for row in verdict.rejects.iter_rows(named=True))
    return {"new": new, "gone": gone, "rejected": bad}


def compare(live: str, incoming: str, policy: str, released: Mapping[str, int] | None = None) -> RowVerdict:
    """The verdict where file names end in the run they arrived in: v1, v2."""
    old, new = (subjects(drawing) if drawing else NOTHING for drawing in (live, incoming))
    arrivals = {sha: int(sha[-1]) for sha in [*old["file_sha256"], *new["file_sha256"]]}
    return judge_rows(SUBJECTS, new, old, Precedence(policy, arrivals, released or {}))


LIVE = "file | id | day\nv1 | S1 | 1\nv1 | S2 | 2"


@pytest.mark.parametrize("policy", [HOLD, NEWEST])
def test_rows_added_to_a_table_come_in_and_those_known_are_only_counted(policy):
    verdict = compare(LIVE, "file | id | day\nv2 | S1 | 1\nv2 | S2 | 2\nv2 | S3 | 3", policy)
    assert told(verdict) == {"new": [("v2", "S3", 3)], "gone": [], "rejected": []}
    assert verdict.n_known == {"v2": 2}


def test_a_changed_row_is_rejected_under_hold_and_the_live_one_stays():
    verdict = compare(LIVE, "file | id | day\nv2 | S1 | 9\nv2 | S2 | 2", HOLD)
    assert told(verdict) == {"new": [], "gone": [], "rejected": [("v2", "S1", 0)]}
    row = verdict.rejects.row(0, named=True)
    assert (row["rule"], row["column_name"], row["place"]) == ("row.conflicting_key", "subject_id", "line 2")


def test_a_changed_row_takes_the_place_of_the_live_one_under_newest():
    verdict = compare(LIVE, "file | id | day\nv2 | S1 | 9\nv2 | S2 | 2", NEWEST)
    assert told(verdict) == {"new": [("v2", "S1", 9)], "gone": [("v1", "S1", 1)], "rejected": []}


@pytest.mark.parametrize("policy", [HOLD, NEWEST])
def test_two_files_at_once_that_contradict_each_other_are_both_rejected(policy):
    verdict = compare("", "file | id | day\na2 | S1 | 1\nb2 | S1 | 2\na2 | S2 | 1\nb2 | S2 | 1", policy)
    assert told(verdict) == {"new": [("a2", "S2", 1)], "gone": [], "rejected": [("a2", "S1", 0), ("b2", "S1", 0)]}
    assert verdict.n_known == {"b2": 1}


def test_a_tie_between_two_newer_files_is_rejected_and_not_lost_silently():
    verdict = compare(LIVE, "file | id | day\na2 | S1 | 8\nb2 | S1 | 9", NEWEST)
    assert told(verdict) == {"new": [], "gone": [], "rejected": [("a2", "S1", 0), ("b2", "S1", 0)]}


def test_an_older_row_judged_again_loses_to_the_newer_live_one_without_a_reject():
    verdict = compare("file | id | day\nv2 | S1 | 9", "file | id | day\nv1 | S1 | 1", NEWEST)
    assert told(verdict) == {"new": [], "gone": [], "rejected": []}
    assert verdict.n_older == {"v1": 1}


@pytest.mark.parametrize("policy", [HOLD, NEWEST])
def test_a_released_row_takes_the_place_of_the_live_one(policy):
    verdict = compare("file | id | day\nv2 | S1 | 9", "file | id | day\nv1 | S1 | 1", policy, {"v1": 3})
    assert told(verdict) == {"new": [("v1", "S1", 1)], "gone": [("v2", "S1", 9)], "rejected": []}


def test_a_release_is_not_undone_when_an_earlier_one_is_judged_again():
    """v2 was released in run 3, v3 (which says otherwise) in run 4; v2 has other rejects and is looked at every run."""
    live, again = "file | id | day\nv3 | S1 | 9", "file | id | day\nv2 | S1 | 5"
    verdict = compare(live, again, HOLD, {"v2": 3, "v3": 4})
    assert told(verdict) == {"new": [], "gone": [], "rejected": []}
    assert verdict.n_older == {"v2": 1}
    back = compare(live, again, HOLD, {"v2": 5, "v3": 4})
    assert told(back)["new"] == [("v2", "S1", 5)]


def test_a_file_that_arrives_after_a_release_is_a_conflict_again_under_hold_and_newer_under_newest():
    live, later = "file | id | day\nv2 | S1 | 9", "file | id | day\nv4 | S1 | 5"
    assert told(compare(live, later, HOLD, {"v2": 3}))["rejected"] == [("v4", "S1", 0)]
    assert told(compare(live, later, NEWEST, {"v2": 3}))["new"] == [("v4", "S1", 5)]


ROW = st.tuples(st.sampled_from(["S1", "S2"]), st.integers(1, 3), st.sampled_from(["a1", "b1", "c2", "d3"]))


@examples(max_examples=150, deadline=None)
@given(
    st.lists(ROW, max_size=6, unique_by=lambda row: (row[0], row[2])),
    st.lists(ROW, max_size=2, unique_by=lambda row: row[0]),
    st.sampled_from([HOLD, NEWEST]),
    st.sampled_from([{}, {"c2": 4}, {"c2": 4, "d3": 4}]),
    st.randoms(use_true_random=False),
)
def test_one_row_a_key_is_left_whatever_the_order(incoming, live, policy, released, random):
    def rows(drawn: list[tuple[str, int, str]]) -> pl.DataFrame:
        lines = ["file | id | day", *(f"{file} | {key} | {day}" for key, day, file in sorted(drawn))]
        return subjects("\n".join(lines)) if drawn else NOTHING

    new, old = rows(incoming), rows([(key, day, "z1") for key, day, _ in live])
    arrivals = {sha: int(sha[-1]) for sha in ["a1", "b1", "c2", "d3", "z1"]}
    precedence = Precedence(policy, arrivals, released)
    verdict = judge_rows(SUBJECTS, new, old, precedence)
    mixed = judge_rows(SUBJECTS, new.sample(fraction=1, shuffle=True, seed=random.randrange(99)), old, precedence)
    assert told(verdict) == told(mixed)
    left = pl.concat([old.join(verdict.replaced, on=["file_sha256", "subject_id"], how="anti"), verdict.new])
    assert left["subject_id"].is_unique().all()
    assert set(old["subject_id"]) <= set(left["subject_id"])
    n = [verdict.new.height, verdict.rejects.height, sum(verdict.n_known.values()), sum(verdict.n_older.values())]
    assert sum(n) == new.height


def test_dates_of_claims_are_those_of_the_plate_in_that_file():
    plates = pl.DataFrame(
        {"plate_id": ["P"], "analyte": ["IFNg"], "read_date": [date(2012, 3, 1)], "file_sha256": ["f"]}
    )
    arrivals = pl.DataFrame({"file_sha256": ["f"], "arrival": [7], "path": ["f.txt"]})
    (claim,) = claims(counts(), plates, arrivals, is_live=True)
    assert (claim.read_date, claim.arrival, claim.path, claim.is_live) == (date(2012, 3, 1), 7, "f.txt", True)
