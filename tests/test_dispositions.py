"""Dispositions as contacts: alive on their day, withdrawn where the subject left, and death goes before."""

from __future__ import annotations

from expectations.clinical_in import DISPOSITIONS, FOLLOW_UP
from tests.drawing import table
from transforms.dispositions import contacts

SOURCE = {"file_sha256": "a", "place": "line 2"}


def test_a_disposition_is_a_contact_and_one_a_day():
    told = table(
        """
        subject_id | disposition_date | disposition           | is_withdrawal
        P1         | 2014-07-02       | end of participation  | false
        P1         | 2014-07-02       | withdrawal by subject | true
        P1         | 2014-01-02       | randomized            |
        P2         | 2014-09-01       | adverse event         | false
        """,
        DISPOSITIONS,
        **SOURCE,
    )
    known = table("subject_id | contact_date | vital_status\nP2 | 2014-09-01 | dead", FOLLOW_UP, **SOURCE)
    found = contacts(known, told).select("subject_id", "contact_date", "vital_status", "withdrawal_date")
    assert found.equals(
        table(
            """
            subject_id | contact_date | vital_status | withdrawal_date
            P1         | 2014-01-02   | alive        |
            P1         | 2014-07-02   | alive        | 2014-07-02
            P2         | 2014-09-01   | alive        |
            P2         | 2014-09-01   | dead         |
            """,
            FOLLOW_UP,
        ).select(found.columns)
    )


def test_without_dispositions_follow_up_stays_as_it_is():
    known = table("subject_id | contact_date | vital_status\nP2 | 2014-09-01 | dead", FOLLOW_UP, **SOURCE)
    assert contacts(known, DISPOSITIONS.empty()).equals(known)
