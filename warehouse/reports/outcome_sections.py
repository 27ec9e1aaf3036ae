"""Clinical outcome: response rates with every denominator, follow-up of each subject, overall survival."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from warehouse.reports import associations
from warehouse.reports.blocks import Block, Chart, Section, Table, Text
from warehouse.reports.published import Published, Row
from warehouse.reports.survival_charts import survival
from warehouse.reports.swimmer_chart import swimmer
from warehouse.reports.tables import Shown, tabulate
from warehouse.reports.wording import (
    NOTHING,
    counted,
    listed,
    median_interval,
    months,
    percent,
    percent_ends,
    sentence,
    spelled,
)

_BY_POPULATION: Final = "list_position(['enrolled', 'infused', 'evaluable'], population)"


def _rate_ends(row: Row) -> str:
    return " to ".join(percent_ends(row["lower_percent"], row["upper_percent"])) if row["n"] else NOTHING


def _median_ends(row: Row) -> str:
    return f"{months(row['lower_months'])} to {months(row['upper_months'])}"


_RATES: Final = (
    Shown("Measure", lambda row: sentence(spelled(row["measure"]))),
    Shown("Population", "population"),
    Shown("With it / subjects", lambda row: f"{row['n_with']}/{row['n']}", is_numeric=True),
    Shown("Rate", lambda row: percent(row["percent"]), is_numeric=True),
    Shown("95\N{NO-BREAK SPACE}% interval (Clopper-Pearson)", _rate_ends, is_numeric=True),
)

_MEDIANS: Final = (
    Shown("Endpoint", "endpoint"),
    Shown("Population", "population"),
    Shown("Time runs from", lambda row: "enrolment" if row["population"] == "enrolled" else "infusion"),
    Shown("Events / subjects", lambda row: f"{row['n_events']}/{row['n']}", is_numeric=True),
    Shown("Median, months", lambda row: months(row["median_months"]), is_numeric=True),
    Shown("95\N{NO-BREAK SPACE}% interval (log-log)", _median_ends, is_numeric=True),
)

_LANDMARKS: Final = (
    "By persistence: subjects are classified from samples up to the end of the landmark's window, time runs from "
    "there on, and those dead or lost before are left out, so that living long cannot make a subject persistent. "
    "An association, not a prediction."
)


def response_rates(published: Published) -> Section:
    """Objective and complete response rates of the enrolled, the infused and the evaluable."""
    rows = published.rows(f"select * from denominators order by measure desc, {_BY_POPULATION}")
    table = tabulate(
        "Response of the enrolled, the infused and the evaluable",
        rows,
        _RATES,
        "No response has been assessed yet.",
        notes=(
            "Evaluable: infused, with a best overall response other than NE, from the assessments of the evaluator "
            "that study.toml names.",
        ),
    )
    return Section("response", "Response rates", (table,))


def follow_up(published: Published) -> Section:
    """Swimmer plot of the infused subjects."""
    bars, events = published.view("swimmer"), published.view("swimmer_events")
    (subjects,) = published.rows("select count(*) as n, count(*) filter (is_infused) as n_infused from outcomes")
    infused = counted(subjects["n_infused"], "infused subject")
    deaths = counted(sum(row["os_event"] for row in bars), "death")
    chart = Chart(
        anchor="swimmer",
        caption=f"Follow-up of {len(bars)} of {infused}, longest first; {deaths}",
        spec=swimmer(bars, events),
        when_empty="No infused subject has follow-up yet.",
        notes=(f"Not drawn: {listed({'enrolled and never infused': subjects['n'] - subjects['n_infused']})}.",),
    )
    return Section("swimmer", "Follow-up of each subject", (chart,))


def overall_survival(published: Published) -> Section:
    """Kaplan-Meier of all infused, medians of every population, and by persistence at each landmark."""
    landmarks = published.view("landmark_survival")
    told = Text(_LANDMARKS if landmarks else "No landmark comparison has been computed yet.")
    blocks: list[Block] = [_everyone(published), _medians(published), told]
    blocks += [_at_landmark(published, row) for row in landmarks]
    return Section("survival", "Overall survival", tuple(blocks))


def _curves(published: Published, view: str, landmark_day: int, groups: Iterable[str]) -> list[Row]:
    query = f"select * from {view} where endpoint = 'OS' and population = 'infused' and landmark_day = ?"
    wanted = set(groups)
    return [row for row in published.rows(query, landmark_day) if row["group"] in wanted]


def _everyone(published: Published) -> Chart:
    summaries = _curves(published, "survival_summaries", 0, ("all",))
    steps, at_risk = (_curves(published, view, 0, ("all",)) for view in ("survival_steps", "survival_at_risk"))
    return Chart(
        anchor="os-all",
        caption="".join(("Overall survival of the infused", *map(_curve_words, summaries))),
        spec=survival(steps, at_risk, "infusion"),
        when_empty="No infused subject has follow-up yet.",
        notes=("Band: log-log 95\N{NO-BREAK SPACE}% interval. Ticks: censored at last contact.",),
    )


def _curve_words(row: Row) -> str:
    median = "not reached" if row["median_months"] is None else f"{months(row['median_months'])} months"
    ends = median_interval(row["lower_months"], row["upper_months"])
    return f": n = {row['n']}, {counted(row['n_events'], 'death')}, median {median}, {ends}"


def _medians(published: Published) -> Table:
    query = f"select * from survival_summaries where landmark_day = 0 order by endpoint, {_BY_POPULATION}"
    empty = "No survival curve has been computed yet."
    return tabulate("Kaplan-Meier medians", published.rows(query), _MEDIANS, empty)


def _at_landmark(published: Published, row: Row) -> Chart:
    day, groups = row["landmark_day"], ("persistent", "not persistent")
    steps, at_risk = (_curves(published, view, day, groups) for view in ("survival_steps", "survival_at_risk"))
    left_out = f"Left out: {associations.exclusions(row)}."
    which = f"day {day} ± {row['half_width_days']}{', the primary landmark' if row['is_primary'] else ''}"
    return Chart(
        anchor=f"os-day-{day}",
        caption=f"Overall survival by persistence at {which}: n = {row['n']}, log-rank {associations.verdict(row)}",
        spec=survival(steps, at_risk, f"day {day + row['half_width_days']}"),
        when_empty=f"No curve at {which}: no subject at risk could be classified. {left_out}",
        notes=(f"{sentence(associations.groups(row))}. {left_out}",),
    )
