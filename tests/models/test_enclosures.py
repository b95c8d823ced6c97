"""Files that go with messages: kept once however many carry them, sealed, part of the payload."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from models.db import Database
from models.drafts import Draft, Enclosure, SameKeyOtherPayload, enclosed_in, insert_drafts
from tests.models.test_messages import CLASSES, DRAFT, NOW

PDF = Enclosure("名单.pdf", "application/pdf", b"%PDF-1.7 list of July")
PICTURE = Enclosure("bars.png", "image/png", b"\x89PNG", cid="bars")
MAIL = replace(DRAFT, channel="email", address="li@example.org")


def _insert(database: Database, *drafts: Draft) -> int:
    with database.write() as session:
        return insert_drafts(session, drafts, CLASSES, NOW)


def _files(database: Database) -> int:
    with database.read() as session:
        return int(session.connection().execute(text("SELECT count(*) FROM enclosed_file")).scalar_one())


def _enclosed(database: Database, key: str) -> tuple[Enclosure, ...]:
    with database.read() as session:
        query = text("SELECT enclosures FROM message WHERE dedupe_key = :key")
        return enclosed_in(session, key, session.connection().execute(query, {"key": key}).scalar_one())


def test_a_file_of_many_messages_is_kept_once(database: Database) -> None:
    _insert(database, *(replace(MAIL, key=f"mail:{n}", enclosed=(PDF, PICTURE)) for n in range(20)))
    _insert(database, replace(MAIL, key="later:1", enclosed=(replace(PDF, name="another name.pdf"),)))
    assert _files(database) == 2


def test_files_come_back_as_they_went_in_and_in_order(database: Database) -> None:
    _insert(database, replace(MAIL, enclosed=(PICTURE, PDF)), replace(MAIL, key="plain:1"))
    assert _enclosed(database, MAIL.key) == (PICTURE, PDF)
    assert _enclosed(database, "plain:1") == ()


def test_the_database_holds_neither_content_nor_name_in_clear(database: Database) -> None:
    _insert(database, replace(MAIL, enclosed=(PDF,)))
    with database.read() as session:
        rows = [
            *session.connection().exec_driver_sql("SELECT content, digest FROM enclosed_file").one(),
            session.connection().exec_driver_sql("SELECT enclosures FROM message").scalar_one(),
        ]
    stored = b"".join(value if isinstance(value, bytes) else value.encode() for value in rows)
    assert b"list of July" not in stored
    assert "名单".encode() not in stored


@pytest.mark.parametrize(
    "enclosed",
    [
        pytest.param((replace(PDF, content=b"%PDF-1.7 list of August"),), id="another content"),
        pytest.param((replace(PDF, name="七月.pdf"),), id="another name"),
        pytest.param((), id="no file"),
        pytest.param((PDF, PICTURE), id="one more"),
    ],
)
def test_the_same_key_with_other_files_is_another_payload(database: Database, enclosed: tuple[Enclosure, ...]) -> None:
    _insert(database, replace(MAIL, enclosed=(PDF,)))
    assert _insert(database, replace(MAIL, enclosed=(PDF,))) == 0
    with pytest.raises(SameKeyOtherPayload):
        _insert(database, replace(MAIL, enclosed=enclosed))


def test_a_file_enclosed_again_is_there_again(database: Database) -> None:
    _insert(database, replace(MAIL, enclosed=(PDF,)))
    with database.write() as session:
        session.connection().execute(text("UPDATE enclosed_file SET content = NULL"))
    _insert(database, replace(MAIL, key="again:1", enclosed=(PDF,)))
    assert _enclosed(database, "again:1") == (PDF,)
