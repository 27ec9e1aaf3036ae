"""What every part of the study file is made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1, pattern=r"^\S(.*\S)?$")]


class Part(BaseModel):
    """A part of the study file: unknown keys are errors, values never change after reading.

    A rule over several settings raises ValueError as `key: what is wrong; how to mend it`, key counted from this part.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
