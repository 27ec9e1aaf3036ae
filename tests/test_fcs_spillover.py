"""Spillover matrices of FCS files, and events freed from it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.drawn_fcs import Drawn, channel, floats, opened
from transforms.fcs.spillover import SingularMatrixError, Spillover, compensated

CHANNELS = (channel("FSC"), channel("FL1", S="CD4"), channel("FL2", S="CD8"))
MATRIX = ((1.0, 0.2), (0.1, 1.0))
NUMBERS = "1,0.2,0.1,1"


def found(*more: tuple[str, str]):
    return opened(Drawn(floats([(1, 2, 3)]), CHANNELS, 1, more=more).bytes())


@pytest.mark.parametrize("key", ["$SPILLOVER", "SPILL", "spill"])
@pytest.mark.parametrize("names", ["FL1,FL2", "2,3", "CD4,CD8", " FL1 , FL2"])
def test_a_matrix_is_read_by_names_numbers_or_stains_of_its_channels(key, names):
    assert found((key, f"2,{names},{NUMBERS}")).spillover == Spillover(("FL1", "FL2"), MATRIX)


def test_a_file_without_a_matrix_has_none():
    assert found().spillover is None


WRONG = (
    "2,FL1,FL2",
    f"3,FL1,FL2,{NUMBERS}",
    "2,FL1,FL2,1,0,2,0,1",
    "x",
    "2,FL1,FL2,1,a,0,1",
    "0",
    f"2,FL1,FL2,{NUMBERS},",
)


@pytest.mark.parametrize("word", WRONG)
def test_a_matrix_of_another_size_than_it_gives_is_passed_over_and_told_of(word):
    told = found(("$SPILLOVER", word))
    assert told.spillover is None
    assert told.remarks == ("$SPILLOVER holds no matrix of the size it gives and was passed over",)


def test_a_matrix_without_names_is_read_only_where_it_is_of_all_channels():
    whole = found(("$COMP", "3,1,0,0,0,1,0.2,0,0.1,1"))
    assert whole.spillover == Spillover(("FSC", "FL1", "FL2"), ((1, 0, 0), (0, 1, 0.2), (0, 0.1, 1)))
    part = found(("$COMP", f"2,{NUMBERS}"))
    assert part.spillover is None
    assert "passed over" in part.remarks[0]


def test_a_fluorochrome_seen_in_two_channels_is_one_again():
    # 100 of fluorochrome 1 and 50 of fluorochrome 2: FL1 sees 100 + 0.1 x 50, FL2 sees 0.2 x 100 + 50.
    freed = compensated({"FL1": np.array([105.0]), "FL2": np.array([70.0])}, MATRIX)
    assert list(freed) == ["FL1", "FL2"]
    assert [values.item() for values in freed.values()] == pytest.approx([100, 50])


@given(st.integers(1, 4), st.data())
def test_spillover_added_and_taken_away_leaves_the_events(n, data):
    numbers = st.floats(-1e5, 1e5)
    true = np.array(data.draw(st.lists(st.tuples(*[numbers] * n), min_size=1, max_size=5)))
    spill = np.array(data.draw(st.lists(st.tuples(*[st.floats(0, 0.2)] * n), min_size=n, max_size=n)))
    np.fill_diagonal(spill, 1)
    again = compensated(dict(zip("ABCD", (true @ spill).T, strict=False)), spill)
    np.testing.assert_allclose(np.stack(list(again.values()), axis=1), true, atol=1e-6)


@pytest.mark.parametrize(
    "matrix",
    [((1.0, 1.0), (1.0, 1.0)), ((1.0, 0.5),), ((1.0,),), ((1.0, float("nan")), (0.0, 1.0))],
)
def test_a_matrix_that_cannot_be_solved_is_refused(matrix):
    with pytest.raises(SingularMatrixError):
        compensated({"FL1": np.array([1.0]), "FL2": np.array([2.0])}, matrix)
