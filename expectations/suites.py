"""Great Expectations suites from the contract, and their run over one incoming table.

The only file that imports Great Expectations. The suite runs on the table as it came, before rows are split off, with
the same rules as the split and a limit on the share of rows that may break each; it adds what rows alone cannot show:
unique keys, references to other tables, and that there are rows at all.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

import polars as pl

from expectations.contract import Table
from expectations.records import CHECK_COLUMNS, QUALITY_CHECKS
from expectations.rules import (
    UNREADABLE,
    Between,
    Equal,
    FilledExactlyWhen,
    FilledWith,
    Matches,
    NotBefore,
    OneOf,
    Readable,
    Reference,
    Required,
    Rule,
    UniqueInFile,
)

ENGINE = "great_expectations"
ROW_COUNT = "row_count"
_EXAMPLES = 5
_ROUNDING = 1e-9
"""Less than one row of any table: what division may lose at the limit."""


_KNOWN: dict[str, Collection[str]] = {}
"""What references are held against while a table is checked. As an argument of an expectation, thousands of names would
be copied again and again."""


@cache
def _library() -> tuple[Any, Any, Any]:
    """Great Expectations, its expectations, and the column of a row condition; imported once, when first needed."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column as ConditionColumn

    told = "great_expectations.data_context.types.base"
    logging.getLogger(told).setLevel(logging.WARNING)  # it tells of every temporary folder it makes
    return gx, gxe, ConditionColumn


def load() -> None:
    """Imports Great Expectations now (seconds), where there is something else to wait for."""
    _library()


@cache
def _batch_definition() -> Any:
    gx, _, _ = _library()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_pandas("incoming")
    return source.add_dataframe_asset("incoming").add_batch_definition_whole_dataframe("whole")


@cache
def _known_values_expectation() -> Any:
    """An expectation that every filled value of a column is one the reference's target declares."""
    from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation import ColumnMapExpectation
    from great_expectations.expectations.metrics.map_metric_provider.column_condition_partial import (
        column_condition_partial,
    )
    from great_expectations.expectations.metrics.map_metric_provider.column_map_metric_provider import (
        ColumnMapMetricProvider,
    )

    class ColumnValuesKnown(ColumnMapMetricProvider):
        condition_metric_name = "column_values.known"
        condition_value_keys = ("target",)

        @column_condition_partial(engine=PandasExecutionEngine)
        def _pandas(cls, column: Any, target: str, **_: Any) -> Any:
            return column.isin(_KNOWN[target])

    class ExpectColumnValuesToBeKnown(ColumnMapExpectation):
        target: str
        map_metric = "column_values.known"
        success_keys = ("target", "mostly")
        args_keys = ("column", "target")

    return ExpectColumnValuesToBeKnown


def suite_of(table: Table, incoming: pl.DataFrame) -> list[Any]:
    """The expectations of a table for these rows."""
    _, gxe, _ = _library()
    rules: list[Rule] = [*table.rules, table.unique_in_file]
    told = [expectation for rule in rules for expectation in _of_rule(rule, incoming)]
    told += [_of_reference(reference) for reference in table.references]
    says = f"there is at least one row in {table.name}"
    count = gxe.ExpectTableRowCountToBeBetween(min_value=1, severity="critical", meta=_meta(ROW_COUNT, says, None))
    return [*told, count]


def check(table: Table, incoming: pl.DataFrame, known: Mapping[str, Collection[str]]) -> pl.DataFrame:
    """One row an expectation, in the columns of `quality_checks` (without run_id and attempt).

    Args:
        table: the table.
        incoming: its rows as they came.
        known: the values every reference target declares; KeyError where one is missing.
    """
    gx, _, _ = _library()
    _KNOWN.update({reference.target: known[reference.target] for reference in table.references})
    suite = gx.ExpectationSuite(name=table.name, expectations=suite_of(table, incoming))
    batch = _batch_definition().get_batch(batch_parameters={"dataframe": _spoken_of(table, incoming).to_pandas()})
    found = batch.validate(suite, result_format={"result_format": "BASIC", "partial_unexpected_count": _EXAMPLES})
    _KNOWN.clear()
    rows = [_row(table, incoming.height, item.to_json_dict()) for item in found.results]
    schema = {name: QUALITY_CHECKS.schema[name] for name in CHECK_COLUMNS}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("check_name")


def _spoken_of(table: Table, incoming: pl.DataFrame) -> pl.DataFrame:
    """The columns some expectation speaks of: in pandas the others would cost as much memory again."""
    named = {name for rule in (*table.rules, table.unique_in_file) for name in rule.columns}
    named |= {rule.when for rule in table.rules if isinstance(rule, FilledExactlyWhen)}
    named |= {reference.column for reference in table.references}
    return incoming.select(name for name in incoming.columns if name in named)


def _meta(name: str, says: str, limit: float | None) -> dict[str, Any]:
    return {"name": name, "says": says, "limit": limit}


def _of_rule(rule: Rule, incoming: pl.DataFrame) -> list[Any]:
    _, gxe, _ = _library()
    common: dict[str, Any] = {"severity": rule.severity, "meta": _meta(rule.name, rule.says, rule.limit)}
    column = common | {"column": rule.column, "mostly": 1 - rule.limit}
    match rule:
        case Readable():
            told = [gxe.ExpectColumnValuesToBeNull(**(column | {"column": UNREADABLE}))]
        case Required():
            told = [gxe.ExpectColumnValuesToNotBeNull(**column)]
        case OneOf():
            told = [gxe.ExpectColumnValuesToBeInSet(value_set=list(rule.values), **column)]
        case Between():
            told = [gxe.ExpectColumnValuesToBeBetween(min_value=rule.minimum, max_value=rule.maximum, **column)]
        case Matches():
            told = [gxe.ExpectColumnValuesToMatchRegex(regex=f"^(?:{rule.pattern})$", **column)]
        case NotBefore():
            told = [gxe.ExpectColumnPairValuesAToBeGreaterThanB(or_equal=True, **_pair(rule))]
        case Equal():
            told = [gxe.ExpectColumnPairValuesToBeEqual(**_pair(rule))]
        case FilledExactlyWhen():
            told = _filled_and_empty(rule, incoming, column)
        case FilledWith():
            given = _library()[2](rule.columns[1]).is_not_null()
            told = [gxe.ExpectColumnValuesToNotBeNull(row_condition=given, **column)]
        case UniqueInFile():
            unique = common | {"column_list": list(rule.columns), "mostly": 1 - rule.limit}
            told = [gxe.ExpectCompoundColumnsToBeUnique(ignore_row_if="any_value_is_missing", **unique)]
        case _:
            raise TypeError(f"no expectation is declared for {type(rule).__name__}")
    return told


def _filled_and_empty(rule: FilledExactlyWhen, incoming: pl.DataFrame, column: dict[str, Any]) -> list[Any]:
    """Filled where the condition holds, empty elsewhere; the limit is a share of all rows, as it is for every rule."""
    _, gxe, condition_column = _library()
    when, n = condition_column(rule.when), incoming.height
    n_when = incoming.filter(pl.col(rule.when) == rule.equals).height

    def told(part: str, n_rows: int) -> dict[str, Any]:
        mostly = 1 - rule.limit * n / n_rows - _ROUNDING if n_rows else 1.0
        return column | {"mostly": max(0.0, mostly), "meta": _meta(f"{rule.name}: {part}", rule.says, rule.limit)}

    return [
        gxe.ExpectColumnValuesToNotBeNull(row_condition=when == rule.equals, **told("filled", n_when)),
        gxe.ExpectColumnValuesToBeNull(row_condition=when != rule.equals, **told("empty", n - n_when)),
    ]


def _pair(rule: Rule) -> dict[str, Any]:
    first, second = rule.columns
    return {
        "column_A": first,
        "column_B": second,
        "mostly": 1 - rule.limit,
        "ignore_row_if": "either_value_is_missing",
        "severity": rule.severity,
        "meta": _meta(rule.name, rule.says, rule.limit),
    }


def _of_reference(reference: Reference) -> Any:
    return _known_values_expectation()(
        column=reference.column,
        target=reference.target,
        mostly=1 - reference.limit,
        severity=reference.severity,
        meta=_meta(reference.name, reference.says, reference.limit),
    )


def _row(table: Table, n_rows: int, item: dict[str, Any]) -> dict[str, Any]:
    config, result = item["expectation_config"], item["result"]
    meta = config["meta"]
    _raise_if_failed(f"the expectation {meta['name']} on {table.name}", item["exception_info"])
    examples = [_example(value) for value in result.get("partial_unexpected_list", []) if value is not None]
    return {
        "table_name": table.name,
        "check_name": meta["name"],
        "says": meta["says"],
        "engine": ENGINE,
        "severity": config["severity"],
        "success": bool(item["success"]),
        "n_rows": n_rows,
        "n_unexpected": result.get("unexpected_count"),
        "limit_percent": None if meta["limit"] is None else 100 * meta["limit"],
        "examples": "; ".join(examples) or None,
        "result": json.dumps({"expectation": config, "result": result}, default=str, sort_keys=True),
    }


def _raise_if_failed(what: str, told: dict[str, Any]) -> None:
    """An expectation that could not be evaluated is a fault of ours, not of the file. Told once, or once a metric."""
    for info in (told, *told.values()):
        if isinstance(info, dict) and info.get("raised_exception"):
            raise RuntimeError(f"{what} could not be evaluated: {info['exception_message']}")


def _example(value: Any) -> str:
    """One unexpected value: those of several columns joined, the file's sha256 left out."""
    if isinstance(value, dict):
        value = [part for name, part in value.items() if name != "file_sha256"]
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
