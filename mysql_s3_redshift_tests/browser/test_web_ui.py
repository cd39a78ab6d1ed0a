"""The web UI in headless Chromium, as a team uses it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from mysql_s3_redshift.defs.checks.specs import EXTRACT_CHECKS
from mysql_s3_redshift_tests.browser.web_ui import (
    MILLISECONDS,
    WebUi,
    expect_status,
    node,
    wait_for,
)
from mysql_s3_redshift_tests.project import Project

pytestmark = pytest.mark.browser

TABLES = ("settlement_partners", "settlement_claim_detail", "uni_parcels")
GROUP = 'group:"partners"'
ORDERS = "s3/orders/settlement/settle_orders"
FIRST, SECOND, LAST = "2025-01-06", "2025-01-07", "2025-01-08"


@dataclass(frozen=True, slots=True)
class Backfill:
    """A backfill that is under way.

    Attributes:
        rows: What Redshift had of these days before it: nothing.
        watermark: The table's watermark before it.
    """

    id: str
    rows: int
    watermark: tuple[object, ...]


@pytest.fixture(scope="module", autouse=True)
def backfill(browser: Browser, ui: WebUi, project: Project) -> Backfill:
    """Three days that Redshift lost; launched first, as the daemon looks only every 30 s."""
    project.sync("-p", "orders")
    project.redshift(f"DELETE FROM settlement.settle_orders WHERE {_of_days()}")
    page = browser.new_page()
    launched = ui.launch_backfill(page, ORDERS, FIRST, LAST)
    page.close()
    return Backfill(launched, _orders(project), _watermark(project))


def _of_days() -> str:
    return f"created_at >= '{FIRST}' AND created_at < '{LAST} 23:59:59.999999'"


def _orders(project: Project) -> int:
    """Orders of the three days that Redshift has."""
    found = f"SELECT COUNT(*) FROM settlement.settle_orders WHERE {_of_days()}"
    return int(project.redshift(found)[0][0])


def _watermark(project: Project) -> tuple[object, ...]:
    known = project.state(ORDERS)["mysql_state"]
    return known["last_timestamp"], known["last_id"], known["ceiling"]


def test_the_graph_shows_every_table_as_mysql_files_and_redshift(page: Page, ui: WebUi):
    ui.open_graph(page, GROUP)
    for table in TABLES:
        for stage in ("mysql", "s3", "redshift"):
            expect(node(page, table, stage)).to_be_visible(timeout=MILLISECONDS)


def test_one_pair_that_is_materialized_from_the_graph_turns_green(
    page: Page, ui: WebUi, project: Project
):
    ui.open_graph(page, 'key:"*/settlement_partners"')
    button = page.get_by_role("button", name="Materialize all (2)")
    assert ui.status_of_next_run(button.click) == "SUCCESS"
    page.reload()
    for stage in ("s3", "redshift"):
        expect_status(node(page, "settlement_partners", stage), "Materialized", colour="green")
    count = "SELECT COUNT(*) FROM settlement.settlement_partners"
    assert project.redshift(count) == project.mysql(count)


def test_a_failing_table_is_red_while_the_others_are_green(page: Page, ui: WebUi, project: Project):
    """One run of all three: what is wrong with one of them ends no other."""
    project.mysql("RENAME TABLE settlement.settlement_claim_detail TO settlement.elsewhere")
    ui.open_graph(page, GROUP)
    button = page.get_by_role("button", name="Materialize all (6)")
    assert ui.status_of_next_run(button.click) == "FAILURE"
    page.reload()
    expect_status(node(page, "settlement_claim_detail", "s3"), "Failed", colour="red")
    for table in ("settlement_partners", "uni_parcels"):
        for stage in ("s3", "redshift"):
            expect_status(node(page, table, stage), "Materialized", colour="green")


def test_the_metadata_and_the_checks_of_a_pair_are_visible(page: Page, ui: WebUi):
    """After the runs of the tests before."""
    key = "warehouse/settlement/settlement_partners"
    ui.open_asset(page, f"redshift/{key}", view="events")
    for name in ("rows_loaded", "pending_files", "blacklist_files", "state_uri"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible(timeout=MILLISECONDS)
    ui.open_asset(page, f"redshift/{key}")
    for text in ("Row count", "credit_limit", "primary_key"):
        expect(page.get_by_text(text, exact=True).first).to_be_visible(timeout=MILLISECONDS)
    ui.open_asset(page, "s3/partners/settlement/settlement_partners", view="checks")
    for check in EXTRACT_CHECKS:
        expect(page.get_by_text(check).first).to_be_visible(timeout=MILLISECONDS)


def test_a_backfill_of_three_days_completes_and_leaves_the_watermark_alone(
    page: Page, ui: WebUi, project: Project, backfill: Backfill
):
    assert backfill.rows == 0
    assert ui.status_of_backfill(backfill.id) == "COMPLETED_SUCCESS"
    ui.open_asset(page, ORDERS, view="partitions")
    expect(page.get_by_text("Materialized (3)").first).to_be_visible(timeout=MILLISECONDS)
    assert _watermark(project) == backfill.watermark
    project.sync("-p", "orders", "--redshift-only")
    day = f"created_at >= '{SECOND}' AND created_at < '{LAST}'"
    [(of_day,)] = project.mysql(f"SELECT COUNT(*) FROM settlement.settle_orders WHERE {day}")
    assert of_day > 0
    project.assert_equal("settlement.settle_orders")
    page.goto(f"{ui.address}/assets/{ORDERS}?view=partitions&partition={SECOND}")
    counted = page.get_by_role("row").filter(has_text="dagster/partition_row_count")
    expect(counted.first).to_contain_text(str(of_day), timeout=MILLISECONDS)


def test_the_failed_run_is_announced(ui: WebUi, project: Project):
    """By the daemon, as a line in the file that the demo's command appends to."""
    path = project.folder / ".sandbox" / "alerts.jsonl"

    def written() -> dict[str, Any] | None:
        lines = path.read_text().splitlines(keepends=True) if path.exists() else []
        alerts = [json.loads(line) for line in lines if line.endswith("\n")]
        return next((one for one in alerts if one["event"] == "run_failed"), None)

    alert = wait_for(written, "the alert")
    assert alert["pipeline"] == "partners"
    [failure] = alert["failures"]
    assert failure["step"] == "s3__partners__settlement__settlement_claim_detail"
    assert "settlement_claim_detail" in failure["happened"]
    assert failure["remedy"]
    assert alert["url"] == f"{ui.address}/runs/{alert['run_id']}"
