"""`watermark history` and `restore`: changes are noted and can be undone."""

from __future__ import annotations

from mysql_s3_redshift_tests.cli.conftest import Project
from mysql_s3_redshift_tests.cli.tables import APPEND, rows_of


def test_a_change_is_noted_and_can_be_undone(project: Project):
    table = project.create("orders", rows=100)
    project.replicate("orders")
    before = project.states("orders").extract.read()
    assert before is not None
    change = ["watermark", "set", "-t", table, "--timestamp", "2024-01-01", "--why", "ticket 7"]
    assert project.run(*change, "--yes").code == 0
    state = project.states("orders").extract.read()
    assert state is not None
    noted = state.metadata["manual_change"]
    assert isinstance(noted, dict)
    assert (noted["action"], noted["why"]) == ("watermark-set", "ticket 7")
    assert "@" in str(noted["who"])

    shown = project.run("watermark", "history", "-t", table, "--json").document
    assert {v["before"] for v in shown["versions"]} == {"watermark-set"}
    assert project.run("watermark", "restore", "-t", table, "--yes").code == 0
    restored = project.states("orders").extract.read()
    assert restored is not None
    assert restored.mysql_state == before.mysql_state
    assert restored.files == before.files


def test_a_restore_in_append_mode_says_what_doubles_and_how_to_load_anew(project: Project):
    """I-39: the commands that it names end with every row once."""
    table = project.create("events", rows=50, options=APPEND, stamped=False)
    project.replicate("events")
    reset = ["watermark", "reset", "-t", table, "--truncate-target", "--yes"]
    assert project.run(*reset).code == 0
    project.insert("events", 51, 10, stamped=False)
    project.replicate("events")
    result = project.run("watermark", "restore", "-t", table, "--yes", "--json")
    assert "double" in result.err
    command = result.err.strip().splitlines()[-1].split()
    assert command[:3] == ["mysql-s3-redshift", "watermark", "reset"]
    assert project.run(*command[1:], "--yes").code == 0
    project.replicate("events")
    assert rows_of(project, "events") == 60
    assert project.run("watermark-count", "validate-counts", "-t", table).code == 0


REPLACE = "{cdc_strategy: full_sync, load_mode: replace}"
NOTE = ["watermark-count", "set-count", "--count", "0", "--mode", "additive", "--yes", "-t"]


def test_a_restore_does_not_go_on_with_a_snapshot_that_went_on_since(project: Project):
    """H-25: its rows would be there twice."""
    table = project.create("rates", rows=100, options=REPLACE)
    project.replicate("rates", limit=50)
    assert project.run(*NOTE, table).code == 0
    project.replicate("rates")
    assert project.run("watermark", "restore", "-t", table, "--yes").code == 0
    project.mysql("UPDATE rates SET v = 'new' WHERE id = 1")
    project.replicate("rates")
    assert rows_of(project, "rates") == 100


def test_after_a_restore_a_snapshot_is_compared_with_what_the_target_has(project: Project):
    """H-25: that an older one was the same says nothing."""
    table = project.create("rates", rows=5, options=REPLACE)
    project.replicate("rates")
    assert project.run(*NOTE, table).code == 0
    project.mysql("UPDATE rates SET v = 'other' WHERE id = 1")
    project.replicate("rates")
    assert project.run("watermark", "restore", "-t", table, "--yes").code == 0
    project.mysql("UPDATE rates SET v = 'v1' WHERE id = 1")
    project.replicate("rates")
    assert project.redshift("SELECT v FROM {s}.rates WHERE id = 1") == [["v1"]]


def test_somebody_elses_objects_among_the_versions_are_left_alone(project: Project):
    table = project.create("orders", rows=3)
    project.replicate("orders")
    change = ["watermark", "set", "-t", table, "--timestamp", "2024-01-01", "--yes"]
    uri = project.run(*change, "--json").document["history"][0]
    folder = uri.removeprefix(f"s3://{project.facts['s3']['bucket']}/").rpartition("/")[0]
    project.put(f"{folder}/", b"")
    project.put(f"{folder}/copy of yesterday.json", b"{}")
    shown = project.run("watermark", "history", "-t", table, "--json").document
    assert len(shown["versions"]) == 2
    assert project.run("watermark", "restore", "-t", table, "--yes").code == 0


def test_a_version_of_before_a_reset_comes_back_with_all_that_was_loaded_until_then(
    project: Project,
):
    """I-01: what was loaded between the version and the reset is in the ledger, so it counts."""
    table = project.create("orders", rows=100)
    project.replicate("orders")
    move = ["watermark", "set", "-t", table, "--timestamp", "2025-01-01 00:01:00", "--yes"]
    assert project.run(*move).code == 0
    project.insert("orders", 101, 7)
    project.replicate("orders")
    assert project.run("watermark", "reset", "-t", table, "--yes").code == 0
    project.replicate("orders")
    shown = project.run("watermark", "history", "-t", table, "--json").document
    oldest = min(v["version"] for v in shown["versions"])
    restore = ["watermark", "restore", "-t", table, "--version", oldest, "--yes"]
    assert project.run(*restore).code == 0
    project.insert("orders", 108, 5)
    project.replicate("orders")
    assert project.run("watermark-count", "validate-counts", "-t", table).code == 0
    assert project.redshift("SELECT COUNT(*), COUNT(DISTINCT id) FROM {s}.orders") == [[112, 112]]
