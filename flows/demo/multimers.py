"""The simulated HLA typing and multimer stainings: cells that bind an antigen's peptide on HLA-A*02:01."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from expectations.study import StudySettings
from flows.demo.chance import lognormal, negative_binomial, pick, whole
from flows.demo.cytokines import WELL_THAWED
from flows.demo.immunity import NO_RESPONSE, respond
from flows.demo.specimens import Specimen
from flows.demo.subjects import Subject
from flows.demo.tables import Row

_ALLELES: Final = {
    "A*02:01": 0.3,
    "A*01:01": 0.17,
    "A*03:01": 0.15,
    "A*24:02": 0.1,
    "A*11:01": 0.08,
    "A*68:01": 0.05,
    "A*29:02": 0.05,
    "A*31:01": 0.04,
    "A*26:01": 0.03,
    "A*32:01": 0.03,
}
_BINDING: Final = 1e-5
"""Share of CD8 T cells that bind for every spot per 10^6 cells: a little more than make cytokines."""
_BACKGROUND: Final = 2e-5
_LEFT_OF_BAD_VIAL: Final = 0.15
GATES: Final = {"MART-1": "A2-MART-1+", "gp100": "A2-gp100+", "CMV": "A2-CMV+"}
"""Gate of every multimer by its antigen."""


@dataclass(frozen=True, slots=True)
class MultimerTube:
    """One tube stained with all multimers, each in a colour of its own: CD8 T cells, and those of them that bind."""

    specimen: Specimen
    parent: int
    binding: Mapping[str, int]

    @property
    def name(self) -> str:
        """What the cytometer's operator calls it."""
        return f"{self.specimen.specimen_id}_multimers"


def alleles(seed: int, subject: Subject) -> tuple[str, str]:
    """The two HLA-A alleles the subject has, whether or not anyone typed them."""
    rng = Random(f"{seed}/hla/{subject.subject_id}")
    one = pick(rng, _ALLELES)
    return one, pick(rng, {name: share for name, share in _ALLELES.items() if name != one})


def untyped(seed: int, subjects: list[Subject]) -> Subject:
    """The subject whose typing never came."""
    return subjects[whole(Random(f"{seed}/hla"), 0, len(subjects) - 1)]


def typing(seed: int, subjects: list[Subject]) -> Iterator[Row]:
    """Rows of hla_typing."""
    left_out = untyped(seed, subjects)
    for subject in subjects:
        for allele in sorted(alleles(seed, subject)) if subject != left_out else ():
            yield {"subject_id": subject.subject_id, "allele": allele}


def stain_multimers(seed: int, specimen: Specimen, settings: StudySettings) -> MultimerTube:
    """The specimen's tube; without the allele nothing binds but what binds to anything."""
    rng = Random(f"{seed}/multimers/{specimen.specimen_id}")
    usual = min(max(lognormal(rng, 100_000, 0.35), 35_000), 220_000)
    parent = round(usual if specimen.viability_percent >= WELL_THAWED else usual * _LEFT_OF_BAD_VIAL)
    has_allele = "A*02:01" in alleles(seed, specimen.subject)
    responses = respond(seed, specimen.subject, settings)
    binding = {}
    for antigen in GATES:
        share = _BINDING * responses.get(antigen, NO_RESPONSE).at(specimen) if has_allele else 0.0
        expected = parent * (share * lognormal(rng, 1.0, 0.2) + _BACKGROUND)
        binding[antigen] = negative_binomial(rng, expected, 40.0)
    return MultimerTube(specimen, parent, binding)
