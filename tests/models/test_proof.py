"""Proving who approves: no code twice, none before its time, nothing told to who guesses, and every try is kept."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from models.audit import AuditEntry, verify
from models.db import Database
from models.one_time import code_at, new_secret, step_of
from models.proof import LOCKED_FOR, Path, authenticate
from models.staff import Staff, add_staff, enrol_staff, maker_of, retire_staff, staff_contacts
from rules.staff_refusals import ClockBehind, CodeUsed, NotAMaker, NotAnApprover, NotProved, NumberTaken

NOW = datetime(2026, 10, 12, 2, 0, tzinfo=UTC)
STEP = timedelta(seconds=30)
PERSON = {"number": "G001", "name": "龚䶮", "role": "approver", "phone": "15420000001", "email": ""}


PATHS: tuple[Path, ...] = ("form", "cli")


@dataclass(frozen=True)
class Office:
    """An approver with an authenticator, and how to try."""

    database: Database
    secret: str
    staff: int

    def code(self, at: datetime = NOW) -> str:
        return code_at(self.secret, step_of(at))

    def wrong(self, at: datetime = NOW) -> str:
        near = {code_at(self.secret, step_of(at) + n) for n in range(-2, 3)}
        return next(code for code in ("000000", "111111", "222222", "333333", "444444", "555555") if code not in near)

    def tries(self, code: str, path: Path = "form", at: datetime = NOW, number: str = "G001") -> int:
        return authenticate(self.database, 1, number, code, path, at)

    def change(self, **values: object) -> None:
        with self.database.write() as session:
            session.execute(update(Staff).where(col(Staff.id) == self.staff).values(values))

    def kept(self, name: str) -> object:
        with self.database.read() as session:
            return session.execute(select(col(getattr(Staff, name)))).scalar_one()


@pytest.fixture
def office(database: Database) -> Office:
    secret = new_secret()
    with database.write() as session:
        add_staff(session, 1, "T-0000-0000", PERSON)
        enrol_staff(session, 1, "G001", secret, step_of(NOW) - 10, NOW - 10 * STEP)
    with database.read() as session:
        number = session.execute(select(col(Staff.id))).scalar_one()
    return Office(database, secret, number)


def test_a_right_code_proves_the_person_a_step_early_or_late(office: Office) -> None:
    for n, (path, late) in enumerate(product(PATHS, (-1, 0, 1))):
        at = NOW + n * 3 * STEP
        assert office.tries(office.code(at + late * STEP), path, at) == office.staff
    for late in (-2, 2):
        with pytest.raises(NotProved):
            office.tries(office.code(NOW + timedelta(hours=1) + late * STEP), at=NOW + timedelta(hours=1))


def test_a_code_may_be_typed_as_the_phone_shows_it(office: Office) -> None:
    for n, spelled in enumerate((" {0}{1} ", "{0} {1}", "{0}-{1}", "full")):
        at = NOW + n * STEP
        code = office.code(at)
        wide = code.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
        typed = wide if spelled == "full" else spelled.format(code[:3], code[3:])
        assert office.tries(typed, at=at, number=" ｇ００１") == office.staff


def test_a_code_is_used_once_and_so_are_those_before_it(office: Office) -> None:
    assert office.tries(office.code()) == office.staff
    for path in PATHS:
        for at in (NOW, NOW - STEP):
            with pytest.raises(CodeUsed):
                office.tries(office.code(at), path)
    assert office.tries(office.code(NOW + STEP), at=NOW + STEP) == office.staff


def test_of_eight_tries_with_one_code_at_once_one_is_in_time(office: Office) -> None:
    code = office.code()

    def one(_: int) -> str:
        try:
            office.tries(code, "cli")
        except CodeUsed:
            return "late"
        return "in time"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(one, range(8))) == ["in time", *["late"] * 7]


def test_wrong_tries_at_once_are_all_counted(office: Office) -> None:
    def one(_: int) -> None:
        with pytest.raises(NotProved):
            office.tries(office.wrong())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, range(4)))
    assert office.kept("form_failures") == 4


def test_a_clock_that_was_set_back_is_told_as_such(office: Office) -> None:
    office.tries(office.code())
    yesterday = NOW - timedelta(days=1)
    with pytest.raises(ClockBehind, match="时钟") as refused:
        office.tries(office.code(yesterday), "cli", yesterday)
    assert refused.value.last == NOW


def test_five_wrong_tries_close_the_form_for_a_quarter_of_an_hour_and_never_the_command_line(office: Office) -> None:
    for _ in range(5):
        with pytest.raises(NotProved):
            office.tries(office.wrong())
    with pytest.raises(NotProved) as closed:
        office.tries(office.code())
    assert type(closed.value) is NotProved  # as for a wrong code
    assert office.tries(office.code(), "cli") == office.staff
    still = NOW + LOCKED_FOR - STEP
    with pytest.raises(NotProved):
        office.tries(office.code(still), at=still)
    open_again = NOW + LOCKED_FOR
    assert office.tries(office.code(open_again), at=open_again) == office.staff


def test_a_right_code_starts_the_count_anew_and_a_used_one_counts_for_nothing(office: Office) -> None:
    for _ in range(4):
        with pytest.raises(NotProved):
            office.tries(office.wrong())
    assert office.tries(office.code()) == office.staff
    for _ in range(6):
        with pytest.raises(CodeUsed):
            office.tries(office.code())
    assert (office.kept("form_failures"), office.kept("form_locked_until")) == (0, None)


def test_any_number_of_wrong_tries_on_the_command_line_closes_nothing(office: Office) -> None:
    for _ in range(7):
        with pytest.raises(NotProved):
            office.tries(office.wrong(), "cli")
    assert office.tries(office.code()) == office.staff


def test_an_unknown_number_and_one_without_authenticator_are_answered_as_a_wrong_code(office: Office) -> None:
    with office.database.write() as session:
        add_staff(session, 1, "T-0000-0011", {**PERSON, "number": "G003"})
    told = set()
    unknown = [(number, office.code()) for number in ("G002", "", "张三", "G001; DROP TABLE staff", "G003")]
    for who, code in (("G001", office.wrong()), *unknown):
        with pytest.raises(NotProved) as refused:
            office.tries(code, number=who)
        told.add((type(refused.value), str(refused.value), repr(refused.value)))
        assert code not in str(refused.value) + repr(refused.value)
    assert len(told) == 1


@pytest.mark.parametrize(
    ("values", "good"),
    [
        pytest.param({"role": "maker"}, False, id="a maker"),
        pytest.param({"role": "both"}, True, id="both"),
        pytest.param({"until": date(2026, 10, 11)}, False, id="left yesterday"),
        pytest.param({"until": date(2026, 10, 12)}, True, id="last day of office"),
    ],
)
def test_only_an_approver_in_office_approves(office: Office, values: dict[str, object], good: bool) -> None:
    office.change(**values)
    if good:
        assert office.tries(office.code()) == office.staff
    else:
        with pytest.raises(NotAnApprover):
            office.tries(office.code())
        with pytest.raises(NotProved):
            office.tries(office.wrong())


def test_the_last_day_of_office_ends_at_the_district_s_midnight(office: Office) -> None:
    office.change(until=date(2026, 10, 11))
    before, after = (datetime(2026, 10, 11, 15, 59, tzinfo=UTC), datetime(2026, 10, 11, 16, 0, 30, tzinfo=UTC))
    office.change(totp_counter=0)
    assert office.tries(office.code(before), at=before) == office.staff
    with pytest.raises(NotAnApprover):
        office.tries(office.code(after), at=after)


def test_every_refusal_is_in_the_audit_and_nothing_that_was_typed(office: Office) -> None:
    typed = [("G001", office.wrong()), ("张三丰", office.code())]
    for number, code in typed:
        with pytest.raises(NotProved):
            office.tries(code, number=number)
    with office.database.read() as session:
        entries = session.execute(select(col(AuditEntry.action), col(AuditEntry.actor), col(AuditEntry.detail))).all()
        assert verify(session, "530112") is None
    assert [(a, who, d.get("staff")) for a, who, d in entries] == [
        ("staff.refused", "proof:form", "T-0000-0000"),
        ("staff.refused", "proof:form", None),
    ]
    assert not any(secret in str(entries) for pair in typed for secret in pair if secret != "G001")


def test_the_secret_is_sealed_and_a_new_one_makes_the_old_phone_useless(office: Office) -> None:
    assert office.secret.encode() not in bytes(office.kept("totp_secret"))  # type: ignore[call-overload]
    with office.database.write() as session:
        enrol_staff(session, 1, "G001", new_secret(), step_of(NOW), NOW)
    with pytest.raises(NotProved):
        office.tries(office.code(NOW + STEP), at=NOW + STEP)


def test_a_district_does_not_know_another_s_numbers(office: Office) -> None:
    with pytest.raises(NotProved):
        authenticate(office.database, 2, "G001", office.code(), "cli", NOW)


def test_a_maker_in_office_makes(office: Office) -> None:
    left, last = {"until": date(2026, 10, 11)}, {"until": date(2026, 10, 12)}
    cases = [
        ("approver", {}, False),
        ("maker", {}, True),
        ("both", {}, True),
        ("both", left, False),
        ("maker", last, True),
    ]
    for role, until, good in cases:
        office.change(role=role, **{"until": None, **until})
        with office.database.read() as session, nullcontext() if good else pytest.raises(NotAMaker):
            assert maker_of(session, 1, "g001", date(2026, 10, 12)) == office.staff


def test_a_number_is_one_person_s_for_ever(office: Office) -> None:
    with office.database.write() as session:
        retire_staff(session, 1, "G001", date(2026, 1, 1))
    with pytest.raises(NumberTaken), office.database.write() as session:
        add_staff(session, 1, "T-0000-0022", {**PERSON, "number": "Ｇ００１"})
    with office.database.read() as session:
        assert staff_contacts(session, [office.staff])[office.staff].name == "龚䶮"
