"""Which gateways may be called: the URL of a setting -> checked by name -> resolved -> every address checked -> pinned.

A name is checked against an allow-list, and so is each address it stands for at the moment of the call: the connection
goes to an address that was looked at, not to a name that may have changed its mind since.
"""

import ipaddress
import socket
import ssl
from dataclasses import dataclass, field

import httpx

from notifications.channels.contract import ChannelDown

_ADDRESSES_TRIED = 3
_GLOBAL_UNICAST, _NAT64 = ipaddress.IPv6Network("2000::/3"), ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(eq=False)
class NotSent(ChannelDown):
    """Nothing was sent: no name, no connection, no TLS."""


@dataclass(eq=False)
class BadGateway(NotSent):
    """The gateway of the settings may not be called."""

    setting: str
    zh = "消息通道 {provider} 的网关地址不可用（{code}）；请更正设置 {setting}，消息保留待发。"
    en = "channel {provider}: its gateway may not be called ({code}); correct {setting}. Messages stay pending."


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where a provider listens, and what may be called.

    Attributes:
        provider: name stored on messages.
        setting: name of the setting that holds `url`, for whoever must correct it.
        url: https://host, or with a path; http only to a loopback. May hold a token: never shown.
        hosts: the names that may be called, exactly.
        development: a loopback may be called, when it is listed in `hosts` too.
        connect_s: longest wait for a connection, for each of at most 3 addresses.
        answer_s: longest wait for the next byte, and for the whole answer once it has begun.
        trust: certificates to trust instead of the public ones.
    """

    provider: str
    setting: str
    url: str = field(repr=False)
    hosts: frozenset[str]
    development: bool = False
    connect_s: float = 5
    answer_s: float = 20
    trust: ssl.SSLContext | None = field(default=None, repr=False)

    def check(self) -> httpx.URL:
        """Return the URL.

        Raises:
            BadGateway: it may not be called.
        """
        try:
            url = httpx.URL(self.url)
        except httpx.InvalidURL as error:
            raise self.bad("not a URL") from error
        if url.userinfo or url.fragment:
            raise self.bad("name or fragment in the URL")
        if url.host not in self.hosts:
            raise self.bad("host not listed")
        if _is_loopback(url.host) and not self.development:
            raise self.bad("loopback")
        if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(url.host)):
            raise self.bad("not https")
        return url

    def addresses(self, host: str, port: int | None) -> list[str]:
        """Return the addresses of a host, in the order of the resolver.

        Raises:
            NotSent: it has none.
            BadGateway: one of them is not public, and the host is not a permitted loopback.
        """
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NotSent(self.provider, "dns") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        allowed = _is_loopback if self.development and _is_loopback(host) else is_public
        if not all(map(allowed, addresses)):
            raise self.bad("address not public")
        return addresses

    def bad(self, code: str) -> BadGateway:
        """Return the error that names the setting."""
        return BadGateway(self.provider, code, self.setting)


class Pinned(httpx.BaseTransport):
    """Connects to addresses that were checked; certificates are still verified against the name."""

    def __init__(self, gateway: Gateway, inner: httpx.BaseTransport) -> None:
        self._gateway, self._inner = gateway, inner
        self._last = ""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send to the address that served us last, or the first that lets us connect; once sent, no other is tried."""
        host = request.url.host
        addresses = self._gateway.addresses(host, request.url.port)
        addresses.sort(key=lambda address: address != self._last)
        for address in addresses[:_ADDRESSES_TRIED]:
            try:
                response = self._inner.handle_request(_to(request, host, address))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                refused = error
            else:
                self._last = address
                return response
        raise refused

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def _to(request: httpx.Request, host: str, address: str) -> httpx.Request:
    """Aim a request at an address; its Host header and the name in TLS stay."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )


def is_public(address: str) -> bool:
    """Tell whether an IP address belongs to the public internet, also when it wraps an IPv4 address."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not ip.is_multicast
    inner = ip.ipv4_mapped or ip.sixtofour or _behind_nat64(ip)
    return is_public(str(inner)) if inner is not None else ip.is_global and ip in _GLOBAL_UNICAST


def _behind_nat64(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None


def _is_loopback(host: str) -> bool:
    """Tell whether a name or an address means this machine itself; other names may too, their addresses show it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
