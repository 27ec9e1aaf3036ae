"""Drawn REDCap exports with what study.toml says of them."""

from __future__ import annotations

import csv
import io

import pytest

from expectations.errors import SourceFileError
from expectations.study import StudySettings
from expectations.study_file import parse_study
from tests import drawn_exports
from tests.drawn_exports import read
from transforms.readers.source import Reading

MAPPING = """
[[clinical.redcap]]
table = "subjects"
events = ["screening_arm_1", "Screening"]
columns = { subject_id = "record_id", enrolment_date = "icf_date", sex = "sex", prior_therapies = "prior" }
codes.sex = { "1" = "female", "2" = "male", "Woman" = "female" }
codes.prior_therapies = { "1" = "ipilimumab", "2" = "nivolumab", "-99" = "" }

[[clinical.redcap]]
table = "lesion_measurements"
instrument = "lesions"
columns = { subject_id = "record_id", lesion_id = "les_no", assessment_date = "scan_date", status = "les_status", diameter_mm = "les_mm", visit = "redcap_event_name" }
constants = { evaluator = "investigator" }
codes.status = { "1" = "measured", "2" = "too_small" }
codes.diameter_mm = { "-99" = "" }
codes.visit = { week_12_arm_1 = "Week 12" }
"""  # noqa: E501

RAW = """
    record_id | redcap_event_name | redcap_repeat_instrument | redcap_repeat_instance | icf_date   | sex | phone    | prior___1 | prior___2 | prior____99 | enrolment_complete | scan_date  | les_no | les_status | les_mm | les_note
    P01       | screening_arm_1   |                          |                        | 2014-01-10 | 1   | 12345678 | 1         | 1         | 0           | 2                  |            |        |            |        |
    P01       | week_12_arm_1     |                          |                        |            |     |          |           |           |             |                    |            |        |            |        |
    P01       | week_12_arm_1     | lesions                  | 1                      |            |     |          |           |           |             |                    | 2014-05-02 | T01    | 1          | 21.5   | Mrs Smith
    P01       | week_12_arm_1     | lesions                  | 2                      |            |     |          |           |           |             |                    | 2014-05-02 | T02    | 2          | -99    |
    P02       | screening_arm_1   |                          |                        | 2014-02-01 | 2   | 87654321 | 0         | 0         | 1           | 2                  |            |        |            |        |
    P03       | screening_arm_1   |                          |                        |            |     |          | 0         | 0         | 0           | 0                  |            |        |            |        |
    P02       | week_12_arm_1     | adverse_events           | 1                      |            |     |          |           |           |             |                    |            |        |            |        |
"""  # noqa: E501


def exported(drawing: str, separator: str = ",") -> str:
    """A drawing as REDCap writes it: CSV with a header and one row a record, event and instance."""
    rows = [[cell.strip() for cell in line.split("|")] for line in drawing.strip().splitlines()]
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
    return text.getvalue()


def told(mapping: str = MAPPING, dates: str = "") -> StudySettings:
    return parse_study((drawn_exports.STUDY + dates + mapping).encode())


def rows(reading: Reading, name: str, *columns: str) -> list[tuple[object, ...]]:
    return reading.tables[name].select(columns).rows()


def refusal(drawing: str, mapping: str = MAPPING) -> SourceFileError:
    with pytest.raises(SourceFileError) as refused:
        read(exported(drawing), told(mapping))
    return refused.value


SUBJECT = ("subject_id", "enrolment_date", "sex", "prior_therapies", "place")
LESION = ("subject_id", "lesion_id", "evaluator", "assessment_date", "status", "diameter_mm", "visit", "place")


LABELS = """
    Record ID | Event Name | Repeat Instrument | Repeat Instance | Date of consent | Sex   | Prior therapy (choice=Ipilimumab) | Prior therapy (choice=Nivolumab (anti-PD-1)) | Complete? | Lesion | Diameter, mm
    P01       | Screening  |                   |                 | 2014-01-10      | Woman | Checked                           | Unchecked                                    | Complete  |        |
    P02       | Screening  |                   |                 | 2014-02-01      | Man   | Checked                           | Checked                                      | Complete  |        |
    P01       | Week 12    | Target Lesions    | 1               |                 |       |                                   |                                              |           | T01    | 20
"""  # noqa: E501
LABEL_MAPPING = """
[[clinical.redcap]]
table = "subjects"
columns = { subject_id = "Record ID", enrolment_date = "Date of consent", sex = "Sex", prior_therapies = "Prior therapy" }
codes.sex = { "Woman" = "female", "Man" = "male" }
codes.prior_therapies = { "Nivolumab (anti-PD-1)" = "nivolumab" }

[[clinical.redcap]]
table = "lesion_measurements"
instrument = "target lesions"
columns = { subject_id = "record_id", lesion_id = "Lesion", diameter_mm = "Diameter, mm", visit = "redcap_event_name" }
constants = { evaluator = "investigator", status = "measured", assessment_date = "2014-05-02" }
"""  # noqa: E501
FITS = {
    "a field misspelt": ('"les_mm"', '"les_mmm"'),
    "a field of nowhere": ('"les_mm"', '"tallest"'),
    "an instrument misspelt": ('instrument = "lesions"', 'instrument = "lesion"'),
    "an instrument left out": ('instrument = "lesions"\n', ""),
    "an event misspelt": ('"screening_arm_1", "Screening"', '"screening_arm1"'),
    "another event": ('"screening_arm_1", "Screening"', '"week_12_arm_1"'),
}
"""What fits the export to what does not."""
