"""The two pages, drawn from the published views and nothing else."""

from warehouse.reports.headline import headline_lines
from warehouse.reports.pages import pages_of_run, quality_page, study_page, write_pages

__all__ = ["headline_lines", "pages_of_run", "quality_page", "study_page", "write_pages"]
