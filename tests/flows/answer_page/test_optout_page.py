"""Opting out by link: asked first, then ended for the message's own address, once; one click of a mail program too."""

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from models.audit import AuditEntry
from models.consent import OptOut, opt_in
from models.drafts import address_index
from models.messages import Message
from notifications.links import Ticket, make
from tests.flows.answer_page.conftest import CANARY, EVENING, FAR, ON_SQLITE, PHONE, Town


@pytest.fixture
def message(town: Town) -> int:
    """The notice to K1, by SMS."""
    town.office.watch("2026-03-09T17:05")
    with town.database.write() as session:
        first = select(col(Message.id)).where(col(Message.template) == "duty-notice")
        found: int = session.execute(first).scalars().one()
    return found


def link(town: Town, message: int) -> str:
    return f"/a/{make(town.database.keys, Ticket('optout', message, 0, 0, FAR))}"


def outs(town: Town) -> list[tuple[str, bytes, str]]:
    with town.database.read() as session:
        return [(each.channel, each.address_index, each.source) for each in session.execute(select(OptOut)).scalars()]


def channel_of(town: Town, message: int) -> str:
    with town.database.read() as session:
        return str(session.execute(select(col(Message.channel)).where(col(Message.id) == message)).scalar_one())


@ON_SQLITE
def test_opening_asks_and_ends_nothing(town: Town, message: int) -> None:
    page = town.telephone().get(link(town, message))
    assert (page.status_code, ">不再接收" in page.text, outs(town)) == (200, True, [])
    assert not [word for word in (CANARY, PHONE, "canary") if word in page.text]


def test_confirming_ends_messages_to_that_address_on_that_channel(town: Town, message: int) -> None:
    page = town.telephone().post(link(town, message), {"do": "optout"})
    assert (page.status_code, "以后不再发" in page.text) == (200, True)
    channel = channel_of(town, message)
    address = "canary1@example.cn" if channel == "email" else f"{PHONE}1"
    assert outs(town) == [(channel, address_index(town.database.keys, channel, address), "link")]
    assert not [word for word in (CANARY, PHONE, "canary") if word in page.text]


@ON_SQLITE
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        pytest.param(b"List-Unsubscribe=One-Click", "application/x-www-form-urlencoded", id="a form"),
        pytest.param(
            b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
            id="multipart",
        ),
        pytest.param(b"", "text/plain", id="nothing"),
        pytest.param(b"\xff\xfe", "application/octet-stream", id="noise"),
    ],
)
def test_a_mail_program_does_it_with_one_click(town: Town, message: int, body: bytes, kind: str) -> None:
    page = town.telephone().post(link(town, message), body, **{"content-type": kind})
    assert (page.status_code, len(outs(town))) == (200, 1)


def test_twice_is_once(town: Town, message: int) -> None:
    telephone, path = town.telephone(), link(town, message)
    assert [telephone.post(path, b"").status_code for _ in range(2)] == [200, 200]
    with town.database.read() as session:
        entries = select(func.count()).where(col(AuditEntry.action) == "message.optout")
        assert session.execute(entries).scalar_one() == 1
    assert "以后不再发" in telephone.get(path).text


def test_a_link_of_before_somebody_was_let_in_again_promises_nothing(town: Town, message: int) -> None:
    telephone, path = town.telephone(), link(town, message)
    telephone.post(path, b"")
    channel = channel_of(town, message)
    address = "canary1@example.cn" if channel == "email" else f"{PHONE}1"
    with town.database.write() as session:
        opt_in(session, channel, address, town.office.at(EVENING).now())  # type: ignore[arg-type]
    for page in (telephone.get(path), telephone.post(path, b"")):
        assert (page.status_code, "已经用过" in page.text, "以后不再发" in page.text) == (409, True, False)


@ON_SQLITE
def test_a_message_that_is_not_there_looks_like_any_wrong_link(town: Town, message: int) -> None:
    told = town.telephone().get(link(town, message + 1_000))
    assert (told.status_code, "打不开这个链接" in told.text) == (404, True)


def test_a_message_whose_address_was_redacted_has_nothing_to_end(town: Town, message: int) -> None:
    with town.database.write() as session:
        session.execute(update(Message).values(address=None))
    assert town.telephone(EVENING).post(link(town, message), b"").status_code == 404
    assert outs(town) == []


@ON_SQLITE
def test_a_call_has_no_address(town: Town, message: int) -> None:
    with town.database.write() as session:
        session.execute(update(Message).values(channel="call", address=None, address_index=None))
    assert town.telephone().get(link(town, message)).status_code == 404


@ON_SQLITE
def test_a_message_of_another_district_is_unknown(town: Town, message: int) -> None:
    with town.database.write() as session:
        session.execute(update(Message).values(district="530111"))
    assert town.telephone().post(link(town, message), b"").status_code == 404
