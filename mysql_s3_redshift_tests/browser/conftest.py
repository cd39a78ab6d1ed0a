"""One project with its web UI, and one browser, for all tests of this folder."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from mysql_s3_redshift.sandbox.processes import stop
from mysql_s3_redshift.sandbox.settings import load_settings
from mysql_s3_redshift_tests.browser.chromium import HEIGHT, WIDTH, launch
from mysql_s3_redshift_tests.browser.web_ui import WebUi
from mysql_s3_redshift_tests.project import ROOT, Project, new_project

# Nothing runs by itself: the tests alone launch runs, and the next 29 February is far away.
PIPELINES = """
  partners:
    source: shop_db
    storage: lake
    target: warehouse
    target_schema: settlement
    sync: {schedule: "0 0 29 2 *"}
    checks: {schedule: "0 0 29 2 *"}
    alerts: {command: [tee, -a, .sandbox/alerts.jsonl], web_ui: "${SANDBOX_WEB_UI:-}"}
    tables:
      settlement.settlement_partners: {}
      settlement.settlement_claim_detail: {}
      settlement.uni_parcels: {cdc_strategy: id_only, load_mode: append}
  orders:
    source: shop_db
    storage: lake
    target: warehouse
    target_schema: settlement
    sync: {schedule: "0 0 29 2 *"}
    checks: {schedule: "0 0 29 2 *"}
    tables:
      settlement.settle_orders: {partitions: {column: created_at, start: 2024-09-01}}
"""


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    """The demo's servers and connections, with pipelines of these tests."""
    connections, _, _ = (ROOT / "pipelines.yaml").read_text().partition("\npipelines:\n")
    with new_project(0.01) as one:
        (one.folder / "pipelines.yaml").write_text(f"{connections}\npipelines:{PIPELINES}")
        yield one


@pytest.fixture(scope="module")
def ui(project: Project) -> Iterator[WebUi]:
    """The web UI of the project; killed at the end, as nobody needs its slow farewell."""
    found = re.search(r"http://\S+", project.run("sandbox", "ui"))
    assert found
    yield WebUi(found[0])
    settings = load_settings(project.folder / ".sandbox")
    assert settings
    stop(settings.processes["web"], grace=0.5)


@pytest.fixture(scope="module")
def browser(ui: WebUi) -> Iterator[Browser]:
    """Chromium; it ends before the web UI, which waits for the connections of open pages.

    And before other modules' tests: Playwright keeps an event loop running in this thread, where
    nothing that calls `asyncio.run` can run meanwhile.
    """
    assert ui.graphql("{ version }")
    with sync_playwright() as playwright, launch(playwright) as one:
        yield one


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page without memory of the pages before."""
    one = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
    yield one
    one.close()
