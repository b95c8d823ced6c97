"""E-mail: messages as mime.py composed them, handed over SMTP on one connection per drain.

The risky moment is between the last byte of DATA and the server's answer: losing the line there is `unknown`, anywhere
before it is `not accepted`.
"""

import re
import smtplib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

from notifications.channels import mime
from notifications.channels.contract import ChannelDown, Letter, Outcome, Request

_QUEUED = re.compile(rb"queued as ([A-Za-z0-9.-]{1,64})")
_ENHANCED = re.compile(rb"\s*([245]\.\d{1,3}\.\d{1,3})")
_DOT = re.compile(rb"(?m)^\.")
_PIECE = 64 * 1024
"""Bytes written at once: the time-out holds for each piece, so a slow line may take long over a large mail."""


class Smtp:
    """The district's mail server."""

    provider = "smtp"
    batch = 50  # one connection hands over one after the other

    def __init__(
        self,
        host: str,
        port: int,
        security: Literal["starttls", "tls", "none"],
        sender: str,
        *,
        user: str = "",
        password: str = "",
        timeout_s: float = 20,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self.host, self.port, self.security, self.sender = host, port, security, sender
        self.user, self.password, self.timeout_s = user, password, timeout_s
        self.trust = trust
        self.line: smtplib.SMTP | None = None

    def open(self) -> None:
        """Connect, verify the certificate, log in."""
        self.close()
        try:
            self.line = self._connect()
        except smtplib.SMTPAuthenticationError as error:
            raise ChannelDown(self.provider, f"auth {error.smtp_code}") from error
        except ssl.SSLError as error:
            raise ChannelDown(self.provider, "tls") from error
        except (smtplib.SMTPException, OSError) as error:
            raise ChannelDown(self.provider, type(error).__name__) from error

    def _connect(self) -> smtplib.SMTP:
        trust = self.trust or ssl.create_default_context()
        if self.security == "tls":
            line: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout_s, context=trust)
        else:
            line = smtplib.SMTP(self.host, self.port, timeout=self.timeout_s)
        try:
            if self.security == "starttls":
                line.starttls(context=trust)
            if self.user:
                line.login(self.user, self.password)
            line.ehlo_or_helo_if_needed()
        except BaseException:
            line.close()
            raise
        return line

    def compose(self, letter: Letter) -> str:
        """Return the message that will be frozen."""
        return mime.compose(letter, self.sender)

    def carries(self, _template: str, _language: str) -> bool:
        """A mail server takes any text."""
        return True

    def send(self, _call_id: str, requests: Sequence[Request]) -> list[Outcome]:
        """Hand messages over one by one; when the server is gone for good the rest is not tried."""
        outcomes: list[Outcome] = []
        for request in requests:
            outcome = self._send(request)
            outcomes.append(outcome)
            if outcome.verdict == "stop":
                break
        rest = requests[len(outcomes) :]
        return outcomes + [Outcome(request.out_id, "stop", code=outcomes[-1].code) for request in rest]

    def _send(self, request: Request) -> Outcome:
        for _ in range(2):  # an idle line may have been cut: nothing was accepted, so dial once more
            try:
                if self.line is None:
                    self.open()
                refused = self._announce(request)
            except ChannelDown as down:
                return Outcome(request.out_id, "stop", code=down.code)
            except (smtplib.SMTPException, OSError):
                self.close()
                continue
            return refused or self._hand_over(request)
        return Outcome(request.out_id, "stop", code="disconnected")

    def _announce(self, request: Request) -> Outcome | None:
        """Sender, recipient, DATA: up to here nothing can have been accepted."""
        assert self.line is not None
        size = [f"SIZE={len(request.body)}"] if self.line.has_extn("size") else []
        code, answer = self.line.mail(self.sender, size)
        if code == 552:  # larger than the server takes: this mail, not the channel
            return self._refused(request, code, answer)
        if code != 250:
            self._reset()
            return Outcome(request.out_id, "stop", code=_code(code, answer))
        code, answer = self.line.rcpt(request.address)
        if code not in (250, 251):
            return self._refused(request, code, answer)
        code, answer = self.line.docmd("DATA")
        return None if code == 354 else self._refused(request, code, answer)

    def _hand_over(self, request: Request) -> Outcome:
        assert self.line is not None
        text = _DOT.sub(b"..", request.body.encode("ascii")).rstrip(b"\r\n") + b"\r\n.\r\n"
        try:
            for start in range(0, len(text), _PIECE):
                self.line.send(text[start : start + _PIECE])
            code, answer = self.line.getreply()
        except (smtplib.SMTPException, OSError):
            self.close()
            return Outcome(request.out_id, "unknown", code="no answer to DATA")
        if code != 250:
            return self._refused(request, code, answer)
        queued = _QUEUED.search(answer)
        return Outcome(request.out_id, "accepted", queued[1].decode() if queued else None)

    def _refused(self, request: Request, code: int, answer: bytes) -> Outcome:
        self._reset()
        said = _code(code, answer)
        if code == 421 or code in (530, 535):
            self.close()
            return Outcome(request.out_id, "stop", code=said)
        return Outcome(request.out_id, "defer" if 400 <= code < 500 else "rejected", code=said)

    def _reset(self) -> None:
        try:
            if self.line is not None:
                self.line.rset()
        except (smtplib.SMTPException, OSError):
            self.close()

    def close(self) -> None:
        """Say goodbye, if anybody still listens."""
        line, self.line = self.line, None
        if line is not None:
            with suppress(smtplib.SMTPException, OSError):
                line.quit()
            line.close()


def _code(code: int, answer: bytes) -> str:
    """Keep the numbers of an answer; its text may hold the address."""
    enhanced = _ENHANCED.match(answer)
    return f"{code} {enhanced[1].decode()}" if enhanced else str(code)
