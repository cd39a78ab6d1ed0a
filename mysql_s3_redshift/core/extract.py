"""Extract: rows of one MySQL table become registered parquet files on S3.

    read both states → fix the ceiling → per chunk: read, upload, check the footer, commit

The watermark and the file that carries its last row move in one conditional write. A crash before
it leaves an object that nobody registers, so nobody loads it, and the rows are read again.

Three ways through, which differ only in what is read and when it is committed:

* `snapshot`, then `incremental`: every chunk is committed when it is complete;
* the whole table (`full_sync`, and every strategy that replaces the target): one consistent
  snapshot, registered at its end, because a part of a snapshot is worth nothing;
* a window reload: registered at its end; the watermark stays.
"""

from __future__ import annotations

from mysql_s3_redshift.core.catch_up import catch_up
from mysql_s3_redshift.core.extraction import Extraction, ExtractReport, ExtractRequest
from mysql_s3_redshift.core.faultpoints import reach
from mysql_s3_redshift.core.plan import ResolvedTable
from mysql_s3_redshift.core.ports import ExtractPorts
from mysql_s3_redshift.core.schema import TableSchema
from mysql_s3_redshift.core.whole_table import read_whole_table
from mysql_s3_redshift.core.window import reload_window
from mysql_s3_redshift.errors import ReplicationError, StateConflictError


def extract(
    table: ResolvedTable, schema: TableSchema, request: ExtractRequest, ports: ExtractPorts
) -> ExtractReport:
    """Extract what is new, or what the request names.

    Returns:
        The committed state, the files that this run registered, and why it ended early if it did.

    Raises:
        ConfigError: The strategy changed, or the request does not fit the table.
        StateConflictError: Another run committed first; nothing of this chunk is registered.
        SourceError, StorageError, UnsupportedValueError: Committed chunks stay.
    """
    run = Extraction(table, schema, request, ports)
    try:
        if request.window is not None:
            reload_window(run, request.window)
        elif table.reads_whole_table:
            read_whole_table(run)
        else:
            catch_up(run)
        reach("extract.before_finish")
        run.finish()
    except StateConflictError:
        raise
    except ReplicationError as error:
        run.commit(run.state.failed(error.happened))
        raise
    note = run.note or ("" if run.files else "nothing new")
    changed = dict(run.values_changed + run.loop.values_changed)
    return ExtractReport(run.state, tuple(run.files), run.ceiling, changed, note, run.days)
