"""What README.md says of `verify`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_WAYS = {
    "counts": "`verify`",
    "equal": "`verify --deep`, all equal",
    "differing": "`verify --deep`, 3 rows differ",
}


def verify_section(results: Mapping[str, Any]) -> str:
    """The section, from the results that were kept."""
    found = results["verify"]
    lines = [
        f"| {way} | {one['seconds']:.1f} ({one['fastest']:.1f} – {one['slowest']:.1f}) "
        f"| {one['cpu']:.1f} | {one['mysql_bytes']:,} | {one['redshift_bytes']:,} |"
        for way, one in ((shown, found[name]) for name, shown in _WAYS.items())
    ]
    return (
        f"""## Comparing source and target

    python -m benchmarks verify

A table like `orders` with {found["rows"]:,} rows ({found["bytes"] / 2**20:.0f} MB in MySQL), loaded
once. One row was changed in the target, one deleted, one doubled. The whole command, from its start
to its end; bytes are those that passed to and from each server, counted in between. Both servers
hash at the same time. The stand-in has no zone maps: it reads the whole table for every range.

| command | seconds | processor s of the command | bytes, MySQL | bytes, Redshift |
| --- | --- | --- | --- | --- |
"""
        + "\n".join(lines)
        + "\n"
    )
