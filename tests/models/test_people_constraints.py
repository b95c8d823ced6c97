"""The database itself refuses what staff, accounts, certifications, budgets and objections never are."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from models.account import Certification, PayeeAccount
from models.allowance import AllowanceBudget, AllowanceCycle, Objection
from models.db import Database
from models.district import Community, Subdistrict
from models.elder import Elder
from models.staff import Staff

DAY, AT = date(2026, 3, 1), datetime(2026, 3, 1, 12, tzinfo=UTC)
STAMP = {"recorded_at": AT, "actor": "t"}
BASE: dict[Any, dict[str, Any]] = {
    Staff: {
        "district_id": 1, "number": "G2", "ref": "T-2", "name": b"x", "role": "maker", "totp_counter": 0,
        "form_failures": 0,
    },
    PayeeAccount: {
        "elder_id": 1, "since": DAY, "bank": "富滇银行", "account": b"x", "holder": b"x", "tail": "3446",
        "account_index": b"1", "card_index": b"2", **STAMP,
    },
    Certification: {"elder_id": 1, "certified_on": DAY, "method": "face", **STAMP},
    AllowanceBudget: {"district_id": 1, "programme": "longevity", "period": "2026-10", "fen": 0, **STAMP},
    Objection: {"cycle_id": 1, "elder_id": 1, "raised_on": DAY, "text": b"x", **STAMP},
}  # fmt: skip
PROXY = {"proxy_name": b"x", "proxy_reason": "卧床", "proxy_document": b"x", "proxy_until": DAY}


@pytest.fixture
def filled(database: Database) -> Database:
    with database.write() as session:
        session.execute(insert(Subdistrict).values(district_id=1, ref="S-1", name="马街"))
        session.execute(insert(Community).values(subdistrict_id=1, name="一社区"))
        elder = {
            "district_id": 1, "ref": "E-1", "id_number": b"x", "id_index": b"1", "name": b"x", "sex": "female",
            "birth_date": date(1940, 2, 29), "community_id": 1, "building": "", "registered_on": DAY, "recorded_at": AT,
        }  # fmt: skip
        session.execute(insert(Elder).values(elder))
        cycle = {
            "district_id": 1, "programme": "longevity", "period": "2026-10", "as_of": DAY, "version": DAY,
            "notice": "x", "registered": 1, "entitled": 1, "excluded": 0, "not_of_age": 0, "opened_at": AT,
            "opened_by": "t",
        }  # fmt: skip
        session.execute(insert(AllowanceCycle).values(cycle))
        session.execute(insert(Staff).values({**BASE[Staff], "number": "G1", "ref": "T-1"}))
    return database


def put(database: Database, table: Any, *rows: dict[str, Any]) -> None:
    with database.write() as session:
        for row in rows:
            session.execute(insert(table).values({**BASE[table], **row}))


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        pytest.param(Staff, [{"number": "G1"}], id="one number, two persons"),
        pytest.param(Staff, [{"ref": "T-1"}], id="one reference, two persons"),
        pytest.param(Staff, [{"role": "admin"}], id="unknown role"),
        pytest.param(Staff, [{"totp_secret": b"x"}], id="an authenticator nobody enrolled"),
        pytest.param(Staff, [{"enrolled_at": AT}], id="enrolled without an authenticator"),
        pytest.param(Staff, [{"form_failures": -1}], id="fewer than no failures"),
        pytest.param(Staff, [{"district_id": 9}], id="unknown district"),
        pytest.param(Staff, [{"name": None}], id="nameless"),
        *(
            pytest.param(PayeeAccount, [{**PROXY, name: None}], id=f"a proxy without {name}")
            for name in ("proxy_reason", "proxy_document", "proxy_until")
        ),
        pytest.param(PayeeAccount, [{**PROXY, "proxy_name": None}], id="papers of no proxy"),
        pytest.param(PayeeAccount, [{}, {"bank": "农行"}], id="two accounts of one date and moment"),
        pytest.param(PayeeAccount, [{"elder_id": 9}], id="account of nobody"),
        pytest.param(Certification, [{}, {"method": "home"}], id="certified twice on a day"),
        pytest.param(Certification, [{"elder_id": 9}], id="certification of nobody"),
        pytest.param(AllowanceBudget, [{}, {"fen": 1}], id="two budgets of a period"),
        pytest.param(AllowanceBudget, [{"fen": -1}], id="budget below zero"),
        pytest.param(Objection, [{}, {"upheld": True}], id="one objection twice"),
        pytest.param(Objection, [{"cycle_id": 9}], id="objection to no list"),
        pytest.param(Objection, [{"text": None}], id="objection that says nothing"),
    ],
)
def test_the_database_refuses(filled: Database, table: Any, rows: list[dict[str, Any]]) -> None:
    with pytest.raises(IntegrityError):
        put(filled, table, *rows)


def test_and_takes_what_is_right(filled: Database) -> None:
    later = datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC)
    put(filled, Staff, {"totp_secret": b"x", "enrolled_at": AT})
    put(filled, PayeeAccount, {}, {"recorded_at": later, **PROXY}, {"since": date(2026, 4, 1)})
    put(filled, Certification, {}, {"certified_on": date(2026, 4, 1)})
    put(filled, AllowanceBudget, {}, {"period": "2026-11"}, {"programme": "condolence", "fen": 10**12})
    put(filled, Objection, {}, {"raised_on": date(2026, 4, 1), "upheld": False, "decided_at": AT})
