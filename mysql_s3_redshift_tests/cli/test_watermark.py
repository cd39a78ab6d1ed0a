"""`watermark`: what it shows, and what its changes do to the next run."""

from __future__ import annotations

import json
import resource

import pytest

from mysql_s3_redshift_tests.cli.conftest import Project

APPEND = "{cdc_strategy: id_only, cdc_id_column: id, load_mode: append}"


def rows_of(project: Project, table: str) -> int:
    """Rows of a table in Redshift."""
    return int(project.redshift(f"SELECT COUNT(*) FROM {{s}}.{table}")[0][0])


def put_state(project: Project, table: str, body: bytes) -> None:
    """Overwrite the extract state."""
    project.put(project.states(table).extract.key, body)


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
