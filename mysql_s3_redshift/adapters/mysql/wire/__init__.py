r"""Read query results from MySQL and MariaDB into Arrow: exactly, and as fast as they arrive.

    with wire.query(connection, "SELECT * FROM orders WHERE id > ?", (42,)) as stream:
        for batch in stream:
            ...  # batch.batch is a pyarrow.RecordBatch

**Why not a cursor.** A driver's cursor makes a Python object of every value; for millions of rows
that takes twenty times as long as MySQL needs to send them. Here PyMySQL connects and sends the
commands, and the rows are decoded a column at a time with numpy, for all rows of a buffer at once.

**Why prepared statements.** MySQL answers a prepared statement in its *binary* protocol: integers,
floats and dates come as fixed bytes. The server does not format numbers, which is half of its work,
and no digit is lost. The *text* protocol, for servers and proxies that cannot prepare, sends
everything as printed text. It gives the same values, except that MySQL prints FLOAT (and
DOUBLE(M,D)) with too few digits: such columns are refused there until the query says
`column * 1E0`, which is a DOUBLE of the same value and prints exactly. Whether a server prepares is
seen by `query(connection, "SELECT 1").protocol`.

**What is on the wire.** Everything comes in packets: three bytes of length (little end first), one
byte that counts the packets of a command, then so many bytes of payload. A payload of 16 MB or more
is cut into packets of length 0xFFFFFF and a shorter last one, which may be empty. The answer to a
query is, one packet each: the number of columns; a definition of every column; an EOF packet; the
rows; and an EOF packet again, or an ERR packet if something happened on the way (such as KILL).
With the capability CLIENT_DEPRECATE_EOF the first EOF packet is left out and the last is an OK
packet that starts with 0xFE.

`SELECT 7, NULL, 'hi', DATE '2024-02-29'` as a row of the binary protocol:

    12 00 00 07                  18 bytes of payload, packet number 7
    00                           every row starts with a zero byte
    08                           NULL bitmap: column i is bit i + 2, so bit 3 is the second column
    07 00 00 00 00 00 00 00      7, a BIGINT: eight bytes, little end first
                                 (nothing for the NULL)
    02 68 69                     a string: its length, then its bytes
    04 e8 07 02 1d               a date: four bytes follow; year 0x07e8, month 2, day 29

and as a row of the text protocol:

    11 00 00 07                  17 bytes of payload
    01 37                        "7": everything is a string behind its length
    fb                           NULL: a byte that is no length
    02 68 69                     "hi"
    0a 32 30 32 34 2d 30 32 ...  "2024-02-29"

A length below 251 is one byte; 0xFC, 0xFD and 0xFE announce two, three and eight bytes of length.

**Where a row ends up.** `packets` receives a buffer full and notes where each packet begins.
`cursor` keeps one reading position per row and moves all of them over a column; `binary` and `text`
know the layout of each type, `values` and `calendar` turn what they found into Arrow arrays.
`protocol` is the conversation around the rows, `driver` the only module that knows PyMySQL's
private names, and `stream` what a caller sees.

**What cannot go wrong silently.** Packets must be numbered without a gap; every row must end
exactly where its last column ends; lengths, dates and times must be possible; the last packet must
have come. Everything else is an error that names what was wrong, and closes the connection.

Every module names the pages it implements. They are in the MySQL source documentation,
https://dev.mysql.com/doc/dev/mysql-server/latest/ followed by the name and `.html`; MariaDB's are
at https://mariadb.com/kb/en/clientserver-protocol/.
"""

from mysql_s3_redshift.adapters.mysql.wire.batch import WireBatch
from mysql_s3_redshift.adapters.mysql.wire.columns import WireColumn, WireKind
from mysql_s3_redshift.adapters.mysql.wire.parameters import Parameter
from mysql_s3_redshift.adapters.mysql.wire.stream import ResultStream, query

__all__ = ["Parameter", "ResultStream", "WireBatch", "WireColumn", "WireKind", "query"]
