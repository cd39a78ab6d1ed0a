"""Tells people of failed runs: a JSON document to a webhook, or on a command's standard input.

    {"event": "run_failed", "pipeline", "tables", "text", "url", "run_id", "job",
     "failures": [{"step", "happened", "kept", "remedy", "exit_code"}]}

`text` is the same for people, which is what chat systems show of a webhook's document. `url` is
null unless `alerts` says where the web UI is.
"""

import json
import subprocess
import urllib.request
from collections.abc import Sequence
from typing import Any

import dagster as dg

from mysql_s3_redshift.config import AlertConfig, Config, step_name
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.config_memory import recall, remember
from mysql_s3_redshift.defs.names import (
    AUDIT_PREFIX,
    alerts_name,
    checks_job_name,
    extract_key,
    load_key,
    sync_job_name,
)
from mysql_s3_redshift.errors import ReplicationError

SECONDS = 20


class AlertFailedError(ReplicationError):
    """Nobody could be told."""


def build_alerts(config: Config, pipeline: str, plans: Sequence[TablePlan]) -> dg.SensorDefinition:
    """Make the sensor that tells of a pipeline's failed runs."""
    path = remember(config)

    @dg.run_failure_sensor(
        name=alerts_name(pipeline),
        description=f"Tells of failed runs of pipeline `{pipeline}` (`alerts` in pipelines.yaml).",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def tell(context: dg.RunFailureSensorContext) -> None:
        # A reason to skip a run of another pipeline would fail a tick that tells of one of this:
        # Dagster takes no mixture, keeps the cursor, and would tell the same at every tick.
        alerts = recall(path).alerts(pipeline)
        summary = summarize(context, pipeline, plans, alerts)
        if alerts is not None and summary is not None:
            send(alerts, summary)

    return tell


def summarize(
    context: dg.RunFailureSensorContext,
    pipeline: str,
    plans: Sequence[TablePlan],
    alerts: AlertConfig | None = None,
) -> dict[str, Any] | None:
    """Make the document; None for a run that is not of this pipeline."""
    run = context.dagster_run
    keys = {k: p.qualified_name for p in plans for k in (extract_key(p), load_key(p))}
    asked = {keys[key] for key in run.asset_selection or () if key in keys}
    if not asked and run.job_name not in {sync_job_name(pipeline), checks_job_name(pipeline)}:
        return None
    events = context.get_step_failure_events()
    steps = {step_name(k): p.qualified_name for p in plans for k in (p.extract_key, p.load_key)}
    # Where steps failed, their tables are what people must know; the others may be well.
    tables = sorted({steps[s] for s in map(_asset_step, events) if s in steps} or asked)
    failures = [_failure(event) for event in events]
    about = ", ".join(tables) or "all tables"
    lines = [f"Pipeline {pipeline}: {about} failed (run {run.run_id})."]
    lines += [f"{f['happened']} {f['kept']} {f['remedy']}".strip() for f in failures]
    if not failures:
        lines = [f"{lines[0]} {context.failure_event.message}"]
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


def ui_link(alerts: AlertConfig | None, page: str) -> str | None:
    """Address of a page of the web UI; None where nobody said where the UI is."""
    return f"{alerts.web_ui}/{page}" if alerts is not None and alerts.web_ui else None


def send(alerts: AlertConfig, summary: dict[str, Any]) -> None:
    """Hand the document to whoever is configured.

    Raises:
        AlertFailedError: The address or the command did not take it.
    """
    body = json.dumps(summary, ensure_ascii=False).encode()
    try:
        if alerts.webhook is not None:
            request = urllib.request.Request(  # noqa: S310  the configuration allows http(s) only
                alerts.webhook.get_secret_value(),
                data=body,
                headers={"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=SECONDS):  # noqa: S310
                pass
        if alerts.command:
            line = body + b"\n"  # so that what commands append to a file stays one document a line
            subprocess.run(list(alerts.command), input=line, timeout=SECONDS, check=True)  # noqa: S603
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        # The cause is left out: its text may quote the address, which may hold a token.
        raise AlertFailedError(
            f"An alert of pipeline {summary['pipeline']} was not delivered: "
            f"{type(error).__name__}.",
            kept="The runs and their logs are unchanged.",
            remedy=f"Check pipelines.{summary['pipeline']}.alerts.",
        ) from None


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
