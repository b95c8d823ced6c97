"""The command line as a clerk or a script meets it: exit codes, one clear line, nothing half-written."""

import errno
import json
import re
import sys
from pathlib import Path

import pytest

from flows import cli, demo, exports, store
from flows.demo_stage import MORNING, at_moment
from flows.prefect_home import environment
from flows.sample import district
from flows.sample_files import write_files
from flows.settings import Settings, settings
from models.db import Database

Ran = tuple[int, str, str]


class Shell:
    """Runs `tuoqi ...` in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *words: str | Path) -> Ran:
        self.monkeypatch.setattr(sys, "argv", ["tuoqi", *map(str, words)])
        for name in ("TUOQI_AT", "TUOQI_POLICY"):
            self.monkeypatch.setenv(name, "")  # so that what the command sets is undone after the test
            self.monkeypatch.delenv(name)
        settings.cache_clear()
        code = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        out, err = self.capsys.readouterr()
        return code, out, err


@pytest.fixture
def tuoqi(tmp_path: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.setenv("TUOQI_VAR_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("TUOQI_KEY_FILE", str(key_file))
    monkeypatch.chdir(tmp_path)
    return Shell(monkeypatch, capsys)


@pytest.fixture
def filled(tuoqi: Shell, tmp_path: Path) -> Shell:
    write_files(district(centres=2, cadres=16), tmp_path)
    for kind, name in (("subdistrict", "街道.xlsx"), ("centre", "中心.xlsx"), ("cadre", "干部花名册.xlsx")):
        assert tuoqi("import", kind, tmp_path / name, "--at", "2026-02-20T08:00")[0] == 0
    return tuoqi


@pytest.mark.child
def test_excel_to_a_published_month_to_csv(filled: Shell, tmp_path: Path) -> None:
    plan = ("run", "duty-plan", "--param", "month=2026-03", "--json")
    code, out, _ = filled(*plan, "--param", "publish=true", "--at", "2026-02-25T08:00")
    assert code == 0
    assert json.loads(out)["published"] > 31
    code, _, _ = filled("export", "duty", "--from", "2026-03-01", "--until", "2026-03-31", "--to", tmp_path / "d.csv")
    lines = (tmp_path / "d.csv").read_text("utf-8-sig").splitlines()
    assert code == 0
    assert lines[0] == "date,centre,cadre,state,rest_relaxed,why"
    assert len(lines) - 1 == json.loads(out)["slots"]


def test_a_file_taken_in_twice_changes_nothing(filled: Shell, tmp_path: Path) -> None:
    code, out, _ = filled("import", "cadre", tmp_path / "干部花名册.xlsx", "--json", "--at", "2026-02-20T09:00")
    told = json.loads(out)
    assert (code, told["added"], told["changed"]) == (0, 0, 0)


def test_a_changed_phone_says_what_changed(filled: Shell, tmp_path: Path) -> None:
    rows = "number,name,phone,centre,from\nK9001,张三,15400000001,XS-01,2019-01-01\n"
    (tmp_path / "c.csv").write_text(rows, "utf-8")
    filled("import", "cadre", tmp_path / "c.csv")
    (tmp_path / "c.csv").write_text(rows.replace("001,XS", "002,XS"), "utf-8")
    code, out, _ = filled("import", "cadre", tmp_path / "c.csv")
    assert code == 0
    assert "K9001: phone 已更新" in out


def test_a_bad_file_is_refused_whole_and_comes_back_marked(filled: Shell, tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text(
        "person,from,until,type\nK0001,2026-03-01,2026-03-02,病假\nK9999,2026-13-01,,x\n", "utf-8"
    )
    code, _, err = filled("import", "leave", tmp_path / "l.csv")
    assert code == 1
    assert "第 3 行" in err
    assert (tmp_path / "l.csv.errors.xlsx").exists()
    filled("export", "leave", "--to", tmp_path / "out.csv")
    assert len((tmp_path / "out.csv").read_text("utf-8-sig").splitlines()) == 1


def test_one_round_shows_unreadable_and_unknown_cells_alike(filled: Shell, tmp_path: Path) -> None:
    rows = "person,from,until,type\nK9999,2026-03-01,2026-03-02,病假\nK0001,2026-13-01,,病假\n"
    (tmp_path / "l.csv").write_text(rows, "utf-8")
    code, _, err = filled("import", "leave", tmp_path / "l.csv")
    assert code == 1
    assert "2 处错误" in err


def test_an_unknown_person_in_a_file_is_an_error_of_that_cell(filled: Shell, tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("person,from,until,type\nK9999,2026-03-01,2026-03-02,病假\n", "utf-8")
    code, _, err = filled("import", "leave", tmp_path / "l.csv")
    assert code == 1
    assert "没有这个编号的干部" in err


def test_a_dry_run_writes_nothing(filled: Shell, tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("person,from,until,type\nK0001,2026-03-01,2026-03-02,病假\n", "utf-8")
    code, out, _ = filled("import", "leave", tmp_path / "l.csv", "--dry-run")
    assert code == 0
    assert "未写入" in out
    filled("export", "leave", "--to", tmp_path / "out.csv")
    assert len((tmp_path / "out.csv").read_text("utf-8-sig").splitlines()) == 1


def test_personal_data_leaves_only_revealed_and_audited(filled: Shell, tmp_path: Path) -> None:
    filled("export", "cadre", "--to", tmp_path / "plain.csv")
    assert "154" not in (tmp_path / "plain.csv").read_text("utf-8-sig")
    code, _, _ = filled("export", "cadre", "--reveal", "--to", tmp_path / "open.csv")
    assert code == 0
    assert "154" in (tmp_path / "open.csv").read_text("utf-8-sig")
    code, out, _ = filled("doctor", "--json")
    assert "audit" in out or "审计" in out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(("import", "nonsense", "x.csv"), 1, id="unknown register"),
        pytest.param(("import", "cadre", "missing.csv"), 1, id="missing file"),
        pytest.param(("run", "nonsense"), 1, id="unknown job"),
        pytest.param(("run", "duty-plan", "--param", "wrong=1"), 1, id="unknown parameter"),
        pytest.param(("run", "duty-plan", "--param", "month=2026-3"), 1, id="malformed month"),
        pytest.param(("export", "nonsense", "--to", "x.csv"), 1, id="unknown export"),
        pytest.param(("export", "duty"), 2, id="no target"),
        pytest.param(("run", "duty-day", "--at", "yesterday"), 2, id="no instant"),
        pytest.param(("who", "C-0000-0000"), 1, id="unknown reference"),
        pytest.param(("who", "C-0000-0001"), 1, id="misspelt reference"),
        pytest.param(("template", "cadre", "--to", "none/c.xlsx"), 1, id="form into a missing folder"),
        pytest.param(("keys", "--to", "/proc/none/tuoqi.keys"), 1, id="keys where nothing can be written"),
        pytest.param(("nonsense",), 2, id="unknown command"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_clear_line(tuoqi: Shell, words: tuple[str, ...], code: int) -> None:
    got, _, err = tuoqi(*words)
    assert got == code
    assert err.strip()
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(("duty-day", "--on", "2026-13-01"), "没有这个日期或时间", id="no such date"),
        pytest.param(("duty-day", "--on", "soon"), "请写成 2026-03-01", id="no date"),
        pytest.param(("duty-day", "--param", "as_of=soon"), "as_of=soon：不是日期，请写成 2026-03-01", id="date"),
        pytest.param(("duty-plan", "--param", "month=2026-13"), "month=2026-13：不是月份，请写成 2026-03", id="month"),
        pytest.param(("duty-plan", "--param", "publish=maybe"), "publish=maybe：请写 yes 或 no", id="yes or no"),
        pytest.param(("duty-watch", "--param", "at=noon"), "at=noon：不是时刻，请写成 2026-03-01T07:30", id="moment"),
        pytest.param(("duty-plan", "--param", "wrong=1"), "没有参数 wrong，可用：month、publish、", id="unknown"),
        pytest.param(("duty-plan", "--param", "month"), "请写成“名称=值”", id="no value"),
        pytest.param(("duty-record", "--param", "centre=X"), "缺少参数 what、day、by", id="missing"),
        pytest.param(
            ("deliver", "--on", "2026-03-01"), "没有业务日期，不能用 --on，请用 --at", id="deliver has no date"
        ),
        pytest.param(("duty-watch", "--on", "2026-03-01"), "请用 --at 指定时刻", id="nor has the watch"),
    ],
)
def test_a_wrong_parameter_is_told_with_the_form_that_is_accepted(
    tuoqi: Shell, words: tuple[str, ...], told: str
) -> None:
    code, _, err = tuoqi("run", *words)
    assert code == 1
    assert told in err
    assert len(err.splitlines()) == 1
    assert "nput" not in err


def test_a_choice_is_told_with_its_choices(tuoqi: Shell) -> None:
    given = ("what=nap", "centre=XS-01", "day=2026-03-01", "by=office")
    code, _, err = tuoqi("run", "duty-record", *(word for each in given for word in ("--param", each)))
    assert code == 1
    assert "what=nap：请从中选择：ack、checkin、handover、swap" in err


def test_a_business_date_may_be_written_as_in_the_registers(filled: Shell) -> None:
    code, out, _ = filled("run", "duty-day", "--on", "2026-3-1", "--json", "--at", "2026-03-01T06:00")
    assert (code, json.loads(out)["date"]) == (0, "2026-03-01")


def test_a_refused_file_in_a_folder_that_cannot_be_written_is_one_line(
    filled: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "l.csv").write_text("person,from,until,type\nK0001,x,,x\n", "utf-8")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "touch", full)
    monkeypatch.setattr(store, "reach", lambda chosen: Database(chosen.url, chosen.keys()))
    code, _, err = filled("import", "leave", tmp_path / "l.csv")
    assert code == 1
    assert "磁盘为只读" in err
    assert len(err.splitlines()) == 1


def test_what_nobody_foresaw_is_one_line_with_a_number_and_no_values(
    filled: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("张三 13800138000")

    monkeypatch.setattr(exports, "district_id", broken)
    code, _, err = filled("export", "cadre", "--to", tmp_path / "c.csv")
    number = re.search(r"事件编号 (I-\w{4}-\w{4})", err)
    assert (code, len(err.splitlines())) == (1, 1)
    assert number
    assert "RuntimeError" in err
    assert "张三" not in err
    log = tmp_path / "var" / "logs" / "incidents.log"
    assert f"{number[1]}\nTraceback" in log.read_text("utf-8")
    assert "RuntimeError: … …" in log.read_text("utf-8")


def test_the_demo_and_its_children_hear_nothing_of_the_shell_but_language_and_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = {
        "ENVIRONMENT": "production",
        "EMAIL": "smtp",
        "SMTP_HOST": "mail.example.org",
        "SMTP_PASSWORD": "x",
        "DATABASE_URL": "postgresql://production",
        "KEY_FILE": "/etc/tuoqi.keys",
        "DISTRICT": "530102",
        "ZONE": "UTC",
        "AT": "2020-01-01T00:00",
        "POLICY": str(tmp_path / "p.yaml"),
        "VAR_DIR": str(tmp_path / "var"),
        "LANG": "en",
    }
    for name in Settings.model_fields:
        monkeypatch.delenv(f"TUOQI_{name.upper()}", raising=False)
    plain = Settings(var_dir=tmp_path / "var" / "demo", lang="en")
    for name, value in shell.items():
        monkeypatch.setenv(f"TUOQI_{name}", value)
    settings.cache_clear()
    chosen = demo._fresh()
    settings.cache_clear()
    assert chosen == plain
    told = environment(at_moment(chosen, MORNING), 4200)
    heard = {name: text for name, text in told.items() if name.startswith("TUOQI_")}
    assert heard["TUOQI_EMAIL"] == heard["TUOQI_SMS"] == "file"
    assert heard["TUOQI_AT"] == MORNING
    assert heard["TUOQI_ENVIRONMENT"] == "development"
    assert not {"TUOQI_KEY_FILE", "TUOQI_POLICY"} & heard.keys()
    assert [value for name, value in heard.items() if value == shell.get(name.removeprefix("TUOQI_"))] == ["en"]


def test_publishing_an_unpublished_year_is_refused(filled: Shell) -> None:
    code, _, err = filled("run", "duty-plan", "--param", "month=2027-03", "--param", "publish=true")
    assert code == 1
    assert "国务院" in err


def test_the_overlay_policy_rules_every_command(filled: Shell, tmp_path: Path) -> None:
    overlay = tmp_path / "p.yaml"
    overlay.write_text("duty:\n  versions:\n    - {since: 2025-01-01, source: test, gap: 30}\n", "utf-8")
    plan = ("run", "duty-plan", "--param", "month=2026-03", "--json", "--at", "2026-02-20T08:00")
    assert json.loads(filled(*plan, "--policy", overlay)[1])["relaxed"] > 0


def test_the_head_records_for_a_cadre(filled: Shell, tmp_path: Path) -> None:
    filled("run", "duty-plan", "--param", "month=2026-03", "--param", "publish=true", "--at", "2026-02-25T08:00")
    day = ("--date", "2026-03-02", "--centre", "XS-01", "--by", "office")
    code, out, _ = filled("duty", "ack", *day, "--json", "--at", "2026-03-01T18:00")
    assert (code, json.loads(out)["recorded"]) == (0, True)
    code, out, _ = filled("duty", "ack", *day, "--json", "--at", "2026-03-01T18:05")
    assert (code, json.loads(out)["recorded"]) == (0, False)
    assert filled("duty", "checkin", *day, "--at", "2026-03-02T08:30")[0] == 0
    code, _, err = filled("duty", "handover", *day, "--facilities", "problem", "--at", "2026-03-02T18:00")
    assert code == 1
    assert "说明" in err
    good = ("--facilities", "problem", "--note", "空调不制冷", "--at", "2026-03-02T18:00")
    assert filled("duty", "handover", *day, *good)[0] == 0
    filled(
        "export",
        "slot",
        "--from",
        "2026-03-02",
        "--until",
        "2026-03-02",
        "--centre",
        "XS-01",
        "--to",
        tmp_path / "s.csv",
    )
    assert "handed_over" in (tmp_path / "s.csv").read_text("utf-8-sig")


def test_english_is_available(tuoqi: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUOQI_LANG", "en")
    code, _, err = tuoqi("run", "nonsense")
    assert code == 1
    assert "there is no job" in err


def test_calendars_for_phones_and_wall(filled: Shell, tmp_path: Path) -> None:
    filled("run", "duty-plan", "--param", "month=2026-03", "--param", "publish=true", "--at", "2026-02-25T08:00")
    book = tmp_path / "m.xlsx"
    assert filled("export", "duty-calendar", "--month", "2026-03", "--reveal", "--to", book)[0] == 0
    assert book.read_bytes()[:2] == b"PK"
    assert filled("export", "duty-ics", "--month", "2026-03", "--to", tmp_path / "ics")[0] == 0
    assert list((tmp_path / "ics").glob("*.ics"))


def test_figures_for_a_monitor_are_printed_or_written_to_a_file(filled: Shell, tmp_path: Path) -> None:
    code, out, _ = filled("metrics", "--at", "2026-03-10T08:00")
    assert code == 0
    assert 'tuoqi_job_late{district="530112",job="duty-day",period="2026-03-10"} 1.0' in out
    code, out, _ = filled("metrics", "--to", tmp_path / "x.prom", "--at", "2026-03-10T08:00")
    assert (code, "x.prom" in out) == (0, True)
    assert "tuoqi_disk_free_bytes" in (tmp_path / "x.prom").read_text()
    assert filled("metrics", "--to", tmp_path / "none" / "x.prom")[0] == 1
