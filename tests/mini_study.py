"""A study small enough to run whole in a test: three subjects, one plate each, every reference table."""

from __future__ import annotations

from pathlib import Path

STUDY = """
[study]
id = "MINI"

[[visits]]
name = "baseline"
day = -7
window = [-30, 0]

[[visits]]
name = "day 90"
day = 90
window = [76, 110]

[[antigens]]
name = "MART-1"
role = "tumour"

[[antigens]]
name = "CMV"
role = "viral"

[controls]
negative = ["medium"]
positive = ["PHA"]

[persistence]
landmarks = [{ day = 90, half_width = 14 }]

[sampling]
expect_infusion_product = false
"""

SUBJECTS = ("P1", "P2", "P3")
ROWS = "ABCDEFGH"
STIMULI = {"A": "medium", "B": "medium", "C": "MART-1", "D": "CMV", "E": "PHA"}
"""Plate row to stimulus; columns 1-3 hold the baseline specimen, 4-6 that of day 90."""


def plate(name: str, persistent: bool, *, first: int = 2, read: str = "Tuesday, March 13, 2012") -> str:
    """An AID text export: MART-1 positive at day 90 where `persistent`, negative at baseline; `first` is well A1."""
    spots = {
        "A": [first, 1, 3, 2, 2, 1],
        "B": [1, 2, 2, 3, 1, 2],
        "C": [3, 2, 1, *([80, 95, 88] if persistent else [2, 3, 2])],
    }
    spots |= {"D": [50, 61, 55, 58, 49, 66], "E": [400, 380, 410, 395, 405, 420]}
    lines = [f"Plate name: {name}.plt", "", f"Date: {read}", "", "Column: 6  Row: 5", "", "Spot counts:"]
    lines.append("   " + " ".join(f"{column:>4}" for column in range(1, 7)))
    lines += [f"{row}  " + " ".join(f"{count:>4}" for count in counts) for row, counts in spots.items()]
    return "\n".join([*lines, "", ""])


def layout(subject: str) -> list[str]:
    """The layout of one subject's plate."""
    wells = [(row, column) for row in STIMULI for column in range(1, 7)]
    return [
        f"PL-{subject},{row}{n},{subject}-{'B' if n <= 3 else 'D90'},{STIMULI[row]},200000,{(n - 1) % 3 + 1}"
        for row, n in wells
    ]


def tables() -> dict[str, str]:
    """Every reference table as CSV."""
    subjects = [f"{subject},2012-01-0{n}" for n, subject in enumerate(SUBJECTS, start=1)]
    specimens = [
        line
        for subject in SUBJECTS
        for line in (f"{subject}-B,{subject},2012-01-25,95", f"{subject}-D90,{subject},2012-05-01,90")
    ]
    infusions = [f"{subject},2012-02-01" for subject in SUBJECTS]
    responses = ["P1,2012-03-20,PR,investigator", "P1,2012-05-01,PR,investigator", "P2,2012-03-20,PD,investigator"]
    responses += ["P3,2012-03-20,SD,investigator", "P3,2012-05-01,PD,investigator"]
    contacts = ["P1,2013-02-01,alive", "P2,2012-08-01,dead", "P3,2012-10-01,dead"]
    return {
        "subjects.csv": "\n".join(["subject_id,enrolment_date", *subjects, ""]),
        "specimens.csv": "\n".join(["specimen_id,subject_id,collection_date,viability_percent", *specimens, ""]),
        "layouts.csv": "\n".join(
            [
                "plate_id,well,specimen_id,stimulus,cells_per_well,replicate",
                *(w for s in SUBJECTS for w in layout(s)),
                "",
            ]
        ),
        "infusions.csv": "\n".join(["subject_id,infusion_date", *infusions, ""]),
        "responses.csv": "\n".join(["subject_id,assessment_date,overall_response,evaluator", *responses, ""]),
        "follow_up.csv": "\n".join(["subject_id,contact_date,vital_status", *contacts, ""]),
    }


def plates() -> dict[str, str]:
    """One export a subject; P1 is persistent, the others are not."""
    return {f"plates/{subject}.txt": plate(f"PL-{subject}", subject == "P1") for subject in SUBJECTS}


def write(folder: Path, files: dict[str, str] | None = None, study: str = STUDY) -> Path:
    """The study folder with these files in its inbox; all of them where none are named."""
    (folder / "inbox").mkdir(parents=True, exist_ok=True)
    (folder / "study.toml").write_text(study)
    drop(folder, tables() | plates() if files is None else files)
    return folder


def drop(folder: Path, files: dict[str, str]) -> None:
    """Puts files into the inbox."""
    for path, text in files.items():
        target = folder / "inbox" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
