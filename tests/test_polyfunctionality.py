"""Boolean subsets and the scores made of them, by hand."""

from __future__ import annotations

from math import comb

import polars as pl
import pytest

from expectations.computed_cytometry import BOOLEAN_SUBSETS
from expectations.records import MIMOSA_FITS
from tests.drawn_tubes import drawn_tubes, study
from transforms.cytometry_pairs import boolean_subsets_of, stimulated_pairs
from transforms.polyfunctionality import boolean_subsets, polyfunctionality

THREE = study(markers={"IFNg": [], "TNF": [], "IL2": []}, readouts=["IFNg"])


def tubes_of(settings, without: str | None = None, count: int = 50) -> dict[str, pl.DataFrame]:
    """A sample with a count of every boolean subset, but one."""
    lines = [
        f"{stimulus} | {subset} | {number}"
        for subset in boolean_subsets_of(settings.cytometry)
        for stimulus, number in (("A", count), ("medium", 5))
        if (stimulus, subset) != ("A", without)
    ]
    return drawn_tubes("\n".join(["stimulus | subset | count", *lines]))


def scored(z: dict[str, float | None], settings) -> dict:
    """Scores of a sample with these z, its counts being there for every subset of the settings."""
    pairs = stimulated_pairs(tubes_of(settings), settings)
    degrees = boolean_subsets_of(settings.cytometry)
    rows = [
        {
            "specimen_id": "S", "batch": "b1", "antigen": "A", "population": "CD8", "subset": subset,
            "z": z[subset], "n_functions": degrees[subset],
        }
        for subset in z
    ]  # fmt: skip
    return polyfunctionality(pairs, pl.DataFrame(rows, schema=BOOLEAN_SUBSETS.schema), settings).row(0, named=True)


def test_subsets_are_all_combinations_but_the_null_one_with_their_degree():
    assert boolean_subsets_of(study().cytometry) == {"IFNg+TNF+": 2, "IFNg+TNF-": 1, "IFNg-TNF+": 1}
    degrees = list(boolean_subsets_of(THREE.cytometry).values())
    assert [degrees.count(d) for d in (1, 2, 3)] == [comb(3, d) for d in (1, 2, 3)]
    assert boolean_subsets_of(study(markers={}, readouts=[]).cytometry) == {}
    assert boolean_subsets_of(study(polyfunctional=["TNF"]).cytometry) == {"TNF+": 1}


def test_scores_by_hand_for_two_functions():
    row = scored({"IFNg+TNF+": 0.5, "IFNg+TNF-": 1.0, "IFNg-TNF+": 0.2}, study())
    assert row["functionality_score"] == pytest.approx(1.7 / 3)
    # degree 1: (1.0 + 0.2) x 1/2; degree 2: 0.5 x 2/1; sum 1.6; / 2 x 2/3.
    assert row["polyfunctionality_score"] == pytest.approx(1.6 / 2 * 2 / 3)
    assert (row["markers"], row["reason"]) == ("IFNg,TNF", None)


def test_scores_by_hand_for_three_functions():
    z = dict.fromkeys(boolean_subsets_of(THREE.cytometry), 0.0) | {
        "IFNg+TNF+IL2+": 1.0,
        "IFNg+TNF-IL2+": 0.6,
        "IFNg-TNF-IL2+": 0.3,
    }
    row = scored(z, THREE)
    assert row["functionality_score"] == pytest.approx(1.9 / 7)
    # 1 x 3/1 + 0.6 x 2/3 + 0.3 x 1/3 = 3.5; / 3 x 2/4.
    assert row["polyfunctionality_score"] == pytest.approx(3.5 / 3 / 2)


@pytest.mark.parametrize("settings", [study(), THREE])
def test_scores_lie_between_none_and_every_subset_responding(settings):
    names = boolean_subsets_of(settings.cytometry)
    for gamma in (0.0, 1.0):
        row = scored(dict.fromkeys(names, gamma), settings)
        assert row["functionality_score"] == pytest.approx(gamma)
        assert row["polyfunctionality_score"] == pytest.approx(gamma)


@pytest.mark.parametrize("last", [{}, {"IFNg-TNF+": None}])
def test_without_every_subset_there_is_no_score(last):
    row = scored({"IFNg+TNF+": 0.5, "IFNg+TNF-": 1.0} | last, study())
    assert (row["functionality_score"], row["polyfunctionality_score"]) == (None, None)
    assert row["reason"] == "subsets_missing"


def test_subsets_have_counts_and_no_z_without_a_fit():
    t = tubes_of(study())
    subsets = boolean_subsets(stimulated_pairs(t, study()), MIMOSA_FITS.empty(), study())
    assert subsets.select("subset", "stimulated_count", "unstimulated_count", "z", "fit_version").rows() == [
        ("IFNg+TNF+", 50, 5, None, None),
        ("IFNg+TNF-", 50, 5, None, None),
        ("IFNg-TNF+", 50, 5, None, None),
    ]
    assert subsets["net_percent"].to_list() == pytest.approx([0.045] * 3)


def test_a_subset_without_a_count_is_no_row_and_leaves_no_score():
    settings = study()
    pairs = stimulated_pairs(tubes_of(settings, without="IFNg-TNF+"), settings)
    subsets = boolean_subsets(pairs, MIMOSA_FITS.empty(), settings)
    assert subsets["subset"].to_list() == ["IFNg+TNF+", "IFNg+TNF-"]
    assert polyfunctionality(pairs, subsets, settings)["reason"].to_list() == ["subsets_missing"]


def test_a_sample_without_any_boolean_subset_has_no_row():
    pairs = stimulated_pairs(drawn_tubes("stimulus | count\nA | 5\nmedium | 5"), study())
    subsets = boolean_subsets(pairs, MIMOSA_FITS.empty(), study())
    assert subsets.is_empty()
    assert polyfunctionality(pairs, subsets, study()).is_empty()


def test_without_functions_there_are_no_subsets_and_no_scores():
    settings = study(markers={}, readouts=[])
    pairs = stimulated_pairs(drawn_tubes("stimulus | count\nA | 5\nmedium | 5"), settings)
    subsets = boolean_subsets(pairs, MIMOSA_FITS.empty(), settings)
    assert subsets.is_empty()
    assert polyfunctionality(pairs, subsets, settings).is_empty()
