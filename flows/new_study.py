"""`perdure init`: an empty study folder to fill in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from expectations.errors import UsageError
from expectations.study_file import STUDY_FILE

_TEMPLATE = Path(__file__).parent / "study_template.toml"


def make_study(folder: Path) -> Iterator[str]:
    """Makes study.toml, inbox/ and header-only tables under templates/; says what it made.

    Raises UsageError (study.exists) for a folder that is not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            str(folder), code="study.exists", problem="the folder is not empty", remedy="name a new folder"
        )
    from expectations.ingested import REFERENCE_TABLES
    from transforms.readers.reference_tables import template_header

    (folder / "inbox").mkdir(parents=True)
    (folder / STUDY_FILE).write_bytes(_TEMPLATE.read_bytes())
    templates = folder / "templates"
    templates.mkdir()
    for table in REFERENCE_TABLES:
        (templates / f"{table.name}.csv").write_text(",".join(template_header(table)) + "\n", encoding="utf-8")
    yield f"Made {folder / STUDY_FILE}: what the study decides, commented; change it to yours."
    yield f"Made {templates}: header-only reference tables ({', '.join(table.name for table in REFERENCE_TABLES)})."
    yield f"Fill them in and drop them, with the instruments' exports, into {folder / 'inbox'} in any subfolder."
    yield f"Then: perdure run {folder}"
