"""Planning a cycle on real databases: everybody of entitled age is paid or left out with the reason, once."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlmodel import col

import flows.allowance_due
import flows.allowance_plan
from flows import artifacts
from flows.allowance_desk import waiting
from flows.allowance_due import NotAllPlanned, plan_due
from flows.allowance_plan import plan
from flows.allowance_planned import plan_lines, show_plans
from flows.exports import Wish, export_file
from models.allowance import AllowanceBatch, AllowanceCycle, Entitlement
from models.allowance_facts import candidates
from models.db import Database
from models.district import District
from models.elder import Elder, ElderCategory
from policies.allowances import tariff
from rules.allowances import Entitled, Excluded, decide
from rules.errors import LANGUAGE, NoPolicyInForce, TuoqiError
from tests.flows.allowances import APRIL, Pay

REGISTER: dict[str, dict[str, Any]] = {
    "eighty": {"born": "1946-03-31"},
    "ninety": {"born": "1936-03-31"},
    "hundred": {"born": "1926-01-01", "community": "普坪社区"},
    "tomorrow": {"born": "1946-04-01"},
    "young": {"born": "1960-01-01"},
    "died_before": {"born": "1940-01-01"},
    "died_this_month": {"born": "1940-01-02"},
    "gone": {"born": "1940-01-03"},
    "gone_and_back": {"born": "1940-01-04"},
    "gone_later": {"born": "1940-01-05"},
    "moved_inside": {"born": "1940-01-06"},
    "other_hukou": {"born": "1940-01-07", "hukou": "other"},
    "no_hukou": {"born": "1940-01-08", "hukou": ""},
    "too_late": {"born": "1940-01-09", "registered_on": "2026-04-01"},
    "never_seen": {"born": "1940-01-10", "certified": None},
    "seen_long_ago": {"born": "1940-01-11", "certified": "2025-02-28"},
    "penniless": {"born": "1940-01-12", "account": False},
    "old_proxy": {"born": "1940-01-13", "proxy_until": "2026-04-01"},
    "good_proxy": {"born": "1940-01-14", "proxy_until": "2026-04-02"},
}
PAID = {
    "eighty": 8000, "ninety": 15000, "hundred": 60000, "died_this_month": 8000, "gone_and_back": 8000,
    "gone_later": 8000, "moved_inside": 8000, "good_proxy": 8000,
}  # fmt: skip
LEFT_OUT = {
    "died_before": "dead", "gone": "moved_out", "other_hukou": "hukou_other", "no_hukou": "hukou_unknown",
    "too_late": "not_applied", "never_seen": "not_certified", "seen_long_ago": "not_certified",
    "penniless": "no_account", "old_proxy": "proxy_expired",
}  # fmt: skip


@pytest.fixture
def pay(database: Database, tmp_path: Path) -> Pay:
    return Pay(database, tmp_path)


def elsewhere(pay: Pay, who: str, period: str = "2026-03", programme: str = "longevity") -> None:
    """The same person is on the register of another district, which has planned first."""
    with pay.database.write() as session:
        session.execute(insert(District).values(id=2, code="530102", name="五华区"))
        person = session.execute(select(col(Elder.id_index)).where(col(Elder.id) == pay.ids[who])).scalar_one()
        head = {"district_id": 2, "programme": programme, "period": period}
        counts = {"registered": 1, "entitled": 1, "excluded": 0, "not_of_age": 0}
        opened = {"as_of": date(2026, 3, 31), "opened_at": pay.at(APRIL), "opened_by": "t"}
        notice = {"version": date(2026, 1, 1), "notice": "n"}
        session.execute(insert(AllowanceCycle).values({"id": 90, **head, **counts, **opened, **notice}))
        made = {"ref": "B-90", "number": 1, "kind": "plan", "created_at": pay.at(APRIL), "created_by": "t"}
        session.execute(insert(AllowanceBatch).values({"id": 90, **head, **made}))
        body = {"programme": programme, "period": period, "person": person, "elder_id": pay.ids[who], **notice}
        on = {"cycle_id": 90, "batch_id": 90, "community_id": 1, "band": "age-80", "fen": 1}
        session.execute(insert(Entitlement).values({**body, **on}))


def test_everybody_of_entitled_age_is_paid_or_left_out_with_the_reason(pay: Pay) -> None:
    pay.people(REGISTER)
    pay.status("died_before", "2026-02-28", "DEAD")
    pay.status("died_this_month", "2026-03-02", "DEAD")
    pay.status("gone", "2026-03-05", "MOVED")
    pay.status("gone_and_back", "2026-03-05", "MOVED")
    pay.status("gone_and_back", "2026-03-20", "ACTIVE")
    pay.status("gone_later", "2026-04-01", "MOVED")
    pay.status("moved_inside", "2026-03-31", "MOVED", community="普坪社区")
    result = pay.plan()
    assert pay.entitled() == PAID
    assert pay.excluded() == LEFT_OUT
    counted = {name: result[name] for name in ("registered", "entitled", "excluded", "not_of_age", "back_paid")}
    assert counted == {"registered": 19, "entitled": 8, "excluded": 9, "not_of_age": 2, "back_paid": 0}
    assert result["bands"] == {
        "age-80": {"people": 6, "fen": 48000}, "age-90": {"people": 1, "fen": 15000},
        "age-100": {"people": 1, "fen": 60000},
    }  # fmt: skip
    assert (result["fen"], result["reasons"]) == (sum(PAID.values()), dict(Counter(LEFT_OUT.values())))
    assert pay.batches() == [("2026-03", 1, "plan", "planned")]
    with pay.database.read() as session:
        homes = select(col(Entitlement.elder_id)).where(col(Entitlement.community_id) == 2)
        assert set(session.scalars(homes)) == {pay.ids["hundred"], pay.ids["moved_inside"]}
        notice, as_of = tariff("longevity", date(2026, 3, 31)), date(2026, 3, 31)
        for one in candidates(session, 1, notice, as_of, date(2026, 4, 2), only=pay.ids.values()):
            who = next(name for name, number in pay.ids.items() if number == one.person.elder_id)
            decision = decide(one.person, notice, "2026-03", as_of)  # one by one, whatever the age
            assert (decision.fen if isinstance(decision, Entitled) else None) == PAID.get(who)
            assert (decision.reason if isinstance(decision, Excluded) else None) == LEFT_OUT.get(who)


def test_the_same_plan_again_adds_nothing(pay: Pay) -> None:
    pay.people({who: REGISTER[who] for who in ("eighty", "ninety", "penniless")})
    first, stored = pay.plan(), pay.snapshot()
    pay.account("penniless", "2026-04-02")
    again = pay.plan(moment="2026-04-03T09:00")
    assert again["already"]
    assert {**first, "already": True, "note": again["note"]} == again
    assert pay.snapshot() == stored


def test_a_person_on_two_registers_is_paid_by_the_one_that_planned_first(pay: Pay) -> None:
    pay.people({who: REGISTER[who] for who in ("eighty", "ninety")})
    elsewhere(pay, "ninety")
    result = pay.plan()
    assert (result["entitled"], result["excluded"], result["duplicates"]) == (1, 1, 1)
    assert pay.excluded() == {"ninety": "duplicate"}
    stored = pay.snapshot()
    nothing = pay.supplement("2026-04-03T09:00")
    assert (nothing["batch"], nothing["back_paid"]) == (None, 0)
    assert pay.snapshot() == stored
    later = pay.plan("2026-04", "2026-04-10T09:00")
    assert (later["entitled"], later["excluded"], later["back_paid"], later["duplicates"]) == (2, 0, 0, 0)


def test_a_list_on_which_all_are_paid_elsewhere_is_none(pay: Pay) -> None:
    pay.people({"ninety": REGISTER["ninety"]})
    elsewhere(pay, "ninety")
    result = pay.plan()
    assert (result["batch"], result["entitled"], result["excluded"]) == (None, 0, 1)
    assert pay.batches() == []


def test_what_the_cycle_is_over_its_budget_is_said_and_shown_early(pay: Pay, monkeypatch: pytest.MonkeyPatch) -> None:
    pay.people({who: REGISTER[who] for who in ("eighty", "ninety", "penniless")})
    pay.office.send("budget", [{"programme": "longevity", "period": "2026-03", "fen": 22_999}], APRIL)
    result = pay.plan()
    assert (result["fen"], result["budget_fen"], result["short_fen"], result["waiting"]) == (23_000, 22_999, 1, 0)
    later = pay.plan("2026-04", "2026-04-10T09:00")
    assert (later["budget_fen"], later["short_fen"], later["waiting"]) == (None, 0, 1)
    shown: dict[str, Any] = {}
    monkeypatch.setattr(artifacts, "table", lambda key, _title, rows, note="": shown.update({key: (rows, note)}))
    show_plans([result, later, pay.supplement("2026-04-10T10:00"), {"busy": True, "note": "正由另一进程执行"}])
    rows, note = shown["allowance-plan"]
    assert [row["预算核对"] for row in rows] == ["短缺 0.01 元", "未登记预算", "—"]
    assert note.endswith("正由另一进程执行")
    said = [(row["档次或原因"], row["人数"]) for row in shown["allowance-plan-people"][0]]
    assert said[:3] == [("列入：age-80", 1), ("列入：age-90", 1), ("未列入：没有账户", 1)]
    assert said[-1] == ("此前各期仍未列入", 1)


def test_nobody_entitled_makes_a_cycle_and_no_list(pay: Pay) -> None:
    pay.people({who: REGISTER[who] for who in ("young", "penniless")})
    result = pay.plan()
    assert (result["batch"], result["registered"], result["excluded"], result["not_of_age"]) == (None, 2, 1, 1)
    assert pay.batches() == []
    assert pay.plan()["already"]


def test_a_programme_that_excludes_another_looks_at_its_entitlements_of_the_month(
    pay: Pay, monkeypatch: pytest.MonkeyPatch
) -> None:
    pay.people({"hundred": REGISTER["hundred"], "eighty": REGISTER["eighty"]})
    pay.plan("2026-spring-festival", "2026-02-01T09:00", "condolence")  # 17 February 2026

    def excluding(programme: str, day: date, overlay: Path | None = None) -> Any:
        return replace(tariff(programme, day, overlay), not_with=("condolence",))

    monkeypatch.setattr(flows.allowance_plan, "tariff", excluding)
    pay.plan("2026-02", "2026-02-10T09:00")
    pay.plan("2026-03")
    assert pay.excluded("2026-02") == {"hundred": "other_programme"}
    assert pay.entitled("2026-03") == {"hundred": 60000, "eighty": 8000}


def test_who_is_entitled_and_who_is_left_out_can_be_exported(pay: Pay, tmp_path: Path) -> None:
    pay.people({"eighty": REGISTER["eighty"], "penniless": REGISTER["penniless"]})
    pay.plan()
    for kind, line in (
        ("entitlements", f"longevity,2026-03,{pay.refs['eighty']},age-80,8000,live,示例〔2025〕36号"),
        ("exclusions", f"longevity,2026-03,{pay.refs['penniless']},no_account"),
    ):
        to = tmp_path / f"{kind}.csv"
        assert export_file(pay.database, pay.office.at(APRIL), kind, Wish(), to)["rows"] == 1
        assert [row[: len(line)] for row in to.read_text("utf-8-sig").splitlines()[1:]] == [line]
        early = Wish(last=date(2026, 3, 30))  # the day before the cycle's as_of
        assert export_file(pay.database, pay.office.at(APRIL), kind, early, to)["rows"] == 0


def test_who_is_certified_again_is_paid_every_month_at_its_own_notice(pay: Pay) -> None:
    pay.people(
        {
            "stopped": {"born": "1935-12-20", "certified": "2024-10-15"},  # covered to October 2025; 90 in December
            "eighty": {"born": "1940-01-01"},
        },
        "2025-11-01T09:00",
    )
    for period, moment in (("2025-11", "2025-11-10"), ("2025-12", "2025-12-10"), ("2026-01", "2026-01-12")):
        pay.plan(period, f"{moment}T09:00")
    assert [pay.excluded(each) for each in ("2025-11", "2025-12", "2026-01")] == [{"stopped": "not_certified"}] * 3
    pay.certified("stopped", "2026-02-03")
    result = pay.plan("2026-02", "2026-02-10T09:00")
    assert (result["entitled"], result["back_paid"]) == (2, 3)
    # 60 yuan at 89 and 120 at 90 by the notice of 2022, 150 by that of 2026
    owed = {"2025-11": 6000, "2025-12": 12000, "2026-01": 15000, "2026-02": 15000}
    assert {period: pay.entitled(period)["stopped"] for period in owed} == owed
    assert all(not pay.excluded(period) for period in owed)
    assert [batch[:3] for batch in pay.batches()][-1] == ("2026-02", 1, "plan")
    with pay.database.read() as session:
        mine = select(col(Entitlement.batch_id)).where(col(Entitlement.elder_id) == pay.ids["stopped"])
        assert len(set(session.scalars(mine))) == 1


def test_a_supplement_holds_who_is_owed_after_all_and_there_is_none_for_nobody(pay: Pay) -> None:
    pay.people({"eighty": REGISTER["eighty"], "penniless": REGISTER["penniless"]})
    pay.plan()
    assert pay.supplement("2026-04-03T09:00")["batch"] is None
    pay.account("penniless", "2026-04-03")
    made = pay.supplement("2026-04-03T10:00")
    assert made["back_paid"] == 1
    assert pay.batches() == [("2026-03", 1, "plan", "planned"), ("2026-03", 2, "supplement", "planned")]
    assert pay.entitled() == {"eighty": 8000, "penniless": 8000}
    assert pay.supplement("2026-04-03T11:00")["batch"] is None


def test_who_comes_on_the_register_after_the_plan_is_paid_from_the_month_of_application(pay: Pay) -> None:
    """March is planned on the 10th: who applies on the 20th is owed March, who applies on 1 April is not."""
    pay.people({"early": {"born": "1940-01-01", "registered_on": "2026-03-01"}}, "2026-03-01T08:00")
    pay.plan(moment="2026-03-10T07:00")
    late: dict[str, dict[str, Any]] = {
        "late": {"born": "1940-01-02", "registered_on": "2026-03-20"},
        "next_month": {"born": "1940-01-03", "registered_on": "2026-04-01"},
        "unseen": {"born": "1940-01-04", "registered_on": "2026-03-20", "certified": None},
    }
    pay.people(late, "2026-04-01T08:00")
    assert pay.plan("2026-04", "2026-04-10T07:00")["back_paid"] == 1
    assert pay.entitled() == {"early": 8000, "late": 8000}
    pay.certified("unseen", "2026-04-20")
    assert pay.supplement("2026-04-21T09:00")["back_paid"] == 2  # March and April
    assert pay.entitled() == {"early": 8000, "late": 8000, "unseen": 8000}
    assert pay.supplement("2026-04-22T09:00")["batch"] is None


def test_who_comes_under_a_category_between_plan_and_festival_is_paid(pay: Pay) -> None:
    row: dict[str, Any] = {"born": "1950-01-01", "registered_on": "2025-01-05"}
    pay.people({"poor": {**row, "categories": "特困"}, "later": row}, "2026-09-01T08:00")
    assert pay.plan("2026-double-ninth", "2026-09-28T07:00", "condolence")["entitled"] == 1
    with pay.database.write() as session:
        session.execute(
            insert(ElderCategory).values(elder_id=pay.ids["later"], category="destitute", since=date(2026, 10, 10))
        )
    assert pay.supplement("2026-10-20T09:00", "condolence")["back_paid"] == 1
    assert set(pay.entitled("2026-double-ninth")) == {"poor", "later"}


def test_a_death_recorded_by_mistake_is_made_good(pay: Pay) -> None:
    pay.people({"eighty": REGISTER["eighty"], "ninety": REGISTER["ninety"]})
    pay.plan()
    pay.status("ninety", "2026-02-10", "DEAD", "2026-04-02T10:00")
    pay.stop("2026-04-03T06:40")
    assert pay.cancelled() == {"ninety": "dead"}
    pay.status("ninety", "2026-02-10", "ACTIVE", "2026-04-03T10:00")
    made = pay.supplement("2026-04-03T11:00")
    assert made["restored"] == 1
    assert pay.entitled() == {"eighty": 8000, "ninety": 15000}
    assert [what for what, _ in pay.changes()] == ["cancelled", "restored"]
    assert pay.supplement("2026-04-03T12:00")["batch"] is None


def test_every_cycle_that_is_due_is_planned_with_those_missed(pay: Pay) -> None:
    pay.people({"hundred": REGISTER["hundred"]}, "2026-01-02T09:00")
    results = plan_due(pay.database, pay.office.at("2026-02-10T07:00"), date(2026, 2, 10))
    planned = [(each["programme"], each["period"]) for each in results]
    # opened on 10 January, which is as long ago as the policy looks back, 28 January and today
    assert planned == [("longevity", "2026-01"), ("condolence", "2026-spring-festival"), ("longevity", "2026-02")]
    again = plan_due(pay.database, pay.office.at("2026-02-11T07:00"), date(2026, 2, 11))
    assert all(each["already"] for each in again)


@pytest.mark.parametrize(
    ("programme", "period"),
    [
        pytest.param("longevity", "2021-03", id="before the first notice"),
        pytest.param("longevity", "2026-double-ninth", id="festival of a monthly programme"),
        pytest.param("condolence", "2026-03", id="month of a festival programme"),
        pytest.param("condolence", "2026-lantern", id="festival the notice does not name"),
        pytest.param("longevity", "2036-03", id="ten years too early"),
    ],
)
def test_a_cycle_without_a_notice_that_pays_in_it_is_an_error(pay: Pay, programme: str, period: str) -> None:
    with pytest.raises(TuoqiError):
        pay.plan(period, programme=programme)
    assert pay.count(AllowanceCycle) == 0


def test_no_rule_book_is_an_error_and_never_nothing(pay: Pay, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoPolicyInForce):
        plan_due(pay.database, pay.office.at("2021-06-10T07:00"), date(2021, 6, 10))
    no_versions: Callable[..., list[Any]] = lambda *_: []  # noqa: E731
    monkeypatch.setattr(flows.allowance_due, "tariffs", no_versions)
    monkeypatch.setattr(flows.allowance_due, "tariff", _nothing_in_force)
    with pytest.raises(NotAllPlanned, match="没有生效的版本") as refused:
        plan_due(pay.database, pay.office.at("2026-02-10T07:00"), date(2026, 2, 10))
    assert "高龄保健金（" in refused.value.failed
    assert "慰问金（" in refused.value.failed


@pytest.mark.parametrize("foreseen", [pytest.param(True, id="a refusal"), pytest.param(False, id="a fault")])
def test_a_cycle_that_fails_keeps_no_other_from_being_planned_and_is_named(
    pay: Pay, monkeypatch: pytest.MonkeyPatch, foreseen: bool
) -> None:
    """Due on 10 February: longevity of January and February, and the Spring Festival in between, which fails."""
    pay.people({"hundred": REGISTER["hundred"]}, "2026-01-02T09:00")

    def planned(database: Database, settings: Any, programme: str, period: str) -> Any:
        if programme == "condolence":
            raise NoPolicyInForce(programme, date(2026, 2, 17)) if foreseen else ZeroDivisionError("龚䶮")
        return plan(database, settings, programme, period)

    monkeypatch.setattr(flows.allowance_due, "plan", planned)
    with pytest.raises(NotAllPlanned if foreseen else ZeroDivisionError) as refused:
        plan_due(pay.database, pay.office.at("2026-02-10T07:00"), date(2026, 2, 10))
    told = str(refused.value) if foreseen else refused.value.__notes__[0]
    assert "2026年春节（" in told
    assert "2026年1月、高龄保健金 2026年2月" in told
    assert "龚䶮" not in told
    assert [row[0] for row in pay.batches()] == ["2026-01", "2026-02"]


def test_what_was_planned_is_told_in_sentences(pay: Pay) -> None:
    pay.people({who: REGISTER[who] for who in ("eighty", "ninety", "penniless")})
    pay.office.send("budget", [{"programme": "longevity", "period": "2026-03", "fen": 22_999}], APRIL)
    made = pay.plan()
    head = (
        f"高龄保健金 2026年3月：名单 {made['batch']}，补发 0，恢复 0；登记 3 = 列入 2 + 未列入 1 + 未到年龄或类别 0；"
        "共 230.00 元，预算 229.99 元（短缺 0.01 元）"
    )
    assert plan_lines([made, {"busy": True, "note": "正由另一进程执行"}]) == [
        head,
        "  列入：age-80：1 人，80.00 元",
        "  列入：age-90：1 人，150.00 元",
        "  未列入：没有账户：1 人",
        "正由另一进程执行",
    ]
    assert plan_lines([]) == ["今天没有到期的发放期；无需处理。"]
    LANGUAGE.set("en")
    try:
        assert "registered 3 = entitled 2 + left out 1 + not of age 0" in plan_lines([made])[0]
    finally:
        LANGUAGE.set("zh")


def test_a_duplicate_whose_entitlement_elsewhere_was_cancelled_says_where_and_what_to_do(pay: Pay) -> None:
    pay.people({who: REGISTER[who] for who in ("eighty", "ninety")})
    elsewhere(pay, "ninety")
    pay.plan()
    at = pay.office.at("2026-04-03T09:00")
    assert waiting(pay.database, at)["duplicates"] == []  # it is paid there
    with pay.database.write() as session:
        gone = update(Entitlement).where(col(Entitlement.batch_id) == 90)
        session.execute(gone.values(state="cancelled", cancel_reason="moved_out"))
    (told,) = waiting(pay.database, at)["duplicates"]
    assert (told["elder"], told["cycle"]) == (pay.refs["ninety"], "高龄保健金 2026年3月")
    assert (told["other"], told["state"]) == ("五华区 530102", "已迁出")
    assert "由该区更正登记后补发" in told["todo"]
    assert pay.supplement("2026-04-03T10:00")["batch"] is None  # one payment a person and period, in the whole database


def test_who_was_taken_off_and_could_be_restored_waits_too(pay: Pay) -> None:
    """Of March one has no account and one was taken off for a death; both are counted when April is planned."""
    pay.people({who: REGISTER[who] for who in ("eighty", "ninety", "penniless")})
    pay.plan()
    pay.status("ninety", "2026-02-10", "DEAD", "2026-04-02T10:00")
    pay.stop("2026-04-03T06:40")
    assert pay.plan("2026-04", "2026-04-10T09:00")["waiting"] == 2


def _nothing_in_force(programme: str, day: date, _overlay: Path | None = None) -> Any:
    raise NoPolicyInForce(programme, day)
