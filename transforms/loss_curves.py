"""How long responses last: incidence of their loss from the first positive sample on, with death competing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from expectations.computed import LOSS_CURVES
from expectations.study import StudySettings
from expectations.vocabulary import ALL_TUMOUR_ANTIGENS
from transforms.incidence import CENSORED, DEATH, LOSS, aalen_johansen, turnbull

_CURVE_OF: Final = ("assay", "population", "readout", "rule", "antigen")
_PLACE: Final = {"left": 0.0, "midpoint": 0.5, "right": 1.0}
"""Where in its interval a loss is put."""


def loss_curves(persistence: pl.DataFrame, outcomes: pl.DataFrame, settings: StudySettings) -> pl.DataFrame:
    """LOSS_CURVES: of each tumour antigen, and of all of them, under each assay, population, readout and rule.

    Time runs from the first positive day after infusion, so that a response never detected then (origins `never`,
    `lost`, `not_evaluable`) has no time and is in no curve. Loss lies after the last positive day and on or before the
    first negative day after it: curves put it at the middle, the left and the right end. Who was positive at the last
    sample is at risk until the expected visit after it is over, or contact ends: a death by then competes
    (`aalen_johansen`), and all others are censored then, whether they die later or not. Were the dead kept at risk
    until death and the living not, the curve would know the future, and death would take whatever loss leaves.

    `turnbull` takes the intervals as they are (`turnbull`) and the dead as censored at their last positive sample:
    what would be lost were there no death, which is the cause-specific curve only.

    The series of one subject are not independent, so `all tumour antigens` has no interval and no test.
    """
    start = pl.col("first_positive_day")
    is_late = ((pl.col("loss_kind") == "death") & (pl.col("loss_right_day") > _due(settings))).fill_null(value=False)
    followed = persistence.filter(start.is_not_null() & pl.col("antigen").is_in(settings.tumour_antigens)).join(
        _contacts(outcomes), on="subject_id", how="left", validate="m:1"
    )
    until = pl.max_horizontal("loss_left_day", pl.min_horizontal(_due(settings), "last_contact_day"))
    series = followed.select(
        *_CURVE_OF,
        "is_primary_rule",
        loss_kind=pl.when(is_late).then(pl.lit("right_censored")).otherwise("loss_kind"),
        left=(pl.col("loss_left_day") - start).cast(pl.Float64),
        right=(pl.col("loss_right_day") - start).cast(pl.Float64),
        until=(until - start).cast(pl.Float64),
    )
    same = (*_CURVE_OF, "is_primary_rule", "loss_kind", "left", "right", "until")
    series = series.group_by(same).agg(n=pl.len())
    together = series.with_columns(antigen=pl.lit(ALL_TUMOUR_ANTIGENS)).group_by(same).agg(pl.col("n").sum())
    groups = pl.concat([series, together]).sort(same).group_by(_CURVE_OF, maintain_order=True)
    curves = [
        curve.with_columns(
            **{name: pl.lit(value) for name, value in zip(_CURVE_OF, key, strict=True)},
            is_primary_rule=pl.lit(group["is_primary_rule"][0]),
            n_series=pl.lit(group["n"].sum()),
        )
        for key, group in groups
        for curve in _curves(group)
    ]
    rows = pl.concat(curves) if curves else LOSS_CURVES.empty()
    return LOSS_CURVES.conform(rows).sort(LOSS_CURVES.key)


def _contacts(outcomes: pl.DataFrame) -> pl.DataFrame:
    """subject_id, last_contact_day."""
    day = (pl.col("last_contact_date") - pl.col("infusion_date")).dt.total_days()
    return outcomes.filter("is_infused").select("subject_id", last_contact_day=day)


def _due(settings: StudySettings) -> pl.Expr:
    """Last day of the expected visit that follows the last positive sample; the day of that sample where none does."""
    windows = sorted(visit.window for visit in settings.visits if visit.expected)
    following = [pl.when(pl.col("loss_left_day") < first).then(pl.lit(last)) for first, last in windows]
    return pl.coalesce(*following, pl.col("loss_left_day"))


def _curves(group: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The curves of one group of series: curve, time_days, n_at_risk, loss, death."""
    is_loss, is_death = ((group["loss_kind"] == kind).to_numpy() for kind in ("interval", "death"))
    left, right = group["left"].to_numpy(), group["right"].fill_null(np.inf).to_numpy()
    right = np.maximum(left, right)
    event, n = np.select([is_loss, is_death], [LOSS, DEATH], CENSORED), group["n"].to_numpy().astype(np.float64)
    for curve, place in _PLACE.items():
        loss_at = left + place * np.where(is_loss, right - left, 0.0)
        time = np.select([is_loss, is_death], [loss_at, right], group["until"].to_numpy())
        found = aalen_johansen(time, event, n)
        yield _rows(curve, time_days=found.time, n_at_risk=found.n_at_risk, loss=found.loss, death=found.death)
    specific = turnbull(left, np.where(is_loss, right, np.inf), n)
    yield _rows("turnbull", time_days=specific.time, loss=specific.loss)


def _rows(curve: str, **columns: np.ndarray) -> pl.DataFrame:
    blank = dict.fromkeys(("n_at_risk", "death"), pl.lit(None, dtype=pl.Float64))
    absent = {name: value for name, value in blank.items() if name not in columns}
    names = ("curve", "time_days", "n_at_risk", "loss", "death")
    return pl.DataFrame(columns).with_columns(curve=pl.lit(curve), **absent).select(names)
