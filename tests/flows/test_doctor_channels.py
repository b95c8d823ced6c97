"""The doctor's look at the channels: each finding with its state, what it names, and what to do about it."""

import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from flows import doctor_channels
from flows.finding import Finding, examined
from flows.settings import Settings
from notifications.catalogue import catalogue
from rules.errors import LANGUAGE
from tests.flows.test_outlets import KEYS

Check = Callable[[Settings], Iterator[Finding]]
ROBOTS = json.dumps({"ops": {"kind": "wecom", "url": "https://qyapi.weixin.qq.com/hush"}})


def chosen(tmp_path: Path, **more: Any) -> Settings:
    return Settings(var_dir=tmp_path / "var", at=datetime(2026, 3, 10, tzinfo=UTC), **{**KEYS, **more})


def found(check: Check, settings: Settings, name: str | None = None) -> list[Finding]:
    """What the doctor finds; said in English it is English, and no key is ever in it."""
    told = list(examined("x", lambda: check(settings)))
    token = LANGUAGE.set("en")
    try:
        english = list(examined("x", lambda: check(settings)))
    finally:
        LANGUAGE.reset(token)
    assert "hush" not in repr(told + english)
    assert all((each.text + each.remedy).replace("…", "").isascii() for each in english)
    assert all(each.remedy.endswith((".", "。")) for each in told + english)
    return [each for each in told if name in (None, each.name)]


def one(check: Check, settings: Settings, name: str | None = None) -> Finding:
    (finding,) = found(check, settings, name)
    return finding


def ids(tmp_path: Path, *names: str) -> Path:
    path = tmp_path / "ids.yaml"
    path.write_text(yaml.safe_dump({"aliyun": {name: {"zh-CN": "SMS_1"} for name in names}}), "utf-8")
    return path


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of providers have a public address; nothing is connected to."""
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 443))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [entry])


@pytest.mark.parametrize(("environment", "state"), [("development", "warn"), ("production", "bad")])
@pytest.mark.parametrize(
    ("check", "setting"),
    [
        pytest.param(doctor_channels.email, "TUOQI_EMAIL=smtp", id="mail"),
        pytest.param(doctor_channels.sms, "TUOQI_SMS=aliyun", id="SMS"),
        pytest.param(doctor_channels.alarms, "TUOQI_OPERATORS", id="operators"),
    ],
)
def test_what_nobody_gets_is_a_warning_at_a_desk_and_bad_in_production(
    tmp_path: Path, check: Check, setting: str, environment: str, state: str
) -> None:
    finding = one(check, chosen(tmp_path, environment=environment))
    assert finding.state == state
    assert setting in finding.remedy
    assert not (tmp_path / "var" / "keys").exists()


def test_sms_that_the_policy_does_not_use_are_nobody_s_worry(tmp_path: Path) -> None:
    purposes = ("notice", "reminder", "head", "office", "change", "published")
    version = {"since": date(2026, 1, 1), "channels": {purpose: ["email"] for purpose in purposes}}
    path = tmp_path / "mail.yaml"
    path.write_text(yaml.safe_dump({"duty": {"versions": [version]}}), "utf-8")
    assert one(doctor_channels.sms, chosen(tmp_path, policy=path, environment="production")).state == "ok"


@pytest.mark.usefixtures("resolved")
def test_a_provider_that_is_set_up_is_ok_and_templates_without_an_id_are_named(tmp_path: Path) -> None:
    carried = [name for name, kind in catalogue().items() if "sms" in kind.channels]
    whole = chosen(tmp_path, sms="aliyun", sms_templates=ids(tmp_path, *carried))
    assert [(each.name, each.state) for each in found(doctor_channels.sms, whole)] == [("sms", "ok")]
    some = chosen(tmp_path, sms="aliyun", sms_templates=ids(tmp_path, *carried[6:]))
    missing = one(doctor_channels.sms, some, "sms-templates")
    assert missing.state == "warn"
    assert missing.text.startswith("6 个短信模板还没有编号：")
    assert carried[0] in missing.text
    assert missing.text.endswith(" …。")
    assert "TUOQI_SMS_TEMPLATES" in missing.remedy


@pytest.mark.usefixtures("resolved")
def test_each_provider_is_looked_at_whatever_is_wrong_with_the_one_before(tmp_path: Path) -> None:
    both = chosen(tmp_path, sms="aliyun,tencent,gateway", aliyun_key_id="")
    states = [(each.state, each.text) for each in found(doctor_channels.sms, both, "sms")]
    assert [state for state, _ in states] == ["bad", "ok", "bad"]
    assert "TUOQI_ALIYUN_KEY_ID" in states[0][1]
    assert "tencent" in states[1][1]
    assert "TUOQI_GATEWAY_FILE" in states[2][1]


def test_a_provider_without_a_public_address_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 443))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [entry])
    finding = one(doctor_channels.sms, chosen(tmp_path, sms="aliyun"), "sms")
    assert (finding.state, "address not public" in finding.text) == ("bad", True)


@pytest.mark.parametrize(
    ("url", "environment", "state"),
    [
        pytest.param("", "production", "warn", id="none"),
        pytest.param("https://answers.example.cn", "production", "ok", id="encrypted"),
        pytest.param("http://answers.example.cn", "production", "bad", id="in plain text"),
        pytest.param("http://127.0.0.1:4201", "development", "ok", id="at a desk"),
    ],
)
def test_links_need_an_encrypted_address(tmp_path: Path, url: str, environment: str, state: str) -> None:
    finding = one(doctor_channels.answers, chosen(tmp_path, answer_url=url, environment=environment))
    assert finding.state == state


CALLED = {"callback_secret": SecretStr("hush-hush-hush-hush"), "answer_url": "https://answers.example.cn"}


@pytest.mark.parametrize(
    ("given", "state"),
    [
        pytest.param({"sms": "file"}, None, id="no provider"),
        pytest.param({"sms": "tencent"}, None, id="a provider that is polled"),
        pytest.param({"sms": "tencent", "sms_replies": True}, None, id="whose replies are polled, too"),
        pytest.param({"sms": "aliyun"}, "warn", id="receipts by asking only"),
        pytest.param({"sms": "aliyun", **CALLED}, "ok", id="called back"),
        pytest.param({"sms": "aliyun", "sms_replies": True, **CALLED}, "ok", id="replies called back"),
        pytest.param({"sms": "tencent,aliyun", "sms_replies": True}, "bad", id="replies that nobody hears"),
        pytest.param({"sms": "gateway", "sms_replies": True, **CALLED}, "bad", id="a gateway hears none"),
    ],
)
def test_who_is_asked_to_reply_must_be_heard(tmp_path: Path, given: dict[str, Any], state: str | None) -> None:
    findings = found(doctor_channels.callbacks, chosen(tmp_path, **given))
    assert [each.state for each in findings] == ([state] if state else [])
    assert all("TUOQI_CALLBACK_SECRET" in each.remedy for each in findings if each.state != "ok")


def test_operators_who_can_be_reached_are_ok(tmp_path: Path) -> None:
    settings = chosen(tmp_path, operators="ops@example.cn,robot:ops", robots=SecretStr(ROBOTS))
    finding = one(doctor_channels.alarms, settings)
    assert (finding.state, finding.text) == ("ok", "告警发给 2 处。")


def test_an_operator_who_cannot_be_reached_is_named_by_place(tmp_path: Path) -> None:
    finding = one(doctor_channels.alarms, chosen(tmp_path, operators="ops@example.cn,hush"))
    assert finding.state == "bad"
    assert "第 2 项" in finding.text


@pytest.mark.parametrize(
    ("given", "environment", "state"),
    [
        pytest.param("{", "development", "bad", id="cannot be read"),
        pytest.param(ROBOTS.replace("ops", "others"), "development", "bad", id="not the robot of the operators"),
        pytest.param("", "development", "warn", id="files at a desk"),
        pytest.param("", "production", "bad", id="files in production"),
    ],
)
def test_a_robot_that_says_nothing_is_found(tmp_path: Path, given: str, environment: str, state: str) -> None:
    settings = chosen(tmp_path, operators="robot:ops", robots=SecretStr(given), environment=environment)
    finding = one(doctor_channels.alarms, settings, "robots")
    assert finding.state == state
    assert "TUOQI_ROBOTS" in finding.remedy
