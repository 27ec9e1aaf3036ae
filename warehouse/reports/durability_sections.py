"""How long responses last: incidence of their loss, breadth over the visits, areas and half-lives."""

from __future__ import annotations

from typing import Final

from warehouse.reports.blocks import Block, Chart, Folded, Section, Table
from warehouse.reports.durability_charts import breadth, loss_incidence
from warehouse.reports.published import Published, Row
from warehouse.reports.tables import Shown, tabulate
from warehouse.reports.wording import NOTHING, counted, meaning, number, sentence, series, spelled, unit_words

_ALL: Final = "all tumour antigens"


def _half_life(row: Row) -> str:
    if row["half_life_days"] is None:
        return NOTHING
    upper = "open" if row["half_life_upper"] is None else number(row["half_life_upper"])
    return f"{number(row['half_life_days'])} ({number(row['half_life_lower'])} to {upper})"


def _rests_on(row: Row) -> str:
    if row["half_life_days"] is None:
        return NOTHING
    return f"{row['half_life_n']}, {row['half_life_n_censored']} censored"


def _loss(row: Row) -> str:
    left, right = row["loss_left_day"], row["loss_right_day"]
    if row["loss_kind"] == "interval":
        return f"after day {left}, by day {right}"
    if row["loss_kind"] == "right_censored":
        return f"not by day {left}"
    return spelled(row["loss_kind"])


def _peak(row: Row) -> str:
    return NOTHING if row["peak_value"] is None else f"{number(row['peak_value'])} (day {row['peak_day']})"


_MEASURES: Final = (
    Shown("Subject", "subject_id"),
    Shown("Best response", "best_overall_response"),
    Shown("Antigen", "antigen"),
    Shown("Origin", lambda row: spelled(row["origin"])),
    Shown("Positive / evaluable", lambda row: f"{row['n_positive']} / {row['n_evaluable']}", is_numeric=True),
    Shown("Peak", _peak, is_numeric=True),
    Shown("Loss", _loss),
    Shown("AUC per day", "auc_per_day", is_numeric=True),
    Shown("to day", "auc_end_day", is_numeric=True),
    Shown("Half-life, days (95\N{NO-BREAK SPACE}% interval)", _half_life, is_numeric=True),
    Shown("Samples from the peak on", _rests_on, is_numeric=True),
)


def _quartiles(row: Row, what: str) -> str:
    if not row[f"n_{what}"]:
        return NOTHING
    low, middle, high = (number(row[f"{what}_{part}"]) for part in ("lower", "median", "upper"))
    return f"{middle} ({low} to {high})"


_BY_ANTIGEN: Final = (
    Shown("Antigen", "antigen"),
    Shown("Subjects", "n", is_numeric=True),
    Shown("Ever positive", "n_positive", is_numeric=True),
    Shown("With AUC", "n_auc", is_numeric=True),
    Shown("AUC per day, median (quartiles)", lambda row: _quartiles(row, "auc"), is_numeric=True),
    Shown("With half-life", "n_half_life", is_numeric=True),
    Shown("Half-life, days, median (quartiles)", lambda row: _quartiles(row, "half_life"), is_numeric=True),
)

_SUMMARY: Final = """
    select
        antigen,
        count(*) as n,
        count(*) filter (n_positive > 0) as n_positive,
        count(auc_per_day) as n_auc,
        quantile_cont(auc_per_day, 0.25) as auc_lower,
        median(auc_per_day) as auc_median,
        quantile_cont(auc_per_day, 0.75) as auc_upper,
        count(half_life_days) as n_half_life,
        quantile_cont(half_life_days, 0.25) as half_life_lower,
        median(half_life_days) as half_life_median,
        quantile_cont(half_life_days, 0.75) as half_life_upper
    from persistence_measures
    left join analysis_antigens using (antigen)
    group by antigen
    order by any_value(position), antigen"""

_MISSING: Final = (
    Shown("Measure", lambda row: sentence(row["measure"])),
    Shown("Why there is none", lambda row: meaning(row["reason"]) or row["reason"] or "not known"),
    Shown("Series", lambda row: f"{row['n_series']}/{row['n_series_in_all']}", is_numeric=True),
    Shown("Subjects", "n_subjects", is_numeric=True),
)


def durability(published: Published) -> Section:
    """Loss of responses with death competing, breadth over time, areas and half-lives with reasons for missing ones."""
    blocks: list[Block] = [_loss_curves(published), _breadth(published), *_measures(published)]
    return Section("durability", "How long responses last", tuple(blocks))


def _series(published: Published) -> str:
    row = published.only("analysis_in_force")
    return f"{series(row['assay'], row['population'], row['readout'])}, rule {row['rule']}"


def _loss_curves(published: Published) -> Chart:
    rows = published.view("loss_incidence")
    sizes = {row["antigen"]: row["n_series"] for row in rows}
    n = sizes.get(_ALL, sum(sizes.values()))
    return Chart(
        anchor="loss",
        caption=f"Loss of tumour-specific responses, {_series(published)}: n = {counted(n, 'series', 'series')} with a "
        "positive sample after infusion",
        spec=loss_incidence(rows),
        when_empty="No tumour-specific response was positive after infusion, so that none could be lost.",
        notes=(
            "Cumulative incidence (Aalen-Johansen) from the first positive sample, death competing. A loss lies "
            "somewhere between the last positive and the next negative sample: the line puts it in the middle, the "
            "band reaches from all losses at the right to all at the left end. Who was positive at the last sample is "
            "at risk until the expected visit after it. A series is one antigen of one subject; those of one subject "
            "are not independent. Descriptive: who lives long has more samples to lose a response in.",
        ),
    )


def _breadth(published: Published) -> Chart:
    rows = published.view("breadth_by_visit")
    incomplete = sum(row["n_subjects_incomplete"] for row in rows)
    samples = sum(row["n_subjects"] for row in rows)
    most = max((row["n_antigens_declared"] for row in rows), default=0)
    return Chart(
        anchor="breadth",
        caption=f"Breadth: how many of {counted(most, 'tumour antigen')} are positive, {_series(published)}, n = "
        f"{counted(samples, 'sample')} at visits",
        spec=breadth(rows),
        when_empty="No infused subject has a blood sample with a call at a visit yet.",
        notes=(
            "In each circle the number of subjects, on the line n all those with a sample at the visit, the earlier "
            f"one where there are two. In {counted(incomplete, 'sample')} not every antigen could be called: the "
            "number is at least the one shown.",
        ),
    )


def _measures(published: Published) -> list[Block]:
    rows = published.view("persistence_measures")
    (in_force,) = (published.only("analysis_in_force"),)
    n_auc, n_half_life = (sum(row[name] is not None for row in rows) for name in ("auc_per_day", "half_life_days"))
    with_any = [row for row in rows if row["auc_per_day"] is not None or row["half_life_days"] is not None]
    n = counted(len(rows), "series", "series")
    missing = published.view("persistence_measures_missing")
    each = tabulate(
        f"Each series with an area or a half-life: {len(with_any)} of {n}",
        with_any,
        _MEASURES,
        "No series has an area or a half-life.",
        notes=(f"Peak in {unit_words(in_force['unit'])}.",),
        rest_in="persistence_measures",
    )
    return [
        _by_antigen(published, n, n_auc, n_half_life),
        tabulate(
            f"Why a series has no area or half-life, of {n}",
            missing,
            _MISSING,
            "Every series has both." if rows else "No series of responses has been followed yet.",
        ),
        Folded(f"Areas and half-lives of each subject and antigen ({len(with_any)} of {n})", (each,)),
    ]


def _by_antigen(published: Published, n: str, n_auc: int, n_half_life: int) -> Table:
    tau = published.rows("select value ->> '$' as days from settings where setting = 'persistence.auc_days'")
    until = f"day {tau[0]['days']}" if tau and tau[0]["days"] else "the end set in study.toml"
    return tabulate(
        f"Areas and half-lives, {_series(published)}: {n}, {n_auc} with an area, {n_half_life} with a half-life",
        published.rows(_SUMMARY),
        _BY_ANTIGEN,
        "No series of tumour-specific responses has been followed yet.",
        notes=(
            f"Area under log10(max(value, LOD) / LOD) from day 0 to {until} or death, per day. Half-life of a "
            "log-linear decay from the peak on, values below the LOD taken as censored (Tobit); only where at least "
            "three are detected. Descriptive only: neither is offered against survival, since both hold part of it.",
        ),
    )
