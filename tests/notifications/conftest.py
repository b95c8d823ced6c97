"""A gateway on loopback that says what a test wants it to say."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass(frozen=True)
class Told:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    body: Any
    peer: tuple[str, int]


class Web(ThreadingHTTPServer):
    """Answers each JSON body with the status and content that `say` returns for it; status 0 hangs up.

    Every connection has a thread, so `say` may wait for other requests.
    """

    def __init__(self) -> None:
        self.say: Callable[[Any], tuple[int, Any]] = lambda _: (200, {})
        self.headers: dict[str, str] = {}
        self.got: list[Told] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """Its address without a path."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def bodies(self) -> list[Any]:
        """What it was told."""
        return [told.body for told in self.got]

    def says(self, answer: Any, status: int = 200, **headers: str) -> None:
        """Answer everything so."""
        self.say, self.headers = lambda _: (status, answer), headers


class _Handler(BaseHTTPRequestHandler):
    server: Web
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer leaves in one piece: no delayed acknowledgement, no 40 ms a call

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append(Told(self.path, dict(self.headers), body, self.client_address))
        status, answer = self.server.say(body)
        if not status:
            self.close_connection = True
            return
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **self.server.headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: Any) -> None:
        """Stay silent."""


@pytest.fixture
def web() -> Iterator[Web]:
    """A running gateway."""
    with Web() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()
