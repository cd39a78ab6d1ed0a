"""Configurations of this process by path, so that a run does not read `pipelines.yaml` again.

Resources hold the path alone, because what a resource holds is shown in the UI and stored with
runs. Variables and secrets are looked up whenever a connection is opened, not when the file is
read.
"""

import threading
from pathlib import Path

from mysql_s3_redshift.adapters.configuration import load_config
from mysql_s3_redshift.config import Config

_configs: dict[str, Config] = {}
_lock = threading.Lock()


def remember(config: Config) -> str:
    """Keep a configuration; returns the path under which `recall` finds it."""
    with _lock:
        _configs[str(config.path)] = config
    return str(config.path)


def recall(path: str) -> Config:
    """Give the configuration of a path, read now if this process has not seen it.

    Raises:
        ConfigError: The file cannot be read, or something in it is wrong.
    """
    with _lock:
        if path not in _configs:
            _configs[path] = load_config(Path(path))
        return _configs[path]
