"""Which FCS file a sample of a workspace was made from, and what a Gating-ML file gates."""

from __future__ import annotations

import polars as pl
import pytest

from expectations.computed_cytometry import MATCHED_SAMPLES
from expectations.cytometry_in import CYTOMETRY_FILES, CYTOMETRY_SAMPLES, CYTOMETRY_TUBES
from tests.drawing import table
from transforms.gating_pairs import PAIRED, findings, pairs


def found(
    samples: str, files: str = "file_sha256 | n_events", tubes: str = "tube_id", matched: str = "file_sha256"
) -> list[tuple[str, int, str | None, str | None]]:
    """Sample, its FCS file, and the reason why it has none; a batch is written `a;b`."""
    told = table(samples, CYTOMETRY_SAMPLES).with_columns(
        pl.col("batches").str.replace_all(";", " | "),
        sample_number=pl.col("sample_number").fill_null(1),
        source=pl.col("source").fill_null(pl.lit("flowjo_workspace")),
    )
    paired = pairs(
        told,
        table(files, CYTOMETRY_FILES, data_set=1),
        table(tubes, CYTOMETRY_TUBES),
        table(matched, MATCHED_SAMPLES, source="fcs"),
    )
    assert paired.schema == pl.Schema(PAIRED)
    assert (paired["fcs_sha256"].is_null() == paired["reason"].is_not_null()).all()
    return paired.select("file_sha256", "sample_number", "fcs_sha256", "reason").rows()


ONE_FILE = """
    file_sha256 | n_events
    F           | 1000
"""
TWO_FILES = """
    file_sha256 | n_events
    F           | 1000
    G           | 1000
"""


@pytest.mark.parametrize(
    ("name", "fcs_name", "inbox_name", "says"),
    [
        ("A01.fcs", "A01.fcs", "A01.fcs", "A01.fcs"),
        ("donor 1", "A01.fcs", "a01.FCS", ""),
        ("donor 1", "A01.fcs", "export_001.fcs", "A01.fcs"),
        ("A01", "", "A01.fcs", ""),
    ],
)
def test_a_sample_is_of_the_file_of_its_name_or_of_the_name_either_says(name, fcs_name, inbox_name, says):
    samples = f"""
        file_sha256 | source           | sample_name  | fcs_name   | n_events
        W           | flowjo_workspace | {name}       | {fcs_name} | 1000
        F           | fcs              | {inbox_name} | {says}     | 1000
    """
    assert found(samples, ONE_FILE) == [("W", 1, "F", None)]


def test_no_file_of_that_name_gives_no_row():
    samples = """
        file_sha256 | source | sample_name | n_events
        W           |        | A01.fcs     | 1000
        F           | fcs    | A02.fcs     | 1000
    """
    assert found(samples, ONE_FILE) == []


def test_a_file_of_that_name_with_another_number_of_events_differs():
    samples = """
        file_sha256 | source | sample_name | n_events
        W           |        | A01.fcs     | 999
        F           | fcs    | A01.fcs     | 1000
    """
    assert found(samples, ONE_FILE) == [("W", 1, None, "gating.fcs_differs")]


def test_the_number_of_events_a_file_declares_counts_too_and_a_sample_without_one_takes_any():
    samples = """
        file_sha256 | sample_number | source | sample_name | n_events
        W           | 1             |        | A01.fcs     | 1005
        W           | 2             |        | A01.fcs     |
        F           | 1             | fcs    | A01.fcs     | 1000
    """
    files = """
        file_sha256 | n_events | n_events_declared
        F           | 1000     | 1005
    """
    assert found(samples, files) == [("W", 1, "F", None), ("W", 2, "F", None)]


def test_of_two_files_of_one_name_the_one_with_its_number_of_events_counts():
    samples = """
        file_sha256 | source | sample_name | n_events
        W           |        | A01.fcs     | 1000
        F           | fcs    | A01.fcs     | 1000
        G           | fcs    | A01.fcs     | 900
    """
    files = """
        file_sha256 | n_events
        F           | 1000
        G           | 900
    """
    assert found(samples, files) == [("W", 1, "F", None)]


def test_of_two_alike_the_one_told_to_be_in_its_plate_counts_and_without_a_plate_neither():
    samples = """
        file_sha256 | sample_number | source | sample_name | n_events | batches
        W           | 1             |        | A01.fcs     | 1000     | Plate 2;week 4
        W           | 2             |        | A01.fcs     | 1000     |
        W           | 3             |        | A01.fcs     | 1000     | week 4
        F           | 1             | fcs    | A01.fcs     | 1000     | plate 1;week 4
        G           | 1             | fcs    | A01.fcs     | 1000     | plate 2;week 4
    """
    assert found(samples, TWO_FILES) == [
        ("W", 1, "G", None),
        ("W", 2, None, "gating.fcs_ambiguous"),
        ("W", 3, None, "gating.fcs_ambiguous"),
    ]


def test_a_file_acquired_at_another_time_is_another_tube_of_that_name():
    samples = """
        file_sha256 | source | sample_name | n_events | keywords
        W           |        | A01.fcs     | 1000     | {"$DATE": "1-MAR-2020", "$BTIM": "10:00:00"}
        F           | fcs    | A01.fcs     | 1000     | {"$DATE": "1-MAR-2020", "$BTIM": "11:00:00"}
        G           | fcs    | A01.fcs     | 1000     | {"$DATE": "1-MAR-2020", "$CYT": "LSR"}
    """
    assert found(samples, TWO_FILES) == [("W", 1, "G", None)]


def test_only_the_first_data_set_of_a_file_is_a_tube():
    files = """
        file_sha256 | data_set | n_events
        F           | 1        | 400
        F           | 2        | 1000
    """
    samples = """
        file_sha256 | sample_number | source | sample_name | n_events
        W           | 1             |        | A01.fcs     | 1000
        F           | 1             | fcs    | A01.fcs     | 400
        F           | 2             | fcs    | A01.fcs     | 1000
    """
    told = pairs(
        table(samples, CYTOMETRY_SAMPLES).with_columns(pl.col("source").fill_null(pl.lit("flowjo_workspace"))),
        table(files, CYTOMETRY_FILES),
        CYTOMETRY_TUBES.empty(),
        MATCHED_SAMPLES.empty(),
    )
    assert told["reason"].to_list() == ["gating.fcs_differs"]


def test_a_gating_ml_file_gates_the_fcs_file_of_every_tube_that_names_it():
    samples = """
        file_sha256 | source    | sample_name
        M           | gating_ml | Panel A.xml
        N           | gating_ml | other.xml
    """
    tubes = """
        tube_id | gating_file
        t1      | panel a.xml
        t2      | gates/Panel A.xml
        t3      | Panel A.xml
        t4      |
        t5      | Panel A.xml
    """
    matched = """
        file_sha256 | sample_number | tube_id | reason
        F1          | 1             | t1      |
        F2          | 1             | t2      |
        F3          | 1             | t3      |
        G3          | 1             | t3      |
        F4          | 1             | t4      |
        F5          | 1             |         | tube.ambiguous
    """
    assert found(samples, tubes=tubes, matched=matched) == [
        ("M", 1, "F1", None),
        ("M", 1, "F2", None),
        ("M", 1, None, "gating.fcs_ambiguous"),
    ]


def test_the_order_of_rows_makes_no_difference():
    samples = table(
        """
        file_sha256 | source           | sample_number | sample_name | n_events | batches
        W           | flowjo_workspace | 1             | A01.fcs     | 1000     | p1
        W           | flowjo_workspace | 2             | A02.fcs     | 1000     | p1
        F           | fcs              | 1             | A01.fcs     | 1000     | p1
        G           | fcs              | 1             | A02.fcs     | 1000     | p1
        H           | fcs              | 1             | A02.fcs     | 1000     | p1
        """,
        CYTOMETRY_SAMPLES,
    )
    files = table("file_sha256 | n_events\nF | 1000\nG | 1000\nH | 1000", CYTOMETRY_FILES, data_set=1)
    rest = (CYTOMETRY_TUBES.empty(), MATCHED_SAMPLES.empty())
    assert pairs(samples, files, *rest).equals(pairs(samples.reverse(), files.reverse(), *rest))


def test_samples_without_one_fcs_file_are_findings_of_their_tube():
    paired = pl.DataFrame(
        [
            ("W", 1, "F", None, None, None),
            ("W", 2, None, None, "gating.fcs_differs", "999 events in the workspace, 1000 in the FCS file"),
            ("M", 1, None, "t3", "gating.fcs_ambiguous", "tube t3: FCS files F3, G3"),
        ],
        schema=PAIRED,
        orient="row",
    )
    samples = table("file_sha256 | sample_number | sample_name\nW | 1 | A\nW | 2 | B\nM | 1 | g.xml", CYTOMETRY_SAMPLES)
    matched = """
        file_sha256 | sample_number | tube_id | specimen_id
        W           | 1             | t1      | S1
        W           | 2             | t2      | S2
        F3          | 1             | t3      | S3
        G3          | 1             | t3      | S3
    """
    told = findings(paired, samples, table(matched, MATCHED_SAMPLES))
    assert told.select("reason", "file_sha256", "place", "tube_id", "specimen_id").rows() == [
        ("gating.fcs_ambiguous", "M", "sample 1 (g.xml), t3", "t3", "S3"),
        ("gating.fcs_differs", "W", "sample 2 (B)", "t2", "S2"),
    ]
