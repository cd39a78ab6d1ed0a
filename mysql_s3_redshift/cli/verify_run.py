"""What `verify` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mysql_s3_redshift.adapters.comparing import compare_counts, open_comparison
from mysql_s3_redshift.adapters.comparing_rows import (
    DeepComparison,
    DifferingRow,
    compare_rows_deeply,
)
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.adapters.operations import Operation
from mysql_s3_redshift.cli import text
from mysql_s3_redshift.cli.app import App
from mysql_s3_redshift.cli.identity import who
from mysql_s3_redshift.cli.mismatch import MismatchToldError
from mysql_s3_redshift.cli.several import look_at_each
from mysql_s3_redshift.core.counts import SOURCE_REMEDY, Check
from mysql_s3_redshift.core.model import TablePlan
from mysql_s3_redshift.core.operate import ManualChange

TOO_MANY_NEWER = "so many rows changed after the watermark that it was given up: sync, then verify"


@dataclass(frozen=True, slots=True)
class Verified:
    """What is known of one table."""

    checks: tuple[Check, ...]
    deep: DeepComparison | None

    @property
    def differences(self) -> list[Check]:
        """What does not agree."""
        return [check for check in self.checks if not check.agrees]


def verify_tables(app: App, plans: Sequence[TablePlan], *, deep: bool, most: int) -> None:
    """Compare tables; one that cannot be compared hides none of the others.

    Raises:
        CountMismatchError: Some differ; all tables are told before.
        TablesFailedError: Some could not be compared.
    """
    several = look_at_each(plans, lambda plan: verify_table(app, plan, deep=deep, most=most))
    different = {name: v.differences for name, v in several.found.items() if v.differences}
    if app.as_json:
        status = "failed" if different or several.failed else "success"
        app.print_json("verify", {"status": status, "tables": several.documents(_document)})
    else:
        for name, verified in several.found.items():
            _show(name, verified)
    if different and not several.failed:
        raise MismatchToldError(different, remedy=SOURCE_REMEDY)
    several.raise_failures()


def verify_table(app: App, plan: TablePlan, *, deep: bool, most: int) -> Verified:
    """Compare one table."""
    with Connections(app.config) as connections:
        operation = Operation(plan, connections, ManualChange("verify", who(), ""))
        comparison = open_comparison(operation)
        checks = compare_counts(comparison)
        rows = compare_rows_deeply(comparison, most=most) if deep else None
    if rows is not None:
        # Row by row is more exact than a count that changes meanwhile.
        checks = [check for check in checks if check.what.startswith("files")]
        checks.append(_row_check(rows))
    return Verified(tuple(checks), rows)


def _row_check(deep: DeepComparison) -> Check:
    kinds = [row.kind for row in deep.rows]
    told = ", ".join(f"{kinds.count(k)} {k}" for k in ("missing", "extra", "different"))
    cause = told if kinds else ""
    if not deep.found.complete:
        cause = f"{cause}, and more that are not listed" if kinds else TOO_MANY_NEWER
    return Check("differing rows", len(kinds), 0, cause)


def _document(verified: Verified) -> dict[str, Any]:
    document: dict[str, Any] = {
        "status": "failed" if verified.differences else "success",
        "checks": [
            {
                "what": c.what,
                "found": c.found,
                "expected": c.expected,
                "agrees": c.agrees,
                "cause": c.cause,
            }
            for c in verified.checks
        ],
    }
    deep = verified.deep
    if deep is not None:
        document["deep"] = {
            "source_rows": deep.found.source_rows,
            "target_rows": deep.found.target_rows,
            "newer_rows": deep.found.newer,
            "complete": deep.found.complete,
            "by_key_ranges": deep.by_ranges,
            "statements": deep.found.questions,
            "columns_sampled": [c.name for c in deep.sampled],
            "rows_sampled": deep.sampled_rows,
            "columns_left_out": [c.name for c in deep.left_out],
            "rows": [
                {"kind": r.kind, "source": r.source, "target": r.target}
                for r in deep.rows
                if r.source is not None or r.target is not None
            ],
        }
    return document


def _show(name: str, verified: Verified) -> None:
    text.echo(text.heading(name))
    for check in verified.checks:
        word = text.status("ok" if check.agrees else "failed")
        if check.found == check.expected:
            text.echo(f"  {word}  {check.what}: {check.found:,}")
        else:
            text.echo(f"  {word}  {check.what}: {check.found:,}, expected {check.expected:,}")
            text.echo(f"      {check.cause}")
    deep = verified.deep
    if deep is None:
        return
    text.echo(
        f"      {deep.found.source_rows:,} rows in MySQL, {deep.found.target_rows:,} in "
        f"Redshift, {deep.found.newer:,} beyond the watermark"
    )
    if not deep.by_ranges:
        text.echo("      compared by hashes of the key: both sides have no order of it in common")
    if deep.sampled:
        names = ", ".join(c.name for c in deep.sampled)
        text.echo(f"      compared in {deep.sampled_rows:,} rows, value by value: {names}")
    if deep.left_out:
        text.echo(f"      not compared: {', '.join(c.name for c in deep.left_out)}")
    for row in deep.rows:
        _show_row(row)


def _show_row(row: DifferingRow) -> None:
    if row.source is not None and row.target is not None:
        changed = [c for c in row.source if _written(row.source, c) != _written(row.target, c)]
        text.echo(f"    {row.kind}  {_line(row.source, list(row.source)[:1])}")
        for column in changed:
            mine, theirs = _written(row.source, column), _written(row.target, column)
            text.echo(f"        {column}: MySQL {mine}, Redshift {theirs}")
    elif row.source is not None or row.target is not None:
        values = row.source or row.target or {}
        text.echo(f"    {row.kind}  {_line(values, list(values))}")


def _line(values: Mapping[str, Any], columns: Sequence[str]) -> str:
    return ", ".join(f"{column}={_written(values, column)}" for column in columns)


def _written(values: Mapping[str, Any], column: str) -> str:
    return str(values.get(column))
