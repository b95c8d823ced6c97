"""Rendering mails: every template with its sample, and what rendering refuses."""

from pathlib import Path

import pytest

from notifications.catalogue import LANGUAGES, Template, catalogue, read_template
from notifications.errors import BadTemplate
from notifications.rendering import SIGN, Site, render_mail, render_sms, sms_parts

META = """
version: 1
title: {zh-CN: 试, en: probe}
kind: notice
audience: staff
channels: [email]
variables: {name: {type: text, max: 60}}
samples: {zh-CN: {name: 李}, en: {name: Li}}
"""
GOOD = {"subject.txt": "{{ name }}", "text.txt": "{{ name }}", "body.html": "<p>{{ name }}</p>"}
ANSWERS = Site(answers="https://tuoqi.example.gov.cn/a/")
ASKING = ("duty-notice", "duty-reminder", "duty-assigned", "duty-swap-asked")
MAILS = [name for name, kind in sorted(catalogue().items()) if "email" in kind.channels]


def probe(folder: Path, **changed: str) -> Template:
    for language in LANGUAGES:
        home = folder / "probe" / language
        home.mkdir(parents=True)
        for file, text in GOOD.items():
            (home / file).write_text(changed.get(file.replace(".", "_"), text), encoding="utf-8")
    (folder / "probe" / "meta.yaml").write_text(META, encoding="utf-8")
    return read_template(folder / "probe")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", MAILS)
def test_every_mail_renders_its_sample_and_links_nowhere(name: str, language: str) -> None:
    kind = catalogue()[name]
    mail = render_mail(kind, language, kind.sample(language))
    assert 0 < len(mail.subject) <= (40 if language == "zh-CN" else 90)
    assert len(mail.text) > 40
    assert "http" not in mail.html + mail.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ASKING)
def test_a_question_has_a_button_where_there_is_an_answer_page(name: str, language: str) -> None:
    kind = catalogue()[name]
    variables = kind.sample(language)
    link = ANSWERS.answers + variables["code"]
    mail = render_mail(kind, language, variables, site=ANSWERS)
    assert f'<a href="{link}"' in mail.html
    assert f"\n{link}\n" in mail.text


@pytest.mark.parametrize("name", ASKING)
def test_without_a_code_a_mail_asks_to_tell_the_centre(name: str) -> None:
    kind = catalogue()[name]
    mail = render_mail(kind, "zh-CN", {**kind.sample("zh-CN"), "code": ""}, site=ANSWERS)
    assert "<a " not in mail.html
    assert "服务中心" in mail.text


def test_the_district_is_named_where_the_site_has_one() -> None:
    kind = catalogue()["visit-month"]
    mails = [render_mail(kind, "zh-CN", kind.sample("zh-CN"), site=Site(district=name)) for name in ("", "西山区")]
    assert ["西山区" in mail.html for mail in mails] == [False, True]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("allowance-paid", "不会向您收取费用", id="the public is warned of swindlers"),
        pytest.param("duty-notice", "您所在的服务中心", id="duty asks the centre"),
        pytest.param("visit-overdue", "请勿转发", id="staff keep names to themselves"),
    ],
)
def test_the_foot_fits_the_reader(name: str, said: str) -> None:
    kind = catalogue()[name]
    assert said in render_mail(kind, "zh-CN", kind.sample("zh-CN")).html


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("托" * 70, 1, id="70 in one"),
        pytest.param("托" * 71, 2, id="one more"),
        pytest.param("托" * 134, 2, id="two full parts"),
        pytest.param("托" * 135, 3, id="a third"),
        pytest.param("𠀀" * 36, 2, id="rare characters take two units"),
        pytest.param("", 1, id="nothing"),
    ],
)
def test_parts_are_counted_in_utf16_units(text: str, parts: int) -> None:
    assert sms_parts(text) == parts


def test_the_sign_of_the_site_begins_an_sms_and_counts() -> None:
    kind = catalogue()["duty-notice"]
    short, long = (
        render_sms(kind, "zh-CN", kind.sample("zh-CN"), site=Site(sign=s)) for s in (SIGN, f"【{'区' * 22}】")
    )
    assert (short.text.startswith(SIGN), short.parts) == (True, 1)
    assert (short.text.removeprefix(SIGN), long.parts) == (long.text.removeprefix(f"【{'区' * 22}】"), 1)
    assert render_sms(kind, "zh-CN", kind.sample("zh-CN"), site=Site(sign=f"【{'区' * 26}】")).parts == 2


def test_html_is_escaped_and_text_is_not(tmp_path: Path) -> None:
    mail = render_mail(probe(tmp_path), "zh-CN", {"name": "<script>&"})
    assert (mail.text, mail.html) == ("<script>&\n", "<p>&lt;script&gt;&amp;</p>\n")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        pytest.param("http://evil.example/x", "http·evil·example/x", id="address"),
        pytest.param("WWW.evil.CN", "WWW·evil·CN", id="host"),
        pytest.param("点击例子.中国", "点击例子·中国", id="Chinese domain"),
        pytest.param("尾款3.50元", "尾款3.50元", id="a number is no link"),
        pytest.param("第3组.张三", "第3组.张三", id="nor is a full stop"),
        pytest.param("李\u202e国建\u2069", "李国建", id="turned writing"),
        pytest.param("买买提·艾力", "买买提·艾力", id="a name with a dot stays"),
        pytest.param("𠮷㛃😀", "𠮷㛃😀", id="rare characters stay"),
    ],
)
def test_no_value_becomes_a_link_or_turns_the_writing(tmp_path: Path, name: str, shown: str) -> None:
    mail = render_mail(probe(tmp_path), "zh-CN", {"name": name})
    assert (mail.subject, mail.text) == (shown, shown + "\n")


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        pytest.param("subject_txt", "a\n\n{{ name }}", "CR/LF", id="line break in the subject"),
        pytest.param("subject_txt", "托" * 301, "> 300", id="long subject"),
        pytest.param("text_txt", "{{ name.surname }}", "UndefinedError", id="strict"),
        pytest.param("text_txt", "{{ colour }}", "UndefinedError", id="undeclared"),
        pytest.param("text_txt", "{{ name", "TemplateSyntaxError", id="syntax"),
        pytest.param("text_txt", "{{ 1 // 0 }}", "ZeroDivisionError", id="arithmetic"),
        pytest.param("text_txt", "{% include '/etc/hosts' %}", "TemplateNotFound", id="another file"),
        pytest.param("text_txt", "{% include '../../pyproject.toml' %}", "TemplateNotFound", id="a file above"),
        pytest.param("body_html", "{{ name.__class__.__mro__ }}", "SecurityError", id="attribute walk"),
        pytest.param("body_html", "{{ site.__init__.__globals__ }}", "SecurityError", id="walk from a constant"),
        pytest.param("body_html", "{{ lead.__init__.__globals__ }}", "SecurityError", id="walk from a macro"),
        pytest.param("text_txt", "{{ 'a' * 10 ** 12 }}", "SecurityError", id="product"),
        pytest.param("text_txt", "{{ '%999999999d' % 1 }}", "SecurityError", id="format"),
        pytest.param("text_txt", "{{ name.center(10000000000) }}", "SecurityError", id="method"),
        pytest.param("text_txt", "{{ '{:999999999}'.format(name) }}", "SecurityError", id="format method"),
        pytest.param("text_txt", "{{ name | center(10000000000) }}", "TemplateAssertionError", id="filter"),
        pytest.param("text_txt", "{% for n in range(9) %}a{% endfor %}", "SecurityError", id="range"),
        pytest.param("text_txt", "{{ lipsum(n=99999) }}", "SecurityError", id="lipsum"),
    ],
)
def test_a_bad_or_hostile_template_is_refused(tmp_path: Path, file: str, text: str, found: str) -> None:
    with pytest.raises(BadTemplate, match=found):
        render_mail(probe(tmp_path, **{file: text}), "zh-CN", {"name": "李"})


def test_a_template_that_never_ends_is_stopped_at_the_cap(tmp_path: Path) -> None:
    loops = "".join(f"{{% for {letter} in name %}}" for letter in "abcdefgh") + "托" + "{% endfor %}" * 8
    with pytest.raises(BadTemplate, match="> 20000"):
        render_mail(probe(tmp_path, text_txt=loops), "zh-CN", {"name": "李" * 60})
