"""What one `sync` is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import click

from mysql_s3_redshift.core.model import RunLimits, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncRequest:
    """The options of `sync`, without those that choose tables."""

    extracts: bool
    loads: bool
    limit: int | None
    max_chunks: int | None
    max_files: int | None
    start: datetime | None
    end: datetime | None
    reloads: bool
    verify_data: bool

    @property
    def limits(self) -> RunLimits:
        """Bounds of both halves."""
        return RunLimits(self.limit, self.max_chunks, self.max_files)

    @property
    def window(self) -> Window | None:
        """What is read again; an open end goes up to the watermark."""
        if self.start is None:
            return None
        return Window(self.start, self.end or datetime.max)  # noqa: DTZ901  data has no zone

    def check(self) -> None:
        """Refuse options that contradict each other.

        Raises:
            click.UsageError: They do.
        """
        if not (self.extracts or self.loads):
            raise click.UsageError("--backup-only and --redshift-only exclude each other.")
        if self.end is not None and self.start is None:
            raise click.UsageError("--to needs --from.")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise click.UsageError("--from must be earlier than --to.")
        if self.reloads and self.extracts:
            raise click.UsageError("--reload loads files that are on S3: it needs --redshift-only.")
        window = self.start if not self.reloads else None
        if not self.extracts and (self.limit or self.max_chunks or window):
            raise click.UsageError(
                "--limit, --max-chunks and --from bound the extraction, which --redshift-only "
                "leaves out; --max-files bounds the load."
            )
        if not self.loads and self.max_files:
            raise click.UsageError("--max-files bounds the load, which --backup-only leaves out.")
        if self.verify_data and not self.loads:
            raise click.UsageError("--verify-data needs the load, which --backup-only leaves out.")
