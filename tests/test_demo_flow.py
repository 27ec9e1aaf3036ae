"""The demo study through the whole pipeline: every planted fault ends as foretold, and the headline numbers agree with
a second, simple route over the same files."""

from __future__ import annotations

from pathlib import Path

import pytest

from expectations.reasons import REASONS
from flows.demo import Fault, write_demo
from tests import running
from tests.recompute import Headline, recompute
from tests.running import ask, one

pytestmark = pytest.mark.filterwarnings("default")  # Prefect and Great Expectations warn of their own dependencies


def held_or_copied(faults: list[Fault]) -> set[str]:
    """Inbox paths whose content must not reach a number."""
    return {fault.path for fault in faults if fault.expected_state in ("quarantined", "duplicate", "ignored")}


def persistent(study: Path) -> dict[str, bool]:
    rows = ask(
        study,
        "select subject_id, persistent from persistence_by_subject "
        "where assay = 'elispot' and is_primary_rule and landmark_day = 90 and persistent is not null",
    )
    return dict(rows)


def two_by_two(study: Path) -> tuple[tuple[int, int], tuple[int, int]]:
    ((exposed, with_exposed, unexposed, with_unexposed),) = ask(
        study,
        "select n_exposed, n_exposed_with_outcome, n_unexposed, n_unexposed_with_outcome from associations "
        "where family = 'primary'",
    )
    return (with_exposed, exposed - with_exposed), (with_unexposed, unexposed - with_unexposed)


def check_headline(study: Path, told: Headline) -> None:
    """The published headline numbers against the recomputed ones."""
    best = dict(ask(study, "select subject_id, coalesce(best_overall_response, 'NE') from outcomes where is_infused"))
    assert best == told.best_responses
    responders, evaluable = ask(
        study,
        "select n_with, n from denominators where measure = 'objective_response_rate' and population = 'evaluable'",
    )[0]
    assert (responders, evaluable) == (told.n("CR", "PR"), told.n_evaluable)
    median = one(
        study,
        "select median_months from survival_summaries "
        "where endpoint = 'OS' and population = 'infused' and \"group\" = 'all' and landmark_day = 0",
    )
    assert median == pytest.approx(told.median_os_months, rel=1e-12)
    assert persistent(study) == told.persistent
    assert two_by_two(study) == told.two_by_two
    assert one(study, "select p_value from associations where family = 'primary'") == pytest.approx(
        told.fisher_p, rel=1e-9
    )
    cells = dict(
        ask(
            study,
            "select subject_id, tumour_reactive_cells from infusion_products where tumour_reactive_cells is not null",
        )
    )
    assert cells == pytest.approx(told.reactive_cells, rel=1e-9)


def test_the_default_seed_gives_the_numbers_of_the_abstract(demo_run: Path) -> None:
    rates = ask(
        demo_run,
        "select population, n_with, n, round(percent, 1), round(lower_percent, 1), round(upper_percent, 1) "
        "from denominators where measure = 'objective_response_rate' order by population",
    )
    assert rates == [
        ("enrolled", 10, 25, 40.0, 21.1, 61.3),
        ("evaluable", 10, 24, 41.7, 22.1, 63.4),
        ("infused", 10, 25, 40.0, 21.1, 61.3),
    ]
    assert one(demo_run, "select count(*) from outcomes where best_overall_response = 'CR'") == 3
    assert one(demo_run, "select count(*) from outcomes where best_overall_response = 'PR'") == 7
    assert (
        round(one(demo_run, "select value from headline where headline = 'median_overall_survival' and is_lead"), 1)
        == 21.8
    )
    assert one(demo_run, "select p_value < 0.05 from headline where headline = 'primary_association'")


def test_the_published_numbers_are_those_of_a_second_route_over_the_files(demo_run: Path, tmp_path: Path) -> None:
    faults = write_demo(tmp_path)
    check_headline(demo_run, recompute(demo_run, held_or_copied(faults)))


def test_another_seed_gives_other_numbers_that_a_second_route_gives_too(
    demo_run: Path, prefect_server: str, tmp_path: Path
) -> None:
    study = tmp_path / "other"
    told = recompute(study, held_or_copied(write_demo(study, seed=7)))
    running.run(study)
    check_headline(study, told)
    default = recompute(demo_run, held_or_copied(write_demo(tmp_path / "default")))
    assert (told.median_os_months, told.fisher_p, told.n("CR", "PR")) != (
        default.median_os_months,
        default.fisher_p,
        default.n("CR", "PR"),
    )


def test_every_planted_fault_ends_in_its_state_with_its_reason(demo_run: Path, tmp_path: Path) -> None:
    faults = [fault for fault in write_demo(tmp_path) if fault.expected_state]
    expected = {fault.path: (fault.expected_state, fault.expected_reason) for fault in faults}
    told = {path: (state, reason) for path, state, reason in ask(demo_run, "select path, state, reason from files")}
    assert {path: told[path] for path in expected} == expected
    others = {path: state for path, state in told.items() if path not in expected}
    assert set(others.values()) == {("accepted", "accepted.whole")}, "no file without a fault is held back"
    assert len({fault.expected_reason for fault in faults}) >= 10


def test_rejected_rows_are_kept_with_rule_column_value_and_place(demo_run: Path, tmp_path: Path) -> None:
    rows = [fault for fault in write_demo(tmp_path) if (fault.expected_reason or "").startswith("row.")]
    rejects = set(
        ask(demo_run, "select path, rule, column_name from rejects where place is not null and value is not null")
    )
    assert {(fault.path, fault.expected_reason, fault.column) for fault in rows} <= rejects


def test_findings_without_a_file_state_are_quality_checks_or_on_a_control_chart(demo_run: Path, tmp_path: Path) -> None:
    findings = [fault for fault in write_demo(tmp_path) if fault.expected_state is None and not fault.expected_reason]
    failed = ask(demo_run, "select examples from quality_checks where not success and examples is not null")
    rejected = ask(demo_run, "select plate_id from plate_quality where trend_status = 'rejected'")
    told = " ".join(text for (text,) in [*failed, *rejected])
    assert findings
    assert [fault.value for fault in findings if str(fault.value) not in told] == []


def test_findings_about_tubes_are_told_with_their_reason_and_no_other_kind_is(demo_run: Path, tmp_path: Path) -> None:
    planted = [fault for fault in _findings(tmp_path) if REASONS[str(fault.expected_reason)].kind == "tube"]
    told = ask(
        demo_run,
        "select found.reason, files.path, concat_ws(' ', found.place, found.tube_id, found.detail) "
        "from tube_findings as found join files using (file_sha256)",
    )
    missing = [
        fault.name
        for fault in planted
        if not any(
            (reason, path) == (fault.expected_reason, fault.path) and str(fault.value) in text
            for reason, path, text in told
        )
    ]
    assert missing == []
    assert {reason for reason, *_ in told} == {fault.expected_reason for fault in planted}


def test_responses_that_do_not_follow_from_lesions_are_the_planted_ones(demo_run: Path, tmp_path: Path) -> None:
    planted = [fault for fault in _findings(tmp_path) if REASONS[str(fault.expected_reason)].kind == "response"]
    told = ask(demo_run, "select difference_reason, subject_id from derived_assessments where not agrees")
    assert sorted(told) == sorted((fault.expected_reason, fault.value) for fault in planted)


def _findings(folder: Path) -> list[Fault]:
    return [fault for fault in write_demo(folder) if fault.expected_state is None and fault.expected_reason]


def test_stored_and_regated_counts_agree_in_every_gate_of_every_raw_file(demo_run: Path) -> None:
    compared = ask(
        demo_run,
        "select count(*), count(distinct fcs_sha256), count_if(agrees and difference = 0) from gate_agreement "
        "where count_regated is not null",
    )
    assert compared == [(6 * 12, 6, 6 * 12)]


def test_a_cytometry_call_of_every_kind_is_published(demo_run: Path) -> None:
    told = ask(
        demo_run,
        "select distinct rule, call, reason from responses "
        "where assay = 'cytometry' and (reason is not null or call = 'positive')",
    )
    assert set(told) >= {
        ("fisher", "positive", None),
        ("fisher", "not_evaluable", "percent_only"),
        ("fisher", "not_evaluable", "count_missing"),
        ("fisher", "not_evaluable", "too_few_events"),
        ("mimosa", "positive", None),
        ("mimosa", "not_evaluable", "no_fit"),
        ("multimer_events", "positive", None),
        ("multimer_events", "not_evaluable", "hla_mismatch"),
        ("multimer_events", "not_evaluable", "hla_unknown"),
    }


def test_great_expectations_checked_every_incoming_table_and_its_results_are_stored(demo_run: Path) -> None:
    from expectations.ingested import INGESTED

    checked = {
        name
        for (name,) in ask(
            demo_run, "select distinct table_name from quality_checks where engine = 'great_expectations'"
        )
    }
    assert checked == {table.name for table in INGESTED}
    assert one(demo_run, "select count(*) from quality_checks where engine = 'great_expectations' and not success") > 0


def test_both_pages_say_that_the_data_are_simulated(demo_run: Path) -> None:
    for page in ("study.html", "quality.html"):
        assert "imulated" in (demo_run / "reports" / page).read_text(encoding="utf-8").split("<script")[0]
