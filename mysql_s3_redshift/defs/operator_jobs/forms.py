"""The jobs of the launchpad: what each is called, and what an operator fills in.

What they do is imported when one runs (`acts`): every process that loads definitions knows the
forms, and hardly any launches one.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from mysql_s3_redshift.defs.operator_jobs.launchpad import (
    ConfirmedConfig,
    SignedConfig,
    TableConfig,
)

JOB_PREFIX = "operator_"
_SIGNATURE = {"who": "", "reason": "", "confirm": ""}


class SyncTableConfig(TableConfig):
    """Sync one table. Without limits it catches up with everything that is new."""

    stages: Literal["both", "backup_only", "redshift_only"] = Field(
        default="both",
        description="`backup_only` extracts and does not load; `redshift_only` loads what is on "
        "S3 and never asks MySQL.",
    )
    limit: int | None = Field(
        default=None, gt=0, description="Rows at most; with `max_chunks`, rows of one chunk."
    )
    max_chunks: int | None = Field(default=None, gt=0, description="Chunks to extract at most.")
    max_files: int | None = Field(default=None, gt=0, description="Files to load at most.")


class ReloadWindowConfig(SignedConfig):
    """Read a half-open window of a table again and replace it in Redshift."""

    start: str = Field(
        description="Begin, included: 2025-01-31T00:00:00, in the clock of the data."
    )
    end: str = Field(description="End, not included.")
    column: str | None = Field(
        default=None, description="Column of times that the window is of; default: the cursor's."
    )
    unit: Literal["datetime", "epoch_s", "epoch_ms", "epoch_us"] = Field(
        default="datetime", description="What `column` holds."
    )


class SetWatermarkConfig(ConfirmedConfig):
    """Move the watermark of a table: the next run reads from there on."""

    timestamp: str | None = Field(
        default=None, description="Timestamp: 2025-01-31T13:30:00, in the clock of the data."
    )
    id: str | None = Field(default=None, description="Id of the last row that counts as extracted.")


class ResetWatermarkConfig(ConfirmedConfig):
    """Start a table anew."""

    stages: Literal["both", "mysql_only", "redshift_only"] = Field(
        default="both",
        description="`mysql_only` extracts all again; `redshift_only` loads all files on S3 again.",
    )
    truncate_target: bool = Field(
        default=False, description="Delete the rows of the Redshift table first."
    )
    accept_doubles: bool = Field(
        default=False,
        description="Go on although load_mode is append and the rows stay: each will be there "
        "twice.",
    )
    force: bool = Field(default=False, description="Go on where a document cannot be read.")


class RestoreWatermarkConfig(ConfirmedConfig):
    """Bring an earlier version of the documents back."""

    version: str | None = Field(
        default=None,
        description="Version, as `version_before` of an observation names it; default: the one "
        "before the newest change.",
    )


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


class VerifyConfig(TableConfig):
    """Compare the counts of a table up to its watermark, or all of its rows."""

    deep: bool = Field(
        default=False, description="Compare checksums of all rows; both databases read the table."
    )


@dataclass(frozen=True, slots=True)
class OperatorJob:
    """A job of the launchpad.

    Attributes:
        name: Name of its only step; the job is called `operator_…`, so that they stand together.
        description: What it does, in Markdown.
        config: What its launchpad takes; each job has a class of its own, by which `acts` knows it.
        prefilled: What the launchpad has at first, next to the table; safe to be launched as it is.
    """

    name: str
    description: str
    config: type[TableConfig]
    prefilled: dict[str, Any] = field(default_factory=dict)


JOBS = (
    OperatorJob(
        "sync_table",
        "Sync one table now, as the sensor would, with limits if you like. It has a run of its "
        "own, which the observation names.",
        SyncTableConfig,
    ),
    OperatorJob(
        "reload_window",
        "Read a half-open window of one table again and replace it in Redshift; the watermark "
        "stays. For whole days of a table with partitions, launch a backfill instead.",
        ReloadWindowConfig,
        {"start": "", "end": "", "who": "", "reason": ""},
    ),
    OperatorJob(
        "set_watermark",
        "Move the watermark of one table. In append mode, rows that are extracted a second time "
        "double. Undo: `operator_restore_watermark`.",
        SetWatermarkConfig,
        _SIGNATURE,
    ),
    OperatorJob(
        "reset_watermark",
        "Start one table anew: the next run takes all of it. The files on S3 stay. Undo: "
        "`operator_restore_watermark`.",
        ResetWatermarkConfig,
        _SIGNATURE,
    ),
    OperatorJob(
        "restore_watermark",
        "Bring the documents of one table back as they were before a change by hand. In append "
        "mode, rows that came into the target since then double.",
        RestoreWatermarkConfig,
        _SIGNATURE,
    ),
    OperatorJob(
        "clean_s3",
        "Delete files of one table on S3: those that the ledger or the load state proves loaded, "
        "or orphans of killed runs. Launched as it is, it deletes nothing and tells what it would.",
        CleanS3Config,
        {"what": "loaded", "older_than": "7d", "dry_run": True},
    ),
    OperatorJob(
        "verify",
        "Compare one table in MySQL and in Redshift: counts up to the watermark, or checksums of "
        "all rows (`deep`). Fails where they differ.",
        VerifyConfig,
        {"deep": False},
    ),
)
