"""Associations: the declared primary one, does it hang on one choice, what else could explain it, and all others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from warehouse.reports import associations
from warehouse.reports.association_chart import robustness
from warehouse.reports.blocks import Block, Chart, Mark, Section, Table, Text
from warehouse.reports.published import Published, Row
from warehouse.reports.tables import Shown, tabulate
from warehouse.reports.wording import NOTHING, SPACE, cells, number, sentence, series, share

_IN_ORDER: Final = (
    "select associations.* from associations cross join analysis_in_force as in_force "
    "order by list_position(['primary', 'secondary', 'exploratory'], family), associations.rule = in_force.rule desc, "
    "associations.rule, associations.exposure, associations.outcome desc, associations.landmark_day"
)


def _estimate(row: Row) -> str:
    return NOTHING if row["estimate"] is None else associations.estimate(row, before_ends="")


def _series(row: Row) -> str:
    return series(row["assay"], row["cell_population"], row["readout"])


def _spread(row: Row, what: str, worded: Callable[[float | None], str]) -> str:
    n = row[f"n_with_{what}"]
    if not n:
        return "not recorded"
    low, high = worded(row[f"{what}_min"]), worded(row[f"{what}_max"])
    return f"{worded(row[f'{what}_median'])} ({low} to {high}; n{SPACE}={SPACE}{n})"


def _stages(row: Row) -> str:
    n = row["n_with_stage"]
    return f"{row['m_stages']} (n{SPACE}={SPACE}{n})" if n else "not recorded"


_ALL: Final = (
    Shown("Family", lambda row: Mark(row["family"], "" if row["family"] == "primary" else "quiet")),
    Shown("Exposure and outcome", lambda row: sentence(associations.comparison(row))),
    Shown("Measured by", _series),
    Shown("Rule", "rule"),
    Shown("n", "n", is_numeric=True),
    Shown("Groups", lambda row: sentence(associations.groups(row))),
    Shown("Left out", lambda row: sentence(associations.exclusions(row))),
    Shown("Estimate (95\N{NO-BREAK SPACE}% interval)", _estimate),
    Shown("p", associations.verdict),
    Shown("Test", associations.method),
    Shown("Reads", "letter"),
)

_GROUPS: Final = (
    Shown("Group", "persistence"),
    Shown("Subjects", "n", is_numeric=True),
    Shown("Viable cells infused", lambda row: _spread(row, "dose", cells)),
    Shown("LDH, U/L", lambda row: _spread(row, "ldh", number)),
    Shown("Age at enrolment, years", lambda row: _spread(row, "age", number)),
    Shown("M stage", _stages),
)


def association_results(published: Published) -> Section:
    """The primary association, its robustness, confounders beside it, and the table of every association."""
    rows = published.rows(_IN_ORDER)
    blocks: list[Block] = [*_primary(rows), _confounders(published), _robustness(published), _all(rows)]
    return Section("associations", "Association with outcome", tuple(blocks))


def _primary(rows: list[Row]) -> list[Block]:
    primary = next((row for row in rows if row["family"] == "primary"), None)
    if primary is None:
        return [Text("No primary association has been computed yet.")]
    words = (
        f"The one declared primary analysis: {associations.comparison(primary)}, {_series(primary)}, "
        f"rule {primary['rule']}, n = {primary['n']}. {sentence(associations.estimate(primary))}; "
        f"{associations.verdict(primary)} ({associations.method(primary)}). "
        f"Left out: {associations.exclusions(primary)}. {primary['reads']}"
    )
    return [Text(words), *([_two_by_two(primary)] if primary["method"] == "fisher_exact" and primary["n"] else [])]


def _two_by_two(row: Row) -> Table:
    n_with = {name: row[f"n_{name}_with_outcome"] for name in ("exposed", "unexposed")}
    lines: list[Row] = [
        {"group": "Persistent", "n": row["n_exposed"], "n_with": n_with["exposed"]},
        {"group": "Not persistent", "n": row["n_unexposed"], "n_with": n_with["unexposed"]},
        {"group": "Both", "n": row["n"], "n_with": sum(n_with.values())},
    ]
    columns = (
        Shown(f"At day {row['landmark_day']}", "group"),
        Shown("Responders", lambda line: share(line["n_with"], line["n"]), is_numeric=True),
        Shown("Non-responders", lambda line: share(line["n"] - line["n_with"], line["n"]), is_numeric=True),
        Shown("Subjects", "n", is_numeric=True),
    )
    return tabulate("The primary analysis as counted", lines, columns, "Nobody could be compared.")


def _confounders(published: Published) -> Table:
    return tabulate(
        "What else could explain a difference: groups at the primary landmark, median (range; subjects with a value)",
        published.view("persistence_confounders"),
        _GROUPS,
        "No subject has been classified at the primary landmark yet.",
        notes=("Shown, not adjusted for. Prior therapy is not among the data.",),
    )


def _robustness(published: Published) -> Chart:
    rows = published.view("robustness")
    sizes = sorted(row["n"] for row in rows) or [0]
    n = f"n = {sizes[0]}" if sizes[0] == sizes[-1] else f"n = {sizes[0]} to {sizes[-1]}"
    return Chart(
        anchor="robustness",
        caption=f"Persistence and response under every positivity rule and landmark: {n} subjects",
        spec=robustness(rows),
        when_empty="No odds ratio could be estimated under any rule and landmark.",
        notes=(
            "Beside each rule and landmark: responders among persistent vs among not persistent subjects, Fisher "
            "exact p. Lines: 95\N{NO-BREAK SPACE}% intervals; an arrow goes on beyond the axis.",
        ),
    )


def _all(rows: list[Row]) -> Table:
    readings = list(dict.fromkeys(row["reads"] for row in rows))
    letters = {reading: f"({chr(ord('a') + place)})" for place, reading in enumerate(readings)}
    return tabulate(
        f"All {len(rows)} associations",
        [{**row, "letter": letters[row["reads"]]} for row in rows],
        _ALL,
        "No association has been computed yet.",
        notes=tuple(f"{letter} {reading}" for reading, letter in letters.items()),
        rest_in="associations",
    )
