"""Operator jobs: what each does, refuses and leaves on the asset."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import dagster as dg
import pytest

from mysql_s3_redshift.adapters.operations import Operation, set_watermark
from mysql_s3_redshift.core.operate import ManualChange
from mysql_s3_redshift_tests.defs.shop import Shop

NAMES = {
    "operator_sync_table", "operator_reload_window", "operator_set_watermark",
    "operator_reset_watermark", "operator_restore_watermark", "operator_clean_s3",
    "operator_verify",
}  # fmt: skip


def launch(
    shop: Shop, instance: dg.DagsterInstance, name: str, **config: Any
) -> dg.ExecuteInProcessResult:
    """Launch a job on `orders` as the launchpad does."""
    chosen = {"table": shop.plan().display_name, **config}
    job = shop.definitions().resolve_job_def(f"operator_{name}")
    return job.execute_in_process(
        instance=instance,
        run_config={"ops": {name: {"config": chosen}}},
        raise_on_error=False,
    )


def signed(shop: Shop, **config: Any) -> dict[str, Any]:
    """The config of a change that says who, why and which table."""
    confirmed = {"who": "ada", "reason": "ticket 4711", "confirm": shop.plan().display_name}
    return {**confirmed, **config}


def observed(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    """Metadata of the observations of a run, by stage."""
    told: dict[str, dict[str, Any]] = {}
    for event in result.get_asset_observation_events():
        one = event.asset_observation_data.asset_observation
        shown = {name: _shown(value) for name, value in one.metadata.items()}
        told.setdefault(one.asset_key.path[0], {}).update(shown)
    return told


def _shown(value: dg.MetadataValue[Any]) -> Any:
    if isinstance(value, dg.TableMetadataValue):
        return [record.data for record in value.records]
    return value.value


def refusal(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """What a failed job tells; it has left no record of a change."""
    assert not result.success
    [event] = [e for e in result.all_events if e.is_step_failure]
    data = event.step_failure_data.user_failure_data
    assert data is not None
    assert data.metadata["remedy"].value
    return {name: value.value for name, value in data.metadata.items()}


def test_the_launchpad_offers_the_tables_and_is_safe_as_it_is(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    """What is prefilled either changes nothing or is refused; a wrong table does not start."""
    definitions = shop.definitions()
    shop.materialize(instance, "orders")
    before = shop.replication.objects("")
    for name in NAMES - {"operator_sync_table"}:
        job = definitions.resolve_job_def(name)
        assert shop.plan("items").display_name in (job.description or "")
        job.execute_in_process(instance=instance, raise_on_error=False)
    assert shop.replication.objects("") == before
    with pytest.raises(dg.DagsterInvalidConfigError):
        launch(shop, instance, "verify", table="p/nowhere.orders")


def test_sync_with_limits_and_one_table_alone(shop: Shop, instance: dg.DagsterInstance) -> None:
    """I-09, I-10: the numbers of its own run are on both assets."""
    result = launch(shop, instance, "sync_table", limit=5, max_chunks=3, max_files=2)
    assert result.success
    told = observed(result)
    assert set(told) == {"s3", "redshift"}
    assert (told["s3"]["rows_extracted"], told["s3"]["rows_loaded"]) == (15, 10)
    assert told["s3"]["before"].startswith("none: first run")
    assert instance.get_run_by_id(told["s3"]["sync_run"]) is not None
    assert not shop.replication.objects("state").keys() & {"items.json"}
    rest = launch(shop, instance, "sync_table", stages="redshift_only")
    assert observed(rest)["redshift"]["rows_loaded"] == 5


def test_a_failed_sync_is_a_failed_job_with_the_same_three_sentences(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    shop.replication.sql("ALTER TABLE orders DROP COLUMN ts")
    told = refusal(launch(shop, instance, "sync_table"))
    assert (told["error"], told["exit_code"]) == ("ConfigError", 2)
    assert "ts" in told["happened"]
    refused = refusal(launch(shop, instance, "sync_table", limit=-1))
    assert "limit" in refused["happened"]


def test_a_window_is_reloaded_and_the_watermark_stays(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    """I-24: of the cursor, or of any column of times."""
    shop.materialize(instance, "orders")
    shop.replication.sql("UPDATE orders SET `Grand Total` = 0, ts = ts")
    window = {"start": "2020-01-01", "end": "2100-01-01", "who": "ada", "reason": "wrong totals"}
    result = launch(shop, instance, "reload_window", **window)
    assert result.success
    told = observed(result)["s3"]
    assert (told["who"], told["why"], told["rows_loaded"]) == ("ada", "wrong totals", 30)
    assert told["before"] == told["after"]
    assert shop.replication.target_rows("orders", "grand_total") == Counter({(0,): 30})
    for wrong in ({"end": "2019-01-01"}, {"end": "soon"}, {"who": " "}, {"column": "email"}):
        refusal(launch(shop, instance, "reload_window", **{**window, **wrong}))


def test_a_watermark_is_set_and_restored_and_both_are_on_record(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    """The history keeps who and why, the observation what was before."""
    shop.materialize(instance, "orders")
    before = shop.replication.extract_state("orders")
    result = launch(
        shop, instance, "set_watermark", **signed(shop, timestamp="2025-01-01T00:00:00", id="7")
    )
    assert result.success
    told = observed(result)["s3"]
    assert (told["operator_action"], told["who"], told["why"]) == (
        "watermark-set",
        "ada",
        "ticket 4711",
    )
    assert told["after"].startswith("2025-01-01T00:00:00.000000 / 7; next: (`ts` > '2025-01-01")
    assert str(before.mysql_state.last_timestamp) in told["before"]
    moved = shop.replication.extract_state("orders")
    assert moved.metadata["manual_change"]["why"] == "ticket 4711"  # type: ignore[index,call-overload]
    restored = launch(
        shop, instance, "restore_watermark", **signed(shop, version=told["version_before"])
    )
    assert restored.success
    after = shop.replication.extract_state("orders").mysql_state
    assert after.last_timestamp == before.mysql_state.last_timestamp
    assert observed(restored)["s3"]["before"] == told["after"]


def test_a_change_by_the_command_line_is_on_the_asset_with_the_next_run(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    """Once; what a job did is not told again."""
    shop.materialize(instance, "orders")
    with shop.replication.connections() as connections:
        change = ManualChange("watermark-set", "bob@host", "ticket 12")
        operation = Operation(shop.plan(), connections, change)
        set_watermark(operation, timestamp=datetime(2025, 1, 1), identity=None)  # noqa: DTZ001
    told = observed(shop.materialize(instance, "orders"))["s3"]
    assert (told["operator_action"], told["who"], told["why"]) == (
        "watermark-set",
        "bob@host",
        "ticket 12",
    )
    assert told["after"] == "2025-01-01T00:00:00.000000"
    launch(shop, instance, "set_watermark", **signed(shop, timestamp="2025-01-01"))
    later = observed(shop.materialize(instance, "orders"))
    assert "s3" not in later


def test_a_table_starts_anew_after_a_confirmation(shop: Shop, instance: dg.DagsterInstance) -> None:
    shop.materialize(instance, "orders")
    result = launch(shop, instance, "reset_watermark", **signed(shop, truncate_target=True))
    assert result.success
    told = observed(result)
    assert told["s3"] == told["redshift"]
    assert (told["s3"]["generation"], told["s3"]["deleted_rows"]) == (2, 30)
    assert shop.replication.target_rows("orders", "id").total() == 0
    shop.materialize(instance, "orders")
    assert shop.replication.target_rows("orders", "id").total() == 30


REFUSED: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("set_watermark", {"confirm": "orders", "id": "7"}, "confirm"),
    ("set_watermark", {"reason": ""}, "reason"),
    ("set_watermark", {}, "neither"),
    ("set_watermark", {"timestamp": "yesterday"}, "no time"),
    ("reset_watermark", {"confirm": ""}, "confirm"),
    ("restore_watermark", {}, "history is empty"),
    ("clean_s3", {"dry_run": False, "confirm": ""}, "confirm"),
    ("clean_s3", {"dry_run": False, "older_than": "a week"}, "no duration"),
)


def test_what_is_not_meant_is_refused(shop: Shop, instance: dg.DagsterInstance) -> None:
    """Nothing is written, nothing is observed."""
    for job, config, word in REFUSED:
        result = launch(shop, instance, job, **signed(shop, **config))
        assert word in refusal(result)["happened"]
        assert not observed(result)
    assert not shop.replication.objects("")


def test_a_reset_that_would_double_an_appended_table_is_refused(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    shop.replication.tables["orders"]["load_mode"] = "append"
    shop.materialize(instance, "orders")
    result = launch(shop, instance, "reset_watermark", **signed(shop))
    assert "twice" in refusal(result)["happened"]
    accepted = signed(shop, stages="mysql_only", accept_doubles=True)
    assert launch(shop, instance, "reset_watermark", **accepted).success


def test_cleaning_is_a_dry_run_unless_it_is_confirmed(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    shop.materialize(instance, "orders")
    dry = launch(shop, instance, "clean_s3", older_than="0s")
    told = observed(dry)["s3"]
    assert (told["operator_action"], len(told["files"])) == ("s3clean-dry-run", 2)
    files = [uri for uri in shop.replication.objects() if ".orders/" in uri]
    assert len(files) == 2
    done = launch(shop, instance, "clean_s3", **signed(shop, older_than="0s", dry_run=False))
    assert done.success
    assert {row["uri"] for row in observed(done)["s3"]["files"]} == set(files)
    assert not [uri for uri in shop.replication.objects() if ".orders/" in uri]


def test_verify_tells_that_both_sides_agree_and_fails_where_they_do_not(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    shop.materialize(instance, "orders")
    equal = launch(shop, instance, "verify", deep=True)
    assert equal.success
    assert observed(equal)["redshift"]["agrees"]
    shop.replication.redshift(f'DELETE FROM "{shop.replication.schema}".orders WHERE id = 7')
    for deep in (False, True):
        different = launch(shop, instance, "verify", deep=deep)
        assert refusal(different)["exit_code"] == 4
        assert not observed(different)["redshift"]["agrees"]
