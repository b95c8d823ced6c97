"""A wire to PostgreSQL that breaks on order: before a question arrives, or when it was answered and nobody heard it.

Both ways are forwarded frame by frame, as the protocol has them (one byte of kind, four of length), so that it breaks
at a chosen question and not at a chosen millisecond. A question ends with Sync or is a simple Query.
"""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Literal

How = Literal["unsent", "unanswered"]
_SYNC, _QUERY, _READY = b"S", b"Q", b"Z"


class Wire:
    """A listening socket on loopback in front of the server's own; every connection has two threads.

    Attributes:
        asked: questions that went through so far.
        plan: asked before each question with its number and text; says how the wire breaks there, or None.
    """

    def __init__(self, server: str) -> None:
        """`server` is the path of the server's socket."""
        self._server, self.asked = server, 0
        self.plan: Callable[[int, bytes], How | None] = lambda _number, _text: None
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._lines: list[_Line] = []
        self._run(self._accept)

    def close(self) -> None:
        """Hang up; connections that are open must have been closed by their clients."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join()

    def hang_up(self) -> None:
        """Break every connection there is, as a restart of the server would."""
        for line in self._lines:
            line.hang_up()

    def _run(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a small frame must not wait for the next
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            self._lines.append(line := _Line(self, client, server))
            self._run(line.questions)
            self._run(line.answers)


class _Line:
    """One connection."""

    def __init__(self, wire: Wire, client: socket.socket, server: socket.socket) -> None:
        self.wire, self.client, self.server = wire, client, server
        self.lock, self.threads, self.answered = threading.Lock(), 2, threading.Event()
        self.asked, self.ready, self.mute = 1, 0, False  # the server says that it is ready first when it says hello

    def questions(self) -> None:
        try:
            hello = struct.unpack("!I", _exactly(self.client, 4))[0]
            self.server.sendall(struct.pack("!I", hello) + _exactly(self.client, hello - 4))
            text = b""
            for kind, frame in _frames(self.client):
                text += frame
                if kind in {_SYNC, _QUERY}:
                    self.wire.asked += 1
                    how = self.wire.plan(self.wire.asked, text)
                    if how == "unsent":
                        break
                    self.asked += 1
                    self.mute = how == "unanswered"
                    self.server.sendall(text)
                    text = b""
                    if self.mute:
                        self.answered.wait(10)
                        break
                elif kind in {b"d", b"c", b"f"}:  # the rows and the end of a COPY belong to the question before
                    self.server.sendall(text)
                    text = b""
        except OSError:
            pass
        self._ended()

    def answers(self) -> None:
        try:
            for kind, frame in _frames(self.server):
                self.ready += kind == _READY
                if not self.mute:
                    self.client.sendall(frame)
                elif self.ready == self.asked:
                    break
        except OSError:
            pass
        self.answered.set()
        self._ended()

    def hang_up(self) -> None:
        """Tell both ends; who is reading wakes up."""
        for end in (self.client, self.server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _ended(self) -> None:
        """The last of the two threads closes what the first left to be read."""
        self.hang_up()
        with self.lock:
            self.threads -= 1
            if not self.threads:
                self.client.close()
                self.server.close()


def _frames(end: socket.socket) -> Iterator[tuple[bytes, bytes]]:
    """Give each frame with its kind, until the other end hangs up."""
    while kind := end.recv(1):
        size = _exactly(end, 4)
        yield kind, kind + size + _exactly(end, struct.unpack("!I", size)[0] - 4)


def _exactly(end: socket.socket, size: int) -> bytes:
    got = bytearray()
    while len(got) < size:
        part = end.recv(size - len(got))
        if not part:
            raise ConnectionResetError
        got += part
    return bytes(got)
