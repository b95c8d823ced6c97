"""The month in review on a district small enough to count by hand, on both databases.

翠湖社区: A and B yellow, C red, D green; 普坪社区 (another sub-district): E yellow. All were met on 8 January.

March 2026, as known on 1 April:
- A was met on the 12th, C on the 2nd, D on the 5th. B was met on the 30th, but the paper came on 3 April.
- E went to hospital on the 10th: 9 eligible days are too few, 22 days are hospital.
- Counted: A, B, C. Visited: A, C. Restated: A, B, C. Green: D, visited. Left out: E, hospital.
- Tasks with a deadline in March: the quotas of A (on time) and B (open on the 31st, its last day, so not overdue), and
  C's seven days from the 2nd, due on the 9th, overdue. E's quota waits for the return. C's task of January was due
  then, and D's 90 days from the 5th end in June. Known: 1 of 3, one overdue. Restated: 2 of 3.
- The issue of A: opened Monday the 2nd 09:00, resolved Tuesday 12:00: 7 + 3 working hours, 10/7 workdays; satisfied.
- The issue of C: opened Monday the 30th 09:00: two workdays old at the month's end, not yet late (3 workdays).
"""

import csv
import re
import zipfile
from contextlib import nullcontext
from datetime import date, datetime
from email import message_from_bytes, policy
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select
from sqlmodel import Session, col

from flows import artifacts, visit_month_count, visit_month_report
from flows import deliver as deliver_job
from flows import visit_month as monthly
from flows.exports import Wish, export_file
from flows.settings import NotYet, settings
from flows.visit_month_count import Review, review_month
from flows.visit_month_report import owed, report_month
from models.db import Database
from models.district import Subdistrict, district_id
from models.jobs import Claim, LostLease, renew
from models.messages import Message
from models.visit import VisitMonth
from rules.calendar import month_dates
from rules.visits_kpi import OnTime
from rules.visits_month import Figures, Scope
from tests.flows.elders import elder, number, visits_office
from tests.flows.test_duty import Office

DISTRICT = Scope("district", "530112")
IDS = {name: number(serial=serial) for name, serial in zip("ABCDE", range(2, 12, 2), strict=True)}
ISSUE = ("number", "elder", "centre", "kind", "event", "at", "actor", "satisfied", "note")


OVERLAY = """
visits:
  versions:
    - since: 2026-04-01
      source: 试行
      clocks:
        red: {every_days: 3, first_days: 2, return_days: 2, ahead_days: 2}
        yellow: {first_days: 7, return_days: 7, ahead_days: 31}
        green: {every_days: 30, grace_workdays: 3, first_days: 7, return_days: 7, ahead_days: 14}
"""


def contact(name: str, day: str) -> dict[str, Any]:
    return {"elder": IDS[name], "helper": "H1", "channel": "上门", "occurred_at": f"2026-{day}", "outcome": "见到本人"}


def event(of: str, name: str, said: str, at: str, **more: Any) -> dict[str, Any]:
    return {**dict.fromkeys(ISSUE, ""), "number": of, "elder": IDS[name], "event": said, "at": f"2026-{at}", **more}


@pytest.fixture
def empty(database: Database, tmp_path: Path) -> Office:
    """Two sub-districts, each with an address, and nobody."""
    office = visits_office(database, tmp_path)
    mails = (("翠湖街道", "cuihu@example.cn"), ("马街街道", "majie@example.cn"))
    office.send("subdistrict", [{"name": name, "email": mail} for name, mail in mails])
    return office


@pytest.fixture
def office(empty: Office) -> Office:
    tiers = {"A": "yellow", "B": "yellow", "C": "red", "D": "green", "E": "yellow"}
    people = [
        elder(serial=2 * place, tier=tier, categories="独居" if name == "A" else "")
        | {"subdistrict": "翠湖街道", "community": "翠湖社区"}
        | ({"subdistrict": "马街街道", "community": "普坪社区"} if name == "E" else {})
        for place, (name, tier) in enumerate(tiers.items(), start=1)
    ]
    empty.send("elder", people, "2026-01-05T09:00")
    empty.send("contact", [contact(name, "01-08") for name in IDS], "2026-01-08T18:00")
    for name, day in (("C", "03-02"), ("D", "03-05"), ("A", "03-12")):
        empty.send("contact", [contact(name, day)], f"2026-{day}T18:00")
    empty.send("status", [{"elder": IDS["E"], "from": "2026-03-10", "status": "住院"}], "2026-03-10T09:00")
    first = [
        event("S1", "A", "open", "03-02 09:00", kind="help", note="要求加装扶手"),
        event("S1", "A", "assign", "03-02 10:00", actor="K1"),
        event("S1", "A", "resolve", "03-03 12:00", actor="K1"),
        event("S1", "A", "verify", "03-05 09:00", satisfied="是"),
    ]
    empty.send("issue", first, "2026-03-05T10:00")
    empty.send("issue", [event("S2", "C", "open", "03-30 09:00", kind="help", note="灯不亮")], "2026-03-30T10:00")
    return empty


def late_paper(office: Office) -> None:
    office.send("contact", [contact("B", "03-30")], "2026-04-03T09:00")


def report(office: Office, moment: str, month: str = "2026-03") -> dict[str, Any]:
    return report_month(office.database, office.at(moment), month)


def review(office: Office, moment: str, month: str = "2026-03") -> Review:
    with office.database.read() as session:
        district = district_id(session, "530112")
        return review_month(session, office.at(moment), district, month_dates(month))


def rate(figures: Figures) -> tuple[int, int]:
    return figures.visits.visited, figures.visits.counted


def cells(path: Path) -> str:
    book = CalamineWorkbook.from_path(str(path))
    return "\n".join(
        str(value) for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python() for value in row
    )


def written(office: Office, ref: str = "", month: str = "2026-03") -> Path:
    return office.base.folder("reports") / f"visits-{month}{ref and f'-{ref}'}.xlsx"


def office_ref(office: Office, name: str) -> str:
    with office.database.read() as session:
        ref: str = session.execute(select(col(Subdistrict.ref)).where(col(Subdistrict.name) == name)).scalar_one()
    return ref


def test_the_figures_are_those_counted_by_hand(office: Office) -> None:
    told = review(office, "2026-04-01T07:00").known[DISTRICT]
    assert rate(told) == (2, 3)
    assert (told.visits.green_visited, told.visits.green) == (1, 1)
    assert told.visits.left_out == {"hospital": 1}
    assert told.on_time == OnTime(on_time=1, due=3, overdue=1)
    issues = told.issues
    assert (issues.resolved, issues.median_net, issues.p90_net) == (1, Fraction(10, 7), Fraction(10, 7))
    assert (issues.open, issues.median_open_age, issues.overdue) == (1, Fraction(2), 0)
    assert (issues.ageing["1-3"], sum(issues.ageing.values())) == (1, 1)
    assert (issues.satisfied, issues.answered) == (1, 1)


def test_each_place_and_category_has_its_own_elders(office: Office) -> None:
    known = review(office, "2026-04-01T07:00").known
    by_place = {scope.place: [] for scope in known}  # type: ignore[var-annotated]
    for scope, figures in known.items():
        if not scope.category:
            by_place[scope.place].append((*rate(figures), figures.visits.left_out["hospital"]))
    assert sorted(by_place["subdistrict"]) == sorted(by_place["community"]) == [(0, 0, 1), (2, 3, 0)]
    alone = known[DISTRICT._replace(category="alone")]
    assert rate(alone) == (1, 1)
    assert alone.issues.resolved == 1


def test_late_paper_parts_the_two_faces_of_a_month(office: Office) -> None:
    report(office, "2026-04-01T07:00")
    late_paper(office)
    later = review(office, "2026-04-05T10:00")
    assert (rate(later.known[DISTRICT]), rate(later.now[DISTRICT])) == ((2, 3), (3, 3))
    assert later.now[DISTRICT].on_time == OnTime(on_time=2, due=3, overdue=1)
    march = month_dates("2026-03")
    shares = [face[DISTRICT, march].value for face in (later.trend_known, later.trend_now)]
    assert shares == [Fraction(2, 3), 1]


def test_wellness_checks_are_in_the_on_time_rate_and_on_a_line_of_their_own(office: Office) -> None:
    """C, red, was tried in vain on the 20th, 21st and 22nd at 10:00; met on the 24th: a check, due on the 23rd, late.

    With the visit of the 24th C's task of the 9th is DONE, late, and the next one is due on the 31st, its last day: so
    one of five tasks is in time, none is overdue.
    """
    for day in ("20", "21", "22"):
        tried = {**contact("C", f"03-{day} 10:00"), "outcome": "无人应答"}
        office.send("contact", [tried], f"2026-03-{day}T18:00")
    office.send("contact", [contact("C", "03-24 09:00")], "2026-03-24T18:00")
    report(office, "2026-04-01T07:00")
    told = review(office, "2026-04-02T07:00").known[DISTRICT]
    assert (told.checks, told.on_time) == (OnTime(0, 1, 0), OnTime(1, 5, 0))
    assert "核实按时率" in cells(written(office))


def test_a_later_rule_book_moves_no_deadline_of_a_month_that_is_over(office: Office, tmp_path: Path) -> None:
    """From April red is seen every 3 days, green every 30: March stays as it was, in both faces."""
    before = review(office, "2026-04-05T10:00")
    path = tmp_path / "overlay.yaml"
    path.write_text(OVERLAY, "utf-8")
    chosen = office.at("2026-04-05T10:00").model_copy(update={"policy": path})
    with office.database.read() as session:
        after = review_month(session, chosen, district_id(session, "530112"), month_dates("2026-03"))
    assert (after.known, after.now) == (before.known, before.now)


def test_the_lease_is_renewed_while_elders_are_counted(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else took the month over while it was counted: nothing is stored, no letter is written."""
    monkeypatch.setattr(visit_month_count, "BATCH", 2)
    renewals: list[Claim] = []

    def lost(session: Session, held: Claim, until: datetime) -> None:
        renewals.append(held)
        if len(renewals) == 3:
            raise LostLease(held.job, held.run_key)
        renew(session, held, until)

    monkeypatch.setattr(visit_month_report, "renew", lost)
    with pytest.raises(LostLease):
        report(office, "2026-04-01T07:00")
    assert len({each.token for each in renewals}) == 1
    with office.database.read() as session:
        assert session.execute(select(func.count(col(VisitMonth.id)))).scalar_one() == 0


def test_a_first_report_that_is_late_knows_what_was_known_on_the_first(office: Office) -> None:
    late_paper(office)
    result = report(office, "2026-04-05T10:00")
    assert (result["known_visited"], result["now_visited"], result["snapshot"]) == (2, 3, "new")


def test_paper_recorded_at_midnight_of_the_first_is_late(office: Office) -> None:
    office.send("contact", [contact("B", "03-30")], "2026-04-01T00:00")
    assert rate(review(office, "2026-04-01T07:00").known[DISTRICT]) == (2, 3)
    assert rate(review(office, "2026-04-01T07:00").now[DISTRICT]) == (3, 3)


def test_paper_recorded_a_minute_before_midnight_is_in_time(office: Office) -> None:
    office.send("contact", [contact("B", "03-30")], "2026-03-31T23:59")
    assert rate(review(office, "2026-04-01T07:00").known[DISTRICT]) == (3, 3)


def test_a_death_recorded_late_changes_the_restated_month_only(office: Office) -> None:
    office.send("status", [{"elder": IDS["B"], "from": "2026-03-05", "status": "去世"}], "2026-04-02T09:00")
    later = review(office, "2026-04-05T10:00")
    assert (rate(later.known[DISTRICT]), rate(later.now[DISTRICT])) == ((2, 3), (2, 2))
    assert later.now[DISTRICT].visits.left_out == {"hospital": 1, "dead": 1}


def test_a_move_inside_the_district_takes_the_elder_along(office: Office) -> None:
    move = {
        "elder": IDS["A"],
        "from": "2026-03-31",
        "status": "迁出",
        "subdistrict": "马街街道",
        "community": "普坪社区",
    }
    office.send("status", [move], "2026-03-31T09:00")
    known = review(office, "2026-04-01T07:00").known
    assert sorted(rate(f) for s, f in known.items() if s.place == "community" and not s.category) == [(1, 1), (1, 2)]


def test_the_snapshot_is_stored_once_and_every_letter_written_once(office: Office) -> None:
    first = report(office, "2026-04-01T07:00")
    late_paper(office)
    again = report(office, "2026-04-05T10:00")
    assert (first["letters"], again["letters"], again["snapshot"]) == (2, 0, "stored")
    assert (again["known_visited"], again["now_visited"]) == (2, 3)
    with office.database.read() as session:
        assert session.execute(select(func.count()).select_from(VisitMonth)).scalar_one() == 5
        assert session.execute(select(func.count()).select_from(Message)).scalar_one() == 2


def test_stored_figures_are_read_back_exactly(office: Office) -> None:
    fresh = review(office, "2026-04-01T07:00").known
    report(office, "2026-04-01T07:00")
    assert review(office, "2026-04-01T08:00").known == fresh


def test_an_office_without_e_mail_is_named_and_the_others_get_theirs(office: Office) -> None:
    office.send("subdistrict", [{"name": "马街街道", "email": ""}], "2026-03-02T09:00")
    with office.database.write() as session:
        session.execute(Subdistrict.__table__.update().where(col(Subdistrict.name) == "马街街道").values(email=None))  # type: ignore[attr-defined]
    result = report(office, "2026-04-01T07:00")
    assert (result["letters"], result["no_email"]) == (1, [office_ref(office, "马街街道")])


def test_a_sub_district_s_workbook_holds_nothing_of_another(office: Office) -> None:
    report(office, "2026-04-01T07:00")
    path = written(office, office_ref(office, "翠湖街道"))
    with zipfile.ZipFile(path) as book:
        everything = b"".join(book.read(name) for name in book.namelist()).decode()
    assert "翠湖社区" in everything
    assert not re.search("普坪|马街", everything)
    own = CalamineWorkbook.from_path(str(path)).get_sheet_by_name("未计入与绿色").to_python()
    assert "住院" in own[2]
    place = own[2].index("住院")
    assert [row[place] for row in own[3:5]] == [0, 0]  # the elder in hospital is the other's


def test_the_letter_tells_the_stored_figures_and_carries_the_office_s_own_workbook(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(office, "2026-04-01T07:00")
    late_paper(office)
    monkeypatch.setattr(deliver_job, "opened", lambda _: nullcontext(office.database))
    monkeypatch.setenv("TUOQI_AT", "2026-04-05T10:00")
    settings.cache_clear()
    assert deliver_job.deliver.fn(at=datetime(2026, 4, 5, 10, 0)) == {"accepted": 2}  # noqa: DTZ001 - as typed
    ref = office_ref(office, "翠湖街道")
    (mail,) = (office.base.folder("outbox")).glob(f"visit-month-{ref}-*")
    letter = message_from_bytes(mail.read_bytes(), policy=policy.default)
    text = letter.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "66.6%" in text
    assert "普坪" not in text
    (book,) = letter.iter_attachments()
    assert book.get_content() == written(office, ref).read_bytes()


def test_nobody_s_name_or_number_leaves_the_register(office: Office) -> None:
    result = report(office, "2026-04-01T07:00")
    told = repr(result) + "".join(cells(path) for path in office.base.folder("reports").iterdir())
    for secret in ("龚䶮", *IDS.values(), "加装扶手"):
        assert secret not in told


def test_a_district_without_elders_reports_nothing_to_say(empty: Office) -> None:
    result = report(empty, "2026-04-01T07:00")
    assert (result["known_counted"], result["known_permille"], result["letters"]) == (0, None, 2)
    assert "—" in cells(written(empty))


def test_a_month_without_anybody_is_no_point_of_the_trend(empty: Office) -> None:
    """A chart draws a text such as a dash as 0 %; only an empty cell is a gap in the line."""
    report(empty, "2026-04-01T07:00")
    rows = CalamineWorkbook.from_path(str(written(empty))).get_sheet_by_name("概览").to_python()
    (line,) = [row for row in rows if "2026-03" in row]
    assert line[line.index("2026-03") + 1 :][:2] == ["", ""]


def test_one_elder_is_a_whole_district(empty: Office) -> None:
    empty.send("elder", [elder()], "2026-01-05T09:00")
    result = report(empty, "2026-04-01T07:00")
    assert (result["known_visited"], result["known_counted"], result["known_permille"]) == (0, 1, 0)


@pytest.mark.parametrize(
    ("registered", "month", "counted"),
    [
        pytest.param("2026-02-14", "2026-02", 1, id="15 days of February"),
        pytest.param("2026-02-15", "2026-02", 0, id="14 days of February"),
        pytest.param("2026-03-17", "2026-03", 1, id="15 days of a month of 31"),
        pytest.param("2026-03-18", "2026-03", 0, id="14 days of a month of 31"),
        pytest.param("2026-04-16", "2026-04", 1, id="15 days of a month of 30"),
        pytest.param("2026-04-01", "2026-03", 0, id="registered the day after"),
    ],
)
def test_fifteen_days_count_however_long_the_month(empty: Office, registered: str, month: str, counted: int) -> None:
    empty.send("elder", [elder(registered_on=registered)], f"{registered}T09:00")
    assert report(empty, "2026-05-02T07:00", month)["known_counted"] == counted


def test_a_month_that_is_not_over_is_refused(office: Office) -> None:
    with pytest.raises(NotYet):
        report(office, "2026-03-31T23:59")


def test_months_missed_in_an_outage_are_made_up(office: Office) -> None:
    at = office.at("2026-06-01T07:00")
    assert owed(office.database, at, date(2026, 6, 1)) == ["2026-05"]
    report(office, "2026-03-02T07:00", "2026-02")
    assert owed(office.database, at, date(2026, 6, 1)) == ["2026-03", "2026-04", "2026-05"]


def test_a_community_s_name_never_becomes_a_formula(empty: Office) -> None:
    empty.send("elder", [elder() | {"subdistrict": "翠湖街道", "community": "=HYPERLINK(0)"}], "2026-01-05T09:00")
    report(empty, "2026-04-01T07:00")
    path = written(empty, office_ref(empty, "翠湖街道"))
    with zipfile.ZipFile(path) as book:
        sheets = [book.read(name).decode() for name in book.namelist() if "worksheets/sheet" in name]
    assert "'=HYPERLINK(0)" in cells(path)
    assert not any("<f>" in sheet for sheet in sheets)


def kpis(office: Office, moment: str, folder: Path, **limits: str) -> list[dict[str, str]]:
    wish = Wish.read(limits.get("since"), limits.get("until"), limits.get("month"), None, None, reveal=False)
    export_file(office.database, office.at(moment), "visit-kpi", wish, folder / "kpi.csv")
    with (folder / "kpi.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_export_has_snapshot_and_restated_month_unrounded(office: Office, tmp_path: Path) -> None:
    report(office, "2026-04-01T07:00")
    late_paper(office)
    rows = kpis(office, "2026-04-05T10:00", tmp_path, month="2026-03")
    told = [
        {k: row[k] for k in ("code", "rate", "on_time", "overdue", "median_resolution", "as_known")}
        for row in rows
        if row["scope"] == "district"
    ]
    tenth = {"code": "530112", "overdue": "1", "median_resolution": repr(10 / 7)}
    assert told == [
        {**tenth, "rate": repr(2 / 3), "on_time": repr(1 / 3), "as_known": "2026-04-01"},
        {**tenth, "rate": "1.0", "on_time": repr(2 / 3), "as_known": "2026-04-06"},
    ]
    assert {row["code"] for row in rows if row["scope"] == "community"} == {"翠湖街道/翠湖社区", "马街街道/普坪社区"}


def test_the_export_of_several_months_has_what_was_stored(office: Office, tmp_path: Path) -> None:
    report(office, "2026-03-01T07:00", "2026-02")
    report(office, "2026-04-01T07:00")
    rows = kpis(office, "2026-04-05T10:00", tmp_path, since="2026-02-01", until="2026-03-31")
    assert [row["month"] for row in rows if row["scope"] == "district"] == ["2026-02", "2026-03"]
    assert kpis(office, "2026-04-05T10:00", tmp_path, since="2025-01-01", until="2025-12-31") == []


def test_the_page_shows_what_the_workbook_shows(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    left: dict[str, list[dict[str, Any]]] = {}
    monkeypatch.setattr(artifacts, "table", lambda key, _title, rows, _note: left.update({key: rows}))
    monkeypatch.setattr(monthly, "opened", lambda _: nullcontext(office.database))
    monkeypatch.setenv("TUOQI_AT", "2026-04-01T07:00")
    settings.cache_clear()
    monthly.visits_month.fn(as_of=date(2026, 4, 1))
    visits = left["visits-month-2026-03-visits"][0]
    assert (visits["单位"], visits["应探访"], visits["已探访"], visits["月探访率"]) == ("西山区", 3, 2, "66.6%")
    assert left["visits-month-2026-03-left-out"][0]["住院"] == 1
    assert left["visits-month-2026-03-issues"][0]["中位用时"] == 1.43
    assert [row["单位"] for row in left["visits-month-2026-03-categories"]] == ["独居"]


def test_the_page_adds_the_restated_line_where_late_paper_changed_it(office: Office) -> None:
    report(office, "2026-04-01T07:00")
    late_paper(office)
    rows = report(office, "2026-04-05T10:00")["tables"]["visits"]
    faces = [(row["单位"], row["口径"]) for row in rows if row["单位"] in {"西山区", "马街街道"}]
    assert faces == [
        ("西山区", "截至 2026-04-01 已知"),
        ("西山区", "按现有记录重算"),
        ("马街街道", "截至 2026-04-01 已知"),
    ]
