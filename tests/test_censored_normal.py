"""Mean and SD of a sample with lower bounds: the maximum of its likelihood, and the plain ones without bounds."""

from __future__ import annotations

from statistics import fmean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import CensoredData, norm

from transforms.censored_normal import mean_and_sd

VALUES = st.lists(st.floats(0, 4).map(lambda x: round(x, 2)), min_size=3, max_size=8)


@given(VALUES)
def test_without_bounds_they_are_mean_and_sd(values):
    assert mean_and_sd(values, []) == (pytest.approx(fmean(values)), pytest.approx(stdev(values)))


@pytest.mark.parametrize(
    ("values", "bounds"),
    [
        ([2.9, 3.0, 3.1], [3.1]),
        ([2.9, 3.0, 3.1, 2.7, 3.05], [3.1, 3.0, 3.2, 2.5]),
        ([1.0, 1.2, 1.1, 1.3], [1.3] * 8),
        ([1.0, 1.1, 1.2], [4.0]),
    ],
)
def test_with_bounds_they_are_the_fit_that_scipy_finds(values, bounds):
    data = CensoredData(uncensored=values, right=bounds)
    mean, sd = norm.fit(data, optimizer=_precisely)
    n = len(values) + len(bounds)
    assert mean_and_sd(values, bounds) == (
        pytest.approx(mean, rel=1e-5),
        pytest.approx(sd * (n / (n - 1)) ** 0.5, rel=1e-5),
    )


def _precisely(function, start, args, disp):
    from scipy.optimize import fmin

    return fmin(function, start, args=args, disp=disp, xtol=1e-10, ftol=1e-14, maxiter=10_000, maxfun=20_000)


@settings(deadline=None)
@given(VALUES, st.lists(st.floats(0, 4).map(lambda x: round(x, 2)), min_size=1, max_size=4))
def test_a_bound_never_lowers_the_mean_below_that_with_the_bound_as_value(values, bounds):
    mean, sd = mean_and_sd(values, bounds)
    assert mean >= fmean([*values, *bounds]) - 1e-9
    assert sd >= 0


def test_values_and_bounds_that_are_all_alike_have_no_spread():
    assert mean_and_sd([1.0, 1.0, 1.0], [1.0]) == (1.0, 0.0)
