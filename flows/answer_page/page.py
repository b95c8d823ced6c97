"""What is shown: a template with values in the reader's language -> HTML; nothing on it names a person."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from notifications.duty import weekday
from rules.errors import LANGUAGE, say

FOLDER = Path(__file__).parent / "templates"
STYLE = (FOLDER / "style.css").read_text(encoding="utf-8")
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
"""By which the Content-Security-Policy allows this style and no other."""

Lang = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Page:
    """A page to be written: its HTTP status, template and values."""

    status: int
    template: str
    values: Mapping[str, Any] = field(default_factory=dict)


class Answered(Exception):
    """Leave with this page; raised inside a transaction it also takes everything back."""

    def __init__(self, page: Page) -> None:
        super().__init__(page.template)
        self.page = page


@contextmanager
def speaking(lang: Lang) -> Iterator[None]:
    """Speak another language for a while: what is stored or sent is in the district's, whoever reads the page."""
    before = LANGUAGE.set(lang)
    try:
        yield
    finally:
        LANGUAGE.reset(before)


def note(status: int, title: str, text: str, tone: str = "quiet") -> Page:
    """A page that says one thing and asks for nothing; tone: quiet, calm or urgent."""
    return Page(status, "note.html", {"title": title, "text": text, "tone": tone})


def lost() -> Page:
    """Unknown, changed, guessed and removed links look the same: nobody learns which codes exist."""
    title = say("打不开这个链接", "This link does not work")
    text = say(
        "链接可能没有复制完整，或已经作废。请直接点开最新一条短信或邮件里的链接；还是不行，请联系您所在的服务中心。",
        "It may have been cut off, or is no longer in use. Open the link in the latest message; if that does not help, "
        "ask your centre.",
    )
    return note(404, title, text)


def expired() -> Page:
    """The link was right once."""
    title = say("这个链接已过期", "This link has expired")
    text = say(
        "请打开最新一条短信或邮件里的链接；如需补登记，请联系您所在的服务中心。",
        "Open the link in the latest message; if something still has to be recorded, ask your centre.",
    )
    return note(410, title, text)


def used() -> Page:
    """The link did this step once, and what it did was changed since."""
    title = say("这个链接已经用过", "This link was used already")
    text = say(
        "这一步已经用这个链接登记过，不能再用一次。请打开最新一条短信或邮件里的链接，或联系您所在的服务中心。",
        "This step was done with this link once and cannot be done again. Open the link in the latest message, or ask "
        "your centre.",
    )
    return note(409, title, text)


def overtaken() -> Page:
    """Somebody else changed the same duty at the same moment; nothing was stored."""
    title = say("请再试一次", "Please try again")
    text = say(
        "刚才有人同时改动了这一班，您的操作没有登记。请返回，再按一次。",
        "Somebody changed this duty at the same moment, so nothing was recorded. Go back and press once more.",
    )
    return note(409, title, text, "urgent")


def told_day(day: date, today: date) -> dict[str, str]:
    """A date as it is shown: 3月10日, 周二, and 今天 or 明天 where it is."""
    zh, en = f"{day.month}月{day.day}日", f"{day.day} {day:%b}"
    near = {0: say("今天", "today"), 1: say("明天", "tomorrow")}.get((day - today).days, "")
    return {"date": say(zh, en), "weekday": say(weekday(day), f"{day:%a}"), "near": near, "iso": day.isoformat()}


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(say=say, style=Markup(STYLE))  # noqa: S704 - our own file
    return made


def written(page: Page) -> str:
    """Render a page in the language of this request."""
    lang = LANGUAGE.get()
    return _environment().get_template(page.template).render(**page.values, lang=lang)
