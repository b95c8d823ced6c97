"""One duty by link: acknowledged, checked in, handed over, each once; nothing personal on any page."""

import threading
from collections import Counter
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from flows.duty_desk import record
from models.answers import LinkUse
from models.audit import AuditEntry
from models.db import Database, keys_of
from models.duty import DutySlot, Handover, SlotTransition
from tests.flows.answer_page.conftest import CANARY, CENTRE, EVENING, MINE, MORNING, ON_SQLITE, PHONE, THEIRS, Town

GOOD = {"do": "handover", "rooms": "ok", "meals": "ok", "cleaning": "ok", "facilities": "ok", "note": ""}
BROKEN = {**GOOD, "facilities": "problem", "note": "二楼活动室灯不亮"}


def history(database: Database) -> list[tuple[str, str, str]]:
    with database.read() as session:
        rows = session.execute(
            select(SlotTransition).where(col(SlotTransition.actor) == "K1").order_by(col(SlotTransition.id))
        )
        return [(each.before, each.after, each.actor) for each in rows.scalars()]


def test_a_duty_is_acknowledged_checked_in_and_handed_over_with_one_link(town: Town) -> None:
    link, evening, morning = town.link(), town.telephone(), town.telephone(MORNING)
    assert "确认值班" in evening.get(link).text
    assert "已确认，谢谢您！" in evening.post(link, {"do": "ack"}).text
    assert "签到" in morning.get(link).text
    assert "已签到" in morning.post(link, {"do": "checkin"}).text
    assert "交接完成" in morning.get(link).text
    done = morning.post(link, BROKEN)
    assert (done.status_code, "这一班已完成" in done.text) == (200, True)
    assert town.slot().state == "handed_over"
    assert history(town.database) == [
        ("published", "acknowledged", "K1"),
        ("acknowledged", "on_duty", "K1"),
        ("on_duty", "handed_over", "K1"),
    ]


def test_opening_a_link_does_nothing(town: Town) -> None:
    link, telephone = town.link(), town.telephone()
    for method in ("GET", "HEAD", "GET"):
        assert telephone.get(link, method).status_code == 200
    telephone.get(f"{link}?do=ack")
    assert town.slot().state == "published"
    with town.database.read() as session:
        assert session.execute(select(LinkUse)).first() is None


def test_the_audit_says_that_it_came_by_link(town: Town) -> None:
    town.telephone().post(town.link(), {"do": "ack"})
    with town.database.read() as session:
        last = session.execute(select(AuditEntry).order_by(col(AuditEntry.id).desc())).scalars().first()
    assert last is not None
    assert (last.actor, last.action, last.detail["source"]) == ("K1", "register.ack", "link")


def test_the_note_is_stored_as_the_register_stores_it(town: Town) -> None:
    telephone, link = town.telephone(MORNING), town.link()
    for form in ({"do": "ack"}, {"do": "checkin"}, {**BROKEN, "note": "  二楼\r\n活动室　灯不亮 "}):
        assert telephone.post(link, form).status_code == 200
    with town.database.read() as session:
        stored = session.execute(select(Handover)).scalar_one()
        note = keys_of(session).open("duty_handover.note", f"C1/{MINE}", stored.note)
    assert (stored.facilities, stored.rooms, stored.reporter, note) == ("problem", "ok", "K1", "二楼 活动室 灯不亮")


@pytest.mark.parametrize("step", ["ack", "checkin"])
def test_a_second_tap_is_answered_kindly_and_does_nothing(town: Town, step: str) -> None:
    telephone, link = town.telephone(MORNING), town.link()
    telephone.post(link, {"do": step})
    before = history(town.database)
    again = telephone.post(link, {"do": step})
    assert (again.status_code, "已登记过" in again.text) == (200, True)
    assert history(town.database) == before


def test_a_second_hand_over_does_not_change_the_first(town: Town) -> None:
    telephone, link = town.telephone(MORNING), town.link()
    for form in ({"do": "checkin"}, BROKEN):
        telephone.post(link, form)
    again = telephone.post(link, GOOD)
    assert (again.status_code, "已登记过" in again.text) == (200, True)
    with town.database.read() as session:
        assert session.execute(select(col(Handover.facilities))).scalar_one() == "problem"


def test_two_taps_at_once_act_once(town: Town) -> None:
    link, answers, ready = town.link(), [], threading.Barrier(4)
    telephone = town.telephone()

    def tap() -> None:
        ready.wait(10)
        answers.append(telephone.post(link, {"do": "ack"}))

    taps = [threading.Thread(target=tap) for _ in range(4)]
    for each in taps:
        each.start()
    for each in taps:
        each.join(60)
    assert Counter(answer.status_code for answer in answers) == {200: 4}
    assert sum("已确认，谢谢您！" in answer.text for answer in answers) == 1
    assert sum("已登记过" in answer.text for answer in answers) == 3
    assert len(history(town.database)) == 1


def test_what_was_acknowledged_otherwise_is_not_acknowledged_again(town: Town) -> None:
    record(town.database, town.office.at(EVENING), "ack", "office", {"date": str(MINE), "centre": "C1"})
    told = town.telephone().post(town.link(), {"do": "ack"})
    assert (told.status_code, "已登记过" in told.text) == (200, True)
    assert history(town.database) == []


def test_a_step_that_was_used_and_taken_back_needs_another_link(town: Town) -> None:
    telephone, link = town.telephone(), town.link()
    telephone.post(link, {"do": "ack"})
    town.give("K1")  # the office sets it back to published
    assert town.slot().state == "published"
    for told in (telephone.get(link), telephone.post(link, {"do": "ack"})):
        assert (told.status_code, "已经用过" in told.text) == (409, True)
    assert town.slot().state == "published"


@pytest.mark.parametrize("do", ["get", "ack", "checkin", "handover", "swap"])
def test_a_duty_that_went_to_somebody_else_says_only_that(town: Town, do: str) -> None:
    link = town.link()
    town.give("K3")
    telephone = town.telephone(MORNING)
    told = telephone.get(link) if do == "get" else telephone.post(link, {**GOOD, "do": do, "date": str(THEIRS)})
    assert (told.status_code, "您不用来" in told.text) == (410, True)
    assert town.slot().state == "published"


def test_a_duty_taken_away_and_given_back_does_not_say_need_not_come(town: Town) -> None:
    link = town.link()
    town.give("K3")
    town.give("K1")
    told = town.telephone().get(link)
    assert (told.status_code, "您不用来" in told.text, "仍由您值班" in told.text) == (410, False, True)
    assert town.telephone().get(town.link()).status_code == 200


def test_a_gap_is_nobody_s(town: Town) -> None:
    link = town.link()
    town.office.send("slot", [{"date": MINE, "centre": "C1", "cadre": ""}], EVENING)
    assert town.telephone().get(link).status_code == 410


def test_check_in_waits_for_the_day(town: Town) -> None:
    link, telephone = town.link(), town.telephone()
    told = telephone.post(link, {"do": "ack"})
    assert 'value="checkin"' not in told.text
    early = telephone.post(link, {"do": "checkin"})
    assert (early.status_code, "签到时间不在值班当天" in early.text) == (422, True)
    assert town.slot().state == "acknowledged"
    assert 'value="checkin"' in town.telephone(MORNING).get(link).text


def test_a_refused_step_may_be_tried_again_with_the_same_link(town: Town) -> None:
    link = town.link()
    town.telephone().post(link, {"do": "checkin"})
    assert town.telephone(MORNING).post(link, {"do": "checkin"}).status_code == 200
    assert town.slot().state == "on_duty"


@ON_SQLITE
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"facilities": "problem"}, "有问题的项目必须说明", id="a problem without a note"),
        pytest.param({"rooms": ""}, "功能室开放", id="a check left out"),
        pytest.param({"rooms": "maybe"}, "功能室开放", id="a value of no form"),
        pytest.param({"note": "长" * 201}, "说明超过 200 个字", id="a note too long"),
    ],
)
def test_a_hand_over_that_is_not_right_comes_back_with_what_was_filled_in(
    town: Town, changed: dict[str, str], said: str
) -> None:
    telephone, link = town.telephone(MORNING), town.link()
    telephone.post(link, {"do": "checkin"})
    told = telephone.post(link, {**GOOD, "note": "门锁", **changed} if "facilities" not in changed else GOOD | changed)
    assert (told.status_code, said in told.text) == (422, True)
    assert 'value="ok" required checked' in told.text
    assert town.slot().state == "on_duty"


@ON_SQLITE
def test_what_somebody_typed_is_text_and_no_markup(town: Town) -> None:
    telephone, link = town.telephone(MORNING), town.link()
    telephone.post(link, {"do": "checkin"})
    told = telephone.post(link, {**GOOD, "rooms": "", "note": "</textarea><script>alert(1)</script>"})
    assert "<script" not in told.text
    assert "&lt;script&gt;" in told.text


def test_a_note_of_two_hundred_characters_fits_through_the_gate(town: Town) -> None:
    telephone, link = town.telephone(MORNING), town.link()
    telephone.post(link, {"do": "checkin"})
    assert telephone.post(link, {**GOOD, "note": "长" * 200}).status_code == 200


def test_hand_over_before_check_in_is_refused(town: Town) -> None:
    told = town.telephone(MORNING).post(town.link(), GOOD)
    assert (told.status_code, "还没有签到" in told.text) == (422, True)


@ON_SQLITE
@pytest.mark.parametrize("do", ["", "approve", "ack; drop", "missed"])
def test_a_step_that_does_not_exist_is_no_step(town: Town, do: str) -> None:
    assert town.telephone().post(town.link(), {"do": do}).status_code == 404
    assert town.slot().state == "published"


def test_who_is_replaced_at_the_door_is_not_asked_to_hand_over(town: Town) -> None:
    link = town.link()
    values = {"date": str(MINE), "centre": "C1", "cadre": "K3", "at": f"{MINE} 08:00"}
    record(town.database, town.office.at(MORNING), "checkin", "office", values)
    told = town.telephone(MORNING).get(link)
    assert (told.status_code, "已有人到岗" in told.text, 'value="handover"' in told.text) == (200, True, False)


@ON_SQLITE
def test_a_missed_duty_says_whom_to_ask(town: Town) -> None:
    link = town.link()
    town.office.watch("2026-03-11T00:15")
    assert town.slot().state == "missed"
    told = town.telephone("2026-03-11T08:00").get(link)
    assert (told.status_code, "补签到" in told.text, "<form" in told.text) == (200, True, False)


@ON_SQLITE
def test_a_day_that_is_over_has_no_button(town: Town) -> None:
    told = town.telephone("2026-03-11T00:01").get(town.link())
    assert (told.status_code, "已经过去" in told.text, "<form" in told.text) == (200, True, False)


@ON_SQLITE
def test_an_expired_link_is_gone(town: Town) -> None:
    link = town.link(until=datetime(2026, 3, 9, 9, 0, tzinfo=UTC))
    told = town.telephone().post(link, {"do": "ack"})
    assert (told.status_code, "已过期" in told.text) == (410, True)
    assert town.slot().state == "published"


def test_a_duty_of_another_district_is_unknown(town: Town) -> None:
    link = town.link()
    with town.database.write() as session:
        session.connection().exec_driver_sql("INSERT INTO district (code, name) VALUES ('530111', '官渡区')")
    assert town.telephone(district="530111").get(link).status_code == 404


@ON_SQLITE
def test_no_page_of_a_duty_names_anybody(town: Town) -> None:
    link, evening, morning = town.link(), town.telephone(), town.telephone(MORNING)
    told = [
        evening.get(link),
        evening.get(f"{link}?lang=en"),
        evening.get(f"{link}?do=swap"),
        evening.post(link, {"do": "swap", "date": str(THEIRS)}),
        evening.post(link, {"do": "ack"}),
        morning.post(link, {"do": "checkin"}),
        morning.post(link, {**GOOD, "cleaning": "problem"}),
        morning.post(link, BROKEN),
        morning.get(link),
    ]
    for each in told:
        everything = f"{each.text} {each.headers}"
        assert CENTRE in each.text or "swap" in str(each.url)
        assert not [word for word in (CANARY, PHONE, "canary", "K1", "K2", "K3", "K4", "C-") if word in everything]


@ON_SQLITE
def test_the_page_is_in_the_language_that_was_asked_for(town: Town) -> None:
    link, telephone = town.link(), town.telephone()
    chinese, english = telephone.get(link), telephone.get(f"{link}?lang=en")
    assert ('lang="zh-CN"' in chinese.text, chinese.headers["content-language"]) == (True, "zh-CN")
    assert ("Please confirm" in english.text, english.headers["content-language"]) == (True, "en")
    assert "10 Mar" in english.text
    assert "Please confirm" in town.telephone(lang="en").get(link).text
    assert "确认值班" in town.telephone(lang="en").get(f"{link}?lang=zh").text


@ON_SQLITE
def test_what_an_unexpected_error_says_is_a_number(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError(CANARY)

    monkeypatch.setattr("flows.answer_page.duty.use_link", fail)
    told = town.telephone().post(town.link(), {"do": "ack"})
    assert (told.status_code, CANARY in told.text, "I-" in told.text) == (500, False, True)


def test_a_lost_race_asks_to_press_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    from models.duty_record import SlotMoved  # noqa: PLC0415

    def moved(*_: object, **__: object) -> None:
        raise SlotMoved("C1", MINE)

    monkeypatch.setattr("flows.answer_page.duty.record_within", moved)
    told = town.telephone().post(town.link(), {"do": "ack"})
    assert (told.status_code, "再按一次" in told.text) == (409, True)
    with town.database.read() as session:
        assert session.execute(select(LinkUse)).first() is None


@ON_SQLITE
def test_a_pinned_duty_offers_no_swap(town: Town) -> None:
    with town.database.write() as session:
        session.execute(update(DutySlot).values(pinned=True))
    assert "申请换班" not in town.telephone().get(town.link()).text
