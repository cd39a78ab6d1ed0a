"""Alerts of checks: one that begins to fail is told once, with what to do.

The runs are real ones of two small tables, and who is told is a real web server.
"""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from mysql_s3_redshift.config import AlertConfig, AlertedChecks
from mysql_s3_redshift.defs.alert_channels import AlertFailedError
from mysql_s3_redshift.defs.check_alerts import Told, build_check_alerts
from mysql_s3_redshift.defs.checks import audit, specs
from mysql_s3_redshift.sandbox.s3_server import BUCKET
from mysql_s3_redshift_tests.defs.announcer import Announcer
from mysql_s3_redshift_tests.defs.shop import Shop

UI = "https://dagster.example.com"


class CheckAnnouncer(Announcer):
    """The sensor that tells of failed checks."""

    build = staticmethod(build_check_alerts)


def test_a_check_that_begins_to_fail_is_told_once_and_that_it_passes_again(
    shop: Shop, instance: dg.DagsterInstance, webhook: tuple[str, list[Any]]
) -> None:
    address, taken = webhook
    alerts = AlertConfig(webhook=SecretStr(address), recoveries=True, web_ui=UI)
    file = shop.replication.extract("orders").state.files[0]
    announcer = CheckAnnouncer(shop, instance, alerts)
    place = {"Bucket": BUCKET, "Key": file.uri.removeprefix(f"s3://{BUCKET}/")}
    body = shop.replication.s3.get_object(**place)["Body"].read()
    shop.replication.s3.delete_object(**place)
    for _ in ("told", "known"):
        shop.audit(instance, specs.REGISTERED_FILES_EXIST)
        announcer.tick()
    [alert] = taken
    [failed] = alert["failed"]
    assert (alert["event"], alert["recovered"]) == ("checks", [])
    assert alert["tables"] == [failed["table"]] == [shop.plan().qualified_name]
    assert (failed["check"], failed["severity"]) == (specs.REGISTERED_FILES_EXIST, "ERROR")
    assert file.uri in failed["happened"]
    assert "Restore the objects" in failed["remedy"]
    page = f"assets/{failed['asset']}?view=checks&checkDetail={failed['check']}"
    assert failed["url"] == alert["url"] == f"{UI}/{page}"
    assert instance.get_run_by_id(failed["run_id"]) is not None
    for part in ("1 check began", failed["happened"], failed["remedy"], failed["url"]):
        assert part in alert["text"]

    shop.replication.s3.put_object(**place, Body=body)
    shop.audit(instance, specs.REGISTERED_FILES_EXIST)
    announcer.tick()
    announcer.tick()
    [_, again] = taken
    assert [one["check"] for one in again["recovered"]] == [specs.REGISTERED_FILES_EXIST]
    assert again["failed"] == []
    assert again["text"].endswith("passes again.")


def test_a_check_that_says_something_else_is_told_again(
    shop: Shop, instance: dg.DagsterInstance, webhook: tuple[str, list[Any]], monkeypatch: Any
) -> None:
    """Other numbers are the same thing: a lag that grows would be told at every run."""
    address, taken = webhook
    monkeypatch.setattr(audit, "PAUSE_SECONDS", 0.0)
    shop.replication.sync("orders")
    announcer = CheckAnnouncer(shop, instance, AlertConfig(webhook=SecretStr(address)))
    target = f'"{shop.replication.schema}"."orders"'
    steps = (f"DELETE FROM {target} WHERE id < 3", f"DELETE FROM {target} WHERE id < 5")
    for statement in (*steps, f"DROP TABLE {target}"):
        shop.replication.redshift(statement)
        shop.audit(instance, specs.SOURCE_MATCHES_TARGET)
        announcer.tick()
    assert ["does not exist" in alert["text"] for alert in taken] == [False, True]
    assert taken[0]["url"] is None


@pytest.mark.parametrize(
    ("wanted", "told"), [(AlertedChecks.ERRORS, 0), (AlertedChecks.WARNINGS, 1)]
)
def test_warnings_are_told_where_they_are_wanted(
    shop: Shop,
    instance: dg.DagsterInstance,
    webhook: tuple[str, list[Any]],
    wanted: AlertedChecks,
    told: int,
) -> None:
    address, taken = webhook
    announcer = CheckAnnouncer(
        shop, instance, AlertConfig(webhook=SecretStr(address), checks=wanted)
    )
    shop.replication.sql("ALTER TABLE orders DROP INDEX ts")
    shop.materialize(instance, "orders")
    announcer.tick()
    assert len(taken) == told
    assert all("CREATE INDEX" in alert["text"] for alert in taken)


def test_what_nobody_took_is_told_at_the_next_tick(
    shop: Shop, instance: dg.DagsterInstance, webhook: tuple[str, list[Any]]
) -> None:
    address, taken = webhook
    deaf = AlertConfig(command=("false",), checks=AlertedChecks.WARNINGS)
    announcer = CheckAnnouncer(shop, instance, deaf)
    shop.replication.sql("ALTER TABLE orders DROP INDEX ts")
    shop.materialize(instance, "orders")
    with pytest.raises(AlertFailedError):
        announcer.tick()
    announcer.alerts = AlertConfig(webhook=SecretStr(address), checks=AlertedChecks.WARNINGS)
    announcer.tick()
    assert [one["check"] for alert in taken for one in alert["failed"]] == [specs.CURSOR_INDEXED]


@pytest.mark.parametrize("cursor", [None, "", "7", "{}", '{"after": null, "red": {}}'])
def test_a_cursor_of_something_else_begins_anew(cursor: str | None) -> None:
    assert Told.of(cursor) is None


def test_a_cursor_is_read_as_it_was_written() -> None:
    told = Told(7, {"s3/p/orders:schema_drift": "abc"})
    assert Told.of(told.cursor()) == told
