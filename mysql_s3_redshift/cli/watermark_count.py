"""`watermark-count`: do all counts of a table agree?"""

from __future__ import annotations

import click

from mysql_s3_redshift.cli.app import (
    LARGEST,
    App,
    Group,
    pass_app,
    table_options,
    why_option,
    yes_option,
)


@click.group("watermark-count", cls=Group)
def watermark_count() -> None:
    """Compare and correct counts."""


@watermark_count.command(
    "validate-counts",
    examples=(
        "watermark-count validate-counts -p shop",
        "watermark-count validate-counts -t shop.orders --json",
    ),
)
@table_options(many=True)
@pass_app
def validate_counts(app: App, pipeline: str | None, tables: tuple[str, ...]) -> None:
    """Compare states, parquet footers, manifests, the ledger and COUNT(*) in Redshift.

    Every difference is named with its likely cause; any makes the exit code 4. MySQL is not asked;
    `verify` compares with it.
    """
    from mysql_s3_redshift.cli.watermark_count_run import validate

    validate(app, app.select_all(pipeline, tables))


@watermark_count.command(
    "set-count",
    examples=(
        "watermark-count set-count -t shop.orders --count 2500000 --mode absolute",
        "watermark-count set-count -t shop.orders --count 1000 --mode additive --yes",
    ),
)
@table_options(many=False)
@click.option(
    "--count", type=click.IntRange(0, LARGEST), required=True, metavar="N", help="Number of rows."
)
@click.option(
    "--mode",
    type=click.Choice(["absolute", "additive"]),
    required=True,
    help="absolute: N is all rows of the target; additive: N more rows that no file brought.",
)
@why_option
@yes_option
@pass_app
def set_count(
    app: App, pipeline: str | None, table: str, *, count: int, mode: str, why: str, yes: bool
) -> None:
    """Note how many rows an adopted table had before the first load.

    Counts of what was extracted and loaded are proven by files and cannot be set.
    """
    from mysql_s3_redshift.cli.watermark_count_run import note_rows

    plan = app.select_one(pipeline, table)
    note_rows(app, plan, count=count, additive=mode == "additive", why=why, yes=yes)
