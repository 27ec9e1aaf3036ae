"""Pools of a peptide matrix: the peptides to follow up, and positive pools that nothing explains."""

from __future__ import annotations

from typing import Final

from warehouse.reports.blocks import Mark, Section
from warehouse.reports.published import Published, Row
from warehouse.reports.tables import Shown, tabulate
from warehouse.reports.wording import counted, series, unit_words

_SPECIMEN: Final = (
    Shown("Subject", "subject_id"),
    Shown("Specimen", "specimen_id"),
    Shown("Visit", "visit"),
)

_PEPTIDES: Final = (
    *_SPECIMEN,
    Shown("Peptide", "peptide"),
    Shown("Protein", "protein"),
    Shown("Status", lambda row: Mark(row["status"], "" if row["status"] == "candidate" else "quiet")),
    Shown("Others possible", "n_rivals", is_numeric=True),
    Shown("Lowest net value", "lowest_net_value", is_numeric=True),
    Shown("Pools", "pools"),
)

_CONTRADICTED: Final = (
    *_SPECIMEN,
    Shown("Pool", "pool"),
    Shown("Net value", "net_value", is_numeric=True),
    Shown("Peptides in it", "n_peptides", is_numeric=True),
    Shown("Response", "response_key"),
)


def peptide_pools(published: Published) -> Section | None:
    """Candidates of the pool matrix with their evidence; None for a study without one."""
    if not published.rows("select 1 from peptide_pools limit 1"):
        return None
    peptides, pools = published.view("peptides_to_follow_up"), published.view("positive_pools")
    in_force = published.only("analysis_in_force")
    measured = series(in_force["assay"], in_force["population"], in_force["readout"])
    told = tabulate(
        f"Peptides that positive pools point at, {measured}: {_counts(peptides)}",
        peptides,
        _PEPTIDES,
        f"No pool of the matrix was called positive in a reported specimen by {measured}.",
        notes=(
            "Candidates to be tested alone, no calls. Candidate: every pool of it is positive, and it is in two or "
            "more. Open: no pool of it is negative, but one was not tested or could not be called, or it is in one "
            "pool only. Others possible: in the positive pool that has fewest of them. Two recognised peptides in "
            "different rows and columns of a matrix always leave four candidates. "
            f"Values: net {unit_words(in_force['unit'])}.",
        ),
        rest_in="peptides_to_follow_up",
    )
    against = [row for row in pools if row["reading"] == "contradicted"]
    contradicted = tabulate(
        f"Positive pools in contradiction to others: {len(against)} of {counted(len(pools), 'positive pool')}",
        against,
        _CONTRADICTED,
        "No positive pool is in contradiction to the others.",
        notes=(
            "Every peptide of such a pool is also in a pool called negative. One of these calls is wrong, a pool was "
            "mixed up, or a peptide was too dilute or in competition there: test the pools again.",
        ),
        rest_in="positive_pools",
    )
    return Section("pools", "Peptide pools", (told, contradicted))


def _counts(peptides: list[Row]) -> str:
    n = sum(row["status"] == "candidate" for row in peptides)
    specimens = {row["specimen_id"] for row in peptides}
    return f"{counted(n, 'candidate')} and {len(peptides) - n} open, in {counted(len(specimens), 'specimen')}"
