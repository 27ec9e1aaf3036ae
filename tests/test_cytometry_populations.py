"""One count a population and tube, from the file saved last; sums only of what is whole; nothing is mixed."""

from __future__ import annotations

from itertools import product

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as law
from hypothesis import strategies as st

from expectations.computed_cytometry import TUBE_POPULATIONS
from expectations.records import REGATED_COUNTS
from expectations.study import StudySettings
from tests.drawing import SHARED, needs_shared, table
from tests.drawn_samples import computed, counts_of, samples_of, study, tubes_of

TUBES = tubes_of("""
    tube_id | specimen_id | stimulus
    T1      | S1          | CMV
    T2      | S1          | medium
    T3      | S2          | beads
""")
ONE = "file | n | name\n a | 1 | T1"


def populations(
    samples: str, counts: str, settings: StudySettings | None = None, arrivals: dict[str, int] | None = None, **more
) -> pl.DataFrame:
    given_tables = {"cytometry_tubes": TUBES, "cytometry_samples": samples_of(samples), **more}
    counted = counts_of("file | n | path | told\n" + counts)
    found = computed(settings or study(), arrivals, cytometry_counts=counted, **given_tables)["tube_populations"]
    assert found.schema == TUBE_POPULATIONS.schema
    assert not found.select(TUBE_POPULATIONS.key).is_duplicated().any()
    assert found.rows() == found.sort(TUBE_POPULATIONS.key).rows()
    assert set(found["reason"].drop_nulls()) <= {"percent_only", "count_missing", "counts_conflict"}
    return found


def numbers(found: pl.DataFrame, *columns: str) -> dict[str, tuple]:
    """Of one tube: `population subset` to these columns."""
    name = pl.format("{} {}", "population", "subset").str.strip_chars_end()
    return {row[0]: row[1:] for row in found.select(name, *columns).iter_rows()}


def test_a_subset_is_counted_with_its_population_and_the_lymphocytes_of_its_sample():
    found = populations(
        ONE,
        """
        a | 1 | S/Ly                | 4000
        a | 1 | S/Ly/CD3+/CD8+      | 1000
        a | 1 | S/Ly/CD3+/CD8+/IFNg+ | 5
        a | 1 | S/Ly/CD3+/CD4+      | 2000
        a | 1 | S/Ly/CD3+/CD4+/IFNg+ | 8
        a | 1 | S/Ly/odd            | 7
        """,
    )
    assert numbers(found, "count", "parent_count", "lymphocyte_count", "percent", "reason") == {
        "lymphocytes": (4000, 4000, 4000, 100.0, None),
        "CD8": (1000, 1000, 4000, 100.0, None),
        "CD8 IFNg+": (5, 1000, 4000, 0.5, None),
        "CD4": (2000, 2000, 4000, 100.0, None),
        "CD4 IFNg+": (8, 2000, 4000, 0.4, None),
    }
    row = found.filter(population="CD8", subset="IFNg+").row(0, named=True)
    assert (row["tube_id"], row["specimen_id"], row["batch"]) == ("T1", "S1", "one batch")
    assert (row["tube_role"], row["antigen"], row["control"]) == ("antigen", "CMV", "medium")
    assert (row["population_path"], row["place"]) == ("S/Ly/CD3+/CD8+/IFNg+", "1:S/Ly/CD3+/CD8+/IFNg+")
    assert (row["n_files"], row["counts_differ"], row["is_sum"], row["is_regated"]) == (1, False, False, False)


def test_samples_that_are_no_tube_have_no_populations():
    assert populations("file | n | name\n a | 1 | T1\n a | 2 | T1", "a | 1 | 3+/8+ | 9\n a | 2 | 3+/8+ | 9").is_empty()


def test_a_population_without_events_has_no_percentage():
    found = populations(ONE, "a | 1 | 3+/8+ | 0\n a | 1 | 3+/8+/IFNg+ | 0")
    assert numbers(found, "count", "percent", "reason") == {"CD8": (0, None, None), "CD8 IFNg+": (0, None, None)}


@pytest.mark.parametrize(
    ("told", "status", "reason"),
    [
        ("never", "never_computed", "count_missing"),
        ("stale", "stale", "count_missing"),
        ("-", "not_counted", "count_missing"),
        ("0.7%", "percent_only", "percent_only"),
    ],
)
def test_what_is_no_count_keeps_its_status_and_is_no_number(told, status, reason):
    found = populations(ONE, f"a | 1 | 3+/8+ | 900\n a | 1 | 3+/8+/IFNg+ | {told}")
    percent = 0.7 if status == "percent_only" else None
    expected = (status, None, 900, percent, reason, 0)
    assert numbers(found, "status", "count", "parent_count", "percent", "reason", "n_files")["CD8 IFNg+"] == expected


def test_a_percentage_of_a_gate_in_between_is_none_of_the_population():
    found = populations(ONE, "a | 1 | 3+/8+/IFNg+ | 2%\n a | 1 | 3+/8+/IFNg+/TNF+ | 40%")
    assert numbers(found, "percent", "reason") == {
        "CD8 IFNg+": (2.0, "percent_only"),
        "CD8 IFNg+TNF+": (None, "percent_only"),
    }


def test_the_population_is_not_taken_from_another_file():
    found = populations(ONE + "\n b | 1 | T1", "a | 1 | 3+/8+ | 900\n b | 1 | 3+/8+/IFNg+ | 5")
    wanted = ("file_sha256", "count", "parent_count", "percent", "reason")
    assert numbers(found, *wanted)["CD8 IFNg+"] == ("b", 5, None, None, "count_missing")


SAVED = """
    file | n | name | saved_at
    a    | 1 | T1   | 2020-06-12
    b    | 7 | T1   | 2020-03-01
    c    | 1 | T1   |
"""
CONFLICT = """
    a | 1 | 3+/8+       | 6885
    b | 7 | 3+/8+       | 6895
    a | 1 | 3+/8+/IFNg+ | 5
    b | 7 | 3+/8+/IFNg+ | 5
    b | 7 | 3+/8+/TNF+  | 3
"""


def test_of_files_that_differ_the_one_saved_last_is_used_whatever_arrived_last():
    found = populations(SAVED, CONFLICT)
    assert numbers(found, "count", "parent_count", "file_sha256", "sample_number", "n_files", "counts_differ") == {
        "CD8": (6885, 6885, "a", 1, 2, True),
        "CD8 IFNg+": (5, 6885, "a", 1, 2, False),
        "CD8 TNF+": (3, 6895, "b", 7, 1, False),
    }


def test_where_one_file_is_not_dated_the_last_to_arrive_is_used():
    found = populations(SAVED, CONFLICT + "c | 1 | 3+/8+ | 11", arrivals={"a": 2, "b": 3, "c": 1})
    assert numbers(found, "count", "file_sha256", "n_files")["CD8"] == (6895, "b", 3)


def test_held_counts_that_differ_are_not_used_nor_what_is_measured_against_them():
    found = populations(SAVED, CONFLICT, study(corrections="hold"))
    assert numbers(found, "status", "count", "parent_count", "percent", "reason") == {
        "CD8": ("counted", None, None, None, "counts_conflict"),
        "CD8 IFNg+": ("counted", 5, None, None, "counts_conflict"),
        "CD8 TNF+": ("counted", 3, None, None, "counts_conflict"),
    }


def test_held_counts_that_agree_are_used():
    found = populations(SAVED, "a | 1 | 3+/8+ | 10\n b | 7 | 3+/8+ | 10", study(corrections="hold"))
    assert numbers(found, "count", "reason", "n_files")["CD8"] == (10, None, 2)


@pytest.mark.parametrize("later", ["never", "stale", "-", "3%"])
def test_a_later_file_that_counts_nothing_does_not_hide_a_count(later):
    found = populations(SAVED, f"b | 7 | 3+/8+ | 10\n a | 1 | 3+/8+ | {later}")
    assert numbers(found, "status", "count", "file_sha256", "n_files")["CD8"] == ("counted", 10, "b", 1)


def test_two_paths_of_one_meaning_are_fine_where_they_agree_and_not_used_where_they_differ():
    agree = populations(ONE, "a | 1 | L/3+/8+ | 9\n a | 1 | 3+/8+ | 9")
    assert numbers(agree, "count", "population_path", "reason") == {"CD8": (9, "3+/8+", None)}
    differ = populations(ONE, "a | 1 | L/3+/8+ | 9\n a | 1 | 3+/8+ | 8\n a | 1 | 3+/8+/IFNg+ | 1")
    assert numbers(differ, "status", "count", "parent_count", "reason") == {
        "CD8": ("counted", None, None, "count_missing"),
        "CD8 IFNg+": ("counted", 1, None, "count_missing"),
    }
    blank = populations(ONE, "a | 1 | L/3+/8+ | 9\n a | 1 | 3+/8+ | -")
    assert numbers(blank, "count", "population_path")["CD8"] == (9, "L/3+/8+")


def test_the_other_file_is_used_where_one_gives_two_counts():
    found = populations(SAVED, "a | 1 | L/3+/8+ | 9\n a | 1 | 3+/8+ | 8\n b | 7 | 3+/8+ | 10")
    assert numbers(found, "count", "file_sha256", "n_files", "counts_differ")["CD8"] == (10, "b", 1, False)


THREE = {"markers": {"IFNg": [], "IL2": ["2"], "TNF": []}}


def booleans(*, without: str = "", population: str = "3+/8+") -> str:
    """The eight subsets of three markers; each has as many events as its signs read as a binary number."""
    lines = []
    for bits in product("10", repeat=3):
        gate = "".join(
            f"{name}{'+' if bit == '1' else '-'}" for name, bit in zip(("IFNg", "2", "TNF"), bits, strict=True)
        )
        if gate != without:
            lines.append(f"a | 1 | {population}/{gate} | {int(''.join(bits), 2)}")
    return "\n".join(lines)


def test_readouts_without_a_gate_of_their_own_are_sums_of_all_their_boolean_subsets():
    settings = study(**THREE, readouts=["IFNg", "TNF", "IFNg+TNF-"])
    found = populations(ONE, "a | 1 | 3+/8+ | 1000\n" + booleans(), settings)
    sums = numbers(found.filter("is_sum"), "count", "parent_count", "status", "population_path", "place")
    # IFNg+ is 111, 110, 101, 100; TNF+ is 111, 101, 011, 001; IFNg+TNF- is 110, 100.
    assert sums == {
        "CD8 IFNg+": (7 + 6 + 5 + 4, 1000, "counted", "3+/8+", "1:3+/8+"),
        "CD8 TNF+": (7 + 5 + 3 + 1, 1000, "counted", "3+/8+", "1:3+/8+"),
        "CD8 IFNg+TNF-": (6 + 4, 1000, "counted", "3+/8+", "1:3+/8+"),
    }


def test_the_subset_without_any_marker_is_not_needed():
    found = populations(ONE, "a | 1 | 3+/8+ | 1000\n" + booleans(without="IFNg-2-TNF-"), study(**THREE))
    assert numbers(found.filter("is_sum"), "count") == {"CD8 IFNg+": (22,), "CD8 IL2+": (18,), "CD8 TNF+": (16,)}


def test_a_sum_that_would_lack_a_part_is_not_made():
    found = populations(ONE, "a | 1 | 3+/8+ | 1000\n" + booleans(without="IFNg+2-TNF-"), study(**THREE))
    assert numbers(found.filter("is_sum"), "count") == {"CD8 IL2+": (18,), "CD8 TNF+": (16,)}


def test_an_uncounted_part_is_a_missing_part():
    counts = "a | 1 | 3+/8+ | 1000\n" + booleans(without="IFNg+2-TNF-") + "\na | 1 | 3+/8+/IFNg+2-TNF- | never"
    assert "CD8 IFNg+" not in numbers(populations(ONE, counts, study(**THREE)), "count")


def test_a_gate_of_its_own_goes_before_the_sum_and_the_sum_before_what_is_no_count():
    counted = populations(ONE, "a | 1 | 3+/8+ | 1000\n a | 1 | 3+/8+/IFNg+ | 23\n" + booleans(), study(**THREE))
    assert numbers(counted, "count", "is_sum")["CD8 IFNg+"] == (23, False)
    percent = populations(ONE, "a | 1 | 3+/8+ | 1000\n a | 1 | 3+/8+/IFNg+ | 2.2%\n" + booleans(), study(**THREE))
    assert numbers(percent, "count", "percent", "is_sum")["CD8 IFNg+"] == (22, 2.2, True)


def test_two_gates_that_differ_are_not_settled_by_a_sum():
    counts = "a | 1 | 3+/8+ | 9\n a | 1 | 3+/8+/IFNg+ | 23\n a | 1 | L/3+/8+/IFNg+ | 22\n" + booleans()
    assert numbers(populations(ONE, counts, study(**THREE)), "count", "is_sum")["CD8 IFNg+"] == (None, False)


def test_combinations_of_the_functions_are_sums_of_finer_subsets():
    settings = study(**THREE, readouts=["TNF"], polyfunctional=["IFNg", "TNF"])
    found = populations(ONE, booleans(without="IFNg-2+TNF-"), settings)
    assert numbers(found.filter("is_sum"), "count", "population_path") == {
        "CD8 IFNg+TNF+": (7 + 5, "3+/8+/IFNg+2+TNF+"),
        "CD8 IFNg+TNF-": (6 + 4, "3+/8+/IFNg+2+TNF-"),
        "CD8 IFNg-TNF+": (3 + 1, "3+/8+/IFNg-2+TNF+"),
        "CD8 TNF+": (16, "3+/8+/IFNg+2+TNF+"),
    }


def test_sums_are_made_within_a_population_and_a_file():
    half = booleans().splitlines()
    counts = "\n".join([*half[:4], *(line.replace("a |", "b |", 1) for line in half[4:])])
    found = populations(ONE + "\n b | 1 | T1", counts, study(**THREE, readouts=["TNF"]))
    assert found.filter("is_sum").is_empty()
    other = "\n".join([*half[:4], *(line.replace("3+/8+", "3+/4+") for line in half[4:])])
    assert populations(ONE, other, study(**THREE, readouts=["TNF"])).filter("is_sum").is_empty()


def regated(drawing: str) -> pl.DataFrame:
    return table(drawing, REGATED_COUNTS, sample_number=1, gate_type="rectangle")


def test_gating_ml_counts_the_tube_of_the_fcs_file_it_is_applied_to():
    raw = samples_of("file | n | name\n x | 1 | T1.fcs\n y | 1 | T2.fcs", source="fcs")
    gates = samples_of("file | n | name\n g | 1 | gates", source="gating_ml")
    workspace = samples_of("file | n | name\n w | 1 | T1")
    again = regated("""
        file_sha256 | population_path | fcs_sha256 | count_regated | run_id | engine
        g           | 3+/8+           | x          | 99            | r1     | old
        g           | 3+/8+           | x          | 100           | r2     | new
        g           | 3+/8+/IFNg+     | x          | 4             | r2     | new
        g           | 3+/8+           | y          | 200           | r2     | new
        g           | 3+/8+/IFNg+     | y          |               | r2     | new
        w           | 3+/4+           | x          | 7             | r2     | new
    """)
    found = computed(
        study(),
        cytometry_tubes=TUBES,
        cytometry_samples=pl.concat([raw, gates, workspace]),
        cytometry_counts=counts_of("file | n | path | told\n w | 1 | 3+/4+ | 8"),
        regated_counts=again,
    )["tube_populations"]
    wanted = ("tube_id", "population", "subset", "status", "count", "parent_count", "is_regated", "file_sha256")
    assert found.select(wanted).rows() == [
        ("T1", "CD4", "", "counted", 8, 8, False, "w"),
        ("T1", "CD8", "", "counted", 100, 100, True, "g"),
        ("T1", "CD8", "IFNg+", "counted", 4, 100, True, "g"),
        ("T2", "CD8", "", "counted", 200, 200, True, "g"),
        ("T2", "CD8", "IFNg+", "not_counted", None, 200, True, "g"),
    ]


LINES = st.lists(
    st.tuples(
        st.sampled_from(["a | 1", "a | 2", "b | 1", "c | 1", "c | 2"]),
        st.sampled_from(["S/3+/8+", "L/3+/8+", "3+/4+", "Ly", "odd"]),
        st.sampled_from(["", "/IFNg+", "/IFNg+2+", "/IFNg+2-", "/IFNg-2+", "/(IFNg+¦2+)", "/IFNg+/2+"]),
        st.sampled_from(["0", "5", "7", "100", "never", "stale", "-", "3%"]),
    ),
    min_size=1,
    max_size=30,
    unique_by=lambda line: line[:3],
)
SAMPLES = """
    file | n | name | saved_at
    a    | 1 | T1   | 2020-01-01
    a    | 2 | T2   | 2020-01-01
    b    | 1 | T1   | 2020-02-01
    c    | 1 | T1   |
    c    | 2 | T3   |
"""


def lines(drawn: list[tuple[str, ...]]) -> str:
    return "\n".join(f"{sample} | {path}{below} | {told}" for sample, path, below, told in drawn)


@given(LINES, st.randoms(use_true_random=False), st.sampled_from(["newest", "hold"]))
@law(max_examples=60)
def test_the_order_of_rows_makes_no_difference(drawn, random, corrections):
    settings = study(corrections=corrections, readouts=["IFNg", "IL2"])
    before = populations(SAMPLES, lines(drawn), settings)
    random.shuffle(drawn)
    assert populations(SAMPLES, lines(drawn), settings).equals(before)


@given(LINES)
@law(max_examples=60)
def test_a_file_about_another_tube_changes_nothing(drawn):
    others = [line for line in drawn if line[0] != "c | 2"]
    with_other = populations(SAMPLES, lines(drawn))
    without = populations(SAMPLES, lines(others)) if others else with_other.clear()
    assert with_other.filter(pl.col("tube_id") != "T3").equals(without.filter(pl.col("tube_id") != "T3"))


@given(LINES)
@law(max_examples=60)
def test_every_count_used_stands_in_the_file_it_is_said_to_be_from(drawn):
    found = populations(SAMPLES, lines(drawn)).filter(~pl.col("is_sum"))
    told = counts_of("file | n | path | told\n" + lines(drawn))
    key = ["file_sha256", "sample_number", "population_path"]
    joined = found.join(told, on=key, how="left", suffix="_told", validate="m:1")
    used = joined.drop_nulls("count")
    assert used["count"].equals(used["count_told"].alias("count"))
    assert joined["status"].equals(joined["status_told"].alias("status"))
    assert found.filter(pl.col("count").is_null(), pl.col("reason").is_null()).is_empty()


@needs_shared
def test_the_marginal_of_the_real_statistics_is_the_sum_of_their_booleans():
    settings = study(markers={"IFNg": [], "IL2": [], "IL4": [], "TNF": ["TNFa"]})
    rows = [
        line.split("\t") for line in (SHARED / "real/cytometry/ics_study/statistics.tsv").read_text().splitlines()[1:]
    ]
    name = next(row[0] for row in rows if row[1].startswith("S/Lv/L/3+/8+/"))
    of_sample = {row[1]: round(float(row[2])) for row in rows if row[0] == name}
    booleans_only = {
        path: count
        for path, count in of_sample.items()
        if path.count("&") == 3 or path in ("S/Lv/L/3+/8+", "S/Lv/L/3+/4+")
    }
    told = "\n".join(f"a | 1 | {path} | {count}" for path, count in booleans_only.items() if "|" not in path)
    found = numbers(populations(ONE, told, settings).filter("is_sum"), "count")
    for population, gate in (("CD8", "8+"), ("CD4", "4+")):
        for marker, spelled in (("IFNg", "IFNg"), ("IL2", "IL2"), ("IL4", "IL4"), ("TNF", "TNFa")):
            assert found[f"{population} {marker}+"] == (of_sample[f"S/Lv/L/3+/{gate}/{spelled}+"],)
