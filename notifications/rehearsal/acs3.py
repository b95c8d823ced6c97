"""Alibaba's ACS3-HMAC-SHA256, written from its specification: key > date > body hash > signature > nonce.

Canonical request: method, path, sorted query, signed headers, their names, and the SHA-256 of the body, one a line. The
signature is HMAC-SHA256(secret, "ACS3-HMAC-SHA256" + newline + SHA-256 of the canonical request), in hex.
"""

import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from urllib.parse import parse_qsl, quote

from notifications.rehearsal.account import Account
from notifications.rehearsal.calls import Call, Refusal

ALGORITHM = "ACS3-HMAC-SHA256"
SKEW_S = 15 * 60
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} Credential=([^,]+), ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{{64}})"
)


class Acs3:
    """Verifies calls and remembers their nonces for as long as a date is good."""

    def __init__(self, account: Account, clock: Callable[[], float]) -> None:
        self.account, self.clock = account, clock
        self._nonces: OrderedDict[str, float] = OrderedDict()
        self._lock = Lock()

    def check(self, call: Call) -> None:
        """Let a call pass.

        Raises:
            Refusal: with the gateway's own code and HTTP status.
        """
        parsed = _AUTHORIZATION.fullmatch(call.headers.get("authorization", ""))
        if parsed is None:
            raise Refusal("IncompleteSignature", "The request signature does not conform to Aliyun standards.", 400)
        key_id, signed, signature = parsed.groups()
        if key_id != self.account.key_id:
            raise Refusal("InvalidAccessKeyId.NotFound", "Specified access key is not found.", 404)
        self._check_date(call.headers.get("x-acs-date", ""))
        self._check_signature(call, signed.split(";"), signature)
        self._check_nonce(call.headers.get("x-acs-signature-nonce", ""))

    def _check_date(self, written: str) -> None:
        try:
            date = datetime.strptime(written, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:
            raise Refusal("IllegalTimestamp", "The input parameter x-acs-date is missing or malformed.", 400) from None
        if abs(date.timestamp() - self.clock()) > SKEW_S:
            raise Refusal("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.", 400)

    def _check_signature(self, call: Call, signed: list[str], signature: str) -> None:
        unsigned = [name for name in call.headers if _must_be_signed(name) and name not in signed]
        if unsigned or not set(signed) <= set(call.headers):
            raise Refusal("IncompleteSignature", "A header is not signed, or signed and not there.", 400)
        digest = hashlib.sha256(call.body).hexdigest()
        expected = sign(self.account.secret, canonical_request(call, signed, digest))
        if digest != call.headers.get("x-acs-content-sha256") or not hmac.compare_digest(expected, signature):
            raise Refusal("SignatureDoesNotMatch", "Specified signature is not matched with our calculation.", 400)

    def _check_nonce(self, nonce: str) -> None:
        now = self.clock()
        with self._lock:
            while self._nonces and next(iter(self._nonces.values())) < now - 2 * SKEW_S:
                self._nonces.popitem(last=False)
            if not nonce or nonce in self._nonces:
                raise Refusal("SignatureNonceUsed", "Specified signature nonce was used already.", 400)
            self._nonces[nonce] = now


def _must_be_signed(name: str) -> bool:
    return name.startswith("x-acs-") or name in ("host", "content-type")


def canonical_request(call: Call, signed: list[str], digest: str) -> str:
    """Return the text that is signed; `digest` is the SHA-256 of the body in hex."""
    pairs = sorted(parse_qsl(call.query, keep_blank_values=True))
    query = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)
    names = sorted(signed)
    headers = "".join(f"{name}:{call.headers[name].strip()}\n" for name in names)
    return "\n".join((call.method, call.path or "/", query, headers, ";".join(names), digest))


def sign(secret: str, canonical: str) -> str:
    """Return the signature in hex."""
    text = f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
