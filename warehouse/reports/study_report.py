"""The study report: its sections in order, one function each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from warehouse.reports.association_sections import association_results
from warehouse.reports.blocks import Section
from warehouse.reports.cytometry_sections import (
    cytometry_responses,
    infused_by_assay,
    polyfunctionality,
    rules_compared,
)
from warehouse.reports.durability_sections import durability
from warehouse.reports.headline import headline
from warehouse.reports.outcome_sections import (
    follow_up,
    overall_survival,
    progression_and_response,
    response_rates,
)
from warehouse.reports.pool_sections import peptide_pools
from warehouse.reports.published import Published
from warehouse.reports.response_sections import infused_cells, persistence_of_subjects, responses_over_time
from warehouse.reports.settings_sections import methods
from warehouse.reports.tumour_sections import tumour_response

STUDY_SECTIONS: Final[tuple[Callable[[Published], Section | None], ...]] = (
    headline,
    response_rates,
    tumour_response,
    responses_over_time,
    cytometry_responses,
    polyfunctionality,
    rules_compared,
    follow_up,
    overall_survival,
    progression_and_response,
    durability,
    infused_cells,
    infused_by_assay,
    association_results,
    persistence_of_subjects,
    peptide_pools,
    methods,
)
"""In the order of the page; a section that gives None has nothing to do in this study."""
