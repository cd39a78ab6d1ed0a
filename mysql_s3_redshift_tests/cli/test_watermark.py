"""`watermark get`, `list` and `set`: what they show, and what a set value does to the next run."""

from __future__ import annotations

import json
import resource

import pytest

from mysql_s3_redshift_tests.cli.conftest import Project
from mysql_s3_redshift_tests.cli.tables import APPEND, put_state, rows_of


def test_get_shows_both_stages_and_the_next_query(project: Project):
    table = project.create("orders", rows=100)
    project.replicate("orders")
    shown = project.run("watermark", "get", "-t", table).out
    assert "Extraction: MySQL → S3" in shown
    assert "100 in 3 files" in shown
    assert "WHERE `update_at` >= " in shown

    found = project.run("watermark", "get", "-t", table, "--json").document
    state = found["tables"][f"shop/{table}"]
    assert state["mysql_state"]["total_rows"] == state["redshift_state"]["total_rows"] == 100
    assert state["pending_files"] == 0


def test_get_takes_less_than_a_second(project: Project):
    table = project.create("orders", rows=5)
    project.replicate("orders")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert project.script("watermark", "get", "-t", table).code == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Its own work: the machine may be busy with something else.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0


def test_get_lists_every_file_of_the_manifests_and_pending_ones(project: Project):
    table = project.create("orders", rows=100)
    project.replicate("orders")
    project.insert("orders", 101, 10)
    project.replicate("orders", loads=False)
    found = project.run("watermark", "get", "-t", table, "--show-files", "--json").document
    files = found["tables"][f"shop/{table}"]["files"]
    assert [f["loaded"] for f in files] == [True, True, True, False]
    assert sum(f["rows"] for f in files) == 110
    assert files[-1]["uri"] in project.run("watermark", "get", "-t", table, "--show-files").out


def test_a_table_without_state_is_told_so(project: Project):
    table = project.create("orders", rows=5)
    assert "never extracted" in project.run("watermark", "get", "-t", table).out
    found = project.run("watermark", "list", "--json").document
    assert found["tables"][f"shop/{table}"]["mysql_state"] is None
    assert "no state" in project.run("watermark", "list").out


def test_a_state_of_a_newer_version_stops_everything_and_is_kept(project: Project):
    """I-15: absent is not unreadable."""
    table = project.create("orders", rows=5)
    project.replicate("orders")
    body = json.dumps({"version": "9.0", "generation": 7, "next_seq": 90}).encode()
    put_state(project, "orders", body)
    before = project.objects()
    for command in (
        ["get", "-t", table],
        ["list"],
        ["set", "-t", table, "--timestamp", "2025-01-01", "--yes"],
        ["reset", "-t", table, "--yes"],
    ):
        result = project.run("watermark", *command)
        assert result.code == 6, command
        assert "9.0" in result.err
    assert project.objects() == before


@pytest.mark.parametrize(
    ("halves", "expected"),
    [
        (["--timestamp", "2025-01-01 00:00:50"], "`update_at` >= '2025-01-01 00:00:50'"),
        (
            ["--timestamp", "2025-01-01 00:00:50", "--id", "50"],
            "(`update_at` > '2025-01-01 00:00:50' OR (`update_at` = '2025-01-01 00:00:50' "
            "AND `id` > 50))",
        ),
        (["--id", "50"], ""),
    ],
)
def test_set_on_a_hybrid_table_takes_the_smallest_value_for_the_missing_half(
    project: Project, halves: list[str], expected: str
):
    """H-27: and `get` shows what the next query asks."""
    table = project.create("orders", rows=100)
    project.replicate("orders")
    result = project.run("watermark", "set", "-t", table, *halves, "--yes", "--json")
    assert result.document["next_query"]["where"] == expected
    project.replicate("orders")
    state = project.states("orders").extract.read()
    assert state is not None
    again = {"": 100}.get(expected, 51 if ">=" in expected else 50)
    assert state.mysql_state.last_session_rows == again
    assert rows_of(project, "orders") == 100


def test_set_to_the_future_says_what_it_leaves_out(project: Project):
    table = project.create("orders", rows=3)
    project.replicate("orders")
    for year, told in ((2999, True), (2025, False)):
        change = ("watermark", "set", "-t", table, "--timestamp", f"{year}-01-01", "--yes")
        assert ("in the future" in project.run(*change).err) is told


def test_set_before_the_first_run_starts_there(project: Project):
    """I-17: an id alone is a watermark."""
    table = project.create("events", rows=100, options=APPEND, stamped=False)
    assert project.run("watermark", "set", "-t", table, "--id", "90", "--yes").code == 0
    project.replicate("events")
    assert rows_of(project, "events") == 10


def test_set_refuses_a_half_that_the_strategy_has_not(project: Project):
    table = project.create("events", rows=3, options=APPEND, stamped=False)
    project.replicate("events")
    before = project.objects()
    for half in (["--timestamp", "2025-01-01"], []):
        assert project.run("watermark", "set", "-t", table, *half, "--yes").code == 2
    assert project.objects() == before


@pytest.mark.parametrize("written", ["abc", "", "5.5", "1e9", str(2**64), "-9223372036854775809"])
def test_set_refuses_what_is_no_id_of_the_column(several_ids: Project, written: str):
    """H-27: MySQL would take `abc` for 0, so the whole table would be read again."""
    before = several_ids.objects()
    table = f"{several_ids.database}.numbered"
    result = several_ids.run("watermark", "set", "-t", table, f"--id={written}", "--yes")
    assert result.code == 2
    assert "which is bigint" in result.err
    assert several_ids.objects() == before


def test_an_id_of_text_stays_text(several_ids: Project):
    """H-27: `0042` is not 42."""
    table = f"{several_ids.database}.coded"
    change = ["watermark", "set", "-t", table, "--id", "0042", "--yes", "--json"]
    assert several_ids.run(*change).document["next_query"]["where"] == "`code` > '0042'"


@pytest.fixture(scope="module")
def several_ids(shared: Project) -> Project:
    """Two tables that append, one numbered and one with a code; neither was extracted."""
    shared.create("numbered", rows=3, options=APPEND, stamped=False)
    shared.mysql("CREATE TABLE coded (code VARCHAR(8) COLLATE utf8mb4_bin PRIMARY KEY)")
    shared.tables["coded"] = APPEND.replace("id, load", "code, load")
    shared.write_config()
    shared.replicate("numbered")
    return shared
