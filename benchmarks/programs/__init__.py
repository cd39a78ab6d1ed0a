"""Programs that a benchmark runs as processes of their own: the engine, the limit, the others.

A program prints one line of JSON at its end: `{"seconds": …, "rows": …}`, the seconds from before
it connects until its output is complete.
"""
