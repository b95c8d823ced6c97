"""The audit log against its anchor: edited, deleted, cut, or written anew with the key - found 4/4."""

import json
import stat
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from flows.audit_anchor import AuditBroken, add_anchor, anchor_file, verify
from flows.doctor_audit import examine
from flows.settings import Settings, settings
from models import audit
from models.db import Database
from rules.anchors import AnchorDamaged

HOME = "530112"


def at(moment: str) -> Settings:
    return settings().model_copy(update={"at": datetime.fromisoformat(f"{moment}+08:00")})


def record(database: Database, *numbers: int) -> None:
    for number in numbers:
        with database.write() as session:
            audit.record(session, HOME, "duty-day", "duty.change", datetime(2026, 3, 1, tzinfo=UTC), slots=number)


def tamper(database: Database, *statements: str) -> None:
    with database.write() as session:
        for statement in statements:
            session.connection().execute(text(statement))


def rewrite(database: Database, since: int, *numbers: int) -> None:
    """Write the chain anew from an entry on, with the key, so that it holds by itself."""
    keys = database.keys
    tamper(database, f"DELETE FROM audit_entry WHERE seq >= {since}")
    with database.read() as session:
        macs = session.connection().execute(text("SELECT seq, mac FROM audit_entry ORDER BY seq DESC LIMIT 1")).first()
    seq, seal = (macs[0], audit._seal(keys.audit, macs[0], macs[1])) if macs else (0, "0" * 64)
    tamper(database, f"UPDATE audit_head SET seq = {seq}, mac = '{seal}'")
    record(database, *numbers)


@pytest.fixture
def anchored(database: Database) -> Database:
    """Three entries and an anchor, two more and another, and one that is not anchored yet."""
    record(database, 1, 2, 3)
    assert add_anchor(database, at("2026-03-01T08:00"))["added"]
    record(database, 4, 5)
    assert add_anchor(database, at("2026-03-02T08:00"))["added"]
    record(database, 6)
    return database


def broken_at(database: Database) -> tuple[int, str]:
    with pytest.raises(AuditBroken) as broken:
        verify(database, at("2026-03-02T09:00"))
    assert str(broken.value.seq) in str(broken.value)
    return broken.value.seq, broken.value.what


def test_an_untouched_log_agrees_with_its_anchors(anchored: Database) -> None:
    told = verify(anchored, at("2026-03-02T09:00"))
    assert (told["entries"], told["anchors"], told["restarts"], told["holds"]) == (6, 2, 0, True)


def test_an_entry_that_was_edited_is_found(anchored: Database) -> None:
    tamper(anchored, "UPDATE audit_entry SET actor = 'G2' WHERE seq = 2")
    assert broken_at(anchored) == (2, "altered")


def test_an_entry_that_was_deleted_is_found(anchored: Database) -> None:
    tamper(anchored, "DELETE FROM audit_entry WHERE seq = 4")
    assert broken_at(anchored) == (4, "missing")


def test_a_tail_that_was_cut_with_the_key_is_found_by_the_anchor_alone(anchored: Database) -> None:
    rewrite(anchored, 5)
    with anchored.read() as session:
        assert audit.verify(session, HOME) is None
    assert broken_at(anchored) == (5, "cut")


@pytest.mark.parametrize(("since", "found"), [(1, 1), (4, 4), (5, 4)])
def test_a_chain_that_was_written_anew_with_the_key_is_found_by_the_anchor_alone(
    anchored: Database, since: int, found: int
) -> None:
    rewrite(anchored, since, *range(100, 109 - since))
    with anchored.read() as session:
        assert audit.verify(session, HOME) is None
    assert broken_at(anchored) == (found, "rewritten")
    before = anchor_file(settings()).read_text()
    with pytest.raises(AuditBroken):
        add_anchor(anchored, at("2026-03-03T08:00"))
    assert anchor_file(settings()).read_text() == before


def test_the_file_is_its_owner_s_and_grows_by_a_line_a_day(anchored: Database) -> None:
    path = anchor_file(settings())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert add_anchor(anchored, at("2026-03-03T08:00"))["added"]
    assert not add_anchor(anchored, at("2026-03-03T09:00"))["added"]  # the same day and no news
    assert add_anchor(anchored, at("2026-03-04T08:00"))["added"]  # no news either, but a day
    assert [json.loads(line)["seq"] for line in path.read_text().splitlines()] == [3, 5, 6, 6]


def test_a_line_that_was_touched_is_told(anchored: Database) -> None:
    path = anchor_file(settings())
    path.write_text(path.read_text().replace("2026-03-01", "2026-02-01"))
    with pytest.raises(AnchorDamaged, match="第 1 行"):
        verify(anchored, at("2026-03-02T09:00"))
    with pytest.raises(AnchorDamaged):
        add_anchor(anchored, at("2026-03-02T09:00"))


def test_an_older_backup_goes_on_only_with_a_reason_which_stays_visible(anchored: Database) -> None:
    rewrite(anchored, 5)  # what a restore of an older backup leaves: entries 1 to 4
    with pytest.raises(AuditBroken):
        add_anchor(anchored, at("2026-03-03T08:00"))
    assert add_anchor(anchored, at("2026-03-03T08:00"), "restored 1 March")["added"]
    record(anchored, 7, 8)
    assert verify(anchored, at("2026-03-03T09:00"))["restarts"] == 1
    assert add_anchor(anchored, at("2026-03-04T08:00"))["added"]
    rewrite(anchored, 1, *range(100, 109))
    with pytest.raises(AuditBroken):
        add_anchor(anchored, at("2026-03-05T08:00"), "no excuse")


def test_a_log_that_went_on_after_a_restore_may_begin_anew_late_and_only_if_it_says_so(anchored: Database) -> None:
    rewrite(anchored, 4)
    record(anchored, 40, 50, 60)
    with pytest.raises(AuditBroken):
        add_anchor(anchored, at("2026-03-03T08:00"), "restored, they say")
    with anchored.write() as session:
        audit.record(session, HOME, "restore", "database.restored", datetime(2026, 3, 3, tzinfo=UTC), file="x")
    assert add_anchor(anchored, at("2026-03-03T08:00"), "restored 1 March")["added"]
    assert verify(anchored, at("2026-03-03T09:00"))["restarts"] == 1
    tamper(anchored, "UPDATE audit_entry SET actor = 'G2' WHERE seq = 2")  # what was anchored before still counts
    assert broken_at(anchored) == (2, "altered")


def test_an_empty_log_has_nothing_to_anchor(database: Database) -> None:
    assert add_anchor(database, at("2026-03-01T08:00"))["added"] is False
    assert verify(database, at("2026-03-01T08:00"))["anchors"] == 0


def test_the_doctor_misses_an_anchor_after_two_days(anchored: Database) -> None:
    def states(moment: str) -> list[tuple[str, str]]:
        with anchored.read() as session:
            return [(found.name, found.state) for found in examine(session, at(moment))]

    assert states("2026-03-04T23:00") == [("audit", "ok"), ("anchor", "ok")]
    assert states("2026-03-05T08:00") == [("audit", "ok"), ("anchor", "warn")]
    anchor_file(settings()).unlink()
    assert states("2026-03-03T08:00") == [("audit", "ok")]
    assert states("2026-03-05T08:00") == [("audit", "ok"), ("anchor", "warn")]
    record(anchored, 7)
    tamper(anchored, "DELETE FROM audit_entry WHERE seq = 1")
    assert states("2026-03-03T08:00") == [("audit", "bad")]
