"""`discover`: a stanza of pipelines.yaml for the tables of a MySQL connection."""

from __future__ import annotations

import click

from mysql_s3_redshift.cli.app import App, Command, pass_app


@click.command(
    cls=Command, examples=("discover shop_db", "discover shop_db --schema shop > pipelines.new")
)
@click.argument("source")
@click.option("--schema", "schemas", multiple=True, metavar="S", help="One schema; default: all.")
@pass_app
def discover(app: App, source: str, *, schemas: tuple[str, ...]) -> None:
    """Print a stanza for every table of SOURCE: strategy, keys, load mode, and what it lacks."""
    from mysql_s3_redshift.cli.discover_run import print_stanza

    print_stanza(app, source, schemas)
