"""A stand-in for Amazon Redshift on loopback: `redshift_connector` cannot tell the difference.

It is a proxy that speaks Redshift's wire protocol in front of a real PostgreSQL, so transactions,
locks and snapshots are real; COPY runs on the session's own connection, in its own transaction. And
it is a judge: SQL, parquet files and manifests that Redshift refuses are refused, with the texts
that users of clusters have published, and so is everything that is not known to work there.

Start here: `server` puts it together, `session` is one client, `sql/` translates statements,
`copy/` judges and loads files, `catalog/` is what is added to PostgreSQL.
"""
