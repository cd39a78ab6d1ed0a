"""What `doctor` does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import click

from mysql_s3_redshift.adapters import probes
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.probes import FAILED, OK, Finding, guarded
from mysql_s3_redshift.cli import text
from mysql_s3_redshift.cli.app import App
from mysql_s3_redshift.core.model import TablePlan

ArgumentT = TypeVar("ArgumentT")


def examine(app: App, plans: Sequence[TablePlan]) -> None:
    """Try everything that the tables need, and exit with the code of the first failure."""
    findings: list[Finding] = []
    with Connections(app.config) as connections:
        for finding in _findings(plans, connections):
            if finding in findings:
                continue  # Several probes found that the target cannot be reached.
            findings.append(finding)
            if not app.as_json:
                _show(finding)
    counts = Counter(finding.status for finding in findings)
    failed = next((f for f in findings if f.status == FAILED), None)
    if app.as_json:
        shown = [
            {"status": f.status, "subject": f.subject, "what": f.what, "remedy": f.remedy}
            for f in findings
        ]
        status = "failed" if failed else "success"
        app.print_json("doctor", {"status": status, "findings": shown})
    else:
        text.echo(", ".join(f"{counts[s]} {s}" for s in (OK, probes.WARNING, FAILED)))
    if failed is not None:
        click.get_current_context().exit(int(failed.code))


def _findings(plans: Sequence[TablePlan], connections: Connections) -> Iterator[Finding]:
    """Connections first; the tables of a source that cannot be reached are left out."""
    broken: set[str] = set()
    for source in dict.fromkeys(plan.source for plan in plans):
        for finding in _guarded(f"source {source}", probes.probe_source, source, connections):
            if finding.status == FAILED:
                broken.add(source)
            yield finding
    for storage in dict.fromkeys(plan.storage for plan in plans):
        yield from _guarded(f"storage {storage}", probes.probe_storage, storage, connections)
    for plan in {(plan.target, plan.storage): plan for plan in plans}.values():
        yield from _guarded(f"target {plan.target}", probes.probe_target, plan, connections)
    for plan in {(plan.target, plan.target_schema): plan for plan in plans}.values():
        yield from _guarded(f"target {plan.target}", probes.probe_schemas, plan, connections)
    for plan in plans:
        if plan.source not in broken:
            subject = f"table {plan.display_name}"
            yield from _guarded(subject, probes.probe_table, plan, connections)


def _guarded(
    subject: str,
    probe: Callable[[ArgumentT, Connections], Iterator[Finding]],
    argument: ArgumentT,
    connections: Connections,
) -> Iterator[Finding]:
    return guarded(subject, partial(probe, argument, connections))


def _show(finding: Finding) -> None:
    text.echo(
        f"{text.status(finding.status)}{' ' * (8 - len(finding.status))}{finding.subject}: "
        f"{finding.what}"
    )
    if finding.remedy:
        text.echo(f"        {finding.remedy}")
