"""study.toml: what it says is what is in force; a mistake is answered with the key, the line and what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import BaseModel

from expectations.errors import StudyFileError, UsageError
from expectations.study import StudySettings, flatten
from expectations.study_file import parse_study, read_study
from expectations.study_lines import line_of
from tests.drawing import table

STUDY = """\
[study]
id = "MINI"

[[visits]]
name = "baseline"
day = -7
window = [-30, 0]

[[visits]]
name = "week 6"
day = 42
window = [35, 56]

[[antigens]]
name = "MART-1"
role = "tumour"
aliases = ["Melan-A"]

[[antigens]]
name = "CMV"
role = "viral"

[controls]
negative = ["medium"]
positive = [
    "PHA",
]

[rules]
primary = "dfr_eq"

[rules.threshold]
min_net = 55.0
min_fold = 4

[persistence]
landmarks = [
    { day = 90, half_width = 14 },
    { day = 180, half_width = 30 },
]

[analysis.primary]
landmark = 90
outcome = "responder"
"""


def instead(old: str, new: str) -> Callable[[str], str]:
    """A change of the text, once."""
    return lambda text: text.replace(old, new, 1)


REDCAP = """\
[[clinical.redcap]]
table = "subjects"
columns = { subject_id = "record_id", enrolment_date = "icf_date" }
"""
MISTAKES = {
    "misspelt key": instead("min_fold", "min_flod"),
    "misspelt table": instead("[rules.threshold]", "[rules.treshold]"),
    "misspelt list of tables": lambda text: text.replace("[[visits]]", "[[visit]]"),
    "a key of nowhere": instead('id = "MINI"', 'id = "MINI"\nfavourite_colour = "red"'),
    "misspelt key in braces": instead("half_width = 30", "halfwidth = 30"),
    "a value not offered": instead('"dfr_eq"', '"dfr"'),
    "another role": instead('"viral"', '"virus"'),
    "a number in quotation marks": instead("day = 42", 'day = "42"'),
    "half a day": instead("day = 42", "day = 42.5"),
    "true for a number": instead("min_net = 55.0", "min_net = true"),
    "no number": instead("min_net = 55.0", "min_net = nan"),
    "a number for a text": instead('"MINI"', "12"),
    "yes for true": instead('id = "MINI"', 'id = "MINI"\nsimulated = "yes"'),
    "text for a list": instead('["medium"]', '"medium"'),
    "text for a window": instead("[35, 56]", '"35-56"'),
    "a window of three": instead("[35, 56]", "[35, 42, 56]"),
    "a window of one": instead("[35, 56]", "[35]"),
    "an empty list": instead('["medium"]', "[]"),
    "below the least": instead("min_fold = 4", "min_fold = 0.5"),
    "above the greatest": instead("[rules.threshold]", "[rules.dfr_eq]\nalpha = 1\n[rules.threshold]"),
    "negative in braces": instead("{ day = 180", "{ day = -180"),
    "a number in a list of names": instead('    "PHA",', '    "PHA",\n    12,'),
    "a blank at the end": instead('"week 6"', '"week 6 "'),
    "an empty name": instead('"week 6"', '""'),
    "one table for a list of tables": lambda text: text.replace("[[antigens]]", "[antigens]", 1).replace(
        '[[antigens]]\nname = "CMV"\nrole = "viral"\n', ""
    ),
    "a number for a table": lambda text: "controls = 3\n" + text.replace("[controls]", "[controls_]"),
    "a key is missing": instead("day = 42\n", ""),
    "a table is missing": instead('[study]\nid = "MINI"\n', ""),
    "a list of tables is missing": lambda text: re.sub(r"\[\[visits\]\].*?(?=\[\[ant)", "", text, flags=re.DOTALL),
    "windows overlap": instead("window = [-30, 0]", "window = [-30, 40]"),
    "a window without its day": instead("window = [35, 56]", "window = [43, 56]"),
    "a visit twice": instead('"week 6"', '"baseline"'),
    "a visit of perdure's": instead('"week 6"', '"unscheduled"'),
    "an antigen twice": instead('name = "CMV"', 'name = "MART-1"'),
    "an alias of two": instead('["Melan-A"]', '["Melan-A", "CMV"]'),
    "an antigen as control": instead('["medium"]', '["medium", "CMV"]'),
    "a landmark twice": instead("{ day = 180", "{ day = 90"),
    "a landmark of nowhere": instead("landmark = 90", "landmark = 91"),
    "an antigen of nowhere": lambda text: text + '[infusion_product]\nreactive_stimuli = ["gp100"]\n',
    "no quotation marks": instead('"dfr_eq"', "dfr_eq"),
    "a quotation mark left out": instead('"dfr_eq"', '"dfr_eq'),
    "a bracket left out": instead('["medium"]', '["medium"'),
    "a key twice": instead("day = 42", "day = 42\nday = 43"),
    "a table twice": lambda text: text + '[controls]\nnegative = ["DMSO"]\n',
    "a colon": instead("day = 42", "day: 42"),
    "a backslash": instead('"MINI"', '"lab\\study"'),
    "two values": instead("day = 42", "day = 42 43"),
    "a misspelt column of a table": lambda text: text + REDCAP.replace("enrolment", "enrollment"),
    "a column of no table": lambda text: text + REDCAP.replace("enrolment_date", "colour"),
    "a needed column without field": lambda text: text + REDCAP.replace(', enrolment_date = "icf_date"', ""),
    "a field and a constant": lambda text: text + REDCAP + 'constants = { subject_id = "P1" }\n',
    "codes of no field": lambda text: text + REDCAP + 'codes.sex = { "1" = "female" }\n',
    "a number for a code's meaning": lambda text: text + REDCAP + "codes.subject_id = { a = 1 }\n",
    "another table": lambda text: text + REDCAP.replace('"subjects"', '"subject"'),
    "one mapping in single brackets": lambda text: text + REDCAP.replace("[[", "[").replace("]]", "]"),
    "a pattern left open": lambda text: text + "[clinical.sdtm]\nsubject_pattern = '-(\\d+$'\n",
    "a pattern of two groups": lambda text: text + "[clinical.sdtm]\nsubject_pattern = '(\\d+)-(\\d+)$'\n",
    "a pattern without group": lambda text: text + "[clinical.sdtm]\nsubject_pattern = '\\d+$'\n",
    "a middle of another name": lambda text: text + '[dates]\npartial = "mid"\n',
    "criteria without version": lambda text: text + '[response]\ncriteria = "RECIST"\n',
    "the future against survival": instead('outcome = "responder"', 'exposure = "persistence_index"\noutcome = "OS"'),
    "a marker over time without time": lambda text: text + '[[analysis.secondary]]\nexposure = "positive_over_time"\n',
    "a method that does not fit": lambda text: text + '[[analysis.secondary]]\nmethod = "spearman_permutation"\n',
    "an analysis twice": lambda text: text + "[[analysis.secondary]]\nlandmark = 90\n",
    "a secondary landmark of nowhere": lambda text: text + "[[analysis.secondary]]\nlandmark = 91\n",
}
ANSWERS = """
    mistake                          | line | key                                 | problem                                        | remedy
    misspelt key                     | 34   | rules.threshold.min_flod            | there is no setting `min_flod` here            | write `min_fold`
    misspelt table                   | 32   | rules.treshold                      | there is no setting `treshold` here            | write `threshold`
    misspelt list of tables          | 4    | visit                               | there is no setting `visit` here               | write `visits`, if that is what you mean (1 more
    a key of nowhere                 | 3    | study.favourite_colour              | there is no setting `favourite_colour` here    | use one of id, title, simulated
    misspelt key in braces           | 39   | persistence.landmarks[2].halfwidth  | there is no setting `halfwidth` here           | write `half_width`
    a value not offered              | 30   | rules.primary                       | 'dfr' is none of the values allowed here       | write 'threshold', 'dfr_eq' or 'dfr_2x'
    another role                     | 21   | antigens[2].role                    | 'virus' is none of the values allowed here     | write 'tumour', 'viral' or 'other'
    a number in quotation marks      | 11   | visits[2].day                       | '42' is no whole number                        | without quotation marks
    half a day                       | 11   | visits[2].day                       | 42.5 is no whole number                        | write a whole number
    true for a number                | 33   | rules.threshold.min_net             | true is no number                              | write a number
    no number                        | 33   | rules.threshold.min_net             | nan is no number to compare with               | write a finite number
    a number for a text              | 2    | study.id                            | 12 is no text                                  | put text in quotation marks
    yes for true                     | 3    | study.simulated                     | 'yes' is neither true nor false                | write true or false
    text for a list                  | 24   | controls.negative                   | 'medium' is no list                            | put the entries in brackets
    text for a window                | 12   | visits[2].window                    | '35-56' is no list                             | put the entries in brackets
    a window of three                | 12   | visits[2].window                    | the list has 3 entries                         | give at most 2
    a window of one                  | 12   | visits[2].window                    | the list has too few values                    | give all values of `window`
    an empty list                    | 24   | controls.negative                   | the list has 0 entries                         | give at least 1
    below the least                  | 34   | rules.threshold.min_fold            | 0.5 is out of range                            | give a number of at least 1
    above the greatest               | 33   | rules.dfr_eq.alpha                  | 1 is out of range                              | give a number below 1
    negative in braces               | 39   | persistence.landmarks[2].day        | -180 is out of range                           | give a number above 0
    a number in a list of names      | 27   | controls.positive[2]                | 12 is no text                                  | put text in quotation marks
    a blank at the end               | 10   | visits[2].name                      | 'week 6 ' begins or ends with a blank          | take the blank away
    an empty name                    | 10   | visits[2].name                      | the text is empty                              | write a name
    one table for a list of tables   | 14   | antigens                            | one table stands where a list of tables is     | two pairs of brackets
    a number for a table             | 24   | controls_                           | there is no setting `controls_` here           | write `controls`
    a key is missing                 | 9    | visits[2].day                       | `day` is missing                               | add `day = ...`
    a table is missing               |      | study                               | `study` is missing                             | add `[study]`
    a list of tables is missing      |      | visits                              | `visits` is missing                            | add `[[visits]]`
    windows overlap                  | 12   | visits[2].window                    | 'baseline' and 'week 6' overlap on day 35      | move one of them
    a window without its day         | 12   | visits[2].window                    | the window 43 to 56 does not hold              | widen the window or correct the day
    a visit twice                    | 10   | visits[2].name                      | two visits have the same name                  | rename one
    a visit of perdure's             | 10   | visits[2].name                      | 'unscheduled' is a name perdure gives itself   | rename the visit
    an antigen twice                 | 20   | antigens[2].name                    | the antigen 'MART-1' stands twice              | give it once
    an alias of two                  | 20   | antigens[2].name                    | 'CMV' stands for both the antigen MART-1 and   | give each spelling one meaning
    an antigen as control            | 24   | controls.negative                   | the antigen CMV and a negative control         | give each spelling one meaning
    a landmark twice                 | 39   | persistence.landmarks[2]            | two landmarks have the same day                | give each day once
    a landmark of nowhere            | 43   | analysis.primary.landmark           | 91 is none of persistence.landmarks (90, 180)  | use one of these
    an antigen of nowhere            | 46   | infusion_product.reactive_stimuli   | 'gp100' is no antigen's name                   | declare it under [[antigens]]
    no quotation marks               | 30   | rules.primary                       | the value is neither a number                  | put text in quotation marks
    a quotation mark left out        | 30   | rules.primary                       | a text is not closed                           | add the missing quotation mark
    a bracket left out               | 24   | controls.negative                   | a list is not closed                           | add the missing ]
    a key twice                      | 12   | visits[2].day                       | the key stands twice                           | keep one of the two lines
    a table twice                    | 45   | controls                            | the heading stands twice                       | put all its settings under one heading
    a colon                          | 11   | visits[2].name                      | there is no = after the key                    | write key = value
    a backslash                      | 2    | study.id                            | a text holds a backslash                       | write two backslashes
    two values                       | 11   | visits[2].day                       | something follows the value on its line        | put each setting on a line of its own
    a misspelt column of a table     | 47   | clinical.redcap[1].columns.enrollment_date | the table subjects has no column 'enrollment_date' | write 'enrolment_date'
    a column of no table             | 47   | clinical.redcap[1].columns.colour   | the table subjects has no column 'colour'      | use one of birth_year, ecog, enrolment_date
    a needed column without field    | 47   | clinical.redcap[1].columns          | the table subjects also needs enrolment_date   | name the field under columns, or a value under constants
    a field and a constant           | 48   | clinical.redcap[1].constants.subject_id | subject_id stands under columns too        | keep one of the two
    codes of no field                | 48   | clinical.redcap[1].codes.sex        | columns names no field for sex                 | name it there, or take the codes away
    a number for a code's meaning    | 48   | clinical.redcap[1].codes.subject_id.a | 1 is no text                                 | put text in quotation marks
    another table                    | 46   | clinical.redcap[1].table            | 'subject' is none of the values allowed here   | write 'subjects', 'specimens'
    one mapping in single brackets   | 45   | clinical.redcap                     | one table stands where a list of tables is     | two pairs of brackets
    a pattern left open              | 46   | clinical.sdtm.subject_pattern       | is no regular expression (missing ), untermin  | correct it
    a pattern of two groups          | 46   | clinical.sdtm.subject_pattern       | has 2 groups                                   | put the subject, and nothing else, in one ( )
    a pattern without group          | 46   | clinical.sdtm.subject_pattern       | has 0 groups                                   | put the subject, and nothing else, in one ( )
    a middle of another name         | 46   | dates.partial                       | 'mid' is none of the values allowed here       | write 'reject' or 'middle'
    criteria without version         | 46   | response.criteria                   | 'RECIST' is none of the values allowed here    | write 'RECIST 1.0' or 'RECIST 1.1'
    the future against survival      | 44   | analysis.primary.exposure           | known only at the end of the follow-up         | ask for an exposure at a landmark (persistent_at_landmark
    a marker over time without time  | 46   | analysis.secondary[1].exposure      | responder has no time at which to compare it   | ask for OS or PFS
    a method that does not fit       | 46   | analysis.secondary[1].method        | does not fit persistent_at_landmark against    | use fisher_exact or firth_logistic
    an analysis twice                | 45   | analysis.secondary[1]               | this analysis is declared before it already    | remove one
    a secondary landmark of nowhere  | 46   | analysis.secondary[1].landmark      | 91 is none of persistence.landmarks (90, 180)  | use one of these
"""  # noqa: E501


def refusal(text: str) -> StudyFileError:
    with pytest.raises(StudyFileError) as refused:
        parse_study(text.encode(), "study.toml")
    return refused.value


@pytest.mark.parametrize(("mistake", "line", "key", "problem", "remedy"), table(ANSWERS).rows())
def test_a_mistake_is_answered_with_line_key_problem_and_remedy(mistake, line, key, problem, remedy):
    text = MISTAKES[mistake](STUDY)
    assert text != STUDY
    error = refusal(text)
    assert error.place == (f"line {line}, key {key}" if line else f"key {key}")
    assert problem in error.problem
    assert remedy in error.remedy
    assert error.code in ("study.syntax", "study.invalid")


def test_every_mistake_has_its_answer():
    assert set(MISTAKES) == set(table(ANSWERS)["mistake"])


def test_several_mistakes_are_told_one_at_a_time_with_their_number():
    text = STUDY.replace('"dfr_eq"', '"dfr"').replace('"viral"', '"virus"')
    assert "1 more to mend after this one" in refusal(text).remedy


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_study_file_is_read_with_and_without_a_mark_and_with_either_line_end(encoding, line_end):
    assert parse_study(STUDY.replace("\n", line_end).encode(encoding)) == parse_study(STUDY.encode())


def test_a_study_file_in_another_encoding_is_to_be_saved_as_utf_8():
    with pytest.raises(StudyFileError, match="save it as UTF-8"):
        parse_study(STUDY.encode("utf-16"))


def test_a_folder_without_a_study_file_says_how_to_get_one(tmp_path: Path):
    with pytest.raises(UsageError, match="perdure init") as refused:
        read_study(tmp_path)
    assert refused.value.code == "study.not_found"


def test_an_error_names_the_file_and_the_settings_stay_unread_until_they_are_asked_for(tmp_path: Path):
    (tmp_path / "study.toml").write_text("[study]\nid = 12\n")
    study = read_study(tmp_path)
    with pytest.raises(StudyFileError, match=re.escape(str(tmp_path / "study.toml"))):
        _ = study.settings


def test_stimuli_are_every_spelling_of_antigens_and_controls():
    settings = parse_study(STUDY.encode())
    assert set(settings.stimuli) == {"MART-1", "Melan-A", "CMV", "medium", "PHA", "empty"}
    assert settings.tumour_antigens == settings.reactive_stimuli == ("MART-1",)
    assert settings.primary_landmark == 90


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every setting of the contract, by the route of its types."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from leaves(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_every_setting_in_force_is_told_once():
    told = [path for path, _, _ in flatten(parse_study(STUDY.encode()))]
    assert told == list(leaves(StudySettings))


def test_a_setting_is_a_default_exactly_where_the_file_does_not_give_it():
    given_in_file = {path for path, _, is_default in flatten(parse_study(STUDY.encode())) if not is_default}
    assert given_in_file == {
        "study.id",
        "visits",
        "antigens",
        "controls.negative",
        "controls.positive",
        "rules.primary",
        "rules.threshold.min_net",
        "rules.threshold.min_fold",
        "persistence.landmarks",
        "analysis.primary.landmark",
        "analysis.primary.outcome",
    }


def test_settings_in_force_can_be_stored_as_json():
    for path, value, _ in flatten(parse_study(STUDY.encode())):
        assert json.loads(json.dumps(value)) == as_lists(value), path


def as_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: as_lists(item) for key, item in value.items()}
    return [as_lists(item) for item in value] if isinstance(value, list | tuple) else value


def test_the_template_of_a_new_study_is_a_study(tmp_path: Path):
    from flows.new_study import make_study

    list(make_study(tmp_path / "new"))
    assert read_study(tmp_path / "new").settings.study.id


def test_every_example_in_the_template_of_a_new_study_is_a_setting(tmp_path: Path):
    """With its comment signs taken away, each part that is commented out stands in the contract."""
    from flows.new_study import _TEMPLATE

    text = _TEMPLATE.read_text(encoding="utf-8")
    commented = re.compile(r"^# ?(?=\[|[a-z_A-Z0-9.]+ = |$)", re.MULTILINE)
    settings = parse_study(commented.sub("", text).encode())
    assert settings.clinical.redcap[0].table == "lesion_measurements"
    assert settings.clinical.sdtm.infusion_treatments == ("TIL",)
    assert (settings.dates.partial, settings.response.source) == ("middle", "derived")
    assert [one.outcome for one in settings.analysis.secondary] == ["best_response", "OS"]


LINES = """
    location                    | line
    persistence.landmarks.0.day | 3
    persistence.landmarks.1     | 4
    persistence.landmarks.2     | 4
    persistence.landmarks.3     | 2
    persistence.other           | 1
    controls.positive.0         | 7
    controls.positive.1         | 8
    nothing                     |
"""


@pytest.mark.parametrize(("location", "line"), table(LINES).rows())
def test_the_line_of_an_entry_is_that_on_which_it_begins(location, line):
    text = (
        "[persistence]\n"
        "landmarks = [ # { not this one },\n"
        '    { day = 90, note = "a ] and a , in quotation marks" },\n'
        "    { day = 180 }, { day = 365 },\n"
        "]\n"
        "[controls]\n"
        'positive = ["PHA",\n'
        '    "CEF"]\n'
    )
    steps = tuple(int(step) if step.isdigit() else step for step in location.split("."))
    assert line_of(text, steps) == line


@examples(max_examples=200, deadline=None)
@given(st.integers(0, len(STUDY) - 1), st.text(max_size=4), st.integers(0, 6))
def test_no_edit_of_a_study_file_raises_anything_but_its_own_error(position, typed, cut):
    with suppress(StudyFileError):
        assert parse_study((STUDY[:position] + typed + STUDY[position + cut :]).encode("utf-8", "replace"))
