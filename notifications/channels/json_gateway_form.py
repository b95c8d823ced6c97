"""What a city's SMS gateway wants and answers: a YAML file, see docs/gateway.example.yaml -> a checked form.

Only names of secrets are in it. Every fault is told with the file, the key and what to do.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from notifications.channels import json_gateway_body as body
from notifications.errors import NotificationError
from policies.yaml_file import YamlRefused, read_yaml
from rules.errors import say

_NAMED_SECRET = re.compile(r"authorization|cookie|passw(or)?d|pwd|secret|token|(api|app|access)[-_]?key", re.IGNORECASE)


@dataclass(eq=False)
class BadGatewayFile(NotificationError):
    """The file of the SMS gateway does not say what it must."""

    file: str
    key: str
    problem: str
    zh = "短信网关配置 {file} 的 {key} 有误（{problem}）；请对照 docs/gateway.example.yaml 改正。"
    en = "SMS gateway file {file}: {key} is wrong ({problem}); correct it, docs/gateway.example.yaml shows how."


@dataclass(eq=False)
class MissingSecret(NotificationError):
    """An environment variable that the file names is not set, or not one line of ASCII."""

    name: str
    zh = "短信网关配置用到环境变量 {name}，但它没有设置，或含有换行、中文等字符；请设置后重新启动。"
    en = "the SMS gateway file wants the environment variable {name}: set it, to one line of ASCII, and start again."


def word(value: object) -> str | None:
    """Return a code as text, the same whether JSON or YAML held 0, "0" or true; None for what is no code."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int) else None


def _words(given: object) -> object:
    return [word(value) for value in given] if isinstance(given, list) else given


Word = Annotated[str, BeforeValidator(word)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Dotted = Annotated[str, Field(pattern=r"^[^.\s]+(\.[^.\s]+)*$", max_length=200)]
Language = Annotated[str, Field(pattern="^(zh-CN|en)$")]
Address = Annotated[str, Field(pattern=r"^https?://[^\s?#{}@]+$", max_length=500)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Results(_Part):
    """Where the answer tells of each message.

    Attributes:
        entries: path of the list; an entry is found by `out_id` or `phone`.
        code: path within an entry, judged by the same codes as the call.
        ref: path within an entry of the provider's number.
    """

    entries: Dotted
    out_id: Dotted | None = None
    phone: Dotted | None = None
    code: Dotted
    ref: Dotted | None = None

    @model_validator(mode="after")
    def _one_key(self) -> "Results":
        if (self.out_id is None) == (self.phone is None):
            raise ValueError("out_id or phone, one of them")
        return self


class AnswerForm(_Part):
    """What the answer to a call means; paths are dotted, numbers count in lists from 0."""

    code: Dotted
    accepted: Words = Field(min_length=1)
    ref: Dotted | None = None
    defer: Words = ()
    tomorrow: Words = ()
    stop: Words = ()
    rejected: Words = ()
    blocked: Words = ()
    unknown: Words = ()
    results: Results | None = None

    @model_validator(mode="after")
    def _each_once(self) -> "AnswerForm":
        lists = (self.accepted, self.defer, self.tomorrow, self.stop, self.rejected, self.blocked, self.unknown)
        _once(*lists)
        return self


class FoundForm(_Part):
    """What the answer to a question means.

    Attributes:
        code, accepted: the question was understood.
        nothing: codes that say that the gateway has nothing of it.
        records: path of their list; an empty list or null says the same.
        phone: path within a record, where records of other messages of the call may come along.
        state: path within a record; what is neither delivered nor undeliverable is on its way.
        ref: path within a record of the provider's number.
    """

    code: Dotted
    accepted: Words = Field(min_length=1)
    nothing: Words = ()
    records: Dotted
    phone: Dotted | None = None
    state: Dotted
    ref: Dotted | None = None
    delivered: Words = Field(min_length=1)
    undeliverable: Words = ()
    blocked: Words = ()

    @model_validator(mode="after")
    def _each_once(self) -> "FoundForm":
        _once(self.accepted, self.nothing)
        _once(self.delivered, self.undeliverable, self.blocked)
        return self


class QueryForm(_Part):
    """How to ask what became of a message."""

    url: Address
    body: dict[str, Any]
    answer: FoundForm


class GatewayForm(_Part):
    """One gateway.

    Attributes:
        provider: name stored on each message.
        headers: may hold ${NAME}, as `body` may.
        timeout_s: longest wait for an answer.
        rate: calls a second.
        connections: calls at once, where there is no batch call.
        batch: messages of one call; more than 1 wants `messages`, which says what one of them looks like.
        templates: the gateway's number of each of our templates, by language; only these are sent then.
    """

    provider: str = Field(pattern=r"^[a-z][a-z0-9-]{1,30}$")
    url: Address
    method: Literal["POST"] = "POST"
    headers: dict[str, str] = {}
    timeout_s: float = Field(20, gt=0, le=120)
    rate: float = Field(gt=0, le=10_000)
    connections: int = Field(1, ge=1, le=50)
    batch: int = Field(1, ge=1, le=1000)
    templates: dict[str, dict[Language, Word]] = {}
    body: dict[str, Any]
    messages: dict[str, Any] | None = None
    answer: AnswerForm
    query: QueryForm | None = None

    @model_validator(mode="after")
    def _consistent(self) -> "GatewayForm":
        for fault in chain(self._placeholders(), self._shape(), self._open_secrets()):
            raise ValueError(fault)
        return self

    def _shape(self) -> Iterator[str]:
        places = [where for where, text in body.texts(self.body, "body") if "messages" in text and "{{" in text]
        if self.messages is not None and len(places) != 1:
            yield "body: {{ messages }} stands in one place"
        if self.uses("template_id") != bool(self.templates):
            yield "templates: goes with {{ template_id }}, and only then"
        if self.query and not ("call_id" in self.asks() and self.uses("call_id")):
            yield "query.body: asks by {{ call_id }}, which body must send too; by phone alone others would be found"
        if self.query and not ("phone" in self.asks() or self.query.answer.phone):
            yield "query: asks by {{ phone }}, or names answer.phone; a call may hold several messages"

    def _placeholders(self) -> Iterator[str]:
        if (self.messages is None) != (self.batch == 1):
            yield "messages: goes with a batch of more than 1, and only then"
        one = body.MESSAGE | {"call_id"}
        if self.messages is None:
            yield from body.faults(self.body, "body", one)
        else:
            yield from body.faults(self.body, "body", frozenset({"call_id", "messages"}))
            yield from body.faults(self.messages, "messages", one)
        if self.query is not None:
            yield from body.faults(self.query.body, "query.body", body.QUESTION)

    def _open_secrets(self) -> Iterator[str]:
        for where, text in body.texts({"headers": self.headers, "body": self.body}, ""):
            if _NAMED_SECRET.search(where.rpartition(".")[2]) and not ("${" in text or "{{" in text):
                yield f"{where[1:]}: a secret stands in the file; write ${{NAME}} and set that environment variable"

    def uses(self, name: str) -> bool:
        """Tell whether a call sends a placeholder."""
        return any(name in body.names(text) for _, text in body.texts([self.body, self.messages], ""))

    def asks(self) -> set[str]:
        """Return the placeholders of the question."""
        asked = self.query.body if self.query else {}
        return {name for _, text in body.texts(asked, "") for name in body.names(text)}

    @property
    def secrets(self) -> set[str]:
        """The environment variables that are needed."""
        return body.secrets_of([self.headers, self.body, self.messages, self.query and self.query.body])


def read_gateway(path: Path) -> GatewayForm:
    """Read and check the file of a gateway.

    Raises:
        BadGatewayFile: with file, key and what is wrong with it.
    """
    try:
        return GatewayForm.model_validate(read_yaml(path))
    except YamlRefused as error:
        where = say(f"YAML 第 {error.line} 行", f"YAML, line {error.line}") if error.line else "-"
        raise BadGatewayFile(str(path), where, error.problem) from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        at = ".".join(map(str, first["loc"]))
        said = first["msg"].removeprefix("Value error, ")
        key, told, problem = said.partition(": ")  # ours begin with the key
        whole = at or not told
        raise BadGatewayFile(str(path), (at or "-") if whole else key, said if whole else problem) from None


def _once(*lists: tuple[str, ...]) -> None:
    twice = [code for code, times in Counter(code for each in lists for code in each).items() if times > 1]
    if twice:
        raise ValueError(f"code {twice[0]} stands twice")
