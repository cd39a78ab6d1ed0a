"""Fast and exact reading of query results from MySQL and MariaDB into Arrow."""

from mysql_s3_redshift.adapters.mysql.wire.batch import WireBatch
from mysql_s3_redshift.adapters.mysql.wire.columns import WireColumn, WireKind
from mysql_s3_redshift.adapters.mysql.wire.parameters import Parameter
from mysql_s3_redshift.adapters.mysql.wire.stream import ResultStream, query

__all__ = ["Parameter", "ResultStream", "WireBatch", "WireColumn", "WireKind", "query"]
