"""Rendering: every template with its sample, and what rendering refuses."""

from pathlib import Path

import pytest

from notifications import catalogue, rendering
from notifications.catalogue import LANGUAGES, Template
from notifications.catalogue import catalogue as all_templates
from notifications.errors import BadTemplate
from notifications.rendering import SIGN, lint, render_mail, render_sms, sms_parts

TEMPLATES = sorted(all_templates())
META = """
version: 1
title: 试
channels: [email, sms]
variables: {name: {type: text, max: 9}}
samples: {zh-CN: {name: 李}, en: {name: Li}}
"""
GOOD = {
    "subject.txt": "{{ name }}",
    "text.txt": "{{ name }}",
    "body.html": "<p>{{ name }}</p>",
    "sms.txt": "{{ name }}",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    monkeypatch.setattr(rendering, "FOLDER", tmp_path)
    monkeypatch.setattr(rendering, "_environment", rendering._environment.__wrapped__)
    return tmp_path


def _template(folder: Path, **changed: str) -> Template:
    home = folder / "probe"
    for language in LANGUAGES:
        (home / language).mkdir(parents=True)
        for file, text in GOOD.items():
            (home / language / file).write_text(changed.get(file.replace(".", "_"), text), encoding="utf-8")
    (home / "meta.yaml").write_text(META, encoding="utf-8")
    return catalogue._read(home)


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_is_without_fault(name: str) -> None:
    assert lint(all_templates()[name]) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_renders_its_sample(name: str, language: str) -> None:
    template = all_templates()[name]
    variables = template.check("sample", template.samples[language])
    mail = render_mail(template, language, variables)
    assert mail.subject
    assert variables["centre"] in mail.text
    assert variables["centre"] in mail.html
    assert "http" not in mail.html
    assert render_sms(template, language, variables).text.startswith(SIGN)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_chinese_sms_is_one_part(name: str) -> None:
    template = all_templates()[name]
    sms = render_sms(template, "zh-CN", template.check("sample", template.samples["zh-CN"]))
    assert (sms.parts, len(sms.text) <= 70) == (1, True)


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


def test_html_is_escaped_and_text_is_not(folder: Path) -> None:
    mail = render_mail(_template(folder), "zh-CN", {"name": "<b>&"})
    assert (mail.text, mail.html) == ("<b>&\n", "<p>&lt;b&gt;&amp;</p>\n")


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        pytest.param("text_txt", "{{ name }}{{ colour }}", "undeclared variable colour", id="undeclared"),
        pytest.param("subject_txt", "a\n\n{{ name }}", "CR/LF", id="line break in the subject"),
        pytest.param("sms_txt", "托" * 600 + "{{ name }}", "> 500", id="too long"),
        pytest.param("body_html", "{{ name.__class__.__mro__ }}", "SecurityError", id="sandboxed"),
        pytest.param("text_txt", "{{ name.surname }}", "UndefinedError", id="strict"),
    ],
)
def test_lint_finds(folder: Path, file: str, text: str, found: str) -> None:
    problems = lint(_template(folder, **{file: text}))
    assert any(found in problem for problem in problems), problems


def test_lint_finds_an_unused_variable(folder: Path) -> None:
    silent = dict.fromkeys(("subject_txt", "text_txt", "body_html", "sms_txt"), "quiet")
    assert "probe/en: unused variable name" in lint(_template(folder, **silent))


def test_lint_finds_a_missing_file(folder: Path) -> None:
    template = _template(folder)
    (folder / "probe" / "en" / "sms.txt").unlink()
    assert lint(template) == ["probe/en: missing ['sms.txt']"]


def test_a_meta_file_with_unknown_words_is_refused(folder: Path) -> None:
    _template(folder)
    with (folder / "probe" / "meta.yaml").open("a", encoding="utf-8") as file:
        file.write("colour: red\n")
    with pytest.raises(BadTemplate, match="colour"):
        catalogue._read(folder / "probe")
