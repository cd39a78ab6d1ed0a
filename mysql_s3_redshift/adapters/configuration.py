"""How the product loads `pipelines.yaml`: with every place that a secret may come from."""

from __future__ import annotations

from pathlib import Path

from mysql_s3_redshift.adapters.secrets import SecretsManagerReader
from mysql_s3_redshift.config import Config, load


def load_config(path: Path | str = "pipelines.yaml") -> Config:
    """Load and check a configuration; secrets are read when a connection needs them.

    Raises:
        ConfigError: The file cannot be read, or something in it is wrong.
    """
    return load(path, secret_reader=SecretsManagerReader())
