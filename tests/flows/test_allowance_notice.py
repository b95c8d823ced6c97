"""Public notice on real databases: a maker puts a list forward, once; communities are told; objections decide."""

from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import insert

from models.allowance import AllowanceBatch
from models.db import Database
from models.staff import Staff
from rules.allowance_refusals import NoList, NotNow
from rules.allowances_due import CalendarUnpublished
from rules.staff_refusals import NotAMaker
from tests.flows.allowances import Pay

SHOWN = "2026-04-03T10:00"
PEOPLE: dict[str, dict[str, Any]] = {
    "here": {"born": "1940-01-01"},
    "there": {"born": "1930-01-01", "community": "普坪社区"},
    "poor": {"born": "1940-01-03", "account": False},
}


@pytest.fixture
def pay(database: Database, tmp_path: Path) -> Pay:
    made = Pay(database, tmp_path)
    made.people(PEOPLE)
    office = {"subdistrict": "翠湖街道", "phone": "13800000009", "email": "office@example.com"}
    made.office.send("subdistrict", [{"name": office.pop("subdistrict"), **office}])
    return made


def batch(pay: Pay) -> str:
    ref: str = pay.plan()["batch"]
    return ref


def test_the_window_counts_workdays_over_national_day(pay: Pay) -> None:
    """Shown on Monday 28 September 2026: 29 and 30, then 1 to 7 October off, 8, 9 and Saturday 10, which is worked."""
    ref = pay.plan("2026-09", "2026-09-28T09:00")["batch"]
    shown = pay.put_forward(ref, "2026-09-28T10:00")
    assert (shown["first"], shown["last"]) == ("2026-09-29", "2026-10-10")


def test_a_window_in_a_year_whose_holidays_are_not_published_is_refused(pay: Pay) -> None:
    ref = pay.plan("2026-12", "2026-12-30T09:00")["batch"]
    with pytest.raises(CalendarUnpublished):
        pay.put_forward(ref, "2026-12-30T10:00")
    assert pay.batches()[-1] == ("2026-12", 1, "plan", "planned")


def test_only_a_maker_in_office_puts_a_list_forward_and_only_one(pay: Pay) -> None:
    ref = batch(pay)
    retired = {"role": "maker", "until": pay.at("2026-04-02T09:00").date()}
    pay.put(Staff, {"district_id": 1, "name": b"x", "number": "S3", "ref": "S-S3", **retired})
    pay.put(Staff, {"district_id": 1, "name": b"x", "number": "S4", "ref": "S-S4", "role": "both"})
    for stranger in ("S2", "S3", "S9"):
        with pytest.raises(NotAMaker):
            pay.put_forward(ref, SHOWN, stranger)
    with pytest.raises(NoList):
        pay.put_forward("B-0000-0000", SHOWN)
    assert pay.batches() == [("2026-03", 1, "plan", "planned")]
    pay.put_forward(ref, SHOWN, "S4")
    with pytest.raises(NotNow):
        pay.put_forward(ref, SHOWN, "S1")
    assert pay.audited("allowance.notice") == 1


def test_each_community_has_its_list_masked_and_is_told_once(pay: Pay) -> None:
    ref = batch(pay)
    shown = pay.put_forward(ref, SHOWN)
    assert (shown["people"], shown["communities"]) == (2, 2)
    folder = Path(shown["folder"])
    assert sorted(path.name for path in folder.glob("*.xlsx")) == ["普坪社区.xlsx", "翠湖社区.xlsx"]
    sheet = load_workbook(folder / "普坪社区.xlsx").worksheets[0]
    rows = [[str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    assert len(rows) == 2
    assert rows[1][1] == "龚*"
    assert rows[1][2].startswith("990112********")
    pages = {path.stem: path.read_text("utf-8") for path in folder.glob("*.html")}
    assert sorted(pages) == ["公示名单", "普坪社区", "翠湖社区"]
    for place, other in (("普坪社区", "翠湖社区"), ("翠湖社区", "普坪社区")):
        alone = pages[place]
        assert (alone.count("龚*"), alone.count("<section>")) == (1, 1)
        assert place in alone
        assert other not in alone
        assert "龚䶮" not in alone
    page = pages["公示名单"]
    assert page.count("龚*") == 2
    assert "龚䶮" not in page
    told = pay.messages("allowance-notice-open")
    assert {key.split(":")[2] for key in told} == {"1", "2"}
    stored = pay.snapshot()
    assert pay.put_forward(ref, "2026-04-04T10:00")["messages"] == 0
    assert pay.snapshot() == stored


def test_a_list_that_nobody_has_put_forward_is_named_every_morning(pay: Pay) -> None:
    ref = batch(pay)
    waiting = pay.morning("2026-04-03T08:00")["waiting"]
    assert [(each["batch"], each["people"], str(each["since"])) for each in waiting] == [(ref, 2, "2026-04-02")]
    pay.put_forward(ref, SHOWN)
    assert pay.morning("2026-04-04T08:00")["waiting"] == []


def test_an_objection_upheld_against_the_last_on_a_list_drops_it(pay: Pay) -> None:
    ref = batch(pay)
    pay.put_forward(ref, SHOWN)
    pay.object("here", upheld="no")
    pay.object("there", upheld="yes")
    assert pay.morning("2026-04-08T08:00")["cancelled"] == {ref: 1}
    assert pay.cancelled() == {"there": "objection"}
    pay.object("here", day="2026-04-08", upheld="yes")
    pay.morning("2026-04-09T08:00")
    assert pay.batches() == [("2026-03", 1, "plan", "dropped")]
    assert pay.supplement("2026-04-09T09:00")["batch"] is None  # an objection upheld is final


def test_who_was_left_out_wrongly_is_named_until_the_register_is_put_right(pay: Pay) -> None:
    ref = batch(pay)
    pay.put_forward(ref, SHOWN)
    pay.object("poor", upheld="")
    opened = pay.morning("2026-04-07T08:00")["objections"]
    assert [(each["elder"], each["listed"]) for each in opened] == [(pay.refs["poor"], False)]
    pay.object("poor", upheld="yes")
    named = {"programme": "longevity", "period": "2026-03", "elder": pay.refs["poor"], "reason": "no_account"}
    assert pay.morning("2026-04-08T08:00")["left_out"] == [named]
    pay.account("poor", "2026-04-08")
    assert pay.supplement("2026-04-08T09:00")["back_paid"] == 1
    assert pay.morning("2026-04-09T08:00")["left_out"] == []


def test_a_reference_of_another_district_is_no_list_of_ours(pay: Pay) -> None:
    ref = batch(pay)
    with pay.database.write() as session:
        session.execute(insert(AllowanceBatch.metadata.tables["district"]).values(id=2, code="530102", name="五华区"))
        session.execute(AllowanceBatch.__table__.update().values(district_id=2))  # type: ignore[attr-defined]
    with pytest.raises(NoList):
        pay.put_forward(ref, SHOWN)
