"""What the study file decides: rules in force with their parameters, and settings in words."""

from __future__ import annotations

import json
from typing import Any, Final

from pydantic import BaseModel

from expectations.study import StudySettings
from warehouse.reports.blocks import Folded, Section, Text
from warehouse.reports.published import Published
from warehouse.reports.tables import Shown, tabulate
from warehouse.reports.wording import NOTHING, counted, series, spelled

_RULES: Final = (
    Shown("Assay", lambda row: "ELISpot" if row["assay"] == "elispot" else row["assay"]),
    Shown("Rule", lambda row: f"{row['rule']} (primary)" if row["is_primary_rule"] else row["rule"]),
    Shown("Version", "rule_version"),
    Shown("Parameters", lambda row: setting_words(row["rule_parameters"])),
    Shown("Responses called", "n_responses", is_numeric=True),
)

_SETTINGS: Final = (
    Shown("Setting", "setting"),
    Shown("Value", lambda row: setting_words(row["value"])),
    Shown("Given by", lambda row: "default" if row["is_default"] else "study.toml"),
)


def changed_settings(published: Published) -> Section:
    """Settings of study.toml that have no default or differ from it."""
    given = published.rows("select * from settings where not is_default order by setting")
    known = _defaults(StudySettings)
    rows = [{**row, "default": known.get(row["setting"], NOTHING)} for row in given]
    changed = [row for row in rows if setting_words(row["value"]) != row["default"]]
    table = tabulate(
        f"{counted(len(changed), 'setting')} without a default, or changed from it",
        changed,
        (*_SETTINGS[:2], Shown("Default", "default")),
        "No setting is recorded yet.",
        notes=(f"{counted(len(rows) - len(changed), 'setting')} more in study.toml with the default's value.",),
    )
    return Section("settings", "Settings changed from the defaults", (table,))


def _defaults(part: type[BaseModel], prefix: str = "") -> dict[str, str]:
    """The default of every setting that has one, in words."""
    found: dict[str, str] = {}
    for name, field in part.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= _defaults(field.annotation, f"{prefix}{name}.")
        elif not field.is_required():
            found[f"{prefix}{name}"] = _said(_as_json(field.get_default(call_default_factory=True)))
    return found


def _as_json(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def methods(published: Published) -> Section:
    """Rules with version and parameters, definitions in force, and every setting."""
    rows = published.rows("select * from settings order by rowid")
    rules = tabulate("Positivity rules", published.view("rules_in_force"), _RULES, "No response has been called yet.")
    settings = tabulate(counted(len(rows), "setting"), rows, _SETTINGS, "No setting is recorded yet.")
    return Section(
        "methods", "Methods", (_definitions(published), rules, Folded("Every setting in force", (settings,)))
    )


def _definitions(published: Published) -> Text:
    row = published.only("analysis_in_force")
    if row["rule"] is None:
        return Text("No setting is recorded yet.")
    return Text(
        f"Day 0 is the day of infusion; study day is date minus day 0. Calls under the primary rule {row['rule']} for "
        f"{series(row['assay'], row['population'], row['readout'])}. Primary landmark: day {row['landmark_day']} ± "
        f"{row['half_width_days']}; the evaluable sample nearest to the landmark within its window decides. Reported "
        "durations count both ends (days + 1; months of 30.4375 days). Intervals are 95\N{NO-BREAK SPACE}%, two-sided; "
        "response rates by Clopper-Pearson, survival by Kaplan-Meier with log-log intervals. p-values are two-sided."
    )


def setting_words(value: str) -> str:
    """The JSON value of a setting for a reader: `baseline (day -7, window -30 to 0); week 2 (...)`."""
    return _said(json.loads(value))


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return _part(value) if value else "none"
    if isinstance(value, list):
        return _items(value)
    return {"None": "unset", "True": "yes", "False": "no"}.get(str(value), str(value))


def _part(value: dict[str, Any]) -> str:
    rest = ", ".join(f"{spelled(name)} {_said(item)}" for name, item in value.items() if name != "name")
    return f"{value['name']} ({rest})" if "name" in value else rest


def _items(value: list[Any]) -> str:
    if not value:
        return "none"
    is_window = len(value) == 2 and all(isinstance(item, int) for item in value)
    return ("; " if isinstance(value[0], dict) else " to " if is_window else ", ").join(map(_said, value))
