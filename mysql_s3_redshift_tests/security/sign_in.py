"""The two AWS requests that give a Redshift password to somebody who proved who they are.

https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetClusterCredentials.html
https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_GetCredentials.html
"""

from __future__ import annotations

import contextlib
import datetime
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

_CLUSTER = """\
<GetClusterCredentialsResponse xmlns="http://redshift.amazonaws.com/doc/2012-12-01/">
<GetClusterCredentialsResult><DbUser>{user}</DbUser><DbPassword>{password}</DbPassword>
<Expiration>{expiration}</Expiration></GetClusterCredentialsResult>
</GetClusterCredentialsResponse>"""
_DENIED = """\
<ErrorResponse xmlns="http://redshift.amazonaws.com/doc/2012-12-01/"><Error>
<Type>Sender</Type><Code>AccessDenied</Code><Message>User {key} may not call this</Message>
</Error></ErrorResponse>"""


@dataclass
class SignIn:
    """The service.

    Attributes:
        user, password: What it gives.
        key: The access key that may ask.
        asked: What was asked for: cluster or workgroup, and user.
    """

    user: str
    password: str
    key: str
    url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, headers: dict[str, str], body: str) -> tuple[int, str, str]:
        """Status, content type and text."""
        if f"Credential={self.key}/" not in headers.get("authorization", ""):
            return 403, "text/xml", _DENIED.format(key="somebody")
        expiration = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=15)
        if headers.get("x-amz-target", "").endswith(".GetCredentials"):
            self.asked.append((json.loads(body)["workgroupName"], ""))
            given = {"dbUser": self.user, "dbPassword": self.password}
            told = given | {"expiration": expiration.timestamp()}
            return 200, "application/x-amz-json-1.1", json.dumps(told)
        given = {name: values[0] for name, values in parse_qs(body).items()}
        assert given["Action"] == "GetClusterCredentials"
        self.asked.append((given["ClusterIdentifier"], given["DbUser"]))
        told_xml = _CLUSTER.format(
            user=self.user, password=self.password, expiration=expiration.isoformat()
        )
        return 200, "text/xml", told_xml


@contextlib.contextmanager
def sign_in_service(user: str, password: str, key: str) -> Iterator[SignIn]:
    """Run the service for the length of a test."""
    service = SignIn(user, password, key)

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0))).decode()
            status, kind, text = service.answer(headers, body)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
