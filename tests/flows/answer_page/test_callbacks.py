"""Providers call us: only with the secret, only known ones, each answered as it expects."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select
from sqlmodel import Session

from flows import replies as take
from flows.answer_page.callbacks import ALIYUN_YES, TENCENT_YES, Callbacks, Provider
from models.answers import ReplyTaken
from notifications.channels.enquiry import Reply, Report
from notifications.errors import BadAddress
from tests.flows.answer_page.conftest import ON_SQLITE, PHONE, Telephone, Town

SECRET = "0123456789abcdef-secret"
AT = datetime(2026, 3, 9, 9, 30, tzinfo=UTC)


class Ledger:
    """What was stored, in place of notifications.receipts; fails when told to."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, Report]] = []
        self.fails = False

    def store(self, session: Session, provider: str, reports: Sequence[Report], now: datetime) -> None:
        assert session.in_transaction()
        assert now.tzinfo is not None
        if self.fails:
            raise ValueError(f"cannot store {PHONE}1")
        self.reports += [(provider, report) for report in reports]


def reports(payload: bytes) -> list[Report]:
    return [Report(each["ref"], each["phone"], "delivered") for each in json.loads(payload)]


def replies(payload: bytes) -> list[Reply]:
    return [Reply(each["id"], each["phone"], each["text"], AT) for each in json.loads(payload)]


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def telephone(town: Town, ledger: Ledger) -> Telephone:
    known = {"aliyun": Provider(reports, replies, ALIYUN_YES), "tencent": Provider(reports, replies, TENCENT_YES)}
    return town.telephone(callbacks=Callbacks(known, ledger.store), callback_secret=SecretStr(SECRET))


def call(telephone: Telephone, path: str, payload: object) -> Any:
    return telephone.post(f"/callback/{path}", json.dumps(payload).encode(), **{"content-type": "application/json"})


@pytest.mark.parametrize(
    ("provider", "yes"), [("aliyun", {"code": 0, "msg": "成功"}), ("tencent", {"result": 0, "errmsg": "OK"})]
)
def test_receipts_are_stored_and_answered_as_the_provider_expects(
    telephone: Telephone, ledger: Ledger, provider: str, yes: dict[str, object]
) -> None:
    told = call(telephone, f"{provider}/{SECRET}/reports", [{"ref": "r1", "phone": "13800138000"}])
    assert (told.status_code, told.json()) == (200, yes)
    assert ledger.reports == [(provider, Report("r1", "13800138000", "delivered"))]


def test_replies_are_stored_once_however_often_they_are_told(town: Town, telephone: Telephone) -> None:
    payload = [{"id": "a", "phone": f"{PHONE}1", "text": "几点到？"}, {"id": "b", "phone": f"{PHONE}2", "text": "TD"}]
    for _ in range(2):
        assert call(telephone, f"aliyun/{SECRET}/replies", payload).status_code == 200
    with town.database.read() as session:
        stored = [(each.reply_id, each.outcome) for each in session.execute(select(ReplyTaken)).scalars()]
    assert sorted(stored) == [("a", "kept"), ("b", "opted-out")]


@ON_SQLITE
@pytest.mark.parametrize(
    "path",
    [
        pytest.param("aliyun/wrong/reports", id="a wrong secret"),
        pytest.param(f"aliyun/{SECRET}x/reports", id="a longer secret"),
        pytest.param(f"aliyun/{SECRET[:-1]}/reports", id="a shorter secret"),
        pytest.param("aliyun/编/reports", id="no ASCII"),
        pytest.param(f"other/{SECRET}/reports", id="an unknown provider"),
        pytest.param(f"aliyun/{SECRET}/payments", id="an unknown subject"),
        pytest.param(f"aliyun/{SECRET}", id="no subject"),
    ],
)
def test_anything_else_is_not_found(telephone: Telephone, ledger: Ledger, path: str) -> None:
    told = call(telephone, path, [{"ref": "r1", "phone": "13800138000"}])
    assert (told.status_code, ledger.reports) == (404, [])
    assert SECRET not in told.text


@ON_SQLITE
def test_without_a_secret_nobody_may_call(town: Town, ledger: Ledger) -> None:
    known = {"aliyun": Provider(reports, replies, ALIYUN_YES)}
    telephone = town.telephone(callbacks=Callbacks(known, ledger.store))
    for secret in ("", "None", SECRET):
        assert call(telephone, f"aliyun/{secret}/reports", []).status_code == 404


@ON_SQLITE
def test_receipts_that_nobody_stores_are_not_acknowledged(town: Town) -> None:
    known = {"aliyun": Provider(reports, replies, ALIYUN_YES)}
    telephone = town.telephone(callbacks=Callbacks(known), callback_secret=SecretStr(SECRET))
    assert call(telephone, f"aliyun/{SECRET}/reports", [{"ref": "r", "phone": "13800138000"}]).status_code == 404


@ON_SQLITE
@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": 1}', b'[{"phone": 1}]', b"[1]", b"null"], ids=repr)
@pytest.mark.parametrize("what", ["reports", "replies"])
def test_a_payload_of_another_shape_is_refused(telephone: Telephone, ledger: Ledger, what: str, body: bytes) -> None:
    told = telephone.post(f"/callback/aliyun/{SECRET}/{what}", body)
    assert (told.status_code, ledger.reports) == (400, [])


def test_what_could_not_be_stored_is_told_again_later_and_quotes_nothing(telephone: Telephone, ledger: Ledger) -> None:
    ledger.fails = True
    told = call(telephone, f"aliyun/{SECRET}/reports", [{"ref": "r1", "phone": f"{PHONE}1"}])
    assert told.status_code == 500
    assert PHONE not in told.text
    ledger.fails = False
    assert call(telephone, f"aliyun/{SECRET}/reports", [{"ref": "r1", "phone": f"{PHONE}1"}]).status_code == 200


@ON_SQLITE
def test_a_reader_s_own_refusal_is_a_refusal(town: Town, ledger: Ledger) -> None:
    def refuse(_: bytes) -> list[Report]:
        raise BadAddress("k", "r", "sms")

    known = {"aliyun": Provider(refuse, replies, ALIYUN_YES)}
    telephone = town.telephone(callbacks=Callbacks(known, ledger.store), callback_secret=SecretStr(SECRET))
    assert call(telephone, f"aliyun/{SECRET}/reports", []).status_code == 400


@ON_SQLITE
@pytest.mark.parametrize(("size", "status"), [(1_048_576, 400), (1_048_577, 413)])
def test_a_callback_may_be_a_megabyte_and_no_more(telephone: Telephone, size: int, status: int) -> None:
    assert telephone.post(f"/callback/aliyun/{SECRET}/reports", b"[" * size).status_code == status
    assert telephone.post(f"/callback/aliyun/{SECRET}x/reports", b"[" * size).status_code == 413


def test_a_reply_that_fails_is_kept_for_staff_and_those_behind_it_are_heard(
    town: Town, telephone: Telephone, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = take.take_reply

    def fail(*told: Any) -> str:
        if told[-1].id == "a":
            raise ZeroDivisionError(f"{PHONE}1")
        return real(*told)

    monkeypatch.setattr(take, "take_reply", fail)
    payload = [{"id": "a", "phone": f"{PHONE}1", "text": "TD"}, {"id": "b", "phone": f"{PHONE}2", "text": "TD"}]
    assert call(telephone, f"aliyun/{SECRET}/replies", payload).status_code == 200
    with town.database.read() as session:
        stored = [(each.reply_id, each.outcome) for each in session.execute(select(ReplyTaken)).scalars()]
    assert sorted(stored) == [("a", "kept"), ("b", "opted-out")]
