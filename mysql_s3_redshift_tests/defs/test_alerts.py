"""Alerts: a failed run becomes a document that people and programs can read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from mysql_s3_redshift.config import AlertConfig
from mysql_s3_redshift.defs.alerts import AlertFailedError, build_alerts, send, summarize
from mysql_s3_redshift.defs.names import run_tags
from mysql_s3_redshift_tests.defs.shop import Shop
from mysql_s3_redshift_tests.defs.webhooks import new_webhook

SUMMARY = {"pipeline": "p", "run_id": "r1", "text": "Pipeline p: orders failed."}


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[Any]]]:
    """An address that takes documents, and the documents that it took."""
    with new_webhook() as one:
        yield one


def test_the_document_names_the_table_what_happened_and_the_remedy(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    shop.replication.sql("ALTER TABLE orders DROP COLUMN ts")
    result = shop.materialize(instance, "orders")
    [failed] = [e for e in result.all_events if e.event_type_value == "PIPELINE_FAILURE"]
    context = dg.build_run_status_sensor_context(
        sensor_name="p_alerts",
        dagster_event=failed,
        dagster_instance=instance,
        dagster_run=result.dagster_run,
    ).for_run_failure()
    config = shop.config
    summary = summarize(context, "p", config.plans("p"))
    assert summary is not None
    assert summary["tables"] == [shop.plan().qualified_name]
    [failure] = summary["failures"]
    assert failure["exit_code"] == 2
    assert "ts" in failure["happened"]
    assert failure["remedy"] in summary["text"]
    assert summary["url"] is None
    linked = AlertConfig(command=("true",), web_ui="https://dagster.example.com/")
    told = summarize(context, "p", config.plans("p"), linked)
    assert told is not None
    assert told["url"] == f"https://dagster.example.com/runs/{result.run_id}"
    assert told["url"] in told["text"]
    assert summarize(context, "other", ()) is None


def test_failed_runs_of_two_pipelines_between_two_ticks_are_told_once_by_whose_they_are(
    shop: Shop, instance: dg.DagsterInstance, webhook: tuple[str, list[Any]]
) -> None:
    address, taken = webhook
    config = shop.config
    told = config.pipeline("p").model_copy(
        update={"alerts": AlertConfig(webhook=SecretStr(address))}
    )
    config = replace(config, pipelines={**config.pipelines, "p": told})
    sensor = build_alerts(config, "p", config.plans("p"))
    repository = dg.Definitions(sensors=[sensor]).get_repository_def()

    def tick(cursor: str | None) -> str | None:
        context = dg.build_sensor_context(
            instance=instance, cursor=cursor, repository_def=repository
        )
        return sensor.evaluate_tick(context).cursor

    cursor = tick(None)
    for name, tags in (("p_sync", run_tags(shop.plan())), ("other_sync", {})):

        @dg.op(name=f"{name}_step")
        def fail() -> None:
            raise dg.Failure("the table is gone", allow_retries=False)

        @dg.job(name=name)
        def one() -> None:
            fail()

        one.execute_in_process(instance=instance, tags=tags, raise_on_error=False)
    tick(tick(cursor))
    assert [alert["job"] for alert in taken] == ["p_sync"]
    assert "the table is gone" in taken[0]["text"]


def test_a_webhook_and_a_command_get_the_document(
    webhook: tuple[str, list[Any]], tmp_path: Path
) -> None:
    address, taken = webhook
    target = tmp_path / "alert.json"
    alerts = AlertConfig(webhook=SecretStr(address), command=("tee", str(target)))
    send(alerts, SUMMARY)
    assert taken == [SUMMARY]
    assert json.loads(target.read_text()) == SUMMARY


@pytest.mark.parametrize(
    "alerts",
    [
        AlertConfig(webhook=SecretStr("http://127.0.0.1:9/token-canary")),
        AlertConfig(command=("false",)),
    ],
)
def test_an_alert_that_is_not_delivered_is_an_error_without_its_address(
    alerts: AlertConfig,
) -> None:
    """I-40: the address of a webhook is a secret."""
    with pytest.raises(AlertFailedError) as raised:
        send(alerts, SUMMARY)
    assert "token-canary" not in str(raised.value)
    assert raised.value.remedy == "Check pipelines.p.alerts."
