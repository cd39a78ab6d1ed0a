"""What every command does beside the plain case: no state, a newer state, a system that is gone.

One project for the whole module: `orders` and `orders_archive`, whose name begins with the other's,
are loaded; `fresh` was never synced; `future` has documents of a newer version.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

import pytest

from mysql_s3_redshift_tests.cli.conftest import Project, Result
from mysql_s3_redshift_tests.cli.tables import put_state, rows_of

LOOKING = (
    "watermark get -t {t}",
    "watermark list",
    "watermark history -t {t}",
    "watermark-count validate-counts -t {t}",
    "verify -t {t}",
    "s3clean list -t {t}",
    "s3clean orphans -t {t}",
    "sync -t {t} --dry-run",
)
CHANGING = (
    "watermark set -t {t} --timestamp 2025-01-01 --yes",
    "watermark reset -t {t} --yes",
    "watermark restore -t {t} --yes",
    "watermark import -t {t} --state-prefix nothing --yes",
    "watermark-count set-count -t {t} --count 5 --mode additive --yes",
    "s3clean clean -t {t} --older-than 1h --yes",
    "s3clean clean-all -t {t} --yes",
)
ALL = (*LOOKING, *CHANGING)


@pytest.fixture(scope="module")
def several(shared: Project) -> Project:
    """The four tables."""
    for name in ("orders", "orders_archive", "future", "fresh"):
        shared.create(name, rows=50)
    for name in ("orders", "orders_archive", "future"):
        shared.replicate(name)
    put_state(shared, "future", json.dumps({"version": "9.0", "generation": 7}).encode())
    return shared


@pytest.fixture
def unchanged(several: Project) -> Iterator[Project]:
    """The project; at the end every object is as it was."""
    before = several.objects()
    yield several
    several.write_config()
    assert several.objects() == before


def run(project: Project, command: str, table: str) -> Result:
    """Run a command with --json; there is one document, and an error is one in it too."""
    words = shlex.split(command.format(t=f"{project.database}.{table}"))
    result = project.run(*words, "--json")
    document = result.document
    assert document["version"] == "1.0"
    if "error" in document:
        assert document["error"]["exit_code"] == result.code
        assert document["error"]["happened"]
        assert len(result.err.strip().splitlines()) <= 3
    else:
        assert " ".join(words).startswith(document["command"].removesuffix(" --dry-run"))
    return result


NO_STATE = {
    "watermark-count validate-counts -t {t}": 2,
    "verify -t {t}": 2,
    "watermark reset -t {t} --yes": 2,
    "watermark restore -t {t} --yes": 2,
    "watermark import -t {t} --state-prefix nothing --yes": 2,
}


@pytest.mark.parametrize("command", [c for c in ALL if " list" not in c and " set" not in c])
def test_a_table_without_state(unchanged: Project, command: str):
    """It is a first run that has not come yet, never an error of S3."""
    result = run(unchanged, command, "fresh")
    assert result.code == NO_STATE.get(command, 0), result.err


@pytest.mark.parametrize("command", [c for c in ALL if "history" not in c and "restore" not in c])
def test_a_state_of_a_newer_version_stops_the_command_and_is_kept(unchanged: Project, command: str):
    """I-15: absent is not unreadable."""
    result = run(unchanged, command, "future")
    several = command == "watermark list"
    assert result.code == (3 if several else 6), result.err
    assert "9.0" in result.err
    if several:
        tables = result.document["tables"]
        names = {name.rpartition(".")[2]: table.get("status") for name, table in tables.items()}
        assert {n for n, status in names.items() if status == "failed"} == {"future"}


@pytest.mark.parametrize("command", ALL)
def test_s3_that_refuses_exits_6(unchanged: Project, command: str):
    """H-11, H-32: nothing is taken for an empty listing."""
    secret = unchanged.facts["s3"]["secret_access_key"]
    unchanged.write_config(**{secret: "wrong"})
    result = run(unchanged, command, "orders")
    assert result.code == (3 if command == "watermark list" else 6)
    assert "access keys" in result.err


ASK_REDSHIFT = ("validate-counts", "verify", "s3clean", "--dry-run")


@pytest.mark.parametrize("command", LOOKING)
def test_redshift_that_is_down_exits_7_where_it_is_needed(unchanged: Project, command: str):
    """H-32."""
    port = unchanged.facts["redshift"]["port"]
    unchanged.write_config(**{f"port: {port}": "port: 9"})
    needed = any(word in command for word in ASK_REDSHIFT)
    table = "orders"
    if command == "watermark list":
        unchanged.tables.pop("future")
    try:
        unchanged.write_config(**{f"port: {port}": "port: 9"})
        result = run(unchanged, command, table)
    finally:
        unchanged.tables.setdefault("future", "")
    assert result.code == (7 if needed else 0), result.err


@pytest.mark.parametrize("command", ["verify -t {t}", "sync -t {t} --dry-run"])
def test_mysql_that_is_down_exits_5_where_it_is_needed(unchanged: Project, command: str):
    """H-32."""
    port = unchanged.facts["mysql"]["port"]
    unchanged.write_config(**{f"port: {port}": "port: 9"})
    result = run(unchanged, command, "orders")
    assert result.code == 5
    assert "cannot be reached" in result.err
    counted = run(unchanged, "watermark-count validate-counts -t {t}", "orders")
    assert counted.code == 0, "MySQL is not asked"


@pytest.mark.parametrize(
    "command",
    [
        "verify",
        "watermark-count validate-counts",
        "s3clean list",
        "s3clean clean-all -p shop --dry-run",
        "s3clean orphans --grace 0s",
        "sync --dry-run",
    ],
)
def test_one_table_that_fails_hides_none_of_the_others(unchanged: Project, command: str):
    """P-05, H-32."""
    result = run(unchanged, command, "orders")
    assert result.code == 3
    tables = result.document["tables"]
    assert len(tables) == 4
    failed = {n.rpartition(".")[2]: t["error"] for n, t in tables.items() if "error" in t}
    assert failed["future"]["exit_code"] == 6
    assert "orders" not in failed
    shown = unchanged.run(*command.split())
    assert "failed:" in shown.err
    assert "orphans" in command or f"{unchanged.database}.orders_archive" in shown.out


def test_a_reload_of_several_says_which_tables_wait_and_which_cannot(several: Project):
    """P-05: one that cannot be loaded again leaves the others loadable, and says so."""
    result = several.run("sync", "--redshift-only", "--reload", "--yes", "--json")
    assert result.code == 3
    error = result.document["error"]
    assert error["happened"].startswith("2 of 4 tables cannot be loaded again: ")
    assert "sync --redshift-only" in error["remedy"]
    for name in ("orders", "orders_archive"):
        several.replicate(name)
        assert rows_of(several, name) == 50


@pytest.mark.parametrize("command", [c for c in CHANGING if "import" not in c])
def test_a_command_takes_the_table_of_exactly_that_name(several: Project, command: str):
    """H-12: `orders` is not `orders_archive`."""
    before = {key: tag for key, tag in several.objects().items() if "orders_archive" in key}
    result = run(several, command, "orders")
    assert result.code == 0, result.err
    after = {key: tag for key, tag in several.objects().items() if "orders_archive" in key}
    assert after == before
    assert rows_of(several, "orders_archive") == 50
