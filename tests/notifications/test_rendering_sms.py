"""An SMS is an approved form: what fills it, what it may hold, and that all that is made of it agrees."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.catalogue import LANGUAGES, Template, catalogue, read_template
from notifications.errors import BadTemplate
from notifications.lint import SITES
from notifications.rendering import SIGN, Site, provider_text, render_sms
from notifications.sms_form import form
from notifications.variables import Variable, tamed

TEXTS = [name for name, kind in sorted(catalogue().items()) if "sms" in kind.channels]
META = """
version: 1
title: {zh-CN: 试, en: probe}
kind: notice
audience: public
channels: [sms]
variables:
  name: {type: text, max: 60}
  place: {type: text, max: 60, optional: true}
  fen: {type: money}
  days: {type: list, max: 31, of: {date: {type: date}}}
sms: {limits: {place: 6}}
samples: {zh-CN: {}, en: {}}
"""
VALUES: dict[str, Any] = {"name": "李建国", "place": "马街", "fen": 160_000, "days": [{"date": "2026-10-02"}]}
LINKED = Site(answers="https://tuoqi.example.gov.cn/a/")


def probe(folder: Path, text: str) -> Template:
    for language in LANGUAGES:
        (folder / "probe" / language).mkdir(parents=True)
        (folder / "probe" / language / "sms.txt").write_text(text + "\n", encoding="utf-8")
    (folder / "probe" / "meta.yaml").write_text(META, encoding="utf-8")
    return read_template(folder / "probe")


def value(kind: Variable) -> st.SearchStrategy[Any]:
    """Anything that a variable may hold."""
    words = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=kind.max or 1)
    return {
        "text": words.filter(lambda text: bool(tamed(text).strip())),
        "code": st.from_regex(f"[0-9A-Za-z]{{1,{kind.max or 1}}}", fullmatch=True),
        "integer": st.integers(-(10**12), 10**12),
        "money": st.integers(0, 10**12),
        "date": st.dates(date(1900, 1, 1), date(2199, 12, 31)),
        "month": st.dates(date(1900, 1, 1), date(2199, 12, 31)).map(lambda day: f"{day:%Y-%m}"),
        "list": st.deferred(lambda: st.lists(st.fixed_dictionaries(fields(kind)), min_size=1, max_size=kind.max)),
    }[kind.type]


def fields(kind: Variable) -> dict[str, st.SearchStrategy[Any]]:
    return {name: value(inner) for name, inner in kind.of.items()}


@given(st.data(), st.sampled_from(TEXTS), st.sampled_from(LANGUAGES), st.sampled_from(SITES))
def test_the_values_in_the_providers_text_give_the_preview(
    data: st.DataObject, name: str, language: str, site: Site
) -> None:
    kind = catalogue()[name]
    given_ = {each.name: data.draw(value(each)) for each in kind.variables.values()}
    sms = render_sms(kind, language, kind.complete("k", {}, given_), site=site)
    for provider, blank in (("aliyun", r"\$\{p(\d+)\}"), ("tencent", r"\{(\d+)\}")):
        text = provider_text(kind, language, provider, site)  # type: ignore[arg-type]
        filled = re.sub(blank, lambda found: sms.values[int(found[1]) - 1], text)
        assert site.sign + filled == sms.text
        assert len(re.findall(blank, text)) == len(sms.values)
    limits = [blank.limit for blank in form(kind, language, site).blanks]
    assert all(0 < len(text) <= limit for text, limit in zip(sms.values, limits, strict=True))


@pytest.mark.parametrize("name", TEXTS)
def test_a_chinese_sms_without_a_link_is_one_part(name: str) -> None:
    kind = catalogue()[name]
    for site in (Site(), Site(replies=True)):
        assert render_sms(kind, "zh-CN", kind.sample("zh-CN"), site=site).parts == 1


@pytest.mark.parametrize(
    ("site", "said"),
    [
        pytest.param(Site(), "请于今天20:00前确认。", id="neither"),
        pytest.param(Site(replies=True), "请于今天20:00前回复1确认。", id="replies"),
        pytest.param(LINKED, f"请于今天20:00前点 {LINKED.answers}4fGk29QmXw7Zb1RtVn8Ls3Hc 确认。", id="page"),
        pytest.param(
            Site(answers=LINKED.answers, replies=True), "请于今天20:00前回复1确认。", id="both: replying is easier"
        ),
    ],
)
def test_a_duty_notice_says_how_to_confirm(site: Site, said: str) -> None:
    kind = catalogue()["duty-notice"]
    assert render_sms(kind, "zh-CN", kind.sample("zh-CN"), site=site).text.endswith(said)


def test_the_text_for_approval_has_numbered_blanks_and_the_address_of_the_page() -> None:
    kind = catalogue()["duty-notice"]
    said = "{1}您好，{2}（{3}）您在{4}值班，请于{5}前点 https://tuoqi.example.gov.cn/a/{6} 确认。"
    assert provider_text(kind, "zh-CN", "tencent", LINKED) == said
    assert provider_text(kind, "zh-CN", "aliyun", LINKED) == said.replace("{", "${p")


def test_money_dates_and_lists_are_said_in_words(tmp_path: Path) -> None:
    kind = probe(tmp_path, "付{{ fen | yuan }}共{{ days | length }}次：{{ days | dates }}。")
    values = {**VALUES, "days": [{"date": "2026-10-02"}, {"date": "2026-10-11"}]}
    assert render_sms(kind, "zh-CN", values).values == ("1,600.00元", "2", "2日、11日")
    assert render_sms(kind, "en", values).values == ("1,600.00 yuan", "2", "2, 11")


@pytest.mark.parametrize(
    ("text", "values", "shown"),
    [
        pytest.param("致{{ name }}。", {"name": "李" * 35}, "李" * 35, id="35 fit"),
        pytest.param("致{{ name }}。", {"name": "李" * 36}, "李" * 34 + "…", id="36 are shortened"),
        pytest.param("在{{ place }}。", {"place": "马街街道养老"}, "马街街道养老", id="6 where meta.yaml says 6"),
        pytest.param("在{{ place }}。", {"place": "马街街道养老服务中心"}, "马街街道养…", id="7 and more"),
        pytest.param(
            "{{ days | dates }}。",
            {"days": [{"date": f"2026-10-{day:02d}"} for day in range(10, 32)]},
            "10日、11日、12日、13日、14日、15日、16日、17日、18…",
            id="a list in words",
        ),
        pytest.param("致{{ name }}。", {"name": "www.evil.cn"}, "www·evil·cn", id="no link in a value"),
        pytest.param("致{{ name }}。", {"name": "${p1}{1}"}, "${p1}{1}", id="a blank in a value stays words"),
    ],
)
def test_a_value_fits_its_blank(tmp_path: Path, text: str, values: dict[str, Any], shown: str) -> None:
    sms = render_sms(probe(tmp_path, text), "zh-CN", {**VALUES, **values})
    assert sms.values == (shown,)
    assert shown in sms.text


def test_an_empty_value_is_refused_as_no_provider_takes_it(tmp_path: Path) -> None:
    kind = probe(tmp_path, "在{{ place }}。")
    with pytest.raises(BadTemplate, match="place"):
        render_sms(kind, "zh-CN", {**VALUES, "place": ""})


def test_a_link_without_its_code_is_refused() -> None:
    kind = catalogue()["duty-notice"]
    with pytest.raises(BadTemplate, match="code"):
        render_sms(kind, "zh-CN", {**kind.sample("zh-CN"), "code": ""}, site=LINKED)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("{% for day in days %}{{ day.date }}{% endfor %}", "For", id="loop"),
        pytest.param("{% if name %}a{% endif %}", "line 1: Name", id="a condition on a variable"),
        pytest.param("{% if fen > 0 %}a{% endif %}", "Compare", id="a comparison"),
        pytest.param("{% set a = 1 %}a", "Assign", id="assignment"),
        pytest.param("{% include 'x' %}", "Include", id="another file"),
        pytest.param("{{ days }}", "days", id="a bare list"),
        pytest.param("{{ name | length }}", "name | length", id="a list's filter on a text"),
        pytest.param("{{ name | upper }}", "name | upper", id="unknown filter"),
        pytest.param("{{ name | day(1) }}", "Filter", id="arguments"),
        pytest.param("{{ name ~ place }}", "Concat", id="two variables in one blank"),
        pytest.param("{{ name.__class__ }}", "Getattr", id="attribute walk"),
        pytest.param("{{ site.__class__ }}", "Getattr", id="walk from a constant"),
        pytest.param("{{ site.colour }}", "Getattr", id="unknown constant"),
        pytest.param("{{ site.replies }}", "Getattr", id="a yes or no is no text"),
        pytest.param("{{ 'a' * 10 ** 12 }}", "Mul", id="product"),
        pytest.param("{{ colour }}", "undeclared variable colour", id="undeclared"),
        pytest.param("{{ name", "TemplateSyntaxError", id="syntax"),
        pytest.param("托" * 500, "504 > 500", id="too long"),
    ],
)
def test_what_no_form_can_hold_is_refused(tmp_path: Path, text: str, found: str) -> None:
    with pytest.raises(BadTemplate, match=re.escape(found)):
        render_sms(probe(tmp_path, text), "zh-CN", VALUES)


@pytest.mark.parametrize(
    ("text", "site", "shown"),
    [
        pytest.param("{% if not site.replies %}a{% else %}b{% endif %}", Site(replies=True), "b", id="not, else"),
        pytest.param("{% if site.replies and site.answers %}a{% endif %}", LINKED, "", id="and"),
        pytest.param("{% if site.replies or site.answers %}a{% endif %}", LINKED, "a", id="or"),
        pytest.param("{% if site.replies %}a{% elif site.answers %}b{% endif %}", LINKED, "b", id="elif"),
        pytest.param("在{{ site.district }}", Site(district="西山区"), "在西山区", id="a constant is fixed text"),
    ],
)
def test_constants_are_decided_once_for_a_site(tmp_path: Path, text: str, site: Site, shown: str) -> None:
    kind = probe(tmp_path, text)
    sms = render_sms(kind, "zh-CN", VALUES, site=site)
    assert (sms.text, sms.values, provider_text(kind, "zh-CN", "aliyun", site)) == (SIGN + shown, (), shown)
