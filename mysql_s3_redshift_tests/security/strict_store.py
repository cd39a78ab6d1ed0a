"""An S3 server under the rules of a careful company: who asks without a key or an owner is refused.

The store is moto's; in front of it stands what a bucket policy would be in AWS. It is a proxy too:
requests that name the whole URL are answered like any other, and remembered with it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

REFUSAL = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
BUSY = b"<Error><Code>InternalError</Code><Message>Try again</Message></Error>"
BUCKET = "strict"


@dataclass(frozen=True)
class Request:
    """One request as it arrived."""

    method: str
    url: str
    query: str
    headers: dict[str, str]

    @property
    def writes_an_object(self) -> bool:
        """PutObject and CreateMultipartUpload; the parts and the end of an upload tell no key."""
        multipart = "partNumber" in self.query or "uploadId" in self.query
        whole = self.method == "PUT" and not multipart
        return whole or (self.method == "POST" and self.query.split("=")[0] == "uploads")


@dataclass
class StrictStore:
    """The server.

    Attributes:
        requests: What was asked since the last look.
        key: The KMS key that every write has to name.
        owner: The account that every request has to expect.
        failures: Requests that fail before the next one is answered.
    """

    port: int = 0
    requests: list[Request] = field(default_factory=list)
    key: str | None = None
    owner: str | None = None
    failures: int = 0

    def __post_init__(self) -> None:
        self._app: Any = DomainDispatcherApplication(create_backend_app)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        named = {k[5:].replace("_", "-").lower(): v for k, v in environ.items() if k[:5] == "HTTP_"}
        request = Request(
            environ["REQUEST_METHOD"], environ["REQUEST_URI"], environ["QUERY_STRING"], named
        )
        self.requests.append(request)
        if self.failures:
            self.failures -= 1
            return _answer(environ, start, "500 Internal Server Error", BUSY)
        if not self._may(request):
            return _answer(environ, start, "403 Forbidden", REFUSAL)
        # moto takes the first part of a host's name for the bucket.
        answer: Iterable[bytes] = self._app({**environ, "HTTP_HOST": self.url[7:]}, start)
        return answer

    def _may(self, request: Request) -> bool:
        headers = request.headers
        if self.owner and headers.get("x-amz-expected-bucket-owner") != self.owner:
            return False
        if self.key is None or not request.writes_an_object:
            return True
        encryption = headers.get("x-amz-server-side-encryption")
        key = headers.get("x-amz-server-side-encryption-aws-kms-key-id")
        return (encryption, key) == ("aws:kms", self.key)


def _answer(
    environ: dict[str, Any], start: Callable[..., Any], status: str, body: bytes
) -> Iterable[bytes]:
    environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))  # before the next request
    start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:
        return None


@contextlib.contextmanager
def strict_store() -> Iterator[StrictStore]:
    """Run a store with an empty bucket, without rules at first."""
    store = StrictStore()
    server = make_server("127.0.0.1", 0, store, threaded=True, request_handler=_Quiet)
    store.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
