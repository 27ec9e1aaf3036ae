"""p-values adjusted for how many were looked at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.multiplicity import benjamini_hochberg, holm

P_VALUES = st.lists(st.floats(0, 1, allow_nan=False, width=32), max_size=30)


def test_holm_by_hand():
    # Sorted 0.01, 0.02, 0.03, 0.04, 0.05 times 5, 4, 3, 2, 1: 0.05, 0.08, 0.09, 0.08, 0.05; none below those before.
    assert holm([0.04, 0.01, 0.05, 0.02, 0.03]) == pytest.approx([0.09, 0.05, 0.09, 0.08, 0.09])


def test_benjamini_hochberg_by_hand():
    # Sorted 0.01, 0.03, 0.035, 0.5 times 4/1, 4/2, 4/3, 4/4: 0.04, 0.06, 0.0467, 0.5; none above those after.
    assert benjamini_hochberg([0.5, 0.01, 0.035, 0.03]) == pytest.approx([0.5, 0.04, 0.14 / 3, 0.14 / 3])


def test_nothing_is_adjusted_above_1():
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert benjamini_hochberg([1.0, 1.0]) == [1.0, 1.0]


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_one_p_value_stays_and_none_gives_none(adjust):
    assert adjust([0.03]) == [0.03]
    assert adjust([]) == []


@given(P_VALUES)
def test_benjamini_hochberg_is_scipys(p_values: list[float]):
    from scipy.stats import false_discovery_control

    expected = false_discovery_control(p_values, method="bh").tolist() if p_values else []
    assert benjamini_hochberg(p_values) == pytest.approx(expected)


@given(P_VALUES)
def test_holm_is_its_definition(p_values: list[float]):
    ordered = list(enumerate(sorted(p_values)))
    m = len(p_values)
    expected = [min(1.0, max((m - i) * q for i, q in ordered if q <= p)) for p in p_values]
    assert holm(p_values) == pytest.approx(expected)
