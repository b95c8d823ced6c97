"""The database itself refuses what planning, notice and approval never do, whoever writes to it."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from models.allowance import (
    AllowanceBatch,
    AllowanceBudget,
    AllowanceCycle,
    AllowanceReport,
    Approval,
    Entitlement,
    EntitlementChange,
    Exclusion,
    Objection,
)
from models.db import Database
from models.district import Community, Subdistrict
from models.elder import Elder
from models.staff import Staff

DAY, AT = date(2026, 3, 31), datetime(2026, 3, 10, 12, tzinfo=UTC)
NOTICE: dict[str, Any] = {"version": date(2026, 1, 1), "notice": "n"}
MADE = {"state": "notice", "maker_id": 1, "notice_from": DAY, "notice_until": DAY}
BASE: dict[Any, dict[str, Any]] = {
    AllowanceCycle: {
        "district_id": 1, "programme": "longevity", "period": "2026-04", "as_of": DAY, **NOTICE, "registered": 9,
        "entitled": 5, "excluded": 3, "not_of_age": 1, "opened_at": AT, "opened_by": "t",
    },
    AllowanceBudget: {
        "district_id": 1, "programme": "longevity", "period": "2026-03", "fen": 0, "recorded_at": AT, "actor": "t",
    },
    AllowanceBatch: {
        "ref": "B-2", "district_id": 1, "programme": "longevity", "period": "2026-03", "number": 2,
        "kind": "supplement", "created_at": AT, "created_by": "t",
    },
    Entitlement: {
        "cycle_id": 1, "batch_id": 1, "programme": "longevity", "period": "2026-03", "person": b"2", "elder_id": 1,
        "community_id": 1, "band": "age-80", "fen": 1, **NOTICE,
    },
    EntitlementChange: {"entitlement_id": 1, "what": "cancelled", "reason": "dead", "at": AT, "actor": "t"},
    Exclusion: {
        "cycle_id": 1, "elder_id": 1, "community_id": 1, "band": "age-80", "reason": "no_account", "recorded_at": AT,
    },
    Objection: {
        "cycle_id": 1, "elder_id": 1, "raised_on": DAY, "text": b"x", "recorded_at": AT, "actor": "t",
    },
    Approval: {
        "batch_id": 1, "maker_id": 1, "approver_id": 2, "content_hash": "h", "people": 1, "fen": 1, "path": "cli",
        "at": AT,
    },
    AllowanceReport: {"cycle_id": 1, "sha256": "h", "at": AT, "figures": {}},
}  # fmt: skip


@pytest.fixture
def filled(database: Database) -> Database:
    with database.write() as session:
        session.execute(insert(Subdistrict).values(district_id=1, ref="S-1", name="马街"))
        session.execute(insert(Community).values(subdistrict_id=1, name="一社区"))
        person = {"district_id": 1, "name": b"x"}
        for number, role in (("1", "maker"), ("2", "both"), ("3", "approver")):
            session.execute(insert(Staff).values({**person, "number": number, "ref": f"S-{number}", "role": role}))
        body = {"sex": "female", "birth_date": date(1940, 1, 1), "community_id": 1, "registered_on": DAY}
        index = {"ref": "E-1", "id_number": b"x", "id_index": b"1", "recorded_at": AT}
        session.execute(insert(Elder).values({**person, **body, **index}))
        session.execute(insert(AllowanceCycle).values({**BASE[AllowanceCycle], "period": "2026-03"}))
        session.execute(insert(AllowanceBatch).values({**BASE[AllowanceBatch], "ref": "B-1", "number": 1, **MADE}))
        session.execute(insert(Entitlement).values({**BASE[Entitlement], "person": b"1"}))
    return database


def put(database: Database, table: Any, *rows: dict[str, Any]) -> None:
    with database.write() as session:
        for row in rows:
            session.execute(insert(table).values({**BASE[table], **row}))


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        pytest.param(AllowanceCycle, [{"period": "2026-03"}], id="one period planned twice"),
        pytest.param(AllowanceCycle, [{"registered": 10}], id="somebody disappeared"),
        pytest.param(AllowanceCycle, [{"district_id": 9}], id="cycle of no district"),
        pytest.param(AllowanceBudget, [{"fen": -1}], id="budget below nothing"),
        pytest.param(AllowanceBudget, [{}, {"fen": 5}], id="two budgets"),
        pytest.param(AllowanceBatch, [{"number": 1}], id="one number twice"),
        pytest.param(AllowanceBatch, [{"ref": "B-1"}], id="one reference twice"),
        pytest.param(AllowanceBatch, [{"kind": "gift"}], id="unknown kind"),
        pytest.param(AllowanceBatch, [{"state": "lost"}], id="unknown state"),
        pytest.param(AllowanceBatch, [{**MADE, "maker_id": None}], id="put forward by nobody"),
        pytest.param(AllowanceBatch, [{**MADE, "maker_id": 9}], id="put forward by a stranger"),
        pytest.param(AllowanceBatch, [{**MADE, "notice_until": None}], id="a window without an end"),
        pytest.param(AllowanceBatch, [{**MADE, "notice_until": date(2026, 3, 1)}], id="a window that ends before"),
        pytest.param(AllowanceBatch, [{**MADE, "state": "approved"}], id="approved, but what?"),
        pytest.param(AllowanceBatch, [{**MADE, "state": "released", "content_hash": "h"}], id="released at no time"),
        pytest.param(AllowanceBatch, [{**MADE, "released_at": AT}], id="on notice and released"),
        pytest.param(Entitlement, [{"person": b"1"}], id="one person and period twice"),
        pytest.param(Entitlement, [{"person": b"1", "batch_id": 1, "band": "x"}], id="in another band too"),
        pytest.param(Entitlement, [{"fen": 0}], id="nothing owed"),
        pytest.param(Entitlement, [{"fen": -1}], id="less than nothing"),
        pytest.param(Entitlement, [{"state": "cancelled"}], id="cancelled for no reason"),
        pytest.param(Entitlement, [{"cancel_reason": "dead"}], id="live, and why not"),
        pytest.param(Entitlement, [{"state": "cancelled", "cancel_reason": "x"}], id="unknown reason to cancel"),
        pytest.param(Entitlement, [{"state": "paid"}], id="unknown state of an entitlement"),
        pytest.param(Entitlement, [{"batch_id": 9}], id="on no list"),
        pytest.param(Entitlement, [{"elder_id": 9}], id="of nobody"),
        pytest.param(EntitlementChange, [{"what": "forgotten"}], id="unknown change"),
        pytest.param(EntitlementChange, [{"entitlement_id": 9}], id="change of nothing"),
        pytest.param(Exclusion, [{}, {"reason": "dead"}], id="left out twice"),
        pytest.param(Exclusion, [{"reason": "forgotten"}], id="unknown reason"),
        pytest.param(Objection, [{}, {"text": b"y"}], id="one objection twice"),
        pytest.param(Objection, [{"elder_id": 9}], id="objection about nobody"),
        pytest.param(Approval, [{"approver_id": 1}], id="the maker approves"),
        pytest.param(Approval, [{"maker_id": 2, "approver_id": 1}], id="the maker approves as if another had made it"),
        pytest.param(Approval, [{}, {"content_hash": "i"}], id="one approver twice"),
        pytest.param(Approval, [{"path": "phone"}], id="unknown path"),
        pytest.param(Approval, [{"approver_id": 9}], id="a stranger approves"),
        pytest.param(AllowanceReport, [{}, {}], id="one report twice"),
    ],
)
def test_the_database_refuses(filled: Database, table: Any, rows: list[dict[str, Any]]) -> None:
    with pytest.raises(IntegrityError):
        put(filled, table, *rows)


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        pytest.param(AllowanceCycle, [{}, {"programme": "condolence"}], id="another month, another programme"),
        pytest.param(AllowanceBatch, [{}, {"ref": "B-3", "number": 3, **MADE}], id="more lists of a period"),
        pytest.param(Entitlement, [{}, {"person": b"3", "state": "cancelled", "cancel_reason": "dead"}], id="others"),
        pytest.param(Entitlement, [{"person": b"1", "period": "2026-04"}], id="the next period"),
        pytest.param(Exclusion, [{"lifted_at": AT}, {}], id="left out again"),
        pytest.param(Objection, [{}, {"raised_on": date(2026, 4, 1)}], id="a second objection"),
        pytest.param(Approval, [{}, {"approver_id": 3}], id="two approvers"),
        pytest.param(Approval, [{"withdrawn_at": AT}, {"content_hash": "i"}], id="approved again after a change"),
    ],
)
def test_and_takes_what_is_right(filled: Database, table: Any, rows: list[dict[str, Any]]) -> None:
    put(filled, table, *rows)


def test_the_maker_of_an_approved_list_cannot_be_changed(filled: Database) -> None:
    put(filled, Approval, {})
    with pytest.raises(IntegrityError), filled.write() as session:
        session.execute(update(AllowanceBatch).where(AllowanceBatch.id == 1).values(maker_id=3))  # type: ignore[arg-type]
