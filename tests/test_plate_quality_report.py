"""Control charts and findings about plates on the quality page: each with its n, its verdicts and what to do."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.reasons import reason
from tests.published_sample import drawn, publish, sample_study, view
from tests.published_sample_cohort import settings, with_settings
from tests.published_sample_plates import control_baselines, plate_findings, plate_quality, plate_tables, plates
from tests.test_reports import specs, words
from warehouse.reports import quality_page
from warehouse.reports.control_chart import spot_ticks
from warehouse.reports.published import open_published

WITHOUT_PERIOD = with_settings(elispot__trend__reference_first=None, elispot__trend__reference_last=None)


@pytest.fixture(scope="module")
def quality(tmp_path_factory) -> str:
    return quality_page(sample_study(tmp_path_factory.mktemp("published") / "warehouse.duckdb"))


def section(document: str, title: str, following: str) -> str:
    shown = words(document)
    begins = shown.index(title, shown.index("Files held back ", 400))
    return shown[begins : shown.index(f" {following} ", begins)]


def page(tmp_path: Path, **frames: pl.DataFrame) -> str:
    given = {"settings": settings(), **plate_tables(), **frames}
    return section(quality_page(publish(tmp_path / "p.duckdb", given)), "Plate quality over time", "Calls")


# --- views -------------------------------------------------------------------------------------------------------


def test_a_chart_counts_its_verdicts_beside_the_limits_of_the_period_in_force():
    columns = "measure, n_plates, n_bound, n_warning, n_rejected, n_not_judged, baseline_version, n_plates_of_limits"
    found = view("control_charts", columns, plate_quality=plate_quality(), control_baselines=control_baselines())
    assert found == [("negative_control", 20, 0, 2, 2, 0, 1, 7), ("positive_control", 20, 1, 0, 1, 1, 1, 7)]
    other = with_settings(elispot__trend__reference_last="2009-08-31")
    frames = {"plate_quality": plate_quality(), "control_baselines": control_baselines(), "settings": other}
    assert view("control_charts", "baseline_version", **frames) == [(None,), (None,)]


def test_limits_on_a_chart_are_those_of_the_latest_version():
    later = control_baselines().with_columns(version=pl.lit(2, pl.Int32), n_plates=pl.lit(9, pl.Int64))
    frames = {"plate_quality": plate_quality(), "control_baselines": pl.concat([later, control_baselines()])}
    assert view("control_charts", "baseline_version, n_plates_of_limits", **frames) == [(2, 9), (2, 9)]


def test_plates_stand_on_a_chart_in_the_order_of_the_rules_and_undated_ones_not_at_all():
    quality = drawn(
        "plate_quality",
        """
        plate_id | read_date  | trend_status | value_log10
        B        | 2009-03-02 | in_control   | 1
        A        | 2009-03-02 | in_control   | 1
        Z        | 2009-03-01 | in_control   | 1
        U        |            | not_charted  | 1
        """,
    )
    assert view("charted_plates", "plate_id, place_in_order", plate_quality=quality) == [("Z", 1), ("A", 2), ("B", 3)]


def test_an_instrument_s_wells_are_added_up_and_a_plate_that_warns_and_is_rejected_counts_as_rejected():
    measures = drawn(
        "plate_quality",
        """
        plate_id | instrument | analyte | measure               | value | n_wells | read_date  | trend_status
        A        | AID        | IFNg    | tntc_share            | 50    | 10      | 2009-03-01 | not_charted
        B        | AID        | IFNg    | tntc_share            | 0     | 90      |            | not_charted
        A        | AID        | IFNg    | replicate_variability | 4     | 6       | 2009-03-01 | not_charted
        A        | AID        | IFNg    | negative_control      | 4     | 6       | 2009-03-01 | warning
        A        | AID        | IFNg    | positive_control      | 4     | 6       | 2009-03-01 | rejected
        C        | CTL        | IFNg    | negative_control      | 4     | 6       | 2009-03-01 | warning
        """,
    )
    columns = "instrument, n_plates, n_undated, n_rejected, n_warning, n_wells, n_wells_tntc, variability_median"
    assert view("plate_quality_by_instrument", columns, plate_quality=measures) == [
        ("AID", 2, 1, 1, 0, 100, 5, 4.0),
        ("CTL", 1, 0, 0, 1, None, None, None),
    ]


def test_findings_are_counted_by_reason_among_all_plates_and_by_plate():
    frames = {"plate_findings": plate_findings(), "plates": plates()}
    assert view("plate_findings_by_reason", "reason, n_plates, n_findings, n_plates_in_all", **frames) == [
        ("layout.well_without_layout", 2, 2, 20),
        ("layout.no_control", 1, 1, 20),
    ]
    wells = drawn("plate_findings", "place | detail\nB10 | a\nB2 | b\nA12 | b", plate_id="P", reason="x", analyte="")
    assert view("plate_findings_by_plate", "places, first_detail, n_details", plate_findings=wells) == [
        (["A12", "B2", "B10"], "b", 2)
    ]


# --- the page ----------------------------------------------------------------------------------------------------


def test_a_chart_says_how_many_plates_warn_and_are_rejected(quality):
    shown = section(quality, "Plate quality over time", "Calls")
    assert "AID, IFNg: n = 20 plates, 2 with a warning, 3 rejected" in shown
    assert "plates read from 2009-03-01 to 2009-09-30, at least 5 a chart" in shown


def chart(document: str) -> dict:
    return next(spec for spec in specs(document) if "charted" in str(spec) or "westgard" in str(spec))


def lines_of(spec: dict, panel: int) -> list[float]:
    """Where the horizontal lines of a panel stand, in log10(x + 1)."""
    named = [layer["data"]["name"] for layer in spec["vconcat"][panel]["layer"]]
    return [row["value_log10"] for name in named for row in spec["datasets"][name] if "line" in row]


def test_every_panel_states_its_n_and_lines_stand_at_mean_and_2_and_3_sd(quality):
    panels = chart(quality)["vconcat"]
    titles = [panel["title"]["text"] for panel in panels]
    assert titles == [
        "Negative control medium: n = 20 plates, 2 with a warning, 2 rejected",
        "Positive control PHA: n = 20 plates, 1 rejected, 1 not judged",
    ]
    lines = lines_of(chart(quality), 0)
    assert sorted(lines) == pytest.approx([0.7, 0.8, 1.0, 1.2, 1.3])


def test_a_limit_below_no_spots_is_not_drawn(tmp_path):
    low = plate_quality().with_columns(mean_log10=pl.lit(0.25))
    frames = {"settings": settings(), **plate_tables(), "plate_quality": low}
    lines = lines_of(chart(quality_page(publish(tmp_path / "low.duckdb", frames))), 0)
    assert sorted(lines) == pytest.approx([0.05, 0.25, 0.45, 0.55])


def test_verdicts_differ_in_shape_as_well_as_colour(quality):
    points = chart(quality)["vconcat"][0]["layer"][-1]["encoding"]
    shapes, colours = (points[channel]["scale"]["range"] for channel in ("shape", "color"))
    assert len(set(shapes)) == len(shapes) == len(set(colours)) == 4


def test_rejected_plates_stand_in_sight_with_value_and_rules_and_warnings_behind_a_line(quality):
    shown = section(quality, "Plate quality over time", "Calls")
    assert "Rejected measures of 3 of 20 plates" in shown and "Measures with a warning of 2 of 20 plates" in shown
    # 10^1.34 - 1 = 20.88
    assert "rejected GC_2026 2010-05-03 AID IFNg negative control medium 20.9 +3.4 1-2s, 1-3s" in shown


def test_without_a_period_the_page_says_which_settings_to_give(tmp_path):
    bare = plate_quality().with_columns(
        pl.lit(None).alias(name) for name in ("mean_log10", "sd_log10", "z", "baseline_version", "westgard")
    )
    bare = bare.with_columns(
        trend_status=pl.when(pl.col("value_log10").is_null())
        .then(pl.lit("not_charted"))
        .otherwise(pl.lit("no_reference"))
    )
    shown = page(tmp_path, plate_quality=bare, settings=WITHOUT_PERIOD)
    assert "No limits are drawn: set elispot.trend.reference_first and elispot.trend.reference_last" in shown
    assert "AID, IFNg: n = 20 plates, no limits" in shown
    assert "rejected." not in shown, "nothing was judged"


def test_charts_whose_period_has_enough_plates_by_now_ask_for_re_estimation(tmp_path):
    few = control_baselines().with_columns(version=pl.lit(0, pl.Int32), n_plates=pl.lit(2, pl.Int64))
    bare = plate_quality().with_columns(
        trend_status=pl.when(pl.col("value_log10").is_null())
        .then(pl.lit("not_charted"))
        .otherwise(pl.lit("no_reference"))
    )
    shown = page(tmp_path, plate_quality=bare, control_baselines=few)
    assert "2 of 2 charts without limits" in shown and "By now 2 of these would have enough" in shown


def test_of_many_instruments_those_with_most_rejected_stand_open_and_others_behind_a_line_with_their_n(tmp_path):
    several = [plate_quality().with_columns(instrument=pl.lit(name)) for name in ("AID", "CTL", "Mabtech", "Zeiss")]
    is_rejected = pl.col("trend_status") == "rejected"
    several[0] = several[0].with_columns(
        trend_status=pl.when(is_rejected).then(pl.lit("in_control")).otherwise("trend_status")
    )
    database = publish(tmp_path / "many.duckdb", {"settings": settings(), "plate_quality": pl.concat(several)})
    document = quality_page(database)
    told = "n = 20 plates, 2 with a warning, 3 rejected"
    folded = re.findall(r"<summary>(\w+), IFNg: (.+?)</summary>", document)
    assert folded == [("AID", "n = 20 plates, 2 with a warning, 0 rejected"), ("Zeiss", told)]
    assert f"CTL, IFNg: {told}" in document and f"Mabtech, IFNg: {told}" in document


def test_findings_stand_by_reason_with_meaning_and_remedy_and_plates_behind_a_line(quality):
    shown = section(quality, "Plates and layouts", "Plate quality over time")
    told = reason("layout.well_without_layout")
    assert f"layout.well_without_layout {told.meaning} {told.remedy} 2 of 20 2" in shown
    assert "layout.no_control: 1 plate, 1 finding" in shown
    assert "GC_2020 IFNg 1 <MART-1> no well of DMSO" in shown


def test_a_plate_with_many_findings_shows_the_first_and_says_how_many_more(tmp_path):
    many = pl.concat(
        drawn("plate_findings", f"place | detail\nA{n} | d{n}", plate_id="P", reason="layout.no_control", analyte="")
        for n in range(1, 21)
    )
    document = quality_page(publish(tmp_path / "many.duckdb", {"settings": settings(), "plate_findings": many}))
    shown = section(document, "Plates and layouts", "Plate quality over time")
    assert "A1; A2; A3; A4; A5; A6; A7; A8; A9; A10; A11; A12 and 8 more d1 (and 19 more)" in shown


@given(st.floats(0, 5), st.floats(0.02, 5))
def test_an_axis_has_a_few_ticks_within_its_ends(low, span):
    ticks = spot_ticks(low, low + span)
    assert 2 <= len(ticks) <= 22
    assert all(10**low - 1 - 1e-6 <= tick <= (10 ** (low + span) - 1) * (1 + 1e-9) + 1e-6 for tick in ticks)
    assert ticks == sorted(set(ticks))


def test_the_views_of_the_sample_can_be_read_together(tmp_path):
    database = sample_study(tmp_path / "warehouse.duckdb")
    with open_published(database) as published:
        assert len(published.view("plates_out_of_control")) == 5
