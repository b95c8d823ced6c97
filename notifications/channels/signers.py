"""Signatures of the SMS providers: a request as it will leave -> its canonical text -> HMAC-SHA256 -> Authorization.

Both are `httpx.Auth`, so they see the very bytes that are sent. Checked against requests of the official SDKs, see
tests/data/captured/. Neither shows its secret in its repr.
"""

import hmac
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import parse_qsl, quote

import httpx


class Acs3(httpx.Auth):
    """Alibaba Cloud's signature V3, ACS3-HMAC-SHA256.

    The caller sets x-acs-action and x-acs-version; date, nonce and content hash are set here. Signed are the headers
    that the official SDK signs too.

    Args:
        key_id: AccessKey id.
        secret: its secret.
        clock: real time, aware; the provider refuses what is 15 minutes off.
        nonce: a new random text at each call; the provider refuses one that it has seen.
    """

    requires_request_body = True
    _signed = frozenset({"accept", "content-type", "host", "user-agent"})

    def __init__(
        self,
        key_id: str,
        secret: str,
        clock: Callable[[], datetime],
        nonce: Callable[[], str] = secrets.token_hex,
    ) -> None:
        self._key_id, self._secret, self._clock, self._nonce = key_id, secret, clock, nonce

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]
        """Sign, send once."""
        digest = sha256(request.content).hexdigest()
        request.headers["x-acs-date"] = self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        request.headers["x-acs-signature-nonce"] = self._nonce()
        request.headers["x-acs-content-sha256"] = digest
        names = sorted(name for name in request.headers if name in self._signed or name.startswith("x-acs-"))
        lines = "".join(f"{name}:{request.headers[name].strip()}\n" for name in names)
        signed = ";".join(names)
        text = f"{request.method}\n{_path(request)}\n{_query(request)}\n{lines}\n{signed}\n{digest}"
        to_sign = f"ACS3-HMAC-SHA256\n{sha256(text.encode()).hexdigest()}"
        signature = _hmac(self._secret.encode(), to_sign).hex()
        request.headers["Authorization"] = (
            f"ACS3-HMAC-SHA256 Credential={self._key_id},SignedHeaders={signed},Signature={signature}"
        )
        yield request


class Tc3(httpx.Auth):
    """Tencent Cloud's API 3.0 signature, TC3-HMAC-SHA256.

    The caller sets Content-Type and X-TC-Action; the timestamp is set here. Signed are content-type and host, as the
    official SDK does.

    Args:
        key_id: SecretId.
        secret: SecretKey.
        service: the product in the credential scope, such as sms.
        clock: real time, aware; the provider refuses what is 5 minutes off.
    """

    requires_request_body = True

    def __init__(self, key_id: str, secret: str, service: str, clock: Callable[[], datetime]) -> None:
        self._key_id, self._secret, self._service, self._clock = key_id, secret, service, clock

    def auth_flow(self, request: httpx.Request) -> Iterator[httpx.Request]:  # type: ignore[override]
        """Sign, send once."""
        now = self._clock().astimezone(UTC)
        day, stamp = f"{now:%Y-%m-%d}", str(int(now.timestamp()))
        request.headers["X-TC-Timestamp"] = stamp
        lines = "".join(f"{name}:{request.headers[name].strip()}\n" for name in ("content-type", "host"))
        text = "\n".join(
            (
                request.method,
                _path(request),
                _query(request),
                lines,
                "content-type;host",
                sha256(request.content).hexdigest(),
            )
        )
        scope = f"{day}/{self._service}/tc3_request"
        to_sign = f"TC3-HMAC-SHA256\n{stamp}\n{scope}\n{sha256(text.encode()).hexdigest()}"
        key = f"TC3{self._secret}".encode()
        for step in (day, self._service, "tc3_request"):
            key = _hmac(key, step)
        request.headers["Authorization"] = (
            f"TC3-HMAC-SHA256 Credential={self._key_id}/{scope}, SignedHeaders=content-type;host, "
            f"Signature={_hmac(key, to_sign).hex()}"
        )
        yield request


def _path(request: httpx.Request) -> str:
    return request.url.raw_path.decode("ascii").partition("?")[0] or "/"


def _query(request: httpx.Request) -> str:
    """Return the query sorted by name and encoded by RFC 3986, whatever way it was written."""
    pairs = parse_qsl(request.url.query.decode("ascii"), keep_blank_values=True)
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(pairs))


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
