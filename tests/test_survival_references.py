"""Kaplan-Meier and log-rank against R's survival: every number of the reference files whose data set is there."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from tests.drawing import SHARED, needs_shared
from transforms.survival import kaplan_meier, logrank

SURVIVAL = SHARED / "reference" / "survival"
pytestmark = needs_shared


def r_rows(name: str) -> list[dict[str, object]]:
    """The reference rows whose data set lies beside them."""
    if not SURVIVAL.is_dir():
        return []
    rows = pl.read_csv(SURVIVAL / name, infer_schema_length=None).to_dicts()
    return [row for row in rows if (SURVIVAL / f"data_{row['dataset']}.csv").is_file()]


MEDIANS, LOG_RANKS = r_rows("R_km_medians.csv"), r_rows("R_logrank.csv")


def dataset(name: object) -> pl.DataFrame:
    """One of R's data sets as time and event beside its own columns."""
    frame = pl.read_csv(SURVIVAL / f"data_{name}.csv", infer_schema_length=None, null_values=["NA", ""])
    pairs = (("t", "fustat"), ("time", "status"), ("futime", "fustat"))
    time, status = next(pair for pair in pairs if pair[0] in frame.columns)
    # Only `lung` counts its status from 1.
    return frame.with_columns(time=pl.col(time).cast(pl.Float64), event=pl.col(status) == pl.col(status).max())


def members(row: dict[str, object]) -> pl.DataFrame:
    """The part of the data set a row of medians is about."""
    frame, (column, _, value) = dataset(row["dataset"]), str(row["stratum"]).partition("=")
    return frame.filter(pl.col(column).cast(pl.String) == value) if value else frame


@pytest.mark.parametrize("row", MEDIANS, ids=lambda r: f"{r['dataset']} {r['conf_type']} {r['stratum']}")
def test_medians_and_their_limits_are_rs(row: dict[str, object]):
    here = members(row)
    ours = kaplan_meier(here["time"].to_list(), here["event"].to_list(), row["conf_type"])
    assert (here.height, here["event"].sum()) == (row["n"], row["events"])
    got, wanted = ((ours.median, ours.lower, ours.upper), (row["median"], row["lcl"], row["ucl"]))
    assert got == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize(
    "row", [row for row in MEDIANS if row["conf_type"] == "log-log"], ids=lambda r: f"{r['dataset']} {r['stratum']}"
)
def test_the_area_under_a_curve_is_rs_restricted_mean(row: dict[str, object]):
    here = members(row)
    curve = kaplan_meier(here["time"].to_list(), here["event"].to_list()).curve
    # R follows every stratum up to the longest time of the whole data set.
    times = [*curve["time"], float(dataset(row["dataset"])["time"].max())]
    area = np.dot([b - a for a, b in pairwise(times)], curve["survival"])
    assert area == pytest.approx(row["rmean"], abs=1e-9)


@pytest.mark.parametrize("row", LOG_RANKS, ids=lambda r: f"{r['dataset']} {r['formula']} rho {r['rho']}")
def test_the_log_rank_test_is_rs(row: dict[str, object]):
    group, _, stratum = str(row["formula"]).split("~")[1].partition("+")
    column = stratum.strip().removeprefix("strata(").removesuffix(")")
    frame = dataset(row["dataset"])
    frame = frame.drop_nulls(column) if column else frame  # R leaves out whom it cannot place
    ours = logrank(
        frame["time"].to_list(),
        frame["event"].to_list(),
        frame[group.strip()].to_list(),
        strata=frame[column].to_list() if column else None,
        rho=float(row["rho"]),
    )
    assert (ours.chi2, ours.p_value) == pytest.approx((row["chisq"], row["p"]), abs=1e-9)
    assert ours.df == row["df"]


def test_the_reference_covers_three_scales_ties_strata_weights_and_landmarks():
    assert {row["conf_type"] for row in MEDIANS} == {"log-log", "log", "plain"}
    assert len(MEDIANS) >= 48
    assert {(row["df"], row["rho"]) for row in LOG_RANKS} == {(1, 0), (3, 0), (1, 1)}
    assert any("strata" in str(row["formula"]) for row in LOG_RANKS)
    for rows in (MEDIANS, LOG_RANKS):
        assert {f"jasa_landmark_{day}" for day in (30, 60, 90)} <= {row["dataset"] for row in rows}
