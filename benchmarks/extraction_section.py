"""What README.md says of the extraction: how fast the ways are, and what they make of values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.markdown import table
from benchmarks.readers import ENGINE, LIMIT, READERS

Results = Mapping[str, Any]


def extraction_section(results: Results) -> str:
    """The section, from the results that were kept."""
    text = """## MySQL to parquet

    python -m benchmarks extraction exactness

`orders`: 3,000,000 rows × 12 columns. `wide`: 300,000 rows × 60 columns. All but the first two
write parquet files to a folder. “Rows thrown away” is a C program that executes a prepared
statement and looks at nothing: what MySQL can deliver. `mariadb --quick` prints to /dev/null. Tools
that need minutes ran once. “Values”: columns of edge values that came out as MySQL shows them.

![MySQL to parquet](extraction.png)

"""
    for name, found in results["extraction"].items():
        if name != "took":
            text += f"**{name}**\n\n" + _extraction_table(found, results.get("exactness", {}))
    return text + _exactness(results.get("exactness", {}))


def _extraction_table(found: Results, exactness: Results) -> str:
    limit = found[LIMIT]["seconds"]
    rows = []
    for reader in READERS:
        one = found.get(reader.name, {"error": "not measured"})
        values = _values(exactness.get(reader.name)) if reader.writes else "–"
        if "seconds" not in one:
            rows.append((reader.name, _brief(one["error"]), "", "", "", "", values))
            continue
        rows.append(
            (
                f"**{reader.name}**" if reader.name == ENGINE else reader.name,
                f"{one['seconds']:.2f}",
                _range(one) if one["runs"] > 1 else "one run",
                f"{one['seconds'] / limit:.2f} ×",
                f"{one['cpu']:.1f}",
                f"{one['peak_mb']:.0f}",
                values,
            )
        )
    heads = ("way", "seconds", "spread", "of the limit", "processor s", "peak MB", "values")
    return table(heads, rows)


def _range(one: Results) -> str:
    return f"{one['fastest']:.2f} – {one['slowest']:.2f}"


def _values(verdict: Results | None) -> str:
    if verdict is None:
        return "?"
    wrong = len(verdict["changed"]) + len(verdict["failed"])
    if not wrong:
        return f"exact, all {verdict['columns']}"
    parts = [f"{len(verdict[k])} {k}" for k in ("changed", "failed") if verdict[k]]
    return f"{verdict['columns'] - wrong} of {verdict['columns']} exact; " + ", ".join(parts)


def _exactness(verdicts: Results) -> str:
    rows = [
        (name, _names(verdict["changed"]), _names(verdict["failed"]))
        for name, verdict in verdicts.items()
        if name != "took"
    ]
    if not rows:
        return ""
    return (
        "What was changed, and where a tool stopped with an error, by column of the edge tables "
        "(their definitions and values are in [tables.py](tables.py); zero dates as NULL count as "
        "exact):\n\n" + table(("tool", "changed", "failed"), rows)
    )


def _names(columns: Iterable[str]) -> str:
    return ", ".join(name.removeprefix("c_") for name in columns) or "none"


def _brief(error: str) -> str:
    return error.replace("|", "/")[:70]
