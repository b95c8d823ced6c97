"""Tencent's TC3-HMAC-SHA256, written from its specification: credential > key > time > signature.

Canonical request: method, path, query, signed headers, their names, and the SHA-256 of the body, one a line. The key is
HMAC(HMAC(HMAC("TC3" + secret, date), service), "tc3_request"); it signs algorithm, timestamp, scope and the SHA-256 of
the canonical request, one a line.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime

from notifications.rehearsal.account import Account
from notifications.rehearsal.calls import Call, Refusal

ALGORITHM = "TC3-HMAC-SHA256"
SERVICE = "sms"
SKEW_S = 5 * 60  # three times as strict as Alibaba
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=([^/]+)/(\d{{4}}-\d\d-\d\d)/(\w+)/tc3_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)


class Tc3:
    """Verifies calls."""

    def __init__(self, account: Account, clock: Callable[[], float]) -> None:
        self.account, self.clock = account, clock

    def check(self, call: Call) -> None:
        """Let a call pass.

        Raises:
            Refusal: with Tencent's own code; HTTP is 200 all the same.
        """
        parsed = _AUTHORIZATION.fullmatch(call.headers.get("authorization", ""))
        if parsed is None:
            raise Refusal("AuthFailure.InvalidAuthorization", "Authorization does not follow the standard.")
        key_id, day, service, signed, signature = parsed.groups()
        if key_id != self.account.key_id:
            raise Refusal("AuthFailure.SecretIdNotFound", "The SecretId is not found, please ensure it is correct.")
        timestamp = self._timestamp(call.headers.get("x-tc-timestamp", ""))
        names = signed.split(";")
        scope = f"{day}/{service}/tc3_request"
        right = (
            service == SERVICE
            and day == datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
            and {"content-type", "host"} <= set(names) <= set(call.headers)
            and hmac.compare_digest(
                sign(self.account.secret, timestamp, scope, canonical_request(call, names)), signature
            )
        )
        if not right:
            raise Refusal(
                "AuthFailure.SignatureFailure",
                "The provided credentials could not be validated. Please check your signature is correct.",
            )

    def _timestamp(self, written: str) -> int:
        if re.fullmatch(r"[0-9]{1,12}", written) is None:
            raise Refusal("MissingParameter", "The request is missing the parameter X-TC-Timestamp.")
        if abs(int(written) - self.clock()) > SKEW_S:
            raise Refusal("AuthFailure.SignatureExpire", "The provided credentials have expired.")
        return int(written)


def canonical_request(call: Call, signed: list[str]) -> str:
    """Return the text that is signed."""
    names = sorted(signed)
    headers = "".join(f"{name}:{call.headers[name].strip().lower()}\n" for name in names)
    digest = hashlib.sha256(call.body).hexdigest()
    return "\n".join((call.method, call.path, call.query, headers, ";".join(names), digest))


def sign(secret: str, timestamp: int, scope: str, canonical: str) -> str:
    """Return the signature in hex; `scope` is date/service/tc3_request."""
    key = f"TC3{secret}".encode()
    for step in scope.split("/"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    text = f"{ALGORITHM}\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
