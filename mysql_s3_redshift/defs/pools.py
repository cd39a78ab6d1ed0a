"""Pools: how many steps may hold a connection of one source or target, over all workers.

A pool's limit is kept in Dagster's own storage, so it holds for every process and machine that
shares the instance. A step opens one connection to its pool's system, so `max_connections` of a
connection is the limit of its pool; where the file says nothing, `dagster.yaml` and
`dagster instance concurrency set` decide.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from mysql_s3_redshift.config import Config
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.names import source_resource, target_resource

PoolLimits = Mapping[str, int | None]
"""By pool; None where the file says nothing."""

_DEFAULT = -1
_applied: WeakKeyDictionary[dg.DagsterInstance, dict[str, int]] = WeakKeyDictionary()


def pool_limits(config: Config, plans: Iterable[TablePlan]) -> PoolLimits:
    """What the file says of every pool of some tables."""
    plans = tuple(plans)
    return {
        source_resource(name): config.max_connections("sources", name)
        for name in sorted({plan.source for plan in plans})
    } | {
        target_resource(name): config.max_connections("targets", name)
        for name in sorted({plan.target for plan in plans})
    }


def apply_pool_limits(instance: dg.DagsterInstance, limits: PoolLimits) -> None:
    """Write the limits into the instance, once in this process for every change of them."""
    known = _applied.setdefault(instance, {})
    if not instance.event_log_storage.supports_global_concurrency_limits:
        return
    for pool, limit in limits.items():
        wanted = _DEFAULT if limit is None else limit
        if known.get(pool) == wanted:
            continue
        if limit is None:
            _apply_default(instance, pool)
        else:
            instance.event_log_storage.set_concurrency_slots(pool, limit)
        known[pool] = wanted


def _apply_default(instance: dg.DagsterInstance, pool: str) -> None:
    """Give a pool the default of `dagster.yaml`, unless somebody set its limit.

    The first step of a pool would do it. But on PostgreSQL, Dagster fails every run that begins a
    pool at the same time as another one, and all runs of pools that were begun under another
    default (https://github.com/dagster-io/dagster/issues/33552).
    """
    storage = instance.event_log_storage
    default = storage.get_pool_config().default_pool_limit
    found = _limit(instance, pool)
    if default is None or (found and not (found.from_default and found.limit != default)):
        return
    if found:
        storage.delete_concurrency_limit(pool)
    try:
        storage.initialize_concurrency_limit_to_default(pool)
    except SQLAlchemyError:
        if _limit(instance, pool) is None:  # else another process was faster
            raise


def _limit(instance: dg.DagsterInstance, pool: str) -> Any:
    """Dagster's record of a pool; None where nobody began it."""
    limits = instance.event_log_storage.get_pool_limits()
    return next((one for one in limits if one.name == pool), None)
