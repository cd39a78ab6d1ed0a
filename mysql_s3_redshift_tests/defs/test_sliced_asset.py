"""A table with slices in Dagster: the same asset as any other, in more steps."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from mysql_s3_redshift.config import step_name
from mysql_s3_redshift.core import faultpoints
from mysql_s3_redshift.core.cursors import parse_timestamp
from mysql_s3_redshift.core.model import RunLimits, Window
from mysql_s3_redshift.core.next_query import next_query
from mysql_s3_redshift.defs.sync import SyncOptions, TableOutcome, sync_tables
from mysql_s3_redshift_tests.defs.shop import Shop, metadata_of


@pytest.fixture
def sliced(shop: Shop) -> Shop:
    """`orders` is read in three slices of ten rows, five rows a file; `items` is not."""
    for name, slices in (("orders", 3), ("items", 1)):
        shop.replication.tables[name] |= {"slices": slices, "chunk_rows": 5}
    return shop


def graph_steps(result: dg.ExecuteInProcessResult) -> list[str]:
    """The steps of sliced assets that ended well, by their own names."""
    done = [e.step_key or "" for e in result.all_events if e.is_step_success]
    return [key.partition(".")[2].partition("[")[0] for key in done if "." in key]


def sync(shop: Shop, instance: dg.DagsterInstance, **options: Any) -> TableOutcome:
    """Sync `orders` as the command line does."""
    config, plan = shop.config, shop.plan()
    [outcome] = sync_tables(
        config,
        [plan],
        SyncOptions(**options),
        instance=instance,
        report=lambda *_: None,
        stopping=lambda: False,
    ).values()
    return outcome


def test_both_kinds_of_asset_show_the_same(sliced: Shop, instance: dg.DagsterInstance) -> None:
    """Key, group, kinds, metadata, checks and value; slices are steps with names."""
    result = sliced.materialize(instance)
    assert result.success
    assert graph_steps(result) == ["plan", "slice", "slice", "slice", "finish"]
    ours, theirs = (metadata_of(result, sliced.key(t, "s3")) for t in ("orders", "items"))
    assert set(ours) == set(theirs)
    for name in ("rows_extracted", "files_written", "dagster/row_count", "pending_files"):
        assert ours[name] == theirs[name], name
    assert len(ours["files"].records) == 6
    checks = [e for e in result.all_events if e.event_type_value == "ASSET_CHECK_EVALUATION"]
    seen = [e.asset_check_evaluation_data for e in checks]
    by_asset = [
        {c.check_name for c in seen if c.asset_key == sliced.key(table, "s3")}
        for table in ("orders", "items")
    ]
    assert by_asset[0] == by_asset[1] != set()
    graph = sliced.definitions().resolve_asset_graph()
    mine, other = (graph.get(sliced.key(table, "s3")) for table in ("orders", "items"))
    assert (mine.group_name, mine.kinds, mine.pools) == (other.group_name, other.kinds, other.pools)
    assert mine.parent_keys == {dg.AssetKey(sliced.plan("orders").source_key)}
    for table in ("orders", "items"):
        assert sliced.replication.target_rows(table, "id").total() == 30
        sliced.replication.check_evidence(table)


def test_the_command_line_syncs_it_like_any_other(
    sliced: Shop, instance: dg.DagsterInstance
) -> None:
    """Limits, increments and windows: the config of the asset is the same."""
    limited = sync(sliced, instance, limits=RunLimits(limit=12))
    assert (limited.rows_extracted, limited.files_written) == (12, 3)
    state = sliced.replication.extract_state("orders")
    assert next_query(sliced.plan(), state).note.startswith("first extraction, 1 of 3 slices are")
    rest = sync(sliced, instance)
    assert (rest.rows_extracted, rest.error) == (18, None)
    sliced.insert("orders", 31, 34)
    assert sync(sliced, instance).rows_extracted == 4
    window = Window(parse_timestamp("2000-01-01"), parse_timestamp("2100-01-01"))
    assert sync(sliced, instance, window=window).rows_extracted == 34
    assert sync(sliced, instance).note == "nothing new"
    assert sliced.replication.target_rows("orders", "id").total() == 34


def test_a_failed_slice_fails_the_run_and_the_next_run_reads_the_rest(
    sliced: Shop, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other slices end well, nothing after them runs, and no row is read twice."""
    faults: Any = faultpoints._Faults("extract.after_upload=raise@2")
    monkeypatch.setattr(faultpoints, "_armed", faults)
    result = sliced.materialize(instance, "orders")
    monkeypatch.undo()
    assert not result.success
    failed = [e.step_key for e in result.all_events if e.is_step_failure]
    assert len(failed) == 1
    state = sliced.replication.extract_state("orders").mysql_state
    assert (state.status, state.total_rows) == ("failed", 25)
    again = sliced.materialize(instance, "orders")
    assert again.success
    assert metadata_of(again, sliced.key("orders", "s3"))["rows_extracted"] == 5
    assert metadata_of(again, sliced.key("orders", "s3"))["watermark_before"].endswith("3 slices")
    assert sliced.replication.target_rows("orders", "id").total() == 30
    sliced.replication.check_evidence("orders")


def test_a_table_with_days_may_have_slices(sliced: Shop) -> None:
    """Its asset is a graph as well, with the same partitions and backfills."""
    days = {"column": "ts", "start": "2024-01-01"}
    for table in ("orders", "items"):
        sliced.replication.tables[table]["partitions"] = days
    graph = sliced.definitions().resolve_asset_graph()
    node = graph.get(sliced.key("orders", "s3"))
    other = graph.get(sliced.key("items", "s3"))
    assert node.partitions_def == other.partitions_def is not None
    assert node.backfill_policy == other.backfill_policy is not None
    job = sliced.definitions().resolve_job_def("p_sync")
    assert step_name(sliced.plan().extract_key) in job.graph.node_dict
