"""The demo as a user runs it: the console script against a sandbox of its own."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator

import pytest

from mysql_s3_redshift_tests.project import TOOL, Project, new_project

# Without settlement_partners: PyMySQL shows its FLOAT with six digits and its BIT as bytes; the
# exactness suite compares those.
LIVE_TABLES = (
    "settlement.settle_orders",
    "settlement.settlement_normal_delivery_detail",
    "settlement.settlement_claim_detail",
    "settlement.uni_parcels",
    "settlement.exchange_rates",
)


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    with new_project(0.01) as one:
        yield one


def test_the_demo_is_equal_live_limited_and_without_mysql(project: Project):
    """I-07, I-08, I-09, H-32 and what the README shows, in the order a user would try it."""
    limited = project.sync("-p", "settlement", "-t", "settlement.settle_orders", "--limit", "1000")
    assert limited["settlement/settlement.settle_orders"]["rows_extracted"] == 1000
    state = project.state("s3/settlement/settlement/settle_orders")
    assert state["mysql_state"]["total_rows"] == sum(f["rows"] for f in state["files"]) == 1000
    first = {row[0] for row in project.redshift("SELECT id FROM settlement.settle_orders")}
    lowest = project.mysql("SELECT ID FROM settlement.settle_orders ORDER BY ID LIMIT 1000")
    assert first == {row[0] for row in lowest}

    complete = project.sync()
    assert len(complete) == 12
    for table in LIVE_TABLES:
        project.assert_equal(table)
    assert "all equal" in project.run("sandbox", "compare")

    again = project.sync()
    assert {t["rows_extracted"] for t in again.values()} == {0}
    assert {t["files_loaded"] for t in again.values()} == {0}
    assert "nothing new" in project.run("sync", "-p", "flights")

    traffic = subprocess.Popen(
        [TOOL, "sandbox", "traffic", "--seconds", "6", "--json"],
        cwd=project.folder,
        stdout=subprocess.PIPE,
    )
    while traffic.poll() is None:
        project.sync("-p", "settlement")
        time.sleep(0.2)
    told, _ = traffic.communicate()
    assert traffic.returncode == 0
    assert json.loads(told)["transactions"] > 0

    project.sync("-p", "settlement", "--backup-only")
    project.run("sandbox", "down", "mysql")
    loaded = project.sync("-p", "settlement", "--redshift-only")
    assert {t["pending_files"] for t in loaded.values()} == {0}
    project.run("sync", "-p", "settlement", "-t", "settlement.settle_orders", check=5)
    project.run("sandbox", "up", "--no-data")
    for table in LIVE_TABLES:
        project.assert_equal(table)
