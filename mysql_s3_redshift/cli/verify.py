"""`verify`: is what Redshift has what MySQL has?"""

from __future__ import annotations

import click

from mysql_s3_redshift.cli.app import App, Command, pass_app, table_options


@click.command(
    cls=Command,
    examples=(
        "verify -p shop",
        "verify -t shop.orders --deep",
        "verify -t shop.orders --deep --json",
    ),
)
@table_options(many=True)
@click.option("--deep", is_flag=True, help="Compare checksums, then the rows that differ.")
@click.option(
    "--most",
    type=click.IntRange(min=1, max=1000),
    default=20,
    show_default=True,
    metavar="N",
    help="Show at most N differing rows of a table.",
)
@pass_app
def verify(
    app: App, pipeline: str | None, tables: tuple[str, ...], *, deep: bool, most: int
) -> None:
    """Compare tables in MySQL and Redshift; any difference makes the exit code 4.

    Without --deep the numbers of rows are compared. With it, both servers compute checksums of all
    rows, and only the rows that differ are moved. Rows that changed after the watermark are not
    differences: the next sync brings them. Values of hashed columns are masked.
    """
    from mysql_s3_redshift.cli.verify_run import verify_tables

    verify_tables(app, app.select_all(pipeline, tables), deep=deep, most=most)
