"""Guessing of codes made slow: a wrong code costs its address a token, and one of those that all addresses share.

An address out of tokens is not answered until one grows back. When the shared ones are gone (many addresses guess), an
address gets one guess and no more; whoever has a right link is never among them, for a right code costs nothing.
"""

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

EACH, EACH_S = 10, 30.0
"""Wrong codes of one address at once, and the seconds in which one more grows back."""
ALL, ALL_S = 200, 1.0
REMEMBERED = 10_000
"""Addresses kept; the one whose last wrong code is longest ago goes first."""


class Guesses:
    """Token buckets in this process; `clock` counts seconds and never goes back."""

    def __init__(self, clock: Callable[[], float], remembered: int = REMEMBERED) -> None:
        self._clock, self._remembered = clock, remembered
        self._lock = Lock()
        self._shared = _Bucket(ALL, ALL_S, clock())
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_s(self, address: str) -> int:
        """Return 0 when a code of this address may be read, else after how many seconds."""
        with self._lock:
            now, bucket = self._clock(), self._buckets.get(_network(address))
            if bucket is None or bucket.full(now):
                return 0
            return max(bucket.wait_s(now), self._shared.wait_s(now))

    def wrong(self, address: str) -> None:
        """Take the tokens of a wrong code."""
        with self._lock:
            now, network = self._clock(), _network(address)
            self._buckets.setdefault(network, _Bucket(EACH, EACH_S, now)).take(now)
            self._buckets.move_to_end(network)
            self._shared.take(now)
            while len(self._buckets) > self._remembered:
                self._buckets.popitem(last=False)


class _Bucket:
    __slots__ = ("_at", "_each_s", "_most", "_tokens")

    def __init__(self, most: int, each_s: float, now: float) -> None:
        self._most, self._each_s, self._tokens, self._at = most, each_s, float(most), now

    def _grow(self, now: float) -> None:
        self._tokens = min(self._most, self._tokens + (now - self._at) / self._each_s)
        self._at = now

    def full(self, now: float) -> bool:
        self._grow(now)
        return self._tokens >= self._most

    def wait_s(self, now: float) -> int:
        self._grow(now)
        return 0 if self._tokens >= 1 else math.ceil((1 - self._tokens) * self._each_s)

    def take(self, now: float) -> None:
        self._grow(now)
        self._tokens = max(0.0, self._tokens - 1)


def _network(address: str) -> str:
    """An IPv6 customer has 2^64 addresses: the /64 stands for them."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped is None:
        return str(ipaddress.ip_network((known, 64), strict=False))
    return str(getattr(known, "ipv4_mapped", None) or known)


def address_of(peer: str | None, forwarded: str, proxy: str) -> str:
    """Return the address of who asks: the peer, or what the one trusted proxy says of its own peer.

    Args:
        peer: address at the other end of the connection.
        forwarded: X-Forwarded-For; a client may write what it likes into it, and the proxy appends the truth.
        proxy: address of the trusted proxy; "" for none.
    """
    if not proxy or peer != proxy or not forwarded:
        return peer or "unknown"
    return forwarded.rpartition(",")[2].strip()
