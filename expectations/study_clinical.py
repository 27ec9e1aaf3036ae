"""The part of the study file that says how clinical data come in and how response is judged."""

from __future__ import annotations

import difflib
import re
from typing import Literal, Self

from pydantic import Field, model_validator

from expectations.study_part import Name, Part

RedcapTableName = Literal[
    "subjects", "specimens", "infusion_products", "tumour_assessments", "follow_up", "dispositions", "blood_counts",
    "hla_typing", "lesions", "lesion_measurements", "lab_results", "dispositions",
]  # fmt: skip


class Sdtm(Part):
    """How CDISC SDTM datasets (DM, EX, RS, TR, TU, DS, LB) are taken in."""

    subject_pattern: Name | None = Field(
        default=None,
        description="Regular expression whose one group is the subject as specimens name it, found in USUBJID (`-(\\d+)$`). Unset: USUBJID as it is. What it leaves out, such as the site, must not be what tells two subjects apart.",
    )
    enrolment_variable: Name = Field(
        default="RFICDTC", description="Variable of DM that is the day of enrolment: informed consent, unless set."
    )
    infusion_treatments: tuple[Name, ...] = Field(
        default=(), description="EXTRT of the infusion: its first EXSTDTC is day 0. Empty: EX gives no infusion."
    )
    lymphodepletion_treatments: tuple[Name, ...] = Field(
        default=(), description="EXTRT of the lymphodepleting chemotherapy: the first before the infusion is its start."
    )
    cells_per_unit: dict[Name, float] = Field(
        default={"CELLS": 1.0, "10^6 CELLS": 1e6, "10^9 CELLS": 1e9},
        description="EXDOSU of numbers of viable cells, with the cells one unit stands for; doses in other units are not cells.",
    )

    @model_validator(mode="after")
    def _pattern_has_one_group(self) -> Self:
        if self.subject_pattern is None:
            return self
        try:
            n_groups = re.compile(self.subject_pattern).groups
        except re.error as error:
            raise ValueError(
                f"subject_pattern: {self.subject_pattern!r} is no regular expression ({error}); correct it"
            ) from None
        if n_groups != 1:
            raise ValueError(
                f"subject_pattern: {self.subject_pattern!r} has {n_groups} groups; put the subject, and nothing else, in one ( )"
            )
        return self


class RedcapTable(Part):
    """One table filled from rows of a REDCap flat export."""

    table: RedcapTableName = Field(description="The table of docs/data-dictionary.md these rows fill.")
    instrument: Name | None = Field(
        default=None,
        description="`redcap_repeat_instrument` of the rows, by its name or label. Unset: rows that are of no repeating instrument.",
    )
    events: tuple[Name, ...] = Field(
        default=(), description="`redcap_event_name` of the rows, by name or label. Empty: every event."
    )
    columns: dict[Name, Name] = Field(
        default={},
        description="Column of the table = field of the export. A checkbox field is named without `___`; its ticked choices are joined by commas.",
    )
    constants: dict[Name, str] = Field(default={}, description="Column of the table = the same value in every row.")
    codes: dict[Name, dict[str, str]] = Field(
        default={},
        description="Column of the table = { code or label of the export = value }. A value that is no code of it stays as it is.",
    )

    @model_validator(mode="after")
    def _columns_exist(self) -> Self:
        from expectations.ingested import REFERENCE_TABLES

        table = next(one for one in REFERENCE_TABLES if one.name == self.table)
        known = set(table.schema) - {"file_sha256", "place"}
        for key in ("columns", "constants", "codes"):
            for name in getattr(self, key):
                if name not in known:
                    close = difflib.get_close_matches(name, known, n=1)
                    remedy = f"write {close[0]!r}" if close else f"use one of {', '.join(sorted(known))}"
                    raise ValueError(f"{key}.{name}: the table {self.table} has no column {name!r}; {remedy}")
        given = set(self.columns) | set(self.constants)
        if absent := [name for name in table.required if name in known and name not in given]:
            raise ValueError(
                f"columns: the table {self.table} also needs {', '.join(absent)}; name the field under columns, or a value under constants"
            )
        if twice := sorted(set(self.columns) & set(self.constants)):
            raise ValueError(
                f"constants.{twice[0]}: the column {twice[0]} stands under columns too; keep one of the two"
            )
        if strange := sorted(set(self.codes) - given):
            raise ValueError(
                f"codes.{strange[0]}: columns names no field for {strange[0]}; name it there, or take the codes away"
            )
        return self


class Clinical(Part):
    """Clinical data from trial databases."""

    sdtm: Sdtm = Field(default_factory=Sdtm, description="CDISC SDTM datasets.")
    redcap: tuple[RedcapTable, ...] = Field(default=(), description="Tables filled from REDCap flat exports.")


class Response(Part):
    """How assessments and lesions become responses, and which of the two leads."""

    criteria: Literal["RECIST 1.0", "RECIST 1.1"] = Field(
        default="RECIST 1.1", description="Response criteria of the study."
    )
    source: Literal["reported", "derived"] = Field(
        default="reported",
        description="Which overall responses lead: those the evaluator reported, or those derived from lesions. Both are kept and compared.",
    )
    evaluator: Name = Field(
        default="investigator",
        description="Evaluator whose assessments and lesions count. Of several assessors of one evaluator (`independent assessor`), the one whose reading was accepted.",
    )
    confirm: bool = Field(default=True, description="CR and PR need confirmation; under RECIST 1.0 always.")
    confirmation_days: int = Field(
        default=28, ge=0, description="Smallest distance of the confirming assessment, days."
    )
    allow_sd_between: bool = Field(default=False, description="One SD may lie between a PR and its confirmation.")
    allow_ne_between: bool = Field(default=True, description="One NE may lie between a CR or PR and its confirmation.")
    min_sd_days: int = Field(default=42, ge=0, description="Smallest study day of an assessment that counts as SD.")
    pfs_censor_at_new_therapy: bool = Field(
        default=True, description="A new anticancer therapy censors PFS at the last assessment before it."
    )
    assessment_every_days: int | None = Field(
        default=None,
        gt=0,
        description="Planned days between assessments: a death or progression after two missed ones censors PFS at the last assessment before them. Unset: never.",
    )
