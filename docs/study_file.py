"""The study file's settings, from their declaration, and the commented template that `perdure init` writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import NoneType
from typing import Any, Final, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs.markdown import code, codes, grid, head
from expectations.study import StudySettings

_TEMPLATE: Final = Path(__file__).parents[1] / "flows" / "study_template.toml"
_BOUNDS: Final = {Gt: (">", "gt"), Ge: (">=", "ge"), Lt: ("<", "lt"), Le: ("<=", "le")}
_WORDS: Final = {str: "text", int: "whole number", float: "number", bool: "true or false", date: "date"}

_INTRO: Final = """\
`study.toml` says everything a study decides. What it leaves out takes the default given here. It is
[TOML](https://toml.io); a part such as `[elispot.quality]` is written once, a part such as `[[visits]]` once for every
visit. A setting that does not exist, or a value that cannot be, is answered with the key, the line and the fix, and
nothing is run.

A change of `study.toml` makes the next `perdure run` compute everything again. The settings a published state was made
with stand in the table `settings`, with `is_default` beside each.
"""

_ACROSS: Final = """## What must hold between settings

- A visit's window holds its nominal day. Windows do not overlap. Two visits do not share a name, and none is called
  `unscheduled` or `infusion product`, which are names perdure gives itself.
- Every spelling (an antigen's name, its aliases, the controls) stands for one thing only; no antigen is declared twice.
- `infusion_product.reactive_stimuli` names declared antigens.
- Two landmarks do not have the same day; `analysis.primary.landmark` is one of them.
- Infused cells against OS is not offered as primary analysis.
"""


def page() -> str:
    """The whole page: one section a part, then an example."""
    parts = [head("The study file", "expectations/study.py and flows/study_template.toml"), _INTRO]
    parts += ["\n".join(_sections(StudySettings, ()))]
    example = f"## An example\n\nWhat `perdure init` writes:\n\n```toml\n{_TEMPLATE.read_text(encoding='utf-8')}```\n"
    return "\n".join([*parts, _ACROSS, example])


def _sections(part: type[BaseModel], path: tuple[str, ...]) -> Iterator[str]:
    for name, field in part.model_fields.items():
        inner = _inner(field.annotation)
        if inner is None:
            continue
        here = (*path, name)
        brackets = f"[[{'.'.join(here)}]]" if _is_list(field.annotation) else f"[{'.'.join(here)}]"
        needed = " It cannot be left out." if field.is_required() else ""
        yield f"## {brackets}\n\n{' '.join((inner.__doc__ or '').split())}{needed}\n"
        rows = [_row(key, one) for key, one in inner.model_fields.items() if _inner(one.annotation) is None]
        if rows:
            yield grid(("setting", "type", "default", "allowed", "meaning"), rows)
        yield from _sections(inner, here)


def _inner(annotation: Any) -> type[BaseModel] | None:
    """The part a setting is made of, alone or as a list; None for a plain value."""
    candidates = (annotation, *get_args(annotation))
    return next((one for one in candidates if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is tuple


def _row(name: str, field: FieldInfo) -> tuple[str, ...]:
    default = "required" if field.is_required() else _default(field.default)
    return code(name), _type(field.annotation), default, _allowed(field), field.description or ""


def _default(value: Any) -> str:
    return "unset" if value is None else code(json.dumps(value, ensure_ascii=False))


def _type(annotation: Any) -> str:
    arguments = [one for one in get_args(annotation) if one is not NoneType]
    if get_origin(annotation) is Literal:
        return _WORDS[type(arguments[0])]
    if _is_list(annotation):
        plain = [one for one in arguments if one is not Ellipsis]
        return f"list of {_type(plain[0])}" if Ellipsis in arguments else f"list of {len(plain)} ({_type(plain[0])})"
    if get_origin(annotation) is dict:
        return f"table of {_type(arguments[1])}"
    if annotation in _WORDS:
        return _WORDS[annotation]
    return _type(arguments[0])  # optional or annotated


def _allowed(field: FieldInfo) -> str:
    values = _values(field.annotation)
    if values:
        return codes(json.dumps(value, ensure_ascii=False) for value in values)
    told = [
        f"{sign} {getattr(limit, name):g}"
        for limit in field.metadata
        for kind, (sign, name) in _BOUNDS.items()
        if isinstance(limit, kind)
    ]
    if _is_list(field.annotation):
        told = [f"at least {limit.min_length}" for limit in field.metadata if isinstance(limit, MinLen)]
    return " and ".join(told)


def _values(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return next((_values(one) for one in get_args(annotation) if get_origin(one) is Literal), ())
