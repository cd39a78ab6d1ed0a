"""The web UI in headless Chromium, as a team uses it: the graph, Materialize, the metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from mysql_s3_redshift_tests.browser.chromium import launch
from mysql_s3_redshift_tests.project import Project, new_project

pytestmark = pytest.mark.browser

RUN_MILLISECONDS = 240_000


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    with new_project(0.001) as one:
        yield one


@pytest.fixture(scope="module")
def address(project: Project) -> str:
    """Where the web UI answers."""
    found = re.search(r"http://\S+", project.run("sandbox", "ui"))
    assert found
    return found[0]


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright, launch(playwright) as browser:
        yield browser.new_page(viewport={"width": 1500, "height": 1000})


def test_one_pair_is_materialized_from_the_graph_and_shows_its_proofs(
    page: Page, address: str, project: Project
):
    page.goto(f"{address}/locations/mysql_s3_redshift/asset-groups/flights/lineage")
    expect(page.get_by_text("airlines").first).to_be_visible(timeout=RUN_MILLISECONDS)
    for key in ("s3/flights/flights/airlines", "redshift/warehouse/flights/airlines"):
        page.goto(f"{address}/assets/{key}")
        page.get_by_role("button", name="Materialize", exact=False).first.click()
        expect(page.get_by_text("Row count").first).to_be_visible(timeout=RUN_MILLISECONDS)
    page.goto(f"{address}/assets/redshift/warehouse/flights/airlines?view=events")
    for name in ("rows_loaded", "load_id", "manifest_uri", "blacklist"):
        expect(page.get_by_text(name).first).to_be_visible(timeout=RUN_MILLISECONDS)
    in_mysql = project.mysql("SELECT COUNT(*) FROM flights.airlines")
    assert project.redshift("SELECT COUNT(*) FROM flights.airlines") == in_mysql
