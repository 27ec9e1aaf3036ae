"""Associations: the declared primary one, whether it hangs on one choice, what else could explain it, and all the rest."""

from __future__ import annotations

from collections.abc import Callable

from warehouse.reports import associations
from warehouse.reports.association_chart import robustness
from warehouse.reports.blocks import Block, Chart, Mark, Section, Table, Text
from warehouse.reports.published import Published, Row
from warehouse.reports.wording import NOTHING, SPACE, cells, number, share


def association_results(published: Published) -> Section:
    """The primary association, its robustness, confounders beside it, and the table of every association."""
    rows = published.rows(
        "select associations.* from associations cross join analysis_in_force as in_force "
        "order by list_position(['primary', 'secondary', 'exploratory'], family), associations.rule = in_force.rule desc, "
        "associations.rule, associations.exposure, associations.outcome desc, associations.landmark_day"
    )
    blocks: list[Block] = [*_primary(rows), _robustness(published), _confounders(published), _all(rows)]
    return Section("associations", "Association with outcome", tuple(blocks))


def _primary(rows: list[Row]) -> list[Block]:
    primary = next((row for row in rows if row["family"] == "primary"), None)
    if primary is None:
        return [Text("No primary association has been computed yet.")]
    words = (
        f"The one declared primary analysis: {associations.comparison(primary)}, rule {primary['rule']}, n = {primary['n']}. "
        f"{associations.estimate(primary).capitalize()}, {associations.verdict(primary)} ({associations.method(primary)}). "
        f"Left out: {associations.exclusions(primary)}. {primary['reads']}"
    )
    return [Text(words), *([_two_by_two(primary)] if primary["method"] == "fisher_exact" else [])]


def _two_by_two(row: Row) -> Table:
    def line(name: str, group: str) -> tuple[str, ...]:
        n, responders = row[f"n_{group}"], row[f"n_{group}_with_outcome"]
        return name, share(responders, n), share(n - responders, n), str(n)

    responders = row["n_exposed_with_outcome"] + row["n_unexposed_with_outcome"]
    return Table(
        caption="Primary analysis as counted",
        headings=(f"At day {row['landmark_day']}", "Responders", "Non-responders", "Subjects"),
        rows=(
            line("Persistent", "exposed"),
            line("Not persistent", "unexposed"),
            ("Both", share(responders, row["n"]), share(row["n"] - responders, row["n"]), str(row["n"])),
        ),
        when_empty="",
        numeric=frozenset({1, 2, 3}),
    )


def _robustness(published: Published) -> Chart:
    rows = published.view("robustness")
    smallest, largest = min((row["n"] for row in rows), default=0), max((row["n"] for row in rows), default=0)
    spread = f"n = {smallest}" if smallest == largest else f"n = {smallest} to {largest}"
    return Chart(
        anchor="robustness",
        caption=f"Persistence and response under every positivity rule and landmark: {spread}",
        spec=robustness(rows),
        when_empty="No odds ratio could be estimated under any rule and landmark.",
        notes=(
            "Beside each rule and landmark: responders among persistent vs among not persistent subjects, Fisher exact p. "
            "Lines: 95 % intervals; an arrow goes on beyond the axis.",
        ),
    )


def _confounders(published: Published) -> Table:
    rows = published.view("persistence_confounders")
    return Table(
        caption="What else could explain a difference: groups at the primary landmark, median (range; subjects with a value)",
        headings=("Group", "Subjects", "Viable cells infused", "LDH, U/L", "Age at enrolment, years", "M stage"),
        rows=tuple(
            (row["persistence"], str(row["n"]), _spread(row, "dose", cells), _spread(row, "ldh", number), _spread(row, "age", number),
             f"{row['m_stages']} (n{SPACE}={SPACE}{row['n_with_stage']})" if row["n_with_stage"] else "not recorded")
            for row in rows
        ),
        when_empty="No subject has been classified at the primary landmark yet.",
        numeric=frozenset({1}),
        notes=("Shown, not adjusted for.",) if rows else (),
    )  # fmt: skip


def _spread(row: Row, what: str, worded: Callable[[float | None], str]) -> str:
    n = row[f"n_with_{what}"]
    if not n:
        return "not recorded"
    return f"{worded(row[f'{what}_median'])} ({worded(row[f'{what}_min'])} to {worded(row[f'{what}_max'])}; n{SPACE}={SPACE}{n})"


def _all(rows: list[Row]) -> Table:
    readings = list(dict.fromkeys(row["reads"] for row in rows))
    letters = {reading: chr(ord("a") + place) for place, reading in enumerate(readings)}
    return Table(
        caption=f"All {len(rows)} associations",
        headings=("Family", "Exposure and outcome", "Rule", "n", "Groups", "Left out", "Estimate (95 % interval)", "p", "Test", "Reads"),
        rows=tuple(
            (Mark(row["family"], "" if row["family"] == "primary" else "quiet"), associations.comparison(row), row["rule"], str(row["n"]),
             associations.groups(row), associations.exclusions(row), NOTHING if row["estimate"] is None else associations.effect(row), associations.verdict(row), associations.method(row), f"({letters[row['reads']]})")
            for row in rows
        ),
        when_empty="No association has been computed yet.",
        numeric=frozenset({3}),
        notes=tuple(f"({letter}) {reading}" for reading, letter in letters.items()),
    )  # fmt: skip
