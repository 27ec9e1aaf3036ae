"""From subjects compared to the numbers of one method: statistic, p-value, estimate with its interval, or a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, Final

import polars as pl

from expectations.reasons import reason
from expectations.study_analysis import Analysis
from transforms.association_plan import LARGEST_PERMUTED, Question
from transforms.association_reads import contradiction
from transforms.association_scales import CELLS, midranks, ranked, scale, shift
from transforms.association_subjects import RESPONSES_IN_ORDER
from transforms.cox import Hazard, cox, cox_over_time
from transforms.estimability import NotEstimable
from transforms.exact import fisher, wilcoxon
from transforms.firth import firth_logistic
from transforms.jonckheere import jonckheere
from transforms.permutation import Permutation, logrank_permutation, score_permutation, spearman_permutation
from transforms.score_over_time import score_over_time
from transforms.survival import logrank

Numbers = dict[str, Any]
"""Columns of ASSOCIATIONS from statistic to reason, and `reads`, sentences on these numbers."""

_SAYS: Final = {
    "not_estimable": "Not estimable: a group is empty, or nothing varies.",
    "no_event": "Not estimable: there is no event among the subjects compared.",
    "separation": (
        "No ratio: exposure and events separate (all of them in one group, say), so that the likelihood has no maximum."
    ),
    "not_converged": "No ratio: the likelihood has no maximum that could be found.",
}
_WITH_IT: Final = {
    "responder": "responders",
    "disease_control": "subjects with disease control",
    "complete_response": "complete responders",
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a method is given.

    Attributes:
        question: the analysis.
        subjects: sorted by subject, without nulls: exposure, for numbers of cells is_below_lod, lod and is_bounded too;
            outcome, or time_days and event. For an exposure that changes over time the intervals of all subjects:
            start, stop, event, exposure.
        analysis: permutations and seed.
    """

    question: Question
    subjects: pl.DataFrame
    analysis: Analysis

    def column(self, name: str) -> list[Any]:
        """A column as a list."""
        return self.subjects[name].to_list()

    def split(self, by: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Those with it, and the others."""
        return self.subjects.filter(by), self.subjects.filter(~pl.col(by))

    @property
    def random(self) -> dict[str, int]:
        """How random permutations are to be drawn."""
        return {"n_permutations": self.analysis.permutations, "seed": self.analysis.seed}

    @property
    def is_of_cells(self) -> bool:
        """Exposures are numbers of cells, which may lie below a limit of detection."""
        return self.question.exposure == CELLS


def numbers(comparison: Comparison) -> Numbers:
    """The numbers of the comparison's method; all null, with a reason, where it cannot be estimated."""
    subjects = comparison.subjects
    if subjects.is_empty():
        return _none("not_estimable")
    if "event" in subjects.columns and not subjects["event"].any():
        return _none("no_event")
    method = comparison.question.method
    told = _METHODS[method](comparison)
    apart = contradiction(method, *(told.get(name) for name in ("p_value", "lower", "upper")))
    return {**told, "reads": [*told.get("reads", []), *apart, *_on_cells(comparison)]}


def _none(code: str) -> Numbers:
    return {"reason": reason(code).code, "reads": [_SAYS[code]]}


def _on_cells(comparison: Comparison) -> list[str]:
    if not comparison.is_of_cells:
        return []
    said = []
    if comparison.subjects["is_below_lod"].any():
        said.append(
            "Numbers below their limit of detection share the lowest rank; a shift and its limits are given where they "
            "are the same wherever between 0 and that limit these numbers lie, and no ratio is."
        )
    if comparison.subjects["is_bounded"].any():
        said.append(
            "Some numbers are bounds only, as wells were too numerous to count, and are taken where the bound lies: "
            "with their true numbers the p-value and the estimate could be others."
        )
    return said


def _fisher(comparison: Comparison) -> Numbers:
    exposed, others = comparison.split("exposure")
    cells = [int(group.filter(outcome=has).height) for group in (exposed, others) for has in (True, False)]
    test = fisher(*cells)
    if test is None:
        return _none("not_estimable")
    told: Numbers = {
        "statistic": test.sample_odds_ratio, "p_value": test.p_value, "estimate_name": "conditional odds ratio",
        "estimate": test.odds_ratio, "lower": test.lower, "upper": test.upper,
    }  # fmt: skip
    if test.odds_ratio in (0, inf):
        told["reads"] = [
            f"The odds ratio is {'infinite' if test.odds_ratio else 'zero'} because a cell of the two-by-two table is "
            "empty: only the other end of its interval is informative; firth_logistic gives a finite one."
        ]
    return told


def _firth(comparison: Comparison) -> Numbers:
    scaled = scale(comparison.question.exposure, comparison.subjects)
    if scaled is None:
        return _none("not_estimable")
    fit = firth_logistic(comparison.column("outcome"), scaled.values, unit=scaled.unit)
    if isinstance(fit, NotEstimable):
        return _none(fit.reason)
    return {
        "statistic": fit.coefficient / fit.standard_error, "p_value": fit.p_value,
        "estimate_name": f"odds ratio (Firth){scaled.says}",
        "estimate": fit.odds_ratio, "lower": fit.lower, "upper": fit.upper,
    }  # fmt: skip


def _wilcoxon(comparison: Comparison) -> Numbers:
    """Exposures of those with and without the outcome; where exposure is the yes or no, outcomes of the two groups."""
    outcome = comparison.question.outcome
    if outcome in _WITH_IT:
        first, second = comparison.split("outcome")
        whose = _WITH_IT[outcome]
    else:
        first, second = (
            group.select(exposure=pl.col("outcome").cast(pl.Float64)) for group in comparison.split("exposure")
        )
        whose = "exposed"
    name = f"Hodges-Lehmann shift, {whose} minus others"
    if comparison.subjects.height > LARGEST_PERMUTED:
        return _permuted_ranks(comparison, first, second)
    test = wilcoxon(ranked(first), ranked(second))
    if test is None:
        return _none("not_estimable")
    return {"statistic": test.rank_sum, "p_value": test.p_value, "estimate_name": name, **shift(first, second)}


def _permuted_ranks(comparison: Comparison, first: pl.DataFrame, second: pl.DataFrame) -> Numbers:
    test = jonckheere([ranked(second), ranked(first)], **comparison.random)
    if test is None:
        return _none("not_estimable")
    return {
        "statistic": test.statistic + first.height * (first.height + 1) / 2, "p_value": test.p_value,
        "n_permutations": test.n_permutations, "seed": test.seed,
        "reads": [f"More than {LARGEST_PERMUTED} subjects: divisions are drawn at random, and no shift is given."],
    }  # fmt: skip


def _jonckheere(comparison: Comparison) -> Numbers:
    groups = [
        ranked(comparison.subjects.filter(outcome=place).with_columns(pl.col("exposure").cast(pl.Float64)))
        for place in range(len(RESPONSES_IN_ORDER))
    ]
    test = jonckheere(groups, **comparison.random)
    if test is None:
        return _none("not_estimable")
    return {
        "statistic": test.statistic, "p_value": test.p_value, "n_permutations": test.n_permutations, "seed": test.seed,
        "estimate_name": "share of concordant pairs", "estimate": test.concordance,
        "reads": ["Share of pairs of subjects in which the better response has the higher exposure: 0.5 is none."],
    }  # fmt: skip


def _spearman(comparison: Comparison) -> Numbers:
    test = spearman_permutation(ranked(comparison.subjects), comparison.column("outcome"), **comparison.random)
    if test is None:
        return _none("not_estimable")
    return {**_permuted(test), "estimate_name": "Spearman rho", "estimate": test.statistic}


def _permuted(test: Permutation) -> Numbers:
    names = ("statistic", "p_value", "n_permutations", "seed")
    return {name: getattr(test, name) for name in names}


def _logrank_permutation(comparison: Comparison) -> Numbers:
    durations, events, exposed = (comparison.column(name) for name in ("time_days", "event", "exposure"))
    test = logrank_permutation(durations, events, exposed, **comparison.random)
    seen = logrank(durations, events, exposed)
    if test is None or seen is None:
        return _none("not_estimable")
    return {**_permuted(test), "statistic": seen.chi2, **_hazard_at_landmark(comparison)}


def _landmark_logrank(comparison: Comparison) -> Numbers:
    durations, events, exposed = (comparison.column(name) for name in ("time_days", "event", "exposure"))
    test = logrank(durations, events, exposed)
    if test is None:
        return _none("not_estimable")
    return {"statistic": test.chi2, "p_value": test.p_value, **_hazard_at_landmark(comparison)}


def _score_permutation(comparison: Comparison) -> Numbers:
    subjects = comparison.subjects
    exposures = midranks(subjects) if comparison.is_of_cells else [float(value) for value in subjects["exposure"]]
    test = score_permutation(
        subjects["time_days"].to_list(), comparison.column("event"), exposures, **comparison.random
    )
    if test is None:
        return _none("not_estimable")
    told = {**_permuted(test), **_hazard_at_landmark(comparison)}
    if comparison.is_of_cells:
        told["reads"] = [*told.get("reads", []), "The test takes numbers of cells by rank, the hazard ratio as log10."]
    return told


def _landmark_cox(comparison: Comparison) -> Numbers:
    fit, says = _fit_at_landmark(comparison) or (NotEstimable("not_estimable"), "")
    return _none(fit.reason) if isinstance(fit, NotEstimable) else {**_tested(fit), **_hazard(fit, says)}


def _score_over_time(comparison: Comparison) -> Numbers:
    test = score_over_time(*_intervals(comparison))
    if test is None:
        return _none("not_estimable")
    excess = test.n_events_exposed - test.expected
    return {"statistic": excess, "p_value": test.p_value, **_hazard(cox_over_time(*_intervals(comparison)), "")}


def _cox_over_time(comparison: Comparison) -> Numbers:
    fit = cox_over_time(*_intervals(comparison))
    return _none(fit.reason) if isinstance(fit, NotEstimable) else {**_tested(fit), **_hazard(fit, "")}


def _intervals(comparison: Comparison) -> tuple[list[Any], ...]:
    return tuple(comparison.column(name) for name in ("start", "stop", "event", "exposure"))


def _hazard_at_landmark(comparison: Comparison) -> Numbers:
    """The hazard ratio beside a test that needs none: {} where the exposures have no scale for one."""
    fitted = _fit_at_landmark(comparison)
    return {} if fitted is None else _hazard(*fitted)


def _fit_at_landmark(comparison: Comparison) -> tuple[Hazard | NotEstimable, str] | None:
    scaled = scale(comparison.question.exposure, comparison.subjects)
    if scaled is None:
        return None
    durations, events = comparison.column("time_days"), comparison.column("event")
    return cox(durations, events, scaled.values, unit=scaled.unit), scaled.says


def _tested(fit: Hazard) -> Numbers:
    """The likelihood-ratio p-value, which agrees with the profile-likelihood interval, beside the z of Wald."""
    return {"statistic": fit.z, "p_value": fit.likelihood_ratio_p}


def _hazard(fit: Hazard | NotEstimable, says: str) -> Numbers:
    if isinstance(fit, NotEstimable):
        return _none(fit.reason)
    return {
        "estimate_name": f"hazard ratio{says}", "estimate": fit.hazard_ratio, "lower": fit.lower, "upper": fit.upper,
    }  # fmt: skip


_METHODS: Final[dict[str, Callable[[Comparison], Numbers]]] = {
    "fisher_exact": _fisher,
    "firth_logistic": _firth,
    "wilcoxon_exact": _wilcoxon,
    "jonckheere_exact": _jonckheere,
    "spearman_permutation": _spearman,
    "logrank_permutation": _logrank_permutation,
    "landmark_logrank": _landmark_logrank,
    "score_permutation": _score_permutation,
    "landmark_cox": _landmark_cox,
    "score_over_time": _score_over_time,
    "cox_over_time": _cox_over_time,
}
