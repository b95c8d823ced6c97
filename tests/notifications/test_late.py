"""Facts read at sending: late variables of digests, by key; what has nothing to tell is cancelled."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlmodel import Session

from notifications.parcels import Parcel
from tests.notifications.office import DRAFT, VARIABLES, Office, Post, drafts

READERS = "duty-released"


def test_what_a_reader_gives_is_told_as_it_stands_at_sending(office: Office) -> None:
    office.put(DRAFT)
    post, names = Post(), iter(["甲", "乙"])

    def reader(session: Session, parcels: Sequence[Parcel]) -> Mapping[str, Mapping[str, Any]]:
        assert session.in_transaction() or session.connection()
        return {parcel.key: {"name": name} for parcel, name in zip(parcels, names, strict=False)}

    office.drain(post, late={READERS: reader})
    assert "甲" in post.sent[0].body
    assert VARIABLES["name"] not in post.sent[0].body


def test_a_key_that_a_reader_leaves_out_has_nothing_to_tell(office: Office) -> None:
    office.put(*drafts(3))
    office.drain(Post(), late={READERS: lambda _, parcels: {p.key: {} for p in parcels if p.key != "m:1"}})
    assert office.states() == {"accepted": 2, "cancelled": 1}
    gone = office.message("m:1")
    assert (gone.error_code, gone.request, gone.attempts) == ("nothing to tell", None, 0)


def test_a_cancelled_digest_does_not_go_to_the_next_channel(office: Office) -> None:
    office.put(replace(DRAFT, others=(("email", "li@example.org"),)))
    office.drain(Post(), late={READERS: lambda *_: {}})
    assert office.states() == {"cancelled": 1}


def test_a_template_without_a_reader_has_nothing_late(office: Office) -> None:
    office.put(DRAFT)
    assert office.drain(Post(), late={"another": lambda *_: {}}).states == {"accepted": 1}


def test_each_try_reads_anew_and_freezes_what_it_read(office: Office) -> None:
    office.put(DRAFT)
    answers, names = Post("defer"), iter(["甲", "乙"])
    for _ in range(2):
        office.drain(answers, late={READERS: lambda _, parcels: {parcels[0].key: {"name": next(names)}}})
        office.later(minutes=1)
    assert ["甲" in request.body for request in answers.sent] == [True, False]
    sealed = office.message().request
    assert office.database.keys.open("message.request", "m:1", sealed) == answers.sent[1].body


def test_a_damaged_row_is_not_asked_about(office: Office) -> None:
    office.put(*drafts(2))
    office.execute("UPDATE message SET variables = address WHERE dedupe_key = 'm:1'")
    asked: list[str] = []

    def reader(_session: Session, parcels: Sequence[Parcel]) -> Mapping[str, Mapping[str, Any]]:
        asked.extend(parcel.key for parcel in parcels)
        return {parcel.key: {} for parcel in parcels}

    office.drain(Post(), late={READERS: reader})
    assert asked == ["m:0"]
    assert office.states() == {"accepted": 1, "dead": 1}


def test_a_reader_that_fails_is_loud_and_leaves_everything_pending(office: Office) -> None:
    office.put(*drafts(3))
    with pytest.raises(ZeroDivisionError):
        office.drain(Post(), late={READERS: lambda *_: 1 / 0})
    assert office.states() == {"pending": 3}
