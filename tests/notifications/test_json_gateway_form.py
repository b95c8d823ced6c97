"""The file of an SMS gateway: what it may say, and how each fault is told."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from notifications.channels.json_gateway_form import BadGatewayFile, GatewayForm, read_gateway
from rules.errors import LANGUAGE

EXAMPLE = Path("docs/gateway.example.yaml")
SIMPLE: dict[str, Any] = {
    "provider": "city-sms",
    "url": "https://sms.example.gov.cn/send",
    "rate": 10,
    "body": {"mobile": "{{ phone }}", "content": "{{ text }}", "id": "{{ call_id }}-{{ phone }}"},
    "answer": {"code": "code", "accepted": [0]},
}
QUERY: dict[str, Any] = {
    "url": "https://sms.example.gov.cn/query",
    "body": {"id": "{{ call_id }}-{{ phone }}"},
    "answer": {"code": "code", "accepted": [0], "records": "data", "state": "s", "delivered": ["OK"]},
}


def _read(tmp_path: Path, changed: dict[str, Any]) -> GatewayForm:
    path = tmp_path / "gateway.yaml"
    path.write_text(yaml.safe_dump({**SIMPLE, **changed}), encoding="utf-8")
    return read_gateway(path)


def _fault(tmp_path: Path, changed: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(BadGatewayFile) as caught:
        _read(tmp_path, changed)
    assert caught.value.file.endswith("gateway.yaml")
    return caught.value.key, caught.value.problem


def test_the_example_that_we_ship_is_right_and_shows_every_key() -> None:
    form = read_gateway(EXAMPLE)
    assert form.secrets == {"TUOQI_GATEWAY_TOKEN", "TUOQI_GATEWAY_ACCOUNT"}
    assert set(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))) == {*GatewayForm.model_fields} - {"method"}


def test_the_least_that_a_file_must_say(tmp_path: Path) -> None:
    form = _read(tmp_path, {})
    assert (form.batch, form.connections, form.secrets, form.query) == (1, 1, set(), None)


def test_codes_are_text_whatever_yaml_takes_them_for(tmp_path: Path) -> None:
    answer = {"code": "code", "accepted": [0, True, "ok"], "defer": [-1]}
    form = _read(tmp_path, {"answer": answer})
    assert (form.answer.accepted, form.answer.defer) == (("0", "true", "ok"), ("-1",))


@pytest.mark.parametrize(
    ("changed", "key", "problem"),
    [
        pytest.param({"colour": "red"}, "colour", "Extra inputs", id="unknown key"),
        pytest.param({"rate": 0}, "rate", "greater than 0", id="no rate"),
        pytest.param({"method": "GET"}, "method", "POST", id="another method"),
        pytest.param({"url": "ftp://x"}, "url", "pattern", id="another scheme"),
        pytest.param({"url": "https://x/send?token=1"}, "url", "pattern", id="a query in the address"),
        pytest.param({"url": "https://me:pw@x/send"}, "url", "pattern", id="a password in the address"),
        pytest.param({"batch": 2}, "messages", "goes with a batch", id="batch without messages"),
        pytest.param({"messages": {}}, "messages", "goes with a batch", id="messages without batch"),
        pytest.param({"body": {"a": "{{ colour }}"}}, "body.a", "colour unknown here", id="unknown placeholder"),
        pytest.param({"body": {"a": ["x", {"b": "{{ phone"}]}}, "body.a.1.b", "TemplateSyntaxError", id="no template"),
        pytest.param({"body": {"a": "{{ text.__class__.__mro__ }}"}}, "body.a", "SecurityError", id="attribute walk"),
        pytest.param({"body": {"a": "{{ values.nothing }}"}}, "body.a", "UndefinedError", id="undefined"),
        pytest.param({"body": {"a": "{{ call_id }}{{ text }}"}}, "body.a", "only phone and out_id", id="two moments"),
        pytest.param({"body": {"a": "${NAME} {{ text }}"}}, "body.a", "only phone and out_id", id="secret with text"),
        pytest.param({"body": {"a": "${name}"}}, "body.a", "capital letters", id="small letters"),
        pytest.param({"body": {"a": {"passWord": "x"}}}, "body.a.passWord", "write ${NAME}", id="password in the body"),
        pytest.param({"headers": {"X-Api-Key": "x"}}, "headers.X-Api-Key", "write ${NAME}", id="key in a header"),
        pytest.param({"body": {"a": "{{ template_id }}"}}, "templates", "goes with", id="numbers missing"),
        pytest.param({"templates": {"duty-notice": {"zh-CN": "1"}}}, "templates", "goes with", id="numbers unused"),
        pytest.param({"templates": {"duty-notice": {"fr": "1"}}}, "templates.duty-notice.fr.[key]", "pattern",
                     id="a language that we do not write"),
        pytest.param({"answer": {"code": "c", "accepted": []}}, "answer.accepted", "at least 1", id="no success"),
        pytest.param({"answer": {"code": "a..b", "accepted": [0]}}, "answer.code", "pattern", id="no path"),
        pytest.param({"answer": {"code": "c", "accepted": [0], "stop": ["0"]}}, "answer", "code 0 stands twice",
                     id="a code with two meanings"),
        pytest.param({"answer": {"code": "c", "accepted": [0], "results": {"entries": "d", "code": "s"}}},
                     "answer.results", "out_id or phone", id="results without a key"),
        pytest.param({"query": {**QUERY, "body": {"p": "{{ phone }}"}}}, "query.body", "asks by {{ call_id }}",
                     id="asks by phone alone"),
        pytest.param({"query": QUERY, "body": {"m": "{{ phone }}"}}, "query.body", "body must send too",
                     id="asks for what was not sent"),
        pytest.param({"query": {**QUERY, "body": {"i": "{{ call_id }}"}}}, "query", "asks by {{ phone }}",
                     id="asks for a call, not a message"),
        pytest.param({"query": {**QUERY, "body": {"i": "{{ call_id }}{{ phone }}", "t": "{{ text }}"}}},
                     "query.body.t", "text unknown here", id="asks with a text"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_key(tmp_path: Path, changed: dict[str, Any], key: str, problem: str) -> None:
    told = _fault(tmp_path, changed)
    assert told[0] == key
    assert problem in told[1]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"a": "x"}, id="nowhere"),
        pytest.param({"a": "{{ messages }}", "b": "{{ messages }}"}, id="twice"),
        pytest.param({"a": "{{ messages }}, {{ call_id }}"}, id="within a text"),
        pytest.param({"a": "{{ messages }}", "b": "{{ phone }}"}, id="beside a message's own"),
    ],
)
def test_a_batch_puts_its_messages_in_one_place(tmp_path: Path, body: dict[str, str]) -> None:
    key, _ = _fault(tmp_path, {"batch": 2, "messages": {"p": "{{ phone }}"}, "body": body})
    assert key.startswith("body")


@pytest.mark.parametrize(
    ("content", "key"),
    [
        pytest.param(b"a: [1\nb: 2", "YAML 第 2 行", id="not YAML"),
        pytest.param(b"- 1", "-", id="not a mapping"),
        pytest.param(b"", "-", id="empty"),
        pytest.param(b"a: \xff", "-", id="not UTF-8"),
    ],
)
def test_a_file_that_is_no_form_is_refused(tmp_path: Path, content: bytes, key: str) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_bytes(content)
    with pytest.raises(BadGatewayFile) as caught:
        read_gateway(path)
    assert caught.value.key == key


def test_a_missing_file_is_told_with_its_name_in_both_languages(tmp_path: Path) -> None:
    with pytest.raises(BadGatewayFile) as caught:
        read_gateway(tmp_path / "none.yaml")
    assert "none.yaml" in str(caught.value)
    assert str(caught.value).endswith("请对照 docs/gateway.example.yaml 改正。")
    language = LANGUAGE.set("en")
    assert str(caught.value).endswith("correct it, docs/gateway.example.yaml shows how.")
    LANGUAGE.reset(language)


def test_a_secret_written_into_the_file_is_not_repeated_in_the_fault(tmp_path: Path) -> None:
    with pytest.raises(BadGatewayFile) as caught:
        _read(tmp_path, {"headers": {"Authorization": "Bearer s3cr3t"}})
    assert "s3cr3t" not in f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"
