"""What a check found, and how the UI shows it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg

from mysql_s3_redshift.core.counts import Check
from mysql_s3_redshift.defs.metadata import Metadata

MOST_ROWS_SHOWN = 100
NOTHING_TO_DO = "Nothing."

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check found.

    Attributes:
        happened: One sentence on what was found, good or bad.
        remedy: What to do about it; empty where it is good.
        severity: Of a check that failed.
        facts: Further metadata: numbers, and tables of what was found.
    """

    passed: bool
    happened: str
    remedy: str = ""
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR
    facts: Metadata = field(default_factory=dict)

    def result(self, key: dg.AssetCheckKey) -> dg.AssetCheckResult:
        """The result of a check, as Dagster takes it."""
        return dg.AssetCheckResult(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=self.passed,
            severity=self.severity,
            description=self.happened,
            metadata={
                "what_happened": self.happened,
                "what_to_do": self.remedy or NOTHING_TO_DO,
                **self.facts,
            },
        )


def passed(happened: str, **facts: object) -> Verdict:
    """A check that found nothing wrong, or that has nothing to look at and says so."""
    return Verdict(passed=True, happened=happened, facts=facts)


def warned(happened: str, remedy: str, **facts: object) -> Verdict:
    """A check that found what should be looked at some time; no row is wrong."""
    severity = dg.AssetCheckSeverity.WARN
    return Verdict(passed=False, happened=happened, remedy=remedy, severity=severity, facts=facts)


def failed(happened: str, remedy: str, **facts: object) -> Verdict:
    """A check that found rows or evidence wrong or missing."""
    return Verdict(passed=False, happened=happened, remedy=remedy, facts=facts)


def table(columns: Mapping[str, str], rows: Iterable[Sequence[Cell]]) -> dg.TableMetadataValue:
    """The first hundred rows as a table; `columns` are names with their types."""
    records = [
        dg.TableRecord(dict(zip(columns, row, strict=True)))
        for _, row in zip(range(MOST_ROWS_SHOWN), rows, strict=False)
    ]
    schema = dg.TableSchema([dg.TableColumn(name, kind) for name, kind in columns.items()])
    return dg.MetadataValue.table(records, schema)


def compared(checks: Sequence[Check], *, remedy: str) -> Verdict:
    """The verdict of comparisons that must all agree."""
    shown = table(
        {"what": "string", "found": "int", "expected": "int", "agrees": "bool", "cause": "string"},
        [(c.what, c.found, c.expected, c.agrees, c.cause) for c in checks],
    )
    facts = {"comparisons": shown, "compared": len(checks)}
    wrong = [c for c in checks if not c.agrees]
    if not wrong:
        good = f"All {len(checks)} comparisons agree." if len(checks) > 1 else "Both counts agree."
        return passed(good, differences=0, **facts)
    first = wrong[0]
    many = f"{len(wrong)} of {len(checks)} comparisons differ; the first:"
    happened = (
        f"{many if len(checks) > 1 else 'The counts differ:'} {first.what}: "
        f"{first.found:,}, expected {first.expected:,}. Likely cause: {first.cause}."
    )
    return failed(happened, remedy, differences=len(wrong), **facts)
