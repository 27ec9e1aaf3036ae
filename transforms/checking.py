"""What a quality check over several tables is made of: what it looked at, what broke it, and who judges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from expectations.study import StudySettings


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check looked at, and the key of every row that broke it."""

    n_rows: int
    broken: tuple[str, ...]


Tables = Mapping[str, pl.DataFrame]
Judge = Callable[[Tables, StudySettings], Finding]


@dataclass(frozen=True, slots=True)
class StudyCheck:
    """One check: the table it is told under, its name, the rule in words, and who judges it."""

    table_name: str
    name: str
    says: str
    judge: Judge


def finding(looked_at: pl.DataFrame, broken: pl.DataFrame, key: pl.Expr) -> Finding:
    """The rows looked at, counted, and the distinct keys of those that broke the check, sorted."""
    keys = broken.select(key.alias("key"))["key"].unique().sort()
    return Finding(looked_at.height, tuple(keys.to_list()))


def spelled(template: str, *columns: str) -> pl.Expr:
    """A key in words: the columns in the places of a template, `?` for what is null."""
    return pl.format(template, *(pl.col(name).cast(pl.String).fill_null("?") for name in columns))
