"""Masks: what names a person or opens a door is gone, what tells an engineer something stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.masks import MASK, masked


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param("530112194505050023", id="identity number"),
        pytest.param("53011219450505002X", id="identity number with X"),
        pytest.param("13800138000", id="mobile"),
        pytest.param("+86 138 0013 8000", id="mobile with spaces"),
        pytest.param("+8613800138000", id="mobile with country"),
        pytest.param("0871-63126789", id="fixed line"),
        pytest.param("6222021234567890123", id="account of 19 digits"),
        pytest.param("6222 0212 3456 7890", id="account in groups"),
        pytest.param("li.jianguo@example.cn", id="e-mail"),
    ],
)
@pytest.mark.parametrize("around", ["{}", "联系电话{}。", "('{}',)", "id={}&x=1", "Key (id)=({}) exists"])
def test_what_names_a_person_is_masked_wherever_it_stands(secret: str, around: str) -> None:
    found = masked(around.format(secret))
    assert secret not in found
    assert MASK in found
    assert not any(part in found for part in secret.split(" ") if len(part) > 4)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        pytest.param("Authorization: Bearer eyJhbGciOi.x.y", "eyJhbGciOi", id="bearer"),
        pytest.param("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz", id="basic"),
        pytest.param("postgresql://tuoqi:geheim7@db/tuoqi", "geheim7", id="password in a URL"),
        pytest.param("redis://:geheim7@cache:6379/0", "geheim7", id="password in a URL without a user"),
        pytest.param('{"access_key": "LTAI5tAbCd"}', "LTAI5tAbCd", id="a key in JSON"),
        pytest.param("GET /a/Zk3-x_9abcdef HTTP/1.1", "Zk3-x_9abcdef", id="a link of the answer page"),
        pytest.param("POST /callback/aliyun/s3cr3t-s3cr3t/reports", "s3cr3t-s3cr3t", id="a callback"),
        pytest.param("https://oapi.example.cn/robot/send?access_token=abcd1234", "abcd1234", id="a robot's token"),
    ],
)
def test_what_opens_a_door_is_masked(text: str, secret: str) -> None:
    assert secret not in masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "Flow run 'wise-owl' - Finished in state Completed()",
        "run 0197f3a2-1380-7000-9138-001380001234 took 1.25 s at 2026-03-26T06:00:00.123456+08:00",
        "E-7K3Q-9XM1 in B-2026-000123, 19404505 rows, 1767225600000 ms, 12.345.678 bytes",
        "GET /api/flow_runs/filter HTTP/1.1 200",
        "http://127.0.0.1:4200/api",
    ],
)
def test_what_tells_an_engineer_something_stays(text: str) -> None:
    assert masked(text) == text


@given(st.text())
def test_any_text_can_be_masked_and_twice_is_as_once(text: str) -> None:
    assert masked(masked(text)) == masked(text)


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["", "，", " ", "'", "=", "（"]))
def test_every_mobile_number_is_masked(number: str, before: str) -> None:
    assert number not in masked(f"{before}{number}{before}")


@pytest.mark.parametrize("text", ["a" * 300_000, "1" * 300_000, "://" * 100_000, "a@" * 100_000, "token=" * 50_000])
@pytest.mark.timeout(20)
def test_a_hostile_line_costs_no_more_than_its_length(text: str) -> None:
    masked(text)
