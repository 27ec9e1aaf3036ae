"""What can be asked of the data, what is refused, and whether a refusal says how to ask instead."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest
from pydantic import ValidationError

from expectations.analyses import (
    EXPOSURE,
    METHODS,
    OFFERED,
    OUTCOME,
    ExposureName,
    MethodName,
    OutcomeName,
    methods_for,
    why_refused,
)
from expectations.study_analysis import Analysis, Declared, Exploratory
from tests.clinical_study import study

PAIRS = list(product(EXPOSURE, OUTCOME))
WHOLE = [name for name, one in EXPOSURE.items() if one.timing == "whole_follow_up"]
RIGHT_WAYS = ("persistent_at_landmark", "positive_over_time")


def test_names_of_the_study_file_are_those_declared():
    assert get_args(ExposureName) == tuple(EXPOSURE)
    assert get_args(OutcomeName) == tuple(OUTCOME)
    assert set(get_args(MethodName)) == set(METHODS)


@pytest.mark.parametrize(("exposure", "outcome"), PAIRS)
def test_a_pair_is_either_offered_with_a_method_or_refused_with_a_reason(exposure: str, outcome: str):
    assert (why_refused(exposure, outcome) is None) == bool(methods_for(exposure, outcome))


@pytest.mark.parametrize(("exposure", "outcome"), list(product(WHOLE, OUTCOME)))
def test_an_exposure_of_the_whole_follow_up_is_refused_with_the_reason_and_the_two_right_ways(
    exposure: str, outcome: str
):
    with pytest.raises(ValidationError) as refused:
        Declared.model_validate({"exposure": exposure, "outcome": outcome})
    told = str(refused.value)
    assert "immortal time" in told
    assert f"part of {outcome}" in told
    assert all(way in told for way in RIGHT_WAYS)


@pytest.mark.parametrize("exposure", WHOLE)
def test_it_is_refused_among_the_exploratory_ones_too(exposure: str):
    with pytest.raises(ValidationError) as refused:
        Exploratory.model_validate({"exposures": ["persistent_at_landmark", exposure]})
    told = str(refused.value)
    assert f"{exposure} is known only at the end of the follow-up" in told
    assert "immortal time" in told
    assert all(way in told for way in RIGHT_WAYS)


def test_every_such_exposure_is_named():
    with pytest.raises(ValidationError, match=r"ever_persistent is known only.*; likewise auc_per_day"):
        Exploratory.model_validate({"exposures": ["ever_persistent", "auc_per_day"]})


@pytest.mark.parametrize("outcome", [name for name, one in OUTCOME.items() if one.kind != "time"])
def test_an_exposure_that_changes_needs_an_outcome_with_a_time(outcome: str):
    with pytest.raises(ValidationError, match=f"{outcome} has no time.*OS or PFS.*persistent_at_landmark"):
        Declared.model_validate({"exposure": "positive_over_time", "outcome": outcome})


@pytest.mark.parametrize("exposure", EXPOSURE)
@pytest.mark.parametrize("way", RIGHT_WAYS)
def test_the_ways_a_refusal_names_are_offered(exposure: str, way: str):
    told = why_refused(exposure, "OS") or ""
    assert way not in told or methods_for(way, "OS")


@pytest.mark.parametrize(("exposure", "outcome"), [pair for pair in PAIRS if methods_for(*pair)])
def test_an_offered_pair_takes_each_of_its_methods_and_no_other(exposure: str, outcome: str):
    offered = methods_for(exposure, outcome)
    for method in METHODS:
        declared = {"exposure": exposure, "outcome": outcome, "method": method}
        if method in offered:
            assert Declared.model_validate(declared).chosen_method == method
        else:
            with pytest.raises(ValidationError, match=f"use {' or '.join(offered)}"):
                Declared.model_validate(declared)


def test_every_method_offered_belongs_to_one_kind_of_question_about_time():
    of_time = {m for (_, kind, _), methods in OFFERED.items() if kind == "time" for m in methods}
    assert of_time.isdisjoint(m for (_, kind, _), methods in OFFERED.items() if kind != "time" for m in methods)


@pytest.mark.parametrize("declared", [{}, {"outcome": "OS"}])
def test_an_analysis_is_declared_once(declared: dict[str, str]):
    with pytest.raises(ValidationError, match=r"secondary\.\d: this analysis is declared before it already"):
        Analysis.model_validate({"secondary": [{"outcome": "OS"}, declared]})


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"landmark": 90, "method": "fisher_exact", "readout": "IFNg"}),
        ({"exposure": "tumour_reactive_cells_infused"}, {"exposure": "tumour_reactive_cells_infused", "landmark": 90}),
        (
            {"exposure": "positive_over_time", "outcome": "OS"},
            {"exposure": "positive_over_time", "outcome": "OS", "landmark": 90},
        ),
    ],
)
def test_a_declaration_that_differs_only_in_saying_the_defaults_is_the_same_analysis(first: dict, second: dict):
    with pytest.raises(ValidationError, match=r"secondary\.0: with its defaults filled in"):
        study(analysis={"primary": first, "secondary": [second]})
