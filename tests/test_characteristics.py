"""Table 1: medians and quartiles by hand, categories with all their levels, groups by response and exposure."""

from __future__ import annotations

from datetime import timedelta
from statistics import quantiles

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as laws
from hypothesis import strategies as st

from expectations.association_tables import CHARACTERISTICS
from expectations.clinical_in import LAB_RESULTS
from expectations.computed import PERSISTENCE_BY_SUBJECT
from expectations.ingested import INFUSION_PRODUCTS, SUBJECTS
from expectations.outcome_tables import INFUSED_CELLS, OUTCOMES
from tests.clinical_study import DAY_0, study
from tests.drawing import table
from transforms.characteristics import characteristics

PEOPLE = table(
    """
    subject_id | sex    | birth_year | m_stage | ecog | ldh_at_baseline | n_prior_therapies
    P1         | female | 1950       | M1a     | 0    | 200             | 1
    P2         | male   | 1960       | M1c     | 1    |                 | 2
    P3         | female | 1970       |         | 0    |                 |
    P4         | male   | 1945       | M1c     |      | 400             | 4
    P5         | female | 1990       | M1d     | 2    | 999             | 9
    """,
    SUBJECTS,
)
PRODUCTS = table(
    """
    subject_id | infusion_date | lymphodepletion_start | total_viable_cells | cd8_percent
    P1         | 2020-03-01    | 2020-02-23            | 4e10               | 80
    P2         | 2020-03-01    | 2020-02-22            | 6e10               | 60
    P3         | 2020-03-01    |                       |                    |
    P4         | 2020-03-01    | 2020-02-23            | 1e11               | 30
    """,
    INFUSION_PRODUCTS,
)
CELLS = table(
    """
    subject_id | tumour_reactive_cells | tumour_reactive_cells_lod | is_below_lod | is_bounded
    P1         | 9e8                   | 5e7                       | false        | true
    P2         | 2e7                   | 5e7                       | true         | false
    P3         |                       |                           |              |
    P4         | 3e8                   | 5e7                       | false        | false
    """,
    INFUSED_CELLS,
)
LABS = table(
    """
    subject_id | sample_date | test | value | unit   | upper_limit
    P1         | 2020-02-20  | LDH  | 210   | U/L    | 250
    P2         | 2020-01-01  | LDH  | 700   | U/L    | 250
    P2         | 2020-02-21  | ldh  | 5     | ukat/L | 4
    P2         | 2020-02-29  | LDH  | 900   | U/L    | 250
    P3         | 2020-02-25  | LDH  | 300   | mg/dL  |
    P3         | 2020-02-25  | CRP  | 30    | mg/L   | 10
    """,
    LAB_RESULTS,
)
RESPONSE = table(
    """
    subject_id | is_infused | infusion_date | best_overall_response | is_responder
    P1         | true       | 2020-03-01    | PR                    | true
    P2         | true       | 2020-03-01    | PD                    | false
    P3         | true       | 2020-03-01    |                       |
    P4         | true       | 2020-03-01    | SD                    | false
    P5         | false      |               |                       |
    """,
    OUTCOMES,
)
SERIES = {"assay": "elispot", "population": "all cells", "readout": "IFNg", "rule": "dfr_eq"}
PERSISTENT = table(
    """
    subject_id | landmark_day | persistent | induced | n_antigens_persistent | n_antigens_evaluable
    P1         | 90           | true       | false   | 2                     | 2
    P2         | 90           | false      | true    | 0                     | 2
    P3         | 90           |            |         | 0                     | 1
    P4         | 90           | false      | false   | 1                     | 2
    P4         | 180          | true       | true    | 2                     | 2
    """,
    PERSISTENCE_BY_SUBJECT,
    n_antigens_declared=2,
    **SERIES,
)
TABLES = (PEOPLE, PRODUCTS, CELLS, LABS, RESPONSE, PERSISTENT)


def made(*tables: pl.DataFrame, **primary: object) -> pl.DataFrame:
    settings = study(analysis={"primary": primary}, persistence={"landmarks": [{"day": 90}, {"day": 180}]})
    frame = characteristics(*(tables or TABLES), settings)
    assert frame.schema == CHARACTERISTICS.schema
    assert not frame.select(CHARACTERISTICS.key).is_duplicated().any()
    return frame


def number(name: str, group: str = "all") -> tuple[object, ...]:
    """n_known, median, quartiles, minimum and maximum of one characteristic in one group."""
    (row,) = made().filter(characteristic=name, group=group, level="").rows(named=True)
    assert (row["n_with"], row["percent"]) == (None, None)
    return tuple(row[n] for n in ("n_known", "median", "lower_quartile", "upper_quartile", "minimum", "maximum"))


def category(name: str, group: str = "all", division: str | None = None) -> list[tuple[object, ...]]:
    rows = made().filter(characteristic=name, group=group, division=division or pl.col("division"))
    return rows.sort("position").select("level", "n_with", "n_known", "percent").rows()


@pytest.mark.parametrize(
    ("name", "told", "why"),
    [
        ("age", (4, 65.0, 57.5, 71.25, 50, 75), "50 60 70 75: quartiles at places 1.75 and 3.25 of 1 to 4"),
        ("n_prior_therapies", (3, 2, 1.5, 3, 1, 4), "1 2 4: the third quarter lies half way from 2 to 4"),
        ("ldh_at_baseline", (3, 300, 250, 350, 200, 400), "200, 5 ukat/L x 60 = 300, 400; mg/dL is no activity"),
        ("ldh_ratio_to_upper_limit", (2, 1.045, 0.9425, 1.1475, 0.84, 1.25), "210/250 and 5/4"),
        ("lymphodepletion_days", (3, 7, 7, 7.5, 7, 8), "7 8 7, the leap day counted"),
        ("total_viable_cells", (3, 6e10, 5e10, 8e10, 4e10, 1e11), "4 6 10"),
        ("cd8_percent", (3, 60, 45, 70, 30, 80), "30 60 80"),
    ],
)
def test_a_number_is_told_by_its_median_and_quartiles_among_the_infused(name: str, told: tuple[float, ...], why: str):
    assert number(name) == pytest.approx(told), why


def ldh(drawn: str, subject: str) -> tuple[float | None, float | None]:
    """LDH (U/L) and its ratio to the upper limit of one subject, from laboratory results alone."""
    labs = table("sample_date | value | unit | upper_limit\n" + drawn, LAB_RESULTS, subject_id=subject, test="LDH")
    frame = made(PEOPLE.with_columns(ldh_at_baseline=None), PRODUCTS, CELLS, labs, RESPONSE, PERSISTENT)
    of_all = frame.filter(division="all", level="")
    value, ratio = (
        of_all.filter(characteristic=name)["median"].item() for name in ("ldh_at_baseline", "ldh_ratio_to_upper_limit")
    )
    return value, ratio


@pytest.mark.parametrize(
    ("later", "told"),
    [
        ("2020-02-21 | 900 | U/L | 250", (900, 3.6)),
        ("2020-02-22 | 900 | U/L | 250", (210, 0.84)),
        ("2020-02-29 | 900 | U/L | 250", (210, 0.84)),
        ("2020-03-01 | 900 | U/L | 250", (210, 0.84)),
    ],
)
def test_ldh_at_baseline_is_from_before_the_day_lymphodepletion_starts(later: str, told: tuple[float, float]):
    assert ldh(f"2020-02-20 | 210 | U/L | 250\n{later}", "P2") == pytest.approx(told)  # from 22 February


@pytest.mark.parametrize(
    ("day", "told"), [("2020-02-29", (900, 3.6)), ("2020-03-01", (900, 3.6)), ("2020-03-02", (210, 0.84))]
)
def test_where_the_start_of_lymphodepletion_is_not_known_day_0_ends_the_baseline(day: str, told: tuple[float, float]):
    assert ldh(f"2020-02-20 | 210 | U/L | 250\n{day} | 900 | U/L | 250", "P3") == pytest.approx(told)


@pytest.mark.parametrize(
    ("later", "told", "why"),
    [
        ("5 | nmol/L |", (300, 1.2), "neither an activity nor a limit"),
        ("5 | nmol/L | 4", (300, 1.25), "no activity, but a ratio: 5 of 4"),
        ("400 | U/L |", (400, 1.2), "an activity without a limit"),
        ("400 | U/L | 0", (400, 1.2), "a limit of 0 is none"),
        ("6 | µkat/L | 4", (360, 1.5), "both: 6 x 60, and 6 of 4"),
    ],
)
def test_an_unusable_result_hides_no_usable_one(later: str, told: tuple[float, float], why: str):
    assert ldh(f"2020-02-10 | 300 | U/L | 250\n2020-02-20 | {later}", "P2") == pytest.approx(told), why


def test_without_any_usable_ldh_there_is_none():
    assert ldh("2020-02-20 | 5 | nmol/L |", "P2") == (None, None)
    assert ldh("2020-02-25 | 300 | U/L | 250", "P2") == (None, None)


def test_cells_below_the_lod_are_known_to_lie_below_all_others_and_never_become_a_number():
    # Below, 3e8, 9e8: the lower quartile and the minimum rest on the one below its LOD.
    assert number("tumour_reactive_cells") == (3, 3e8, None, 6e8, None, 9e8)
    assert category("tumour_reactive_cells_status") == [
        ("number", 1, 3, pytest.approx(100 / 3)),
        ("bound", 1, 3, pytest.approx(100 / 3)),
        ("below LOD", 1, 3, pytest.approx(100 / 3)),
    ]


def test_a_category_has_all_its_levels_among_those_known():
    assert category("sex") == [("female", 2, 4, 50.0), ("male", 2, 4, 50.0)]
    assert category("m_stage") == [("M1a", 1, 3, pytest.approx(100 / 3)), ("M1c", 2, 3, pytest.approx(200 / 3))]
    assert category("ecog") == [("0", 2, 3, pytest.approx(200 / 3)), ("1", 1, 3, pytest.approx(100 / 3))]
    assert category("ldh_elevated") == [("yes", 1, 2, 50.0)]
    assert [row[:3] for row in category("best_overall_response")] == [
        ("CR", 0, 3), ("PR", 1, 3), ("SD", 1, 3), ("NON-CR/NON-PD", 0, 3), ("PD", 1, 3), ("NE", 0, 3)
    ]  # fmt: skip


def sizes(frame: pl.DataFrame, division: str) -> dict[str, int]:
    return dict(frame.filter(division=division).select("group", "n_subjects").unique().rows())


def test_the_infused_are_divided_by_response_and_by_the_primary_exposure():
    frame = made()
    assert sizes(frame, "all") == {"all": 4}
    assert sizes(frame, "response") == {"responder": 1, "non-responder": 2, "not evaluable": 1}
    assert sizes(frame, "primary_exposure") == {"persistent": 1, "not persistent": 2, "not evaluable": 1}
    assert category("sex", "persistent") == [("female", 1, 1, 100.0), ("male", 0, 1, 0.0)]
    assert number("age", "non-responder") == (2, 67.5, 63.75, 71.25, 60, 75)


def test_the_landmark_of_the_primary_analysis_decides():
    assert sizes(made(landmark=180), "primary_exposure") == {"persistent": 1, "not persistent": 0, "not evaluable": 3}


def test_induction_divides_where_it_is_the_primary_exposure():
    frame = made(exposure="induced_by_landmark")
    assert sizes(frame, "primary_exposure") == {"induced": 1, "not induced": 2, "not evaluable": 1}


def test_a_number_divides_at_its_median_among_the_infused():
    frame = made(exposure="n_persistent_at_landmark")
    assert sizes(frame, "primary_exposure") == {
        "above the median (1)": 1, "at or below the median (1)": 2, "not evaluable": 1
    }  # fmt: skip


def test_cells_below_the_lod_are_at_or_below_the_median_of_the_cells_infused():
    frame = made(exposure="tumour_reactive_cells_infused")
    assert sizes(frame, "primary_exposure") == {
        "above the median (3e+08 cells)": 1, "at or below the median (3e+08 cells)": 2, "not evaluable": 1
    }  # fmt: skip


def test_a_median_below_the_lod_divides_the_detected_from_the_others():
    undetected = CELLS.with_columns(is_below_lod=pl.col("subject_id").is_in(["P2", "P4"]))
    frame = made(PEOPLE, PRODUCTS, undetected, *TABLES[3:], exposure="tumour_reactive_cells_infused")
    assert sizes(frame, "primary_exposure") == {
        "above the median (below LOD)": 1, "at or below the median (below LOD)": 2, "not evaluable": 1
    }  # fmt: skip


def test_an_exposure_that_changes_over_time_divides_nobody():
    frame = made(exposure="positive_over_time", outcome="OS")
    assert set(frame["division"]) == {"all", "response"}


def test_a_group_of_nobody_keeps_its_lines():
    frame = made(*TABLES[:4], RESPONSE.with_columns(is_responder=pl.lit(None, pl.Boolean)), PERSISTENT)
    nobody = frame.filter(group="responder")
    assert nobody.select("n_subjects", "n_known", "percent", "median").unique().rows() == [(0, 0, None, None)]
    assert nobody["position"].sort().to_list() == list(range(1, nobody.height + 1))
    assert nobody.filter(pl.col("level") != "")["n_with"].to_list() == [0] * nobody.filter(pl.col("level") != "").height


def test_without_a_subject_there_is_a_table_of_nobody():
    frame = made(*(each.clear() for each in TABLES))
    assert frame["n_subjects"].sum() == 0
    assert set(frame["division"]) == {"all", "response", "primary_exposure"}


@given(seed=st.integers(0, 2**32), days=st.integers(-3000, 3000))
@laws(max_examples=20, deadline=None)
def test_order_of_rows_and_a_shift_of_dates_change_nothing_but_the_age(seed: int, days: int):
    shift = timedelta(days=days)
    moved = [each.with_columns(pl.col(pl.Date) + shift).sample(fraction=1, shuffle=True, seed=seed) for each in TABLES]
    years = (DAY_0 + shift).year - DAY_0.year
    moved[0] = moved[0].with_columns(pl.col("birth_year") + years)
    assert made().equals(made(*moved))


@given(ages=st.lists(st.integers(18, 90), min_size=2, max_size=30))
@laws(max_examples=30, deadline=None)
def test_quartiles_are_the_inclusive_ones_of_the_standard_library(ages: list[int]):
    ids = [f"P{n}" for n in range(len(ages))]
    people = pl.DataFrame({"subject_id": ids, "birth_year": [DAY_0.year - age for age in ages]})
    infused = pl.DataFrame({"subject_id": ids, "infusion_date": DAY_0, "is_infused": True})
    tables = [
        pl.concat([contract.empty(), infused.select(pl.col(*columns)) if columns else people], how="diagonal_relaxed")
        for contract, columns in ((SUBJECTS, ()), (INFUSION_PRODUCTS, ("subject_id", "infusion_date")))
    ]
    outcome = pl.concat([OUTCOMES.empty(), infused], how="diagonal_relaxed")
    frame = made(*tables, INFUSED_CELLS.empty(), LAB_RESULTS.empty(), outcome, PERSISTENCE_BY_SUBJECT.empty())
    (row,) = frame.filter(characteristic="age", division="all").rows(named=True)
    expected = quantiles(ages, n=4, method="inclusive")
    assert [row["lower_quartile"], row["median"], row["upper_quartile"]] == pytest.approx(expected)
