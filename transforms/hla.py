"""Whether a subject has the HLA allele a multimer needs, as far as its typing says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Match = Literal["matched", "hla_mismatch", "hla_unknown"]

_ALLELE: Final = re.compile(r"(?P<gene>[A-Z][A-Z0-9]*)\*(?P<fields>\d{2,4}(?::\d{2,4})*)(?P<suffix>[A-Z]?)")
_GROUPS: Final = ("", "P", "G")
"""No suffix, or groups of alleles that share the peptide-binding domain."""


@dataclass(frozen=True, slots=True)
class Allele:
    """An allele in the nomenclature of 2010: gene, fields from group to non-coding differences, suffix.

    Marsh SGE, Albert ED, Bodmer WF, et al. Nomenclature for factors of the HLA system, 2010. Tissue Antigens
    2010;75:291. A single field of four digits is the older spelling of two (A*0201).
    """

    gene: str
    fields: tuple[str, ...]
    suffix: str

    @classmethod
    def read(cls, text: str) -> Allele:
        """The allele as written; ValueError where it is none."""
        found = _ALLELE.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no HLA allele")
        fields = tuple(found["fields"].split(":"))
        if len(fields) == 1 and len(fields[0]) == 4:
            fields = (fields[0][:2], fields[0][2:])
        return cls(found["gene"], fields, found["suffix"])

    @property
    def is_null(self) -> bool:
        """Not expressed (suffix N): it shows no peptide."""
        return self.suffix == "N"

    def is_kind_of(self, other: Allele) -> bool:
        """Whether it agrees with the other in every field of the other (A*02:01:01 is an A*02:01, not the reverse)."""
        return self.gene == other.gene and self.fields[: len(other.fields)] == other.fields


def match(needed: str, typed: Iterable[str]) -> Match:
    """What a subject's typing says of an allele; a typed allele matches where it agrees in every field needed.

    An allele that stands twice is homozygous: the gene has no other.

    matched: an expressed allele of the subject is of that kind. hla_mismatch: both alleles of the gene are typed, and
    neither can be. hla_unknown: the gene is not typed, an allele is typed too coarsely to tell (A*02 for A*02:01), its
    expression is doubtful (suffixes L, S, C, A, Q), or only one allele is there, once, and it is another: the subject
    may be homozygous, or the second missing. A null allele (suffix N) is another allele, whatever its fields.
    """
    wanted = Allele.read(needed)
    of_gene = [(text, allele) for text in typed if (allele := Allele.read(text)).gene == wanted.gene]
    known = list({allele for _, allele in of_gene})
    is_homozygous = len({text for text, _ in of_gene}) < len(of_gene)
    of_kind = [allele for allele in known if allele.is_kind_of(wanted) and not allele.is_null]
    if any(allele.suffix in _GROUPS for allele in of_kind):
        return "matched"
    may_be = any(wanted.is_kind_of(allele) and not allele.is_null for allele in known)
    has_both = is_homozygous or len(_different(known)) >= 2
    return "hla_unknown" if of_kind or may_be or not has_both else "hla_mismatch"


def _different(alleles: list[Allele]) -> list[Allele]:
    """Those that are no coarser typing of another one of them."""
    return [one for one in alleles if not any(other is not one and _is_coarser(one, other) for other in alleles)]


def _is_coarser(one: Allele, other: Allele) -> bool:
    """Whether `one` may be the same as `other` typed to fewer fields; of two alike, whether it is the later."""
    return other.is_kind_of(one) and len(one.fields) < len(other.fields)
