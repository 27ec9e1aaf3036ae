"""The two pages, drawn from the published views and nothing else."""

from warehouse.reports.pages import PAGES, pages_of_run, quality_page, study_page, write_pages

__all__ = ["PAGES", "pages_of_run", "quality_page", "study_page", "write_pages"]
