"""Associations of T-cell responses with clinical outcome: from the study file's questions to one row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import Any, Final

import polars as pl

from expectations.analyses import EXPOSURE, OUTCOME
from expectations.association_tables import ASSOCIATIONS
from expectations.study import StudySettings
from transforms.association_exposures import SERIES, at_landmark, cells_infused, markers, over_time
from transforms.association_plan import Question, plan
from transforms.association_reads import readings
from transforms.association_subjects import Compared, asked, compare
from transforms.association_tests import Comparison, numbers
from transforms.multiplicity import benjamini_hochberg, holm

_ADJUSTMENTS: Final[dict[str, tuple[str, Callable[[list[float]], list[float]]]]] = {
    "primary": ("none", list),
    "secondary": ("Holm", holm),
    "exploratory": ("Benjamini-Hochberg", benjamini_hochberg),
}

_Row = dict[str, Any]


def associations(tables: Mapping[str, pl.DataFrame], settings: StudySettings) -> pl.DataFrame:
    """ASSOCIATIONS: the declared analyses, and the exploratory ones beside them (`plan`).

    Every enrolled subject is in the comparison or counted once, under the first exclusion that holds. p-values are
    adjusted within their family: none for the primary, Holm over all declared secondaries, whether or not each could be
    tested, Benjamini-Hochberg over the p-values of the rest. A two-by-two table with an empty cell has a further,
    exploratory row with the finite odds ratio of Firth's logistic regression and without a p-value: tests are planned,
    not added for what the data look like. Raises ValueError for an exposure from the whole follow-up: whoever lives
    longer has more time to be found persistent, so that it would hold part of the outcome (immortal time; Suissa, Am J
    Epidemiol 2008;167:492).

    Args:
        tables: persistence_by_subject, outcomes, infused_cells; responses and visited_specimens for exposures that
            change over time.
        settings: the study file.
    """
    by_subject, outcomes = tables["persistence_by_subject"], tables["outcomes"]
    if "landmark_day" not in by_subject.columns:
        raise ValueError(
            "persistence over the whole follow-up is no exposure: whoever lives longer has more time to be found "
            "persistent (immortal time); give persistence at landmarks"
        )
    occurring = by_subject.select(SERIES).unique().rows()
    questions = plan(occurring, outcomes.filter("is_infused").height, settings)
    sources = _Sources(tables, settings)
    rows = [_answer(one, sources, settings) for one in questions]
    keys = {one.key for one in questions}
    separated = [one for one, row in zip(questions, rows, strict=True) if _is_separated(row)]
    firth = [Question(one.exposure, one.outcome, "firth_logistic", one.series, one.landmark) for one in separated]
    rows += [_estimate_only(_answer(one, sources, settings)) for one in firth if one.key not in keys]
    frame = pl.DataFrame(_adjusted(rows), schema=ASSOCIATIONS.schema)
    return ASSOCIATIONS.conform(frame).sort(ASSOCIATIONS.key)


class _Sources:
    """Exposures and outcomes of the subjects, each computed once."""

    def __init__(self, tables: Mapping[str, pl.DataFrame], settings: StudySettings) -> None:
        self._tables, self._settings = tables, settings
        by_subject = tables["persistence_by_subject"]
        self._nobody = by_subject.clear()
        self._at_landmark = by_subject.partition_by(*SERIES, "landmark_day", as_dict=True)
        self._cells = cells_infused(tables["infused_cells"])
        self._asked: dict[tuple[str, int | None], pl.DataFrame] = {}
        self._markers: pl.DataFrame | None = None

    def asked(self, question: Question) -> pl.DataFrame:
        """The outcome of every subject."""
        what = (question.outcome, question.known_by_day)
        if what not in self._asked:
            self._asked[what] = asked(question.outcome, self._tables["outcomes"], question.known_by_day)
        return self._asked[what]

    def exposure(self, question: Question) -> pl.DataFrame:
        """The exposure of subjects, where it does not change."""
        if EXPOSURE[question.exposure].timing == "day_0":
            return self._cells
        place = (*question.series, question.landmark_day)
        return at_landmark(question.exposure, self._at_landmark.get(place, self._nobody))

    def intervals(self, question: Question) -> pl.DataFrame:
        """The intervals of an exposure that changes."""
        if self._markers is None:
            samples = (self._tables["responses"], self._tables["visited_specimens"])
            self._markers = markers(*samples, self._settings)
        return over_time(self._markers, question.series, self.asked(question))


def _answer(question: Question, sources: _Sources, settings: StudySettings) -> _Row:
    if question.is_over_time:
        intervals = sources.intervals(question)
        known = intervals.select("subject_id", exposure=pl.lit(value=True)).unique()
        compared = compare(sources.asked(question), known)
        subjects = intervals.join(compared.subjects.select("subject_id"), on="subject_id", how="semi")
    else:
        compared = compare(sources.asked(question), sources.exposure(question))
        subjects = compared.subjects
    told = numbers(Comparison(question, subjects, settings.analysis))
    is_estimable = told.get("p_value") is not None
    said = [*readings(question, compared.subjects.height, is_estimable=is_estimable), *told.pop("reads")]
    names = ("assay", "cell_population", "readout", "rule")
    return {
        "association_key": "/".join(map(str, question.key)),
        "family": question.family,
        "place": question.place,
        "exposure": question.exposure,
        "outcome": question.outcome,
        "method": question.method,
        **dict(zip(names, question.series, strict=True)),
        "landmark_day": question.landmark_day,
        "time_zero_day": question.time_zero_day,
        "is_robustness": question.is_robustness,
        **_counts(question, compared, subjects),
        **compared.excluded,
        **told,
        "reads": " ".join(said),
    }


def _counts(question: Question, compared: Compared, subjects: pl.DataFrame) -> _Row:
    """How many are compared, in which groups, with how many events.

    Where the exposure changes, subjects are in no group; events are counted under the exposure at their time.
    """
    exposure, outcome = EXPOSURE[question.exposure].kind, OUTCOME[question.outcome].kind
    with_it = {"time": "event", "binary": "outcome"}.get(outcome)
    counts: _Row = {"n": compared.subjects.height}
    if outcome == "time":
        counts["n_events"] = subjects.filter("event").height
    if "is_below_lod" in subjects.columns:
        counts["n_exposure_below_lod"] = subjects.filter("is_below_lod").height
    divided = "exposure" if exposure == "binary" else "outcome" if outcome == "binary" else None
    if divided is None:
        return counts
    for name, group in (("exposed", subjects.filter(divided)), ("unexposed", subjects.filter(~pl.col(divided)))):
        if not question.is_over_time:
            counts[f"n_{name}"] = group.height
        if exposure == "binary" and with_it:
            counts[f"n_{name}_with_outcome"] = group.filter(with_it).height
    return counts


def _estimate_only(row: _Row) -> _Row:
    reads = f"{row['reads']} Given for its finite odds ratio: the p-value is that of fisher_exact."
    return {**row, "statistic": None, "p_value": None, "reads": reads}


def _is_separated(row: _Row) -> bool:
    return row["method"] == "fisher_exact" and row.get("estimate") in (0, inf)


def _adjusted(rows: list[_Row]) -> list[_Row]:
    """The rows with p-values adjusted within their family, and the size of that family.

    A declared family is as large as it was declared: how many of its analyses can be tested depends on the data, and an
    analysis without a p-value counts as one of 1. Exploratory analyses are counted where they have a p-value.
    """
    adjusted = []
    for family, (name, adjust) in _ADJUSTMENTS.items():
        own = [row for row in rows if row["family"] == family]
        tested = [row for row in own if row.get("p_value") is not None]
        family_size = len(tested if family == "exploratory" else own)
        values = adjust([*(row["p_value"] for row in tested), *[1.0] * (family_size - len(tested))])[: len(tested)]
        shared = {"adjustment": name, "family_size": family_size}
        adjusted += [{**row, **shared, "p_value_adjusted": value} for row, value in zip(tested, values, strict=True)]
        adjusted += [{**row, **shared} for row in own if row.get("p_value") is None]
    return adjusted
