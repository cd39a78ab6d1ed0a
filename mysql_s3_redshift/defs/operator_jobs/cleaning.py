"""Delete files of a table on S3 that are not needed any more."""

from collections.abc import Sequence
from datetime import UTC, datetime

import dagster as dg

from mysql_s3_redshift.adapters import cleaning
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.core.clean import JudgedFile, Standing, choose
from mysql_s3_redshift.defs.metadata import MOST_FILES_SHOWN
from mysql_s3_redshift.defs.operator_jobs.audit import Audit
from mysql_s3_redshift.defs.operator_jobs.forms import CleanS3Config
from mysql_s3_redshift.defs.operator_jobs.launchpad import duration_of
from mysql_s3_redshift.defs.operator_jobs.turn import Turn

_STANDINGS = {
    "loaded": {Standing.LOADED},
    "orphans": {Standing.ORPHAN, Standing.UPLOAD},
}


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
