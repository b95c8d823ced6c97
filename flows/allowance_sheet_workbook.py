"""The approval sheet 审批表 as a workbook: one page to sign by, then communities, what to look at, and the list.

References only, no names; the confirmation code stands on the first page alone.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from xlsxwriter.worksheet import Worksheet

from flows.allowance_sheet import Sheet, period_said
from flows.duty_sheets import AMBER, QUIET, WHITE, Looks, Piece, banner, put
from flows.forms_rows import ACCENT, LINE, SHADE, page, workbook_at
from models.allowance_figures import Head, total
from rules.errors import say
from rules.money import yuan
from rules.programmes import programme_name

REASONS = {
    "dead": ("已去世", "dead"),
    "moved_out": ("已迁出", "moved out"),
    "hukou_other": ("户籍不在本区", "registered elsewhere"),
    "hukou_unknown": ("户籍未登记", "household registration not known"),
    "not_applied": ("尚未申请", "not applied for yet"),
    "not_certified": ("未通过资格认证", "not certified"),
    "no_account": ("没有账户", "no account"),
    "proxy_expired": ("代领证明已过期", "the proxy's document ran out"),
    "other_programme": ("已享受其他项目", "paid by another programme"),
    "duplicate": ("已在别处享受", "paid elsewhere"),
}
KINDS = {
    "plan": ("本期名单", "the cycle's list"),
    "supplement": ("补充名单", "supplement"),
    "reissue": ("重新发放", "again"),
}
_LABEL = {"font_color": QUIET, "bottom": 1, "bottom_color": LINE}
TEXT = {"bottom": 1, "bottom_color": LINE}
COUNT, MONEY = TEXT | {"num_format": "#,##0"}, TEXT | {"num_format": "#,##0.00"}
SMALL = {"font_size": 9, "font_color": QUIET, "text_wrap": True}
LOUD = {"font_color": AMBER, "bold": True}
_SUM, _CHANGE = {"bold": True, "bg_color": SHADE}, {"num_format": "+#,##0;-#,##0;0"}
_HEAD = {"bold": True, "font_color": WHITE, "bg_color": ACCENT, "align": "center", "shrink": True}


def write_sheet(path: Path, sheet: Sheet, today: date) -> None:
    """Write 审批表, 按社区, 请留意, 名单."""
    with workbook_at(path) as book:
        looks = Looks(book)
        _cover(book.add_worksheet(say("审批表", "Approval")), looks, sheet, today)
        _communities(book.add_worksheet(say("按社区", "Communities")), looks, sheet)
        _exceptions(book.add_worksheet(say("请留意", "To look at")), looks, sheet)
        _names(book.add_worksheet(say("名单（仅编号）", "The list (references)")), looks, sheet)


def heads(sheet: Worksheet, looks: Looks, row: int, texts: Sequence[tuple[str, str]]) -> None:
    """Write the heads of a table."""
    put(sheet, row, 0, [(1, say(*text), _HEAD) for text in texts], looks)


def columns(sheet: Worksheet, widths: Sequence[int]) -> None:
    """Set the widths of the columns from the first on, and print them on one page."""
    page(sheet, header_row=1)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)


def _cover(sheet: Worksheet, looks: Looks, told: Sheet, today: date) -> None:
    columns(sheet, (26, 16, 16, 16, 18))
    sheet.set_portrait()
    name = f"{programme_name(told.head.programme)} {period_said(told.head.period)}"
    banner(sheet, looks, (4, 1), say(f"{name} 发放审批表", f"Approval: {name}"), f"{today}")
    for row, (label, value) in enumerate(_facts(told), start=1):
        put(sheet, row, 0, [(1, label, _LABEL), (4, value, TEXT)], looks)
    row = len(_facts(told)) + 1
    sheet.set_row(row, 34)
    code = {"bold": True, "font_size": 22, "font_color": ACCENT, "bg_color": SHADE, "align": "center"}
    put(sheet, row, 0, [(1, say("确认码", "confirmation code"), {"bg_color": SHADE}), (4, told.code, code)], looks)
    how = say(
        "核对无误后，在 allowance-approve 中输入工号、本确认码和动态口令。审批后名单、金额或账户有变动，确认码即失效。",
        "If all is right, run allowance-approve with your staff number, this code and your one-time code. "
        "Any change of people, amounts or accounts afterwards makes the approval void.",
    )
    sheet.set_row(row + 1, 30)
    put(sheet, row + 1, 0, [(5, how, SMALL)], looks)
    row = _bands(sheet, looks, told, _periods(sheet, looks, told, row + 3) + 1)
    if told.excluded:
        _left_out(sheet, looks, told, row + 1)


def _facts(told: Sheet) -> list[tuple[str, str]]:
    top, amount = told.head, total(told.groups)
    return [
        (say("名单编号", "list"), f"{top.ref}（{say(*KINDS[top.kind])}）"),
        (say("依据文号", "notice"), top.notice or "—"),
        (say("资格以此日为准", "judged as of"), str(top.as_of or "—")),
        (say("公示期", "public notice"), _window(top)),
        (say("人次", "payments"), f"{amount.payments:,}"),
        (say("金额（元）", "amount (yuan)"), yuan(amount.fen)),
        (say("需要审批人数", "approvers needed"), str(told.needed)),
        (say("请留意", "to look at"), say("{} 项，见该页", "{}, see the page").format(len(told.exceptions))),
    ]


def _periods(sheet: Worksheet, looks: Looks, told: Sheet, row: int) -> int:
    """Write each period beside its budget; return the row after."""
    titles = [
        ("发放期", "Period"),
        ("人次", "Payments"),
        ("金额（元）", "Yuan"),
        ("预算（元）", "Budget"),
        ("余额（元）", "Left"),
    ]
    heads(sheet, looks, row, titles)
    for period, budget in told.budgets.items():
        row += 1
        amount = total([group for group in told.groups if group.period == period])
        pieces: list[Piece] = [
            (1, period_said(period), TEXT),
            (1, amount.payments, COUNT),
            (1, amount.fen / 100, MONEY),
        ]
        if budget is None:
            pieces += [(1, "—", TEXT), (1, say("没有预算", "no budget"), TEXT | LOUD)]
        else:
            look = MONEY | (LOUD if budget < amount.fen else {})
            pieces += [(1, budget / 100, MONEY), (1, (budget - amount.fen) / 100, look)]
        put(sheet, row, 0, pieces, looks)
    note = say(
        "余额为预算减去本名单；已批准的其他名单在审批时一并扣除。",
        "Left: the budget less this list; other approved lists are deducted on approval.",
    )
    put(sheet, row + 1, 0, [(5, note, SMALL)], looks)
    return row + 2


def _bands(sheet: Worksheet, looks: Looks, told: Sheet, row: int) -> int:
    """Write each band beside the cycle before; return the row after."""
    titles = [
        ("档次", "Band"),
        ("每人（元）", "Each"),
        ("人次", "Payments"),
        ("金额（元）", "Yuan"),
        ("上期人次", "Before"),
    ]
    heads(sheet, looks, row, titles)
    then, now = Counter[str](), Counter[tuple[str, int]]()
    for group in told.before:
        then[group.band] += group.people
    for group in told.groups:
        now[group.band, group.fen_each] += group.people
    order = {band: place for place, band in enumerate(told.bands)}  # as the notice names them
    for (band, each), people in sorted(now.items(), key=lambda one: (order.get(one[0][0], 99), one[0])):
        row += 1
        old: Piece = (1, then[band] if told.before_period else "—", COUNT | {"align": "right"})
        name: list[Piece] = [(1, told.bands.get(band, band), TEXT), (1, each / 100, MONEY), (1, people, COUNT)]
        put(sheet, row, 0, [*name, (1, each * people / 100, MONEY), old], looks)
    return row + 1


def _left_out(sheet: Worksheet, looks: Looks, told: Sheet, row: int) -> None:
    put(sheet, row, 0, [(2, say("未列入的原因", "Left out because"), _HEAD), (1, say("人数", "People"), _HEAD)], looks)
    counts = Counter[str]()
    for reason, _, people in told.excluded:
        counts[reason] += people
    for reason, people in counts.most_common():
        row += 1
        put(sheet, row, 0, [(2, say(*REASONS[reason]), TEXT), (1, people, COUNT)], looks)


def _communities(sheet: Worksheet, looks: Looks, told: Sheet) -> None:
    """Each community beside the cycle before: where many more or fewer are paid is marked."""
    columns(sheet, (34, 12, 16, 12, 16, 12, 14))
    banner(sheet, looks, (5, 2), say("按社区汇总", "By community"), told.head.ref)
    titles = [
        ("社区", "Community"), ("人次", "Payments"), ("金额（元）", "Yuan"), ("上期人次", "Before"),
        ("上期金额（元）", "Before, yuan"), ("人次增减", "More, fewer"), ("未列入人数", "Left out"),
    ]  # fmt: skip
    heads(sheet, looks, 1, titles)
    out = Counter[int]()
    for _, community, people in told.excluded:
        out[community] += people
    homes = {group.community_id for group in (*told.groups, *told.before)} | set(out)
    for row, home in enumerate(sorted(homes, key=lambda each: told.places.get(each, "")), start=2):
        put(sheet, row, 0, [*_community(told, home), (1, out[home], COUNT)], looks)
    _all(sheet, looks, told, 2 + len(homes))
    sheet.freeze_panes(2, 1)


def _all(sheet: Worksheet, looks: Looks, told: Sheet, row: int) -> None:
    """Write the sums below the communities."""
    now, then = total(told.groups), total(told.before)
    people: Any = then.payments if told.before_period else "—"
    money: Any = then.fen / 100 if told.before_period else "—"
    change: Any = now.payments - then.payments if told.before_period else "—"
    pieces: list[Piece] = [
        (1, say("合计", "Total"), TEXT | _SUM), (1, now.payments, COUNT | _SUM), (1, now.fen / 100, MONEY | _SUM),
        (1, people, COUNT | _SUM), (1, money, MONEY | _SUM), (1, change, COUNT | _SUM | _CHANGE),
        (1, sum(count for *_, count in told.excluded), COUNT | _SUM),
    ]  # fmt: skip
    put(
        sheet,
        row,
        0,
        [pieces[0], *((width, value, look | {"align": "right"}) for width, value, look in pieces[1:])],
        looks,
    )


def _community(told: Sheet, home: int) -> list[Piece]:
    now = total([group for group in told.groups if group.community_id == home])
    then = total([group for group in told.before if group.community_id == home])
    pieces: list[Piece] = [(1, told.places.get(home, str(home)), TEXT), (1, now.payments, COUNT)]
    pieces.append((1, now.fen / 100, MONEY))
    if told.before_period is None:
        return [*pieces, *[(1, "—", COUNT | {"align": "right"})] * 3]
    change: Any = now.payments - then.payments
    look = COUNT | _CHANGE | (LOUD if abs(change) > max(3, then.payments // 10) else {})
    return [*pieces, (1, then.payments, COUNT), (1, then.fen / 100, MONEY), (1, change, look)]


def _exceptions(sheet: Worksheet, looks: Looks, told: Sheet) -> None:
    columns(sheet, (18, 20, 60))
    banner(sheet, looks, (2, 1), say("请留意", "To look at"), told.head.ref)
    heads(sheet, looks, 1, [("事项", "What"), ("老人编号", "Elder"), ("说明", "Remark")])
    found = told.exceptions
    for row, texts in enumerate(found, start=2):
        put(sheet, row, 0, [(1, text, TEXT) for text in texts], looks)
    if not found:
        put(sheet, 2, 0, [(3, say("（没有）", "(nothing)"), SMALL)], looks)
    sheet.freeze_panes(2, 0)


def _names(sheet: Worksheet, looks: Looks, told: Sheet) -> None:
    columns(sheet, (18, 34, 18, 20, 14, 12))
    title = say("名单（仅编号，查姓名请用 tuoqi who）", "The list (references; for names: tuoqi who)")
    banner(sheet, looks, (5, 1), title, told.head.ref)
    titles = [
        ("老人编号", "Elder"), ("社区", "Community"), ("发放期", "Period"), ("档次", "Band"), ("金额（元）", "Yuan"),
        ("账户尾号", "Account"),
    ]  # fmt: skip
    heads(sheet, looks, 1, titles)
    for row, one in enumerate(told.payees, start=2):
        place, band = told.places.get(one.community_id, ""), told.bands.get(one.band, one.band)
        pieces: list[Piece] = [(1, text, TEXT) for text in (one.ref, place, period_said(one.period), band)]
        put(
            sheet, row, 0, [*pieces, (1, one.fen / 100, MONEY), (1, one.tail or "—", TEXT | {"align": "center"})], looks
        )
    sheet.freeze_panes(2, 0)


def _window(top: Head) -> str:
    if top.notice_from is None:
        return say("不需要（已公示过）", "not needed, shown before")
    return say(f"{top.notice_from} 至 {top.notice_until}", f"{top.notice_from} to {top.notice_until}")
