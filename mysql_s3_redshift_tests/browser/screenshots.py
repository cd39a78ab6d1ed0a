"""The pictures of docs/images, taken of the demo as it runs: `make screenshots`.

    python -m mysql_s3_redshift_tests.browser.screenshots [FOLDER]

Starts the demo in a folder of its own, lets an application write, syncs a few times, loses rows of
one table in Redshift, renames another one in MySQL, and opens the web UI.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from mysql_s3_redshift.errors import ExitCode
from mysql_s3_redshift_tests.browser.chromium import HEIGHT, WIDTH, launch
from mysql_s3_redshift_tests.browser.web_ui import (
    MILLISECONDS,
    WebUi,
    expect_status,
    node,
)
from mysql_s3_redshift_tests.project import ROOT, TOOL, Project, new_project

SCALE = 0.005
SYNCS = 6
ORDERS = "s3/settlement/settlement/settle_orders"
DELIVERIES = "s3/settlement/settlement/settlement_normal_delivery_detail"
PARCELS = "redshift/warehouse/settlement/uni_parcels"
RENAMED = "settlement_claim_detail"
SHOWN = 'group:"settlement" and not key:"*/daily_totals"'
SETTLED_MILLISECONDS = 2_500
MOST_BYTES = 300_000


@dataclass(frozen=True, slots=True)
class Camera:
    """Takes pictures of pages.

    Attributes:
        folder: Where they go.
    """

    browser: Browser
    ui: WebUi
    folder: Path

    def take(self, name: str, open_page: Callable[[Page], None], *, height: int = HEIGHT) -> None:
        """Open a page, wait until it does not move any more, and take it."""
        page = self.browser.new_page(viewport={"width": WIDTH, "height": height})
        page.set_default_timeout(MILLISECONDS)
        open_page(page)
        page.wait_for_timeout(SETTLED_MILLISECONDS)
        path = self.folder / f"{name}.png"
        page.screenshot(path=path)
        page.close()
        assert path.stat().st_size <= MOST_BYTES, f"{path} has {path.stat().st_size:,} bytes"
        print(f"{path.name:<24} {path.stat().st_size:>9,} bytes", flush=True)


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(prog="python -m mysql_s3_redshift_tests.browser.screenshots")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "images")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    with new_project(SCALE) as project:
        live(project)
        found = re.search(r"http://\S+", project.run("sandbox", "ui"))
        assert found
        with sync_playwright() as playwright, launch(playwright) as browser:
            take_all(Camera(browser, WebUi(found[0]), folder))


def live(project: Project) -> None:
    """Let the demo have a past: syncs under traffic, and two things that went wrong."""
    project.sync()
    for _ in range(SYNCS):
        _write(project)
        project.sync("-p", "settlement")
    project.redshift("DELETE FROM settlement.uni_parcels WHERE parcel_id % 1000 = 7")
    _write(project)
    project.run("sync", "-p", "settlement", check=ExitCode.MISMATCH)
    project.mysql(f"RENAME TABLE settlement.{RENAMED} TO settlement.{RENAMED}_old")


def _write(project: Project) -> None:
    """Let an application write for a few seconds."""
    traffic = ("sandbox", "traffic", "--seconds", "3", "--rate", "400")
    subprocess.run([TOOL, *traffic], cwd=project.folder, check=True, capture_output=True)


def take_all(camera: Camera) -> None:
    """Take the pictures, in the order in which one page's story needs the one before."""
    ui = camera.ui
    camera.take("graph", lambda page: _graph(page, ui), height=1_080)
    camera.take("asset", lambda page: _asset(page, ui))
    camera.take("plots", lambda page: _plots(page, ui), height=1_180)
    camera.take("failed_check", lambda page: _failed_check(page, ui))
    camera.take("launchpad", lambda page: _launchpad(page, ui))
    camera.take("automation", lambda page: _automation(page, ui), height=580)
    camera.take("backfill", lambda page: _backfill(page, ui), height=520)
    camera.take("partitions", lambda page: _partitions(page, ui), height=1_280)


def _graph(page: Page, ui: WebUi) -> None:
    """All tables of a pipeline; the renamed one is red."""
    ui.open_graph(page, f'key:"*/{RENAMED}"')
    ui.status_of_next_run(page.get_by_role("button", name="Materialize all (2)").click)
    ui.open_graph(page, SHOWN)
    expect_status(node(page, RENAMED, "s3"), "Failed", colour="red")
    expect(page.get_by_text("Loading...")).to_have_count(0)


def _asset(page: Page, ui: WebUi) -> None:
    ui.open_asset(page, "redshift/warehouse/settlement/settle_orders")
    expect(page.get_by_text("Row count")).to_be_visible()


def _plots(page: Page, ui: WebUi) -> None:
    ui.open_asset(page, DELIVERIES)
    page.get_by_text("Plots", exact=True).click()
    expect(page.get_by_text("bytes_written", exact=True)).to_be_visible()
    page.get_by_text("Metadata", exact=True).evaluate("e => e.scrollIntoView()")


def _failed_check(page: Page, ui: WebUi) -> None:
    """Rows are gone from Redshift: the next load counts them, and so do the checks that ask."""
    ui.open_asset(page, PARCELS, view="checks")
    ui.status_of_next_run(page.get_by_role("button", name="Execute all").click)
    page.reload()
    page.get_by_text("source_matches_target", exact=True).first.click()
    expect(page.get_by_text("what_to_do").first).to_be_visible()


def _launchpad(page: Page, ui: WebUi) -> None:
    page.goto(f"{ui.address}/locations/mysql_s3_redshift/jobs/operator_set_watermark/playground")
    expect(page.get_by_role("button", name="Launch Run")).to_be_enabled()


def _automation(page: Page, ui: WebUi) -> None:
    page.goto(f"{ui.address}/automation")
    expect(page.get_by_text("settlement_sensor")).to_be_visible()


def _backfill(page: Page, ui: WebUi) -> None:
    backfill = ui.launch_backfill(page, ORDERS, "2025-01-06", "2025-01-12")
    ui.status_of_backfill(backfill)
    page.goto(f"{ui.address}/runs/b/{backfill}")
    expect(page.get_by_text("100% completed")).to_be_visible()


def _partitions(page: Page, ui: WebUi) -> None:
    page.goto(f"{ui.address}/assets/{ORDERS}?view=partitions&partition=2025-01-08")
    expect(page.get_by_text("dagster/partition_row_count")).to_be_visible()


if __name__ == "__main__":
    main()
