"""Extract a table, and tell after every chunk how long it took and what the process has become.

python -m benchmarks.programs.long_extract CONFIG TABLE
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from mysql_s3_redshift.adapters import pair
from mysql_s3_redshift.adapters.connections import Connections
from mysql_s3_redshift.config import load
from mysql_s3_redshift.core.extraction import ExtractRequest
from mysql_s3_redshift.core.state import new_run_id


def main() -> None:
    """Extract, and print one line of JSON."""
    config = load(Path(sys.argv[1]))
    [plan] = [plan for plan in config.plans() if plan.table == sys.argv[2]]
    process, chunks = psutil.Process(), []
    with Connections(config) as connections:
        document = connections.storage(plan).extract_states()
        rows, mark = 0, time.perf_counter()

        def extracted(event: str, facts: Mapping[str, object]) -> None:
            nonlocal rows, mark
            if event != "extracted":
                return
            rows += int(str(facts["rows"]))
            now = time.perf_counter()
            chunk: dict[str, Any] = {"rows": rows, "seconds": now - mark}
            chunk["memory"] = process.memory_info().rss / 2**20
            chunk["state_bytes"] = document.bucket.size(document.key)
            chunks.append(chunk)
            mark = time.perf_counter()

        began = time.perf_counter()
        described = pair.describe(plan, connections)
        request = ExtractRequest(new_run_id())
        report = pair.extract_table(described, request, connections, extracted)
        seconds = time.perf_counter() - began
    size = sum(f.bytes for f in report.files)
    print(json.dumps({"seconds": seconds, "rows": report.rows, "bytes": size, "chunks": chunks}))


if __name__ == "__main__":
    main()
