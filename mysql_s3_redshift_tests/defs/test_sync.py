"""The sync runner: one run per table in this process, isolated, several at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import pytest

from mysql_s3_redshift.core.model import RunLimits, Window
from mysql_s3_redshift.defs.instance import PROCESS_TAG, close_dead_runs, open_instance
from mysql_s3_redshift.defs.names import PIPELINE_TAG, TABLE_TAG, table_tag
from mysql_s3_redshift.defs.sync import SyncOptions, sync_tables
from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift_tests.defs.shop import Shop

PROJECT = Path(__file__).parent.parent.parent


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No `DAGSTER_HOME`, and the project's `dagster.yaml` next to `pipelines.yaml`."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    (tmp_path / "dagster.yaml").write_bytes((PROJECT / "dagster.yaml").read_bytes())
    return tmp_path / ".dagster"


def test_every_table_is_a_run_that_the_web_ui_shows(shop: Shop, home: Path) -> None:
    with open_instance(shop.config) as instance:
        outcomes = shop.sync(instance)
        runs = {run.run_id: run for run in instance.get_runs()}
    assert (home / "dagster.yaml").exists()
    assert {name: o.status for name, o in outcomes.items()} == {
        "orders": "success",
        "items": "success",
    }
    for name, outcome in outcomes.items():
        assert (outcome.rows_extracted, outcome.files_written) == (30, 2)
        assert (outcome.rows_loaded, outcome.files_loaded, outcome.pending_files) == (30, 2, 0)
        assert outcome.bytes > 0
        assert outcome.seconds > 0
        assert outcome.lag is not None
        run = runs[outcome.run_id]
        assert (run.job_name, run.tags[PIPELINE_TAG]) == ("p_sync", "p")
        assert run.tags[TABLE_TAG] == table_tag(shop.plan(name))
        assert shop.replication.target_rows(name, "id").total() == 30


def test_a_second_sync_says_nothing_new(shop: Shop, instance: dg.DagsterInstance) -> None:
    shop.sync(instance)
    outcome = shop.sync(instance)["orders"]
    assert (outcome.status, outcome.note) == ("success", "nothing new")
    assert (outcome.rows_extracted, outcome.files_loaded, outcome.pending_files) == (0, 0, 0)


def test_one_failing_table_fails_no_other(shop: Shop, instance: dg.DagsterInstance) -> None:
    """P-05, H-32: its error keeps its class, its sentences and its exit code."""
    shop.replication.sql("ALTER TABLE orders DROP COLUMN ts")
    outcomes = shop.sync(instance)
    assert outcomes["items"].status == "success"
    assert outcomes["items"].rows_loaded == 30
    failed = outcomes["orders"]
    assert failed.status == "failed"
    assert isinstance(failed.error, ConfigError)
    assert "ts" in failed.error.happened
    assert failed.error.remedy


def test_backup_only_then_redshift_only_without_mysql(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    """I-06: the load alone loads everything, and never connects to MySQL."""
    backup = shop.sync(instance, SyncOptions(backup_only=True))["orders"]
    assert (backup.rows_extracted, backup.rows_loaded, backup.pending_files) == (30, 0, 2)
    shop.replication.sections["sources"] = {"db": {"port": 1}}
    loaded = shop.sync(instance, SyncOptions(redshift_only=True))["orders"]
    assert loaded.status == "success", loaded.error
    assert (loaded.rows_extracted, loaded.rows_loaded, loaded.pending_files) == (0, 30, 0)


def test_limits_reach_both_stages(shop: Shop, instance: dg.DagsterInstance) -> None:
    """I-09, I-10."""
    limits = RunLimits(limit=5, max_chunks=3, max_files=2)
    outcome = shop.sync(instance, SyncOptions(limits=limits))["orders"]
    assert (outcome.rows_extracted, outcome.files_written) == (15, 3)
    assert (outcome.rows_loaded, outcome.files_loaded, outcome.pending_files) == (10, 2, 1)


def test_a_window_is_reloaded_and_the_watermark_stays(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    shop.sync(instance)
    before = shop.replication.extract_state("orders").mysql_state.last_timestamp
    [(start, end)] = shop.replication.sql("SELECT MIN(ts), MAX(ts) FROM orders")
    outcome = shop.sync(instance, SyncOptions(window=Window(start, end)))["orders"]
    assert outcome.status == "success", outcome.error
    assert outcome.rows_extracted == 29
    assert shop.replication.extract_state("orders").mysql_state.last_timestamp == before
    assert shop.replication.target_rows("orders", "id").total() == 30


def test_a_stop_leaves_the_tables_that_have_not_begun(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    outcomes = shop.sync(instance, stopping=lambda: True)
    assert {o.status for o in outcomes.values()} == {"skipped"}
    tag = {TABLE_TAG: table_tag(shop.plan())}
    assert not instance.get_runs(dg.RunsFilter(tags=tag))


def test_the_report_hears_the_engine_from_every_table(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    heard: list[tuple[str, str]] = []
    lock = threading.Lock()

    def report(table: str, event: str, facts: Mapping[str, object]) -> None:
        with lock:
            heard.append((table.rpartition(".")[2], event))

    shop.sync(instance, report=report)
    for name in ("orders", "items"):
        events = [event for table, event in heard if table == name]
        assert events[0] == "started"
        assert events[-1] == "finished"
        assert {"ceiling", "extracted", "loaded"} <= set(events)


def test_many_runs_at_once_share_one_instance(shop: Shop, home: Path) -> None:
    """Dagster's own set-up of a run's log locks two threads for ever; see `share_among_threads`."""
    for number in range(6):
        shop.replication.sql(f"CREATE TABLE t{number} (id INT PRIMARY KEY)")
        shop.replication.sql(f"INSERT INTO t{number} VALUES (1), (2)")
        shop.replication.table(f"t{number}")
    config = shop.config
    with open_instance(config) as instance:
        outcomes = sync_tables(
            config,
            config.plans("p"),
            SyncOptions(),
            instance=instance,
            report=lambda *_: None,
            stopping=lambda: False,
        )
    assert {o.status for o in outcomes.values()} == {"success"}
    assert sum(o.rows_loaded for o in outcomes.values()) == 2 * 30 + 6 * 2


def test_runs_of_dead_processes_are_closed(instance: dg.DagsterInstance) -> None:
    """I-34: a run that was killed with its terminal does not look alive for ever."""
    job = dg.GraphDefinition(name="empty").to_job()
    host = os.uname().nodename
    owners = {"dead": f"{host}:{_dead_process()}", "mine": f"{host}:{os.getpid()}", "far": "b:1"}
    runs = {}
    for name, owner in owners.items():
        run = instance.create_run_for_job(job, tags={PROCESS_TAG: owner})
        instance.report_dagster_event(
            dg.DagsterEvent(
                event_type_value=dg.DagsterEventType.RUN_START.value, job_name=run.job_name
            ),
            run_id=run.run_id,
        )
        runs[name] = run.run_id
    assert close_dead_runs(instance) == 1
    states = {name: instance.get_run_by_id(run_id) for name, run_id in runs.items()}
    assert {name: run.status.value for name, run in states.items() if run} == {
        "dead": "FAILURE",
        "mine": "STARTED",
        "far": "STARTED",
    }


def _dead_process() -> int:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid
