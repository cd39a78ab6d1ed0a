"""Faults on demand, for tests of a client: no part of Redshift, absent unless a port is given.

A loopback socket takes one JSON document per line and answers each with one:

* `{"drop": "during_commit", "times": 1}` drops a client's connection at a named point,
* `{"answer": {"pattern": "(?i)^copy", "sqlstate": "XX000", "message": "1023"}, "times": 2}` answers
  the next statements that match with an error,
* `{"clear": true}` disarms everything; `{}` only asks what is armed.

The points: `before_commit` (PostgreSQL rolls back), `during_commit` (it has committed, the client
never hears of it), `after_commit` (the client has heard), `before_copy`, and `during_copy` (some
rows have been sent to PostgreSQL).
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
from dataclasses import dataclass
from typing import Any

from mysql_s3_redshift.sandbox.redshift.errors import RedshiftError

POINTS = ("before_commit", "during_commit", "after_commit", "before_copy", "during_copy")


class ClientDropped(ConnectionError):  # noqa: N818 - not an error of the program
    """A fault asked to drop this client's connection."""


@dataclass(slots=True)
class _Answer:
    pattern: re.Pattern[str]
    error: RedshiftError
    times: int


class Faults:
    """What is armed. Without a control port nothing ever is."""

    def __init__(self) -> None:
        self._drops: dict[str, int] = {}
        self._answers: list[_Answer] = []

    def drops_at(self, point: str) -> bool:
        """Tell whether to drop the connection here, using the fault up."""
        left = self._drops.get(point, 0)
        if left:
            self._drops[point] = left - 1
        return left > 0

    def drop_at(self, point: str) -> None:
        """Drop the connection here if that was asked for.

        Raises:
            ClientDropped: When it was.
        """
        if self.drops_at(point):
            raise ClientDropped(point)

    def answer(self, sql: str) -> None:
        """Answer a statement with an error if that was asked for.

        Raises:
            RedshiftError: The armed error.
        """
        for answer in self._answers:
            if answer.times > 0 and answer.pattern.search(sql):
                answer.times -= 1
                raise answer.error

    def apply(self, command: dict[str, Any]) -> dict[str, Any]:
        """Carry out one command and tell what is armed.

        Raises:
            ValueError: When the command is not understood.
        """
        times = int(command.get("times", 1))
        if command.get("clear"):
            self._drops, self._answers = {}, []
        if "drop" in command:
            if command["drop"] not in POINTS:
                raise ValueError(f"no point {command['drop']}; there are {', '.join(POINTS)}")
            self._drops[command["drop"]] = times
        if "answer" in command:
            answer = command["answer"]
            error = RedshiftError(
                answer["sqlstate"], answer["message"], detail=answer.get("detail")
            )
            self._answers.append(_Answer(re.compile(answer["pattern"]), error, times))
        return {
            "drops": {point: left for point, left in self._drops.items() if left},
            "answers": [
                {"pattern": answer.pattern.pattern, "times": answer.times}
                for answer in self._answers
                if answer.times
            ],
        }


async def serve_control(faults: Faults, host: str, port: int) -> asyncio.Server:
    """Listen for commands."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            try:
                reply = {"ok": True, **faults.apply(json.loads(line))}
            except (ValueError, KeyError, TypeError, re.error) as error:
                reply = {"ok": False, "error": f"{type(error).__name__}: {error}"}
            writer.write(json.dumps(reply).encode() + b"\n")
            await writer.drain()
        writer.close()

    return await asyncio.start_server(converse, host, port)


def send_command(port: int, command: dict[str, Any], host: str = "127.0.0.1") -> dict[str, Any]:
    """Send one command to a running stand-in and return what is armed then.

    Raises:
        ValueError: When the stand-in does not understand the command.
    """
    with socket.create_connection((host, port), timeout=5) as connection:
        connection.sendall(json.dumps(command).encode() + b"\n")
        with connection.makefile("rb") as lines:
            reply: dict[str, Any] = json.loads(lines.readline())
    if not reply.pop("ok"):
        raise ValueError(reply["error"])
    return reply
