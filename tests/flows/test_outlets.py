"""The outlets: settings -> channels in order of preference; what is set wrongly is down by name and harms no other."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from flows.alarms import BadOperator, operators
from flows.child import ROOT
from flows.outlets import callers, channels, enquiries, late_readers, round_of, site_of, sms_channels
from flows.outlets_unset import BadRobots, MissingSetting, Unset
from flows.settings import BadSetting, Settings, settings
from models.db import Database
from notifications.catalogue import catalogue
from notifications.channels.aliyun import Aliyun
from notifications.channels.contract import Channel, ChannelDown, Letter, Request
from notifications.channels.file import MailFiles, RobotFiles, SmsFile
from notifications.channels.json_gateway import JsonGateway
from notifications.channels.json_gateway_enquiry import AskableGateway
from notifications.channels.robots import Robots
from notifications.channels.tencent import Tencent
from notifications.rendering import Sms
from rules.errors import TuoqiError

NOW = datetime(2026, 3, 10, tzinfo=UTC)
KEYS: dict[str, Any] = {
    "aliyun_key_id": "k",
    "aliyun_secret": SecretStr("hush-aliyun"),
    "tencent_key_id": "k",
    "tencent_secret": SecretStr("hush-tencent"),
    "tencent_app_id": "1400",
}


def chosen(tmp_path: Path, sms: str = "file", **more: Any) -> Settings:
    return Settings(var_dir=tmp_path / "var", sms=sms, **{**KEYS, **more})


@pytest.fixture
def gateway_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The documented example, with its secrets set."""
    monkeypatch.setenv("TUOQI_GATEWAY_TOKEN", "t")
    monkeypatch.setenv("TUOQI_GATEWAY_ACCOUNT", "a")
    path = tmp_path / "gateway.yaml"
    shutil.copy(ROOT / "docs/gateway.example.yaml", path)
    return path


def fault(channel: Channel) -> TuoqiError:
    """Why a channel cannot be used; it says so when it is opened, too."""
    assert isinstance(channel, Unset)
    with pytest.raises(ChannelDown) as down:
        channel.open()
    assert (down.value.provider, down.value.code) == (channel.provider, channel.code)
    return channel.error


def test_without_settings_everything_is_written_to_files(tmp_path: Path) -> None:
    found = channels(chosen(tmp_path))
    kinds = {name: [type(channel) for channel in offered] for name, offered in found.items()}
    assert kinds == {"robot": [RobotFiles], "sms": [SmsFile], "email": [MailFiles]}
    assert list(found) == ["robot", "sms", "email"]  # the quickest to be heard first


def test_providers_come_in_the_order_in_which_they_are_named(tmp_path: Path, gateway_file: Path) -> None:
    hosts = {"gateway_file": gateway_file, "http_hosts": "sms.example.gov.cn"}
    found = sms_channels(chosen(tmp_path, "tencent, gateway,aliyun,file", **hosts))
    assert [type(channel) for channel in found] == [Tencent, AskableGateway, Aliyun, SmsFile]
    assert [channel.provider for channel in found] == ["tencent", "city-sms", "aliyun", "file"]


@pytest.mark.parametrize(
    ("provider", "name"),
    [
        pytest.param("aliyun", "TUOQI_ALIYUN_KEY_ID", id="key id of Alibaba"),
        pytest.param("aliyun", "TUOQI_ALIYUN_SECRET", id="secret of Alibaba"),
        pytest.param("tencent", "TUOQI_TENCENT_KEY_ID", id="key id of Tencent"),
        pytest.param("tencent", "TUOQI_TENCENT_SECRET", id="secret of Tencent"),
        pytest.param("tencent", "TUOQI_TENCENT_APP_ID", id="app id of Tencent"),
        pytest.param("gateway", "TUOQI_GATEWAY_FILE", id="file of the gateway"),
    ],
)
def test_a_missing_setting_is_named(tmp_path: Path, provider: str, name: str) -> None:
    field = name.removeprefix("TUOQI_").lower()
    empty = SecretStr("") if field.endswith("secret") else None if field == "gateway_file" else ""
    (channel,) = sms_channels(chosen(tmp_path, provider, **{field: empty}))
    error = fault(channel)
    assert isinstance(error, MissingSetting)
    assert (error.name, error.provider) == (name, provider)
    assert channel.code == name  # type: ignore[attr-defined]
    assert name in str(error)
    assert "hush" not in str(error)


def test_a_provider_that_is_set_wrongly_leaves_all_others_at_work(tmp_path: Path) -> None:
    wrong = chosen(tmp_path, "aliyun,tencent", aliyun_key_id="", robots=SecretStr("{"))
    found = channels(wrong)
    assert [type(channel) for channel in found["sms"]] == [Unset, Tencent]
    assert [type(channel) for channel in found["email"]] == [MailFiles]
    assert [channel.provider for channel in enquiries(wrong)] == ["tencent"]
    assert list(callers(wrong)) == ["tencent"]


def test_a_channel_that_is_set_wrongly_never_sends(tmp_path: Path) -> None:
    (channel,) = sms_channels(chosen(tmp_path, "gateway"))
    assert channel.carries("duty-notice", "zh-CN")
    (outcome,) = channel.send("call", [Request("o", "13800138000", "l", "duty-notice", "zh-CN", "{}")])
    assert (outcome.verdict, outcome.code) == ("stop", "TUOQI_GATEWAY_FILE")
    with pytest.raises(ChannelDown):
        channel.compose(Letter("o", "13800138000", "l", "duty-notice", "zh-CN", Sms("x", 1), NOW))
    channel.close()


@pytest.mark.parametrize(
    "robots",
    [
        pytest.param("hush-token", id="no JSON"),
        pytest.param('["hush-token"]', id="a list"),
        pytest.param('{"ops": "hush-token"}', id="no mapping"),
        pytest.param('{"ops": {"kind": "wecom"}}', id="no url"),
        pytest.param('{"ops": {"kind": "wecom", "url": "https://x/hush-token", "colour": 1}}', id="unknown word"),
        pytest.param('{"ops": {"kind": "feishu", "url": "https://x/hush-token"}}', id="unknown kind"),
        pytest.param('{"ops": {"kind": "wecom", "url": ["hush-token"]}}', id="url is no text"),
        pytest.param('{"ops": {"kind": "dingtalk", "url": "https://x", "secret": 7}}', id="secret is no text"),
    ],
)
def test_robots_that_cannot_be_read_are_refused_and_never_quoted(tmp_path: Path, robots: str) -> None:
    (channel,) = channels(chosen(tmp_path, robots=SecretStr(robots)))["robot"]
    error = fault(channel)
    assert isinstance(error, BadRobots)
    told = f"{error} {error!r} {channel!r} {error.__cause__!r} {error.__suppress_context__}"
    assert "hush" not in told
    assert '{"ops": {"kind": "wecom", "url": "https://..."}}' in str(error)
    assert told.endswith("True")


def test_robots_are_called_by_the_names_of_the_settings(tmp_path: Path) -> None:
    robots = json.dumps({"ops": {"kind": "dingtalk", "url": "https://oapi.dingtalk.com/robot", "secret": "SEC1"}})
    (channel,) = channels(chosen(tmp_path, robots=SecretStr(robots)))["robot"]
    assert isinstance(channel, Robots)
    assert json.loads(channel.compose(_letter("ops")))["msgtype"] == "text"


def _letter(robot: str) -> Letter:
    return Letter("o", robot, "l", "alarm", "zh-CN", Sms("【托起】x", 1), NOW)


@pytest.mark.parametrize(
    ("changed", "sound"),
    [
        pytest.param({"http_hosts": "127.0.0.1"}, True, id="listed, at a desk"),
        pytest.param({}, False, id="not listed"),
        pytest.param({"http_hosts": "127.0.0.1", "environment": "production"}, False, id="in production"),
    ],
)
@pytest.mark.parametrize("provider", ["aliyun", "tencent"])
def test_a_loopback_may_be_called_at_a_desk_that_lists_it(
    tmp_path: Path, provider: str, changed: dict[str, Any], sound: bool
) -> None:
    (channel,) = sms_channels(chosen(tmp_path, provider, **{f"{provider}_url": "http://127.0.0.1:9"}, **changed))
    assert isinstance(channel, Unset) is not sound
    if not sound:
        assert channel.code == f"TUOQI_{provider.upper()}_URL"  # type: ignore[attr-defined]
        assert f"TUOQI_{provider.upper()}_URL" in str(fault(channel))


def test_another_host_must_be_listed_and_the_provider_s_own_always_is(tmp_path: Path) -> None:
    away = {"aliyun_url": "https://dysmsapi.cn-shanghai.example.cn"}
    assert isinstance(sms_channels(chosen(tmp_path, "aliyun"))[0], Aliyun)
    assert isinstance(sms_channels(chosen(tmp_path, "aliyun", **away))[0], Unset)
    listed = chosen(tmp_path, "aliyun", http_hosts=" a.example.cn, dysmsapi.cn-shanghai.example.cn ,", **away)
    assert isinstance(sms_channels(listed)[0], Aliyun)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(lambda path: path.write_text("provider: city\n", "utf-8"), "url", id="incomplete"),
        pytest.param(lambda path: path.write_text("a: [", "utf-8"), "YAML", id="no YAML"),
        pytest.param(lambda path: path.unlink(), "FileNotFoundError", id="gone"),
    ],
)
def test_a_gateway_file_that_is_wrong_stops_the_gateway_alone(
    tmp_path: Path, gateway_file: Path, spoil: Any, said: str
) -> None:
    spoil(gateway_file)
    wrong = chosen(tmp_path, "gateway,file", gateway_file=gateway_file)
    gateway, file = sms_channels(wrong)
    assert said in str(fault(gateway))
    assert isinstance(file, SmsFile)


def test_a_gateway_wants_its_host_listed_and_its_secrets_set(
    tmp_path: Path, gateway_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlisted = chosen(tmp_path, "gateway", gateway_file=gateway_file)
    assert isinstance(sms_channels(unlisted)[0], Unset)
    listed = unlisted.model_copy(update={"http_hosts": "sms.example.gov.cn"})
    assert isinstance(sms_channels(listed)[0], JsonGateway)
    monkeypatch.delenv("TUOQI_GATEWAY_TOKEN")
    (channel,) = sms_channels(listed)
    assert channel.code == "TUOQI_GATEWAY_TOKEN"  # type: ignore[attr-defined]


def test_ids_that_cannot_be_read_stop_the_providers_that_want_them(tmp_path: Path) -> None:
    path = tmp_path / "ids.yaml"
    path.write_text("aliyun: {duty-notise: {zh-CN: SMS_1}}\n", "utf-8")
    aliyun, file = sms_channels(chosen(tmp_path, "aliyun,file", sms_templates=path))
    assert "aliyun.duty-notise" in str(fault(aliyun))
    assert isinstance(file, SmsFile)


def test_the_district_s_own_ids_decide_what_a_provider_carries(tmp_path: Path) -> None:
    path = tmp_path / "ids.yaml"
    path.write_text("tencent: {duty-notice: {zh-CN: '77'}}\n", "utf-8")
    (channel,) = sms_channels(chosen(tmp_path, "tencent", sms_templates=path))
    assert channel.carries("duty-notice", "zh-CN")
    assert not channel.carries("duty-notice", "en")
    assert not channel.carries("allowance-paid", "zh-CN")


def test_who_can_be_asked_and_who_may_call(tmp_path: Path, gateway_file: Path) -> None:
    all_of_them = chosen(
        tmp_path, "file,aliyun,gateway,tencent", gateway_file=gateway_file, http_hosts="sms.example.gov.cn"
    )
    assert [channel.provider for channel in enquiries(all_of_them)] == ["aliyun", "city-sms", "tencent"]
    assert set(callers(all_of_them)) == {"aliyun", "tencent"}
    assert (enquiries(chosen(tmp_path)), callers(chosen(tmp_path))) == ([], {})


@pytest.mark.parametrize(
    ("sign", "shown"),
    [pytest.param("西山养老", "【西山养老】", id="bare"), pytest.param("【托起】", "【托起】", id="bracketed")],
)
def test_the_site_is_what_the_settings_say(tmp_path: Path, sign: str, shown: str) -> None:
    site = site_of(chosen(tmp_path, sms_sign=sign, sms_replies=True, district_name="盘龙区"))
    assert (site.sign, site.answers, site.replies, site.district) == (shown, "", True, "盘龙区")


def test_links_lead_to_the_answer_page_only_where_telephones_reach_it(tmp_path: Path) -> None:
    reached = chosen(tmp_path, answer_url="https://answers.example.cn/")
    assert site_of(reached).answers == "https://answers.example.cn/a/"
    assert site_of(chosen(tmp_path)).answers == ""
    late = {name for name, kind in catalogue().items() if any(each.late for each in kind.variables.values())}
    assert {"duty-published", "duty-notice", "duty-reminder", "duty-assigned"} <= set(late_readers(reached)) <= late


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_gateway_s_own_rate_joins_the_policy(tmp_path: Path, database: Database, gateway_file: Path) -> None:
    with_gateway = chosen(tmp_path, "gateway", gateway_file=gateway_file)
    rates = round_of(database, with_gateway, with_gateway.now).policy.rates
    assert (rates["city-sms"].per_s, rates["city-sms"].burst) == (2000, 10_000)  # 20 calls of 100
    assert "aliyun" in rates
    gateway_file.write_text("provider: x\n", "utf-8")
    assert "city-sms" not in round_of(database, with_gateway, with_gateway.now).policy.rates


@pytest.mark.parametrize("sms", [" ", "sms", "aliyun,,tencent", "aliyun,aliyun", "Aliyun"])
def test_an_unknown_provider_is_refused_when_the_settings_are_read(sms: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUOQI_SMS", sms)
    settings.cache_clear()
    with pytest.raises(BadSetting, match="TUOQI_SMS"):
        settings()


@pytest.mark.parametrize(
    ("given", "found"),
    [
        pytest.param("", [], id="nobody"),
        pytest.param(" , ,", [], id="only commas"),
        pytest.param(
            "ops@example.cn, +86 138-0013-8000 ,robot:ops",
            [("email", "ops@example.cn"), ("sms", "13800138000"), ("robot", "ops")],
            id="one of each",
        ),
    ],
)
def test_operators_are_read_by_what_they_look_like(tmp_path: Path, given: str, found: list[tuple[str, str]]) -> None:
    assert operators(chosen(tmp_path, operators=given)) == found


@pytest.mark.parametrize(
    ("given", "place"),
    [
        pytest.param("ops@example.cn,0871-6789012", 2, id="a landline"),
        pytest.param("robot:", 1, id="a robot without a name"),
        pytest.param("robot", 1, id="no colon"),
        pytest.param("robot:Ops Group", 1, id="a name that is none"),
        pytest.param("ops@example", 1, id="no domain"),
        pytest.param(",,ops@example.cn,张三", 2, id="a name of a person"),
    ],
)
def test_an_operator_who_cannot_be_reached_is_named_by_place_only(tmp_path: Path, given: str, place: int) -> None:
    with pytest.raises(BadOperator) as refused:
        operators(chosen(tmp_path, operators=given))
    assert refused.value.place == place
    assert given.rpartition(",")[2].strip() not in str(refused.value).replace("robot:名称", "")
