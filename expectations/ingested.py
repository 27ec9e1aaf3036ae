"""Tables that files fill: what instruments counted and what the trial wrote down."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations import vocabulary as v
from expectations.clinical_in import (
    BLOOD_COUNTS,
    CLINICAL_TABLES,
    DISPOSITIONS,
    FOLLOW_UP,
    LAB_RESULTS,
    LESION_MEASUREMENTS,
    LESIONS,
    TUMOUR_ASSESSMENTS,
)
from expectations.contract import Column, Equal, FilledExactlyWhen, FilledWith, NotBefore, Reference, Table
from expectations.cytometry_in import (
    ACQUISITION_MEASURES,
    CYTOMETRY_CHANNELS,
    CYTOMETRY_COUNTS,
    CYTOMETRY_FILES,
    CYTOMETRY_SAMPLES,
    CYTOMETRY_TUBES,
    HLA_TYPING,
)
from expectations.identities import ANALYTE, PLATE, SOURCE, SPECIMEN, SUBJECT, WELL

__all__ = [
    "BLOOD_COUNTS",
    "DISPOSITIONS",
    "FOLLOW_UP",
    "LAB_RESULTS",
    "LESIONS",
    "LESION_MEASUREMENTS",
    "TUMOUR_ASSESSMENTS",
]
"""Told elsewhere, and part of what comes in."""

CONTROL: Final = Column("control", pl.String, "Negative control the well is compared with (DMSO, an irrelevant line), where it is not the one study.toml gives.")  # fmt: skip

SUBJECTS: Final = Table(
    "subjects",
    grain="one subject enrolled in the study",
    key=("subject_id",),
    stage="ingested",
    columns=(
        SUBJECT,
        Column("enrolment_date", pl.Date, "Day the subject was enrolled.", required=True),
        Column("sex", pl.String, "Sex.", values=("female", "male")),
        Column("birth_year", pl.Int32, "Year of birth.", minimum=1900, maximum=2100),
        Column("m_stage", pl.String, "M stage of the disease at enrolment (M1a)."),
        Column("ecog", pl.Int32, "ECOG performance status at enrolment.", minimum=0, maximum=5),
        Column("ldh_at_baseline", pl.Float64, "Lactate dehydrogenase at baseline; empty: the last one of lab_results before lymphodepletion, or up to day 0 where its start is not known.", unit="U/L", minimum=0),
        Column("n_prior_therapies", pl.Int32, "Lines of systemic therapy before enrolment.", minimum=0, maximum=50),
        Column("prior_therapies", pl.String, "Those therapies by name, joined by commas."),
        *SOURCE,
    ),
)  # fmt: skip

SPECIMENS: Final = Table(
    "specimens",
    grain="one specimen taken from a subject",
    key=("specimen_id",),
    stage="ingested",
    columns=(
        SPECIMEN,
        SUBJECT,
        Column("collection_date", pl.Date, "Day the specimen was taken.", required=True),
        Column("material", pl.String, "What it is; where empty, blood unless infusion_products names it.", values=v.MATERIALS),
        Column("declared_visit", pl.String, "Visit as the clinic wrote it; compared with the visit its date gives."),
        Column("collected_at", pl.Datetime("us"), "Collection, date and time."),
        Column("processed_at", pl.Datetime("us"), "Start of processing, date and time."),
        Column("preservation", pl.String, "Fresh, or frozen before the assay.", values=v.PRESERVATION),
        Column("viability_percent", pl.Float64, "Viable cells when the assay was set up.", unit="%", minimum=0, maximum=100),
        Column("recovery_percent", pl.Float64, "Cells recovered after thawing.", unit="%", minimum=0, maximum=1000, severity="warning", limit=0.0),
        Column("operator", pl.String, "Who processed it."),
        Column("lot", pl.String, "Lot of the reagents or freezing medium."),
        *SOURCE,
    ),
    extra_rules=(NotBefore(("processed_at", "collected_at")),),
    references=(Reference("subject_id", "subjects.subject_id"),),
)  # fmt: skip

PLATE_LAYOUTS: Final = Table(
    "plate_layouts",
    grain="one well of one plate as it was pipetted",
    key=("plate_id", "well"),
    stage="ingested",
    columns=(
        PLATE,
        WELL,
        Column("specimen_id", pl.String, "Specimen in the well; empty for a well without cells."),
        Column(
            "stimulus",
            pl.String,
            "Antigen or control in the well, as declared in study.toml; may be empty where no specimen is.",
        ),
        Column("cells_per_well", pl.Int64, "Cells put into the well.", unit="cells", minimum=1),
        Column("replicate", pl.Int32, "Replicate number among wells of one specimen and stimulus.", minimum=1),
        CONTROL,
        *SOURCE,
    ),
    extra_rules=(FilledWith(("stimulus", "specimen_id")), FilledWith(("cells_per_well", "specimen_id"))),
    references=(
        Reference("specimen_id", "specimens.specimen_id"),
        Reference("stimulus", "study.stimuli"),
        Reference("control", "study.negative_controls"),
    ),
)

TEMPLATE: Final = Column("template", pl.String, "Name of a recurring layout.", required=True)
SLOT: Final = "Place of one specimen in a recurring layout, by any name (1, 2, ...)."

LAYOUT_TEMPLATES: Final = Table(
    "layout_templates",
    grain="one well of a layout that many plates share",
    key=("template", "well"),
    stage="ingested",
    columns=(
        TEMPLATE,
        WELL,
        Column("slot", pl.String, SLOT + " Empty for a well without cells."),
        Column("stimulus", pl.String, "Antigen or control in the well, as declared in study.toml."),
        Column("cells_per_well", pl.Int64, "Cells put into the well, unless plate_templates says otherwise.", unit="cells", minimum=1),
        Column("replicate", pl.Int32, "Replicate number among wells of one slot and stimulus.", minimum=1),
        CONTROL,
        *SOURCE,
    ),
    extra_rules=(FilledWith(("stimulus", "slot")),),
    references=(
        Reference("stimulus", "study.stimuli"),
        Reference("control", "study.negative_controls"),
    ),
)  # fmt: skip

PLATE_TEMPLATES: Final = Table(
    "plate_templates",
    grain="one specimen on one plate that follows a recurring layout",
    key=("plate_id", "template", "slot"),
    stage="ingested",
    columns=(
        PLATE,
        TEMPLATE,
        Column("slot", pl.String, SLOT, required=True),
        SPECIMEN,
        Column("cells_per_well", pl.Int64, "Cells put into each well of this specimen, where it differs from the template.", unit="cells", minimum=1),
        *SOURCE,
    ),
    references=(
        Reference("template", "layout_templates.template"),
        Reference("specimen_id", "specimens.specimen_id"),
    ),
)  # fmt: skip

PEPTIDE_POOLS: Final = Table(
    "peptide_pools",
    grain="one peptide in one pool of a matrix design",
    key=("pool", "peptide"),
    stage="ingested",
    columns=(
        Column("pool", pl.String, "Pool, an antigen of study.toml.", required=True),
        Column("peptide", pl.String, "Peptide, by sequence or name.", required=True),
        Column("protein", pl.String, "Protein the peptide comes from."),
        *SOURCE,
    ),
    references=(Reference("pool", "study.antigens"),),
)

INFUSION_PRODUCTS: Final = Table(
    "infusion_products",
    grain="one infusion product given to a subject",
    key=("subject_id",),
    stage="ingested",
    columns=(
        SUBJECT,
        Column("infusion_date", pl.Date, "Day of infusion: day 0.", required=True),
        Column("lymphodepletion_start", pl.Date, "First day of lymphodepleting chemotherapy."),
        Column("specimen_id", pl.String, "The specimen of the product that was assayed."),
        Column("total_viable_cells", pl.Float64, "Viable cells infused.", unit="cells", minimum=0),
        Column("viability_percent", pl.Float64, "Viability of the product.", unit="%", minimum=0, maximum=100),
        Column("cd8_percent", pl.Float64, "CD8 T cells among viable cells.", unit="%", minimum=0, maximum=100),
        Column("cd4_percent", pl.Float64, "CD4 T cells among viable cells.", unit="%", minimum=0, maximum=100),
        *SOURCE,
    ),
    extra_rules=(NotBefore(("infusion_date", "lymphodepletion_start")),),
    references=(
        Reference("subject_id", "subjects.subject_id"),
        Reference("specimen_id", "specimens.specimen_id", severity="warning", limit=0.0),
    ),
)

PLATES: Final = Table(
    "plates",
    grain="one plate and analyte as one file gives it",
    key=("plate_id", "analyte"),
    stage="ingested",
    entity=("plate_id",),
    columns=(
        PLATE,
        ANALYTE,
        Column("instrument", pl.String, "Reader that counted it.", required=True),
        Column("software_version", pl.String, "Version of the reader's software, as the file gives it."),
        Column("read_date", pl.Date, "Day the instrument counted the plate."),
        Column("n_wells", pl.Int32, "Wells found in the file.", unit="wells", required=True, minimum=1),
        Column("n_wells_declared", pl.Int32, "Wells the file says the plate has.", unit="wells"),
        Column(
            "counting_parameters",
            pl.String,
            "JSON: the settings the spots were counted with, by the names and in the words of the file.",
        ),
        Column("comment", pl.String, "Free text the operator entered, lines joined by ' | '."),
        *SOURCE,
    ),
    extra_rules=(Equal(("n_wells", "n_wells_declared"), limit=0.0),),
)

INSTRUMENT_LAYOUTS: Final = Table(
    "instrument_layouts",
    grain="one well of one plate as the operator described it in the instrument's software",
    key=("plate_id", "well"),
    stage="ingested",
    entity=("plate_id",),
    columns=(
        PLATE,
        WELL,
        Column("donor", pl.String, "Donor as entered; a specimen where it is the name of one."),
        Column("stimulus", pl.String, "Stimulus as entered."),
        Column("cells_per_well", pl.Int64, "Cells per well as entered.", unit="cells", minimum=1),
        Column("replicate", pl.Int32, "Replicate number as entered.", minimum=1),
        *SOURCE,
    ),
)

ELISPOT_COUNTS: Final = Table(
    "elispot_counts",
    grain="one well of one plate and analyte as the instrument counted it",
    key=("plate_id", "well", "analyte"),
    stage="ingested",
    entity=("plate_id",),
    columns=(
        PLATE,
        WELL,
        ANALYTE,
        Column("spots", pl.Int64, "Spots counted; null unless the status is counted.", unit="spots per well", minimum=0),
        Column("status", pl.String, "What the count is; only counted wells have a number.", required=True, values=v.WELL_STATUS),
        *SOURCE,
    ),
    extra_rules=(FilledExactlyWhen(("spots",), when="status", equals="counted"),),
    references=(Reference("plate_id", "plate_layouts.plate_id", limit=0.0, holds_file_as="layout.missing"),),
)  # fmt: skip

REFERENCE_TABLES: Final = (
    SUBJECTS,
    SPECIMENS,
    PLATE_LAYOUTS,
    LAYOUT_TEMPLATES,
    PLATE_TEMPLATES,
    PEPTIDE_POOLS,
    INFUSION_PRODUCTS,
    *CLINICAL_TABLES,
    HLA_TYPING,
    CYTOMETRY_TUBES,
)
"""Tables a person fills in, recognised by their header."""

OF_PLATES: Final = (PLATES, INSTRUMENT_LAYOUTS, ELISPOT_COUNTS)
"""Tables that hold plates; the last holds the counts."""

OF_SAMPLES: Final = (CYTOMETRY_SAMPLES, CYTOMETRY_COUNTS, CYTOMETRY_FILES, CYTOMETRY_CHANNELS, ACQUISITION_MEASURES)
"""Tables that hold what one file says of cytometry samples; files stand side by side."""

INGESTED: Final = (*REFERENCE_TABLES, *OF_PLATES, *OF_SAMPLES)
"""In the order in which they are judged: a table comes after those it refers to."""
