"""What SMS providers share: approved templates, frozen values, and what may stand in them."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.channels.contract import Channel, Letter, Outcome, Request
from notifications.channels.sms import Approved, Frozen, LinkInValue, NotApproved, in_turn, kinship, thaw
from notifications.rendering import Sms
from notifications.words import shortened

NOW = datetime(2026, 7, 12, 17, 0, tzinfo=UTC)  # 01:00 on 13 July in Beijing
TEMPLATES = {"duty-notice": {"zh-CN": "SMS_1", "en": "SMS_2"}}
APPROVED = Approved("aliyun", "托起", TEMPLATES)


def letter(values: Sequence[str] = ("李建国", "7月12日"), number: int = 1, **rest: Any) -> Letter:
    told = {"template": "duty-notice", "language": "zh-CN", **rest}
    return Letter(f"id{number}", f"1380000{number:04}", "duty-notice-C-1", **told, content=_sms(values), at=NOW)


def _sms(values: Sequence[str]) -> Sms:
    return Sms("【托起】" + "".join(values), 1, tuple(values))


def frozen(channel: Channel, count: int, **rest: Any) -> list[Request]:
    letters = [letter(number=number, **rest) for number in range(1, count + 1)]
    return [
        Request(one.out_id, one.address, one.label, one.template, one.language, channel.compose(one)) for one in letters
    ]


def test_templates_decide_what_it_carries() -> None:
    approved = Approved("aliyun", "托起", {"duty-notice": {"zh-CN": "SMS_1", "en": ""}})
    told = [("duty-notice", "zh-CN"), ("duty-notice", "en"), ("duty-gap", "zh-CN")]
    assert [approved.carries(*one) for one in told] == [True, False, False]
    with pytest.raises(NotApproved, match=r"aliyun 没有模板 duty-notice（en）的编号"):
        approved.freeze(letter(language="en"))


def test_what_is_frozen_is_what_is_personal() -> None:
    assert json.loads(APPROVED.freeze(letter())) == {
        "phone": "13800000001",
        "sign": "托起",
        "template_id": "SMS_1",
        "values": ["李建国", "7月12日"],
    }


@pytest.mark.parametrize(
    ("value", "limit", "short"),
    [
        pytest.param("一二三四五", 5, "一二三四五", id="fits"),
        pytest.param("一二三四五六", 5, "一二三四…", id="one too long"),
        pytest.param("一二三😀五六", 5, "一二三…", id="not through an emoji"),
        pytest.param("😀😀", 4, "😀😀", id="an emoji counts twice"),
        pytest.param("ab", 1, "…", id="hardly any room"),
        pytest.param("", 5, "", id="empty"),
        pytest.param("26日、29日", 6, "26日、…", id="not through a day: 2… would be another"),
        pytest.param("15,409,400.00元", 6, "…", id="not through an amount"),
    ],
)
def test_a_long_value_is_cut_with_an_ellipsis(value: str, limit: int, short: str) -> None:
    assert shortened(value, limit) == short


@given(value=st.text(), limit=st.integers(1, 40))
def test_no_value_is_ever_longer_than_its_limit(value: str, limit: int) -> None:
    assert len(shortened(value, limit).encode("utf-16-le")) <= 2 * limit


@pytest.mark.parametrize(
    "value",
    [
        "见https://example.cn/a", "HTTP://1.cn", "请登录www.xishan.gov查看", "xishan.com", "点a-b.example.cn吧",
        "10.0.0.1", "ｈｔｔｐｓ：／／ｘ．ｃｎ", "weixin://dl/x",
    ],
)  # fmt: skip
def test_a_value_with_a_web_address_is_refused(value: str) -> None:
    with pytest.raises(LinkInValue, match="duty-notice 的第 2 个变量含有网址") as caught:
        APPROVED.freeze(letter(["李建国", value]))
    assert value not in str(caught.value)


@pytest.mark.parametrize("value", ["7.12", "3.5公里", "A.B.", "v1.2.3", "周日/周一", "a.m. 8:00", "No.7 Road"])
def test_a_value_that_only_looks_a_little_like_a_web_address_passes(value: str) -> None:
    assert value in APPROVED.freeze(letter([value]))


@given(values=st.lists(st.text(max_size=60), max_size=6))
def test_the_same_letter_is_frozen_the_same(values: list[str]) -> None:
    try:
        first = APPROVED.freeze(letter(values))
    except LinkInValue:
        return
    assert first == APPROVED.freeze(letter(list(values)))
    assert thaw(Request("id1", "", "", "", "", first)).values == tuple(shortened(value, 35) for value in values)


def _rows(*groups: str) -> list[Request]:
    """One request for each letter, with the letter as its value."""
    texts = [text for group in groups for text in group]
    letters = [letter([text], number) for number, text in enumerate(texts, 1)]
    return [Request(one.out_id, one.address, "", "", "", APPROVED.freeze(one)) for one in letters]


def _kin(body: str) -> str:
    return kinship(body, "values")


def test_each_kin_has_a_call_of_its_own_one_after_the_other() -> None:
    calls: list[list[str]] = []

    def call(rows: Sequence[Frozen]) -> tuple[list[Outcome], bool]:
        calls.append([row.out_id for row in rows])
        return [Outcome(row.out_id, "accepted") for row in rows], False

    outcomes = in_turn(_rows("aba", "c"), _kin, call)
    assert calls == [["id1", "id3"], ["id2"], ["id4"]]
    assert {outcome.out_id for outcome in outcomes} == {"id1", "id2", "id3", "id4"}


@given(texts=st.text("abc", min_size=1, max_size=12), bad=st.sets(st.integers(1, 12)), doubt=st.integers(0, 30))
def test_whatever_happens_each_request_has_one_outcome_and_only_one_call_is_ever_in_doubt(
    texts: str, bad: set[int], doubt: int
) -> None:
    """Some numbers spoil their call, and the call number `doubt` gets no answer."""
    taken: list[str] = []
    calls: list[int] = []

    def call(rows: Sequence[Frozen]) -> tuple[list[Outcome], bool]:
        calls.append(len(rows))
        if len(calls) == doubt:
            return [Outcome(row.out_id, "unknown") for row in rows], False
        if bad & {int(row.phone[-4:]) for row in rows}:
            return [Outcome(row.out_id, "rejected") for row in rows], True
        taken.extend(row.out_id for row in rows)
        return [Outcome(row.out_id, "accepted") for row in rows], False

    requests = _rows(texts)
    outcomes = in_turn(requests, _kin, call)
    assert sorted(outcome.out_id for outcome in outcomes) == sorted(request.out_id for request in requests)
    assert sorted(outcome.out_id for outcome in outcomes if outcome.verdict == "accepted") == sorted(taken)
    assert len(taken) == len(set(taken))
    assert sum(outcome.verdict == "unknown" for outcome in outcomes) == (calls[-1] if doubt == len(calls) else 0)
    rejected = {int(outcome.out_id[2:]) for outcome in outcomes if outcome.verdict == "rejected"}
    assert rejected <= bad
