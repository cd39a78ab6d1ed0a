"""What a server tells of itself: flavor, clock, and whether it is a replica."""

from typing import Any, Self, cast

import pymysql
import pytest

from mysql_s3_redshift.adapters.mysql.discovery import server_facts
from mysql_s3_redshift.errors import SourceConnectionError
from mysql_s3_redshift_tests.adapters.conftest import Connection


def test_the_server_tells_what_it_is(admin, reader):
    facts = server_facts(admin)
    assert facts.flavor in {"mariadb", "mysql"}
    assert facts.version[0].isdigit()
    assert facts.time_zone
    assert (facts.read_only, facts.is_replica) == (False, False)
    assert server_facts(reader).is_replica is None  # it may not know


class ScriptedCursor:
    """Answers the questions of `server_facts` as a server of another kind would."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self._answers = answers
        self._row: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def execute(self, statement: str) -> None:
        asked = "PROCESSLIST" if "PROCESSLIST" in statement else "facts"
        self._row = self._answers[statement.split()[1] if "SHOW" in statement else asked]
        if isinstance(self._row, Exception):
            raise self._row

    def fetchone(self) -> Any:
        return self._row


class ScriptedConnection:
    def __init__(self, **answers: Any) -> None:
        facts = {
            "version": "8.0.20", "version_comment": "MySQL Community Server - GPL",
            "time_zone": "SYSTEM", "system_time_zone": "EST", "read_only": 0, "innodb_read_only": 0,
        }  # fmt: skip
        facts |= answers.pop("facts", {})
        self._answers = {"facts": facts, "PROCESSLIST": None, **answers}

    def cursor(self, _kind: object) -> ScriptedCursor:
        return ScriptedCursor(self._answers)


UNKNOWN = pymysql.err.ProgrammingError(1064, "You have an error in your SQL syntax")
DENIED = pymysql.err.OperationalError(1227, "Access denied; you need REPLICATION CLIENT")


@pytest.mark.parametrize(
    ("answers", "replica"),
    [
        ({"REPLICA": {"Source_Host": "primary"}}, True),
        ({"REPLICA": None}, False),
        ({"REPLICA": UNKNOWN, "SLAVE": {"Master_Host": "primary"}}, True),
        ({"REPLICA": UNKNOWN, "SLAVE": None}, False),
        ({"REPLICA": DENIED}, None),
        ({"REPLICA": DENIED, "PROCESSLIST": {"1": 1}}, True),
        ({"REPLICA": DENIED, "facts": {"read_only": 1}}, True),
        ({"REPLICA": None, "facts": {"innodb_read_only": 1}}, True),
    ],
)
def test_a_replica_is_known_by_its_status_its_threads_or_by_refusing_writes(answers, replica):
    facts = server_facts(cast("Connection", ScriptedConnection(**answers)))
    assert facts.is_replica is replica
    assert (facts.flavor, facts.time_zone) == ("mysql", "EST")


def test_a_lost_connection_is_told_as_one():
    gone = pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")
    with pytest.raises(SourceConnectionError):
        server_facts(cast("Connection", ScriptedConnection(REPLICA=gone)))
