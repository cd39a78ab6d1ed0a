"""`sync`: the pairs of tables, run through Dagster so that the web UI shows them."""

from __future__ import annotations

from typing import Any

import click

from mysql_s3_redshift.cli.app import (
    LARGEST,
    App,
    Command,
    pass_app,
    table_options,
    yes_option,
)
from mysql_s3_redshift.cli.moments import moment

COUNT = click.IntRange(1, LARGEST)


@click.command(
    cls=Command,
    examples=(
        "sync -p shop",
        "sync -t shop.orders --limit 50000",
        "sync -t shop.orders --limit 10000 --max-chunks 5",
        "sync -p shop --backup-only",
        "sync -p shop --redshift-only --max-files 100",
        "sync -t shop.orders --from 2025-08-01 --to 2025-08-02",
        "sync -t shop.orders --redshift-only --reload",
        "sync -p shop --dry-run --json",
    ),
)
@table_options(many=True)
@click.option("--backup-only", is_flag=True, help="Extract to S3, do not load.")
@click.option("--redshift-only", is_flag=True, help="Load what is on S3; MySQL is not asked.")
@click.option(
    "--limit",
    type=COUNT,
    metavar="N",
    help="Extract at most N rows a table; with --max-chunks: rows of a chunk.",
)
@click.option("--max-chunks", type=COUNT, metavar="M", help="Extract at most M chunks.")
@click.option("--max-files", type=COUNT, metavar="N", help="Load at most N files.")
@click.option(
    "--from",
    "start",
    callback=moment,
    metavar="TIME",
    help="Read rows from this cursor time on again; the watermark stays.",
)
@click.option(
    "--to",
    "end",
    callback=moment,
    metavar="TIME",
    help="End of --from, exclusive; default: the watermark.",
)
@click.option(
    "--reload",
    "reloads",
    is_flag=True,
    help="With --redshift-only: load all files on S3 again; with --from, those of the stretch.",
)
@click.option("--dry-run", is_flag=True, help="Show bounds, counts and SQL; change nothing.")
@click.option("--verify-data", is_flag=True, help="Compare the counts of both databases after it.")
@yes_option
@pass_app
def sync(
    app: App,
    /,
    pipeline: str | None,
    tables: tuple[str, ...],
    *,
    backup_only: bool,
    redshift_only: bool,
    dry_run: bool,
    yes: bool,
    **asked: Any,
) -> None:
    """Copy what is new from MySQL to S3, and from S3 to Redshift.

    --limit and --max-chunks bound the extraction, --max-files bounds the load. The first Ctrl-C
    finishes the chunk under way and commits it, the second stops at once; either way the next sync
    goes on where this one ended.
    """
    from mysql_s3_redshift.cli.sync_request import SyncRequest

    request = SyncRequest(extracts=not redshift_only, loads=not backup_only, **asked)
    request.check()
    plans = app.select_all(pipeline, tables)
    if dry_run:
        from mysql_s3_redshift.cli.dry_run import show_preview

        show_preview(app, plans, request)
        return
    if request.reloads:
        from mysql_s3_redshift.cli.sync_reload import register_again

        register_again(app, plans, request.window, yes=yes)
    from mysql_s3_redshift.cli.sync_run import run_sync

    run_sync(app, plans, request)
