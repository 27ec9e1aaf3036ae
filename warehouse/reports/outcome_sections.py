"""Clinical outcome: response rates with every denominator, follow-up of each subject, overall survival."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from warehouse.reports import associations
from warehouse.reports.blocks import Block, Chart, Folded, Section, Table, Text
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

_BY_MEASURE: Final = (
    "list_position(['objective_response_rate', 'complete_response_rate', 'disease_control_rate'], measure)"
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

NAMES: Final = {"OS": "OS", "PFS": "PFS", "DOR": "Duration of response", "FOLLOW-UP": "Follow-up (reverse)"}
"""Endpoints in tables."""


def starts(endpoint: str, population: str) -> str:
    """From when time runs."""
    if endpoint == "DOR":
        return "first response"
    return "enrolment" if population == "enrolled" else "infusion"


_MEDIANS: Final = (
    Shown("Endpoint", lambda row: NAMES[row["endpoint"]]),
    Shown("Population", "population"),
    Shown("Time runs from", lambda row: starts(row["endpoint"], row["population"])),
    Shown("Events / subjects", lambda row: f"{row['n_events']}/{row['n']}", is_numeric=True),
    Shown("Median, months", lambda row: months(row["median_months"]), is_numeric=True),
    Shown("95\N{NO-BREAK SPACE}% interval (log-log)", _median_ends, is_numeric=True),
)

_ENDPOINTS: Final = {
    "OS": ("Overall survival", "infusion", "deaths", "Ticks: censored at last contact."),
    "PFS": (
        "Progression-free survival",
        "infusion",
        "progressions or deaths",
        "Ticks: censored at the last evaluable assessment, or as pfs_reason in `outcomes` says.",
    ),
    "DOR": (
        "Duration of response",
        "the first response that counts",
        "progressions or deaths",
        "Responders only; ticks: censored where PFS is.",
    ),
    "FOLLOW-UP": (
        "Still to be followed",
        "infusion",
        "ends of follow-up",
        "Reverse Kaplan-Meier of overall survival: a death censors (ticks), the end of follow-up is the event.",
    ),
}
"""Endpoint to what is estimated, from when time runs, what the events are, and how to read the ticks."""

_LANDMARKS: Final = (
    "By persistence: subjects are classified from samples up to the end of the landmark's window, time runs from "
    "there on, and those dead or lost before are left out, so that living long cannot make a subject persistent. "
    "An association, not a prediction."
)


def response_rates(published: Published) -> Section:
    """Rates of objective and complete response and of disease control, of every population."""
    rows = published.rows(f"select * from denominators order by {_BY_MEASURE}, {_BY_POPULATION}")
    table = tabulate(
        "Response of the enrolled, the infused and the evaluable",
        rows,
        _RATES,
        "No response has been assessed yet.",
        notes=(
            "Evaluable: infused, with a best overall response other than NE, from the assessments of the evaluator "
            "that study.toml names. Disease control: CR, PR, SD or NON-CR/NON-PD.",
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
    blocks: list[Block] = [_everyone(published, "OS"), _medians(published, ("OS",)), told]
    blocks += [_at_landmark(published, row, "OS") for row in landmarks]
    return Section("survival", "Overall survival", tuple(blocks))


def progression_and_response(published: Published) -> Section:
    """PFS, duration of response and follow-up: curves of all, medians of every population, PFS by persistence."""
    landmarks = published.rows("select * from landmark_comparisons where endpoint = 'PFS' order by position")
    blocks: list[Block] = [_medians(published, ("PFS", "DOR", "FOLLOW-UP"))]
    blocks += [_everyone(published, endpoint) for endpoint in ("PFS", "DOR")]
    blocks.append(Folded("Curve of follow-up", (_everyone(published, "FOLLOW-UP"),)))
    if landmarks:
        curves = tuple(_at_landmark(published, row, "PFS") for row in landmarks)
        blocks.append(Folded("Progression-free survival by persistence at each landmark", (Text(_LANDMARKS), *curves)))
    return Section("progression", "Progression, duration of response, follow-up", tuple(blocks))


def _curves(published: Published, view: str, endpoint: str, landmark_day: int, groups: Iterable[str]) -> list[Row]:
    query = f"select * from {view} where endpoint = ? and population = ? and landmark_day = ?"
    # A response counts in the evaluable alone.
    population = "evaluable" if endpoint == "DOR" else "infused"
    wanted = set(groups)
    return [row for row in published.rows(query, endpoint, population, landmark_day) if row["group"] in wanted]


def _everyone(published: Published, endpoint: str) -> Chart:
    of, start, events, note = _ENDPOINTS[endpoint]
    summaries = _curves(published, "survival_summaries", endpoint, 0, ("all",))
    steps, at_risk = (
        _curves(published, view, endpoint, 0, ("all",)) for view in ("survival_steps", "survival_at_risk")
    )
    whom = "responders" if endpoint == "DOR" else "infused"
    return Chart(
        anchor=f"{endpoint.lower()}-all",
        caption="".join((f"{of} of the {whom}", *(_curve_words(row, events) for row in summaries))),
        spec=survival(steps, at_risk, start, title=of, events=sentence(events)),
        when_empty=f"{of}: nobody to follow yet.",
        notes=(f"Band: log-log 95\N{NO-BREAK SPACE}% interval. {note}",),
    )


def _curve_words(row: Row, events: str) -> str:
    median = "not reached" if row["median_months"] is None else f"{months(row['median_months'])} months"
    ends = median_interval(row["lower_months"], row["upper_months"])
    return f": n = {row['n']}, {row['n_events']} {events}, median {median}, {ends}"


def _medians(published: Published, endpoints: tuple[str, ...]) -> Table:
    rows = published.rows(
        "select * from survival_summaries where landmark_day = 0 and list_contains(?, endpoint) "
        f"order by list_position(?, endpoint), {_BY_POPULATION}",
        list(endpoints),
        list(endpoints),
    )
    return tabulate("Kaplan-Meier medians, n in each line", rows, _MEDIANS, "No survival curve has been computed yet.")


def _at_landmark(published: Published, row: Row, endpoint: str) -> Chart:
    of, _, events, _ = _ENDPOINTS[endpoint]
    day, groups = row["landmark_day"], ("persistent", "not persistent")
    steps, at_risk = (
        _curves(published, view, endpoint, day, groups) for view in ("survival_steps", "survival_at_risk")
    )
    left_out = f"Left out: {associations.exclusions(row)}."
    which = f"day {day} ± {row['half_width_days']}{', the primary landmark' if row['is_primary'] else ''}"
    test = associations.method(row).removeprefix("landmark ")
    return Chart(
        anchor=f"{endpoint.lower()}-day-{day}",
        caption=f"{of} by persistence at {which}: n = {row['n']}, {test} {associations.verdict(row)}",
        spec=survival(steps, at_risk, f"day {day + row['half_width_days']}", title=of, events=sentence(events)),
        when_empty=f"No curve at {which}: no subject at risk could be classified. {left_out}",
        notes=(f"{sentence(associations.groups(row))}. {left_out}",),
    )
