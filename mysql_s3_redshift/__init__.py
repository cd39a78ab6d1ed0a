"""Keep MySQL tables in Amazon Redshift, by way of parquet on S3.

The problem has three parts, and the core has a module for each:

* **What is new?** A keyset cursor with a proven upper bound: `core.cursors`, `core.ceiling`.
* **How does it get to S3, each row once?** Chunks whose files are registered in the same
  conditional write that moves the watermark: `core.extract`.
* **How does it get into Redshift, each file once?** One transaction that locks a ledger, copies,
  proves the count and writes the ledger: `core.load`.

Around them, `core.types` says what becomes of every value, `core.state` what is stored between
runs, `adapters` speaks to MySQL, S3 and Redshift, `defs` to Dagster, `cli` to the terminal, and
`sandbox` stands in for the three systems on one machine.
"""
