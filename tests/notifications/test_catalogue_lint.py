"""The lint of templates: none of ours has a fault, and each kind of fault is found."""

from pathlib import Path

import pytest

from notifications.catalogue import LANGUAGES, Template, catalogue, read_template
from notifications.lint import lint

META = """
version: 1
title: {zh-CN: 试, en: probe}
kind: notice
audience: staff
channels: [email, sms]
variables: {name: {type: text, max: 60}, place: {type: text, max: 60}}
samples: {zh-CN: {name: 李, place: 马街}, en: {name: Li, place: Majie}}
"""
GOOD = {
    "subject.txt": "{{ name }}",
    "text.txt": "{{ name }}",
    "body.html": "<p>{{ name }}, {{ place }}</p>",
    "sms.txt": "{{ name }}您好，在{{ place }}。",
}


def _probe(folder: Path, meta: str = META, **changed: str) -> Template:
    for language in LANGUAGES:
        home = folder / "probe" / language
        home.mkdir(parents=True)
        for file, text in GOOD.items():
            (home / file).write_text(changed.get(file.replace(".", "_"), text), encoding="utf-8")
    (folder / "probe" / "meta.yaml").write_text(meta, encoding="utf-8")
    return read_template(folder / "probe")


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_template_is_without_fault(name: str) -> None:
    assert lint(catalogue()[name]) == []


def test_a_template_without_fault_has_none(tmp_path: Path) -> None:
    assert lint(_probe(tmp_path)) == []


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        pytest.param("text_txt", "{{ name }}{{ colour }}", "undeclared variable colour", id="undeclared"),
        pytest.param("text_txt", "{{ name", "line 1:", id="syntax"),
        pytest.param("text_txt", "见 http://example.cn", "without an answer page", id="link in a mail"),
        pytest.param("subject_txt", "a\n\n{{ name }}", "CR/LF", id="line break in the subject"),
        pytest.param("sms_txt", "{{ name }}{{ place }}值班", "nothing between name and place", id="adjacent"),
        pytest.param("sms_txt", "{{ name }} {{ place }}", "nothing between name and place", id="only a space between"),
        pytest.param("sms_txt", "{{ name }}，见http://example.cn", "'http:'", id="link in an SMS"),
        pytest.param("sms_txt", "【托起】{{ name }}", "'【'", id="a sign of its own"),
        pytest.param("sms_txt", "{{ name }}，收${{ '{' }}p1}", "Const", id="a constant in a blank"),
        pytest.param("sms_txt", "收{p1}，{{ name }}", "'{'", id="a blank of a provider"),
        pytest.param("sms_txt", "{{ name }}\n您好", "more than one line", id="two lines"),
        pytest.param("sms_txt", " {{ name }}", "space around", id="space before"),
        pytest.param("sms_txt", "托" * 70 + "{{ name }}", "2 parts", id="two parts"),
        pytest.param("sms_txt", "托" * 500, "> 500", id="too long"),
        pytest.param("sms_txt", "{% for a in name %}{{ a }}{% endfor %}", "For", id="loop"),
        pytest.param("sms_txt", "{% if name %}您好{% endif %}", "Name", id="condition"),
    ],
)
def test_a_fault_of_a_text_is_found(tmp_path: Path, file: str, text: str, found: str) -> None:
    problems = lint(_probe(tmp_path, **{file: text}))
    assert any(found in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        pytest.param("kind: notice", "kind: payment", "payment is for the public", id="payment to staff"),
        pytest.param("kind: notice\naudience: staff", "kind: promotional\naudience: public", "拒收", id="no opt-out"),
        pytest.param("kind: notice\naudience: staff", "kind: promotional\naudience: public", "for SMS", id="by mail"),
        pytest.param("[email, sms]", "[email, sms, fax]", "channels", id="unknown channel"),
        pytest.param("staff\nchannels: [email", "public\nchannels: [email, robot", "robot", id="public robot"),
        pytest.param("[email, sms]", "[email]", "needless ['sms.txt']", id="a file too many"),
        pytest.param("place: 马街", f"place: {'马街' * 18}", "does not fit", id="sample"),
        pytest.param("place: 马街", "place: www.example.cn", "the sample of place holds a link", id="a link"),
        pytest.param("place: {type: text, max: 60}", "place: {type: text, max: 60000}", "> 100000", id="above the cap"),
        pytest.param("version: 1", "version: 1\nsms: {limits: {colour: 3}}", "limit of colour", id="limit of nothing"),
        pytest.param("version: 1", "version: 1\nsms: {limits: {name: 36}}", "limit of name", id="limit above all"),
        pytest.param("version: 1", "version: 1\nsms: {ids: {acme: {}}}", "unknown provider", id="ids of nobody"),
        pytest.param("name: {type: text, max: 60}", "name: {type: code, max: 36}", "code name", id="a code too long"),
        pytest.param("name: 李, ", "", "name", id="sample without a variable"),
    ],
)  # fmt: skip
def test_a_fault_of_the_meta_file_is_found(tmp_path: Path, old: str, new: str, found: str) -> None:
    assert old in META
    problems = lint(_probe(tmp_path, META.replace(old, new)))
    assert any(found in problem for problem in problems), problems


def test_an_unused_variable_is_found(tmp_path: Path) -> None:
    problems = lint(_probe(tmp_path, body_html="<p>{{ name }}</p>", sms_txt="{{ name }}您好"))
    assert problems == [f"probe/{language}: unused variable place" for language in LANGUAGES]


def test_a_missing_file_is_found(tmp_path: Path) -> None:
    kind = _probe(tmp_path)
    (tmp_path / "probe" / "en" / "sms.txt").unlink()
    assert lint(kind) == ["probe/en: missing ['sms.txt']"]
