"""Reaching people: their order of channels, opt-out, and the next channel when one does not get through."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from models.consent import opt_in, prefer
from models.drafts import Draft, Enclosure, Route
from models.message_views import calls
from models.messages import cancel
from models.receipts import Report
from models.successors import base_of, pass_on
from notifications.channels.contract import Outcome
from notifications.errors import BadAddress, BadDraft
from notifications.outbox import enqueue
from notifications.parcels import Parcel
from tests.notifications.office import DRAFT, NOON, Office, Post

MAIL: Route = ("email", "li@example.org")
CALL: Route = ("call", "0871-6812345")
ROUTED = replace(DRAFT, others=(MAIL, CALL))


def told(office: Office, *drafts: Draft) -> None:
    """Enqueue as jobs do, with all checks."""
    with office.database.write() as session:
        enqueue(session, drafts, office.now)


def routes(office: Office) -> list[tuple[Any, ...]]:
    """(key, channel, state) of everything, in order."""
    return office.rows("SELECT dedupe_key, channel, state FROM message ORDER BY id")


def everything(office: Office, **answers: Post) -> None:
    """Drain SMS and e-mail until nothing moves, hours apart."""
    for _ in range(12):
        office.drain(channels={"sms": [answers.get("sms", Post())], "email": [answers.get("email", Post())]})
        office.later(hours=2)


def test_what_a_person_prefers_goes_first_and_the_rest_stays_behind(office: Office) -> None:
    with office.database.write() as session:
        prefer(session, DRAFT.recipient, ["email"], "reply", NOON)
    told(office, ROUTED)
    assert routes(office) == [("m:1", "email", "pending")]
    office.opt_out(MAIL[1], "email")
    everything(office, sms=Post("rejected"))
    assert [channel for _, channel, _ in routes(office)] == ["email", "sms", "call"]


def test_the_last_word_on_preferences_counts(office: Office) -> None:
    for order in (["email"], ["call", "sms"]):
        with office.database.write() as session:
            prefer(session, DRAFT.recipient, order, "staff", NOON)
    told(office, ROUTED)
    assert routes(office) == [("m:1", "call", "pending")]


def test_a_preference_for_a_channel_that_a_message_does_not_have_changes_nothing(office: Office) -> None:
    with office.database.write() as session:
        prefer(session, DRAFT.recipient, ["robot", "email"], "staff", NOON)
    told(office, replace(DRAFT, others=(CALL,)))
    assert routes(office) == [("m:1", "sms", "pending")]


def test_a_changed_preference_makes_no_second_message_of_the_same_key(office: Office) -> None:
    told(office, ROUTED)
    with office.database.write() as session:
        prefer(session, DRAFT.recipient, ["email"], "reply", NOON)
    told(office, ROUTED)
    assert routes(office) == [("m:1", "sms", "pending")]


@pytest.mark.parametrize(
    ("other", "error"),
    [
        pytest.param(("email", "nowhere"), BadAddress, id="an address that cannot be reached"),
        pytest.param(("robot", "duty-office"), BadDraft, id="a channel the template does not have"),
    ],
)
def test_a_wrong_second_route_is_refused_with_the_draft(office: Office, other: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        told(office, replace(DRAFT, others=(other,)))
    assert office.states() == {}


def test_keys_of_jobs_cannot_look_like_those_of_successors(office: Office) -> None:
    with pytest.raises(BadDraft, match="key"):
        told(office, replace(DRAFT, key="m:1~1"))


def test_opted_out_of_one_channel_means_the_next_one(office: Office) -> None:
    office.opt_out(DRAFT.address)
    told(office, ROUTED)
    tally = office.drain(Post())
    assert (tally.states, tally.successors) == ({"suppressed": 1}, 1)
    assert routes(office) == [("m:1", "sms", "suppressed"), ("m:1~1", "email", "pending")]
    assert office.message("m:1~1").follows == office.message("m:1").id


def test_who_comes_back_hears_again(office: Office) -> None:
    office.opt_out(DRAFT.address)
    with office.database.write() as session:
        assert opt_in(session, "sms", DRAFT.address, NOON)
        assert not opt_in(session, "sms", DRAFT.address, NOON)
    told(office, DRAFT)
    assert office.drain(Post()).states == {"accepted": 1}
    office.opt_out(DRAFT.address)
    assert office.rows("SELECT count(*), count(ended_at) FROM opt_out") == [(2, 1)]


def test_opting_out_of_sms_says_nothing_of_e_mail(office: Office) -> None:
    office.opt_out(DRAFT.address)
    told(office, replace(DRAFT, channel="email", address=MAIL[1]))
    office.drain(channels={"email": [Post()]})
    assert office.states() == {"accepted": 1}


def test_opting_out_after_the_claim_is_seen_before_the_flight(office: Office) -> None:
    told(office, DRAFT)

    def meanwhile(_session: Session, parcels: Sequence[Parcel]) -> dict[str, dict[str, Any]]:
        office.opt_out(DRAFT.address)
        return {parcel.key: {} for parcel in parcels}

    post = Post()
    office.drain(post, late={"duty-released": meanwhile})
    assert (post.sent, office.states()) == ([], {"suppressed": 1})


def test_a_number_on_the_providers_blacklist_opts_out_and_the_next_channel_takes_over(office: Office) -> None:
    told(office, ROUTED)
    office.drain(Post(Outcome("", "rejected", code="BLACK", blocked=True)))
    told(office, replace(DRAFT, key="m:2"))
    office.drain(Post())
    assert routes(office) == [
        ("m:1", "sms", "dead"),
        ("m:1~1", "email", "pending"),
        ("m:2", "sms", "suppressed"),
    ]
    assert office.rows("SELECT source FROM opt_out") == [("provider",)]


def test_rejected_on_each_channel_it_ends_on_the_call_list(office: Office) -> None:
    told(office, ROUTED)
    everything(office, sms=Post("rejected"), email=Post("rejected"))
    assert routes(office) == [("m:1", "sms", "dead"), ("m:1~1", "email", "dead"), ("m:1~2", "call", "pending")]
    with office.database.read() as session:
        (call,) = calls(session, "530112", office.now)
    assert (call.key, call.recipient, call.phone) == ("m:1~2", DRAFT.recipient, "0871-6812345")
    assert call.variables == dict(DRAFT.variables)


def test_put_off_eight_times_it_takes_the_next_channel(office: Office) -> None:
    told(office, ROUTED)
    for _ in range(7):
        office.drain(Post("defer"))
        office.later(hours=1)
    assert len(routes(office)) == 1
    office.drain(Post("defer"))
    assert routes(office) == [("m:1", "sms", "dead"), ("m:1~1", "email", "pending")]


def test_undeliverable_by_receipt_it_takes_the_next_channel(office: Office) -> None:
    told(office, ROUTED)
    office.drain(Post())
    ref = office.message().provider_ref
    assert ref
    office.told(Report(ref, DRAFT.address, "undeliverable", "UNREACHABLE"))
    office.told(Report(ref, DRAFT.address, "undeliverable", "UNREACHABLE"))
    assert routes(office) == [("m:1", "sms", "undeliverable"), ("m:1~1", "email", "pending")]


def test_a_template_that_fails_on_one_channel_may_do_on_the_next(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(office, ROUTED)
    monkeypatch.setattr("notifications.flight.render_sms", lambda *_, **__: template_is_broken())
    everything(office)
    assert routes(office) == [("m:1", "sms", "dead"), ("m:1~1", "email", "accepted")]


def template_is_broken() -> None:
    raise BadDraft("m:1", "template")


def test_what_expired_or_was_cancelled_goes_nowhere_else(office: Office) -> None:
    soon = NOON + timedelta(minutes=1)
    told(office, replace(ROUTED, key="late", expires_at=soon), replace(ROUTED, key="gone"), replace(ROUTED, key="void"))
    with office.database.write() as session:
        cancel(session, ["gone"], "slot given away", NOON)
    office.now = soon

    def none_hold(_session: Session, _parcels: Sequence[Parcel]) -> set[str]:
        return set()

    office.drain(Post(), still_true={"duty-released": none_hold})
    assert office.states() == {"expired": 1, "cancelled": 2}


def test_a_successor_that_is_no_longer_true_is_not_sent(office: Office) -> None:
    asked: list[str] = []

    def first_only(_session: Session, parcels: Sequence[Parcel]) -> set[str]:
        asked.extend(base_of(parcel.key) for parcel in parcels)
        return {parcel.key for parcel in parcels if parcel.key == base_of(parcel.key)}

    told(office, ROUTED)
    channels = {"sms": [Post("rejected")], "email": [Post()]}
    for _ in range(2):
        office.drain(channels=channels, still_true={"duty-released": first_only})
    assert routes(office) == [("m:1", "sms", "dead"), ("m:1~1", "email", "cancelled")]
    assert asked == ["m:1", "m:1"]


def test_a_successor_keeps_what_the_message_was(office: Office) -> None:
    until = NOON + timedelta(days=2)
    office.put(replace(ROUTED, priority=2, expires_at=until, language="en"), kind="payment", audience="public")
    office.drain(Post("rejected"))
    first, second = office.message("m:1"), office.message("m:1~1")
    for name in ("template", "template_version", "kind", "audience", "language", "district", "recipient", "priority"):
        assert getattr(first, name) == getattr(second, name), name
    assert (second.expires_at, second.not_before, second.attempts) == (until, office.now, 0)
    assert first.out_id != second.out_id


def test_passing_on_twice_writes_one_successor(office: Office) -> None:
    told(office, ROUTED)
    office.drain(Post("rejected"))
    ids = [row[0] for row in office.rows("SELECT id FROM message WHERE state = 'dead'")]
    for _ in range(2):
        with office.database.write() as session:
            assert pass_on(session, ids, office.now) == 0
    assert len(routes(office)) == 2


def test_only_what_did_not_get_through_is_passed_on(office: Office) -> None:
    told(office, ROUTED, replace(ROUTED, key="m:2"))
    office.drain(Post("accepted", "unknown"))
    with office.database.write() as session:
        assert pass_on(session, [row[0] for row in office.rows("SELECT id FROM message")], office.now) == 0


def test_a_damaged_row_costs_itself_alone(office: Office) -> None:
    """Its variables cannot be opened: it is dead, has no successor, and the others fly."""
    told(office, ROUTED, replace(ROUTED, key="m:2", address="13800138001"))
    office.execute("UPDATE message SET variables = address WHERE dedupe_key = 'm:1'")
    office.drain(Post())
    assert routes(office) == [("m:1", "sms", "dead"), ("m:2", "sms", "accepted")]
    assert (office.message().error_class, office.message().error_code) == ("permanent", "seal")


def test_damaged_routes_cost_the_successor_alone(office: Office) -> None:
    told(office, ROUTED, replace(ROUTED, key="m:2", address="13800138001"))
    office.execute("UPDATE message SET routes = address WHERE dedupe_key = 'm:1'")
    office.drain(Post("rejected", "rejected"))
    assert routes(office) == [("m:1", "sms", "dead"), ("m:2", "sms", "dead"), ("m:2~1", "email", "pending")]


PDF = Enclosure("名单.pdf", "application/pdf", b"%PDF-1.7 ...")


def test_an_enclosure_goes_on_to_the_next_channel(office: Office) -> None:
    told(office, replace(ROUTED, enclosed=(PDF,)))
    everything(office, sms=Post("rejected"))
    assert office.message("m:1~1").enclosures is not None
    assert office.states() == {"dead": 1, "accepted": 1}
    assert office.rows("SELECT count(*) FROM enclosed_file") == [(1,)]


def test_a_file_that_is_kept_no_longer_costs_its_message_alone(office: Office) -> None:
    told(office, replace(ROUTED, enclosed=(PDF,)), replace(DRAFT, key="m:2", address="13800138001"))
    office.execute("UPDATE enclosed_file SET content = NULL")
    office.drain(Post())
    assert routes(office) == [("m:1", "sms", "dead"), ("m:2", "sms", "accepted")]
    assert office.message().error_code == "FileGone"


def test_what_is_printed_of_a_draft_names_nobody() -> None:
    assert "13800138000" not in repr(ROUTED)
    assert "李建国" not in repr(ROUTED)
    assert "li@example.org" not in repr(ROUTED)
    assert "PDF-1.7" not in repr(PDF)
