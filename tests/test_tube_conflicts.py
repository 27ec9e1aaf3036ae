"""What contradicts itself about tubes is told once, with both sides; what agrees is silent."""

from __future__ import annotations

import json

import polars as pl
import pytest

from expectations.computed_cytometry import TUBE_FINDINGS
from expectations.reasons import reason
from tests.drawing import table
from tests.drawn_samples import MULTIMERS, SPECIMENS_HELD, computed, counts_of, samples_of, study, tubes_of
from transforms.study_checks import study_checks

TUBES = """
    tube_id | specimen_id | stimulus
    T1      | S1          | CMV
    T2      | S1          | medium
    T3      | S1          | MART-1
    T4      | S2          | medium
"""
TWO = "file | n | name\n a | 1 | T1\n a | 2 | T2"
MATCH = {
    "match": {
        "specimen_keywords": ["ID"],
        "stimulus_keywords": ["STIM"],
        "file_name": r"(?P<specimen>S\d)_(?P<stimulus>[^_]+)",
    }
}


def tables(samples: str | pl.DataFrame, counts: str = "", settings=None, tubes: str = TUBES, **more):
    told = samples_of(samples) if isinstance(samples, str) else samples
    counted = counts_of("file | n | path | told\n" + (counts or "a | 1 | 3+/8+ | 9"))
    given_tables = {"cytometry_tubes": tubes_of(tubes), "cytometry_samples": told, "cytometry_counts": counted}
    return computed(settings or study(), **(given_tables | more))


def findings(*args, **more) -> list[tuple]:
    """Reason, file, place, detail."""
    found = tables(*args, **more)["tube_findings"]
    assert found.schema == TUBE_FINDINGS.schema
    assert {reason(code).kind for code in found["reason"]} <= {"tube"}
    return found.select("reason", "file_sha256", "place", "detail").rows()


def with_keywords(samples: str, *keywords: dict[str, str]) -> pl.DataFrame:
    told = [json.dumps(one) if one else None for one in keywords]
    return samples_of(samples).with_columns(keywords=pl.Series(told, dtype=pl.String))


# --- The same cells in two tubes -------------------------------------------------------------------------------------

TWICE = """
    file | n | name | fcs_name | n_events | acquisition_date
    a    | 1 | T1   | x.fcs    | 4000     | 2020-01-01
    a    | 2 | T2   | X.FCS    | 4000     | 2020-01-01
"""


def test_two_tubes_of_one_fcs_file_are_told_with_both():
    assert findings(TWICE) == [
        ("tube.same_fcs_file", "a", "x", "4000 events acquired 2020-01-01, in the tubes T1 and T2")
    ]


@pytest.mark.parametrize(
    ("old", "new"), [("X.FCS", "y.fcs"), ("| 4000     | 2020-01-01\n ", "| 4001 | 2020-01-01\n "), ("| T2 ", "| t1 ")]
)
def test_tubes_of_other_files_or_one_tube_alone_are_not(old, new):
    assert "tube.same_fcs_file" not in {code for code, *_ in findings(TWICE.replace(old, new))}


def test_an_fcs_file_acquired_on_another_day_is_another():
    assert findings(TWICE[: TWICE.rindex("2020")] + "2020-01-02") == []


def test_two_renamed_fcs_files_are_told_by_the_name_their_content_gives():
    raw = samples_of(TWICE.replace("a    | 2", "b    | 1"), source="fcs")
    assert [place for code, _, place, _ in findings(raw) if code == "tube.same_fcs_file"] == ["x"]


# --- Sources that disagree -------------------------------------------------------------------------------------------


def test_a_table_that_keywords_or_name_contradict_is_told_with_both():
    samples = with_keywords(
        "file | n | name\n a | 1 | T1\n a | 2 | T2\n a | 3 | S1_CMV",
        {"ID": "S2", "STIM": "MART-1"},
        {"ID": "S1", "STIM": "RPMI"},
        {"ID": "S2", "STIM": "medium"},
    )
    assert findings(samples, settings=study(**MATCH)) == [
        (
            "tube.sources_disagree",
            "a",
            "sample 1 (T1)",
            "used: specimen 'S1', stimulus 'CMV' (by cytometry tubes); "
            "keywords: specimen 'S2'; keywords: stimulus 'MART-1'",
        ),
        (
            "tube.sources_disagree",
            "a",
            "sample 3 (S1_CMV)",
            "used: specimen 'S2', stimulus 'medium' (by keywords); file name: specimen 'S1'; file name: stimulus 'CMV'",
        ),
    ]


@pytest.mark.parametrize(
    "keywords",
    [
        {"ID": "S1", "STIM": "CMV"},
        {"ID": "S9", "STIM": "odd"},
        {"STIM": "CMV"},
        {},
    ],
)
def test_sources_that_agree_or_say_nothing_that_is_known_are_silent(keywords):
    samples = with_keywords("file | n | name\n a | 1 | T1\n a | 2 | T2", keywords, {})
    assert findings(samples, settings=study(**MATCH)) == []


def test_an_alias_is_no_other_stimulus_but_another_positive_control_is():
    tubes = "tube_id | specimen_id | stimulus\n T1 | S1 | Melan-A\n T2 | S1 | medium\n T3 | S1 | SEB"
    samples = with_keywords(TWO + "\n a | 3 | T3", {"STIM": "MART-1"}, {"STIM": "RPMI"}, {"STIM": "CMV"})
    found = findings(samples, settings=study(**MATCH), tubes=tubes)
    assert [place for _, _, place, _ in found] == ["sample 3 (T3)"]


def test_a_sample_acquired_before_its_specimen_was_collected_is_told():
    samples = "file | n | name | acquisition_date\n a | 1 | T1 | 2020-01-04\n a | 2 | T2 | 2020-01-05\n a | 3 | T4 |"
    collected = table("specimen_id | collection_date\n S1 | 2020-01-05\n S2 | 2020-01-05")
    specimens = SPECIMENS_HELD.drop("collection_date").join(collected, on="specimen_id", validate="1:1")
    assert findings(samples, specimens=specimens) == [
        (
            "tube.acquired_before_collection",
            "a",
            "sample 1 (T1)",
            "acquired 2020-01-04, specimen S1 collected 2020-01-05",
        )
    ]


# --- Gates -----------------------------------------------------------------------------------------------------------

APART = """
    file | n | name | saved_at         | software_version
    a    | 1 | T1   | 2020-01-01       | FlowJo 10
    a    | 2 | T2   | 2020-01-01       | FlowJo 10
    b    | 1 | T1   | 2020-02-01T10:30 | FlowJo 10
"""
BOTH = "a | 1 | 3+/8+ | 90\n a | 1 | 3+/8+/2+ | 5\n a | 2 | 3+/8+ | 90\n a | 2 | 3+/8+/2+ | 5\n"


def test_a_stimulated_tube_gated_anew_without_its_control_is_told():
    found = findings(APART, BOTH + "b | 1 | 3+/8+ | 90\n b | 1 | 3+/8+/2+ | 5")
    words = (
        "2 populations: CD8, CD8 IL2+ by FlowJo 10, saved 2020-02-01 10:30, "
        "those of T2 by FlowJo 10, saved 2020-01-01 00:00"
    )
    assert found == [("tube.gated_apart", "b", "T1", words)]


def test_tubes_of_one_file_or_of_files_that_say_no_version_are_not_told_as_gated_apart():
    assert findings(APART, BOTH) == []
    exports = "file | n | name\n a | 1 | T1\n b | 1 | T2"
    assert findings(exports, "a | 1 | 3+/8+ | 90\n b | 1 | 3+/8+ | 90") == []
    (told,) = findings(
        "file | n | name | software_version\n a | 1 | T1 | X 1\n b | 1 | T2 |",
        "a | 1 | 3+/8+ | 90\n b | 1 | 3+/8+ | 90",
    )
    assert told[3] == "1 population: CD8 by X 1, those of T2 by unknown software"


def test_one_population_below_other_gates_in_its_control_is_told_with_both_paths():
    counts = """
        a | 1 | Ly/PD1+/CD3+/CD8+ | 90
        a | 2 | Ly/Dead/CD3+/CD8+ | 90
        a | 1 | Ly/CD3+/CD4+      | 9
        a | 2 | Ly/CD3+/CD4+      | 9
    """
    paths = "Ly/Dead/CD3+/CD8+ in T2; Ly/PD1+/CD3+/CD8+ in T1"
    assert findings(TWO, counts) == [("population.paths_differ", "a", "S1, one batch: CD8", paths)]


def test_a_subset_below_another_path_than_that_of_its_control_is_told():
    counts = "a | 1 | L/3+/8+ | 90\n a | 1 | L/3+/8+/2+ | 9\n a | 2 | L/3+/8+ | 90\n a | 2 | M/3+/8+/2+ | 9"
    (found,) = findings(TWO, counts)
    assert (found[0], found[3]) == ("population.paths_differ", "L/3+/8+ in T1, T2; M/3+/8+ in T2")


def test_other_gates_of_another_specimen_batch_or_staining_are_no_finding():
    tubes = """
        tube_id | specimen_id | stimulus | batch
        T1      | S1          | CMV      | P
        T2      | S1          | medium   | P
        M       | S1          |          | P
        T4      | S2          | medium   | P
        U       | S1          | beads    | P
        R       | S1          | medium   | R
    """
    names = ("T1", "T2", "M", "T4", "U", "R")
    samples = "file | n | name\n" + "\n".join(f"a | {n} | {name}" for n, name in enumerate(names, 1))
    counts = "\n".join(f"a | {n} | {path}/3+/8+ | 9" for n, path in enumerate("AABCDE", 1))
    assert findings(samples, counts, study(**MULTIMERS), tubes) == []


def test_a_subset_larger_than_its_population_is_told_with_both_counts():
    found = findings(TWO, "a | 1 | 3+/8+ | 50\n a | 1 | 3+/8+/2+ | 90\n a | 2 | 3+/8+ | 50\n a | 2 | 3+/8+/2+ | 50")
    assert found == [("count.impossible", "a", "T1: CD8 IL2+", "90 at 3+/8+/2+, 50 at 3+/8+")]


def test_what_contradicts_itself_breaks_a_study_check_by_name():
    fits = study_checks(tables(APART, BOTH), study())
    assert fits.filter(~pl.col("success")).is_empty()
    odd = tables(
        APART, BOTH.replace("2 | 3+/8+/2+ | 5", "2 | X/3+/8+/2+ | 5") + "b | 1 | 3+/8+ | 4\n b | 1 | 3+/8+/2+ | 5"
    )
    broken = study_checks(odd, study()).filter(~pl.col("success")).select("table_name", "check_name", "examples")
    assert broken.rows() == [
        ("tube_populations", "files_agree", "T1: CD8"),
        ("tube_populations", "gated_alike", "S1, one batch: CD8"),
        ("tube_populations", "gated_together", "T1"),
        ("tube_populations", "is_possible", "T1: CD8 IL2+"),
    ]
