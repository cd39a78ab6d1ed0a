"""Checks of a run's own steps: they pass on a healthy pair, and each fails when its fault is there.

I-46: what went wrong unnoticed is noticed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import dagster as dg

from mysql_s3_redshift.adapters.operations import Operation, set_watermark
from mysql_s3_redshift.cli.sync_run import exit_code, sync_document
from mysql_s3_redshift.core.operate import ManualChange
from mysql_s3_redshift.defs.checks import specs
from mysql_s3_redshift.defs.checks.volumes import ROWS, SECONDS
from mysql_s3_redshift_tests.defs.shop import Shop

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


def evaluations(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    """Evaluations of a run of one table, by the check's name."""
    found = result.get_asset_check_evaluations()
    assert len({e.check_name for e in found}) == len(found)
    return {e.check_name: e for e in found}


def text_of(evaluation: dg.AssetCheckEvaluation, key: str) -> str:
    """A text of an evaluation's metadata."""
    return str(evaluation.metadata[key].value)


def number_of(evaluation: dg.AssetCheckEvaluation, key: str) -> float:
    """A number of an evaluation's metadata."""
    value = evaluation.metadata[key].value
    assert isinstance(value, int | float)
    return value


def rows_of(evaluation: dg.AssetCheckEvaluation, key: str) -> list[dict[str, Any]]:
    """Rows of a table of an evaluation's metadata."""
    found = evaluation.metadata[key]
    assert isinstance(found, dg.TableMetadataValue)
    return [dict(record.data) for record in found.records]


def test_a_healthy_run_passes_all_of_its_checks(shop: Shop, instance: dg.DagsterInstance) -> None:
    for _ in ("all", "nothing"):
        found = evaluations(shop.materialize(instance, "orders"))
        assert number_of(found[specs.COUNTS_AGREE], "target_rows") == 30
        assert set(found) == {*specs.EXTRACT_CHECKS, *specs.LOAD_CHECKS}
        assert all(e.passed for e in found.values()), found
        assert all(text_of(e, "what_to_do") == "Nothing." for e in found.values())
        assert all(e.description == text_of(e, "what_happened") for e in found.values())


def test_an_index_that_was_dropped_is_told_with_the_statement_that_makes_one(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    """I-45."""
    shop.replication.sql("ALTER TABLE orders DROP INDEX ts")
    found = evaluations(shop.materialize(instance, "orders"))[specs.CURSOR_INDEXED]
    assert (found.passed, found.severity) == (False, WARN)
    statement = text_of(found, "what_to_do")
    assert statement.startswith("CREATE INDEX idx_cursor ON ")
    shop.replication.sql(statement)
    assert evaluations(shop.materialize(instance, "orders"))[specs.CURSOR_INDEXED].passed


def test_columns_that_disappear_are_a_warning_and_new_ones_are_not(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    shop.materialize(instance, "orders")
    shop.replication.sql("ALTER TABLE orders ADD COLUMN colour VARCHAR(9)")
    shop.replication.sql("INSERT INTO orders SELECT seq, NOW(6), 'x', 1, 'red' FROM seq_31_to_33")
    added = evaluations(shop.materialize(instance, "orders"))[specs.SCHEMA_DRIFT]
    assert added.passed
    assert "colour" in text_of(added, "what_happened")
    shop.replication.sql("ALTER TABLE orders DROP COLUMN colour")
    shop.insert("orders", 34, 36)
    dropped = evaluations(shop.materialize(instance, "orders"))[specs.SCHEMA_DRIFT]
    assert (dropped.passed, dropped.severity) == (False, WARN)
    assert [row["kind"] for row in rows_of(dropped, "schema_changes")] == ["dropped"]
    assert evaluations(shop.materialize(instance, "orders"))[specs.SCHEMA_DRIFT].passed


def move_watermark(shop: Shop, table: str, **where: Any) -> None:
    """Set a watermark as an operator does."""
    with shop.replication.connections() as connections:
        change = ManualChange("watermark-set", "test", "by mistake")
        operation = Operation(shop.plan(table), connections, change)
        set_watermark(operation, **{"timestamp": None, "identity": None, **where})


def test_a_watermark_in_the_future_fails_by_time_and_by_id(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    """I-03: such as one that was set by hand, or by a tool that took the largest time it saw."""
    shop.replication.table("items", cdc_strategy="id_only", cdc_id_column="id")
    for table, where in (
        ("orders", {"timestamp": datetime(2999, 1, 1)}),  # noqa: DTZ001  as MySQL has it
        ("items", {"identity": str(10**12)}),
    ):
        assert shop.materialize(instance, table).success
        move_watermark(shop, table, **where)
        for _ in range(2):  # it does not go away by itself
            found = evaluations(shop.materialize(instance, table))[specs.WATERMARK_NOT_IN_FUTURE]
            assert (found.passed, found.severity) == (False, ERROR)
            assert "watermark set" in text_of(found, "what_to_do")


def test_an_id_whose_row_was_deleted_is_no_watermark_in_the_future(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    shop.replication.table("items", cdc_strategy="id_only", cdc_id_column="id")
    shop.materialize(instance, "items")
    shop.replication.sql("DELETE FROM items WHERE id > 20")
    for _ in range(2):
        found = evaluations(shop.materialize(instance, "items"))
        assert found[specs.WATERMARK_NOT_IN_FUTURE].passed


def remember_runs(shop: Shop, instance: dg.DagsterInstance, *, rows: int, runs: int) -> None:
    """Put evaluations of earlier runs of ten minutes each on record."""
    key = specs.extract_check_keys(shop.plan("orders"))[specs.VOLUME_AS_USUAL]
    for number in range(runs):
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=key.asset_key,
                check_name=key.name,
                passed=True,
                metadata={ROWS: rows + number, SECONDS: 600.0},
            )
        )


def test_a_volume_out_of_the_usual_is_a_warning(shop: Shop, instance: dg.DagsterInstance) -> None:
    """The rows are those of the stretch since the run before, so a quick run may bring few."""
    name = specs.VOLUME_AS_USUAL
    first = evaluations(shop.materialize(instance, "orders"))[name]
    assert first.passed
    assert "first extraction" in text_of(first, "what_happened")
    fresh = evaluations(shop.materialize(instance, "orders"))[name]
    assert "Too little history" in text_of(fresh, "what_happened")
    remember_runs(shop, instance, rows=6, runs=20)
    shop.insert("orders", 31, 230)
    many = evaluations(shop.materialize(instance, "orders"))[name]
    assert (many.passed, many.severity) == (False, WARN)
    assert number_of(many, "measured_rows") == 200
    assert number_of(many, "most_usual_rows") < 200
    assert number_of(many, "runs_compared") == 20
    shop.insert("orders", 231, 250)
    limited = evaluations(shop.materialize(instance, "orders", limit=5))[name]
    assert limited.passed
    assert "a part of what is new" in text_of(limited, "what_happened")


def test_rows_that_somebody_else_added_to_the_target_fail_the_counts(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    """I-37, H-33: and go on failing until somebody does something about it."""
    shop.materialize(instance, "orders")
    table = f'"{shop.replication.schema}"."orders"'
    shop.replication.redshift(f"INSERT INTO {table} SELECT * FROM {table}")
    shop.insert("orders", 31, 33)
    for _ in range(2):  # the second run has nothing to load and repeats what the first counted
        found = evaluations(shop.materialize(instance, "orders"))[specs.COUNTS_AGREE]
        assert (found.passed, found.severity) == (False, ERROR)
        assert number_of(found, "target_rows") == 63
        assert [row["agrees"] for row in rows_of(found, "comparisons")] == [True, True, False]


def test_the_sync_of_the_command_line_tells_of_failed_checks(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    """What was loaded stays a success; the exit code tells of the difference."""
    shop.replication.sql("ALTER TABLE items DROP INDEX ts")
    outcomes = shop.sync(instance)
    [warned] = outcomes["items"].failed_checks
    assert (warned.name, warned.is_error) == (specs.CURSOR_INDEXED, False)
    assert exit_code(outcomes) == 0
    table = f'"{shop.replication.schema}"."orders"'
    shop.replication.redshift(f"INSERT INTO {table} SELECT * FROM {table}")
    shop.insert("orders", 31, 33)
    outcomes = shop.sync(instance)
    assert outcomes["orders"].status == "success"
    [failed] = outcomes["orders"].failed_checks
    assert (failed.name, failed.is_error) == (specs.COUNTS_AGREE, True)
    assert "63, expected 33" in failed.happened
    assert exit_code(outcomes) == 4
    document = sync_document(outcomes)
    assert document["status"] == "partial"
    shown = document["tables"]["orders"]["failed_checks"]
    assert [(check["name"], check["severity"]) for check in shown] == [("counts_agree", "error")]
