"""`fault-points`: where a test can make a run die, fail or hang."""

from __future__ import annotations

import click

from mysql_s3_redshift.cli.app import App, Command, pass_app


@click.command("fault-points", cls=Command, hidden=True)
@pass_app
def fault_points(app: App) -> None:
    """List the named points that MYSQL_S3_REDSHIFT_FAULTS understands, in the order of a run."""
    from mysql_s3_redshift.core.faultpoints import ACTIONS, ALL_POINTS, VARIABLE

    if app.as_json:
        app.print_json("fault-points", {"points": dict(ALL_POINTS), "actions": list(ACTIONS)})
        return
    for point, meaning in ALL_POINTS.items():
        click.echo(f"{point:<32} {meaning}")
    click.echo(f"\nExample: {VARIABLE}=load.before_commit=kill (actions: {', '.join(ACTIONS)})")
