"""Configurations of this process by path, so that a run does not read `pipelines.yaml` again.

Resources hold the path alone, because what a resource holds is shown in the UI and stored with
runs. Variables and secrets are looked up whenever a connection is opened, not when the file is
read.
"""

import threading
from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from mysql_s3_redshift.adapters.configuration import load_config
from mysql_s3_redshift.config import Config
from mysql_s3_redshift.defs.names import extract_key, load_key

StatePaths = Mapping[dg.AssetKey, tuple[str, ...]]

_configs: dict[str, Config] = {}
_state_paths: dict[str, tuple[Config, StatePaths]] = {}
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


def state_paths(path: str) -> StatePaths:
    """What names the state document of every asset of a configuration, made once for each.

    Every run asks for it three times, and making it for a thousand tables takes as long as a tenth
    of a run.
    """
    config = recall(path)
    with _lock:
        known = _state_paths.get(path)
        if known is None or known[0] is not config:
            plans = config.plans()
            paths = {extract_key(plan): plan.extract_key for plan in plans}
            paths |= {load_key(plan): plan.load_key for plan in plans}
            known = _state_paths[path] = (config, paths)
        return known[1]
