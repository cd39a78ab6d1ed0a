"""`watermark`: where tables stand, and how an operator changes it."""

from __future__ import annotations

import click

from mysql_s3_redshift.cli.app import App, Group, pass_app, table_options


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

    show_tables(app, app.select(pipeline, tables), show_files=show_files)


@watermark.command("list", examples=("watermark list", "watermark list -p shop --json"))
@click.option("-p", "--pipeline", metavar="NAME", help="One pipeline; default: all.")
@pass_app
def list_(app: App, pipeline: str | None) -> None:
    """Show all tables, a line each. Reads S3 alone."""
    from mysql_s3_redshift.cli.watermark_view import list_tables

    list_tables(app, app.config.plans(pipeline))
