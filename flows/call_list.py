"""The call list 电话名单: people whom neither SMS nor e-mail reaches -> a sheet with what to say, and by when."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session
from xlsxwriter.worksheet import Worksheet

from flows.duty_sheets import AMBER, QUIET, Looks, banner, put
from flows.forms_rows import ACCENT, LINE, SHADE, page, text_width, workbook_at, write_rows
from flows.message_figures import message_name
from flows.outlets import late_readers, site_of, still_true
from flows.settings import Settings
from models.message_views import Call, calls
from notifications.catalogue import template
from notifications.parcels import Parcel
from notifications.rendering import render_sms
from rules.errors import say

Row = dict[str, Any]
COLUMNS = ("key", "recipient", "name", "phone", "message", "say", "until", "reached", "note")
ON_PAPER = ("until", "name", "phone", "message", "say", "reached", "note", "recipient", "key")
"""The columns as a caller reads them; what the command wants stands last."""
PERSONAL = {"name", "phone", "say"}
_HEADS = {
    "key": ("消息键", "key", 28),
    "recipient": ("编号", "reference", 13),
    "name": ("姓名", "name", 10),
    "phone": ("电话", "telephone", 20),
    "message": ("事项", "message", 14),
    "say": ("怎么说", "what to say", 46),
    "until": ("最晚", "by", 13),
    "reached": ("接通", "reached", 8),
    "note": ("备注", "note", 18),
}
_LINE_HEIGHT = 15
_CELL = {"text_wrap": True, "valign": "top", "bottom": 4, "bottom_color": LINE}
_LOOKS: Mapping[str, dict[str, Any]] = {
    "until": {"font_color": AMBER, "bold": True},
    "name": {"bold": True},
    "phone": {"bold": True},
    "reached": {"bg_color": SHADE},
    "recipient": {"font_color": QUIET},
    "key": {"font_color": QUIET, "font_size": 8},
}


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
    if to.suffix.lower() == ".csv":
        shown = [name for name in COLUMNS if reveal or name not in PERSONAL]
        write_rows(to, shown, ([row[name] for name in shown] for row in rows))
    else:
        shown = [name for name in ON_PAPER if reveal or name not in PERSONAL]
        _write(to, rows, shown, settings.local(settings.now()))
    return len(rows)


def _rows(session: Session, settings: Settings) -> Iterator[Row]:
    """Yield the calls that still are to be made, the most urgent first; a damaged one names the reference alone."""
    waiting = calls(session, settings.district, settings.now())
    late = _late(session, settings, [call for call in waiting if not call.unreadable])
    site = replace(site_of(settings), answers="", replies=False)  # nobody taps a link on the telephone
    for call in waiting:
        if call.unreadable:
            note = say("内容已损坏，请按编号查找", "damaged; look the reference up")
            yield _row(settings, call, note=note)
            continue
        if call.key not in late:
            continue  # there is nothing to tell any more
        kind = template(call.template)
        told = kind.complete(call.key, call.variables, late[call.key])
        text = render_sms(kind, call.language, told, site=site).text.removeprefix(site.sign)
        note = "" if call.phone else say("没有号码，请按编号查找", "no number; look the reference up")
        yield _row(settings, call, say=text, note=note)


def _row(settings: Settings, call: Call, **more: str) -> Row:
    return {
        **dict.fromkeys(COLUMNS, ""),
        "key": call.key,
        "recipient": call.recipient,
        "name": call.variables.get("name", ""),
        "phone": call.phone,
        "message": message_name(call.template),
        "until": f"{settings.local(call.until):%m-%d %H:%M}" if call.until else "",
        **more,
    }


def _late(session: Session, settings: Settings, waiting: list[Call]) -> dict[str, Mapping[str, Any]]:
    """What is told as it stands now, by key; without those that are no longer true or have nothing to tell."""
    found: dict[str, Mapping[str, Any]] = {}
    readers, truths = late_readers(settings), still_true(settings)
    for name in sorted({call.template for call in waiting}):
        parcels = [_parcel(call) for call in waiting if call.template == name]
        if name in truths:
            true = truths[name](session, parcels)
            parcels = [parcel for parcel in parcels if parcel.key in true]
        reader = readers.get(name)
        found |= reader(session, parcels) if reader else {parcel.key: {} for parcel in parcels}
    return found


def _parcel(call: Call) -> Parcel:
    """The call as the readers of facts want it; it never flies."""
    return Parcel(
        id=0,
        key=call.key,
        template=call.template,
        language=call.language,
        recipient=call.recipient,
        district="",
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
        _guide(sheet, looks, shown)
        head = {"bold": True, "font_color": ACCENT, "bg_color": SHADE, "bottom": 1, "bottom_color": LINE}
        put(sheet, 3, 0, [(1, say(*_HEADS[name][:2]), head) for name in shown], looks)
        for number, row in enumerate(rows, start=4):
            sheet.set_row(number, _LINE_HEIGHT * _lines(row, shown) + 5)
            put(sheet, number, 0, [(1, str(row[name]), _LOOKS.get(name, {}) | _CELL) for name in shown], looks)
        if rows:
            choices = {"validate": "list", "source": [say("是", "yes"), say("否", "no")]}
            sheet.data_validation(4, shown.index("reached"), 3 + len(rows), shown.index("reached"), choices)
        else:
            put(sheet, 4, 0, [(len(shown), say("没有人需要打电话", "nobody to call"), {"font_color": QUIET})], looks)
        sheet.freeze_panes(4, 0)
        page(sheet, header_row=3)


def _guide(sheet: Worksheet, looks: Looks, shown: list[str]) -> None:
    told = say(
        "短信和邮件都联系不到这些人，请在“最晚”之前逐一打电话，照“怎么说”告知。"
        "打完一个登记一个：tuoqi message called 消息键 reached（接通）或 not-reached（没接通）。",
        "Neither SMS nor e-mail reaches them: call each before the time given and say what is written. "
        "Then record each call: tuoqi message called KEY reached, or not-reached.",
    )
    if "name" not in shown:
        told += say("姓名和电话：导出时加 --reveal。", " Names and numbers: export with --reveal.")
    sheet.set_row(1, 2 * _LINE_HEIGHT + 5)
    put(sheet, 1, 0, [(len(shown), told, {"font_color": QUIET, "text_wrap": True})], looks)


def _lines(row: Row, shown: list[str]) -> int:
    """How many lines the longest cell takes; a workbook keeps no such thing by itself."""
    return max(-(-text_width(str(row[name])) // (_HEADS[name][2] - 2)) or 1 for name in shown)
