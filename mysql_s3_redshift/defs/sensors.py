"""What makes a pipeline run by itself: a sensor that looks for new rows, or a schedule.

Both ask for one run per table, so a table that is slow or broken holds up no other.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from mysql_s3_redshift.config import PipelineConfig, format_duration
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.checks.specs import step_check_keys
from mysql_s3_redshift.defs.names import (
    extract_key,
    load_key,
    run_tags,
    schedule_name,
    sensor_name,
    source_resource,
    table_tag,
)
from mysql_s3_redshift.defs.pools import PoolLimits, apply_pool_limits
from mysql_s3_redshift.defs.resources import MySqlResource
from mysql_s3_redshift.defs.run_history import TableHistory, read_history

if TYPE_CHECKING:
    from mysql_s3_redshift.adapters.connections import Connections
    from mysql_s3_redshift.defs.polling import Finding

BUDGET_SECONDS = 40.0
"""A tick may take 60 s; one that runs out of time goes on with the next table at the next tick."""
TABLES_AT_ONCE = 100
LOOKS_PER_INTERVAL = 6
LONGEST_PAUSE_SECONDS = 60
"""A table that is in flight when the others are looked at is not left for a whole interval."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What a tick leaves to the next one, in the sensor's cursor.

    Attributes:
        due: When all tables are to be looked at, in seconds since 1970.
        left: Tables to look at before that: they were in flight, or there was no time for them.
    """

    due: float = 0.0
    left: frozenset[str] = frozenset()

    @classmethod
    def of(cls, cursor: str | None) -> "Memory":
        """Read a cursor; one that is not of this sensor counts as none."""
        try:
            document = json.loads(cursor or "")
            return cls(float(document["due"]), frozenset(map(str, document["left"])))
        except (ValueError, TypeError, KeyError):
            return cls()

    def cursor(self) -> str:
        """The cursor that `of` reads."""
        return json.dumps({"due": self.due, "left": sorted(self.left)})

    def wanted(self, plans: Sequence[TablePlan], now: float) -> list[TablePlan]:
        """The tables to look at now, those that were left the last time first."""
        before = [plan for plan in plans if plan.display_name in self.left]
        if now < self.due:
            return before
        return [*before, *(plan for plan in plans if plan.display_name not in self.left)]

    def after(self, left: Iterable[str], *, now: float, every: timedelta) -> "Memory":
        """The memory after a tick; looks at all tables keep their rhythm unless one was missed."""
        due = self.due
        if now >= due:
            seconds = every.total_seconds()
            due = due + seconds if now < due + seconds else now + seconds
        return Memory(due, frozenset(left))


@dataclass(slots=True)
class Tick:
    """What one tick found.

    Attributes:
        needed: Tables that need a run.
        left: Tables for the next tick, by display name: in flight, or not reached in time.
        seen: Tables that were looked at.
    """

    needed: list["Finding"] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    seen: int = 0
    in_flight: int = 0
    paused: int = 0

    def admits(self, plan: TablePlan, table: TableHistory, every: timedelta) -> bool:
        """Whether a table may be asked for now; counts those that may not."""
        if table.in_flight:
            self.in_flight += 1
            self.left.append(plan.display_name)
            return False
        paused = table.is_paused(every)
        self.paused += paused
        return not paused

    def summary(self) -> str:
        """Why no run is asked for."""
        if not self.seen:
            return (
                "no table was in flight when all were looked at, and it is not time to do it again"
            )
        idle = self.seen - self.in_flight - self.paused
        parts = [f"{idle} tables have nothing new"]
        parts += [f"{self.in_flight} are in flight"] if self.in_flight else []
        parts += [f"{self.paused} wait after a failure"] if self.paused else []
        return ", ".join(parts)


def build_sensor(
    name: str,
    pipeline: PipelineConfig,
    plans: Sequence[TablePlan],
    job: Any,
    *,
    limits: PoolLimits,
    budget: float = BUDGET_SECONDS,
) -> dg.SensorDefinition:
    """Make the sensor of a pipeline that has `sync.every`; `limits` are those of its pools."""
    every = pipeline.sync.every or timedelta(minutes=5)
    mysql = source_resource(pipeline.source)

    @dg.sensor(
        name=sensor_name(name),
        job=job,
        minimum_interval_seconds=pause_seconds(every),
        required_resource_keys={mysql},
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Every {format_duration(every)}: asks for a run of each table of {name} "
        "that has rows beyond its stored watermark or files to load. Tables in flight are left "
        "alone, and looked at as soon as they are not. Tables that failed wait twice as long after "
        "every failure.",
    )
    def new_rows(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        resource: MySqlResource = getattr(context.resources, mysql)
        apply_pool_limits(context.instance, limits)
        memory, now, tick = Memory.of(context.cursor), time.time(), Tick()
        if wanted := memory.wanted(plans, now):
            history = read_history(context.instance, name, wanted, among=len(plans))
            deadline = time.monotonic() + budget
            with resource.open() as connections:
                tick = look(connections, wanted, history, every=every, deadline=deadline)
            # They start in this order: where runs queue, the same ones would always come last.
            tick.needed.sort(key=lambda finding: history[finding.plan.display_name].ended or 0.0)
        for finding in tick.needed:
            context.log.info("%s: %s", finding.plan.display_name, finding.reason or "time to look")
        return dg.SensorResult(
            run_requests=[_request(finding.plan) for finding in tick.needed],
            cursor=memory.after(tick.left, now=now, every=every).cursor(),
            skip_reason=None if tick.needed else tick.summary(),
        )

    return new_rows


def pause_seconds(every: timedelta) -> int:
    """Seconds between two ticks: short enough that a table in flight does not wait an interval."""
    interval = int(every.total_seconds())
    return max(min(interval // LOOKS_PER_INTERVAL, LONGEST_PAUSE_SECONDS), 1)


def build_schedule(
    name: str,
    pipeline: PipelineConfig,
    plans: Sequence[TablePlan],
    job: Any,
    *,
    limits: PoolLimits,
) -> dg.ScheduleDefinition:
    """Make the schedule of a pipeline that has `sync.schedule`; `limits` are those of its pools."""

    @dg.schedule(
        name=schedule_name(name),
        job=job,
        cron_schedule=str(pipeline.sync.schedule),
        execution_timezone=pipeline.sync.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"A run of each table of {name}; tables still in flight are left alone.",
    )
    def at_times(
        context: dg.ScheduleEvaluationContext,
    ) -> list[dg.RunRequest] | dg.SkipReason:
        apply_pool_limits(context.instance, limits)
        history = read_history(context.instance, name, plans)
        idle = [plan for plan in plans if not history[plan.display_name].in_flight]
        if not idle:
            return dg.SkipReason(f"all {len(plans)} tables are still in flight")
        # Dagster wants a key of each run of a tick; the time in it makes it another one each time.
        when = context.scheduled_execution_time.isoformat()
        return [_request(plan, run_key=f"{when} {table_tag(plan)}") for plan in idle]

    return at_times


def look(
    connections: "Connections",
    plans: Sequence[TablePlan],
    history: Mapping[str, TableHistory],
    *,
    every: timedelta,
    deadline: float,
) -> Tick:
    """Look at tables in turn until the deadline; at least one batch is always looked at."""
    from mysql_s3_redshift.defs.polling import find_work

    tick = Tick()
    for start in range(0, len(plans), TABLES_AT_ONCE):
        if tick.seen and time.monotonic() >= deadline:
            tick.left += [plan.display_name for plan in plans[start:]]
            break
        batch = plans[start : start + TABLES_AT_ONCE]
        idle = [p for p in batch if tick.admits(p, history[p.display_name], every)]
        for finding in find_work(connections, idle):
            due = history[finding.plan.display_name].is_due(every)
            if finding.reason or (not finding.told and due):
                tick.needed.append(finding)
        tick.seen += len(batch)
    return tick


def _request(plan: TablePlan, *, run_key: str | None = None) -> dg.RunRequest:
    """Ask for a run of one table.

    The sensor gives no run key: a key is spent by a failed run too, and what keeps runs apart here
    is the history, and one run per table at a time in `dagster.yaml`.

    With the checks of its own steps: left open, it would be with all checks of both assets.
    """
    return dg.RunRequest(
        run_key=run_key,
        asset_selection=[extract_key(plan), load_key(plan)],
        asset_check_keys=step_check_keys(plan),
        tags=run_tags(plan),
    )
