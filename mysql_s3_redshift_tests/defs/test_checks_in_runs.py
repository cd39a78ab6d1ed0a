"""Checks of a run's own steps: they pass on a healthy pair, and each fails when its fault is there.

I-46: what went wrong unnoticed is noticed.
"""

from __future__ import annotations

import dagster as dg

from mysql_s3_redshift.defs.checks import specs
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
    for _ in range(2):  # the second one has nothing to do
        found = evaluations(shop.materialize(instance, "orders"))
        assert set(found) == {*specs.EXTRACT_CHECKS, *specs.LOAD_CHECKS}
        assert all(e.passed for e in found.values()), found
        assert all(text_of(e, "what_to_do") == "Nothing." for e in found.values())
        assert all(e.description == text_of(e, "what_happened") for e in found.values())
    assert number_of(found[specs.COUNTS_AGREE], "target_rows") == 30
