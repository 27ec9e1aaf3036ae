"""Closed vocabularies of the field, each once."""

from __future__ import annotations

from typing import Final

WELL_STATUS: Final = ("counted", "tntc", "off_scale", "masked", "qc_rejected", "not_counted")
WELL_ROLES: Final = ("antigen", "negative_control", "positive_control", "unused")
MATERIALS: Final = ("blood", "infusion_product", "tumour", "other")
PRESERVATION: Final = ("fresh", "frozen")
ANTIGEN_ROLES: Final = ("tumour", "viral", "other")
CALLS: Final = ("positive", "negative", "indeterminate", "not_evaluable")
RULES: Final = ("threshold", "dfr_eq", "dfr_2x")
ORIGINS: Final = ("induced", "boosted", "pre_existing", "lost", "never", "unknown_baseline", "not_evaluable")
LOSS_KINDS: Final = ("interval", "right_censored", "death", "never_detected", "no_post_sample")
RESPONSES: Final = ("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE")
VITAL_STATUS: Final = ("alive", "dead")
POPULATIONS: Final = ("enrolled", "infused", "evaluable")
FILE_STATES: Final = ("accepted", "accepted_with_rejects", "quarantined", "duplicate", "superseded", "ignored")
FAMILIES: Final = ("primary", "secondary", "exploratory")
LAYOUT_SOURCES: Final = ("plate_layouts", "layout_templates", "instrument_layouts")
PLATE_MEASURES: Final = (
    "negative_control",
    "positive_control",
    "reference_sample",
    "replicate_variability",
    "tntc_share",
)
CHARTED_MEASURES: Final = PLATE_MEASURES[:3]
"""Those with a control chart."""
WESTGARD: Final = ("1-2s", "1-3s", "2-2s")
TREND_STATUS: Final = ("in_control", "warning", "rejected", "not_judged", "no_reference", "not_charted")
PEPTIDE_STATUS: Final = ("candidate", "excluded", "open")
