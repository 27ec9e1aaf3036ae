"""Tables perdure computes of flow cytometry, from samples as files tell of them to subsets and infused cells."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations import vocabulary as v
from expectations.computed import ANTIGEN, ASSAY, CELL_POPULATION, READOUT, STUDY_DAY, VISIT
from expectations.contract import Column, Table
from expectations.cytometry_in import (
    ACQUISITION_MEASURES,
    CYTOMETRY_COUNTS,
    CYTOMETRY_SAMPLES,
    DATA_SET,
    GATE_TYPE,
    POPULATION_PATH,
    SAMPLE_NAME,
    SAMPLE_NUMBER,
    TUBE,
)
from expectations.identities import FILE, PLACE, SPECIMEN, SUBJECT

BATCH: Final = Column("batch", pl.String, "Experiment, plate or day stained together; `one batch` where none is named.", required=True)  # fmt: skip
SUBSET: Final = Column("subset", pl.String, "Markers with their signs (IFNg+TNF-), `a or b` for a union, `<antigen> <allele> multimer+` (MART-1 A*02:01 multimer+); empty for the population itself.", required=True)  # fmt: skip
_POPULATION: Final = CELL_POPULATION.but(description="Population under the name study.toml gives it.")

MATCHED_SAMPLES: Final = Table(
    "matched_samples",
    grain="one sample as one file tells of it, with the tube it is",
    key=("file_sha256", "sample_number"),
    columns=(
        FILE,
        SAMPLE_NUMBER,
        SAMPLE_NAME,
        CYTOMETRY_SAMPLES.column("source"),
        TUBE.but(required=False),
        BATCH.but(required=False),
        SPECIMEN.but(required=False),
        Column("stimulus", pl.String, "Stimulus as it is spelled; null for a tube stained with multimers."),
        Column("tube_role", pl.String, "What the tube is for.", values=v.TUBE_ROLES),
        ANTIGEN.but(required=False),
        Column("control", pl.String, "Negative control by name: of an antigen's tube the one it is compared with, of a control's tube its own."),
        Column("replicate", pl.Int32, "Replicate number among tubes of one specimen, batch and stimulus."),
        Column("gates_set_by", pl.String, "What the gates were set by."),
        Column("matched_by", pl.String, "What matched it.", values=v.MATCHED_BY),
        Column("reason", pl.String, "Why it is no tube."),
    ),
)  # fmt: skip

POPULATION_PATHS: Final = Table(
    "population_paths",
    grain="one path of gates that files name, with what study.toml makes of it",
    key=("population_path",),
    columns=(
        POPULATION_PATH,
        _POPULATION.but(required=False),
        SUBSET.but(required=False),
        Column("is_mapped", pl.Boolean, "True where study.toml says what it is; other paths are kept and not used.", required=True),
        Column("reason", pl.String, "Why it is not mapped."),
        Column("n_samples", pl.Int32, "Samples that have it.", unit="samples", required=True),
        Column("n_files", pl.Int32, "Files that have it.", unit="files", required=True),
        Column("example_sha256", pl.String, "One of these files.", required=True),
    ),
)  # fmt: skip

TUBE_POPULATIONS: Final = Table(
    "tube_populations",
    grain="one population, or subset of it, in one tube, with the count that is used",
    key=("tube_id", "population", "subset"),
    columns=(
        TUBE,
        BATCH,
        SPECIMEN,
        MATCHED_SAMPLES.column("stimulus"),
        MATCHED_SAMPLES.column("tube_role").but(required=True),
        ANTIGEN.but(required=False),
        MATCHED_SAMPLES.column("control"),
        _POPULATION,
        SUBSET,
        CYTOMETRY_COUNTS.column("status"),
        Column("count", pl.Int64, "Events in it; null unless the status is counted.", unit="events"),
        Column("parent_count", pl.Int64, "Events in the population; null where that is not counted.", unit="events"),
        Column("lymphocyte_count", pl.Int64, "Events in the population counted as lymphocytes, where there is one.", unit="events"),
        Column("percent", pl.Float64, "100 count / parent_count; where there are no counts, as the file gives it.", unit="%"),
        Column("reason", pl.String, "Why there is no count that can be used."),
        Column("is_sum", pl.Boolean, "True where it is the sum of all boolean subsets that make it up, because no gate of its own was exported.", required=True),
        Column("is_regated", pl.Boolean, "True where the count was made here from the FCS file, by Gating-ML.", required=True),
        Column("n_files", pl.Int32, "Files that count it in this tube; the one saved last is used.", unit="files", required=True),
        Column("counts_differ", pl.Boolean, "True where these files give different counts.", required=True),
        POPULATION_PATH,
        FILE,
        SAMPLE_NUMBER,
        PLACE,
    ),
)  # fmt: skip

TUBE_FINDINGS: Final = Table(
    "tube_findings",
    grain="one thing about samples of one file, or about one tube, that does not fit, and the reason",
    key=("reason", "file_sha256", "place"),
    columns=(
        Column("reason", pl.String, "Reason code.", required=True),
        FILE,
        Column("place", pl.String, "Sample, tube or population path it is about.", required=True),
        TUBE.but(required=False),
        SPECIMEN.but(required=False),
        Column("detail", pl.String, "What was found, in words.", required=True),
    ),
)

GATE_AGREEMENT: Final = Table(
    "gate_agreement",
    grain="one population of one sample of a workspace or Gating-ML file, stored and counted again from one FCS file",
    key=("file_sha256", "sample_number", "population_path", "fcs_sha256"),
    columns=(
        FILE,
        SAMPLE_NUMBER,
        POPULATION_PATH,
        Column("fcs_sha256", pl.String, "FCS file it was counted again from.", required=True),
        SAMPLE_NAME,
        TUBE.but(required=False),
        Column("software_version", pl.String, "Software that stored the count."),
        Column("stored_status", pl.String, "What the stored count is; null for Gating-ML, which stores none.", values=v.POPULATION_STATUS),
        Column("count_stored", pl.Int64, "Count as the file stores it; null where it was never computed or is stale.", unit="events"),
        Column("count_regated", pl.Int64, "Count made here from the FCS file; null where the gate could not be applied.", unit="events"),
        GATE_TYPE,
        Column("difference", pl.Int64, "count_regated - count_stored.", unit="events"),
        Column("difference_percent", pl.Float64, "Its size, percent of the larger of the two.", unit="%"),
        Column("tolerance_percent", pl.Float64, "Tolerance of the gate's type.", unit="%"),
        Column("agrees", pl.Boolean, "Within the tolerance; null where one of the counts is missing."),
        Column("reason", pl.String, "Why it could not be counted again."),
        Column("engine", pl.String, "What counted again, with its version.", required=True),
    ),
)  # fmt: skip

ACQUISITION_QUALITY: Final = Table(
    "acquisition_quality",
    grain="one measure of how one FCS file was acquired, judged",
    key=("file_sha256", "data_set", "measure", "channel"),
    columns=(
        FILE,
        DATA_SET,
        SAMPLE_NAME,
        TUBE.but(required=False),
        ACQUISITION_MEASURES.column("measure"),
        ACQUISITION_MEASURES.column("channel"),
        ACQUISITION_MEASURES.column("value"),
        Column("largest_allowed", pl.Float64, "Limit study.toml sets.", required=True),
        Column("passes", pl.Boolean, "Whether the value keeps the limit.", required=True),
    ),
)

BOOLEAN_SUBSETS: Final = Table(
    "boolean_subsets",
    grain="one boolean subset of the polyfunctional markers, for one antigen in one specimen and batch",
    key=("specimen_id", "batch", "antigen", "population", "subset"),
    columns=(
        SPECIMEN,
        SUBJECT,
        BATCH,
        STUDY_DAY,
        VISIT,
        ANTIGEN,
        _POPULATION,
        SUBSET,
        Column("n_functions", pl.Int32, "Markers that are positive in it.", unit="markers", required=True),
        Column("stimulated_count", pl.Int64, "Events in the stimulated tubes.", unit="events", required=True),
        Column("stimulated_parent_count", pl.Int64, "Events of the population there.", unit="events", required=True),
        Column("unstimulated_count", pl.Int64, "Events in the unstimulated tubes.", unit="events", required=True),
        Column("unstimulated_parent_count", pl.Int64, "Events of the population there.", unit="events", required=True),
        Column("net_percent", pl.Float64, "Stimulated minus unstimulated.", unit="percentage points", required=True),
        Column("z", pl.Float64, "Probability of a response under MIMOSA; null without a fit that can judge it."),
        Column("fit_version", pl.Int32, "Version of that fit (mimosa_fits)."),
    ),
)

POLYFUNCTIONALITY: Final = Table(
    "polyfunctionality",
    grain="one antigen in one specimen, batch and population",
    key=("specimen_id", "batch", "antigen", "population"),
    columns=(
        SPECIMEN,
        SUBJECT,
        BATCH,
        STUDY_DAY,
        VISIT,
        ANTIGEN,
        _POPULATION,
        Column("markers", pl.String, "Markers it is made of, joined by commas.", required=True),
        Column("functionality_score", pl.Float64, "FS: mean of z over the non-null boolean subsets."),
        Column("polyfunctionality_score", pl.Float64, "PFS: likewise, subsets of more functions weighing more."),
        Column("reason", pl.String, "Why there is no score."),
    ),
)

REACTIVE_CELLS: Final = Table(
    "reactive_cells",
    grain="one infusion product under one assay, population and readout: tumour-reactive T cells given",
    key=("subject_id", "assay", "population", "readout"),
    columns=(
        SUBJECT,
        SPECIMEN.but(required=False),
        ASSAY,
        CELL_POPULATION,
        READOUT,
        Column("antigens", pl.String, "Antigens whose net responses are summed, joined by commas.", required=True),
        Column("total_viable_cells", pl.Float64, "Viable cells infused.", unit="cells"),
        Column("parent_fraction", pl.Float64, "Share of the product that is the population the response is measured in; 1 for ELISpot."),
        Column("net_fraction", pl.Float64, "Net reactive cells per cell of that population, summed over the antigens; may be negative."),
        Column("net_fraction_lower", pl.Float64, "95 % interval, lower end (MOVER from Wilson limits); null where control wells were too numerous to count."),
        Column("net_fraction_upper", pl.Float64, "95 % interval, upper end; null where antigen wells were too numerous to count."),
        Column("lod_fraction", pl.Float64, "Sum of the limits of detection, as a fraction."),
        Column("reactive_cells", pl.Float64, "Tumour-reactive T cells infused: cells x parent_fraction x net_fraction.", unit="cells"),
        Column("reactive_cells_lower", pl.Float64, "95 % interval, lower end, not below 0.", unit="cells"),
        Column("reactive_cells_upper", pl.Float64, "95 % interval, upper end, not below 0.", unit="cells"),
        Column("reactive_cells_lod", pl.Float64, "Number of cells the limit of detection stands for.", unit="cells"),
        Column("is_below_lod", pl.Boolean, "True where the number is left-censored at its limit of detection."),
        Column("is_lower_bound", pl.Boolean, "True where antigen wells too numerous to count make it a lower bound."),
        Column("is_upper_bound", pl.Boolean, "True where control wells too numerous to count make it an upper bound; with is_lower_bound it is open on both sides."),
        Column("reason", pl.String, "Why there is no number."),
    ),
)  # fmt: skip

CYTOMETRY_COMPUTED: Final = (
    MATCHED_SAMPLES,
    POPULATION_PATHS,
    TUBE_POPULATIONS,
    TUBE_FINDINGS,
    GATE_AGREEMENT,
    ACQUISITION_QUALITY,
    BOOLEAN_SUBSETS,
    POLYFUNCTIONALITY,
    REACTIVE_CELLS,
)
