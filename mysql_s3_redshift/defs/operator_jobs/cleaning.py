"""Delete files of a table on S3 that are not needed any more."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import dagster as dg
from pydantic import Field

from mysql_s3_redshift.adapters import cleaning
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.core.clean import JudgedFile, Standing, choose
from mysql_s3_redshift.defs.metadata import MOST_FILES_SHOWN
from mysql_s3_redshift.defs.operator_jobs.audit import Audit
from mysql_s3_redshift.defs.operator_jobs.kinds import OperatorJob, Turn
from mysql_s3_redshift.defs.operator_jobs.launchpad import ConfirmedConfig, duration_of

_STANDINGS = {
    "loaded": {Standing.LOADED},
    "orphans": {Standing.ORPHAN, Standing.UPLOAD},
}


class CleanS3Config(ConfirmedConfig):
    """Delete files that are proven loaded, or that no state registers. A dry run by default."""

    who: str = Field(default="", description="Your name; needed unless `dry_run`.")
    reason: str = Field(default="", description="Why; needed unless `dry_run`.")
    confirm: str = Field(
        default="", description="The table's name once more; needed unless `dry_run`."
    )
    what: Literal["loaded", "orphans"] = Field(
        default="loaded",
        description="`loaded`: files that Redshift has. `orphans`: files and unfinished uploads of "
        "runs that were killed.",
    )
    older_than: str = Field(default="7d", description="Least age, as 7d or 24h.")
    pattern: str | None = Field(
        default=None, description="Shell pattern that the whole name or path must match."
    )
    dry_run: bool = Field(default=True, description="Tell what would be deleted, delete nothing.")


def clean_s3(turn: Turn, config: CleanS3Config) -> Audit:
    """Delete the chosen files, or tell which they are."""
    if not config.dry_run:
        config.demand_confirmation(turn.plan)
    age, now = duration_of("older_than", config.older_than), datetime.now(UTC)
    uploads = config.what == "orphans"

    def choice(files: Sequence[JudgedFile]) -> Sequence[JudgedFile]:
        return choose(
            files, _STANDINGS[config.what], now=now, older_than=age, pattern=config.pattern
        )

    with Connections(turn.config) as connections:
        operation = turn.operation(connections, "s3clean", config)
        if config.dry_run:
            files = cleaning.list_files(operation, uploads=uploads)
            chosen = choice(files)
        else:
            cleaned = cleaning.clean(operation, choice, uploads=uploads)
            files, chosen = list(cleaned.files), cleaned.chosen
    left = len(files) - (0 if config.dry_run else len(chosen))
    size, verb = sum(f.file.bytes for f in chosen), "to delete" if config.dry_run else "deleted"
    return Audit(
        action="s3clean-dry-run" if config.dry_run else "s3clean",
        sentence=f"{_files(len(chosen))} {verb}, {size:,} bytes ({config.what}).",
        who=config.who,
        why=config.reason,
        before=_files(len(files)),
        after=_files(left),
        facts={"files": _listed(chosen), "bytes": size},
    )


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number:,} files"


def _listed(files: Sequence[JudgedFile]) -> dg.TableMetadataValue:
    columns = [dg.TableColumn(n, t) for n, t in (("uri", "string"), ("bytes", "int"))]
    records = [
        dg.TableRecord({"uri": f.file.uri, "bytes": f.file.bytes}) for f in files[:MOST_FILES_SHOWN]
    ]
    return dg.MetadataValue.table(records, dg.TableSchema(columns))


JOBS = (
    OperatorJob(
        "clean_s3",
        "Delete files of one table on S3: those that the ledger or the load state proves loaded, "
        "or orphans of killed runs. Launched as it is, it deletes nothing and tells what it would.",
        CleanS3Config,
        clean_s3,
        {"what": "loaded", "older_than": "7d", "dry_run": True},
    ),
)
