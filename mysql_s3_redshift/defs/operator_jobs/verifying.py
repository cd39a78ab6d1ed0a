"""Compare a table in MySQL and in Redshift."""

from collections.abc import Sequence

import dagster as dg

from mysql_s3_redshift.adapters.comparing import compare_counts, open_comparison
from mysql_s3_redshift.adapters.comparing_rows import DeepComparison, compare_rows_deeply
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.core.counts import Check
from mysql_s3_redshift.defs.metadata import Metadata
from mysql_s3_redshift.defs.operator_jobs.audit import Audit
from mysql_s3_redshift.defs.operator_jobs.forms import VerifyConfig
from mysql_s3_redshift.defs.operator_jobs.turn import Turn
from mysql_s3_redshift.errors import CountMismatchError

MOST_ROWS = 20
"""Differing rows that are told by kind; none is shown with its values, which may be personal."""


def verify(turn: Turn, config: VerifyConfig) -> Audit:
    """Compare; the job fails where they differ."""
    with Connections(turn.config) as connections:
        comparison = open_comparison(turn.operation(connections, "verify"))
        checks = compare_counts(comparison)
        deep = compare_rows_deeply(comparison, most=MOST_ROWS) if config.deep else None
    wrong = [c for c in checks if not c.agrees]
    if deep is not None:  # row by row is more exact than a count that changes meanwhile
        wrong = [c for c in wrong if c.what.startswith("files")]
    rows = len(deep.rows) if deep else 0
    agrees = not wrong and not rows and (deep is None or deep.found.complete)
    said = "; ".join([*(f"{c.what}: {c.cause}" for c in wrong), *_rows_sentence(deep)])
    sentence = "Source and target agree." if agrees else f"Source and target differ: {said}."
    return Audit(
        action="verify-deep" if config.deep else "verify",
        sentence=sentence,
        facts={"agrees": agrees, "comparisons": _table(checks), **_deep_facts(deep)},
        touches_target=True,
        failure=None if agrees else _mismatch(turn, said),
    )


def _rows_sentence(deep: DeepComparison | None) -> list[str]:
    if deep is None or (not deep.rows and deep.found.complete):
        return []
    if not deep.rows:
        return ["so much changed after the watermark that it was given up"]
    kinds = [row.kind for row in deep.rows]
    counts = [f"{kinds.count(k)} rows {k}" for k in ("missing", "extra", "different")]
    return [", ".join(counts)]


def _deep_facts(deep: DeepComparison | None) -> Metadata:
    if deep is None:
        return {}
    return {
        "source_rows": deep.found.source_rows,
        "target_rows": deep.found.target_rows,
        "differing_rows": len(deep.rows),
        "columns_sampled": ", ".join(c.name for c in deep.sampled),
        "rows_sampled": deep.sampled_rows,
        "columns_left_out": ", ".join(c.name for c in deep.left_out),
    }


def _table(checks: Sequence[Check]) -> dg.TableMetadataValue:
    names = (("what", "string"), ("found", "int"), ("expected", "int"), ("cause", "string"))
    records = [
        dg.TableRecord({"what": c.what, "found": c.found, "expected": c.expected, "cause": c.cause})
        for c in checks
    ]
    return dg.MetadataValue.table(
        records, dg.TableSchema([dg.TableColumn(name, kind) for name, kind in names])
    )


def _mismatch(turn: Turn, said: str) -> CountMismatchError:
    return CountMismatchError(
        f"{turn.plan.display_name}: source and target differ: {said}.",
        kept="Nothing was changed.",
        remedy="Reload the window where rows differ, or sync first where files are pending.",
    )
