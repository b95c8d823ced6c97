"""Accounts and certifications from files: only added, doubted where they look wrong, refused where they cannot be."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import Session, col

from flows.exports import Wish, export_file
from flows.intake import FileHasErrors
from models.account import Certification, PayeeAccount, account_in_force
from models.db import Database
from models.elder import Elder
from tests.flows.elders import NOW, elder, number, ref, stored, take, visits_office
from tests.flows.test_duty import Office

CARD, OTHER, PASSBOOK = "6222020200112233446", "4111111111111111", "0101234567"
PROXY = {
    "proxy_name": "龚晓", "proxy_reason": "卧床", "proxy_document": "委托书 18", "proxy_until": "2026-12-31",
}  # fmt: skip


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    office = visits_office(database, tmp_path)
    office.send("elder", [elder()], "2026-02-01T09:00")
    return office


def account(**more: Any) -> dict[str, Any]:
    given = {"elder": number(), "from": "2026-01-01", "bank": "富滇银行", "account": CARD, "holder": "龚䶮"}
    return {**given, **more}


def sent(office: Office, rows: list[dict[str, Any]], kind: str = "account", moment: str = NOW) -> dict[str, list[int]]:
    """Send a file and return what was doubted, in Chinese, with its rows."""
    office.send(kind, rows, moment)
    taken = take(office, kind, office.folder / f"{kind}.csv", moment).taken
    assert (taken.added, taken.changed) == (0, 0)  # the same file again changes nothing
    return {zh: numbers for (zh, _), numbers in taken.doubts.items()}


def tails(office: Office) -> list[str]:
    return [tail for (tail,) in stored(office, PayeeAccount.tail)]


def in_force(office: Office, day: date) -> str | None:
    def tail(session: Session) -> str | None:
        mine = select(col(PayeeAccount.tail)).join(Elder, col(Elder.id) == col(PayeeAccount.elder_id))
        return session.scalar(mine.where(col(PayeeAccount.id) == account_in_force(col(Elder.id), day)))

    with office.database.read() as session:
        return tail(session)


def test_an_account_is_kept_once_however_it_is_spelled(office: Office) -> None:
    assert sent(office, [account()]) == {}
    spelled = account(elder=ref(office), account="６２２２ 0202-0011 2233 446", holder=" 龚 䶮 ")
    assert office.send("account", [spelled], "2026-03-11T09:00") == 0
    assert tails(office) == ["3446"]
    with office.database.read() as session:
        row = session.execute(select(PayeeAccount)).scalar_one()
    assert CARD not in str(row.model_dump())
    assert "龚".encode() not in row.holder


def test_a_change_is_a_new_row_from_its_date_and_a_correction_one_of_the_same_date(office: Office) -> None:
    sent(office, [account()])
    sent(office, [account(**{"from": "2026-06-01"}, account=OTHER)])
    assert (in_force(office, date(2026, 5, 31)), in_force(office, date(2026, 6, 1))) == ("3446", "1111")
    assert office.send("account", [account(account=PASSBOOK)]) == 1  # at the same moment as the first, yet after it
    assert (in_force(office, date(2026, 5, 31)), in_force(office, date(2026, 6, 1))) == ("4567", "1111")
    assert office.send("account", [account()]) == 1
    assert in_force(office, date(2026, 5, 31)) == "3446"
    assert tails(office) == ["3446", "1111", "4567", "3446"]


def test_what_looks_wrong_is_taken_and_pointed_at(office: Office) -> None:
    office.send("elder", [elder(serial=4), elder(serial=6)], "2026-02-01T10:00")
    rows = [
        account(account=PASSBOOK, **dict.fromkeys(PROXY, "")),
        account(elder=number(serial=4), account=CARD[:-1] + "7", holder="杨㛃"),
        account(elder=number(serial=6), account=OTHER, holder="龚晓", **{**PROXY, "proxy_until": "2026-03-09"}),
    ]
    doubts = sent(office, rows)
    assert {zh[:6]: numbers for zh, numbers in doubts.items()} == {
        "账号长度不像": [2], "账号校验位不": [3], "户名既不是老": [3], "代领已过期，": [4],
    }  # fmt: skip
    assert tails(office) == ["4567", "3447", "1111"]


def test_a_couple_s_card_is_pointed_at_in_both_rows_and_against_what_is_stored(office: Office) -> None:
    office.send("elder", [elder(serial=4), elder(serial=6)], "2026-02-01T10:00")
    assert sent(office, [account(), account(elder=number(serial=4))]) == {"账号也登记在另一位老人名下": [2, 3]}
    assert sent(office, [account(elder=number(serial=6))]) == {"账号也登记在另一位老人名下": [2]}


def test_the_holder_may_be_the_proxy(office: Office) -> None:
    assert sent(office, [account(holder="龚晓", **PROXY)]) == {}
    assert stored(office, PayeeAccount.proxy_reason, PayeeAccount.proxy_until) == [("卧床", date(2026, 12, 31))]


def test_a_file_without_the_proxy_columns_leaves_a_proxy_and_one_with_blank_ones_ends_it(office: Office) -> None:
    sent(office, [account(holder="龚晓", **PROXY)])
    assert office.send("account", [account(holder="龚晓")], "2026-03-11T09:00") == 0
    assert office.send("account", [account(**dict.fromkeys(PROXY, ""))], "2026-03-12T09:00") == 1
    assert [until for (until,) in stored(office, PayeeAccount.proxy_until)] == [date(2026, 12, 31), None]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        pytest.param({"elder": number(serial=8)}, "没有登记这位老人", id="unknown elder"),
        pytest.param({"account": "6.22202E+18"}, "科学计数", id="a number that a spreadsheet spoiled"),
        pytest.param({"bank": ""}, "不能为空", id="no bank"),
        pytest.param({"holder": "龚晓", **PROXY, "proxy_document": ""}, "代领信息不全", id="proxy without a paper"),
        pytest.param({**dict.fromkeys(PROXY, ""), "proxy_until": "2026-12-31"}, "代领信息不全", id="only a date"),
        pytest.param({**PROXY, "proxy_until": "2025-12-31"}, "早于起始日期", id="ends before it begins"),
    ],
)
def test_a_bad_row_is_refused_and_quotes_nothing(office: Office, row: dict[str, str], told: str) -> None:
    office.send("elder", [elder(serial=4)], "2026-02-01T10:00")
    good = {**dict.fromkeys(row, ""), **account(elder=number(serial=4))}
    with pytest.raises(FileHasErrors, match=told) as refused:
        office.send("account", [good, {**account(), **row}], NOW)
    assert CARD not in str(refused.value)
    assert tails(office) == []


def test_two_accounts_of_one_elder_and_date_are_an_error_even_in_two_spellings(office: Office) -> None:
    with pytest.raises(FileHasErrors, match="与第 2 行是同一位老人"):
        office.send("account", [account(), account(elder=ref(office), account=OTHER)], NOW)


def test_what_is_exported_can_be_imported_and_shows_nobody_unless_revealed(office: Office, tmp_path: Path) -> None:
    sent(office, [account(holder="龚晓", **PROXY)])
    office.send("account", [account()], "2026-03-11T09:00")
    sent(office, [{"elder": number(), "certified_on": "2026-03-02", "method": "人脸识别"}], "certification")
    for kind in ("account", "certification"):
        for reveal in (False, True):
            wish, path = Wish.read(None, None, None, None, None, reveal=reveal), tmp_path / f"{kind}.csv"
            assert export_file(office.database, office.at(NOW), kind, wish, path)["rows"] == 1
            said = path.read_text("utf-8-sig")
            assert (CARD in said, number() in said) == (reveal and kind == "account", False)
        assert take(office, kind, path, "2026-03-12T09:00").taken.unchanged == 1


def test_a_certification_is_kept_once_and_never_changed(office: Office) -> None:
    seen = {"elder": number(), "certified_on": "2026-03-02", "method": "上门"}
    assert sent(office, [seen, {**seen, "certified_on": "2026-03-10", "method": ""}], "certification") == {}
    assert stored(office, Certification.certified_on, Certification.method) == [
        (date(2026, 3, 2), "home"),
        (date(2026, 3, 10), "other"),
    ]
    assert sent(office, [{**seen, "method": "人脸"}], "certification") == {"当天已有认证，方式不同，保留原来的": [2]}
    assert len(stored(office, Certification.id)) == 2


def test_a_certification_tomorrow_is_refused_and_one_after_a_death_doubted(office: Office) -> None:
    seen = {"elder": number(), "certified_on": "2026-03-11"}
    with pytest.raises(FileHasErrors, match="晚于今天"):
        office.send("certification", [seen], NOW)
    office.send("status", [{"elder": number(), "from": "2026-03-05", "status": "DEAD"}], NOW)
    rows = [{**seen, "certified_on": f"2026-03-0{day}"} for day in (4, 5, 6)]
    assert list(sent(office, rows, "certification").values()) == [[3, 4]]
