"""Tells people of checks that begin to fail, as `alerts` tells of runs.

    {"event": "checks", "pipeline", "tables", "text", "url",
     "failed": [{"table", "asset", "check", "severity", "happened", "remedy", "run_id", "url"}],
     "recovered": [...]}

The sensor reads the evaluations of the runs that ended since its last tick, whoever started them: a
run that fails ends before somebody, a check that fails is how the table is from then on. Its cursor
remembers what it told, so a check that stays red is told once, and again only when it says
something else. It moves on when the document was taken, so nothing is lost while nobody answers.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import dagster as dg

from mysql_s3_redshift.config import AlertConfig, AlertedChecks, Config
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.defs.alert_channels import send, ui_link
from mysql_s3_redshift.defs.checks.specs import audit_check_keys, step_check_keys
from mysql_s3_redshift.defs.checks.standing import FOUND_AT
from mysql_s3_redshift.defs.config_memory import recall, remember
from mysql_s3_redshift.defs.ended_runs import End, ended_runs, newest_end
from mysql_s3_redshift.defs.names import PIPELINE_TAG, check_alerts_name

_ENDS: tuple[End, ...] = get_args(End)
_NUMBERS = re.compile(r"[\d.,:]+")

Checks = Mapping[dg.AssetCheckKey, TablePlan]


@dataclass(slots=True)
class Told:
    """What the sensor knows from one tick to the next.

    Attributes:
        after: The last end of a run that was looked at, as the event log numbers them.
        red: Checks that people were told of, with what they were told.
    """

    after: int
    red: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, cursor: str | None) -> "Told | None":
        """Read a cursor; None where there is none, or none of this sensor."""
        try:
            document = json.loads(cursor or "")
            return cls(int(document["after"]), {str(k): str(v) for k, v in document["red"].items()})
        except (ValueError, TypeError, KeyError, AttributeError):
            return None

    def cursor(self) -> str:
        """The cursor that `of` reads."""
        return json.dumps({"after": self.after, "red": self.red})


@dataclass(slots=True)
class News:
    """What is to be told: evaluations with the run that they are of."""

    failed: list[tuple[dg.AssetCheckEvaluation, str]] = field(default_factory=list)
    recovered: list[tuple[dg.AssetCheckEvaluation, str]] = field(default_factory=list)


def build_check_alerts(
    config: Config, pipeline: str, plans: Sequence[TablePlan]
) -> dg.SensorDefinition:
    """Make the sensor that tells of a pipeline's failed checks."""
    path = remember(config)

    @dg.sensor(
        name=check_alerts_name(pipeline),
        description=f"Tells of checks of pipeline `{pipeline}` that begin to fail (`alerts` in "
        "pipelines.yaml).",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def tell_of_checks(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        told = Told.of(context.cursor)
        if told is None:
            context.update_cursor(Told(newest_end(context.instance, _ENDS)).cursor())
            return dg.SkipReason("from now on, ends of runs are looked at")
        alerts = recall(path).alerts(pipeline)
        checks = {key: plan for plan in plans for key in _check_keys(plan)}
        runs, told.after = ended_runs(context.instance, _ENDS, after=told.after)
        known = {key.to_user_string() for key in checks}
        told.red = {check: what for check, what in told.red.items() if check in known}
        news = News()
        for run in runs:
            if alerts is not None and _may_be_of(run, pipeline, checks):
                _look(context.instance, run, told=told, alerts=alerts, checks=checks, news=news)
        if alerts is not None and (document := summarize(news, pipeline, checks, alerts=alerts)):
            send(alerts, document)
        context.update_cursor(told.cursor())
        return dg.SkipReason(f"{len(runs)} runs ended, {len(news.failed)} checks began to fail")

    return tell_of_checks


def summarize(
    news: News, pipeline: str, checks: Checks, *, alerts: AlertConfig
) -> dict[str, Any] | None:
    """Make the document; None where there is nothing to tell."""
    recovered = news.recovered if alerts.recoveries else []
    shown = [*news.failed, *recovered]
    if not shown:
        return None
    failed_ones = [_describe(*one, checks=checks, alerts=alerts) for one in news.failed]
    good_ones = [_describe(*one, checks=checks, alerts=alerts) for one in recovered]
    lines = (
        [f"Pipeline {pipeline}: {len(failed_ones)} checks began to fail."] if news.failed else []
    )
    lines += [
        " ".join(filter(None, (_name(one), one["happened"], one["remedy"], one["url"])))
        for one in failed_ones
    ]
    lines += [f"Pipeline {pipeline}: {_name(one)} passes again." for one in good_ones]
    return {
        "event": "checks",
        "pipeline": pipeline,
        "tables": sorted({one["table"] for one in (*failed_ones, *good_ones)}),
        "text": "\n".join(lines).replace(" 1 checks ", " 1 check "),
        "url": (failed_ones or good_ones)[0]["url"],
        "failed": failed_ones,
        "recovered": good_ones,
    }


def _name(one: Mapping[str, Any]) -> str:
    return f"{one['severity']} {one['check']} of {one['asset']}:"


def _describe(
    found: dg.AssetCheckEvaluation, run_id: str, *, checks: Checks, alerts: AlertConfig
) -> dict[str, Any]:
    """One evaluation in the words of the document."""
    told = {name: str(value.value) for name, value in found.metadata.items()}
    page = f"assets/{'/'.join(found.asset_key.path)}?view=checks&checkDetail={found.check_name}"
    return {
        "table": checks[found.asset_check_key].qualified_name,
        "asset": "/".join(found.asset_key.path),
        "check": found.check_name,
        "severity": found.severity.value,
        "happened": told.get("what_happened", found.description or ""),
        "remedy": "" if found.passed else told.get("what_to_do", ""),
        "run_id": run_id,
        "url": ui_link(alerts, page),
    }


def _look(
    instance: dg.DagsterInstance,
    run: dg.DagsterRun,
    *,
    told: Told,
    alerts: AlertConfig,
    checks: Checks,
    news: News,
) -> None:
    """Sort the evaluations of a run into what is new, and remember it."""
    for found in _evaluations(instance, run):
        if found.asset_check_key not in checks or FOUND_AT in found.metadata:
            continue  # of another pipeline, or what another run found
        check, mark = found.asset_check_key.to_user_string(), _mark(found)
        if not found.passed and _concerns(found, alerts.checks):
            if told.red.get(check) != mark:
                news.failed.append((found, run.run_id))
            told.red[check] = mark
        elif told.red.pop(check, None) is not None:
            news.recovered.append((found, run.run_id))


def _concerns(found: dg.AssetCheckEvaluation, wanted: AlertedChecks) -> bool:
    if wanted is AlertedChecks.ERRORS:
        return found.severity is dg.AssetCheckSeverity.ERROR
    return wanted is AlertedChecks.WARNINGS


def _mark(found: dg.AssetCheckEvaluation) -> str:
    """What a check says, but for the numbers in it, which differ each time."""
    text = f"{found.severity.value} {_NUMBERS.sub('#', found.description or '')}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _check_keys(plan: TablePlan) -> list[dg.AssetCheckKey]:
    return [*step_check_keys(plan), *audit_check_keys(plan).values()]


def _may_be_of(run: dg.DagsterRun, pipeline: str, checks: Checks) -> bool:
    """Whether a run may have checks of a pipeline; most runs say by a tag whose they are."""
    tag = run.tags.get(PIPELINE_TAG)
    if tag is not None:
        return tag == pipeline
    if not run.asset_selection and not run.asset_check_selection:
        return True
    assets = {key.asset_key for key in checks}
    return not assets.isdisjoint(run.asset_selection or ()) or not checks.keys().isdisjoint(
        run.asset_check_selection or ()
    )


def _evaluations(
    instance: dg.DagsterInstance, run: dg.DagsterRun
) -> Iterable[dg.AssetCheckEvaluation]:
    """The evaluations of a run, the last of each check, as a step may have been tried again."""
    kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION
    last: dict[dg.AssetCheckKey, dg.AssetCheckEvaluation] = {}
    for record in instance.get_records_for_run(run.run_id, of_type=kind).records:
        event = record.event_log_entry.dagster_event
        if event is not None:
            found = event.asset_check_evaluation_data
            last[found.asset_check_key] = found
    return last.values()
