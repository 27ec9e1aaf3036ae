"""The analyses of a drawn cohort: p-values of what is offered, of other forms of it, and of what is refused.

Each is made with the functions of `transforms` as the pipeline makes it; `tests/test_simulate.py` holds n and p of some
cohorts to those of the pipeline itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain
from math import erfc, inf, nan, sqrt
from typing import Final, Literal, Protocol

import numpy as np
import polars as pl

from tests.simulate.cohort import LOD_OF_CELLS, NOT_EVALUABLE, TIME_ZERO, Booleans, Cohort, Floats
from tests.simulate.exposures import (
    Intervals,
    ever_positive,
    induced,
    late_positive,
    n_persistent,
    over_time,
    twice_positive,
)
from transforms.association_scales import midranks
from transforms.cox import Hazard, cox, cox_over_time
from transforms.estimability import NotEstimable
from transforms.exact import fisher, wilcoxon
from transforms.firth import FirthLogistic, firth_logistic
from transforms.jonckheere import jonckheere
from transforms.permutation import logrank_permutation, score_permutation, spearman_permutation
from transforms.score_over_time import score_over_time
from transforms.survival import logrank


class Tested(Protocol):
    """What has a p-value."""

    p_value: float


Status = Literal["offered", "other form", "refused"]


Permuted = dict[str, int]
"""n_permutations and seed of random permutations."""

LEVEL: Final = 0.05
_SCREENED: Final = 100
_CLOSE: Final = (0.02, 0.1)


@dataclass(frozen=True, slots=True, order=True)
class Asked:
    """A method with what it is asked."""

    status: Status
    method: str
    exposure: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Subjects compared and the p-value; nan where it is not estimable."""

    n: int
    p_value: float


@dataclass(frozen=True, slots=True)
class Followed:
    """Subjects at risk at time zero: time from then on, event, exposure."""

    time: Floats
    event: Booleans
    exposure: Floats


def followed(cohort: Cohort, outcome: str, exposure: Floats, time_zero: float = TIME_ZERO) -> Followed:
    """OS or PFS from time zero of those at risk then whose exposure is known: nobody's time before it counts."""
    day, event = (cohort.os_days, cohort.has_died) if outcome == "OS" else (cohort.pfs_days, cohort.has_event)
    time = day - time_zero
    is_in = np.where(event, time > 0, time >= 0) & ~np.isnan(exposure)
    return Followed(time[is_in], event[is_in], exposure[is_in])


def answers(cohort: Cohort, drawn: Permuted) -> dict[Asked, Answer]:
    """Every analysis of the cohort."""
    parts = (divided(cohort), ranked(cohort, drawn), survivals(cohort, drawn), refused(cohort))
    return dict(chain.from_iterable(parts))


def divided(cohort: Cohort) -> Iterator[tuple[Asked, Answer]]:
    """Analyses of a yes or no against a response."""
    evaluable, responder = cohort.response != NOT_EVALUABLE, cohort.is_responder
    for name, exposure in (("persistent_at_landmark", cohort.persistent), ("induced_by_landmark", induced(cohort))):
        known = evaluable & ~np.isnan(exposure)
        yield _offered("fisher_exact", name, "responder"), _fisher(exposure[known] == 1, responder[known])
    known = evaluable & ~np.isnan(cohort.persistent)
    fit = firth_of(*two_by_two(cohort.persistent[known] == 1, responder[known]))
    yield _offered("firth_logistic", "persistent_at_landmark", "responder"), _firth(known.sum(), fit)
    number = n_persistent(cohort)
    known = evaluable & ~np.isnan(number)
    fit = firth_logistic(responder[known], number[known]) if known.any() else NotEstimable("not_estimable")
    yield _offered("firth_logistic", "n_persistent_at_landmark", "responder"), _firth(known.sum(), fit)


def ranked(cohort: Cohort, drawn: Permuted) -> Iterator[tuple[Asked, Answer]]:
    """Analyses of ranks against a response or the change of tumours."""
    evaluable, responder = cohort.response != NOT_EVALUABLE, cohort.is_responder
    cells = ranked_cells(cohort)
    groups = cells[evaluable & responder], cells[evaluable & ~responder]
    cells_name = "tumour_reactive_cells_infused"
    yield _offered("wilcoxon_exact", cells_name, "responder"), _wilcoxon(*groups)
    known = evaluable & ~np.isnan(cohort.persistent)
    exposed, change = cohort.persistent[known] == 1, cohort.change[known]
    yield (
        _offered("wilcoxon_exact", "persistent_at_landmark", "best_change_percent"),
        _wilcoxon(change[exposed], change[~exposed]),
    )
    for name, exposure, is_in in (
        ("persistent_at_landmark", cohort.persistent, known),
        (cells_name, cells, evaluable),
    ):
        trend = jonckheere([exposure[is_in & (cohort.response == place)] for place in range(4)], **drawn)
        yield _offered("jonckheere_exact", name, "best_response"), _answer(is_in.sum(), trend)
    rho = spearman_permutation(cells[evaluable], cohort.change[evaluable], **drawn)
    yield _offered("spearman_permutation", cells_name, "best_change_percent"), _answer(evaluable.sum(), rho)


def survivals(cohort: Cohort, drawn: Permuted) -> Iterator[tuple[Asked, Answer]]:
    """Analyses of a time."""
    yield from landmark_survivals(cohort, drawn)
    at = followed(cohort, "OS", induced(cohort))
    test = logrank_permutation(at.time, at.event, at.exposure == 1, **drawn)
    yield _offered("logrank_permutation", "induced_by_landmark", "OS"), _answer(at.time.size, test)
    name, antigens = "n_persistent_at_landmark", followed(cohort, "OS", n_persistent(cohort))
    fit = cox(antigens.time, antigens.event, antigens.exposure)
    yield from _hazard("landmark_cox", name, "OS", antigens.time.size, fit)
    score = score_permutation(antigens.time, antigens.event, antigens.exposure, **drawn)
    yield _offered("score_permutation", name, "OS"), _answer(antigens.time.size, score)
    ranks = followed(cohort, "OS", np.array(midranks(cells_frame(cohort))), time_zero=0)
    score = score_permutation(ranks.time, ranks.event, ranks.exposure, **drawn)
    yield _offered("score_permutation", "tumour_reactive_cells_infused", "OS"), _answer(ranks.time.size, score)
    yield from over_times(cohort)


def landmark_survivals(cohort: Cohort, drawn: Permuted) -> Iterator[tuple[Asked, Answer]]:
    """The persistent and the others at the landmark."""
    name = "persistent_at_landmark"
    for outcome in ("OS", "PFS"):
        at = followed(cohort, outcome, cohort.persistent)
        n = at.time.size
        test = logrank_permutation(at.time, at.event, at.exposure == 1, **drawn)
        yield _offered("logrank_permutation", name, outcome), _answer(n, test)
        yield _offered("landmark_logrank", name, outcome), _answer(n, logrank(at.time, at.event, at.exposure))
        yield from _hazard("landmark_cox", name, outcome, n, cox(at.time, at.event, at.exposure))


def over_times(cohort: Cohort) -> Iterator[tuple[Asked, Answer]]:
    """Analyses of the exposure that changes."""
    name = "positive_over_time"
    for outcome, time, event in (
        ("OS", cohort.os_days, cohort.has_died),
        ("PFS", cohort.pfs_days, cohort.has_event),
    ):
        spans = over_time(cohort, time, event)
        n = np.unique(spans.subject).size
        test = score_over_time(spans.start, spans.stop, spans.event, spans.exposure) if n else None
        yield _offered("score_over_time", name, outcome), Answer(n, test.p_value if test else nan)
        asymptotic = Asked("other form", "score_over_time, asymptotic", name, outcome)
        yield asymptotic, Answer(n, test.asymptotic_p_value if test else nan)
        yield from _hazard("cox_over_time", name, outcome, n, cox_of(spans))


def cox_of(spans: Intervals) -> Hazard | NotEstimable:
    """Cox model of intervals."""
    if spans.start.size == 0:
        return NotEstimable("not_estimable")
    return cox_over_time(spans.start, spans.stop, spans.event, spans.exposure.astype(np.float64))


def refused(cohort: Cohort) -> Iterator[tuple[Asked, Answer]]:
    """What the study file refuses, or nothing offers: groups formed by what is seen after time began."""
    for name, groups in (
        ("positive in any sample", ever_positive(cohort)),
        ("positive in two samples or more", twice_positive(cohort)),
        ("positive in any sample from day 76 on", late_positive(cohort)),
        ("responder", cohort.is_responder),
    ):
        seen = logrank(cohort.os_days, cohort.has_died, groups)
        yield Asked("refused", "log-rank from day 0", name, "OS"), _answer(cohort.n, seen)


def ranked_cells(cohort: Cohort) -> Floats:
    """Numbers of cells; those below their LOD share the lowest rank."""
    return np.where(cohort.is_below_lod, -inf, cohort.cells)


def cells_frame(cohort: Cohort) -> pl.DataFrame:
    """Cells infused as the pipeline's comparisons hold them."""
    return pl.DataFrame({"exposure": cohort.cells, "is_below_lod": cohort.is_below_lod}).with_columns(
        lod=pl.lit(LOD_OF_CELLS)
    )


def two_by_two(exposed: Booleans, outcome: Booleans) -> tuple[int, int, int, int]:
    """Exposed with and without, others with and without."""
    a, b, c, d = (int((first & second).sum()) for first in (exposed, ~exposed) for second in (outcome, ~outcome))
    return a, b, c, d


@cache
def firth_of(a: int, b: int, c: int, d: int) -> FirthLogistic | NotEstimable:
    """Firth's model of a two-by-two table, fitted once."""
    outcome = np.repeat([True, False, True, False], [a, b, c, d])
    return firth_logistic(outcome, np.repeat([1.0, 0.0], [a + b, c + d]))


def _offered(method: str, exposure: str, outcome: str) -> Asked:
    return Asked("offered", method, exposure, outcome)


def _answer(n: int, test: Tested | None) -> Answer:
    return Answer(int(n), nan if test is None else test.p_value)


def _fisher(exposed: Booleans, outcome: Booleans) -> Answer:
    test = fisher(*two_by_two(exposed, outcome))
    return Answer(exposed.size, nan if test is None else test.p_value)


def _firth(n: int, fit: FirthLogistic | NotEstimable) -> Answer:
    return Answer(int(n), fit.p_value if isinstance(fit, FirthLogistic) else nan)


def _wilcoxon(first: Floats, second: Floats) -> Answer:
    """The exact p-value; of more than 100 subjects the normal approximation's where 5 % is out of its reach."""
    n = first.size + second.size
    near = _near_p(first, second) if n > _SCREENED else LEVEL
    if not _CLOSE[0] < near < _CLOSE[1]:
        return Answer(n, near)
    test = wilcoxon(first, second)
    return Answer(n, nan if test is None else test.p_value)


def _near_p(first: Floats, second: Floats) -> float:
    _, place, count = np.unique(np.concatenate([first, second]), return_inverse=True, return_counts=True)
    ranks, n = (np.cumsum(count) - (count - 1) / 2)[place], place.size
    variance = first.size * second.size / 12 * (n + 1 - (count**3 - count).sum() / (n * (n - 1)))
    return erfc(abs(ranks[: first.size].sum() - first.size * (n + 1) / 2) / sqrt(2 * variance))


def _hazard(
    method: str, exposure: str, outcome: str, n: int, fit: Hazard | NotEstimable
) -> Iterator[tuple[Asked, Answer]]:
    is_fitted = isinstance(fit, Hazard)
    yield _offered(method, exposure, outcome), Answer(n, fit.likelihood_ratio_p if is_fitted else nan)
    wald = Asked("other form", f"{method}, Wald", exposure, outcome)
    yield wald, Answer(n, fit.p_value if is_fitted else nan)
