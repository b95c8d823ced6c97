"""The line: one thread a connection > read the call > have it answered > send the answer, whole or broken.

Whoever waits - a silent fault, a slow one, an idle connection - waits on its own socket or on `stopping`, so stopping
wakes everybody: `stop` shuts all sockets down and is done when the last thread has let go.
"""

import os
import re
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Condition, Event
from typing import Any

from notifications.rehearsal.calls import Answer, Call, as_json

_LARGEST = 10 * 1024 * 1024
_LENGTH = re.compile(r"[0-9]{1,9}")
_PATIENCE_S = 5


class Server(ThreadingHTTPServer):
    """On loopback alone; knows its connections, so that stopping can wake them."""

    request_queue_size = 128

    def __init__(self, port: int, answer: Callable[[Call], Answer]) -> None:
        self.reply_to = answer
        self.stopping = Event()
        self.changed = Condition()
        self.lines: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking the name service who we are."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.socket.getsockname()[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers hang up as they like; anything else is a bug and is shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def stop(self) -> None:
        """End serving and all connections; returns when the threads have let go, after 5 s at the latest."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self.changed:
            for line in self.lines:
                with suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
            self.changed.wait_for(lambda: not self.lines, _PATIENCE_S)


class _Handler(BaseHTTPRequestHandler):
    """One connection; kept open between calls."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server
    connection: socket.socket

    def setup(self) -> None:
        """Take part in stopping."""
        with self.server.changed:
            self.server.lines.add(self.request)
        super().setup()

    def finish(self) -> None:
        """Let go."""
        try:
            super().finish()
        finally:
            with self.server.changed:
                self.server.lines.discard(self.request)
                self.server.changed.notify_all()

    def handle_one_request(self) -> None:
        """Serve unless stopping."""
        if self.server.stopping.is_set():
            self.close_connection = True
        else:
            super().handle_one_request()

    def do_GET(self) -> None:
        """Read the call, get its answer, send it; a caller that dies before the last byte asked for nothing."""
        length = self.headers.get("Content-Length", "0")
        if _LENGTH.fullmatch(length) is None or int(length) > _LARGEST or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self._send(Answer(as_json({"error": "body with a Content-Length up to 10 MB, please"}), 413))
            self.connection.shutdown(socket.SHUT_WR)
            self._wait_for_goodbye()  # closing on unread data would be a reset, and lose the answer
            return
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return
        path, _, query = self.path.partition("?")
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._finish(self.server.reply_to(Call(self.command, path, query, headers, body)))

    do_POST = do_GET  # noqa: N815

    def _finish(self, answer: Answer) -> None:
        if answer.wait_s and self.server.stopping.wait(answer.wait_s):
            self.close_connection = True
            return
        if answer.ending == "reset":
            self._reset()
        elif answer.ending == "silent":
            self.close_connection = True
            self._wait_for_goodbye()
        else:
            self._send(answer)

    def _wait_for_goodbye(self) -> None:
        """Wait until the caller hangs up, or the server stops."""
        while self.connection.recv(65536):
            pass

    def _send(self, answer: Answer) -> None:
        """Write head and body at once; half a body promises the whole and closes."""
        half = answer.ending == "half"
        self.close_connection = self.close_connection or half
        lines = [
            f"HTTP/1.1 {answer.status} {self.responses.get(answer.status, ('',))[0]}",
            f"Content-Type: {answer.type}",
            f"Content-Length: {len(answer.body)}",
            f"Connection: {'close' if self.close_connection else 'keep-alive'}",
            *(f"{name}: {value}" for name, value in answer.headers.items()),
        ]
        body = answer.body[: len(answer.body) // 2] if half else answer.body
        self.wfile.write("\r\n".join((*lines, "", "")).encode("latin-1") + body)

    def _reset(self) -> None:
        """Close with unsent data discarded, which the other side sees as RST."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())

    def log_message(self, *_args: Any) -> None:
        """Write nothing: addresses and queries hold numbers."""
