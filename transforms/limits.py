"""Files over the limit of a rule: each stands for itself, with the rule it broke first and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from expectations.contract import Table
from expectations.reasons import reason
from expectations.rules import UNREADABLE, Reference
from transforms.splitting import SAYS, RowTest, every_column


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a file does not come in: a reason code, the place and the problem in words."""

    code: str
    place: str | None
    problem: str

    @property
    def remedy(self) -> str:
        """What to do about it, from the reason's declaration."""
        return reason(self.code).remedy


def failed_rules(found: pl.DataFrame) -> list[str]:
    """Names of the rules whose critical expectations failed; one rule can have two expectations."""
    failed = found.filter(~pl.col("success") & (pl.col("severity") == "critical"))["check_name"]
    return [name.partition(":")[0] for name in failed]


def offenders(table: Table, incoming: pl.DataFrame, tests: list[RowTest]) -> tuple[dict[str, Hold], set[str]]:
    """Files that break a critical rule beyond its limit, each with the first such rule; and those rules' names."""
    held: dict[str, Hold] = {}
    broken: set[str] = set()
    for test in tests:
        if test.rule.severity != "critical":
            continue
        for row in (
            _shares(table, incoming, test).filter(pl.col("n_bad") > test.rule.limit * pl.col("n")).iter_rows(named=True)
        ):
            if row["file_sha256"] not in held:
                held[row["file_sha256"]] = _hold(table, test, row)
                broken.add(test.rule.name)
    return held, broken


def _shares(table: Table, incoming: pl.DataFrame, test: RowTest) -> pl.DataFrame:
    """Per file with a row that breaks the rule, how many it speaks of and how many break it, of its worst part."""
    told = next((name for name in test.columns if name != "file_sha256"), test.columns[0])
    is_wide = (pl.col(UNREADABLE) == every_column(table)).fill_null(value=False)
    parts = {f"part{n}": holds for n, holds in enumerate(test.parts)}
    broken_by = incoming.select(file_sha256=pl.col("file_sha256").filter(~pl.all_horizontal(test.parts)))
    concerned = incoming.join(broken_by.unique(), on="file_sha256", how="semi", maintain_order="left")
    return (
        concerned.with_columns(applies=test.rule.applies, holds=test.holds, **parts)
        .group_by("file_sha256")
        .agg(
            n=pl.col("applies").sum(),
            n_bad=pl.max_horizontal((~pl.col(name)).sum() for name in parts),
            place=pl.col("place").filter(~pl.col("holds")).first(),
            n_wide=(~pl.col("holds") & is_wide).sum(),
            broken=pl.col(told).cast(pl.String).filter(~pl.col("holds"), ~is_wide).drop_nulls().unique().sort().head(3),
        )
        .sort("file_sha256")
    )


def every_file(table: Table, incoming: pl.DataFrame, failed: list[str]) -> dict[str, Hold]:
    """No single file is over a limit, yet the table is: none can be told apart, so all wait."""
    problem = f"the incoming rows of all files together break {', '.join(failed)}"
    hold = Hold("expectation.critical", f"table {table.name}", problem)
    return dict.fromkeys(incoming["file_sha256"].unique().sort(), hold)


def _hold(table: Table, test: RowTest, row: Mapping[str, object]) -> Hold:
    rule = test.rule
    code = rule.holds_file_as if isinstance(rule, Reference) else "expectation.critical"
    place = f"{table.name}, first at {row['place']}"
    says, n_wide = rule.says, int(row["n_wide"]) if rule.reason == "row.unreadable" else 0  # type: ignore[call-overload]
    if n_wide:
        wide = SAYS["row.width"]
        says = wide if n_wide == row["n_bad"] else f"{says}, or that {wide} ({n_wide} of them)"
    share = f"{row['n_bad']} of {row['n']} rows break the rule that {says}"
    broken = ", ".join(str(value) for value in row["broken"])  # type: ignore[attr-defined]
    if code == "layout.missing":
        wells = f"{row['n_bad']} of {row['n']} counted wells"
        return Hold(code, place, f"no accepted plate layout has the plate {broken} ({wells}); names must be alike")
    share += f" (such as {broken})" if broken else ""
    return Hold(code, place, f"{share}; at most {100 * rule.limit:g} % may")
