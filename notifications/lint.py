"""What can be wrong with a template: folder -> files, variables, samples on every kind of site -> problems."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from jinja2 import TemplateSyntaxError
from jinja2.meta import find_referenced_templates, find_undeclared_variables

from notifications.catalogue import LANGUAGES, PROVIDERS, SMS_LIMIT, Template
from notifications.errors import NotificationError
from notifications.rendering import FRAME, environment, render_mail, render_sms
from notifications.site import DEFAULT, Site
from notifications.sms_form import form
from notifications.variables import Variable, tamed

_MAIL = ("subject.txt", "text.txt", "body.html")
FILES = {"email": _MAIL, "robot": _MAIL[:2], "sms": ("sms.txt",), "call": ()}
"""The files that each channel needs."""

_ANSWERS = "https://tuoqi.example.gov.cn/a/"
SITES = (
    DEFAULT,
    *(Site(answers=url, replies=said, district="西山区") for url in ("", _ANSWERS) for said in (True, False)),
)
"""Installations with and without an answer page and SMS replies."""

_BANNED = re.compile(r"https?:|://|www\.|[【】¥★☆✔{}$]", re.IGNORECASE)
"""What providers do not approve in the fixed text; a link is `site.answers` alone."""

OPT_OUT = {"zh-CN": "拒收请回复R", "en": "Reply R to stop"}
"""What every promotional SMS ends with; `flows.replies` has to understand it."""


def lint(template: Template) -> list[str]:
    """Return what is wrong with a template's folder; an empty list is right."""
    found = [f"{template.name}: {problem}" for problem in _meta(template)]
    for language in LANGUAGES:
        problems = list(_files(template, language)) or list(_texts(template, language))
        found += [f"{template.name}/{language}: {problem}" for problem in dict.fromkeys(problems)]
    return found


def _meta(template: Template) -> Iterator[str]:
    if not template.channels or {*template.channels} - {*FILES}:
        yield f"channels {', '.join(template.channels)}"
    if template.kind in {"payment", "promotional"} and template.audience != "public":
        yield f"{template.kind} is for the public"
    if template.kind == "promotional" and template.channels != ("sms",):
        yield "promotional is for SMS"
    if "robot" in template.channels and template.audience != "staff":
        yield "a robot talks to staff"
    yield from _limits(template)
    if {*template.ids} - {*PROVIDERS}:
        yield "ids of an unknown provider"


def _limits(template: Template) -> Iterator[str]:
    for name, limit in template.limits.items():
        if name not in template.variables or not 1 <= limit <= SMS_LIMIT:
            yield f"limit of {name}"
    for kind in template.variables.values():
        if kind.type == "code" and kind.max > template.limit(kind.name):
            yield f"code {kind.name} is longer than an SMS takes"


def _files(template: Template, language: str) -> Iterator[str]:
    needed = {file for channel in template.channels for file in FILES.get(channel, ())}
    folder = template.folder / language
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if needed - there:
        yield f"missing {sorted(needed - there)}"
    if there - needed:
        yield f"needless {sorted(there - needed)}"


def _texts(template: Template, language: str) -> Iterator[str]:
    files = sorted({file for channel in template.channels for file in FILES.get(channel, ())})
    try:
        used = set().union(*(_names(template.folder.parent, f"{template.name}/{language}/{file}") for file in files))
    except TemplateSyntaxError as error:
        yield f"line {error.lineno}: {error.message}"
        return
    yield from (f"undeclared variable {name}" for name in sorted(used - FRAME - {*template.variables}))
    yield from (f"unused variable {name}" for name in sorted({*template.variables} - used))
    try:
        variables = template.sample(language)
        yield from (f"the sample of {name} holds a link" for name, text in variables.items() if _linked(text))
        for site in SITES:
            yield from _rendered(template, language, variables, site)
        _filled(template, language)
    except NotificationError as error:
        yield str(error)


def _linked(value: Any) -> bool:
    return isinstance(value, str) and tamed(value) != value


def _filled(template: Template, language: str) -> None:
    """Render with every value as long as it may be: what may be enqueued must be within the caps."""
    variables = template.complete("full", {}, {name: _full(kind) for name, kind in template.variables.items()})
    if "email" in template.channels:
        render_mail(template, language, variables, site=SITES[-1])
    if "sms" in template.channels:
        render_sms(template, language, variables, site=SITES[-1])


def _full(kind: Variable) -> Any:
    return {
        "text": "&" * kind.max,  # five characters each in HTML
        "code": "8" * kind.max,
        "integer": -(10**12),
        "money": 10**12,
        "date": "2026-12-31",
        "month": "2026-12",
        "list": [{name: _full(inner) for name, inner in kind.of.items()}] * kind.max,
    }[kind.type]


def _rendered(template: Template, language: str, variables: dict[str, Any], site: Site) -> Iterator[str]:
    if "email" in template.channels:
        mail = render_mail(template, language, variables, site=site)
        if not site.answers and "http" in mail.html + mail.text:
            yield "a link in a mail of a site without an answer page"
    if "sms" in template.channels:
        yield from _sms(template, language, variables, site)


def _sms(template: Template, language: str, variables: dict[str, Any], site: Site) -> Iterator[str]:
    sms, found = render_sms(template, language, variables, site=site), form(template, language, site)
    fixed = "".join(found.texts)
    yield from _approvable(fixed.replace(site.answers, "") if site.answers else fixed)
    for (one, other), between in zip(pairwise(found.blanks), found.texts[1:-1], strict=True):
        if not between.strip():
            yield f"sms.txt: nothing between {one.variable.name} and {other.variable.name}"
    for blank, value in zip(found.blanks, sms.values, strict=True):
        if len(value) > blank.limit or value.endswith("…"):
            yield f"sms.txt: the sample of {blank.variable.name} does not fit"
    linked = bool(site.answers) and site.answers in fixed
    most = 1 if "code" in template.variables and not linked else template.parts
    if language == "zh-CN" and sms.parts > most:
        yield f"sms.txt: {len(sms.text)} characters, {sms.parts} parts"
    if template.kind == "promotional" and not fixed.endswith(OPT_OUT[language]):
        yield f"sms.txt: must end with {OPT_OUT[language]}"


def _approvable(fixed: str) -> Iterator[str]:
    banned = _BANNED.search(fixed)
    if banned:
        yield f"sms.txt: {banned[0]!r} would not be approved"
    if "\n" in fixed or fixed != fixed.strip():
        yield "sms.txt: more than one line, or space around"


def _names(folder: Path, path: str) -> set[str]:
    """Return the names that a file and its layout take from outside."""
    place = environment(folder, html=path.endswith(".html"))
    assert place.loader is not None
    tree = place.parse(place.loader.get_source(place, path)[0])
    names = find_undeclared_variables(tree) - {*place.globals}
    for layout in find_referenced_templates(tree):
        names |= _names(folder, layout) if layout else set()
    return names
