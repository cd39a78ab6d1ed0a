"""Long work is seen while it goes on: in the run's log, and as observations of the asset."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from mysql_s3_redshift.defs import progress
from mysql_s3_redshift_tests.defs.shop import Shop


def observed(result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> list[dict[str, Any]]:
    """Metadata of the observations of an asset, in order."""
    found = [
        e.asset_observation_data.asset_observation for e in result.get_asset_observation_events()
    ]
    return [
        {name: value.value for name, value in one.metadata.items()}
        for one in found
        if one.asset_key == key
    ]


def test_every_chunk_is_in_the_log_and_every_half_minute_an_observation(
    shop: Shop, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "OBSERVE_EVERY_SECONDS", 0.0)
    result = shop.materialize(instance, "orders")
    points = [p for p in observed(result, shop.key("orders", "s3")) if "rows_so_far" in p]
    assert [p["rows_so_far"] for p in points if p["rows_so_far"]] == [20, 30]
    assert points[-1]["files_so_far"] == 2
    log = [entry.user_message for entry in instance.all_logs(result.run_id)]
    assert sum(message.startswith("extracted: ") for message in log) == 2
    assert any(p.get("rows_so_far") == 30 for p in observed(result, shop.key("orders", "redshift")))


def test_a_run_of_seconds_leaves_no_observation(
    shop: Shop, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "OBSERVE_EVERY_SECONDS", 3600.0)
    result = shop.materialize(instance, "orders")
    assert not observed(result, shop.key("orders", "s3"))
