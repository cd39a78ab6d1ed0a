"""The web UI in headless Chromium, as a team uses it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from mysql_s3_redshift_tests.browser.web_ui import MILLISECONDS, WebUi, expect_status, node
from mysql_s3_redshift_tests.project import Project

pytestmark = pytest.mark.browser

TABLES = ("settlement_partners", "settlement_claim_detail", "uni_parcels")
GROUP = 'group:"partners"'


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
