"""Firth's logistic regression against R's brglm2, its closed form for two by two, and its likelihood's definition."""

from __future__ import annotations

import random
from math import exp, log, sqrt
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.drawing import SHARED, needs_shared
from transforms.estimability import NotEstimable
from transforms.firth import FirthLogistic, firth_logistic, fit_firth

LAWS = settings(max_examples=30, deadline=None)
EXACT = SHARED / "reference" / "exact"
MODELS = {
    "sep16": ("data_firth_sep16.csv", "y", ["x", "z"]),
    "endometrial": ("data_endometrial.csv", "HG", ["NV", "PI", "EH"]),
}
SUBJECTS = st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=4, max_size=25)


@needs_shared
@pytest.mark.parametrize("name", MODELS)
def test_coefficients_are_rs(name: str):
    file, outcome, terms = MODELS[name]
    rows = pl.read_csv(EXACT / "R_firth_logistic_brglm2.csv").filter(dataset=name)
    assert rows["term"].to_list() == ["(Intercept)", *terms]
    frame = pl.read_csv(EXACT / file)
    ours = fit_firth(frame[outcome].to_list(), frame.select(pl.col(terms).cast(pl.Float64)).to_numpy())
    assert ours.coefficients == pytest.approx(rows["coef"].to_list(), abs=1e-6)


@given(cells=st.tuples(*[st.integers(0, 9)] * 4))
@LAWS
def test_of_a_two_by_two_table_it_is_the_odds_ratio_with_one_half_added_to_each_cell(cells: tuple[int, int, int, int]):
    a, b, c, d = cells
    assume(0 not in (a + b, c + d, a + c, b + d))
    ours = firth_logistic([True] * a + [False] * b + [True] * c + [False] * d, [1] * (a + b) + [0] * (c + d))
    assert ours.odds_ratio == pytest.approx((a + 0.5) * (d + 0.5) / ((b + 0.5) * (c + 0.5)), rel=1e-6)


def penalised(outcome: list[bool], x: list[float], slope: float) -> float:
    """Largest log likelihood plus half the log determinant of the information, over the intercept."""
    y, design = np.array(outcome, dtype=float), np.column_stack([np.ones(len(x)), x])

    def at(intercept: float) -> float:
        eta = design @ np.array([intercept, slope])
        p = 1 / (1 + np.exp(-eta))
        information = design.T @ (design * (p * (1 - p))[:, None])
        return float(y @ eta - np.logaddexp(0, eta).sum() + np.linalg.slogdet(information)[1] / 2)

    low, high = -60.0, 60.0
    for _ in range(200):
        third = (high - low) / 3
        low, high = (low + third, high) if at(low + third) < at(high - third) else (low, high - third)
    return at((low + high) / 2)


@pytest.mark.parametrize(
    ("outcome", "x"),
    [
        ("1111000000", [3.0, 2.5, 4.0, 2.0, 1.0, 0.5, 1.5, 0.0, 1.2, 0.3]),
        ("1101000010", [3.0, 2.5, 4.0, 2.0, 1.0, 0.5, 1.5, 0.0, 1.2, 0.3]),
        ("1110001", [1, 1, 1, 0, 0, 0, 0]),
    ],
    ids=["separated", "overlapping", "two groups"],
)
def test_limits_and_p_are_those_of_the_penalised_likelihood_ratio(outcome: str, x: list[float]):
    happened = [one == "1" for one in outcome]
    ours = firth_logistic(happened, x)
    most = penalised(happened, x, ours.coefficient)
    for limit in (ours.lower, ours.upper):
        assert 2 * (most - penalised(happened, x, log(limit))) == pytest.approx(3.841458820694124, abs=1e-4)
    ratio = 2 * (most - penalised(happened, x, 0.0))
    assert ours.p_value == pytest.approx(2 * NormalDist().cdf(-sqrt(ratio)), abs=1e-6)


def test_separation_has_a_finite_ratio_with_a_finite_lower_limit_above_1():
    ours = firth_logistic([True] * 6 + [False] * 6, [1] * 6 + [0] * 6)
    assert 1 < ours.lower < ours.odds_ratio == pytest.approx(13.0**2)


@given(subjects=SUBJECTS, seed=st.integers())
@LAWS
def test_order_unit_and_direction_only_restate_the_ratio(subjects: list[tuple[bool, int]], seed: int):
    ours = firth_logistic(*zip(*subjects, strict=True))
    assume(isinstance(ours, FirthLogistic))
    shuffled = random.Random(seed).sample(subjects, k=len(subjects))
    assert firth_logistic(*zip(*shuffled, strict=True)).p_value == pytest.approx(ours.p_value, abs=1e-6)
    outcome, x = map(list, zip(*subjects, strict=True))
    scaled = firth_logistic(outcome, [1e9 * value for value in x], unit=1e9)
    assert scaled.odds_ratio == pytest.approx(ours.odds_ratio, rel=1e-5)
    turned = firth_logistic(outcome, [-value for value in x])
    assert turned.odds_ratio == pytest.approx(1 / ours.odds_ratio, rel=1e-5)
    per_two = firth_logistic(outcome, x, unit=2)
    assert log(per_two.odds_ratio) == pytest.approx(2 * log(ours.odds_ratio), abs=1e-5)


@pytest.mark.parametrize(("outcome", "x"), [([True, True], [1, 2]), ([True, False], [1, 1]), ([], [])])
def test_where_nothing_varies_there_is_no_model(outcome: list[bool], x: list[float]):
    assert firth_logistic(outcome, x) == NotEstimable("not_estimable")


def test_an_infinite_exposure_is_refused():
    with pytest.raises(ValueError, match="no finite number"):
        firth_logistic([True, False], [float("-inf"), 1.0])


def test_the_odds_ratio_is_the_exponential_of_the_coefficient():
    ours = firth_logistic([True, False, True, False, True], [1, 2, 3, 4, 5])
    assert ours.odds_ratio == pytest.approx(exp(ours.coefficient))
