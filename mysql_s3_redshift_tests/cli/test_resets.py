"""`watermark reset` and `force-reset`: what they begin anew, and what they never double."""

from __future__ import annotations

import pytest

from mysql_s3_redshift_tests.cli.conftest import Project
from mysql_s3_redshift_tests.cli.tables import APPEND, put_state, rows_of


def test_force_reset_goes_on_from_damaged_documents_and_keeps_them(project: Project):
    """I-16: the damaged version is in the history; no number is used twice."""
    table = project.create("orders", rows=100)
    project.replicate("orders")
    put_state(project, "orders", b"{damaged")
    assert project.run("watermark", "force-reset", "-t", table, "--yes").code == 0
    entries = project.states("orders").history()
    assert [e.stage for e in entries] == ["load", "extract"]
    state = project.states("orders").extract.read()
    assert state is not None
    assert state.generation > 1
    assert state.next_seq == 4
    project.replicate("orders")
    assert rows_of(project, "orders") == 100
    assert project.run("watermark-count", "validate-counts", "-t", table).code == 0


def test_a_reset_starts_at_0_and_its_undo_brings_the_counts_back(project: Project):
    """I-01, I-16: a reset is a new version, not an absence."""
    table = project.create("orders", rows=100)
    project.replicate("orders")
    assert project.run("watermark", "reset", "-t", table, "--yes").code == 0
    found = project.run("watermark", "get", "-t", table, "--json").document
    state = found["tables"][f"shop/{table}"]
    assert state["mysql_state"]["total_rows"] == state["redshift_state"]["total_rows"] == 0
    assert state["generation"] == 2
    project.replicate("orders")
    assert rows_of(project, "orders") == 100
    assert project.run("watermark-count", "validate-counts", "-t", table).code == 0

    version = project.states("orders").history()[0].name
    undo = ["watermark", "restore", "-t", table, "--version", version, "--yes"]
    assert project.run(*undo).code == 0
    project.insert("orders", 101, 7)
    project.replicate("orders")
    assert rows_of(project, "orders") == 107
    assert project.run("watermark-count", "validate-counts", "-t", table).code == 0


def test_a_reset_in_append_mode_warns_of_doubling(project: Project):
    table = project.create("events", rows=50, options=APPEND, stamped=False)
    project.replicate("events")
    result = project.run("watermark", "reset", "-t", table, "--yes")
    assert "twice" in result.err
    project.replicate("events")
    assert rows_of(project, "events") == 100


@pytest.mark.parametrize("stage", [[], ["--mysql-only"], ["--redshift-only"]], ids=str)
def test_a_reset_that_empties_the_target_doubles_nothing(project: Project, stage: list[str]):
    table = project.create("events", rows=50, options=APPEND, stamped=False)
    project.create("events_archive", rows=9, options=APPEND, stamped=False)
    project.replicate("events")
    project.replicate("events_archive")
    reset = ["watermark", "reset", "-t", table, *stage, "--truncate-target", "--yes", "--json"]
    assert project.run(*reset).document["deleted_rows"] == 50
    assert rows_of(project, "events") == 0
    project.replicate("events")
    assert rows_of(project, "events") == 50
    assert rows_of(project, "events_archive") == 9
    assert project.run("watermark-count", "validate-counts", "-t", table).code == 0


def test_a_reset_that_died_before_the_target_was_empty_loads_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    """I-39: the same command again finishes it."""
    from mysql_s3_redshift.adapters.redshift.ledger import TargetTable

    table = project.create("events", rows=50, options=APPEND, stamped=False)
    project.replicate("events")

    def dies(_: TargetTable) -> int:
        raise KeyboardInterrupt

    reset = ["watermark", "reset", "-t", table, "--truncate-target", "--yes"]
    with monkeypatch.context() as patched:
        patched.setattr(TargetTable, "delete_all", dies)
        assert project.run(*reset).code == 130
    with pytest.raises(Exception, match="did not come to its end"):
        project.replicate("events")
    assert rows_of(project, "events") == 50
    assert project.run(*reset).code == 0
    project.replicate("events")
    assert rows_of(project, "events") == 50


def test_reset_redshift_only_needs_the_files(project: Project):
    table = project.create("orders", rows=50)
    project.replicate("orders")
    assert project.run("s3clean", "clean-all", "-t", table, "--yes").code == 0
    result = project.run("watermark", "reset", "-t", table, "--redshift-only", "--yes")
    assert result.code == 2
    assert "not on S3 any more" in result.err


def test_a_reset_takes_the_table_of_exactly_that_name(project: Project):
    """H-12: never a prefix."""
    project.create("orders_archive", rows=9)
    table = project.create("orders", rows=5)
    for name in ("orders", "orders_archive"):
        project.replicate(name)
    archive = project.states("orders_archive").extract.read()
    assert project.run("watermark", "reset", "-t", table, "--yes").code == 0
    assert project.states("orders_archive").extract.read() == archive
