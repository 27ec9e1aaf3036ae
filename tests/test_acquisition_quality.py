"""Each measure of an FCS file passes up to its limit in study.toml, and names the tube the file is."""

from __future__ import annotations

import polars as pl

from expectations.computed_cytometry import ACQUISITION_QUALITY
from expectations.cytometry_in import ACQUISITION_MEASURES
from tests.drawing import table
from tests.drawn_samples import computed, samples_of, study, tubes_of

MEASURES = """
    file_sha256 | data_set | measure        | channel | value
    f           | 1        | flow_rate_jump |         | 2.0
    f           | 1        | margin_events  | FSC-A   | 5.1
    f           | 1        | margin_events  | SSC-A   | 0
    f           | 1        | time_backwards |         | 1
    f           | 1        | time_gap       |         | 5.5
    u           | 1        | time_backwards |         | 0
"""


def judged(**limits: float) -> pl.DataFrame:
    measures = table(MEASURES, ACQUISITION_MEASURES)
    raw = samples_of("file | n | name\n f | 1 | T1.fcs\n u | 1 | unknown", source="fcs")
    other = samples_of("file | n | name\n a | 1 | T1")
    found = computed(
        study(acquisition=limits),
        cytometry_tubes=tubes_of("tube_id | specimen_id | stimulus\n T1 | S1 | CMV"),
        cytometry_samples=pl.concat([other, raw]),
        acquisition_measures=measures.with_columns(pl.col("channel").fill_null("")),
    )["acquisition_quality"]
    assert found.schema == ACQUISITION_QUALITY.schema
    return found


def test_a_value_at_its_limit_passes_and_one_beyond_fails():
    columns = ("file_sha256", "tube_id", "sample_name", "measure", "channel", "largest_allowed", "passes")
    assert judged().select(columns).rows() == [
        ("f", "T1", "T1.fcs", "flow_rate_jump", "", 2.0, True),
        ("f", "T1", "T1.fcs", "margin_events", "FSC-A", 5.0, False),
        ("f", "T1", "T1.fcs", "margin_events", "SSC-A", 5.0, True),
        ("f", "T1", "T1.fcs", "time_backwards", "", 0.0, False),
        ("f", "T1", "T1.fcs", "time_gap", "", 5.0, False),
        ("u", None, "unknown", "time_backwards", "", 0.0, True),
    ]


def test_the_limits_are_settings():
    found = judged(max_time_gap=6, max_flow_rate_jump=1.5, max_margin_percent=5.2)
    assert found.filter(file_sha256="f")["passes"].to_list() == [False, True, True, False, True]
