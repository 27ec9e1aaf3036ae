"""Errors a user can act on: which file, which place, what is wrong, what to do, under a stable reason code."""

from __future__ import annotations

from expectations.reasons import reason


class PerdureError(Exception):
    """A fault in what perdure was given, never in perdure itself; shown as one paragraph without a traceback."""

    def __init__(self, subject: str, *, code: str, problem: str, remedy: str, place: str | None = None) -> None:
        """Subject is the file or setting at fault; code must be declared in `expectations.reasons`."""
        self.code = reason(code).code
        self.subject = subject
        self.place = place
        self.problem = problem
        self.remedy = remedy
        super().__init__(self.paragraph())

    def paragraph(self) -> str:
        """The whole error in one paragraph: subject, place, problem, remedy, code."""
        where = f"{self.subject}, {self.place}" if self.place else self.subject
        return f"{where}: {self.problem.rstrip('.')}. To mend it: {self.remedy.rstrip('.')}. [{self.code}]"


class SourceFileError(PerdureError):
    """An export or reference table that cannot be read as what it claims to be; the file is quarantined whole."""


class StudyFileError(PerdureError):
    """study.toml names something impossible; place is `line N, key a.b`."""


class UsageError(PerdureError):
    """The command line asked for something that does not exist or is not possible now."""
