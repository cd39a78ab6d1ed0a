"""`python -m mysql_s3_redshift.sandbox.redshift`: run the stand-in until SIGTERM or SIGINT.

Secrets come from the environment: REDSHIFT_PASSWORD for the master user, AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY for what the IAM role may read. When clients can connect, one line is printed:
`ready on HOST:PORT`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from pathlib import Path

import click

from mysql_s3_redshift.errors import TargetError
from mysql_s3_redshift.sandbox.redshift.server import serve
from mysql_s3_redshift.sandbox.redshift.settings import Isolation, S3Settings, Settings


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of the data.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=int, default=5439, show_default=True, help="0 picks a free one.")
@click.option("--user", default="awsuser", show_default=True, help="The master user.")
@click.option("--database", default="dev", show_default=True)
@click.option("--s3-endpoint", required=True, help="URL of the S3 server that COPY reads from.")
@click.option("--s3-region", default="us-east-1", show_default=True)
@click.option(
    "--isolation",
    type=click.Choice([level.name.lower() for level in Isolation]),
    default="snapshot",
    show_default=True,
)
@click.option("--tls-cert", type=click.Path(exists=True, path_type=Path))
@click.option("--tls-key", type=click.Path(exists=True, path_type=Path))
@click.option("--control-port", type=int, help="Where tests arm faults.")
def main(
    data: Path,
    host: str,
    port: int,
    user: str,
    database: str,
    s3_endpoint: str,
    s3_region: str,
    isolation: str,
    tls_cert: Path | None,
    tls_key: Path | None,
    control_port: int | None,
) -> None:
    """Run the local Redshift stand-in."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    s3 = S3Settings(
        s3_endpoint, _secret("AWS_ACCESS_KEY_ID"), _secret("AWS_SECRET_ACCESS_KEY"), s3_region
    )
    settings = Settings(
        data=data,
        port=port,
        user=user,
        password=_secret("REDSHIFT_PASSWORD"),
        database=database,
        s3=s3,
        host=host,
        isolation=Isolation[isolation.upper()],
        tls_cert=tls_cert,
        tls_key=tls_key,
        control_port=control_port,
    )
    try:
        asyncio.run(_run(settings))
    except TargetError as error:
        raise click.ClickException(str(error)) from error


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(settings, stop, lambda port: click.echo(f"ready on {settings.host}:{port}"))


def _secret(name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        raise click.UsageError(f"Set {name} in the environment.") from None


if __name__ == "__main__":
    main()
