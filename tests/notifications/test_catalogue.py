"""The catalogue: what a message may be given early and late, what meta.yaml may say, and provider ids."""

from pathlib import Path
from typing import Any

import pytest

from notifications import catalogue as module
from notifications.catalogue import BadIds, Template, catalogue, provider_ids, read_ids, read_template, template
from notifications.errors import BadTemplate, BadVariable, ExtraVariable, MissingVariable, UnknownTemplate

META = """
version: 3
title: {zh-CN: 试, en: probe}
kind: notice
audience: staff
channels: [sms]
variables:
  name: {type: text, max: 9}
  fen: {type: money, optional: true}
  people: {type: integer, optional: true}
  booked_on: {type: date}
  code: {type: code, max: 8, optional: true, late: true}
  rows: {type: list, max: 2, late: true, of: {day: {type: date}, note: {type: text, max: 5, optional: true}}}
sms: {ids: {aliyun: {zh-CN: SMS_1}}, limits: {name: 6}, parts: 2}
samples: {zh-CN: {}, en: {}}
"""
EARLY: dict[str, Any] = {"name": "李", "fen": 100, "people": 3, "booked_on": "2026-07-12"}
ROWS = [{"day": "2026-07-12", "note": ""}]
PATH = "aliyun.duty-notice.zh-CN"


@pytest.fixture
def probe(tmp_path: Path) -> Template:
    return _read(tmp_path, META)


def _read(folder: Path, meta: str) -> Template:
    (folder / "probe").mkdir(exist_ok=True)
    (folder / "probe" / "meta.yaml").write_text(meta, encoding="utf-8")
    return read_template(folder / "probe")


def test_what_meta_yaml_says_is_kept(probe: Template) -> None:
    assert (probe.name, probe.version, probe.kind, probe.audience, probe.parts) == ("probe", 3, "notice", "staff", 2)
    assert (probe.limit("name"), probe.limit("booked_on")) == (6, 35)
    assert probe.title == "试"


def test_late_variables_are_not_given_early(probe: Template) -> None:
    assert probe.check("k", EARLY) == EARLY
    with pytest.raises(ExtraVariable, match="rows"):
        probe.check("k", {**EARLY, "rows": ROWS})


def test_late_variables_are_given_for_sending(probe: Template) -> None:
    assert probe.complete("k", EARLY, {"code": "7K3Q", "rows": ROWS}) == {**EARLY, "code": "7K3Q", "rows": ROWS}
    with pytest.raises(MissingVariable, match="rows"):
        probe.complete("k", EARLY, {"code": "7K3Q"})
    with pytest.raises(ExtraVariable, match="colour"):
        probe.complete("k", EARLY, {"rows": ROWS, "colour": "red"})


def test_an_optional_late_word_that_is_not_given_is_empty(probe: Template) -> None:
    assert probe.complete("k", EARLY, {"rows": ROWS})["code"] == ""


def test_a_message_of_an_older_version_may_hold_what_is_late_by_now(probe: Template) -> None:
    newer = [{"day": "2026-07-13", "note": "新"}]
    assert probe.complete("k", {**EARLY, "rows": ROWS}, {})["rows"] == ROWS
    assert probe.complete("k", {**EARLY, "rows": ROWS}, {"rows": newer})["rows"] == newer


@pytest.mark.parametrize(
    ("given", "error", "named"),
    [
        pytest.param({"rows": []}, BadVariable, "rows", id="empty list"),
        pytest.param({"rows": ROWS * 3}, BadVariable, "rows", id="too many rows"),
        pytest.param({"rows": "2026"}, BadVariable, "rows", id="a text is no list"),
        pytest.param({"rows": [{"day": "2026-07-12"}]}, MissingVariable, "rows.note", id="missing in a row"),
        pytest.param({"rows": [{**ROWS[0], "x": 1}]}, ExtraVariable, "rows.x", id="extra in a row"),
        pytest.param({"rows": [{**ROWS[0], "note": "托" * 6}]}, BadVariable, "rows.note", id="too long in a row"),
        pytest.param({"code": "a-b"}, BadVariable, "code", id="a code is letters and digits"),
        pytest.param({"code": "a" * 9}, BadVariable, "code", id="a code is never shortened"),
        pytest.param({"fen": -1}, BadVariable, "fen", id="negative money"),
        pytest.param({"fen": 1.5}, BadVariable, "fen", id="part of a fen"),
        pytest.param({"fen": True}, BadVariable, "fen", id="a yes is no number"),
        pytest.param({"people": 10**13}, BadVariable, "people", id="a number without end"),
        pytest.param({"booked_on": "2026-02-30"}, BadVariable, "booked_on", id="no such day"),
        pytest.param({"name": None}, BadVariable, "name", id="nothing is no text"),
        pytest.param({"name": "李\ud800"}, BadVariable, "name", id="half a character"),
        pytest.param({"name": "李\x85"}, BadVariable, "name", id="an old line break"),
    ],
)
def test_a_wrong_value_is_named_and_not_quoted(
    probe: Template, given: dict[str, Any], error: type[Exception], named: str
) -> None:
    with pytest.raises(error, match=named) as refused:
        probe.complete("k", EARLY, {"rows": ROWS, **given})
    assert "托托" not in str(refused.value)


def test_an_optional_number_may_be_unknown(probe: Template) -> None:
    assert probe.check("k", {**EARLY, "fen": None, "people": None})["fen"] is None


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        pytest.param("version: 3", "version: 3\ncolour: red", "colour", id="unknown word"),
        pytest.param("version: 3\n", "", "version", id="missing word"),
        pytest.param("kind: notice", "kind: spam", "spam", id="unknown kind"),
        pytest.param("audience: staff", "audience: all", "all", id="unknown audience"),
        pytest.param(", en: probe", "", "title", id="a language missing"),
        pytest.param("parts: 2", "part: 2", "part", id="unknown word of sms"),
        pytest.param("type: money", "type: float", "float", id="unknown type"),
        pytest.param("booked_on:", "on:", "quotes", id="a name that YAML takes for truth"),
        pytest.param("type: text, max: 9", "type: text", "max", id="a text without end"),
        pytest.param("type: text, max: 9", "type: text, max: 9, min: 1", "min", id="unknown word of a variable"),
    ],
)
def test_a_wrong_meta_file_is_refused(tmp_path: Path, old: str, new: str, found: str) -> None:
    with pytest.raises(BadTemplate, match=found):
        _read(tmp_path, META.replace(old, new))


def test_an_unknown_template_is_named() -> None:
    with pytest.raises(UnknownTemplate, match="nothing"):
        template("nothing")


def _ids(folder: Path, text: str) -> Path:
    path = folder / "ids.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_district_gives_its_ids_in_a_file(tmp_path: Path) -> None:
    path = _ids(tmp_path, 'aliyun: {duty-notice: {zh-CN: SMS_123}}\ntencent: {duty-notice: {zh-CN: "0123", en: "9"}}\n')
    ids = provider_ids(path)
    assert ids["aliyun"] == {"duty-notice": {"zh-CN": "SMS_123"}}
    assert ids["tencent"]["duty-notice"] == {"zh-CN": "0123", "en": "9"}


def test_the_file_goes_over_the_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, probe: Template) -> None:
    monkeypatch.setattr(module, "catalogue", lambda: {"probe": probe})
    assert provider_ids()["aliyun"] == {"probe": {"zh-CN": "SMS_1"}}
    merged = provider_ids(_ids(tmp_path, "aliyun: {probe: {zh-CN: SMS_2, en: SMS_3}}"))
    assert merged["aliyun"] == {"probe": {"zh-CN": "SMS_2", "en": "SMS_3"}}


def test_nothing_is_approved_unless_somebody_says_so() -> None:
    assert provider_ids() == {"aliyun": {}, "tencent": {}}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("aliyum: {}", "aliyum", id="unknown provider"),
        pytest.param("aliyun: {duty-notise: {}}", "aliyun.duty-notise", id="unknown template"),
        pytest.param("aliyun: {exam-slip: {zh-CN: SMS_1}}", "aliyun.exam-slip", id="a template without SMS"),
        pytest.param("aliyun: {duty-notice: {zh: SMS_1}}", "aliyun.duty-notice.zh", id="unknown language"),
        pytest.param("aliyun: {duty-notice: {zh-CN: 123}}", PATH, id="a number loses its zeros"),
        pytest.param("aliyun: {duty-notice: {zh-CN: ''}}", PATH, id="empty id"),
        pytest.param("aliyun: {duty-notice: {zh-CN: 'SMS 1'}}", PATH, id="a space in the id"),
        pytest.param("aliyun: {duty-notice: SMS_1}", "aliyun.duty-notice", id="no language"),
        pytest.param("- aliyun", "文件", id="a list"),
        pytest.param("aliyun: {", "第 1 行", id="no YAML"),
        pytest.param("aliyun: {}\naliyun: {}", "aliyun 出现了两次", id="a name given twice"),
        pytest.param("aliyun: {duty-gap: {en: A, en: B}}", "en 出现了两次", id="a language given twice"),
        pytest.param("aliyun: \x00", "ReaderError", id="not even text"),
    ],
)
def test_a_wrong_file_of_ids_is_refused_with_the_place(tmp_path: Path, text: str, found: str) -> None:
    with pytest.raises(BadIds, match=found) as refused:
        read_ids(_ids(tmp_path, text))
    assert "ids.yaml" in str(refused.value)


def test_a_file_of_ids_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadIds, match="FileNotFoundError"):
        read_ids(tmp_path / "ids.yaml")


def test_an_empty_file_of_ids_means_none(tmp_path: Path) -> None:
    assert read_ids(_ids(tmp_path, "")) == {}


def test_every_job_has_its_messages() -> None:
    numbers: dict[str, int] = {}
    for name in catalogue():
        job = name.partition("-")[0]
        numbers[job] = numbers.get(job, 0) + 1
    assert numbers == {"alarm": 2, "allowance": 7, "duty": 11, "exam": 8, "greeting": 2, "issue": 4, "visit": 8}


def test_only_payments_are_of_that_kind_and_what_cannot_wait_is_urgent() -> None:
    kinds = {name: kind.kind for name, kind in catalogue().items() if kind.kind != "notice"}
    assert kinds == {
        "alarm": "urgent",
        "alarm-job": "urgent",
        "duty-absent": "urgent",
        "visit-wellness": "urgent",
        "visit-wellness-late": "urgent",
        "allowance-paid": "payment",
        "greeting-birthday": "promotional",
        "greeting-festival": "promotional",
    }


def test_the_public_hears_of_its_own_affairs_only() -> None:
    assert {name for name, kind in catalogue().items() if kind.audience == "public"} == {
        "allowance-certify",
        "allowance-paid",
        "allowance-returned",
        "exam-slip",
        "greeting-birthday",
        "greeting-festival",
        "visit-contact-family",
    }
