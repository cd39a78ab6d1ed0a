"""The pictures of scale.md. Runs in an environment of its own, which has matplotlib.

plots.py RESULTS FOLDER
"""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

OURS, OTHERS, THIRD = "#c2410c", "#64748b", "#0f766e"


def draw_many_tables(idle: list[dict[str, Any]], synced: list[dict[str, Any]], path: Path) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(11, 3.8))
    for name, color in (("first", OURS), ("idle", OTHERS)):
        known = [one for one in synced if name in one]
        tables = [one["tables"] for one in known]
        seconds = [one[name]["cpu"] for one in known]
        axes[0].plot([0, *tables], [0, *seconds], "o-", color=color, label=f"sync, {name}")
    axes[0].set_title("one sync of all tables, seconds of processor", fontsize=10)
    lines = {
        "definitions": ([one["definitions"] for one in idle], OURS),
        "a tick of the sensor": ([one["poll_again"] for one in idle], OTHERS),
        "asset list in the web UI": ([one["asset_list"]["again"] for one in idle], THIRD),
    }
    for name, (seconds, color) in lines.items():
        axes[1].plot([one["tables"] for one in idle], seconds, "o-", color=color, label=name)
    axes[1].set_title("what is paid without syncing anything", fontsize=10)
    for axis in axes:
        axis.set_xlabel("tables")
        axis.set_ylabel("seconds")
        axis.set_ylim(bottom=0)
        axis.legend(fontsize=8)
    save(figure, path)


def draw_long_tables(found: dict[str, list[dict[str, Any]]], path: Path) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(11, 3.8))
    shown = {"loaded after every tenth file": ("loaded", OURS), "never loaded": ("backlog", OTHERS)}
    for name, (key, color) in shown.items():
        rows = [one["rows"] / 1e6 for one in found[key]]
        axes[0].plot(
            rows, [one["bytes"] / 1e3 for one in found[key]], "o-", color=color, label=name
        )
        # The first commit of each also opens the connection.
        axes[1].plot(
            rows[1:], [one["commit"] * 1e3 for one in found[key]][1:], "o-", color=color, label=name
        )
    axes[0].set_ylabel("extract state, kB")
    axes[1].set_ylabel("commit of a chunk, ms")
    for axis in axes:
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlabel("million rows, in files of 500,000")
        axis.legend(fontsize=8)
    save(figure, path)


def save(figure: Any, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_long_rows(found: dict[str, Any], path: Path) -> None:
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.2))
    rows = [one["rows"] / 1e6 for one in found["chunks"]]
    shown = (
        ("seconds", 1, "a chunk, seconds"),
        ("memory", 1, "memory of the process, MB"),
        ("state_bytes", 1e-3, "extract state, kB"),
    )
    for axis, (name, factor, title) in zip(axes, shown, strict=True):
        axis.plot(rows, [one[name] * factor for one in found["chunks"]], ".-", color=OURS)
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("million rows extracted")
        axis.set_ylim(bottom=0)
    save(figure, path)


def main(results: Path, folder: Path) -> None:
    kept = {name: one["found"] for name, one in json.loads(results.read_text()).items()}
    if "many_tables" in kept and "syncs" in kept:
        parts = (kept.get(part, []) for part in ("syncs", "thousand", "thousand_again"))
        synced = sorted((one for part in parts for one in part), key=lambda one: one["tables"])
        draw_many_tables(kept["many_tables"], synced, folder / "scale_many_tables.png")
    if "long_tables" in kept:
        draw_long_tables(kept["long_tables"], folder / "scale_long_tables.png")
    if "long_rows" in kept:
        draw_long_rows(kept["long_rows"], folder / "scale_long_rows.png")


main(Path(sys.argv[1]), Path(sys.argv[2]))
