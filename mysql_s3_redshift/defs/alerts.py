"""Tells people of failed runs: a JSON document to a webhook, or on a command's standard input.

    {"event": "run_failed", "pipeline", "tables", "text", "url", "run_id", "job",
     "failures": [{"step", "happened", "kept", "remedy", "exit_code"}]}

`text` is the same for people, which is what chat systems show of a webhook's document. `url` is
null unless `alerts` says where the web UI is.

The sensor's cursor remembers the runs that nobody was told of yet, and who took which: a document
is sent until it is taken, at every tick and for three days. Dagster's own sensor of failed runs
moves on whether somebody was told or not.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import dagster as dg

from mysql_s3_redshift.config import AlertConfig, Config, step_name
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.alert_channels import (
    AlertFailedError,
    AlertRefusedError,
    send,
    ui_link,
)
from mysql_s3_redshift.defs.config_memory import recall, remember
from mysql_s3_redshift.defs.ended_runs import End, ended_runs, newest_end
from mysql_s3_redshift.defs.names import (
    AUDIT_PREFIX,
    alerts_name,
    checks_job_name,
    extract_key,
    load_key,
    sync_job_name,
)

FAILURES: tuple[End, ...] = (dg.DagsterEventType.RUN_FAILURE,)
TICK_SECONDS = 10
"""After which no further document is begun: a tick has a minute, and one may take 40 seconds."""
MOST_WAITING = 100
"""Runs that wait to be told of; while there are more, none that failed later is looked for."""
KEPT = timedelta(days=3)


@dataclass(slots=True)
class Untold:
    """What the sensor knows from one tick to the next.

    Attributes:
        after: The last failure of a run that was looked at, as the event log numbers them.
        waiting: Runs that are to be told of, with those who took it already.
    """

    after: int
    waiting: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, cursor: str | None) -> "Untold | None":
        """Read a cursor, also one of Dagster's sensor; None where there is none of either."""
        try:
            document = json.loads(cursor or "")
            if "record_id" in document:
                return cls(max(0, int(document["record_id"])))
            waiting = {str(run): [str(w) for w in who] for run, who in document["waiting"].items()}
            return cls(int(document["after"]), waiting)
        except (ValueError, TypeError, KeyError, AttributeError):
            return None

    def cursor(self) -> str:
        """The cursor that `of` reads."""
        return json.dumps({"after": self.after, "waiting": self.waiting})


def build_alerts(config: Config, pipeline: str, plans: Sequence[TablePlan]) -> dg.SensorDefinition:
    """Make the sensor that tells of a pipeline's failed runs."""
    path = remember(config)

    @dg.sensor(
        name=alerts_name(pipeline),
        description=f"Tells of failed runs of pipeline `{pipeline}` (`alerts` in pipelines.yaml).",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def tell(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        untold = Untold.of(context.cursor)
        if untold is None:
            start = newest_end(context.instance, FAILURES)
            context.update_cursor(Untold(start).cursor())
            return dg.SkipReason("from now on, failed runs are looked at")
        _look(context, untold, pipeline, plans)
        alerts = recall(path).alerts(pipeline)
        failure = _tell(context, untold, pipeline, plans, alerts=alerts) if alerts else None
        if failure is not None and untold.cursor() == context.cursor:
            raise failure  # a tick that fails is seen; but Dagster keeps no cursor of it
        context.update_cursor(untold.cursor())
        left = f"{len(untold.waiting)} failed runs are still to be told of"
        return dg.SkipReason(f"{failure.happened} {left}" if failure else left)

    return tell


def _look(
    context: dg.SensorEvaluationContext, untold: Untold, pipeline: str, plans: Sequence[TablePlan]
) -> None:
    """Find the runs of this code location that failed since; the command line's are somebody's."""
    if len(untold.waiting) > MOST_WAITING:
        return
    runs, untold.after = ended_runs(context.instance, FAILURES, after=untold.after)
    for run in runs:
        if _is_launched_here(context, run) and _tables(run, pipeline, plans) is not None:
            untold.waiting.setdefault(run.run_id, [])


def _is_launched_here(context: dg.SensorEvaluationContext, run: dg.DagsterRun) -> bool:
    """Whether a run has the code location of this sensor; in a test neither has one."""
    here, origin = context.code_location_origin, run.remote_job_origin
    if here is None or origin is None:
        return here is None and origin is None
    repository = origin.repository_origin
    name = (repository.code_location_origin.location_name, repository.repository_name)
    return name == (here.location_name, context.repository_name)


def _tell(
    context: dg.SensorEvaluationContext,
    untold: Untold,
    pipeline: str,
    plans: Sequence[TablePlan],
    *,
    alerts: AlertConfig,
) -> AlertFailedError | None:
    """Send what waits, as far as the tick's time goes; returns why somebody did not take one.

    One failure ends the tick. A document that is refused goes behind the others, so that it does
    not keep them waiting.
    """
    begun = time.monotonic()
    for run_id, took in list(untold.waiting.items()):
        if time.monotonic() - begun > TICK_SECONDS:
            return None
        record = context.instance.get_run_record_by_id(run_id)
        if record is not None and not _is_old(record):
            run = record.dagster_run
            document = summarize(context.instance, run, pipeline, plans, alerts=alerts)
            try:
                send(alerts, document, took)
            except AlertFailedError as error:
                if isinstance(error, AlertRefusedError):
                    untold.waiting[run_id] = untold.waiting.pop(run_id)
                return error
        del untold.waiting[run_id]
    return None


def _is_old(record: dg.RunRecord) -> bool:
    return record.end_time is not None and time.time() - record.end_time > KEPT.total_seconds()


def _tables(run: dg.DagsterRun, pipeline: str, plans: Sequence[TablePlan]) -> set[str] | None:
    """The tables that a run was asked for; None for a run that is not of this pipeline."""
    keys = {k: p.qualified_name for p in plans for k in (extract_key(p), load_key(p))}
    asked = {keys[key] for key in run.asset_selection or () if key in keys}
    jobs = {sync_job_name(pipeline), checks_job_name(pipeline)}
    return asked if asked or run.job_name in jobs else None


def summarize(
    instance: dg.DagsterInstance,
    run: dg.DagsterRun,
    pipeline: str,
    plans: Sequence[TablePlan],
    *,
    alerts: AlertConfig | None = None,
) -> dict[str, Any]:
    """Make the document of a failed run of the pipeline."""
    events = _events(instance, run, dg.DagsterEventType.STEP_FAILURE)
    steps = {step_name(k): p.qualified_name for p in plans for k in (p.extract_key, p.load_key)}
    # Where steps failed, their tables are what people must know; the others may be well.
    failed = {steps[s] for s in map(_asset_step, events) if s in steps}
    tables = sorted(failed or _tables(run, pipeline, plans) or ())
    failures = [_failure(event) for event in events]
    about = ", ".join(tables) or "all tables"
    lines = [f"Pipeline {pipeline}: {about} failed (run {run.run_id})."]
    lines += [f"{f['happened']} {f['kept']} {f['remedy']}".strip() for f in failures]
    if not failures:
        ends = _events(instance, run, dg.DagsterEventType.RUN_FAILURE)
        lines = [" ".join([lines[0], *(event.message or "" for event in ends[-1:])])]
    url = ui_link(alerts, f"runs/{run.run_id}")
    return {
        "event": "run_failed",
        "pipeline": pipeline,
        "tables": tables,
        "text": "\n".join([*lines, url] if url else lines),
        "url": url,
        "run_id": run.run_id,
        "job": run.job_name,
        "failures": failures,
    }


def _events(
    instance: dg.DagsterInstance, run: dg.DagsterRun, kind: dg.DagsterEventType
) -> list[dg.DagsterEvent]:
    records = instance.get_records_for_run(run.run_id, of_type=kind).records
    found = [record.event_log_entry.dagster_event for record in records]
    return [event for event in found if event is not None]


def _asset_step(event: dg.DagsterEvent) -> str:
    """The step of an asset that a failed step is, is a part of, or checks."""
    return (event.step_key or "").split(".")[0].removeprefix(AUDIT_PREFIX)


def _failure(event: dg.DagsterEvent) -> dict[str, Any]:
    data = event.step_failure_data
    told = data.user_failure_data.metadata if data.user_failure_data else {}
    message = data.error.message.strip() if data.error else event.message or ""
    fields = {name: told[name].value for name in ("happened", "kept", "remedy") if name in told}
    code = told["exit_code"].value if "exit_code" in told else 1
    return {
        "step": event.step_key,
        "happened": message,
        "kept": "",
        "remedy": "",
        **fields,
        "exit_code": code,
    }
