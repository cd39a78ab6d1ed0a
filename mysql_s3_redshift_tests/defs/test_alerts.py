"""Alerts: a failed run becomes a document that people and programs can read."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from mysql_s3_redshift.config import AlertConfig
from mysql_s3_redshift.defs import alerts
from mysql_s3_redshift.defs.alert_channels import AlertFailedError, send
from mysql_s3_redshift.defs.alerts import Untold, build_alerts, summarize
from mysql_s3_redshift.defs.names import run_tags
from mysql_s3_redshift_tests.defs.announcer import Announcer
from mysql_s3_redshift_tests.defs.shop import Shop
from mysql_s3_redshift_tests.defs.webhooks import new_webhook

SUMMARY = {"pipeline": "p", "run_id": "r1", "text": "Pipeline p: orders failed."}


def test_the_document_names_the_table_what_happened_and_the_remedy(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    shop.replication.sql("ALTER TABLE orders DROP COLUMN ts")
    result = shop.materialize(instance, "orders")
    config = shop.config
    plans = config.plans("p")
    summary = summarize(instance, result.dagster_run, "p", plans)
    assert summary["tables"] == [shop.plan().qualified_name]
    [failure] = summary["failures"]
    assert failure["exit_code"] == 2
    assert "ts" in failure["happened"]
    assert failure["remedy"] in summary["text"]
    assert summary["url"] is None
    linked = AlertConfig(command=("true",), web_ui="https://dagster.example.com/")
    told = summarize(instance, result.dagster_run, "p", plans, alerts=linked)
    assert told["url"] == f"https://dagster.example.com/runs/{result.run_id}"
    assert told["url"] in told["text"]


class RunAnnouncer(Announcer):
    """The sensor that tells of failed runs."""

    build = staticmethod(build_alerts)

    def fail(self, name: str = "p_sync") -> str:
        """Let a run fail; returns its id."""

        @dg.op(name=f"{name}_step")
        def step() -> None:
            raise dg.Failure("the table is gone", allow_retries=False)

        @dg.job(name=name)
        def one() -> None:
            step()

        tags = run_tags(self.shop.plan()) if name == "p_sync" else {}
        return one.execute_in_process(
            instance=self.instance, tags=tags, raise_on_error=False
        ).run_id


def test_failed_runs_of_two_pipelines_between_two_ticks_are_told_once_by_whose_they_are(
    shop: Shop, instance: dg.DagsterInstance, webhook: tuple[str, list[Any]]
) -> None:
    address, taken = webhook
    announcer = RunAnnouncer(shop, instance, AlertConfig(webhook=SecretStr(address)))
    for name in ("p_sync", "other_sync"):
        announcer.fail(name)
    for _ in range(2):
        announcer.tick()
    assert [alert["job"] for alert in taken] == ["p_sync"]
    assert "the table is gone" in taken[0]["text"]


@pytest.mark.parametrize("answer", [500, 429, 0])
def test_what_a_webhook_did_not_take_is_sent_again_until_it_does_and_nothing_twice(
    shop: Shop, instance: dg.DagsterInstance, answer: int
) -> None:
    """The tick in which something moved keeps its cursor; one in which nothing did fails."""
    answers = [204, answer, answer]
    with new_webhook(answers) as (address, taken):
        announcer = RunAnnouncer(shop, instance, AlertConfig(webhook=SecretStr(address)))
        runs = [announcer.fail() for _ in range(3)]
        assert "2 failed runs are still to be told of" in announcer.tick()
        with pytest.raises(AlertFailedError):
            announcer.tick()
        for _ in range(2):
            announcer.tick()
        assert answers == []
    assert [alert["run_id"] for alert in taken] == runs


def test_a_document_that_is_refused_does_not_keep_the_others_waiting(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    with new_webhook([413, 204, 204, 413]) as (address, taken):
        announcer = RunAnnouncer(shop, instance, AlertConfig(webhook=SecretStr(address)))
        refused, *others = [announcer.fail() for _ in range(3)]
        assert "HTTP status 413" in announcer.tick()
        assert "1 failed runs" in announcer.tick()
        assert [alert["run_id"] for alert in taken] == others
        announcer.tick()
    assert [alert["run_id"] for alert in taken] == [*others, refused]


def test_who_took_an_alert_does_not_get_it_again_when_another_did_not(
    shop: Shop, instance: dg.DagsterInstance, webhook: tuple[str, list[Any]], tmp_path: Path
) -> None:
    address, taken = webhook
    target = tmp_path / "alert.json"
    deaf = AlertConfig(webhook=SecretStr(address), command=("false",))
    announcer = RunAnnouncer(shop, instance, deaf)
    announcer.fail()
    assert "code 1" in announcer.tick()
    with pytest.raises(AlertFailedError):
        announcer.tick()
    announcer.alerts = AlertConfig(webhook=SecretStr(address), command=("tee", str(target)))
    announcer.tick()
    assert [json.loads(target.read_text())] == taken


def test_an_alert_that_nobody_takes_for_days_is_given_up(
    shop: Shop, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    announcer = RunAnnouncer(shop, instance, AlertConfig(command=("false",)))
    announcer.fail()
    announcer.tick()
    monkeypatch.setattr(alerts, "KEPT", timedelta(0))
    assert "0 failed runs" in announcer.tick()


def test_a_cursor_of_dagsters_own_sensor_is_gone_on_from() -> None:
    of_dagster = '{"__class__": "RunStatusSensorCursor", "record_id": 7, "record_timestamp": null}'
    assert Untold.of(of_dagster) == Untold(7)
    assert [Untold.of(cursor) for cursor in (None, "", "7", "{}", '{"after": 1}')] == [None] * 5
    waiting = Untold(7, {"run": ["webhook"], "other": []})
    assert Untold.of(waiting.cursor()) == waiting


def test_a_webhook_and_a_command_get_the_document(
    webhook: tuple[str, list[Any]], tmp_path: Path
) -> None:
    address, taken = webhook
    target = tmp_path / "alert.json"
    send(AlertConfig(webhook=SecretStr(address), command=("tee", str(target))), SUMMARY)
    assert taken == [SUMMARY]
    assert json.loads(target.read_text()) == SUMMARY


@pytest.mark.parametrize(
    "told",
    [
        AlertConfig(webhook=SecretStr("http://127.0.0.1:9/token-canary")),
        AlertConfig(command=("false",)),
    ],
)
def test_an_alert_that_is_not_delivered_is_an_error_without_its_address(
    told: AlertConfig,
) -> None:
    """I-40: the address of a webhook is a secret."""
    with pytest.raises(AlertFailedError) as raised:
        send(told, SUMMARY)
    assert "token-canary" not in str(raised.value)
    assert raised.value.remedy == "Check pipelines.p.alerts."
