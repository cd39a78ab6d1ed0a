"""Fixtures of the whole suite, and the order of its modules."""

import signal

import pytest

pytest_plugins = ["mysql_s3_redshift_tests.servers"]

# A shell without job control starts what it runs in the background with SIGINT ignored, and
# children inherit that; Dagster lets SIGTERM do what SIGINT does, so the programs that it ends with
# SIGTERM would never end. The suite behaves the same however it was started.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

LONGEST_FIRST = (
    "e2e/test_demo.py",
    "engines/",
    "browser/",
    "faults/",
    "e2e/",
    "defs/",
    "cli/",
    "security/",
    "sandbox/",
    "exactness/",
    "adapters/",
)
"""Where modules take longest. Workers take modules in turn: were a long one left for the end, one
worker would be busy with it while the others have nothing to do. What takes a moment fills gaps."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the modules that take longest."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    path = item.nodeid.removeprefix("mysql_s3_redshift_tests/")
    return next(
        (n for n, place in enumerate(LONGEST_FIRST) if path.startswith(place)), len(LONGEST_FIRST)
    )
