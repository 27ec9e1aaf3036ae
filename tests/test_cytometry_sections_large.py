"""The quality report of a study of 400 samples by 300 populations with their FCS files: its sections do not grow so."""

from __future__ import annotations

import re

import polars as pl
import pytest

from expectations.tables import TABLES
from tests.published_sample import publish
from tests.published_sample_cytometry import cytometry_settings
from warehouse.reports.cytometry_quality_sections import acquisition, tubes
from warehouse.reports.pages import page
from warehouse.reports.regating_sections import regated

SAMPLES, POPULATIONS = 400, 300
N = SAMPLES * POPULATIONS
N_EMPTY = SAMPLES
"""Of every sample the first population has no event in either count."""
PATH = "Lymphocytes/Single Cells/Live/CD3+/CD8+/Population "


def counts() -> pl.DataFrame:
    """Half of all populations disagree, those of later samples by more; one ellipse agrees."""
    number = pl.int_range(pl.len())
    sample, population = number // POPULATIONS + 1, number % POPULATIONS
    disagrees = (population % 2 == 1) & (sample > 40)
    count = pl.when(population > 0).then(1000 * population).otherwise(0)
    return (
        pl.select(pl.int_range(N).alias("n"))
        .select(
            file_sha256=pl.lit("aa" * 32),
            sample_number=sample,
            sample_name=pl.format("Tube_{}_stimulated.fcs", sample),
            population_path=pl.format("{}{}", pl.lit(PATH), population),
            fcs_sha256=pl.format("{}", sample + 1_000_000),
            gate_type=pl.when(number == N - 2).then(pl.lit("ellipse")).otherwise(pl.lit("polygon")),
            count_stored=count,
            count_regated=pl.when(disagrees).then(count - population * sample).otherwise(count),
            tolerance_percent=pl.lit(1.0),
            agrees=~disagrees,
            software_version=pl.lit("FlowJo 10.8"),
        )
        .with_columns(difference=pl.col("count_regated") - pl.col("count_stored"))
        .with_columns(
            difference_percent=pl.when(pl.col("count_stored") > 0)
            .then(100 * pl.col("difference").abs() / pl.col("count_stored"))
            .otherwise(0)
        )
    )


def whole(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every other column of its table empty."""
    lacking = [pl.lit(None, dtype).alias(column) for column, dtype in TABLES[name].schema.items()]
    return frame.with_columns(column for column in lacking if column.meta.output_name() not in frame.columns)


def files() -> pl.DataFrame:
    numbers = pl.int_range(SAMPLES).alias("n")
    remarks = pl.format("$P{}N is empty; the channel is called {}", "n", "n")
    return pl.select(numbers).select(
        file_sha256=pl.format("{}", pl.col("n") + 1_000_001),
        sample_name=pl.format("Tube_{}.fcs", "n"),
        fcs_version=pl.lit("FCS3.1"),
        data_set=pl.lit(1),
        n_events=pl.lit(100_000),
        n_channels=pl.lit(18),
        remarks=remarks,
    )


def findings() -> pl.DataFrame:
    """Counts of every population differ between two files; every FCS file is no tube."""
    number = pl.int_range(pl.len())
    differ = pl.select(pl.int_range(N).alias("n")).select(
        reason=pl.lit("population.counts_differ"),
        file_sha256=pl.lit("aa" * 32),
        place=pl.format("P{}: {}{}", number // POPULATIONS, pl.lit(PATH), number % POPULATIONS),
        detail=pl.format("{} (FlowJo 10.8, saved 2012-02-20) used; 39990 (FlowJo 10.7)", number),
    )
    lost = files().select(
        "file_sha256",
        reason=pl.lit("tube.unmatched"),
        place=pl.format("sample 1 ({})", "sample_name"),
        detail=pl.lit("in no row of cytometry_tubes"),
    )
    return pl.concat([differ, lost.select(differ.columns)])


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The sections of the quality report that tell of samples, populations and files."""
    channels = pl.select(pl.int_range(20).alias("n")).select(channel=pl.format("B{}-A", "n"))
    failed = files().select("file_sha256", "sample_name", "data_set").join(channels, how="cross")
    failed = failed.with_columns(
        measure=pl.lit("margin_events"), value=pl.lit(9.0), largest_allowed=pl.lit(5.0), passes=pl.lit(value=False)
    )
    paths = pl.select(pl.int_range(N // 4).alias("n")).select(
        population_path=pl.format("{}of {}", pl.lit(PATH), "n"),
        is_mapped=pl.lit(value=False), reason=pl.lit("population.unmapped"), n_samples=pl.lit(1), n_files=pl.lit(1),
        example_sha256=pl.lit("aa" * 32),
    )  # fmt: skip
    samples = files().select("file_sha256", "sample_name", source=pl.lit("fcs"), sample_number=pl.lit(1))
    given = {
        "gate_agreement": counts(), "tube_findings": findings(), "acquisition_quality": failed,
        "cytometry_files": files(), "population_paths": paths, "cytometry_samples": samples,
        "matched_samples": samples.with_columns(reason=pl.lit("tube.unmatched")),
    }  # fmt: skip
    frames = {name: whole(name, frame) for name, frame in given.items()} | {"settings": cytometry_settings()}
    database = publish(tmp_path_factory.mktemp("large") / "warehouse.duckdb", frames)
    return page(database, "Quality report", (tubes, regated, acquisition))


def section(document: str, anchor: str) -> str:
    return re.search(rf'<section id="{anchor}">(.*?)</section>', document, flags=re.DOTALL)[1]


@pytest.mark.parametrize(("anchor", "kilobytes"), [("tubes", 250), ("regated", 750), ("acquisition", 250)])
def test_a_section_of_many_samples_and_populations_stays_small(anchor: str, kilobytes: int, document: str):
    assert len(section(document, anchor).encode()) < 1000 * kilobytes
