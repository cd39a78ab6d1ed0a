"""The system's Chromium under Playwright."""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDTH, HEIGHT = 1440, 900


def launch(playwright: Playwright) -> Browser:
    """Start Chromium without a window."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    assert path, "Chromium is missing: scripts/install-system.sh chromium"
    return playwright.chromium.launch(executable_path=path, args=list(FLAGS))
