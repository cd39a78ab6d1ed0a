"""`s3clean`: files on S3, and which of them may go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click

from mysql_s3_redshift.cli.app import App, F, Group, pass_app, table_options, why_option, yes_option
from mysql_s3_redshift.cli.moments import age


@click.group(cls=Group)
def s3clean() -> None:
    """List and delete files on S3.

    Only files are deleted that the ledger or the load state proves loaded, by their exact keys, and
    only while no load of their table runs. What is deleted is not needed to go on; it is needed to
    load the table again without asking MySQL (`watermark reset --redshift-only`).
    """


def _deleting(function: F) -> F:
    decorators: tuple[Callable[[Any], Any], ...] = (
        click.option("--dry-run", is_flag=True, help="Show what would be deleted."),
        why_option,
        yes_option,
    )
    for decorate in decorators:
        function = decorate(function)
    return function


@s3clean.command("list", examples=("s3clean list -p shop", "s3clean list -t shop.orders --json"))
@table_options(many=True)
@click.option("--show-timestamps", is_flag=True, help="List every file with its times.")
@pass_app
def list_(
    app: App, pipeline: str | None, tables: tuple[str, ...], *, show_timestamps: bool
) -> None:
    """Show how many files are loaded, pending or orphans, or uploads, and their size."""
    from mysql_s3_redshift.cli.s3clean_run import list_files

    list_files(app, app.select_all(pipeline, tables), show_timestamps=show_timestamps)


@s3clean.command(
    examples=(
        "s3clean clean -t shop.orders --older-than 7d",
        "s3clean clean -p shop --pattern '*_20250825_*' --dry-run",
    )
)
@table_options(many=True)
@click.option("--older-than", callback=age, metavar="AGE", help="Least age, as in 36h or 7d.")
@click.option("--pattern", metavar="GLOB", help="Whole file name, or path below the table.")
@click.option("--force", is_flag=True, help="Files that are not loaded too: their rows are lost.")
@_deleting
@pass_app
def clean(
    app: App,
    pipeline: str | None,
    tables: tuple[str, ...],
    *,
    older_than: timedelta | None,
    pattern: str | None,
    force: bool,
    dry_run: bool,
    why: str,
    yes: bool,
) -> None:
    """Delete loaded files by age, by name, or both."""
    from mysql_s3_redshift.cli.s3clean_run import delete_files, loaded_files

    if older_than is None and pattern is None:
        raise click.UsageError("Give --older-than or --pattern; clean-all takes all loaded files.")
    choice = loaded_files(older_than=older_than, pattern=pattern, force=force)
    plans = app.select(pipeline, tables)
    delete_files(
        app, "s3clean clean", plans, choice, force=force, dry_run=dry_run, why=why, yes=yes
    )


@s3clean.command("clean-all", examples=("s3clean clean-all -t shop.orders --yes",))
@table_options(many=True)
@click.option("--force", is_flag=True, help="Files that are not loaded too: their rows are lost.")
@_deleting
@pass_app
def clean_all(
    app: App,
    pipeline: str | None,
    tables: tuple[str, ...],
    *,
    force: bool,
    dry_run: bool,
    why: str,
    yes: bool,
) -> None:
    """Delete all loaded files of tables."""
    from mysql_s3_redshift.cli.s3clean_run import delete_files, loaded_files

    choice = loaded_files(older_than=None, pattern=None, force=force)
    plans = app.select(pipeline, tables)
    delete_files(
        app, "s3clean clean-all", plans, choice, force=force, dry_run=dry_run, why=why, yes=yes
    )


@s3clean.command(
    examples=("s3clean orphans -p shop", "s3clean orphans -p shop --grace 24h --delete --yes")
)
@table_options(many=True)
@click.option(
    "--grace",
    callback=age,
    default="24h",
    show_default=True,
    metavar="AGE",
    help="Least age: a run registers its files after it wrote them.",
)
@click.option("--delete", is_flag=True, help="Delete them; without it they are listed.")
@why_option
@yes_option
@pass_app
def orphans(
    app: App,
    pipeline: str | None,
    tables: tuple[str, ...],
    *,
    grace: timedelta,
    delete: bool,
    why: str,
    yes: bool,
) -> None:
    """List or delete what killed runs left: files that no state registers, unfinished uploads.

    Nothing ever loads them, and their rows were extracted again. The parts of an upload that was
    never completed are no files, but S3 keeps and bills them; --delete aborts such uploads.
    """
    from mysql_s3_redshift.cli.s3clean_run import delete_files, orphaned_files

    plans = app.select_all(pipeline, tables)
    choice = orphaned_files(grace)
    delete_files(
        app,
        "s3clean orphans",
        plans,
        choice,
        uploads=True,
        dry_run=not delete,
        why=why,
        yes=yes,
    )
