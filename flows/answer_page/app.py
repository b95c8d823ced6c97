"""The app: code in the address -> its ticket, or a refusal that gives nothing away -> shown (GET) or done (POST).

Opening a link does nothing: link previews and virus scanners open links. Only a POST confirms.
"""

import hmac
import time
from collections.abc import Callable
from functools import partial
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import text as sql
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from flows.answer_page import duty, optout, swap_answer, swap_ask
from flows.answer_page.callbacks import BadPayload, Callbacks
from flows.answer_page.desk import Desk
from flows.answer_page.gate import Gate
from flows.answer_page.guesses import Guesses, address_of
from flows.answer_page.page import Answered, Lang, Page, expired, lost, note, overtaken, written
from flows.failures import DatabaseFull, DatabaseGone, PublicError, incident
from flows.intake_store import Overtaken
from flows.settings import Settings
from models.db import Database
from models.duty_record import SlotMoved
from notifications.links import BadLink, ExpiredLink, Ticket, read
from rules.errors import LANGUAGE, say

FORM_BYTES = 4_096
CALLBACK_BYTES = 1_048_576
_RETRY_S = "60"
FIELDS = 12
"""More fields than any form of ours has are not read."""


def answer_app(
    database: Database,
    settings: Settings,
    *,
    callbacks: Callbacks | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Starlette:
    """Make the app.

    Args:
        database: open.
        settings: district, language, clock, and what begins with `answer_`.
        callbacks: the SMS providers that may call.
        clock: seconds, for the limits on wrong codes.
    """
    hosts = {"127.0.0.1", "localhost", settings.answer_bind, urlsplit(settings.answer_url).hostname or ""} - {""}
    app = Starlette(
        routes=[
            Route("/a/{code}", _answer, methods=["GET", "POST"]),
            Route("/callback/{provider}/{secret}/{what}", _callback, methods=["POST"]),
            Route("/healthz", _healthz, methods=["GET"]),
        ],
        middleware=[Middleware(Gate, hosts=frozenset(hosts), most=partial(_most, settings))],
        exception_handlers={HTTPException: _no_route},
    )
    app.router.redirect_slashes = False
    app.state.desk = Desk(database, settings)
    app.state.guesses = Guesses(clock)
    app.state.callbacks = callbacks or Callbacks()
    return app


def _most(settings: Settings, path: str) -> int:
    """How many bytes a path takes: only who knows the secret may send a provider's large portions."""
    parts = path.split("/")
    trusted = len(parts) == 5 and parts[1] == "callback" and _knows(settings, parts[3])
    return CALLBACK_BYTES if trusted else FORM_BYTES


def _knows(settings: Settings, given: str) -> bool:
    """Whether this is the secret of the callbacks; without one, nothing is."""
    secret = settings.callback_secret
    return secret is not None and hmac.compare_digest(given.encode(), secret.get_secret_value().encode())


async def _answer(request: Request) -> Response:
    lang = _language(request)
    wait_s = request.app.state.guesses.wait_s(_address(request))
    if wait_s:
        return _html(_slow_down(), lang, {"Retry-After": str(wait_s)})
    form = _fields(await request.body())
    page = await run_in_threadpool(_page, request, form)
    if page is None:
        request.app.state.guesses.wrong(_address(request))
        page = lost()
    return _html(page, lang, {"Retry-After": _RETRY_S} if page.status == 503 else None)


def _page(request: Request, form: dict[str, str]) -> Page | None:
    """Read the code and do what is asked; None for a code that nobody made."""
    desk: Desk = request.app.state.desk
    code = request.path_params["code"]
    try:
        ticket = read(desk.database.keys, code, desk.now)
        desk, do = desk.of(ticket), request.query_params.get("do", "")
        return _done(desk, code, ticket, form) if request.method == "POST" else _shown(desk, code, ticket, do)
    except BadLink:
        return None
    except ExpiredLink:
        return expired()
    except Answered as answered:
        return answered.page
    except (Overtaken, SlotMoved):
        return overtaken()
    except Exception as error:  # noqa: BLE001 - the border: the reader gets a number, our log the rest
        return _broken(incident(error))


def _shown(desk: Desk, code: str, ticket: Ticket, do: str) -> Page:
    if ticket.purpose == "swap":
        return swap_answer.show(desk, ticket)
    if ticket.purpose == "optout":
        return optout.show(desk, code, ticket)
    return swap_ask.choose(desk, ticket) if do == "swap" else duty.show(desk, code, ticket)


def _done(desk: Desk, code: str, ticket: Ticket, form: dict[str, str]) -> Page:
    if ticket.purpose == "swap":
        return swap_answer.take(desk, code, ticket, form.get("do", ""))
    if ticket.purpose == "optout":
        return optout.take(desk, code, ticket)
    if form.get("do") == "swap":
        return swap_ask.ask(desk, code, ticket, form.get("date", ""))
    return duty.take(desk, code, ticket, form)


def _fields(body: bytes) -> dict[str, str]:
    """Read a form; what is none, such as a mail program's multipart, has no fields."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS, errors="strict")
    except ValueError:
        return {}
    return dict(pairs)


async def _callback(request: Request) -> Response:
    desk: Desk = request.app.state.desk
    if not _knows(desk.settings, request.path_params["secret"]):
        return _html(lost(), _language(request))
    what, provider = request.path_params["what"], request.path_params["provider"]
    callbacks: Callbacks = request.app.state.callbacks
    body = await request.body()
    try:
        yes = await run_in_threadpool(callbacks.hear, desk, provider, what, body)
    except BadPayload:
        return JSONResponse({"error": "payload"}, 400)
    except Exception as error:  # noqa: BLE001 - the border; the provider repeats what was not stored
        return JSONResponse({"error": (await run_in_threadpool(incident, error)).incident}, 500)
    return _html(lost(), _language(request)) if yes is None else JSONResponse(dict(yes))


async def _healthz(request: Request) -> Response:
    """Well when the database answers."""
    try:
        await run_in_threadpool(_ask_database, request.app.state.desk)
    except Exception:  # noqa: BLE001 - whatever it is, the page cannot work
        return PlainTextResponse("no database\n", 503)
    return PlainTextResponse("ok\n")


def _ask_database(desk: Desk) -> None:
    with desk.database.read() as session:
        session.execute(sql("SELECT 1"))


async def _no_route(request: Request, error: Exception) -> Response:
    """Any other address and method."""
    assert isinstance(error, HTTPException)
    lang = _language(request)
    page = lost()
    return _html(Page(error.status_code, page.template, page.values), lang, dict(error.headers or {}))


def _language(request: Request) -> Lang:
    asked, own = request.query_params.get("lang"), request.app.state.desk.settings.lang
    lang: Lang = "en" if asked == "en" else "zh" if asked == "zh" else own
    LANGUAGE.set(lang)  # of this request: each has a context of its own
    return lang


def _address(request: Request) -> str:
    peer = request.client.host if request.client else None
    proxy = request.app.state.desk.settings.answer_proxy
    forwarded = ",".join(request.headers.getlist("x-forwarded-for"))  # some proxies append a line of their own
    return address_of(peer, forwarded, proxy)


def _html(page: Page, lang: Lang, headers: dict[str, str] | None = None) -> HTMLResponse:
    told = {"Content-Language": "en" if lang == "en" else "zh-CN", **(headers or {})}
    return HTMLResponse(written(page), page.status, told)


def _slow_down() -> Page:
    title = say("请稍等再试", "Please wait a little")
    text = say(
        "打不开的次数太多了。请过几分钟，直接点开最新一条消息里的链接。",
        "Too many links did not work. Wait a few minutes, then open the link in the latest message.",
    )
    return note(429, title, text)


def _broken(told: PublicError) -> Page:
    if isinstance(told, DatabaseGone | DatabaseFull):  # it comes back by itself; what got no answer may be recorded
        title = say("系统正在恢复", "The service is recovering")
        text = say(
            "刚才的操作可能没有登记。请过几分钟再打开这个链接看一看；"
            f"还是不行，请把编号 {told.incident} 告诉服务中心。",
            "It may not have been recorded. Open this link again in a few minutes and see; if it still fails, "
            f"tell your centre the number {told.incident}.",
        )
        return note(503, title, text, "urgent")
    title = say("暂时不能办理", "Something went wrong")
    text = say(
        f"您的操作没有登记。请过一会儿再试；还是不行，请把编号 {told.incident} 告诉服务中心。",
        f"Nothing was recorded. Try again later; if it still fails, tell your centre the number {told.incident}.",
    )
    return note(500, title, text, "urgent")
