"""Dagster's web UI of a project: its address, its pages, and its own API.

What a person sees is asserted on the pages. Whether a run is over is asked of the API, because an
open page does not fetch everything again: of a run that it launched, the overview of an asset shows
the new time, but the metadata and the row count only after a reload.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from playwright.sync_api import Locator, Page, expect

SECONDS = 120.0
MILLISECONDS = 60_000.0
POLL_SECONDS = 0.5

KINDS = {"mysql": "MySQL", "s3": "Parquet", "redshift": "Redshift"}
"""The word by which the three nodes of a table, which share its name, are told apart."""

_RUNS = "{ runsOrError { ... on Runs { results { runId status tags { key } } } } }"
_BACKFILLS = """
{ partitionBackfillsOrError { ... on PartitionBackfills { results { id status } } } }
"""
_ENDED = {"SUCCESS", "FAILURE", "CANCELED"}

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class WebUi:
    """A web UI that answers."""

    address: str

    def graphql(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask the API; returns the data."""
        body = json.dumps({"query": query, "variables": dict(variables or {})}).encode()
        request = urllib.request.Request(
            f"{self.address}/graphql", data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            document: dict[str, Any] = json.load(answer)
        assert "errors" not in document, document["errors"]
        data: dict[str, Any] = document["data"]
        return data

    def runs(self) -> dict[str, str]:
        """Status of every run by its id, without those that the daemon starts for backfills."""
        return {
            run["runId"]: run["status"]
            for run in self.graphql(_RUNS)["runsOrError"]["results"]
            if "dagster/backfill" not in {tag["key"] for tag in run["tags"]}
        }

    def status_of_next_run(self, launch: Callable[[], None]) -> str:
        """Launch a run in the browser, wait for its end and return its status."""
        before = self.runs().keys()
        launch()

        def ended() -> str | None:
            new = [status for run, status in self.runs().items() if run not in before]
            return new[0] if new and set(new) <= _ENDED else None

        return wait_for(ended, "the end of a run that was launched in the browser")

    def backfills(self) -> dict[str, str]:
        """Status of every backfill, by its id."""
        results = self.graphql(_BACKFILLS)["partitionBackfillsOrError"]["results"]
        return {backfill["id"]: backfill["status"] for backfill in results}

    def launch_backfill(self, page: Page, key: str, first: str, last: str) -> str:
        """Choose days of an asset in the dialog and launch them; returns the backfill's id."""
        before = self.backfills().keys()
        self.open_asset(page, key)
        page.get_by_role("button", name="Materialize…").click(timeout=MILLISECONDS)
        dialog = page.get_by_role("dialog")
        dialog.get_by_text("Show all partitions").first.click(timeout=MILLISECONDS)
        expect(dialog.get_by_text("All time").first).to_be_visible(timeout=MILLISECONDS)
        dialog.locator('input[type="text"]').click()
        page.keyboard.type(f"[{first}...{last}]")
        page.keyboard.press("Enter")
        dialog.get_by_role("button", name="Launch backfill").click(timeout=MILLISECONDS)

        def launched() -> str | None:
            return next((one for one in self.backfills() if one not in before), None)

        return wait_for(launched, "the backfill that was launched in the browser")

    def status_of_backfill(self, backfill: str) -> str:
        """Wait for the end of a backfill and return its status."""

        def ended() -> str | None:
            status = self.backfills()[backfill]
            return status if status.startswith(("COMPLETED", "FAILED", "CANCELED")) else None

        return wait_for(ended, "the end of the backfill")

    def open_graph(self, page: Page, selection: str) -> None:
        """Open the graph of the assets that a search finds."""
        page.goto(f"{self.address}/asset-groups~{quote(selection, safe='')}")

    def open_asset(self, page: Page, key: str, *, view: str = "overview") -> None:
        """Open one of the views of an asset."""
        page.goto(f"{self.address}/assets/{key}?view={view}")


def node(page: Page, table: str, stage: str) -> Locator:
    """The node of a table in the graph, by stage: `mysql`, `s3` or `redshift`."""
    named = page.locator("foreignObject").filter(has=page.get_by_text(table, exact=True))
    return named.filter(has=page.get_by_text(KINDS[stage], exact=True))


def expect_status(found: Locator, text: str, *, colour: str) -> None:
    """The last line of a node says this, on a ground of that colour: `green` or `red`."""
    line = found.get_by_text(text, exact=True).first
    expect(line).to_be_visible(timeout=MILLISECONDS)
    ground = line.evaluate(_GROUND)
    red, green, blue = ground[:3]
    assert {"green": green > max(red, blue), "red": red > max(green, blue)}[colour], ground


def wait_for(ask: Callable[[], Found | None], what: str) -> Found:
    """Ask until there is an answer."""
    deadline = time.monotonic() + SECONDS
    while (found := ask()) is None:
        assert time.monotonic() < deadline, f"waited {SECONDS:.0f} s for {what}"
        time.sleep(POLL_SECONDS)
    return found


_GROUND = """
element => {
  for (let one = element; one; one = one.parentElement) {
    const [red, green, blue, alpha] =
      getComputedStyle(one).backgroundColor.match(/[0-9.]+/g).map(Number);
    if (alpha !== 0) return [red, green, blue];
  }
}
"""
