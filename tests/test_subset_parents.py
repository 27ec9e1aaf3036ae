"""A subset is measured against the population its own gates lie in, and is never larger than that."""

from __future__ import annotations

import re

import polars as pl
from hypothesis import given
from hypothesis import settings as law

from tests.drawn_samples import counts_of, study
from tests.test_cytometry_populations import LINES, ONE, SAMPLES, SAVED, THREE, booleans, lines, numbers, populations


def test_a_subset_is_measured_against_the_population_its_own_path_goes_through():
    found = populations(
        ONE,
        """
        a | 1 | Live/CD3+/CD8+               | 9000
        a | 1 | Memory/CD3+/CD8+/IFNg+       | 90
        a | 1 | Live/CD3+/CD8+/TNF+          | 9
        a | 1 | Live/CD3+/CD8+/IL22+/IFNg-   | 3
        a | 1 | Memory/CD3+/CD8+/IFNg+/IL22+ | 2
        """,
    )
    assert numbers(found, "count", "parent_count", "percent", "reason") == {
        "CD8": (9000, 9000, 100.0, None),
        "CD8 IFNg+": (90, None, None, "count_missing"),
        "CD8 TNF+": (9, 9000, 0.1, None),
        "CD8 IFNg-IL22+": (3, 9000, 100 * 3 / 9000, None),
        "CD8 IFNg+IL22+": (2, None, None, "count_missing"),
    }


def test_of_two_paths_of_a_subset_the_one_with_its_population_is_used():
    counts = "a | 1 | L/3+/8+ | 900\n a | 1 | 3+/8+/IFNg+ | 9\n a | 1 | L/3+/8+/IFNg+ | 9"
    found = numbers(populations(ONE, counts), "count", "parent_count", "population_path")
    assert found["CD8 IFNg+"] == (9, 900, "L/3+/8+/IFNg+")


def test_widths_of_characters_make_no_other_population():
    found = populations(ONE, "a | 1 | \uff13+/8+ | 900\n a | 1 | 3+/8+/IFNg+ | 9")
    assert numbers(found, "parent_count")["CD8 IFNg+"] == (900,)


def test_a_subset_larger_than_its_population_is_not_used():
    found = populations(ONE, "a | 1 | 3+/8+ | 50\n a | 1 | 3+/8+/IFNg+ | 51\n a | 1 | 3+/8+/TNF+ | 50")
    assert numbers(found, "status", "count", "parent_count", "percent", "reason") == {
        "CD8": ("counted", 50, 50, 100.0, None),
        "CD8 IFNg+": ("counted", None, 50, None, "count_missing"),
        "CD8 TNF+": ("counted", 50, 50, 100.0, None),
    }


def test_another_file_is_used_where_a_count_is_impossible():
    found = populations(SAVED, "a | 1 | 3+/8+ | 4\n a | 1 | 3+/8+/2+ | 5\n b | 7 | 3+/8+ | 9\n b | 7 | 3+/8+/2+ | 5")
    assert numbers(found, "count", "parent_count", "file_sha256")["CD8 IL2+"] == (5, 9, "b")


def test_a_file_that_has_the_population_too_goes_before_a_later_one_without():
    counts = "b | 7 | 3+/8+ | 900\n b | 7 | 3+/8+/IFNg+ | 9\n a | 1 | 3+/8+/IFNg+ | 8"
    found = numbers(populations(SAVED, counts), "count", "parent_count", "file_sha256", "n_files", "counts_differ")
    assert found["CD8 IFNg+"] == (9, 900, "b", 2, True)
    held = numbers(populations(SAVED, counts, study(corrections="hold")), "count", "reason")
    assert held["CD8 IFNg+"] == (None, "counts_conflict")


def test_parts_of_two_paths_make_no_sum():
    half = booleans(population="L/3+/8+").splitlines()
    mixed = "\n".join([*half[:4], *(line.replace("L/", "M/") for line in half[4:])])
    settings = study(**THREE, readouts=["TNF"])
    assert populations(ONE, "a | 1 | L/3+/8+ | 99\n" + mixed, settings).filter("is_sum").is_empty()


def test_a_sum_stands_at_the_path_of_its_parts():
    counts = f"a | 1 | 3+/8+ | 700\n a | 1 | L/3+/8+ | 700\n{booleans(population='L/3+/8+')}"
    found = populations(ONE, counts, study(**THREE, readouts=["TNF"])).filter("is_sum", subset="TNF+")
    assert found.select("count", "parent_count", "population_path").rows() == [(16, 700, "L/3+/8+")]


def test_an_impossible_sum_is_not_used():
    counts = "a | 1 | 3+/8+ | 15\n" + booleans()
    found = numbers(populations(ONE, counts, study(**THREE, readouts=["TNF", "IFNg"])), "count", "reason")
    assert found["CD8 TNF+"] == (None, "count_missing")  # 16 of 15


@given(LINES)
@law(max_examples=60)
def test_no_subset_is_larger_than_the_population_it_is_measured_against(drawn):
    found = populations(SAMPLES, lines(drawn), study(readouts=["IFNg", "IL2"]))
    assert found.filter(pl.col("count") > pl.col("parent_count")).is_empty()


@given(LINES)
@law(max_examples=60)
def test_every_population_of_a_subset_is_counted_at_the_start_of_its_path(drawn):
    found = populations(SAMPLES, lines(drawn)).filter(~pl.col("is_sum"), pl.col("subset") != "")
    told = counts_of("file | n | path | told\n" + lines(drawn)).rows_by_key(
        ("file_sha256", "sample_number", "population_path"), unique=True, named=True
    )
    for row in found.drop_nulls("parent_count").to_dicts():
        trunk = re.match(r".*?(?:8\+|4\+|Ly)(?=/)", row["population_path"])
        assert trunk
        assert told[row["file_sha256"], row["sample_number"], trunk[0]]["count"] == row["parent_count"]
