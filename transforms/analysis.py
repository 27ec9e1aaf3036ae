"""From what is stored to every computed table: the one place that says in which order transforms follow each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from expectations.contract import Table
from expectations.study import StudySettings
from expectations.tables import COMPUTED_TABLES
from transforms.association import associations
from transforms.best_response import best_responses, leading_assessments
from transforms.breadth import breadth
from transforms.characteristics import characteristics
from transforms.control_baselines import control_baselines, versioned_baselines
from transforms.cytometry_analysis import analyse_cytometry
from transforms.denominators import denominators
from transforms.dispositions import contacts
from transforms.infusion import infused_cells, reactive_cells
from transforms.landmarks import persistence_at_landmark
from transforms.layouts import layouts
from transforms.limit_of_blank import limits_of_blank, versioned
from transforms.loss_curves import loss_curves
from transforms.outcome import outcomes
from transforms.persistence import persistence
from transforms.persistence_by_subject import persistence_by_subject
from transforms.plate_findings import plate_findings
from transforms.plate_quality import plate_measures, plate_quality
from transforms.pools import pool_candidates
from transforms.recist import derived_assessments
from transforms.responses import elispot_responses
from transforms.study_checks import LAID, study_checks
from transforms.survival import survival_tables
from transforms.visits import expected_specimens, next_due_date, visited_specimens
from transforms.wells import elispot_wells

Tables = Mapping[str, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Analysis:
    """What an analysis gives: computed tables by name, new estimates, checks that span tables, the next due day."""

    tables: dict[str, pl.DataFrame]
    new_estimates: pl.DataFrame
    new_baselines: pl.DataFrame
    """Estimates too: the limits of control charts."""
    new_fits: pl.DataFrame
    """Estimates too: mixtures of cytometry."""
    checks: pl.DataFrame
    """Rows of quality_checks without run and attempt."""
    next_due_date: date | None


def analyse(stored: Tables, settings: StudySettings, today: date, run_id: str, *, re_estimate: bool) -> Analysis:
    """Every computed table from every ingested one.

    Args:
        stored: the ingested tables, `files`, `regated_counts` and the records of estimates, by contract name.
        settings: the study file.
        today: the day on which visits are judged to be due.
        run_id: run that new estimates are ascribed to.
        re_estimate: True makes a new version of estimates whose input has changed.
    """
    t = dict(stored)
    t["follow_up"] = contacts(t["follow_up"], t["dispositions"])
    t["visited_specimens"] = visited_specimens(t["specimens"], t["infusion_products"], settings)
    laid = layouts(t, settings)
    t[LAID] = laid.effective
    t["elispot_wells"] = elispot_wells(t["elispot_counts"], t["plates"], t[LAID], t["specimens"], settings)
    t["plate_findings"] = plate_findings(laid, t["elispot_counts"], t["elispot_wells"], settings)
    fresh = limits_of_blank(t["elispot_wells"], settings, today)
    new_estimates = versioned(t["estimates"], fresh, re_estimate=re_estimate, run_id=run_id)
    t["estimates"] = pl.concat([t["estimates"], new_estimates])
    measures = plate_measures(t["elispot_wells"], t["plates"], settings)
    fresh = control_baselines(measures, settings, today)
    new_baselines = versioned_baselines(t["control_baselines"], fresh, re_estimate=re_estimate, run_id=run_id)
    t["control_baselines"] = pl.concat([t["control_baselines"], new_baselines])
    t["plate_quality"] = plate_quality(measures, t["control_baselines"], settings)
    arrivals = t["files"].group_by("file_sha256").agg(pl.col("arrival").min())
    of_elispot = elispot_responses(t["elispot_wells"], t["visited_specimens"], t["estimates"], settings, arrivals)
    cytometry = analyse_cytometry(t, settings, today, run_id, re_estimate=re_estimate)
    t |= cytometry.tables
    t["mimosa_fits"] = pl.concat([t["mimosa_fits"], cytometry.new_fits])
    t["responses"] = pl.concat([of_elispot, cytometry.responses])
    t["pool_candidates"] = pool_candidates(t["responses"], t["peptide_pools"], settings)
    t |= _responses_of_tumours(t, settings)
    leading = leading_assessments(t["derived_assessments"], settings)
    t["outcomes"] = outcomes(
        t["subjects"], t["infusion_products"], t["best_responses"], leading, t["follow_up"], settings
    )
    t["denominators"] = denominators(t["outcomes"])
    products = (t["infusion_products"], t["responses"], t["elispot_wells"])
    t["reactive_cells"] = reactive_cells(*products, settings)
    t["infused_cells"] = infused_cells(*products, settings)
    t |= _persistence(t, settings)
    t["expected_specimens"] = expected_specimens(
        t["visited_specimens"], t["outcomes"], t["infusion_products"], t["responses"], settings, today
    )
    t["survival_curves"], t["survival_summaries"] = survival_tables(
        t["outcomes"], t["persistence_by_subject"], settings
    )
    t["associations"] = associations(t, settings)
    t["characteristics"] = characteristics(
        t["subjects"], t["infusion_products"], t["infused_cells"], t["lab_results"], t["outcomes"],
        t["persistence_by_subject"], settings,
    )  # fmt: skip
    computed = {table.name: _conformed(t.get(table.name, table.empty()), table) for table in COMPUTED_TABLES}
    next_due = next_due_date(t["expected_specimens"], today)
    checks = study_checks(t, settings)
    return Analysis(computed, new_estimates, new_baselines, cytometry.new_fits, checks, next_due)


def _conformed(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    missing = {name: pl.lit(None, dtype) for name, dtype in table.schema.items() if name not in frame.columns}
    return table.conform(frame.with_columns(**missing))


def _responses_of_tumours(t: Tables, settings: StudySettings) -> dict[str, pl.DataFrame]:
    derived = derived_assessments(
        t["lesions"], t["lesion_measurements"], t["tumour_assessments"], t["infusion_products"], settings
    )
    best = best_responses(derived, t["infusion_products"], t["follow_up"], settings)
    return {"derived_assessments": derived, "best_responses": best}


def _persistence(t: Tables, settings: StudySettings) -> dict[str, pl.DataFrame]:
    samples = (t["responses"], t["visited_specimens"], t["outcomes"])
    whole = persistence(*samples, t["infusion_products"], settings)
    at_landmark = persistence_at_landmark(*samples, settings)
    by_subject = persistence_by_subject(at_landmark, whole, t["outcomes"], settings)
    return {
        "persistence": whole,
        "persistence_at_landmark": at_landmark,
        "persistence_by_subject": by_subject,
        "breadth": breadth(t["responses"], t["visited_specimens"], settings),
        "loss_curves": loss_curves(whole, t["outcomes"], settings),
    }
