"""Swaps by link: asked for by date alone, answered once, carried out by the register's own rules, both sides told."""

import json
import threading
from datetime import date

import pytest
from sqlalchemy import select
from sqlmodel import col

from flows.duty_desk import NotRecorded, record
from models.answers import LinkUse, exchange_of
from models.audit import AuditEntry
from models.db import keys_of
from models.duty import Swap
from models.messages import Message
from notifications.duty_swaps import still_asked
from notifications.duty_truth import STILL_TRUE
from notifications.links import Ticket, make, read
from notifications.parcels import claim
from tests.flows.answer_page.conftest import CANARY, EVENING, FAR, MINE, ON_SQLITE, PHONE, THEIRS, THIRD, Town

ASK = {"do": "swap", "date": str(THEIRS)}

PAIRS = {("duty-swap-asked", "zh-CN")}


def ask(town: Town) -> str:
    """Ask, and return the link that the other side was sent."""
    told = town.telephone().post(town.link(), ASK)
    assert (told.status_code, "换班申请已发给对方" in told.text) == (200, True)
    return sent_link(town)


def sent_link(town: Town) -> str:
    with town.database.read() as session:
        query = select(Message).where(col(Message.template) == "duty-swap-asked").order_by(col(Message.id).desc())
        message = session.execute(query).scalars().first()
        assert message is not None
        told = json.loads(keys_of(session).open("message.variables", message.dedupe_key, message.variables))
    return f"/a/{told['code']}"


def swaps(town: Town) -> list[str]:
    with town.database.read() as session:
        return list(session.execute(select(col(Swap.state)).order_by(col(Swap.id))).scalars())


def told(town: Town, template: str) -> list[dict[str, str]]:
    with town.database.read() as session:
        query = select(Message).where(col(Message.template) == template).order_by(col(Message.id))
        keys = keys_of(session)
        return [
            json.loads(keys.open("message.variables", each.dedupe_key, each.variables))
            for each in session.execute(query).scalars()
        ]


def people(town: Town) -> list[str | None]:
    return [town.slot(day).cadre for day in (MINE, THEIRS, THIRD)]


@ON_SQLITE
def test_the_dates_one_may_ask_for_are_shown_without_names(town: Town) -> None:
    page = town.telephone().get(f"{town.link()}?do=swap")
    assert [day in page.text for day in ("3月20日", "3月25日")] == [True, True]
    assert not [word for word in (CANARY, PHONE, "K2", "K3") if word in page.text]


@ON_SQLITE
def test_dates_that_a_rule_forbids_are_not_offered(town: Town) -> None:
    town.office.send("leave", [{"person": "K2", "from": MINE, "until": MINE, "type": "annual"}], "2026-03-02T08:00")
    page = town.telephone().get(f"{town.link()}?do=swap")
    assert ["3月20日" in page.text, "3月25日" in page.text] == [False, True]


def test_asking_stores_the_asker_s_word_and_asks_the_other_side(town: Town) -> None:
    ask(town)
    with town.database.read() as session:
        swap = session.execute(select(Swap)).scalar_one()
        to = session.execute(select(col(Message.recipient)).where(col(Message.template) == "duty-swap-asked"))
        assert to.scalars().all() == [town.slot(THEIRS).ref]
    assert (swap.state, swap.confirmed_a_id, swap.confirmed_b_id) == ("asked", swap.cadre_a_id, None)
    (message,) = told(town, "duty-swap-asked")
    assert (message["give_date"], message["take_date"]) == (str(THEIRS), str(MINE))
    assert (message["give_weekday"], message["name"]) == ("周五", f"{CANARY}2")
    assert people(town) == ["K1", "K2", "K3"]


def test_the_link_of_the_request_is_the_other_side_s_and_ends_with_the_earlier_day(town: Town) -> None:
    code = ask(town).removeprefix("/a/")
    ticket = read(town.database.keys, code, town.office.at(EVENING).now())
    assert (ticket.purpose, ticket.person) == ("swap", town.slot(THEIRS).cadre_id)
    assert town.office.base.local(ticket.expires_at).isoformat() == "2026-03-11T00:00:00+08:00"


def test_agreeing_swaps_the_days_and_tells_both(town: Town) -> None:
    link, other = ask(town), town.telephone(address="203.0.113.8")
    page = other.get(link)
    assert [word in page.text for word in ("3月20日", "3月10日", "同意换班", "不同意")] == [True] * 4
    done = other.post(link, {"do": "yes"})
    assert (done.status_code, "换班成功" in done.text) == (200, True)
    assert people(town) == ["K2", "K1", "K3"]
    (message,) = told(town, "duty-swap-done")
    assert (message["name"], message["give_date"], message["take_date"]) == (f"{CANARY}1", str(MINE), str(THEIRS))
    assert sorted(m["name"] for m in told(town, "duty-assigned")) == [f"{CANARY}1", f"{CANARY}2"]
    assert "您不用来" in town.telephone().get(f"/a/{make(town.database.keys, mine(town, 1))}").text


def mine(town: Town, person: int) -> Ticket:
    return Ticket("duty", town.slot().id, person, 0, FAR)


def test_declining_ends_the_request_and_tells_the_asker(town: Town) -> None:
    link, other = ask(town), town.telephone()
    done = other.post(link, {"do": "no"})
    assert (done.status_code, "已答复：不同意" in done.text) == (200, True)
    assert (swaps(town), people(town)) == (["refused"], ["K1", "K2", "K3"])
    (message,) = told(town, "duty-swap-refused")
    assert (message["name"], message["give_date"]) == (f"{CANARY}1", str(MINE))
    assert "对方不同意" in town.telephone().get(town.link()).text
    with town.database.read() as session:
        last = session.execute(select(AuditEntry).order_by(col(AuditEntry.id).desc())).scalars().first()
    assert last is not None
    assert (last.actor, last.action, last.detail["source"]) == ("K2", "duty.swap-refused", "link")


@pytest.mark.parametrize(("first", "second"), [("yes", "no"), ("no", "yes")])
def test_an_answer_is_given_once(town: Town, first: str, second: str) -> None:
    link, other = ask(town), town.telephone()
    other.post(link, {"do": first})
    before = (swaps(town), people(town))
    assert other.post(link, {"do": first}).status_code == 200
    assert other.post(link, {"do": second}).status_code == 409
    assert (swaps(town), people(town)) == before
    assert len(told(town, "duty-swap-done")) + len(told(town, "duty-swap-refused")) == 1


def test_yes_and_no_at_the_same_moment_one_of_them_counts(town: Town) -> None:
    link, other, answers, ready = ask(town), town.telephone(), {}, threading.Barrier(2)

    def answer(word: str) -> None:
        ready.wait(10)
        answers[word] = other.post(link, {"do": word}).status_code

    threads = [threading.Thread(target=answer, args=(word,)) for word in ("yes", "no")]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert sorted(answers.values()) == [200, 409]
    assert swaps(town) == (["done"] if answers["yes"] == 200 else ["refused"])


def test_asking_for_the_same_twice_asks_once(town: Town) -> None:
    link, telephone = town.link(), town.telephone()
    for _ in range(2):
        assert telephone.post(link, ASK).status_code == 200
    assert (swaps(town), len(told(town, "duty-swap-asked"))) == (["asked"], 1)
    assert "等对方答复" in telephone.get(link).text
    assert 'value="2026-03-20"' not in telephone.get(f"{link}?do=swap").text


def test_who_was_refused_cannot_ask_the_same_again(town: Town) -> None:
    town.telephone().post(ask(town), {"do": "no"})
    other_link = town.link(until=FAR.replace(day=2))
    town.telephone().post(other_link, ASK)
    assert (swaps(town), len(told(town, "duty-swap-asked"))) == (["refused"], 1)
    values = {"centre": "C1", "date_a": str(MINE), "cadre_a": "K1", "date_b": str(THEIRS), "cadre_b": "K2"}
    with pytest.raises(NotRecorded, match="对方已不同意"):
        record(town.database, town.office.at(EVENING), "swap", "K2", {**values, "confirmed_b": "K2"})


def test_a_head_may_still_confirm_both_sides_of_a_refused_swap(town: Town) -> None:
    town.telephone().post(ask(town), {"do": "no"})
    values = {"centre": "C1", "date_a": str(MINE), "cadre_a": "K1", "date_b": str(THEIRS), "cadre_b": "K2"}
    record(town.database, town.office.at(EVENING), "swap", "K4", {**values, "confirmed_a": "K4", "confirmed_b": "K4"})
    assert (swaps(town), people(town)) == (["done"], ["K2", "K1", "K3"])


def test_two_who_ask_each_other_have_swapped(town: Town) -> None:
    ask(town)
    done = town.telephone().post(town.link(THEIRS), {"do": "swap", "date": str(MINE)})
    assert (done.status_code, "换班成功" in done.text) == (200, True)
    assert people(town) == ["K2", "K1", "K3"]
    assert [message["name"] for message in told(town, "duty-swap-done")] == [f"{CANARY}1"]


def test_a_request_whose_duty_moved_holds_no_more(town: Town) -> None:
    link = ask(town)
    town.give("K4", THEIRS)
    other = town.telephone()
    for page in (other.get(link), other.post(link, {"do": "yes"}), other.post(link, {"do": "no"})):
        assert (page.status_code, "已不适用" in page.text) == (410, True)
    assert (swaps(town), people(town)) == (["asked"], ["K1", "K4", "K3"])


def test_a_request_whose_duty_moved_and_came_back_holds_no_more(town: Town) -> None:
    link = ask(town)
    town.give("K4", THEIRS)
    town.give("K2", THEIRS)
    assert town.telephone().post(link, {"do": "yes"}).status_code == 410
    assert people(town) == ["K1", "K2", "K3"]


def test_after_the_duty_came_back_one_may_ask_anew_with_a_link_of_its_own(town: Town) -> None:
    first = ask(town)
    town.give("K4", THEIRS)
    town.give("K2", THEIRS)
    with town.database.read() as session:
        stands = exchange_of(session, 1, session.execute(select(col(Swap.id))).scalar_one())
    assert stands is not None
    assert stands.stands
    assert sent_link(town) == first


def test_a_rule_that_came_in_between_forbids_the_swap_and_says_so(town: Town) -> None:
    link = ask(town)
    town.office.send("leave", [{"person": "K1", "from": THEIRS, "until": THEIRS, "type": "annual"}], EVENING)
    page = town.telephone().post(link, {"do": "yes"})
    assert (page.status_code, "现在不能换" in page.text) == (409, True)
    assert (swaps(town), people(town)) == (["asked"], ["K1", "K2", "K3"])
    with town.database.read() as session:
        assert "answer" not in session.execute(select(col(LinkUse.step))).scalars().all()
    assert town.telephone().post(link, {"do": "no"}).status_code == 200


@ON_SQLITE
def test_a_forbidden_date_is_refused_in_words_without_numbers(town: Town) -> None:
    town.office.send("leave", [{"person": "K2", "from": MINE, "until": MINE, "type": "annual"}], EVENING)
    page = town.telephone().post(town.link(), ASK)
    assert (page.status_code, "对方 在 2026-03-10 请假" in page.text, "K2" in page.text) == (409, True, False)
    english = town.telephone().post(f"{town.link()}?lang=en", ASK)
    assert "the other side is on leave" in english.text
    assert swaps(town) == []


@ON_SQLITE
@pytest.mark.parametrize("day", ["", "2026-03-10", "2026-03-21", "tomorrow", "2026-03-20T00:00", "20260320"])
def test_a_date_that_is_not_offered_is_no_choice(town: Town, day: str) -> None:
    page = town.telephone().post(town.link(), {"do": "swap", "date": day})
    assert (page.status_code, "请选一个日期" in page.text) == (409, True)
    assert swaps(town) == []


def test_three_requests_may_wait_and_no_more(town: Town) -> None:
    more = {date(2026, 3, 14): "K2", date(2026, 3, 28): "K2"}
    rows = [{"date": day, "centre": "C1", "cadre": cadre, "state": "published"} for day, cadre in more.items()]
    town.office.send("slot", rows, "2026-03-02T08:00")
    telephone, link = town.telephone(), town.link()
    for day in (THEIRS, THIRD, date(2026, 3, 28)):
        assert telephone.post(link, {"do": "swap", "date": str(day)}).status_code == 200
    assert "请先等一等" in telephone.get(f"{link}?do=swap").text
    assert telephone.post(link, {"do": "swap", "date": "2026-03-14"}).status_code == 409
    assert len(swaps(town)) == 3


@ON_SQLITE
def test_an_english_page_leaves_the_district_s_language_in_what_is_sent(town: Town) -> None:
    town.telephone().post(f"{town.link()}?lang=en", ASK)
    (message,) = told(town, "duty-swap-asked")
    assert message["give_weekday"] == "周五"


@ON_SQLITE
def test_someone_who_is_in_neither_side_knows_nothing(town: Town) -> None:
    ask(town)
    code = make(town.database.keys, Ticket("swap", 1, 3, 0, FAR))
    assert town.telephone().get(f"/a/{code}").status_code == 404
    unknown = make(town.database.keys, Ticket("swap", 99, 2, 0, FAR))
    assert town.telephone().post(f"/a/{unknown}", {"do": "yes"}).status_code == 404


def test_the_asker_s_own_side_is_not_asked(town: Town) -> None:
    ask(town)
    code = make(town.database.keys, Ticket("swap", 1, 1, 0, FAR))
    page = town.telephone().post(f"/a/{code}", {"do": "yes"})
    assert (page.status_code, "已答复：同意" in page.text) == (200, True)
    assert swaps(town) == ["asked"]


@ON_SQLITE
@pytest.mark.parametrize("word", ["", "maybe", "YES"])
def test_a_word_that_is_no_answer_answers_nothing(town: Town, word: str) -> None:
    assert town.telephone().post(ask(town), {"do": word}).status_code == 404
    assert swaps(town) == ["asked"]


def test_the_request_flies_only_while_it_waits_for_an_answer(town: Town) -> None:
    link = ask(town)
    assert STILL_TRUE["duty-swap-asked"] is still_asked
    now = town.office.at(EVENING).now()
    with town.database.write() as session:
        parcels = [
            p
            for p in claim(session, "sms", "test", pairs=PAIRS, now=now, lease_until=now, limit=100)
            if p.template == "duty-swap-asked"
        ]
        assert still_asked(session, parcels) == {parcel.key for parcel in parcels}
        assert parcels
    town.telephone().post(link, {"do": "no"})
    with town.database.read() as session:
        assert still_asked(session, parcels) == set()


@ON_SQLITE
def test_no_page_of_a_swap_names_anybody(town: Town) -> None:
    link, other = ask(town), town.telephone()
    pages = [other.get(link), other.get(f"{link}?lang=en"), other.post(link, {"do": "yes"}), other.get(link)]
    for page in pages:
        assert not [word for word in (CANARY, PHONE, "canary", "K1", "K2", "K3", "K4", "C-") if word in page.text]
