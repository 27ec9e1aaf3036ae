"""Exposures of a drawn cohort, as arrays; `tests/test_simulate.py` holds them to the pipeline's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.simulate.cohort import (
    HALF_WIDTH,
    LANDMARK_DAY,
    NOT_EVALUABLE,
    TIME_ZERO,
    Booleans,
    Cohort,
    Floats,
    Integers,
    any_positive,
    at_landmark,
)


@dataclass(frozen=True, slots=True)
class Intervals:
    """Counting-process intervals of a marker: positive in the latest sample that tells, from the first one on."""

    subject: Integers
    start: Floats
    stop: Floats
    event: Booleans
    exposure: Booleans


def n_persistent(cohort: Cohort) -> Floats:
    """Antigens positive at the landmark; nan unless all were evaluable."""
    calls = at_landmark(cohort.sample_days, cohort.calls)
    is_known = (calls != NOT_EVALUABLE).all(axis=1) & ~cohort.is_dead_at_time_zero
    return np.where(is_known, (calls == 1).sum(axis=1), np.nan)


def product_share(cohort: Cohort) -> Floats:
    """Share of the product's antigens positive at the landmark; nan unless all were evaluable and there are some."""
    calls = at_landmark(cohort.sample_days, cohort.calls)
    n_product = cohort.in_product.sum(axis=1)
    share = (cohort.in_product & (calls == 1)).sum(axis=1) / np.maximum(n_product, 1)
    return np.where((calls != NOT_EVALUABLE).all(axis=1) & (n_product > 0), share, np.nan)


def induced(cohort: Cohort) -> Floats:
    """An antigen negative at baseline and positive by L + w, of those with a sample in the window; nan for the dead."""
    days, calls = cohort.sample_days, cohort.calls
    is_there = ~np.isnan(days)[:, :, None]
    baseline = np.where(is_there[:, 0], calls[:, 0], NOT_EVALUABLE)
    by_then = is_there & ((days > 0) & (days <= TIME_ZERO))[:, :, None]
    is_induced = (baseline == 0) & (by_then & (calls == 1)).any(axis=1)
    is_evaluable = at_landmark(days, calls) != NOT_EVALUABLE
    is_looked_for = (baseline != NOT_EVALUABLE) & is_evaluable
    is_true = is_induced.any(axis=1) & is_evaluable.any(axis=1)
    told = np.where(is_true, 1.0, np.where(is_looked_for.all(axis=1), 0.0, np.nan))
    return np.where(cohort.is_dead_at_time_zero, np.nan, told)


def over_time(cohort: Cohort, time: Floats, event: Booleans) -> Intervals:
    """Intervals of a marker from each subject's first telling sample to the end of its time."""
    marker = any_positive(cohort.calls)
    days = np.where(
        ~np.isnan(marker) & (cohort.sample_days > 0) & (cohort.sample_days < time[:, None]), cohort.sample_days, np.inf
    )
    order = np.argsort(days, axis=1, kind="stable")
    starts, marks = np.take_along_axis(days, order, axis=1), np.take_along_axis(marker, order, axis=1)
    following = np.column_stack([starts[:, 1:], np.full(cohort.n, np.inf)])
    subject, column = np.nonzero(np.isfinite(starts))
    start, after = starts[subject, column], following[subject, column]
    is_last = ~np.isfinite(after)
    return Intervals(
        subject=subject,
        start=start,
        stop=np.where(is_last, time[subject], after),
        event=is_last & event[subject],
        exposure=marks[subject, column] == 1,
    )


def ever_positive(cohort: Cohort) -> Booleans:
    """Positive in at least one sample of the whole follow-up."""
    return _is_positive(cohort).any(axis=1)


def late_positive(cohort: Cohort) -> Booleans:
    """Positive in a sample of the landmark's window or any later one: "persistent", classified whenever that is."""
    return (_is_positive(cohort) & (cohort.sample_days >= LANDMARK_DAY - HALF_WIDTH)).any(axis=1)


def twice_positive(cohort: Cohort) -> Booleans:
    """Positive in two samples or more of the whole follow-up."""
    return _is_positive(cohort).sum(axis=1) >= 2


def _is_positive(cohort: Cohort) -> Booleans:
    return (any_positive(cohort.calls) == 1) & (cohort.sample_days > 0)
