"""Association of persistence, and of the number of cells infused, with clinical outcome."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, isclose
from typing import Any, Final

import polars as pl

from expectations.outcome_tables import ASSOCIATIONS
from expectations.reasons import reason
from expectations.study import Landmark, StudySettings
from transforms.exact import fisher, hodges_lehmann, wilcoxon
from transforms.survival import logrank, time_from_landmark

PERSISTENT: Final = "persistent_at_landmark"
CELLS: Final = "tumour_reactive_cells_infused"

_NOT_ESTIMABLE: Final = "Not estimable: a group is empty, or nothing varies."
_EXPLORATORY: Final = "Exploratory: the p-value is not adjusted for the number of analyses."

_Row = dict[str, Any]


def associations(
    by_subject: pl.DataFrame, outcomes: pl.DataFrame, infused_cells: pl.DataFrame, settings: StudySettings
) -> pl.DataFrame:
    """ASSOCIATIONS under every rule and landmark: persistence with response and with OS; cells infused with response.

    Persistence in the assay, population and readout of the primary analysis, cells in those of `infusion_product`.
    Every enrolled subject is in the comparison or counted once, under the first exclusion that holds. Raises ValueError
    for an exposure from the whole follow-up: whoever lives longer has more time to be found persistent, so that it
    would hold part of the outcome (immortal time; Suissa, Am J Epidemiol 2008;167:492).
    """
    if "landmark_day" not in by_subject.columns:
        raise ValueError(
            "persistence over the whole follow-up is no exposure: whoever lives longer has more time to be found "
            "persistent (immortal time); give persistence at landmarks"
        )
    rows = [_cells_with_response(infused_cells, outcomes, settings)]
    for rule, landmark, exposure in _exposures(by_subject, settings):
        series = {**_series(settings.primary_series), "rule": rule}
        rows += [
            {**series, **_persistence_with_response(exposure, outcomes, landmark)},
            {**series, **_persistence_with_survival(exposure, outcomes, landmark)},
        ]
    frame = pl.DataFrame([_placed(row, settings) for row in rows], schema=ASSOCIATIONS.schema)
    return ASSOCIATIONS.conform(frame).sort(ASSOCIATIONS.key)


def _series(named: tuple[str, str | None, str | None, str]) -> _Row:
    return dict(zip(("assay", "cell_population", "readout", "rule"), named, strict=True))


def _placed(row: _Row, settings: StudySettings) -> _Row:
    """The row with its key, its family, and what follows from that for reading it."""
    primary = settings.analysis.primary
    rule, landmark = settings.primary_series[-1], settings.primary_landmark
    if primary.exposure == CELLS:
        rule, landmark = settings.series_of(settings.infusion_product)[-1], 0
    key = tuple(row[name] for name in ASSOCIATIONS.key)
    is_primary = key == (primary.exposure, primary.outcome, rule, landmark)
    return {
        **row,
        "association_key": "/".join(map(str, key)),
        "family": "primary" if is_primary else "exploratory",
        "reads": " ".join([*row["reads"], *([] if is_primary else [_EXPLORATORY])]),
    }


def _exposures(by_subject: pl.DataFrame, settings: StudySettings) -> Iterator[tuple[str, Landmark, pl.DataFrame]]:
    """Each rule and landmark with subject_id and persistent; the primary rule also where nothing was measured."""
    assay, population, readout, primary = settings.primary_series
    of_readout = by_subject.filter(assay=assay, population=population, readout=readout)
    for rule in sorted({*of_readout["rule"], primary}):
        for landmark in settings.persistence.landmarks:
            at_landmark = of_readout.filter(rule=rule, landmark_day=landmark.day)
            yield rule, landmark, at_landmark.select("subject_id", "persistent")


def _persistence_with_response(exposure: pl.DataFrame, outcomes: pl.DataFrame, landmark: Landmark) -> _Row:
    subjects = outcomes.join(exposure, on="subject_id", how="left", validate="1:1")
    compared, excluded = _exclude(subjects, outcome="is_responder", exposure="persistent")
    counts = _two_by_two(compared, "is_responder")
    row = {"exposure": PERSISTENT, "outcome": "responder", "method": "fisher_exact", "landmark_day": landmark.day}
    reads = [
        "Association, not prediction: the best response is often reached before the landmark's window closes.",
        "Subjects without an evaluable sample in the window, among them those who died before it, are left out.",
    ]
    with_it, others_with_it = counts["n_exposed_with_outcome"], counts["n_unexposed_with_outcome"]
    test = fisher(with_it, counts["n_exposed"] - with_it, others_with_it, counts["n_unexposed"] - others_with_it)
    if test is None:
        return {**row, **counts, **excluded, **_no_number(reads)}
    if test.odds_ratio in (0, inf):
        reads.append(
            f"The odds ratio is {'infinite' if test.odds_ratio else 'zero'} because a cell of the two-by-two table is "
            "empty: only the other end of its interval is informative."
        )
    numbers = {
        "statistic": test.sample_odds_ratio,
        "p_value": test.p_value,
        "estimate_name": "conditional odds ratio",
        "estimate": test.odds_ratio,
        "lower": test.lower,
        "upper": test.upper,
    }
    return {**row, **counts, **excluded, **numbers, "reads": reads}


def _persistence_with_survival(exposure: pl.DataFrame, outcomes: pl.DataFrame, landmark: Landmark) -> _Row:
    time_zero = landmark.day + landmark.half_width
    followed = outcomes.select("subject_id", "is_infused").join(
        time_from_landmark(outcomes, time_zero), on="subject_id", how="left", validate="1:1"
    )
    subjects = followed.join(exposure, on="subject_id", how="left", validate="1:1")
    compared, excluded = _exclude(subjects, death="time_days", exposure="persistent")
    row = {
        "exposure": PERSISTENT,
        "outcome": "OS",
        "method": "landmark_logrank",
        "landmark_day": landmark.day,
        "time_zero_day": time_zero,
        **_two_by_two(compared, "event"),
        **excluded,
    }
    reads = [
        f"Association, not cause: time runs from study day {time_zero}, and only subjects alive and in follow-up then "
        "are compared, classified from samples up to that day. Nothing is said of those who died earlier."
    ]
    test = logrank(*(compared[name].to_list() for name in ("time_days", "event", "persistent")))
    if test is None:
        return {**row, **_no_number(reads)}
    return {**row, "statistic": test.chi2, "p_value": test.p_value, "reads": reads}


def _cells_with_response(infused_cells: pl.DataFrame, outcomes: pl.DataFrame, settings: StudySettings) -> _Row:
    cells = infused_cells.select(
        "subject_id",
        pl.col("tumour_reactive_cells").alias("cells"),
        pl.col("is_below_lod").fill_null(value=False),
        pl.col("tumour_reactive_cells_lod").alias("lod"),
        is_bounded=pl.col("is_bounded").fill_null(value=False),
    )
    subjects = outcomes.join(cells, on="subject_id", how="left", validate="1:1")
    compared, excluded = _exclude(subjects, outcome="is_responder", exposure="cells")
    responders, others = compared.filter("is_responder"), compared.filter(~pl.col("is_responder"))
    n_below = int(compared["is_below_lod"].sum())
    row = {
        "exposure": CELLS,
        "outcome": "responder",
        "method": "wilcoxon_exact",
        **_series(settings.series_of(settings.infusion_product)),
        "landmark_day": 0,
        "n": compared.height,
        "n_exposed": responders.height,
        "n_unexposed": others.height,
        "n_exposure_below_lod": n_below,
        **excluded,
    }
    reads = ["Association, not cause: tumour burden, stage and prior therapy are not adjusted for."]
    if n_below:
        reads.append(
            f"Numbers below their limit of detection ({n_below}) share the lowest rank; the shift and its limits are "
            "given where they are the same wherever between 0 and that limit these numbers lie."
        )
    n_bounded = int(compared["is_bounded"].sum())
    if n_bounded:
        reads.append(
            f"{n_bounded} of the numbers are bounds only, as wells were too numerous to count, and are ranked where "
            "the bound lies: with their true numbers the p-value and the shift could be others."
        )
    test = wilcoxon(_ranked(responders), _ranked(others))
    if test is None:
        return {**row, **_no_number(reads)}
    return {
        **row,
        "statistic": test.rank_sum,
        "p_value": test.p_value,
        "estimate_name": "Hodges-Lehmann shift, responders minus others",
        **_shift(responders, others),
        "reads": reads,
    }


def _exclude(subjects: pl.DataFrame, **needs: str) -> tuple[pl.DataFrame, dict[str, int]]:
    """The subjects to compare, and how many are left out for each reason, each counted once.

    `needs` names, in the order of asking, the column that must be filled: not so, the subject is out for that reason.
    """
    reasons = ("not_infused", "death", "outcome", "exposure")
    missing = {"not_infused": ~pl.col("is_infused"), **{why: pl.col(column).is_null() for why, column in needs.items()}}
    why = pl.coalesce(pl.when(missing[name]).then(pl.lit(name)) for name in reasons if name in missing)
    judged = subjects.with_columns(why.alias("excluded"))
    counts = {f"n_excluded_{name}": judged.filter(excluded=name).height for name in reasons}
    return judged.filter(pl.col("excluded").is_null()), counts


def _two_by_two(compared: pl.DataFrame, outcome: str) -> dict[str, int]:
    exposed, others = compared.filter("persistent"), compared.filter(~pl.col("persistent"))
    return {
        "n": compared.height,
        "n_exposed": exposed.height,
        "n_exposed_with_outcome": exposed.filter(outcome).height,
        "n_unexposed": others.height,
        "n_unexposed_with_outcome": others.filter(outcome).height,
    }


def _no_number(reads: list[str]) -> _Row:
    return {"reason": reason("not_estimable").code, "reads": [*reads, _NOT_ESTIMABLE]}


def _ranked(subjects: pl.DataFrame) -> list[float]:
    """Numbers of cells for ranking: censored ones lie together below every other."""
    return _filled(subjects, pl.lit(-inf))


def _shift(responders: pl.DataFrame, others: pl.DataFrame) -> dict[str, float | None]:
    """Shift and limits, each only where it is the same at both extremes of what the censored numbers can be."""
    zero, lod, names = pl.lit(0.0), pl.col("lod"), ("estimate", "lower", "upper")
    fills = ((_filled(responders, zero), _filled(others, lod)), (_filled(responders, lod), _filled(others, zero)))
    if any(None in group for groups in fills for group in groups):
        return dict.fromkeys(names)
    smallest, largest = (hodges_lehmann(*groups) for groups in fills)
    ends = {name: (getattr(smallest, name), getattr(largest, name)) for name in names}
    return {
        name: low if None not in (low, high) and isclose(low, high, rel_tol=1e-12) else None
        for name, (low, high) in ends.items()
    }


def _filled(subjects: pl.DataFrame, censored: pl.Expr) -> list[float]:
    return subjects.select(pl.when("is_below_lod").then(censored).otherwise("cells").alias("cells"))["cells"].to_list()
