"""Load all files of a table that wait, and tell what every transaction took.

python -m benchmarks.programs.backlog_load CONFIG TABLE
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from mysql_s3_redshift.adapters import pair
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.config import load
from mysql_s3_redshift.core.load import LoadRequest
from mysql_s3_redshift.core.state import new_run_id


def main() -> None:
    """Load, and print one line of JSON."""
    config = load(Path(sys.argv[1]))
    [plan] = [plan for plan in config.plans() if plan.table == sys.argv[2]]
    process, each, memory = psutil.Process(), [], []
    with Connections(config) as connections:
        storage = connections.storage(plan)
        began = time.perf_counter()
        state = storage.extract_states().read()
        read = time.perf_counter() - began
        if state is None:
            raise SystemExit("there is nothing to load")
        mark = began = time.perf_counter()

        def loaded(event: str, _facts: Mapping[str, object]) -> None:
            nonlocal mark
            if event == "loaded":
                now = time.perf_counter()
                each.append(now - mark)
                memory.append(process.memory_info().rss / 2**20)
                mark = now

        report = pair.load_table(plan, state, LoadRequest(new_run_id()), connections, loaded)
        seconds = time.perf_counter() - began
        bucket = storage.bucket
        loads = storage.load_states()
        facts = {
            "seconds": seconds,
            "read": read,
            "each": each,
            "memory": memory,
            "loaded_files": [len(one.files) for one in report.loads],
            "manifests": [bucket.size(bucket.key(one.manifest_uri)) for one in report.loads],
            "load_bytes": bucket.size(loads.key),
        }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
