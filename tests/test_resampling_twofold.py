"""dfr_2x against exact reference values, by hand, and against every draw written out."""

from __future__ import annotations

from itertools import product
from math import log10
from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.drawing import SHARED, needs_shared
from transforms.resampling import TIE
from transforms.resampling_twofold import dfr_2x, n_resamples

NAN = float("nan")

Row = list[int | None]


def array(rows: list[Row]) -> np.ndarray:
    return np.array([[NAN if value is None else value for value in row] for row in rows], dtype=float)


def exact(family: list[Row], controls: Row) -> tuple[list[float], list[float]]:
    statistic, p = dfr_2x(array(family)[None], array([controls]))
    return statistic[0].tolist(), p[0].tolist()


def draws(values: list[float]) -> np.ndarray:
    """The mean of every draw of as many values, with replacement, less the mean of the values."""
    n = len(values)
    return np.array([sum(draw) / n for draw in product(values, repeat=n)]) - sum(values) / n


def by_definition(family: list[Row], controls: Row) -> tuple[list[float], list[float]]:
    """Statistics and adjusted p-values from every joint draw of all wells, the controls drawn for each antigen."""
    observed, resampled = [], []
    for row in family:
        e, c = [n for n in row if n is not None], [n for n in controls if n is not None]
        more = 1 if 0 in (*e, *c) else 0
        e, c = [log10(n + more) for n in e], [log10(n + more) for n in c]
        observed.append(sum(e) / len(e) - sum(c) / len(c) - log10(2))
        resampled.append(np.subtract.outer(draws(e), draws(c)).ravel())
    order = sorted(range(len(family)), key=lambda j: -observed[j])
    adjusted, floor = [0.0] * len(family), 0.0
    for position, antigen in enumerate(order):
        maxima = np.array([-np.inf])
        for j in order[position:]:
            maxima = np.maximum.outer(maxima, resampled[j]).ravel()
        floor = adjusted[antigen] = max(floor, float(np.mean(maxima >= observed[antigen] - TIE)))
    return observed, adjusted


def agrees(family: list[Row], controls: Row) -> None:
    statistic, p = exact(family, controls)
    expected_statistic, expected_p = by_definition(family, controls)
    assert statistic == pytest.approx(expected_statistic, abs=1e-12)
    assert p == pytest.approx(expected_p, abs=1e-12)


def reference_families():
    folder = SHARED / "reference" / "elispot_dfr"
    wells = pl.read_csv(folder / "moodie_wells.csv")
    exact = pl.read_csv(folder / "moodie_dfr_py_exact.csv")
    called = pl.read_csv(folder / "moodie_dfr_R.csv").select("id", "antigen", "dfr2x_pos")
    rows = exact.join(called, on=["id", "antigen"], how="left", validate="1:1", maintain_order="left")
    for (sample,), expected in rows.group_by("id", maintain_order=True):
        own = wells.filter(pl.col("id") == sample)
        family = expected.select("antigen").join(own, on="antigen", how="left", validate="1:1", maintain_order="left")
        controls = own.filter(pl.col("antigen") == "negctl").select(pl.selectors.matches("^a[0-9]$"))
        yield expected, family.select("a1", "a2", "a3").rows(), list(controls.row(0))


@needs_shared
def test_meets_the_exact_reference_values_and_the_calls_of_the_reference_script():
    n = 0
    for expected, family, controls in reference_families():
        statistic, p = exact(family, controls)
        assert statistic == pytest.approx(expected["dfr2x_t"].to_list(), abs=1e-5)
        assert p == pytest.approx(expected["dfr2x_adjp_exact"].to_list(), abs=1e-6)
        assert [int(one <= 0.05) for one in p] == expected["dfr2x_pos"].to_list()
        n += len(p)
    assert n == 12


def test_the_published_boundary_case():
    # Sample 2 of the reference script: flu just fails, tyr is far below twice the control.
    statistic, p = exact([[24, 28, 22], [12, 17, 14]], [9, 11, 12, 8, 13, 6])
    assert statistic[0] == pytest.approx(0.11057, abs=1e-5)
    assert p[0] == pytest.approx(0.0542, abs=1e-4)
    statistic, p = exact([[9, 16, 15], [100, 120, 110]], [7, 13, 10, 9, 8, 8])
    assert statistic[1] == pytest.approx(0.78592, abs=1e-5)
    assert p[1] == 0


@pytest.mark.parametrize(
    ("family", "p"),
    [
        ([[2, 8]], [1 / 4]),  # t is log10(2), and so is the deviation of the draw 8 8: a tie counts
        ([[4, 4]], [0]),
        ([[2, 2]], [1]),  # exactly twice the control
        ([[2, 8], [2, 8]], [7 / 16, 7 / 16]),  # 1 - (3/4)^2
        ([[2, 8], [3, 12]], [1 / 4, 0]),  # log10(3) is out of reach for both; the higher antigen does not count below
        ([[2, 8], [3, 12], [1, 4]], [7 / 16, 0, 3 / 4]),
        ([[2, 8], [3, 12], [0, 0]], [1 / 4, 0, 1]),  # t is -2 log10(2); no draw falls so low
        ([[2, None], [3, 12]], [1, 0]),
    ],
)
def test_worked_by_hand_over_controls_of_one_spot(family, p):
    assert exact(family, [1, 1, 1, 1])[1] == pytest.approx(p, abs=1e-12)


def test_a_p_value_once_reached_is_never_undercut_further_down():
    # A scatters and reaches its own 0.3 in 1 of 4 draws; B lies just above its 0.29 without any scatter.
    _, p = exact([[100, 400], [195, 195]], [50, 50, 50, 50])
    assert p == pytest.approx([1 / 4, 1 / 4])


@pytest.mark.parametrize(
    ("family", "controls"),
    [
        ([[5, 0, 7]], [1, 2, 1]),  # a zero among the antigen wells raises the controls of this antigen
        ([[5, 0, 7], [5, 4, 7]], [1, 2, 1]),  # and not those of the other
        ([[5, 4, 7], [2, 2, 3]], [1, 0, 1]),  # a zero among the controls raises every antigen
        ([[0, 0, 0]], [0, 0, 0]),
        ([[9, 8, None], [4, 4, 3]], [1, 2, None, 1]),  # missing wells
        ([[9, None, None]], [1, 2, 4]),
    ],
)
def test_follows_the_definition_in_hard_cases(family, controls):
    agrees(family, controls)


@st.composite
def families(draw, count: st.SearchStrategy[int | None], most_wells: int = 3, most_antigens: int = 3):
    """A family whose every antigen has a value, small enough to write out every draw."""
    n_e, n_c = draw(st.integers(1, most_wells)), draw(st.integers(1, 2))
    antigens = draw(st.integers(1, most_antigens if n_e < 3 else 2))
    wells = st.lists(count, min_size=n_e, max_size=n_e).filter(lambda row: any(v is not None for v in row))
    controls = st.lists(count, min_size=n_c, max_size=n_c).filter(lambda row: any(v is not None for v in row))
    return [draw(wells) for _ in range(antigens)], draw(controls)


COUNTS = st.integers(0, 6)


@settings(deadline=None)
@given(families(COUNTS))
def test_follows_the_definition_with_every_well_there(case):
    agrees(*case)


@settings(deadline=None)
@given(families(st.one_of(COUNTS, st.none())))
def test_follows_the_definition_with_missing_wells(case):
    agrees(*case)


ROWS = st.lists(st.lists(st.integers(0, 60), min_size=3, max_size=3), min_size=1, max_size=6)
CONTROLS = st.lists(st.integers(0, 20), min_size=6, max_size=6)


@settings(deadline=None)
@given(ROWS, CONTROLS, st.randoms())
@example([[0, 0, 0], [0, 0, 0], [7, 10, 33], [7, 15, 22], [8, 14, 21]], [1, 1, 1, 2, 7, 10], Random(5))
def test_the_order_of_antigens_and_of_wells_changes_nothing(family, controls, random):
    statistic, p = exact(family, controls)
    order = random.sample(range(len(family)), len(family))
    shuffled = exact([random.sample(family[j], 3) for j in order], random.sample(controls, 6))
    assert shuffled == ([statistic[j] for j in order], [p[j] for j in order])


@settings(deadline=None)
@given(ROWS, CONTROLS)
def test_the_lower_the_statistic_the_higher_the_p_value(family, controls):
    statistic, p = exact(family, controls)
    ordered = [p[j] for j in sorted(range(len(p)), key=lambda j: -statistic[j])]
    assert ordered == sorted(ordered)
    assert all(0 <= one <= 1 for one in p)


@settings(deadline=None)
@given(ROWS, CONTROLS, st.lists(st.integers(0, 60), min_size=3, max_size=3))
def test_another_antigen_in_the_family_lowers_no_p_value(family, controls, more):
    _, p = exact(family, controls)
    _, with_more = exact([*family, more], controls)
    assert all(one >= before - 1e-12 for one, before in zip(with_more, p, strict=False))


@settings(deadline=None)
@given(ROWS, CONTROLS, st.integers(2, 9))
def test_only_ratios_of_counts_matter_where_none_is_zero(family, controls, factor):
    family, controls = [[n + 1 for n in row] for row in family], [n + 1 for n in controls]
    statistic, p = exact(family, controls)
    scaled = exact([[n * factor for n in row] for row in family], [n * factor for n in controls])
    assert scaled[0] == pytest.approx(statistic, abs=1e-12)
    assert scaled[1] == pytest.approx(p, abs=1e-12)


@settings(deadline=None)
@given(ROWS, CONTROLS)
def test_an_antigen_without_wells_leaves_the_others_as_they_are(family, controls):
    _, p = exact(family, controls)
    statistic, with_empty = exact([*family, [None] * 3], controls)
    assert with_empty[:-1] == p
    assert np.isnan(statistic[-1]) and np.isnan(with_empty[-1])


@settings(deadline=None)
@given(
    st.lists(st.tuples(ROWS.filter(lambda rows: len(rows) > 1), CONTROLS), min_size=1, max_size=4), st.integers(1, 5000)
)
def test_families_computed_together_or_in_small_blocks_are_the_same(cases, block):
    antigens = np.stack([array(family[:2]) for family, _ in cases])
    controls = array([row for _, row in cases])
    whole, blocked = dfr_2x(antigens, controls), dfr_2x(antigens, controls, block_size=block)
    np.testing.assert_array_equal(whole[0], blocked[0])
    np.testing.assert_array_equal(whole[1], blocked[1])
    alone = [exact(family[:2], row)[1] for family, row in cases]
    assert whole[1].tolist() == alone


def test_the_number_of_pairs_is_that_of_multisets():
    assert n_resamples(3, 6) == 10 * 462
    assert n_resamples(6, 6) == 462 * 462


def test_a_family_of_forty_antigens_and_twelve_wells_fits():
    rng = np.random.default_rng(1)
    wells = rng.poisson(5, (2, 40, 6)).astype(float)
    wells[:, 0] += 100
    statistic, p = dfr_2x(wells, rng.poisson(5, (2, 6)).astype(float))
    assert statistic.argmax(axis=1).tolist() == [0, 0]
    assert (p[:, 0] < 1e-6).all() and p.max() <= 1
