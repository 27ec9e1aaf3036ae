"""Checks of tubes and populations of flow cytometry that succeed where tube_findings tells none of their reasons."""

from __future__ import annotations

from typing import Final

TUBE_CHECKS: Final = (
    (
        "matched_samples",
        "has_control",
        "every stimulated tube has a tube of its control, of its specimen and batch",
        "tube.no_control",
    ),
    ("matched_samples", "counted_once", "no two tubes rest on one FCS file", "tube.same_fcs_file"),
    (
        "matched_samples",
        "sources_agree",
        "the table of tubes, keywords and file names agree on specimen and stimulus",
        "tube.sources_disagree",
    ),
    (
        "matched_samples",
        "collected_first",
        "no sample is acquired before its specimen is collected",
        "tube.acquired_before_collection",
    ),
    (
        "population_paths",
        "is_mapped",
        "every path of gates is mapped, but those that lead to a mapped one",
        "population.unmapped",
    ),
    (
        "tube_populations",
        "files_agree",
        "files that count one population of a tube agree",
        "population.counts_differ",
    ),
    (
        "tube_populations",
        "gated_together",
        "counts of a stimulated tube and of its control come from one state of one analysis",
        "tube.gated_apart",
    ),
    (
        "tube_populations",
        "gated_alike",
        "tubes of one specimen and batch count a population at one path of gates",
        "population.paths_differ",
    ),
    ("tube_populations", "is_possible", "no population is larger than the one it lies in", "count.impossible"),
    (
        "gate_agreement",
        "agrees",
        "stored counts and those made again from the FCS files agree",
        "gating.disagrees",
    ),
)
"""Table it is told under, name, rule in words, and the reason of tube_findings that breaks it."""
