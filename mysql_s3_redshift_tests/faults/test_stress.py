"""Late commits for some seconds; `make stress` runs the same for minutes."""

from __future__ import annotations

import pytest

from mysql_s3_redshift_tests.faults.replication import Replication
from mysql_s3_redshift_tests.faults.stress import (
    STRATEGIES,
    impatient_ceiling,
    no_ceiling,
    stress,
)

pytestmark = pytest.mark.stress


def test_late_commits_are_neither_lost_nor_doubled(replication: Replication) -> None:
    """H-04, I-20, I-31, I-37, P-04: every strategy at once, appended and upserted."""
    with impatient_ceiling():
        found = stress(replication, list(STRATEGIES), 20)
    assert {name: (o.lost, o.doubled) for name, o in found.items()} == dict.fromkeys(
        STRATEGIES, (0, 0)
    )
    assert all(o.written > 20 and o.syncs >= 2 for o in found.values()), found


def test_without_the_ceiling_the_same_traffic_loses_rows(replication: Replication) -> None:
    """H-04: this test can see the loss that the other one proves absent."""
    with no_ceiling():
        found = stress(replication, ["hybrid", "timestamp_only", "id_only"], 8)
    assert sum(outcome.lost for outcome in found.values()), found
