"""The audit chain: what an administrator does to it behind our back is found."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text
from sqlmodel import Session

from models import audit
from models.audit import Break
from models.db import Database
from models.seal import KeyRing

AT = datetime(2026, 3, 1, 6, 0, 0, 123456, tzinfo=UTC)
DISTRICT = "530112"


def _record(database: Database, number: int, district: str = DISTRICT) -> None:
    with database.write() as session:
        audit.record(session, district, "duty-day", "duty.change", AT, slots=number, centres=["马街"], why={"n": 1.5})


def _fail(session: Session) -> None:
    audit.record(session, DISTRICT, "x", "y", AT)
    raise ZeroDivisionError


def _five(database: Database, number: int) -> None:
    for _ in range(5):
        _record(database, number)


def _verified(database: Database, district: str = DISTRICT) -> Break | None:
    with database.read() as session:
        return audit.verify(session, district)


def _tamper(database: Database, *statements: str) -> None:
    with database.write() as session:
        for statement in statements:
            session.connection().execute(text(statement))


@pytest.fixture
def chain(database: Database) -> Database:
    for number in range(5):
        _record(database, number)
    return database


def test_an_empty_and_an_untouched_chain_hold(database: Database) -> None:
    assert _verified(database) is None
    for number in range(3):
        _record(database, number)
    assert _verified(database) is None


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        pytest.param(["UPDATE audit_entry SET actor = 'G2' WHERE seq = 2"], Break(DISTRICT, 2, "altered"), id="edit"),
        pytest.param(
            ["UPDATE audit_entry SET detail = '{\"slots\": 9}' WHERE seq = 5"],
            Break(DISTRICT, 5, "altered"),
            id="edit of the last",
        ),
        pytest.param(["DELETE FROM audit_entry WHERE seq = 3"], Break(DISTRICT, 3, "missing"), id="delete"),
        pytest.param(
            ["DELETE FROM audit_entry WHERE seq = 1"], Break(DISTRICT, 1, "missing"), id="delete of the first"
        ),
        pytest.param(["DELETE FROM audit_entry WHERE seq > 3"], Break(DISTRICT, 4, "cut"), id="tail cut"),
        pytest.param(
            [
                "DELETE FROM audit_entry WHERE seq > 3",
                "UPDATE audit_head SET seq = 3, mac = (SELECT mac FROM audit_entry WHERE seq = 3)",
            ],
            Break(DISTRICT, 4, "cut"),
            id="tail cut and the head set back",
        ),
        pytest.param(
            ["DELETE FROM audit_entry WHERE seq > 3", "DELETE FROM audit_head"],
            Break(DISTRICT, 4, "cut"),
            id="tail cut and no head",
        ),
        pytest.param(["DELETE FROM audit_entry"], Break(DISTRICT, 1, "cut"), id="all entries"),
        pytest.param(["DELETE FROM audit_head"], Break(DISTRICT, 6, "cut"), id="the head"),
    ],
)
def test_what_was_done_to_the_chain_is_found(chain: Database, statements: list[str], found: Break) -> None:
    _tamper(chain, *statements)
    assert _verified(chain) == found


def test_a_rewrite_without_the_key_is_found(chain: Database) -> None:
    keys = chain.keys
    chain._keys = KeyRing(keys.sealing, keys.current, keys.index, b"guess" * 6 + b"!!")
    _tamper(chain, "DELETE FROM audit_entry", "DELETE FROM audit_head")
    for number in range(5):
        _record(chain, number)
    assert _verified(chain) is None
    chain._keys = keys
    assert _verified(chain) == Break(DISTRICT, 1, "altered")


def test_what_is_recorded_after_a_cut_does_not_hide_it(chain: Database) -> None:
    _tamper(
        chain,
        "DELETE FROM audit_entry WHERE seq > 3",
        "UPDATE audit_head SET seq = 3, mac = (SELECT mac FROM audit_entry WHERE seq = 3)",
    )
    _record(chain, 9)
    assert _verified(chain) == Break(DISTRICT, 4, "altered")


def test_districts_have_chains_of_their_own(chain: Database) -> None:
    _record(chain, 1, "530102")
    _tamper(chain, "UPDATE audit_entry SET actor = 'x' WHERE district = '530112' AND seq = 1")
    assert _verified(chain, "530102") is None
    assert _verified(chain) == Break(DISTRICT, 1, "altered")


def test_details_hold_as_the_database_gives_them_back(database: Database) -> None:
    with database.write() as session:
        told = {
            "tuple": (1, 2),
            "numbers": {10: "a", 9: "b"},
            "text": "𠮷\u2028",
            "none": None,
            "yes": True,
            "day": date(2026, 3, 1),
        }
        audit.record(session, DISTRICT, "import", "register.taken", AT, **told)
    assert _verified(database) is None


def test_a_batch_that_is_rolled_back_leaves_no_entry(chain: Database) -> None:
    with pytest.raises(ZeroDivisionError), chain.write() as session:
        _fail(session)
    _record(chain, 6)
    assert _verified(chain) is None


def test_writers_at_once_keep_one_chain_and_a_reader_meanwhile_sees_it_whole(database: Database) -> None:
    _record(database, 0)
    with ThreadPoolExecutor(9) as pool:
        writers = [pool.submit(_five, database, n) for n in range(8)]
        seen = [pool.submit(_verified, database) for _ in range(10)]
        assert [each.result() for each in seen] == [None] * 10
        for each in writers:
            each.result()
    assert _verified(database) is None
    with database.read() as session:
        assert session.connection().execute(text("SELECT max(seq) FROM audit_entry")).scalar() == 41
