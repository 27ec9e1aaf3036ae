"""Every table there is, by name."""

from __future__ import annotations

from typing import Final

from expectations.association_tables import ASSOCIATION_TABLES
from expectations.computed import COMPUTED
from expectations.computed_cytometry import CYTOMETRY_COMPUTED
from expectations.contract import Table
from expectations.ingested import INGESTED
from expectations.outcome_tables import OUTCOME_TABLES
from expectations.records import RECORDS

COMPUTED_TABLES: Final = (*COMPUTED, *CYTOMETRY_COMPUTED, *OUTCOME_TABLES, *ASSOCIATION_TABLES)
"""Replaced by every run that computes."""

TABLES: Final[dict[str, Table]] = {table.name: table for table in (*RECORDS, *INGESTED, *COMPUTED_TABLES)}
"""In reading order: what perdure did, what came in, what was computed."""

PUBLISHED_AS: Final[dict[str, str]] = {
    "infused_cells": "infusion_products",
    "infusion_products": "infusion_products_received",
}
"""Tables whose published name differs: the public `infusion_products` also has the tumour-reactive cells."""
