"""Settings of a count are kept in the words of the file; what the operator wrote is a comment."""

from __future__ import annotations

import json

from tests.drawing import SHARED, needs_shared
from tests.drawn_aid_workbook import block, drawn
from tests.drawn_exports import aid_export, column, read, workbook, zeiss_export
from transforms.readers.source import Reading


def told(reading: Reading) -> list[object]:
    """The settings of every plate and analyte of a reading."""
    found = column(reading, "plates", "counting_parameters")
    return [None if text is None else json.loads(str(text)) for text in found]


def test_settings_of_a_zeiss_export_are_its_parameters_without_day_and_time():
    parameters = ("Time: \t4:09:18 PM", "Diameter: \t[25 ... 500] ", "Hue: \t[99.6 ... 7.0]", "Slope:")
    assert told(read(zeiss_export(parameters=parameters))) == [{"Diameter": "[25 ... 500]", "Hue": "[99.6 ... 7.0]"}]


def test_a_setting_given_twice_has_both_values():
    parameters = ("Diameter: \t[25 ... 500]", "Diameter: \t[30 ... 500]")
    assert told(read(zeiss_export(parameters=parameters))) == [{"Diameter": ["[25 ... 500]", "[30 ... 500]"]}]


def test_an_export_that_lists_no_settings_has_none():
    assert told(read(aid_export())) == [None]
    assert told(read(zeiss_export(parameters=()))) == [None]
    assert told(read(workbook(drawn()))) == [None] * 3


def test_settings_behind_the_grids_of_an_aid_text_are_kept_and_titles_of_grids_are_none():
    text = aid_export().replace("All Well Comments", "Min. spot size: 12\nIntensity:  20 - 180\n\nAll Well Comments")
    assert told(read(text)) == [{"Min. spot size": "12", "Intensity": "20 - 180"}]


def test_comments_on_wells_stand_behind_the_comment_on_the_plate():
    text = aid_export() + "A1: artefact\n\nB2: hair\n"
    assert column(read(text), "plates", "comment") == ["2x10^5cells/well | Patient: 7 | A1: artefact | B2: hair"]
    assert told(read(text)) == [None]


def test_the_version_of_the_software_is_no_setting():
    text = aid_export().replace("Column: 12", "Software version: 3.5\n\nColumn: 12")
    sheets = drawn()
    sheets["Properties"].append(["Software version", "7.0 build 14"])
    for reading, version in (
        (read(text), "3.5"),
        (read(workbook(sheets)), "7.0 build 14"),
        (read(zeiss_export(parameters=("Version: \t4.9",))), "4.9"),
    ):
        assert set(column(reading, "plates", "software_version")) == {version}
        assert set(told(reading)) == {None}


def test_settings_of_an_aid_workbook_are_its_properties_and_the_tntc_level_of_the_image():
    sheets = drawn()
    sheets["Properties"] += [["Lamp", "1200"], ["User", "somebody else"]]
    sheets["PlateData"] += block("TNTC level(in first image: FITC)", "600")
    found = told(read(workbook(sheets)))
    assert found == [{"Lamp": "1200", "TNTC level": "600"}, {"Lamp": "1200"}, {"Lamp": "1200"}]


def test_a_tntc_level_of_the_whole_plate_is_that_of_every_analyte():
    sheets = drawn()
    sheets["PlateData"] += block("TNTC level", "600")
    assert told(read(workbook(sheets))) == [{"TNTC level": "600"}] * 3


def test_sample_names_entered_in_an_aid_workbook_are_told_to_be_lost():
    sheets = drawn()
    sheets["PlateData"] += block("Sample ids", "--")
    assert read(workbook(sheets)).unused_columns == {}
    sheets["PlateData"][-10][1] = "P7"
    assert read(workbook(sheets)).unused_columns == {"elispot_counts": ["Sample ids"]}


@needs_shared
def test_the_real_zeiss_export_was_counted_with_six_settings():
    (settings,) = told(read((SHARED / "real/elispot/zeiss/Zeiss_datafile.txt").read_bytes()))
    assert isinstance(settings, dict)
    assert list(settings) == ["Diameter", "Contrast", "Hue", "Saturation", "Shape", "Slope"]
    assert settings["Saturation"] == "[13.3 ... 67.2]"
