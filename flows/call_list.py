"""The call list 电话名单: people whom neither SMS nor e-mail reaches -> a sheet with what to say, and by when."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session

from flows.duty_sheets import AMBER, QUIET, Looks, banner, put
from flows.forms_rows import ACCENT, LINE, SHADE, page, text_width, workbook_at, write_rows
from flows.message_figures import message_name
from flows.outlets import late_readers, site_of
from flows.settings import Settings
from models.message_views import Call, calls
from notifications.catalogue import template
from notifications.parcels import Parcel
from notifications.rendering import render_sms
from rules.errors import say

Row = dict[str, Any]
COLUMNS = ("key", "recipient", "name", "phone", "message", "say", "until", "reached", "note")
_HEADS = {
    "key": ("消息键", "key", 30),
    "recipient": ("编号", "reference", 14),
    "name": ("姓名", "name", 12),
    "phone": ("电话", "telephone", 16),
    "message": ("事项", "message", 18),
    "say": ("怎么说", "what to say", 60),
    "until": ("最晚", "by", 14),
    "reached": ("接通(是/否)", "reached (yes/no)", 12),
    "note": ("备注", "note", 24),
}
_LINE = 16
"""Points of one line of text; programs differ in whether they make room for wrapped text by themselves."""


def write_call_list(session: Session, settings: Settings, to: Path, *, reveal: bool) -> int:
    """Write the call list of now; names, numbers and texts only if revealed.

    Args:
        session: reading.
        settings: district and clock.
        to: .csv for programs, .xlsx for people.
        reveal: with names, telephone numbers and what to say.

    Returns:
        How many people are to be called.
    """
    rows = list(_rows(session, settings))
    shown = [name for name in COLUMNS if reveal or name not in {"name", "phone", "say"}]
    if to.suffix.lower() == ".csv":
        write_rows(to, shown, ([row[name] for name in shown] for row in rows))
    else:
        _write(to, rows, shown, settings.local(settings.now()))
    return len(rows)


def _rows(session: Session, settings: Settings) -> Iterator[Row]:
    waiting = calls(session, settings.district, settings.now())
    late = late_readers(settings)
    site = replace(site_of(settings), answers="", replies=False)  # nobody can tap a link or "reply 1" on the telephone
    for call in waiting:
        reader = late.get(call.template)
        more = reader(session, [_parcel(call)]).get(call.key) if reader else {}
        if more is None:
            continue  # there is nothing to tell any more
        kind = template(call.template)
        told = kind.complete(call.key, call.variables, more)
        yield {
            "key": call.key,
            "recipient": call.recipient,
            "name": call.variables.get("name", ""),
            "phone": call.phone,
            "message": message_name(call.template),
            "say": render_sms(kind, call.language, told, site=site).text.removeprefix(site.sign),
            "until": f"{settings.local(call.until):%m-%d %H:%M}" if call.until else "",
            "reached": "",
            "note": "",
        }


def _parcel(call: Call) -> Parcel:
    """The call as the readers of late variables want it; it never flies."""
    return Parcel(
        id=0,
        key=call.key,
        template=call.template,
        language=call.language,
        recipient=call.recipient,
        kind="notice",
        audience="staff",
        address_index=None,
        enclosures=None,
        out_id="",
        attempts=0,
        not_before=call.since,
        expires_at=call.until,
        address=call.phone,
        variables=call.variables,
        unreadable=False,
    )


def _write(to: Path, rows: list[Row], shown: list[str], at: datetime) -> None:
    with workbook_at(to) as book:
        looks, sheet = Looks(book), book.add_worksheet(say("电话名单", "Calls"))
        for column, name in enumerate(shown):
            sheet.set_column(column, column, _HEADS[name][2])
        half = len(shown) // 2
        banner(sheet, looks, (half, len(shown) - half), say("电话名单", "People to call"), f"{at:%Y-%m-%d %H:%M}")
        told = say(
            "短信和邮件都联系不到这些人，请逐一打电话。打完后执行 tuoqi message called 键 reached 或 not-reached。",
            "Neither SMS nor e-mail reaches them. After each call: `tuoqi message called KEY reached|not-reached`.",
        )
        put(sheet, 1, 0, [(len(shown), told, {"font_color": QUIET})], looks)
        head = {"bold": True, "font_color": ACCENT, "bg_color": SHADE, "bottom": 1, "bottom_color": LINE}
        put(sheet, 3, 0, [(1, say(*_HEADS[name][:2]), head) for name in shown], looks)
        wrapped = {"text_wrap": True, "valign": "top", "bottom": 4, "bottom_color": LINE}
        for number, row in enumerate(rows, start=4):
            sheet.set_row(number, _LINE * max(-(-text_width(str(row[name])) // _HEADS[name][2]) for name in shown))
            cells = [
                (1, str(row[name]), {**wrapped, **({"font_color": AMBER, "bold": True} if name == "until" else {})})
                for name in shown
            ]
            put(sheet, number, 0, cells, looks)
        if not rows:
            put(sheet, 4, 0, [(len(shown), say("没有人需要打电话", "nobody to call"), {"font_color": QUIET})], looks)
        sheet.freeze_panes(4, 0)
        page(sheet, header_row=3)
