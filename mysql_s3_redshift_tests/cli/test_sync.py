"""`sync`, and the commands that look before it: `doctor`, `discover`, `--dry-run`."""

from __future__ import annotations

import os
import signal
import subprocess

from mysql_s3_redshift.config import load
from mysql_s3_redshift_tests.cli.conftest import SCRIPT, Project
from mysql_s3_redshift_tests.cli.tables import rows_of

APPEND = "{cdc_strategy: id_only, cdc_id_column: id, load_mode: append}"


def test_a_dry_run_shows_both_stages_and_changes_nothing(project: Project):
    """I-09: it tells what the load will take, whatever --limit says."""
    table = project.create("orders", rows=100)
    project.replicate("orders", loads=False)
    project.insert("orders", 101, 50)
    before = project.objects()
    dry = ["sync", "-t", table, "--dry-run", "--limit", "10"]
    document = project.run(*dry, "--json").document["tables"][f"shop/{table}"]
    assert document["extract"]["rows"] == 10
    assert document["extract"]["ceiling"]
    assert document["extract"]["queries"][0]["sql"].count("?") > 1
    assert (document["load"]["pending_files"], document["load"]["pending_rows"]) == (3, 100)
    assert any(sql.startswith("COPY") for sql in document["load"]["sql"])
    assert any("CREATE TABLE" in sql for sql in document["load"]["sql"])
    secret = project.facts["s3"]["secret_access_key"]
    shown = project.run(*dry)
    assert secret not in shown.out
    assert "10 rows in 1 file" in shown.out
    assert "3 files, 100 rows of 3 pending files" in shown.out
    assert project.objects() == before
    schemas = project.redshift(
        "SELECT table_name FROM svv_tables WHERE table_schema = '" + project.schema + "'"
    )
    assert schemas == []


def test_a_dry_run_of_the_load_bounds_its_files_and_never_asks_mysql(project: Project):
    table = project.create("orders", rows=100)
    project.replicate("orders", loads=False)
    project.write_config(user="nobody")
    dry = ["sync", "-t", table, "--dry-run", "--redshift-only", "--max-files", "2", "--json"]
    load = project.run(*dry).document["tables"][f"shop/{table}"]["load"]
    assert (load["pending_files"], load["files"], load["rows"]) == (3, 2, 80)


def test_sync_twice_says_nothing_new_and_exits_0(project: Project):
    table = project.create("orders", rows=100)
    project.create("events", rows=30, options=APPEND, stamped=False)
    first = project.run("sync", "--json", "--verify-data")
    assert first.code == 0, first.err
    assert first.document["status"] == "success"
    found = first.document["tables"][f"shop/{table}"]
    assert (found["rows_extracted"], found["rows_loaded"]) == (100, 100)
    assert (found["files_written"], found["files_loaded"], found["pending_files"]) == (3, 3, 0)
    assert found["error"] is None
    assert (rows_of(project, "orders"), rows_of(project, "events")) == (100, 30)

    second = project.run("sync")
    assert second.code == 0
    assert "nothing new" in second.out
    assert "\x1b[" not in second.out + second.err


def test_the_halves_and_the_limits(project: Project):
    """I-10: exactly the limit; and the next run goes on after it."""
    table = project.create("orders", rows=100)
    limited = project.run("sync", "-t", table, "--backup-only", "--limit", "30", "--json")
    assert limited.document["tables"][f"shop/{table}"]["rows_extracted"] == 30
    project.replicate("orders", loads=False)
    project.write_config(user="nobody")
    loaded = project.run("sync", "-t", table, "--redshift-only", "--json")
    assert loaded.document["tables"][f"shop/{table}"]["rows_loaded"] == 100
    assert rows_of(project, "orders") == 100


def test_one_table_that_fails_exits_with_its_code_and_some_of_several_with_3(project: Project):
    """H-32, P-05."""
    table = project.create("orders", rows=5)
    project.tables["nothing"] = ""
    project.write_config()
    alone = project.run("sync", "-t", f"{project.database}.nothing", "--json")
    assert alone.code == 2
    assert alone.document["status"] == "failed"
    both = project.run("sync")
    assert both.code == 3
    assert "nothing failed:" in both.err
    assert "Traceback" not in both.err
    assert rows_of(project, "orders") == 5
    assert project.run("watermark", "get", "-t", table).code == 0


def test_ctrl_c_commits_the_chunk_and_the_next_sync_goes_on(project: Project):
    table = project.create("events", rows=20_000, options=APPEND, stamped=False)
    running = subprocess.Popen(
        [str(SCRIPT), "sync", "-t", table],
        cwd=project.folder,
        env=dict(os.environ),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    for line in running.stderr:
        if "extracted" in line:
            running.send_signal(signal.SIGINT)
            break
    rest = running.stderr.read()
    assert running.wait(60) == 128 + signal.SIGINT, rest
    assert "Finishing the chunk under way" in rest
    state = project.states("events").extract.read()
    assert state is not None
    assert 0 < state.mysql_state.total_rows < 20_000
    assert state.mysql_state.last_id == state.mysql_state.total_rows
    project.mysql("DELETE FROM events WHERE id > 500")
    assert project.run("sync", "-t", table).code == 0
    assert rows_of(project, "events") == max(state.mysql_state.total_rows, 500)


def test_doctor_tries_all_three_systems(project: Project):
    table = project.create("orders", rows=1)
    project.mysql("ALTER TABLE orders DROP INDEX update_at")
    project.tables["orders"] = "{cdc_strategy: hybrid, cdc_timestamp_column: update_at}"
    project.write_config()
    result = project.run("doctor")
    assert result.code == 0
    assert "conditional writes are kept" in result.out
    assert "COPY reads storage lake" in result.out
    assert f"CREATE INDEX idx_cursor ON `{project.database}`.`orders`" in result.out
    assert project.objects() == {}
    project.write_config(**{project.facts["s3"]["secret_access_key"]: "wrong"})
    broken = project.run("doctor", "--json")
    assert broken.code == 6
    failed = [f for f in broken.document["findings"] if f["status"] == "failed"]
    assert any("s3:PutObject" in f["remedy"] for f in failed)
    assert f"table shop/{table}" in {f["subject"] for f in broken.document["findings"]}


def test_doctor_tells_once_of_a_target_that_cannot_be_reached(project: Project):
    project.create("orders")
    project.write_config(**{f"port: {project.facts['redshift']['port']}": "port: 9"})
    result = project.run("doctor", "--json")
    assert result.code == 7
    failed = [f for f in result.document["findings"] if f["status"] == "failed"]
    assert [f["subject"] for f in failed] == ["target warehouse"]
    assert "127.0.0.1:9 cannot be reached" in failed[0]["what"]


def test_discover_prints_a_stanza_that_loads(project: Project):
    project.create("orders", rows=5)
    project.mysql(
        "CREATE TABLE log (n INT, created_at DATETIME)",
        "CREATE TABLE claims (id INT PRIMARY KEY, update_time DATETIME)",
    )
    result = project.run("discover", "shop_db", "--schema", project.database)
    assert result.code == 0
    assert "created_at never changes" in result.out
    assert "no index begins with update_time: CREATE INDEX" in result.out
    assert "no primary key" in result.out
    head = project.config_path.read_text().split("pipelines:")[0]
    project.config_path.write_text(head + result.out)
    document = project.run("discover", "shop_db", "--schema", project.database, "--json").document
    assert document["tables"][f"{project.database}.orders"]["options"]["cdc_strategy"] == "hybrid"
    listed = project.run("watermark", "list", "--json").document["tables"]
    assert len(listed) == 3
    assert project.run("discover", "shop_db", "--schema", "nowhere").code == 2
    assert project.run("discover", "elsewhere").code == 2


def test_discover_takes_any_name_that_mysql_takes(project: Project):
    """H-09: a stanza that names what it names, and tells which table no file can name."""
    project.mysql(
        "CREATE TABLE `o``d: #d` (`i\n  x: y` INT, `yes` INT PRIMARY KEY)",
        "CREATE TABLE `a/b` (id INT PRIMARY KEY)",
        "CREATE TABLE `dotted.name` (id INT PRIMARY KEY)",
    )
    project.create("orders")
    result = project.run("discover", "shop_db", "--schema", project.database)
    head = project.config_path.read_text().split("pipelines:")[0]
    project.config_path.write_text(head + result.out)
    tables = {plan.table for plan in load(project.config_path).plans()}
    assert tables == {"o`d: #d", "dotted.name", "orders"}
    assert f"# left out: {project.database}.a/b: " in result.out


def test_reload_loads_all_files_again_and_doubles_nothing(project: Project):
    orders = project.create("orders", rows=100)
    events = project.create("events", rows=50, options=APPEND, stamped=False)
    for name in ("orders", "events"):
        project.replicate(name)
    project.redshift("DELETE FROM {s}.orders WHERE id < 50")
    project.redshift("DELETE FROM {s}.events WHERE id < 20")
    reload = ["sync", "--redshift-only", "--reload", "--yes"]
    assert project.run(*reload, "--verify-data").code == 0
    assert (rows_of(project, "orders"), rows_of(project, "events")) == (100, 50)

    project.redshift("DELETE FROM {s}.orders WHERE id < 50")
    window = ["--from", "2025-01-01", "--to", "2025-01-02"]
    assert project.run(*reload, "-t", orders, *window, "--verify-data").code == 0
    assert rows_of(project, "orders") == 100
    refused = project.run(*reload, "-t", events, *window)
    assert refused.code == 2
    assert rows_of(project, "events") == 50


def test_reload_finds_the_files_that_the_state_has_forgotten(project: Project):
    table = project.create("orders", rows=240)
    project.replicate("orders")
    states = project.states("orders")
    extract = states.extract.read()
    assert extract is not None
    states.extract.write(extract.with_(files=extract.files[-2:]))
    reset = ["watermark", "reset", "-t", table, "--redshift-only", "--truncate-target", "--yes"]
    assert project.run(*reset).code == 0
    project.replicate("orders")
    assert rows_of(project, "orders") == 240
    assert project.run("watermark-count", "validate-counts", "-t", table).code == 0
