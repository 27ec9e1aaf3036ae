"""dfr_eq against the reference script's numbers, and against the definition worked out in fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.drawing import SHARED, needs_shared
from transforms.resampling import dfr_eq, n_relabelings

NAN = float("nan")

Row = list[int | None]


def mean(values: Row) -> Fraction | None:
    there = [value for value in values if value is not None]
    return Fraction(sum(there), len(there)) if there else None


def difference(antigen: Row, control: Row) -> Fraction | None:
    high, low = mean(antigen), mean(control)
    return None if high is None or low is None else high - low


def by_definition(family: list[Row], controls: Row) -> list[Fraction]:
    """Adjusted p-values: every relabeling of the columns, the same for every antigen; step-down max-T."""
    n_e, columns = len(family[0]), range(len(family[0]) + len(controls))
    observed = [difference(row, controls) for row in family]
    relabeled = []
    for chosen in combinations(columns, n_e):
        pooled = [row + controls for row in family]
        relabeled.append(
            [difference([p[c] for c in chosen], [p[c] for c in columns if c not in chosen]) for p in pooled]
        )
    order = sorted(range(len(family)), key=lambda j: -observed[j])
    adjusted: list[Fraction] = [Fraction(0)] * len(family)
    floor = Fraction(0)
    for position, antigen in enumerate(order):
        rest = order[position:]
        maxima = [
            max(t for t in defined) for one in relabeled if (defined := [one[j] for j in rest if one[j] is not None])
        ]
        share = Fraction(sum(m >= observed[antigen] for m in maxima), len(maxima))
        floor = adjusted[antigen] = max(floor, share)
    return adjusted


def array(rows: list[Row]) -> np.ndarray:
    return np.array([[NAN if value is None else value for value in row] for row in rows], dtype=float)


@st.composite
def families(draw, count: st.SearchStrategy[int | None]):
    """A family whose every antigen can be tested: at least one antigen well and one control well."""
    n_e, n_c, antigens = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    wells = st.lists(count, min_size=n_e, max_size=n_e).filter(lambda row: any(v is not None for v in row))
    controls = st.lists(count, min_size=n_c, max_size=n_c).filter(lambda row: any(v is not None for v in row))
    return [draw(wells) for _ in range(antigens)], draw(controls)


COUNTS = st.integers(0, 6)


def agrees(family: list[Row], controls: Row) -> None:
    statistic, p = dfr_eq(array(family)[None], array([controls]))
    assert statistic[0] == pytest.approx([float(difference(row, controls)) for row in family], abs=1e-12)
    assert p[0] == pytest.approx([float(share) for share in by_definition(family, controls)], abs=1e-12)


@needs_shared
def test_meets_the_reference_script():
    folder = SHARED / "reference" / "elispot_dfr"
    wells = pl.read_csv(folder / "moodie_wells.csv")
    reference = pl.read_csv(folder / "moodie_dfr_R.csv")
    for (sample,), rows in reference.group_by("id"):
        own = wells.filter(pl.col("id") == sample)
        family = own.filter(pl.col("antigen") != "negctl").select("antigen", "a1", "a2", "a3")
        family = rows.select("antigen").join(family, on="antigen", how="left", validate="1:1", maintain_order="left")
        controls = own.filter(pl.col("antigen") == "negctl").select(pl.selectors.matches("^a[0-9]$"))
        statistic, p = dfr_eq(family.drop("antigen").to_numpy().astype(float)[None], controls.to_numpy().astype(float))
        assert statistic[0] == pytest.approx(rows["dfreq_t"].to_list(), abs=1e-5)
        assert p[0] == pytest.approx(rows["dfreq_adjp"].to_list(), abs=1e-5)


def test_three_wells_on_three_reach_one_in_twenty_and_no_less():
    _, p = dfr_eq(np.array([[[90.0, 80, 95]]]), np.array([[1.0, 2, 3]]))
    assert n_relabelings(3, 3) == 20
    assert p.item() == pytest.approx(0.05)


def test_equal_counts_everywhere_are_no_evidence():
    _, p = dfr_eq(np.full((1, 2, 3), 7.0), np.full((1, 6), 7.0))
    assert p.tolist() == [[1.0, 1.0]]


@pytest.mark.parametrize(
    ("family", "controls"),
    [
        ([[5, 5, 5]], [1, 1, 1]),
        ([[1, 2, 3], [1, 2, 3]], [1, 2, 3]),  # tied antigens
        ([[9, 8, None], [4, 4, 3]], [1, 0, 2, 1]),  # a missing antigen well
        ([[9, 8, 7], [None, 4, 3]], [1, None, 2, 1]),  # a missing control well
        ([[9, 8, 7]], [1, 2, 1, None, None, None]),  # a relabeling without any antigen well: dropped
        ([[9, None, None], [3, 3, 3]], [1, None, None]),  # dropped for one antigen, kept for the other
        ([[30, 0, 0], [12, 11, 10], [0, 0, 1]], [4, 5, 4, 5]),  # the order of p is not the order of single p
    ],
)
def test_follows_the_definition_in_hard_cases(family, controls):
    agrees(family, controls)


@settings(deadline=None)
@given(families(COUNTS))
def test_follows_the_definition_with_every_well_there(case):
    agrees(*case)


@settings(deadline=None)
@given(families(st.one_of(COUNTS, st.none())))
def test_follows_the_definition_with_missing_wells(case):
    agrees(*case)


@settings(deadline=None)
@given(st.lists(families(COUNTS), min_size=1, max_size=4), st.integers(1, 500))
def test_families_computed_together_or_in_small_blocks_are_the_same(cases, block):
    for family, controls in cases:
        many = np.repeat(array(family)[None], 3, axis=0), np.repeat(array([controls]), 3, axis=0)
        whole, blocked = dfr_eq(*many), dfr_eq(*many, block_size=block)
        np.testing.assert_array_equal(whole[0], blocked[0])
        np.testing.assert_array_equal(whole[1], blocked[1])


@settings(deadline=None)
@given(families(COUNTS), st.randoms())
def test_the_order_of_antigens_changes_nothing(case, random):
    family, controls = case
    order = random.sample(range(len(family)), len(family))
    _, p = dfr_eq(array(family)[None], array([controls]))
    _, shuffled = dfr_eq(array(family)[order][None], array([controls]))
    np.testing.assert_allclose(p[0][order], shuffled[0], atol=1e-12)


@settings(deadline=None)
@given(families(COUNTS))
def test_an_antigen_without_wells_leaves_the_others_as_they_are(case):
    family, controls = case
    _, p = dfr_eq(array(family)[None], array([controls]))
    statistic, with_empty = dfr_eq(array([*family, [None] * len(family[0])])[None], array([controls]))
    np.testing.assert_allclose(with_empty[0][:-1], p[0])
    assert np.isnan(statistic[0][-1]) and np.isnan(with_empty[0][-1])


def test_a_family_of_forty_antigens_and_twelve_wells_fits():
    rng = np.random.default_rng(1)
    wells = rng.poisson(5, (2, 40, 6)).astype(float)
    wells[:, 0] += 100
    _, p = dfr_eq(wells, rng.poisson(5, (2, 6)).astype(float))
    assert p[:, 0] == pytest.approx(1 / 924)
    assert p.max() <= 1
