"""The gate: strict headers on every answer, known hosts, small bodies, right methods, wrong codes made slow."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest
from jinja2 import UndefinedError
from starlette.types import Message, Receive, Scope, Send

from flows.answer_page import gate
from flows.answer_page.gate import HEADERS, Gate
from flows.answer_page.guesses import ALL, ALL_S, EACH, EACH_S, Guesses, address_of
from flows.answer_page.page import STYLE, Page, written
from notifications.links import Ticket, make
from tests.flows.answer_page.conftest import CANARY, FAR, ON_SQLITE, Telephone, Town


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def wrong(number: int = 0) -> str:
    return f"/a/{'2iGMg0WOyRnvYDBMNAkbxzVEWfDf'}{number:03}"


CALLS: dict[str, Callable[[Telephone, str], httpx.Response]] = {
    "a page": lambda phone, link: phone.get(link),
    "a step": lambda phone, link: phone.post(link, {"do": "ack"}),
    "a wrong code": lambda phone, _: phone.get(wrong()),
    "a wrong code posted": lambda phone, _: phone.post(wrong(), {"do": "ack"}),
    "no such page": lambda phone, _: phone.get("/"),
    "a wrong method": lambda phone, link: phone.get(link, "DELETE"),
    "health": lambda phone, _: phone.get("/healthz"),
    "a strange host": lambda phone, link: phone.get(link, host="evil.example"),
    "too large": lambda phone, link: phone.post(link, b"x" * 5_000),
    "too long": lambda phone, link: phone.get(f"{link}?{'x' * 400}"),
    "a callback": lambda phone, _: phone.post("/callback/aliyun/guess/reports", b"[]"),
}


@ON_SQLITE
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_answer_has_every_header(town: Town, call: Callable[[Telephone, str], httpx.Response]) -> None:
    told = call(town.telephone(), town.link())
    assert {name: told.headers.get(name) for name in HEADERS} == HEADERS
    assert "set-cookie" not in told.headers


@ON_SQLITE
def test_the_policy_allows_our_style_and_no_script_at_all(town: Town) -> None:
    told = town.telephone().get(town.link())
    policy = told.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert f"<style>{STYLE}</style>" in told.text
    assert not [
        word for word in ("<script", "javascript:", " onclick", " onload", "http://", "https://") if word in told.text
    ]


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "method", "status", "allow"),
    [
        pytest.param("link", "HEAD", 200, None, id="HEAD of a link"),
        pytest.param("link", "PUT", 405, "GET, HEAD, POST", id="PUT"),
        pytest.param("link", "DELETE", 405, "GET, HEAD, POST", id="DELETE"),
        pytest.param("link", "OPTIONS", 405, "GET, HEAD, POST", id="OPTIONS"),
        pytest.param("/healthz", "POST", 405, "GET, HEAD", id="POST to healthz"),
        pytest.param("/callback/aliyun/x/reports", "GET", 405, "POST", id="GET of a callback"),
        pytest.param("/", "GET", 404, None, id="the root"),
        pytest.param("/a/", "GET", 404, None, id="no code"),
        pytest.param("/a/x/y", "GET", 404, None, id="more than a code"),
        pytest.param("/docs", "GET", 404, None, id="no documentation"),
    ],
)
def test_methods_and_paths(town: Town, path: str, method: str, status: int, allow: str | None) -> None:
    told = town.telephone().get(town.link() if path == "link" else path, method)
    assert told.status_code == status
    assert ", ".join(sorted(told.headers["allow"].split(", "))) == allow if allow else "allow" not in told.headers


@ON_SQLITE
@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:4201", 200),
        ("localhost", 200),
        ("LOCALHOST:80", 200),
        ("[::1]:4201", 400),
        ("answers.example.cn", 200),
        ("answers.example.cn.:443", 200),
        ("evil.example", 400),
        ("answers.example.cn.evil.example", 400),
        ("evil.example#answers.example.cn", 400),
        ("", 400),
    ],
)
def test_only_known_hosts_are_served(town: Town, host: str, status: int) -> None:
    telephone = town.telephone(answer_url="https://answers.example.cn")
    assert telephone.get(town.link(), host=host).status_code == status


@ON_SQLITE
@pytest.mark.parametrize(("size", "status"), [(4_096, 200), (4_097, 413)])
def test_a_form_larger_than_4_kb_is_refused(town: Town, size: int, status: int) -> None:
    body = b"do=ack&note=" + b"x" * (size - 12)
    assert town.telephone().post(town.link(), body).status_code == status


@ON_SQLITE
@pytest.mark.parametrize("length", ["5000", "-1", "x", "1e3"])
def test_a_length_that_is_said_is_believed_only_when_it_is_small(town: Town, length: str) -> None:
    assert town.telephone().post(town.link(), b"do=ack", **{"content-length": length}).status_code == 413
    assert town.slot().state == "published"


def through_the_gate(pieces: list[Message], patience: float = 10.0) -> int | None:
    """Send a POST in pieces past a gate to an app that answers 200; a missing last piece never comes."""
    told: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Message:
        if pieces:
            return pieces.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            told.append(message["status"])

    scope = {"type": "http", "path": "/a/x", "raw_path": b"/a/x", "query_string": b"", "headers": [(b"host", b"h")]}
    original, gate.BODY_S = gate.BODY_S, patience
    try:
        asyncio.run(Gate(app, frozenset({"h"}), lambda _: 4_096)({**scope, "method": "POST"}, receive, send))
    finally:
        gate.BODY_S = original
    return told[0] if told else None


def piece(size: int, *, last: bool) -> Message:
    return {"type": "http.request", "body": b"x" * size, "more_body": not last}


def test_a_body_in_pieces_is_counted_as_it_comes() -> None:
    assert through_the_gate([piece(2_000, last=False), piece(2_000, last=True)]) == 200
    assert through_the_gate([piece(2_000, last=False)] * 3) == 413


def test_half_a_form_of_somebody_who_hung_up_is_not_taken() -> None:
    assert through_the_gate([piece(10, last=False), {"type": "http.disconnect"}]) is None


def test_a_body_that_never_ends_is_not_waited_for() -> None:
    assert through_the_gate([piece(10, last=False)], patience=0.05) == 408


@ON_SQLITE
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\xff\xfe=1", id="no UTF-8"),
        pytest.param(b"do=%ff", id="escaped bytes that are no UTF-8"),
        pytest.param(b"&".join(b"x=1" for _ in range(50)), id="many fields"),
        pytest.param(b'{"do": "ack"}', id="JSON"),
    ],
)
def test_a_body_that_is_no_form_of_ours_does_nothing(town: Town, body: bytes) -> None:
    assert town.telephone().post(town.link(), body).status_code == 404
    assert town.slot().state == "published"


@ON_SQLITE
def test_unknown_changed_guessed_and_removed_links_look_the_same(town: Town) -> None:
    link, telephone = town.link(), town.telephone()
    changed = link[:-1] + ("a" if link[-1] != "a" else "b")
    removed = f"/a/{make(town.database.keys, Ticket('duty', 9_999, 1, 0, FAR))}"
    pages = [telephone.get(path) for path in (wrong(), changed, removed, "/a/%E7%BC%96", "/nowhere")]
    assert {page.status_code for page in pages} == {404}
    assert len({page.text for page in pages}) == 1


@ON_SQLITE
def test_an_address_that_guesses_is_made_to_wait_and_no_other_is(town: Town) -> None:
    clock = Clock()
    telephone, link = town.telephone(clock=clock), town.link()
    assert [telephone.get(wrong(n)).status_code for n in range(EACH + 2)] == [404] * EACH + [429] * 2
    stopped = telephone.get(link)
    assert (stopped.status_code, stopped.headers["retry-after"]) == (429, str(int(EACH_S)))
    assert "请过几分钟" in stopped.text
    assert Telephone(telephone.app, "203.0.113.99").get(link).status_code == 200
    clock.now += EACH_S
    assert telephone.get(link).status_code == 200
    assert telephone.get(wrong()).status_code == 404
    assert telephone.get(wrong()).status_code == 429


@ON_SQLITE
def test_right_links_cost_nothing(town: Town) -> None:
    telephone, link = town.telephone(), town.link()
    assert {telephone.get(link).status_code for _ in range(3 * EACH)} == {200}


@ON_SQLITE
def test_when_many_addresses_guess_each_gets_one_guess_and_right_links_still_work(town: Town) -> None:
    telephone, link = town.telephone(), town.link()
    for n in range(ALL):
        Telephone(telephone.app, f"198.51.{n // 250}.{n % 250}").get(wrong(n))
    stranger = Telephone(telephone.app, "192.0.2.1")
    assert [stranger.get(wrong()).status_code for _ in range(3)] == [404, 429, 429]
    assert Telephone(telephone.app, "192.0.2.2").get(link).status_code == 200


def test_the_shared_tokens_grow_back() -> None:
    clock = Clock()
    guesses = Guesses(clock)
    for n in range(ALL):
        guesses.wrong(f"10.0.{n // 250}.{n % 250}")
    assert guesses.wait_s("10.0.0.1") == ALL_S
    clock.now += ALL_S
    assert guesses.wait_s("10.0.0.1") == 0


def test_a_clean_slate_is_forgotten_and_memory_is_bounded() -> None:
    guesses = Guesses(Clock(), remembered=5)
    for n in range(50):
        guesses.wrong(f"10.0.0.{n}")
    assert len(guesses._buckets) == 5


def test_an_ipv6_network_is_one_guesser() -> None:
    guesses = Guesses(Clock())
    for n in range(EACH):
        guesses.wrong(f"2001:db8:1:2::{n:x}")
    assert guesses.wait_s("2001:db8:1:2:ffff::1") > 0
    assert guesses.wait_s("2001:db8:1:3::1") == 0


def test_an_ipv4_address_in_ipv6_is_itself() -> None:
    guesses = Guesses(Clock())
    for _ in range(EACH):
        guesses.wrong("::ffff:203.0.113.7")
    assert guesses.wait_s("203.0.113.7") > 0
    assert guesses.wait_s("::ffff:203.0.113.8") == 0


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxy", "address"),
    [
        pytest.param("203.0.113.7", "1.2.3.4", "", "203.0.113.7", id="no proxy is trusted"),
        pytest.param("203.0.113.7", "1.2.3.4", "10.0.0.1", "203.0.113.7", id="a stranger is not the proxy"),
        pytest.param("10.0.0.1", "1.2.3.4", "10.0.0.1", "1.2.3.4", id="the proxy tells"),
        pytest.param("10.0.0.1", "6.6.6.6, 1.2.3.4", "10.0.0.1", "1.2.3.4", id="only the last is the proxy's word"),
        pytest.param("10.0.0.1", "", "10.0.0.1", "10.0.0.1", id="the proxy says nothing"),
        pytest.param(None, "1.2.3.4", "10.0.0.1", "unknown", id="no peer"),
    ],
)
def test_whose_address_counts(peer: str | None, forwarded: str, proxy: str, address: str) -> None:
    assert address_of(peer, forwarded, proxy) == address


@ON_SQLITE
def test_a_forged_forwarded_header_does_not_escape_the_limit(town: Town) -> None:
    telephone = town.telephone()
    told = [telephone.get(wrong(n), **{"x-forwarded-for": f"8.8.8.{n}"}).status_code for n in range(EACH + 1)]
    assert told == [404] * EACH + [429]


@ON_SQLITE
def test_each_line_of_the_forwarded_header_is_read_and_the_last_counts(town: Town) -> None:
    telephone = town.telephone(answer_proxy="203.0.113.7")
    lines = [("x-forwarded-for", "8.8.8.8"), ("x-forwarded-for", "192.0.2.5")]

    async def guess() -> int:
        transport = httpx.ASGITransport(telephone.app, client=(telephone.address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return (await client.get(wrong(), headers=lines)).status_code

    assert [asyncio.run(guess()) for _ in range(EACH + 1)] == [404] * EACH + [429]
    assert telephone.get(wrong(), **{"x-forwarded-for": "8.8.8.8"}).status_code == 404


@ON_SQLITE
def test_what_goes_wrong_outside_a_page_is_a_number_with_every_header(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(page: Page) -> str:
        raise ValueError(CANARY, page)

    monkeypatch.setattr("flows.answer_page.app.written", fail)
    told = town.telephone().get(town.link())
    assert (told.status_code, CANARY in told.text, told.text.startswith("incident I-")) == (500, False, True)
    assert {name: told.headers.get(name) for name in HEADERS} == HEADERS


@ON_SQLITE
def test_healthz_is_well_with_the_database_and_not_without(town: Town) -> None:
    telephone = town.telephone()
    well = telephone.get("/healthz")
    assert (well.status_code, well.text) == (200, "ok\n")
    telephone.app.state.desk = None
    assert telephone.get("/healthz").status_code == 503


def test_a_page_that_lacks_a_value_fails_loudly() -> None:
    with pytest.raises(UndefinedError):
        written(Page(200, "note.html", {"title": "x"}))
