"""Rendering: template folder + checked variables -> subject, text and HTML of an e-mail, or the text of an SMS.

Two sandboxed environments: HTML is escaped, text is not. An undefined variable is an error, never an empty space.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, pass_context
from jinja2.meta import find_referenced_templates, find_undeclared_variables
from jinja2.nodes import FromImport
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment

from notifications.catalogue import FOLDER, LANGUAGES, Template, Variable
from notifications.errors import BadTemplate, NotificationError

SIGN = "【托起】"
"""The approved SMS sign; it is part of every message and of its length."""

_FILES = {"email": ("subject.txt", "text.txt", "body.html"), "sms": ("sms.txt",)}
_CAPS = {"subject.txt": 120, "text.txt": 20_000, "body.html": 100_000, "sms.txt": 500}
_FRAME = {"language", "subject", "tone"}
"""What the layout may use beside the declared variables."""

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A file that goes with an e-mail.

    Attributes:
        name: file name as the reader sees it, any script; folders before it are cut off, control characters refused.
        media_type: such as application/pdf, or text/calendar; charset=utf-8; method=PUBLISH.
        content: its bytes, as they are.
        cid: set for a picture that the HTML shows as `cid:` this; letters, digits and ._+@- only.
    """

    name: str
    media_type: str
    content: bytes = field(repr=False)
    cid: str | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail without its envelope.

    Attributes:
        subject: one line.
        text: plain text.
        html: the same for those who see HTML.
        enclosures: attachments and related pictures.
        unsubscribe: https address that ends these mails by one POST (RFC 8058); "" for none.
    """

    subject: str
    text: str
    html: str
    enclosures: tuple[Enclosure, ...] = ()
    unsubscribe: str = ""


@dataclass(frozen=True, slots=True)
class Sms:
    """A text message with its sign, how many parts are paid for, and the values of its variables in order.

    `values` are what a provider puts into its approved template: the text of each `{{ }}` of sms.txt.
    """

    text: str
    parts: int
    values: tuple[str, ...] = ()


def sms_parts(text: str) -> int:
    """Count the parts of an SMS: 70 UTF-16 units in one, 67 in each when there are more."""
    units = len(text.encode("utf-16-le")) // 2
    return 1 if units <= 70 else -(-units // 67)


def render_mail(template: Template, language: str, variables: Mapping[str, Any]) -> Mail:
    """Render an e-mail.

    Args:
        template: from the catalogue.
        language: zh-CN or en.
        variables: as `Template.check` gave them.

    Raises:
        BadTemplate: a template fails, its output is over its cap, or the subject would hold a line break.
    """
    context = _context(template, language, variables)
    subject = _render(template, language, "subject.txt", context)
    if "\n" in subject or "\r" in subject:
        raise BadTemplate(template.name, f"{language}/subject.txt: CR/LF")
    context["subject"] = subject
    text, html = (_render(template, language, file, context) for file in ("text.txt", "body.html"))
    return Mail(subject, text + "\n", html + "\n")


def render_sms(template: Template, language: str, variables: Mapping[str, Any]) -> Sms:
    """Render an SMS; where a provider takes only template ids this is the preview and the part count.

    Raises:
        BadTemplate: a template fails, or its output is over the cap.
    """
    text = SIGN + _render(template, language, "sms.txt", _context(template, language, variables))
    return Sms(text, sms_parts(text))


def lint(template: Template) -> list[str]:
    """Return what is wrong with a template folder: files, variables, samples, output; an empty list is right."""
    return [problem for language in LANGUAGES for problem in _lint_language(template, language)]


def _context(template: Template, language: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: _value(kind, variables[name]) for name, kind in template.variables.items()}
    return {**values, "language": language}


def _value(kind: Variable, value: Any) -> Any:
    if kind.type == "date":
        return date.fromisoformat(value)
    if kind.type == "list":
        return [{name: _value(inner, row[name]) for name, inner in kind.of.items()} for row in value]
    return value


def _render(template: Template, language: str, file: str, context: Mapping[str, Any]) -> str:
    try:
        rendered = _environment(file.endswith(".html")).get_template(f"{template.name}/{language}/{file}")
        text = rendered.render(**context).strip()
    except TemplateError as error:
        raise BadTemplate(template.name, f"{language}/{file}: {type(error).__name__}") from error
    if len(text) > _CAPS[file]:
        raise BadTemplate(template.name, f"{language}/{file}: {len(text)} > {_CAPS[file]}")
    return text


@cache
def _environment(html: bool) -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(FOLDER),
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["day"] = _day
    environment.filters["month"] = _month
    return environment


@pass_context
def _day(context: Context, day: date) -> str:
    """Say 7月12日, or 12 July."""
    return f"{day.month}月{day.day}日" if context["language"] == "zh-CN" else f"{day.day} {_MONTHS[day.month - 1]}"


@pass_context
def _month(context: Context, month: str) -> str:
    """Say 2026年7月, or July 2026, for 2026-07."""
    year, number = int(month[:4]), int(month[5:])
    return f"{year}年{number}月" if context["language"] == "zh-CN" else f"{_MONTHS[number - 1]} {year}"


def _lint_language(template: Template, language: str) -> Iterator[str]:
    files = [file for channel in template.channels for file in _FILES.get(channel, ())]
    missing = [file for file in files if not (template.folder / language / file).is_file()]
    if missing or language not in template.samples:
        yield f"{template.name}/{language}: missing {missing or 'sample'}"
        return
    used = set().union(*(_names(f"{template.name}/{language}/{file}") for file in files)) - _FRAME
    yield from (
        f"{template.name}/{language}: undeclared variable {name}" for name in sorted(used - {*template.variables})
    )
    yield from (f"{template.name}/{language}: unused variable {name}" for name in sorted({*template.variables} - used))
    try:
        values = template.check(f"sample:{template.name}", template.samples[language])
        if "email" in template.channels:
            render_mail(template, language, values)
        if "sms" in template.channels:
            render_sms(template, language, values)
    except NotificationError as error:
        yield f"{template.name}/{language}: {error}"


def _names(path: str) -> set[str]:
    environment = _environment(path.endswith(".html"))
    tree = environment.parse((FOLDER / path).read_text(encoding="utf-8"))
    imported = {name for found in tree.find_all(FromImport) for name in found.names}
    names = find_undeclared_variables(tree) - imported
    for layout in find_referenced_templates(tree):
        names |= _names(layout) if layout else set()
    return names
