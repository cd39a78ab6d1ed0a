"""What can go wrong while a result set is read, as errors of this project.

Three sources: an ERR packet of the server, an exception of PyMySQL or of the socket, and bytes that
no MySQL server sends. The last is treated as a lost connection: nothing of it can be trusted, and
the same query may well succeed on a new connection.
"""

from __future__ import annotations

import pymysql
from pymysql.constants import CR

from mysql_s3_redshift.errors import SourceConnectionError, SourceError

ERR_HEADER = 0xFF

# Errors after which the connection is gone or the statement was ended from outside: the same query
# may succeed when it is tried again. The names are those of MySQL's and MariaDB's error references.
CONNECTION_LOST = frozenset(
    {
        0,  # PyMySQL's InterfaceError of a closed connection
        CR.CR_CONNECTION_ERROR,
        CR.CR_CONN_HOST_ERROR,
        CR.CR_SERVER_GONE_ERROR,
        CR.CR_SERVER_LOST,
        CR.CR_SSL_CONNECTION_ERROR,
        1040,  # ER_CON_COUNT_ERROR
        1053,  # ER_SERVER_SHUTDOWN
        1080,  # ER_FORCING_CLOSE
        1152,  # ER_ABORTING_CONNECTION
        1158,  # ER_NET_READ_ERROR
        1159,  # ER_NET_READ_INTERRUPTED
        1160,  # ER_NET_ERROR_ON_WRITE
        1161,  # ER_NET_WRITE_INTERRUPTED
        1184,  # ER_NEW_ABORTING_CONNECTION
        1317,  # ER_QUERY_INTERRUPTED: KILL QUERY
        1927,  # ER_CONNECTION_KILLED (MariaDB)
        3168,  # ER_SERVER_ISNT_AVAILABLE
        3169,  # ER_SESSION_WAS_KILLED
        4031,  # ER_CLIENT_INTERACTION_TIMEOUT
    }
)

# The server, or a proxy in front of it, does not prepare this statement; the text protocol may do.
CANNOT_PREPARE = frozenset(
    {
        1047,  # ER_UNKNOWN_COM_ERROR: a proxy that does not know COM_STMT_PREPARE
        1235,  # ER_NOT_SUPPORTED_YET
        1295,  # ER_UNSUPPORTED_PS
        1461,  # ER_MAX_PREPARED_STMT_COUNT_REACHED
    }
)

# The time that the server, or whoever set it up, gives to one statement.
TOO_SLOW = frozenset(
    {
        1969,  # ER_STATEMENT_TIMEOUT (MariaDB)
        3024,  # ER_QUERY_TIMEOUT (MySQL)
    }
)

_KEPT = "Reading changes nothing in MySQL; only complete rows were handed over."


class ServerRefusal(Exception):  # noqa: N818  it is an answer, which `source_error` makes an error
    """An ERR packet: the whole answer of the server to a command, or the end of its rows.

    Format: `page_protocol_basic_err_packet` of the MySQL source documentation.
    """

    def __init__(self, payload: bytes) -> None:
        self.code = int.from_bytes(payload[1:3], "little")
        text = payload[9:] if payload[3:4] == b"#" else payload[3:]
        self.message = text.decode("utf-8", "replace")
        super().__init__(self.code, self.message)

    def source_error(self) -> SourceError:
        """Translate the server's error code."""
        return _translated(self.code, self.message)


def driver_error(error: pymysql.err.Error) -> SourceError:
    """Translate an exception of PyMySQL."""
    arguments = error.args
    code = arguments[0] if arguments and isinstance(arguments[0], int) else -1
    message = str(arguments[1]) if len(arguments) > 1 else str(error)
    return _translated(code, message or "the connection is closed")


def _translated(code: int, message: str) -> SourceError:
    if code in CONNECTION_LOST:
        return SourceConnectionError(
            f"The connection to MySQL ended while a query ran: {message} (error {code}).",
            kept=_KEPT,
            remedy="Try again; if it repeats, look at the server's log, at who kills queries, and "
            "at `wait_timeout` and `net_write_timeout`.",
        )
    if code in TOO_SLOW:
        return SourceError(
            f"MySQL ended a query that ran too long for it: {message} (error {code}).",
            kept=_KEPT,
            remedy="Raise `max_statement_time` (MariaDB) or `max_execution_time` (MySQL) for this "
            "user, or set a lower `chunk_rows`; `doctor` tells whether the cursor has an index.",
        )
    return SourceError(
        f"MySQL refused a query: {message} (error {code}).",
        kept=_KEPT,
        remedy="Correct `query` or `additional_where` in pipelines.yaml, or the privileges of the "
        "MySQL user.",
    )


def connection_lost(reason: str) -> SourceConnectionError:
    """Describe a connection that ended, or fell silent, in the middle of an answer."""
    return SourceConnectionError(
        f"The connection to MySQL was lost in the middle of an answer: {reason}.",
        kept=_KEPT,
        remedy="Try again; if it repeats, look at the network and the server's log.",
    )


def damaged(reason: str) -> SourceConnectionError:
    """Describe bytes that no MySQL server sends."""
    return SourceConnectionError(
        f"The packets from MySQL are damaged: {reason}.",
        kept=_KEPT,
        remedy="Try again; if it repeats, look for a proxy on the way that rewrites packets.",
    )
