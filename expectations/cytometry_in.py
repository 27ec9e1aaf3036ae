"""Tables that files of flow cytometry fill: tubes and typing a person writes, and what exports and instruments say.

A sample is a tube as one file tells of it; several files may tell of the same tube, and all of them are kept.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations import vocabulary as v
from expectations.contract import Column, FilledExactlyWhen, Reference, Table
from expectations.identities import SOURCE, SPECIMEN, SUBJECT

SAMPLE_NUMBER: Final = Column("sample_number", pl.Int32, "Which sample of its file, counted from 1 in the file's order.", required=True, minimum=1)  # fmt: skip
SAMPLE_NAME: Final = Column("sample_name", pl.String, "Name of the sample as the file gives it, without a folder.", required=True)  # fmt: skip
POPULATION_PATH: Final = Column("population_path", pl.String, "Gates from the root to the population as the file names them, joined by '/'; empty for all events.", required=True)  # fmt: skip
GATE_TYPE: Final = Column("gate_type", pl.String, "Kind of the last gate of the path, where the file says.", values=v.GATE_TYPES)  # fmt: skip
DATA_SET: Final = Column("data_set", pl.Int32, "Which data set of the FCS file, counted from 1; only the first is used.", required=True, minimum=1)  # fmt: skip
TUBE: Final = Column("tube_id", pl.String, "One tube: cells of one specimen, stained and acquired together.", required=True)  # fmt: skip

HLA_TYPING: Final = Table(
    "hla_typing",
    grain="one HLA allele of a subject",
    key=("subject_id", "allele"),
    stage="ingested",
    columns=(
        SUBJECT,
        Column("allele", pl.String, "Allele at the resolution it was typed at (A*02:01).", required=True, pattern=r"[A-Z][A-Z0-9]*\*[0-9]{2,4}(?::[0-9]{2,4}){0,3}[A-Z]?"),
        Column("copies", pl.Int32, "2 where the subject is homozygous for it, so that the gene has no other allele; 1, or empty, where that is not known.", minimum=1, maximum=2),
        Column("method", pl.String, "How it was typed (NGS, SSO)."),
        *SOURCE,
    ),
    references=(Reference("subject_id", "subjects.subject_id"),),
)  # fmt: skip

CYTOMETRY_TUBES: Final = Table(
    "cytometry_tubes",
    grain="one tube as it was stained and acquired",
    key=("tube_id",),
    stage="ingested",
    columns=(
        TUBE,
        Column("sample_name", pl.String, "Name that exports and FCS files give it, where that is not tube_id."),
        Column("batch", pl.String, "Experiment, plate or day stained together. Needed where a name occurs more than once: exports must name it too, as plate, group, kept keyword or folder in the inbox."),
        SPECIMEN,
        Column("stimulus", pl.String, "Antigen or control the cells were stimulated with; empty for a tube stained with multimers."),
        Column("replicate", pl.Int32, "Replicate number among tubes of one specimen, batch and stimulus.", minimum=1),
        Column("gates_set_by", pl.String, "What the gates were set by (FMO, negative multimer, unstimulated)."),
        Column("gating_file", pl.String, "Name of the Gating-ML file in the inbox that gates the tube's FCS file."),
        *SOURCE,
    ),
    references=(
        Reference("specimen_id", "specimens.specimen_id"),
        Reference("stimulus", "study.stimuli"),
    ),
)  # fmt: skip

CYTOMETRY_SAMPLES: Final = Table(
    "cytometry_samples",
    grain="one sample as one file tells of it",
    key=("file_sha256", "sample_number"),
    stage="ingested",
    entity=("file_sha256",),
    columns=(
        SAMPLE_NUMBER,
        SAMPLE_NAME,
        Column("fcs_name", pl.String, "Name of its FCS file ($FIL, or the last part of its path), where the file gives one."),
        Column("batches", pl.String, "Plates, groups, experiments and folders it is told to be in, joined by ' | '."),
        Column("keywords", pl.String, "JSON: the keywords of it that are kept; names of patients and operators are not."),
        Column("n_events", pl.Int64, "Events of the sample as the file gives them; null where it gives none.", unit="events", minimum=0),
        Column("acquisition_date", pl.Date, "Day it was acquired."),
        Column("source", pl.String, "What told of it.", required=True, values=v.SAMPLE_SOURCES),
        Column("software_version", pl.String, "Software that wrote the file, with its version."),
        Column("saved_at", pl.Datetime("us"), "When the analysis was saved or exported, as the file gives it."),
        *SOURCE,
    ),
)  # fmt: skip

CYTOMETRY_COUNTS: Final = Table(
    "cytometry_counts",
    grain="one population of one sample as one file gives it",
    key=("file_sha256", "sample_number", "population_path"),
    stage="ingested",
    entity=("file_sha256",),
    columns=(
        SAMPLE_NUMBER,
        POPULATION_PATH,
        Column("status", pl.String, "What the count is; only counted populations have a number.", required=True, values=v.POPULATION_STATUS),
        Column("count", pl.Int64, "Events in the population; null unless the status is counted.", unit="events", minimum=0),
        Column("percent_of_parent", pl.Float64, "Percent of the events of the parent, as the file gives it, rounded as it rounds.", unit="%", minimum=0, maximum=100),
        GATE_TYPE,
        *SOURCE,
    ),
    extra_rules=(FilledExactlyWhen(("count",), when="status", equals="counted"),),
)  # fmt: skip

CYTOMETRY_FILES: Final = Table(
    "cytometry_files",
    grain="one data set of one FCS file",
    key=("file_sha256", "data_set"),
    stage="ingested",
    entity=("file_sha256",),
    columns=(
        DATA_SET,
        SAMPLE_NAME,
        Column("fcs_name", pl.String, "Name the file says it has ($FIL)."),
        Column("fcs_version", pl.String, "Version in the header.", required=True, values=v.FCS_VERSIONS),
        Column("n_events", pl.Int64, "Events found.", unit="events", required=True, minimum=0),
        Column("n_events_declared", pl.Int64, "Events the file declares ($TOT); null where it declares none.", unit="events"),
        Column("n_channels", pl.Int32, "Channels ($PAR).", unit="channels", required=True, minimum=1),
        Column("data_type", pl.String, "How events are stored.", required=True, values=v.FCS_DATA_TYPES),
        Column("decoded_by", pl.String, "How they were decoded.", required=True, values=v.FCS_DECODERS),
        Column("cytometer", pl.String, "Cytometer ($CYT)."),
        Column("acquisition_date", pl.Date, "Day of acquisition ($DATE)."),
        Column("begun_at", pl.Datetime("us"), "Begin of acquisition ($DATE and $BTIM), in the time of the place."),
        Column("ended_at", pl.Datetime("us"), "End of acquisition ($ETIM); before the begin, it was the next day."),
        Column("has_compensation", pl.Boolean, "The file carries a spillover or compensation matrix.", required=True),
        Column("remarks", pl.String, "What in the file is against the standard and how it was read all the same, joined by ' | '."),
        *SOURCE,
    ),
)  # fmt: skip

CYTOMETRY_CHANNELS: Final = Table(
    "cytometry_channels",
    grain="one channel of one data set of an FCS file",
    key=("file_sha256", "data_set", "channel_number"),
    stage="ingested",
    entity=("file_sha256",),
    columns=(
        DATA_SET,
        Column("channel_number", pl.Int32, "Number of the channel (n of $PnN).", required=True, minimum=1),
        Column("channel", pl.String, "Name of the channel ($PnN); the number where the file leaves it empty.", required=True),
        Column("stain", pl.String, "What was stained with it ($PnS)."),
        Column("bits", pl.Int32, "Bits a value takes ($PnB).", unit="bits", required=True),
        Column("value_range", pl.Float64, "Range of the values ($PnR).", minimum=0),
        Column("log_decades", pl.Float64, "Decades of logarithmic amplification ($PnE); 0 for linear."),
        Column("log_offset", pl.Float64, "Value at 0 of logarithmic amplification ($PnE)."),
        Column("gain", pl.Float64, "Gain of linear amplification ($PnG)."),
        Column("voltage", pl.Float64, "Voltage of the detector ($PnV).", unit="V"),
        *SOURCE,
    ),
)  # fmt: skip

ACQUISITION_MEASURES: Final = Table(
    "acquisition_measures",
    grain="one measure of how one FCS file was acquired",
    key=("file_sha256", "data_set", "measure", "channel"),
    stage="ingested",
    entity=("file_sha256",),
    columns=(
        DATA_SET,
        Column("measure", pl.String, "What is measured.", required=True, values=v.ACQUISITION_MEASURES),
        Column("channel", pl.String, "Channel it is about; empty where it is about all of the file.", required=True),
        Column("value", pl.Float64, "time_gap: longest time without events, seconds; flow_rate_jump: largest ratio of event rates of neighbouring tenths of the acquisition; margin_events: percent of events at the end of the range; time_backwards: events whose time is before that of the event before.", required=True, minimum=0),
        *SOURCE,
    ),
)  # fmt: skip
