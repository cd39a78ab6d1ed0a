"""The pictures of README.md. Runs in an environment of its own, which has matplotlib.

plots.py RESULTS FOLDER
"""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

OURS, OTHERS, LIMITS = "#c2410c", "#64748b", "#cbd5e1"
LIMIT, CLIENT, ENGINE = "rows thrown away (C)", "mariadb --quick", "mysql-s3-redshift"


def draw_extraction(found: dict[str, dict[str, Any]], path: Path) -> None:
    tables = [table for table in ("orders", "wide") if table in found]
    figure, axes = plt.subplots(1, len(tables), figsize=(11, 4.2), squeeze=False)
    for axis, table in zip(axes[0], tables, strict=True):
        bars = [(n, o["seconds"]) for n, o in found[table].items() if "seconds" in o]
        bars.sort(key=lambda bar: -bar[1])
        colors = [
            OURS if name == ENGINE else LIMITS if name in {LIMIT, CLIENT} else OTHERS
            for name, _ in bars
        ]
        drawn = axis.barh([name for name, _ in bars], [s for _, s in bars], color=colors)
        axis.bar_label(drawn, fmt="%.1f", padding=3, fontsize=8)
        axis.set_xscale("log")
        axis.set_xlim(1, 2.2 * max(seconds for _, seconds in bars))
        axis.set_xticks([1, 3, 10, 30, 100], ["1", "3", "10", "30", "100"])
        axis.xaxis.set_minor_locator(mpl.ticker.NullLocator())
        axis.set_xlabel("seconds, logarithmic")
        failed = [name for name, one in found[table].items() if "seconds" not in one]
        note = f"\nno result: {', '.join(failed)}" if failed else ""
        axis.set_title(f"{table} to parquet{note}", fontsize=10)
    save(figure, path)


def draw_memory(found: dict[str, dict[str, Any]], path: Path) -> None:
    figure, axis = plt.subplots(figsize=(6.5, 3.2))
    names = [name for name in found if name != "took"]
    labels = [f"{found[n]['rows']:,} rows\n{n}" for n in names]
    drawn = axis.bar(labels, [found[n]["peak_mb"] for n in names], color=OURS, width=0.55)
    axis.bar_label(drawn, fmt="%.0f", padding=2, fontsize=8)
    axis.axhline(300, color=OTHERS, linestyle="--", linewidth=1)
    axis.set_ylabel("peak MB")
    axis.margins(y=0.15)
    axis.tick_params(axis="x", labelsize=7)
    save(figure, path)


def draw_end_to_end(found: dict[str, dict[str, Any]], path: Path) -> None:
    figure, axis = plt.subplots(figsize=(7.5, 2.4))
    shades = {"describe": LIMITS, "extract": OURS, "load": OTHERS}
    for row, mode in enumerate(("append", "upsert")):
        left = 0.0
        for stage, color in shades.items():
            seconds = found[mode]["stages"][stage]["seconds"]
            axis.barh(row, seconds, left=left, color=color, label=stage if row == 0 else None)
            left += seconds
        axis.text(left, row, f"  {left:.1f} s", va="center", fontsize=8)
    axis.set_yticks([0, 1], ["append", "upsert"])
    axis.set_xlabel("seconds for 3,000,000 rows")
    axis.margins(x=0.12)
    axis.legend(fontsize=8)
    save(figure, path)


def draw_incremental(found: dict[str, dict[str, Any]], path: Path) -> None:
    figure, axis = plt.subplots(figsize=(6.5, 3.2))
    changes = [name for name in found if name.isdigit()]
    ways = {"engine": OURS, "dagster": OTHERS, "command": LIMITS}
    for offset, (way, color) in enumerate(ways.items()):
        places = [i + (offset - 1) * 0.27 for i in range(len(changes))]
        drawn = axis.bar(
            places, [found[c][way]["seconds"] for c in changes], 0.25, color=color, label=way
        )
        axis.bar_label(drawn, fmt="%.2f", padding=2, fontsize=7)
    axis.set_xticks(range(len(changes)), [f"{int(c):,} rows changed" for c in changes])
    axis.set_ylabel("seconds")
    axis.margins(y=0.15)
    axis.legend(fontsize=8)
    save(figure, path)


def save(figure: plt.Figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


DRAW = {
    "extraction": draw_extraction,
    "memory": draw_memory,
    "end_to_end": draw_end_to_end,
    "incremental": draw_incremental,
}


def main() -> None:
    results, folder = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    for name, draw in DRAW.items():
        if name in results:
            draw(results[name], folder / f"{name}.png")


main()
