"""From a response of cytometry back to tubes, populations, counts, software and files; and from a file to its tubes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from expectations.reasons import reason
from tests.published_sample import drawn, with_tables
from tests.published_sample_cytometry import (
    BATCH,
    FCS,
    P01,
    WSP,
    cytometry_responses,
    cytometry_settings,
    cytometry_study,
    cytometry_tables,
)
from warehouse.explain import explanation

Explained = Callable[..., list[str]]
ICS = f"{P01}/{BATCH}/MART-1/CD8/IFNg"
MULTIMER = f"{P01}/{BATCH}/MART-1/CD8/multimer/multimer_events"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("explained")
    cytometry_study(folder / "warehouse.duckdb")
    return folder


@pytest.fixture
def told(study: Path, tmp_path: Path) -> Explained:
    """Lines of one key of the sample with some tables replaced."""

    def explained(key: str, **frames: pl.DataFrame) -> list[str]:
        with_tables(study / "warehouse.duckdb", tmp_path / "warehouse.duckdb", frames)
        return explanation(tmp_path, key)

    return explained


def under(lines: list[str], beginning: str) -> list[str]:
    """The lines below the one that begins so, as long as they stand further in."""
    first = next(number for number, line in enumerate(lines) if line.startswith(beginning))
    depth = len(beginning) - len(beginning.lstrip())
    inside = []
    for line in lines[first + 1 :]:
        if len(line) - len(line.lstrip()) <= depth:
            break
        inside.append(line.strip())
    return inside


def test_a_net_percentage_is_told_with_the_counts_of_both_tubes_its_rule_and_its_lod(study):
    told = explanation(study, f"{ICS}/fisher")
    # P01 reaches 0.45 % above 0.02 %: 188 and 8 of 40 000 cells.
    assert told[0] == f"P01, specimen {P01} (blood, day 13), MART-1, cytometry IFNg of CD8, batch {BATCH}"
    assert told[1] == "  positive, net 0.45 % of CD8"
    assert told[2] == "  net 0.45 = 0.47 (188 of 40000) - 0.02 (8 of 40000) % of CD8; LOD 0.016"
    assert '  rule fisher version 1 {"alpha": 1e-05}: odds ratio 23.5, p adjusted by Holm 1e-07' in told
    assert "  compared with the control: medium" in told
    assert "  quality: nothing failed" in told


def test_cells_per_microlitre_lead_to_the_blood_count_and_its_line(study, told):
    responses = cytometry_responses().with_columns(blood_count_date=pl.date(2009, 3, 15), net_per_ul=pl.lit(1.35))
    (line,) = [line for line in told(f"{ICS}/fisher", responses=responses) if "microlitre" in line]
    assert line.strip() == (
        "1.35 cells per microlitre, by the blood count of 2009-03-15 (800 lymphocytes, 300 CD8, none CD4):"
        " reference/blood counts.csv, line 4 (sha256 2b2b2b2b2b2b)"
    )


def test_a_call_by_mimosa_names_the_version_of_its_fit_and_how_strong_it_is(study):
    (fit,) = [line for line in explanation(study, f"{ICS}/mimosa") if line.startswith("  fit")]
    assert fit.startswith("  fit: version 1 of 2012-03-01, week 2, 15 specimens, weakly identified;")
    assert "stimulated beta(2, 900), unstimulated beta(5, 20000)" in fit


def test_a_fit_over_all_visits_is_found_where_the_study_pools_them(told):
    fits = cytometry_tables()["mimosa_fits"].with_columns(visit=pl.lit("all visits"))
    pooled = cytometry_settings_with("cytometry.rules.mimosa.pool_visits", "true")
    lines = told(f"{ICS}/mimosa", mimosa_fits=fits, settings=pooled)
    assert any(line.startswith("  fit: version 1 of 2012-03-01, all visits, 15 specimens") for line in lines)


def cytometry_settings_with(name: str, value: str) -> pl.DataFrame:
    is_it = pl.col("setting") == name
    return cytometry_settings().with_columns(value=pl.when(is_it).then(pl.lit(value)).otherwise("value"))


def test_a_response_without_a_fit_says_so(told):
    responses = cytometry_responses().with_columns(fit_version=pl.lit(None, pl.Int32))
    assert "  fit: none" in told(f"{ICS}/mimosa", responses=responses)


def test_each_tube_leads_to_the_samples_that_tell_of_it_with_software_and_file(study):
    told = explanation(study, f"{ICS}/fisher")
    tubes = [line.strip() for line in told if line.startswith("  P01-T")]
    assert tubes == [
        "P01-T1: antigen, stimulus MART-1, batch day 1",
        "P01-T2: negative control, stimulus medium, batch day 1",
    ]
    samples = [line for line in under(told, "  P01-T1") if line.startswith("sample")]
    assert samples[0] == (
        "sample 1 (P01_MART-1.fcs) of cytometry/day 1.wsp (sha256 a1a1a1a1a1a1), flowjo workspace, FlowJo 10.8,"
        " saved 2012-02-20 10:00; matched by cytometry_tubes"
    )
    assert [line.rpartition(" (sha256")[0].rpartition("of ")[2] for line in samples] == [
        "cytometry/day 1.wsp", "cytometry/day 1 <table>.csv", "cytometry/P01_MART-1.fcs",
    ]  # fmt: skip


def test_a_sum_lists_the_boolean_subsets_and_a_population_the_files_that_count_it_otherwise(study):
    tube = under(explanation(study, f"{ICS}/fisher"), "  P01-T1")
    where = "cytometry/day 1.wsp, sample (sha256 a1a1a1a1a1a1)"
    place = tube.index(f"CD8 IFNg+: 188 of 40000 events (0.47 %); path CD3+/CD8+; {where}")
    assert tube[place + 1] == "sum of IFNg+TNF+ 30, IFNg+TNF- 158"
    place = tube.index(f"CD8: 40000 events; path CD3+/CD8+; {where}")
    assert tube[place + 1 : place + 3] == [
        "2 files count it and differ; the others:",
        "39990 events, FlowJo 10.7, saved 2012-02-18 10:00; path CD3+/CD8+;"
        " cytometry/day 1 <table>.csv, sample (sha256 c3c3c3c3c3c3)",
    ]


def test_stored_and_re_gated_counts_stand_together_and_only_failed_acquisition_is_told(study):
    tube = under(explanation(study, f"{ICS}/fisher"), "  P01-T1")
    gates = [line for line in tube if line.startswith("gate ")]
    assert gates[0] == (
        "gate CD3+/CD8+: stored 40000, counted again 38000 by perdure 0.3.0: DISAGREES (5 % apart, 1 % allowed);"
        " cytometry/P01_MART-1.fcs (sha256 b2b2b2b2b2b2)"
    )
    assert [line.partition(":")[0] for line in gates[1:]] == [
        "gate CD3+/CD8+/IFN-g+TNFa+", "gate CD3+/CD8+/IFN-g+TNFa-",
    ]  # fmt: skip
    assert [line for line in tube if line.startswith("acquisition")] == [
        "acquisition: flow rate jump 3.25, at most 2 allowed; cytometry/P01_MART-1.fcs (sha256 b2b2b2b2b2b2)"
    ]


def test_a_count_that_is_missing_is_told_by_what_it_is(told):
    populations = cytometry_tables()["tube_populations"]
    is_it = (pl.col("tube_id") == "P01-T2") & (pl.col("subset") == "IFNg+")
    percent_only = populations.with_columns(
        count=pl.when(~is_it).then("count"),
        status=pl.when(is_it).then(pl.lit("percent_only")).otherwise("status"),
        reason=pl.when(is_it).then(pl.lit("percent_only")),
    )
    tube = under(told(f"{ICS}/fisher", tube_populations=percent_only), "  P01-T2")
    assert any(line.startswith("CD8 IFNg+: percent only, 0.02 % (percent_only);") for line in tube)


def test_a_tube_without_the_readout_says_that_there_is_no_count(told):
    populations = cytometry_tables()["tube_populations"]
    lacking = populations.filter(~((pl.col("tube_id") == "P01-T2") & (pl.col("subset") == "IFNg+")))
    tube = under(told(f"{ICS}/fisher", tube_populations=lacking), "  P01-T2")
    assert "CD8 IFNg or IFNg+: no count in this tube" in tube


@pytest.mark.parametrize(("readout", "subset"), [("TNF+IFNg-", "IFNg-TNF+"), ("IL-2+IFNg+", "IFNg+IL-2+")])
def test_a_readout_is_found_in_whatever_order_its_markers_stand_and_with_signs_in_their_names(
    readout: str, subset: str, told: Explained
):
    responses = cytometry_responses().with_columns(readout=pl.lit(readout)).head(1)
    responses = responses.with_columns(
        pl.lit(P01).alias("specimen_id"), pl.lit("MART-1").alias("antigen"), pl.lit("key").alias("response_key")
    )
    populations = cytometry_tables()["tube_populations"].with_columns(
        subset=pl.when(pl.col("subset") == "IFNg+TNF+").then(pl.lit(subset)).otherwise("subset")
    )
    markers = cytometry_settings_with("cytometry.markers", '{"IFNg": [], "TNF": [], "IL-2": []}')
    lines = told("key", responses=responses, tube_populations=populations, settings=markers)
    assert any(line.startswith(f"CD8 {subset}: 30 of 40000 events") for line in under(lines, "  P01-T1"))


def test_a_multimer_leads_to_the_typing_and_to_its_tube_alone(study):
    told = explanation(study, MULTIMER)
    assert told[2] == "  0.45 (180 of 40000) % of CD8; LOD 0.025"
    assert "  HLA the multimer needs: A*02:01; typing of P01:" in told
    assert any(line.strip().startswith("A*02:01: ") for line in told)
    assert [line for line in told if line.startswith("  P01-T")] == [
        "  P01-T3: multimer, batch day 1, gates set by FMO"
    ]
    assert any(line.startswith("    CD8 MART-1 A*02:01 multimer+: 180 of 40000 events (0.45 %)") for line in told)
    assert not any("compared with the control" in line for line in told)


def test_an_untyped_subject_is_told_to_be_in_no_typing_table(study):
    told = explanation(study, f"P05-week 2/{BATCH}/MART-1/CD8/multimer/multimer_events")
    assert told[1].startswith("  not evaluable (hla_unknown)")
    assert "    none in hla_typing" in told
    assert told[told.index("Tubes (matched_samples):") + 1] == "  none"


def test_a_workspace_tells_of_each_sample_which_tube_it_is_or_why_it_is_none(study):
    told = explanation(study, "cytometry/day 1.wsp")
    samples = [line for line in told if line.startswith("  sample")]
    assert samples[0] == (
        f"  sample 1 (P01_MART-1.fcs): tube P01-T1 of specimen {P01}, antigen, stimulus MART-1, batch day 1;"
        " matched by cytometry_tubes"
    )
    why = reason("tube.unmatched")
    assert samples[3] == f"  sample 4 (P99_tet.fcs): no tube [tube.unmatched]; {why.meaning} {why.remedy}"
    assert explanation(study, WSP[:12]) == told


def test_an_fcs_file_tells_its_events_and_what_is_against_the_standard(study):
    told = explanation(study, FCS)
    assert (
        "  data set 1: FCS3.1, 131072 events, 18 channels, decoded by memory map; LSRII, 2012-02-10;"
        " $P2N is empty; the channel is called 2"
    ) in told
    assert not any("plates:" in line for line in told)


def test_events_other_than_declared_and_gates_without_samples_are_told(told):
    raw = cytometry_tables()["cytometry_files"].with_columns(n_events_declared=pl.lit(131073, pl.Int64))
    assert any("131072 events (131073 declared), 18 channels" in line for line in told(FCS, cytometry_files=raw))


def test_a_gating_ml_file_is_told_to_hold_gates(told):
    samples = drawn(
        "cytometry_samples", "sample_name\nlymphocytes.xml", source="gating_ml", file_sha256=WSP, sample_number=1
    )
    lines = told(WSP, cytometry_samples=samples, matched_samples=drawn("matched_samples", "tube_id").head(0))
    assert "  sample 1 (lymphocytes.xml): gates to apply to FCS files" in lines
