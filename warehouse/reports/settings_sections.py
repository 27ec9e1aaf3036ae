"""What the study file decides: rules in force with their parameters, and settings in words."""

from __future__ import annotations

import json
from typing import Any

from warehouse.reports.blocks import Folded, Section, Table, Text
from warehouse.reports.published import Published, Row
from warehouse.reports.wording import counted, number, spelled


def changed_settings(published: Published) -> Section:
    """Settings the study file changes from their defaults."""
    rows = published.rows("select setting, value from settings where not is_default order by rowid")
    table = Table(
        caption=f"{counted(len(rows), 'setting')} given in study.toml",
        headings=("Setting", "Value"),
        rows=tuple((row["setting"], setting_words(row["value"])) for row in rows),
        when_empty="No setting is recorded yet.",
    )
    return Section("settings", "Settings that differ from the defaults", (table,))


def setting_words(value: str) -> str:
    """The JSON value of a setting for a reader: list items one after another, nothing in brackets."""
    return _said(json.loads(value))


def _said(value: Any) -> str:
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict) and "name" in value:
        rest = {name: item for name, item in value.items() if name != "name"}
        return f"{value['name']} ({_said(rest)})"
    if isinstance(value, dict):
        return ", ".join(f"{spelled(name)} {_said(item)}" for name, item in value.items())
    if isinstance(value, list):
        if not value:
            return "none"
        return ("; " if isinstance(value[0], dict) else " to " if _is_window(value) else ", ").join(map(_said, value))
    return str(value)


def _is_window(value: list[Any]) -> bool:
    return len(value) == 2 and all(isinstance(item, int) for item in value)


def methods(published: Published) -> Section:
    """Rules with version and parameters, definitions in force, and every setting."""
    rules = published.view("rules_in_force")
    settings = published.rows("select setting, value, is_default from settings order by rowid")
    blocks = (_definitions(published), _rules(rules), Folded("Every setting in force", (_settings(settings),)))
    return Section("methods", "Methods", blocks)


def _definitions(published: Published) -> Text:
    row = published.only("analysis_in_force")
    if row["rule"] is None:
        return Text("No setting is recorded yet.")
    return Text(
        f"Day 0 is the day of infusion; study day is date minus day 0. Calls under the primary rule {row['rule']} for "
        f"{row['readout']}. Primary landmark: day {row['landmark_day']} ± {row['half_width_days']}; the evaluable sample nearest to "
        "the landmark within its window decides. Reported durations count both ends (days + 1; months of 30.4375 days). "
        "Intervals are 95 %, two-sided; response rates by Clopper-Pearson, survival by Kaplan-Meier with log-log intervals."
    )


def _rules(rules: list[Row]) -> Table:
    return Table(
        caption="Positivity rules",
        headings=("Rule", "Version", "Parameters", "Responses called"),
        rows=tuple(
            (row["rule"] + (" (primary)" if row["is_primary_rule"] else ""), row["rule_version"], setting_words(row["rule_parameters"]), number(row["n_responses"]))
            for row in rules
        ),
        when_empty="No response has been called yet.",
        numeric=frozenset({3}),
    )  # fmt: skip


def _settings(settings: list[Row]) -> Table:
    return Table(
        caption=f"{counted(len(settings), 'setting')}",
        headings=("Setting", "Value", "Given by"),
        rows=tuple(
            (row["setting"], setting_words(row["value"]), "default" if row["is_default"] else "study.toml")
            for row in settings
        ),
        when_empty="No setting is recorded yet.",
    )
