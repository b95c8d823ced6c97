"""`tuoqi visit`, `tuoqi issue` and the file of one elder, as a clerk types them."""

import json
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import select
from sqlmodel import col

from flows.sample import district
from flows.settings import settings
from flows.store import opened
from models.audit import AuditEntry
from models.elder import Elder
from tests.flows.elders import elder, number
from tests.flows.test_cli import Shell, filled, tuoqi

assert filled
assert tuoqi
AT = ("--at", "2026-03-10T09:00")


@pytest.fixture
def shell(filled: Shell, tmp_path: Path) -> Shell:
    """A district with one elder, one helper and the centre's cadres."""
    home = district(centres=2, cadres=16).centres[0].community
    row = {**elder(phone="13800138000", categories="独居"), "community": home}
    (tmp_path / "e.csv").write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n", "utf-8")
    (tmp_path / "h.csv").write_text(f"number,name,role,capacity,community\nH1,李四,gate,5,{home}\n", "utf-8")
    for kind, name in (("helper", "h.csv"), ("elder", "e.csv")):
        code, out, err = filled("import", kind, tmp_path / name, "--at", "2026-02-20T08:00")
        assert code == 0, (out, err)
    return filled


@pytest.fixture
def ref(shell: Shell) -> str:
    del shell
    settings.cache_clear()
    with opened(settings()) as database, database.read() as session:
        return str(session.execute(select(col(Elder.ref))).scalar_one())


def visit(shell: Shell, who: str, *more: str) -> tuple[int, str, str]:
    words = ("visit", "record", "--elder", who, "--helper", "H1", "--channel", "home", "--outcome", "MET")
    return shell(*words, *more, "--json", *AT)


def test_a_visit_is_recorded_once_and_told_by_reference(shell: Shell, ref: str) -> None:
    code, out, err = visit(shell, ref, "--time", "2026-03-09", "--note", "血压偏高")
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "kind": "contact", "recorded": True, "elder": ref, "helper": "H1", "channel": "home", "outcome": "MET",
    }  # fmt: skip
    assert json.loads(visit(shell, number(), "--time", "2026-03-09")[1])["recorded"] is False


def test_an_id_number_typed_in_is_never_repeated(shell: Shell, ref: str) -> None:
    code, out, _ = visit(shell, number(), "--time", "2026-03-09 10:00")
    assert code == 0
    assert (ref in out, number() in out) == (True, False)
    _, out, err = visit(shell, number(serial=4))
    assert number(serial=4) not in out + err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(("--time", "2026-03-11"), "晚于今天", id="tomorrow"),
        pytest.param(("--by", "X9"), "登记人编号不在本区名册中", id="unknown reporter"),
        pytest.param(("--outcome", "PHONE"), "与探访方式不符", id="outcome of another channel"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_1(shell: Shell, ref: str, words: tuple[str, str], told: str) -> None:
    code, out, err = visit(shell, ref, *words)
    assert (code, out) == (1, "")
    assert told in err
    assert len(err.splitlines()) == 1


def test_a_visit_after_a_death_is_recorded_and_flagged(shell: Shell, ref: str) -> None:
    words = ("visit", "status", "--elder", ref, "--status", "DEAD", "--from", "2026-03-01", "--by", "H1")
    assert shell(*words, *AT)[0] == 0
    assert "晚于去世" in json.loads(visit(shell, ref)[1])["flagged"][0]


def test_a_status_begins_today_unless_said(shell: Shell, ref: str) -> None:
    code, out, _ = shell(
        "visit", "status", "--elder", ref, "--status", "HOSPITAL", "--by", "office", "--json", *AT
    )  # fmt: skip
    assert (code, json.loads(out)["from"]) == (0, "2026-03-10")


def test_an_issue_is_numbered_and_goes_its_way(shell: Shell, ref: str) -> None:
    _, out, err = shell(
        "issue", "open", "--elder", ref, "--kind", "help", "--by", "H1", "--note", "扶手", "--json", *AT
    )
    assert err == ""
    name = json.loads(out)["number"]
    assert name == "S2026-0001"
    at = "2026-03-10T{}:00"
    for hour, words in enumerate(
        (
            ("assign", "--to", "K0001"),
            ("wait",),
            ("approve",),
            ("resume",),
            ("resolve",),
            ("verify", "--satisfied", "no"),
            ("resolve",),
            ("verify", "--satisfied", "yes"),
            ("close",),
        ),
        start=10,
    ):
        code, _, err = shell("issue", *words, "--number", name, "--by", "K0001", "--at", at.format(hour))
        assert (code, err) == (0, ""), words
    code, _, err = shell("issue", "resume", "--number", name, "--by", "K0001", "--at", at.format(20))
    assert code == 1
    assert "已办结" in err


def test_the_next_issue_gets_the_next_number(shell: Shell, ref: str) -> None:
    words = ("issue", "open", "--kind", "consult", "--by", "H1", "--json", *AT)
    assert json.loads(shell(*words, "--elder", ref)[1])["number"] == "S2026-0001"
    assert json.loads(shell(*words, "--centre", "XS-01")[1])["number"] == "S2026-0002"


def elder_file(shell: Shell, ref: str, to: Path, *more: str) -> tuple[int, str, str]:
    return shell("export", "elder-file", "--elder", ref, "--to", to, *more, *AT)


def told(path: Path) -> dict[str, str]:
    book = openpyxl.load_workbook(path)
    return {sheet.title: str(list(sheet.iter_rows(values_only=True))) for sheet in book.worksheets}


def test_the_whole_history_of_an_elder_is_one_workbook_and_its_opening_is_audited(
    shell: Shell, ref: str, tmp_path: Path
) -> None:
    visit(shell, ref, "--time", "2026-03-09 10:00", "--note", "血压偏高")
    shell("issue", "open", "--elder", ref, "--kind", "help", "--by", "H1", "--note", "扶手", *AT)
    code, _, err = elder_file(shell, ref, tmp_path / "file.xlsx", "--reveal")
    assert (code, err) == (0, "")
    sheets = told(tmp_path / "file.xlsx")
    assert list(sheets) == [
        "基本信息", "特殊困难类别", "等级", "状态变更", "结对帮扶", "探访记录", "探访任务", "诉求",
    ]  # fmt: skip
    assert all(text in sheets["基本信息"] for text in (ref, number(), "龚䶮", "13800138000", "独居", "黄色"))
    assert all(text in sheets["探访记录"] for text in ("血压偏高", "见到本人", "上门"))
    assert "扶手" in sheets["诉求"]
    settings.cache_clear()
    with opened(settings()) as database, database.read() as session:
        entry = session.execute(select(AuditEntry).where(col(AuditEntry.action) == "export.elder-file")).scalar_one()
    assert entry.detail["elder"] == ref


def test_without_reveal_the_file_says_nothing_personal(shell: Shell, ref: str, tmp_path: Path) -> None:
    visit(shell, ref, "--time", "2026-03-09 10:00", "--note", "血压偏高")
    assert elder_file(shell, ref, tmp_path / "file.xlsx")[0] == 0
    text = str(told(tmp_path / "file.xlsx"))
    assert ref in text
    assert not any(each in text for each in (number(), "龚䶮", "13800138000", "血压"))


@pytest.mark.parametrize(
    ("who", "to", "what"),
    [
        pytest.param("E-7K3Q-9XM2", "f.xlsx", "有误", id="misspelt"),
        pytest.param("E-7K3Q-9XM1", "f.xlsx", "没有编号", id="nobody"),
        pytest.param(number(), "f.xlsx", "有误", id="an ID number, which the audit must not keep"),
        pytest.param("E-7K3Q-9XM1", "f.csv", "xlsx", id="one table for many"),
    ],
)
def test_a_file_of_nobody_is_refused(shell: Shell, tmp_path: Path, who: str, to: str, what: str) -> None:
    code, _, err = elder_file(shell, who, tmp_path / to, "--reveal")
    assert code == 1
    assert what in err
    assert number() not in err
    assert not (tmp_path / to).exists()


def test_exports_of_one_elder_hold_nobody_else(shell: Shell, ref: str, tmp_path: Path) -> None:
    visit(shell, ref)
    assert shell("export", "contact", "--elder", ref, "--to", tmp_path / "c.csv", *AT)[0] == 0
    assert shell("export", "elder", "--elder", "E-7K3Q-9XM1", "--to", tmp_path / "e2.csv", *AT)[0] == 0
    assert ref in (tmp_path / "c.csv").read_text("utf-8-sig")
    assert ref not in (tmp_path / "e2.csv").read_text("utf-8-sig")
