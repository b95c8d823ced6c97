"""By which channels a duty message may reach somebody: the policy's order, then whatever else works, then a call."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from models.consent import prefer
from models.district import Contact
from models.messages import Message
from notifications.duty import Telling
from notifications.outbox import enqueue
from tests.notifications.office import ZONE, Office

CONTACT = Contact("C-7K3Q-9XM2", "李建国", "13800138000", "li@example.cn")
SMS, MAIL, CALL = ("sms", "13800138000"), ("email", "li@example.cn"), ("call", "13800138000")
VARIABLES = {"name": "李建国", "date": "2026-07-12", "weekday": "周日", "centre": "马街中心"}


def telling(*order: str) -> Telling:
    return Telling("530112", datetime(2026, 7, 11, tzinfo=UTC), ZONE, "zh", {"change": order})


@pytest.mark.parametrize(
    ("order", "routes"),
    [
        pytest.param(("sms", "email"), [SMS, MAIL, CALL], id="SMS first"),
        pytest.param(("email", "sms"), [MAIL, SMS, CALL], id="e-mail first"),
        pytest.param(("email",), [MAIL, SMS, CALL], id="what the policy does not name comes after it"),
        pytest.param(("sms",), [SMS, MAIL, CALL], id="SMS alone"),
        pytest.param((), [MAIL, SMS, CALL], id="no order at all"),
    ],
)
def test_the_policy_s_order_counts_and_a_call_comes_last(order: tuple[str, ...], routes: list[tuple[str, str]]) -> None:
    assert telling(*order).routes("change", CONTACT) == routes


@pytest.mark.parametrize(
    ("phone", "email", "routes"),
    [
        pytest.param("", "li@example.cn", [MAIL, ("call", "")], id="no telephone"),
        pytest.param("13800138000", "", [SMS, CALL], id="no e-mail"),
        pytest.param("", "", [("call", "")], id="neither: somebody has to look the number up"),
        pytest.param("0871-6789 0123", "", [("call", "0871-67890123")], id="a landline is called"),
        pytest.param("0871-67890123", "li@example.cn", [MAIL, ("call", "0871-67890123")], id="a landline and e-mail"),
        pytest.param("0871-67890123-8002", "", [("call", "0871-67890123-8002")], id="an extension stays apart"),
        pytest.param("+86 138-0013-8000", "", [SMS, ("call", "138-0013-8000")], id="a mobile in another spelling"),
        pytest.param("13800138000转2", "", [("call", "")], id="a number that is none is no number"),
        pytest.param("13800138000", "李@示例", [SMS, CALL], id="an address that is none"),
    ],
)
def test_only_usable_addresses_are_routes(phone: str, email: str, routes: list[tuple[str, str]]) -> None:
    person = replace(CONTACT, phone=phone, email=email)
    assert telling("sms", "email").routes("change", person) == routes


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("wish", "channel"),
    [
        pytest.param(["email"], "email", id="mail"),
        pytest.param(["call"], "call", id="wants to be called"),
        pytest.param(["sms", "email"], "sms", id="as the policy has it"),
    ],
)
def test_what_a_person_prefers_goes_first(office: Office, wish: list[str], channel: str) -> None:
    draft = telling("sms").draft("change", "duty-released", "duty-released:1:x:r1", CONTACT, VARIABLES)
    with office.database.write() as session:
        prefer(session, CONTACT.ref, wish, "staff", office.now)
        enqueue(session, [draft], office.now)
    message: Message = office.message("duty-released:1:x:r1")
    assert message.channel == channel


def test_a_draft_shows_no_address() -> None:
    draft = telling("sms").draft("change", "duty-released", "duty-released:1:x:r1", CONTACT, VARIABLES)
    assert draft.channel == "sms"
    assert "13800138000" not in repr(draft)
    assert "li@example.cn" not in repr(draft)


def test_a_very_long_name_is_shortened_to_what_the_template_takes() -> None:
    long = {**VARIABLES, "centre": "中" * 500, "name": ""}
    draft = telling("sms").draft("change", "duty-released", "duty-released:1:x:r1", CONTACT, long)
    assert len(draft.variables["centre"]) == 60
    assert draft.variables["name"] == "—"
