"""What Redshift refuses is told with its address or with what to do."""

import pytest
from redshift_connector.error import InterfaceError, ProgrammingError

from mysql_s3_redshift.adapters.redshift.connection import translate
from mysql_s3_redshift.errors import TargetConnectionError, TargetError


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("42501", "`mysql-s3-redshift doctor` prints the GRANT"),
        ("3D000", "targets.warehouse.database"),
        ("XX000", "Mend the cause"),
    ],
)
def test_a_refused_statement_tells_what_to_do(code: str, remedy: str) -> None:
    error = translate("warehouse", ProgrammingError({"C": code, "M": "no"}))
    assert type(error) is TargetError
    assert "refused a statement" in error.happened
    assert "files stay pending" in error.kept
    assert remedy in error.remedy


def test_an_address_that_does_not_answer_is_named_without_the_drivers_tuple() -> None:
    cause = ConnectionRefusedError(111, "Connection refused")
    error = translate(
        "warehouse", InterfaceError("communication error", cause), place="warehouse at db:5439"
    )
    assert isinstance(error, TargetConnectionError)
    assert "warehouse at db:5439 cannot be reached" in error.happened
    assert error.happened.endswith("[Errno 111] Connection refused")
    assert "targets.warehouse (" in error.remedy
