"""`doctor`: is everything there that a sync needs?"""

from __future__ import annotations

import click

from mysql_s3_redshift.cli.app import App, Command, pass_app


@click.command(cls=Command, examples=("doctor", "doctor -p shop --json"))
@click.option("-p", "--pipeline", metavar="NAME", help="One pipeline; default: all.")
@pass_app
def doctor(app: App, pipeline: str | None) -> None:
    """Try every precondition on all three systems: a line each, with the remedy.

    Writes two objects below `data/.doctor/` and deletes them; in Redshift, one temporary table that
    is rolled back. The exit code is that of the first failure; warnings leave it 0.
    """
    from mysql_s3_redshift.cli.doctor_run import examine

    examine(app, app.plans(pipeline))
