"""Clinical outcome: response rates with every denominator, follow-up of each subject, overall survival."""

from __future__ import annotations

from collections.abc import Iterable

from warehouse.reports import associations
from warehouse.reports.blocks import Block, Chart, Section, Table, Text
from warehouse.reports.published import Published, Row
from warehouse.reports.survival_charts import survival, swimmer
from warehouse.reports.wording import NOTHING, counted, interval, month_ends, months, percent, percent_ends, spelled


def response_rates(published: Published) -> Section:
    """Objective and complete response rates of the enrolled, the infused and the evaluable."""
    rows = published.rows(
        "select * from denominators order by measure desc, list_position(['enrolled', 'infused', 'evaluable'], population)"
    )
    table = Table(
        caption="Response of the enrolled, the infused and the evaluable",
        headings=("Measure", "Population", "With response / subjects", "Rate", "95 % interval (Clopper-Pearson)"),
        rows=tuple(
            (spelled(row["measure"]).capitalize(), row["population"], f"{row['n_with']}/{row['n']}", percent(row["percent"]),
             " to ".join(percent_ends(row["lower_percent"], row["upper_percent"])) if row["n"] else NOTHING)
            for row in rows
        ),
        when_empty="No response has been assessed yet.",
        numeric=frozenset({2, 3, 4}),
        notes=("Evaluable: infused, with a best overall response other than NE. Best overall response by the investigator.",),
    )  # fmt: skip
    return Section("response", "Response rates", (table,))


def follow_up(published: Published) -> Section:
    """Swimmer plot of the infused subjects."""
    bars, events = published.view("swimmer"), published.view("swimmer_events")
    (counts,) = published.rows("select count(*) as n, count(*) filter (is_infused) as n_infused from outcomes")
    deaths = sum(row["os_event"] for row in bars)
    chart = Chart(
        anchor="swimmer",
        caption=f"Follow-up of {len(bars)} of {counted(counts['n_infused'], 'infused subject')}, longest first; {counted(deaths, 'death')}",
        spec=swimmer(bars, events),
        when_empty="No infused subject has follow-up yet.",
        notes=(f"{counted(counts['n'] - counts['n_infused'], 'subject')} enrolled and never infused: not drawn.",),
    )
    return Section("swimmer", "Follow-up of each subject", (chart,))


def overall_survival(published: Published) -> Section:
    """Kaplan-Meier of all infused, medians of every population, and by persistence at each landmark."""
    landmarks = published.view("landmark_survival")
    blocks: list[Block] = [_everyone(published), _medians(published)]
    if landmarks:
        blocks.append(
            Text(
                "By persistence: subjects are classified from samples up to the end of the landmark's window, time runs "
                "from there, and those dead or lost before are left out, so that living long cannot make a subject "
                "persistent. An association, not a prediction."
            )
        )
        blocks += [_at_landmark(published, row) for row in landmarks]
    else:
        blocks.append(Text("No landmark comparison has been computed yet."))
    return Section("survival", "Overall survival", tuple(blocks))


def _curve_rows(published: Published, view: str, landmark_day: int, groups: Iterable[str]) -> list[Row]:
    query = f"select * from {view} where endpoint = 'OS' and population = 'infused' and landmark_day = ?"
    wanted = set(groups)
    return [row for row in published.rows(query, landmark_day) if row["group"] in wanted]


def _everyone(published: Published) -> Chart:
    summary = published.rows(
        "select * from survival_summaries where endpoint = 'OS' and population = 'infused' and landmark_day = 0 and \"group\" = 'all'"
    )
    return Chart(
        anchor="os-all",
        caption=f"Overall survival of the infused{_curve_words(summary[0]) if summary else ''}",
        spec=survival(
            _curve_rows(published, "survival_steps", 0, ("all",)),
            _curve_rows(published, "survival_at_risk", 0, ("all",)),
            "infusion",
        ),
        when_empty="No infused subject has follow-up yet.",
        notes=("Band: log-log 95 % interval. Ticks: censored at last contact.",),
    )


def _curve_words(row: Row) -> str:
    ends = interval(*month_ends(row["lower_months"], row["upper_months"]))
    median = "not reached" if row["median_months"] is None else f"{months(row['median_months'])} months"
    return f": n = {row['n']}, {counted(row['n_events'], 'death')}, median {median}, {ends}"


def _medians(published: Published) -> Table:
    rows = published.rows(
        "select * from survival_summaries where landmark_day = 0 "
        "order by endpoint, list_position(['enrolled', 'infused', 'evaluable'], population)"
    )
    return Table(
        caption="Kaplan-Meier medians",
        headings=("Endpoint", "Population", "Time runs from", "Events / subjects", "Median, months", "95 % interval (log-log)"),
        rows=tuple(
            (row["endpoint"], row["population"], "enrolment" if row["population"] == "enrolled" else "infusion",
             f"{row['n_events']}/{row['n']}", months(row["median_months"]),
             f"{months(row['lower_months'])} to {months(row['upper_months'])}")
            for row in rows
        ),
        when_empty="No survival curve has been computed yet.",
        numeric=frozenset({3, 4, 5}),
    )  # fmt: skip


def _at_landmark(published: Published, row: Row) -> Chart:
    day, zero = row["landmark_day"], row["landmark_day"] + row["half_width_days"]
    groups = ("persistent", "not persistent")
    primary = ", the primary landmark" if row["is_primary"] else ""
    return Chart(
        anchor=f"os-day-{day}",
        caption=f"Overall survival by persistence at day {day} ± {row['half_width_days']}{primary}: "
        f"n = {row['n']}, log-rank {associations.verdict(row)}",
        spec=survival(
            _curve_rows(published, "survival_steps", day, groups),
            _curve_rows(published, "survival_at_risk", day, groups),
            f"day {zero}",
        ),
        when_empty=f"No curve: {spelled(row['reason']) if row['reason'] else 'no subject could be classified'} at day {day}.",
        notes=(f"{associations.groups(row).capitalize()}. Left out: {associations.exclusions(row)}.",),
    )
