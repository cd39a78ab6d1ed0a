"""Is the number of rows of a run unusual, given the runs before it?

Runs do not come at even times: one that follows another after a second brings little, one after a
weekend much. So rows are compared for the stretch of time that they are from, and not by run. The
usual is the median, which one outlier among twenty does not move; how far rows may stray from it is
the median absolute deviation (Rousseeuw and Croux, "Alternatives to the Median Absolute Deviation",
1993: times 1.4826, it estimates the standard deviation of a normal distribution).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

RUNS = 20
"""Earlier runs that are looked at."""
LEAST_RUNS = 5
"""Fewer tell nothing."""
FACTOR = 5.0
"""A fifth and five times the usual are within bounds, however even the runs before were."""
DEVIATIONS = 5.0
FEW_ROWS = 20
"""A smaller difference is chance in a table of any size."""
_NORMAL = 1.4826


@dataclass(frozen=True, slots=True)
class Volume:
    """Rows of one run.

    Attributes:
        seconds: Length of the stretch that they are from; None where a run takes the whole table.
    """

    rows: int
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Usual:
    """What the runs before lead to expect of a run.

    Attributes:
        rows: The median, for the stretch of the run.
        least, most: The bounds.
        runs: How many runs were looked at.
    """

    rows: float
    least: float
    most: float
    runs: int

    def admits(self, rows: int) -> bool:
        """Whether a number of rows is nothing unusual.

        A table of which most runs bring nothing has no usual volume: rows come in bursts there.
        """
        within = self.least <= rows <= self.most
        return within or self.rows == 0 or abs(rows - self.rows) < FEW_ROWS


def usual_volume(before: Sequence[Volume], seconds: float | None) -> Usual | None:
    """Tell what is usual for a run over a stretch; None where too little is known.

    Args:
        before: The last runs, in any order.
        seconds: Length of the run's stretch; None for a run that takes the whole table.
    """
    if seconds is None:
        rows = [float(v.rows) for v in before if v.seconds is None]
    else:
        rows = [v.rows * seconds / v.seconds for v in before if v.seconds]
    rows = rows[:RUNS]
    if len(rows) < LEAST_RUNS:
        return None
    middle = median(rows)
    stray = DEVIATIONS * _NORMAL * median(abs(r - middle) for r in rows)
    least = max(min(middle / FACTOR, middle - stray), 0.0)
    return Usual(middle, least, max(middle * FACTOR, middle + stray), len(rows))
