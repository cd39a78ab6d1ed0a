"""A Dagster project with as many assets, checks and jobs as tables need, which do nothing.

To compare with how long tables take to load; written as Dagster's documentation does.
"""

import os
from collections.abc import Iterator
from typing import Any

import dagster as dg

TABLES = int(os.environ.get("TRIVIAL_TABLES") or 0)
GROUP = "many"


@dg.definitions
def defs() -> dg.Definitions:
    """As many tables as `TRIVIAL_TABLES` says."""
    assets: list[dg.AssetSpec | dg.AssetsDefinition] = []
    audits: list[dg.AssetChecksDefinition] = []
    for number in range(TABLES):
        pair, audit = _table(f"t{number:04}")
        assets += pair
        audits.append(audit)
    checks = dg.AssetSelection.checks(*(key for audit in audits for key in audit.check_keys))
    return dg.Definitions(
        assets=assets,
        asset_checks=audits,
        jobs=[
            dg.define_asset_job("many_sync", dg.AssetSelection.groups(GROUP) - checks),
            dg.define_asset_job("many_checks", checks),
        ]
        if TABLES
        else [],
    )


def _table(name: str) -> tuple[list[dg.AssetSpec | dg.AssetsDefinition], dg.AssetChecksDefinition]:
    mysql = dg.AssetSpec(["mysql", "source", "shop", name], group_name=GROUP)
    s3, redshift = dg.AssetKey(["s3", "shop", name]), dg.AssetKey(["redshift", "shop", name])
    audited = [(s3, "five"), (s3, "six"), (redshift, "seven"), (redshift, "eight")]

    @dg.multi_asset(
        name=f"s3__{name}",
        specs=[dg.AssetSpec(s3, deps=[mysql.key], group_name=GROUP)],
        check_specs=[dg.AssetCheckSpec(n, asset=s3) for n in ("one", "two", "three", "four")],
    )
    def extract(context: dg.AssetExecutionContext) -> Iterator[Any]:
        """Do nothing."""
        yield from ()

    @dg.multi_asset(
        name=f"redshift__{name}",
        specs=[dg.AssetSpec(redshift, deps=[s3], group_name=GROUP)],
        check_specs=[dg.AssetCheckSpec("one", asset=redshift)],
    )
    def load(context: dg.AssetExecutionContext) -> Iterator[Any]:
        """Do nothing."""
        yield from ()

    @dg.multi_asset_check(
        name=f"audit__{name}",
        specs=[dg.AssetCheckSpec(n, asset=key) for key, n in (*audited, (redshift, "nine"))],
        can_subset=True,
    )
    def audit(context: dg.AssetCheckExecutionContext) -> Iterator[Any]:
        """Do nothing."""
        yield from ()

    return [mysql, extract, load], audit
