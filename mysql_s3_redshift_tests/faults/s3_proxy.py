"""An S3 endpoint that fails on demand: forwards to the real server, and misbehaves as it is told.

Requests are forwarded with their headers as they are, so that signatures stay valid.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

ERROR = (
    '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code>'
    "<Message>injected</Message></Error>"
)
CODES = {
    403: "AccessDenied",
    404: "NoSuchKey",
    500: "InternalError",
    503: "SlowDown",
    507: "InsufficientStorage",
}


@dataclass(slots=True)
class Fault:
    """What happens to the next requests that match.

    Attributes:
        method: HTTP method.
        path: Part of the path or query.
        action: An HTTP status, which is answered and nothing forwarded; `hang`, which never
            answers; `drop`, which closes the connection before forwarding; `lose`, which forwards
            and closes instead of answering; `lose_500`, which forwards and answers 500; `truncate`,
            which breaks the answer's body off; `damage`, which halves it.
        times: How often; 0 means that it is used up.
        after: Matching requests that pass before.
    """

    method: str
    path: str
    action: int | str
    times: int = 1
    after: int = 0

    def strikes(self, method: str, path: str) -> bool:
        """Whether this request is hit; counts down."""
        if method != self.method or self.path not in unquote(path) or not self.times:
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return True


@dataclass(slots=True)
class S3Proxy:
    """A running proxy.

    Attributes:
        faults: What is armed; the first that strikes is used.
        struck: Actions that were carried out, in order.
        requests: Method and path of everything that arrived.
    """

    upstream: tuple[str, int]
    endpoint_url: str = ""
    faults: list[Fault] = field(default_factory=list)
    struck: list[int | str] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, method: str, path: str, action: int | str, **more: int) -> None:
        """Arm a fault."""
        self.faults.append(Fault(method, path, action, **more))

    def take(self, method: str, path: str) -> int | str | None:
        """The action for a request, None to serve it well."""
        with self.lock:
            self.requests.append((method, path))
            fault = next((f for f in self.faults if f.strikes(method, path)), None)
            if fault is not None:
                self.struck.append(fault.action)
        return fault.action if fault else None


@contextlib.contextmanager
def s3_proxy(endpoint_url: str) -> Iterator[S3Proxy]:
    """Run a proxy in front of an S3 server."""
    parts = urlsplit(endpoint_url)
    proxy = S3Proxy((str(parts.hostname), int(parts.port or 80)))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(proxy))
    server.daemon_threads = True
    proxy.endpoint_url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()


def _handler_of(proxy: S3Proxy) -> type[BaseHTTPRequestHandler]:
    class Exchange(BaseHTTPRequestHandler):
        """One client connection."""

        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *arguments: Any) -> None:
            """Requests are kept in `S3Proxy.requests`."""

        def _serve(self) -> None:
            body = self._body()
            action = proxy.take(self.command, self.path)
            if isinstance(action, int):
                self._answer(action, ERROR.format(code=CODES[action]).encode())
                return
            if action in {"hang", "drop"}:
                time.sleep(3600 if action == "hang" else 0)
                self.close_connection = True
                return
            status, headers, content = self._forward(body)
            if action == "lose":
                self.close_connection = True
            elif action == "lose_500":
                self._answer(500, ERROR.format(code=CODES[500]).encode())
            elif action == "damage":
                self._answer(status, content[: len(content) // 2], headers)
            else:
                self._answer(status, content, headers, cut=action == "truncate")

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815

        def _body(self) -> bytes:
            if "chunked" in self.headers.get("Transfer-Encoding", ""):
                raise ValueError("this proxy forwards whole bodies; the client sent chunks")
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            upstream = http.client.HTTPConnection(*proxy.upstream, timeout=30)
            upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in {"expect", "connection"}:
                    upstream.putheader(name, value)
            upstream.endheaders(body or None)
            response = upstream.getresponse()
            content = response.read()
            upstream.close()
            return response.status, response.getheaders(), content

        def _answer(
            self,
            status: int,
            content: bytes,
            headers: list[tuple[str, str]] | None = None,
            *,
            cut: bool = False,
        ) -> None:
            self.send_response_only(status)
            skipped = {"content-length", "transfer-encoding", "connection"}
            kept = [(n, v) for n, v in headers or [] if n.lower() not in skipped]
            length = len(content)
            if self.command == "HEAD":
                length = int({n.lower(): v for n, v in headers or []}.get("content-length", 0))
            for name, value in [*kept, ("Content-Length", str(length))]:
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content[: len(content) // 2] if cut else content)
            if cut:
                self.wfile.flush()
                self.close_connection = True

    return Exchange
