"""Checks that ask the systems: they pass on a healthy pair, and each fails when its fault is there.

I-46: what went wrong unnoticed is noticed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from mysql_s3_redshift.adapters.comparing import compare_counts
from mysql_s3_redshift.core.state import DataFile
from mysql_s3_redshift.defs.build import build_definitions
from mysql_s3_redshift.defs.checks import audit, specs
from mysql_s3_redshift.defs.checks import schedule as checks_schedule
from mysql_s3_redshift.defs.checks.schedule import default_schedule
from mysql_s3_redshift.sandbox.s3_server import BUCKET
from mysql_s3_redshift_tests.config.documents import document, loaded
from mysql_s3_redshift_tests.defs.shop import Shop
from mysql_s3_redshift_tests.defs.test_checks_in_runs import (
    evaluations,
    number_of,
    rows_of,
    text_of,
)

NAMES = {*specs.AUDITED_EXTRACT_CHECKS, *specs.AUDITED_LOAD_CHECKS}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No load is under way in these tests, so nothing is waited for."""
    monkeypatch.setattr(audit, "PAUSE_SECONDS", 0.0)


def failed_ones(result: dg.ExecuteInProcessResult) -> set[str]:
    """Names of the checks that failed."""
    return {name for name, e in evaluations(result).items() if not e.passed}


def test_a_healthy_table_passes_and_is_left_as_it_is(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    unborn = shop.audit(instance)
    assert unborn.success
    assert not failed_ones(unborn), "a table that was never extracted has nothing to look at"
    shop.replication.sync("orders")
    before = shop.replication.objects("")
    result = shop.audit(instance)
    assert result.success
    found = evaluations(result)
    assert set(found) == NAMES
    assert not failed_ones(result), found
    assert number_of(found[specs.REGISTERED_FILES_EXIST], "files_present") == 2
    assert number_of(found[specs.ALL_COUNTS_AGREE], "compared") >= 8
    assert shop.replication.objects("") == before


def test_files_that_are_gone_or_changed_are_told_with_what_they_hold(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    shop.replication.sync("orders")
    replaced, _ = shop.replication.extract_state("orders").files
    put(shop, replaced, b"x" * replaced.bytes)
    shop.insert("orders", 31, 60)
    gone, changed = shop.replication.extract("orders").files
    delete(shop, gone)
    put(shop, changed, b"not parquet")
    evaluation = evaluations(shop.audit(instance, specs.REGISTERED_FILES_EXIST))[
        specs.REGISTERED_FILES_EXIST
    ]
    assert not evaluation.passed
    assert evaluation.severity is dg.AssetCheckSeverity.ERROR
    assert number_of(evaluation, "files_damaged") == 3
    assert replaced.uri in text_of(evaluation, "what_happened")
    assert "watermark reset" in text_of(evaluation, "what_to_do")
    damaged = rows_of(evaluation, "damaged")
    assert [(row["uri"], row["found"], row["bytes_on_s3"]) for row in damaged] == [
        (replaced.uri, "other content", replaced.bytes),
        (gone.uri, "not there", None),
        (changed.uri, "other size", 11),
    ]


def test_a_loaded_file_may_be_cleaned(shop: Shop, instance: dg.DagsterInstance) -> None:
    shop.replication.sync("orders")
    delete(shop, shop.replication.extract_state("orders").files[0])
    result = shop.audit(instance, specs.REGISTERED_FILES_EXIST, specs.ALL_COUNTS_AGREE)
    assert not failed_ones(result)
    found = evaluations(result)[specs.REGISTERED_FILES_EXIST]
    assert (number_of(found, "files_present"), number_of(found, "files_cleaned")) == (1, 1)


def put(shop: Shop, file: DataFile, body: bytes) -> None:
    """Overwrite a file, as somebody else would."""
    shop.replication.put_object(file.uri.removeprefix(f"s3://{BUCKET}/"), body)


def delete(shop: Shop, file: DataFile) -> None:
    """Delete a file, as somebody else would."""
    key = file.uri.removeprefix(f"s3://{BUCKET}/")
    shop.replication.s3.delete_object(Bucket=BUCKET, Key=key)


def test_rows_that_others_deleted_or_doubled_in_the_target_are_found(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    """H-33: in counts, in keys and against the source."""
    shop.replication.sync("orders")
    table = f'"{shop.replication.schema}"."orders"'
    shop.replication.redshift(f"DELETE FROM {table} WHERE id = 7")
    names = (specs.ALL_COUNTS_AGREE, specs.NO_DUPLICATE_KEYS, specs.SOURCE_MATCHES_TARGET)
    missing = shop.audit(instance, *names)
    assert failed_ones(missing) == {specs.SOURCE_MATCHES_TARGET}
    told = evaluations(missing)[specs.SOURCE_MATCHES_TARGET]
    assert "29, expected 30" in text_of(told, "what_happened")
    assert "verify --deep" in text_of(told, "what_to_do")

    shop.replication.redshift(
        f"INSERT INTO {table} SELECT * FROM {table} WHERE id IN (8, 9)",
        f"INSERT INTO {table} SELECT * FROM {table} WHERE id = 9",
    )
    doubled = shop.audit(instance, *names)
    assert failed_ones(doubled) == set(names)
    keys = evaluations(doubled)[specs.NO_DUPLICATE_KEYS]
    assert (number_of(keys, "duplicate_keys"), number_of(keys, "rows_of_duplicate_keys")) == (2, 6)
    assert rows_of(keys, "keys") == [
        {"id": "9", "rows_of_key": 4},
        {"id": "8", "rows_of_key": 2},
    ]
    shop.replication.redshift(f"DROP TABLE {table}")
    dropped = shop.audit(instance, *names)
    assert failed_ones(dropped) == {specs.ALL_COUNTS_AGREE, specs.SOURCE_MATCHES_TARGET}


def test_files_that_wait_are_a_warning_and_no_missing_rows(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    shop.replication.sync("orders")
    shop.insert("orders", 31, 33)
    shop.replication.extract("orders")
    found = evaluations(shop.audit(instance, specs.SOURCE_MATCHES_TARGET))
    told = found[specs.SOURCE_MATCHES_TARGET]
    assert (told.passed, told.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert number_of(told, "pending_files") == 1


def test_rows_without_a_cursor_value_are_counted(shop: Shop, instance: dg.DagsterInstance) -> None:
    """H-05: such rows are read once; the check tells that there are some."""
    shop.replication.sql("ALTER TABLE orders MODIFY ts DATETIME(6) NULL")
    assert not failed_ones(shop.audit(instance, specs.CURSOR_NOT_NULL))
    shop.replication.sql("UPDATE orders SET ts = NULL WHERE id < 4")
    told = evaluations(shop.audit(instance, specs.CURSOR_NOT_NULL))[specs.CURSOR_NOT_NULL]
    assert (told.passed, told.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert number_of(told, "rows_without_cursor") == 3


def test_a_check_that_cannot_ask_claims_nothing_and_the_others_are_told(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    shop.replication.sync("orders")
    shop.replication.sections["sources"] = {"db": {"port": 1}}
    result = shop.audit(instance)
    assert not result.success
    unknown = {specs.CURSOR_NOT_NULL, specs.SOURCE_MATCHES_TARGET}
    assert set(evaluations(result)) == NAMES - unknown
    assert not failed_ones(result)
    [failure] = [e for e in result.all_events if e.is_step_failure]
    data = failure.step_failure_data.user_failure_data
    assert data is not None
    assert set(unknown) <= set((data.description or "").replace(",", " ").replace(".", " ").split())
    assert data.metadata["exit_code"].value == 5


def test_a_table_that_changes_all_the_time_is_not_judged(
    shop: Shop, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A difference counts only if it is seen twice while nothing moved."""
    shop.replication.sync("orders")
    shop.replication.redshift(f'DELETE FROM "{shop.replication.schema}"."orders" WHERE id = 7')

    def look_while_others_commit(*arguments: Any) -> Any:
        shop.replication.sync("orders")
        return compare_counts(*arguments)

    monkeypatch.setattr(audit, "compare_counts", look_while_others_commit)
    result = shop.audit(instance, specs.SOURCE_MATCHES_TARGET)
    assert not result.success
    assert not evaluations(result)


def test_the_schedule_is_that_of_the_file_and_asks_for_some_tables_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks_schedule, "TABLES_PER_RUN", 50)
    tables: dict[str, Any] = {f"shop.t{number}": {} for number in range(120)}
    pipeline = {"source": "main", "storage": "lake", "target": "warehouse"}
    timed = {"checks": {"schedule": "15 3 * * 1", "timezone": "Europe/Berlin"}}
    content = document(
        pipelines={
            "many": {**pipeline, "tables": tables},
            "timed": {**pipeline, "tables": {"shop.other": {}}, **timed},
        }
    )
    definitions = build_definitions(loaded(tmp_path, content))
    schedules = {s.name: s for s in definitions.get_repository_def().schedule_defs}
    own, many = schedules["timed_checks_schedule"], schedules["many_checks_schedule"]
    assert (own.cron_schedule, own.execution_timezone) == ("15 3 * * 1", "Europe/Berlin")
    assert many.cron_schedule == default_schedule("many") != default_schedule("timed")
    with dg.DagsterInstance.ephemeral() as instance:
        when = datetime(2026, 1, 2, 3, tzinfo=UTC)
        context = dg.build_schedule_context(instance=instance, scheduled_execution_time=when)
        [whole] = own.evaluate_tick(context).run_requests or []
        parts = many.evaluate_tick(context).run_requests or []
    assert len(whole.asset_check_keys or ()) == len(NAMES)
    asked = [key for part in parts for key in part.asset_check_keys or ()]
    assert len({part.run_key for part in parts}) == 3
    assert len(asked) == len(set(asked)) == 120 * len(NAMES)
    job = definitions.resolve_job_def("many_checks")
    part = job.get_subset(asset_check_selection=set(parts[0].asset_check_keys or ()))
    assert len(part.nodes) == 50
