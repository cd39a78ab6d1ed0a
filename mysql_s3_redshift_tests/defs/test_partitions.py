"""Daily partitions of the S3 asset: what a backfill reads, replaces, tells and leaves alone."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from mysql_s3_redshift.config import Config, step_name
from mysql_s3_redshift.defs import partitions
from mysql_s3_redshift.defs.build import build_definitions
from mysql_s3_redshift.errors import ConfigError
from mysql_s3_redshift_tests.config.documents import document, loaded
from mysql_s3_redshift_tests.defs.shop import Shop, metadata_of
from mysql_s3_redshift_tests.defs.test_definitions import pipeline

RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
FIRST_DAYS = ["2024-03-30", "2024-03-31", "2024-04-01"]


@pytest.fixture
def visits(shop: Shop) -> Shop:
    """A table `visits` with ten rows a day on three days, in daily partitions; all is loaded."""
    shop.replication.sql(
        "CREATE TABLE visits (id INT PRIMARY KEY, made DATETIME NOT NULL, ts DATETIME(6) NOT NULL, "
        "v INT, KEY (ts, id), KEY (made))",
        "INSERT INTO visits SELECT seq, '2024-03-30' + INTERVAL (seq - 1) DIV 10 DAY, NOW(6), seq "
        "FROM seq_1_to_30",
    )
    partition(shop, "append")
    return shop


def partition(shop: Shop, mode: str) -> None:
    shop.replication.table(
        "visits",
        cdc_strategy="hybrid",
        cdc_timestamp_column="ts",
        load_mode=mode,
        partitions={"column": "made", "start": FIRST_DAYS[0]},
    )


def backfill(
    shop: Shop, instance: dg.DagsterInstance, *days: str, loads: bool = False, **config: Any
) -> dg.ExecuteInProcessResult:
    """Materialize partitions as the daemon does: one key, or the tags of a range."""
    keys = [shop.key("visits", "s3"), *([shop.key("visits", "redshift")] if loads else [])]
    arguments: Mapping[str, Any] = {"partition_key": days[0]}
    if len(days) > 1:
        arguments = {"tags": dict(zip(RANGE, (days[0], days[-1]), strict=True))}
    step = {step_name(shop.plan("visits").extract_key): {"config": config}}
    return (
        shop.definitions()
        .resolve_implicit_global_asset_job_def()
        .execute_in_process(
            instance=instance,
            asset_selection=keys,
            run_config={"ops": step},
            raise_on_error=False,
            **arguments,
        )
    )


def counts_by_day(result: dg.ExecuteInProcessResult) -> dict[str | None, Any]:
    """Rows of each partition that a run materialized."""
    events = result.get_asset_materialization_events()
    return {
        event.materialization.partition: event.materialization.metadata[
            "dagster/partition_row_count"
        ].value
        for event in events
        if event.materialization.partition is not None
    }


def assert_same(shop: Shop) -> None:
    replication = shop.replication
    assert replication.target_rows("visits") == replication.source_rows("visits")


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_backfill_of_three_days_replaces_them_and_leaves_the_watermark(
    visits: Shop, instance: dg.DagsterInstance, mode: str
) -> None:
    """I-24, I-47: one run, one load, the rows of each day told apart."""
    partition(visits, mode)
    assert visits.materialize(instance, "visits").success
    before = visits.replication.extract_state("visits").mysql_state
    visits.replication.sql("UPDATE visits SET v = -v, ts = ts")
    result = backfill(visits, instance, *FIRST_DAYS)
    assert result.success
    assert counts_by_day(result) == dict.fromkeys(FIRST_DAYS, 10)
    after = visits.replication.extract_state("visits").mysql_state
    assert (after.last_timestamp, after.last_id) == (before.last_timestamp, before.last_id)
    loaded = visits.materialize(instance, "visits")
    shown = metadata_of(loaded, visits.key("visits", "redshift"))
    assert (shown["rows_loaded"], shown["dagster/row_count"]) == (30, 30)
    assert_same(visits)


def test_a_backfill_of_a_table_with_slices_reads_every_slice_of_all_days(
    visits: Shop, instance: dg.DagsterInstance
) -> None:
    """Plan, a step a slice, finish; one load, and each partition has the rows of its day."""
    visits.replication.tables["visits"] |= {"slices": 3, "chunk_rows": 5}
    assert visits.materialize(instance, "visits").success
    visits.replication.sql(
        "UPDATE visits SET v = -v, ts = ts", "DELETE FROM visits WHERE id IN (13, 14)"
    )
    result = backfill(visits, instance, *FIRST_DAYS, loads=True)
    assert result.success
    steps = [str(event.step_key) for event in result.all_events if event.is_step_success]
    assert sum(".slice[" in step for step in steps) == 3
    assert counts_by_day(result) == dict(zip(FIRST_DAYS, (10, 8, 10), strict=True))
    state = visits.replication.extract_state("visits")
    assert len({file.set_id for file in state.files if file.window}) == 1
    assert_same(visits)


def test_one_day_is_reloaded_with_its_redshift_table_in_the_same_run(
    visits: Shop, instance: dg.DagsterInstance
) -> None:
    """The Redshift asset takes all that is pending, whatever partition brought it."""
    visits.materialize(instance, "visits")
    visits.replication.sql("DELETE FROM visits WHERE id = 15", "UPDATE visits SET v = 0, ts = ts")
    result = backfill(visits, instance, FIRST_DAYS[1], loads=True)
    assert result.success
    assert counts_by_day(result) == {FIRST_DAYS[1]: 9}
    rows = visits.replication.target_rows("visits", "id, v")
    assert sorted(id for (id, v) in rows if v == 0) == [11, 12, 13, 14, 16, 17, 18, 19, 20]
    assert rows.total() == 29


def test_a_run_without_a_partition_catches_up_and_touches_none(
    visits: Shop, instance: dg.DagsterInstance
) -> None:
    result = visits.materialize(instance, "visits")
    [event] = [
        e
        for e in result.get_asset_materialization_events()
        if e.asset_key == visits.key("visits", "s3")
    ]
    assert event.materialization.partition is None
    assert metadata_of(result, visits.key("visits", "s3"))["rows_extracted"] == 30
    assert instance.get_materialized_partitions(visits.key("visits", "s3")) == set()


def test_a_backfill_again_and_a_day_without_rows_change_nothing(
    visits: Shop, instance: dg.DagsterInstance
) -> None:
    visits.materialize(instance, "visits")
    assert backfill(visits, instance, *FIRST_DAYS).success
    assert backfill(visits, instance, *FIRST_DAYS).success
    empty = backfill(visits, instance, "2024-05-05", loads=True)
    assert counts_by_day(empty) == {"2024-05-05": 0}
    assert_same(visits)


def test_a_backfill_before_the_first_extraction_and_two_windows_at_once_are_refused(
    visits: Shop, instance: dg.DagsterInstance
) -> None:
    edges: dict[str, Any] = {"window_from": "2024-01-01", "window_to": "2024-01-02"}
    first = backfill(visits, instance, *FIRST_DAYS)
    both = backfill(visits, instance, FIRST_DAYS[0], **edges)
    for result, word in ((first, "not complete"), (both, "are asked for")):
        [event] = [e for e in result.all_events if e.is_step_failure]
        data = event.step_failure_data.user_failure_data
        assert data is not None
        assert word in str(data.metadata["happened"].value)
        assert data.metadata["remedy"].value


def test_a_backfill_waits_for_the_sync_that_began_before_it(
    visits: Shop, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of two runs of a table could only lose the race for its state."""
    visits.materialize(instance, "visits")
    earlier = instance.create_run_for_job(
        visits.definitions().resolve_job_def("p_sync"),
        asset_selection=frozenset({visits.key("visits", "redshift")}),
        status=dg.DagsterRunStatus.STARTED,
    )
    waited: list[float] = []

    def end_it(seconds: float) -> None:
        waited.append(seconds)
        instance.report_run_failed(earlier)

    clock = SimpleNamespace(sleep=end_it, monotonic=time.monotonic)
    monkeypatch.setattr(partitions, "time", clock)
    assert backfill(visits, instance, FIRST_DAYS[0]).success
    assert waited == [partitions.LOOK_EVERY_SECONDS]


def one_table(folder: Path, **options: Any) -> Config:
    """A configuration with a table in partitions, and another one; connects to nothing."""
    chosen = {"column": "made", "start": FIRST_DAYS[0]}
    tables = {"shop.visits": {"partitions": chosen, **options}, "shop.orders": {}}
    return loaded(folder, document(pipelines={"p": pipeline(tables)}))


def test_the_last_partition_is_today(tmp_path: Path) -> None:
    """Today is not complete, and can be reloaded all the same."""
    config = one_table(tmp_path)
    before = datetime.now(UTC).date()
    days = partitions.partitions_of(config.plans()[0])
    assert days is not None
    keys = days.get_partition_keys()
    assert keys[0] == FIRST_DAYS[0]
    assert before <= date.fromisoformat(keys[-1]) <= datetime.now(UTC).date()
    assert partitions.partitions_of(config.plans()[1]) is None
    dg.Definitions.validate_loadable(build_definitions(config))


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"load_mode": "replace"}, "partitions"),
        ({"cdc_strategy": "full_sync", "load_mode": "upsert"}, "partitions"),
        ({"load_mode": "append", "columns": {"exclude": ["made"]}}, "partitions.column"),
    ],
)
def test_partitions_that_cannot_be_reloaded_are_refused_in_the_file(
    tmp_path: Path, options: dict[str, Any], where: str
) -> None:
    with pytest.raises(ConfigError, match=where):
        one_table(tmp_path, **options)


def test_tables_of_one_pipeline_begin_on_one_day(tmp_path: Path) -> None:
    """One job syncs a pipeline, and Dagster gives a job one kind of partitions."""
    tables = {
        "shop.visits": {"partitions": {"column": "made", "start": "2024-01-01"}},
        "shop.orders": {"partitions": {"column": "made", "start": "2024-01-02"}},
    }
    with pytest.raises(ConfigError, match="begin on"):
        loaded(tmp_path, document(pipelines={"p": pipeline(tables)}))
    apart = {name: pipeline({t: o}) for name, (t, o) in zip("pq", tables.items(), strict=True)}
    config = loaded(tmp_path, document(pipelines=apart))
    dg.Definitions.validate_loadable(build_definitions(config))
