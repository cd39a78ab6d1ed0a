"""Daily checks in runs that *Materialize* launches: what passed within a day is not asked again."""

from __future__ import annotations

import time

import dagster as dg
import pytest

from mysql_s3_redshift.defs.checks import audit, specs
from mysql_s3_redshift.defs.checks.standing import FOUND_AT, FOUND_BY, last_result
from mysql_s3_redshift_tests.defs.shop import Shop
from mysql_s3_redshift_tests.defs.test_checks_in_runs import evaluations, text_of

DAILY = {*specs.AUDITED_EXTRACT_CHECKS, *specs.AUDITED_LOAD_CHECKS}
SOURCE = specs.SOURCE_MATCHES_TARGET


def launch(shop: Shop, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """Materialize both assets as the web UI does: with all of their checks."""
    job = shop.definitions().resolve_implicit_global_asset_job_def()
    keys = [shop.key("orders", "s3"), shop.key("orders", "redshift")]
    return job.execute_in_process(instance=instance, asset_selection=keys)


def daily(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    """Evaluations of the daily checks of a run."""
    return {name: e for name, e in evaluations(result).items() if name in DAILY}


def told_again(result: dg.ExecuteInProcessResult) -> set[str]:
    """Names of the daily checks that a run did not evaluate."""
    return {name for name, e in daily(result).items() if FOUND_AT in e.metadata}


def test_what_passed_is_told_again_with_when_and_by_which_run_it_was_found(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    first = launch(shop, instance)
    assert set(daily(first)) == DAILY
    assert not told_again(first), "nothing was known, so everything was asked"
    second, third = launch(shop, instance), launch(shop, instance)
    for result in (second, third):
        assert told_again(result) == set(daily(result)) == DAILY
        assert all(e.passed for e in daily(result).values())
        for name, evaluation in daily(result).items():
            original = daily(first)[name]
            assert text_of(evaluation, "what_happened") == text_of(original, "what_happened")
            assert text_of(evaluation, FOUND_BY) == first.run_id
            assert (evaluation.description or "").startswith("As found at ")
            assert (evaluation.description or "").endswith(text_of(original, "what_happened"))


def test_what_failed_is_asked_at_every_run_so_that_nothing_hides_it_and_a_repair_shows(
    shop: Shop, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "PAUSE_SECONDS", 0.0)
    launch(shop, instance)
    target = f'"{shop.replication.schema}"."orders"'
    shop.replication.redshift(
        f'CREATE TABLE {target[:-1]}_kept" AS SELECT * FROM {target} WHERE id = 7',
        f"DELETE FROM {target} WHERE id = 7",
    )
    asked = shop.audit(instance, SOURCE)
    assert not evaluations(asked)[SOURCE].passed, "the checks job and Execute always ask"
    again = launch(shop, instance)
    assert told_again(again) == DAILY - {SOURCE}
    assert not daily(again)[SOURCE].passed
    shop.replication.redshift(f'INSERT INTO {target} SELECT * FROM {target[:-1]}_kept"')
    repaired = launch(shop, instance)
    assert told_again(repaired) == DAILY - {SOURCE}
    assert daily(repaired)[SOURCE].passed


def test_a_result_holds_for_a_day_from_when_it_was_found(
    shop: Shop, instance: dg.DagsterInstance
) -> None:
    launch(shop, instance)
    found_by = time.time()
    launch(shop, instance)
    standing = last_result(instance, specs.audit_check_keys(shop.plan())[SOURCE])
    assert standing is not None
    assert standing.holds(now=found_by + 86_000)
    assert not standing.holds(now=found_by + 86_400)


def test_a_sync_tells_again_what_was_found_so_that_the_asset_goes_on_showing_it(
    shop: Shop, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster shows the results that belong to the latest materialization alone."""
    monkeypatch.setattr(audit, "PAUSE_SECONDS", 0.0)
    assert not daily(shop.materialize(instance, "orders")), "nothing was found yet"
    shop.replication.redshift(f'DELETE FROM "{shop.replication.schema}"."orders" WHERE id = 7')
    asked = shop.audit(instance)
    shop.insert("orders", 31, 33)
    for _ in range(2):
        found = daily(shop.materialize(instance, "orders"))
        assert set(found) == DAILY
        assert {name: e.passed for name, e in found.items()} == {
            name: e.passed for name, e in evaluations(asked).items()
        }
        assert not found[SOURCE].passed
        assert all(text_of(e, FOUND_BY) == asked.run_id for e in found.values())
    outcome = shop.sync(instance)["orders"]
    assert outcome.failed_checks == (), "what another run found is no failure of this one"
