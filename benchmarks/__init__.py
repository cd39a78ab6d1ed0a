"""Benchmarks: speed and memory against what MySQL can deliver and against other tools.

    python -m benchmarks                # all of them, then benchmarks/README.md and its pictures
    python -m benchmarks extraction     # one of them

Each benchmark is one module with a `run(workspace)` that returns what it measured as plain values.
Results are kept in `.work/results.json`, so that one benchmark can be repeated alone; `report`
writes README.md from them. Ratios compare runs of the same call, taken in turn, because a
machine is not as fast today as it was yesterday.

Everything lies in `benchmarks/.work`: a sandbox of its own (MySQL, S3, the Redshift stand-in), the
environments of the other tools, and their output.
"""
