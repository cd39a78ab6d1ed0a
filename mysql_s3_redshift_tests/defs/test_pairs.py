"""One pair in Dagster: what the UI shows of it, what fails, what is tried again."""

from __future__ import annotations

import json
from typing import Any

import dagster as dg
import pytest

from mysql_s3_redshift.config import step_name
from mysql_s3_redshift.core.state import ExtractState
from mysql_s3_redshift.defs.build import build_resources
from mysql_s3_redshift.defs.io_manager import StateIOManager
from mysql_s3_redshift.defs.names import state_io_manager
from mysql_s3_redshift.errors import SourceConnectionError
from mysql_s3_redshift_tests.defs.shop import Shop, metadata_of

S3_KEYS = {
    "rows_extracted", "files_written", "bytes_written", "watermark_before", "watermark_after",
    "ceiling", "ceiling_method", "pending_files", "rows_per_second", "source_lag_seconds",
    "values_changed", "files", "mysql_comment",
    "state_uri", "dagster/uri", "dagster/row_count", "dagster/column_schema",
    "dagster/column_lineage",
}  # fmt: skip
S3_STAGES = {"seconds_describe", "seconds_ceiling", "seconds_extract"}
REDSHIFT_KEYS = {
    "files_loaded", "blacklist", "files_loaded_count", "rows_loaded", "rows_inserted",
    "rows_updated", "copy_rows", "load_id", "manifest_uri", "mysql_comment", "dagster/row_count",
    "dagster/table_name", "dagster/column_schema", "dagster/column_lineage",
}  # fmt: skip


def test_materializing_shows_the_metadata_of_the_contract(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    """I-02: files, rows and blacklist in the UI are those of the documents."""
    result = shop.materialize(instance, "orders")
    assert result.success
    extracted = metadata_of(result, shop.key("orders", "s3"))
    loaded = metadata_of(result, shop.key("orders", "redshift"))
    assert set(extracted) == S3_KEYS | S3_STAGES
    assert set(loaded) >= REDSHIFT_KEYS
    assert (extracted["rows_extracted"], extracted["files_written"]) == (30, 2)
    assert extracted["watermark_before"] == "none: first run"
    assert extracted["mysql_comment"] == loaded["mysql_comment"] == "the orders"
    assert len(extracted["files"]) == 2
    assert loaded["files_loaded_count"] == loaded["blacklist"]["files"] == 2
    assert loaded["rows_loaded"] == loaded["copy_rows"] == loaded["dagster/row_count"] == 30
    assert loaded["blacklist"]["loaded_through"] == 2
    assert loaded["dagster/table_name"].endswith(f"{shop.replication.schema}.orders")


def test_columns_show_where_they_come_from_and_what_was_done_to_them(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    shop.replication.sql("ALTER TABLE orders ADD COLUMN note VARCHAR(9), ADD COLUMN secret INT")
    options = shop.replication.tables["orders"]["columns"]
    options.update(overlong={"note": "truncate"}, exclude=["secret"])
    result = shop.materialize(instance, "orders")
    loaded = metadata_of(result, shop.key("orders", "redshift"))
    columns = {c.name: c for c in loaded["dagster/column_schema"].columns}
    assert columns["ts"].description == (
        "last change; from MySQL `ts` datetime(6); zero dates become NULL"
    )
    assert columns["note"].description == (
        "from MySQL `note` varchar(9); values that are too long are cut"
    )
    assert "renamed" in (columns["grand_total"].description or "")
    assert "SHA-256" in (columns["email"].description or "")
    extracted = metadata_of(result, shop.key("orders", "s3"))
    [origin] = extracted["dagster/column_lineage"].deps_by_column["grand_total"]
    assert origin.column_name == "Grand Total"
    assert origin.asset_key == dg.AssetKey(shop.plan().source_key)
    key = shop.key("orders", "redshift")
    spec = next(s for s in shop.definitions().resolve_all_asset_specs() if s.key == key)
    assert (spec.metadata["hashed_columns"], spec.metadata["excluded_columns"]) == (
        "email",
        "secret",
    )


def observed_changes(result: dg.ExecuteInProcessResult) -> dict[dg.AssetKey, list[str]]:
    """Schema changes that a run observed, by asset."""
    found: dict[dg.AssetKey, list[str]] = {}
    for event in result.get_asset_observation_events():
        observation = event.asset_observation_data.asset_observation
        if "schema_change" in observation.metadata:
            found.setdefault(observation.asset_key, []).append(observation.description or "")
    return found


def test_each_change_of_the_columns_is_an_observation_on_both_assets(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    shop.materialize(instance, "orders")
    shop.replication.sql("ALTER TABLE orders ADD COLUMN colour VARCHAR(9), DROP COLUMN email")
    shop.replication.sql("INSERT INTO orders SELECT seq, NOW(6), seq, 'red' FROM seq_31_to_33")
    shop.replication.table("orders", cdc_strategy="hybrid", cdc_timestamp_column="ts")
    result = shop.materialize(instance, "orders")
    assert result.success
    observed = observed_changes(result)
    told = observed[shop.key("orders", "s3")]
    assert len(told) == 2
    assert any("colour" in sentence for sentence in told)
    assert any("email" in sentence for sentence in told)
    [added] = observed[shop.key("orders", "redshift")]
    assert "colour" in added
    assert not observed_changes(shop.materialize(instance, "orders"))


def test_a_run_with_nothing_to_do_says_why_and_keeps_the_row_count(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    shop.materialize(instance, "orders")
    result = shop.materialize(instance, "orders")
    assert metadata_of(result, shop.key("orders", "s3"))["note"] == "nothing new"
    loaded = metadata_of(result, shop.key("orders", "redshift"))
    assert (loaded["note"], loaded["rows_loaded"], loaded["dagster/row_count"]) == (
        "nothing new",
        0,
        30,
    )


def test_a_run_with_nothing_to_do_keeps_the_data_versions(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    def versions() -> list[str | None]:
        events = shop.materialize(instance, "orders").get_asset_materialization_events()
        return [(e.materialization.tags or {}).get("dagster/data_version") for e in events]

    first = versions()
    assert None not in first
    assert versions() == first
    shop.insert("orders", 31, 31)
    moved = versions()
    assert all(new != old for new, old in zip(moved, first, strict=True))


def test_a_limit_in_the_launchpad_bounds_the_extraction(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    """I-09, I-10."""
    result = shop.materialize(instance, "orders", limit=7)
    extracted = metadata_of(result, shop.key("orders", "s3"))
    assert extracted["rows_extracted"] == 7
    assert extracted["note"].startswith("stopped at the limit of 7 rows")
    assert shop.materialize(instance, "orders").success
    assert shop.replication.target_rows("orders", "id").total() == 30


def test_half_a_window_is_refused_with_a_remedy(shop: Shop, instance: dg.DagsterInstance) -> None:
    result = shop.materialize(instance, "orders", window_from="2024-01-01")
    failure = failure_metadata(result, step_name(shop.plan().extract_key))
    assert failure["exit_code"] == 2
    assert failure["error"] == "ConfigError"
    assert "window_to" in failure["happened"]


def test_a_failure_tells_what_happened_what_was_kept_and_what_to_do(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    """I-40: and it quotes no secret."""
    shop.replication.sql("ALTER TABLE orders DROP COLUMN ts")
    result = shop.materialize(instance)
    assert not result.success
    failure = failure_metadata(result, step_name(shop.plan().extract_key))
    assert failure["error"] == "ConfigError"
    assert "ts" in failure["happened"]
    assert failure["remedy"]
    # P-05: the other table of the same run is loaded all the same.
    assert metadata_of(result, shop.key("items", "redshift"))["rows_loaded"] == 30
    events = json.dumps([str(event) for event in result.all_events])
    assert "salt-canary" not in events
    password = shop.config.source("db").password
    assert password is not None
    assert password.get_secret_value() not in events


def failure_metadata(result: dg.ExecuteInProcessResult, step: str) -> dict[str, Any]:
    """The metadata of a step's failure."""
    [event] = [e for e in result.all_events if e.is_step_failure and e.step_key == step]
    data = event.step_failure_data.user_failure_data
    assert data is not None
    return {name: value.value for name, value in data.metadata.items()}


@pytest.mark.parametrize("retryable", [True, False])
def test_only_what_may_succeed_is_tried_again(
    shop: Shop,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    retryable: bool,
) -> None:
    from mysql_s3_redshift.adapters import pair

    calls: list[int] = []

    def describe(*_: object) -> None:
        calls.append(1)
        if retryable:
            raise SourceConnectionError("gone", kept="all", remedy="wait")
        message = "a defect"
        raise RuntimeError(message)

    monkeypatch.setattr(pair, "describe", describe)
    job = shop.definitions(dg.RetryPolicy(max_retries=2, delay=0)).resolve_job_def("p_sync")
    result = job.execute_in_process(
        instance=instance, asset_selection=[shop.key("orders", "s3")], raise_on_error=False
    )
    assert not result.success
    assert len(calls) == (3 if retryable else 1)


def test_the_io_manager_confirms_what_was_committed_and_nothing_else(shop: Shop) -> None:
    """I-33, H-26: a value that is not the stored document fails, and changes nothing."""
    shop.replication.sync("orders")
    plan = shop.plan()
    resources = build_resources(shop.config, [plan])
    manager: StateIOManager = resources[state_io_manager(plan.storage)]
    state = shop.replication.extract_state("orders")
    key = dg.AssetKey(plan.extract_key)
    with dg.build_output_context(asset_key=key) as context:
        manager.handle_output(context, state)
        logged = context.get_logged_metadata()
        for wrong in (None, 7, state.reset(), ExtractState.first(plan, "hybrid")):
            with pytest.raises(dg.Failure):
                manager.handle_output(context, wrong)
    assert str(logged["state_uri"].value).endswith("orders.json")
    assert shop.replication.extract_state("orders") == state
    assert manager.load_input(dg.build_input_context(asset_key=key)) == state
