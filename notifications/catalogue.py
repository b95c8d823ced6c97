"""The catalogue of message templates: each folder's meta.yaml says what it is for, and which variables it takes."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import yaml

from notifications.errors import BadTemplate, NotificationError, UnknownTemplate
from notifications.variables import Variable, checked, variable
from policies.yaml_file import YamlRefused, read_yaml
from rules.errors import say

FOLDER = Path(__file__).parent / "templates"
LANGUAGES = ("zh-CN", "en")
PROVIDERS = ("aliyun", "tencent")
"""The SMS providers that know a template by an id of their own."""

SMS_LIMIT = 35
"""The most characters of a value in an SMS, unless meta.yaml says less."""

Kind = Literal["notice", "urgent", "payment", "promotional"]
Audience = Literal["staff", "public"]
Ids = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Ids of approved templates: by provider, template and language."""

_NEEDED = {"version", "title", "kind", "audience", "channels", "variables", "samples"}
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(eq=False)
class BadIds(NotificationError):
    """The file of provider ids names something that does not exist."""

    file: str
    what: str
    zh = "短信模板编号文件 {file} 有误：{what}；请改正后重试。"
    en = "{file}, the file of provider template ids, is wrong: {what}; correct it and try again."


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """One kind of message; compared by identity, so that what is made of it can be kept.

    Attributes:
        folder: where its files lie.
        version: raised when its variables or its meaning change.
        titles: what it is, by language.
        kind: urgent is exempt from quiet hours and caps; payment is never sent again after reconciliation found
            nothing; promotional needs a provider's other template class and an opt-out.
        audience: public are elders, families and payees, who have quiet hours.
        channels: by which it may go.
        variables: by name; those that are `late` are given when it is sent.
        samples: by language, late ones included.
        ids: example ids of approved templates, by provider and language; a district's own are in a file of settings.
        limits: the most characters of a variable in an SMS, where it is less than usual.
        parts: how many SMS parts its sample may take in Chinese.
    """

    folder: Path
    version: int
    titles: Mapping[str, str]
    kind: Kind
    audience: Audience
    channels: tuple[str, ...]
    variables: Mapping[str, Variable]
    samples: Mapping[str, Mapping[str, Any]]
    ids: Mapping[str, Mapping[str, str]]
    limits: Mapping[str, int]
    parts: int

    @property
    def name(self) -> str:
        """Its folder's name, by which jobs know it."""
        return self.folder.name

    @property
    def title(self) -> str:
        """What it is, in the language of this run."""
        return say(self.titles["zh-CN"], self.titles["en"])

    def limit(self, name: str) -> int:
        """The most characters of a variable's value in an SMS."""
        return self.limits.get(name, SMS_LIMIT)

    def check(self, key: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is given when enqueueing as plain JSON values, dates as ISO text.

        Raises:
            MissingVariable, ExtraVariable, BadVariable: named, with the message key; a late variable is one too many.
        """
        early = {name: kind for name, kind in self.variables.items() if not kind.late}
        return checked(self.name, key, early, given)

    def complete(self, key: str, early: Mapping[str, Any], late: Mapping[str, Any]) -> dict[str, Any]:
        """Return all variables as plain JSON values, ready for rendering.

        Args:
            key: of the message, for the errors.
            early: what was enqueued; a message of an older version may hold what is late by now.
            late: what was read for sending; an optional text or code that is not given is empty.

        Raises:
            MissingVariable, ExtraVariable, BadVariable: named, with the message key.
        """
        empty = {name: "" for name, kind in self.variables.items() if kind.late and kind.optional and _wordy(kind)}
        return checked(self.name, key, self.variables, {**empty, **early, **late})

    def sample(self, language: str) -> dict[str, Any]:
        """Return its sample, checked as a message would be."""
        given = self.samples[language]
        late = {name: value for name, value in given.items() if name in self.variables and self.variables[name].late}
        early = self.check(f"sample:{self.name}", {name: given[name] for name in given if name not in late})
        return self.complete(f"sample:{self.name}", early, late)


@cache
def catalogue() -> Mapping[str, Template]:
    """Return all templates by name; folders that begin with _ hold shared layout."""
    folders = sorted(path for path in FOLDER.iterdir() if path.is_dir() and not path.name.startswith("_"))
    return {folder.name: read_template(folder) for folder in folders}


def template(name: str) -> Template:
    """Return one template.

    Raises:
        UnknownTemplate: there is none of that name.
    """
    found = catalogue().get(name)
    if found is None:
        raise UnknownTemplate(name)
    return found


def read_template(folder: Path) -> Template:
    """Read the meta.yaml of a template's folder.

    Raises:
        BadTemplate: it lacks a word, or has an unknown one.
    """
    meta = yaml.safe_load((folder / "meta.yaml").read_text(encoding="utf-8"))
    wrong = _wrong(meta)
    if wrong:
        raise BadTemplate(folder.name, f"meta.yaml: {wrong}")
    try:
        variables = {name: variable(name, spec) for name, spec in meta["variables"].items()}
    except ValueError as error:
        raise BadTemplate(folder.name, f"meta.yaml: {error}") from error
    sms = meta.get("sms", {})
    return Template(
        folder=folder,
        version=meta["version"],
        titles=meta["title"],
        kind=meta["kind"],
        audience=meta["audience"],
        channels=tuple(meta["channels"]),
        variables=variables,
        samples=meta["samples"],
        ids=sms.get("ids", {}),
        limits=sms.get("limits", {}),
        parts=sms.get("parts", 1),
    )


def read_ids(path: Path) -> Ids:
    """Read a district's ids of approved SMS templates: YAML of provider, template, language, id.

    Raises:
        BadIds: the file cannot be read, or an entry is not known to the catalogue or no text; it is named.
    """
    try:
        content = read_yaml(path) or {}
    except YamlRefused as error:
        raise BadIds(path.name, str(error)) from error
    wrong = _wrong_ids(content)
    if wrong:
        raise BadIds(path.name, wrong)
    ids: Ids = content
    return ids


def provider_ids(file: Path | None = None) -> Ids:
    """Return the ids of approved templates: the examples of meta.yaml, and over them those of the district's file."""
    given = read_ids(file) if file else {}
    merged: dict[str, dict[str, dict[str, str]]] = {}
    for provider in PROVIDERS:
        merged[provider] = {}
        for name, kind in catalogue().items():
            ids = {**kind.ids.get(provider, {}), **given.get(provider, {}).get(name, {})}
            if ids:
                merged[provider][name] = ids
    return merged


def _wordy(kind: Variable) -> bool:
    return kind.type in {"text", "code"}


def _wrong(meta: Mapping[str, Any]) -> str:
    if not {*meta} >= _NEEDED or {*meta} - _NEEDED - {"sms"}:
        return str(sorted(({*meta} ^ _NEEDED) - {"sms"}))
    if meta["kind"] not in get_args(Kind) or meta["audience"] not in get_args(Audience):
        return f"kind {meta['kind']}, audience {meta['audience']}"
    if {*meta["title"]} != {*LANGUAGES} or {*meta["samples"]} != {*LANGUAGES}:
        return f"title, samples: {', '.join(LANGUAGES)}"
    unknown = {*meta.get("sms", {})} - {"ids", "limits", "parts"}
    return f"sms: {sorted(unknown)}" if unknown else ""


def _wrong_ids(content: Any) -> str:
    """Return the first entry of a file of ids that is wrong, or nothing."""
    carried = [name for name, kind in catalogue().items() if "sms" in kind.channels]
    return _wrong_entry(content, (PROVIDERS, carried, LANGUAGES), "")


def _wrong_entry(value: Any, levels: Sequence[Collection[str]], where: str) -> str:
    if not levels:
        right = isinstance(value, str) and _ID.fullmatch(value)
        return "" if right else say(f"{where} 的编号应为带引号的文字", f"the id of {where} must be text, in quotes")
    if not isinstance(value, Mapping):
        return say(f"{where or '文件'} 下应为键值", f"{where or 'the file'} must hold names with values")
    for name, inner in value.items():
        path = f"{where}.{name}".lstrip(".")
        if name not in levels[0]:
            names = ", ".join(levels[0])
            return say(f"不认识 {path}（可用：{names}）", f"{path} is unknown; known are {names}")
        problem = _wrong_entry(inner, levels[1:], path)
        if problem:
            return problem
    return ""
