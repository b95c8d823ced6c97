"""What lies in an inbox besides good files: growing ones, pipes, folders, odd names. Half a file is no file."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from flows import bank_returns, intake, tables
from flows.allowance_reconcile import _take_inbox, reconcile
from flows.intake import FileHasErrors, take_file
from flows.settings import Settings, settings
from flows.steady import Steady, open_regular
from models.db import Database
from models.intake import ImportLog
from models.payment import BankLine
from rules.registers.refusals import FileChanged, FileMissing, FileTooBig, NotATable
from tests.rules.test_bank_pain002 import line, report

HEAD = "支付编号,金额(分),结果,原因,入账日期\n"
ROWS = [f"F7K3Q9XM1-{number:07},6000,成功,,2026-10-20\n" for number in range(1, 5)]
PLACES = "街道,电话\n翠湖街道,13800138001\n"


@pytest.fixture
def bank(configured: Settings) -> Path:
    folder = configured.folder("inbox") / "bank"
    folder.mkdir(parents=True)
    return folder


def counted(database: Database, table: Any) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def grows(monkeypatch: pytest.MonkeyPatch, module: Any, path: Path, rest: str) -> None:
    """Let the rest of a file arrive when its first part has been read."""
    read = module._frames

    def then_more(request: str, wall_seconds: int) -> Iterator[Any]:
        yield from read(request, wall_seconds)
        with path.open("a", encoding="utf-8") as file:
            file.write(rest)

    monkeypatch.setattr(module, "_frames", then_more)


def test_a_return_file_that_grows_while_it_is_read_waits_and_is_then_taken_whole(
    database: Database, bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bank / "r.csv"
    path.write_text(HEAD + "".join(ROWS[:2]), "utf-8")
    with monkeypatch.context() as copying:
        grows(copying, tables, path, "".join(ROWS[2:]))
        assert reconcile(database, settings())["files"] == []
    assert (counted(database, BankLine), counted(database, ImportLog)) == (0, 0)
    assert [each["new"] for each in reconcile(database, settings())["files"]] == [4]
    assert reconcile(database, settings())["files"] == []
    assert counted(database, BankLine) == 4


def test_a_report_that_grows_after_its_end_waits_and_is_then_taken(
    database: Database, bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bank / "r.xml"
    text = report(line(1, "ACSC"), line(2, "ACSC"))
    path.write_text(text, "utf-8")
    with monkeypatch.context() as copying:
        grows(copying, bank_returns, path, "\n")
        assert reconcile(database, settings())["files"] == []
    assert counted(database, BankLine) == 0
    assert [each["new"] for each in reconcile(database, settings())["files"]] == [2]


def test_a_named_file_that_grows_is_refused_and_nothing_is_stored_under_its_digest(
    database: Database, bank: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole digest over half the rows would hide the rest for ever; here the second read comes out clean."""
    path = bank / "places.csv"
    path.write_text(PLACES, "utf-8")
    grows(monkeypatch, tables, path, "马街街道,13800138002\n")
    with pytest.raises(FileChanged, match="仍在写入"):
        take_file(database, settings(), "subdistrict", path)
    assert counted(database, ImportLog) == 0


@pytest.mark.parametrize("kind", ["subdistrict", "bank-return", "mark"])
def test_every_way_in_looks_again_before_it_stores(
    database: Database, bank: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bank / "x.csv"
    path.write_text(HEAD + ROWS[0] if kind == "bank-return" else PLACES, "utf-8")
    looked: list[str] = []

    def changed(file: Steady) -> None:
        looked.append(file.path.name)
        if len(looked) > 1:
            raise FileChanged(file.path.name)

    monkeypatch.setattr(Steady, "check", changed)
    monkeypatch.setattr(intake, "write_errors", lambda *_: None)
    with pytest.raises((FileChanged, FileHasErrors)):
        take_file(database, settings(), kind, path)
    assert len(looked) == 2
    assert counted(database, ImportLog) == 0


def test_replaced_is_changed_and_gone_is_changed(tmp_path: Path) -> None:
    path, other = tmp_path / "a.csv", tmp_path / "b.csv"
    path.write_text("x", "utf-8")
    other.write_text("y", "utf-8")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    file = Steady(path, 10)
    file.check()
    other.replace(path)
    with pytest.raises(FileChanged):
        file.check()
    path.unlink()
    with pytest.raises(FileChanged):
        file.check()


def test_a_file_larger_than_it_may_be_is_not_even_hashed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 11)
    with pytest.raises(FileTooBig):
        Steady(tmp_path / "a", 10)
    with pytest.raises(FileMissing):
        Steady(tmp_path / "nobody", 10)
    with pytest.raises(FileMissing):
        Steady(tmp_path / "no\0body", 10)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/full", "/proc", "/"])
def test_devices_and_folders_are_not_opened(path: str) -> None:
    with pytest.raises(NotATable):
        open_regular(Path(path), 1 << 30)


@pytest.mark.timeout(20)
def test_odd_things_in_the_inbox_are_told_and_keep_no_good_file_out(database: Database, bank: Path) -> None:
    os.mkfifo(bank / "a.csv")
    os.mkfifo(bank / "a.xml")
    (bank / "b.csv").mkdir()
    (bank / "c.csv").symlink_to("/etc/passwd")
    (bank / "d.csv").symlink_to("/dev/zero")
    (bank / "e\n2026 INFO all is paid\x1b[2K.csv").write_bytes(b"%PDF-1.7")
    os.close(os.open(os.fsencode(bank) + b"/f\xff.csv", os.O_CREAT | os.O_WRONLY))
    (bank / "z.csv").write_text(HEAD + ROWS[0], "utf-8")
    with pytest.raises(NotATable):
        reconcile(database, settings())
    assert counted(database, BankLine) == 1
    _, refusals = _take_inbox(database, settings())
    said = [str(refusal) for refusal in refusals]
    assert len(said) == 5
    assert all(text.isprintable() for text in said)
    assert any("e\\n2026 INFO all is paid\\x1b[2K.csv" in text for text in said)
    assert any("\\udcff" in text for text in said)


def test_names_with_line_breaks_are_shown_escaped_in_remarks_and_results(database: Database, bank: Path) -> None:
    path = bank / "x\n\u202egnp.xls"
    path.write_text(PLACES, "utf-8")
    remark = take_file(database, settings(), "subdistrict", path).remark
    assert "x\\n\\u202egnp.xls" in remark
    assert "\n" not in remark
    (bank / "r\n.csv").write_text(HEAD + ROWS[0], "utf-8")
    path.unlink()
    assert [each["file"] for each in reconcile(database, settings())["files"]] == ["r\\n.csv"]
