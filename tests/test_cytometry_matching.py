"""A sample is the tube a table, its keywords or its name say it is; what they leave open is never guessed."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as law
from hypothesis import strategies as st

from expectations.computed_cytometry import MATCHED_SAMPLES
from expectations.reasons import reason
from expectations.study import StudySettings
from tests.drawn_samples import MULTIMERS, NO_TUBES, SPECIMENS_HELD, samples_of, study, tubes_of
from transforms.cytometry_matching import matched_samples

TUBES = """
    tube_id | sample_name | batch  | specimen_id | stimulus | replicate
    T1      | A01.fcs     | P1     | S1          | medium   |
    T2      | A02.fcs     | P1     | S1          | Melan-A  | 2
    T3      | A01.fcs     | P2     | S2          | medium   |
    T4      |             |        | S2          | gp100    |
    T5      | B01         | P1     | S1          | SEB      |
    T6      | B02         |        | S1          | beads    |
"""

KEYWORDS = {"match": {"specimen_keywords": ["SAMPLE", "PATIENT ID"], "stimulus_keywords": ["Stim"]}}
NAMED = {"match": {"file_name": r"(?P<specimen>S\d+)_(?P<stimulus>[^_]+)_.+"}}


def matched(samples: pl.DataFrame, tubes: str | None = None, settings: StudySettings | None = None) -> pl.DataFrame:
    held = NO_TUBES if tubes is None else tubes_of(tubes)
    found = matched_samples(samples, held, SPECIMENS_HELD, settings or study())
    assert found.schema == MATCHED_SAMPLES.schema
    assert found.rows() == found.sort(MATCHED_SAMPLES.key).rows()
    assert {reason(code).kind for code in found["reason"].drop_nulls()} <= {"tube"}
    assert found.filter(pl.col("reason").is_null() != pl.col("tube_id").is_not_null()).is_empty()
    return found


def tubes(found: pl.DataFrame) -> list[str]:
    """Tube, or the reason why there is none, of each sample in order."""
    return found.select(pl.coalesce("tube_id", "reason")).to_series().to_list()


def named(*names: str, batches: str = "", fcs_name: str = "", file: str = "a") -> pl.DataFrame:
    lines = [f"{file} | {n} | {name} | {fcs_name} | {batches}" for n, name in enumerate(names, start=1)]
    return samples_of("\n".join(["file | n | name | fcs_name | batches", *lines]))


def told(*lines: tuple[str, str, dict[str, str]], file: str = "a") -> pl.DataFrame:
    """Samples with a name, batches and keywords."""
    drawn = samples_of(
        "\n".join(
            ["file | n | name | batches", *(f"{file} | {n} | {one[0]} | {one[1]}" for n, one in enumerate(lines, 1))]
        )
    )
    return drawn.with_columns(
        keywords=pl.Series([json.dumps(one[2]) if one[2] else None for one in lines], dtype=pl.String)
    )


def test_a_tube_of_the_table_is_told_by_the_samples_name_or_that_of_its_fcs_file():
    assert tubes(matched(named("t4", "x.fcs"), TUBES)) == ["T4", "tube.unmatched"]
    assert tubes(matched(named("B02.FCS"), TUBES)) == ["T6"]
    assert tubes(matched(named("renamed", fcs_name="b02.fcs"), TUBES)) == ["T6"]


def test_what_the_table_says_of_the_tube_is_kept_with_its_role():
    columns = ("tube_id", "batch", "specimen_id", "stimulus", "tube_role", "antigen", "control", "replicate")
    found = matched(named("A01", "A02", "T4", "B01", "B02", batches="P1"), TUBES.replace("|        |", "| P1 |"))
    assert found.select(columns).rows() == [
        ("T1", "P1", "S1", "medium", "negative_control", None, "medium", None),
        ("T2", "P1", "S1", "Melan-A", "antigen", "MART-1", "medium", 2),
        ("T4", "P1", "S2", "gp100", "antigen", "gp100", "DMSO", None),
        ("T5", "P1", "S1", "SEB", "positive_control", None, None, None),
        ("T6", "P1", "S1", "beads", "unused", None, None, None),
    ]
    assert set(found["matched_by"]) == {"cytometry_tubes"}


def test_tubes_without_a_batch_are_one_batch():
    assert matched(named("T4"), TUBES).select("batch", "control").row(0) == ("one batch", "DMSO")


@pytest.mark.parametrize(
    ("batches", "found"),
    [
        ("P1", "T1"),
        ("folder/p2/experiment", "T3"),
        ("", "tube.ambiguous"),
        ("P3", "tube.ambiguous"),
        ("P1/P2", "tube.ambiguous"),
        ("P11", "tube.ambiguous"),
    ],
)
def test_of_tubes_of_one_name_the_batch_decides_and_nothing_else(batches, found):
    assert tubes(matched(named("A01", batches=batches), TUBES)) == [found]


@pytest.mark.parametrize(
    ("name", "batches", "found"),
    [
        ("A02", "", "T2"),
        ("A02", "All Samples", "T2"),
        ("A02", "P1", "T2"),
        ("A02", "P2", "tube.ambiguous"),
        ("A02", "another folder", "tube.ambiguous"),
        ("B02", "P2", "T6"),
    ],
)
def test_a_single_tube_of_a_name_is_not_taken_for_one_of_another_batch(name, batches, found):
    assert tubes(matched(named(name, batches=batches), TUBES)) == [found]


def test_a_sample_whose_two_names_are_two_tubes_is_ambiguous():
    assert tubes(matched(named("T4", fcs_name="B02.fcs"), TUBES)) == ["tube.ambiguous"]


def test_a_tube_without_a_batch_gives_way_to_the_one_whose_batch_is_told():
    two = "tube_id | sample_name | batch | specimen_id | stimulus\n X | A | | S1 | CMV\n Y | A | P2 | S2 | CMV"
    assert tubes(matched(named("A", batches="P2"), two)) == ["Y"]
    assert tubes(matched(named("A", batches="P1"), two)) == ["tube.ambiguous"]
    assert tubes(matched(named("A"), two)) == ["tube.ambiguous"]


def test_an_ambiguous_sample_is_not_rescued_by_its_keywords():
    sample = told(("A01", "", {"SAMPLE": "S1", "STIM": "medium"}))
    assert tubes(matched(sample, TUBES, study(**KEYWORDS))) == ["tube.ambiguous"]


def test_two_samples_of_one_file_that_are_one_tube_are_both_none():
    found = matched(named("A02", "a02.fcs", "B02"), TUBES)
    assert tubes(found) == ["tube.twice_in_file", "tube.twice_in_file", "T6"]
    assert found["tube_role"].to_list() == [None, None, "unused"]


def test_samples_of_two_files_may_be_one_tube_raw_and_analysed():
    raw = samples_of("file | n | name | batches\n f | 1 | A02.fcs | P1", source="fcs")
    found = matched(pl.concat([named("A02"), raw]), TUBES)
    assert found.select("file_sha256", "tube_id", "source").rows() == [
        ("a", "T2", "flowjo_workspace"),
        ("f", "T2", "fcs"),
    ]


def test_keywords_give_specimen_and_stimulus_whatever_their_capitals_and_the_first_filled_counts():
    found = matched(
        told(
            ("1", "", {"sample": "S1", "PATIENT ID": "S2", "stim": " CMV "}),
            ("2", "", {"SAMPLE": " ", "PATIENT ID": "S2", "STIM": "RPMI"}),
            ("3", "", {"OTHER": "S1"}),
            ("4", "", {}),
        ),
        settings=study(**KEYWORDS),
    )
    columns = ("tube_id", "batch", "specimen_id", "stimulus", "tube_role", "control", "matched_by", "reason")
    assert found.select(columns).rows() == [
        ("1", "one batch", "S1", "CMV", "antigen", "medium", "keywords", None),
        ("2", "one batch", "S2", "RPMI", "negative_control", "medium", "keywords", None),
        (None, None, None, None, None, None, None, "tube.unmatched"),
        (None, None, None, None, None, None, None, "tube.unmatched"),
    ]


def test_a_name_gives_what_keywords_leave_open_and_must_fit_whole():
    both = study(match={**KEYWORDS["match"], **NAMED["match"]})
    found = matched(
        told(
            ("S1_CMV_1.fcs", "", {}),
            ("S1_CMV_2.fcs", "", {"SAMPLE": "S2"}),
            ("S1_CMV_3.fcs", "", {"STIM": "medium"}),
            ("old S1_CMV_1.fcs", "", {}),
        ),
        settings=both,
    )
    assert found.select("specimen_id", "stimulus", "matched_by").rows() == [
        ("S1", "CMV", "file_name"),
        ("S2", "CMV", "keywords"),
        ("S1", "medium", "file_name"),
        (None, None, None),
    ]
    assert tubes(found) == ["S1_CMV_1", "S1_CMV_2", "S1_CMV_3", "tube.unmatched"]


def test_the_table_goes_before_keywords_and_these_before_the_name():
    both = study(match={**KEYWORDS["match"], **NAMED["match"]})
    found = matched(told(("T4", "", {"SAMPLE": "S1", "STIM": "CMV"})), TUBES, both)
    assert found.select("tube_id", "specimen_id", "stimulus").row(0) == ("T4", "S2", "gp100")


def test_unknown_specimens_and_stimuli_are_named_and_not_used():
    found = matched(
        named("S9_CMV_1", "S1_cmv_1", "S1_CMV_1"),
        settings=study(**NAMED),
    )
    assert tubes(found) == ["tube.specimen_unknown", "tube.stimulus_unknown", "S1_CMV_1"]
    assert found.select("specimen_id", "stimulus").rows() == [("S9", "CMV"), ("S1", "cmv"), ("S1", "CMV")]


def test_a_tube_without_a_stimulus_is_stained_with_multimers_or_none():
    tube = "tube_id | specimen_id | stimulus\n M | S1 |"
    assert tubes(matched(named("M"), tube)) == ["tube.no_stimulus"]
    found = matched(named("M"), tube, study(**MULTIMERS))
    assert found.select("tube_id", "tube_role", "stimulus", "antigen").row(0) == ("M", "multimer", None, None)


def test_samples_of_gating_ml_are_left_out():
    assert matched(samples_of("file | n | name\n g | 1 | T4", source="gating_ml"), TUBES).is_empty()


def test_one_name_of_two_specimens_is_two_tubes_with_ids_that_tell_them_apart():
    samples = pl.concat(
        [
            told(("A01", "P1", {"SAMPLE": "S1", "STIM": "CMV"}), file="a"),
            told(("A01", "P2", {"SAMPLE": "S2", "STIM": "CMV"}), file="b"),
        ]
    )
    found = matched(samples, settings=study(**KEYWORDS))
    assert tubes(found) == ["A01 (S1, CMV)", "A01 (S2, CMV)"]
    assert found["batch"].to_list() == ["one batch", "one batch"]


CMV = {"SAMPLE": "S1", "STIM": "CMV"}
MEDIUM = {"SAMPLE": "S1", "STIM": "medium"}


def test_one_name_told_in_two_places_is_two_tubes_each_with_the_batch_of_its_place():
    samples = pl.concat(
        [
            told(("A01", "P1/icS", CMV), ("A02", "P1/icS", MEDIUM), file="a"),
            told(("A01", "P2/icS", CMV), ("A02", "P2/icS", MEDIUM), file="b"),
            told(("A01", "P2", CMV), file="c"),
        ]
    )
    found = matched(samples, settings=study(**KEYWORDS))
    assert found.select("tube_id", "batch").rows() == [
        ("A01 (S1, CMV, ics | p1)", "ics | p1"),
        ("A02 (S1, medium, ics | p1)", "ics | p1"),
        ("A01 (S1, CMV, ics | p2)", "ics | p2"),
        ("A02 (S1, medium, ics | p2)", "ics | p2"),
        ("A01 (S1, CMV, ics | p2)", "ics | p2"),
    ]


def test_a_sample_told_in_no_place_is_ambiguous_where_its_specimen_is_in_several():
    samples = pl.concat(
        [
            told(("A01", "P1", CMV), file="a"),
            told(("A01", "P2", CMV), file="b"),
            told(("A01", "", CMV), file="c"),
        ]
    )
    found = matched(samples, settings=study(**KEYWORDS))
    assert tubes(found)[2] == "tube.ambiguous"


def test_tubes_of_one_specimen_in_several_places_stay_one_batch_while_no_name_stands_twice():
    samples = told(("A01", "stimulated", CMV), ("A02", "controls", MEDIUM))
    assert matched(samples, settings=study(**KEYWORDS))["batch"].to_list() == ["one batch", "one batch"]


def test_an_fcs_file_in_a_folder_of_its_own_is_the_tube_of_the_workspace_in_another():
    raw = told(("A01.fcs", "raw", CMV), file="f").with_columns(source=pl.lit("fcs"))
    found = matched(pl.concat([told(("A01", "workspaces", CMV)), raw]), settings=study(**KEYWORDS))
    assert tubes(found) == ["A01", "A01"]


def test_one_name_specimen_and_stimulus_twice_in_a_file_is_none():
    samples = told(("A01", "", CMV), ("A01.fcs", "", CMV), ("A02", "", CMV))
    found = matched(samples, settings=study(**KEYWORDS))
    assert tubes(found) == ["tube.twice_in_file", "tube.twice_in_file", "A02"]


def test_an_id_of_the_table_is_not_given_to_another_tube():
    tube = "tube_id | sample_name | specimen_id | stimulus\n A01 | other | S1 | CMV"
    found = matched(told(("A01", "", CMV), ("other", "", {})), tube, study(**KEYWORDS))
    assert tubes(found) == ["A01 (S1, CMV)", "A01"]


FILES = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from(["A01", "A02", "a01.fcs", "T4", "S1_CMV_1", "S2_medium_1", "S1_x_1"]),
        st.sampled_from(["", "P1", "P2", "P1/ws", "P2/ws", "ws"]),
        st.sampled_from([{}, CMV, MEDIUM, {"SAMPLE": "S2", "STIM": "CMV"}, {"SAMPLE": "S9"}]),
        st.sampled_from(["fcs", "flowjo_workspace", "flowjo_table"]),
    ),
    min_size=1,
    max_size=12,
)


def drawn(files: list[tuple[str, str, str, dict[str, str], str]]) -> pl.DataFrame:
    """Samples, those of one file numbered in order."""
    return pl.concat(
        [
            told((name, batches, keywords), file=file).with_columns(
                source=pl.lit(source), sample_number=pl.lit(number, pl.Int32)
            )
            for number, (file, name, batches, keywords, source) in enumerate(files, start=1)
        ]
    )


@given(FILES, st.integers())
@law(max_examples=60)
def test_the_order_of_rows_makes_no_difference(files, seed):
    settings = study(match={**KEYWORDS["match"], **NAMED["match"]})
    samples = drawn(files)
    shuffled = samples.sample(fraction=1, shuffle=True, seed=abs(seed) % 1000)
    assert matched(shuffled, TUBES, settings).equals(matched(samples, TUBES, settings))


@given(FILES)
@law(max_examples=60)
def test_no_tube_is_twice_in_a_file_and_none_is_of_two_specimens_or_batches(files):
    found = matched(drawn(files), TUBES, study(match={**KEYWORDS["match"], **NAMED["match"]})).drop_nulls("tube_id")
    assert not found.select("file_sha256", "tube_id").is_duplicated().any()
    said = found.select("tube_id", "specimen_id", "batch", "stimulus", "tube_role", "antigen", "control").unique()
    assert said["tube_id"].is_unique().all()


@given(FILES)
@law(max_examples=40)
def test_a_file_about_other_tubes_changes_nothing(files):
    settings = study(match={**KEYWORDS["match"], **NAMED["match"]})
    other = told(("Z9", "P7", {"SAMPLE": "S2", "STIM": "gp100"}), file="z")
    before = matched(drawn(files), TUBES, settings)
    after = matched(pl.concat([drawn(files), other]), TUBES, settings)
    assert after.filter(pl.col("file_sha256") != "z").equals(before)
