"""Rendering: template folder + checked variables -> subject, text and HTML of an e-mail, or the text of an SMS.

Two sandboxed environments: HTML is escaped, text is not. An undefined variable is an error, never an empty space.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, pass_context
from jinja2.runtime import Context, Macro
from jinja2.sandbox import SandboxedEnvironment

from models.drafts import Enclosure
from notifications.catalogue import FOLDER, Template
from notifications.errors import BadTemplate
from notifications.site import DEFAULT, SIGN, Site
from notifications.sms_form import form, provider_text
from notifications.variables import worked
from notifications.words import WORDS

__all__ = ["SIGN", "Enclosure", "Mail", "Site", "Sms", "provider_text", "render_mail", "render_sms", "sms_parts"]

CAPS = {"subject.txt": 300, "text.txt": 20_000, "body.html": 100_000, "sms.txt": 500}
"""The most characters of each file's output."""

FRAME = {"language", "subject", "tone", "site", "job", "audience"}
"""What a template may use beside the declared variables."""

_PARTS = "_layout/parts.html"


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


def render_mail(template: Template, language: str, variables: Mapping[str, Any], *, site: Site = DEFAULT) -> Mail:
    """Render an e-mail; a robot posts its subject and text.

    Args:
        template: from the catalogue.
        language: zh-CN or en.
        variables: as `Template.complete` gave them.
        site: the constants of this installation.

    Raises:
        BadTemplate: a template fails, its output is over its cap, or the subject would hold a line break.
    """
    context = {name: worked(kind, variables[name]) for name, kind in template.variables.items()}
    context |= {"language": language, "site": site, "job": template.name.partition("-")[0]}
    context["audience"] = template.audience
    subject = _render(template, language, "subject.txt", context)
    if "\n" in subject or "\r" in subject:
        raise BadTemplate(template.name, f"{language}/subject.txt: CR/LF")
    context["subject"] = subject
    text, html = (_render(template, language, file, context) for file in ("text.txt", "body.html"))
    return Mail(subject, text + "\n", html + "\n")


def render_sms(template: Template, language: str, variables: Mapping[str, Any], *, site: Site = DEFAULT) -> Sms:
    """Render an SMS: what the handset will show, and the values that make it of the provider's approved text.

    Args:
        template: from the catalogue.
        language: zh-CN or en.
        variables: as `Template.complete` gave them.
        site: the constants of this installation.

    Raises:
        BadTemplate: sms.txt is no form, a value is empty, which no provider takes, or the text is over its cap.
    """
    found = form(template, language, site)
    values = tuple(blank.fill(language, variables[blank.variable.name]) for blank in found.blanks)
    if "" in values:
        empty = found.blanks[values.index("")].variable.name
        raise BadTemplate(template.name, f"{language}/sms.txt: {{{{ {empty} }}}} is empty")
    text = site.sign + found.filled(values)
    if len(text) > CAPS["sms.txt"]:
        raise BadTemplate(template.name, f"{language}/sms.txt: {len(text)} > {CAPS['sms.txt']}")
    return Sms(text, sms_parts(text), values)


def _render(template: Template, language: str, file: str, context: Mapping[str, Any]) -> str:
    """Render a file, stopping as soon as it is over its cap."""
    pieces, size = [], 0
    try:
        for piece in _compiled(template, language, file).generate(context):
            pieces.append(piece)
            size += len(piece)
            if size > CAPS[file]:
                break
    except (TemplateError, UnicodeDecodeError, TypeError, ArithmeticError) as error:
        raise BadTemplate(template.name, f"{language}/{file}: {type(error).__name__}") from error
    text = "".join(pieces).strip()
    if size > CAPS[file]:
        raise BadTemplate(template.name, f"{language}/{file}: {size} > {CAPS[file]}")
    return text


@cache
def _compiled(template: Template, language: str, file: str) -> jinja2.Template:
    place = environment(template.folder.parent, html=file.endswith(".html"))
    return place.get_template(f"{template.name}/{language}/{file}")


class _Sandbox(SandboxedEnvironment):
    """The sandbox without calls and products.

    A template calls nothing but the macros of the layout, so no method of a text can fill the memory, and multiplies
    nothing, for the same reason.
    """

    intercepted_binops = frozenset({"*", "**", "%"})

    def is_safe_callable(self, obj: Any) -> bool:
        """Macros only."""
        return isinstance(obj, Macro)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Refuse."""
        del context, left, right
        raise jinja2.exceptions.SecurityError(operator)


@cache
def environment(folder: Path, *, html: bool) -> SandboxedEnvironment:
    """Return the environment of a folder of templates; the layout is always our own.

    The macros of the layout's parts are at hand in every HTML file.
    """
    place = _Sandbox(
        loader=FileSystemLoader([folder, FOLDER]),
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    place.globals.clear()
    place.filters = {name: _in_context(name) for name in WORDS}
    if html:
        macros = vars(place.get_template(_PARTS).module)
        place.globals.update({name: macro for name, macro in macros.items() if isinstance(macro, Macro)})
    return place


def _in_context(name: str) -> Any:
    word = WORDS[name]

    @pass_context
    def said(context: Context, value: Any) -> Any:
        own = context.get("date")
        if name == "day" and isinstance(own, date) and value.year != own.year:
            return WORDS["full"](context["language"], value)  # a visit owed since last year, told on a day of this one
        return word(context["language"], value)

    return said
