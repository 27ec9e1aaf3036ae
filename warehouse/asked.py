"""The published file asked for rows, and numbers and files in the words of `perdure explain`."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


class Asked:
    """The open published file, asked with parameters."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def rows(self, question: str, *values: Any) -> list[Row]:
        """The rows of a question, each as column to value."""
        cursor = self.connection.execute(question, list(values))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def source(self, digest: str | None, place: str | None = None) -> str:
        """A file by path, place in it and the beginning of its sha256."""
        if digest is None:
            return "none"
        found = self.rows(
            "select path from files where file_sha256 = ? order by reason = 'duplicate.same_bytes', path", digest
        )
        path = found[0]["path"] if found else "?"
        return f"{path}{', ' + place if place else ''} (sha256 {digest[:12]})"


def called(row: Row) -> str:
    """The call of a response, its reason and net value."""
    reason = f" ({row['reason']})" if row["reason"] else ""
    return f"{row['call'].replace('_', ' ')}{reason}, net {_net(row)} {row['unit']}"


def _net(row: Row) -> str:
    """The net value; a bound is told as one."""
    if row["net_value"] is None or (row["net_lower"] is not None and row["net_upper"] is not None):
        return number(row["net_value"])
    if row["net_lower"] is None and row["net_upper"] is None:
        return f"open (about {number(row['net_value'])})"
    return f"{'at least' if row['net_upper'] is None else 'at most'} {number(row['net_value'])}"


def number(value: Any) -> str:
    """A number with five significant digits where it is not whole."""
    return "none" if value is None else f"{value:.5g}" if isinstance(value, float) else str(value)
