"""Pools: how many steps may hold a connection of one source or target, over all workers.

A pool's limit is kept in Dagster's own storage, so it holds for every process and machine that
shares the instance. A step opens one connection to its pool's system, so `max_connections` of a
connection is the limit of its pool; where the file says nothing, `dagster.yaml` and
`dagster instance concurrency set` decide.
"""

from collections.abc import Iterable, Mapping
from weakref import WeakKeyDictionary

import dagster as dg

from mysql_s3_redshift.config import Config
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.names import source_resource, target_resource

_applied: WeakKeyDictionary[dg.DagsterInstance, dict[str, int]] = WeakKeyDictionary()


def pool_limits(config: Config, plans: Iterable[TablePlan]) -> dict[str, int]:
    """The limits that the file asks for, by pool."""
    plans = tuple(plans)
    wanted = {
        source_resource(name): config.max_connections("sources", name)
        for name in sorted({plan.source for plan in plans})
    } | {
        target_resource(name): config.max_connections("targets", name)
        for name in sorted({plan.target for plan in plans})
    }
    return {pool: limit for pool, limit in wanted.items() if limit is not None}


def apply_pool_limits(instance: dg.DagsterInstance, limits: Mapping[str, int]) -> None:
    """Write the limits into the instance, once in this process for every change of them."""
    known = _applied.setdefault(instance, {})
    if not instance.event_log_storage.supports_global_concurrency_limits:
        return
    for pool, limit in limits.items():
        if known.get(pool) != limit:
            instance.event_log_storage.set_concurrency_slots(pool, limit)
            known[pool] = limit
