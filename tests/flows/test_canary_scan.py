"""The search for canaries: whatever a value is wrapped in, it is found, and nothing else is taken for it."""

import base64
import bz2
import gzip
import io
import json
import lzma
import pickle
import quopri
import sqlite3
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from email.message import EmailMessage
from html import escape
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.flows.canary_scan import Scanner
from tests.flows.canary_town import PATTERN

NAME, PHONE, IDENTITY, ACCOUNT, MAIL = (
    "㒲㔁㔇",
    "15499000123",
    "990112194103070027",
    "0077000000000000017",
    "kz000042@canary.example",
)
ALL = (NAME, PHONE, IDENTITY, ACCOUNT, MAIL)
SCANNER = Scanner(PATTERN, ALL.__contains__)
VALUE = pytest.mark.parametrize("value", ALL, ids=["name", "phone", "identity", "account", "mail"])


def _zip(content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", content)
    return file.getvalue()


def _mail(text: str) -> bytes:
    message = EmailMessage()
    message["Subject"], message["To"] = f"给{text}", "somebody@example.cn"
    message.set_content("正文")
    message.add_attachment(_zip(text.encode()), maintype="application", subtype="zip", filename="a.xlsx")
    return message.as_bytes()


WRAPPED: dict[str, Callable[[str], bytes]] = {
    "as it is": lambda value: f"x{value}y".encode(),
    "gb18030": lambda value: f"姓名：{value}，".encode("gb18030"),
    "utf-16": lambda value: f"a{value}".encode("utf-16-le"),
    "utf-16, big-endian, at an odd place": lambda value: b"\x07" + f"a{value}".encode("utf-16-be"),
    "json": lambda value: json.dumps({"a": value}).encode(),
    "json in json": lambda value: json.dumps(json.dumps({"a": value})).encode(),
    "a repr of bytes": lambda value: repr(value.encode()).encode(),
    "html entities": lambda value: "".join(f"&#{ord(char)};" for char in value).encode(),
    "html": lambda value: f"<td>{escape(value)}</td>".encode(),
    "percent": lambda value: f"/a?b={quote(value)}&c=1".encode(),
    "quoted-printable": lambda value: b"To:\n" + quopri.encodestring(value.encode()),
    "base64": lambda value: base64.b64encode(f"1{value}2".encode()),
    "base64 for addresses": lambda value: b'{"a": "' + base64.urlsafe_b64encode(f"1ÿÿ{value}".encode()) + b'"}',
    "base64 in lines": lambda value: base64.encodebytes(f"{'-' * 55}{value}{'-' * 99}".encode()),
    "hex": lambda value: f"\\x{value.encode().hex()}".encode(),
    "gzip": lambda value: gzip.compress(value.encode()),
    "bzip2": lambda value: bz2.compress(value.encode()),
    "xz": lambda value: lzma.compress(value.encode()),
    "zlib": lambda value: zlib.compress(value.encode()),
    "a workbook": lambda value: _zip(f"<t>{value}</t>".encode()),
    "a pickle": lambda value: pickle.dumps({"row": [1, value]}),
    "an old pickle": lambda value: pickle.dumps([value], 0),
    "a compressed value in a pickle": lambda value: pickle.dumps(gzip.compress(value.encode())),
    "a result as Prefect stores it": lambda value: json.dumps(
        {"serializer": "pickle", "data": base64.encodebytes(pickle.dumps({"a": value})).decode()}
    ).encode(),
    "a mail": _mail,
    "gzip in base64 in json": lambda value: json.dumps(
        {"a": base64.b64encode(gzip.compress(f"k={value}".encode())).decode()}
    ).encode(),
}


@VALUE
@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_a_value_is_found_in_whatever_it_is_wrapped(value: str, wrap: Callable[[str], bytes]) -> None:
    assert {hit.value for hit in SCANNER.content(wrap(value))} == {value}


@VALUE
def test_a_value_is_found_in_any_column_of_a_database_and_what_was_deleted_in_its_pages(
    value: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA secure_delete = OFF")
        database.execute('CREATE TABLE "some table" (a, b)')
        database.execute('INSERT INTO "some table" VALUES (1, ?)', (gzip.compress(value.encode()),))
        database.execute("CREATE TABLE gone (a)")
        database.execute("INSERT INTO gone VALUES (?)", (f"deleted {value}",))
        database.commit()
        database.execute("DELETE FROM gone")
        database.commit()
    assert {(hit.value, hit.place) for hit in SCANNER.file(path, "a")} == {(value, "a:some table.b"), (value, "a")}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("㒲㔁㔈", id="a name of nobody"),
        pytest.param("1549900012", id="a part of a number"),
        pytest.param("154****0123", id="a number that is masked"),
    ],
)
def test_what_is_no_canary_is_not_found(text: str) -> None:
    assert SCANNER.content(text.encode()) == set()
