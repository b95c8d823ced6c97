"""One-time codes 动态验证码 of an authenticator (TOTP, RFC 6238): SHA-1, 6 digits, 30 s, which every app knows."""

import hmac
import unicodedata
from datetime import UTC, datetime

import pyotp

STEP_S = 30
WINDOW = 1  # steps by which the clocks may differ
ISSUER = "托起"
_DIGITS = 6
_DUMMY = "A" * 32


def new_secret() -> str:
    """Draw a secret of 160 bits, base32."""
    return pyotp.random_base32()


def enrolment_uri(secret: str, number: str) -> str:
    """Return the otpauth address that a phone scans; it names the staff number and no person."""
    return pyotp.TOTP(secret).provisioning_uri(name=number, issuer_name=ISSUER)


def step_of(at: datetime) -> int:
    """Return the number of the step an instant lies in."""
    return int(at.timestamp()) // STEP_S


def instant_of(step: int) -> datetime:
    """Return when a step begins."""
    return datetime.fromtimestamp(step * STEP_S, UTC)


def code_at(secret: str, step: int) -> str:
    """Return the code of a step."""
    return pyotp.HOTP(secret).at(step)


def matching_step(secret: str | None, said: str, at: datetime) -> int | None:
    """Return the latest step about `at` whose code was said; None if there is none, or no secret.

    Every code of the window is worked out and compared in constant time, with or without a secret, so that the time
    taken tells nothing.
    """
    code = "".join(unicodedata.normalize("NFKC", said).split()).replace("-", "").encode()
    found = None
    for step in range(step_of(at) - WINDOW, step_of(at) + WINDOW + 1):
        same = hmac.compare_digest(code_at(secret or _DUMMY, step).encode(), code)
        found = step if same and secret else found
    return found
