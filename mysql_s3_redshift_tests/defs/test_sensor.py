"""The sensor: asks for a run of each table that needs one, and of no other."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mysql_s3_redshift.adapters.mysql import polling as mysql_polling
from mysql_s3_redshift.config import SyncConfig
from mysql_s3_redshift.defs.build import build_resources
from mysql_s3_redshift.defs.names import run_tags
from mysql_s3_redshift.defs.run_history import TableHistory
from mysql_s3_redshift.defs.sensors import Memory, build_schedule, build_sensor, pause_seconds
from mysql_s3_redshift.defs.sync import SyncOptions, sync_tables
from mysql_s3_redshift_tests.defs.shop import Shop


def tick(
    shop: Shop, instance: dg.DagsterInstance, *, cursor: str | None = None, budget: float = 40.0
) -> Any:
    """Evaluate the sensor of the shop's pipeline once."""
    definitions = shop.definitions()
    config = shop.config
    job = next(j for j in definitions.jobs or () if getattr(j, "name", "") == "p_sync")
    plans = config.plans("p")
    sensor = build_sensor("p", config.pipeline("p"), plans, job, limits={}, budget=budget)
    context = dg.build_sensor_context(
        instance=instance,
        cursor=cursor,
        definitions=definitions,
        resources={"mysql_db": build_resources(config, config.plans())["mysql_db"]},
    )
    return sensor.evaluate_tick(context)


def asked(data: Any) -> list[str]:
    """Tables that a tick asks a run for."""
    keys = [request.asset_selection for request in data.run_requests]
    assert all([key.path[0] for key in pair] == ["s3", "redshift"] for pair in keys)
    return sorted(pair[0].path[-1] for pair in keys)


def test_new_tables_moved_tables_and_backlogs_get_a_run_and_idle_ones_none(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    """I-07: what is new is told by the stored watermark, not by a clock or the tick before."""
    assert asked(tick(shop, instance)) == ["items", "orders"]
    for name in ("items", "orders"):
        shop.replication.sync(name)
    idle = tick(shop, instance)
    assert asked(idle) == []
    assert idle.skip_message == "2 tables have nothing new"
    shop.insert("orders", 31, 33)
    assert asked(tick(shop, instance)) == ["orders"]
    shop.replication.extract("orders")
    assert asked(tick(shop, instance)) == ["orders"], "files wait to be loaded"
    shop.replication.load("orders")
    assert asked(tick(shop, instance)) == []


def test_the_table_whose_last_run_is_longest_ago_comes_first(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    """Else the last ones of a file would wait the longest, each time that runs queue."""
    quiet: Any = {"report": lambda *_: None, "stopping": lambda: False}
    for name in ("orders", "items"):
        sync_tables(shop.config, [shop.plan(name)], SyncOptions(), instance=instance, **quiet)
        shop.insert(name, 31, 33)
    requests = tick(shop, instance).run_requests
    assert [request.asset_selection[0].path[-1] for request in requests] == ["orders", "items"]


def test_a_table_in_flight_is_left_alone(shop: Shop, instance: dg.DagsterInstance) -> None:
    """I-33: and so it is never extracted twice at once."""
    job = shop.definitions().resolve_job_def("p_sync")
    run = instance.create_run_for_job(job, tags=run_tags(shop.plan("orders")))
    assert run is not None
    assert asked(tick(shop, instance)) == ["items"]


def test_a_table_that_failed_waits_longer_after_every_failure(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    shop.replication.sql("ALTER TABLE orders DROP COLUMN ts")
    shop.sync(instance)
    assert asked(tick(shop, instance)) == []
    assert "1 wait after a failure" in tick(shop, instance).skip_message


def test_pauses_double_up_to_an_hour() -> None:
    every, ended = timedelta(minutes=1), 1_000_000.0

    def pause(failures: int) -> int:
        history = TableHistory(failures=failures, ended=ended)
        minutes = range(200)
        return next(m for m in minutes if not history.is_paused(every, now=ended + 60 * m))

    assert [pause(n) for n in (0, 1, 2, 3, 6, 7, 50)] == [0, 1, 2, 4, 32, 60, 60]


def test_a_tick_without_time_left_goes_on_with_the_next_table_at_the_next_tick(
    shop: Shop, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mysql_s3_redshift.defs.sensors.TABLES_AT_ONCE", 1)
    first = tick(shop, instance, budget=0.0)
    second = tick(shop, instance, budget=0.0, cursor=first.cursor)
    assert [asked(first), asked(second)] == [["items"], ["orders"]]
    assert Memory.of(first.cursor).left == {shop.plan("orders").display_name}
    assert not Memory.of(second.cursor).left
    third = tick(shop, instance, cursor=second.cursor)
    assert asked(third) == []
    assert "not time" in third.skip_message


def test_a_table_that_was_in_flight_is_looked_at_again_before_the_others(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    """Else what a long run does not bring waits for two intervals."""
    job = shop.definitions().resolve_job_def("p_sync")
    run = instance.create_run_for_job(job, tags=run_tags(shop.plan("orders")))
    first = tick(shop, instance)
    assert asked(first) == ["items"]
    still = tick(shop, instance, cursor=first.cursor)
    assert asked(still) == []
    assert still.skip_message == "0 tables have nothing new, 1 are in flight"
    instance.report_run_canceled(run)
    ended = tick(shop, instance, cursor=still.cursor)
    assert asked(ended) == ["orders"], "and `items`, which is new too, at its time"
    assert asked(tick(shop, instance, cursor=ended.cursor)) == []


def test_looks_at_all_tables_keep_their_rhythm() -> None:
    """So that ticks which come late do not add up to a longer interval."""
    every = timedelta(seconds=60)
    memory = Memory.of("3").after([], now=1_000.0, every=every)
    assert (memory.due, Memory.of(memory.cursor())) == (1_060.0, memory)
    assert memory.after(["p/a.b"], now=1_059.0, every=every) == Memory(
        1_060.0, frozenset({"p/a.b"})
    )
    late = memory.after([], now=1_069.0, every=every)
    assert late.due == 1_120.0
    assert late.after([], now=1_300.0, every=every).due == 1_360.0, "missed ones are not made up"
    pauses = [pause_seconds(timedelta(seconds=seconds)) for seconds in (1, 60, 300, 86_400)]
    assert pauses == [1, 10, 50, 60]


def test_a_table_that_must_be_read_whole_is_due_by_time_alone(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    shop.replication.sql("CREATE TABLE rates (id INT PRIMARY KEY)", "INSERT INTO rates VALUES (1)")
    shop.replication.table("rates", cdc_strategy="full_sync", load_mode="replace")
    shop.sync(instance)
    assert asked(tick(shop, instance)) == []
    slow = TableHistory(ended=1_000_000.0, seconds=120.0)
    assert not slow.is_due(timedelta(minutes=1), now=1_000_000.0 + 1_050)
    assert slow.is_due(timedelta(minutes=1), now=1_000_000.0 + 1_100)
    quick = TableHistory(asked=1_000_000.0, ended=1_000_008.0, seconds=6.0)
    assert not quick.is_due(timedelta(minutes=1), now=1_000_000.0 + 40)
    assert quick.is_due(timedelta(minutes=1), now=1_000_000.0 + 59), "not at every second tick"


def test_one_table_that_cannot_be_asked_does_not_hold_up_the_others(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    """Its own run then shows what is wrong with it."""
    for name in ("items", "orders"):
        shop.replication.sync(name)
    assert asked(tick(shop, instance)) == []
    shop.replication.sql("DROP TABLE orders")
    assert asked(tick(shop, instance)) == ["orders"]


def test_hundreds_of_tables_are_asked_in_few_queries(
    shop: Shop, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for number in range(60):
        shop.replication.sql(f"CREATE TABLE t{number} (id INT PRIMARY KEY)")
        shop.replication.sql(f"INSERT INTO t{number} VALUES (1)")
        shop.replication.table(f"t{number}", cdc_strategy="id_only", cdc_id_column="id")
        if number % 20 == 0:
            shop.replication.sync(f"t{number}")
    queries: list[int] = []
    ask = mysql_polling._ask

    def counted(connection: Any, questions: Any) -> list[bool]:
        queries.append(len(questions))
        return ask(connection, questions)

    monkeypatch.setattr(mysql_polling, "_ask", counted)
    began = time.monotonic()
    assert len(asked(tick(shop, instance))) == 59
    assert time.monotonic() - began < 60
    assert queries == [3]


def test_a_schedule_asks_for_a_run_of_each_table_that_is_not_in_flight(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    definitions = shop.definitions()
    config, job = shop.config, definitions.resolve_job_def("p_sync")
    timed = config.pipeline("p").model_copy(update={"sync": SyncConfig(schedule="@hourly")})
    schedule = build_schedule("p", timed, config.plans("p"), job, limits={})

    def requests(hour: int) -> list[dg.RunRequest]:
        when = datetime(2026, 1, 2, hour, tzinfo=UTC)
        context = dg.build_schedule_context(instance=instance, scheduled_execution_time=when)
        return list(schedule.evaluate_tick(context).run_requests or [])

    first = requests(3)
    assert len({request.run_key for request in (*first, *requests(4))}) == 4
    for request in first:
        asked = job.get_subset(
            asset_selection=set(request.asset_selection or ()),
            asset_check_selection=set(request.asset_check_keys or ()),
        )
        assert len(asked.nodes) == 2, "a run is the two steps of one table, and no audit"
    instance.create_run_for_job(job, tags=run_tags(shop.plan("orders")))
    [left] = requests(5)
    assert left.asset_selection == [shop.key("items", "s3"), shop.key("items", "redshift")]
