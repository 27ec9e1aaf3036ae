"""Closed vocabularies of the field, each once."""

from __future__ import annotations

from typing import Final

WELL_STATUS: Final = ("counted", "tntc", "off_scale", "masked", "qc_rejected", "not_counted")
WELL_ROLES: Final = ("antigen", "negative_control", "positive_control", "unused")
MATERIALS: Final = ("blood", "infusion_product", "tumour", "other")
PRESERVATION: Final = ("fresh", "frozen")
ANTIGEN_ROLES: Final = ("tumour", "viral", "other")
CALLS: Final = ("positive", "negative", "indeterminate", "not_evaluable")
ASSAYS: Final = ("elispot", "cytometry")
ELISPOT_RULES: Final = ("threshold", "dfr_eq", "dfr_2x")
CYTOMETRY_RULES: Final = ("fisher", "mimosa", "multimer_events")
RULES: Final = (*ELISPOT_RULES, *CYTOMETRY_RULES)
ORIGINS: Final = ("induced", "boosted", "pre_existing", "lost", "never", "unknown_baseline", "not_evaluable")
LOSS_CURVES: Final = ("midpoint", "left", "right", "turnbull")
ALL_TUMOUR_ANTIGENS: Final = "all tumour antigens"
"""In the place of an antigen: all declared tumour antigens together."""
LOSS_KINDS: Final = ("interval", "right_censored", "death", "never_detected", "no_post_sample")
RESPONSES: Final = ("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE")
TARGET_RESPONSES: Final = ("CR", "PR", "SD", "PD", "NE", "NONE")
"""NONE: the subject has no target lesion."""
NON_TARGET_RESPONSES: Final = ("CR", "NON-CR/NON-PD", "PD", "NE", "NONE")
LESION_CATEGORIES: Final = ("target", "non_target", "new")
LESION_STATUS: Final = (
    "measured",
    "too_small",
    "absent",
    "merged",
    "present",
    "progressed",
    "equivocal",
    "not_assessed",
)
RESPONSE_SOURCES: Final = ("reported", "derived")
VITAL_STATUS: Final = ("alive", "dead")
ENDPOINTS: Final = ("OS", "PFS", "DOR", "FOLLOW-UP")
RESPONSE_RATES: Final = ("objective_response_rate", "complete_response_rate", "disease_control_rate")
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
POPULATION_STATUS: Final = ("counted", "percent_only", "never_computed", "stale", "not_counted")
"""percent_only: rounded, without a count; never_computed: stored as -1; stale: below a root stored as 0."""
SAMPLE_SOURCES: Final = (
    "flowjo_table",
    "flowjo_workspace",
    "facsdiva_table",
    "facsdiva_xml",
    "cytobank_table",
    "long_csv",
    "gating_ml",
    "fcs",
)
GATE_TYPES: Final = ("rectangle", "polygon", "ellipsoid", "quadrant", "boolean", "other")
FCS_VERSIONS: Final = ("FCS2.0", "FCS3.0", "FCS3.1", "FCS3.2")
FCS_DATA_TYPES: Final = ("float", "double", "integer")
FCS_DECODERS: Final = ("memory map", "perdure")
ACQUISITION_MEASURES: Final = ("time_gap", "flow_rate_jump", "margin_events", "time_backwards")
MATCHED_BY: Final = ("cytometry_tubes", "keywords", "file_name")
TUBE_ROLES: Final = ("antigen", "negative_control", "positive_control", "unused", "multimer")
