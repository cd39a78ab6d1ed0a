"""`watermark`: where tables stand, and how an operator changes it."""

from __future__ import annotations

from datetime import datetime

import click

from mysql_s3_redshift.cli.app import App, Group, pass_app, table_options, why_option, yes_option
from mysql_s3_redshift.cli.moments import moment


@click.group(cls=Group)
def watermark() -> None:
    """Show and change where tables stand.

    Every change keeps the document as it was in the history, from where `restore` brings it back.
    """


@watermark.command(
    examples=(
        "watermark get -t shop.orders",
        "watermark get -p shop --show-files",
        "watermark get -t shop.orders --json",
    )
)
@table_options(many=True)
@click.option("--show-files", is_flag=True, help="List every file, from the manifests on.")
@pass_app
def get(app: App, pipeline: str | None, tables: tuple[str, ...], *, show_files: bool) -> None:
    """Show both stages of tables and what the next query will ask. Reads S3 alone."""
    from mysql_s3_redshift.cli.watermark_view import show_tables

    show_tables(app, app.select_all(pipeline, tables), show_files=show_files)


@watermark.command("list", examples=("watermark list", "watermark list -p shop --json"))
@click.option("-p", "--pipeline", metavar="NAME", help="One pipeline; default: all.")
@pass_app
def list_(app: App, pipeline: str | None) -> None:
    """Show all tables, a line each. Reads S3 alone."""
    from mysql_s3_redshift.cli.watermark_view import list_tables

    list_tables(app, app.plans(pipeline))


@watermark.command(
    "set",
    examples=(
        "watermark set -t shop.orders --timestamp '2025-08-01 00:00:00'",
        "watermark set -t shop.orders --timestamp 2025-08-01 --id 80453182 --yes",
        "watermark set -t shop.parcels --id 210000 --why 'ticket 4711'",
    ),
)
@table_options(many=False)
@click.option("--timestamp", callback=moment, metavar="TIME", help="In the clock of the data.")
@click.option("--id", "identity", metavar="N", help="Id of the last row that counts as extracted.")
@why_option
@yes_option
@pass_app
def set_(
    app: App,
    pipeline: str | None,
    table: str,
    *,
    timestamp: datetime | None,
    identity: str | None,
    why: str,
    yes: bool,
) -> None:
    """Move the watermark of a table.

    On a table that has both halves, the one that is not given is the smallest value: --timestamp
    alone takes rows from that time on, that time included; --id alone takes the whole table.
    Files that are on S3 already stay registered.
    """
    from mysql_s3_redshift.cli.watermark_change import set_watermark

    plan = app.select_one(pipeline, table)
    set_watermark(app, plan, timestamp=timestamp, identity=identity, why=why, yes=yes)


@watermark.command(
    examples=(
        "watermark reset -t shop.orders",
        "watermark reset -t shop.events --truncate-target --yes",
        "watermark reset -t shop.orders --redshift-only --truncate-target",
    )
)
@table_options(many=False)
@click.option("--mysql-only", is_flag=True, help="Reset the extraction, keep the loading counts.")
@click.option("--redshift-only", is_flag=True, help="Load all files on S3 again.")
@click.option("--truncate-target", is_flag=True, help="Delete the rows of the Redshift table too.")
@why_option
@yes_option
@pass_app
def reset(
    app: App,
    pipeline: str | None,
    table: str,
    *,
    mysql_only: bool,
    redshift_only: bool,
    truncate_target: bool,
    why: str,
    yes: bool,
) -> None:
    """Start a table anew: counts at 0, the next sync takes all of it.

    Files on S3 stay where they are. `watermark restore` undoes a reset.
    """
    from mysql_s3_redshift.cli.watermark_change import reset as run

    if mysql_only and redshift_only:
        raise click.UsageError("--mysql-only and --redshift-only exclude each other.")
    plan = app.select_one(pipeline, table)
    stages = (not redshift_only, not mysql_only)
    run(app, plan, stages=stages, truncate=truncate_target, force=False, why=why, yes=yes)


@watermark.command("force-reset", examples=("watermark force-reset -t shop.orders --yes",))
@table_options(many=False)
@click.option("--truncate-target", is_flag=True, help="Delete the rows of the Redshift table too.")
@why_option
@yes_option
@pass_app
def force_reset(
    app: App, pipeline: str | None, table: str, *, truncate_target: bool, why: str, yes: bool
) -> None:
    """Reset a table whose documents are damaged or of a newer version.

    The damaged documents are kept in the history as they are.
    """
    from mysql_s3_redshift.cli.watermark_change import reset as run

    plan = app.select_one(pipeline, table)
    run(app, plan, stages=(True, True), truncate=truncate_target, force=True, why=why, yes=yes)


@watermark.command(examples=("watermark history -t shop.orders",))
@table_options(many=False)
@pass_app
def history(app: App, pipeline: str | None, table: str) -> None:
    """List the versions of a table's documents before each manual change."""
    from mysql_s3_redshift.cli.watermark_change import show_history

    show_history(app, app.select_one(pipeline, table))


@watermark.command(
    examples=(
        "watermark restore -t shop.orders",
        "watermark restore -t shop.orders --version 20250825T063102.123456Z --yes",
    )
)
@table_options(many=False)
@click.option("--version", metavar="NAME", help="A name of `history`; default: the newest.")
@why_option
@yes_option
@pass_app
def restore(
    app: App, pipeline: str | None, table: str, *, version: str | None, why: str, yes: bool
) -> None:
    """Bring the documents back as they were before a change.

    Within one generation only the watermark goes back; files stay registered and are not loaded
    again. A reset is undone as a whole.
    """
    from mysql_s3_redshift.cli.watermark_change import restore as run

    run(app, app.select_one(pipeline, table), version=version, why=why, yes=yes)


@watermark.command(
    "import",
    examples=(
        "watermark import -t shop.orders",
        "watermark import -t shop.orders --state-prefix tool --data-prefix tool/incremental "
        "--adopt-files --newer-than 2025-08-01",
    ),
)
@table_options(many=False)
@click.option("--state-prefix", default="", metavar="PREFIX", help="What its documents lie below.")
@click.option("--data-prefix", metavar="PREFIX", help="What its data files lie below.")
@click.option("--adopt-files", is_flag=True, help="Load its files that are not on its blacklist.")
@click.option(
    "--newer-than", callback=moment, metavar="TIME", help="Only files of runs from this time on."
)
@why_option
@yes_option
@pass_app
def import_(
    app: App,
    pipeline: str | None,
    table: str,
    *,
    state_prefix: str,
    data_prefix: str | None,
    adopt_files: bool,
    newer_than: datetime | None,
    why: str,
    yes: bool,
) -> None:
    """Take over a table from the tool that this program replaces.

    Reads its documents (versions 1 and 2) in the table's bucket. Files on its blacklist count as
    loaded. Other files may be of interrupted runs, whose rows were extracted again under another
    name; so they are loaded only with --adopt-files.
    """
    from mysql_s3_redshift.cli.watermark_import import take_over

    if adopt_files and data_prefix is None:
        raise click.UsageError("--adopt-files needs --data-prefix.")
    if newer_than is not None and not adopt_files:
        raise click.UsageError("--newer-than chooses among the files of --adopt-files.")
    take_over(
        app,
        app.select_one(pipeline, table),
        state_prefix=state_prefix,
        data_prefix=data_prefix,
        adopt=adopt_files,
        newer_than=newer_than,
        why=why,
        yes=yes,
    )
