"""What does not fit about tubes: each finding is told once, where it is, and in words; its absence is silent."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as law
from hypothesis import strategies as st

from expectations.computed_cytometry import GATE_AGREEMENT, TUBE_FINDINGS
from expectations.cytometry_in import ACQUISITION_MEASURES
from expectations.reasons import reason
from tests.drawing import table
from tests.drawn_samples import computed, counts_of, samples_of, study, tubes_of
from transforms.study_checks import study_checks

TUBES = """
    tube_id | sample_name | batch | specimen_id | stimulus
    T1      |             |       | S1          | CMV
    T2      |             |       | S1          | medium
    A1      | A           | P1    | S1          | MART-1
    A2      | A           | P2    | S2          | MART-1
"""
TWO = "file | n | name\n a | 1 | T1\n a | 2 | T2"


def findings(samples: str | pl.DataFrame = TWO, counts: str = "", settings=None, tubes: str = TUBES, **more):
    """Reason, file, place, detail."""
    told = samples_of(samples) if isinstance(samples, str) else samples
    counted = counts_of("file | n | path | told\n" + counts) if counts else {}
    given_tables = {"cytometry_tubes": tubes_of(tubes), "cytometry_samples": told, **more}
    given_tables |= {"cytometry_counts": counted} if counts else {}
    found = computed(settings or study(), **given_tables)["tube_findings"]
    assert found.schema == TUBE_FINDINGS.schema
    assert not found.select(TUBE_FINDINGS.key).is_duplicated().any()
    assert {reason(code).kind for code in found["reason"]} <= {"tube"}
    return found.select("reason", "file_sha256", "place", "detail").rows()


def test_tubes_at_which_all_fits_have_no_findings():
    assert findings(counts="a | 1 | S/3+/8+ | 10\n a | 1 | S | 20\n a | 1 | | 30\n a | 1 | S/3+/8+/IFNg+ | 1") == []


def test_samples_that_are_no_tube_are_told_with_what_they_are_told_to_be():
    samples = """
        file | n | name | batches
        a    | 1 | A    | P3/ws
        a    | 2 | A    |
        b    | 1 | Z    | P1
        b    | 2 | T2   |
        b    | 3 | T2   |
    """
    candidates = "tubes of that name: A1 (batch P1), A2 (batch P2)"
    assert findings(samples) == [
        ("tube.ambiguous", "a", "sample 1 (A)", f"told to be in P3 | ws; {candidates}"),
        ("tube.ambiguous", "a", "sample 2 (A)", f"told to be in no batch; {candidates}"),
        ("tube.twice_in_file", "b", "sample 2 (T2)", "the same tube as sample 3 (T2)"),
        ("tube.twice_in_file", "b", "sample 3 (T2)", "the same tube as sample 2 (T2)"),
        (
            "tube.unmatched",
            "b",
            "sample 1 (Z)",
            "in no row of cytometry_tubes, and neither keywords nor name give a specimen",
        ),
    ]


def test_names_that_keywords_give_and_nothing_declares_are_told():
    samples = samples_of("file | n | name\n a | 1 | X\n a | 2 | Y\n a | 3 | Z\n a | 4 | S2_medium").with_columns(
        keywords=pl.Series(
            [json.dumps(one) for one in ({"ID": "S9"}, {"ID": "S1", "STIM": "odd"}, {"ID": "S1"}, {"STIM": "odd"})]
        )
    )
    match = {"specimen_keywords": ["ID"], "stimulus_keywords": ["STIM"], "file_name": r"(?P<specimen>S\d)_\w+"}
    assert findings(samples, settings=study(match=match)) == [
        ("tube.no_stimulus", "a", "sample 3 (Z)", "of specimen S1, but nothing gives a stimulus"),
        (
            "tube.specimen_unknown",
            "a",
            "sample 1 (X)",
            "keywords give the specimen 'S9', which is in no table of specimens",
        ),
        (
            "tube.stimulus_unknown",
            "a",
            "sample 2 (Y)",
            "keywords give the stimulus 'odd', which study.toml does not declare",
        ),
        (
            "tube.stimulus_unknown",
            "a",
            "sample 4 (S2_medium)",
            "its name gives the stimulus 'odd', which study.toml does not declare",
        ),
    ]


def test_an_unmapped_path_is_told_once_a_file_unless_it_leads_to_a_mapped_one():
    counts = """
        a | 1 |              | 9
        a | 1 | S            | 9
        a | 1 | S/3+/8+      | 9
        a | 1 | S/3+/8+/odd+ | 9
        a | 2 | S/3+/8+/odd+ | -
        a | 1 | S/NK         | 9
        b | 1 | S            | 9
    """
    assert findings(TWO + "\n b | 1 | T1", counts) == [
        ("population.unmapped", "a", "S/3+/8+/odd+", "in 2 samples, not used"),
        ("population.unmapped", "a", "S/NK", "in 1 sample, not used"),
        ("population.unmapped", "b", "S", "in 1 sample, not used"),
    ]


def test_what_is_no_count_is_told_by_path_or_by_sample():
    paths = "\n".join(f"a | 1 | 3+/8+/{signs} | never" for signs in ("IFNg+", "2+", "22+", "TNF+", "IFNg-", "TNF-"))
    counts = f"a | 1 | 3+/8+ | 3%\n a | 2 | 3+/8+ | 4%\n{paths}\n a | 2 | 3+/4+ | stale"
    named = "3+/8+/2+, 3+/8+/22+, 3+/8+/IFNg+, 3+/8+/IFNg-, 3+/8+/TNF+, ..."
    assert findings(counts=counts) == [
        (
            "count.never_computed",
            "a",
            "sample 1 (T1)",
            f"-1 is stored, so never computed, for 6 populations: {named}",
        ),
        ("count.percent_only", "a", "3+/8+", "percentages without counts in 2 samples"),
        (
            "count.stale",
            "a",
            "sample 2 (T2)",
            "all events are stored as 0, so counts are stale, for 1 population: 3+/4+",
        ),
    ]


def test_two_paths_of_one_meaning_with_different_counts_are_told_with_both():
    found = findings(counts="a | 1 | 3+/8+ | 8\n a | 1 | L/3+/8+ | 9\n a | 2 | 3+/8+ | 8\n a | 2 | L/3+/8+ | 8")
    assert found == [("population.twice", "a", "sample 1 (T1): CD8", "8 at 3+/8+, 9 at L/3+/8+")]


SAVED = """
    file | n | name | saved_at   | software_version
    a    | 1 | T1   | 2020-06-12 | FlowJo 10.6.2
    a    | 2 | T2   | 2020-06-12 | FlowJo 10.6.2
    b    | 1 | T1   | 2020-03-01 |
    c    | 5 | T1   |            | FlowJo 9.0
"""
DIFFER = "a | 1 | 3+/8+ | 6885\n b | 1 | 3+/8+ | 6895\n a | 1 | 3+/8+/2+ | 5\n b | 1 | 3+/8+/2+ | 5"


def test_counts_that_differ_are_told_with_the_software_of_each_file_and_which_is_used():
    said = "6885 (FlowJo 10.6.2, saved 2020-06-12) used; 6895 (flowjo_workspace b, saved 2020-03-01)"
    assert findings(SAVED, DIFFER) == [("population.counts_differ", "a", "T1: CD8", said)]
    last = findings(SAVED, DIFFER + "\n c | 5 | 3+/8+ | 11")
    assert [(file, detail) for _, file, _, detail in last] == [
        ("c", f"11 (FlowJo 9.0) used; {said.replace(' used', '')}")
    ]


def test_held_counts_that_differ_are_told_as_unused():
    ((_, _, _, detail),) = findings(SAVED, DIFFER, study(corrections="hold"))
    assert "used" not in detail
    assert "6885" in detail
    assert "6895" in detail


def test_a_specimen_stained_in_several_batches_is_told_by_what_was_repeated():
    tubes = """
        tube_id | batch | specimen_id | stimulus
        T1      | P1    | S1          | CMV
        T2      | P1    | S1          | medium
        T3      | P2    | S1          | CMV
        T4      | P2    | S1          | medium
        T5      | P2    | S1          | MART-1
    """
    samples = "file | n | name\n" + "\n".join(f"a | {n} | T{n}" for n in range(1, 6))
    assert findings(samples, tubes=tubes) == [
        ("tube.specimen_in_several_batches", "a", "S1", "CMV in P1 and P2"),
    ]


@pytest.mark.parametrize(
    ("control", "specimen", "batch", "found"),
    [
        ("DMSO", "S1", "P1", []),
        ("medium", "S1", "P1", ["T1"]),
        ("DMSO", "S2", "P1", ["T1"]),
        ("DMSO", "S1", "P2", ["T1"]),
        ("SEB", "S1", "P1", ["T1"]),
    ],
)
def test_a_stimulated_tube_needs_its_own_control_of_its_specimen_and_batch(control, specimen, batch, found):
    tubes = f"""
        tube_id | batch    | specimen_id | stimulus
        T1      | P1       | S1          | gp100
        T2      | {batch}  | {specimen}  | {control}
    """
    told = findings(tubes=tubes)
    assert [place for code, _, place, _ in told if code == "tube.no_control"] == found
    assert {detail for *_, detail in told} == ({"no tube of DMSO in P1 for gp100"} if found else set())


def test_gates_that_disagree_or_could_not_be_applied_are_told():
    agreement = table(
        """
        population_path | count_stored | count_regated | difference_percent | agrees | reason
        3+              | 1000         | 1000          | 0                  | true   |
        3+/8+           | 1000         | 900           | 10                 | false  |
        3+/4+           | 7            |               |                    |        | gating.unsupported
        3+/4+/2+        | 7            |               |                    |        | gating.unsupported
        """,
        GATE_AGREEMENT,
        file_sha256="a",
        sample_number=1,
        sample_name="T1",
        tube_id="T1",
        fcs_sha256="f",
        tolerance_percent=0.1,
        engine="FlowKit 1.3",
        software_version="FlowJo 10",
    )
    assert findings(gate_agreement=agreement) == [
        (
            "gating.disagrees",
            "a",
            "sample 1 (T1): 3+/8+",
            "1000 stored by FlowJo 10, 900 counted again by FlowKit 1.3: 10.0 % apart, 0.1 % allowed",
        ),
        ("gating.unsupported", "a", "sample 1 (T1)", "not counted again: 2 populations: 3+/4+, 3+/4+/2+"),
    ]


def test_a_failed_acquisition_is_told_once_a_measure():
    measures = table(
        """
        file_sha256 | data_set | measure       | channel | value
        f           | 1        | margin_events | FSC-A   | 7.25
        f           | 1        | margin_events | SSC-A   | 9
        f           | 1        | margin_events | B-A     | 1
        """,
        ACQUISITION_MEASURES,
    )
    both = pl.concat([samples_of(TWO), samples_of("file | n | name\n f | 1 | T1.fcs", source="fcs")])
    assert findings(both, acquisition_measures=measures) == [
        (
            "acquisition.failed",
            "f",
            "T1.fcs: margin_events",
            "7.25 in FSC-A, at most 5.0 allowed; 9.0 in SSC-A, at most 5.0 allowed",
        )
    ]


def test_a_finding_names_its_tube_and_specimen_where_there_is_one():
    found = computed(
        study(),
        cytometry_tubes=tubes_of(TUBES),
        cytometry_samples=samples_of(TWO),
        cytometry_counts=counts_of("file | n | path | told\n a | 1 | 3+/8+ | stale\n a | 1 | 3+/odd | 1"),
    )["tube_findings"]
    assert found.select("reason", "tube_id", "specimen_id").rows() == [
        ("count.stale", "T1", "S1"),
        ("population.unmapped", None, None),
    ]


def test_study_checks_are_content_where_all_fits_and_name_what_does_not():
    fits = "a | 1 | 3+/8+ | 10\n a | 2 | 3+/8+ | 10"
    odd = "\n b | 1 | 3+/8+ | 11\n a | 1 | 3+/odd | 1"
    samples = TWO + "\n b | 1 | T1\n b | 2 | Z\n b | 3 | A1"
    tubes = TUBES.replace("| A           | P1    |", "|             |       |")
    checked = []
    for told, counts in ((TWO, fits), (samples, fits + odd)):
        tables = computed(
            study(),
            cytometry_tubes=tubes_of(tubes),
            cytometry_samples=samples_of(told),
            cytometry_counts=counts_of("file | n | path | told\n" + counts),
        )
        checks = study_checks(tables, study())
        names = ["has_tube", "has_control", "is_mapped", "files_agree", "agrees"]
        of_tubes = checks.filter(pl.col("check_name").is_in(names), pl.col("table_name") != "elispot_counts")
        checked.append(dict(of_tubes.select("check_name", "examples").rows()))
    assert checked[0] == dict.fromkeys(names)
    assert checked[1] == {
        "has_tube": "Z, sample 2 (tube.unmatched)",
        "has_control": None,
        "is_mapped": "3+/odd",
        "files_agree": "T1: CD8",
        "agrees": None,
    }


def test_study_checks_name_stimulated_tubes_without_control_and_gates_that_disagree():
    agreement = table(
        "population_path | count_stored | count_regated | agrees\n 3+ | 10 | 20 | false",
        GATE_AGREEMENT,
        file_sha256="a",
        sample_number=1,
        sample_name="T1",
        tube_id="T1",
        fcs_sha256="f",
        engine="E",
        difference_percent=50.0,
        tolerance_percent=0.1,
    )
    tables = computed(
        study(),
        cytometry_tubes=tubes_of(TUBES),
        cytometry_samples=samples_of("file | n | name\n a | 1 | T1"),
        gate_agreement=agreement,
    )
    checks = study_checks(tables, study())
    broken = checks.filter(~pl.col("success")).select("table_name", "check_name", "examples", "n_rows")
    assert broken.rows() == [
        ("gate_agreement", "agrees", "sample 1 (T1): 3+", 1),
        ("matched_samples", "has_control", "T1", 1),
    ]


LINES = st.lists(
    st.tuples(
        st.sampled_from(["a | 1", "a | 2", "b | 1", "c | 5"]),
        st.sampled_from(["S/3+/8+", "3+/8+", "3+/8+/2+", "S", "odd"]),
        st.sampled_from(["1", "2", "never", "stale", "-", "3%"]),
    ),
    min_size=1,
    max_size=16,
    unique_by=lambda line: line[:2],
)


@given(LINES, st.randoms(use_true_random=False))
@law(max_examples=60)
def test_the_order_of_rows_makes_no_difference(drawn, random):
    before = findings(SAVED, "\n".join(" | ".join(line) for line in drawn))
    random.shuffle(drawn)
    assert findings(SAVED, "\n".join(" | ".join(line) for line in drawn)) == before
