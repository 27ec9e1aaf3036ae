"""When mixtures rest on so few of the specimens there are that re-estimation is due."""

from __future__ import annotations

import polars as pl
import pytest

from expectations.records import MIMOSA_FITS
from tests.drawing import table
from tests.drawn_tubes import drawn_tubes, study
from transforms.cytometry_responses import cytometry_responses
from transforms.mimosa_checks import stale_fits
from transforms.study_checks import study_checks


def fits(n_specimens: int, version: int = 1, visit: str = "Baseline") -> pl.DataFrame:
    head = "antigen | population | subset | visit | version | n_specimens"
    return table(f"{head}\nA | CD8 | IFNg+ | {visit} | {version} | {n_specimens}", MIMOSA_FITS)


def seen(n_subjects: int, per_subject: int = 1, count: str = "30") -> dict[str, pl.DataFrame]:
    """RESPONSES of so many specimens at Baseline."""
    names = [f"P{number}-{place}" for number in range(n_subjects) for place in range(per_subject)]
    lines = [f"{name} | A | {count}\n{name} | medium | 5" for name in names]
    t = drawn_tubes("\n".join(["specimen | stimulus | count", *lines]))
    return {"responses": cytometry_responses(t, study())}


@pytest.mark.parametrize(
    ("held", "now", "stale"),
    [
        (fits(12), seen(24), ()),
        (fits(12), seen(25), ("A CD8 IFNg+ at Baseline, version 1 (12 of 25 specimens)",)),
        (fits(12), seen(12, per_subject=3), ()),  # a subject enters once
        (fits(12), seen(25, count="0.3%"), ()),  # without counts none could enter
        (fits(5, version=0), seen(13), ("A CD8 IFNg+ at Baseline, version 0 (5 of 13 specimens)",)),
        (pl.concat([fits(25, version=2), fits(12)]), seen(25), ()),  # the latest version counts
        (fits(12, visit="all visits"), seen(25), ()),  # of another setting: no call rests on it
    ],
)
def test_a_mixture_of_fewer_than_half_of_the_specimens_there_are_is_told(held, now, stale):
    assert stale_fits(now | {"mimosa_fits": held}, study(), 0.5)[1] == stale


def test_pooled_visits_count_every_specimen():
    pooled = study({"mimosa": {"pool_visits": True}})
    t = seen(12, per_subject=3) | {"mimosa_fits": fits(17, visit="all visits")}
    assert stale_fits(t, pooled, 0.5) == (1, ("A CD8 IFNg+ at all visits, version 1 (17 of 36 specimens)",))


def test_the_check_is_one_of_the_studys():
    checks = study_checks(seen(25) | {"mimosa_fits": fits(12)}, study())
    row = checks.row(by_predicate=(pl.col("table_name") == "mimosa_fits"), named=True)
    assert (row["check_name"], row["severity"], row["success"], row["n_unexpected"]) == (
        "up_to_date",
        "warning",
        False,
        1,
    )
